//! Counts events while they are in time order, then brings those of each group together.

use std::ops::Range;

use super::calendar::{self, Calendar, Hour};
use super::model::{Counts, DayStats, Population};
use super::parallel::parallel;
use super::statistics::{self, Observation as _};
use crate::event::duration::RunDuration;
use crate::event::table::rows::{PackedRow, Row, for_each_row};
use crate::event::table::{Chunk, ChunkRows, SeriesKey};
use crate::event::timestamp::{MICROS_PER_SECOND, UNTIMED};

/// How many, and how long in all. Milliseconds are added as whole numbers, so that no order of
/// adding can change the sum.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub runs: u64,
    /// So many of them have no duration.
    pub unknown: u64,
    milliseconds: u64,
    pub fractional: f64,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.unknown += other.unknown;
        self.milliseconds += other.milliseconds;
        self.fractional += other.fractional;
    }

    #[expect(clippy::cast_precision_loss, reason = "285 thousand years")]
    pub fn seconds(&self) -> f64 {
        self.milliseconds as f64 / 1000.0 + self.fractional
    }

    #[expect(clippy::cast_precision_loss, reason = "2^53 runs are out of reach")]
    pub fn mean(&self) -> Option<f64> {
        let known = self.runs - self.unknown;
        (known > 0).then(|| self.seconds() / known as f64)
    }
}

/// What a thread needs to look at sheets.
pub struct Scratch {
    /// Of each kind, in all sheets.
    pub tallies: Vec<Tally>,
    series: Vec<ChunkCount>,
    groups: Vec<ChunkCount>,
    /// Which sheet it is that is looked at.
    generation: u32,
    /// The series that are in it.
    series_present: Vec<u32>,
    /// The groups that are in it.
    met: Vec<ChunkGroup>,
    packed: Vec<PackedRow>,
    full: Vec<Row>,
}

/// A kind or a group in the sheet of that generation; in others, it was not met yet.
#[derive(Clone, Copy, Default)]
struct ChunkCount {
    generation: u32,
    /// Which of the groups it is, or is in.
    met: u32,
    runs: u32,
    milliseconds: u64,
}

/// A group that has rows in the sheet.
struct ChunkGroup {
    group: u32,
    /// Where its next row goes.
    place: u32,
    /// Of its last row, from the sheet's base on.
    second: u64,
}

impl Scratch {
    /// Of no row: no step leads on from it.
    const NO_SECOND: u64 = u64::MAX >> 1;

    pub fn new(series: usize, groups: usize) -> Self {
        Self {
            tallies: vec![Tally::default(); series],
            series: vec![ChunkCount::default(); series],
            groups: vec![ChunkCount::default(); groups],
            generation: 0,
            series_present: Vec::new(),
            met: Vec::new(),
            packed: Vec::new(),
            full: Vec::new(),
        }
    }

    /// Counts the rows of each kind and of each group, beside what it returns.
    fn count(&mut self, sheet: &Chunk, group_of: &[u32], calendar: &Calendar<'_>) -> ChunkCounts {
        let mut hours = HourCounter { calendar, hour: Hour::NONE, runs: 0, counts: [[0; 24]; 7] };
        let mut fractional = Vec::new();
        self.generation += 1;
        self.series_present.clear();
        for_each_row!(row in sheet.rows.view() => {
            let kind = &mut self.series[row.series as usize];
            if kind.generation != self.generation {
                *kind = ChunkCount { generation: self.generation, ..ChunkCount::default() };
                self.series_present.push(row.series);
            }
            kind.runs += 1;
            match RunDuration::decode(row.duration, &sheet.exact) {
                RunDuration::Milliseconds(milliseconds) => kind.milliseconds += u64::from(milliseconds),
                duration => fractional.push((row.series, duration.seconds())),
            }
            if !hours.hour.contains(row.micros) {
                hours.advance(row.micros);
            }
            hours.runs += 1;
        });
        hours.advance(UNTIMED);

        self.met.clear();
        for &kind in &self.series_present {
            let group = group_of[kind as usize];
            let kind = kind as usize;
            let in_sheet = &mut self.groups[group as usize];
            if in_sheet.generation != self.generation {
                let met = u32::try_from(self.met.len()).unwrap_or(u32::MAX);
                *in_sheet = ChunkCount { generation: self.generation, met, ..ChunkCount::default() };
                self.met.push(ChunkGroup { group, place: 0, second: Self::NO_SECOND });
            }
            let of_kind = &mut self.series[kind];
            of_kind.met = in_sheet.met;
            self.met[of_kind.met as usize].place += of_kind.runs;
            self.tallies[kind].runs += u64::from(of_kind.runs);
            self.tallies[kind].milliseconds += of_kind.milliseconds;
        }
        ChunkCounts { hours: hours.counts, fractional, runs: Vec::new() }
    }

    /// Brings the rows of each group together, in their order, once they are counted.
    fn group(&mut self, sheet: &mut Chunk) -> Vec<Segment> {
        let mut place = 0;
        for met in &mut self.met {
            place += std::mem::replace(&mut met.place, place);
        }
        let mut runs = Vec::new();
        let Self { series, met, packed, full, .. } = self;
        let met_of = |kind: u32| series[kind as usize].met as usize;
        match &mut sheet.rows {
            ChunkRows::Packed(base, rows) => {
                packed.clear();
                packed.extend_from_slice(rows);
                let mut second = 0;
                for row in &*packed {
                    second += row.delta();
                    let met = &mut met[met_of(row.series())];
                    let mut step = second.wrapping_sub(met.second);
                    if step > PackedRow::MAX_DELTA {
                        let base = *base + second.cast_signed() * MICROS_PER_SECOND;
                        runs.push(Segment { group: met.group, start: met.place, base });
                        step = 0;
                    }
                    rows[met.place as usize] = row.with_delta(step);
                    met.place += 1;
                    met.second = second;
                }
            }
            ChunkRows::Full(rows) => {
                runs.extend(met.iter().map(|met| Segment { group: met.group, start: met.place, base: 0 }));
                full.clear();
                full.extend_from_slice(rows);
                for row in &*full {
                    let met = &mut met[met_of(row.series)];
                    rows[met.place as usize] = *row;
                    met.place += 1;
                }
            }
        }
        runs.sort_unstable_by_key(|run| run.start);
        runs
    }
}

/// Counts events by weekday and hour.
struct HourCounter<'a> {
    calendar: &'a Calendar<'a>,
    hour: Hour,
    /// In this hour, not yet counted.
    runs: u64,
    counts: [[u64; 24]; 7],
}

impl HourCounter<'_> {
    /// To the hour of another event; those without a moment are counted nowhere.
    #[cold]
    #[inline(never)]
    fn advance(&mut self, micros: i64) {
        let runs = std::mem::take(&mut self.runs);
        if self.hour != Hour::NONE {
            self.counts[self.hour.weekday()][self.hour.of_day] += runs;
        }
        self.hour = if micros == UNTIMED { Hour::NONE } else { self.calendar.hour(micros) };
    }
}

/// Rows of one group that follow each other in a sheet, up to where the next ones begin.
#[derive(Clone, Copy)]
pub struct Segment {
    pub group: u32,
    pub start: u32,
    /// Of packed rows: what the first one's step is counted from.
    pub base: i64,
}

/// What is counted in a sheet while its rows still are in time order, beside the tallies.
pub struct ChunkCounts {
    pub hours: [[u64; 24]; 7],
    /// (kind, seconds) that no whole number can add up: they wait to be added in time order. Without seconds, runs
    /// whose duration is not known.
    pub fractional: Vec<(u32, Option<f64>)>,
    /// Where the rows of each group are, once they are together.
    pub runs: Vec<Segment>,
}

/// Counts a sheet, then brings the rows of each group together, in their order.
pub fn group(
    sheet: &mut Chunk,
    group_of: &[u32],
    calendar: &Calendar<'_>,
    scratch: &mut Scratch,
) -> ChunkCounts {
    let mut counted = scratch.count(sheet, group_of, calendar);
    counted.runs = scratch.group(sheet);
    counted
}

/// Time on the clock during which at least one run was going on, of chunks in time order. An event without a time is in
/// none.
#[expect(clippy::cast_precision_loss, reason = "2^53 microseconds are 285 years")]
pub fn seconds_covered(chunks: &[Chunk]) -> f64 {
    // Towards the past, in the order of the runs' ends: of the time before an end, those after it cover all from the
    // earliest of their starts on.
    let (mut covered, mut earliest) = (0_i64, i64::MAX);
    for chunk in chunks.iter().rev() {
        chunk.rows.view().newest_first().for_each(|row| {
            if row.micros == UNTIMED {
                return;
            }
            let start = match RunDuration::decode(row.duration, &chunk.exact) {
                RunDuration::Milliseconds(milliseconds) => row.micros - i64::from(milliseconds) * 1000,
                RunDuration::Seconds(seconds) => row.micros - to_micros(seconds),
                RunDuration::Unknown => return,
            };
            if start < earliest {
                covered += row.micros.min(earliest) - start;
                earliest = start;
            }
        });
    }
    covered as f64 / 1e6
}

#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, which is what is wanted")]
fn to_micros(seconds: f64) -> i64 {
    /// 18 thousand years: sums of these and of any time of four digits stay in range.
    const MAX: i64 = 1 << 59;
    ((seconds * 1e6).round() as i64).min(MAX)
}

/// Rows of one day in a sheet.
struct DayRows {
    day: i64,
    sheet: usize,
    places: Range<usize>,
}

impl DayRows {
    /// Of all days of a sheet, in order.
    fn all(number: usize, sheet: &Chunk, calendar: &Calendar<'_>) -> Vec<Self> {
        let mut days: Vec<Self> = Vec::new();
        let mut hour = Hour::NONE;
        for (place, row) in sheet.rows.view().iter().enumerate() {
            if row.micros == UNTIMED {
                continue;
            }
            if !hour.contains(row.micros) {
                hour = calendar.hour(row.micros);
                if days.last().is_none_or(|last| last.day != hour.day) {
                    days.push(Self { day: hour.day, sheet: number, places: place..place });
                }
            }
            if let Some(last) = days.last_mut() {
                last.places.end = place + 1;
            }
        }
        days
    }
}

/// Counts and medians of each day, whatever the target.
pub fn days(
    threads: usize,
    sheets: &[Chunk],
    calendar: &Calendar<'_>,
    series: &[SeriesKey],
    shown: Population,
) -> Vec<DayStats> {
    let mut numbered: Vec<_> = sheets.iter().enumerate().collect();
    let parts =
        parallel(threads, &mut numbered, || (), |(), (number, sheet)| DayRows::all(*number, sheet, calendar))
            .0;
    let parts: Vec<DayRows> = parts.into_iter().flatten().collect();
    let mut days: Vec<&[DayRows]> = parts.chunk_by(|one, next| one.day == next.day).collect();
    let scratch = || (Vec::new(), Vec::new());
    parallel(threads, &mut days, scratch, |(values, fractional), parts| {
        values.clear();
        fractional.clear();
        let mut counts = Counts::default();
        for DayRows { sheet, places, .. } in *parts {
            let sheet = &sheets[*sheet];
            for_each_row!(row in sheet.rows.view().part(0, places.clone()) => {
                let outcome = series[row.series as usize].outcome;
                counts.add(outcome, 1);
                if shown.has(outcome) {
                    match RunDuration::decode(row.duration, &sheet.exact) {
                        RunDuration::Milliseconds(milliseconds) => values.push(milliseconds),
                        RunDuration::Seconds(seconds) => fractional.push(seconds),
                        RunDuration::Unknown => (),
                    }
                }
            });
        }
        let median = if fractional.is_empty() {
            statistics::median(values)
        } else {
            fractional.extend(values.iter().map(|value| value.seconds()));
            statistics::median(fractional)
        };
        DayStats { date: calendar::date(parts[0].day), counts, median }
    })
    .0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::table::chunk::{ChunkBuilder, MAX_ROWS};
    use fastrand::Rng;

    #[test]
    fn grouped_rows_are_those_that_there_were() {
        let mut rng = Rng::with_seed(9);
        let group_of: Vec<u32> = (0..40).map(|kind| kind % 7).collect();
        for round in 0..60 {
            // Steps of all sizes; and in every third round, times that make rows full.
            let mut packer = ChunkBuilder::new(MAX_ROWS);
            let mut micros = 0;
            for _ in 0..300 {
                let step = [1, 1, 30_000, 90_000][rng.usize(..4)];
                micros += i64::try_from(rng.usize(..step)).unwrap() * MICROS_PER_SECOND;
                let fraction = i64::from(round % 3 == 0);
                let milliseconds = u32::try_from(rng.usize(..1000)).unwrap();
                let kind = u32::try_from(rng.usize(..40)).unwrap();
                packer.push(micros + fraction, RunDuration::Milliseconds(milliseconds), kind);
            }
            let mut chunks = packer.finish();
            let calendar = Calendar::new(&|_| 0, 0, 0);
            let mut scratch = Scratch::new(40, 7);
            for sheet in &mut chunks {
                let before: Vec<Row> = sheet.rows.view().iter().collect();
                let ChunkCounts { hours, runs, .. } = group(sheet, &group_of, &calendar, &mut scratch);
                assert_eq!(hours.iter().flatten().sum::<u64>(), before.len() as u64);
                let mut after = vec![Vec::new(); 7];
                let ends = runs.iter().skip(1).map(|next| next.start as usize).chain([before.len()]);
                for (run, end) in runs.iter().zip(ends) {
                    let rows = sheet.rows.view().part(run.base, run.start as usize..end);
                    after[run.group as usize].extend(rows.iter());
                    assert_eq!(
                        rows.newest_first().collect::<Vec<_>>(),
                        rows.iter().collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>()
                    );
                }
                for (group, after) in (0..).zip(after) {
                    let of_group = |row: &&Row| group_of[row.series as usize] == group;
                    assert_eq!(after, before.iter().filter(of_group).copied().collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn time_on_the_clock_is_the_union_of_all_runs() {
        let mut random = Rng::with_seed(21);
        for round in 0..200 {
            // Sparse, crowded, nested; in small chunks; some durations finer than a millisecond.
            let (span, longest) = [(100_000, 30), (2_000, 300), (500, 3_000)][round % 3];
            let mut ends: Vec<i32> = (0..80).map(|_| random.i32(0..span)).collect();
            ends.sort_unstable();
            let mut chunks = ChunkBuilder::new(7);
            chunks.push(UNTIMED, RunDuration::Milliseconds(50_000_000), 0);
            let mut intervals = Vec::new();
            for end in ends {
                let finer = if round % 4 == 0 { 0.000_000_5 } else { 0.0 };
                let seconds = f64::from(random.i32(0..longest)) + finer;
                chunks.push(i64::from(end) * MICROS_PER_SECOND, RunDuration::from_seconds(seconds), 0);
                intervals.push((f64::from(end) - seconds, f64::from(end)));
            }
            intervals.sort_by(|one, other| one.0.total_cmp(&other.0));
            let (mut expected, mut until) = (0.0, f64::MIN);
            for (start, end) in intervals {
                expected += (end - start.max(until)).max(0.0);
                until = until.max(end);
            }
            let found = seconds_covered(&chunks.finish());
            assert!((found - expected).abs() < 1e-3, "{found} is not {expected}");
        }
        assert!(seconds_covered(&[]).abs() <= 0.0);
    }
}

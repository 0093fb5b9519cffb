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

/// What a thread needs to count chunks.
pub struct Scratch {
    /// Of each series, in all chunks.
    pub tallies: Vec<Tally>,
    series: Vec<ChunkCount>,
    groups: Vec<ChunkCount>,
    /// The number of the chunk that is being counted.
    generation: u32,
    /// The series that are in it.
    series_present: Vec<u32>,
    /// The groups that are in it.
    groups_present: Vec<ChunkGroup>,
    packed: Vec<PackedRow>,
    full: Vec<Row>,
}

/// What was counted of a series or a group in the chunk of that generation. In any other chunk it is out of date.
#[derive(Clone, Copy, Default)]
struct ChunkCount {
    generation: u32,
    /// Which of [`Scratch::groups_present`] it is, or is in.
    group_index: u32,
    runs: u32,
    milliseconds: u64,
}

/// A group that has rows in the chunk.
struct ChunkGroup {
    group: u32,
    /// Where its next row goes.
    place: u32,
    /// Of its last row, from the chunk's base on.
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
            groups_present: Vec::new(),
            packed: Vec::new(),
            full: Vec::new(),
        }
    }

    /// Counts the rows of each series and of each group, beside what it returns.
    fn count(&mut self, chunk: &Chunk, group_of: &[u32], calendar: &Calendar<'_>) -> ChunkCounts {
        let mut hours = HourCounter { calendar, hour: Hour::NONE, runs: 0, counts: [[0; 24]; 7] };
        let mut fractional = Vec::new();
        self.generation += 1;
        self.series_present.clear();
        for_each_row!(row in chunk.rows.view() => {
            let count = &mut self.series[row.series as usize];
            if count.generation != self.generation {
                *count = ChunkCount { generation: self.generation, ..ChunkCount::default() };
                self.series_present.push(row.series);
            }
            count.runs += 1;
            match RunDuration::decode(row.duration, &chunk.exact) {
                RunDuration::Milliseconds(milliseconds) => count.milliseconds += u64::from(milliseconds),
                duration => fractional.push((row.series, duration.seconds())),
            }
            if !hours.hour.contains(row.micros) {
                hours.advance(row.micros);
            }
            hours.runs += 1;
        });
        hours.advance(UNTIMED);

        self.groups_present.clear();
        for &series in &self.series_present {
            let group = group_of[series as usize];
            let of_group = &mut self.groups[group as usize];
            if of_group.generation != self.generation {
                let group_index = u32::try_from(self.groups_present.len()).unwrap_or(u32::MAX);
                *of_group = ChunkCount { generation: self.generation, group_index, ..ChunkCount::default() };
                self.groups_present.push(ChunkGroup { group, place: 0, second: Self::NO_SECOND });
            }
            let count = &mut self.series[series as usize];
            count.group_index = of_group.group_index;
            self.groups_present[count.group_index as usize].place += count.runs;
            let tally = &mut self.tallies[series as usize];
            tally.runs += u64::from(count.runs);
            tally.milliseconds += count.milliseconds;
        }
        ChunkCounts { hours: hours.counts, fractional, runs: Vec::new() }
    }

    /// Brings the rows of each group together, in their order, once they are counted.
    fn group(&mut self, chunk: &mut Chunk) -> Vec<Segment> {
        let mut place = 0;
        for group in &mut self.groups_present {
            place += std::mem::replace(&mut group.place, place);
        }
        let mut runs = Vec::new();
        let Self { series, groups_present, packed, full, .. } = self;
        let index_of = |row_series: u32| series[row_series as usize].group_index as usize;
        match &mut chunk.rows {
            ChunkRows::Packed(base, rows) => {
                packed.clear();
                packed.extend_from_slice(rows);
                let mut second = 0;
                for row in &*packed {
                    second += row.delta();
                    let group = &mut groups_present[index_of(row.series())];
                    let mut step = second.wrapping_sub(group.second);
                    if step > PackedRow::MAX_DELTA {
                        let base = *base + second.cast_signed() * MICROS_PER_SECOND;
                        runs.push(Segment { group: group.group, start: group.place, base });
                        step = 0;
                    }
                    rows[group.place as usize] = row.with_delta(step);
                    group.place += 1;
                    group.second = second;
                }
            }
            ChunkRows::Full(rows) => {
                runs.extend(groups_present.iter().map(|it| Segment {
                    group: it.group,
                    start: it.place,
                    base: 0,
                }));
                full.clear();
                full.extend_from_slice(rows);
                for row in &*full {
                    let group = &mut groups_present[index_of(row.series)];
                    rows[group.place as usize] = *row;
                    group.place += 1;
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

/// Rows of one group that follow each other in a chunk, up to where the next ones begin.
#[derive(Clone, Copy)]
pub struct Segment {
    pub group: u32,
    pub start: u32,
    /// Of packed rows: what the first one's step is counted from.
    pub base: i64,
}

/// What is counted in a chunk while its rows still are in time order, beside the tallies.
pub struct ChunkCounts {
    pub hours: [[u64; 24]; 7],
    /// (series, seconds) that no whole number can add up: they wait to be added in time order. Without seconds, runs
    /// whose duration is not known.
    pub fractional: Vec<(u32, Option<f64>)>,
    /// Where the rows of each group are, once they are together.
    pub runs: Vec<Segment>,
}

/// Counts a chunk, then brings the rows of each group together, in their order.
pub fn group(
    chunk: &mut Chunk,
    group_of: &[u32],
    calendar: &Calendar<'_>,
    scratch: &mut Scratch,
) -> ChunkCounts {
    let mut counted = scratch.count(chunk, group_of, calendar);
    counted.runs = scratch.group(chunk);
    counted
}

/// Time on the clock during which at least one run was going on, of chunks in time order. Of a run without a time nobody
/// knows that it was beside another, so it counts as one that was not.
#[expect(clippy::cast_precision_loss, reason = "2^53 microseconds are 285 years")]
pub fn seconds_covered(threads: usize, chunks: &mut [Chunk]) -> f64 {
    let (alone, _) = parallel(threads, chunks, || (), |(), chunk| Covered::of(chunk, i64::MIN));
    let (mut covered, mut earliest) = (0, i64::MAX);
    for (chunk, alone) in chunks.iter().zip(alone).rev() {
        // Later chunks cover all time from the earliest of their starts on, as far as this one goes.
        covered += alone.micros - Covered::of(chunk, earliest).micros;
        earliest = earliest.min(alone.earliest);
    }
    let without_time = chunks.iter().flat_map(Chunk::iter).take_while(|(row, _)| row.micros == UNTIMED);
    covered as f64 / 1e6 + without_time.filter_map(|(_, duration)| duration.seconds()).sum::<f64>()
}

struct Covered {
    micros: i64,
    /// The earliest start of a run, in microseconds since 1970.
    earliest: i64,
}

impl Covered {
    /// The time from a moment on that the runs of a chunk cover.
    fn of(chunk: &Chunk, from: i64) -> Self {
        // Towards the past, in the order of the runs' ends: of the time before an end, those after it cover all from the
        // earliest of their starts on. Rows without a time come last.
        let mut covered = Self { micros: 0, earliest: i64::MAX };
        for (row, duration) in chunk.newest_first().take_while(|(row, _)| row.micros > from) {
            let start = match duration {
                RunDuration::Milliseconds(milliseconds) => row.micros - i64::from(milliseconds) * 1000,
                RunDuration::Seconds(seconds) => row.micros - to_micros(seconds),
                RunDuration::Unknown => continue,
            };
            let start = start.max(from);
            if start < covered.earliest {
                covered.micros += row.micros.min(covered.earliest) - start;
                covered.earliest = start;
            }
        }
        covered
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, which is what is wanted")]
fn to_micros(seconds: f64) -> i64 {
    /// 18 thousand years: sums of these and of any time of four digits stay in range.
    const MAX: i64 = 1 << 59;
    ((seconds * 1e6).round() as i64).min(MAX)
}

/// Rows of one day in a chunk.
struct DayRows {
    day: i64,
    chunk: usize,
    places: Range<usize>,
}

impl DayRows {
    /// Of all days of a chunk, in order.
    fn all(number: usize, chunk: &Chunk, calendar: &Calendar<'_>) -> Vec<Self> {
        let mut days: Vec<Self> = Vec::new();
        let mut hour = Hour::NONE;
        for (place, row) in chunk.rows.view().iter().enumerate() {
            if row.micros == UNTIMED {
                continue;
            }
            if !hour.contains(row.micros) {
                hour = calendar.hour(row.micros);
                if days.last().is_none_or(|last| last.day != hour.day) {
                    days.push(Self { day: hour.day, chunk: number, places: place..place });
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
    chunks: &[Chunk],
    calendar: &Calendar<'_>,
    series: &[SeriesKey],
    shown: Population,
) -> Vec<DayStats> {
    let mut numbered: Vec<_> = chunks.iter().enumerate().collect();
    let parts =
        parallel(threads, &mut numbered, || (), |(), (number, chunk)| DayRows::all(*number, chunk, calendar))
            .0;
    let parts: Vec<DayRows> = parts.into_iter().flatten().collect();
    let mut days: Vec<&[DayRows]> = parts.chunk_by(|one, next| one.day == next.day).collect();
    let scratch = || (Vec::new(), Vec::new());
    parallel(threads, &mut days, scratch, |(values, fractional), parts| {
        values.clear();
        fractional.clear();
        let mut counts = Counts::default();
        for DayRows { chunk, places, .. } in *parts {
            let chunk = &chunks[*chunk];
            for_each_row!(row in chunk.rows.view().part(0, places.clone()) => {
                let outcome = series[row.series as usize].outcome;
                counts.add(outcome, 1);
                if shown.has(outcome) {
                    match RunDuration::decode(row.duration, &chunk.exact) {
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
        let group_of: Vec<u32> = (0..40).map(|series| series % 7).collect();
        for round in 0..60 {
            // Steps of all sizes; and in every third round, times that make rows full.
            let mut packer = ChunkBuilder::new(MAX_ROWS);
            let mut micros = 0;
            for _ in 0..300 {
                let step = [1, 1, 30_000, 90_000][rng.usize(..4)];
                micros += i64::try_from(rng.usize(..step)).unwrap() * MICROS_PER_SECOND;
                let fraction = i64::from(round % 3 == 0);
                let milliseconds = u32::try_from(rng.usize(..1000)).unwrap();
                let series = u32::try_from(rng.usize(..40)).unwrap();
                packer.push(micros + fraction, RunDuration::Milliseconds(milliseconds), series);
            }
            let mut chunks = packer.finish();
            let calendar = Calendar::new(&|_| 0, 0, 0);
            let mut scratch = Scratch::new(40, 7);
            for chunk in &mut chunks {
                let before: Vec<Row> = chunk.rows.view().iter().collect();
                let ChunkCounts { hours, runs, .. } = group(chunk, &group_of, &calendar, &mut scratch);
                assert_eq!(hours.iter().flatten().sum::<u64>(), before.len() as u64);
                let mut after = vec![Vec::new(); 7];
                let ends = runs.iter().skip(1).map(|next| next.start as usize).chain([before.len()]);
                for (run, end) in runs.iter().zip(ends) {
                    let rows = chunk.rows.view().part(run.base, run.start as usize..end);
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
            let (mut expected, mut until) = (50_000.0, f64::MIN);
            for (start, end) in intervals {
                expected += (end - start.max(until)).max(0.0);
                until = until.max(end);
            }
            let found = seconds_covered(1 + round % 2, &mut chunks.finish());
            assert!((found - expected).abs() < 1e-3, "{found} is not {expected}");
        }
        assert!(seconds_covered(2, &mut []).abs() <= 0.0);
    }
}

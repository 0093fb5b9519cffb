//! Chunks: rows in time order, packed where that is possible.

use super::rows::{PackedRow, Row, Rows};
use crate::event::duration::RunDuration;
use crate::event::timestamp::{MICROS_PER_SECOND, UNTIMED};

/// Rows in time order.
#[derive(Debug)]
pub struct Chunk {
    pub rows: ChunkRows,
    /// The time of the last row, in microseconds, or [`UNTIMED`]. Adding up the deltas of all rows would take long.
    last: i64,
    /// The durations that are no whole number of milliseconds, see [`RunDuration::encode`].
    pub exact: Vec<f64>,
}

#[derive(Clone, Debug)]
pub enum ChunkRows {
    /// With the moment, in microseconds, from which the first row's delta counts.
    Packed(i64, Vec<PackedRow>),
    Full(Vec<Row>),
}

impl ChunkRows {
    pub fn view(&self) -> Rows<'_> {
        match self {
            Self::Packed(base, rows) => Rows::Packed(*base, rows),
            Self::Full(rows) => Rows::Full(rows),
        }
    }
}

impl Chunk {
    pub fn len(&self) -> usize {
        self.rows.view().len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (Row, RunDuration)> {
        self.rows.view().iter().map(|row| (row, RunDuration::decode(row.duration, &self.exact)))
    }

    /// The last row first.
    pub fn newest_first(&self) -> impl Iterator<Item = (Row, RunDuration)> {
        let rows = self.rows.view().newest_first_from(self.last);
        rows.map(|row| (row, RunDuration::decode(row.duration, &self.exact)))
    }

    /// The times of the first and the last row; [`UNTIMED`] if they have none.
    pub fn ends(&self) -> Option<(i64, i64)> {
        Some((self.rows.view().first()?.micros, self.last))
    }

    /// The first and the last time that a row has, in microseconds.
    pub fn period(&self) -> Option<(i64, i64)> {
        let (_, last) = self.ends().filter(|&(_, last)| last != UNTIMED)?;
        // Rows without a time come first.
        let first = self.rows.view().iter().find(|row| row.micros != UNTIMED)?;
        Some((first.micros, last))
    }

    /// Puts the rows of all these chunks in time order. Rows of the same moment stay in the order given.
    pub fn merge(chunks: Vec<Self>) -> Vec<Self> {
        let mut exact = Vec::new();
        let mut rows: Vec<Row> = Vec::with_capacity(chunks.iter().map(Self::len).sum());
        for chunk in chunks {
            rows.extend(
                chunk.iter().map(|(row, duration)| Row { duration: duration.encode(&mut exact), ..row }),
            );
        }
        rows.sort_by_key(|row| row.micros);
        let mut merged = ChunkBuilder::new(MAX_ROWS);
        for row in rows {
            merged.push(row.micros, RunDuration::decode(row.duration, &exact), row.series);
        }
        merged.finish()
    }
}

/// A larger chunk does not fit into a processor's cache while it is built.
pub const MAX_ROWS: usize = 1 << 14;

/// A chunk costs as much memory as some rows. After this many packed rows, a gap begins a new chunk.
const MIN_PACKED: usize = 64;

/// Collects rows in chunks.
pub struct ChunkBuilder {
    max_rows: usize,
    chunks: Vec<Chunk>,
    /// The rows of the chunk at hand; the others are empty.
    packed: Vec<PackedRow>,
    full: Vec<Row>,
    exact: Vec<f64>,
    /// Of packed rows: the second of the first and of the last one. Without packed rows, the last one is so early that
    /// no delta leads on from it.
    first_second: i64,
    last_second: i64,
    /// Of full rows: whether they are in time order, and whether they could be packed if they were.
    is_sorted: bool,
    is_packable: bool,
}

impl ChunkBuilder {
    const NO_SECOND: i64 = i64::MIN;

    pub fn new(max_rows: usize) -> Self {
        Self {
            max_rows,
            chunks: Vec::new(),
            packed: Vec::new(),
            full: Vec::new(),
            exact: Vec::new(),
            first_second: 0,
            last_second: Self::NO_SECOND,
            is_sorted: true,
            is_packable: true,
        }
    }

    /// Adds an event. The time is in microseconds, or [`UNTIMED`].
    pub fn push(&mut self, micros: i64, duration: RunDuration, series: u32) {
        if micros % MICROS_PER_SECOND == 0 {
            self.push_second(micros / MICROS_PER_SECOND, duration, series);
        } else {
            self.push_full(micros, duration, series);
        }
    }

    /// Adds an event of a whole second since 1970.
    #[expect(clippy::inline_always, reason = "measured: a call costs a tenth of a line")]
    #[inline(always)]
    pub fn push_second(&mut self, second: i64, duration: RunDuration, series: u32) {
        let delta = second.wrapping_sub(self.last_second).cast_unsigned();
        if delta > PackedRow::MAX_DELTA
            || series > PackedRow::MAX_SERIES
            || self.packed.len() >= self.max_rows
        {
            return self.push_slowly(second, duration, series);
        }
        self.last_second = second;
        let duration = duration.encode(&mut self.exact);
        self.packed.push(PackedRow::new(delta, series, duration));
    }

    /// Adds an event that may not be packed right behind the one before.
    #[inline(never)]
    fn push_slowly(&mut self, second: i64, duration: RunDuration, series: u32) {
        let rows = self.packed.len();
        if rows >= self.max_rows || second > self.last_second && rows >= MIN_PACKED {
            self.end_chunk();
        }
        if self.packed.is_empty() && self.full.is_empty() && series <= PackedRow::MAX_SERIES {
            (self.first_second, self.last_second) = (second, second);
            let duration = duration.encode(&mut self.exact);
            self.packed.push(PackedRow::new(0, series, duration));
        } else {
            self.push_full(second * MICROS_PER_SECOND, duration, series);
        }
    }

    /// Adds an event whose chunk cannot be packed, or not before it is sorted.
    #[inline(never)]
    pub fn push_full(&mut self, micros: i64, duration: RunDuration, series: u32) {
        if self.full.len() >= self.max_rows {
            self.end_chunk();
        }
        if !self.packed.is_empty() {
            let base = self.first_second * MICROS_PER_SECOND;
            self.full.extend(Rows::Packed(base, &self.packed).iter());
            self.packed.clear();
            self.last_second = Self::NO_SECOND;
        }
        self.is_sorted &= self.full.last().is_none_or(|last| last.micros <= micros);
        self.is_packable &= micros % MICROS_PER_SECOND == 0 && series <= PackedRow::MAX_SERIES;
        let duration = duration.encode(&mut self.exact);
        self.full.push(Row { micros, duration, series });
    }

    /// The chunks of all rows since the last call.
    pub fn finish(&mut self) -> Vec<Chunk> {
        self.end_chunk();
        std::mem::take(&mut self.chunks)
    }

    fn end_chunk(&mut self) {
        if !self.is_sorted {
            self.full.sort_by_key(|row| row.micros);
            self.is_sorted = true;
            if self.is_packable {
                // They were not packed only because of their order.
                let (rows, exact) = (std::mem::take(&mut self.full), std::mem::take(&mut self.exact));
                for row in rows {
                    self.push(row.micros, RunDuration::decode(row.duration, &exact), row.series);
                }
            }
        }
        let ended = if let Some(last) = self.full.last() {
            Some((ChunkRows::Full(self.full.clone()), last.micros))
        } else if self.packed.is_empty() {
            None
        } else {
            let base = self.first_second * MICROS_PER_SECOND;
            Some((ChunkRows::Packed(base, self.packed.clone()), self.last_second * MICROS_PER_SECOND))
        };
        self.chunks.extend(ended.map(|(rows, last)| Chunk { rows, last, exact: self.exact.clone() }));
        self.packed.clear();
        self.full.clear();
        self.exact.clear();
        self.last_second = Self::NO_SECOND;
        self.is_packable = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;

    /// The next event after one at this moment: mostly some seconds later, or whatever else there is.
    fn next(rng: &mut Rng, micros: &mut i64, odd: usize) -> (i64, RunDuration, u32) {
        let number = |rng: &mut Rng, below: usize| i64::try_from(rng.usize(..below)).unwrap();
        let is_odd = rng.usize(..1000) < odd;
        match if is_odd { rng.usize(..6) } else { 6 } {
            0 => *micros += number(rng, 2_000_000),
            1 => *micros -= number(rng, 3) * MICROS_PER_SECOND,
            2 => *micros += (65_530 + number(rng, 10)) * MICROS_PER_SECOND,
            3 => *micros += number(rng, 4_000_000) * MICROS_PER_SECOND,
            _ => *micros += number(rng, 30) * MICROS_PER_SECOND,
        }
        let moment = if is_odd && rng.usize(..8) == 0 { UNTIMED } else { *micros };
        let series = if is_odd && rng.usize(..4) == 0 { 65_530 + rng.usize(..10) } else { rng.usize(..7) };
        let milliseconds = u32::try_from(rng.usize(..1_000_000)).unwrap();
        let length = match rng.usize(..50) {
            0 => RunDuration::Seconds(f64::from(milliseconds) / 1e6 + 1e-9),
            1 => RunDuration::Seconds(3e6 + f64::from(milliseconds)),
            _ => RunDuration::Milliseconds(milliseconds),
        };
        (moment, length, u32::try_from(series).unwrap())
    }

    /// What was pushed is in the chunks, each of which is in time order.
    #[track_caller]
    fn case(seed: u64, odd: usize, max_rows: usize) -> (usize, usize) {
        let mut rng = Rng::with_seed(seed);
        let mut builder = ChunkBuilder::new(max_rows);
        let mut micros = 1_700_000_000 * MICROS_PER_SECOND;
        let mut pushed = Vec::new();
        for _ in 0..5_000 {
            let (micros, duration, series) = next(&mut rng, &mut micros, odd);
            builder.push(micros, duration, series);
            pushed.push((micros, duration, series));
        }
        let chunks = builder.finish();
        let mut read: Vec<(i64, RunDuration, u32)> = Vec::new();
        for chunk in &chunks {
            let start = read.len();
            chunk.iter().for_each(|(row, duration)| read.push((row.micros, duration, row.series)));
            let rows = &read[start..];
            assert!(rows.is_sorted_by_key(|&(micros, ..)| micros) && rows.len() <= max_rows + 1);
            assert_eq!(chunk.ends(), Some((rows[0].0, rows[rows.len() - 1].0)));
            let mut one_by_one = chunk.iter();
            assert!(rows.iter().all(|&(micros, ..)| one_by_one.next().unwrap().0.micros == micros));
            let newest_first = chunk.newest_first().map(|(row, _)| row.micros);
            assert!(newest_first.eq(rows.iter().rev().map(|&(micros, ..)| micros)));
            assert!(chunk.rows.view().newest_first().eq(chunk.newest_first().map(|(row, _)| row)));
        }
        // Rows of the same moment are in the order in which they were pushed.
        pushed.sort_by_key(|&(micros, ..)| micros);
        read.sort_by_key(|&(micros, ..)| micros);
        assert!(read == pushed);
        (chunks.len(), full(&chunks))
    }

    fn full(chunks: &[Chunk]) -> usize {
        chunks.iter().filter(|chunk| matches!(chunk.rows, ChunkRows::Full(_))).count()
    }

    #[test]
    fn chunks_hold_the_rows_that_were_pushed_in_time_order() {
        let mut all = (0, 0);
        for seed in 0..40 {
            for (odd, max_rows) in
                [(0, 100_000), (5, 100_000), (100, 100_000), (5, 100), (300, 1000), (1000, 64)]
            {
                let (chunks, full) = case(seed, odd, max_rows);
                all = (all.0 + chunks, all.1 + full);
            }
        }
        let (chunks, full) = all;
        assert!(chunks > 2000 && full > 1000 && chunks - full > 100, "{chunks} {full}");
    }

    #[test]
    fn whole_seconds_in_the_wrong_order_are_sorted_and_packed() {
        let mut builder = ChunkBuilder::new(MAX_ROWS);
        for second in [5, 4, 9, 7, 8] {
            builder.push(second * MICROS_PER_SECOND, RunDuration::Milliseconds(1), 0);
        }
        assert_eq!(full(&builder.finish()), 0);
    }

    #[test]
    fn a_long_gap_begins_a_new_packed_chunk() {
        let mut builder = ChunkBuilder::new(MAX_ROWS);
        for day in 0..10 {
            for second in 0..500 {
                builder.push((day * 200_000 + second) * MICROS_PER_SECOND, RunDuration::Milliseconds(1), 0);
            }
        }
        let chunks = builder.finish();
        assert_eq!((chunks.len(), full(&chunks)), (10, 0));
    }
}

//! Events in as few bytes as they need, in chunks that are in time order.
//!
//! ```text
//! packed   delta: 16 | series: 16 | duration: 32                 whole seconds since the row before
//! full     micros: 64                 series: 32 | duration: 32
//! ```
//!
//! The log that we write has whole seconds, so its rows are packed. The rows of a chunk are full if a time in it
//! is finer, missing or far from the one before, or if there are more series than sixteen bits can count.

use std::ops::Range;

use crate::event::duration::RunDuration;
use crate::event::timestamp::{MICROS_PER_SECOND, UNTIMED};

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Since 1970, UTC.
    pub micros: i64,
    /// Milliseconds below [`EXACT_TAG`]; above, the place of an exact value beside the rows.
    pub duration: u32,
    /// The place in [`super::table::Table::series`].
    pub series: u32,
}

/// The greatest delta, and the greatest series, of a packed row.
const MOST: u32 = 0xffff;

/// A packed row, so many seconds after the one before.
#[derive(Clone, Copy, Debug, Default)]
pub struct PackedRow(u64);

impl PackedRow {
    /// The greatest number of seconds that a row can be after another.
    pub const MAX_DELTA: u64 = MOST as u64;

    fn new(delta: u64, series: u32, duration: u32) -> Self {
        Self(delta << 48 | u64::from(series) << 32 | u64::from(duration))
    }

    pub fn delta(self) -> u64 {
        self.0 >> 48
    }

    /// The same row, so many seconds after another one.
    pub fn with_delta(self, delta: u64) -> Self {
        Self(delta << 48 | self.0 & (u64::MAX >> 16))
    }

    pub fn series(self) -> u32 {
        (self.0 >> 32) as u32 & MOST
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low half")]
    pub fn duration(self) -> u32 {
        self.0 as u32
    }

    #[inline]
    pub fn at(self, micros: i64) -> Row {
        Row { micros, duration: self.duration(), series: self.series() }
    }
}

/// Rows of a chunk that follow each other.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// With the moment, in microseconds, that the first one's delta is counted from.
    Packed(i64, &'a [PackedRow]),
    Full(&'a [Row]),
}

impl<'a> Rows<'a> {
    pub fn len(self) -> usize {
        match self {
            Self::Packed(_, rows) => rows.len(),
            Self::Full(rows) => rows.len(),
        }
    }

    pub fn iter(self) -> Iter<'a> {
        match self {
            Self::Packed(base, rows) => Iter::Packed(base, rows.iter()),
            Self::Full(rows) => Iter::Full(rows.iter()),
        }
    }

    /// The newest first.
    pub fn newest_first(self) -> impl Iterator<Item = Row> + 'a {
        let (mut micros, packed, full) = match self {
            Self::Packed(base, rows) => (moment_after(base, rows), rows, &[][..]),
            Self::Full(rows) => (0, &[][..], rows),
        };
        let packed = packed.iter().rev().map(move |row| {
            let this = row.at(micros);
            micros -= seconds(row.delta());
            this
        });
        packed.chain(full.iter().rev().copied())
    }

    pub fn first(self) -> Option<Row> {
        self.iter().next()
    }

    /// Those from one place on and before another, whose first delta is counted from `base`.
    pub fn part(self, base: i64, places: Range<usize>) -> Self {
        match self {
            Self::Packed(_, rows) => Self::Packed(base, &rows[places]),
            Self::Full(rows) => Self::Full(&rows[places]),
        }
    }
}

/// A loop over [`Rows`] whose body is compiled once for each way of keeping them: an iterator that asks at each row
/// costs half as much as what is done with it.
macro_rules! for_each_row {
    ($row:ident in $rows:expr => $body:block) => {
        match $rows {
            $crate::event::table::rows::Rows::Packed(base, rows) => {
                let mut micros = base;
                for row in rows {
                    micros += $crate::event::table::rows::seconds(row.delta());
                    let $row = row.at(micros);
                    $body
                }
            }
            $crate::event::table::rows::Rows::Full(rows) => {
                for &$row in rows {
                    $body
                }
            }
        }
    };
}
pub(crate) use for_each_row;

/// When the last of these rows was.
fn moment_after(base: i64, rows: &[PackedRow]) -> i64 {
    base + seconds(rows.iter().map(|row| row.delta()).sum())
}

/// In microseconds.
#[inline]
pub fn seconds(delta: u64) -> i64 {
    delta.cast_signed() * MICROS_PER_SECOND
}

pub enum Iter<'a> {
    Packed(i64, std::slice::Iter<'a, PackedRow>),
    Full(std::slice::Iter<'a, Row>),
}

impl Iterator for Iter<'_> {
    type Item = Row;

    #[inline]
    fn next(&mut self) -> Option<Row> {
        match self {
            Self::Packed(micros, rows) => {
                let row = rows.next()?;
                *micros += seconds(row.delta());
                Some(row.at(*micros))
            }
            Self::Full(rows) => rows.next().copied(),
        }
    }

    /// Asks only once how the rows are kept.
    #[inline]
    fn fold<B, F: FnMut(B, Row) -> B>(self, start: B, mut with: F) -> B {
        match self {
            Self::Packed(mut micros, rows) => rows.fold(start, |all, row| {
                micros += seconds(row.delta());
                with(all, row.at(micros))
            }),
            Self::Full(rows) => rows.copied().fold(start, with),
        }
    }
}

/// Rows of one chunk, to be moved about.
#[derive(Debug)]
pub enum RowsMut<'a> {
    Packed(i64, &'a mut [PackedRow]),
    Full(&'a mut [Row]),
}

impl RowsMut<'_> {
    pub fn get(&self) -> Rows<'_> {
        match self {
            Self::Packed(base, rows) => Rows::Packed(*base, rows),
            Self::Full(rows) => Rows::Full(rows),
        }
    }

    pub fn to_owned(&self) -> Owned {
        match self {
            Self::Packed(_, rows) => Owned::Packed(rows.to_vec()),
            Self::Full(rows) => Owned::Full(rows.to_vec()),
        }
    }

    /// Takes back what [`RowsMut::to_owned`] gave.
    pub fn copy_from(&mut self, rows: &Owned) {
        match (self, rows) {
            (Self::Packed(_, to), Owned::Packed(from)) => to.copy_from_slice(from),
            (Self::Full(to), Owned::Full(from)) => to.copy_from_slice(from),
            _ => unreachable!("a sheet's rows are kept in one way"),
        }
    }
}

/// A copy of rows.
pub enum Owned {
    Packed(Vec<PackedRow>),
    Full(Vec<Row>),
}

/// Where rows are; each piece of memory holds some chunks.
#[derive(Debug, Default)]
pub struct Slabs {
    packed: Vec<Vec<PackedRow>>,
    full: Vec<Vec<Row>>,
}

/// Rows that were read together, in time order.
#[derive(Debug, Default)]
pub struct Chunk {
    is_full: bool,
    /// Which slab they are in, and where.
    slab: usize,
    place: Range<usize>,
    /// What the first packed row's delta is counted from, in microseconds.
    base: i64,
    /// Of the last row.
    pub last: i64,
    /// The exact values of durations that are finer than a millisecond.
    pub exact: Vec<f64>,
}

/// The rows of one chunk.
#[derive(Debug)]
pub struct Sheet<'a> {
    pub rows: RowsMut<'a>,
    pub exact: &'a [f64],
}

impl Chunk {
    pub fn len(&self) -> usize {
        self.place.len()
    }

    /// Leaves out so many rows at the start.
    pub fn skip(&mut self, count: usize, slabs: &Slabs) {
        if let Rows::Packed(base, rows) = slabs.rows(self) {
            self.base = moment_after(base, &rows[..count]);
        }
        self.place.start += count;
    }

    /// Leaves only so many rows at the start.
    pub fn truncate(&mut self, count: usize, slabs: &Slabs) {
        self.place.end = self.place.start + count;
        self.last = slabs.rows(self).newest_first().next().map_or(UNTIMED, |row| row.micros);
    }
}

impl Slabs {
    pub fn rows(&self, chunk: &Chunk) -> Rows<'_> {
        let place = chunk.place.clone();
        if chunk.is_full {
            Rows::Full(&self.full[chunk.slab][place])
        } else {
            Rows::Packed(chunk.base, &self.packed[chunk.slab][place])
        }
    }

    /// The rows of these chunks, to work on.
    pub fn sheets<'a>(&'a mut self, chunks: &'a [Chunk]) -> Vec<Sheet<'a>> {
        let mut packed = Cut::of(&mut self.packed);
        let mut full = Cut::of(&mut self.full);
        let mut in_slabs: Vec<usize> = (0..chunks.len()).collect();
        in_slabs.sort_by_key(|&chunk| (chunks[chunk].slab, chunks[chunk].place.start));
        let mut sheets: Vec<(usize, Sheet<'_>)> = Vec::with_capacity(chunks.len());
        for at in in_slabs {
            let chunk = &chunks[at];
            let rows = if chunk.is_full {
                RowsMut::Full(full.take(chunk))
            } else {
                RowsMut::Packed(chunk.base, packed.take(chunk))
            };
            sheets.push((at, Sheet { rows, exact: &chunk.exact }));
        }
        sheets.sort_by_key(|&(chunk, _)| chunk);
        sheets.into_iter().map(|(_, sheet)| sheet).collect()
    }

    /// Adds others, and says where a chunk of theirs is now.
    pub fn append(&mut self, others: Self) -> impl Fn(Chunk) -> Chunk + use<> {
        let (packed, full) = (self.packed.len(), self.full.len());
        self.packed.extend(others.packed);
        self.full.extend(others.full);
        move |chunk| {
            let first = if chunk.is_full { full } else { packed };
            Chunk { slab: first + chunk.slab, ..chunk }
        }
    }
}

/// What is remaining of slabs that are cut into chunks, front to back.
struct Cut<'a, T>(Vec<(usize, &'a mut [T])>);

impl<'a, T> Cut<'a, T> {
    fn of(slabs: &'a mut [Vec<T>]) -> Self {
        Self(slabs.iter_mut().map(|slab| (0, slab.as_mut_slice())).collect())
    }

    fn take(&mut self, chunk: &Chunk) -> &'a mut [T] {
        let Chunk { slab, place, .. } = chunk;
        let (start, rows) = std::mem::take(&mut self.0[*slab]);
        let (rows, rest) = rows[place.start - start..].split_at_mut(place.len());
        self.0[*slab] = (place.end, rest);
        rows
    }
}

/// Gives room for rows: some capacity, and no row.
pub trait Room: Sync {
    fn packed(&self) -> Vec<PackedRow>;
    fn full(&self) -> Vec<Row>;
}

/// Room for so many rows at a time.
pub struct RoomOf(pub usize);

impl Room for RoomOf {
    fn packed(&self) -> Vec<PackedRow> {
        Vec::with_capacity(self.0)
    }

    fn full(&self) -> Vec<Row> {
        Vec::with_capacity(self.0)
    }
}

/// Puts rows down in chunks.
pub struct ChunkBuilder<'a> {
    room: &'a dyn Room,
    filled: Slabs,
    packed: Vec<PackedRow>,
    full: Vec<Row>,
    /// Of the chunk at hand: where it begins in either, whether it is a full one, and its base in seconds.
    start: usize,
    is_full: bool,
    base: i64,
    /// The second of its last row; if it is full or has none, so early that no delta leads on from it.
    second: i64,
    /// Of a full one: whether it is in time order, and whether its rows could be packed if it was.
    in_order: bool,
    may_be_packed: bool,
    exact: Vec<f64>,
    chunks: Vec<Chunk>,
}

impl<'a> ChunkBuilder<'a> {
    const NONE: i64 = i64::MIN;

    pub fn new(room: &'a dyn Room) -> Self {
        Self {
            room,
            filled: Slabs::default(),
            packed: room.packed(),
            full: Vec::new(),
            start: 0,
            is_full: false,
            base: 0,
            second: Self::NONE,
            in_order: true,
            may_be_packed: true,
            exact: Vec::new(),
            chunks: Vec::new(),
        }
    }

    /// How many rows the chunk at hand has.
    pub fn len(&self) -> usize {
        let end = if self.is_full { self.full.len() } else { self.packed.len() };
        end - self.start
    }

    /// Adds an event of a whole second since 1970.
    #[expect(clippy::inline_always, reason = "measured: a call costs a tenth of a line")]
    #[inline(always)]
    pub fn push_second(&mut self, second: i64, length: RunDuration, series: u32) {
        let delta = second.wrapping_sub(self.second).cast_unsigned();
        if delta > PackedRow::MAX_DELTA || series > MOST || self.packed.len() == self.packed.capacity() {
            return self.push_anywhere(second * MICROS_PER_SECOND, length, series);
        }
        self.second = second;
        let duration = length.encode(&mut self.exact);
        self.packed.push(PackedRow::new(delta, series, duration));
    }

    pub fn push(&mut self, micros: i64, length: RunDuration, series: u32) {
        if micros != UNTIMED && micros % MICROS_PER_SECOND == 0 {
            self.push_second(micros / MICROS_PER_SECOND, length, series);
        } else {
            self.push_anywhere(micros, length, series);
        }
    }

    /// Adds a row that does not simply go on from the last one.
    #[inline(never)]
    fn push_anywhere(&mut self, micros: i64, length: RunDuration, series: u32) {
        /// A chunk costs as much as some rows; so many are worth one of their own, to stay packed.
        const ENOUGH: usize = 64;
        let is_packable = micros != UNTIMED && micros % MICROS_PER_SECOND == 0 && series <= MOST;
        let second = micros.div_euclid(MICROS_PER_SECOND);
        if !self.is_full && is_packable {
            let has_no_room = self.packed.len() == self.packed.capacity();
            let goes_on = second.wrapping_sub(self.second).cast_unsigned() <= PackedRow::MAX_DELTA;
            if (second > self.second && self.len() >= ENOUGH) || (has_no_room && goes_on) {
                self.end_chunk();
            }
            if self.len() == 0 {
                if has_no_room {
                    let filled = std::mem::replace(&mut self.packed, self.room.packed());
                    self.filled.packed.push(filled);
                    self.packed.reserve(1);
                    self.start = 0;
                }
                (self.base, self.second) = (second, second);
                let duration = length.encode(&mut self.exact);
                return self.packed.push(PackedRow::new(0, series, duration));
            }
        }
        if !self.is_full {
            self.unpack();
        }
        if self.full.len() == self.full.capacity() {
            self.end_chunk();
            self.unpack();
        }
        self.may_be_packed &= is_packable;
        self.in_order &= self.full[self.start..].last().is_none_or(|last| last.micros <= micros);
        let duration = length.encode(&mut self.exact);
        self.full.push(Row { micros, duration, series });
    }

    /// Makes the chunk at hand a full one, with room for one more row.
    fn unpack(&mut self) {
        let count = self.len();
        if self.full.capacity() - self.full.len() <= count {
            let filled = std::mem::replace(&mut self.full, self.room.full());
            self.filled.full.push(filled);
            self.full.reserve(count + 1);
        }
        let start = self.full.len();
        self.full.extend(Rows::Packed(self.base * MICROS_PER_SECOND, &self.packed[self.start..]).iter());
        self.packed.truncate(self.start);
        (self.start, self.is_full, self.second) = (start, true, Self::NONE);
    }

    pub fn end_chunk(&mut self) {
        if self.is_full {
            let rows = &mut self.full[self.start..];
            if !self.in_order {
                rows.sort_by_key(|row| row.micros);
            }
            if self.may_be_packed {
                self.pack_again();
            }
        }
        if self.len() > 0 {
            let last = match self.full.last() {
                Some(row) if self.is_full => row.micros,
                _ => self.second * MICROS_PER_SECOND,
            };
            let (slab, end) = if self.is_full {
                (self.filled.full.len(), self.full.len())
            } else {
                (self.filled.packed.len(), self.packed.len())
            };
            self.chunks.push(Chunk {
                is_full: self.is_full,
                slab,
                place: self.start..end,
                base: self.base * MICROS_PER_SECOND,
                last,
                exact: std::mem::take(&mut self.exact),
            });
        }
        self.start = self.packed.len();
        (self.is_full, self.second) = (false, Self::NONE);
        (self.in_order, self.may_be_packed) = (true, true);
    }

    /// Rows that were full only because they came in the wrong order.
    fn pack_again(&mut self) {
        let rows = &self.full[self.start..];
        let is_near = |pair: &[Row]| pair[1].micros - pair[0].micros <= seconds(PackedRow::MAX_DELTA);
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
        if self.packed.capacity() - self.packed.len() < rows.len() || !rows.windows(2).all(is_near) {
            return;
        }
        (self.base, self.second) = (first.micros / MICROS_PER_SECOND, last.micros / MICROS_PER_SECOND);
        let start = self.packed.len();
        let mut before = first.micros;
        self.packed.extend(rows.iter().map(|row| {
            let delta = (row.micros - before) / MICROS_PER_SECOND;
            before = row.micros;
            PackedRow::new(delta.cast_unsigned(), row.series, row.duration)
        }));
        self.full.truncate(self.start);
        (self.start, self.is_full) = (start, false);
    }

    /// The chunks that have ended since this was last asked.
    pub fn take_chunks(&mut self) -> Vec<Chunk> {
        self.end_chunk();
        std::mem::take(&mut self.chunks)
    }

    /// How many rows there are in all, for tests.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.chunks.iter().map(Chunk::len).sum::<usize>() + self.len()
    }

    /// The last row of the chunk at hand, for tests.
    #[cfg(test)]
    pub fn last(&self) -> Option<(Row, RunDuration)> {
        let row = if self.is_full {
            *self.full.last()?
        } else {
            self.packed.last()?.at(self.second * MICROS_PER_SECOND)
        };
        Some((row, RunDuration::decode(row.duration, &self.exact)))
    }

    /// Where the rows of all chunks are, once the last one is taken.
    pub fn slabs(mut self) -> Slabs {
        self.filled.packed.push(self.packed);
        self.filled.full.push(self.full);
        self.filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::parse::tests::Chance;

    #[test]
    fn lengths_are_exact() {
        for seconds in [0.0, 0.001, 1.005, 12.346, 2_147_483.647, 2_147_483.648, -1.5, 1e300, 0.1 + 0.2] {
            assert!((RunDuration::from_seconds(seconds).seconds() - seconds).abs() <= 0.0, "{seconds}");
        }
        assert_eq!(RunDuration::from_seconds(1.005), RunDuration::Milliseconds(1005));
        assert_eq!(RunDuration::from_seconds(0.0004), RunDuration::Seconds(0.0004));
    }

    /// The next event after one at this moment: mostly some seconds later, or whatever else there is.
    fn next(chance: &mut Chance, micros: &mut i64, odd: usize) -> (i64, RunDuration, u32) {
        let number = |chance: &mut Chance, below: usize| i64::try_from(chance.below(below)).unwrap();
        let is_odd = chance.below(1000) < odd;
        match if is_odd { chance.below(6) } else { 6 } {
            0 => *micros += number(chance, 2_000_000),
            1 => *micros -= number(chance, 3) * MICROS_PER_SECOND,
            2 => *micros += (65_530 + number(chance, 10)) * MICROS_PER_SECOND,
            3 => *micros += number(chance, 4_000_000) * MICROS_PER_SECOND,
            _ => *micros += number(chance, 30) * MICROS_PER_SECOND,
        }
        let moment = if is_odd && chance.below(8) == 0 { UNTIMED } else { *micros };
        let series = if is_odd && chance.below(4) == 0 { 65_530 + chance.below(10) } else { chance.below(7) };
        let milliseconds = u32::try_from(chance.below(1_000_000)).unwrap();
        let length = match chance.below(50) {
            0 => RunDuration::Seconds(f64::from(milliseconds) / 1e6 + 1e-9),
            1 => RunDuration::Seconds(3e6 + f64::from(milliseconds)),
            _ => RunDuration::Milliseconds(milliseconds),
        };
        (moment, length, u32::try_from(series).unwrap())
    }

    /// What was pushed is in the chunks, each of which is in time order.
    #[track_caller]
    fn case(seed: u64, odd: usize, room: usize) -> (usize, usize) {
        let mut chance = Chance(seed);
        let little = RoomOf(room);
        let mut packer = ChunkBuilder::new(&little);
        let mut micros = 1_700_000_000 * MICROS_PER_SECOND;
        let mut pushed = Vec::new();
        let mut chunks = Vec::new();
        for number in 0..5_000 {
            let (micros, length, series) = next(&mut chance, &mut micros, odd);
            packer.push(micros, length, series);
            pushed.push((micros, length, series));
            if number % 700 == 699 {
                chunks.extend(packer.take_chunks());
            }
        }
        chunks.extend(packer.take_chunks());
        let slabs = packer.slabs();
        let mut start = 0;
        for chunk in &chunks {
            let mut expected = pushed[start..start + chunk.len()].to_vec();
            expected.sort_by_key(|&(micros, ..)| micros);
            let read = |row: Row| (row.micros, RunDuration::decode(row.duration, &chunk.exact), row.series);
            let rows = slabs.rows(chunk);
            assert_eq!(rows.iter().map(read).collect::<Vec<_>>(), expected);
            let mut folded = Vec::new();
            rows.iter().for_each(|row| folded.push(read(row)));
            assert_eq!(folded, expected);
            assert_eq!(chunk.last, expected.last().unwrap().0);
            expected.reverse();
            assert_eq!(rows.newest_first().map(read).collect::<Vec<_>>(), expected);
            start += chunk.len();
        }
        assert_eq!(start, pushed.len());
        (chunks.len(), chunks.iter().filter(|chunk| chunk.is_full).count())
    }

    #[test]
    fn rows_are_what_was_pushed() {
        let mut all = (0, 0);
        for seed in 0..40 {
            for (odd, room) in [(0, 100_000), (5, 100_000), (100, 100_000), (5, 100), (300, 1000), (1000, 64)]
            {
                let (chunks, full) = case(seed, odd, room);
                all = (all.0 + chunks, all.1 + full);
            }
        }
        let (chunks, full) = all;
        assert!(chunks > 2000 && full > 1000 && chunks - full > 500, "{chunks} {full}");
    }

    #[test]
    fn whole_seconds_take_little_room_and_what_is_in_the_wrong_order_does_too() {
        let mut packer = ChunkBuilder::new(&RoomOf(100));
        for second in [5, 4, 9, 7, 8] {
            packer.push(second * MICROS_PER_SECOND, RunDuration::Milliseconds(1), 0);
        }
        assert_eq!(packer.take_chunks().iter().filter(|chunk| chunk.is_full).count(), 0);
    }

    #[test]
    fn a_gap_costs_a_chunk_and_not_wide_rows() {
        let mut packer = ChunkBuilder::new(&RoomOf(10_000));
        for day in 0..10 {
            for second in 0..500 {
                packer.push_second(day * 200_000 + second, RunDuration::Milliseconds(1), 0);
            }
        }
        let chunks = packer.take_chunks();
        assert_eq!((chunks.len(), chunks.iter().any(|chunk| chunk.is_full)), (10, false));
    }

    #[test]
    fn a_chunk_can_lose_rows_at_both_ends() {
        for fraction in [0, 1] {
            let mut packer = ChunkBuilder::new(&RoomOf(100));
            for second in [3, 7, 7, 12, 20] {
                packer.push(second * MICROS_PER_SECOND + fraction, RunDuration::Milliseconds(1), 0);
            }
            let chunks = packer.take_chunks();
            let slabs = packer.slabs();
            for mut chunk in chunks {
                let seconds = |chunk: &Chunk| {
                    slabs.rows(chunk).iter().map(|row| row.micros / MICROS_PER_SECOND).collect::<Vec<i64>>()
                };
                chunk.truncate(chunk.len().min(4), &slabs);
                chunk.skip(1, &slabs);
                assert_eq!((seconds(&chunk), chunk.last / MICROS_PER_SECOND), (vec![7, 7, 12], 12));
                // The first row was no delta away from anything; this one is.
                chunk.skip(1, &slabs);
                assert_eq!((seconds(&chunk), chunk.last / MICROS_PER_SECOND), (vec![7, 12], 12));
            }
        }
    }
}

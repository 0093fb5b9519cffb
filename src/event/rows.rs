//! Events in as few bytes as they need, in chunks that are in time order.
//!
//! ```text
//! narrow   step: 16 | kind: 16 | duration: 32                 whole seconds since the row before
//! wide     micros: 64                 kind: 32 | duration: 32
//! ```
//!
//! The log that we write has whole seconds, so its rows are narrow. The rows of a chunk are wide if a time in it
//! is finer, missing or far from the one before, or if there are more kinds than sixteen bits can count.

use std::ops::Range;

/// Of an event without a readable timestamp: it stands before all others.
pub const UNTIMED: i64 = i64::MIN;

/// In microseconds.
pub const SECOND: i64 = 1_000_000;

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Since 1970, UTC.
    pub micros: i64,
    /// Milliseconds below [`FINE`]; above, the place of an exact value beside the rows.
    pub duration: u32,
    /// The place in [`super::table::Table::kinds`].
    pub kind: u32,
}

const FINE: u32 = 1 << 31;

/// How long a run took: most durations are whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    Milliseconds(u32),
    Seconds(f64),
}

impl Length {
    pub fn seconds(self) -> f64 {
        match self {
            Self::Milliseconds(milliseconds) => f64::from(milliseconds) / 1000.0,
            Self::Seconds(seconds) => seconds,
        }
    }

    /// The exact whole number of milliseconds, if it is one and not out of the ordinary.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked right after")]
    pub fn of(seconds: f64) -> Self {
        let milliseconds = (seconds * 1000.0).round() as u32;
        let exact = Self::Milliseconds(milliseconds);
        #[expect(clippy::float_cmp, reason = "the same value, or it is kept as it is")]
        if milliseconds < FINE && exact.seconds() == seconds { exact } else { Self::Seconds(seconds) }
    }

    /// How a row says it that has these exact values beside it.
    pub fn put(self, fine: &mut Vec<f64>) -> u32 {
        match self {
            Self::Milliseconds(milliseconds) => milliseconds,
            Self::Seconds(seconds) => {
                fine.push(seconds);
                FINE | u32::try_from(fine.len() - 1).expect("fewer than 2^31 rows in a chunk")
            }
        }
    }

    /// Of a row with this duration, among these exact values.
    pub fn read(duration: u32, fine: &[f64]) -> Self {
        if duration < FINE {
            Self::Milliseconds(duration)
        } else {
            Self::Seconds(fine[(duration - FINE) as usize])
        }
    }
}

/// The greatest step, and the greatest kind, of a narrow row.
const MOST: u32 = 0xffff;

/// A narrow row, so many seconds after the one before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Narrow(u64);

impl Narrow {
    /// The greatest number of seconds that a row can be after another.
    pub const MOST_STEP: u64 = MOST as u64;

    fn new(step: u64, kind: u32, duration: u32) -> Self {
        Self(step << 48 | u64::from(kind) << 32 | u64::from(duration))
    }

    pub fn step(self) -> u64 {
        self.0 >> 48
    }

    /// The same row, so many seconds after another one.
    pub fn with_step(self, step: u64) -> Self {
        Self(step << 48 | self.0 & (u64::MAX >> 16))
    }

    pub fn kind(self) -> u32 {
        (self.0 >> 32) as u32 & MOST
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low half")]
    pub fn duration(self) -> u32 {
        self.0 as u32
    }

    #[inline]
    pub fn at(self, micros: i64) -> Row {
        Row { micros, duration: self.duration(), kind: self.kind() }
    }
}

/// Rows of a chunk that follow each other.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// With the moment, in microseconds, that the first one's step is counted from.
    Narrow(i64, &'a [Narrow]),
    Wide(&'a [Row]),
}

impl<'a> Rows<'a> {
    pub fn len(self) -> usize {
        match self {
            Self::Narrow(_, rows) => rows.len(),
            Self::Wide(rows) => rows.len(),
        }
    }

    pub fn iter(self) -> Iter<'a> {
        match self {
            Self::Narrow(base, rows) => Iter::Narrow(base, rows.iter()),
            Self::Wide(rows) => Iter::Wide(rows.iter()),
        }
    }

    /// The newest first.
    pub fn newest_first(self) -> impl Iterator<Item = Row> + 'a {
        let (mut micros, narrow, wide) = match self {
            Self::Narrow(base, rows) => (moment_after(base, rows), rows, &[][..]),
            Self::Wide(rows) => (0, &[][..], rows),
        };
        let narrow = narrow.iter().rev().map(move |row| {
            let this = row.at(micros);
            micros -= seconds(row.step());
            this
        });
        narrow.chain(wide.iter().rev().copied())
    }

    pub fn first(self) -> Option<Row> {
        self.iter().next()
    }

    /// Those from one place on and before another, whose first step is counted from `base`.
    pub fn part(self, base: i64, places: Range<usize>) -> Self {
        match self {
            Self::Narrow(_, rows) => Self::Narrow(base, &rows[places]),
            Self::Wide(rows) => Self::Wide(&rows[places]),
        }
    }
}

/// A loop over [`Rows`] whose body is compiled once for each way of keeping them: an iterator that asks at each row
/// costs half as much as what is done with it.
macro_rules! each_row {
    ($row:ident in $rows:expr => $body:block) => {
        match $rows {
            $crate::event::rows::Rows::Narrow(base, rows) => {
                let mut micros = base;
                for row in rows {
                    micros += $crate::event::rows::seconds(row.step());
                    let $row = row.at(micros);
                    $body
                }
            }
            $crate::event::rows::Rows::Wide(rows) => {
                for &$row in rows {
                    $body
                }
            }
        }
    };
}
pub(crate) use each_row;

/// When the last of these rows was.
fn moment_after(base: i64, rows: &[Narrow]) -> i64 {
    base + seconds(rows.iter().map(|row| row.step()).sum())
}

/// In microseconds.
#[inline]
pub fn seconds(step: u64) -> i64 {
    step.cast_signed() * SECOND
}

pub enum Iter<'a> {
    Narrow(i64, std::slice::Iter<'a, Narrow>),
    Wide(std::slice::Iter<'a, Row>),
}

impl Iterator for Iter<'_> {
    type Item = Row;

    #[inline]
    fn next(&mut self) -> Option<Row> {
        match self {
            Self::Narrow(micros, rows) => {
                let row = rows.next()?;
                *micros += seconds(row.step());
                Some(row.at(*micros))
            }
            Self::Wide(rows) => rows.next().copied(),
        }
    }

    /// Asks only once how the rows are kept.
    #[inline]
    fn fold<B, F: FnMut(B, Row) -> B>(self, start: B, mut with: F) -> B {
        match self {
            Self::Narrow(mut micros, rows) => rows.fold(start, |all, row| {
                micros += seconds(row.step());
                with(all, row.at(micros))
            }),
            Self::Wide(rows) => rows.copied().fold(start, with),
        }
    }
}

/// Rows of one chunk, to be moved about.
#[derive(Debug)]
pub enum RowsMut<'a> {
    Narrow(i64, &'a mut [Narrow]),
    Wide(&'a mut [Row]),
}

impl RowsMut<'_> {
    pub fn get(&self) -> Rows<'_> {
        match self {
            Self::Narrow(base, rows) => Rows::Narrow(*base, rows),
            Self::Wide(rows) => Rows::Wide(rows),
        }
    }

    pub fn to_owned(&self) -> Owned {
        match self {
            Self::Narrow(_, rows) => Owned::Narrow(rows.to_vec()),
            Self::Wide(rows) => Owned::Wide(rows.to_vec()),
        }
    }

    /// Takes back what [`RowsMut::to_owned`] gave.
    pub fn copy_from(&mut self, rows: &Owned) {
        match (self, rows) {
            (Self::Narrow(_, to), Owned::Narrow(from)) => to.copy_from_slice(from),
            (Self::Wide(to), Owned::Wide(from)) => to.copy_from_slice(from),
            _ => unreachable!("a sheet's rows are kept in one way"),
        }
    }
}

/// A copy of rows.
pub enum Owned {
    Narrow(Vec<Narrow>),
    Wide(Vec<Row>),
}

/// Where rows are; each piece of memory holds some chunks.
#[derive(Debug, Default)]
pub struct Slabs {
    narrow: Vec<Vec<Narrow>>,
    wide: Vec<Vec<Row>>,
}

/// Rows that were read together, in time order.
#[derive(Debug, Default)]
pub struct Chunk {
    is_wide: bool,
    /// Which slab they are in, and where.
    slab: usize,
    place: Range<usize>,
    /// What the first narrow row's step is counted from, in microseconds.
    base: i64,
    /// Of the last row.
    pub last: i64,
    /// The exact values of durations that are finer than a millisecond.
    pub fine: Vec<f64>,
}

/// The rows of one chunk.
#[derive(Debug)]
pub struct Sheet<'a> {
    pub rows: RowsMut<'a>,
    pub fine: &'a [f64],
}

impl Chunk {
    pub fn len(&self) -> usize {
        self.place.len()
    }

    /// Leaves out so many rows at the start.
    pub fn skip(&mut self, count: usize, slabs: &Slabs) {
        if let Rows::Narrow(base, rows) = slabs.rows(self) {
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
        if chunk.is_wide {
            Rows::Wide(&self.wide[chunk.slab][place])
        } else {
            Rows::Narrow(chunk.base, &self.narrow[chunk.slab][place])
        }
    }

    /// The rows of these chunks, to work on.
    pub fn sheets<'a>(&'a mut self, chunks: &'a [Chunk]) -> Vec<Sheet<'a>> {
        let mut narrow = Cut::of(&mut self.narrow);
        let mut wide = Cut::of(&mut self.wide);
        let mut in_slabs: Vec<usize> = (0..chunks.len()).collect();
        in_slabs.sort_by_key(|&chunk| (chunks[chunk].slab, chunks[chunk].place.start));
        let mut sheets: Vec<(usize, Sheet<'_>)> = Vec::with_capacity(chunks.len());
        for at in in_slabs {
            let chunk = &chunks[at];
            let rows = if chunk.is_wide {
                RowsMut::Wide(wide.take(chunk))
            } else {
                RowsMut::Narrow(chunk.base, narrow.take(chunk))
            };
            sheets.push((at, Sheet { rows, fine: &chunk.fine }));
        }
        sheets.sort_by_key(|&(chunk, _)| chunk);
        sheets.into_iter().map(|(_, sheet)| sheet).collect()
    }

    /// Adds others, and says where a chunk of theirs is now.
    pub fn append(&mut self, others: Self) -> impl Fn(Chunk) -> Chunk + use<> {
        let (narrow, wide) = (self.narrow.len(), self.wide.len());
        self.narrow.extend(others.narrow);
        self.wide.extend(others.wide);
        move |chunk| {
            let first = if chunk.is_wide { wide } else { narrow };
            Chunk { slab: first + chunk.slab, ..chunk }
        }
    }
}

/// What is left of slabs that are cut into chunks, front to back.
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
    fn narrow(&self) -> Vec<Narrow>;
    fn wide(&self) -> Vec<Row>;
}

/// Room for so many rows at a time.
pub struct RoomOf(pub usize);

impl Room for RoomOf {
    fn narrow(&self) -> Vec<Narrow> {
        Vec::with_capacity(self.0)
    }

    fn wide(&self) -> Vec<Row> {
        Vec::with_capacity(self.0)
    }
}

/// Puts rows down in chunks.
pub struct Packer<'a> {
    room: &'a dyn Room,
    full: Slabs,
    narrow: Vec<Narrow>,
    wide: Vec<Row>,
    /// Of the chunk at hand: where it begins in either, whether it is a wide one, and its base in seconds.
    start: usize,
    is_wide: bool,
    base: i64,
    /// The second of its last row; if it is wide or has none, so early that no step leads on from it.
    second: i64,
    /// Of a wide one: whether it is in time order, and whether its rows could be narrow if it was.
    in_order: bool,
    may_be_narrow: bool,
    fine: Vec<f64>,
    chunks: Vec<Chunk>,
}

impl<'a> Packer<'a> {
    const NONE: i64 = i64::MIN;

    pub fn new(room: &'a dyn Room) -> Self {
        Self {
            room,
            full: Slabs::default(),
            narrow: room.narrow(),
            wide: Vec::new(),
            start: 0,
            is_wide: false,
            base: 0,
            second: Self::NONE,
            in_order: true,
            may_be_narrow: true,
            fine: Vec::new(),
            chunks: Vec::new(),
        }
    }

    /// How many rows the chunk at hand has.
    pub fn len(&self) -> usize {
        let end = if self.is_wide { self.wide.len() } else { self.narrow.len() };
        end - self.start
    }

    /// Adds an event of a whole second since 1970.
    #[expect(clippy::inline_always, reason = "measured: a call costs a tenth of a line")]
    #[inline(always)]
    pub fn push_second(&mut self, second: i64, length: Length, kind: u32) {
        let step = second.wrapping_sub(self.second).cast_unsigned();
        if step > Narrow::MOST_STEP || kind > MOST || self.narrow.len() == self.narrow.capacity() {
            return self.push_anywhere(second * SECOND, length, kind);
        }
        self.second = second;
        let duration = length.put(&mut self.fine);
        self.narrow.push(Narrow::new(step, kind, duration));
    }

    pub fn push(&mut self, micros: i64, length: Length, kind: u32) {
        if micros != UNTIMED && micros % SECOND == 0 {
            self.push_second(micros / SECOND, length, kind);
        } else {
            self.push_anywhere(micros, length, kind);
        }
    }

    /// Adds a row that does not simply go on from the last one.
    #[inline(never)]
    fn push_anywhere(&mut self, micros: i64, length: Length, kind: u32) {
        /// A chunk costs as much as some rows; so many are worth one of their own, to stay narrow.
        const ENOUGH: usize = 64;
        let is_narrow = micros != UNTIMED && micros % SECOND == 0 && kind <= MOST;
        let second = micros.div_euclid(SECOND);
        if !self.is_wide && is_narrow {
            let is_full = self.narrow.len() == self.narrow.capacity();
            let goes_on = second.wrapping_sub(self.second).cast_unsigned() <= Narrow::MOST_STEP;
            if (second > self.second && self.len() >= ENOUGH) || (is_full && goes_on) {
                self.end_chunk();
            }
            if self.len() == 0 {
                if is_full {
                    let full = std::mem::replace(&mut self.narrow, self.room.narrow());
                    self.full.narrow.push(full);
                    self.narrow.reserve(1);
                    self.start = 0;
                }
                (self.base, self.second) = (second, second);
                let duration = length.put(&mut self.fine);
                return self.narrow.push(Narrow::new(0, kind, duration));
            }
        }
        if !self.is_wide {
            self.widen();
        }
        if self.wide.len() == self.wide.capacity() {
            self.end_chunk();
            self.widen();
        }
        self.may_be_narrow &= is_narrow;
        self.in_order &= self.wide[self.start..].last().is_none_or(|last| last.micros <= micros);
        let duration = length.put(&mut self.fine);
        self.wide.push(Row { micros, duration, kind });
    }

    /// Makes the chunk at hand a wide one, with room for one more row.
    fn widen(&mut self) {
        let count = self.len();
        if self.wide.capacity() - self.wide.len() <= count {
            let full = std::mem::replace(&mut self.wide, self.room.wide());
            self.full.wide.push(full);
            self.wide.reserve(count + 1);
        }
        let start = self.wide.len();
        self.wide.extend(Rows::Narrow(self.base * SECOND, &self.narrow[self.start..]).iter());
        self.narrow.truncate(self.start);
        (self.start, self.is_wide, self.second) = (start, true, Self::NONE);
    }

    pub fn end_chunk(&mut self) {
        if self.is_wide {
            let rows = &mut self.wide[self.start..];
            if !self.in_order {
                rows.sort_by_key(|row| row.micros);
            }
            if self.may_be_narrow {
                self.narrow_again();
            }
        }
        if self.len() > 0 {
            let last = match self.wide.last() {
                Some(row) if self.is_wide => row.micros,
                _ => self.second * SECOND,
            };
            let (slab, end) = if self.is_wide {
                (self.full.wide.len(), self.wide.len())
            } else {
                (self.full.narrow.len(), self.narrow.len())
            };
            self.chunks.push(Chunk {
                is_wide: self.is_wide,
                slab,
                place: self.start..end,
                base: self.base * SECOND,
                last,
                fine: std::mem::take(&mut self.fine),
            });
        }
        self.start = self.narrow.len();
        (self.is_wide, self.second) = (false, Self::NONE);
        (self.in_order, self.may_be_narrow) = (true, true);
    }

    /// Rows that were wide only because they came in the wrong order.
    fn narrow_again(&mut self) {
        let rows = &self.wide[self.start..];
        let is_near = |pair: &[Row]| pair[1].micros - pair[0].micros <= seconds(Narrow::MOST_STEP);
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
        if self.narrow.capacity() - self.narrow.len() < rows.len() || !rows.windows(2).all(is_near) {
            return;
        }
        (self.base, self.second) = (first.micros / SECOND, last.micros / SECOND);
        let start = self.narrow.len();
        let mut before = first.micros;
        self.narrow.extend(rows.iter().map(|row| {
            let step = (row.micros - before) / SECOND;
            before = row.micros;
            Narrow::new(step.cast_unsigned(), row.kind, row.duration)
        }));
        self.wide.truncate(self.start);
        (self.start, self.is_wide) = (start, false);
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
    pub fn last(&self) -> Option<(Row, Length)> {
        let row =
            if self.is_wide { *self.wide.last()? } else { self.narrow.last()?.at(self.second * SECOND) };
        Some((row, Length::read(row.duration, &self.fine)))
    }

    /// Where the rows of all chunks are, once the last one is taken.
    pub fn slabs(mut self) -> Slabs {
        self.full.narrow.push(self.narrow);
        self.full.wide.push(self.wide);
        self.full
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::parse::tests::Chance;

    #[test]
    fn lengths_are_exact() {
        for seconds in [0.0, 0.001, 1.005, 12.346, 2_147_483.647, 2_147_483.648, -1.5, 1e300, 0.1 + 0.2] {
            assert!((Length::of(seconds).seconds() - seconds).abs() <= 0.0, "{seconds}");
        }
        assert_eq!(Length::of(1.005), Length::Milliseconds(1005));
        assert_eq!(Length::of(0.0004), Length::Seconds(0.0004));
    }

    /// The next event after one at this moment: mostly some seconds later, or whatever else there is.
    fn next(chance: &mut Chance, micros: &mut i64, odd: usize) -> (i64, Length, u32) {
        let number = |chance: &mut Chance, below: usize| i64::try_from(chance.below(below)).unwrap();
        let is_odd = chance.below(1000) < odd;
        match if is_odd { chance.below(6) } else { 6 } {
            0 => *micros += number(chance, 2_000_000),
            1 => *micros -= number(chance, 3) * SECOND,
            2 => *micros += (65_530 + number(chance, 10)) * SECOND,
            3 => *micros += number(chance, 4_000_000) * SECOND,
            _ => *micros += number(chance, 30) * SECOND,
        }
        let moment = if is_odd && chance.below(8) == 0 { UNTIMED } else { *micros };
        let kind = if is_odd && chance.below(4) == 0 { 65_530 + chance.below(10) } else { chance.below(7) };
        let milliseconds = u32::try_from(chance.below(1_000_000)).unwrap();
        let length = match chance.below(50) {
            0 => Length::Seconds(f64::from(milliseconds) / 1e6 + 1e-9),
            1 => Length::Seconds(3e6 + f64::from(milliseconds)),
            _ => Length::Milliseconds(milliseconds),
        };
        (moment, length, u32::try_from(kind).unwrap())
    }

    /// What was pushed is in the chunks, each of which is in time order.
    #[track_caller]
    fn case(seed: u64, odd: usize, room: usize) -> (usize, usize) {
        let mut chance = Chance(seed);
        let little = RoomOf(room);
        let mut packer = Packer::new(&little);
        let mut micros = 1_700_000_000 * SECOND;
        let mut pushed = Vec::new();
        let mut chunks = Vec::new();
        for number in 0..5_000 {
            let (micros, length, kind) = next(&mut chance, &mut micros, odd);
            packer.push(micros, length, kind);
            pushed.push((micros, length, kind));
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
            let read = |row: Row| (row.micros, Length::read(row.duration, &chunk.fine), row.kind);
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
        (chunks.len(), chunks.iter().filter(|chunk| chunk.is_wide).count())
    }

    #[test]
    fn rows_are_what_was_pushed() {
        let mut all = (0, 0);
        for seed in 0..40 {
            for (odd, room) in [(0, 100_000), (5, 100_000), (100, 100_000), (5, 100), (300, 1000), (1000, 64)]
            {
                let (chunks, wide) = case(seed, odd, room);
                all = (all.0 + chunks, all.1 + wide);
            }
        }
        let (chunks, wide) = all;
        assert!(chunks > 2000 && wide > 1000 && chunks - wide > 500, "{chunks} {wide}");
    }

    #[test]
    fn whole_seconds_take_little_room_and_what_is_in_the_wrong_order_does_too() {
        let mut packer = Packer::new(&RoomOf(100));
        for second in [5, 4, 9, 7, 8] {
            packer.push(second * SECOND, Length::Milliseconds(1), 0);
        }
        assert_eq!(packer.take_chunks().iter().filter(|chunk| chunk.is_wide).count(), 0);
    }

    #[test]
    fn a_gap_costs_a_chunk_and_not_wide_rows() {
        let mut packer = Packer::new(&RoomOf(10_000));
        for day in 0..10 {
            for second in 0..500 {
                packer.push_second(day * 200_000 + second, Length::Milliseconds(1), 0);
            }
        }
        let chunks = packer.take_chunks();
        assert_eq!((chunks.len(), chunks.iter().any(|chunk| chunk.is_wide)), (10, false));
    }

    #[test]
    fn a_chunk_can_lose_rows_at_both_ends() {
        for fraction in [0, 1] {
            let mut packer = Packer::new(&RoomOf(100));
            for second in [3, 7, 7, 12, 20] {
                packer.push(second * SECOND + fraction, Length::Milliseconds(1), 0);
            }
            let chunks = packer.take_chunks();
            let slabs = packer.slabs();
            for mut chunk in chunks {
                let seconds = |chunk: &Chunk| {
                    slabs.rows(chunk).iter().map(|row| row.micros / SECOND).collect::<Vec<i64>>()
                };
                chunk.truncate(chunk.len().min(4), &slabs);
                chunk.skip(1, &slabs);
                assert_eq!((seconds(&chunk), chunk.last / SECOND), (vec![7, 7, 12], 12));
                // The first row was no step away from anything; this one is.
                chunk.skip(1, &slabs);
                assert_eq!((seconds(&chunk), chunk.last / SECOND), (vec![7, 12], 12));
            }
        }
    }
}

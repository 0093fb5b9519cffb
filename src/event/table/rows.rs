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

use crate::event::timestamp::MICROS_PER_SECOND;

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

/// A packed row, so many seconds after the one before.
#[derive(Clone, Copy, Debug, Default)]
pub struct PackedRow(u64);

impl PackedRow {
    /// The greatest number of seconds that a row can be after another.
    pub const MAX_DELTA: u64 = 0xffff;
    pub const MAX_SERIES: u32 = 0xffff;

    pub fn new(delta: u64, series: u32, duration: u32) -> Self {
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
        (self.0 >> 32) as u32 & Self::MAX_SERIES
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

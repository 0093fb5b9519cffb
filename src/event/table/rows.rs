//! The two forms of a row.
//!
//! ```text
//! packed   delta: 16 | series: 16 | duration: 32            the delta is in seconds, from the row before
//! full     micros: 64 | series: 32 | duration: 32
//! ```
//!
//! The log that tm-run writes has whole seconds, so its rows are packed. A chunk has full rows if one of its times has a
//! fraction, is missing or is far from the one before, or if there are more series than sixteen bits can count.

use std::ops::Range;

use crate::event::timestamp::MICROS_PER_SECOND;

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Since 1970, UTC; or [`UNTIMED`](crate::event::timestamp::UNTIMED).
    pub micros: i64,
    /// See [`RunDuration::encode`](crate::event::duration::RunDuration::encode).
    pub duration: u32,
    /// An index into [`super::Table::series`].
    pub series: u32,
}

/// An event in eight bytes, with its time relative to the row before.
#[derive(Clone, Copy, Debug, Default)]
pub struct PackedRow(u64);

impl PackedRow {
    /// In seconds.
    pub const MAX_DELTA: u64 = 0xffff;
    pub const MAX_SERIES: u32 = 0xffff;

    pub fn new(delta: u64, series: u32, duration: u32) -> Self {
        Self(delta << 48 | u64::from(series) << 32 | u64::from(duration))
    }

    pub fn delta(self) -> u64 {
        self.0 >> 48
    }

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

/// Neighbouring rows of a chunk.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// With the time, in microseconds, from which the first row's delta counts.
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

    pub fn newest_first(self) -> impl Iterator<Item = Row> + 'a {
        let last = match self {
            Self::Packed(base, rows) => base + to_micros(rows.iter().map(|row| row.delta()).sum()),
            Self::Full(_) => 0,
        };
        self.newest_first_from(last)
    }

    /// Does what [`Rows::newest_first`] does. The time of the last row, in microseconds, is known.
    pub fn newest_first_from(self, last: i64) -> impl Iterator<Item = Row> + 'a {
        let (packed, full) = match self {
            Self::Packed(_, rows) => (rows, &[][..]),
            Self::Full(rows) => (&[][..], rows),
        };
        let mut micros = last;
        let packed = packed.iter().rev().map(move |row| {
            let at = row.at(micros);
            micros -= to_micros(row.delta());
            at
        });
        packed.chain(full.iter().rev().copied())
    }

    pub fn first(self) -> Option<Row> {
        self.iter().next()
    }

    /// A part of them. The delta of the part's first row counts from `base`.
    pub fn part(self, base: i64, range: Range<usize>) -> Self {
        match self {
            Self::Packed(_, rows) => Self::Packed(base, &rows[range]),
            Self::Full(rows) => Self::Full(&rows[range]),
        }
    }
}

/// A loop over [`Rows`] whose body is compiled once for each form of row. With an iterator that checks the form at every
/// row, that check costs half as much as the body.
macro_rules! for_each_row {
    ($row:ident in $rows:expr => $body:block) => {
        match $rows {
            $crate::event::table::rows::Rows::Packed(base, rows) => {
                let mut micros = base;
                for row in rows {
                    micros += $crate::event::table::rows::to_micros(row.delta());
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

/// A delta in microseconds.
#[inline]
pub fn to_micros(delta: u64) -> i64 {
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
                *micros += to_micros(row.delta());
                Some(row.at(*micros))
            }
            Self::Full(rows) => rows.next().copied(),
        }
    }

    /// Checks the form of the rows only once.
    #[inline]
    fn fold<B, F: FnMut(B, Row) -> B>(self, start: B, mut with: F) -> B {
        match self {
            Self::Packed(mut micros, rows) => rows.fold(start, |all, row| {
                micros += to_micros(row.delta());
                with(all, row.at(micros))
            }),
            Self::Full(rows) => rows.copied().fold(start, with),
        }
    }
}

//! How many events there are, and from when to when: for those who need no more, nothing else is kept.

use super::parse::ParsedEvent;
use super::parse::scanner::{Scanner, Window};
use super::sink::{LineSink, Segment};

/// Counts lines. One per thread.
#[derive(Debug, Default)]
pub struct EventCounter {
    scanner: Scanner,
    segment: Segment,
    ends: TimeSpan,
}

/// First and last moment, microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSpan {
    pub first: i64,
    pub last: i64,
}

impl Default for TimeSpan {
    /// Of no event: the first is later than the last.
    fn default() -> Self {
        Self { first: i64::MAX, last: i64::MIN }
    }
}

impl TimeSpan {
    pub fn add(&mut self, other: Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    fn see(&mut self, micros: i64) {
        self.add(Self { first: micros, last: micros });
    }
}

impl LineSink for EventCounter {
    type Kept = TimeSpan;

    #[inline]
    fn canonical(&mut self, line: &Window, remaining: usize) -> Option<usize> {
        let parsed = self.scanner.canonical(line, remaining)?;
        self.ends.see(parsed.micros());
        self.segment.events += 1;
        self.segment.lines += 1;
        Some(parsed.bytes)
    }

    fn add(&mut self, event: &ParsedEvent<'_>) {
        self.segment.events += 1;
        if let Some(micros) = event.micros {
            self.ends.see(micros);
        }
    }

    fn segment(&mut self) -> &mut Segment {
        &mut self.segment
    }

    fn rows(&self) -> usize {
        0
    }

    fn take(&mut self) -> Segment {
        std::mem::take(&mut self.segment)
    }

    fn kept(self) -> TimeSpan {
        self.ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::parse::scanner::window;
    use crate::event::parse::tests::{Chance, damaged_line};
    use crate::event::table::rows::RoomOf;
    use crate::event::table::{Interner, ReadStats, TableBuilder};

    #[test]
    fn a_counter_counts_what_a_table_holds() {
        let mut chance = Chance(8);
        let names = Interner::default();
        let mut builder = TableBuilder::new(&names, &RoomOf(0));
        let mut counter = EventCounter::default();
        let mut by_layout = 0;
        for _ in 0..100_000 {
            let mut line = damaged_line(&mut chance);
            let end = line.len();
            line.push(b'\n');
            let found = counter.canonical(&window(&line), line.len());
            assert_eq!(
                found,
                builder.canonical(&window(&line), line.len()),
                "{}",
                String::from_utf8_lossy(&line)
            );
            if found.is_some() {
                by_layout += 1;
            } else {
                counter.line(&line[..end]);
                builder.line(&line[..end]);
            }
        }
        assert!(by_layout > 10_000, "{by_layout}");
        let (lines, segment) = (counter.take(), builder.take());
        let numbers = |segment: &Segment| {
            let unreadable = (segment.unreadable, segment.unreadable_lines.clone());
            (segment.events, segment.lines, segment.blank, unreadable)
        };
        assert_eq!(numbers(&lines), numbers(&segment));
        let slabs = builder.kept();
        let table = names.table(vec![(0, slabs)], vec![(0, segment)], ReadStats::default());
        let ends = counter.kept();
        let period = table.period().map(|(first, last)| (first.timestamp_micros(), last.timestamp_micros()));
        assert_eq!(period, Some((ends.first, ends.last)));
    }
}

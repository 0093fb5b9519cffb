//! How many events there are, and from when to when: for those who need no more, nothing else is kept.

use super::canonical::{Scanner, Window};
use super::parse::Fields;
use super::table::{Stretch, Take};

/// Counts lines. One per thread.
#[derive(Debug, Default)]
pub struct Counter {
    scanner: Scanner,
    stretch: Stretch,
    ends: Ends,
}

/// First and last moment, microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    pub first: i64,
    pub last: i64,
}

impl Default for Ends {
    /// Of no event: the first is later than the last.
    fn default() -> Self {
        Self { first: i64::MAX, last: i64::MIN }
    }
}

impl Ends {
    pub fn add(&mut self, other: Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    fn see(&mut self, micros: i64) {
        self.add(Self { first: micros, last: micros });
    }
}

impl Take for Counter {
    type Kept = Ends;

    #[inline]
    fn canonical(&mut self, line: &Window, left: usize) -> Option<usize> {
        let said = self.scanner.canonical(line, left)?;
        self.ends.see(said.micros());
        self.stretch.events += 1;
        self.stretch.lines += 1;
        Some(said.bytes)
    }

    fn add(&mut self, event: &Fields<'_>) {
        self.stretch.events += 1;
        if let Some(micros) = event.micros {
            self.ends.see(micros);
        }
    }

    fn stretch(&mut self) -> &mut Stretch {
        &mut self.stretch
    }

    fn rows(&self) -> usize {
        0
    }

    fn take(&mut self) -> Stretch {
        std::mem::take(&mut self.stretch)
    }

    fn kept(self) -> Ends {
        self.ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::canonical::window;
    use crate::event::parse::tests::{Chance, damaged_line};
    use crate::event::rows::RoomOf;
    use crate::event::table::{Builder, Names, Reading};

    #[test]
    fn a_counter_counts_what_a_table_holds() {
        let mut chance = Chance(8);
        let names = Names::default();
        let mut builder = Builder::new(&names, &RoomOf(0));
        let mut counter = Counter::default();
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
        let (lines, stretch) = (counter.take(), builder.take());
        let numbers = |stretch: &Stretch| {
            let unreadable = (stretch.unreadable, stretch.unreadable_lines.clone());
            (stretch.events, stretch.lines, stretch.blank, unreadable)
        };
        assert_eq!(numbers(&lines), numbers(&stretch));
        let slabs = builder.kept();
        let table = names.table(vec![(0, slabs)], vec![(0, stretch)], Reading::default());
        let ends = counter.kept();
        let period = table.period().map(|(first, last)| (first.timestamp_micros(), last.timestamp_micros()));
        assert_eq!(period, Some((ends.first, ends.last)));
    }
}

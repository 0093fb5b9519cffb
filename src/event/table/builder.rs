//! From lines to rows.

use super::Interner;
use super::chunk::{Chunk, ChunkBuilder};
use crate::event::duration::RunDuration;
use crate::event::parse::scanner::{ScannedEvent, Scanner, Window};
use crate::event::parse::{ParsedEvent, ParsedLine};
use crate::event::timestamp::UNTIMED;

/// So many unreadable lines are remembered by number.
pub const NAMED_LINES: usize = 100;

/// What some lines of a log held.
#[derive(Debug, Default)]
pub struct Batch {
    pub chunks: Vec<Chunk>,
    /// Blank ones included.
    pub lines: u64,
    pub blank: u64,
    pub events: u64,
    pub without_exit_code: u64,
    pub unreadable: u64,
    /// The first [`NAMED_LINES`] by number: 0 is the first line of the batch.
    pub unreadable_lines: Vec<u64>,
}

/// Turns lines into rows. One per thread.
pub struct TableBuilder<'a> {
    interner: &'a Interner,
    scanner: Scanner,
    series: SeriesCache,
    chunks: ChunkBuilder,
    batch: Batch,
}

impl<'a> TableBuilder<'a> {
    /// A chunk gets at most so many rows.
    pub fn new(interner: &'a Interner, max_rows: usize) -> Self {
        Self {
            interner,
            scanner: Scanner::default(),
            series: SeriesCache::new(),
            chunks: ChunkBuilder::new(max_rows),
            batch: Batch::default(),
        }
    }

    /// Reads the line at the start of the window if it is canonical, see [`Scanner::scan`]. Returns its length in bytes,
    /// line feed included. `None`: find the line's end, and call [`TableBuilder::push_line`].
    #[expect(clippy::inline_always, reason = "measured: a call costs a tenth of a line")]
    #[inline(always)]
    pub fn push_canonical(&mut self, line: &Window, remaining: usize) -> Option<usize> {
        let event = self.scanner.scan(line, remaining)?;
        let key = SeriesCache::key(&event);
        let series = match self.series.get(key) {
            Some(series) => series,
            None => self.intern_series(&event),
        };
        if event.fraction == 0 {
            self.chunks.push_second(event.second, event.duration(), series);
        } else {
            self.chunks.push_full(event.micros(), event.duration(), series);
        }
        self.batch.lines += 1;
        Some(event.line_length)
    }

    /// Reads any line, given without its line feed.
    pub fn push_line(&mut self, line: &[u8]) {
        match ParsedLine::parse(line) {
            ParsedLine::Event(event) => self.push_event(&event),
            ParsedLine::Blank => self.batch.blank += 1,
            ParsedLine::Unreadable(glued) => {
                if let Some(event) = glued {
                    self.push_event(&event);
                }
                self.count_unreadable();
            }
        }
        self.batch.lines += 1;
    }

    /// Counts a line that is too long to be read.
    pub fn push_overlong_line(&mut self) {
        self.count_unreadable();
        self.batch.lines += 1;
    }

    /// All lines since the last call.
    pub fn finish_batch(&mut self) -> Batch {
        let chunks = self.chunks.finish();
        let events = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        Batch { chunks, events, ..std::mem::take(&mut self.batch) }
    }

    fn count_unreadable(&mut self) {
        self.batch.unreadable += 1;
        if self.batch.unreadable_lines.len() < NAMED_LINES {
            self.batch.unreadable_lines.push(self.batch.lines);
        }
    }

    fn push_event(&mut self, event: &ParsedEvent) {
        self.batch.without_exit_code += u64::from(event.exit_code.is_none());
        let series = self.interner.series(&event.target, &event.domain, event.exit_code.unwrap_or(0));
        let duration = event.seconds.map_or(RunDuration::Unknown, RunDuration::from_seconds);
        self.chunks.push(event.micros.unwrap_or(UNTIMED), duration, series);
    }

    #[cold]
    #[inline(never)]
    fn intern_series(&mut self, event: &ScannedEvent) -> u32 {
        let (target, domain) = (self.scanner.target(event.target), self.scanner.domain(event.domain));
        let series = self.interner.series(target, domain, event.exit_code.into());
        self.series.insert(SeriesCache::key(event), series);
        series
    }
}

/// The series of canonical lines that this thread has met.
struct SeriesCache {
    /// Open addressing. Their number is a power of two, and at least half of them are free.
    slots: Vec<Slot>,
    count: usize,
}

#[derive(Clone, Copy)]
struct Slot {
    key: u64,
    series: u32,
}

impl SeriesCache {
    const FREE: Slot = Slot { key: u64::MAX, series: 0 };
    const MIN_SLOTS: usize = 64;
    const MAX_SLOTS: usize = 1 << 14;

    fn new() -> Self {
        Self { slots: vec![Self::FREE; Self::MIN_SLOTS], count: 0 }
    }

    /// A scanner has some thousand ids for names, and exit codes go up to 999.
    fn key(event: &ScannedEvent) -> u64 {
        u64::from(event.target) << 32 | u64::from(event.domain) << 16 | u64::from(event.exit_code)
    }

    /// The first slot to probe, below [`SeriesCache::MAX_SLOTS`].
    #[expect(clippy::cast_possible_truncation, reason = "the highest bits only")]
    fn hash(key: u64) -> usize {
        // A product's high bits depend on all bits of its factors.
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - Self::MAX_SLOTS.trailing_zeros())) as usize
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u32> {
        let mut probe = Self::hash(key);
        loop {
            let slot = self.slots[probe & (self.slots.len() - 1)];
            if slot.key == key {
                return Some(slot.series);
            }
            if slot.key == Self::FREE.key {
                return None;
            }
            probe += 1;
        }
    }

    /// A full cache takes no more.
    fn insert(&mut self, key: u64, series: u32) {
        if self.count == self.slots.len() / 2 && self.slots.len() < Self::MAX_SLOTS {
            let larger = vec![Self::FREE; self.slots.len() * 2];
            for slot in std::mem::replace(&mut self.slots, larger) {
                if slot.key != Self::FREE.key {
                    self.place(slot);
                }
            }
        }
        if self.count < self.slots.len() / 2 {
            self.count += 1;
            self.place(Slot { key, series });
        }
    }

    fn place(&mut self, slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut probe = Self::hash(slot.key);
        while self.slots[probe & mask].key != Self::FREE.key {
            probe += 1;
        }
        self.slots[probe & mask] = slot;
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;
    use crate::event::parse::scanner::tests::window;
    use crate::event::parse::tests::{damaged_line, rounds};
    use crate::event::parse::{glued_object_start, lenient};
    use crate::event::table::chunk::MAX_ROWS;
    use crate::event::table::{ReadStats, Table};

    #[test]
    fn damaged_lines_become_the_events_that_serde_json_reads() {
        let mut rng = Rng::with_seed(6);
        let interner = Interner::default();
        let mut builder = TableBuilder::new(&interner, MAX_ROWS);
        let mut expected = Vec::new();
        for _ in 0..rounds(100_000) {
            let mut line = damaged_line(&mut rng);
            let glued = |line: &[u8]| lenient::parse(&line[glued_object_start(line)?..]);
            expected.extend(lenient::parse(&line).or_else(|| glued(&line)));
            line.push(b'\n');
            if builder.push_canonical(&window(&line), line.len()).is_none() {
                builder.push_line(&line[..line.len() - 1]);
            }
        }
        let batch = builder.finish_batch();
        assert_eq!(batch.events, expected.len() as u64);
        let without_exit_code = expected.iter().filter(|event| event.exit_code.is_none()).count();
        assert_eq!(batch.without_exit_code, without_exit_code as u64);
        let table = Table::new(interner, batch.chunks, ReadStats::default());
        expected.sort_by_key(|event| event.micros.unwrap_or(UNTIMED));
        for ((time, event), expected) in table.events().zip(expected) {
            let found = ParsedEvent {
                micros: time.map(|time| time.timestamp_micros()),
                target: event.target,
                domain: event.domain.unwrap_or_default(),
                seconds: event.duration_seconds,
                exit_code: Some(event.exit_code),
            };
            assert_eq!(found, ParsedEvent { exit_code: expected.exit_code.or(Some(0)), ..expected });
        }
    }

    #[test]
    fn names_of_nul_bytes_do_not_match_a_free_slot() {
        let line = |target: &str| {
            format!(
                "{{\"timestamp\": \"2026-02-14T10:30:00+00:00\", \"target\": \"{target}\", \"domain\": null, \"duration_seconds\": 1.0, \"exit_code\": 0}}\n"
            )
        };
        let interner = Interner::default();
        let mut builder = TableBuilder::new(&interner, MAX_ROWS);
        for target in ["", "a"] {
            let line = line(target);
            assert!(builder.push_canonical(&window(line.as_bytes()), line.len()).is_some());
        }
        // JSON has no such character in a string.
        for target in ["\0", "\0\0", "a\0", "a\0\0\0\0\0\0\0\0\0"] {
            let line = line(target);
            assert_eq!(builder.push_canonical(&window(line.as_bytes()), line.len()), None, "{target:?}");
        }
    }
}

//! From lines to rows.

use std::collections::HashMap;

use super::Interner;
use super::chunk::{Chunk, ChunkBuilder};
use crate::event::duration::RunDuration;
use crate::event::parse::scanner::{Canonical, Scanner, Window};
use crate::event::parse::{ParsedEvent, ParsedLine};
use crate::event::timestamp::UNTIMED;

/// Turns the lines of one segment of a log into rows. One per thread.
pub struct TableBuilder<'a> {
    names: &'a Interner,
    /// What this thread has met, by exit code, target and domain in bytes.
    series: HashMap<Box<[u8]>, u32>,
    key: Vec<u8>,
    scanner: Scanner,
    /// The series of canonical lines, by the hash of their [`Met::key`] or behind it.
    met: Vec<Met>,
    met_count: usize,
    chunks: ChunkBuilder,
    batch: Batch,
}

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
    pub unreadable: u64,
    /// The first [`NAMED_LINES`] by number: 0 is the first line of the batch.
    pub unreadable_lines: Vec<u64>,
}

/// A combination that a canonical line had.
#[derive(Clone, Copy)]
struct Met {
    key: u64,
    series: u32,
}

impl Met {
    const FREE: Self = Self { key: u64::MAX, series: 0 };
    /// Places, of which there always is a power of two.
    const FEWEST: usize = 64;
    const MOST: usize = 1 << 14;

    /// A scanner has numbers for some thousand names, and exit codes go up to 999.
    fn key(parsed: &Canonical) -> u64 {
        u64::from(parsed.target) << 32 | u64::from(parsed.domain) << 16 | u64::from(parsed.exit_code)
    }

    /// Where to look first, below [`Met::MOST`].
    #[expect(clippy::cast_possible_truncation, reason = "the highest bits only")]
    fn hash(key: u64) -> usize {
        // Multiplying carries upwards: the high bits depend on all.
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - Self::MOST.trailing_zeros())) as usize
    }
}

impl<'a> TableBuilder<'a> {
    pub fn new(names: &'a Interner, max_rows: usize) -> Self {
        Self {
            names,
            series: HashMap::new(),
            key: Vec::new(),
            scanner: Scanner::default(),
            met: vec![Met::FREE; Met::FEWEST],
            met_count: 0,
            chunks: ChunkBuilder::new(max_rows),
            batch: Batch::default(),
        }
    }

    /// Reads a line in the canonical layout, of which `remaining` bytes are in the window; what follows them is
    /// anything. Returns the line's length in bytes, line feed included. `None`: find the line's end, and call
    /// [`TableBuilder::line`].
    #[expect(clippy::inline_always, reason = "measured: a call costs a tenth of a line")]
    #[inline(always)]
    pub fn canonical(&mut self, line: &Window, remaining: usize) -> Option<usize> {
        let parsed = self.scanner.canonical(line, remaining)?;
        let key = Met::key(&parsed);
        let mut place = Met::hash(key);
        let series = loop {
            let met = self.met[place & (self.met.len() - 1)];
            if met.key == key {
                break met.series;
            }
            if met.key == Met::FREE.key {
                break self.meet(parsed.target, parsed.domain, parsed.exit_code, key);
            }
            place += 1;
        };
        if parsed.fraction == 0 {
            self.chunks.push_second(parsed.second, parsed.length(), series);
        } else {
            self.chunks.push_full(parsed.micros(), parsed.length(), series);
        }
        self.batch.lines += 1;
        Some(parsed.bytes)
    }

    /// Reads any line, given without its line feed.
    pub fn line(&mut self, line: &[u8]) {
        match ParsedLine::parse(line) {
            ParsedLine::Event(fields) => self.add(&fields),
            ParsedLine::Blank => self.batch.blank += 1,
            ParsedLine::Unreadable(glued) => {
                if let Some(fields) = glued {
                    self.add(&fields);
                }
                self.count_unreadable();
            }
        }
        self.batch.lines += 1;
    }

    /// Counts a line that is too long to be read.
    pub fn overlong_line(&mut self) {
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

    fn add(&mut self, fields: &ParsedEvent<'_>) {
        let series = self.series(&fields.target, &fields.domain, fields.exit_code);
        self.chunks.push(fields.micros.unwrap_or(UNTIMED), RunDuration::from_seconds(fields.seconds), series);
    }

    #[cold]
    #[inline(never)]
    fn meet(&mut self, target: u32, domain: u32, exit_code: u32, key: u64) -> u32 {
        let (target, domain) =
            (self.scanner.target(target).to_owned(), self.scanner.domain(domain).to_owned());
        let series = self.series(&target, &domain, exit_code.into());
        if self.met_count == self.met.len() / 2 && self.met.len() < Met::MOST {
            let more = vec![Met::FREE; self.met.len() * 2];
            for met in std::mem::replace(&mut self.met, more) {
                self.put(met);
            }
        }
        // Half of the places stay free: the search for one that is not there ends at one.
        if self.met_count < self.met.len() / 2 {
            self.met_count += 1;
            self.put(Met { key, series });
        }
        series
    }

    fn put(&mut self, met: Met) {
        if met.key == Met::FREE.key {
            return;
        }
        let mut place = Met::hash(met.key);
        let mask = self.met.len() - 1;
        while self.met[place & mask].key != Met::FREE.key {
            place += 1;
        }
        self.met[place & mask] = met;
    }

    fn series(&mut self, target: &str, domain: &str, exit_code: i64) -> u32 {
        self.key.clear();
        self.key.extend_from_slice(&exit_code.to_le_bytes());
        self.key.extend_from_slice(&target.len().to_le_bytes());
        self.key.extend_from_slice(target.as_bytes());
        self.key.extend_from_slice(domain.as_bytes());
        if let Some(&series) = self.series.get(&self.key[..]) {
            return series;
        }
        let series = self.names.series(target, domain, exit_code);
        self.series.insert(self.key.as_slice().into(), series);
        series
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::parse;
    use crate::event::parse::scanner::window;
    use crate::event::parse::tests::{damaged_line, rounds};
    use fastrand::Rng;

    /// What a line that may be damaged adds to a table, by the parser that decides.
    fn expected(line: &[u8]) -> Option<ParsedEvent<'static>> {
        parse::lenient::parse(line)
            .or_else(|| parse::lenient::parse(&line[parse::glued_object_start(line)?..]))
    }

    #[test]
    fn a_builder_adds_what_the_deciding_parser_reads() {
        let mut rng = Rng::with_seed(6);
        let names = Interner::default();
        let mut builder = TableBuilder::new(&names, usize::MAX);
        for _ in 0..rounds(100_000) {
            let mut line = damaged_line(&mut rng);
            let end = line.len();
            line.push(b'\n');
            let before = builder.chunks.count();
            if builder.canonical(&window(&line), line.len()).is_none() {
                builder.line(&line[..end]);
            }
            let after = builder.chunks.count();
            let Some(fields) = expected(&line[..end]) else {
                assert_eq!(before, after);
                continue;
            };
            assert_eq!(after, before + 1, "{}", String::from_utf8_lossy(&line));
            let (row, length) = builder.chunks.last().unwrap();
            let known = names.0.lock().unwrap();
            let series = known.series[row.series as usize];
            let found = ParsedEvent {
                micros: (row.micros != UNTIMED).then_some(row.micros),
                target: known.targets.names[series.target as usize].to_string().into(),
                domain: known.domains.names[series.domain as usize].to_string().into(),
                seconds: length.seconds(),
                exit_code: series.exit_code,
            };
            assert_eq!(found, fields, "{}", String::from_utf8_lossy(&line));
        }
    }

    #[test]
    fn a_name_of_zeros_is_not_the_empty_name() {
        let line = |target: &str| {
            format!(
                "{{\"timestamp\": \"2026-02-14T10:30:00+00:00\", \"target\": \"{target}\", \"domain\": null, \"duration_seconds\": 1.0, \"exit_code\": 0}}\n"
            )
        };
        let names = Interner::default();
        let mut builder = TableBuilder::new(&names, usize::MAX);
        for target in ["", "a"] {
            let line = line(target);
            assert!(builder.canonical(&window(line.as_bytes()), line.len()).is_some());
        }
        // JSON has no such character in a text.
        for target in ["\0", "\0\0", "a\0", "a\0\0\0\0\0\0\0\0\0"] {
            let line = line(target);
            assert_eq!(builder.canonical(&window(line.as_bytes()), line.len()), None, "{target:?}");
        }
    }
}

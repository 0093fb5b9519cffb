//! From lines to rows.

use std::collections::HashMap;

use super::Interner;
use super::rows::{ChunkBuilder, Room, Slabs};
use crate::event::duration::RunDuration;
use crate::event::parse::ParsedEvent;
use crate::event::parse::scanner::{Canonical, Scanner, Window};
use crate::event::sink::{LineSink, Segment};
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
    packer: ChunkBuilder<'a>,
    segment: Segment,
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
    pub fn new(names: &'a Interner, room: &'a dyn Room) -> Self {
        Self {
            names,
            series: HashMap::new(),
            key: Vec::new(),
            scanner: Scanner::default(),
            met: vec![Met::FREE; Met::FEWEST],
            met_count: 0,
            packer: ChunkBuilder::new(room),
            segment: Segment::default(),
        }
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

impl LineSink for TableBuilder<'_> {
    /// The slabs, for [`Interner::table`].
    type Kept = Slabs;

    #[expect(clippy::inline_always, reason = "measured: a call costs a tenth of a line")]
    #[inline(always)]
    fn canonical(&mut self, line: &Window, remaining: usize) -> Option<usize> {
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
            self.packer.push_second(parsed.second, parsed.length(), series);
        } else {
            self.packer.push(parsed.micros(), parsed.length(), series);
        }
        self.segment.lines += 1;
        Some(parsed.bytes)
    }

    fn add(&mut self, fields: &ParsedEvent<'_>) {
        let series = self.series(&fields.target, &fields.domain, fields.exit_code);
        self.packer.push(fields.micros.unwrap_or(UNTIMED), RunDuration::from_seconds(fields.seconds), series);
    }

    fn segment(&mut self) -> &mut Segment {
        &mut self.segment
    }

    fn rows(&self) -> usize {
        self.packer.len()
    }

    fn take(&mut self) -> Segment {
        let chunks = self.packer.take_chunks();
        let events = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        Segment { chunks, events, ..std::mem::take(&mut self.segment) }
    }

    fn kept(self) -> Slabs {
        self.packer.slabs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::parse;
    use crate::event::parse::scanner::window;
    use crate::event::parse::tests::{Chance, damaged_line, rounds};
    use crate::event::table::rows::RoomOf;

    /// What a line that may be damaged adds to a table, by the parser that decides.
    fn expected(line: &[u8]) -> Option<ParsedEvent<'static>> {
        parse::lenient::parse(line)
            .or_else(|| parse::lenient::parse(&line[parse::glued_object_start(line)?..]))
    }

    #[test]
    fn a_builder_adds_what_the_deciding_parser_reads() {
        let mut chance = Chance(6);
        let names = Interner::default();
        let mut builder = TableBuilder::new(&names, &RoomOf(0));
        for _ in 0..rounds(100_000) {
            let mut line = damaged_line(&mut chance);
            let end = line.len();
            line.push(b'\n');
            let before = builder.packer.count();
            if builder.canonical(&window(&line), line.len()).is_none() {
                builder.line(&line[..end]);
            }
            let after = builder.packer.count();
            let Some(fields) = expected(&line[..end]) else {
                assert_eq!(before, after);
                continue;
            };
            assert_eq!(after, before + 1, "{}", String::from_utf8_lossy(&line));
            let (row, length) = builder.packer.last().unwrap();
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
        let mut builder = TableBuilder::new(&names, &RoomOf(0));
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

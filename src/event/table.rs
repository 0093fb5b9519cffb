//! Many events in little memory: eight bytes each as a rule ([`super::rows`]), and every name once.
//!
//! ```text
//! rows    [delta, series, duration] [delta, series, duration] ...     in time order
//! series   (target, domain, exit code, outcome)                  one per combination seen
//! ```
//!
//! Beside the rows stands about 200 bytes for each different combination of target, domain and exit
//! code (once more per read_stats thread), and eight for each duration finer than a millisecond.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::Event;
use super::canonical::{Canonical, Scanner, Window};
use super::outcome::Outcome;
use super::parse::{Fields, Line};
use super::rows::{Chunk, ChunkBuilder, Room, RoomOf, Row, RunDuration, Sheet, Slabs, UNTIMED};

/// A combination of all that is not a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesKey {
    pub target: u32,
    pub domain: u32,
    pub exit_code: i64,
    pub outcome: Outcome,
}

/// What was read, before any filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadStats {
    pub logs: usize,
    /// Lines that are not blank.
    pub lines: u64,
    pub events: u64,
    pub unreadable: u64,
    /// The first [`NAMED_LINES`], as (log from 0 on, line from 1 on).
    pub unreadable_lines: Vec<(usize, u64)>,
    /// The last line of some log has no line end.
    pub unterminated: bool,
}

/// So many unreadable lines are remembered by number.
pub const NAMED_LINES: usize = 100;

/// What is put down anew is put down in chunks of at most so many rows.
const AT_ONCE: usize = 1 << 15;

/// All events, in time order; those of one moment as they were read.
#[derive(Debug, Default)]
pub struct Table {
    pub read_stats: ReadStats,
    pub targets: Vec<Box<str>>,
    /// The first is the empty name: no domain.
    pub domains: Vec<Box<str>>,
    pub series: Vec<SeriesKey>,
    slabs: Slabs,
    /// In time order.
    chunks: Vec<Chunk>,
}

/// Which events a report is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// From this moment on.
    pub since: Option<DateTime<Utc>>,
    /// Before this moment.
    pub until: Option<DateTime<Utc>>,
    /// The newest so many, after the other filters.
    pub last: Option<usize>,
    pub targets: Vec<String>,
    /// The empty name stands for no domain.
    pub domains: Vec<String>,
    /// Targets to leave out.
    pub excludes: Vec<String>,
    pub failed: bool,
}

impl Table {
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.chunks.iter().map(Chunk::len).sum()
    }

    /// Every row in order, with its duration.
    fn rows(&self) -> impl Iterator<Item = (Row, RunDuration)> {
        self.chunks.iter().flat_map(|chunk| {
            self.slabs.rows(chunk).iter().map(|row| (row, RunDuration::decode(row.duration, &chunk.exact)))
        })
    }

    /// The rows in time order, to work on; moving rows about within a sheet is all right.
    pub fn sheets(&mut self) -> Vec<Sheet<'_>> {
        self.slabs.sheets(&self.chunks)
    }

    /// Every event, in time order, and its moment if it has one.
    pub fn events(&self) -> impl Iterator<Item = (Option<DateTime<Utc>>, Event)> {
        self.rows().map(|(row, length)| {
            let series = self.series[row.series as usize];
            let domain = &self.domains[series.domain as usize];
            let timestamp = moment(row.micros);
            let event = Event {
                timestamp: timestamp.unwrap_or_default(),
                target: self.targets[series.target as usize].to_string(),
                domain: (!domain.is_empty()).then(|| domain.to_string()),
                duration_seconds: length.seconds(),
                exit_code: series.exit_code,
            };
            (timestamp, event)
        })
    }

    /// First and last moment, if any event has one.
    pub fn period(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let last = self.chunks.last().map(|chunk| chunk.last).filter(|&last| last != UNTIMED)?;
        // Those without a moment stand in front.
        let first = self.chunks.iter().find(|chunk| chunk.last != UNTIMED)?;
        let first = self.slabs.rows(first).iter().find(|row| row.micros != UNTIMED)?;
        Some((moment(first.micros)?, moment(last)?))
    }

    /// Leaves only what passes. An event without a time passes no `since` and no `until`.
    pub fn keep(&mut self, filter: &Filter) {
        let names = |wanted: &[String], name: &str| wanted.iter().any(|wanted| wanted == name);
        let wanted: Vec<bool> = self
            .series
            .iter()
            .map(|series| {
                let target = &self.targets[series.target as usize];
                let domain = &self.domains[series.domain as usize];
                (filter.targets.is_empty() || names(&filter.targets, target))
                    && (filter.domains.is_empty() || names(&filter.domains, domain))
                    && !names(&filter.excludes, target)
                    && (!filter.failed || series.outcome == Outcome::Failed)
            })
            .collect();
        if filter.since.is_some() || filter.until.is_some() {
            let since = filter.since.map_or(UNTIMED + 1, |since| since.timestamp_micros());
            let until = filter.until.map_or(i64::MAX, |until| until.timestamp_micros());
            for chunk in &mut self.chunks {
                let before =
                    |moment| self.slabs.rows(chunk).iter().take_while(|row| row.micros < moment).count();
                let (start, end) = (before(since), before(until));
                chunk.truncate(end, &self.slabs);
                chunk.skip(start.min(end), &self.slabs);
            }
            self.chunks.retain(|chunk| chunk.len() > 0);
        }
        if wanted.contains(&false) {
            let room = RoomOf(self.len().min(AT_ONCE));
            let mut packer = ChunkBuilder::new(&room);
            let mut chunks = Vec::new();
            for chunk in std::mem::take(&mut self.chunks) {
                for row in self.slabs.rows(&chunk).iter() {
                    if wanted[row.series as usize] {
                        packer.push(row.micros, RunDuration::decode(row.duration, &chunk.exact), row.series);
                    }
                }
                chunks.extend(packer.take_chunks());
            }
            (self.slabs, self.chunks) = (packer.slabs(), chunks);
        }
        if let Some(last) = filter.last {
            let mut surplus = self.len().saturating_sub(last);
            for chunk in &mut self.chunks {
                let gone = surplus.min(chunk.len());
                chunk.skip(gone, &self.slabs);
                surplus -= gone;
            }
            self.chunks.retain(|chunk| chunk.len() > 0);
        }
    }

    /// Replaces names by `target-1`, `domain-1` and so on, in order of first appearance among the
    /// events that are remaining: call it after [`Table::keep`], which needs the real names. Outcomes stay
    /// what they were (they depend on the real name of the target).
    pub fn anonymize(&mut self) {
        let mut targets = Renaming::of("target", self.targets.len(), 0);
        let mut domains = Renaming::of("domain", self.domains.len(), 1);
        let mut known = vec![false; self.series.len()];
        for (row, _) in self.rows() {
            if !std::mem::replace(&mut known[row.series as usize], true) {
                let series = self.series[row.series as usize];
                targets.see(series.target);
                domains.see(series.domain);
                if targets.is_done() && domains.is_done() {
                    break;
                }
            }
        }
        self.targets = targets.names;
        self.domains = domains.names;
    }

    /// Puts all rows in time order, those of one chunk being so already; rows of one moment stay in
    /// the order they were read in.
    fn sort(&mut self) {
        // Two runs that end in one second may write in the wrong order, and a chunk end between them.
        for _ in 0..3 {
            if !self.mend_seams() {
                return;
            }
        }
        // Several logs.
        let mut exact = Vec::new();
        let alike = |(row, length): (Row, RunDuration)| Row { duration: length.encode(&mut exact), ..row };
        let mut rows: Vec<Row> = self.rows().map(alike).collect();
        (self.slabs, self.chunks) = (Slabs::default(), Vec::new());
        rows.sort_by_key(|row| row.micros);
        self.pack(rows.into_iter().map(|row| (row, RunDuration::decode(row.duration, &exact))));
    }

    fn unpacked(&self, chunk: &Chunk) -> Vec<(Row, RunDuration)> {
        let rows = self.slabs.rows(chunk).iter();
        rows.map(|row| (row, RunDuration::decode(row.duration, &chunk.exact))).collect()
    }

    /// Adds chunks of these rows.
    fn pack(&mut self, rows: impl ExactSizeIterator<Item = (Row, RunDuration)>) {
        let room = RoomOf(rows.len().min(AT_ONCE));
        let mut packer = ChunkBuilder::new(&room);
        let mut chunks = Vec::new();
        for (row, length) in rows {
            packer.push(row.micros, length, row.series);
            if packer.len() == AT_ONCE {
                chunks.extend(packer.take_chunks());
            }
        }
        chunks.extend(packer.take_chunks());
        let moved = self.slabs.append(packer.slabs());
        self.chunks.extend(chunks.into_iter().map(moved));
    }

    /// Exchanges rows between neighbours; says whether there was anything to exchange.
    fn mend_seams(&mut self) -> bool {
        let mut is_mended = false;
        for chunk in std::mem::take(&mut self.chunks) {
            let first = self.slabs.rows(&chunk).first().map(|row| row.micros);
            match self.chunks.pop_if(|before| first.is_some_and(|first| first < before.last)) {
                None => self.chunks.push(chunk),
                Some(before) => {
                    let mut before = self.unpacked(&before);
                    let mut after = self.unpacked(&chunk);
                    exchange(&mut before, &mut after);
                    self.pack(before.into_iter());
                    self.pack(after.into_iter());
                    is_mended = true;
                }
            }
        }
        is_mended
    }
}

/// Sorts those that are later than the first one of the others, with those that are earlier than the last one.
fn exchange(before: &mut [(Row, RunDuration)], after: &mut [(Row, RunDuration)]) {
    let (Some(&(last, _)), Some(&(first, _))) = (before.last(), after.first()) else { return };
    let tail = before.partition_point(|(row, _)| row.micros <= first.micros);
    let head = after.partition_point(|(row, _)| row.micros < last.micros);
    let (tail, head) = (&mut before[tail..], &mut after[..head]);
    let mut mixed = [&*tail, &*head].concat();
    mixed.sort_by_key(|(row, _)| row.micros);
    let (first, second) = mixed.split_at(tail.len());
    tail.copy_from_slice(first);
    head.copy_from_slice(second);
}

/// `None` for [`UNTIMED`].
pub fn moment(micros: i64) -> Option<DateTime<Utc>> {
    (micros != UNTIMED).then(|| DateTime::from_timestamp_micros(micros))?
}

struct Renaming {
    what: &'static str,
    /// An empty one is not seen yet, or no domain.
    names: Vec<Box<str>>,
    count: usize,
    most: usize,
}

impl Renaming {
    fn of(what: &'static str, names: usize, unnamed: usize) -> Self {
        Self { what, names: vec![Box::default(); names], count: 0, most: names.saturating_sub(unnamed) }
    }

    fn see(&mut self, name: u32) {
        let unnamed = self.most < self.names.len() && name == 0;
        let name = &mut self.names[name as usize];
        if name.is_empty() && !unnamed {
            self.count += 1;
            *name = format!("{}-{}", self.what, self.count).into();
        }
    }

    fn is_done(&self) -> bool {
        self.count == self.most
    }
}

/// The names of all read_stats threads.
#[derive(Debug)]
pub struct Interner(Mutex<Known>);

#[derive(Debug)]
struct Known {
    targets: Index,
    domains: Index,
    series: Vec<SeriesKey>,
    places: HashMap<(u32, u32, i64), u32>,
}

#[derive(Debug, Default)]
struct Index {
    names: Vec<Box<str>>,
    places: HashMap<Box<str>, u32>,
}

impl Index {
    fn place(&mut self, name: &str) -> u32 {
        if let Some(&place) = self.places.get(name) {
            return place;
        }
        let place = place(self.names.len());
        self.names.push(name.into());
        self.places.insert(name.into(), place);
        place
    }
}

/// Four thousand million different names would need more memory than the log they are read from.
fn place(length: usize) -> u32 {
    u32::try_from(length).expect("fewer than 2^32 different names")
}

impl Default for Interner {
    fn default() -> Self {
        let mut domains = Index::default();
        domains.place("");
        let known = Known { targets: Index::default(), domains, series: Vec::new(), places: HashMap::new() };
        Self(Mutex::new(known))
    }
}

impl Interner {
    fn series(&self, target: &str, domain: &str, exit_code: i64) -> u32 {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = &mut *known;
        let key = (known.targets.place(target), known.domains.place(domain), exit_code);
        *known.places.entry(key).or_insert_with(|| {
            let (target_place, domain, exit_code) = key;
            let outcome = Outcome::of(target, exit_code);
            known.series.push(SeriesKey { target: target_place, domain, exit_code, outcome });
            place(known.series.len() - 1)
        })
    }

    /// The table of all segments, given in the order of their logs and lines, and of the slabs that
    /// each builder filled.
    pub fn table(
        self,
        builders: Vec<(u32, Slabs)>,
        segments: Vec<(u32, Segment)>,
        read_stats: ReadStats,
    ) -> Table {
        let mut slabs = Slabs::default();
        let mut moves = HashMap::new();
        for (builder, filled) in builders {
            moves.insert(builder, slabs.append(filled));
        }
        let mut chunks = Vec::new();
        for (builder, segment) in segments {
            if let Some(moved) = moves.get(&builder) {
                chunks.extend(segment.chunks.into_iter().map(moved));
            }
        }
        let known = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut table = Table {
            read_stats,
            targets: known.targets.names,
            domains: known.domains.names,
            series: known.series,
            slabs,
            chunks,
        };
        table.sort();
        table
    }
}

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

/// What some lines held.
#[derive(Debug, Default)]
pub struct Segment {
    chunks: Vec<Chunk>,
    pub events: u64,
    /// Blank ones included.
    pub lines: u64,
    pub blank: u64,
    pub unreadable: u64,
    /// The first [`NAMED_LINES`], from 0 on within the segment.
    pub unreadable_lines: Vec<u64>,
}

impl Segment {
    /// The line at hand, which is not yet counted.
    pub fn name_unreadable(&mut self) {
        self.unreadable += 1;
        if self.unreadable_lines.len() < NAMED_LINES {
            self.unreadable_lines.push(self.lines);
        }
    }
}

/// Takes the lines of a log one after the other, in segments.
pub trait LineSink {
    /// What is remaining when all lines are taken, beside the segments.
    type Kept: Send;

    /// The line at the start, to its line feed, if it is in the canonical layout; so many bytes are remaining, and what
    /// follows is anything. Says how long it is; `None`: look for its end, and call [`LineSink::line`].
    fn canonical(&mut self, line: &Window, remaining: usize) -> Option<usize>;

    fn add(&mut self, event: &Fields<'_>);

    /// The segment at hand.
    fn segment(&mut self) -> &mut Segment;

    /// One line, without its line feed.
    fn line(&mut self, line: &[u8]) {
        match Line::of(line) {
            Line::Event(fields) => self.add(&fields),
            Line::Blank => self.segment().blank += 1,
            Line::Unreadable(glued) => {
                if let Some(fields) = glued {
                    self.add(&fields);
                }
                self.segment().name_unreadable();
            }
        }
        self.segment().lines += 1;
    }

    /// A line that is too long to be held.
    fn endless_line(&mut self) {
        self.segment().name_unreadable();
        self.segment().lines += 1;
    }

    /// Rows that the segment at hand holds.
    fn rows(&self) -> usize;

    /// TimeSpan a segment.
    fn take(&mut self) -> Segment;

    fn kept(self) -> Self::Kept;
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

    fn add(&mut self, fields: &Fields<'_>) {
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

/// The table of some lines, for tests of whoever reads tables.
#[cfg(test)]
pub fn of_lines<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Table {
    let names = Interner::default();
    let mut builder = TableBuilder::new(&names, &RoomOf(0));
    for line in lines {
        builder.line(line);
    }
    let segment = builder.take();
    let slabs = builder.kept();
    let read_stats = ReadStats {
        logs: 1,
        lines: segment.lines - segment.blank,
        events: segment.events,
        unreadable: segment.unreadable,
        unreadable_lines: segment.unreadable_lines.iter().map(|line| (0, line + 1)).collect(),
        unterminated: false,
    };
    names.table(vec![(0, slabs)], vec![(0, segment)], read_stats)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::canonical::window;
    use crate::event::parse;
    use crate::event::parse::tests::{Chance, damaged_line};

    /// What a line that may be damaged adds to a table, by the parser that decides.
    fn expected(line: &[u8]) -> Option<Fields<'static>> {
        parse::tolerant(line).or_else(|| parse::tolerant(&line[parse::glued(line)?..]))
    }

    #[test]
    fn a_builder_adds_what_the_deciding_parser_reads() {
        let mut chance = Chance(6);
        let names = Interner::default();
        let mut builder = TableBuilder::new(&names, &RoomOf(0));
        for _ in 0..100_000 {
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
            let found = Fields {
                micros: (row.micros != UNTIMED).then_some(row.micros),
                target: known.targets.names[series.target as usize].to_string().into(),
                domain: known.domains.names[series.domain as usize].to_string().into(),
                seconds: length.seconds(),
                exit_code: series.exit_code,
            };
            assert_eq!(found, fields, "{}", String::from_utf8_lossy(&line));
        }
    }

    fn table(lines: &str) -> Table {
        of_lines(lines.lines().map(str::as_bytes))
    }

    #[test]
    fn a_glued_line_gives_its_second_half_and_counts_as_unreadable() {
        let table = table(concat!(
            "{\"timestamp\": \"2026-02-14T10:30:00+00:00\", \"targ",
            "{\"timestamp\": \"2026-02-14T10:30:01+00:00\", \"target\": \"sync\"}\n",
            "\n \t\r\n",
            "nonsense\n",
            "{\"target\": \"apply\"}\r\n",
        ));
        let read_stats = &table.read_stats;
        assert_eq!((read_stats.lines, read_stats.events, read_stats.unreadable), (3, 2, 2));
        assert_eq!(read_stats.unreadable_lines, [(0, 1), (0, 4)]);
        let targets: Vec<_> = table.events().map(|(_, event)| event.target).collect();
        assert_eq!(targets, ["apply", "sync"]);
    }

    #[test]
    fn exact_durations_stay_with_their_events_when_every_row_has_to_move() {
        // A chunk holds four rows here, and the chunks are in reverse.
        let line = |number: u32| {
            let minute = 59 - number / 4;
            format!(
                "{{\"timestamp\": \"2026-02-14T10:{minute:02}:{number:02}Z\", \"target\": \"{number}\", \"duration_seconds\": {number}.00001}}\n"
            )
        };
        let table = table(&(0..16).map(line).collect::<String>());
        assert!(table.events().count() == 16);
        for (_, event) in table.events() {
            assert_eq!(format!("{}.00001", event.target), event.duration_seconds.to_string());
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

    #[test]
    fn events_of_one_moment_stay_in_the_order_they_were_read_in() {
        let line = |second: u32, target: &str| {
            format!("{{\"timestamp\": \"2026-02-14T10:30:{second:02}Z\", \"target\": \"{target}\"}}\n")
        };
        let lines = [line(5, "a"), line(3, "b"), line(5, "c"), line(3, "d"), line(1, "e")].concat();
        let targets: String = table(&lines).events().map(|(_, event)| event.target).collect();
        assert_eq!(targets, "ebdac");
    }

    #[test]
    fn what_is_put_down_anew_takes_few_chunks() {
        let line = |number: u32, target: &str| {
            format!(
                "{{\"timestamp\": \"2026-02-{:02}T10:{:02}:{:02}Z\", \"target\": \"{target}\"}}\n",
                10 + number / 3600,
                number / 60 % 60,
                number % 60
            )
        };
        // Two logs that have to be merged, then a target to leave out.
        let log = |target: &str| (0..10_000).map(|number| line(number, target)).collect::<String>();
        let mut table = table(&(log("a") + &log("b")));
        assert!(table.chunks.len() < 20, "{}", table.chunks.len());
        table.keep(&Filter { excludes: vec!["a".into()], ..Filter::default() });
        assert!(table.chunks.len() < 20, "{}", table.chunks.len());
        assert_eq!(table.len(), 10_000);
    }

    #[test]
    fn filters_keep_what_they_name() {
        #[track_caller]
        fn case(lines: &str, filter: &Filter, expected: &str) {
            let mut table = table(lines);
            table.keep(filter);
            let targets: String = table.events().map(|(_, event)| event.target).collect();
            assert_eq!(targets, expected);
        }
        let lines = concat!(
            "{\"timestamp\": \"2026-02-14T10:00:00Z\", \"target\": \"a\", \"domain\": \"x\"}\n",
            "{\"timestamp\": \"2026-02-14T11:00:00Z\", \"target\": \"b\", \"exit_code\": 2}\n",
            "{\"timestamp\": \"2026-02-14T12:00:00Z\", \"target\": \"c\", \"exit_code\": 130}\n",
            "{\"target\": \"d\"}\n",
        );
        let at = |text: &str| Some(DateTime::parse_from_rfc3339(text).unwrap().to_utc());
        let all = Filter::default();
        case(lines, &all, "dabc");
        case(lines, &Filter { since: at("2026-02-14T11:00:00Z"), ..all.clone() }, "bc");
        case(lines, &Filter { until: at("2026-02-14T11:00:00Z"), ..all.clone() }, "a");
        case(lines, &Filter { targets: vec!["a".into(), "d".into()], ..all.clone() }, "da");
        case(lines, &Filter { domains: vec![String::new()], ..all.clone() }, "dbc");
        case(lines, &Filter { excludes: vec!["b".into()], ..all.clone() }, "dac");
        case(lines, &Filter { failed: true, ..all.clone() }, "b");
        case(lines, &Filter { last: Some(2), excludes: vec!["c".into()], ..all.clone() }, "ab");
        case(lines, &Filter { last: Some(9), ..all }, "dabc");
    }
}

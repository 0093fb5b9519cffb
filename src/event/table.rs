//! Many events in little memory: sixteen bytes each, and every name once.
//!
//! ```text
//! rows    [micros, duration, kind] [micros, duration, kind] ...     in time order
//! kinds   (target, domain, exit code, outcome)                      one per combination seen
//! ```
//!
//! Beside the rows stands about 200 bytes for each different combination of target, domain and exit
//! code (once more per reading thread), and eight for each duration finer than a millisecond.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::Event;
use super::outcome::Outcome;
use super::parse::{self, Canonical, Fields};

/// Of an event without a readable timestamp: it stands before all others.
pub const UNTIMED: i64 = i64::MIN;

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Since 1970, UTC.
    pub micros: i64,
    /// Milliseconds below [`FINE`]; above, the place of an exact value in [`Chunk::fine`].
    pub duration: u32,
    /// The place in [`Table::kinds`].
    pub kind: u32,
}

const FINE: u32 = 1 << 31;

/// A combination of all that is not a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub target: u32,
    pub domain: u32,
    pub exit_code: i64,
    pub outcome: Outcome,
}

/// Rows that were read together.
#[derive(Debug, Default)]
pub struct Chunk {
    pub rows: Vec<Row>,
    pub fine: Vec<f64>,
}

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
    fn of(seconds: f64) -> Self {
        let milliseconds = (seconds * 1000.0).round() as u32;
        let exact = Self::Milliseconds(milliseconds);
        #[expect(clippy::float_cmp, reason = "the same value, or it is kept as it is")]
        if milliseconds < FINE && exact.seconds() == seconds { exact } else { Self::Seconds(seconds) }
    }
}

impl Chunk {
    pub fn length(&self, row: Row) -> Length {
        length(&self.fine, row)
    }

    fn push(&mut self, micros: i64, length: Length, kind: u32) {
        let duration = match length {
            Length::Milliseconds(milliseconds) => milliseconds,
            Length::Seconds(seconds) => {
                self.fine.push(seconds);
                // A chunk holds at most a work item's lines, or a stream's up to CHUNK_ROWS.
                FINE | u32::try_from(self.fine.len() - 1).unwrap_or(0)
            }
        };
        self.rows.push(Row { micros, duration, kind });
    }
}

/// Of a row whose chunk has these exact values.
pub fn length(fine: &[f64], row: Row) -> Length {
    if row.duration < FINE {
        Length::Milliseconds(row.duration)
    } else {
        Length::Seconds(fine[(row.duration - FINE) as usize])
    }
}

/// What was read, before any filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
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

/// All events, in time order; those of one moment as they were read.
#[derive(Debug, Default)]
pub struct Table {
    pub reading: Reading,
    pub targets: Vec<Box<str>>,
    /// The first is the empty name: no domain.
    pub domains: Vec<Box<str>>,
    pub kinds: Vec<Kind>,
    pub chunks: Vec<Chunk>,
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
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.rows.len()).sum()
    }

    /// Every row in order, with its chunk.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = (&Chunk, Row)> {
        self.chunks.iter().flat_map(|chunk| chunk.rows.iter().map(move |&row| (chunk, row)))
    }

    /// Every event, in time order, and its moment if it has one.
    pub fn events(&self) -> impl Iterator<Item = (Option<DateTime<Utc>>, Event)> {
        self.rows().map(|(chunk, row)| {
            let kind = self.kinds[row.kind as usize];
            let domain = &self.domains[kind.domain as usize];
            let timestamp = moment(row.micros);
            let event = Event {
                timestamp: timestamp.unwrap_or_default(),
                target: self.targets[kind.target as usize].to_string(),
                domain: (!domain.is_empty()).then(|| domain.to_string()),
                duration_seconds: chunk.length(row).seconds(),
                exit_code: kind.exit_code,
            };
            (timestamp, event)
        })
    }

    /// First and last moment, if any event has one.
    pub fn period(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let timed = |&(_, row): &(&Chunk, Row)| row.micros != UNTIMED;
        let (_, first) = self.rows().find(timed)?;
        let (_, last) = self.rows().rfind(timed)?;
        Some((moment(first.micros)?, moment(last.micros)?))
    }

    /// Leaves only what passes. An event without a time passes no `since` and no `until`.
    pub fn keep(&mut self, filter: &Filter) {
        let names = |wanted: &[String], name: &str| wanted.iter().any(|wanted| wanted == name);
        let wanted: Vec<bool> = self
            .kinds
            .iter()
            .map(|kind| {
                let target = &self.targets[kind.target as usize];
                let domain = &self.domains[kind.domain as usize];
                (filter.targets.is_empty() || names(&filter.targets, target))
                    && (filter.domains.is_empty() || names(&filter.domains, domain))
                    && !names(&filter.excludes, target)
                    && (!filter.failed || kind.outcome == Outcome::Failed)
            })
            .collect();
        let any_time = filter.since.is_none() && filter.until.is_none();
        let since = filter.since.map_or(UNTIMED + 1, |since| since.timestamp_micros());
        let until = filter.until.map_or(i64::MAX, |until| until.timestamp_micros());
        if !any_time || wanted.contains(&false) {
            for chunk in &mut self.chunks {
                chunk.rows.retain(|row| {
                    wanted[row.kind as usize] && (any_time || (since..until).contains(&row.micros))
                });
            }
        }
        if let Some(last) = filter.last {
            let mut surplus = self.len().saturating_sub(last);
            for chunk in &mut self.chunks {
                let gone = surplus.min(chunk.rows.len());
                chunk.rows.drain(..gone);
                surplus -= gone;
            }
        }
        self.chunks.retain(|chunk| !chunk.rows.is_empty());
    }

    /// Replaces names by `target-1`, `domain-1` and so on, in order of first appearance among the
    /// events that are left: call it after [`Table::keep`], which needs the real names. Outcomes stay
    /// what they were (they depend on the real name of the target).
    pub fn anonymize(&mut self) {
        let mut targets = Renaming::of("target", self.targets.len(), 0);
        let mut domains = Renaming::of("domain", self.domains.len(), 1);
        let mut known = vec![false; self.kinds.len()];
        'all: for chunk in &self.chunks {
            for row in &chunk.rows {
                if !std::mem::replace(&mut known[row.kind as usize], true) {
                    let kind = self.kinds[row.kind as usize];
                    targets.see(kind.target);
                    domains.see(kind.domain);
                    if targets.is_done() && domains.is_done() {
                        break 'all;
                    }
                }
            }
        }
        self.targets = targets.names;
        self.domains = domains.names;
    }

    /// Puts all rows in time order; those of one moment stay in the order they were read in.
    pub fn sort(&mut self) {
        let mut last = UNTIMED;
        let sorted = self.chunks.iter().flat_map(|chunk| &chunk.rows).all(|row| {
            let in_order = last <= row.micros;
            last = row.micros;
            in_order
        });
        if sorted {
            return;
        }
        let mut all = Chunk { rows: Vec::with_capacity(self.len()), fine: Vec::new() };
        for chunk in std::mem::take(&mut self.chunks) {
            for &row in &chunk.rows {
                all.push(row.micros, chunk.length(row), row.kind);
            }
        }
        all.rows.sort_by_key(|row| row.micros);
        self.chunks.push(all);
    }
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

/// The names of all reading threads.
#[derive(Debug)]
pub struct Names(Mutex<Known>);

#[derive(Debug)]
struct Known {
    targets: Index,
    domains: Index,
    kinds: Vec<Kind>,
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

impl Default for Names {
    fn default() -> Self {
        let mut domains = Index::default();
        domains.place("");
        let known = Known { targets: Index::default(), domains, kinds: Vec::new(), places: HashMap::new() };
        Self(Mutex::new(known))
    }
}

impl Names {
    fn kind(&self, target: &str, domain: &str, exit_code: i64) -> u32 {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = &mut *known;
        let key = (known.targets.place(target), known.domains.place(domain), exit_code);
        *known.places.entry(key).or_insert_with(|| {
            let (target_place, domain, exit_code) = key;
            let outcome = Outcome::of(target, exit_code);
            known.kinds.push(Kind { target: target_place, domain, exit_code, outcome });
            place(known.kinds.len() - 1)
        })
    }

    /// The table of all chunks, given in the order of their logs and lines.
    pub fn table(self, chunks: Vec<Chunk>, reading: Reading) -> Table {
        let known = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut table = Table {
            reading,
            targets: known.targets.names,
            domains: known.domains.names,
            kinds: known.kinds,
            chunks,
        };
        table.sort();
        table
    }
}

/// Turns the lines of one stretch of a log into rows. One per thread; [`Builder::take`] ends a stretch.
pub struct Builder<'a> {
    names: &'a Names,
    /// What this thread has met, by exit code, target and domain in bytes.
    kinds: HashMap<Box<[u8]>, u32>,
    key: Vec<u8>,
    /// Short names that were met lately, each in the one place it can have.
    short: Vec<Short>,
    date: parse::Date,
    stretch: Stretch,
}

#[derive(Clone, Copy)]
struct Short {
    target: u128,
    domain: u128,
    exit_code: u32,
    kind: u32,
}

impl Short {
    /// The number of no name.
    const NONE: Self = Self { target: u128::MAX, domain: 0, exit_code: 0, kind: 0 };
    const PLACES: usize = 1024;

    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    fn place(target: u128, domain: u128, exit_code: u32) -> usize {
        let halves = [target as u64, (target >> 64) as u64, domain as u64, (domain >> 64) as u64];
        let factors =
            [0x9e37_79b9_7f4a_7c15_u64, 0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb, 0xd6e8_feb8_6659_fd93];
        let mut mixed = u64::from(exit_code).wrapping_mul(0xa076_1d64_78bd_642f);
        for (half, factor) in halves.into_iter().zip(factors) {
            mixed ^= half.wrapping_mul(factor);
        }
        // Multiplying carries upwards: the high bits depend on all.
        (mixed >> (64 - Self::PLACES.trailing_zeros())) as usize
    }
}

/// What some lines held.
#[derive(Debug, Default)]
pub struct Stretch {
    pub chunk: Chunk,
    /// Blank ones included.
    pub lines: u64,
    pub blank: u64,
    pub unreadable: u64,
    /// The first [`NAMED_LINES`], from 0 on within the stretch.
    pub unreadable_lines: Vec<u64>,
}

impl<'a> Builder<'a> {
    pub fn new(names: &'a Names) -> Self {
        Self {
            names,
            kinds: HashMap::new(),
            key: Vec::new(),
            short: vec![Short::NONE; Short::PLACES],
            date: parse::Date::default(),
            stretch: Stretch::default(),
        }
    }

    pub fn take(&mut self) -> Stretch {
        std::mem::take(&mut self.stretch)
    }

    pub fn rows(&self) -> usize {
        self.stretch.chunk.rows.len()
    }

    /// The line at the start, if it is in the canonical layout, to its line feed. Says how long it is;
    /// `None`: look for its end, and call [`Builder::line`].
    #[inline]
    pub fn canonical(&mut self, bytes: &[u8]) -> Option<usize> {
        let line = parse::canonical(bytes, &mut self.date)?;
        let kind = match (line.target.short, line.domain.short) {
            (Some(target), Some(domain)) => {
                let place = Short::place(target, domain, line.exit_code);
                let known = self.short[place];
                if (known.target, known.domain, known.exit_code) == (target, domain, line.exit_code) {
                    known.kind
                } else {
                    let kind = self.kind_of(&line)?;
                    self.short[place] = Short { target, domain, exit_code: line.exit_code, kind };
                    kind
                }
            }
            _ => self.kind_of(&line)?,
        };
        self.stretch.chunk.push(line.micros, Length::Milliseconds(line.milliseconds), kind);
        self.stretch.lines += 1;
        Some(line.length)
    }

    #[cold]
    fn kind_of(&mut self, line: &Canonical<'_>) -> Option<u32> {
        let (target, domain) = (parse::plain(line.target.bytes)?, parse::plain(line.domain.bytes)?);
        Some(self.kind(target, domain, line.exit_code.into()))
    }

    /// One line, without its line feed.
    pub fn line(&mut self, line: &[u8]) {
        if let Some(fields) = parse::flat(line) {
            self.add(&fields);
        } else if let Some(fields) = parse::tolerant(line) {
            self.add(&fields);
        } else if line.trim_ascii().is_empty() {
            self.stretch.blank += 1;
        } else {
            if let Some(fields) = parse::glued(line).and_then(|at| parse::tolerant(&line[at..])) {
                self.add(&fields);
            }
            self.name_unreadable();
        }
        self.stretch.lines += 1;
    }

    /// A line that is too long to be held.
    pub fn endless_line(&mut self) {
        self.name_unreadable();
        self.stretch.lines += 1;
    }

    fn name_unreadable(&mut self) {
        self.stretch.unreadable += 1;
        if self.stretch.unreadable_lines.len() < NAMED_LINES {
            self.stretch.unreadable_lines.push(self.stretch.lines);
        }
    }

    fn add(&mut self, fields: &Fields<'_>) {
        let kind = self.kind(&fields.target, &fields.domain, fields.exit_code);
        self.stretch.chunk.push(fields.micros.unwrap_or(UNTIMED), Length::of(fields.seconds), kind);
    }

    fn kind(&mut self, target: &str, domain: &str, exit_code: i64) -> u32 {
        self.key.clear();
        self.key.extend_from_slice(&exit_code.to_le_bytes());
        self.key.extend_from_slice(&target.len().to_le_bytes());
        self.key.extend_from_slice(target.as_bytes());
        self.key.extend_from_slice(domain.as_bytes());
        if let Some(&kind) = self.kinds.get(&self.key[..]) {
            return kind;
        }
        let kind = self.names.kind(target, domain, exit_code);
        self.kinds.insert(self.key.as_slice().into(), kind);
        kind
    }
}

/// The table of some lines, for tests of whoever reads tables.
#[cfg(test)]
pub fn of_lines<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Table {
    let names = Names::default();
    let mut builder = Builder::new(&names);
    let mut log = 0..;
    for line in lines {
        let _ = log.next();
        builder.line(line);
    }
    let stretch = builder.take();
    drop(builder);
    let events = stretch.chunk.rows.len() as u64;
    let reading = Reading {
        logs: 1,
        lines: stretch.lines - stretch.blank,
        events,
        unreadable: stretch.unreadable,
        unreadable_lines: stretch.unreadable_lines.iter().map(|line| (0, line + 1)).collect(),
        unterminated: false,
    };
    names.table(vec![stretch.chunk], reading)
}

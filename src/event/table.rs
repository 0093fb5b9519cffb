//! Millions of events in memory: eight bytes each as a rule, and every name once.
//!
//! ```text
//! rows     [delta, series, duration] [delta, series, duration] ...     in time order, see [`rows`]
//! series   (target, domain, exit code, outcome)                        one for each combination
//! ```
//!
//! Besides, each combination of target, domain and exit code takes about 200 bytes, and each duration that is no whole
//! number of milliseconds takes eight.

pub mod builder;
pub mod chunk;
mod filter;
pub mod intern;
pub mod rows;
mod stray;

use chrono::{DateTime, Utc};

use super::Event;
use super::duration::RunDuration;
use super::timestamp;
pub use builder::{Batch, NAMED_LINES, TableBuilder};
pub use chunk::{Chunk, ChunkRows};
pub use filter::Filter;
pub use intern::{Interner, SeriesKey, TargetId};
use rows::Row;
pub use stray::Strays;

/// What the logs held, before any filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadStats {
    pub logs: usize,
    /// Lines that are not blank.
    pub lines: u64,
    pub events: u64,
    /// They count as ok.
    pub without_exit_code: u64,
    pub unreadable: u64,
    /// The first [`NAMED_LINES`], as (log from 0 on, line from 1 on).
    pub unreadable_lines: Vec<(usize, u64)>,
    /// The last line of a log has no line feed.
    pub unterminated: bool,
}

/// All events in time order. Events of the same moment are in the order of the log.
#[derive(Debug, Default)]
pub struct Table {
    pub read_stats: ReadStats,
    pub targets: Vec<Box<str>>,
    /// The first is the empty name: no domain.
    pub domains: Vec<Box<str>>,
    pub series: Vec<SeriesKey>,
    /// One after the other in time.
    chunks: Vec<Chunk>,
}

impl Table {
    /// The chunks are given in the order of the logs and of their lines.
    pub fn new(interner: Interner, chunks: Vec<Chunk>, read_stats: ReadStats) -> Self {
        let interned = interner.into_inner();
        Self {
            read_stats,
            targets: interned.targets.names,
            domains: interned.domains.names,
            series: interned.series,
            chunks: sorted(chunks),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub fn len(&self) -> usize {
        self.chunks.iter().map(Chunk::len).sum()
    }

    /// In time order.
    fn rows(&self) -> impl Iterator<Item = (Row, RunDuration)> {
        self.chunks.iter().flat_map(Chunk::iter)
    }

    /// The newest row first.
    pub fn newest_first(&self) -> impl Iterator<Item = (Row, RunDuration)> {
        self.chunks.iter().rev().flat_map(Chunk::newest_first)
    }

    /// Takes out the rows, in time order.
    pub fn take_chunks(&mut self) -> Vec<Chunk> {
        std::mem::take(&mut self.chunks)
    }

    /// In time order; each event with its time, if it has one.
    pub fn events(&self) -> impl Iterator<Item = (Option<DateTime<Utc>>, Event)> {
        self.rows().map(|(row, duration)| {
            let series = self.series[row.series as usize];
            let domain = &self.domains[series.domain.index()];
            let timestamp = timestamp::to_datetime(row.micros);
            let event = Event {
                timestamp: timestamp.unwrap_or_default(),
                target: self.targets[series.target.index()].to_string(),
                domain: (!domain.is_empty()).then(|| domain.to_string()),
                duration_seconds: duration.seconds(),
                exit_code: series.exit_code,
            };
            (timestamp, event)
        })
    }

    /// The first and the last time of an event, if any has one.
    pub fn period(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        // Chunks without a time come first.
        let (first, _) = self.chunks.iter().find_map(Chunk::period)?;
        let (_, last) = self.chunks.last()?.period()?;
        Some((timestamp::to_datetime(first)?, timestamp::to_datetime(last)?))
    }
}

/// Neighbouring chunks whose times overlap, with the first and the last of them.
struct Overlap {
    chunks: Vec<Chunk>,
    first: i64,
    last: i64,
}

/// Puts chunks in time order; rows of the same moment stay in the order of the log. Most logs are in order, and their
/// chunks stay as they are.
fn sorted(chunks: Vec<Chunk>) -> Vec<Chunk> {
    let mut overlaps: Vec<Overlap> = Vec::new();
    for chunk in chunks {
        let Some((first, last)) = chunk.ends() else { continue };
        let mut overlap = Overlap { chunks: vec![chunk], first, last };
        // Runs of commands that end together may be written in the wrong order, just where a chunk ends; and several
        // logs overlap.
        while let Some(mut before) = overlaps.pop_if(|before| overlap.first < before.last) {
            before.chunks.append(&mut overlap.chunks);
            overlap = Overlap {
                chunks: before.chunks,
                first: overlap.first.min(before.first),
                last: overlap.last.max(before.last),
            };
        }
        overlaps.push(overlap);
    }
    let merge = |overlap: Overlap| {
        if overlap.chunks.len() > 1 { Chunk::merge(overlap.chunks) } else { overlap.chunks }
    };
    overlaps.into_iter().flat_map(merge).collect()
}

/// The table of some lines, for tests.
#[cfg(test)]
pub fn of_lines<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Table {
    let interner = Interner::default();
    let mut builder = TableBuilder::new(&interner, chunk::MAX_ROWS);
    for line in lines {
        builder.push_line(line);
    }
    let batch = builder.finish_batch();
    let read_stats = ReadStats {
        logs: 1,
        lines: batch.lines - batch.blank,
        events: batch.events,
        without_exit_code: batch.without_exit_code,
        unreadable: batch.unreadable,
        unreadable_lines: batch.unreadable_lines.iter().map(|line| (0, line + 1)).collect(),
        unterminated: false,
    };
    Table::new(interner, batch.chunks, read_stats)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn table(lines: &str) -> Table {
        of_lines(lines.lines().map(str::as_bytes))
    }

    #[test]
    fn torn_line_with_a_line_glued_to_it_yields_the_second_event() {
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
    fn exact_durations_stay_with_their_events_when_logs_are_merged() {
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
            assert_eq!(format!("{}.00001", event.target), event.duration_seconds.unwrap().to_string());
        }
    }

    #[test]
    fn chunks_that_overlap_in_any_way_are_merged_in_time_order() {
        let mut rng = fastrand::Rng::with_seed(7);
        for round in 0..200 {
            // Mostly forward, and now and then back over one chunk or many.
            let mut second = 1_000_000;
            let mut rows = Vec::new();
            let mut chunks = Vec::new();
            for number in 0..60 {
                let mut builder = chunk::ChunkBuilder::new(chunk::MAX_ROWS);
                for _ in 0..rng.usize(..6) {
                    second += rng.i64(0..20);
                    let micros = second * timestamp::MICROS_PER_SECOND + i64::from(round % 2);
                    builder.push(micros, RunDuration::Milliseconds(number), number);
                    rows.push((micros, number));
                }
                chunks.extend(builder.finish());
                if rng.usize(..4) == 0 {
                    let most = [10, 100, 1000][rng.usize(..3)];
                    second -= rng.i64(0..most);
                }
            }
            rows.sort_by_key(|&(micros, _)| micros);
            let sorted = sorted(chunks);
            let found: Vec<_> =
                sorted.iter().flat_map(Chunk::iter).map(|(row, _)| (row.micros, row.series)).collect();
            assert_eq!(found, rows);
        }
    }

    #[test]
    fn events_of_the_same_second_stay_in_log_order() {
        let line = |second: u32, target: &str| {
            format!("{{\"timestamp\": \"2026-02-14T10:30:{second:02}Z\", \"target\": \"{target}\"}}\n")
        };
        let lines = [line(5, "a"), line(3, "b"), line(5, "c"), line(3, "d"), line(1, "e")].concat();
        let targets: String = table(&lines).events().map(|(_, event)| event.target).collect();
        assert_eq!(targets, "ebdac");
    }

    #[test]
    fn merged_and_filtered_tables_have_few_chunks() {
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
        table.retain(&Filter { excludes: vec!["a".into()], ..Filter::default() });
        assert!(table.chunks.len() < 20, "{}", table.chunks.len());
        assert_eq!(table.len(), 10_000);
    }
}

//! Many events in little memory: eight bytes each as a rule ([`super::rows`]), and every name once.
//!
//! ```text
//! rows    [delta, series, duration] [delta, series, duration] ...     in time order
//! series   (target, domain, exit code, outcome)                  one per combination seen
//! ```
//!
//! Beside the rows stands about 200 bytes for each different combination of target, domain and exit
//! code (once more per read_stats thread), and eight for each duration finer than a millisecond.

pub mod builder;
mod filter;
pub mod intern;
pub mod rows;

use chrono::{DateTime, Utc};

use super::Event;
use super::duration::RunDuration;
use super::timestamp::{self, UNTIMED};
pub use builder::TableBuilder;
pub use filter::Filter;
pub use intern::{Interner, SeriesKey};
use rows::{Chunk, ChunkBuilder, RoomOf, Row, Sheet, Slabs};

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
            let timestamp = timestamp::to_datetime(row.micros);
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
        Some((timestamp::to_datetime(first.micros)?, timestamp::to_datetime(last)?))
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

/// The table of some lines, for tests of whoever reads tables.
#[cfg(test)]
pub fn of_lines<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Table {
    use super::sink::LineSink as _;

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
pub mod tests {
    use super::*;

    pub fn table(lines: &str) -> Table {
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
        table.retain(&Filter { excludes: vec!["a".into()], ..Filter::default() });
        assert!(table.chunks.len() < 20, "{}", table.chunks.len());
        assert_eq!(table.len(), 10_000);
    }
}

//! Reads logs: any number, of any size, while they grow.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use anyhow::Context as _;

use crate::event::counter::{EventCounter, TimeSpan};
use crate::event::parse::scanner::Window;
use crate::event::sink::{LineSink, NAMED_LINES, Segment};
use crate::event::table::rows::{PackedRow, Room, Row};
use crate::event::table::{Interner, ReadStats, Table, TableBuilder};

/// Where events come from.
pub enum Source {
    Path(PathBuf),
    /// Opened already, and the path that errors name.
    File(PathBuf, File),
    /// Read once, from where it stands to its end: standard input, a pipe.
    Stream(Box<dyn Read + Send>),
}

/// How the work is cut up; tests cut it finer.
#[derive(Clone, Copy)]
struct Sizes {
    /// Lines longer than this are no events: they are skipped without being held.
    line: usize,
    /// A thread's buffer: longer ones miss the processor's cache.
    buffer: usize,
    /// What a thread takes at once.
    item: u64,
    /// Up to here a second thread costs more than it saves.
    one_thread: u64,
    /// A stream has no items; its rows are put down in chunks of this many.
    chunk_rows: usize,
}

const SIZES: Sizes =
    Sizes { line: 1 << 20, buffer: 64 << 10, item: 4 << 20, one_thread: 4 << 20, chunk_rows: 1 << 16 };

/// The end of a stream.
const ENDLESS: u64 = 1 << 56;

/// How many bytes a source holds; `None` if it is a stream, or cannot be looked at.
pub fn size(source: &Source) -> Option<u64> {
    let metadata = match source {
        Source::Path(path) => std::fs::metadata(path),
        Source::File(_, file) => file.metadata(),
        Source::Stream(_) => return None,
    };
    metadata.ok().filter(std::fs::Metadata::is_file).map(|file| file.len())
}

/// All events of the logs, in time order. `progress` counts the bytes that were read.
pub fn read(sources: Vec<Source>, progress: &AtomicU64) -> anyhow::Result<Table> {
    read_by(SIZES, sources, progress)
}

fn read_by(sizes: Sizes, sources: Vec<Source>, progress: &AtomicU64) -> anyhow::Result<Table> {
    let logs = open_all(sources)?;
    let names = Interner::default();
    let share = Share::of(sizes, &logs);
    let room = RoomFor(share.bytes / share.threads as u64);
    let taken = share.take(&logs, progress, || TableBuilder::new(&names, &room))?;
    Ok(names.table(taken.kept, taken.segments, taken.read_stats))
}

/// How many events a log holds, with the first and the last moment of them, if any has one.
pub fn count(source: Source) -> anyhow::Result<(ReadStats, Option<TimeSpan>)> {
    count_by(SIZES, source)
}

fn count_by(sizes: Sizes, source: Source) -> anyhow::Result<(ReadStats, Option<TimeSpan>)> {
    let logs = open_all(vec![source])?;
    let taken = Share::of(sizes, &logs).take(&logs, &AtomicU64::new(0), EventCounter::default)?;
    let mut ends = TimeSpan::default();
    taken.kept.into_iter().for_each(|(_, other)| ends.add(other));
    Ok((taken.read_stats, (ends.first <= ends.last).then_some(ends)))
}

fn open_all(sources: Vec<Source>) -> anyhow::Result<Vec<Log>> {
    sources.into_iter().map(Log::open).collect()
}

/// The work, and how many share it.
struct Share {
    sizes: Sizes,
    items: Vec<Item>,
    bytes: u64,
    threads: usize,
}

/// What they have made of it, each under its number; segments in the order of logs and lines.
struct Taken<K> {
    kept: Vec<(u32, K)>,
    segments: Vec<(u32, Segment)>,
    read_stats: ReadStats,
}

/// What one thread read.
struct Work<K> {
    id: u32,
    kept: K,
    parts: Vec<(usize, Part)>,
}

impl Share {
    fn of(sizes: Sizes, logs: &[Log]) -> Self {
        let items = items(logs, sizes.item);
        // A stream is as long as can be.
        let bytes = items.iter().map(|item| item.end - item.start).fold(0, u64::saturating_add);
        let threads = if bytes < sizes.one_thread { 1 } else { threads().min(items.len()) };
        Self { sizes, items, bytes, threads }
    }

    fn take<T: LineSink>(
        &self,
        logs: &[Log],
        progress: &AtomicU64,
        new: impl Fn() -> T + Sync,
    ) -> anyhow::Result<Taken<T::Kept>> {
        let next = AtomicUsize::new(0);
        let ids = AtomicU32::new(0);
        let work = || -> anyhow::Result<Work<T::Kept>> {
            let id = ids.fetch_add(1, Ordering::Relaxed);
            let mut taker = new();
            let mut buffer = vec![0; self.sizes.buffer + size_of::<Window>()];
            let mut parts = Vec::new();
            while let Some((place, item)) = take(&next, &self.items) {
                let log = &logs[item.log];
                let part =
                    Lines { sizes: self.sizes, item, buffer: &mut buffer, taker: &mut taker, progress }
                        .read(log)
                        .with_context(|| format!("could not read {}", log.name))?;
                parts.push((place, part));
            }
            Ok(Work { id, kept: taker.kept(), parts })
        };
        let works = std::thread::scope(|scope| {
            let others: Vec<_> = (1..self.threads).map(|_| scope.spawn(work)).collect();
            let mut works = vec![work()];
            for other in others {
                works.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            works.into_iter().collect::<anyhow::Result<Vec<_>>>()
        })?;
        let mut kept = Vec::new();
        let mut parts = Vec::new();
        for work in works {
            kept.push((work.id, work.kept));
            parts.extend(work.parts.into_iter().map(|(place, part)| (place, work.id, part)));
        }
        parts.sort_by_key(|&(place, ..)| place);

        let mut read_stats = ReadStats { logs: logs.len(), ..ReadStats::default() };
        let mut segments = Vec::new();
        let mut lines = 0;
        let mut log = 0;
        for (place, taker, part) in parts {
            if self.items[place].log != log {
                log = self.items[place].log;
                lines = 0;
            }
            read_stats.unterminated |= part.unterminated;
            for segment in part.segments {
                read_stats.lines += segment.lines - segment.blank;
                read_stats.events += segment.events;
                read_stats.unreadable += segment.unreadable;
                let room = NAMED_LINES - read_stats.unreadable_lines.len();
                let numbers = segment.unreadable_lines.iter().take(room);
                read_stats.unreadable_lines.extend(numbers.map(|number| (log, lines + number + 1)));
                lines += segment.lines;
                segments.push((taker, segment));
            }
        }
        Ok(Taken { kept, segments, read_stats })
    }
}

/// Room for the rows of so many bytes, in a log as we write it; or for a good part of them.
struct RoomFor(u64);

impl RoomFor {
    /// Not on huge pages (madvise(2)): a tenth quicker where the machine is warm, but on a virtual machine that gives
    /// free memory back to its host a fifth slower, for what has been given back is just what huge pages are made of.
    fn slab<T>(&self) -> Vec<T> {
        /// In bytes of memory: a larger log takes several, and a stream, of which nobody knows, begins with less.
        const MOST: u64 = 64 << 20;
        const OF_A_STREAM: u64 = 16 << 20;
        /// In bytes of a line.
        const SHORTEST: u64 = 100;
        let most = if self.0 < ENDLESS / 64 { MOST } else { OF_A_STREAM };
        let rows = (self.0 / SHORTEST + 64).min(most / size_of::<T>() as u64);
        Vec::with_capacity(usize::try_from(rows).unwrap_or(0))
    }
}

impl Room for RoomFor {
    fn packed(&self) -> Vec<PackedRow> {
        self.slab()
    }

    fn full(&self) -> Vec<Row> {
        self.slab()
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

struct Log {
    name: String,
    content: Content,
}

enum Content {
    /// With its size when it was opened: what is appended meanwhile is for the next report.
    File(File, u64),
    /// Taken out by the one thread that reads it.
    Stream(std::sync::Mutex<Box<dyn Read + Send>>),
}

impl Log {
    fn open(source: Source) -> anyhow::Result<Self> {
        let (path, file) = match source {
            Source::Stream(stream) => {
                let content = Content::Stream(std::sync::Mutex::new(stream));
                return Ok(Self { name: "standard input".into(), content });
            }
            Source::Path(path) => (path, None),
            Source::File(path, file) => (path, Some(file)),
        };
        let name = path.display().to_string();
        let open = || {
            let file = file.map_or_else(|| File::open(&path), Ok)?;
            let metadata = file.metadata()?;
            Ok::<_, std::io::Error>((file, metadata))
        };
        let (file, metadata) = open().with_context(|| format!("could not read {name}"))?;
        // A pipe (`--log <(zcat old.gz)`) cannot be read at a position.
        let content = if metadata.is_file() {
            Content::File(file, metadata.len())
        } else {
            Content::Stream(std::sync::Mutex::new(Box::new(file)))
        };
        Ok(Self { name, content })
    }
}

/// The lines of a log that start in `start..end`.
#[derive(Clone, Copy)]
struct Item {
    log: usize,
    start: u64,
    end: u64,
    /// Nothing follows it.
    is_last: bool,
}

fn items(logs: &[Log], size_of_item: u64) -> Vec<Item> {
    let mut items = Vec::new();
    for (log, Log { content, .. }) in logs.iter().enumerate() {
        match content {
            Content::Stream(_) => items.push(Item { log, start: 0, end: ENDLESS, is_last: true }),
            &Content::File(_, size) => {
                let mut start = 0;
                while start < size {
                    let end = size.min(start + size_of_item);
                    items.push(Item { log, start, end, is_last: end == size });
                    start = end;
                }
            }
        }
    }
    items
}

fn take(next: &AtomicUsize, items: &[Item]) -> Option<(usize, Item)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    items.get(place).map(|&item| (place, item))
}

/// What an item held.
#[derive(Default)]
struct Part {
    segments: Vec<Segment>,
    unterminated: bool,
}

/// One item on its way through a buffer.
struct Lines<'a, T> {
    sizes: Sizes,
    item: Item,
    buffer: &'a mut Vec<u8>,
    taker: &'a mut T,
    progress: &'a AtomicU64,
}

impl<T: LineSink> Lines<'_, T> {
    fn read(&mut self, log: &Log) -> std::io::Result<Part> {
        match &log.content {
            Content::File(file, size) => {
                // Whether a line starts at `start` is told by the byte before it.
                let mut at = self.item.start.saturating_sub(1);
                let first = self.item.start - at;
                self.split(first, |buffer| {
                    let remaining = usize::try_from(size - at).unwrap_or(usize::MAX);
                    let room = buffer.len().min(remaining);
                    let count = file.read_at(&mut buffer[..room], at)?;
                    at += count as u64;
                    Ok(count)
                })
            }
            Content::Stream(stream) => {
                let mut stream = stream.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                self.split(0, |buffer| stream.read(buffer))
            }
        }
    }

    /// `before` bytes come first that belong to a line of the item before.
    fn split(
        &mut self,
        before: u64,
        mut more: impl FnMut(&mut [u8]) -> std::io::Result<usize>,
    ) -> std::io::Result<Part> {
        let mut part = Part::default();
        // Counted from the first byte that is read.
        let end = before + (self.item.end - self.item.start);
        // Of buffer[0]; the line at hand starts there, or is being skipped.
        let mut base = 0;
        let mut filled = 0;
        let mut skipping = before > 0;
        loop {
            // Behind it, a window on the last line has room.
            let mut room = self.buffer.len() - size_of::<Window>();
            if filled == room {
                room *= 2;
                self.buffer.resize(room + size_of::<Window>(), 0);
            }
            let count = loop {
                match more(&mut self.buffer[filled..room]) {
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => (),
                    other => break other?,
                }
            };
            self.progress.fetch_add(count as u64, Ordering::Relaxed);
            if count == 0 {
                if filled > 0 {
                    self.taker.line(&self.buffer[..filled]);
                }
                part.unterminated = filled > 0 || (skipping && base > before);
                break;
            }
            let read = filled + count;
            let mut at = 0;
            let stop = usize::try_from(end - base).map_or(read, |stop| stop.min(read));
            let done = loop {
                while !skipping
                    && at < stop
                    && let Some(window) = self.buffer[at..].first_chunk()
                    && let Some(length) = self.taker.canonical(window, read - at)
                {
                    at += length;
                }
                if base + at as u64 >= end {
                    break true;
                }
                // What was carried over holds no line end.
                let searched = filled.max(at);
                let Some(length) = memchr::memchr(b'\n', &self.buffer[searched..read]) else { break false };
                let line_end = searched + length;
                if skipping {
                    skipping = false;
                } else if line_end - at > self.sizes.line {
                    self.taker.endless_line();
                } else {
                    self.taker.line(&self.buffer[at..line_end]);
                }
                at = line_end + 1;
            };
            if self.taker.rows() >= self.sizes.chunk_rows && self.item.end == ENDLESS {
                part.segments.push(self.taker.take());
            }
            if done {
                break;
            }
            if !skipping && read - at > self.sizes.line {
                self.taker.endless_line();
                skipping = true;
            }
            if skipping {
                at = read;
                if base + at as u64 >= end {
                    part.unterminated = self.item.is_last;
                    break;
                }
            }
            self.buffer.copy_within(at..read, 0);
            filled = read - at;
            base += at as u64;
        }
        part.segments.push(self.taker.take());
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const FINE: Sizes = Sizes { line: 300, buffer: 64, item: 100, one_thread: 0, chunk_rows: 3 };

    fn line(number: usize, target: &str) -> String {
        format!(
            r#"{{"timestamp": "2026-02-14T{:02}:{:02}:{:02}+00:00", "target": "{target}", "domain": null, "duration_seconds": {number}.0, "exit_code": 0}}"#,
            number / 3600,
            number / 60 % 60,
            number % 60
        )
    }

    /// Canonical lines and others, blank, unreadable, too long.
    fn log() -> String {
        let line_of = |number: usize| {
            match number % 11 {
                3 => "\n".to_owned(),
                4 => "\r\n".to_owned(),
                5 => format!("{}\r\n", line(number, "carriage")),
                6 => format!("nonsense {number}\n"),
                7 => format!("{{\"target\":\"untimed\",\"duration_seconds\":{number}}}\n"),
                8 if number.is_multiple_of(3) => format!("{}\n", line(number, &"long".repeat(100))),
                // Two runs at once may write in the wrong order.
                9 => format!("{}\n{}\n", line(number + 40, "late"), line(number, "early")),
                _ => format!("{}\n", line(number, "apply")),
            }
        };
        (0..400).map(line_of).collect()
    }

    fn events(table: &Table) -> Vec<String> {
        table.events().map(|(moment, event)| format!("{moment:?} {event:?}")).collect()
    }

    fn file(content: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        file
    }

    fn path(file: &tempfile::NamedTempFile) -> Source {
        Source::Path(file.path().to_owned())
    }

    #[track_caller]
    fn read_with(sizes: Sizes, sources: Vec<Source>) -> Table {
        read_by(sizes, sources, &AtomicU64::new(0)).unwrap()
    }

    #[test]
    fn a_log_is_the_same_however_it_is_cut_up() {
        let log = log();
        let file = file(&log);
        let whole = read_with(Sizes { line: FINE.line, ..SIZES }, vec![path(&file)]);
        assert!(whole.read_stats.events > 300 && whole.read_stats.unreadable > 40, "{:?}", whole.read_stats);
        let long_lines = log.lines().filter(|line| line.len() > FINE.line).count();
        let nonsense = log.lines().filter(|line| line.starts_with("nonsense")).count();
        assert_eq!(whole.read_stats.unreadable, (long_lines + nonsense) as u64);
        let period = whole.period().map(|(from, to)| (from.timestamp_micros(), to.timestamp_micros()));
        for item in [1, 7, 100, 123, 1000, 100_000] {
            for buffer in [1, 16, 64, 200, 4096] {
                let sizes = Sizes { buffer, item, ..FINE };
                let cut = read_with(sizes, vec![path(&file)]);
                assert_eq!(cut.read_stats, whole.read_stats, "{item} {buffer}");
                assert_eq!(events(&cut), events(&whole), "{item} {buffer}");
                let stream = Source::Stream(Box::new(std::io::Cursor::new(log.clone())));
                let streamed = read_with(sizes, vec![stream]);
                assert_eq!(streamed.read_stats, whole.read_stats, "{item} {buffer}");
                assert_eq!(events(&streamed), events(&whole), "{item} {buffer}");
                let (counted, ends) = count_by(sizes, path(&file)).unwrap();
                assert_eq!(counted, whole.read_stats, "{item} {buffer}");
                let ends = ends.map(|ends| (ends.first, ends.last));
                assert_eq!(ends, period, "{item} {buffer}");
            }
        }
    }

    #[test]
    fn several_logs_make_one_in_time_order() {
        let first = file(&format!("{}\n{}\nx\n", line(1, "a"), line(3, "c")));
        let second = file(&format!("{}\n\n{}\nx\n{}", line(2, "b"), line(3, "d"), line(9, "e")));
        let table = read_with(FINE, vec![path(&first), path(&second)]);
        let targets: String = table.events().map(|(_, event)| event.target).collect();
        assert_eq!(targets, "abcde");
        assert_eq!(table.read_stats.unreadable_lines, [(0, 3), (1, 4)]);
        assert_eq!((table.read_stats.logs, table.read_stats.lines), (2, 7));
        assert!(table.read_stats.unterminated);
    }

    #[test]
    fn an_exact_duration_goes_along_past_several_logs() {
        let event = |second: u32, seconds: f64| {
            format!(
                r#"{{"timestamp": "2026-02-14T10:30:0{second}+00:00", "target": "a", "duration_seconds": {seconds:?}}}"#
            )
        };
        // The newest first, a line each, durations finer than a millisecond or not.
        for finest in 0..5 {
            let logs = (0..5).map(|log| {
                let seconds = f64::from(log) + if log == finest { 0.123_456_7 } else { 0.5 };
                Source::Stream(Box::new(std::io::Cursor::new(event(5 - log, seconds))))
            });
            let table = read_with(SIZES, logs.collect());
            let found: Vec<f64> = table.events().map(|(_, event)| event.duration_seconds).collect();
            let seconds = |log| f64::from(log) + if log == finest { 0.123_456_7 } else { 0.5 };
            assert_eq!(found, (0..5).rev().map(seconds).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_last_line_without_an_end_is_flagged_and_counts_if_it_can_be_read() {
        for item in [10, 100, 1000] {
            let sizes = Sizes { item, ..FINE };
            let whole = file(&format!("{}\n{}", line(1, "a"), line(2, "b")));
            let table = read_with(sizes, vec![path(&whole)]);
            assert_eq!((table.read_stats.events, table.read_stats.unreadable), (2, 0));
            assert!(table.read_stats.unterminated);
            let torn = file(&format!("{}\n{}", line(1, "a"), &line(2, "b")[..50]));
            let table = read_with(sizes, vec![path(&torn)]);
            assert_eq!((table.read_stats.events, table.read_stats.unreadable), (1, 1));
            assert!(table.read_stats.unterminated);
            let endless = file(&format!("{}\n{}", line(1, "a"), "x".repeat(5000)));
            let table = read_with(sizes, vec![path(&endless)]);
            assert_eq!((table.read_stats.events, table.read_stats.unreadable), (1, 1));
            assert!(table.read_stats.unterminated);
            let ended = file(&format!("{}\n", line(1, "a")));
            assert!(!read_with(sizes, vec![path(&ended)]).read_stats.unterminated);
        }
    }

    #[test]
    fn an_empty_log_has_nothing_in_it() {
        let table = read_with(SIZES, vec![path(&file(""))]);
        assert_eq!(table.read_stats, ReadStats { logs: 1, ..ReadStats::default() });
        assert!(table.events().next().is_none());
        assert_eq!(count(path(&file("{\"target\": \"untimed\"}\n"))).unwrap().1, None);
    }

    #[test]
    fn a_log_that_cannot_be_read_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let error = read(vec![Source::Path(directory.path().join("none"))], &AtomicU64::new(0)).unwrap_err();
        assert!(format!("{error:#}").starts_with("could not read /"), "{error:#}");
        let error = read(vec![Source::Path(directory.path().to_owned())], &AtomicU64::new(0)).unwrap_err();
        assert!(format!("{error:#}").ends_with("Is a directory (os error 21)"), "{error:#}");
    }

    #[test]
    fn progress_counts_the_bytes() {
        let progress = AtomicU64::new(0);
        let log = log();
        let content = Source::Stream(Box::new(std::io::Cursor::new(log.clone())));
        read(vec![content], &progress).unwrap();
        assert_eq!(progress.into_inner(), log.len() as u64);
    }
}

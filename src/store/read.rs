//! Reads logs: any number, of any size, even while they grow.
//!
//! Not by mmap(2): a log that is truncated meanwhile would be SIGBUS, and the whole file would count as our memory. No
//! cache file: a million lines take tens of milliseconds, and a second private file would have to be deleted, kept up
//! to date and trusted.

use std::fs::File;
use std::io::{Cursor, Read};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;

use super::encoding::Encoding;
use crate::event::parse::scanner::Window;
use crate::event::table::chunk::{Chunk, MAX_ROWS};
use crate::event::table::{Batch, Interner, NAMED_LINES, ReadStats, Table, TableBuilder};

/// So many bytes of a log are looked at before it is read.
const HEAD: usize = 16;

/// Where events come from.
pub enum Source {
    Path(PathBuf),
    /// An open file, and the path for errors.
    File(PathBuf, File),
    /// Read once, from where it stands to its end: standard input, a pipe.
    Stream(Box<dyn Read + Send>),
}

/// Sizes in bytes; tests use smaller ones.
#[derive(Clone, Copy)]
struct Limits {
    /// Longer lines are no events: they are skipped without being held.
    line: usize,
    /// A thread's buffer. A larger one does not fit into a processor's cache.
    buffer: usize,
    /// What a thread takes at once.
    item: u64,
    /// Below this, a second thread costs more than it saves.
    one_thread: u64,
    /// In rows.
    chunk: usize,
}

const LIMITS: Limits =
    Limits { line: 1 << 20, buffer: 64 << 10, item: 4 << 20, one_thread: 4 << 20, chunk: MAX_ROWS };

/// The end of a stream.
const ENDLESS: u64 = 1 << 56;

/// How many bytes a source holds. `None`: a stream, or a file that cannot be looked at.
pub fn size(source: &Source) -> Option<u64> {
    let metadata = match source {
        Source::Path(path) => std::fs::metadata(path),
        Source::File(_, file) => file.metadata(),
        Source::Stream(_) => return None,
    };
    metadata.ok().filter(std::fs::Metadata::is_file).map(|file| file.len())
}

/// All events of the logs, in time order. `progress` counts the bytes read so far.
pub fn read(sources: Vec<Source>, progress: &AtomicU64) -> anyhow::Result<Table> {
    read_within(LIMITS, sources, progress)
}

fn read_within(limits: Limits, sources: Vec<Source>, progress: &AtomicU64) -> anyhow::Result<Table> {
    let interner = Interner::default();
    let (chunks, stats) = read_all(limits, sources, progress, &interner, |chunks| chunks)?;
    Ok(Table::new(interner, chunks.into_iter().flatten().collect(), stats))
}

/// First and last time, in microseconds since 1970.
pub type MicrosRange = (i64, i64);

/// How many events a log holds, and from when to when, if any of them has a time. No row is kept.
pub fn count(source: Source) -> anyhow::Result<(ReadStats, Option<MicrosRange>)> {
    count_within(LIMITS, source)
}

fn count_within(limits: Limits, source: Source) -> anyhow::Result<(ReadStats, Option<MicrosRange>)> {
    let cover = |a: MicrosRange, b: MicrosRange| (a.0.min(b.0), a.1.max(b.1));
    let period = |chunks: Vec<Chunk>| chunks.iter().filter_map(Chunk::period).reduce(cover);
    let (periods, stats) = read_all(limits, vec![source], &AtomicU64::new(0), &Interner::default(), period)?;
    Ok((stats, periods.into_iter().flatten().reduce(cover)))
}

/// Reads the logs on as many threads as are worth it. Returns what `of_chunks` makes of the chunks of each item, in the
/// order of the logs and their lines.
fn read_all<T: Send>(
    limits: Limits,
    sources: Vec<Source>,
    progress: &AtomicU64,
    interner: &Interner,
    of_chunks: impl Fn(Vec<Chunk>) -> T + Sync,
) -> anyhow::Result<(Vec<T>, ReadStats)> {
    let logs = sources.into_iter().map(Log::open).collect::<anyhow::Result<Vec<_>>>()?;
    let items = items(&logs, limits.item);
    // A stream counts as endless.
    let bytes = items.iter().map(|item| item.end - item.start).fold(0, u64::saturating_add);
    let threads = if bytes < limits.one_thread { 1 } else { processors().min(items.len()) };
    let next = AtomicUsize::new(0);
    let worker = || -> anyhow::Result<Vec<_>> {
        let mut builder = TableBuilder::new(interner, limits.chunk);
        let mut buffer = vec![0; limits.buffer + size_of::<Window>()];
        let mut done = Vec::new();
        while let index = next.fetch_add(1, Ordering::Relaxed)
            && let Some(&item) = items.get(index)
        {
            let log = &logs[item.log];
            let mut reader =
                ItemReader { limits, item, buffer: &mut buffer, builder: &mut builder, progress };
            let unterminated = reader.read(log).with_context(|| format!("could not read {}", log.name))?;
            let mut batch = builder.finish_batch();
            let made = of_chunks(std::mem::take(&mut batch.chunks));
            done.push((index, made, batch, unterminated));
        }
        Ok(done)
    };
    let results: anyhow::Result<Vec<_>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let own = worker();
        let join = |other: std::thread::ScopedJoinHandle<'_, _>| {
            other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        std::iter::once(own).chain(others.into_iter().map(join)).collect()
    });
    let mut done: Vec<_> = results?.into_iter().flatten().collect();
    done.sort_unstable_by_key(|&(index, ..)| index);

    let mut stats = ReadStats { logs: logs.len(), ..ReadStats::default() };
    let mut all_made = Vec::with_capacity(done.len());
    // The number of the first line of the item in its log.
    let (mut log, mut line) = (0, 1);
    for (index, made, batch, unterminated) in done {
        if items[index].log != log {
            (log, line) = (items[index].log, 1);
        }
        add_batch(&mut stats, &batch, log, line);
        stats.unterminated |= unterminated;
        line += batch.lines;
        all_made.push(made);
    }
    // Of an array with an item a line, the last one has no comma.
    let readable = stats.lines - stats.unreadable;
    if readable <= 1
        && stats.unreadable > readable
        && let Some((log, encoding)) = logs.iter().find_map(|log| Some((log, log.encoding?)))
    {
        return Err(log.unreadable(encoding));
    }
    Ok((all_made, stats))
}

/// `line` is the number of the batch's first line.
fn add_batch(stats: &mut ReadStats, batch: &Batch, log: usize, line: u64) {
    stats.lines += batch.lines - batch.blank;
    stats.events += batch.events;
    stats.without_exit_code += batch.without_exit_code;
    stats.unreadable += batch.unreadable;
    let room = NAMED_LINES - stats.unreadable_lines.len();
    let numbers = batch.unreadable_lines.iter().take(room);
    stats.unreadable_lines.extend(numbers.map(|number| (log, line + number)));
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

struct Log {
    name: String,
    content: Content,
    /// What it seems to be instead of a log.
    encoding: Option<Encoding>,
}

enum Content {
    /// With its size when it was opened: what is appended later is for the next report.
    File(File, u64),
    Stream(Mutex<Box<dyn Read + Send>>),
}

impl Log {
    fn open(source: Source) -> anyhow::Result<Self> {
        let (path, file) = match source {
            Source::Stream(stream) => return Self::of_stream("standard input".into(), stream),
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
        // pread(2) does not work on a pipe (`--log <(zcat old.gz)`).
        if !metadata.is_file() {
            return Self::of_stream(name, Box::new(file));
        }
        let mut head = [0; HEAD];
        let length = file.read_at(&mut head, 0).with_context(|| format!("could not read {name}"))?;
        Self::new(name, Content::File(file, metadata.len()), &head[..length])
    }

    fn of_stream(name: String, mut stream: Box<dyn Read + Send>) -> anyhow::Result<Self> {
        let mut head = Vec::new();
        let read = stream.by_ref().take(HEAD as u64).read_to_end(&mut head);
        read.with_context(|| format!("could not read {name}"))?;
        let content = Content::Stream(Mutex::new(Box::new(Cursor::new(head.clone()).chain(stream))));
        Self::new(name, content, &head)
    }

    fn new(name: String, content: Content, head: &[u8]) -> anyhow::Result<Self> {
        let log = Self { name, content, encoding: Encoding::of(head) };
        match log.encoding {
            Some(encoding) if !encoding.may_be_damage() => Err(log.unreadable(encoding)),
            _ => Ok(log),
        }
    }

    fn unreadable(&self, encoding: Encoding) -> anyhow::Error {
        anyhow::anyhow!("no line of {} could be read: {}", self.name, encoding.remedy())
    }
}

/// The lines of a log whose first byte is in `start..end`.
#[derive(Clone, Copy)]
struct Item {
    log: usize,
    start: u64,
    end: u64,
    /// The last one of its log.
    is_last: bool,
}

fn items(logs: &[Log], item_size: u64) -> Vec<Item> {
    let mut items = Vec::new();
    for (log, Log { content, .. }) in logs.iter().enumerate() {
        match content {
            Content::Stream(_) => items.push(Item { log, start: 0, end: ENDLESS, is_last: true }),
            &Content::File(_, size) => {
                let mut start = 0;
                while start < size {
                    let end = size.min(start + item_size);
                    items.push(Item { log, start, end, is_last: end == size });
                    start = end;
                }
            }
        }
    }
    items
}

/// Reads one item through a buffer.
struct ItemReader<'a, 'b> {
    limits: Limits,
    item: Item,
    buffer: &'a mut Vec<u8>,
    builder: &'a mut TableBuilder<'b>,
    progress: &'a AtomicU64,
}

impl ItemReader<'_, '_> {
    /// Returns whether the item is the end of its log, and has no line feed at its end.
    fn read(&mut self, log: &Log) -> std::io::Result<bool> {
        match &log.content {
            Content::File(file, _) => {
                // The byte before `start` tells whether a line starts there.
                let mut offset = self.item.start.saturating_sub(1);
                let before = self.item.start - offset;
                self.read_lines(before, |buffer| {
                    let count = file.read_at(buffer, offset)?;
                    offset += count as u64;
                    Ok(count)
                })
            }
            Content::Stream(stream) => {
                let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
                self.read_lines(0, |buffer| stream.read(buffer))
            }
        }
    }

    /// The first `before` bytes that `read` gives belong to a line of the item before.
    fn read_lines(
        &mut self,
        before: u64,
        mut read: impl FnMut(&mut [u8]) -> std::io::Result<usize>,
    ) -> std::io::Result<bool> {
        // Offsets count from the first byte that is read.
        let end = before + (self.item.end - self.item.start);
        // The offset of buffer[0], where the line at hand starts or is being skipped.
        let mut base = 0;
        let mut filled = 0;
        let mut skipping = before > 0;
        loop {
            // A window on the last line may reach beyond the bytes that were read.
            let mut capacity = self.buffer.len() - size_of::<Window>();
            if filled == capacity {
                capacity *= 2;
                self.buffer.resize(capacity + size_of::<Window>(), 0);
            }
            // EINTR is not expected: no signal has a handler here (signal(7)).
            let count = read(&mut self.buffer[filled..capacity])?;
            self.progress.fetch_add(count as u64, Ordering::Relaxed);
            if count == 0 {
                if filled > 0 {
                    self.builder.push_line(&self.buffer[..filled]);
                }
                return Ok(filled > 0 || skipping);
            }
            let read = filled + count;
            let mut at = 0;
            let stop = usize::try_from(end - base).map_or(read, |stop| stop.min(read));
            loop {
                while !skipping
                    && at < stop
                    && let Some(window) = self.buffer[at..].first_chunk()
                    && let Some(length) = self.builder.push_canonical(window, read - at)
                {
                    at += length;
                }
                if base + at as u64 >= end {
                    return Ok(false);
                }
                // What was carried over holds no line feed.
                let searched = filled.max(at);
                let Some(length) = memchr::memchr(b'\n', &self.buffer[searched..read]) else { break };
                let line_end = searched + length;
                if skipping {
                    skipping = false;
                } else if line_end - at > self.limits.line {
                    self.builder.push_overlong_line();
                } else {
                    self.builder.push_line(&self.buffer[at..line_end]);
                }
                at = line_end + 1;
            }
            if !skipping && read - at > self.limits.line {
                self.builder.push_overlong_line();
                skipping = true;
            }
            if skipping {
                at = read;
                if base + at as u64 >= end {
                    return Ok(self.item.is_last);
                }
            }
            self.buffer.copy_within(at..read, 0);
            filled = read - at;
            base += at as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const SMALL: Limits = Limits { line: 300, buffer: 64, item: 100, one_thread: 0, chunk: 3 };

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
    fn read_with(limits: Limits, sources: Vec<Source>) -> Table {
        read_within(limits, sources, &AtomicU64::new(0)).unwrap()
    }

    #[test]
    fn log_reads_the_same_for_any_item_and_buffer_size() {
        let log = log();
        let file = file(&log);
        let whole = read_with(Limits { line: SMALL.line, ..LIMITS }, vec![path(&file)]);
        assert!(whole.read_stats.events > 300 && whole.read_stats.unreadable > 40, "{:?}", whole.read_stats);
        let long_lines = log.lines().filter(|line| line.len() > SMALL.line).count();
        let nonsense = log.lines().filter(|line| line.starts_with("nonsense")).count();
        assert_eq!(whole.read_stats.unreadable, (long_lines + nonsense) as u64);
        let period = whole.period().map(|(from, to)| (from.timestamp_micros(), to.timestamp_micros()));
        for item in [1, 7, 100, 123, 1000, 100_000] {
            for buffer in [1, 16, 64, 200, 4096] {
                let limits = Limits { buffer, item, ..SMALL };
                let cut = read_with(limits, vec![path(&file)]);
                assert_eq!(cut.read_stats, whole.read_stats, "{item} {buffer}");
                assert_eq!(events(&cut), events(&whole), "{item} {buffer}");
                let stream = Source::Stream(Box::new(std::io::Cursor::new(log.clone())));
                let streamed = read_with(limits, vec![stream]);
                assert_eq!(streamed.read_stats, whole.read_stats, "{item} {buffer}");
                assert_eq!(events(&streamed), events(&whole), "{item} {buffer}");
                let (counted, ends) = count_within(limits, path(&file)).unwrap();
                assert_eq!(counted, whole.read_stats, "{item} {buffer}");
                assert_eq!(ends, period, "{item} {buffer}");
            }
        }
    }

    /// Appends to a log, once, when it is read.
    struct Appender(File, Option<String>);

    impl Read for Appender {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            self.0.write_all(self.1.take().unwrap_or_default().as_bytes())?;
            Ok(0)
        }
    }

    #[test]
    fn line_appended_after_the_log_was_opened_is_left_for_the_next_report() {
        let log = file(&format!("{}\n", line(1, "a")));
        let later = File::options().append(true).open(log.path()).unwrap();
        let appender = Appender(later, Some(format!("{}\n", line(2, "b"))));
        let sources = vec![path(&log), Source::Stream(Box::new(appender))];
        assert_eq!(read_with(LIMITS, sources).read_stats.events, 1);
        assert_eq!(read_with(LIMITS, vec![path(&log)]).read_stats.events, 2);
    }

    #[test]
    fn several_logs_are_merged_in_time_order() {
        let first = file(&format!("{}\n{}\nx\n", line(1, "a"), line(3, "c")));
        let second = file(&format!("{}\n\n{}\nx\n{}", line(2, "b"), line(3, "d"), line(9, "e")));
        let table = read_with(SMALL, vec![path(&first), path(&second)]);
        let targets: String = table.events().map(|(_, event)| event.target).collect();
        assert_eq!(targets, "abcde");
        assert_eq!(table.read_stats.unreadable_lines, [(0, 3), (1, 4)]);
        assert_eq!((table.read_stats.logs, table.read_stats.lines), (2, 7));
        assert!(table.read_stats.unterminated);
    }

    #[test]
    fn first_100_unreadable_lines_are_named() {
        let table = read_with(SMALL, vec![path(&file(&"nonsense\n".repeat(150)))]);
        assert_eq!(table.read_stats.unreadable, 150);
        assert_eq!(
            table.read_stats.unreadable_lines,
            (1..=100).map(|number| (0, number)).collect::<Vec<_>>()
        );
    }

    #[test]
    fn exact_durations_stay_with_their_events_in_merged_logs() {
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
            let table = read_with(LIMITS, logs.collect());
            let found: Vec<f64> = table.events().map(|(_, event)| event.duration_seconds.unwrap()).collect();
            let seconds = |log| f64::from(log) + if log == finest { 0.123_456_7 } else { 0.5 };
            assert_eq!(found, (0..5).rev().map(seconds).collect::<Vec<_>>());
        }
    }

    #[test]
    fn last_line_without_line_feed_is_flagged_and_read_if_complete() {
        for item in [10, 100, 1000] {
            let limits = Limits { item, ..SMALL };
            let whole = file(&format!("{}\n{}", line(1, "a"), line(2, "b")));
            let table = read_with(limits, vec![path(&whole)]);
            assert_eq!((table.read_stats.events, table.read_stats.unreadable), (2, 0));
            assert!(table.read_stats.unterminated);
            let torn = file(&format!("{}\n{}", line(1, "a"), &line(2, "b")[..50]));
            let table = read_with(limits, vec![path(&torn)]);
            assert_eq!((table.read_stats.events, table.read_stats.unreadable), (1, 1));
            assert!(table.read_stats.unterminated);
            let endless = file(&format!("{}\n{}", line(1, "a"), "x".repeat(5000)));
            let table = read_with(limits, vec![path(&endless)]);
            assert_eq!((table.read_stats.events, table.read_stats.unreadable), (1, 1));
            assert!(table.read_stats.unterminated);
            let ended = file(&format!("{}\n", line(1, "a")));
            assert!(!read_with(limits, vec![path(&ended)]).read_stats.unterminated);
        }
    }

    /// What an earlier line has left in the buffer would complete it.
    #[test]
    fn torn_last_line_is_not_completed_by_an_earlier_one() {
        let whole = line(1, "a") + "\n";
        let torn = file(&format!("{}{}", whole.repeat(5), &whole[..50]));
        let limits = Limits { buffer: 3 * whole.len() + 10, item: 1 << 20, ..SMALL };
        let stats = read_with(limits, vec![path(&torn)]).read_stats;
        assert_eq!((stats.events, stats.unreadable, stats.unterminated), (5, 1, true));
    }

    #[test]
    fn longer_lines_than_the_limit_are_no_events() {
        for (length, events) in [(SMALL.line, 1), (SMALL.line + 1, 0)] {
            let target = "x".repeat(length - line(1, "").len());
            for buffer in [64, 300, 301, 4096] {
                let log = file(&format!("{}\n", line(1, &target)));
                let stats = read_with(Limits { buffer, ..SMALL }, vec![path(&log)]).read_stats;
                assert_eq!((stats.events, stats.unreadable), (events, 1 - events), "{length} {buffer}");
            }
        }
    }

    #[test]
    fn empty_log_has_no_events_and_no_period() {
        let table = read_with(LIMITS, vec![path(&file(""))]);
        assert_eq!(table.read_stats, ReadStats { logs: 1, ..ReadStats::default() });
        assert!(table.events().next().is_none());
        assert_eq!(count(path(&file("{\"target\": \"untimed\"}\n"))).unwrap().1, None);
    }

    #[test]
    fn error_names_the_log_that_cannot_be_read() {
        let directory = tempfile::tempdir().unwrap();
        let error = read(vec![Source::Path(directory.path().join("none"))], &AtomicU64::new(0)).unwrap_err();
        assert!(format!("{error:#}").starts_with("could not read /"), "{error:#}");
        let error = read(vec![Source::Path(directory.path().to_owned())], &AtomicU64::new(0)).unwrap_err();
        assert!(format!("{error:#}").ends_with("Is a directory (os error 21)"), "{error:#}");
    }

    #[test]
    fn file_in_a_foreign_encoding_is_refused_with_its_remedy() {
        #[track_caller]
        fn case(content: &[u8], remedy: &str) {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(content).unwrap();
            let stream = Source::Stream(Box::new(Cursor::new(content.to_vec())));
            for (source, name) in [
                (Source::Path(file.path().to_owned()), file.path().to_str().unwrap()),
                (stream, "standard input"),
            ] {
                let error = read(vec![source], &AtomicU64::new(0)).unwrap_err().to_string();
                assert_eq!(error, format!("no line of {name} could be read: {remedy}"));
            }
        }
        let array = |between: &str| format!("[{}]", [line(1, "a"), line(2, "b")].join(between));
        let utf16: Vec<u8> = array("").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let gzip = "it is gzip (zcat FILE | tm-run report --log -)";
        case(b"\x1f\x8b\x08\0\0", gzip);
        case(
            &[b"\xff\xfe", &utf16[..]].concat(),
            "it is UTF-16 (iconv -f UTF-16 -t UTF-8 FILE | tm-run report --log -)",
        );
        let json_array = "it is one JSON array (jq -c '.[]' FILE | tm-run report --log -)";
        case(array(",").as_bytes(), json_array);
        case(array(",\n  ").replace('[', "[\n  ").as_bytes(), json_array);
        // Beside a log that can be read, too.
        let streams = [format!("{}\n", line(1, "a")).repeat(9).into_bytes(), b"\x1f\x8b\x08\0\0".to_vec()]
            .map(|content| Source::Stream(Box::new(Cursor::new(content))));
        let error = read(streams.into(), &AtomicU64::new(0)).unwrap_err().to_string();
        assert_eq!(error, format!("no line of standard input could be read: {gzip}"));
        // A log whose first line is damaged is a log.
        let damaged = format!("[nonsense\n{}\n{}\n", line(1, "a"), line(2, "b"));
        let stream = Source::Stream(Box::new(Cursor::new(damaged)));
        assert_eq!(read(vec![stream], &AtomicU64::new(0)).unwrap().read_stats.events, 2);
        let damaged = format!("[nonsense\n{}\n", line(1, "a"));
        let stream = Source::Stream(Box::new(Cursor::new(damaged)));
        assert_eq!(read(vec![stream], &AtomicU64::new(0)).unwrap().read_stats.events, 1);
    }

    #[test]
    fn byte_order_mark_costs_no_event() {
        let log = format!("\u{feff}{}\n{}\n", line(1, "a"), line(2, "b"));
        let stream = Source::Stream(Box::new(Cursor::new(log)));
        let stats = read(vec![stream], &AtomicU64::new(0)).unwrap().read_stats;
        assert_eq!((stats.events, stats.unreadable), (2, 0));
    }

    #[test]
    fn size_is_that_of_files_alone() {
        let content = "x".repeat(1000);
        let open = File::open(file(&content).path()).unwrap();
        assert_eq!(size(&path(&file(&content))), Some(1000));
        assert_eq!(size(&Source::File("log".into(), open)), Some(1000));
        assert_eq!(size(&Source::Path("/dev/null".into())), None);
        assert_eq!(size(&Source::Stream(Box::new(Cursor::new(content)))), None);
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

//! Reads logs: any number, of any size, while they grow.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use anyhow::Context as _;

use crate::event::table::{Builder, NAMED_LINES, Names, Reading, Stretch, Table};

/// Where events come from.
pub enum Source {
    Path(PathBuf),
    /// Read once, from where it stands to its end: standard input, a pipe.
    Stream(Box<dyn Read + Send>),
}

/// Lines longer than this are no events: they are skipped without being held.
const LONGEST_LINE: usize = 1 << 20;
/// A thread's buffer: longer ones miss the processor's cache.
const BUFFER: usize = 128 << 10;
/// What a thread takes at once.
const ITEM: u64 = 8 << 20;
/// Up to here a second thread costs more than it saves.
const ONE_THREAD: u64 = 4 << 20;
/// A stream has no items; its rows are put down in chunks of this many.
const CHUNK_ROWS: usize = 1 << 16;

/// How many bytes a source holds; `None` if it is a stream, or cannot be looked at.
pub fn size(source: &Source) -> Option<u64> {
    match source {
        Source::Path(path) => {
            std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|file| file.len())
        }
        Source::Stream(_) => None,
    }
}

/// All events of the logs, in time order. `progress` counts the bytes that were read.
pub fn read(sources: Vec<Source>, progress: &AtomicU64) -> anyhow::Result<Table> {
    let logs = sources.into_iter().map(Log::open).collect::<anyhow::Result<Vec<Log>>>()?;
    let items = items(&logs);
    let bytes: u64 = items.iter().map(|item| item.end - item.start).sum();
    let threads = if bytes < ONE_THREAD { 1 } else { threads().min(items.len()) };

    let names = Names::default();
    let next = AtomicUsize::new(0);
    let work = || -> anyhow::Result<Vec<(usize, Part)>> {
        let mut builder = Builder::new(&names);
        let mut buffer = vec![0; BUFFER];
        let mut parts = Vec::new();
        while let Some((place, item)) = take(&next, &items) {
            let log = &logs[item.log];
            let part = Lines { item, buffer: &mut buffer, builder: &mut builder, progress }
                .read(log)
                .with_context(|| format!("could not read {}", log.name))?;
            parts.push((place, part));
        }
        Ok(parts)
    };
    let mut parts = if threads == 1 {
        work()?
    } else {
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut parts = work()?;
            for other in others {
                parts.extend(other.join().map_err(|_| anyhow::anyhow!("a reading thread ended early"))??);
            }
            anyhow::Ok(parts)
        })?
    };
    parts.sort_by_key(|&(place, _)| place);

    let mut reading = Reading { logs: logs.len(), ..Reading::default() };
    let mut chunks = Vec::new();
    let mut lines = 0;
    let mut log = 0;
    for (place, part) in parts {
        if items[place].log != log {
            log = items[place].log;
            lines = 0;
        }
        reading.unterminated |= part.unterminated;
        for stretch in part.stretches {
            reading.lines += stretch.lines - stretch.blank;
            reading.events += stretch.chunk.rows.len() as u64;
            reading.unreadable += stretch.unreadable;
            let room = NAMED_LINES - reading.unreadable_lines.len();
            let numbers = stretch.unreadable_lines.iter().take(room);
            reading.unreadable_lines.extend(numbers.map(|number| (log, lines + number + 1)));
            lines += stretch.lines;
            if !stretch.chunk.rows.is_empty() {
                chunks.push(stretch.chunk);
            }
        }
    }
    Ok(names.table(chunks, reading))
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
        let path = match source {
            Source::Stream(stream) => {
                let content = Content::Stream(std::sync::Mutex::new(stream));
                return Ok(Self { name: "standard input".into(), content });
            }
            Source::Path(path) => path,
        };
        let name = path.display().to_string();
        let open = || {
            let file = File::open(&path)?;
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
}

fn items(logs: &[Log]) -> Vec<Item> {
    let mut items = Vec::new();
    for (log, Log { content, .. }) in logs.iter().enumerate() {
        match content {
            Content::Stream(_) => items.push(Item { log, start: 0, end: u64::MAX >> 1 }),
            &Content::File(_, size) => {
                let mut start = 0;
                while start < size {
                    let end = size.min(start + ITEM);
                    items.push(Item { log, start, end });
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
    stretches: Vec<Stretch>,
    unterminated: bool,
}

/// One item on its way through a buffer.
struct Lines<'a, 'b> {
    item: Item,
    buffer: &'a mut Vec<u8>,
    builder: &'a mut Builder<'b>,
    progress: &'a AtomicU64,
}

impl Lines<'_, '_> {
    fn read(&mut self, log: &Log) -> std::io::Result<Part> {
        match &log.content {
            Content::File(file, size) => {
                // Whether a line starts at `start` is told by the byte before it.
                let mut at = self.item.start.saturating_sub(1);
                let first = self.item.start - at;
                self.split(first, |buffer| {
                    let left = usize::try_from(size - at).unwrap_or(usize::MAX);
                    let room = buffer.len().min(left);
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
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let count = loop {
                match more(&mut self.buffer[filled..]) {
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => (),
                    other => break other?,
                }
            };
            self.progress.fetch_add(count as u64, Ordering::Relaxed);
            if count == 0 {
                if filled > 0 {
                    self.builder.line(&self.buffer[..filled]);
                }
                part.unterminated = filled > 0 || (skipping && base > before);
                break;
            }
            let read = filled + count;
            let mut at = 0;
            // What was carried over holds no line end.
            let mut searched = filled;
            let mut done = false;
            while !done {
                if !skipping && let Some(length) = self.builder.canonical(&self.buffer[at..read]) {
                    at += length;
                } else if let Some(length) = memchr::memchr(b'\n', &self.buffer[searched.max(at)..read]) {
                    let line_end = searched.max(at) + length;
                    if skipping {
                        skipping = false;
                    } else if line_end - at > LONGEST_LINE {
                        self.builder.endless_line();
                    } else {
                        self.builder.line(&self.buffer[at..line_end]);
                    }
                    at = line_end + 1;
                } else {
                    break;
                }
                searched = at;
                done = base + at as u64 >= end;
            }
            if self.builder.rows() >= CHUNK_ROWS && self.item.end > u64::MAX >> 2 {
                part.stretches.push(self.builder.take());
            }
            if done {
                break;
            }
            if !skipping && read - at > LONGEST_LINE {
                self.builder.endless_line();
                skipping = true;
            }
            if skipping {
                at = read;
                if base + at as u64 >= end {
                    break;
                }
            }
            self.buffer.copy_within(at..read, 0);
            filled = read - at;
            base += at as u64;
        }
        part.stretches.push(self.builder.take());
        Ok(part)
    }
}

//! `clear --before`: rewrites the log without its old events.
//!
//! The copy is written beside the log and renamed over it when it is complete, so there is one whole log at any
//! time. The lock is held only for the last bytes and the rename: writers wait for microseconds.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use nix::libc::{ELOOP, ENXIO, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK};

use super::open::OpenMode;
use super::ownership::{self, Owner};
use super::{Store, ignore_missing, is_missing, is_same, lock};
use crate::event::parse::lenient;
use crate::event::parse::scanner::Scanner;

/// What was deleted and what was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    pub deleted: u64,
    pub deleted_bytes: u64,
    pub kept: u64,
    /// Other hard links to the old log, which still hold all of it.
    pub hard_links: u64,
    /// Somebody was adding a line when the log was replaced, and has not gone on since.
    pub may_lack_a_line: bool,
}

/// Appended to the log's file name while the copy is written.
const COPY_SUFFIX: &str = ".new";

/// A line longer than this, in bytes, is no event. It is copied or deleted like any unreadable line.
const MAX_LINE: u64 = 1 << 20;

impl Store {
    /// Deletes the events before a moment. A line without a readable time is treated like the line before it.
    ///
    /// # Errors
    /// The log is unchanged, unless the error says otherwise.
    pub fn clear_before(&self, moment: DateTime<Utc>) -> io::Result<Rewritten> {
        let file = match self.open_log(OpenMode::Read) {
            Err(error) if is_missing(&error) => return Ok(Rewritten::default()),
            other => other?,
        };
        let path = self.log_target_path();
        let copy = Copy::create(&path)?;
        let mut filter = RewriteFilter::new(&file, &copy.file, moment);
        let replaced = filter.replace(&path);
        if let Ok(true) = replaced {
            return filter.copy_late_lines();
        }
        copy.discard();
        // A concurrent `clear` could not remove the directory because of the copy in it.
        self.remove_empty_directories();
        replaced.map(|_| filter.result)
    }

    /// Deletes the copy of a rewrite that was interrupted.
    pub(super) fn delete_copy(&self) -> io::Result<()> {
        let copy = copy_path(&self.log_target_path());
        match fs::symlink_metadata(&copy) {
            // A directory is not ours.
            Ok(found) if !found.is_dir() => ignore_missing(fs::remove_file(copy)),
            _ => Ok(()),
        }
    }

    /// A log that is a symbolic link is replaced at the link's target, unless another user may have planted the link.
    fn log_target_path(&self) -> PathBuf {
        let path = self.log_path();
        match self.directory_owner() {
            Ok(Owner::CurrentUser) => fs::canonicalize(&path).unwrap_or(path),
            _ => path,
        }
    }
}

fn copy_path(log: &Path) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(COPY_SUFFIX);
    name.into()
}

/// The new log. It stays locked while it is written.
struct Copy {
    path: PathBuf,
    file: File,
}

impl Copy {
    fn create(log: &Path) -> io::Result<Self> {
        let path = copy_path(log);
        // Opening a FIFO must not block (open(2)).
        let flags = O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
        match OpenOptions::new().read(true).custom_flags(flags).open(&path) {
            // From a rewrite that was killed.
            Ok(left) if lock_at(&left, &path) => ignore_missing(fs::remove_file(&path))?,
            Ok(_) => return Err(at_work_error()),
            // A symbolic link or a socket.
            Err(error) if matches!(error.raw_os_error(), Some(ELOOP | ENXIO)) => {
                ignore_missing(fs::remove_file(&path))?;
            }
            Err(_) => {}
        }
        match ownership::create_file(&path) {
            // Another rewrite may have taken it for one that was left, before it was locked.
            Ok(file) if lock_at(&file, &path) => Ok(Self { path, file }),
            Ok(_) => Err(at_work_error()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(at_work_error()),
            Err(error) => Err(error),
        }
    }

    fn discard(&self) {
        // If this fails, the next `clear` deletes the copy.
        let _ = fs::remove_file(&self.path);
    }
}

/// Locks the file at a path: only who has that lock renames or deletes the file. `false`: somebody else has it, or another
/// file is there by now.
fn lock_at(file: &File, path: &Path) -> bool {
    !lock::is_locked(file)
        && file
            .metadata()
            .is_ok_and(|found| fs::symlink_metadata(path).is_ok_and(|there| is_same(&found, &there)))
}

fn at_work_error() -> io::Error {
    io::Error::other("another clear is at work")
}

/// Copies the lines that are to be kept.
struct RewriteFilter<'a> {
    log: &'a File,
    copy: &'a File,
    before: DateTime<Utc>,
    scanner: Scanner,
    /// Bytes of the log that are done.
    offset: u64,
    /// Whether a line starts there.
    at_line_start: bool,
    /// Whether the line at hand is kept.
    keep: bool,
    result: Rewritten,
}

impl<'a> RewriteFilter<'a> {
    fn new(log: &'a File, copy: &'a File, before: DateTime<Utc>) -> Self {
        Self {
            log,
            copy,
            before,
            scanner: Scanner::default(),
            offset: 0,
            at_line_start: true,
            keep: true,
            result: Rewritten::default(),
        }
    }

    /// Puts the copy in the place of the log. `false`: there is nothing to delete.
    fn replace(&mut self, path: &Path) -> io::Result<bool> {
        self.copy_lines(Until::LastLineFeed)?;
        self.copy.sync_all()?;
        let length = lock::lock_exclusive(self.log)?;
        let found = self.log.metadata()?;
        if !fs::metadata(path).is_ok_and(|there| is_same(&found, &there)) {
            return Err(io::Error::other("the log has been replaced meanwhile"));
        }
        self.copy_lines(Until::Byte(length))?;
        if self.result.deleted == 0 {
            return Ok(false);
        }
        self.copy.sync_all()?;
        ownership::copy_owner_and_mode(self.copy, &found)?;
        fs::rename(copy_path(path), path)?;
        Ok(true)
    }

    /// A writer that has gone on without the lock may still append to the log that has been replaced.
    fn copy_late_lines(mut self) -> io::Result<Rewritten> {
        self.result.may_lack_a_line = !lock::wait_for_unlocked_writers(self.log);
        self.copy_lines(Until::Byte(u64::MAX))?;
        self.result.hard_links = self.log.metadata()?.nlink();
        Ok(self.result)
    }

    fn copy_lines(&mut self, until: Until) -> io::Result<()> {
        let mut log = self.log;
        log.seek(SeekFrom::Start(self.offset))?;
        let end = if let Until::Byte(end) = until { end } else { u64::MAX };
        let mut lines = BufReader::with_capacity(1 << 16, log.take(end.saturating_sub(self.offset)));
        let mut copy = BufWriter::with_capacity(1 << 16, self.copy);
        let mut line = Vec::new();
        loop {
            line.clear();
            let count = (&mut lines).take(MAX_LINE).read_until(b'\n', &mut line)? as u64;
            let is_complete = line.ends_with(b"\n");
            // Somebody may be writing an incomplete last line; the next call gets the rest.
            if count == 0 || !is_complete && count < MAX_LINE && until == Until::LastLineFeed {
                break;
            }
            // The rest of a line that is too long for an event goes where its beginning went.
            if self.at_line_start {
                self.decide(&line);
            }
            self.at_line_start = is_complete;
            if self.keep {
                copy.write_all(&line)?;
            } else {
                self.result.deleted_bytes += count;
            }
            self.offset += count;
        }
        copy.flush()
    }

    /// Sets `keep` for this line, and counts it.
    fn decide(&mut self, line: &[u8]) {
        // `None` inside: an event without a time.
        let time: Option<Option<i64>> = if line.len() as u64 >= MAX_LINE {
            None
        } else if let Some(event) = self.scanner.scan_line(line) {
            Some(Some(event.micros()))
        } else {
            lenient::parse(line).map(|event| event.micros)
        };
        if let Some(Some(micros)) = time {
            self.keep = micros >= self.before.timestamp_micros();
        }
        if time.is_some() {
            if self.keep { self.result.kept += 1 } else { self.result.deleted += 1 }
        }
    }
}

/// Where [`RewriteFilter::copy_lines`] stops.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    LastLineFeed,
    /// What is before it is not written to any more.
    Byte(u64),
}

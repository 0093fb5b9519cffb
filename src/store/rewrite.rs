//! `clear --before`: the log is written anew without its old events.
//!
//! The copy is made beside the log and takes its name when it is complete, so that whatever happens there is
//! always one whole log. The lock is held only for the last bytes and the renaming: writers wait for
//! microseconds.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use nix::libc::{ELOOP, ENXIO, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK};

use super::log::{self, For};
use super::owner::{self, Whose};
use super::{Store, is_missing, missing_is_fine};
use crate::event::parse;

/// What was deleted and what was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    pub deleted: u64,
    pub kept: u64,
    /// Other hard links to the old log, which still hold all of it.
    pub other_names: u64,
}

/// The name of the copy while it is being made, behind the log's own.
const COPY: &str = ".new";

/// A line longer than this is no event (it is copied all the same).
const LONGEST_LINE: u64 = 1 << 20;

impl Store {
    /// Deletes the events before a moment. A line without a readable time shares the fate of the one before it.
    ///
    /// # Errors
    /// The log is as it was, unless the error says otherwise.
    pub fn clear_before(&self, moment: DateTime<Utc>) -> io::Result<Rewritten> {
        let file = match log::open_existing(self, For::Reading) {
            Err(error) if is_missing(&error) => return Ok(Rewritten::default()),
            other => other?,
        };
        let path = self.real_log_path();
        let copy = Copy::begin(&path)?;
        let done = Sieve::new(&file, &copy.file, moment).run(&path);
        match done {
            Ok(Rewritten { deleted: 0, .. }) | Err(_) => {
                copy.discard();
                // A `clear` meanwhile could not: the copy stood in its way.
                self.remove_directories();
            }
            Ok(_) => {}
        }
        done
    }

    /// Deletes a copy that was never completed, and tells whether there was one.
    pub(super) fn delete_copy(&self) -> io::Result<bool> {
        let copy = copy_of(&self.real_log_path());
        // A directory is none of ours.
        let was_there = fs::symlink_metadata(&copy).is_ok_and(|found| !found.is_dir());
        if was_there {
            missing_is_fine(fs::remove_file(copy))?;
        }
        Ok(was_there)
    }

    /// A log that is a link is replaced where it really is, unless somebody else may have planted the link.
    fn real_log_path(&self) -> PathBuf {
        let path = self.log_path();
        match self.whose() {
            Ok(Whose::Ours) => fs::canonicalize(&path).unwrap_or(path),
            _ => path,
        }
    }
}

fn copy_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(COPY);
    name.into()
}

/// The copy, locked as long as somebody works on it.
struct Copy {
    path: PathBuf,
    file: File,
}

impl Copy {
    fn begin(log: &Path) -> io::Result<Self> {
        let path = copy_of(log);
        // Whatever somebody has put there is not waited for: opening a FIFO would (open(2)).
        let flags = O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
        match OpenOptions::new().read(true).custom_flags(flags).open(&path) {
            Ok(left) if matches!(left.try_lock(), Err(TryLockError::WouldBlock)) => {
                return Err(io::Error::other("another clear is at work"));
            }
            // Left by one that was killed.
            Ok(_) => missing_is_fine(fs::remove_file(&path))?,
            // A link or a socket.
            Err(error) if matches!(error.raw_os_error(), Some(ELOOP | ENXIO)) => {
                missing_is_fine(fs::remove_file(&path))?;
            }
            Err(_) => {}
        }
        let file = owner::create(&path)?;
        // Nobody else can have it: it has just been made.
        let _ = file.try_lock();
        Ok(Self { path, file })
    }

    fn discard(&self) {
        // Nothing more can be done; the next `clear` deletes it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Reads the log and lets through what is to be kept.
struct Sieve<'a> {
    log: &'a File,
    copy: &'a File,
    moment: DateTime<Utc>,
    /// Up to here the log has been read: always the beginning of a line.
    at: u64,
    keeps: bool,
    done: Rewritten,
}

impl<'a> Sieve<'a> {
    fn new(log: &'a File, copy: &'a File, moment: DateTime<Utc>) -> Self {
        Self { log, copy, moment, at: 0, keeps: true, done: Rewritten::default() }
    }

    fn run(mut self, path: &Path) -> io::Result<Rewritten> {
        self.pass(End::LastLine)?;
        self.copy.sync_all()?;
        log::lock_alone(self.log)?;
        let found = self.log.metadata()?;
        let is_in_place = |there: &fs::Metadata| there.ino() == found.ino() && there.dev() == found.dev();
        if !fs::metadata(path).is_ok_and(|there| is_in_place(&there)) {
            return Err(io::Error::other("the log has been replaced meanwhile"));
        }
        self.pass(End::Everything)?;
        if self.done.deleted == 0 {
            return Ok(self.done);
        }
        self.copy.sync_all()?;
        owner::take_after(self.copy, &found)?;
        fs::rename(copy_of(path), path)?;
        // A writer that could not wait for the lock may have added a line to the old file in this moment.
        self.pass(End::Everything)?;
        self.done.other_names = self.log.metadata()?.nlink();
        Ok(self.done)
    }

    fn pass(&mut self, end: End) -> io::Result<()> {
        let mut log = self.log;
        log.seek(SeekFrom::Start(self.at))?;
        let mut lines = BufReader::with_capacity(1 << 16, log);
        let mut copy = BufWriter::with_capacity(1 << 16, self.copy);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut lines).take(LONGEST_LINE).read_until(b'\n', &mut line)? as u64;
            let is_whole = line.ends_with(b"\n");
            // The rest of a line that is being written comes later; at the end what there is must do.
            if read == 0 || !is_whole && read < LONGEST_LINE && end == End::LastLine {
                break;
            }
            self.at += read;
            self.judge(&line);
            if self.keeps {
                copy.write_all(&line)?;
            }
            if !is_whole {
                self.at += self.rest_of_line(&mut lines, &mut copy)?;
            }
        }
        copy.flush()
    }

    fn judge(&mut self, line: &[u8]) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        let event = if line.len() as u64 >= LONGEST_LINE {
            None
        } else {
            parse::flat::parse(line).or_else(|| parse::lenient::parse(line))
        };
        if let Some(micros) = event.as_ref().and_then(|event| event.micros) {
            self.keeps = micros >= self.moment.timestamp_micros();
        }
        if event.is_some() {
            if self.keeps { self.done.kept += 1 } else { self.done.deleted += 1 }
        }
    }

    /// The rest of a line that is too long to be an event.
    fn rest_of_line(&self, lines: &mut impl BufRead, copy: &mut impl io::Write) -> io::Result<u64> {
        let mut total = 0;
        let mut piece = Vec::new();
        loop {
            piece.clear();
            let read = lines.take(LONGEST_LINE).read_until(b'\n', &mut piece)? as u64;
            total += read;
            if self.keeps {
                copy.write_all(&piece)?;
            }
            if read == 0 || piece.ends_with(b"\n") {
                return Ok(total);
            }
        }
    }
}

/// How far a pass goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    LastLine,
    Everything,
}

//! Adding to the log: one `write(2)` a line, on a descriptor that always writes at the end.
//!
//! Nothing here may block or outlast the run it records: a FIFO, a lock that somebody holds, a full disk, a
//! directory that is gone cost at most this one line.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::time::{Duration, Instant};

use nix::libc::{O_NOCTTY, O_NOFOLLOW, O_NONBLOCK};

use super::owner::{self, Whose};
use super::{LOG, Store};
use crate::event::Event;

/// How a lock is waited for: who holds it holds it for microseconds, so at first others are let go on; then come
/// sleeps of which each is twice the one before, about 100 ms in all.
const YIELDS: u32 = 16;
const FIRST_WAIT: Duration = Duration::from_micros(100);
const WAITS: u32 = 10;

/// How long, and how often, somebody looks who wants the lock alone.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(1);

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    Written,
    /// Recording was switched off meanwhile, so nothing was written or made.
    NoConsent,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum For {
    Reading,
    Appending,
}

impl Store {
    /// Adds one line, if recording is on at that moment. Lines never mix: each is one write at the end of the
    /// file (write(2), `O_APPEND`). From the look at the last line to the write the lock is held, so that no
    /// other writer's line can be cut short in between; `off` and `clear` wait for it, too. Who cannot have the
    /// lock in time writes all the same.
    ///
    /// The system calls, each of which is needed: geteuid and stat of the directory (links are followed only in
    /// our own; root also asks whether the directories themselves are links), open, flock, fstat (what it is, how
    /// long, whether it still has a name), pread of the last byte, stat of the marker, write, close.
    ///
    /// # Errors
    /// The line is not in the log, or only its beginning is; what was there before is untouched.
    pub fn append(&self, event: &Event) -> io::Result<Appended> {
        // Made before the lock is held. The line end in front is for a last line without one, whose writer died half
        // way: it is lost, and ours must not be glued to it.
        let mut line = event.to_line();
        line.insert(0, b'\n');
        // The log can be replaced between opening and locking it, by one `clear --before` at a time.
        for _ in 0..3 {
            let (file, whose) = match open(self, For::Appending) {
                Ok(opened) => opened,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if !self.is_on() {
                        return Ok(Appended::NoConsent);
                    }
                    match owner::create(&self.log_path()) {
                        // As it should be, whoever owns the directory.
                        Ok(file) => (above_standard(file)?, Whose::Ours),
                        Err(_) if self.has_dangling_log() => return Err(dangling()),
                        // Another run was first.
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                        Err(error) => return Err(error),
                    }
                }
                Err(error) => return Err(error),
            };
            lock(&file);
            let found = file.metadata()?;
            refuse_what_is_no_log(&found, whose)?;
            if found.nlink() == 0 {
                continue;
            }
            let is_torn = is_torn(&file, found.size());
            if !self.is_on() {
                self.remove_if_empty(&file);
                return Ok(Appended::NoConsent);
            }
            write_line(&file, &line[usize::from(!is_torn)..])?;
            return Ok(Appended::Written);
        }
        Err(io::Error::other("it is replaced again and again"))
    }

    /// Tries what appending would do, short of writing.
    ///
    /// # Errors
    /// Why the next event could not be recorded.
    pub fn try_to_open(&self) -> io::Result<()> {
        match open_existing(self, For::Appending) {
            Err(_) if self.has_dangling_log() => Err(dangling()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                nix::unistd::access(self.directory(), nix::unistd::AccessFlags::W_OK)?;
                Ok(())
            }
            other => other.map(drop),
        }
    }

    fn has_dangling_log(&self) -> bool {
        let path = self.log_path();
        fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) && !path.exists()
    }

    /// Takes away the file that an append has just made for nothing, so that a `clear` that ran meanwhile is as
    /// complete as it said. Others may have opened it meanwhile: as the lock is held, they find it deleted or we
    /// find it used.
    fn remove_if_empty(&self, file: &File) {
        if file.metadata().is_ok_and(|found| found.size() == 0)
            && self.is_still_the_log(file)
            && !self.is_on()
        {
            // It may be gone already; then somebody else has done this.
            let _ = fs::remove_file(self.log_path());
            self.remove_directories();
        }
    }

    fn is_still_the_log(&self, file: &File) -> bool {
        match (fs::symlink_metadata(self.log_path()), file.metadata()) {
            (Ok(there), Ok(open)) => there.ino() == open.ino() && there.dev() == open.dev(),
            _ => false,
        }
    }
}

/// Whether the last line may have no end. Where that cannot be seen, an empty line more does no harm.
fn is_torn(file: &File, size: u64) -> bool {
    let mut last = [b'\n'];
    size > 0 && (file.read_at(&mut last, size - 1).is_err() || last != *b"\n")
}

fn write_line(mut file: &File, line: &[u8]) -> io::Result<()> {
    loop {
        match file.write(line) {
            // The rest is never written later: other lines may stand between.
            Ok(written) if written < line.len() => {
                return Err(io::Error::other("only a part of the line fitted"));
            }
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Opens the log that is there, if it is a regular file and, in another user's directory, certainly theirs.
pub fn open_existing(store: &Store, purpose: For) -> io::Result<File> {
    let (file, whose) = open(store, purpose)?;
    refuse_what_is_no_log(&file.metadata()?, whose)?;
    Ok(file)
}

/// Opens whatever stands in the log's place; says whose directory it is in.
/// Never waits: opening a FIFO or a leased file does otherwise (open(2)).
fn open(store: &Store, purpose: For) -> io::Result<(File, Whose)> {
    let path = store.log_path();
    let whose = store.whose()?;
    let follow = if whose == Whose::Ours { 0 } else { O_NOFOLLOW };
    let open = |read: bool, append: bool| {
        OpenOptions::new().read(read).append(append).custom_flags(O_NONBLOCK | O_NOCTTY | follow).open(&path)
    };
    let file = match purpose {
        For::Reading => open(true, false),
        For::Appending => match open(true, true) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => open(false, true),
            other => other,
        },
    };
    let file = file.map_err(|error| {
        if whose != Whose::Ours && error.raw_os_error() == Some(nix::libc::ELOOP) {
            owner::link_of_another_user(&path)
        } else if error.kind() == io::ErrorKind::IsADirectory {
            no_regular_file()
        } else {
            error
        }
    })?;
    Ok((above_standard(file)?, whose))
}

fn refuse_what_is_no_log(found: &fs::Metadata, whose: Whose) -> io::Result<()> {
    if !found.is_file() {
        return Err(no_regular_file());
    }
    match whose {
        Whose::Theirs(owner) if found.uid() != owner || found.nlink() > 1 => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("'{LOG}' is not the file of the directory's owner alone"),
        )),
        _ => Ok(()),
    }
}

fn no_regular_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("'{LOG}' in it is no regular file"))
}

/// The error for a log that is a link, and what it leads to is not there: not now, at least.
pub fn dangling() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("'{LOG}' in it is a link to nowhere"))
}

/// A file under the number of a closed standard descriptor would be written to by mistake.
fn above_standard(file: File) -> io::Result<File> {
    use std::os::fd::AsRawFd as _;
    if file.as_raw_fd() > 2 { Ok(file) } else { file.try_clone() }
}

/// Takes the file's lock (flock(2)), or gives up: on a file system that has none, and when somebody keeps it. It
/// goes with the file's closing.
pub fn lock(file: &File) {
    for attempt in 0..=YIELDS + WAITS {
        if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return;
        }
        match attempt.checked_sub(YIELDS) {
            None => std::thread::yield_now(),
            #[expect(
                clippy::disallowed_methods,
                reason = "a lock that is given up after a time has no event to wait for"
            )]
            Some(sleeps) if sleeps < WAITS => std::thread::sleep(FIRST_WAIT * (1 << sleeps)),
            Some(_) => {}
        }
    }
}

/// Takes the file's lock for somebody who may lose lines without it, and who has time: many writers that come
/// one after the other leave only short gaps.
///
/// # Errors
/// Somebody keeps it.
pub fn lock_alone(file: &File) -> io::Result<()> {
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if start.elapsed() < LONGEST_WAIT => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a lock that is given up after a time has no event to wait for"
                )]
                std::thread::sleep(STEP);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another program holds its lock"));
            }
            // A file system without locks.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(()),
        }
    }
}

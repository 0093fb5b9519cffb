//! Appends to the log: one `write(2)` a line, with `O_APPEND`.
//!
//! Nothing here may block or fail the run that it records. A FIFO, a lock that is held, a full disk or a deleted
//! directory cost this one line at most.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use nix::sys::statvfs::{Statvfs, fstatvfs, statvfs};

use super::open::{OpenMode, dangling_link_error, validate_log};
use super::ownership::{self, Owner};
use super::{Store, is_same, lock};
use crate::event::Event;

impl Store {
    /// Appends one line if recording is on at that moment.
    ///
    /// Lines never mix: each is one write at the end of the file (write(2), `O_APPEND`). The lock is held from the
    /// look at the last byte to the write, so that no other writer's line can be torn in between; `off` and `clear`
    /// wait for it, too. If the lock cannot be had in time, the line is written without it, and the others know of that.
    ///
    /// The system calls, each of which is needed: geteuid; stat of the directory (symbolic links are followed only in
    /// our own directory; root also checks that the directories are no links); open; flock; fstat (type, size); stat of the
    /// log; pread of the last byte; stat of the marker; write; close.
    ///
    /// # Errors
    /// The line is not in the log, or only its beginning is. Earlier lines are untouched.
    pub fn append(&self, event: &Event) -> io::Result<()> {
        // Encoded before the lock is held. The line feed in front is for a last line without one: its writer died
        // half way, and our line must not be glued to it.
        let mut line = event.to_line();
        line.insert(0, b'\n');
        // `clear --before` can replace the log between open and lock. Only one can run at a time, but many can follow each
        // other while this process has to wait for a processor.
        for _ in 0..100 {
            let (file, owner) = match self.open_unchecked(OpenMode::Append) {
                Ok(opened) => opened,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if !self.is_on() {
                        return Ok(());
                    }
                    match ownership::create_file(&self.log_path()) {
                        // Just created with the right owner, so there is nothing to check.
                        Ok(file) => (file, Owner::CurrentUser),
                        Err(_) if self.has_dangling_log() => return Err(dangling_link_error()),
                        // Another run created it first.
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                        Err(error) => return Err(error),
                    }
                }
                Err(error) => return Err(error),
            };
            lock::lock_to_append(&file);
            let found = file.metadata()?;
            validate_log(&found, owner)?;
            // Other hard links may keep a log that was replaced.
            if !fs::metadata(self.log_path()).is_ok_and(|there| is_same(&found, &there)) {
                continue;
            }
            let is_torn = is_torn(&file, found.size());
            if !self.is_on() {
                self.remove_if_empty(&file);
                return Ok(());
            }
            write_line(&file, &line[usize::from(!is_torn)..])?;
            return Ok(());
        }
        Err(io::Error::other("it is replaced again and again"))
    }

    /// Does what [`Store::append`] does, except for the write.
    ///
    /// # Errors
    /// Why the next event could not be recorded.
    pub fn check_append(&self) -> io::Result<()> {
        match self.open_log(OpenMode::Append) {
            Err(_) if self.has_dangling_log() => Err(dangling_link_error()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                nix::unistd::access(self.directory(), nix::unistd::AccessFlags::W_OK)?;
                check_space(&statvfs(self.directory())?)
            }
            other => Self::check_room(&other?),
        }
    }

    /// # Errors
    /// The disk is full, and so is the last block of this log, which still takes lines on a full disk.
    pub fn check_room(log: &File) -> io::Result<()> {
        /// Most lines are shorter, bytes.
        const LINE: u64 = 256;
        let found = log.metadata()?;
        if found.blocks() * 512 >= found.size() + LINE { Ok(()) } else { check_space(&fstatvfs(log)?) }
    }

    /// Deletes the file that this append has just created in vain, so that a concurrent `clear` leaves nothing.
    /// The lock is held: another run that opened the file either finds it deleted, or has written to it already.
    fn remove_if_empty(&self, file: &File) {
        if let Ok(open) = file.metadata()
            && let Ok(there) = fs::symlink_metadata(self.log_path())
            && is_same(&open, &there)
            && open.size() == 0
        {
            // If it is gone already, somebody else has deleted it.
            let _ = fs::remove_file(self.log_path());
            self.remove_empty_directories();
        }
    }
}

/// Some file systems (in user space) do not know their size, and say 0 of everything (statvfs(3)).
fn check_space(disk: &Statvfs) -> io::Result<()> {
    let is_root = nix::unistd::geteuid().is_root();
    let free = if is_root { disk.blocks_free() } else { disk.blocks_available() };
    if free == 0 && disk.blocks() > 0 {
        return Err(io::Error::new(io::ErrorKind::StorageFull, "the disk is full"));
    }
    Ok(())
}

/// Whether the last line has no line feed. If the last byte cannot be read, the answer is yes: a blank line is
/// harmless.
fn is_torn(file: &File, size: u64) -> bool {
    let mut last = [b'\n'];
    size > 0 && (file.read_at(&mut last, size - 1).is_err() || last != *b"\n")
}

fn write_line(mut file: &File, line: &[u8]) -> io::Result<()> {
    // EINTR is not expected: no signal has a handler here (signal(7)).
    if file.write(line)? < line.len() {
        // Short write (ENOSPC, RLIMIT_FSIZE). The rest is never written later: another run's line may follow.
        return Err(io::Error::other("only a part of the line fitted"));
    }
    Ok(())
}

//! `clear`: deletes everything that was recorded.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;

use super::open::{OpenMode, dangling_link_error};
use super::ownership::{self, Owner};
use super::{Store, ignore_missing, is_missing, lock};

/// What `clear` found to delete.
#[derive(Debug)]
pub enum Cleared {
    /// `None`: there was no log.
    Deleted(Option<DeletedLog>),
    Nothing,
    /// The log is deleted at its path, but other hard links keep the data.
    HardLinked {
        links: u64,
    },
}

/// A log that is gone. Its last descriptor is here, so that what was deleted can be counted afterwards: nothing delays the
/// deletion, and nothing prevents it.
#[derive(Debug)]
pub struct DeletedLog {
    pub bytes: u64,
    /// `None`: it could not be opened.
    pub file: Option<File>,
}

impl Store {
    /// Deletes the marker and the log, then the directories if they are empty. What is at these paths and is not
    /// ours (a directory, a FIFO) stays.
    ///
    /// A log that is a symbolic link is deleted together with its target: with the link alone removed, the data
    /// would still be there.
    ///
    /// # Errors
    /// Something of ours could not be deleted. The marker goes first, so recording has stopped even then.
    pub fn clear(&self) -> io::Result<Cleared> {
        let had_marker = self.has_removable_marker();
        self.remove_marker()?;
        self.delete_copy()?;
        let log = self.delete_log()?;
        // A concurrent `clear --before` may rename its copy, a part of the log, to the log that was just deleted.
        loop {
            self.delete_copy()?;
            if let Cleared::Nothing = self.delete_log()? {
                break;
            }
        }
        self.remove_empty_directories();
        Ok(match log {
            Cleared::Nothing if had_marker => Cleared::Deleted(None),
            log => log,
        })
    }

    fn has_removable_marker(&self) -> bool {
        fs::symlink_metadata(self.marker_path()).is_ok_and(|found| !found.is_dir())
    }

    fn delete_log(&self) -> io::Result<Cleared> {
        let path = self.log_path();
        let is_link = match fs::symlink_metadata(&path) {
            Err(error) if is_missing(&error) => return Ok(Cleared::Nothing),
            other => other?.is_symlink(),
        };
        let target = if is_link {
            if self.directory_owner()? != Owner::CurrentUser {
                return Err(ownership::foreign_link_error(&path));
            }
            fs::canonicalize(&path)
                .map_err(|error| if is_missing(&error) { dangling_link_error() } else { error })?
        } else {
            path.clone()
        };
        let found = fs::metadata(&target)?;
        if !found.is_file() {
            // Not ours.
            return Ok(Cleared::Nothing);
        }
        // The lock waits for writers at work. A later writer looks at the marker again once it holds the lock. A log
        // that may not be opened may still be deleted.
        let file = self.open_log(OpenMode::Read).ok();
        if let Some(file) = &file {
            lock::wait_for_writers(file);
        }
        ignore_missing(fs::remove_file(&target))?;
        if is_link {
            ignore_missing(fs::remove_file(&path))?;
        }
        let (bytes, links) = match &file {
            Some(file) => file.metadata().map(|deleted| (deleted.len(), deleted.nlink()))?,
            None => (found.len(), found.nlink() - 1),
        };
        Ok(if links == 0 {
            Cleared::Deleted(Some(DeletedLog { bytes, file }))
        } else {
            Cleared::HardLinked { links }
        })
    }

    /// Other tools may keep files there, or it may be a mount point: a directory that cannot be removed stays.
    pub(super) fn remove_empty_directories(&self) {
        if fs::remove_dir(&self.directory).is_ok()
            && let Some(parent) = self.directory.parent()
        {
            let _ = fs::remove_dir(parent);
        }
    }
}

//! Opens the log that is there, and nothing else.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

use nix::libc::{ELOOP, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK};

use super::ownership::{self, Owner};
use super::{LOG, Store};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    Read,
    Append,
}

impl Store {
    /// Opens the existing log.
    ///
    /// # Errors
    /// As open(2). It is no regular file, or in another user's directory it is not certainly that user's.
    pub fn open_log(&self, mode: OpenMode) -> io::Result<File> {
        let (file, owner) = self.open_unchecked(mode)?;
        validate_log(&file.metadata()?, owner)?;
        Ok(file)
    }

    /// Opens whatever is at the log's path. Returns the owner of its directory, too.
    /// Never blocks: a FIFO or a leased file would otherwise (open(2)).
    pub(super) fn open_unchecked(&self, mode: OpenMode) -> io::Result<(File, Owner)> {
        let path = self.log_path();
        let owner = self.directory_owner()?;
        let follow = if owner == Owner::CurrentUser { 0 } else { O_NOFOLLOW };
        let open = |read: bool, append: bool| {
            let flags = O_NONBLOCK | O_NOCTTY | follow;
            OpenOptions::new().read(read).append(append).custom_flags(flags).open(&path)
        };
        let file = match mode {
            OpenMode::Read => open(true, false),
            OpenMode::Append => match open(true, true) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => open(false, true),
                other => other,
            },
        };
        let file = file.map_err(|error| {
            if owner != Owner::CurrentUser && error.raw_os_error() == Some(ELOOP) {
                ownership::foreign_link_error(&path)
            } else if error.kind() == io::ErrorKind::IsADirectory {
                not_regular_error()
            } else {
                error
            }
        })?;
        Ok((file, owner))
    }

    pub(super) fn has_dangling_log(&self) -> bool {
        let path = self.log_path();
        fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) && !path.exists()
    }
}

/// # Errors
/// It is no regular file. In another user's directory: it belongs to somebody else, or has a second hard link.
pub fn validate_log(found: &fs::Metadata, owner: Owner) -> io::Result<()> {
    if !found.is_file() {
        return Err(not_regular_error());
    }
    match owner {
        Owner::OtherUser(uid) if found.uid() != uid || found.nlink() > 1 => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("'{LOG}' is not the file of the directory's owner alone"),
        )),
        _ => Ok(()),
    }
}

fn not_regular_error() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("'{LOG}' in it is no regular file"))
}

/// The log is a symbolic link whose target is missing, at least for now.
pub fn dangling_link_error() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("'{LOG}' in it is a link to nowhere"))
}

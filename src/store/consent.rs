//! The marker file: recording is on while it exists.

use std::fs;
use std::io;

use nix::sys::stat::SFlag;

use super::open::OpenMode;
use super::{MARKER, Store, ignore_missing, lock, ownership};

/// What is at the marker's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marker {
    Present,
    Missing,
    /// Something else, which counts as missing: what it is.
    Invalid(&'static str),
    /// The path of its directory leads through something that is no directory.
    NoDirectory,
}

impl Store {
    /// Follows symbolic links, so the marker may be kept elsewhere.
    pub fn marker(&self) -> Marker {
        match fs::metadata(self.marker_path()) {
            Ok(found) if found.is_file() => Marker::Present,
            Ok(found) if found.is_dir() => Marker::Invalid("a directory"),
            Ok(_) => Marker::Invalid("no regular file"),
            Err(_) if fs::symlink_metadata(self.marker_path()).is_ok() => {
                Marker::Invalid("a link to nowhere")
            }
            Err(error) => match error.kind() {
                io::ErrorKind::PermissionDenied => Marker::Invalid("out of reach"),
                io::ErrorKind::NotADirectory => Marker::NoDirectory,
                _ => Marker::Missing,
            },
        }
    }

    pub fn is_on(&self) -> bool {
        // One system call; std makes three. Every run asks this twice.
        nix::sys::stat::stat(&self.marker_path())
            .is_ok_and(|found| SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG)
    }

    /// Creates the directory and the marker.
    ///
    /// # Errors
    /// As mkdir(2) and open(2), and where something else is at the marker's path.
    pub fn turn_on(&self) -> io::Result<()> {
        ignore_missing(self.directory_owner().map(drop))?;
        if self.is_on() {
            return Ok(());
        }
        if let Some(parent) = self.directory.parent() {
            ownership::create_directory(parent).map_err(|error| match parent.parent() {
                Some(home) if !home.exists() => {
                    io::Error::new(error.kind(), format!("there is no directory {}", home.display()))
                }
                _ => error,
            })?;
        }
        ownership::create_directory(&self.directory)?;
        match ownership::create_file(&self.marker_path()) {
            Ok(_) => Ok(()),
            Err(error) => match self.marker() {
                // Another `on` was faster.
                Marker::Present => Ok(()),
                Marker::Invalid(what) => {
                    Err(io::Error::new(error.kind(), format!("'{MARKER}' in it is {what}")))
                }
                _ => Err(error),
            },
        }
    }

    /// Removes the marker; the log stays. A run that saw the marker before finishes its line before this returns.
    ///
    /// # Errors
    /// As unlink(2). A missing marker is no error.
    pub fn turn_off(&self) -> io::Result<()> {
        self.remove_marker()?;
        // Whoever may write to the log can open it like this.
        if let Ok(file) = self.open_log(OpenMode::Append) {
            lock::wait_for_writers(&file);
        }
        Ok(())
    }

    pub(super) fn remove_marker(&self) -> io::Result<()> {
        ignore_missing(self.directory_owner().map(drop))?;
        match fs::symlink_metadata(self.marker_path()) {
            // A directory counts as off, and it is not ours.
            Ok(found) if found.is_dir() => Ok(()),
            _ => ignore_missing(fs::remove_file(self.marker_path())),
        }
    }
}

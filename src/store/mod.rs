//! A directory: consent is a marker file in it, the log is another. Fails closed: what cannot be read as consent
//! is none.

pub mod log;
mod owner;
pub mod read;
mod rewrite;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::sys::stat::SFlag;
use nix::unistd::geteuid;

use owner::Whose;

/// Where anklume's tools keep their files, below the home directory.
const PARENT: &str = ".anklume";
const DIRECTORY: &str = "telemetry";
const MARKER: &str = "enabled";
const LOG: &str = "usage.jsonl";

/// The user's own store; nothing is opened or made until it is asked for.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

/// What stands where the marker is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marker {
    There,
    Missing,
    /// Something else, which counts as missing: what it is.
    Wrong(&'static str),
    /// There cannot be one: what should be its directory is none.
    NoDirectory,
}

/// What `clear` has found to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleared {
    Something,
    Nothing,
    /// The log is gone from its place, but other hard links keep the data.
    ButLinked {
        names: u64,
    },
}

impl Store {
    pub fn below(home: &Path) -> Self {
        Self { directory: home.join(PARENT).join(DIRECTORY) }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn log_path(&self) -> PathBuf {
        self.directory.join(LOG)
    }

    fn marker_path(&self) -> PathBuf {
        self.directory.join(MARKER)
    }

    /// Links are followed, so a marker may be kept elsewhere.
    pub fn marker(&self) -> Marker {
        match fs::metadata(self.marker_path()) {
            Ok(found) if found.is_file() => Marker::There,
            Ok(found) if found.is_dir() => Marker::Wrong("a directory"),
            Ok(_) => Marker::Wrong("no regular file"),
            Err(_) if fs::symlink_metadata(self.marker_path()).is_ok() => Marker::Wrong("a link to nowhere"),
            Err(error) => match error.kind() {
                io::ErrorKind::PermissionDenied => Marker::Wrong("out of reach"),
                io::ErrorKind::NotADirectory => Marker::NoDirectory,
                _ => Marker::Missing,
            },
        }
    }

    pub fn is_on(&self) -> bool {
        // One system call (std makes three of it): this is asked before and after every run.
        nix::sys::stat::stat(&self.marker_path())
            .is_ok_and(|found| SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG)
    }

    /// Whose directory it is, seen from us. As root we go through no link that another user has put in the way.
    ///
    /// # Errors
    /// As stat(2), and such a link.
    fn whose(&self) -> io::Result<Whose> {
        let us = geteuid();
        if let Some(parent) = self.directory.parent()
            && us.is_root()
        {
            owner::refuse_link_of_another_user(parent)?;
            let found = owner::refuse_link_of_another_user(&self.directory)?;
            if !found.is_symlink() {
                return Ok(Whose::of(&found, us));
            }
        }
        Ok(Whose::of(&fs::metadata(&self.directory)?, us))
    }

    /// Makes the directory and the marker.
    ///
    /// # Errors
    /// As mkdir(2) and open(2), and where something else stands in the marker's place.
    pub fn turn_on(&self) -> io::Result<()> {
        missing_is_fine(self.whose().map(drop))?;
        if self.is_on() {
            return Ok(());
        }
        if let Some(parent) = self.directory.parent() {
            owner::make_directory(parent)?;
        }
        owner::make_directory(&self.directory)?;
        match owner::create(&self.marker_path()) {
            Ok(_) => Ok(()),
            Err(_) if self.is_on() => Ok(()),
            Err(error) => Err(match self.marker() {
                Marker::Wrong(what) => io::Error::new(error.kind(), format!("'{MARKER}' in it is {what}")),
                _ => error,
            }),
        }
    }

    /// Removes the marker; what was recorded stays. A run that has looked at the marker already writes its line
    /// before this returns.
    ///
    /// # Errors
    /// As unlink(2). A missing marker is none.
    pub fn turn_off(&self) -> io::Result<()> {
        self.remove_marker()?;
        // Where there is no log that can be locked, nobody writes to it either.
        if let Ok(file) = log::open_existing(self, log::For::Reading) {
            log::lock(&file);
        }
        Ok(())
    }

    fn remove_marker(&self) -> io::Result<()> {
        missing_is_fine(self.whose().map(drop))?;
        match fs::symlink_metadata(self.marker_path()) {
            // It counts as off already, and it is not ours.
            Ok(found) if found.is_dir() => Ok(()),
            _ => missing_is_fine(fs::remove_file(self.marker_path())),
        }
    }

    /// Deletes the marker and the log, and then the directories if nothing else is in them. What stands in their
    /// places and is not ours (a directory, a FIFO) stays.
    ///
    /// A log that is a link is deleted where it really is, too: to remove the link alone and call that a deletion
    /// would be a lie.
    ///
    /// # Errors
    /// Whatever of ours could not be deleted. The marker goes first, so that recording has stopped even then.
    pub fn clear(&self) -> io::Result<Cleared> {
        let had_marker = self.has_removable_marker();
        self.remove_marker()?;
        let mut cleared = if had_marker { Cleared::Something } else { Cleared::Nothing };
        // A `clear --before` that is at work may put its copy in the place of the log that we have just deleted.
        for _ in 0..5 {
            let had_copy = self.delete_copy()?;
            let log = self.delete_log()?;
            if log == Cleared::Nothing && !had_copy {
                break;
            }
            if !matches!(cleared, Cleared::ButLinked { .. }) && log != Cleared::Nothing {
                cleared = log;
            }
        }
        self.remove_directories();
        Ok(cleared)
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
        let place = if is_link {
            if self.whose()? != Whose::Ours {
                return Err(owner::link_of_another_user(&path));
            }
            fs::canonicalize(&path)
                .map_err(|error| if is_missing(&error) { log::dangling() } else { error })?
        } else {
            path.clone()
        };
        let found = fs::metadata(&place)?;
        if !found.is_file() {
            // Not ours.
            return Ok(Cleared::Nothing);
        }
        // Writers that are at it finish first, and none begins behind our back: each looks at the marker again
        // when it holds the lock. What may not be opened may be deleted all the same.
        let file = log::open_existing(self, log::For::Reading).ok();
        if let Some(file) = &file {
            log::lock(file);
        }
        missing_is_fine(fs::remove_file(&place))?;
        if is_link {
            missing_is_fine(fs::remove_file(&path))?;
        }
        let names = match file {
            Some(file) => file.metadata()?.nlink(),
            None => found.nlink() - 1,
        };
        Ok(if names == 0 { Cleared::Something } else { Cleared::ButLinked { names } })
    }

    /// Other tools keep files there, and it may be a mount point: what cannot be removed stays.
    fn remove_directories(&self) {
        if fs::remove_dir(&self.directory).is_ok()
            && let Some(parent) = self.directory.parent()
        {
            let _ = fs::remove_dir(parent);
        }
    }
}

/// Whether there is nothing at a path, be it because something else is in the place of a directory.
pub fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn missing_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if is_missing(&error) => Ok(()),
        other => other,
    }
}

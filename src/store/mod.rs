//! The data directory: a marker file in it is the user's consent, the log is another file in it.
//!
//! It fails closed: whatever cannot be read as consent is none.

mod append;
mod clear;
mod consent;
mod encoding;
mod lock;
mod open;
mod ownership;
pub mod read;
mod rewrite;

pub use clear::{Cleared, DeletedLog};
pub use consent::Marker;
pub use open::OpenMode;

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Where anklume's tools keep their files, below the home directory.
const PARENT: &str = ".anklume";
const DIRECTORY: &str = "telemetry";
const MARKER: &str = "enabled";
const LOG: &str = "usage.jsonl";

/// The user's data directory. Nothing is opened or created until it is asked for.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    pub fn in_home(home: &Path) -> Self {
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
}

/// Whether nothing is at a path. A file where a directory should be counts, too.
pub fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Whether both are of one file.
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if is_missing(&error) => Ok(()),
        other => other,
    }
}

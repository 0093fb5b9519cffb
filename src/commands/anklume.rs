//! What the file of a command named anklume is.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::env;
use crate::invocation;

/// Whether the command is a script around make.
pub fn is_around_make(command: &OsStr) -> bool {
    let head = |path: &Path| {
        // Opening a FIFO would wait.
        let is_file = fs::metadata(path).is_ok_and(|found| found.is_file());
        let file = is_file.then(|| File::open(path).ok()).flatten()?;
        let mut head = Vec::new();
        file.take(invocation::HEAD).read_to_end(&mut head).ok()?;
        Some(head)
    };
    let found = if command.as_bytes().contains(&b'/') {
        head(Path::new(command))
    } else {
        env::search_path().iter().find_map(|directory| head(&directory.join(command)))
    };
    found.is_some_and(|head| invocation::is_around_make(&head))
}

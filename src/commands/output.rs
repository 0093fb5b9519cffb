//! Where text goes: standard output, or a file that appears when it is complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::units::Bytes;

/// Standard output, whose errors say so.
pub struct Standard(io::StdoutLock<'static>);

impl Standard {
    pub fn open() -> Self {
        Self(io::stdout().lock())
    }

    fn named(error: io::Error) -> io::Error {
        // The kind tells `main` of a reader that has gone.
        match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind => io::Error::new(kind, format!("could not write to standard output: {error}")),
        }
    }
}

impl Write for Standard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(Self::named)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(Self::named)
    }
}

/// Only the user may read a report: it holds the names of their work.
const PRIVATE: u32 = 0o600;

/// Written under a temporary name beside its place, and put there by [`Output::finish`]. Without that nothing
/// remains of it.
pub struct Output {
    file: BufWriter<File>,
    /// Where it is now and where it belongs; `None`: it is in place already.
    move_to: Option<(PathBuf, PathBuf)>,
}

impl Output {
    /// # Errors
    /// As open(2).
    pub fn create(path: &Path) -> io::Result<Self> {
        // A pipe or a device is written to; to put a file in its place would be a surprise. What is open already,
        // such as /dev/stdout, is written to at its end, too: there may be something in it.
        let is_open_already = path.starts_with("/dev") || path.starts_with("/proc");
        if fs::metadata(path).is_ok_and(|found| !found.is_dir() && (is_open_already || !found.is_file())) {
            let file = OpenOptions::new().append(true).open(path)?;
            return Ok(Self { file: BufWriter::new(file), move_to: None });
        }
        if path.is_dir() {
            return Err(io::Error::from_raw_os_error(nix::libc::EISDIR));
        }
        // A link is kept, and what it leads to is replaced.
        let path = followed(path)?;
        path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        // Not longer than the name may be, and no other process's.
        let temporary = path.with_file_name(format!(".tm-run-{}.tmp", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(&temporary)?;
        Ok(Self { file: BufWriter::new(file), move_to: Some((temporary, path)) })
    }

    /// The size of the file; `None` if a pipe or a device was written to.
    ///
    /// # Errors
    /// As write(2) and rename(2).
    pub fn finish(mut self) -> anyhow::Result<Option<Bytes>> {
        self.file.flush()?;
        let Some((temporary, path)) = &self.move_to else { return Ok(None) };
        let size = Bytes(self.file.get_ref().metadata()?.len());
        fs::rename(temporary, path)?;
        self.move_to = None;
        Ok(Some(size))
    }
}

/// Where a link leads to, even if nothing is there yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    // As many links as the kernel follows (path_resolution(7)).
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(place) => path = path.parent().unwrap_or(Path::new("")).join(place),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::from_raw_os_error(nix::libc::ELOOP))
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some((temporary, _)) = &self.move_to {
            // What went wrong before is what the user is told.
            let _ = fs::remove_file(temporary);
        }
    }
}

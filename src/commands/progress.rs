//! Says on a terminal how far a long read has got.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::units::Bytes;

/// Nothing is shown before; then the line is written anew as often as this.
const FIRST: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_millis(200);

/// No disk takes as long as [`FIRST`] for so many bytes; a pipe may.
const SMALL: u64 = 16 << 20;

/// Does the work. If it takes long and standard error is a terminal, a line there says how many of `total` bytes have been
/// read (`None`: nobody knows how many there are).
pub fn with_progress<T: Send>(
    total: Option<u64>,
    read: &AtomicU64,
    work: impl FnOnce() -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    if total.is_some_and(|bytes| bytes < SMALL) || !io::stderr().is_terminal() {
        return work();
    }
    let (finish, finished) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || {
            let result = work();
            drop(finish);
            result
        });
        let mut wait = FIRST;
        while finished.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            wait = INTERVAL;
            rewrite_line(&line(read.load(Ordering::Relaxed), total));
        }
        if wait != FIRST {
            rewrite_line("");
        }
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn line(read: u64, total: Option<u64>) -> String {
    match total {
        Some(total) => {
            format!("reading {} % of {}", (read.min(total) * 100) / total.max(1), Bytes(total).short())
        }
        None => format!("reading {}", Bytes(read).short()),
    }
}

/// Puts a text in place of the line's last one (ECMA-48: CR, EL).
fn rewrite_line(text: &str) {
    // Progress that cannot be shown is no reason to stop.
    let _ = io::stderr().write_all(format!("\r\x1b[2K{text}").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_line_has_percent_where_the_total_is_known() {
        assert_eq!(line(3 << 20, Some(12 << 20)), "reading 25 % of 12.0 MiB");
        assert_eq!(line(5, Some(0)), "reading 0 % of 0 bytes");
        assert_eq!(line(5 << 30, None), "reading 5.0 GiB");
    }
}

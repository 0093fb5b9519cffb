//! Tells on a terminal how far a long reading is.

use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Nothing is shown before, and then as often.
const PATIENCE: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(100);

/// Below so many bytes no disk takes as long; a pipe may.
const SMALL: u64 = 16 << 20;

/// Does the work and, if it takes long and standard error is a terminal, shows there how many of `bytes` have
/// been read (`None`: nobody knows how many there are).
pub fn shown<T: Send>(
    bytes: Option<u64>,
    done: &AtomicU64,
    work: impl FnOnce() -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    if bytes.is_some_and(|bytes| bytes < SMALL) || !io::stderr().is_terminal() {
        return work();
    }
    let (finish, finished) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || {
            let result = work();
            drop(finish);
            result
        });
        if finished.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            let bar = bar(bytes);
            while finished.recv_timeout(STEP) == Err(RecvTimeoutError::Timeout) {
                bar.set_position(done.load(Ordering::Relaxed));
            }
            bar.finish_and_clear();
        }
        worker.join().unwrap_or_else(|_| Err(anyhow::anyhow!("reading ended early")))
    })
}

fn bar(bytes: Option<u64>) -> ProgressBar {
    let (bar, template) = match bytes {
        Some(bytes) => (ProgressBar::new(bytes), "reading {bar:30} {percent} % of {total_bytes}"),
        None => (ProgressBar::no_length(), "reading {bytes}"),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("#-")),
        Err(_) => bar,
    }
}

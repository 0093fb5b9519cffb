//! The log's lock (flock(2)). It is released when the file is closed.
//!
//! Writers hold it for microseconds, from the look at the last byte to the write. No run ever waits long for it.

use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, Instant};

/// A writer first yields the processor, then sleeps: each sleep is twice the one before, about 100 ms in all.
const YIELDS: u32 = 16;
const FIRST_SLEEP: Duration = Duration::from_micros(100);
const SLEEPS: u32 = 10;

/// How long, and how often, `clear --before` tries.
const EXCLUSIVE_TIMEOUT: Duration = Duration::from_secs(5);
const EXCLUSIVE_POLL: Duration = Duration::from_millis(1);

/// Takes the lock, or goes on without it where the file system has none and where somebody keeps it.
pub fn lock_or_give_up(file: &File) {
    let is_held = || matches!(file.try_lock(), Err(TryLockError::WouldBlock));
    for _ in 0..YIELDS {
        if !is_held() {
            return;
        }
        std::thread::yield_now();
    }
    for doublings in 0..SLEEPS {
        if !is_held() {
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "a lock that times out has no event to wait for")]
        std::thread::sleep(FIRST_SLEEP * (1 << doublings));
    }
    is_held();
}

/// Takes the lock for a caller that could lose lines without it. It tries often, as writers that come one after the
/// other leave only short gaps.
///
/// # Errors
/// Somebody keeps the lock.
pub fn lock_exclusive(file: &File) -> io::Result<()> {
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if start.elapsed() < EXCLUSIVE_TIMEOUT => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a lock that times out has no event to wait for"
                )]
                std::thread::sleep(EXCLUSIVE_POLL);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another program holds its lock"));
            }
            // A file system without locks.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(()),
        }
    }
}

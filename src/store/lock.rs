//! The log's lock (flock(2)). It is released when the file is closed.
//!
//! Writers hold it for microseconds, from the look at the last byte to the write. No run ever waits long for it: a writer
//! that cannot have it in time goes on without it, and holds a lock of another kind instead (fcntl(2), open file description
//! locks), which it shares with others like it. By that `off` and `clear --before` know that somebody is still writing.

use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::{self, F_RDLCK, F_UNLCK, F_WRLCK, SEEK_SET, c_int, c_short};

/// A writer first yields the processor, then sleeps: each sleep is twice the one before, about 100 ms in all.
const YIELDS: u32 = 16;
const FIRST_SLEEP: Duration = Duration::from_micros(100);
const SLEEPS: u32 = 10;

/// How long, and how often, `clear --before` tries.
const EXCLUSIVE_TIMEOUT: Duration = Duration::from_secs(5);
const EXCLUSIVE_POLL: Duration = Duration::from_millis(1);

/// For a writer. Takes the lock, or goes on without it where the file system has none and where somebody keeps it.
pub fn lock_to_append(file: &File) {
    if !wait_briefly(|| is_locked(file)) {
        // If this fails, nobody waits for us, and we can do no more.
        let _ = fcntl(file, FcntlArg::F_OFD_SETLK(&whole_file(F_RDLCK)));
    }
}

/// Waits for the writers at work, those without the lock included, and then holds it; 100 ms at most for either.
pub fn wait_for_writers(file: &File) {
    wait_briefly(|| is_locked(file));
    wait_briefly(|| has_unlocked_writers(file));
}

/// Takes the lock for a caller that could lose lines without it. Returns the file's length in bytes at a moment when nobody
/// was writing. Writers that do not get the lock can come later.
///
/// # Errors
/// Somebody keeps the lock, or does not go on without it.
pub fn lock_exclusive(file: &File) -> io::Result<u64> {
    let length = || file.metadata().map_or(0, |found| found.len());
    let mut before = 0;
    // The kernel shows a line in parts if it crosses the end of a page.
    let mut is_written_to = || {
        before = length();
        has_unlocked_writers(file) || length() != before
    };
    if wait(|| is_locked(file)) && wait(&mut is_written_to) {
        Ok(before)
    } else {
        Err(io::Error::new(io::ErrorKind::ResourceBusy, "another program holds its lock"))
    }
}

/// Waits for writers that have gone on without the lock. Whether they have written their lines.
pub fn wait_for_unlocked_writers(file: &File) -> bool {
    wait(|| has_unlocked_writers(file))
}

/// Takes the lock unless somebody holds it. A file system without locks has nobody who does.
pub fn is_locked(file: &File) -> bool {
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

fn has_unlocked_writers(file: &File) -> bool {
    let mut lock = whole_file(F_WRLCK);
    // Only asks whether we could have it.
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock)).is_ok() && c_int::from(lock.l_type) != F_UNLCK
}

fn whole_file(kind: c_int) -> libc::flock {
    #[expect(clippy::cast_possible_truncation, reason = "constants that were made for a c_short (fcntl(2))")]
    let (l_type, l_whence) = (kind as c_short, SEEK_SET as c_short);
    libc::flock { l_type, l_whence, l_start: 0, l_len: 0, l_pid: 0 }
}

/// Waits some 100 ms at most. Whether that was enough.
fn wait_briefly(is_held: impl Fn() -> bool) -> bool {
    for _ in 0..YIELDS {
        if !is_held() {
            return true;
        }
        std::thread::yield_now();
    }
    for doublings in 0..SLEEPS {
        if !is_held() {
            return true;
        }
        #[expect(clippy::disallowed_methods, reason = "a lock that times out has no event to wait for")]
        std::thread::sleep(FIRST_SLEEP * (1 << doublings));
    }
    !is_held()
}

/// Waits five seconds at most. It looks often, as writers that come one after the other leave only short gaps. Whether that
/// was enough.
fn wait(mut is_held: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while is_held() {
        if start.elapsed() >= EXCLUSIVE_TIMEOUT {
            return false;
        }
        #[expect(clippy::disallowed_methods, reason = "a lock that times out has no event to wait for")]
        std::thread::sleep(EXCLUSIVE_POLL);
    }
    true
}

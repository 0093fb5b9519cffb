//! The log's lock (flock(2)). It is released when the file is closed.
//!
//! Writers hold it for microseconds, from the look at the last byte to the write. No run ever waits long for it: a writer
//! that cannot have it in time goes on without it, and locks one byte instead (fcntl(2), open file description locks),
//! where nobody is in its way. By that `off` and `clear --before` know of it.

use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::{self, F_RDLCK, F_WRLCK, SEEK_SET, c_int, c_short, off_t};

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
        let _ = lock_bytes(file, F_WRLCK, off_t::from(nix::unistd::getpid().as_raw()), 1);
    }
}

/// Waits for the writers at work, those without the lock included, and then holds it; 100 ms at most for either.
pub fn wait_for_writers(file: &File) {
    wait_briefly(|| is_locked(file));
    wait_briefly(|| has_unlocked_writers(file));
}

/// Takes the lock for a caller that could lose lines without it.
///
/// # Errors
/// Somebody keeps the lock.
pub fn lock_exclusive(file: &File) -> io::Result<()> {
    if wait(|| is_locked(file)) {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::ResourceBusy, "another program holds its lock"))
    }
}

/// Waits for writers that have gone on without the lock. Whether they have written their lines.
pub fn wait_for_unlocked_writers(file: &File) -> bool {
    wait(|| has_unlocked_writers(file))
}

/// Takes the lock unless somebody holds it. A file system without locks has nobody who does.
fn is_locked(file: &File) -> bool {
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Later ones find that the log is replaced, or recording off: they look after they have locked their byte.
fn has_unlocked_writers(file: &File) -> bool {
    lock_bytes(file, F_RDLCK, 0, 0) == Err(Errno::EAGAIN)
}

/// Locks this many bytes from an offset on. A length of 0 is all of them.
fn lock_bytes(file: &File, kind: c_int, start: off_t, length: off_t) -> nix::Result<()> {
    #[expect(clippy::cast_possible_truncation, reason = "constants that were made for a c_short (fcntl(2))")]
    let (l_type, l_whence) = (kind as c_short, SEEK_SET as c_short);
    let lock = libc::flock { l_type, l_whence, l_start: start, l_len: length, l_pid: 0 };
    fcntl(file, FcntlArg::F_OFD_SETLK(&lock)).map(drop)
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
fn wait(is_held: impl Fn() -> bool) -> bool {
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

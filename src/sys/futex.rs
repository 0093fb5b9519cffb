//! Words in memory that processes share, and wait on (futex(2)).

use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use syscalls::{Sysno, syscall};

use super::process::ChildKind;
use super::signal::timespec;

/// A word to wait on.
#[derive(Default)]
#[repr(transparent)]
pub struct Word(AtomicU32);

impl Word {
    pub fn load(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    pub fn store(&self, value: u32) {
        self.0.store(value, Ordering::Release);
    }

    pub(super) fn as_ptr(&self) -> *mut u32 {
        self.0.as_ptr()
    }

    /// Stores a value and wakes all who wait.
    pub fn store_and_wake(&self, value: u32) {
        self.store(value);
        // SAFETY: the word is live; waking takes numbers beside it.
        let _ = unsafe { syscall!(Sysno::futex, self.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
    }

    /// Sleeps while the word has this value, at most as long as `timeout` says. May return early. False: a sandbox refuses
    /// that (seccomp(2)).
    pub fn wait(&self, value: u32, timeout: Option<Duration>) -> bool {
        let timeout = timeout.map(timespec);
        let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the word and the timeout are live until the call returns; a null timeout is none.
        let result = unsafe { syscall!(Sysno::futex, self.as_ptr(), libc::FUTEX_WAIT, value, timeout) };
        !matches!(result, Err(syscalls::Errno::EPERM | syscalls::Errno::ENOSYS))
    }
}

/// What tm-run and the two processes that it starts tell one another.
#[derive(Default)]
pub struct SharedWords {
    /// 1: the child may execute the command.
    pub go: Word,
    /// Not 0 while the child shares our memory, see [`super::process::start`].
    pub running: Word,
    /// The error number of an exec that failed, or 0.
    exec_errno: Word,
    /// What the sentinel is asked, and what it answers.
    pub request: Word,
    pub reply: Word,
    /// Who sent the signal that it answers about.
    pub reply_sender: Word,
}

impl SharedWords {
    /// Words for children of this kind; never freed. `None`: there is no memory left.
    pub fn new(kind: ChildKind) -> Option<&'static Self> {
        const PROTECTION: i32 = libc::PROT_READ | libc::PROT_WRITE;
        const FLAGS: i32 = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        if kind == ChildKind::CloneVm {
            return Some(Box::leak(Box::default()));
        }
        // SAFETY: asks for memory at an address of the kernel's choice.
        let memory = unsafe { libc::mmap(ptr::null_mut(), size_of::<Self>(), PROTECTION, FLAGS, -1, 0) };
        // SAFETY: the mapping is page-aligned, large enough, all zero (words may be), and never unmapped.
        (memory != libc::MAP_FAILED).then(|| unsafe { &*memory.cast::<Self>() })
    }

    /// Why the command could not be executed, if it could not.
    pub fn exec_error(&self) -> Option<Errno> {
        let number = self.exec_errno.load().cast_signed();
        (number != 0).then(|| Errno::from_raw(number))
    }

    pub fn set_exec_error(&self, error: Errno) {
        self.exec_errno.store((error as i32).cast_unsigned());
    }
}

//! Signals: masks, dispositions, and signals that are taken from the queue instead of being handled.

use std::io;
use std::ptr;
use std::time::Duration;

use nix::libc;
use syscalls::{Sysno, syscall};

use crate::units::SignalNumber;

/// How many signals the kernel knows, standard and real-time, and the bytes of a set of them (signal(7)).
const NSIG: i32 = 64;
const SIGSET_SIZE: usize = 8;

/// A set of signals as the kernel keeps it: bit n-1 stands for signal n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalSet(u64);

impl SignalSet {
    pub const ALL: Self = Self(u64::MAX);

    pub fn only(SignalNumber(number): SignalNumber) -> Self {
        Self(if (1..=NSIG).contains(&number) { 1 << (number - 1) } else { 0 })
    }

    pub fn of(numbers: &[i32]) -> Self {
        numbers.iter().fold(Self(0), |set, &number| Self(set.0 | Self::only(SignalNumber(number)).0))
    }

    pub fn contains(self, signal: SignalNumber) -> bool {
        self.intersects(Self::only(signal))
    }

    pub fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// How a set changes the mask (sigprocmask(2)).
#[derive(Clone, Copy)]
pub enum SigmaskHow {
    Block = libc::SIG_BLOCK as isize,
    Unblock = libc::SIG_UNBLOCK as isize,
    Set = libc::SIG_SETMASK as isize,
}

/// Changes the signal mask of this thread, and returns what it was. `None`: a sandbox refuses that (seccomp(2)).
pub fn sigprocmask(how: SigmaskHow, set: SignalSet) -> Option<SignalSet> {
    let mut old = SignalSet(0);
    // SAFETY: both pointers are to live sets of the size that is given.
    let result =
        unsafe { syscall!(Sysno::rt_sigprocmask, how as i32, &raw const set.0, &raw mut old.0, SIGSET_SIZE) };
    result.is_ok().then_some(old)
}

/// The blocked signals that are pending (sigpending(2)).
pub fn sigpending() -> SignalSet {
    let mut set = SignalSet(0);
    // SAFETY: the pointer is to a live set of the size that is given.
    let _ = unsafe { syscall!(Sysno::rt_sigpending, &raw mut set.0, SIGSET_SIZE) };
    set
}

/// What a process does on a signal, as far as execve(2) hands it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    Default,
    Ignore,
}

/// Sets what this process does on a signal and returns what it was (sigaction(2)).
pub fn set_disposition(SignalNumber(number): SignalNumber, new: Disposition) -> Disposition {
    // SAFETY: sigaction is plain old data, for which all zeros are a valid value: the default, no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let mut old: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = match new {
        Disposition::Default => libc::SIG_DFL,
        Disposition::Ignore => libc::SIG_IGN,
    };
    // SAFETY: both pointers are to live structures; no handler is installed, so no code can run asynchronously.
    unsafe { libc::sigaction(number, &raw const action, &raw mut old) };
    if old.sa_sigaction == libc::SIG_IGN { Disposition::Ignore } else { Disposition::Default }
}

/// A signal that was taken from the queue, with all that the kernel says about it (sigaction(2), `siginfo_t`).
pub struct SignalInfo(libc::siginfo_t);

impl SignalInfo {
    pub fn number(&self) -> SignalNumber {
        SignalNumber(self.0.si_signo)
    }

    /// Sent by the kernel itself: a key of the terminal, a child's end, an alarm.
    pub fn is_from_kernel(&self) -> bool {
        self.0.si_code > 0
    }

    /// Sent in a way that cannot reach a process group: sigqueue(3), tgkill(2), a timer (sigaction(2), `si_code`).
    pub fn is_to_one_process(&self) -> bool {
        self.0.si_code < 0
    }

    /// The process that sent it; if the kernel did, the child that it is about, or nothing of use.
    pub fn sender_pid(&self) -> i32 {
        // SAFETY: for a signal sent by a process the kernel fills in si_pid; the field is plain data in any case.
        unsafe { self.0.si_pid() }
    }
}

/// Whether to wait for a signal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    Forever,
    No,
}

/// Takes the next pending signal, whichever it is. `None`: there is none, or a stop interrupted the wait.
pub fn take_pending(wait: Wait) -> Option<SignalInfo> {
    sigtimedwait(SignalSet::ALL, (wait == Wait::No).then_some(Duration::ZERO)).ok()
}

/// Whether signals can be taken from the queue. A sandbox may refuse that (seccomp(2)).
pub fn can_be_taken() -> bool {
    matches!(sigtimedwait(SignalSet(0), Some(Duration::ZERO)), Err(syscalls::Errno::EAGAIN))
}

/// Takes a signal from the queue if it is pending.
pub fn take_if_pending(signal: SignalNumber) -> Option<SignalInfo> {
    sigtimedwait(SignalSet::only(signal), Some(Duration::ZERO)).ok()
}

/// Takes a signal of the set from the queue (sigtimedwait(2)). Without a timeout it waits for one.
///
/// # Errors
/// `EAGAIN`: none is there in time. `EINTR`: a stop interrupted the wait. Anything else: a sandbox refuses the call.
fn sigtimedwait(set: SignalSet, timeout: Option<Duration>) -> Result<SignalInfo, syscalls::Errno> {
    // SAFETY: siginfo_t is plain old data, for which all zeros are a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let timeout = timeout.map(timespec);
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the pointers are to live memory of the types that the call asks for; a null timeout is none.
    unsafe { syscall!(Sysno::rt_sigtimedwait, &raw const set.0, &raw mut info, timeout, SIGSET_SIZE) }?;
    Ok(SignalInfo(info))
}

pub(super) fn timespec(duration: Duration) -> libc::timespec {
    *nix::sys::time::TimeSpec::from_duration(duration).as_ref()
}

/// Sends a signal to a process, or with a negative pid to a process group (kill(2)). Unlike nix's, it takes real-time
/// signals.
pub fn kill(pid: i32, SignalNumber(number): SignalNumber) -> io::Result<()> {
    // SAFETY: kill takes two numbers.
    if unsafe { libc::kill(pid, number) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Forwards a signal, with the value that it may carry (rt_sigqueueinfo(2)).
pub fn forward(pid: i32, signal: &SignalInfo) -> io::Result<()> {
    if signal.0.si_code == libc::SI_QUEUE {
        // SAFETY: the pointer is to a live siginfo_t that the kernel itself filled in.
        let sent = unsafe { syscall!(Sysno::rt_sigqueueinfo, pid, signal.0.si_signo, &raw const signal.0) };
        if sent.is_ok() {
            return Ok(());
        }
    }
    kill(pid, signal.number())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signal_set_holds_the_signals_it_is_made_of_and_no_other() {
        let set = SignalSet::of(&[1, 20, NSIG]);
        let held: Vec<i32> = (0..=NSIG + 1).filter(|&number| set.contains(SignalNumber(number))).collect();
        assert_eq!(held, [1, 20, NSIG]);
    }
}

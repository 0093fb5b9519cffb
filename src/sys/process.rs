//! This process, and those that it starts.

use std::ffi::{CStr, OsString, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStringExt as _;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid};
use syscalls::{Sysno, syscall};

use super::futex::Word;
use super::signal::{self, Disposition, SigmaskHow, SignalSet};
use crate::units::{ExitReason, SignalNumber};

static ARGC: AtomicI32 = AtomicI32::new(0);
static ARGV: AtomicPtr<*mut c_char> = AtomicPtr::new(ptr::null_mut());

/// Keeps the arguments that the C library hands to `main`.
///
/// # Safety
/// `argv` holds `argc` NUL-terminated strings and a null pointer. All of it is this process's to write to and lives as long
/// as the process (execve(2)).
pub unsafe fn set_args(argc: c_int, argv: *mut *mut c_char) {
    ARGC.store(argc, Ordering::Relaxed);
    ARGV.store(argv, Ordering::Relaxed);
}

/// The arguments without `argv[0]`.
pub fn args() -> Vec<OsString> {
    let bytes = |arg: &CStr| OsString::from_vec(arg.to_bytes().to_vec());
    // SAFETY: each is a NUL-terminated string that lives as long as the process, see `set_args`.
    args_tail(usize::MAX).skip(1).map(|arg| bytes(unsafe { CStr::from_ptr(arg) })).collect()
}

/// The last `count` arguments, or all if there are fewer.
pub(super) fn args_tail(count: usize) -> impl Iterator<Item = *mut c_char> {
    let argv = ARGV.load(Ordering::Relaxed);
    let argc = usize::try_from(ARGC.load(Ordering::Relaxed)).unwrap_or(0);
    // SAFETY: the index is below argc, so the element is inside the array that `set_args` was given.
    (argc.saturating_sub(count)..argc).map(move |index| unsafe { argv.wrapping_add(index).read() })
}

/// Overwrites the last `count` arguments of this process with NULs, so that `pkill -f` with one of the command's arguments
/// finds one process, not two (proc(5), `cmdline`).
pub fn clear_argv_tail(count: usize) {
    for mut byte in args_tail(count) {
        // SAFETY: each argument is a NUL-terminated string that the process owns; nobody holds a reference to it.
        while unsafe { byte.read_volatile() } != 0 {
            // SAFETY: a byte before the NUL of a string of ours, which is writable (execve(2)).
            unsafe { byte.write_volatile(0) };
            byte = byte.wrapping_add(1);
        }
    }
}

/// How a process of ours relates to our memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildKind {
    /// It shares our memory, but neither descriptors nor signal dispositions: clone(2) with `CLONE_VM`. That is a fork
    /// without its price, a copy of the page tables and a page fault for each page that is written afterwards.
    CloneVm,
    /// It has a copy of our memory: fork(2).
    Fork,
}

/// What a process of ours does. With [`ChildKind::CloneVm`] it runs beside us in the same memory and with the same thread
/// pointer. So it must not allocate (the C library takes us for a process with one thread, and locks nothing), must not
/// panic, and must call nothing of the C library that can fail (`errno` is ours).
pub trait ChildMain: Sync + 'static {
    fn main(&self) -> !;
}

/// Bytes of the stack of a process that shares our memory.
const STACK_SIZE: usize = 16 << 10;

/// The stack is as aligned as any calling convention asks for.
#[repr(align(16))]
struct Stack(#[expect(dead_code, reason = "the kernel is given its address")] [u8; STACK_SIZE]);

/// Starts a process and returns its pid. `None`: there is no room for one, or the kernel does not know its kind (emulators
/// know only fork, vfork and threads).
///
/// The kernel sets `running` to 0, and wakes its waiters, when the process has executed another program or has ended; only
/// for [`ChildKind::CloneVm`] (clone(2), `CLONE_CHILD_CLEARTID`).
pub fn start<T: ChildMain>(kind: ChildKind, child: T, running: Option<&'static Word>) -> Option<i32> {
    match kind {
        // Never freed: the process uses it as long as it lives.
        ChildKind::CloneVm => clone_vm(Box::leak(Box::new(child)), running),
        // SAFETY: the process has one thread here (only the report makes threads, and it starts no process), so the child
        // may do all that the parent may.
        ChildKind::Fork => match unsafe { nix::unistd::fork() }.ok()? {
            ForkResult::Parent { child: pid } => Some(pid.as_raw()),
            ForkResult::Child => child.main(),
        },
    }
}

fn clone_vm<T: ChildMain>(child: &'static T, running: Option<&'static Word>) -> Option<i32> {
    extern "C" fn start<T: ChildMain>(child: *mut c_void) -> c_int {
        // SAFETY: this is the reference that is handed to clone below.
        unsafe { &*child.cast::<T>() }.main()
    }
    // Never freed: the process may use it as long as we live.
    let stack: *mut MaybeUninit<Stack> = Box::leak(Box::new_uninit());
    let (flags, clear) = match running {
        Some(word) => {
            word.store(1);
            (libc::CLONE_CHILD_CLEARTID, word.as_ptr())
        }
        None => (0, ptr::null_mut()),
    };
    // SAFETY: the stack, what `start` gets, and the word live as long as this process. The child never returns from
    // `start`. What both processes use of their memory is read-only or atomic, see `ChildMain`.
    let pid = unsafe {
        libc::clone(
            start::<T>,
            stack.wrapping_add(1).cast(),
            libc::CLONE_VM | libc::SIGCHLD | flags,
            ptr::from_ref(child).cast_mut().cast(),
            ptr::null_mut::<libc::pid_t>(),
            ptr::null_mut::<c_void>(),
            clear,
        )
    };
    Errno::result(pid).ok()
}

/// Has the kernel kill this process when its parent dies, and ends it at once if the parent is dead already (prctl(2),
/// `PR_SET_PDEATHSIG`).
pub fn set_parent_death_signal(parent: i32) {
    // SAFETY: this option of prctl takes numbers only.
    let _ = unsafe { syscall!(Sysno::prctl, libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    // SAFETY: getppid takes nothing.
    if unsafe { syscall!(Sysno::getppid) }.is_ok_and(|found| found != parent.cast_unsigned() as usize) {
        exit_now(1);
    }
}

/// Sets the name that ps(1) shows, at most 15 bytes (prctl(2), `PR_SET_NAME`).
pub fn set_name(name: &CStr) {
    // SAFETY: the name is NUL-terminated.
    let _ = unsafe { syscall!(Sysno::prctl, libc::PR_SET_NAME, name.as_ptr()) };
}

/// Ends the process without running anything that is registered for its end (_exit(2)).
pub fn exit_now(status: i32) -> ! {
    // SAFETY: _exit takes a number, and does not return.
    unsafe { libc::_exit(status) }
}

/// Ends this process by a signal, as the command ended, without a core of our own. Returns only if the signal does not
/// end us (pid 1 is immune, pid_namespaces(7)).
pub fn exit_with_signal(signal: SignalNumber) {
    // A core of ours would overwrite the command's. A size limit would not stop a core that is piped to a program (core(5)).
    // SAFETY: this option of prctl takes numbers only.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0) };
    signal::set_disposition(signal, Disposition::Default);
    // Nobody else is left to tell; the caller exits with 128+n instead.
    let _ = signal::kill(nix::unistd::getpid().as_raw(), signal);
    signal::sigprocmask(SigmaskHow::Unblock, SignalSet::only(signal));
}

/// A change of a child's state (waitid(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitStatus {
    Ended(ExitReason),
    Stopped(SignalNumber),
    Continued,
}

/// Whether a wait uses the change of state up, or leaves it to the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Consume {
    Yes,
    /// waitid(2), `WNOWAIT`.
    No,
}

/// The child's next change of state. `None`: nothing has changed, or there is no such child.
pub fn next_change(pid: i32, consume: Consume) -> Option<WaitStatus> {
    let leave = if consume == Consume::No { libc::WNOWAIT } else { 0 };
    waitid(pid, libc::WEXITED | libc::WSTOPPED | libc::WCONTINUED | libc::WNOHANG | leave)
}

/// Whether the child has ended or is stopped at this moment; the change is left to the next wait.
pub fn stopped_or_ended(pid: i32) -> Option<WaitStatus> {
    waitid(pid, libc::WEXITED | libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT)
}

/// Whether this process can wait for its child and signal it. A sandbox may refuse that (seccomp(2)).
pub fn can_supervise(pid: i32) -> bool {
    let waited = waitid_info(libc::P_PID, pid, libc::WEXITED | libc::WNOHANG | libc::WNOWAIT);
    waited.is_ok() && signal::kill(pid, SignalNumber(0)).is_ok()
}

/// Waits until the child has ended, and reaps it.
pub fn reap(pid: i32) {
    while waitpid(Pid::from_raw(pid), None) == Err(Errno::EINTR) {}
}

/// A child that has ended and has not been reaped, whichever it is.
pub fn ended_child() -> Option<i32> {
    let info = waitid_info(libc::P_ALL, 0, libc::WEXITED | libc::WNOHANG | libc::WNOWAIT).ok()??;
    // SAFETY: waitid has filled in si_pid.
    Some(unsafe { info.si_pid() })
}

fn waitid(pid: i32, options: c_int) -> Option<WaitStatus> {
    let info = waitid_info(libc::P_PID, pid, options).ok()??;
    // SAFETY: waitid has filled in si_status beside si_pid.
    let status = unsafe { info.si_status() };
    match info.si_code {
        // exit(3) hands on the low eight bits only.
        libc::CLD_EXITED => Some(WaitStatus::Ended(ExitReason::Exited(status.to_le_bytes()[0]))),
        libc::CLD_KILLED | libc::CLD_DUMPED => {
            Some(WaitStatus::Ended(ExitReason::Signaled(SignalNumber(status))))
        }
        libc::CLD_STOPPED => Some(WaitStatus::Stopped(SignalNumber(status))),
        libc::CLD_CONTINUED => Some(WaitStatus::Continued),
        _ => None,
    }
}

/// nix's `waitid` cannot say that a process was killed by a real-time signal. `None`: nothing has changed.
///
/// # Errors
/// There is no such child, or a sandbox refuses the call (seccomp(2)).
fn waitid_info(which: libc::idtype_t, id: i32, options: c_int) -> nix::Result<Option<libc::siginfo_t>> {
    // SAFETY: siginfo_t is plain old data, for which all zeros are a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live siginfo_t; the other arguments are numbers.
    Errno::result(unsafe { libc::waitid(which, id.cast_unsigned(), &raw mut info, options) })?;
    // SAFETY: the structure is all zeros (no change) or was filled in by waitid, which sets si_pid.
    let pid = unsafe { info.si_pid() };
    Ok((pid != 0).then_some(info))
}

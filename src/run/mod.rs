//! Runs a command as if nobody stood before it.
//!
//! The command is started in our own process group, and we wait. Signals are never handled, only blocked and taken from the
//! queue one by one, so none is lost and none arrives at a bad moment:
//!
//! ```text
//!       clone ──► child: waits for "go", executes the command
//!   block all
//!       clone ──► sentinel: blocks all signals, tells which ones the whole group got
//!        "go"     until here a signal does to us what it would do to a command that is starting
//!        loop     child changed? ──► stop as it stopped, or end
//!                 signal taken?  ──► forward it, unless the command got it, too
//! ```
//!
//! What a run costs in system calls, start-up and end of the program left out:
//!
//! | process | calls | purpose |
//! |---|---|---|
//! | tm-run | stat | is recording on |
//! | | stat, in a container twice | would a child be in another PID namespace |
//! | | rt_sigaction, rt_sigprocmask | an ignored SIGCHLD would leave nothing to wait for; from here on signals are taken |
//! | | rt_sigtimedwait, waitid, kill | does a sandbox refuse what comes later |
//! | | clone, twice; futex | the child, the sentinel, "go" |
//! | | futex | the command has been executed |
//! | tm-run, meanwhile | fstat, three times; stat of `/proc/self/fd`; chdir | it lets go of what the command inherited |
//! | | waitid, rt_sigtimedwait | until the command has ended: one of each, and a last waitid |
//! | tm-run, at the end | kill, wait4 | the sentinel goes |
//! | | see `store::append` | the line |
//! | child | prctl, getppid | it ends with us |
//! | | futex, execve | it waits for "go" and becomes the command |
//! | sentinel | prctl, twice; getppid, close_range, chdir, futex | it ends with us, holds nothing, and waits to be asked |

pub mod ancestry;
mod child;
pub mod running;
mod sentinel;
mod supervise;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use nix::errno::Errno;

use crate::sys::fd;
use crate::sys::futex::SharedWords;
use crate::sys::process::{self, ChildKind};
use crate::sys::signal::{self, SigmaskHow, SignalSet};
use crate::units::ExitReason;
use child::Child;
use sentinel::Sentinel;

pub use child::Command;

/// How long to wait for the exec before looking for signals and stops again.
const START_POLL: Duration = Duration::from_millis(1);

/// What the child executes: it uses this memory, or a copy of it, as long as it likes.
static COMMAND: OnceLock<Command> = OnceLock::new();

/// What is known of a run when it has ended.
pub struct FinishedRun {
    pub ended_at: DateTime<Utc>,
    /// From a monotonic clock that stands still while the machine sleeps (clock_gettime(2), `CLOCK_MONOTONIC`):
    /// a suspended night is not a nine-hour apply.
    pub wall: Duration,
    pub exit: ExitReason,
    /// Why the command could not be executed, if it could not.
    pub exec_error: Option<Errno>,
    /// Reaps the sentinel when it is dropped.
    _sentinel: Option<Sentinel>,
}

/// Runs a command and waits for its end.
///
/// `None`: nothing was run, for want of memory or processes, or because a child would be in another PID namespace, or
/// because the kernel does not know this kind of process, or because a sandbox refuses a system call that this needs
/// (seccomp(2)). Another kind, or [`exec_in_place`], may still work.
pub fn run(command: &dyn Fn() -> Command, kind: ChildKind) -> Option<FinishedRun> {
    if ancestry::child_in_other_pid_namespace() {
        return None;
    }
    let words = SharedWords::new(kind)?;
    let parent = nix::unistd::getpid().as_raw();
    if parent <= 0 {
        // A sandbox refuses even that. Sent to such a number, a signal reaches many processes (kill(2)).
        return None;
    }
    if kind == ChildKind::Fork {
        // The child gets a copy of our memory.
        COMMAND.get_or_init(command);
    }
    child::reset_sigchld();
    let started = Instant::now();
    let Some(pid) = process::start(kind, Child { command: &COMMAND, parent, words }, Some(&words.running))
    else {
        child::restore_sigchld();
        return None;
    };
    // It takes longer to start a process than to prepare what it executes.
    let command = COMMAND.get_or_init(command);
    let sigmask = signal::sigprocmask(SigmaskHow::Block, SignalSet::ALL);
    if sigmask.is_none() || !signal::can_be_taken() || !process::can_supervise(pid) {
        words.go.store_and_wake(child::GIVE_UP);
        process::reap(pid);
        child::restore_sigchld();
        if let Some(sigmask) = sigmask {
            signal::sigprocmask(SigmaskHow::Set, sigmask);
        }
        return None;
    }
    if kind == ChildKind::Fork {
        // A forked sentinel would keep its copy of the command's arguments, and pgrep -f would find it.
        process::clear_argv_tail(command.argc());
    }
    let sentinel = Sentinel::start(kind, words, parent);
    words.go.store_and_wake(child::GO);
    let (mut exit, sentinel) = supervise::until_exit(pid, sentinel, words, || {
        process::clear_argv_tail(command.argc());
        fd::close_inherited();
        fd::leave_directory();
    });
    let wall = started.elapsed();
    let exec_error = words.exec_error();
    if let Some(error) = exec_error {
        exit = ExitReason::Exited(child::exec_error_status(error));
    }
    Some(FinishedRun { ended_at: Utc::now(), wall, exit, exec_error, _sentinel: sentinel })
}

/// Executes the command in place of this process, so that nothing of ours remains. Returns only if it cannot be executed,
/// with the exit status that says so; the reason is on standard error.
pub fn exec_in_place(command: &Command) -> u8 {
    child::exec_error_status(command.exec())
}

//! Runs a command as if nobody stood before it.
//!
//! The command is started in our own process group and we wait. Signals are never handled, only blocked and
//! taken from the queue one by one, so none is lost and none can arrive at a bad moment:
//!
//! ```text
//!       clone ──► command: waits for "go", becomes the command
//!   block all
//!       clone ──► sentinel: blocks everything, tells which signals the whole group got
//!        "go"     until here a signal does to us what it would do to a command that is starting
//!        loop     child changed? ──► mirror a stop, or end
//!                 signal taken?  ──► pass on, unless the command has got it itself
//! ```
//!
//! What that costs in system calls, without what the C library makes at its start:
//!
//! | of | calls | what for |
//! |---|---|---|
//! | us, early | stat | is recording on |
//! | | getpid, twice | the number that the command finds in `TM_RUN_ACTIVE`, and that its process holds against its parent's |
//! | | prlimit, twice | will the C library be able to start |
//! | | stat, twice | would a child live in another PID namespace |
//! | | rt_sigaction, rt_sigprocmask | an ignored SIGCHLD would leave nothing to wait for; from here on signals are taken |
//! | | clock_gettime, again at the end | how long it took, by a clock that nobody sets |
//! | | clone, twice; futex | the command, the sentinel, "go" |
//! | | futex | it has started, see [`begin`] |
//! | us, while it runs | fstat, three times; stat of `/proc/self/fd` | are there pipes that we hold without need |
//! | | waitid, rt_sigtimedwait | until it has ended: one of each, and a last waitid |
//! | us, at the end | kill, waitid | the sentinel goes |
//! | | see [`crate::store`] | the line |
//! | the command's process | prctl, getppid | it ends with us |
//! | | futex, execve | it waits for "go" and becomes the command |
//! | the sentinel | prctl, getppid, close_range, futex | it ends with us, holds nothing, and waits to be asked |

mod command;
pub mod family;
mod relay;
mod sentinel;

use std::ffi::OsString;
use std::io;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use nix::errno::Errno;

use crate::sys::{self, Beside, Command, Image, Mask, Shared, Side, SignalSet};
use crate::units::Ending;
use sentinel::Sentinel;

/// The word of the shared memory that lets the command start, and the one for the code of the error if that fails.
const GO: usize = 0;
const REFUSED: usize = 3;

/// A command that is about to run.
pub struct Plan {
    image: Image,
    words: usize,
    /// What may have been meant, for a command that is not found.
    hint: Option<String>,
}

/// What is known of a run when it has ended.
pub struct Outcome {
    pub ended_at: DateTime<Utc>,
    /// From a monotonic clock that stands still while the machine sleeps (clock_gettime(2), `CLOCK_MONOTONIC`):
    /// a suspended night is not a nine-hour apply.
    pub wall: Duration,
    pub ending: Ending,
    /// Reaps the helper when it is dropped.
    _sentinel: Option<Sentinel>,
}

/// Whose memory our helpers live in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    Ours,
    /// For programs that watch programs (valgrind), which know fork only.
    Apart,
}

/// Which of the two processes one is after [`begin`].
pub enum Role {
    /// A copy of us that is to become the command, and has been let go.
    Command,
    /// The one that waits for it.
    Waiting(Run),
}

/// A run that has begun. There is one in a process, at most.
pub struct Run {
    shared: Shared,
    words: usize,
}

static CHILD: AtomicI32 = AtomicI32::new(0);
static SENTINEL: AtomicI32 = AtomicI32::new(0);
/// Nanoseconds of [`sys::monotonic`].
static STARTED: AtomicU64 = AtomicU64::new(0);

/// Starts the process that is to become the command, blocks all signals, and lets it go. `words`: how many of our own
/// last words are the command's.
///
/// `None`: nothing has happened, for want of memory or processes, or
/// because a child would not be in our PID namespace; we can still become the command ourselves.
pub fn begin(command: &Command, words: usize, memory: Memory) -> Option<Role> {
    if family::would_live_elsewhere() {
        return None;
    }
    let shared = if memory == Memory::Ours { Shared::ours() } else { Shared::apart()? };
    command::prepare_to_wait();
    let own = sys::own_pid();
    let started = sys::monotonic();
    command.leave();
    let child = match memory {
        Memory::Ours => sys::start_beside(Beside::Command, command::live, own),
        Memory::Apart => match sys::fork() {
            Some(Side::Child) => {
                command::wait_to_be_let_go(own, shared);
                return Some(Role::Command);
            }
            Some(Side::Parent { child }) => Some(child),
            None => None,
        },
    };
    let Some(child) = child else {
        command::restore_inherited();
        return None;
    };
    sys::mask(Mask::Block, SignalSet::ALL);
    SENTINEL.store(Sentinel::start(memory, shared, own).unwrap_or(0), Ordering::Relaxed);
    CHILD.store(child, Ordering::Relaxed);
    let nanoseconds = started.as_secs().wrapping_mul(1_000_000_000) + u64::from(started.subsec_nanos());
    STARTED.store(nanoseconds, Ordering::Relaxed);
    shared.publish(GO, 1);
    // We have much to do, and nothing that is urgent: if it stands behind us in a queue for our processor, it comes first.
    sys::has_started(relay::STEP);
    Some(Role::Waiting(Run { shared, words }))
}

impl Run {
    /// Waits for the end of the command. If it cannot be run, `complain` is told why.
    pub fn wait(self, complain: impl FnOnce(Errno)) -> Outcome {
        let child = CHILD.load(Ordering::Relaxed);
        let refused = || self.shared.read(REFUSED);
        let sentinel = Some(SENTINEL.load(Ordering::Relaxed)).filter(|&pid| pid != 0);
        let sentinel = sentinel.map(|pid| Sentinel::of(pid, self.shared));
        let (mut ending, sentinel) = relay::until_the_end(child, sentinel, || {
            // Standard error is still needed to say why not.
            if refused() == 0 {
                sys::blank_last_words(self.words);
                sys::release_channels();
            }
        });
        let wall = sys::monotonic().saturating_sub(Duration::from_nanos(STARTED.load(Ordering::Relaxed)));
        if refused() != 0 {
            let error = Errno::from_raw(refused().cast_signed());
            complain(error);
            ending = Ending::Exited(command::status_of(error));
        }
        Outcome { ended_at: Utc::now(), wall, ending, _sentinel: sentinel }
    }
}

impl Plan {
    /// # Errors
    /// A word that no command line can hold.
    pub fn new(words: &[OsString], added: Option<(&str, &[u8])>, hint: Option<String>) -> io::Result<Self> {
        Ok(Self { image: Image::new(words, added)?, words: words.len(), hint })
    }

    /// Becomes the command, so that nothing of ours remains. Returns only if it cannot be run, with the exit
    /// status that tells so; what is wrong has been said on standard error.
    pub fn become_it(&self) -> u8 {
        let error = self.image.become_it();
        self.complain(error);
        command::status_of(error)
    }

    /// Says on standard error why the command cannot be run.
    pub fn complain(&self, error: Errno) {
        command::complain(self.image.name(), error, self.hint.as_deref());
    }

    /// Runs the command and waits for its end. `None`: nothing was run, see [`begin`]; [`Plan::become_it`] may still
    /// work.
    pub fn run(&self, memory: Memory) -> Option<Outcome> {
        match begin(&self.image.command(), self.words, memory)? {
            Role::Command => sys::exit_now(self.become_it().into()),
            Role::Waiting(run) => Some(run.wait(|error| self.complain(error))),
        }
    }
}

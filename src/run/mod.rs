//! Runs a command as if nobody stood before it.
//!
//! The command is forked into our own process group and we wait. Signals are never handled, only blocked and
//! taken from the queue one by one, so none is lost and none can arrive at a bad moment:
//!
//! ```text
//!        fork ──► command: waits for "go", becomes the command
//!   block all
//!       clone ──► sentinel: blocks everything, tells which signals the whole group got
//!        "go"     until here a signal does to us what it would do to a command that is starting
//!        loop     child changed? ──► mirror a stop, or end
//!                 signal taken?  ──► pass on, unless the command has got it itself
//! ```

mod command;
pub mod family;
mod relay;
mod sentinel;

use std::ffi::OsString;
use std::io;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::sys::{self, Image, Mask, Shared, Side, SignalSet};
use crate::units::Ending;
use command::Inherited;
use sentinel::Sentinel;

pub use sentinel::Memory;

/// The word of the shared memory that lets the command start.
const GO: usize = 0;

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

/// Which of the two processes one is after [`begin`].
pub enum Role {
    /// The one that is to become the command, and has been let go.
    Command,
    /// The one that waits for it.
    Waiting(Run),
}

/// A run that has begun. There is one in a process, at most.
pub struct Run {
    shared: Shared,
}

static CHILD: AtomicI32 = AtomicI32::new(0);
static SENTINEL: AtomicI32 = AtomicI32::new(0);
/// Nanoseconds of [`sys::monotonic`].
static STARTED: AtomicU64 = AtomicU64::new(0);

/// Starts the process that is to become the command, blocks all signals, and lets it go. It waits until then, for a
/// signal that comes before we watch must act on us as it would on the command, and must not find the command already
/// at work. `words`: how many of our own last words are the command's.
///
/// May be called before the C library is ready. `None`: nothing has happened, for want of memory or processes, or
/// because a child would not be in our PID namespace; we can still become the command ourselves.
pub fn begin(words: usize, memory: Memory) -> Option<Role> {
    if family::would_live_elsewhere() {
        return None;
    }
    let shared = Shared::new()?;
    let inherited = Inherited::prepare();
    let own = sys::own_pid();
    let started = sys::monotonic();
    let side = sys::fork();
    match side {
        None => {
            inherited.restore();
            None
        }
        Some(Side::Child) => {
            // Without us nobody would tell the command to end: without us it must not live (timeout(1) does the same).
            sys::die_with(own);
            while shared.read(GO) == 0 {
                shared.wait_while(GO, 0, None);
            }
            inherited.restore();
            Some(Role::Command)
        }
        Some(Side::Parent { child }) => {
            sys::mask(Mask::Block, SignalSet::ALL);
            SENTINEL.store(Sentinel::start(memory).unwrap_or(0), Ordering::Relaxed);
            CHILD.store(child, Ordering::Relaxed);
            let nanoseconds =
                started.as_secs().wrapping_mul(1_000_000_000) + u64::from(started.subsec_nanos());
            STARTED.store(nanoseconds, Ordering::Relaxed);
            sys::blank_last_words(words);
            shared.publish(GO, 1);
            Some(Role::Waiting(Run { shared }))
        }
    }
}

impl Run {
    /// The one that was begun before the C library was ready.
    pub fn begun() -> Option<Self> {
        (CHILD.load(Ordering::Relaxed) != 0).then(|| Shared::new().map(|shared| Self { shared }))?
    }

    /// Waits for the end of the command.
    pub fn wait(self) -> Outcome {
        sys::release_channels();
        let sentinel = Some(SENTINEL.load(Ordering::Relaxed)).filter(|&pid| pid != 0);
        let sentinel = sentinel.map(|pid| Sentinel::of(pid, self.shared));
        let (ending, sentinel) = relay::until_the_end(CHILD.load(Ordering::Relaxed), sentinel);
        let wall = sys::monotonic().saturating_sub(Duration::from_nanos(STARTED.load(Ordering::Relaxed)));
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
        command::become_it(self)
    }

    /// Runs the command and waits for its end. `None`: nothing was run, see [`begin`]; [`Plan::become_it`] may still
    /// work.
    pub fn run(&self, memory: Memory) -> Option<Outcome> {
        match begin(self.words, memory)? {
            Role::Command => sys::exit_now(self.become_it().into()),
            Role::Waiting(run) => Some(run.wait()),
        }
    }
}

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
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::sys::{self, Image, Shared};
use crate::units::Ending;
use sentinel::Sentinel;

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

    /// Runs the command and waits for its end.
    ///
    /// # Errors
    /// Nothing was run: for want of memory or processes, or because a child would not be in our PID namespace.
    /// [`Plan::become_it`] may still work.
    pub fn run(&self) -> io::Result<Outcome> {
        if family::would_live_elsewhere() {
            return Err(io::Error::other("children live in another PID namespace"));
        }
        let shared = Shared::new()?;
        sys::blank_last_words(self.words);
        let signals = command::Inherited::prepare();
        let started = Instant::now();
        let child = command::fork(self, shared, signals).inspect_err(|_| signals.restore())?;
        sys::mask(sys::Mask::Block, sys::SignalSet::ALL);
        let sentinel = Sentinel::start(shared);
        shared.publish(GO, 1);
        sys::release_channels();
        let (ending, sentinel) = relay::until_the_end(child, sentinel);
        let wall = started.elapsed();
        Ok(Outcome { ended_at: Utc::now(), wall, ending, _sentinel: sentinel })
    }
}

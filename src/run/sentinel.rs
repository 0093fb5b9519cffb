//! A process in our group that does nothing but block every signal and tell, when asked, which it has got.
//!
//! A signal tells who sent it, not whether it was sent to us alone or to the whole group (sigaction(2)). If the
//! sentinel has got it too, it was sent to the group, and the command has it already; if not, it was meant for
//! the command, whose place we hold.

use std::time::Duration;

use nix::unistd::{Pid, getpgrp, getpid, setpgid};

use crate::sys::{self, Change, Shared, Side, SignalSet};
use crate::units::SignalNumber;

const REQUEST: usize = 1;
const REPLY: usize = 2;

/// How long an answer is waited for. It takes microseconds; only a sentinel that somebody has stopped or killed
/// never gives one.
const PATIENCE: Duration = Duration::from_millis(200);

const CONTINUE: SignalNumber = SignalNumber(signal_hook::consts::SIGCONT);
const KILL: SignalNumber = SignalNumber(signal_hook::consts::SIGKILL);

pub struct Sentinel {
    pid: i32,
    shared: Shared,
    asked: u32,
}

impl Sentinel {
    /// Forks it. All signals must be blocked already. `None` if that is not possible; the relay then goes by
    /// who sent a signal.
    pub fn fork(shared: Shared) -> Option<Self> {
        let parent = getpid().as_raw();
        match sys::fork().ok()? {
            Side::Parent { child } => Some(Self { pid: child, shared, asked: 0 }),
            Side::Child => {
                sys::die_with(parent);
                sys::close_everything();
                watch(shared)
            }
        }
    }

    /// Whether the signal that we have just taken was sent to the whole group. `None`: it cannot be told.
    pub fn has_got(&mut self, signal: SignalNumber) -> Option<bool> {
        barrier();
        match sys::stop_or_end_of(self.pid) {
            Some(Change::Stopped(_)) if signal == CONTINUE => return Some(false),
            Some(Change::Stopped(_)) => {
                sys::send(self.pid, CONTINUE).ok()?;
                // This one was ours.
                self.ask(CONTINUE)?;
            }
            Some(_) => return None,
            None => {}
        }
        self.ask(signal)
    }

    fn ask(&mut self, signal: SignalNumber) -> Option<bool> {
        // The number of the question keeps a late answer to an earlier one from being taken for this one's.
        self.asked = (self.asked + 1) % (1 << 20);
        self.shared.publish(REQUEST, (self.asked << 8) | signal.0.cast_unsigned());
        let deadline = std::time::Instant::now() + PATIENCE;
        let mut seen = self.shared.read(REPLY);
        while seen >> 8 != self.asked {
            let left = deadline.checked_duration_since(std::time::Instant::now())?;
            self.shared.wait_while(REPLY, seen, Some(left));
            seen = self.shared.read(REPLY);
        }
        Some(seen & 1 == 1)
    }

    /// Tells it to go; it is waited for when this value is dropped.
    pub fn dismiss(&self) {
        // It may have been killed by somebody else.
        let _ = sys::send(self.pid, KILL);
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        self.dismiss();
        sys::reap(self.pid);
    }
}

/// Returns when no signal to a group is on its way: changing a process group takes the lock that such a
/// delivery holds from its first process to its last (Linux, `tasklist_lock`).
pub fn barrier() {
    // Refused for the leader of a session, but only under that lock.
    let _ = setpgid(Pid::from_raw(0), getpgrp());
}

fn watch(shared: Shared) -> ! {
    let mut answered = 0;
    loop {
        let request = shared.read(REQUEST);
        if request == answered {
            shared.wait_while(REQUEST, answered, None);
            continue;
        }
        answered = request;
        let signal = SignalNumber((request & 0xff).cast_signed());
        let got = sys::take_signal(SignalSet::only(signal), Some(Duration::ZERO)).is_some();
        shared.publish(REPLY, (request & !0xff) | u32::from(got));
    }
}

//! The sentinel: a process in our group that does nothing but block every signal and say, when asked, which it has got.
//!
//! A signal says who sent it, not whether it was sent to us alone or to the whole group (sigaction(2)). If the sentinel has
//! got it, too, it was sent to the group, and the command has it already; if not, it was meant for the command, whose place
//! we hold.

use std::ffi::CStr;
use std::time::{Duration, Instant};

use nix::unistd::{Pid, setpgid};
use signal_hook::consts::{SIGCONT, SIGKILL, SIGTSTP, SIGTTIN, SIGTTOU};

use crate::sys::fd;
use crate::sys::futex::SharedWords;
use crate::sys::process::{self, ChildKind, ChildMain, WaitStatus};
use crate::sys::signal::{self, SignalInfo, SignalSet};
use crate::units::SignalNumber;

/// How long an answer is waited for. It takes microseconds; only a sentinel that somebody has stopped or killed never
/// gives one.
const SENTINEL_TIMEOUT: Duration = Duration::from_millis(200);

/// From this number on every signal that is sent is kept, not just one of each (signal(7), as the kernel counts).
const FIRST_REAL_TIME: i32 = 32;

/// The sender of a signal that was there, but was taken away again.
const ANY_SENDER: u32 = u32::MAX;

fn sender(signal: &SignalInfo) -> u32 {
    if signal.is_from_kernel() { 0 } else { signal.sender_pid().cast_unsigned() }
}

const CONTINUE: SignalNumber = SignalNumber(SIGCONT);

/// A request that is no signal's number: forget the [`STOPS`].
const FORGET: u32 = 0x80;
const STOPS: [i32; 3] = [SIGTSTP, SIGTTIN, SIGTTOU];

/// The signals that take a pending one away when they are sent: a stop does that to SIGCONT, and SIGCONT to the stops
/// (signal(7)).
fn cancelled_by(number: SignalNumber) -> SignalSet {
    match number.0 {
        SIGCONT => SignalSet::of(&STOPS),
        SIGTSTP | SIGTTIN | SIGTTOU => SignalSet::only(CONTINUE),
        _ => SignalSet::of(&[]),
    }
}

/// What ps(1) calls the process.
pub const NAME: &CStr = c"sentinel";

pub struct Sentinel {
    pid: i32,
    words: &'static SharedWords,
    requests: u32,
    /// A signal to the group that the sentinel has answered about already, see [`Sentinel::note_next`].
    answered: Option<SignalNumber>,
}

impl Sentinel {
    /// Starts the process. All signals must be blocked already. `None` if that is not possible: the supervisor then goes by
    /// who sent a signal.
    pub fn start(kind: ChildKind, words: &'static SharedWords, parent: i32) -> Option<Self> {
        let pid = process::start(kind, SentinelProcess { parent, words }, None)?;
        Some(Self { pid, words, requests: 0, answered: None })
    }

    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether the signal that we have just taken was sent to the whole group. Takes it from the sentinel. `None`: the
    /// sentinel does not answer.
    pub fn take_received(&mut self, signal: &SignalInfo) -> Option<bool> {
        let number = signal.number();
        let was_answered = self.answered.take_if(|answered| *answered == number).is_some();
        barrier();
        for _ in 0..2 {
            if self.resume_if_stopped()? && number == CONTINUE {
                // It was still stopped, so this SIGCONT was not sent to the group.
                return Some(false);
            }
            if let Some(has_got_one) = self.ask(number.0.cast_unsigned()) {
                let was_that = has_got_one && self.was_that(signal);
                if has_got_one {
                    self.note_next(number, was_that);
                }
                return Some(was_that || was_answered);
            }
            // It may have been about to stop, and must be continued.
        }
        None
    }

    /// If a signal of the same number is pending for us, too, the sentinel may have answered about that one. Either it was
    /// sent by somebody else than the one at hand. Or it was sent to the group after the one at hand and before the sentinel
    /// took that: of a standard signal only one is pending at a time (signal(7)), so the sentinel has got one, and the command
    /// one or two. A second one to us alone, just behind one to the group, cannot be told from that, and is lost.
    fn note_next(&mut self, number: SignalNumber, was_that: bool) {
        barrier();
        let may_be_next = !was_that || number.0 < FIRST_REAL_TIME;
        // Of job control's signals a later one can take away a pending one.
        let stays = !cancelled_by(number).intersects(SignalSet::ALL);
        if may_be_next && stays && signal::sigpending().contains(number) {
            self.answered = Some(number);
        }
    }

    /// Whether the signal that the sentinel has just answered about was sent together with this one.
    fn was_that(&self, signal: &SignalInfo) -> bool {
        match self.words.reply_sender.load() {
            // What took it away again was sent to the group only if tm-run has got that, too.
            ANY_SENDER => {
                barrier();
                signal::sigpending().intersects(cancelled_by(signal.number()))
            }
            // From somebody else it is one that was sent to the sentinel alone, by its number, some time ago.
            other => other == sender(signal) && !signal.is_to_one_process(),
        }
    }

    /// Has it forget the stops that it has got: tm-run uses one up by stopping, and the SIGCONT that ends that takes the
    /// others away from it (signal(7)).
    pub fn forget_stops(&mut self) {
        // Without an answer it does not matter what it remembers.
        let _ = self.resume_if_stopped().and_then(|_| self.ask(FORGET));
    }

    /// Continues the process if somebody has stopped it, and says whether that was so. `None`: it has ended.
    fn resume_if_stopped(&mut self) -> Option<bool> {
        match process::stopped_or_ended(self.pid) {
            Some(WaitStatus::Stopped(_)) => {
                signal::kill(self.pid, CONTINUE).ok()?;
                // This one was ours.
                self.ask(CONTINUE.0.cast_unsigned())?;
                Some(true)
            }
            Some(_) => None,
            None => Some(false),
        }
    }

    fn ask(&mut self, request: u32) -> Option<bool> {
        // The number of the request keeps a late reply to an earlier one from being taken for the reply to this one.
        self.requests = (self.requests + 1) % (1 << 20);
        self.words.request.store_and_wake((self.requests << 8) | request);
        let deadline = Instant::now() + SENTINEL_TIMEOUT;
        let reply = &self.words.reply;
        let mut seen = reply.load();
        while seen >> 8 != self.requests {
            let remaining = deadline.checked_duration_since(Instant::now())?;
            reply.wait(seen, Some(remaining));
            seen = reply.load();
        }
        Some(seen & 1 == 1)
    }

    /// Ends the process. It is reaped when this value is dropped.
    pub fn kill(&self) {
        // Somebody else may have killed it.
        let _ = signal::kill(self.pid, SignalNumber(SIGKILL));
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        process::reap(self.pid);
    }
}

/// Returns when no signal to a group is being delivered: changing a process group takes the lock that such a delivery holds
/// from its first process to its last (Linux, `tasklist_lock`).
pub fn barrier() {
    // There is no such process, which the kernel finds out under that lock. Our own pid would not do: if our group is outside
    // our PID namespace, its number is 0 here, and setpgid(2) with 0 makes a new group.
    let _ = setpgid(Pid::from_raw(i32::MAX), Pid::from_raw(i32::MAX));
}

struct SentinelProcess {
    /// The pid of tm-run.
    parent: i32,
    words: &'static SharedWords,
}

impl ChildMain for SentinelProcess {
    fn main(&self) -> ! {
        process::set_parent_death_signal(self.parent);
        // killall(1) and pkill(1) go by it: a signal to tm-run by its name is not meant for this process.
        process::set_name(NAME);
        fd::close_all();
        fd::leave_directory();
        let mut answered = 0;
        loop {
            let request = self.words.request.load();
            if request == answered {
                if !self.words.request.wait(answered, None) {
                    process::exit_now(0);
                }
                continue;
            }
            answered = request;
            let sender = answer(request & 0xff);
            let received = sender.is_some();
            self.words.reply_sender.store(sender.unwrap_or(0));
            self.words.reply.store_and_wake((request & !0xff) | u32::from(received));
        }
    }
}

/// Who sent the signal that is asked for, if it has been received.
fn answer(request: u32) -> Option<u32> {
    if request == FORGET {
        for number in STOPS {
            signal::take_if_pending(SignalNumber(number));
        }
        return None;
    }
    let number = SignalNumber(request.cast_signed());
    if let Some(signal) = signal::take_if_pending(number) {
        return Some(sender(&signal));
    }
    // It may have been received, and taken away again.
    signal::sigpending().intersects(cancelled_by(number)).then_some(ANY_SENDER)
}

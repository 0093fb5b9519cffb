//! A process in our group that does nothing but block every signal and tell, when asked, which it has got.
//!
//! A signal tells who sent it, not whether it was sent to us alone or to the whole group (sigaction(2)). If the
//! sentinel has got it too, it was sent to the group, and the command has it already; if not, it was meant for
//! the command, whose place we hold.

use std::time::{Duration, Instant};

use nix::unistd::{Pid, setpgid};
use signal_hook::consts::{SIGCONT, SIGKILL, SIGTSTP, SIGTTIN, SIGTTOU};

use super::Memory;
use crate::sys::{self, Beside, Change, Shared, Side, SignalSet};
use crate::units::SignalNumber;

const REQUEST: usize = 1;
const REPLY: usize = 2;

/// How long an answer is waited for. It takes microseconds; only a sentinel that somebody has stopped or killed
/// never gives one.
const PATIENCE: Duration = Duration::from_millis(200);

const CONTINUE: SignalNumber = SignalNumber(SIGCONT);
const KILL: SignalNumber = SignalNumber(SIGKILL);

/// Asks to forget instead of to tell; the low bits say which of [`STOPS_AND_CONTINUE`].
const FORGET: u32 = 0x80;
const STOPS_AND_CONTINUE: [i32; 4] = [SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT];

pub struct Sentinel {
    pid: i32,
    shared: Shared,
    asked: u32,
}

impl Sentinel {
    /// Starts the process and returns its number. All signals must be blocked already. `None` if that is not possible;
    /// the relay then goes by who sent a signal.
    pub fn start(memory: Memory, shared: Shared, own: i32) -> Option<i32> {
        match memory {
            Memory::Ours => sys::start_beside(Beside::Sentinel, live, own),
            Memory::Apart => match sys::fork()? {
                Side::Parent { child } => Some(child),
                Side::Child => watch(own, shared),
            },
        }
    }

    /// The one that was started.
    pub fn of(pid: i32, shared: Shared) -> Self {
        Self { pid, shared, asked: 0 }
    }

    /// Whether the signal that we have just taken was sent to the whole group. `None`: it cannot be told.
    pub fn has_got(&mut self, signal: SignalNumber) -> Option<bool> {
        barrier();
        if self.wake()? && signal == CONTINUE {
            // It would have continued the sentinel, too.
            return Some(false);
        }
        self.ask(signal.0.cast_unsigned())
    }

    /// Has it forget the stops, and the continuations that cancelled them, that we have not got any more
    /// ourselves: by stopping as the command did we use them up.
    pub fn forget_stops(&mut self, stopped_by: SignalNumber) {
        let own = sys::pending();
        let gone = STOPS_AND_CONTINUE
            .iter()
            .enumerate()
            .filter(|&(_, &number)| number == stopped_by.0 || !own.has(SignalNumber(number)));
        let places = gone.fold(0, |places, (place, _)| places | 1 << place);
        // Without an answer there is no memory to be wrong about.
        let _ = self.wake().and_then(|_| self.ask(FORGET | places));
    }

    /// Continues it if somebody has stopped it, and tells whether that was so. `None`: it has ended.
    fn wake(&mut self) -> Option<bool> {
        match sys::stop_or_end_of(self.pid) {
            Some(Change::Stopped(_)) => {
                sys::send(self.pid, CONTINUE).ok()?;
                // This one was ours.
                self.ask(CONTINUE.0.cast_unsigned())?;
                Some(true)
            }
            Some(_) => None,
            None => Some(false),
        }
    }

    fn ask(&mut self, question: u32) -> Option<bool> {
        // The number of the question keeps a late answer to an earlier one from being taken for this one's.
        self.asked = (self.asked + 1) % (1 << 20);
        self.shared.publish(REQUEST, (self.asked << 8) | question);
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.shared.read(REPLY);
        while seen >> 8 != self.asked {
            let left = deadline.checked_duration_since(Instant::now())?;
            self.shared.wait_while(REPLY, seen, Some(left));
            seen = self.shared.read(REPLY);
        }
        Some(seen & 1 == 1)
    }

    /// Tells it to go. It is waited for when this value is dropped, so it must have been told by then.
    pub fn dismiss(&self) {
        // It may have been killed by somebody else.
        let _ = sys::send(self.pid, KILL);
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        sys::reap(self.pid);
    }
}

/// Returns when no signal to a group is on its way: changing a process group takes the lock that such a
/// delivery holds from its first process to its last (Linux, `tasklist_lock`).
pub fn barrier() {
    // There is no such process, which is found out only under that lock. Ours is not named, for it could be
    // changed: our group has the number 0 in a PID namespace that it comes from outside of, and 0 asks for a new one.
    let _ = setpgid(Pid::from_raw(i32::MAX), Pid::from_raw(i32::MAX));
}

extern "C" fn live(parent: i32) -> ! {
    watch(parent, Shared::ours())
}

fn watch(parent: i32, shared: Shared) -> ! {
    sys::die_with(parent);
    sys::close_everything();
    let mut answered = 0;
    loop {
        let request = shared.read(REQUEST);
        if request == answered {
            shared.wait_while(REQUEST, answered, None);
            continue;
        }
        answered = request;
        let got = answer(request & 0xff);
        shared.publish(REPLY, (request & !0xff) | u32::from(got));
    }
}

fn answer(question: u32) -> bool {
    if question & FORGET != 0 {
        for (place, &number) in STOPS_AND_CONTINUE.iter().enumerate() {
            if question & 1 << place != 0 {
                sys::discard(SignalNumber(number));
            }
        }
        return false;
    }
    let signal = SignalNumber(question.cast_signed());
    if sys::discard(signal) {
        return true;
    }
    // A stop cancels a SIGCONT that is still waiting, and the other way round (signal(7)): what came in between
    // has taken away what we are asked for.
    match signal.0 {
        SIGCONT => sys::pending().meets(SignalSet::of(&[SIGTSTP, SIGTTIN, SIGTTOU])),
        SIGTSTP | SIGTTIN | SIGTTOU => sys::pending().has(CONTINUE),
        _ => false,
    }
}

//! The one loop: what happens to the command happens to us, what is sent to us reaches the command once.

use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, getpgid, getpgrp, getpid, getppid, getsid, tcgetpgrp, tcsetpgrp};
use signal_hook::consts::{
    SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH,
};

use super::family::line_of;
use super::sentinel::{Sentinel, barrier};
use crate::sys::{self, Change, Disposition, Look, Mask, Received, SignalSet, Wait};
use crate::units::{Ending, SignalNumber};

/// Signals that a terminal sends to its whole foreground group, or to the group that used it (termios(3)).
const OF_THE_TERMINAL: [i32; 6] = [SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH];

/// How long nobody looks for signals and stops while the command starts.
pub const STEP: Duration = Duration::from_millis(1);

/// Waits for the end of the command, passing on what reaches us meanwhile. All signals are blocked when this is
/// called and when it returns. `on_start` is called when the command's process has become the command.
pub fn until_the_end(
    child: i32,
    sentinel: Option<Sentinel>,
    on_start: impl FnOnce(),
) -> (Ending, Option<Sentinel>) {
    let on_start = Some(on_start);
    let mut relay = Relay { child, sentinel, on_start, is_stopped: false, terminal_is_with: None };
    let ending = relay.run();
    if let Some(sentinel) = &relay.sentinel {
        sentinel.dismiss();
    }
    (ending, relay.sentinel)
}

struct Relay<Start> {
    child: i32,
    sentinel: Option<Sentinel>,
    /// `None`: it has started.
    on_start: Option<Start>,
    is_stopped: bool,
    /// The command's own group, if we have lent it our place in the foreground.
    terminal_is_with: Option<Pid>,
}

impl<Start: FnOnce()> Relay<Start> {
    fn run(&mut self) -> Ending {
        loop {
            match sys::change_of(self.child, Look::Take) {
                Some(Change::Ended(ending)) => {
                    // An end is a start, too, however quick it was.
                    self.has_started();
                    self.take_terminal_back();
                    return ending;
                }
                Some(Change::Stopped(signal)) => {
                    self.is_stopped = true;
                    self.mirror(signal);
                }
                Some(Change::Continued) => self.is_stopped = false,
                None => {
                    // It may stop before it is the command: we must notice.
                    let wait = if self.has_started() { Wait::ForEver } else { Wait::No };
                    if let Some(signal) = sys::take_signal(wait) {
                        self.treat(&signal);
                    }
                }
            }
        }
    }

    fn has_started(&mut self) -> bool {
        if self.on_start.is_some()
            && sys::has_started(STEP)
            && let Some(on_start) = self.on_start.take()
        {
            on_start();
        }
        self.on_start.is_none()
    }

    /// Stops us as the command has stopped, so that whoever started us sees it. Must not stop us once somebody
    /// has continued the command: nobody would continue us again.
    fn mirror(&mut self, signal: SignalNumber) {
        if self.lend_terminal(signal) {
            return;
        }
        if signal.0 == SIGSTOP {
            // It cannot be blocked, so it cannot be raised first and reconsidered then.
            barrier();
            if sys::change_of(self.child, Look::Leave).is_none() {
                // A process may always signal itself.
                let _ = sys::send(getpid().as_raw(), signal);
            }
            return;
        }
        let only = SignalSet::only(signal);
        let inherited = sys::set_disposition(signal, Disposition::Default);
        // Pending from here on: a SIGCONT that comes now takes it back (signal(7)).
        let _ = sys::send(getpid().as_raw(), signal);
        barrier();
        if let Some(sentinel) = &mut self.sentinel {
            sentinel.forget_stops(signal);
        }
        if sys::change_of(self.child, Look::Leave).is_none() {
            sys::mask(Mask::Unblock, only);
            sys::mask(Mask::Block, only);
        } else {
            // Ignoring discards what is pending.
            sys::set_disposition(signal, Disposition::Ignore);
        }
        sys::set_disposition(signal, inherited);
    }

    fn treat(&mut self, signal: &Received) {
        let number = signal.number();
        let is_from_kernel = signal.is_from_kernel();
        if is_from_kernel && number.0 == SIGCHLD {
            return;
        }
        // Always asked, for what the sentinel has must not be taken for a later signal of the same number.
        let to_group = self.sentinel.as_mut().and_then(|sentinel| sentinel.has_got(number));
        let to_group = match to_group {
            _ if is_from_kernel && OF_THE_TERMINAL.contains(&number.0) => true,
            Some(to_group) => to_group,
            None => self.probably_to_group(signal),
        };
        if to_group {
            self.tell_command_that_left(signal);
        } else if !is_from_kernel && signal.sender() == self.child && getppid().as_raw() != 0 {
            // `kill $PPID`: it means who started it, and that is who started us. (In a PID namespace that may be
            // nobody; what the command sends to the first process there, it would without us send to itself.)
            let _ = sys::pass_on(getppid().as_raw(), signal);
        } else {
            // It may just have ended; its end is then the next thing we see.
            let _ = sys::pass_on(self.child, signal);
        }
    }

    /// The guess where there is no sentinel.
    fn probably_to_group(&self, signal: &Received) -> bool {
        match (signal.number().0, signal.is_from_kernel()) {
            (SIGCONT, _) => !self.is_stopped,
            // A terminal that goes away tells the leader of its session alone.
            (SIGHUP, true) => getsid(None) != Ok(getpid()),
            (_, true) => false,
            // `kill 0` by the command or something it started.
            (_, false) => line_of(signal.sender()).any(|relative| relative.pid == self.child),
        }
    }

    /// The command has got a signal to our group itself, unless it has made a group of its own. Without us it
    /// would lead ours if we do, could not leave it, and would have got the signal.
    fn tell_command_that_left(&self, signal: &Received) {
        let Some(group) = self.group_of_its_own() else { return };
        if getpgrp() != getpid() {
            return;
        }
        // It may just have ended; its end is then the next thing we see.
        let _ = if signal.is_from_kernel() || signal.number().0 == SIGCONT {
            sys::send(-group.as_raw(), signal.number())
        } else {
            sys::pass_on(self.child, signal)
        };
        if signal.number().0 == SIGCONT && self.terminal_is_with.is_some() {
            give_terminal_to(group);
        }
    }

    fn group_of_its_own(&self) -> Option<Pid> {
        getpgid(Some(Pid::from_raw(self.child))).ok().filter(|&group| group != getpgrp())
    }

    /// A command that has made a group of its own and now wants the terminal would have it if it were the
    /// leader that it would be without us. Lends it our place; false if there is none to lend.
    fn lend_terminal(&mut self, signal: SignalNumber) -> bool {
        if signal.0 != SIGTTIN && signal.0 != SIGTTOU || getpgrp() != getpid() {
            return false;
        }
        let Some(group) = self.group_of_its_own() else { return false };
        let is_ours = terminal().is_some_and(|terminal| tcgetpgrp(&terminal) == Ok(getpgrp()));
        if is_ours && give_terminal_to(group) {
            self.terminal_is_with = Some(group);
            // It may just have ended; its end is then the next thing we see.
            let _ = sys::send(-group.as_raw(), SignalNumber(SIGCONT));
            return true;
        }
        false
    }

    fn take_terminal_back(&self) {
        // Only from the command: whoever else has it now was given it by somebody who knew why.
        if let Some(group) = self.terminal_is_with
            && let Some(terminal) = terminal()
            && tcgetpgrp(&terminal) == Ok(group)
        {
            // All signals are blocked, so this is allowed from the background, too (tcsetpgrp(3)).
            let _ = tcsetpgrp(&terminal, getpgrp());
        }
    }
}

fn give_terminal_to(group: Pid) -> bool {
    terminal().is_some_and(|terminal| tcsetpgrp(terminal, group).is_ok())
}

fn terminal() -> Option<OwnedFd> {
    open("/dev/tty", OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC, Mode::empty()).ok()
}

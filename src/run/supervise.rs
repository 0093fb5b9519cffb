//! The one loop: what happens to the command happens to tm-run; what is sent to tm-run reaches the command once.

use std::fs::File;

use nix::unistd::{Pid, getpgid, getpgrp, getpid, getppid, getsid, tcgetpgrp, tcsetpgrp};
use signal_hook::consts::{
    SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH,
};

use super::START_POLL;
use super::ancestry::ancestors;
use super::sentinel::{Sentinel, barrier};
use crate::sys::futex::SharedWords;
use crate::sys::process::{self, Consume, WaitStatus};
use crate::sys::signal::{self, Disposition, SigmaskHow, SignalInfo, SignalSet, Wait};
use crate::units::{ExitReason, SignalNumber};

/// Signals that a terminal sends to its whole foreground group, or to the group that used it (termios(3)).
const TERMINAL_SIGNALS: [i32; 6] = [SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH];

/// Waits until the command has ended, and forwards signals meanwhile. All signals are blocked when this is called and when
/// it returns. `on_exec` is called when the child has executed the command, or has ended.
pub fn until_exit(
    child: i32,
    sentinel: Option<Sentinel>,
    words: &'static SharedWords,
    on_exec: impl FnOnce(),
) -> (ExitReason, Option<Sentinel>) {
    let on_exec = Some(on_exec);
    let mut supervisor = Supervisor {
        child,
        sentinel,
        words,
        on_exec,
        is_stopped: false,
        terminal_lent_to: None,
        had_terminal: None,
    };
    let exit = supervisor.run();
    if let Some(sentinel) = &supervisor.sentinel {
        sentinel.kill();
    }
    (exit, supervisor.sentinel)
}

struct Supervisor<OnExec> {
    child: i32,
    sentinel: Option<Sentinel>,
    words: &'static SharedWords,
    /// `None`: the command is running.
    on_exec: Option<OnExec>,
    is_stopped: bool,
    /// The command's own process group, if we have made it the terminal's foreground group in our place.
    terminal_lent_to: Option<Pid>,
    /// The command's own process group, if it was the terminal's foreground group when the command stopped.
    had_terminal: Option<Pid>,
}

impl<OnExec: FnOnce()> Supervisor<OnExec> {
    fn run(&mut self) -> ExitReason {
        loop {
            match process::next_change(self.child, Consume::Yes) {
                Some(WaitStatus::Ended(exit)) => {
                    // It may have ended before its exec was seen.
                    self.poll_exec();
                    self.take_terminal_back();
                    return exit;
                }
                Some(WaitStatus::Stopped(signal)) => {
                    self.is_stopped = true;
                    self.mirror_stop(signal);
                }
                Some(WaitStatus::Continued) => self.is_stopped = false,
                None => {
                    // The child may stop before its exec, which must be noticed.
                    self.poll_exec();
                    let wait = if self.on_exec.is_none() { Wait::Forever } else { Wait::No };
                    if let Some(signal) = signal::take_pending(wait) {
                        self.handle_signal(&signal);
                    }
                }
            }
        }
    }

    /// Waits a moment for the child's exec, unless it has been seen.
    fn poll_exec(&mut self) {
        let running = self.words.running.load();
        if running != 0 {
            self.words.running.wait(running, Some(START_POLL));
        }
        if self.words.running.load() == 0
            && let Some(on_exec) = self.on_exec.take()
        {
            on_exec();
        }
    }

    /// Stops tm-run by the signal that stopped the command, so that its parent sees it. Must not stop us once somebody has
    /// continued the command: nobody would continue us again.
    fn mirror_stop(&mut self, signal: SignalNumber) {
        if self.hand_over_foreground(signal) {
            return;
        }
        // Our own stop would take away a SIGCONT that is pending (signal(7)).
        if let Some(signal) = signal::take_if_pending(SignalNumber(SIGCONT)) {
            self.handle_signal(&signal);
        }
        // Whoever has the terminal now gets it back when the command is continued in the foreground.
        self.had_terminal = self.child_group().filter(|&group| foreground_group() == Some(group));
        let own = getpid().as_raw();
        if signal.0 == SIGSTOP {
            // SIGSTOP cannot be blocked and taken back: look for a SIGCONT first, then raise it.
            barrier();
            if !self.has_child_changed() {
                // A process may always signal itself.
                let _ = signal::kill(own, signal);
            }
            return;
        }
        let only = SignalSet::only(signal);
        let inherited = signal::set_disposition(signal, Disposition::Default);
        loop {
            // Pending from here on: a SIGCONT that comes now takes it back (signal(7)).
            let _ = signal::kill(own, signal);
            barrier();
            if let Some(sentinel) = &mut self.sentinel {
                sentinel.forget_stops();
            }
            if self.has_child_changed() {
                // Ignoring a signal discards it if it is pending.
                signal::set_disposition(signal, Disposition::Ignore);
                break;
            }
            signal::sigprocmask(SigmaskHow::Unblock, only);
            signal::sigprocmask(SigmaskHow::Block, only);
            barrier();
            let pending = signal::sigpending();
            // The next stop may have come already, and have taken back the SIGCONT by which we go on.
            if pending.contains(SignalNumber(SIGCONT)) || self.has_child_changed() {
                break;
            }
            if !pending.contains(signal) {
                // Nobody has continued us, so we did not stop: the kernel ignores a stop where nobody could continue the
                // group (an orphaned one, setpgid(2)). Nobody would continue the command, either; unwrapped it would lead
                // this group, and would not have stopped.
                self.resume_child();
                break;
            }
        }
        signal::set_disposition(signal, inherited);
    }

    /// Whether the child has changed its state since the change that we handle.
    fn has_child_changed(&self) -> bool {
        process::next_change(self.child, Consume::No).is_some()
    }

    fn handle_signal(&mut self, signal: &SignalInfo) {
        let number = signal.number();
        let is_from_kernel = signal.is_from_kernel();
        if is_from_kernel && number.0 == SIGCHLD {
            if signal.sender_pid() != self.child {
                self.reap_orphans();
            }
            return;
        }
        // Always asked: what the sentinel has got must not be taken for a later signal of the same number.
        let to_group = self.sentinel.as_mut().and_then(|sentinel| sentinel.take_received(signal));
        let to_group = match to_group {
            _ if is_from_kernel && TERMINAL_SIGNALS.contains(&number.0) => true,
            Some(to_group) => to_group,
            None => self.was_probably_sent_to_group(signal),
        };
        if to_group {
            self.forward_to_child_group(signal);
        } else if !is_from_kernel && signal.sender_pid() == self.child && getppid().as_raw() > 0 {
            // `kill $PPID` by the command is meant for whoever started it, and that is our parent. (In a PID namespace that
            // may be nobody, and a sandbox may not tell. Without us the command would then be its first process, and send to itself.)
            let _ = signal::forward(getppid().as_raw(), signal);
        } else {
            // The command may just have ended; its end is then the next thing we see.
            let _ = signal::forward(self.child, signal);
        }
    }

    /// Reaps processes that we have adopted as process 1 or as a subreaper (prctl(2), `PR_SET_CHILD_SUBREAPER`): the command
    /// would have adopted them. Others that we have inherited may be reaped, too, for nobody else can.
    fn reap_orphans(&self) {
        let is_ours =
            |pid| pid == self.child || self.sentinel.as_ref().is_some_and(|sentinel| pid == sentinel.pid());
        while let Some(pid) = process::ended_child().filter(|&pid| !is_ours(pid)) {
            process::reap(pid);
        }
    }

    /// The guess where there is no sentinel.
    fn was_probably_sent_to_group(&self, signal: &SignalInfo) -> bool {
        match (signal.number().0, signal.is_from_kernel()) {
            (SIGCONT, _) => !self.is_stopped,
            // A terminal that goes away tells the leader of its session alone.
            (SIGHUP, true) => getsid(None) != Ok(getpid()),
            (_, true) => false,
            // `kill 0` by the command or something it started.
            (_, false) => ancestors(signal.sender_pid()).any(|process| process.pid == self.child),
        }
    }

    /// Forwards a signal that was sent to our group to the one that the command has made, if it has. Without tm-run the
    /// command would be our group's leader, could not have made another, and all in its group would have got the signal. In
    /// our group it has got it already.
    fn forward_to_child_group(&mut self, signal: &SignalInfo) {
        let Some(group) = self.child_group() else { return };
        if getpgrp() != getpid() {
            return;
        }
        if signal.number().0 == SIGCONT
            && self.had_terminal == Some(group)
            && foreground_group() == Some(getpgrp())
        {
            // Before it is continued, or it would be stopped at once for using the terminal.
            self.terminal_lent_to = set_foreground_group(group).then_some(group);
        }
        // The command may just have ended; its end is then the next thing we see.
        let _ = signal::kill(-group.as_raw(), signal.number());
    }

    /// Continues the command. It may just have ended; its end is then the next thing we see.
    fn resume_child(&self) {
        let pid = self.child_group().map_or(self.child, |group| -group.as_raw());
        let _ = signal::kill(pid, SignalNumber(SIGCONT));
    }

    /// The command's process group, if it has made one of its own. One that it has joined is not: others are in it.
    fn child_group(&self) -> Option<Pid> {
        let child = Pid::from_raw(self.child);
        getpgid(Some(child)).ok().filter(|&group| group == child)
    }

    /// Makes the command's group the terminal's foreground group in our place, if the command has made a group of its own
    /// and was stopped for using the terminal: unwrapped, it would lead our group and could use it. Says whether that was
    /// done (tcsetpgrp(3)).
    fn hand_over_foreground(&mut self, signal: SignalNumber) -> bool {
        if signal.0 != SIGTTIN && signal.0 != SIGTTOU || getpgrp() != getpid() {
            return false;
        }
        let Some(group) = self.child_group() else { return false };
        if foreground_group() != Some(getpgrp()) || !set_foreground_group(group) {
            return false;
        }
        self.terminal_lent_to = Some(group);
        self.had_terminal = Some(group);
        self.resume_child();
        true
    }

    /// Makes our group the foreground group again, if it still is the command's that we lent it to: whoever else has the
    /// terminal now was given it by somebody who knew why.
    fn take_terminal_back(&self) {
        if let Some(group) = self.terminal_lent_to
            && foreground_group() == Some(group)
        {
            // All signals are blocked, so this is allowed from the background, too (tcsetpgrp(3)).
            set_foreground_group(getpgrp());
        }
    }
}

/// The process group in the foreground of our terminal, if we have one.
fn foreground_group() -> Option<Pid> {
    tcgetpgrp(terminal()?).ok()
}

fn set_foreground_group(group: Pid) -> bool {
    terminal().is_some_and(|terminal| tcsetpgrp(terminal, group).is_ok())
}

fn terminal() -> Option<File> {
    File::open("/dev/tty").ok()
}

//! The command's side: what it inherits, and what becomes of it if it cannot be run.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;

use super::{GO, REFUSED};
use crate::sys::{self, Command, Disposition, Shared};
use crate::units::SignalNumber;

/// Exit statuses of a command that could not be run (POSIX shell, env(1)).
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

const CHILD_ENDED: SignalNumber = SignalNumber(signal_hook::consts::SIGCHLD);

/// Whether our parent had SIGCHLD ignored. A process that shares our memory sees it, one with a
/// copy of it has it, too.
static IS_IGNORED: AtomicBool = AtomicBool::new(false);

/// Changes what we must, to be able to wait: an ignored SIGCHLD has the kernel reap children behind our back (wait(2)).
pub fn prepare_to_wait() {
    let was = sys::set_disposition(CHILD_ENDED, Disposition::Default);
    IS_IGNORED.store(was == Disposition::Ignore, Ordering::Relaxed);
}

/// Sets what our parent had set, for the command.
pub fn restore_inherited() {
    if IS_IGNORED.load(Ordering::Relaxed) {
        sys::set_disposition(CHILD_ENDED, Disposition::Ignore);
    }
}

/// What the process does that is to become the command: it waits until it is let go, for a signal that comes before we
/// watch must act on us as it would on the command, and must not find the command already at work.
pub fn wait_to_be_let_go(parent: i32, shared: Shared) {
    // Without us nobody would tell the command to end: without us it must not live (timeout(1) does the same).
    sys::die_with(parent);
    while shared.read(GO) == 0 {
        shared.wait_while(GO, 0, None);
    }
    restore_inherited();
}

/// The whole life of that process if it shares our memory.
pub extern "C" fn live(parent: i32) -> ! {
    let shared = Shared::ours();
    wait_to_be_let_go(parent, shared);
    let error = Command::left().map_or(Errno::ENOENT, |command| command.become_it());
    shared.publish(REFUSED, (error as i32).cast_unsigned());
    sys::exit_now(NOT_EXECUTABLE.into())
}

/// The status that says of a command that it could not be run.
pub fn status_of(error: Errno) -> u8 {
    if error == Errno::ENOENT { NOT_FOUND } else { NOT_EXECUTABLE }
}

/// Says on standard error why a command cannot be run. `hint`: what may have been meant, if it is not found.
pub fn complain(name: &[u8], error: Errno, hint: Option<&str>) {
    let mut line = b"tm-run: ".to_vec();
    line.extend_from_slice(name);
    line.extend_from_slice(b": ");
    line.extend_from_slice(error.desc().as_bytes());
    if let (Errno::ENOENT, Some(hint)) = (error, hint) {
        line.extend_from_slice(hint.as_bytes());
    }
    line.push(b'\n');
    // Standard error may be closed: then nobody is there to be told.
    let _ = nix::unistd::write(io::stderr(), &line);
}

//! The command's side: what it inherits, and what becomes of it if it cannot be run.

use std::io;

use super::Plan;
use crate::sys::{self, Disposition};
use crate::units::SignalNumber;
use nix::errno::Errno;

/// Exit statuses of a command that could not be run (POSIX shell, env(1)).
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

const CHILD_ENDED: SignalNumber = SignalNumber(signal_hook::consts::SIGCHLD);

/// What our parent had set and we must change to be able to wait: an ignored SIGCHLD has the kernel reap
/// children behind our back (wait(2)).
#[derive(Clone, Copy)]
pub struct Inherited {
    child_ended: Disposition,
}

impl Inherited {
    pub fn prepare() -> Self {
        Self { child_ended: sys::set_disposition(CHILD_ENDED, Disposition::Default) }
    }

    pub fn restore(self) {
        if self.child_ended == Disposition::Ignore {
            sys::set_disposition(CHILD_ENDED, Disposition::Ignore);
        }
    }
}

/// Becomes the command, or says why not and returns the status to end with.
pub fn become_it(plan: &Plan) -> u8 {
    let error = plan.image.become_it();
    complain(plan, error);
    if error == Errno::ENOENT { NOT_FOUND } else { NOT_EXECUTABLE }
}

fn complain(plan: &Plan, error: Errno) {
    let mut line = b"tm-run: ".to_vec();
    line.extend_from_slice(plan.image.name());
    line.extend_from_slice(b": ");
    line.extend_from_slice(error.desc().as_bytes());
    if let (Errno::ENOENT, Some(hint)) = (error, &plan.hint) {
        line.extend_from_slice(hint.as_bytes());
    }
    line.push(b'\n');
    // Standard error may be closed: then nobody is there to be told.
    let _ = nix::unistd::write(io::stderr(), &line);
}

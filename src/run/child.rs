//! The child: the process that becomes the command.

use std::io::IoSlice;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use signal_hook::consts::{SIGCHLD, SIGPIPE};

use crate::sys::exec::ExecArgs;
use crate::sys::fd;
use crate::sys::futex::SharedWords;
use crate::sys::process::{self, ChildMain};
use crate::sys::signal::{self, Disposition};
use crate::units::SignalNumber;

/// Exit statuses of a command that could not be executed (POSIX shell, env(1)).
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// What tm-run tells the child. [`GIVE_UP`]: that it cannot supervise a command.
pub const WAIT: u32 = 0;
pub const GO: u32 = 1;
pub const GIVE_UP: u32 = 2;

/// Whether our parent had SIGCHLD ignored. A child has this variable, or a copy of it.
static IS_SIGCHLD_IGNORED: AtomicBool = AtomicBool::new(false);

/// Sets SIGCHLD to its default: while it is ignored, the kernel reaps children, and a wait gets no status (wait(2)).
pub fn reset_sigchld() {
    let inherited = signal::set_disposition(SignalNumber(SIGCHLD), Disposition::Default);
    IS_SIGCHLD_IGNORED.store(inherited == Disposition::Ignore, Ordering::Relaxed);
}

/// Sets SIGCHLD to what our parent had set, for the command.
pub fn restore_sigchld() {
    if IS_SIGCHLD_IGNORED.load(Ordering::Relaxed) {
        signal::set_disposition(SignalNumber(SIGCHLD), Disposition::Ignore);
    }
}

/// A command, and what to say if it cannot be executed.
pub struct Command {
    args: ExecArgs,
    /// Follows the message that the command was not found: what may have been meant.
    hint: String,
}

impl Command {
    pub fn new(args: ExecArgs, hint: String) -> Self {
        Self { args, hint }
    }

    /// How many of our own last arguments are the command's.
    pub fn argc(&self) -> usize {
        self.args.argc()
    }

    /// Executes the command in place of this process. Returns only if it cannot be executed, with the reason, which it
    /// has written to standard error.
    pub fn exec(&self) -> Errno {
        let error = self.args.exec();
        // A reader that has gone must not end us: the exit status still has to say what happened.
        signal::set_disposition(SignalNumber(SIGPIPE), Disposition::Ignore);
        let hint = if error == Errno::ENOENT { self.hint.as_bytes() } else { b"" };
        let name = self.args.name().to_bytes();
        let parts: [&[u8]; 6] = [b"tm-run: ", name, b": ", error.desc().as_bytes(), hint, b"\n"];
        fd::write_to_stderr(&parts.map(IoSlice::new));
        error
    }
}

/// The exit status that says why a command could not be executed.
pub fn exec_error_status(error: Errno) -> u8 {
    if error == Errno::ENOENT { NOT_FOUND } else { NOT_EXECUTABLE }
}

/// The child until it has become the command.
pub struct Child {
    /// Set before [`GO`].
    pub command: &'static OnceLock<Command>,
    /// The pid of tm-run.
    pub parent: i32,
    pub words: &'static SharedWords,
}

impl ChildMain for Child {
    /// Waits for tm-run to be ready, then executes the command. Without waiting, a signal that comes before tm-run watches
    /// would end tm-run and leave the command at work.
    fn main(&self) -> ! {
        // Nobody would pass signals to the command without us, so it must not outlive us (timeout(1) does the same).
        process::set_parent_death_signal(self.parent);
        while self.words.go.load() == WAIT {
            self.words.go.wait(WAIT, None);
        }
        let (GO, Some(command)) = (self.words.go.load(), self.command.get()) else { process::exit_now(0) };
        restore_sigchld();
        let error = command.exec();
        self.words.set_exec_error(error);
        process::exit_now(exec_error_status(error).into())
    }
}

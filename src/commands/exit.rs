//! The exit status: a code, or the death that the command died.

use crate::sys::process;
use crate::units::{ExitReason, SignalNumber};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(u8),
    Signal(SignalNumber),
}

impl Exit {
    pub const DONE: Self = Self::Code(0);
    pub const FAILED: Self = Self::Code(1);
    pub const USAGE: Self = Self::Code(2);
    /// `report --exit-code`: something is worse.
    pub const WORSE: Self = Self::Code(3);

    /// Ends the process, by the signal if it is one.
    pub fn exit(self) -> ! {
        process::exit_now(match self {
            Self::Code(code) => code.into(),
            Self::Signal(signal) => {
                process::exit_with_signal(signal);
                ExitReason::Signaled(signal).shell_code()
            }
        })
    }
}

impl From<ExitReason> for Exit {
    fn from(reason: ExitReason) -> Self {
        match reason {
            ExitReason::Exited(code) => Self::Code(code),
            ExitReason::Signaled(signal) => Self::Signal(signal),
        }
    }
}

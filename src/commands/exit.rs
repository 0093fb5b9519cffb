//! The exit status: a code, or the death that the command died.

use crate::sys;
use crate::units::{Ending, SignalNumber};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(u8),
    Signal(SignalNumber),
}

impl Exit {
    pub const DONE: Self = Self::Code(0);
    pub const FAILED: Self = Self::Code(1);
    pub const USAGE: Self = Self::Code(2);
    /// tm-run itself cannot go on before the command is started (env(1), timeout(1)).
    pub const CANNOT_START: Self = Self::Code(125);

    /// Ends the process so, or returns the code to end with.
    pub fn happen(self) -> i32 {
        match self {
            Self::Code(code) => code.into(),
            Self::Signal(signal) => {
                sys::die_of(signal);
                Ending::Killed(signal).shell_code()
            }
        }
    }
}

impl From<Ending> for Exit {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Exited(code) => Self::Code(code),
            Ending::Killed(signal) => Self::Signal(signal),
        }
    }
}

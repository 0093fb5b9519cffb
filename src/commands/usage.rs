//! Flags that each are right and together are not.

use std::fmt;

/// A usage error that only the command can see: one line, exit status 2.
#[derive(Debug)]
pub struct UsageError {
    pub message: String,
    pub subcommand: &'static str,
}

impl UsageError {
    pub fn new(subcommand: &'static str, message: impl Into<String>) -> Self {
        Self { message: message.into(), subcommand }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; see 'tm-run {} --help'", self.message, self.subcommand)
    }
}

impl std::error::Error for UsageError {}

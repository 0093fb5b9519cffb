//! Flags that each are right and together are not.

use std::fmt;

/// A usage error that only the command can see: one line, exit status 2.
#[derive(Debug)]
pub struct UsageError(pub String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; see 'tm-run report --help'", self.0)
    }
}

impl std::error::Error for UsageError {}

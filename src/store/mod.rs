//! The directory a log is in, and who agreed to it.

pub mod read;

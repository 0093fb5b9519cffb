//! The event: one run of a command, from the bytes of a log line to a row of a table.

pub mod duration;
pub mod outcome;
pub mod parse;
mod record;
pub mod table;
pub mod timestamp;

pub use record::{Event, escape_controls};

//! From events to text. Opens no file, reads no clock.

pub mod outcome;
pub mod render;
pub mod summary;

//! From events to text. Opens no file, reads no clock.

pub mod summary;

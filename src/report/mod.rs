//! From events to text. Opens no file, reads no clock.

pub mod calendar;
pub mod findings;
pub mod render;
pub mod statistics;
pub mod summary;

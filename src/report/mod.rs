//! From events to text. Opens no file, reads no clock.

pub mod calendar;
mod count;
pub mod findings;
mod group;
pub mod render;
pub mod statistics;
pub mod summary;

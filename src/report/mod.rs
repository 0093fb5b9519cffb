//! From events to text. Opens no file, reads no clock.

pub mod calendar;
pub mod findings;
#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "waits for its action"))]
pub mod render;
pub mod statistics;
pub mod summary;

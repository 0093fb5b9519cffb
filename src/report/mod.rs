//! From events to text. Opens no file, reads no clock.
//!
//! ```text
//!            summary                  the driver: events in, numbers out
//!               │
//!            compare ────┐             before and after a moment
//!               │        │
//!           grouping ─ findings        each target's numbers; what is worth a look
//!               │        │
//!   durations, tally,    │             figures of durations; counting in time order; days and hours;
//!   calendar, parallel   │             threads
//!               └── statistics         quantiles, tests, also for render
//!
//!             model                    what all of them and render share: types only
//! ```

pub mod baseline;
pub mod calendar;
mod compare;
mod durations;
pub mod estimate;
mod findings;
pub mod grouping;
pub mod model;
mod parallel;
pub mod render;
mod statistics;
pub mod summary;
mod tally;

//! One file for each thing that can be asked for.

pub mod report;
pub mod when;

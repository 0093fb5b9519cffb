//! `log`: records a run that something else has timed.

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::consent::{self, Recording};
use crate::cli::LogLine;
use crate::event::Event;

/// # Errors
/// The event could not be written. While recording is off nothing is done, and that is no error.
pub fn run(line: &LogLine, now: DateTime<Utc>) -> anyhow::Result<()> {
    let Recording::On(store) = consent::recording() else { return Ok(()) };
    let event = Event {
        timestamp: now,
        target: line.target.clone(),
        domain: line.domain.clone(),
        duration_seconds: Some(line.duration_seconds),
        exit_code: line.exit_code,
    };
    store
        .append(&event)
        .with_context(|| format!("could not record the event in {}", store.directory().display()))?;
    Ok(())
}

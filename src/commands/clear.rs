//! `clear`: deletes what was recorded.

use std::io::Write;

use anyhow::Context as _;
use chrono::{DateTime, Local, Utc};

use super::{consent, when};
use crate::cli::When;
use crate::store::Cleared;

/// # Errors
/// Something of ours could not be deleted.
pub fn everything(out: &mut dyn Write) -> anyhow::Result<()> {
    let store = consent::require_store()?;
    let cleared = store
        .clear()
        .with_context(|| format!("could not delete what is recorded in {}", store.directory().display()))?;
    match cleared {
        Cleared::Nothing => writeln!(out, "No telemetry data to delete.")?,
        Cleared::Deleted => writeln!(out, "Telemetry data and state deleted.")?,
        Cleared::HardLinked { links: names } => {
            anyhow::bail!(
                "the log is gone from its place, but {names} other hard link(s) to it still hold the data; delete them, too"
            )
        }
    }
    Ok(())
}

/// Deletes what is older than a moment on the local clock, and keeps recording.
///
/// # Errors
/// The log could not be written anew; it is as it was.
pub fn before(moment: When, now: DateTime<Utc>, out: &mut dyn Write) -> anyhow::Result<()> {
    let store = consent::require_store()?;
    let done = store
        .clear_before(when::since(moment, now, &Local))
        .with_context(|| format!("could not delete old events in {}", store.directory().display()))?;
    if done.deleted == 0 {
        writeln!(out, "No events before that. Kept {}.", events(done.kept))?;
    } else {
        writeln!(out, "Deleted {}, kept {}.", events(done.deleted), events(done.kept))?;
    }
    anyhow::ensure!(
        done.hard_links == 0,
        "{} other hard link(s) to the old log still hold the deleted events; delete them, too",
        done.hard_links
    );
    Ok(())
}

fn events(number: u64) -> String {
    format!("{number} {}", if number == 1 { "event" } else { "events" })
}

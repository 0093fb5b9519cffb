//! `on`, `off`, `status`, and the one place that decides whether recording holds.

use std::io::Write;

use anyhow::{Context as _, anyhow};

use super::env;
use crate::store::Store;

/// Whether a run that starts now is recorded.
pub enum Recording {
    On(Store),
    /// Enabled, but not here and now: why.
    Blocked(Store, String),
    /// Not enabled.
    Off(Store),
    /// There is no place for a store.
    NoHome,
}

pub const NO_HOME: &str = "there is no home directory: HOME is not an absolute path";

/// The one answer that the wrapper, `on`, `off` and `status` give.
pub fn recording() -> Recording {
    let Some(store) = env::store() else { return Recording::NoHome };
    if !store.is_on() {
        return Recording::Off(store);
    }
    match env::do_not_track() {
        Some(value) => {
            let reason = format!("{}={} is set", env::DO_NOT_TRACK, value.to_string_lossy().escape_debug());
            Recording::Blocked(store, reason)
        }
        None => Recording::On(store),
    }
}

/// # Errors
/// The directory or the marker cannot be made.
pub fn turn_on(out: &mut dyn Write) -> anyhow::Result<()> {
    let store = require_store()?;
    let directory = store.directory().display().to_string();
    store.turn_on().with_context(|| format!("could not turn recording on in {directory}"))?;
    writeln!(out, "Telemetry enabled. Data stored in: {directory}")?;
    let mut is_recording = true;
    if let Recording::Blocked(_, reason) = recording() {
        is_recording = false;
        writeln!(
            out,
            "Not recording here: {reason}; to record all the same: env -u {} tm-run ...",
            env::DO_NOT_TRACK
        )?;
    }
    if let Err(problem) = store.check_append() {
        is_recording = false;
        writeln!(out, "Not recording here: the file cannot be written: {problem}")?;
    }
    if is_recording {
        writeln!(out, "Next: tm-run COMMAND records a run, tm-run report shows where the time went.")?;
    }
    Ok(())
}

/// # Errors
/// The marker cannot be removed.
pub fn turn_off(out: &mut dyn Write) -> anyhow::Result<()> {
    let store = require_store()?;
    store
        .turn_off()
        .with_context(|| format!("could not turn recording off in {}", store.directory().display()))?;
    writeln!(out, "Telemetry disabled. Existing data preserved.")?;
    writeln!(out, "To delete it: tm-run clear")?;
    Ok(())
}

/// The user's store, for those who cannot do without.
pub fn require_store() -> anyhow::Result<Store> {
    env::store().ok_or_else(|| anyhow!(NO_HOME))
}

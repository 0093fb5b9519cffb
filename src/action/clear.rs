//! `clear`: deletes what was recorded.

use std::io::Write;

use anyhow::Context as _;

use super::consent;
use crate::store::Cleared;

/// # Errors
/// Something of ours could not be deleted.
pub fn everything(out: &mut dyn Write) -> anyhow::Result<()> {
    let store = consent::needed()?;
    let cleared = store
        .clear()
        .with_context(|| format!("could not delete what is recorded in {}", store.directory().display()))?;
    match cleared {
        Cleared::Nothing => writeln!(out, "No telemetry data to delete.")?,
        Cleared::Something => writeln!(out, "Telemetry data and state deleted.")?,
        Cleared::ButLinked { names } => {
            anyhow::bail!(
                "the log is gone from its place, but {names} other hard link(s) to it still hold the data; delete them, too"
            )
        }
    }
    Ok(())
}

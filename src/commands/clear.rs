//! `clear`: deletes what was recorded.

use std::fs;
use std::io::{self, Write};

use anyhow::Context as _;
use chrono::{DateTime, Local, Utc};

use super::usage::UsageError;
use super::{consent, env, when};
use crate::cli::When;
use crate::report::render::format;
use crate::store::read::{self, Source};
use crate::store::{Cleared, DeletedLog, Store};
use crate::units::Bytes;

/// # Errors
/// Something of ours could not be deleted.
pub fn everything(out: &mut dyn Write) -> anyhow::Result<()> {
    let store = consent::require_store()?;
    let cleared = store
        .clear()
        .with_context(|| format!("could not delete what is recorded in {}", store.directory().display()))?;
    match cleared {
        Cleared::Nothing => writeln!(out, "No telemetry data to delete.")?,
        Cleared::Deleted(log) => {
            writeln!(out, "Telemetry data and state deleted.")?;
            if let Some(log) = log {
                writeln!(out, "Deleted: {}", contents(&store, log))?;
            }
        }
        Cleared::HardLinked { links: names } => {
            anyhow::bail!(
                "the log is gone from its place, but {names} other hard link(s) to it still hold the data; delete them, too"
            )
        }
    }
    let left = left_behind(&store);
    if !left.is_empty() {
        writeln!(
            out,
            "Left in {}, for tm-run has not made it: {}",
            store.directory().display(),
            left.join(", ")
        )?;
    }
    Ok(())
}

/// What a log held. It is gone already, so what cannot be read is only left out.
fn contents(store: &Store, log: DeletedLog) -> String {
    let size = Bytes(log.bytes).to_string();
    let Some(Ok((reading, _))) = log.file.map(|file| read::count(Source::File(store.log_path(), file)))
    else {
        return size;
    };
    let mut held = events(reading.events);
    if reading.unreadable > 0 {
        held += ", ";
        held += &format::plural(reading.unreadable, "unreadable line", "unreadable lines");
    }
    format!("{held}, {size}")
}

/// What still stands there under the log's name or one made of it: a directory, a rotated log.
fn left_behind(store: &Store) -> Vec<String> {
    let log = store.log_path();
    let Some(log) = log.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    let names = fs::read_dir(store.directory()).into_iter().flatten();
    let mut names: Vec<String> = names
        .filter_map(|entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(log))
        .map(|name| format::escape_for_display(&name, false))
        .collect();
    names.sort_unstable();
    names
}

/// Deletes what is older than a moment on the local clock, and keeps recording.
///
/// # Errors
/// The moment is in the future, or the log could not be written anew; it is as it was.
pub fn before(moment: When, now: DateTime<Utc>, out: &mut dyn Write) -> anyhow::Result<()> {
    let store = consent::require_store()?;
    let since = when::since(moment, now, &Local);
    let at = since.with_timezone(&Local).naive_local();
    let understood = format!("{} {} ({})", format::date(at.date()), at.format("%H:%M"), env::zone_name(now));
    if since > now {
        return Err(UsageError::new("clear", format!("--before is in the future: {understood}")).into());
    }
    let done = store.clear_before(since).map_err(|error| {
        let way_out = match error.kind() {
            io::ErrorKind::StorageFull => {
                " (it needs room for a copy; 'tm-run clear' deletes all and needs none)"
            }
            _ => "",
        };
        let directory = store.directory().display();
        anyhow::Error::new(error).context(format!("could not delete old events in {directory}{way_out}"))
    })?;
    if done.deleted == 0 {
        writeln!(out, "No events before {understood}. Kept {}.", events(done.kept))?;
    } else {
        let (deleted, size) = (events(done.deleted), Bytes(done.deleted_bytes).short());
        writeln!(out, "Deleted {deleted} ({size}) before {understood}, kept {}.", events(done.kept))?;
    }
    anyhow::ensure!(
        done.hard_links == 0,
        "{} other hard link(s) to the old log still hold the deleted events; delete them, too",
        done.hard_links
    );
    anyhow::ensure!(
        !done.may_lack_a_line,
        "a run that was being recorded at the same time does not go on: it may be missing from the log"
    );
    Ok(())
}

fn events(number: u64) -> String {
    format::plural(number, "event", "events")
}

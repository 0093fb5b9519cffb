//! `report`: reads logs and shows what is in them.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use anyhow::Context as _;
use chrono::{DateTime, Local, NaiveDateTime, TimeZone, Utc};
use nix::sys::stat;

use super::consent::{self, Recording};
use super::env::{self, Screen};
use super::exit::Exit;
use super::output::Output;
use super::usage::UsageError;
use super::{progress, when};
use crate::cli::{self, Format};
use crate::event::table::{Filter, ReadStats, Strays, Table};
use crate::report::baseline::Baseline;
use crate::report::calendar;
use crate::report::model::{ComparedGroup, Contents, Finding, GroupBy};
use crate::report::render::{self, format};
use crate::report::summary;
use crate::store::OpenMode;
use crate::store::is_missing;
use crate::store::read::{self, Source};

/// So many unreadable lines are named on standard error.
const NAMED: usize = 10;

/// # Errors
/// A log that cannot be read, a file that cannot be written, or flags that contradict each other.
pub fn run(asked: &cli::Report, now: DateTime<Utc>, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let utc = |moment: DateTime<Utc>| moment.naive_utc();
    let local = |moment: DateTime<Utc>| moment.with_timezone(&Local).naive_local();
    let offset = calendar::utc_offset_of(&Local);
    let zone = if asked.utc {
        Zone {
            name: "UTC".into(),
            filter: filter(asked, now, &Utc),
            compare_since: asked.compare.map(|since| when::since(since, now, &Utc)),
            local: &utc,
            offset: &|_| 0,
        }
    } else {
        Zone {
            name: env::zone_name(now),
            filter: filter(asked, now, &Local),
            compare_since: asked.compare.map(|since| when::since(since, now, &Local)),
            local: &local,
            offset: &offset,
        }
    };
    refuse_contradictions(asked, &zone, now)?;
    let (table, recording) = read_logs(asked)?;
    warn_of_unreadable(&table.read_stats, &asked.logs);
    let screen = Screen::of(asked);
    match &asked.output {
        None => write(asked, now, &zone, &screen, table, recording.as_ref(), out).map(|written| written.exit),
        Some(path) => {
            let doing = || format!("could not write {}", path.display());
            let mut file = Output::create(path).with_context(doing)?;
            let written = write(asked, now, &zone, &screen, table, recording.as_ref(), &mut file)
                .with_context(doing)?;
            if let Some(size) = file.finish().with_context(doing)? {
                let name = format::escape_for_display(&path.to_string_lossy(), false);
                let events = format::plural(written.events as u64, "event", "events");
                writeln!(out, "Wrote {name}: {events}, {}", size.short())?;
            }
            Ok(written.exit)
        }
    }
}

/// The reader's clock.
struct Zone<'a> {
    name: String,
    filter: Filter,
    /// What `--compare` asked for.
    compare_since: Option<DateTime<Utc>>,
    local: &'a (dyn Fn(DateTime<Utc>) -> NaiveDateTime + Sync),
    offset: &'a (dyn Fn(i64) -> i64 + Sync),
}

/// Days are those of the reader's zone.
fn filter<Z: TimeZone>(asked: &cli::Report, now: DateTime<Utc>, zone: &Z) -> Filter {
    Filter {
        since: asked.since.map(|since| when::since(since, now, zone)),
        until: asked.until.map(|until| when::until(until, now, zone)),
        last: asked.last,
        targets: asked.targets.clone(),
        domains: asked.domains.clone(),
        excludes: asked.excludes.clone(),
        failed: asked.failed,
    }
}

fn refuse_contradictions(asked: &cli::Report, zone: &Zone<'_>, now: DateTime<Utc>) -> Result<(), UsageError> {
    let Filter { since, until, .. } = zone.filter;
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        return Err(UsageError::new("report", "--since is not before --until"));
    }
    if let Some(moment) = zone.compare_since {
        if moment > now {
            return Err(UsageError::new("report", "--compare is in the future"));
        }
        if since.is_some_and(|since| since >= moment) || until.is_some_and(|until| until <= moment) {
            return Err(UsageError::new("report", "--compare is not between --since and --until"));
        }
    }
    if let Some(name) = asked.targets.iter().find(|name| asked.excludes.contains(name)) {
        return Err(UsageError::new(
            "report",
            format!("--target and --exclude both name '{}'", name.escape_debug()),
        ));
    }
    if (asked.exit_code || asked.compare.is_some()) && asked.format == Format::Jsonl {
        return Err(UsageError::new("report", "--compare and --exit-code need a report, and jsonl is none"));
    }
    if asked.logs.iter().filter(|log| is_standard_input(log)).count() > 1 {
        return Err(UsageError::new("report", "standard input can be read once only"));
    }
    refuse_repeated_logs(&asked.logs)
}

/// Events of a file that is read twice would count twice; and of a pipe that is read twice, nobody knows who gets them.
fn refuse_repeated_logs(logs: &[PathBuf]) -> Result<(), UsageError> {
    let mut names = HashMap::new();
    for log in logs {
        let found = if is_standard_input(log) { stat::fstat(io::stdin()) } else { stat::stat(log) };
        // What is not there is told when it is opened. Devices can be read as often as one likes: /dev/null.
        let Some(found) = found.ok().filter(|found| found.st_rdev == 0) else { continue };
        if let Some(first) = names.insert((found.st_dev, found.st_ino), log) {
            let [one, other] = [first, log].map(|log| log.to_string_lossy().escape_debug().to_string());
            return Err(UsageError::new(
                "report",
                format!("--log names one file twice: '{one}' and '{other}'"),
            ));
        }
    }
    Ok(())
}

fn is_standard_input(log: &Path) -> bool {
    log.as_os_str() == "-"
}

/// The events, and for the user's own log whether runs are recorded.
fn read_logs(asked: &cli::Report) -> anyhow::Result<(Table, Option<Recording>)> {
    let (sources, recording) = if asked.logs.is_empty() {
        own_log()?
    } else {
        let source = |log: &PathBuf| {
            if is_standard_input(log) {
                Source::Stream(Box::new(io::stdin()))
            } else {
                Source::Path(log.clone())
            }
        };
        (asked.logs.iter().map(source).collect(), None)
    };
    let bytes = sources.iter().map(read::size).sum();
    let read_bytes = AtomicU64::new(0);
    let table = progress::with_progress(bytes, &read_bytes, || read::read(sources, &read_bytes))?;
    Ok((table, recording))
}

fn own_log() -> anyhow::Result<(Vec<Source>, Option<Recording>)> {
    let recording = consent::recording();
    let (Recording::On(store) | Recording::Blocked(store, _) | Recording::Off(store)) = &recording else {
        return Ok((Vec::new(), Some(recording)));
    };
    let path = store.log_path();
    match store.open_log(OpenMode::Read) {
        // Not opened once more: something else could stand there by then.
        Ok(file) => Ok((vec![Source::File(path, file)], Some(recording))),
        Err(error) if is_missing(&error) => Ok((Vec::new(), Some(recording))),
        Err(error) => {
            Err(error).with_context(|| format!("could not read the log in {}", store.directory().display()))
        }
    }
}

fn warn_of_unreadable(reading: &ReadStats, logs: &[PathBuf]) {
    let mut warnings = Vec::new();
    if reading.unreadable > 0 {
        let name = |&(log, line): &(usize, u64)| match logs.get(log) {
            Some(path) if logs.len() > 1 => format!("{}:{line}", path.display()),
            _ => line.to_string(),
        };
        let mut names: Vec<String> = reading.unreadable_lines.iter().take(NAMED).map(name).collect();
        if reading.unreadable > names.len() as u64 {
            names.push("...".into());
        }
        let lines = if reading.unreadable == 1 { "line" } else { "lines" };
        warnings.push(format!("{} {lines} could not be read: {}", reading.unreadable, names.join(", ")));
    }
    if reading.unterminated {
        warnings.push("the last line has no line end: it is being written, or was cut short".to_owned());
    }
    for warning in warnings {
        warn(&warning);
    }
}

fn warn(warning: &str) {
    // There is nobody else to tell.
    let _ = io::stderr().write_all(format!("tm-run: warning: {warning}\n").as_bytes());
}

/// What [`write()`] tells.
struct Written {
    /// How many were chosen.
    events: usize,
    exit: Exit,
}

fn write(
    asked: &cli::Report,
    now: DateTime<Utc>,
    zone: &Zone<'_>,
    screen: &Screen,
    mut table: Table,
    recording: Option<&Recording>,
    out: &mut dyn Write,
) -> anyhow::Result<Written> {
    // A clean log for other tools keeps the times it has.
    let strays = if asked.format == Format::Jsonl { Strays::default() } else { table.untime_strays(now) };
    let span = table.period();
    let is_unknown = |name: &&String| !table.targets.iter().any(|target| **target == ***name);
    let unknown_excludes: Vec<String> = asked.excludes.iter().filter(is_unknown).cloned().collect();
    let baseline = Baseline::before_since(&table, &zone.filter);
    table.retain(&zone.filter);
    let events = table.len();
    // The names are told only where nothing else is: there may be many.
    let mut contents = if table.is_empty() { Contents::of(&table) } else { Contents::default() };
    contents.span = span;
    let mut filters = zone.filter.clone();
    if asked.anonymize {
        table.anonymize();
        // What was asked for by name, and what there is by name, is told without names.
        (contents.targets, contents.domains) = (Vec::new(), Vec::new());
        for names in [&mut filters.targets, &mut filters.domains, &mut filters.excludes] {
            names.fill("hidden".to_owned());
        }
    }
    if asked.format == Format::Jsonl {
        for (moment, event) in table.events() {
            render::jsonl(moment, &event, out)?;
        }
        return Ok(Written { events, exit: Exit::DONE });
    }
    let summary = summary::of(
        &mut table,
        &summary::SummaryOptions {
            by: asked.by,
            sort: asked.sort.unwrap_or_default(),
            durations: asked.durations,
            failed_only: asked.failed,
            days: asked.format == Format::Html,
            compare_since: zone.compare_since,
            baseline: &baseline,
            strays,
            offset: zone.offset,
        },
    );
    let options = render::Options {
        width: screen.width,
        ascii: screen.is_ascii,
        color: screen.has_color,
        local: zone.local,
        zone_name: &zone.name,
        now,
        limit: asked.limit,
        by: asked.by,
        sorted: asked.sort.is_some(),
        durations: asked.durations,
        filters: &filters,
        unknown_excludes: &unknown_excludes,
        contents: &contents,
        generator: concat!("tm-run ", env!("CARGO_PKG_VERSION")),
        recording: match recording {
            Some(Recording::On(_)) => render::RecordingState::On,
            Some(Recording::Off(_)) => render::RecordingState::Off,
            Some(Recording::Blocked(_, reason)) => render::RecordingState::Blocked(reason),
            Some(Recording::NoHome) => render::RecordingState::Impossible(consent::NO_HOME),
            None => render::RecordingState::NotAsked,
        },
    };
    if asked.format == Format::Csv {
        // A table has no room for them.
        for note in render::format::data_notes(&summary, &options) {
            warn(&note);
        }
    }
    match asked.format {
        Format::Text
            if asked.targets.len() == 1 && asked.compare.is_none() && asked.by == GroupBy::Target =>
        {
            render::target(&summary, &options, out)
        }
        Format::Text => render::text(&summary, &options, out),
        Format::Json => render::json(&summary, &options, out),
        Format::Csv => render::csv(&summary, &options, out),
        Format::Markdown => render::markdown(&summary, &options, out),
        Format::Html => render::html(&summary, &options, out),
        Format::Jsonl => Ok(()),
    }?;
    let is_worse = match &summary.comparison {
        Some(comparison) => comparison.rows.iter().any(ComparedGroup::is_worse),
        None => summary.findings.iter().any(Finding::is_worse),
    };
    let exit = if asked.exit_code && is_worse { Exit::WORSE } else { Exit::DONE };
    Ok(Written { events, exit })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;

    use super::*;

    /// What `tm-run report --log tests/examples/two-months.jsonl` showed on the last day of that log.
    #[test]
    fn report_in_the_readme_is_that_of_the_example_log() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let log = root.join("tests/examples/two-months.jsonl").into_os_string();
        let words = ["report".into(), "--utc".into(), "--log".into(), log];
        let Ok(cli::Request::Report(asked)) = cli::parse(words.map(OsString::from)) else {
            panic!("a report")
        };
        let now = DateTime::parse_from_rfc3339("2026-11-23T18:00:00Z").unwrap().to_utc();
        let zone = Zone {
            name: "UTC".into(),
            filter: filter(&asked, now, &Utc),
            compare_since: None,
            local: &|moment| moment.naive_utc(),
            offset: &|_| 0,
        };
        let screen = Screen { width: 80, is_ascii: false, has_color: false };
        let (table, _) = read_logs(&asked).unwrap();
        let mut shown = Vec::new();
        write(&asked, now, &zone, &screen, table, None, &mut shown).unwrap();
        let shown = String::from_utf8(shown).unwrap();

        let golden = root.join("tests/golden/example-80.txt");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&golden, &shown).unwrap();
        }
        assert_eq!(shown, fs::read_to_string(&golden).unwrap_or_default(), "{}", golden.display());
        let readme = fs::read_to_string(root.join("README.md")).unwrap();
        let (_, block) = readme.split_once("\n```text\n").unwrap();
        let (block, _) = block.split_once("```\n").unwrap();
        assert_eq!(block, shown, "the report in README.md");
    }
}

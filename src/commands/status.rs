//! `status`: is this being recorded, and if not, why; what is stored; what is running.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::atomic::AtomicU64;

use anyhow::Context as _;
use chrono::{DateTime, Local, Utc};
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::consent::{self, NO_HOME, Recording};
use super::running::{self, Run};
use super::{env, wrap};
use crate::cli::StatusFormat;
use crate::event::table::{ReadStats, Strays};
use crate::event::timestamp;
use crate::report::render::format;
use crate::report::render::json::{Json, array, object};
use crate::run::ancestry;
use crate::store::OpenMode;
use crate::store::read::{self, Source};
use crate::store::{Marker, Store, is_missing};
use crate::sys::process::ChildKind;
use crate::units::Bytes;

/// The fields of an event, for those who ask what is recorded.
const FIELDS: [&str; 5] = ["timestamp", "target", "domain", "duration_seconds", "exit_code"];

/// A last line longer than this is shown only in part, bytes.
const LONGEST_SHOWN: u64 = 8192;

/// The permission bits of everybody but the owner (chmod(2)).
const OF_OTHERS: u32 = 0o077;

/// All that `status` tells, before it is text.
struct Status {
    directory: Option<String>,
    is_enabled: bool,
    /// Why nothing is recorded although it is enabled, or cannot be.
    reason: Option<String>,
    remedy: Option<String>,
    stored: Option<Stored>,
    /// Why what is stored cannot be told.
    unread: Option<anyhow::Error>,
    way: Way,
    running: Vec<Run>,
}

/// How a run that starts now is tried first, and why not in the usual way: see `run`. Whether a sandbox or a limit refuses it
/// shows only when a process is started.
struct Way {
    name: &'static str,
    reason: Option<String>,
}

impl Way {
    fn of(recording: &Recording) -> Self {
        let in_place = |reason: &str| Self { name: "exec", reason: Some(reason.to_owned()) };
        match recording {
            Recording::Off(_) => in_place("recording is off"),
            Recording::Blocked(_, reason) => in_place(reason),
            Recording::NoHome => in_place(NO_HOME),
            Recording::On(_) if ancestry::child_in_other_pid_namespace() => in_place(NO_PROC),
            Recording::On(_) => match wrap::child_kind() {
                ChildKind::CloneVm => Self { name: "clone", reason: None },
                ChildKind::Fork => Self { name: "fork", reason: Some("LD_PRELOAD is set".to_owned()) },
            },
        }
    }
}

const NO_PROC: &str = "there is no /proc, or commands start in another PID namespace";

/// What the log holds.
struct Stored {
    reading: ReadStats,
    /// Of the events whose time can be right.
    period: Option<(DateTime<Utc>, DateTime<Utc>)>,
    strays: Strays,
    size: u64,
    mode: u32,
    last_line: Option<String>,
}

/// # Errors
/// The log is there and cannot be read, or the text cannot be written.
pub fn show(format: StatusFormat, now: DateTime<Utc>, out: &mut dyn Write) -> anyhow::Result<()> {
    let status = Status::at(now);
    match format {
        StatusFormat::Text => status.write_text(out)?,
        StatusFormat::Json => writeln!(out, "{}", status.json().text())?,
    }
    status.unread.map_or(Ok(()), Err)
}

impl Status {
    fn at(now: DateTime<Utc>) -> Self {
        let recording = consent::recording();
        let (store, is_enabled) = match &recording {
            Recording::On(store) | Recording::Blocked(store, _) => (store, true),
            Recording::Off(store) => (store, false),
            Recording::NoHome => {
                return Self {
                    directory: None,
                    is_enabled: false,
                    reason: Some(NO_HOME.into()),
                    remedy: None,
                    stored: None,
                    unread: None,
                    way: Way::of(&recording),
                    running: Vec::new(),
                };
            }
        };
        // One descriptor tells whether the log can be written, and what is in it.
        let (problem, log) = match store.open_log(OpenMode::Append) {
            Ok(file) if can_be_read(&file) => (Store::check_room(&file).err(), Ok(file)),
            _ => (store.check_append().err(), store.open_log(OpenMode::Read)),
        };
        let (reason, remedy) = match (&recording, problem) {
            (Recording::Blocked(_, reason), _) => (Some(reason.clone()), None),
            (Recording::On(_), Some(problem)) => {
                (Some(format!("the file cannot be written: {problem}")), remedy(store, &problem))
            }
            (Recording::Off(_), _) => match store.marker() {
                Marker::Invalid(what) => (Some(format!("'enabled' in the data directory is {what}")), None),
                Marker::NoDirectory => {
                    (Some("there is no room for a data directory: a file is in its place".into()), None)
                }
                Marker::Present | Marker::Missing => (None, None),
            },
            // The wrapper's own question: what it cannot watch it does not start.
            (Recording::On(_), None) if ancestry::child_in_other_pid_namespace() => {
                (Some(NO_PROC.into()), None)
            }
            _ => (None, None),
        };
        let directory = store.directory().display().to_string();
        let mut running = running::runs(store);
        let stored = Stored::of(store, log, &mut running, now)
            .with_context(|| format!("could not read the log in {directory}"));
        let (stored, unread) = match stored {
            Ok(stored) => (stored, None),
            Err(error) => (None, Some(error)),
        };
        Self {
            directory: Some(directory),
            is_enabled,
            reason,
            remedy,
            stored,
            unread,
            way: Way::of(&recording),
            running,
        }
    }

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        match (self.is_enabled, &self.reason) {
            (true, None) => writeln!(out, "Telemetry: enabled")?,
            (true, Some(reason)) => writeln!(out, "Telemetry: enabled, but not recording here: {reason}")?,
            (false, None) => writeln!(out, "Telemetry: disabled")?,
            (false, Some(reason)) => writeln!(out, "Telemetry: disabled: {reason}")?,
        }
        if let Some(remedy) = &self.remedy {
            writeln!(out, "Fix: {remedy}")?;
        }
        let Some(directory) = &self.directory else { return Ok(()) };
        writeln!(out, "Data directory: {directory}")?;
        match &self.stored {
            Some(stored) => stored.write_text(out)?,
            None if self.unread.is_some() => writeln!(out, "Events: unknown, the file cannot be read")?,
            None => writeln!(out, "Events: 0\nNo data file yet.")?,
        }
        writeln!(out, "Recorded per run: {}. Nothing else.", FIELDS.join(", "))?;
        if let Some(line) = self.stored.as_ref().and_then(|stored| stored.last_line.as_ref()) {
            writeln!(out, "Last line: {line}")?;
        }
        writeln!(
            out,
            "Network: none. This program has no network code; check with: strace -f -e trace=network tm-run status"
        )?;
        for run in &self.running {
            writeln!(out, "Running: {}", run.sentence())?;
        }
        if !self.is_enabled {
            writeln!(out, "Turn recording on with: tm-run on")?;
        }
        Ok(())
    }

    fn json(&self) -> Json {
        let stored = self.stored.as_ref();
        let count = |of: fn(&ReadStats) -> u64| match stored {
            None if self.unread.is_some() => None,
            stored => Some(stored.map_or(0, |stored| of(&stored.reading))),
        };
        let strays = |of: fn(&Strays) -> u64| match stored {
            None if self.unread.is_some() => None,
            stored => Some(stored.map_or(0, |stored| of(&stored.strays))),
        };
        let period = stored.and_then(|stored| stored.period);
        object([
            ("format_version", 1.into()),
            ("enabled", self.is_enabled.into()),
            ("recording", (self.is_enabled && self.reason.is_none()).into()),
            ("reason", self.reason.clone().into()),
            ("data_directory", self.directory.clone().into()),
            ("events", count(|reading| reading.events).into()),
            ("unreadable", count(|reading| reading.unreadable).into()),
            ("future_events", strays(|strays| strays.future).into()),
            ("early_events", strays(|strays| strays.early).into()),
            ("first_event", period.map(|(from, _)| format::rfc3339(from)).into()),
            ("last_event", period.map(|(_, to)| format::rfc3339(to)).into()),
            ("file_size_bytes", stored.map(|stored| stored.size).into()),
            ("file_mode", stored.map(|stored| format!("{:04o}", stored.mode)).into()),
            ("fields", array(FIELDS)),
            ("way", self.way.name.into()),
            ("way_reason", self.way.reason.clone().into()),
            ("last_line", stored.and_then(|stored| stored.last_line.clone()).into()),
            ("running", array(self.running.iter().map(Run::json))),
        ])
    }
}

impl Stored {
    /// What is running is compared with what is stored.
    fn of(
        store: &Store,
        log: io::Result<File>,
        running: &mut [Run],
        now: DateTime<Utc>,
    ) -> anyhow::Result<Option<Self>> {
        let file = match log {
            Err(error) if is_missing(&error) => return Ok(None),
            other => other?,
        };
        let found = file.metadata()?;
        let last_line = last_line(&file, found.size())?;
        let (size, mode) = (found.size(), found.mode() & 0o7777);
        let mut source = Source::File(store.log_path(), file);
        if running.is_empty() {
            let (reading, ends) = read::count(source)?;
            let moments = |(first, last)| timestamp::to_datetime(first).zip(timestamp::to_datetime(last));
            let period = ends.and_then(moments);
            if !period.is_some_and(|(first, last)| Strays::may_be_within(first, last, now)) {
                return Ok(Some(Self { reading, period, strays: Strays::default(), size, mode, last_line }));
            }
            // To count the wrong dates takes all of them, in order.
            source = Source::File(store.log_path(), store.open_log(OpenMode::Read)?);
        }
        let mut table = read::read(vec![source], &AtomicU64::new(0))?;
        let strays = table.untime_strays(now);
        for run in running {
            run.estimate(&table);
        }
        let reading = std::mem::take(&mut table.read_stats);
        Ok(Some(Self { reading, period: table.period(), strays, size, mode, last_line }))
    }

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "Events: {}", self.reading.events)?;
        if let Some((from, to)) = self.period {
            let day = |at: DateTime<Utc>| at.with_timezone(&Local).date_naive();
            write!(out, " ({})", format::date_range(day(from), day(to), env::dash()))?;
        }
        let lines = if self.reading.unreadable == 1 { "line" } else { "lines" };
        writeln!(out, ", {} unreadable {lines}", self.reading.unreadable)?;
        // Whether some have no time at all is for the report: to know it takes more than counting.
        let wrong = Strays { untimed: 0, ..self.strays };
        for note in format::stray_notes(&wrong, &|at| at.with_timezone(&Local).naive_local()) {
            writeln!(out, "{note}")?;
        }
        let is_private = self.mode & OF_OTHERS == 0;
        let who = if is_private { "readable by you only" } else { "readable by others, too" };
        writeln!(out, "File size: {}, {who} ({:04o})", Bytes(self.size), self.mode)
    }
}

/// A log may be there for writing only.
fn can_be_read(file: &File) -> bool {
    fcntl(file, FcntlArg::F_GETFL)
        .is_ok_and(|flags| OFlag::from_bits_truncate(flags) & OFlag::O_ACCMODE == OFlag::O_RDWR)
}

/// How to make a log writable that is somebody else's.
fn remedy(store: &Store, problem: &io::Error) -> Option<String> {
    if problem.kind() != io::ErrorKind::PermissionDenied {
        return None;
    }
    let owner = |path: &Path| std::fs::metadata(path).map(|found| found.uid()).ok();
    let own = nix::unistd::geteuid().as_raw();
    let is_foreign = [store.directory().to_owned(), store.log_path()]
        .iter()
        .any(|path| owner(path).is_some_and(|owner| owner != own));
    is_foreign.then(|| "sudo chown -R \"$USER\" ~/.anklume/telemetry".to_owned())
}

/// The last line of the file that is not blank, as it stands there; what would act on a terminal is escaped.
fn last_line(file: &File, size: u64) -> io::Result<Option<String>> {
    let start = size.saturating_sub(LONGEST_SHOWN);
    let mut end = vec![0; usize::try_from(size - start).unwrap_or(0)];
    // It may have been cut short meanwhile.
    let read = file.read_at(&mut end, start)?;
    let line = end[..read].trim_ascii_end().rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    let shown = format::escape_for_display(&String::from_utf8_lossy(line), false);
    Ok((!shown.is_empty()).then_some(shown))
}

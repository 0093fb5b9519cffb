//! From a summary to text, one file for each format. The time, the zone and the width of the terminal come in
//! through [`Options`]: nothing here asks the system for them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::event::table::Filter;
use crate::report::grouping::{Detail, Groups};
use crate::report::model::{Contents, Group, GroupBy, Population};
use crate::report::summary::Summary;

mod chart;
mod compare;
mod csv;
pub mod format;
mod html;
pub mod json;
mod jsonl;
mod labels;
mod markdown;
mod scale;
mod target;
mod term;
mod text;

#[cfg(test)]
mod tests;

pub use csv::csv;
pub use html::html;
pub use json::json;
pub use jsonl::jsonl;
pub use markdown::markdown;
pub use target::target;
pub use text::text;

/// What a rendering needs to know beside the numbers.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Columns; taken as at least 40 and at most 200.
    pub width: usize,
    pub ascii: bool,
    pub color: bool,
    /// Local time of a moment in the zone of the report.
    pub local: &'a (dyn Fn(DateTime<Utc>) -> NaiveDateTime + Sync),
    /// For the header: `Europe/Paris`.
    pub zone_name: &'a str,
    pub now: DateTime<Utc>,
    /// `--limit`. Without it the terminal shows as many rows as fit one screen, other formats all.
    pub limit: Option<usize>,
    pub by: GroupBy,
    /// `--sort` was given, so the duration chart keeps to that order, too.
    pub sorted: bool,
    pub durations: Population,
    pub filters: &'a Filter,
    /// Names given to `--exclude` that no event has.
    pub unknown_excludes: &'a [String],
    /// What the logs hold before the filters.
    pub contents: &'a Contents,
    /// Program and version: `tm-run 1.0.0`.
    pub generator: &'a str,
    pub recording: RecordingState<'a>,
}

/// Whether runs are recorded, for a report that has nothing to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordingState<'a> {
    On,
    Off,
    /// On, but not here, and why: `DO_NOT_TRACK=1 is set`.
    Blocked(&'a str),
    /// Neither on nor off: why it cannot be on.
    Impossible(&'a str),
    /// Not the user's own log.
    NotAsked,
}

impl Options<'_> {
    fn terminal_width(&self) -> usize {
        self.width.clamp(40, 200)
    }

    /// How many of the rows are shown, for the formats that show all without `--limit`.
    fn row_limit(&self, all: usize) -> usize {
        self.limit.unwrap_or(all).min(all)
    }

    /// Of failed runs alone there is no success rate.
    fn has_success_rate(&self) -> bool {
        !self.filters.failed
    }

    fn title(&self, title: &str) -> String {
        match self.by {
            GroupBy::Target => title.to_owned(),
            GroupBy::Domain => format!("{title} by domain"),
        }
    }

    fn duration_title(&self) -> String {
        match self.durations {
            Population::Ok => self.title("Average Duration"),
            which => self.title(&format!("Average Duration of {}", format::population_name(which))),
        }
    }

    fn glyphs(&self) -> term::Glyphs {
        term::Glyphs { ascii: self.ascii }
    }
}

/// Computes the groups at these places.
fn materialize(groups: &Groups<'_>, mut places: Vec<usize>, detail: Detail) -> BTreeMap<usize, Group> {
    places.sort_unstable();
    places.dedup();
    let groups = groups.materialize(&places, detail, |group| group);
    places.into_iter().zip(groups).collect()
}

/// What to say instead of a report without runs: why it is empty, and what to do. `None` if there are runs.
fn empty_state(summary: &Summary, options: &Options) -> Option<Vec<String>> {
    if summary.totals.counts.runs > 0 {
        return None;
    }
    let mut lines = Vec::new();
    if summary.read_stats.events > 0 {
        let mut filters = format::filter_descriptions(options, options.ascii);
        let excluded = format::excluded(options, options.ascii);
        if !excluded.is_empty() {
            filters.push(format!("without {excluded}"));
        }
        lines.push(match filters.join(", ") {
            filters if filters.is_empty() => "No telemetry data matches.".to_owned(),
            filters => format!("No telemetry data matches: {filters}."),
        });
        lines.push(format::log_description(summary.read_stats.events, options));
        return Some(lines);
    }
    lines.push("No telemetry data to report.".to_owned());
    match options.recording {
        RecordingState::Off => lines.push("Recording is off. Turn it on with: tm-run on".to_owned()),
        RecordingState::On => {
            lines.push("Recording is on. Run something through tm-run, for example: tm-run make".to_owned());
        }
        RecordingState::Blocked(why) => lines.push(format!("Recording is on, but not here: {why}.")),
        RecordingState::Impossible(why) => lines.push(format!("Nothing can be recorded: {why}.")),
        RecordingState::NotAsked => {}
    }
    Some(lines)
}

fn write_wrapped(out: &mut dyn Write, lines: &[String], columns: usize) -> io::Result<()> {
    for line in lines {
        for part in term::wrap(line, columns) {
            term::Line::of(part).write(out, false)?;
        }
    }
    Ok(())
}

/// Writes the sections that have lines, with a blank line between them.
fn write_sections(
    sections: impl IntoIterator<Item = Vec<term::Line>>,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let sections = sections.into_iter().filter(|section| !section.is_empty());
    for (at, section) in sections.enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        for line in section {
            line.write(out, color)?;
        }
    }
    Ok(())
}

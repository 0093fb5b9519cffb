//! Comma-separated values (RFC 4180): a header, then one row for each target. Control characters in names are
//! escaped as in every view, because the file may be shown on a terminal.

use std::io::{self, Write};

use super::term::escape_for_display;
use super::{Options, compare, format};
use crate::report::grouping::Detail;
use crate::report::model::{DurationStats, Group, GroupBy};
use crate::report::summary::Summary;

/// Writes the table; lines end in CR LF.
pub fn csv(summary: &Summary, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    if let Some(comparison) = &summary.comparison {
        return compare::csv(comparison, options, out);
    }
    write!(out, "{}\r\n", header(options.by).join(","))?;
    let row = |group: Group| {
        let name =
            group.name.as_deref().map_or_else(String::new, |name| field(&escape_for_display(name, false)));
        format!("{name},{}\r\n", cells(&group, options).join(","))
    };
    for row in summary.groups.materialize_range(
        0..options.row_limit(summary.groups.len()),
        Detail::Row { trend: 0 },
        row,
    ) {
        out.write_all(row.as_bytes())?;
    }
    Ok(())
}

const COLUMNS: [&str; 14] = [
    "target",
    "runs",
    "ok",
    "failed",
    "interrupted",
    "success_rate",
    "mean_seconds",
    "median_seconds",
    "p95_seconds",
    "min_seconds",
    "max_seconds",
    "total_seconds",
    "first_run",
    "last_run",
];

fn header(by: GroupBy) -> [&'static str; 14] {
    let mut header = COLUMNS;
    if by == GroupBy::Domain {
        header[0] = "domain";
    }
    header
}

/// The cells of a row behind its name, in full precision; a missing figure is empty.
fn cells(group: &Group, options: &Options) -> [String; 13] {
    let counts = &group.counts;
    // Durations of failed runs in their stead would look like those of successful ones.
    let none = DurationStats::default();
    let durations = if group.is_fallback { &none } else { group.durations() };
    let number = |value: Option<f64>| value.map_or_else(String::new, decimal);
    let time = |at: Option<_>| at.map_or_else(String::new, format::rfc3339);
    [
        counts.runs.to_string(),
        counts.ok.to_string(),
        counts.failed.to_string(),
        counts.interrupted.to_string(),
        number(counts.success_rate().filter(|_| options.has_success_rate())),
        number(durations.mean),
        number(durations.median),
        number(durations.p95),
        number(durations.min),
        number(durations.max),
        decimal(group.seconds),
        time(group.first_run),
        time(group.last_run),
    ]
}

/// The shortest decimal that reads back as the same number, as in JSON; empty for NaN and infinity.
pub fn decimal(value: f64) -> String {
    match serde_json::Value::from(value) {
        serde_json::Value::Null => String::new(),
        number => number.to_string(),
    }
}

/// A name as a quoted field. An apostrophe keeps a spreadsheet from running a name that begins like a formula.
pub fn field(name: &str) -> String {
    let guard = if name.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if name.contains(['"', ',', '\n', '\r']) || name.starts_with(' ') || name.ends_with(' ') {
        format!("\"{guard}{}\"", name.replace('"', "\"\""))
    } else {
        format!("{guard}{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_name_with_comma_or_quote_is_quoted_and_formula_is_defused() {
        assert_eq!(field("apply"), "apply");
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field("a\"b\nc"), "\"a\"\"b\nc\"");
        assert_eq!(field("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
        assert_eq!(field("@a,b"), "\"'@a,b\"");
        assert_eq!(field("-x"), "'-x");
        assert_eq!(field(" a"), "\" a\"");
    }
}

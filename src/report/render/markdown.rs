//! The report for an issue or a wiki: totals, a table for people, and the findings.

use std::io::{self, Write};

use super::term::escape_for_display;
use super::{Options, compare, empty_state, format};
use crate::report::grouping::Detail;
use crate::report::model::Group;
use crate::report::summary::Summary;

/// Writes the report, or the reason why there is none.
pub fn markdown(summary: &Summary, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    if let Some(lines) = empty_state(summary, options) {
        return writeln!(out, "{}", lines.iter().map(|line| escape(line)).collect::<Vec<_>>().join("\n"));
    }
    header(summary, options, out)?;
    if let Some(comparison) = &summary.comparison {
        return compare::markdown(comparison, options, out);
    }
    let noun = format::row_noun(options.by, 1);
    writeln!(out, "| {noun} | runs | ok % | failed | average | median | p95 | total | last run |")?;
    writeln!(out, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |")?;
    let rows = options.row_limit(summary.groups.len());
    let cells = |group: Group| (row(&group, options), group.is_fallback);
    let mut starred = false;
    for (row, star) in summary.groups.materialize_range(0..rows, Detail::Row { trend: 0 }, cells) {
        out.write_all(row.as_bytes())?;
        starred |= star;
    }
    if starred {
        writeln!(out, "\n\\* never succeeded: the durations are those of its failed runs")?;
    }
    if rows < summary.groups.len() {
        writeln!(out, "\nand {} more", summary.groups.len() - rows)?;
    }
    findings(summary, options, out)
}

fn header(summary: &Summary, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let period = format::period(summary, options, "–");
    writeln!(out, "**Usage report**, {}\n", escape(&period))?;
    if let Some(filters) = format::filter_sentence(options, false) {
        writeln!(out, "{}\n", escape(&filters))?;
    }
    let totals = &summary.totals;
    let counts = &totals.counts;
    let targets = format::plural(summary.unique_targets, "target", "targets");
    let events = format::plural(counts.runs, "event", "events");
    let rate = format::success_rate(counts, options).map_or_else(String::new, |rate| format!(" ({rate})"));
    let time: Vec<String> = format::time_tracked(totals);
    writeln!(
        out,
        "{events} of {targets}: {} ok{rate}, {} failed, {} interrupted. Total time tracked: {}.\n",
        counts.ok,
        counts.failed,
        counts.interrupted,
        escape_duration(&time.join(", "))
    )?;
    for note in format::data_notes(summary, options) {
        writeln!(out, "{note}.\n")?;
    }
    Ok(())
}

fn row(group: &Group, options: &Options) -> String {
    let name = escape(&format::display_name(group.name.as_deref(), false));
    let star = if group.is_fallback { " \\*" } else { "" };
    let durations = group.durations();
    let last_run = group
        .last_run
        .map_or_else(|| "-".to_owned(), |at| (options.local)(at).format("%Y-%m-%d %H:%M").to_string());
    let cells = [
        group.counts.runs.to_string(),
        format::success_rate_or_dash(&group.counts, options),
        group.counts.failed.to_string(),
        format::seconds_or_dash(durations.mean),
        format::seconds_or_dash(durations.median),
        format::seconds_or_dash(durations.p95),
        format::total_time(group),
        last_run,
    ];
    format!("| {name}{star} | {} |\n", cells.map(|cell| escape_duration(&cell)).join(" | "))
}

fn findings(summary: &Summary, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let (shown, rest) = format::split_findings(&summary.findings);
    if shown.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nWorth a look:\n")?;
    for finding in shown {
        let name = escape(&escape_for_display(&finding.target, false));
        let sentence = escape_duration(&format::finding_sentence(finding, "", options));
        writeln!(out, "- **{name}**{sentence}")?;
    }
    match rest.len() {
        0 => Ok(()),
        more => writeln!(out, "- and {more} more: `--format json`"),
    }
}

/// For text of our own, in which only `<0.01s` looks like markup.
pub fn escape_duration(text: &str) -> String {
    text.replace('<', "&lt;")
}

/// Escapes what Markdown, and what GitHub and GitLab make of it, would act on.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '@' | ':' | '$' => {
                escaped.extend(['\\', c]);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_escape_leaves_no_markup_or_mention() {
        assert_eq!(escape("a|b"), "a\\|b");
        assert_eq!(escape("<b>*x*</b> & [y](z) `c`"), "&lt;b&gt;\\*x\\*&lt;/b&gt; &amp; \\[y\\](z) \\`c\\`");
        assert_eq!(escape("@someone #12"), "\\@someone \\#12");
        assert_eq!(escape("apply-infra"), "apply-infra");
    }
}

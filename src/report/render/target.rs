//! The terminal view of one target: how long it usually takes, how it ends, and how that has changed.

use std::io::{self, Write};

use chrono::Datelike as _;
use unicode_width::UnicodeWidthStr as _;

use super::format;
use super::labels::distinct_labels;
use super::scale::{TimeColumns, float, maximum, scale_to, tick_step};
use super::term::{Glyphs, Line, Style, ellipsize_middle, escape_for_display, flow, hang, wrap};
use super::text::finding_lines;
use super::{Options, empty_state, write_sections, write_wrapped};
use crate::event::outcome::Outcome;
use crate::event::table::Filter;
use crate::report::grouping::Detail;
use crate::report::model::{
    Change, ChangeWindow, Counts, Direction, Finding, FindingKind, Group, Population, RunRecord,
};
use crate::report::summary::Summary;
use crate::units::Seconds;

/// Runs in a list without `--limit`.
const LISTED: usize = 5;

/// Writes the view of the summary's only group.
pub fn target(summary: &Summary, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let width = options.terminal_width();
    let first: Vec<usize> = (0..summary.groups.len()).take(1).collect();
    let group = match (
        empty_state(summary, options),
        summary
            .groups
            .materialize(&first, Detail::Target { runs: options.limit.unwrap_or(LISTED) }, |group| group)
            .pop(),
    ) {
        (None, Some(group)) => group,
        (lines, _) => return write_wrapped(out, &lines.unwrap_or_default(), width),
    };
    let view = TargetView { summary, group: &group, options, glyphs: options.glyphs(), width };
    let sections = [
        view.header(),
        view.current_state(),
        view.outcome(),
        view.histogram(),
        view.over_time(),
        view.domains(),
        view.last_failures(),
        view.slowest_runs(),
        view.last_runs(),
    ];
    write_sections(sections, options.color, out)
}

struct TargetView<'a> {
    summary: &'a Summary<'a>,
    group: &'a Group,
    options: &'a Options<'a>,
    glyphs: Glyphs,
    width: usize,
}

impl TargetView<'_> {
    /// The unescaped name, which decides what exit codes mean.
    fn target(&self) -> &str {
        self.group.name.as_deref().unwrap_or_default()
    }

    fn header(&self) -> Vec<Line> {
        let dot = self.glyphs.dot();
        let name = format::display_name(self.group.name.as_deref(), self.options.ascii);
        let mut pieces = vec![
            (String::new(), ellipsize_middle(&name, self.width, self.options.ascii)),
            (format!(" {dot} "), format::plural(self.group.counts.runs, "run", "runs")),
        ];
        if let Some(period) = &self.summary.period {
            let date = |at| (self.options.local)(at).date();
            let days = format::date_range(date(period.from), date(period.to), self.glyphs.dash());
            pieces.push((format!(" {dot} "), days));
            pieces.push((" ".to_owned(), format!("({})", self.options.zone_name)));
        }
        let pieces: Vec<(&str, String)> =
            pieces.iter().map(|(between, piece)| (&**between, piece.clone())).collect();
        let mut lines: Vec<Line> = flow(&pieces, self.width, 2).into_iter().map(Line::bold).collect();
        // The title names the target.
        let filters = Filter { targets: Vec::new(), ..self.options.filters.clone() };
        let options = Options { filters: &filters, ..*self.options };
        if let Some(filters) = format::filter_sentence(&options, options.ascii) {
            lines.extend(self.wrapped(&filters));
        }
        for note in format::data_notes(self.summary, self.options) {
            lines.extend(self.wrapped(&note));
        }
        lines
    }

    fn wrapped(&self, text: &str) -> Vec<Line> {
        wrap(text, self.width).into_iter().map(Line::of).collect()
    }

    /// What to expect of the next run, how the last one went, and the findings.
    fn current_state(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some(usual) = &self.group.usual {
            lines.extend(self.wrapped(&format::usual_duration(usual, self.glyphs.dash())));
        }
        if let Some(run) = self.group.last_runs.last() {
            let ago = run
                .ended_at
                .map_or_else(String::new, |at| format!(" {}", format::relative_time(at, self.options.now)));
            lines.extend(self.wrapped(&format!(
                "Last run{ago}: {}, {}",
                format::seconds_or_dash(run.seconds),
                format::outcome_text(self.target(), run)
            )));
        }
        for finding in &self.summary.findings {
            if Some(&finding.target) == self.group.name.as_ref() {
                lines.extend(self.finding(finding));
            }
        }
        lines
    }

    fn finding(&self, finding: &Finding) -> Vec<Line> {
        let sentence = match &finding.kind {
            FindingKind::Changed(change) => change_detail(change),
            _ => {
                format::finding_sentence(finding, "", self.options).trim_start_matches([':', ' ']).to_owned()
            }
        };
        let mut letters = sentence.chars();
        let sentence: String =
            letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        finding_lines(finding, &sentence, 0, self.width, self.glyphs)
    }

    fn outcome(&self) -> Vec<Line> {
        const LABEL: usize = 11;
        let counts = &self.group.counts;
        let label = |text: &str| Line::bold(text.to_owned()).to(LABEL);
        let bar =
            self.glyphs.outcome_bar(format::outcome_counts(counts), counts.runs, self.width - LABEL - 2);
        let mut lines = vec![label("Outcome").then(bar)];
        let ok = match format::success_rate(counts, self.options) {
            Some(success) => format!("{} ok ({success})", counts.ok),
            None => format!("{} ok", counts.ok),
        };
        let mut pieces = vec![("", ok)];
        for (code, runs) in
            format::exit_codes_by_frequency(self.group).into_iter().filter(|(code, _)| *code != 0)
        {
            let name = format::exit_code_text(self.target(), code);
            pieces.push(("   ", format!("{name} {}{runs}", self.glyphs.times())));
        }
        let room = self.width - LABEL;
        lines.extend(hang(label(""), LABEL, flow(&pieces, room, 0)));
        let durations = self.group.durations();
        if durations.n > 0 {
            let mut pieces = vec![
                ("", format!("min {}", format::seconds_or_dash(durations.min))),
                ("   ", format!("median {}", format::seconds_or_dash(durations.median))),
                ("   ", format!("average {}", format::seconds_or_dash(durations.mean))),
            ];
            if durations.p95.is_some() {
                pieces.push(("   ", format!("p95 {}", format::seconds_or_dash(durations.p95))));
            }
            pieces.push(("   ", format!("max {}", format::seconds_or_dash(durations.max))));
            lines.extend(hang(label("Duration"), LABEL, flow(&pieces, room, 0)));
        }
        let time = match self.group.seconds_unfinished {
            _ if self.group.unknown_durations >= counts.runs => "not known".to_owned(),
            seconds => {
                let unfinished = format::unfinished(seconds, counts).map(|part| format!(", {part}"));
                format!("{} in all{}", Seconds(self.group.seconds), unfinished.unwrap_or_default())
            }
        };
        lines.extend(hang(label("Time"), LABEL, wrap(&time, room)));
        lines
    }

    fn population(&self) -> String {
        if self.group.is_fallback {
            "failed runs: none succeeded".to_owned()
        } else {
            format::population_name(self.group.population).to_owned()
        }
    }

    fn histogram(&self) -> Vec<Line> {
        let bins = &self.group.histogram;
        let most = bins.iter().map(|bin| bin.runs).max().unwrap_or(0);
        if bins.len() < 2 || most == 0 {
            return Vec::new();
        }
        let mut lines = self.heading("How long it takes", &self.population());
        let labels: Vec<String> = bins
            .iter()
            .map(|bin| if bin.high.is_some() { format::bin_edge(bin.low) } else { "longer ".to_owned() })
            .collect();
        let figures: Vec<String> = bins.iter().map(|bin| bin.runs.to_string()).collect();
        let label = labels.iter().map(|label| label.width()).max().unwrap_or(0).clamp(9, 12);
        let figure = figures.iter().map(String::len).max().unwrap_or(0).max(4);
        let end = self.width - 2;
        let cells = end.saturating_sub(label + 3 + figure + 1);
        let edge = if self.glyphs.ascii { "|" } else { "│" };
        for ((bin, name), number) in bins.iter().zip(&labels).zip(&figures) {
            let bar = self.glyphs.bar(float(bin.runs), float(most), cells);
            let name = ellipsize_middle(name, label, self.glyphs.ascii);
            let line = Line::default().right(Style::Plain, &name, label).plain(format!(" {edge}")).plain(bar);
            lines.push(line.right(Style::Plain, number, end));
        }
        lines
    }

    fn heading(&self, title: &str, about: &str) -> Vec<Line> {
        let line = Line::bold(title.to_owned()).plain(format!(" ({about})"));
        if line.width() <= self.width {
            return vec![line];
        }
        let about = hang(Line::of("  "), 2, wrap(&format!("({about})"), self.width - 2));
        std::iter::once(Line::bold(title)).chain(about).collect()
    }

    /// One column a day, or several days a column if the terminal is too narrow.
    fn over_time(&self) -> Vec<Line> {
        const AXIS: usize = 11;
        let (Some(first), Some(last)) = (self.group.days.first(), self.group.days.last()) else {
            return Vec::new();
        };
        let (from, to) = match &self.summary.period {
            Some(period) => {
                ((self.options.local)(period.from).date(), (self.options.local)(period.to).date())
            }
            None => (first.date, last.date),
        };
        let room = self.width - AXIS - 1;
        let columns = TimeColumns::fit(from, to, room);
        let medians = columns.medians(&self.group.days);
        let known: Vec<f64> = medians.iter().flatten().copied().collect();
        if known.len() < 3 {
            return Vec::new();
        }
        let step = tick_step(maximum(medians.iter().copied()), 6);
        let top = maximum(medians.iter().copied());
        let rows = row_count(top, step);
        let cell = (room / medians.len()).clamp(1, 4);
        let runs = match self.group.population {
            _ if self.group.is_fallback => "failed",
            Population::Ok => "successful",
            Population::Failed => "failed",
            Population::All => "all",
        };
        let about = match columns.days_each {
            1 => format!("median of each day's {runs} runs"),
            _ => format!(
                "median of the daily medians of {runs} runs, a column for each {} back from {}",
                columns.unit(),
                format::short_date(to)
            ),
        };
        let mut lines = self.heading("Over time", &about);
        let tick = if self.glyphs.ascii { "|" } else { "┤" };
        for row in (0..rows).rev() {
            let (bottom, label) =
                (float(row as u64) * step, Seconds(float(row as u64 + 1) * step).to_string());
            let mut line = Line::default()
                .right(Style::Plain, &ellipsize_middle(&label, AXIS - 2, self.glyphs.ascii), AXIS - 2)
                .plain(format!(" {tick}"))
                .to(AXIS);
            let mut drawing = String::new();
            for median in &medians {
                let mark = median.map_or(' ', |median| self.column_cell((median - bottom) / step, row == 0));
                let wide = if cell > 1 { cell - 1 } else { 1 };
                drawing.extend(std::iter::repeat_n(mark, wide));
                drawing.extend(std::iter::repeat_n(' ', cell - wide));
            }
            line = line.plain(drawing);
            lines.push(line);
        }
        lines.push(Line::default().to(AXIS).plain(date_axis(&columns, cell, room)));
        lines
    }

    /// The part of a column that lies in one row. Any value above 0 shows in the lowest row.
    fn column_cell(&self, part: f64, lowest: bool) -> char {
        if self.glyphs.ascii {
            return if part >= 0.5 || lowest && part > 0.0 { '#' } else { ' ' };
        }
        let eighths = scale_to(part, 1.0, 8);
        let eighths = if lowest && part > 0.0 { eighths.max(1) } else { eighths };
        [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'][eighths.min(8)]
    }

    fn domains(&self) -> Vec<Line> {
        let parts = &self.group.breakdown;
        if parts.len() < 2 {
            return Vec::new();
        }
        let mut parts: Vec<_> = parts.iter().collect();
        parts.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.runs));
        let mut lines = vec![Line::bold("Where")];
        let some = &parts[..parts.len().min(8)];
        let names: Vec<String> =
            some.iter().map(|(name, _)| format::display_name(name.as_deref(), self.options.ascii)).collect();
        let column = |figure: &dyn Fn(&Counts) -> String| -> Vec<String> {
            let cells: Vec<String> = some.iter().map(|(_, counts)| figure(counts)).collect();
            let width = cells.iter().map(|cell| cell.width()).max().unwrap_or(0);
            cells.into_iter().map(|cell| format!("{cell:>width$}")).collect()
        };
        let runs = column(&|counts| counts.runs.to_string());
        let success = column(&|counts| format::success_rate_or_dash(counts, self.options));
        let failed = column(&|counts| counts.failed.to_string());
        let width = names.iter().map(|name| name.width()).max().unwrap_or(0).min(self.width / 2);
        for (at, label) in distinct_labels(&names, width, self.options.ascii).into_iter().enumerate() {
            let start = width + 4;
            let line = Line::of("  ").plain(label).to(start);
            let pieces = [
                ("", format!("{} runs", runs[at])),
                ("   ", format!("success {}", success[at])),
                ("   ", format!("{} failed", failed[at])),
            ];
            let mut texts = flow(&pieces, self.width - start, 0).into_iter();
            lines.push(line.plain(texts.next().unwrap_or_default()));
            lines.extend(texts.map(|text| Line::default().to(start).plain(text)));
        }
        if parts.len() > 8 {
            lines.push(Line::of(format!("  and {} more", parts.len() - 8)));
        }
        lines
    }

    fn last_runs(&self) -> Vec<Line> {
        let runs = &self.group.last_runs;
        let shown = self.options.limit.unwrap_or(LISTED).min(runs.len());
        self.run_list(&format!("Last {shown} runs"), &runs[runs.len() - shown..])
    }

    fn last_failures(&self) -> Vec<Line> {
        self.run_list("Last failures", &self.group.last_failures)
    }

    fn slowest_runs(&self) -> Vec<Line> {
        let title = match self.group.population {
            Population::Ok => "Slowest successful runs",
            Population::Failed => "Slowest failed runs",
            Population::All => "Slowest runs",
        };
        self.run_list(title, &self.group.slowest_runs)
    }

    fn run_list(&self, title: &str, some: &[RunRecord]) -> Vec<Line> {
        // With so few runs, the list of the last ones has them all.
        if some.is_empty() || self.group.counts.runs < 2 {
            return Vec::new();
        }
        let mut lines = vec![Line::bold(title)];
        let times: Vec<String> = some
            .iter()
            .map(|run| {
                run.ended_at.map_or("(no time)".to_owned(), |at| {
                    format::date_time((self.options.local)(at), (self.options.local)(self.options.now))
                })
            })
            .collect();
        let width = times.iter().map(|time| time.width()).max().unwrap_or(0);
        let lengths: Vec<String> = some.iter().map(|run| format::seconds_or_dash(run.seconds)).collect();
        let length = lengths.iter().map(String::len).max().unwrap_or(0).max(7);
        for ((run, time), seconds) in some.iter().zip(&times).zip(&lengths) {
            let end = 2 + width + 2 + length;
            let style = match Outcome::from_exit_code(self.target(), run.exit_code) {
                Outcome::Ok => Style::Green,
                Outcome::Failed => Style::Red,
                Outcome::Interrupted => Style::Dim,
            };
            let head = Line::of("  ").plain(time.clone()).right(Style::Plain, seconds, end);
            let ending = format::outcome_text(self.target(), run);
            let domain =
                run.domain.as_ref().map(|name| format!("[{}]", escape_for_display(name, self.options.ascii)));
            if end > self.width {
                lines.push(Line::of("  ").plain(time.clone()));
                let text = wrap(&format!("{}, {ending}", seconds.trim_start()), self.width - 4);
                lines.extend(text.into_iter().map(|part| Line::of("    ").styled(style, part)));
                continue;
            }
            let blanks = if self.width < 60 { 2 } else { 3 };
            let gap = " ".repeat(blanks);
            let line = if end + blanks + ending.width() > self.width {
                lines.push(head);
                Line::of("    ").styled(style, ending)
            } else {
                head.plain(gap.clone()).styled(style, ending)
            };
            let room = self.width.saturating_sub(line.width() + blanks);
            lines.push(match domain {
                Some(domain) if room >= 5 => {
                    line.plain(gap).plain(ellipsize_middle(&domain, room, self.options.ascii))
                }
                _ => line,
            });
        }
        lines
    }
}

/// A change with the figures it rests on.
fn change_detail(change: &Change) -> String {
    let degree = match change.direction {
        Direction::Slower if change.ratio >= 2.0 => format::change_size(change.direction, change.ratio),
        Direction::Slower | Direction::Faster => {
            format::change_size(change.direction, change.ratio).trim_start_matches("is ").to_owned()
        }
    };
    let window = match change.window {
        ChangeWindow::Days7 => "7 days".to_owned(),
        ChangeWindow::Runs10 => format::plural(change.n, "run", "runs"),
    };
    format!(
        "{degree}: median {} over the last {window}, {} in the 28 days before ({}medians of {} and {} runs, {})",
        Seconds(change.median),
        Seconds(change.baseline_median),
        format::weekly_cost(change).map_or_else(String::new, |cost| format!("{cost}; ")),
        change.n,
        change.baseline_n,
        format::p_value(change.p)
    )
}

/// How many rows of `step` seconds reach the top.
fn row_count(top: f64, step: f64) -> usize {
    (1..=6).find(|&rows| float(rows as u64) * step >= top).unwrap_or(6)
}

/// Dates below a chart, each at the column it names, with room between them: whole weeks where a column is a
/// day.
fn date_axis(columns: &TimeColumns, cell: usize, room: usize) -> String {
    let is_daily = columns.days_each == 1;
    let apart = if is_daily { 7usize } else { 8 }.div_ceil(cell);
    let apart = if is_daily && apart > 1 && columns.count >= 7 { apart.div_ceil(7) * 7 } else { apart };
    let mut text = String::new();
    let mut column = 0;
    while column < columns.count {
        let (date, _) = columns.dates(column);
        let label = format::short_date(date);
        let label = if column == 0 && !is_daily { format!("{label} {}", date.year()) } else { label };
        if text.width() <= column * cell && column * cell + label.width() <= room {
            let blanks = column * cell - text.width();
            text.push_str(&" ".repeat(blanks));
            text.push_str(&label);
            text.push(' ');
        }
        column += apart;
    }
    text
}

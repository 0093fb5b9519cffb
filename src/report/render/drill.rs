//! The terminal view of one target: how long it usually takes, how it ends, and how that has changed.

use std::io::{self, Write};

use chrono::{Datelike as _, NaiveDate};
use unicode_width::UnicodeWidthStr as _;

use super::line::{Line, Pen, Style, fit, float, flow, portion, shown, wrap};
use super::text::marked;
use super::words;
use super::{Options, as_asked, nothing, write_lines};
use crate::event::outcome::Outcome;
use crate::report::grouping::Detail;
use crate::report::model::{Change, Counts, Day, Direction, Finding, FindingKind, Group, Population, Window};
use crate::report::summary::Summary;
use crate::units::Seconds;

/// Writes the view of the summary's first group, which is to be its only one.
pub fn drill(summary: &Summary, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let columns = options.columns();
    let options = &as_asked(options);
    let first: Vec<usize> = (0..summary.groups.len()).take(1).collect();
    let group =
        match (nothing(summary, options), summary.groups.at(&first, Detail::Whole, |group| group).pop()) {
            (None, Some(group)) => group,
            (lines, _) => return write_lines(out, &lines.unwrap_or_default(), columns),
        };
    let view = View { summary, group: &group, options, pen: options.pen(), columns };
    let sections = [
        view.header(),
        view.now(),
        view.outcome(),
        view.histogram(),
        view.over_time(),
        view.domains(),
        view.last_runs(),
    ];
    for (at, section) in sections.into_iter().filter(|section| !section.is_empty()).enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        for line in section {
            line.write(out, options.color)?;
        }
    }
    Ok(())
}

struct View<'a> {
    summary: &'a Summary<'a>,
    group: &'a Group,
    options: &'a Options<'a>,
    pen: Pen,
    columns: usize,
}

impl View<'_> {
    /// The name as it is, for deciding what its exit codes mean.
    fn target(&self) -> &str {
        self.group.name.as_deref().unwrap_or_default()
    }

    fn header(&self) -> Vec<Line> {
        let dot = self.pen.dot();
        let name = words::name(self.group.name.as_deref(), self.options.ascii);
        let mut pieces = vec![
            (String::new(), fit(&name, self.columns, self.options.ascii)),
            (format!(" {dot} "), words::count(self.group.counts.runs, "run", "runs")),
        ];
        if let Some(period) = &self.summary.period {
            let date = |at| (self.options.local)(at).date();
            let days = words::days(date(period.from), date(period.to), self.pen.dash());
            pieces.push((format!(" {dot} "), days));
            pieces.push((" ".to_owned(), format!("({})", self.options.zone_name)));
        }
        let pieces: Vec<(&str, String)> =
            pieces.iter().map(|(between, piece)| (&**between, piece.clone())).collect();
        let mut lines: Vec<Line> = flow(&pieces, self.columns, 2)
            .into_iter()
            .map(|line| Line::default().styled(Style::Bold, line))
            .collect();
        let filters: Vec<String> = words::filters(self.options, self.options.ascii)
            .into_iter()
            .filter(|filter| !filter.starts_with("target "))
            .collect();
        if !filters.is_empty() {
            lines.extend(self.prose(&format!("Only {}", filters.join(", "))));
        }
        lines
    }

    fn prose(&self, text: &str) -> Vec<Line> {
        wrap(text, self.columns).into_iter().map(Line::of).collect()
    }

    /// What to expect of the next run, how the last one went, and what is worth a look.
    fn now(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some(usual) = &self.group.usual {
            let range = usual.range.map_or_else(String::new, |(low, high)| {
                format!(", most runs {} {} {}", Seconds(low), self.pen.dash(), Seconds(high))
            });
            let text = format!("Usually {}{range} (last {} that succeeded)", Seconds(usual.median), usual.n);
            lines.extend(self.prose(&text));
        }
        if let Some(run) = self.group.last_runs.last() {
            let ago =
                run.ended_at.map_or_else(String::new, |at| format!(" {}", words::ago(at, self.options.now)));
            lines.extend(self.prose(&format!(
                "Last run{ago}: {}, {}",
                Seconds(run.seconds),
                words::ending(self.target(), run)
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
            FindingKind::Changed(change) => detail(change),
            _ => words::sentence(finding, "", self.options).trim_start().to_owned(),
        };
        let mut letters = sentence.chars();
        let sentence: String =
            letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        marked(finding, &sentence, 0, self.columns, self.pen)
    }

    fn outcome(&self) -> Vec<Line> {
        const LABEL: usize = 11;
        let counts = &self.group.counts;
        let label = |text: &str| Line::default().styled(Style::Bold, text.to_owned()).to(LABEL);
        let bar = self.pen.outcomes(words::parts(counts), counts.runs, self.columns - LABEL - 2);
        let mut lines = vec![label("Outcome").then(bar)];
        let ok = match words::rate(counts, self.options) {
            Some(success) => format!("{} ok ({success})", counts.ok),
            None => format!("{} ok", counts.ok),
        };
        let mut pieces = vec![("", ok)];
        for (code, number) in self.codes() {
            let name = words::code(self.target(), code);
            pieces.push(("   ", format!("{name} {}{number}", self.pen.times())));
        }
        let indented = |pieces: &[(&str, String)]| -> Vec<Line> {
            flow(pieces, self.columns - LABEL, 0)
                .into_iter()
                .map(|line| Line::default().to(LABEL).plain(line))
                .collect()
        };
        lines.extend(indented(&pieces));
        let durations = self.group.shown();
        if durations.n > 0 {
            let mut pieces = vec![
                ("", format!("min {}", words::seconds(durations.min))),
                ("   ", format!("median {}", words::seconds(durations.median))),
                ("   ", format!("average {}", words::seconds(durations.mean))),
            ];
            if durations.p95.is_some() {
                pieces.push(("   ", format!("p95 {}", words::seconds(durations.p95))));
            }
            pieces.push(("   ", format!("max {}", words::seconds(durations.max))));
            lines.extend(labelled(label("Duration"), indented(&pieces)));
        }
        let time = match self.group.seconds_unfinished {
            unfinished if unfinished > 0.0 => format!(
                "{} in all, {} of it in runs that did not finish",
                Seconds(self.group.seconds),
                Seconds(unfinished)
            ),
            _ => format!("{} in all", Seconds(self.group.seconds)),
        };
        let time =
            wrap(&time, self.columns - LABEL).into_iter().map(|line| Line::default().to(LABEL).plain(line));
        lines.extend(labelled(label("Time"), time.collect()));
        lines
    }

    /// Exit codes but 0, the most frequent first.
    fn codes(&self) -> Vec<(i64, u64)> {
        let mut codes: Vec<(i64, u64)> = self
            .group
            .exit_codes
            .iter()
            .map(|(&code, &number)| (code, number))
            .filter(|&(code, _)| code != 0)
            .collect();
        codes.sort_by_key(|&(code, number)| (std::cmp::Reverse(number), code));
        codes
    }

    fn which(&self) -> String {
        if self.options.is_starred(self.group) {
            "failed runs: none succeeded".to_owned()
        } else {
            words::population(self.group.shown).to_owned()
        }
    }

    fn histogram(&self) -> Vec<Line> {
        let bins = &self.group.histogram;
        let most = bins.iter().map(|bin| bin.runs).max().unwrap_or(0);
        if bins.len() < 2 || most == 0 {
            return Vec::new();
        }
        let mut lines = self.heading("How long it takes", &self.which());
        let labels: Vec<String> = bins
            .iter()
            .map(|bin| if bin.high.is_some() { words::edge(bin.low) } else { "longer ".to_owned() })
            .collect();
        let figures: Vec<String> = bins.iter().map(|bin| bin.runs.to_string()).collect();
        let label = labels.iter().map(|label| label.width()).max().unwrap_or(0).clamp(9, 12);
        let figure = figures.iter().map(String::len).max().unwrap_or(0).max(4);
        let end = self.columns - 2;
        let cells = end.saturating_sub(label + 3 + figure + 1);
        let edge = if self.pen.ascii { "|" } else { "│" };
        for ((bin, name), number) in bins.iter().zip(&labels).zip(&figures) {
            let bar = self.pen.bar(float(bin.runs), float(most), cells);
            let name = fit(name, label, self.pen.ascii);
            let line = Line::default().right(Style::Plain, &name, label).plain(format!(" {edge}")).plain(bar);
            lines.push(line.right(Style::Plain, number, end));
        }
        lines
    }

    fn heading(&self, title: &str, about: &str) -> Vec<Line> {
        let line = Line::default().styled(Style::Bold, title.to_owned()).plain(format!(" ({about})"));
        if line.width() <= self.columns {
            return vec![line];
        }
        let mut lines = vec![Line::default().styled(Style::Bold, title.to_owned())];
        lines.extend(
            wrap(&format!("({about})"), self.columns - 2).into_iter().map(|part| Line::of("  ").plain(part)),
        );
        lines
    }

    /// A column a day, or several days where a day has no column of its own.
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
        let days = words::span_of_days(from, to);
        let room = self.columns - AXIS - 1;
        let per_column = days.div_ceil(room).max(1);
        let medians = medians(&self.group.days, from, days, per_column);
        let known: Vec<f64> = medians.iter().flatten().copied().collect();
        if known.len() < 3 {
            return Vec::new();
        }
        let step = step(words::largest(medians.iter().copied()), 6);
        let top = words::largest(medians.iter().copied());
        let rows = rows(top, step);
        let cell = (room / medians.len()).clamp(1, 4);
        let runs = match self.group.shown {
            _ if self.group.starred => "failed",
            Population::Ok => "successful",
            Population::Failed => "failed",
            Population::All => "all",
        };
        let about = match per_column {
            1 => format!("median of each day's {runs} runs"),
            _ => format!("median of the daily medians of {runs} runs, {per_column} days a column"),
        };
        let mut lines = self.heading("Over time", &about);
        let tick = if self.pen.ascii { "|" } else { "┤" };
        for row in (0..rows).rev() {
            let (bottom, label) =
                (float(row as u64) * step, Seconds(float(row as u64 + 1) * step).to_string());
            let mut line = Line::default()
                .right(Style::Plain, &fit(&label, AXIS - 2, self.pen.ascii), AXIS - 2)
                .plain(format!(" {tick}"))
                .to(AXIS);
            let mut drawing = String::new();
            for median in &medians {
                let mark = median.map_or(' ', |median| self.slice((median - bottom) / step, row == 0));
                let wide = if cell > 1 { cell - 1 } else { 1 };
                drawing.extend(std::iter::repeat_n(mark, wide));
                drawing.extend(std::iter::repeat_n(' ', cell - wide));
            }
            line = line.plain(drawing);
            lines.push(line);
        }
        lines.push(Line::default().to(AXIS).plain(dates(from, per_column, cell, medians.len(), room)));
        lines
    }

    /// One cell of a column: how much of it is filled. What is there shows in the lowest row.
    fn slice(&self, part: f64, lowest: bool) -> char {
        if self.pen.ascii {
            return if part >= 0.5 || lowest && part > 0.0 { '#' } else { ' ' };
        }
        let eighths = portion(part, 1.0, 8);
        let eighths = if lowest && part > 0.0 { eighths.max(1) } else { eighths };
        [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'][eighths.min(8)]
    }

    fn domains(&self) -> Vec<Line> {
        let parts = &self.group.parts;
        if parts.len() < 2 {
            return Vec::new();
        }
        let mut parts: Vec<_> = parts.iter().collect();
        parts.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.runs));
        let mut lines = vec![Line::default().styled(Style::Bold, "Where")];
        let some = &parts[..parts.len().min(8)];
        let names: Vec<String> =
            some.iter().map(|(name, _)| words::name(name.as_deref(), self.options.ascii)).collect();
        let column = |figure: &dyn Fn(&Counts) -> String| -> Vec<String> {
            let cells: Vec<String> = some.iter().map(|(_, counts)| figure(counts)).collect();
            let width = cells.iter().map(|cell| cell.width()).max().unwrap_or(0);
            cells.into_iter().map(|cell| format!("{cell:>width$}")).collect()
        };
        let runs = column(&|counts| counts.runs.to_string());
        let success = column(&|counts| words::success(counts, self.options));
        let failed = column(&|counts| counts.failed.to_string());
        let width = names.iter().map(|name| name.width()).max().unwrap_or(0).min(self.columns / 2);
        for (at, name) in names.iter().enumerate() {
            let start = width + 4;
            let line = Line::of("  ").plain(fit(name, width, self.options.ascii)).to(start);
            let pieces = [
                ("", format!("{} runs", runs[at])),
                ("   ", format!("success {}", success[at])),
                ("   ", format!("{} failed", failed[at])),
            ];
            let mut texts = flow(&pieces, self.columns - start, 0).into_iter();
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
        let some = &runs[runs.len().saturating_sub(5)..];
        if some.len() < 2 {
            return Vec::new();
        }
        let mut lines = vec![Line::default().styled(Style::Bold, format!("Last {} runs", some.len()))];
        let times: Vec<String> = some
            .iter()
            .map(|run| {
                run.ended_at.map_or("(no time)".to_owned(), |at| {
                    words::moment((self.options.local)(at), (self.options.local)(self.options.now))
                })
            })
            .collect();
        let width = times.iter().map(|time| time.width()).max().unwrap_or(0);
        let lengths: Vec<String> = some.iter().map(|run| Seconds(run.seconds).to_string()).collect();
        let length = lengths.iter().map(String::len).max().unwrap_or(0).max(7);
        for ((run, time), seconds) in some.iter().zip(&times).zip(&lengths) {
            let end = 2 + width + 2 + length;
            let style = match Outcome::of(self.target(), run.exit_code) {
                Outcome::Ok => Style::Green,
                Outcome::Failed => Style::Red,
                Outcome::Interrupted => Style::Dim,
            };
            let head = Line::of("  ").plain(time.clone()).right(Style::Plain, seconds, end);
            let ending = words::ending(self.target(), run);
            let domain = run.domain.as_ref().map(|name| format!("[{}]", shown(name, self.options.ascii)));
            if end > self.columns {
                lines.push(Line::of("  ").plain(time.clone()));
                let text = wrap(&format!("{}, {ending}", seconds.trim_start()), self.columns - 4);
                lines.extend(text.into_iter().map(|part| Line::of("    ").styled(style, part)));
                continue;
            }
            let mut room = self.columns.saturating_sub(end + 3);
            if ending.width() > room {
                lines.push(head);
                lines.push(Line::of("    ").styled(style, ending));
                continue;
            }
            room -= ending.width();
            let line = head.plain("   ").styled(style, ending);
            lines.push(match domain {
                Some(domain) if room >= 8 => {
                    line.plain("   ").plain(fit(&domain, room - 3, self.options.ascii))
                }
                _ => line,
            });
        }
        lines
    }
}

/// The first of some lines gets its label.
fn labelled(label: Line, lines: Vec<Line>) -> Vec<Line> {
    let mut lines = lines.into_iter();
    let first = lines.next().unwrap_or_default();
    // What stands in place of the label is blank.
    std::iter::once(label.then(first.without_indent())).chain(lines).collect()
}

/// A change with the figures it rests on.
fn detail(change: &Change) -> String {
    let degree = match change.direction {
        Direction::Slower if change.ratio >= 2.0 => words::degree(change),
        Direction::Slower | Direction::Faster => words::degree(change).trim_start_matches("is ").to_owned(),
    };
    let window = match change.window {
        Window::Days7 => "last 7 days".to_owned(),
        Window::Runs10 => format!("last {}", words::count(change.n, "run", "runs")),
    };
    format!(
        "{degree}: median {} over the {window}, {} in the 28 days before (medians of {} and {} runs, {})",
        Seconds(change.median),
        Seconds(change.baseline_median),
        change.n,
        change.baseline_n,
        words::probability(change.p)
    )
}

/// The median of each column's days.
pub fn medians(of: &[Day], from: NaiveDate, days: usize, per_column: usize) -> Vec<Option<f64>> {
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); days.div_ceil(per_column)];
    for day in of {
        if let (Some(at), Some(median)) = (words::place(day.date, from), day.median)
            && let Some(column) = columns.get_mut(at / per_column)
        {
            column.push(median);
        }
    }
    columns.into_iter().map(words::median).collect()
}

/// A round number of seconds that needs at most so many steps to reach the top.
pub fn step(top: f64, steps: usize) -> f64 {
    const ROUND: [f64; 28] = [
        0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0,
        900.0, 1200.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0, 604_800.0,
    ];
    let enough = |step: &f64| *step * float(steps as u64) >= top;
    let mut step = ROUND.into_iter().find(enough).unwrap_or(604_800.0);
    while !enough(&step) && step.is_finite() {
        step *= 2.0;
    }
    step
}

/// Rows of so many seconds each, up to the top.
fn rows(top: f64, step: f64) -> usize {
    (1..=6).find(|&rows| float(rows as u64) * step >= top).unwrap_or(6)
}

/// Dates below the columns of a chart, each at the column it names and apart from the next; whole weeks
/// where days have columns.
fn dates(from: NaiveDate, per_column: usize, cell: usize, columns: usize, room: usize) -> String {
    let apart = if per_column == 1 {
        let apart = 7usize.div_ceil(cell);
        if apart > 1 && columns >= 7 { apart.div_ceil(7) * 7 } else { apart }
    } else {
        8usize.div_ceil(cell)
    };
    let mut text = String::new();
    let mut column = 0;
    while column < columns {
        let date = from + chrono::Days::new((column * per_column) as u64);
        let label = words::short_day(date);
        let label = if column == 0 && per_column > 5 { format!("{label} {}", date.year()) } else { label };
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

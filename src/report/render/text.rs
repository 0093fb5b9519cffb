//! The terminal view: one screen that answers what got worse, where the time went, and what fails.

use std::collections::BTreeMap;
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::line::{Line, Pen, Style, fit, flow, portion, wrap};
use super::words::{self, ENOUGH};
use super::{Options, as_asked, made, nothing, write_lines};
use crate::report::grouping::Detail;
use crate::report::model::{By, Counts, Direction, Finding, FindingKind, Group, Population};
use crate::report::summary::Summary;
use crate::units::Seconds;

/// From so many columns on there is room for the hour map and the longer table.
const WIDE: usize = 110;
/// Columns of the hour map.
const MAP: usize = 52;
/// Rows of a chart when no limit was given: what one screen holds.
const SCREEN: usize = 12;

/// Writes the overview.
pub fn text(summary: &Summary, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let columns = options.columns();
    if let Some(lines) = nothing(summary, options) {
        return write_lines(out, &lines, columns);
    }
    let options = &as_asked(options);
    let order = (0..summary.groups.len()).collect();
    let durations = words::order_of_durations(&summary.groups, options.sorted);
    let mut view =
        View { summary, options, pen: options.pen(), columns, order, durations, groups: BTreeMap::new() };
    let detail = if columns >= WIDE { Detail::Trend24 } else { Detail::Trend12 };
    let shown = [&view.order, &view.durations].map(|order| view.shown(order).0);
    view.groups = made(&summary.groups, shown.concat(), detail);
    let sections = [
        view.header(),
        view.totals(),
        view.invocations(),
        view.outcomes(),
        view.durations(),
        view.findings(),
        view.when(),
        view.few(),
    ];
    let mut first = true;
    for section in sections.into_iter().filter(|section| !section.is_empty()) {
        if !first {
            writeln!(out)?;
        }
        first = false;
        for line in section {
            line.write(out, options.color)?;
        }
    }
    Ok(())
}

struct View<'a> {
    summary: &'a Summary<'a>,
    options: &'a Options<'a>,
    pen: Pen,
    columns: usize,
    /// The places of all groups: as asked for, and in the duration chart.
    order: Vec<usize>,
    durations: Vec<usize>,
    /// Those that are shown, by place.
    groups: BTreeMap<usize, Group>,
}

impl View<'_> {
    fn header(&self) -> Vec<Line> {
        let period = self.summary.period.as_ref().map_or("no times were recorded".to_owned(), |period| {
            let (from, to) =
                ((self.options.local)(period.from).date(), (self.options.local)(period.to).date());
            let days = words::count(period.days, "day", "days");
            format!("{} ({days}, {})", words::days(from, to, self.pen.dash()), self.options.zone_name)
        });
        let title = format!("Usage report {} {period}", self.pen.dot());
        let mut lines = bold(wrap(&title, self.columns));
        let filters = words::filters(self.options, self.options.ascii);
        if !filters.is_empty() {
            let only = format!("Only {}", filters.join(", "));
            lines.extend(hanging("", &only, "     ", self.columns));
        }
        lines
    }

    fn totals(&self) -> Vec<Line> {
        let counts = &self.summary.totals.counts;
        let mut events = format!("Total events: {}", counts.runs);
        let mut unique = format!("Unique targets: {}", self.summary.unique_targets);
        let width = events.width().max(unique.width());
        if self.columns >= 60 {
            events = format!("{events:width$}");
            unique = format!("{unique:width$}");
        }
        let mut first = vec![
            ("", events),
            ("   ", format!("ok {}", counts.ok)),
            ("   ", format!("failed {}", counts.failed)),
            ("   ", format!("interrupted {}", counts.interrupted)),
        ];
        if let Some(success) = words::rate(counts, self.options) {
            first.push(("   ", format!("success {success}")));
        }
        let totals = &self.summary.totals;
        let mut second =
            vec![("", unique), ("   ", format!("Total time tracked: {}", Seconds(totals.seconds)))];
        if totals.seconds_unfinished > 0.0 {
            second.push((" ", format!("({} in unfinished runs)", Seconds(totals.seconds_unfinished))));
        }
        let mut lines = flow(&first, self.columns, 2);
        lines.extend(flow(&second, self.columns, 2));
        lines.into_iter().map(Line::of).collect()
    }

    /// The groups a chart shows, and those it only sums up.
    fn shown<'a>(&self, order: &'a [usize]) -> (&'a [usize], &'a [usize]) {
        // A line that says "and 1 more" would be as long as the row it stands for.
        let screen = if order.len() == SCREEN + 1 { SCREEN + 1 } else { SCREEN };
        order.split_at(self.options.limit.unwrap_or(screen).min(order.len()))
    }

    fn rest(&self, rest: &[usize], what: &str, columns: usize) -> Vec<Line> {
        if rest.is_empty() {
            return Vec::new();
        }
        let mut pieces = vec![
            ("", format!("  and {} more {}:", rest.len(), words::rows(self.options.by, rest.len()))),
            (" ", what.to_owned()),
        ];
        if self.options.limit.is_none() {
            pieces.push(("   ", format!("(all: --limit {})", self.summary.groups.len())));
        }
        flow(&pieces, columns, 4).into_iter().map(|line| Line::default().styled(Style::Dim, line)).collect()
    }

    fn title(&self, title: &str) -> String {
        match self.options.by {
            By::Target => title.to_owned(),
            By::Domain => format!("{title} by domain"),
        }
    }

    /// Columns for names: a longer one is shortened.
    fn names(&self) -> usize {
        (self.columns / 5).clamp(12, 40)
    }

    fn invocations(&self) -> Vec<Line> {
        let groups = &self.groups;
        let (shown, rest) = self.shown(&self.order);
        let [ok, failed, interrupted] = self.pen.marks();
        let wide = self.columns >= WIDE;
        let pick = |figure: &dyn Fn(&Group) -> String| shown.iter().map(|&at| figure(&groups[&at])).collect();
        let table = Table {
            title: self.title("Target Invocations"),
            legend: Legend {
                parts: vec![
                    (Style::Green, ok, " ok"),
                    (Style::Red, failed, " failed"),
                    (Style::Dim, interrupted, " interrupted"),
                ],
            },
            names: shown
                .iter()
                .map(|&at| words::name(groups[&at].name.as_deref(), self.options.ascii))
                .collect(),
            figures: vec![
                Figure::new("runs", 4, pick(&|group| group.counts.runs.to_string())),
                Figure::new("ok", 4, pick(&|group| words::success(&group.counts, self.options))),
                Figure::new("fail", 4, pick(&|group| group.counts.failed.to_string())),
                Figure::new(
                    "last",
                    7,
                    pick(&|group| group.last_run.map_or("-".into(), |at| words::ago(at, self.options.now))),
                ),
            ],
            keep: 3,
            names_width: self.names(),
            bar: if wide { 16 } else { 8 },
        };
        let max = shown.iter().map(|&at| groups[&at].counts.runs).max().unwrap_or(0);
        let left = if wide { self.columns - MAP - 2 } else { self.columns };
        let mut lines = table.lines(left, self.pen, &|row, cells| {
            self.pen.outcomes(words::parts(&groups[&shown[row]].counts), max, cells)
        });
        let sum = |count: &dyn Fn(&Counts) -> u64| {
            let counts = rest.iter().map(|&at| self.summary.groups.brief(at).counts);
            counts.fold(0u64, |sum, counts| sum.saturating_add(count(&counts)))
        };
        let runs = words::count(sum(&|counts| counts.runs), "run", "runs");
        let failed = sum(&|counts| counts.failed);
        lines.extend(self.rest(rest, &format!("{runs}, {failed} failed"), left));
        if !wide {
            return lines;
        }
        let map = self.hour_map();
        lines.resize(lines.len().max(map.len()), Line::default());
        let map = map.into_iter().chain(std::iter::repeat(Line::default()));
        lines.into_iter().zip(map).map(|(line, map)| line.to(left + 2).then(map)).collect()
    }

    fn hour_map(&self) -> Vec<Line> {
        let counts = &self.summary.by_weekday_and_hour;
        let zone = if self.options.zone_name == "UTC" { "UTC" } else { "local time" };
        let busiest = self.shade(1.0);
        let mut lines = vec![
            Line::default()
                .styled(Style::Bold, "When you run things")
                .plain(format!(" ({zone}, busiest = {busiest})")),
        ];
        let max = counts.iter().flatten().copied().max().unwrap_or(0);
        for (day, hours) in words::WEEKDAYS.iter().zip(counts) {
            let cells: String = hours
                .iter()
                .flat_map(|&count| [if count == 0 { ' ' } else { self.shade(words::part(count, max)) }; 2])
                .collect();
            lines.push(Line::of(format!("{day} ")).to(4).plain(cells));
        }
        let axis: Vec<String> = (0..24).step_by(3).map(|hour| format!("{hour:<6}")).collect();
        let axis = axis.concat();
        lines.push(Line::of("    ").styled(Style::Dim, axis.trim_end()));
        lines
    }

    fn shade(&self, part: f64) -> char {
        let shades = if self.pen.ascii { ['.', ':', '+', '#'] } else { ['░', '▒', '▓', '█'] };
        shades[portion(part - 0.125, 1.0, 4).min(3)]
    }

    fn outcomes(&self) -> Vec<Line> {
        let counts = &self.summary.totals.counts;
        let cells = self.columns - 4;
        let mut lines = bold([String::from("Success vs Failure")]);
        lines.push(Line::of("  ").then(self.pen.outcomes(words::parts(counts), counts.runs, cells)));
        let ok = match words::rate(counts, self.options) {
            Some(success) => format!("  {} ok ({success})", counts.ok),
            None => format!("  {} ok", counts.ok),
        };
        let mut pieces = vec![
            ("", ok),
            ("   ", format!("{} failed", counts.failed)),
            ("   ", format!("{} interrupted", counts.interrupted)),
        ];
        if counts.interrupted > 0 {
            let note = if self.columns >= WIDE {
                "(stopped by you: counted in neither the rate nor the durations)"
            } else {
                "(Ctrl-C and the like: not rated)"
            };
            pieces.push((" ", note.to_owned()));
        }
        lines.extend(flow(&pieces, self.columns, 2).into_iter().map(Line::of));
        lines
    }

    fn durations(&self) -> Vec<Line> {
        let groups = &self.groups;
        let (shown, rest) = self.shown(&self.durations);
        let wide = self.columns >= WIDE;
        let title = match self.options.durations {
            Population::Ok => self.title("Average Duration"),
            which => self.title(&format!("Average Duration of {}", words::population(which))),
        };
        let starred = shown.iter().any(|&at| self.options.is_starred(&groups[&at]));
        let names = shown.iter().map(|&at| {
            let name = words::name(groups[&at].name.as_deref(), self.options.ascii);
            if self.options.is_starred(&groups[&at]) { format!("{name} *") } else { name }
        });
        let whisker = shown.iter().any(|&at| groups[&at].shown().p95.is_some());
        let mut parts = vec![(Style::Plain, "", "bar: average")];
        if whisker {
            parts.push((Style::Dim, if self.pen.ascii { "|" } else { "┤" }, ": p95"));
        }
        let table = Table {
            title,
            legend: Legend { parts },
            names: names.collect(),
            figures: self.duration_figures(shown, whisker, wide),
            keep: 2,
            names_width: self.names(),
            bar: 8,
        };
        let scale = words::largest(shown.iter().flat_map(|&at| {
            let durations = groups[&at].shown();
            [durations.mean, durations.p95]
        }));
        let mut lines = table.lines(self.columns, self.pen, &|row, cells| {
            let durations = groups[&shown[row]].shown();
            self.whiskered(durations.mean, durations.p95, scale, cells)
        });
        let time = rest.iter().map(|&at| self.summary.groups.brief(at).seconds).sum();
        lines.extend(self.rest(rest, &format!("{} in all", Seconds(time)), self.columns));
        if starred {
            let note = "never succeeded: the durations are those of its failed runs";
            lines.extend(hanging("  * ", note, "    ", self.columns));
        }
        lines
    }

    fn duration_figures(&self, shown: &[usize], whisker: bool, wide: bool) -> Vec<Figure> {
        let groups = &self.groups;
        let pick = |figure: &dyn Fn(&Group) -> String| shown.iter().map(|&at| figure(&groups[&at])).collect();
        let of = |figure: &dyn Fn(&crate::report::model::Durations) -> Option<f64>| {
            pick(&|group| words::seconds(figure(group.shown())))
        };
        let mut figures = vec![Figure::new("avg", 6, of(&|durations| durations.mean))];
        if wide {
            figures.push(Figure::new("median", 6, of(&|durations| durations.median)));
        }
        if whisker {
            figures.push(Figure::new("p95", 6, of(&|durations| durations.p95)));
        }
        if wide {
            figures.push(Figure::new("max", 6, of(&|durations| durations.max)));
        }
        figures.push(Figure {
            gap: 1,
            ..Figure::new("total", 7, pick(&|group| Seconds(group.seconds).to_string()))
        });
        if wide {
            let whole = self.summary.totals.seconds;
            figures.push(Figure {
                gap: 1,
                ..Figure::new("share", 5, pick(&|group| words::share(group.seconds, whole)))
            });
        }
        if shown.iter().any(|&at| groups[&at].counts.runs >= ENOUGH) {
            let trend = |group: &Group| match (group.counts.runs >= ENOUGH, wide) {
                (false, _) => String::new(),
                (true, true) => self.pen.trend(&group.trend24),
                (true, false) => self.pen.trend(&group.trend12),
            };
            let head = if wide { self.trend_head() } else { "trend".to_owned() };
            figures.push(Figure {
                gap: if wide { 2 } else { 1 },
                exact: true,
                ..Figure::new(&head, if wide { 24 } else { 12 }, pick(&trend))
            });
        }
        figures
    }

    fn trend_head(&self) -> String {
        let Some(period) = &self.summary.period else {
            return "trend".to_owned();
        };
        let date = |at| (self.options.local)(at).date();
        let to = date(period.to);
        let end = if to == date(self.options.now) { "today".to_owned() } else { words::short_day(to) };
        format!("trend, {} to {end}", words::short_day(date(period.from)))
    }

    /// The average as a bar, and a line on to where 95 % of the runs have ended.
    fn whiskered(&self, mean: Option<f64>, p95: Option<f64>, scale: f64, cells: usize) -> Line {
        let Some(mean) = mean else {
            return Line::default();
        };
        let bar = self.pen.bar(mean, scale, cells);
        let length = bar.width();
        let line = Line::of(bar);
        let end = p95.map_or(0, |p95| portion(p95, scale, cells));
        if end <= length {
            return line;
        }
        let (dash, tip) = if self.pen.ascii { ("-", "|") } else { ("─", "┤") };
        line.styled(Style::Dim, dash.repeat(end - length - 1)).styled(Style::Dim, tip)
    }

    fn findings(&self) -> Vec<Line> {
        if self.summary.findings.is_empty() {
            return Vec::new();
        }
        let mut lines = bold([String::from("Worth a look")]);
        for finding in &self.summary.findings {
            let name = words::short(&finding.target, self.options.ascii);
            let sentence = words::sentence(finding, &name, self.options);
            lines.extend(marked(finding, &sentence, 2, self.columns, self.pen));
        }
        lines
    }

    fn when(&self) -> Vec<Line> {
        let counts = &self.summary.by_weekday_and_hour;
        if self.columns >= WIDE || self.summary.totals.counts.runs < ENOUGH {
            return Vec::new();
        }
        let add = |sum: u64, &count: &u64| sum.saturating_add(count);
        let days = counts.map(|hours| hours.iter().fold(0, add));
        let mut hours = [0u64; 24];
        for day in counts {
            for (sum, count) in hours.iter_mut().zip(day) {
                *sum = sum.saturating_add(*count);
            }
        }
        if days.iter().all(|&count| count == 0) {
            return Vec::new();
        }
        let gap = if self.pen.ascii { " " } else { "" };
        let days: Vec<String> = words::WEEKDAYS
            .iter()
            .zip(self.pen.counts(&days))
            .map(|(day, level)| format!("{}{gap}{level}", &day[..2]))
            .collect();
        let hours: String = self.pen.counts(&hours).into_iter().collect();
        let (days, hours) = (days.join(" "), format!("0h {hours} 24h"));
        let head = || Line::default().styled(Style::Bold, "When").plain("  ");
        if 6 + days.width() + 3 + hours.width() <= self.columns {
            vec![head().plain(format!("{days}   {hours}"))]
        } else {
            vec![head().plain(days), Line::of(format!("      {hours}"))]
        }
    }

    fn few(&self) -> Vec<Line> {
        let groups = &self.summary.groups;
        if (0..groups.len()).any(|at| groups.brief(at).counts.runs >= ENOUGH) {
            return Vec::new();
        }
        wrap(
            &format!("(trends, percentiles and findings appear from {ENOUGH} runs of a target on)"),
            self.columns,
        )
        .into_iter()
        .map(|line| Line::default().styled(Style::Dim, line))
        .collect()
    }
}

/// Text behind something, and its further lines behind something else of the same width.
fn hanging(first: &str, text: &str, others: &str, columns: usize) -> Vec<Line> {
    wrap(text, columns - others.len())
        .into_iter()
        .enumerate()
        .map(|(at, part)| Line::of(if at == 0 { first } else { others }).plain(part))
        .collect()
}

fn bold(lines: impl IntoIterator<Item = String>) -> Vec<Line> {
    lines.into_iter().map(|line| Line::default().styled(Style::Bold, line)).collect()
}

/// A sentence behind the glyph of its kind.
pub fn marked(finding: &Finding, sentence: &str, indent: usize, columns: usize, pen: Pen) -> Vec<Line> {
    let (style, glyph, plain) = match &finding.kind {
        FindingKind::Changed(change) if change.direction == Direction::Slower => (Style::Red, "▲", "^"),
        FindingKind::Changed(_) => (Style::Green, "▼", "v"),
        FindingKind::Failing { .. } => (Style::Red, "✗", "x"),
        FindingKind::Flaky { .. } => (Style::Yellow, "≈", "~"),
    };
    wrap(sentence, columns - indent - 2)
        .into_iter()
        .enumerate()
        .map(|(at, part)| match at {
            0 => Line::of(" ".repeat(indent))
                .styled(style, if pen.ascii { plain } else { glyph })
                .plain(format!(" {part}")),
            _ => Line::of(" ".repeat(indent + 2)).plain(part),
        })
        .collect()
}

/// What the marks of a chart mean.
struct Legend {
    /// How a mark looks, the mark, what it stands for.
    parts: Vec<(Style, &'static str, &'static str)>,
}

impl Legend {
    fn line(&self, gap: usize) -> Line {
        let mut line = Line::default();
        for (at, &(style, mark, means)) in self.parts.iter().enumerate() {
            line = line.plain(" ".repeat(if at > 0 { gap } else { 0 })).styled(style, mark).plain(means);
        }
        line
    }
}

/// A column of figures, right-aligned under its head.
struct Figure {
    head: String,
    cells: Vec<String>,
    width: usize,
    /// Blanks before it.
    gap: usize,
    /// The cells are drawings as wide as the column, and keep their blanks.
    exact: bool,
}

impl Figure {
    fn new(head: &str, least: usize, cells: Vec<String>) -> Self {
        let width = cells.iter().map(|cell| cell.width()).fold(least.max(head.width()), usize::max);
        Self { head: head.to_owned(), cells, width, gap: 2, exact: false }
    }
}

/// A chart: a title with its legend and the heads of its columns, then for each row a name, a bar and figures.
struct Table {
    title: String,
    legend: Legend,
    names: Vec<String>,
    figures: Vec<Figure>,
    /// So many columns stay, however narrow it gets.
    keep: usize,
    /// Columns for names: a longer one is shortened.
    names_width: usize,
    /// A bar shorter than this takes the room of columns that need not stay.
    bar: usize,
}

const INDENT: usize = 2;

impl Table {
    fn lines(mut self, columns: usize, pen: Pen, bar: &dyn Fn(usize, usize) -> Line) -> Vec<Line> {
        let longest = self.names.iter().map(|name| name.width()).max().unwrap_or(0);
        let mut name = longest.min(self.names_width);
        let mut least = self.bar;
        let bar_cells = loop {
            let taken = INDENT
                + name
                + 1
                + self.figures.iter().map(|figure| figure.gap + figure.width).sum::<usize>();
            match columns.checked_sub(taken) {
                Some(cells) if cells >= least => break cells,
                _ if self.figures.len() > self.keep => {
                    self.figures.pop();
                }
                _ if name > 8 => name -= 1,
                _ if least > 0 => least = 0,
                _ if self.figures.len() > 1 => {
                    self.figures.pop();
                }
                _ => break 0,
            }
        };
        let start = INDENT + name + 1;
        let mut lines = self.head(columns, start + bar_cells);
        for row in 0..self.names.len() {
            let mut line =
                Line::of(" ".repeat(INDENT)).plain(fit(&self.names[row], name, pen.ascii)).to(start);
            line = line.then(bar(row, bar_cells));
            let mut end = start + bar_cells;
            for figure in &self.figures {
                end += figure.gap + figure.width;
                let cell = &figure.cells[row];
                line = if figure.exact {
                    line.to(end - figure.width).plain(cell.clone())
                } else {
                    line.right(Style::Plain, cell, end)
                };
            }
            lines.push(line);
        }
        lines
    }

    /// The title and, as far as there is room on its line, the legend and the heads of the columns, which
    /// begin at `start`.
    fn head(&self, columns: usize, start: usize) -> Vec<Line> {
        let title = fit(&self.title, columns, true);
        let title = || Line::default().styled(Style::Bold, title.clone());
        let with_heads = |mut line: Line| {
            let mut end = start;
            for figure in &self.figures {
                end += figure.gap + figure.width;
                line = line.right(Style::Plain, &figure.head, end);
            }
            line
        };
        // A head may reach to the left of its column, but not into what stands there.
        let first = self
            .figures
            .first()
            .map_or(columns, |figure| start + figure.gap + figure.width - figure.head.width());
        for (before, gap) in [(3, 2), (1, 2), (1, 1)] {
            let line = title().plain(" ".repeat(before)).then(self.legend.line(gap));
            if line.width() + 2 <= first {
                return vec![with_heads(line)];
            }
        }
        let legend = Line::of(" ".repeat(INDENT)).then(self.legend.line(2));
        let legend = if legend.width() <= columns {
            legend
        } else {
            Line::of(" ".repeat(INDENT)).then(self.legend.line(1))
        };
        if title().width() < first {
            vec![with_heads(title()), legend]
        } else {
            vec![title(), legend, with_heads(Line::default())]
        }
    }
}

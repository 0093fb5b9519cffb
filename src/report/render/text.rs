//! The terminal view: one screen that answers what got worse, where the time went, and what fails.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::chart::{Chart, Column, Legend};
use super::format::{self, ENOUGH};
use super::labels::distinct_labels;
use super::scale::{maximum, ratio, scale_to, stack};
use super::term::{Glyphs, Line, Style, escape_for_display, flow, hang, wrap};
use super::{Options, compare, empty_state, materialize, write_sections, write_wrapped};
use crate::report::grouping::Detail;
use crate::report::model::{Counts, DurationStats, Finding, Group, Population};
use crate::report::summary::Summary;
use crate::units::Seconds;

/// From this width on the heat map and more columns are shown.
const WIDE: usize = 110;
/// Width of the heat map.
const HEAT_MAP_WIDTH: usize = 52;
/// Rows of a chart without `--limit`: what fits one screen.
const SCREEN: usize = 12;

/// A label below the bar of all time, columns.
const LONGEST_LABEL: usize = 40;

/// Writes the overview.
pub fn text(summary: &Summary, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let width = options.terminal_width();
    if let Some(lines) = empty_state(summary, options) {
        return write_wrapped(out, &lines, width);
    }
    let order = (0..summary.groups.len()).collect();
    let durations = format::duration_order(&summary.groups, options.sorted);
    let mut view = Overview {
        summary,
        options,
        glyphs: options.glyphs(),
        width,
        order,
        durations,
        groups: BTreeMap::new(),
    };
    if let Some(comparison) = &summary.comparison {
        let sections = [view.header(), view.totals(), compare::table(comparison, options)];
        return write_sections(sections, options.color, out);
    }
    let detail = Detail::Row { trend: if width >= WIDE { 24 } else { 12 } };
    let shown = [&view.order, &view.durations].map(|order| view.split_at_limit(order).0);
    view.groups = materialize(&summary.groups, shown.concat(), detail);
    let sections = [
        view.header(),
        view.totals(),
        view.invocations(),
        view.outcomes(),
        view.time_shares(),
        view.durations(),
        view.findings(),
        view.when(),
        view.small_sample_note(),
    ];
    write_sections(sections, options.color, out)
}

struct Overview<'a> {
    summary: &'a Summary<'a>,
    options: &'a Options<'a>,
    glyphs: Glyphs,
    width: usize,
    /// Indexes of all groups: in the order asked for, and in that of the duration chart.
    order: Vec<usize>,
    durations: Vec<usize>,
    /// The groups that are shown, by index.
    groups: BTreeMap<usize, Group>,
}

impl Overview<'_> {
    fn header(&self) -> Vec<Line> {
        let period = format::period(self.summary, self.options, self.glyphs.dash());
        let title = format!("Usage report {} {period}", self.glyphs.dot());
        let mut lines = bold(wrap(&title, self.width));
        if let Some(filters) = format::filter_sentence(self.options, self.options.ascii) {
            lines.extend(hang(Line::default(), 5, wrap(&filters, self.width - 5)));
        }
        lines
    }

    fn totals(&self) -> Vec<Line> {
        let counts = &self.summary.totals.counts;
        let mut events = format!("Total events: {}", counts.runs);
        let mut unique = format!("Unique targets: {}", self.summary.unique_targets);
        let width = events.width().max(unique.width());
        if self.width >= 60 {
            events = format!("{events:width$}");
            unique = format!("{unique:width$}");
        }
        let mut first = vec![
            ("", events),
            ("   ", format!("ok {}", counts.ok)),
            ("   ", format!("failed {}", counts.failed)),
            ("   ", format!("interrupted {}", counts.interrupted)),
        ];
        if let Some(success) = format::success_rate(counts, self.options) {
            first.push(("   ", format!("success {success}")));
        }
        let mut time = format::time_tracked(&self.summary.totals).into_iter();
        let total = time.next().unwrap_or_default();
        let mut second = vec![("", unique), ("   ", format!("Total time tracked: {total}"))];
        let last = time.len().saturating_sub(1);
        second.extend(time.enumerate().map(|(at, part)| {
            let (open, close) = (if at == 0 { "(" } else { "" }, if at == last { ")" } else { ";" });
            (" ", format!("{open}{part}{close}"))
        }));
        let mut lines = flow(&first, self.width, 2);
        lines.extend(flow(&second, self.width, 2));
        let mut lines: Vec<Line> = lines.into_iter().map(Line::of).collect();
        for note in format::data_notes(self.summary, self.options) {
            lines.extend(hang(Line::default(), 2, wrap(&note, self.width - 2)));
        }
        lines
    }

    /// The groups that a chart shows, and those that it sums up in one line.
    fn split_at_limit<'a>(&self, order: &'a [usize]) -> (&'a [usize], &'a [usize]) {
        // "and 1 more" would take as much room as the row itself.
        let screen = if order.len() == SCREEN + 1 { SCREEN + 1 } else { SCREEN };
        order.split_at(self.options.limit.unwrap_or(screen).min(order.len()))
    }

    fn remainder(&self, rest: &[usize], what: &str, columns: usize) -> Vec<Line> {
        if rest.is_empty() {
            return Vec::new();
        }
        let mut pieces = vec![
            ("", format!("  and {} more {}:", rest.len(), format::row_noun(self.options.by, rest.len()))),
            (" ", what.to_owned()),
        ];
        if self.options.limit.is_none() {
            pieces.push(("   ", format!("(all: --limit {})", self.summary.groups.len())));
        }
        flow(&pieces, columns, 4).into_iter().map(Line::dim).collect()
    }

    fn rows(&self, places: &[usize]) -> Vec<&Group> {
        places.iter().map(|place| &self.groups[place]).collect()
    }

    fn name(&self, group: &Group) -> String {
        format::display_name(group.name.as_deref(), self.options.ascii)
    }

    fn invocations(&self) -> Vec<Line> {
        let (shown, rest) = self.split_at_limit(&self.order);
        let rows = self.rows(shown);
        let [ok, failed, interrupted] = self.glyphs.outcome_marks();
        let wide = self.width >= WIDE;
        let column = |header, min_width, cell: &dyn Fn(&Group) -> String| {
            Column::new(header, min_width, rows.iter().map(|group| cell(group)).collect())
        };
        let chart = Chart {
            title: self.options.title("Target Invocations"),
            legend: Legend {
                parts: vec![
                    (Style::Green, ok, " ok"),
                    (Style::Red, failed, " failed"),
                    (Style::Dim, interrupted, " interrupted"),
                ],
            },
            names: rows.iter().map(|group| self.name(group)).collect(),
            marks: Vec::new(),
            columns: vec![
                column("runs", 4, &|group| group.counts.runs.to_string()),
                column("ok %", 4, &|group| format::success_rate_or_dash(&group.counts, self.options)),
                column("fail", 4, &|group| group.counts.failed.to_string()),
                column("last", 7, &|group| {
                    group.last_run.map_or("-".into(), |at| format::relative_time(at, self.options.now))
                }),
            ],
            min_columns: 3,
        };
        let max = rows.iter().map(|group| group.counts.runs).max().unwrap_or(0);
        let left = if wide { self.width - HEAT_MAP_WIDTH - 2 } else { self.width };
        let mut lines = chart.lines(left, self.glyphs, &|row, cells| {
            self.glyphs.outcome_bar(format::outcome_counts(&rows[row].counts), max, cells)
        });
        let sum = |count: &dyn Fn(&Counts) -> u64| {
            let counts = rest.iter().map(|&at| self.summary.groups.totals(at).counts);
            counts.fold(0u64, |sum, counts| sum.saturating_add(count(&counts)))
        };
        let runs = format::plural(sum(&|counts| counts.runs), "run", "runs");
        let failed = sum(&|counts| counts.failed);
        lines.extend(self.remainder(rest, &format!("{runs}, {failed} failed"), left));
        if !wide {
            return lines;
        }
        let map = self.heat_map();
        lines.resize(lines.len().max(map.len()), Line::default());
        let map = map.into_iter().chain(std::iter::repeat(Line::default()));
        lines.into_iter().zip(map).map(|(line, map)| line.to(left + 2).then(map)).collect()
    }

    fn heat_map(&self) -> Vec<Line> {
        let counts = &self.summary.by_weekday_and_hour;
        let zone = if self.options.zone_name == "UTC" { "UTC" } else { "local time" };
        let busiest = self.shade(1.0);
        let mut lines = vec![
            Line::default()
                .styled(Style::Bold, "When you run things")
                .plain(format!(" ({zone}, busiest = {busiest})")),
        ];
        let max = counts.iter().flatten().copied().max().unwrap_or(0);
        for (day, hours) in format::WEEKDAYS.iter().zip(counts) {
            let cells: String = hours
                .iter()
                .flat_map(|&count| [if count == 0 { ' ' } else { self.shade(ratio(count, max)) }; 2])
                .collect();
            lines.push(Line::of(format!("{day} ")).to(4).plain(cells));
        }
        let axis: Vec<String> = (0..24).step_by(3).map(|hour| format!("{hour:<6}")).collect();
        let axis = axis.concat();
        lines.push(Line::of("    ").styled(Style::Dim, axis.trim_end()));
        lines
    }

    fn shade(&self, part: f64) -> char {
        let shades = if self.glyphs.ascii { ['.', ':', '+', '#'] } else { ['░', '▒', '▓', '█'] };
        shades[scale_to(part - 0.125, 1.0, 4).min(3)]
    }

    fn outcomes(&self) -> Vec<Line> {
        let counts = &self.summary.totals.counts;
        let cells = self.width - 4;
        let mut lines = bold([String::from("Success vs Failure")]);
        lines.push(Line::of("  ").then(self.glyphs.outcome_bar(
            format::outcome_counts(counts),
            counts.runs,
            cells,
        )));
        let ok = match format::success_rate(counts, self.options) {
            Some(success) => format!("  {} ok ({success})", counts.ok),
            None => format!("  {} ok", counts.ok),
        };
        let mut pieces = vec![
            ("", ok),
            ("   ", format!("{} failed", counts.failed)),
            ("   ", format!("{} interrupted", counts.interrupted)),
        ];
        if counts.interrupted > 0 {
            let note = if self.width >= WIDE {
                "(from outside: counted neither in the success rate nor in the durations)"
            } else {
                "(not counted in the success rate)"
            };
            pieces.push((" ", note.to_owned()));
        }
        lines.extend(flow(&pieces, self.width, 2).into_iter().map(Line::of));
        lines
    }

    /// One bar of all time, and below it whose time it is, as far as a line has room.
    fn time_shares(&self) -> Vec<Line> {
        let groups = &self.summary.groups;
        let total = self.summary.totals.seconds;
        let order = groups.by_time();
        if order.len() < 2 || total <= 0.0 || !total.is_finite() {
            return Vec::new();
        }
        let seconds: Vec<f64> = order.iter().map(|&at| groups.totals(at).seconds).collect();
        let all: f64 = seconds.iter().sum();
        let rest = |shown: usize| match seconds[shown..] {
            [] => 0.0,
            _ => (all - seconds[..shown].iter().sum::<f64>()).max(0.0),
        };
        let percent = |seconds| format::percent_of_time(seconds, total);
        // The more names, the shorter: as many as one line holds, with labels that can still be read.
        let legend = |shown: usize, label_width: usize| {
            // The last one has a name of its own, too, where "1 more" would take its place.
            let named = if order.len() == shown + 1 { order.len() } else { shown };
            let names: Vec<String> = order[..named]
                .iter()
                .map(|&at| format::display_name(groups.name(at), self.options.ascii))
                .collect();
            let labels = distinct_labels(&names, label_width, self.options.ascii);
            let parts = labels.iter().zip(&seconds).zip(self.glyphs.fills()).take(shown);
            let mut pieces: Vec<String> = parts
                .map(|((label, &seconds), fill)| format!("{fill} {label} {}", percent(seconds)))
                .collect();
            match order[shown..] {
                [] => {}
                [_] => {
                    let fill = self.glyphs.rest_fill();
                    pieces.extend(
                        labels.last().map(|label| format!("{fill} {label} {}", percent(rest(shown)))),
                    );
                }
                [..] => {
                    let (fill, more) = (self.glyphs.rest_fill(), order.len() - shown);
                    pieces.push(format!("{fill} {more} more {}", percent(rest(shown))));
                }
            }
            pieces
        };
        let worth_naming = seconds.iter().filter(|&&seconds| seconds >= total / 100.0).count();
        // No two parts are filled alike.
        let most = worth_naming.clamp(1, self.glyphs.fills().len());
        let fits = |shown: usize, label_width: usize| {
            let widths = legend(shown, label_width).iter().map(|piece| piece.width() + 3).sum::<usize>();
            widths <= self.width + 1
        };
        let fitting =
            |label_width: usize| (1..=most).rev().find(|&shown| fits(shown, label_width)).unwrap_or(1);
        let widths = [24, 16, 10];
        let label_width =
            widths.into_iter().find(|&width| fitting(width) >= most.min(3)).unwrap_or(widths[2]);
        let shown = fitting(label_width);
        // What room is left is for longer labels.
        let label_width =
            (label_width..=LONGEST_LABEL).rev().find(|&width| fits(shown, width)).unwrap_or(label_width);
        let parts: Vec<f64> = seconds[..shown].iter().copied().chain([rest(shown)]).collect();
        let fills = self.glyphs.fills().into_iter().take(shown).chain([self.glyphs.rest_fill()]);
        let cells = stack(&parts, parts.iter().sum(), self.width - 4);
        let bar: String = cells.into_iter().zip(fills).map(|(cells, fill)| fill.repeat(cells)).collect();
        let pieces = legend(shown, label_width).into_iter().enumerate();
        let pieces: Vec<(&str, String)> = pieces
            .map(|(at, piece)| if at == 0 { ("", format!("  {piece}")) } else { ("   ", piece) })
            .collect();
        let mut lines =
            vec![Line::bold(self.options.title("Where the time went")), Line::of("  ").plain(bar)];
        lines.extend(flow(&pieces, self.width, 2).into_iter().map(Line::of));
        lines
    }

    fn durations(&self) -> Vec<Line> {
        let (shown, rest) = self.split_at_limit(&self.durations);
        let rows = self.rows(shown);
        let starred = rows.iter().any(|group| group.is_fallback);
        let whisker = rows.iter().any(|group| group.durations().p95.is_some());
        let mut parts = vec![(Style::Plain, "", "bar: average")];
        if whisker {
            parts.push((Style::Dim, if self.glyphs.ascii { "|" } else { "┤" }, ": p95"));
        }
        let star = |group: &&Group| if group.is_fallback { " *" } else { "" };
        let chart = Chart {
            title: self.options.duration_title(),
            legend: Legend { parts },
            names: rows.iter().map(|group| self.name(group)).collect(),
            marks: if starred { rows.iter().map(star).collect() } else { Vec::new() },
            columns: self.duration_columns(&rows, whisker),
            min_columns: 2,
        };
        let max = maximum(rows.iter().flat_map(|group| [group.durations().mean, group.durations().p95]));
        let mut lines = chart.lines(self.width, self.glyphs, &|row, cells| {
            let durations = rows[row].durations();
            self.glyphs.bar_with_whisker(durations.mean, durations.p95, max, cells)
        });
        let time = rest.iter().map(|&at| self.summary.groups.totals(at).seconds).sum();
        lines.extend(self.remainder(rest, &format!("{} in all", Seconds(time)), self.width));
        if starred {
            let note = "never succeeded: the durations are those of its failed runs";
            lines.extend(hang(Line::of("  * "), 4, wrap(note, self.width - 4)));
        }
        lines
    }

    fn duration_columns(&self, rows: &[&Group], p95: bool) -> Vec<Column> {
        let wide = self.width >= WIDE;
        let column = |header, min_width, cell: &dyn Fn(&Group) -> String| {
            Column::new(header, min_width, rows.iter().map(|group| cell(group)).collect())
        };
        let duration = |header, value: &dyn Fn(&DurationStats) -> Option<f64>| {
            column(header, 6, &|group| format::seconds_or_dash(value(group.durations())))
        };
        let mut columns = vec![duration("avg", &|durations| durations.mean)];
        if wide {
            columns.push(duration("median", &|durations| durations.median));
        }
        if p95 {
            columns.push(duration("p95", &|durations| durations.p95));
        }
        if wide {
            columns.push(duration("max", &|durations| durations.max));
        }
        columns.push(column("total", 7, &format::total_time).with_gap(1));
        if wide {
            let total = self.summary.totals.seconds;
            let share = column("share", 5, &|group| format::percent_of_time(group.seconds, total));
            columns.push(share.with_gap(1));
        }
        if rows.iter().any(|group| group.durations().n >= ENOUGH) {
            let (slots, gap) = if wide { (24, 2) } else { (12, 1) };
            let header = &*self.trend_header(wide);
            let trend = column(header, slots, &|group| {
                if group.durations().n < ENOUGH { String::new() } else { self.glyphs.sparkline(&group.trend) }
            });
            columns.push(trend.with_gap(gap).of_drawings());
        }
        columns
    }

    /// What the trend covers: `trend, last 12 weeks`, or from when on if the log is not that long.
    fn trend_header(&self, wide: bool) -> String {
        let Some(trend) = &self.summary.trend else {
            return "trend".to_owned();
        };
        let is_whole = self.summary.period.as_ref().is_none_or(|period| period.from >= trend.from);
        match (is_whole, wide) {
            (true, true) => format!("trend, since {}", format::date((self.options.local)(trend.from).date())),
            (true, false) => format!("trend, {} d", trend.days),
            (false, true) => "trend, last 12 weeks".to_owned(),
            (false, false) => "trend, 12 wk".to_owned(),
        }
    }

    fn findings(&self) -> Vec<Line> {
        if self.summary.findings.is_empty() {
            return Vec::new();
        }
        let mut lines = bold([String::from("Worth a look")]);
        let (shown, rest) = format::split_findings(&self.summary.findings);
        let names: BTreeSet<&str> = shown.iter().map(|finding| &*finding.target).collect();
        let escaped: Vec<String> =
            names.iter().map(|name| escape_for_display(name, self.options.ascii)).collect();
        let labels = distinct_labels(&escaped, (self.width - 10).min(40), self.options.ascii);
        let labels: BTreeMap<&str, String> = names.into_iter().zip(labels).collect();
        for finding in shown {
            let sentence = format::finding_sentence(finding, &labels[&*finding.target], self.options);
            lines.extend(finding_lines(finding, &sentence, 2, self.width, self.glyphs));
        }
        if !rest.is_empty() {
            lines.push(Line::dim(format!("  and {} more: --format json", rest.len())));
        }
        lines
    }

    fn when(&self) -> Vec<Line> {
        let counts = &self.summary.by_weekday_and_hour;
        if self.width >= WIDE || self.summary.totals.counts.runs < ENOUGH {
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
        let gap = if self.glyphs.ascii { " " } else { "" };
        let days: Vec<String> = format::WEEKDAYS
            .iter()
            .zip(self.glyphs.count_levels(&days))
            .map(|(day, level)| format!("{}{gap}{level}", &day[..2]))
            .collect();
        let hours: String = self.glyphs.count_levels(&hours).into_iter().collect();
        let lines = [("Runs by weekday", days.join(" ")), ("by hour", format!("0h {hours} 24h"))];
        let label = lines[0].0.len();
        if label + 2 + lines.iter().map(|(_, cells)| cells.width()).max().unwrap_or(0) <= self.width {
            let line =
                |(what, cells)| Line::default().right(Style::Bold, what, label).plain("  ").plain(cells);
            return lines.map(line).to_vec();
        }
        let lines = lines.map(|(what, cells)| [Line::bold(what), Line::of("  ").plain(cells)]);
        lines.concat()
    }

    fn small_sample_note(&self) -> Vec<Line> {
        let groups = &self.summary.groups;
        let shown = |counts: &Counts| match self.options.durations {
            Population::Ok => counts.ok,
            Population::Failed => counts.failed,
            Population::All => counts.runs,
        };
        if (0..groups.len()).any(|at| shown(&groups.totals(at).counts) >= ENOUGH) {
            return Vec::new();
        }
        let note = format!(
            "(trend and p95 appear from {ENOUGH} successful runs of a target on, slower and faster from about 30)"
        );
        wrap(&note, self.width).into_iter().map(Line::dim).collect()
    }
}

fn bold(lines: impl IntoIterator<Item = String>) -> Vec<Line> {
    lines.into_iter().map(Line::bold).collect()
}

/// A sentence behind the glyph of its kind.
pub fn finding_lines(
    finding: &Finding,
    sentence: &str,
    indent: usize,
    width: usize,
    glyphs: Glyphs,
) -> Vec<Line> {
    let kind = format::finding_kind(finding);
    let style = match kind {
        "faster" => Style::Green,
        "flaky" => Style::Yellow,
        _ => Style::Red,
    };
    let mark = Line::of(" ".repeat(indent)).styled(style, glyphs.finding_mark(kind)).plain(" ");
    hang(mark, indent + 2, wrap(sentence, width - indent - 2))
}

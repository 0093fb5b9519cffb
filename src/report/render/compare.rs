//! `--compare`: what was before a moment beside what has been since, as text, Markdown and CSV.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::csv::{decimal, field};
use super::labels::distinct_labels;
use super::markdown::{escape, escape_duration};
use super::term::{Line, Style, escape_for_display, hang, wrap};
use super::{Options, format};
use crate::report::model::{ComparedGroup, ComparedRuns, Comparison, Direction, GroupBy};

const INDENT: usize = 2;
/// Rows of the terminal's table without `--limit`, as in the charts; those that changed are shown beside them.
const SCREEN: usize = 12;
/// On a narrow terminal columns are dropped before names get narrower than this.
const MIN_NAME: usize = 12;

/// The figures of a row, before and after.
pub const HEADERS: [&str; 4] = ["runs", "success", "median", "p95"];

pub fn figures(runs: &ComparedRuns, options: &Options) -> [String; 4] {
    [
        runs.counts.runs.to_string(),
        format::success_rate_or_dash(&runs.counts, options),
        format::seconds_or_dash(runs.median),
        format::seconds_or_dash(runs.p95),
    ]
}

/// `Before and after 15 Nov 2026`.
pub fn title(comparison: &Comparison, options: &Options) -> String {
    format!("Before and after {}", format::moment((options.local)(comparison.since)))
}

/// What the verdicts mean.
pub fn note(comparison: &Comparison, options: &Options) -> String {
    let shared = match comparison.tests {
        0 | 1 => String::new(),
        tests => format!(" shared among {tests} {}", format::row_noun(options.by, 2)),
    };
    let population = format::population_name(options.durations);
    // Where p is shared among many, it takes a few more.
    let enough = if comparison.rows.iter().any(|row| row.beyond_chance.is_none()) {
        format!(" A verdict takes at least {} such runs on each side.", Comparison::MIN_RUNS)
    } else {
        String::new()
    };
    format!("Durations are of {population}. Beyond chance: p < 0.01{shared} (Mann-Whitney).{enough}")
}

/// What is said of the rows beyond `--limit`. `None`: there are none.
fn remainder(comparison: &Comparison, shown: usize, options: &Options) -> Option<String> {
    let rest = comparison.rows.get(shown..).filter(|rest| !rest.is_empty())?;
    let beyond = rest.iter().filter(|row| is_beyond_chance(row)).count();
    let noun = format::row_noun(options.by, rest.len());
    Some(format!("and {} more {noun}, {beyond} of them changed beyond chance", rest.len()))
}

fn is_beyond_chance(row: &ComparedGroup) -> bool {
    row.beyond_chance == Some(true)
}

/// What a row is marked as: a change beyond chance, if it has a direction.
pub fn change(row: &ComparedGroup) -> Option<Direction> {
    row.direction().filter(|_| is_beyond_chance(row))
}

/// The rows that the terminal and the page show, and what is said of the others: without `--limit` a screen of rows, and of those
/// beyond it the ones that changed.
pub fn screen<'a>(comparison: &'a Comparison, options: &Options) -> (Vec<&'a ComparedGroup>, Option<String>) {
    let all = &comparison.rows;
    if options.limit.is_some() || all.len() <= SCREEN + 1 {
        let shown = options.row_limit(all.len());
        return (all[..shown].iter().collect(), remainder(comparison, shown, options));
    }
    let changed = all[SCREEN..].iter().filter(|row| is_beyond_chance(row));
    let shown: Vec<_> = all[..SCREEN].iter().chain(changed).collect();
    let more = all.len() - shown.len();
    let noun = format::row_noun(options.by, more);
    let rest =
        format!("and {more} more {noun}, none of them changed beyond chance (all: --limit {})", all.len());
    (shown, (more > 0).then_some(rest))
}

/// A column of the terminal's table, whose arrows stand below each other.
struct Column {
    header: &'static str,
    cells: Vec<String>,
    width: usize,
}

impl Column {
    /// One of the figures of all rows.
    fn of(kind: usize, before: &[[String; 4]], after: &[[String; 4]], arrow: &str) -> Self {
        let widest = |side: &[[String; 4]]| side.iter().map(|row| row[kind].width()).max().unwrap_or(0);
        let (left, right) = (widest(before), widest(after));
        let cell = |(before, after): (&[String; 4], &[String; 4])| {
            format!("{:>left$} {arrow} {:>right$}", before[kind], after[kind])
        };
        let header = HEADERS[kind];
        let cells: Vec<String> = before.iter().zip(after).map(cell).collect();
        let width = cells.iter().map(|cell| cell.width()).fold(header.len(), usize::max);
        Self { header, cells, width }
    }
}

/// A table with a row for each group, and its verdict behind it, or on a line below where there is no room.
pub fn table(comparison: &Comparison, options: &Options) -> Vec<Line> {
    let (width, glyphs) = (options.terminal_width(), options.glyphs());
    let (rows, rest) = screen(comparison, options);
    let names: Vec<String> =
        rows.iter().map(|row| format::display_name(row.name.as_deref(), options.ascii)).collect();
    let longest = names.iter().map(|name| name.width()).max().unwrap_or(0);
    let before: Vec<_> = rows.iter().map(|row| figures(&row.before, options)).collect();
    let after: Vec<_> = rows.iter().map(|row| figures(&row.after, options)).collect();
    let mut columns: Vec<Column> =
        (0..HEADERS.len()).map(|kind| Column::of(kind, &before, &after, glyphs.arrow())).collect();
    let name_width = loop {
        let used = INDENT + columns.iter().map(|column| column.width + 2).sum::<usize>();
        if used + longest.min(MIN_NAME) <= width || columns.pop().is_none() {
            break longest.min(width.saturating_sub(used));
        }
    };
    let end_of = |count: usize| {
        INDENT + name_width + columns[..count].iter().map(|column| column.width + 2).sum::<usize>()
    };
    let mut header = Line::default();
    for (at, column) in columns.iter().enumerate() {
        header = header.right(Style::Plain, column.header, end_of(at + 1));
    }
    let verdicts: Vec<String> = rows.iter().map(|row| format::verdict(row)).collect();
    let end = end_of(columns.len());
    let is_beside = verdicts.iter().all(|verdict| end + 4 + verdict.width() <= width);
    let mut lines: Vec<Line> = wrap(&title(comparison, options), width).into_iter().map(Line::bold).collect();
    lines.push(header);
    for (at, label) in distinct_labels(&names, name_width, options.ascii).into_iter().enumerate() {
        let mut line = Line::of(" ".repeat(INDENT)).plain(label);
        for (number, column) in columns.iter().enumerate() {
            line = line.right(Style::Plain, &column.cells[at], end_of(number + 1));
        }
        let style = match change(rows[at]) {
            Some(Direction::Slower) => Style::Red,
            Some(Direction::Faster) => Style::Green,
            None => Style::Plain,
        };
        let mark = change(rows[at]).map_or(" ", |it| glyphs.finding_mark(format::direction_name(it)));
        if is_beside {
            lines.push(line.to(end + 2).styled(style, mark).plain(" ").plain(verdicts[at].clone()));
        } else {
            let before = Line::of(" ".repeat(INDENT + 2)).styled(style, mark).plain(" ");
            lines.push(line);
            lines.extend(hang(before, INDENT + 4, wrap(&verdicts[at], width - INDENT - 4)));
        }
    }
    for note in rest.into_iter().chain([note(comparison, options)]) {
        lines.extend(
            wrap(&note, width - INDENT).into_iter().map(|part| Line::dim(" ".repeat(INDENT) + &part)),
        );
    }
    lines
}

/// Writes the comparison in the place of the table of groups.
pub fn markdown(comparison: &Comparison, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "**{}**\n", title(comparison, options))?;
    writeln!(out, "| {} | {} | verdict |", format::row_noun(options.by, 1), HEADERS.join(" | "))?;
    writeln!(out, "| --- | ---: | ---: | ---: | ---: | --- |")?;
    let shown = options.row_limit(comparison.rows.len());
    for row in &comparison.rows[..shown] {
        let name = escape(&format::display_name(row.name.as_deref(), false));
        let (before, after) = (figures(&row.before, options), figures(&row.after, options));
        let cells = before.iter().zip(&after).map(|(before, after)| format!("{before} → {after}"));
        let cells: Vec<String> =
            cells.chain([format::verdict(row)]).map(|cell| escape_duration(&cell)).collect();
        writeln!(out, "| {name} | {} |", cells.join(" | "))?;
    }
    for note in remainder(comparison, shown, options).into_iter().chain([note(comparison, options)]) {
        writeln!(out, "\n{}", escape_duration(&note))?;
    }
    Ok(())
}

const SIDE_COLUMNS: [&str; 7] =
    ["runs", "ok", "failed", "interrupted", "success_rate", "median_seconds", "p95_seconds"];

/// Writes the table; lines end in CR LF. A missing figure is empty.
pub fn csv(comparison: &Comparison, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let own = match options.by {
        GroupBy::Target => "target",
        GroupBy::Domain => "domain",
    };
    let side = |name: &str| SIDE_COLUMNS.map(|column| format!("{name}_{column}")).join(",");
    write!(out, "{own},{},{},p,beyond_chance\r\n", side("before"), side("after"))?;
    let number = |value: Option<f64>| value.map_or_else(String::new, decimal);
    let cells = |runs: &ComparedRuns| {
        let counts = &runs.counts;
        let [runs_, ok, failed, interrupted] =
            [counts.runs, counts.ok, counts.failed, counts.interrupted].map(|count| count.to_string());
        let [rate, median, p95] = [counts.success_rate(), runs.median, runs.p95].map(number);
        [runs_, ok, failed, interrupted, rate, median, p95].join(",")
    };
    for row in &comparison.rows[..options.row_limit(comparison.rows.len())] {
        let name =
            row.name.as_deref().map_or_else(String::new, |name| field(&escape_for_display(name, false)));
        let beyond = row.beyond_chance.map_or_else(String::new, |beyond| beyond.to_string());
        write!(out, "{name},{},{},{},{beyond}\r\n", cells(&row.before), cells(&row.after), number(row.p))?;
    }
    Ok(())
}

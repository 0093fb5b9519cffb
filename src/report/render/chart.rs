//! A chart of the terminal: for each row a name, a bar and the columns of a table.

use unicode_width::UnicodeWidthStr as _;

use super::labels::distinct_labels;
use super::term::{Glyphs, Line, Style, ellipsize_middle};

/// What the marks of a chart mean.
pub struct Legend {
    /// Style, mark, meaning.
    pub parts: Vec<(Style, &'static str, &'static str)>,
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

/// A column of the table, right-aligned under its header.
pub struct Column {
    header: String,
    cells: Vec<String>,
    width: usize,
    /// Blanks before it.
    gap: usize,
    /// The cells are drawings as wide as the column: their blanks mean something.
    exact: bool,
}

impl Column {
    pub fn new(header: &str, min_width: usize, cells: Vec<String>) -> Self {
        let width = cells.iter().map(|cell| cell.width()).fold(min_width.max(header.width()), usize::max);
        Self { header: header.to_owned(), cells, width, gap: 2, exact: false }
    }

    pub fn with_gap(self, gap: usize) -> Self {
        Self { gap, ..self }
    }

    pub fn of_drawings(self) -> Self {
        Self { exact: true, ..self }
    }
}

/// A title line with the legend and the column headers, then a line for each row.
pub struct Chart {
    pub title: String,
    pub legend: Legend,
    pub names: Vec<String>,
    /// What stands behind each name; empty if nothing does.
    pub marks: Vec<&'static str>,
    pub columns: Vec<Column>,
    /// On a narrow terminal columns are dropped from the right, down to this many.
    pub min_columns: usize,
}

const INDENT: usize = 2;
/// A bar of so many cells can be read well; names take no more than what that leaves.
const GOOD_BAR: usize = 15;
/// On a narrow terminal columns are dropped before names and bars get narrower than this.
const MIN_NAME: usize = 12;
const MIN_BAR: usize = 8;

impl Chart {
    pub fn lines(mut self, width: usize, glyphs: Glyphs, bar: &dyn Fn(usize, usize) -> Line) -> Vec<Line> {
        let mark_width = self.marks.iter().map(|mark| mark.width()).max().unwrap_or(0);
        let longest = self.names.iter().map(|name| name.width()).max().unwrap_or(0) + mark_width;
        let wanted = longest.min(MIN_NAME) + MIN_BAR;
        let room = loop {
            let columns = self.columns.iter().map(|column| column.gap + column.width).sum::<usize>();
            let room = width.saturating_sub(INDENT + 1 + columns);
            let is_least = self.columns.len() <= self.min_columns && room > MIN_BAR;
            if room >= wanted || is_least || self.columns.len() <= 1 {
                break room;
            }
            self.columns.pop();
        };
        // Names get the room that a good bar leaves, and a little of a bar's room if they need it.
        let name_width = longest.min(room.saturating_sub(GOOD_BAR).max(MIN_NAME.min(room)));
        let bar_cells = room - name_width;
        let labels = distinct_labels(&self.names, name_width.saturating_sub(mark_width), glyphs.ascii);
        let start = INDENT + name_width + 1;
        let mut lines = self.header(width, start + bar_cells);
        for (row, label) in labels.into_iter().enumerate() {
            let mark = self.marks.get(row).copied().unwrap_or_default();
            let line = Line::of(" ".repeat(INDENT)).plain(label).plain(mark).to(start);
            let mut line = line.then(bar(row, bar_cells));
            let mut end = start + bar_cells;
            for column in &self.columns {
                end += column.gap + column.width;
                let cell = &column.cells[row];
                line = if column.exact {
                    line.to(end - column.width).plain(cell.clone())
                } else {
                    line.right(Style::Plain, cell, end)
                };
            }
            lines.push(line);
        }
        lines
    }

    /// The title and, as far as there is room on its line, the legend and the column headers, which
    /// begin at `start`.
    fn header(&self, width: usize, start: usize) -> Vec<Line> {
        let title = ellipsize_middle(&self.title, width, true);
        let title = || Line::default().styled(Style::Bold, title.clone());
        let with_headers = |mut line: Line| {
            let mut end = start;
            for column in &self.columns {
                end += column.gap + column.width;
                line = line.right(Style::Plain, &column.header, end);
            }
            line
        };
        // A header may extend to the left of its column, but must not overlap what stands there.
        let first_header = self
            .columns
            .first()
            .map_or(width, |column| start + column.gap + column.width - column.header.width());
        for (before, gap) in [(3, 2), (1, 2), (1, 1)] {
            let line = title().plain(" ".repeat(before)).then(self.legend.line(gap));
            if line.width() + 2 <= first_header {
                return vec![with_headers(line)];
            }
        }
        let legend = Line::of(" ".repeat(INDENT)).then(self.legend.line(2));
        let legend = if legend.width() <= width {
            legend
        } else {
            Line::of(" ".repeat(INDENT)).then(self.legend.line(1))
        };
        if title().width() < first_header {
            vec![with_headers(title()), legend]
        } else {
            vec![title(), legend, with_headers(Line::default())]
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Without bars and figures, a row is its label.
        #[test]
        fn labels_in_one_chart_differ_at_every_width(
            middles in proptest::collection::hash_set("[a-d]{0,9}|[0-9]{3}", 1..30),
            start in "[a-z-]{0,30}", end in "[a-z-]{0,30}", width in 40usize..=200, ascii: bool,
            figure in 0u64..1_000_000,
        ) {
            let names: Vec<String> = middles.iter().map(|middle| format!("{start}{middle}{end}")).collect();
            let cells = vec![figure.to_string(); names.len()];
            let chart = Chart {
                title: "Title".to_owned(),
                legend: Legend { parts: Vec::new() },
                names: names.clone(),
                marks: Vec::new(),
                columns: ["runs", "ok %", "fail", "last"].map(|header| Column::new(header, 7, cells.clone())).into(),
                min_columns: 3,
            };
            let lines = chart.lines(width, Glyphs { ascii }, &|_, cells| Line::of("#".repeat(cells)));
            let rows = &lines[lines.len() - names.len()..];
            let text = |line: &Line| {
                let mut bytes = Vec::new();
                line.write(&mut bytes, false).unwrap();
                String::from_utf8(bytes).unwrap()
            };
            let different: BTreeSet<String> = rows.iter().map(text).collect();
            prop_assert_eq!(different.len(), names.len(), "{:?}", different);
            prop_assert!(rows.iter().all(|row| row.width() <= width));
        }
    }
}

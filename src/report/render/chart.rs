//! A chart of the terminal: for each row a name, a bar and the columns of a table.

use unicode_width::UnicodeWidthStr as _;

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
    pub columns: Vec<Column>,
    /// On a narrow terminal columns are dropped from the right, down to this many.
    pub min_columns: usize,
    /// A longer name is ellipsized.
    pub max_name_width: usize,
    /// Columns are dropped before the bars get shorter than this.
    pub min_bar: usize,
}

const INDENT: usize = 2;

impl Chart {
    pub fn lines(mut self, width: usize, glyphs: Glyphs, bar: &dyn Fn(usize, usize) -> Line) -> Vec<Line> {
        let longest = self.names.iter().map(|name| name.width()).max().unwrap_or(0);
        let mut name_width = longest.min(self.max_name_width);
        let mut min_bar = self.min_bar;
        let bar_cells = loop {
            let taken = INDENT
                + name_width
                + 1
                + self.columns.iter().map(|column| column.gap + column.width).sum::<usize>();
            match width.checked_sub(taken) {
                Some(cells) if cells >= min_bar => break cells,
                _ if self.columns.len() > self.min_columns => {
                    self.columns.pop();
                }
                _ if name_width > 8 => name_width -= 1,
                _ if min_bar > 0 => min_bar = 0,
                _ if self.columns.len() > 1 => {
                    self.columns.pop();
                }
                _ => break 0,
            }
        };
        let start = INDENT + name_width + 1;
        let mut lines = self.header(width, start + bar_cells);
        for row in 0..self.names.len() {
            let mut line = Line::of(" ".repeat(INDENT))
                .plain(ellipsize_middle(&self.names[row], name_width, glyphs.ascii))
                .to(start);
            line = line.then(bar(row, bar_cells));
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

//! Lines of text that know how wide they are on a terminal, and the bars drawn in them.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::scale::{float, ratio, scale_to, stack};

/// The few ways a piece of text can look. Without colour all of them are plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    Bold,
    Dim,
    Green,
    Red,
    Yellow,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Green => "32",
            Self::Red => "31",
            Self::Yellow => "33",
        }
    }
}

/// One line, made from left to right.
#[derive(Clone, Debug, Default)]
pub struct Line {
    spans: Vec<(Style, String)>,
    width: usize,
}

impl Line {
    pub fn of(text: impl Into<String>) -> Self {
        Self::default().plain(text)
    }

    pub fn bold(text: impl Into<String>) -> Self {
        Self::default().styled(Style::Bold, text)
    }

    pub fn dim(text: impl Into<String>) -> Self {
        Self::default().styled(Style::Dim, text)
    }

    pub fn plain(self, text: impl Into<String>) -> Self {
        self.styled(Style::Plain, text)
    }

    pub fn styled(mut self, style: Style, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.width += text.width();
            self.spans.push((style, text));
        }
        self
    }

    /// Pads with blanks up to a column.
    pub fn to(self, column: usize) -> Self {
        let blanks = column.saturating_sub(self.width);
        self.plain(" ".repeat(blanks))
    }

    /// Text that ends at a column.
    pub fn right(self, style: Style, text: &str, end: usize) -> Self {
        let start = end.saturating_sub(text.width());
        self.to(start).styled(style, text)
    }

    pub fn then(mut self, other: Self) -> Self {
        self.width += other.width;
        self.spans.extend(other.spans);
        self
    }

    /// Columns taken on a terminal.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Writes the line without trailing blanks.
    pub fn write(&self, out: &mut dyn Write, color: bool) -> io::Result<()> {
        let mut spans: Vec<(Style, &str)> =
            self.spans.iter().map(|(style, text)| (*style, &**text)).collect();
        while let Some((_, text)) = spans.last_mut() {
            *text = text.trim_end_matches(' ');
            if !text.is_empty() {
                break;
            }
            spans.pop();
        }
        for (style, text) in spans {
            if color && style != Style::Plain {
                write!(out, "\x1b[{}m{text}\x1b[0m", style.code())?;
            } else {
                out.write_all(text.as_bytes())?;
            }
        }
        out.write_all(b"\n")
    }
}

/// Makes a name safe to show: control characters, bidirectional controls and invisible characters become
/// `\u{1b}`. With `ascii`, so does everything that is not ASCII.
pub fn escape_for_display(name: &str, ascii: bool) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        // A combining mark at the start would join the blank before the name.
        let joins = text.is_empty() && c.width() == Some(0);
        match c {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            _ if needs_escape(c) || joins || ascii && !c.is_ascii() => text.extend(c.escape_unicode()),
            _ => text.push(c),
        }
    }
    text
}

/// Control characters, bidirectional controls, and characters that show nothing.
fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

pub fn ellipsis(ascii: bool) -> &'static str {
    if ascii { ".." } else { "…" }
}

/// Cuts text to a width: its beginning and its end around an ellipsis.
pub fn ellipsize_middle(text: &str, columns: usize, ascii: bool) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mark = ellipsis(ascii);
    if columns <= mark.width() {
        return prefix(text, columns).to_owned();
    }
    let room = columns - mark.width();
    let end = suffix(text, room * 2 / 5);
    let end = if end.chars().next().is_some_and(|c| c.width() == Some(0)) { "" } else { end };
    let beginning = prefix(text, room - end.width());
    let cut = format!("{beginning}{mark}{end}");
    // In some scripts the joined text is wider than its parts.
    if cut.width() <= columns { cut } else { format!("{beginning}{mark}") }
}

pub fn prefix(text: &str, columns: usize) -> &str {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        if text[..next].width() > columns {
            break;
        }
        end = next;
    }
    &text[..end]
}

pub fn suffix(text: &str, columns: usize) -> &str {
    let mut start = text.len();
    for (at, _) in text.char_indices().rev() {
        if text[at..].width() > columns {
            break;
        }
        start = at;
    }
    &text[start..]
}

/// Breaks text at blanks into lines of at most so many columns, and within a word only if the word is longer
/// than a line. A figure stays with its unit.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    let mut line = String::new();
    for mut word in unbreakable_parts(text) {
        if !line.is_empty() {
            if line.width() + 1 + word.width() <= columns {
                line.push(' ');
                line.push_str(word);
                continue;
            }
            lines.push(std::mem::take(&mut line));
        }
        while word.width() > columns {
            let head = prefix(word, columns);
            let head = if head.is_empty() { word } else { head };
            lines.push(head.to_owned());
            word = &word[head.len()..];
        }
        word.clone_into(&mut line);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Splits text at the blanks where a line may break: not in `3m 05s`, `41 %` and `p < 0.001`. Leading blanks
/// belong to the first part.
fn unbreakable_parts(text: &str) -> Vec<&str> {
    let indent = text.len() - text.trim_start_matches(' ').len();
    let mut words = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(' ').filter(|&(at, _)| at >= indent) {
        let before = text[start..at].rsplit(' ').next().unwrap_or_default();
        let after = text[at + 1..].split(' ').next().unwrap_or_default();
        if !must_not_break(before, after) {
            words.push(&text[start..at]);
            start = at + 1;
        }
    }
    words.push(&text[start..]);
    words
}

fn must_not_break(before: &str, after: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let larger = before.trim_start_matches('(').strip_suffix(['d', 'h', 'm']).is_some_and(is_number);
    let smaller = after.get(..2).is_some_and(is_number) && after[2..].starts_with(['h', 'm', 's']);
    let weekly = is_number(before.trim_start_matches('(')) && matches!(after, "min" | "h")
        || matches!((before, after), ("min" | "h", "a") | ("a", "week)"));
    larger && smaller || weekly || after.starts_with('%') || matches!(before, "(p" | "p" | "<" | "=")
}

/// Puts pieces on as few lines as possible. Each comes with the separator before it, which is left out where a
/// line begins; further lines begin at `indent`.
pub fn flow(pieces: &[(&str, String)], columns: usize, indent: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (between, piece) in pieces {
        match lines.last_mut() {
            Some(line) if line.width() + between.width() + piece.width() <= columns => {
                line.push_str(between);
                line.push_str(piece);
            }
            _ => {
                let blanks = " ".repeat(if lines.is_empty() { 0 } else { indent });
                lines.extend(
                    wrap(piece, columns - blanks.len()).into_iter().map(|part| format!("{blanks}{part}")),
                );
            }
        }
    }
    lines
}

/// Puts a prefix before the first of some texts, and blanks before the others.
pub fn hang(prefix: Line, indent: usize, texts: impl IntoIterator<Item = String>) -> Vec<Line> {
    let mut texts = texts.into_iter();
    let first = prefix.plain(texts.next().unwrap_or_default());
    std::iter::once(first).chain(texts.map(|text| Line::of(" ".repeat(indent)).plain(text))).collect()
}

/// The characters that drawings are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyphs {
    pub ascii: bool,
}

impl Glyphs {
    /// A bar of `value / max` of the cells, in eighths of a cell. Any value above 0 shows.
    pub fn bar(self, value: f64, max: f64, cells: usize) -> String {
        if self.ascii {
            let whole = scale_to(value, max, cells);
            return "#".repeat(if value > 0.0 { whole.max(1).min(cells) } else { 0 });
        }
        let eighths = scale_to(value, max, cells * 8);
        let eighths = if value > 0.0 { eighths.max(1).min(cells * 8) } else { 0 };
        let mut bar = "█".repeat(eighths / 8);
        bar.push_str(["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]);
        bar
    }

    /// One of eight heights; in ASCII one of ten digits, 0 the lowest.
    pub fn level(self, part: f64) -> char {
        if self.ascii {
            char::from(b"0123456789"[scale_to(part, 1.0, 9)])
        } else {
            ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'][scale_to(part, 1.0, 7)]
        }
    }

    /// One level for each value, a blank where there is none. The scale runs from the lowest to the highest
    /// value, but over at least a quarter of the median, so that noise of a few percent looks flat.
    pub fn sparkline(self, values: &[Option<f64>]) -> String {
        let mut known: Vec<f64> =
            values.iter().flatten().copied().filter(|value| value.is_finite()).collect();
        known.sort_by(f64::total_cmp);
        let (Some(&low), Some(&high)) = (known.first(), known.last()) else {
            return " ".repeat(values.len());
        };
        let least = known[known.len() / 2].abs() * 0.25;
        let span = (high - low).max(least);
        let bottom = low - (span - (high - low)) / 2.0;
        let part = |value: f64| if span > 0.0 { (value - bottom) / span } else { 0.5 };
        values.iter().map(|value| value.map_or(' ', |value| self.level(part(value)))).collect()
    }

    /// Counts as levels relative to the greatest; 0 is a dot.
    pub fn count_levels(self, counts: &[u64]) -> Vec<char> {
        let max = counts.iter().copied().max().unwrap_or(0);
        counts
            .iter()
            .map(|&count| match count {
                0 if self.ascii => '.',
                0 => '·',
                _ => self.level(ratio(count, max)),
            })
            .collect()
    }

    /// The value as a bar, and a whisker from its end to the p95.
    pub fn bar_with_whisker(self, value: Option<f64>, p95: Option<f64>, max: f64, cells: usize) -> Line {
        let Some(value) = value else {
            return Line::default();
        };
        let line = Line::of(self.bar(value, max, cells));
        let end = p95.map_or(0, |p95| scale_to(p95, max, cells));
        if end <= line.width() {
            return line;
        }
        let (dash, tip) = if self.ascii { ("-", "|") } else { ("─", "┤") };
        let dashes = dash.repeat(end - line.width() - 1);
        line.styled(Style::Dim, dashes).styled(Style::Dim, tip)
    }

    /// A stacked bar of ok, failed and interrupted runs. If all are ok, it is drawn to an eighth of a cell.
    pub fn outcome_bar(self, parts: [u64; 3], max: u64, cells: usize) -> Line {
        let drawn = stack(&parts.map(float), float(max), cells);
        let [ok, failed, interrupted] = parts;
        if failed == 0 && interrupted == 0 {
            return Line::default().styled(Style::Green, self.bar(float(ok), float(max), cells));
        }
        let styles = [Style::Green, Style::Red, Style::Dim];
        let segments = drawn.into_iter().zip(self.outcome_marks()).zip(styles);
        segments.fold(Line::default(), |line, ((cells, mark), style)| line.styled(style, mark.repeat(cells)))
    }

    /// How ok, failed and interrupted runs are drawn.
    pub fn outcome_marks(self) -> [&'static str; 3] {
        if self.ascii { ["#", "x", "-"] } else { ["█", "▒", "░"] }
    }

    /// Fills of the segments of a bar, one after the other.
    pub fn fills(self) -> [&'static str; 4] {
        if self.ascii { ["#", "=", "+", "-"] } else { ["█", "▓", "▒", "░"] }
    }

    /// The fill of the segment that stands for all the rest.
    pub fn rest_fill(self) -> &'static str {
        if self.ascii { "." } else { "·" }
    }

    /// What stands before a finding of a kind (see [`super::format::finding_kind`]).
    pub fn finding_mark(self, kind: &str) -> &'static str {
        match (kind, self.ascii) {
            ("slower", true) => "^",
            ("slower", false) => "▲",
            ("faster", true) => "v",
            ("faster", false) => "▼",
            ("failing", true) => "x",
            ("failing", false) => "✗",
            (_, true) => "~",
            (_, false) => "≈",
        }
    }

    pub fn dash(self) -> &'static str {
        if self.ascii { "-" } else { "–" }
    }

    pub fn dot(self) -> &'static str {
        if self.ascii { "-" } else { "·" }
    }

    pub fn arrow(self) -> &'static str {
        if self.ascii { "->" } else { "→" }
    }

    pub fn times(self) -> &'static str {
        if self.ascii { "x" } else { "×" }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UTF8: Glyphs = Glyphs { ascii: false };
    const ASCII: Glyphs = Glyphs { ascii: true };

    #[test]
    fn escape_for_display_covers_control_and_bidi_characters() {
        #[track_caller]
        fn case(name: &str, text: &str) {
            assert_eq!(escape_for_display(name, false), text);
        }
        case("apply", "apply");
        case("déjà vu", "déjà vu");
        case("a\u{1b}[31mb", "a\\u{1b}[31mb");
        case("a\nb\tc\r", "a\\nb\\tc\\r");
        case("a\u{7f}\u{9b}", "a\\u{7f}\\u{9b}");
        case("ab\u{202e}cd\u{2066}", "ab\\u{202e}cd\\u{2066}");
        case("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}");
        case("\u{301}a\u{301}", "\\u{301}a\u{301}");
    }

    #[test]
    fn ascii_display_escapes_non_ascii_characters() {
        assert_eq!(escape_for_display("déjà", true), "d\\u{e9}j\\u{e0}");
    }

    #[test]
    fn ellipsize_middle_keeps_beginning_and_end() {
        assert_eq!(ellipsize_middle("ansible-playbook", 16, false), "ansible-playbook");
        assert_eq!(ellipsize_middle("ansible-playbook", 12, false), "ansible…book");
        assert_eq!(ellipsize_middle("ansible-playbook", 12, true), "ansibl..book");
        assert_eq!(ellipsize_middle("日本語の名前", 7, false).width(), 7);
        assert_eq!(ellipsize_middle("日本語", 1, false), "");
    }

    #[test]
    fn bar_has_eighths_of_a_cell_and_shows_any_nonzero_value() {
        assert_eq!(UTF8.bar(1.0, 2.0, 3), "█▌");
        assert_eq!(UTF8.bar(1e-9, 2.0, 3), "▏");
        assert_eq!(UTF8.bar(0.0, 2.0, 3), "");
        assert_eq!(UTF8.bar(9.0, 2.0, 3), "███");
        assert_eq!(UTF8.bar(1.0, 2.0, 0), "");
        assert_eq!(ASCII.bar(1e-9, 2.0, 3), "#");
        assert_eq!(ASCII.bar(0.0, 0.0, 3), "");
    }

    #[test]
    fn sparkline_of_few_percent_noise_is_flat() {
        let flat = UTF8.sparkline(&[Some(1.0), Some(1.03), None, Some(0.97)]);
        assert_eq!(flat, "▅▅ ▄");
        assert_eq!(UTF8.sparkline(&[Some(1.0), Some(4.0), None, Some(8.0)]), "▁▄ █");
        assert_eq!(ASCII.sparkline(&[Some(1.0), Some(4.5), None, Some(8.0)]), "05 9");
        assert_eq!(UTF8.sparkline(&[None, None]), "  ");
        assert_eq!(UTF8.sparkline(&[Some(0.0)]), "▅");
    }

    #[test]
    fn wrap_breaks_at_spaces_and_keeps_a_figure_with_its_unit() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("took 3m 05s, or 41 % more", 9), ["took", "3m 05s,", "or 41 %", "more"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("  one two", 6), ["  one", "two"]);
        assert_eq!(wrap("one  two", 6), ["one ", "two"]);
    }

    #[test]
    fn styled_line_ends_with_reset_and_without_trailing_spaces() {
        let line = Line::of("a").styled(Style::Red, "b").plain("c").to(9);
        let mut colored = Vec::new();
        line.write(&mut colored, true).unwrap();
        assert_eq!(String::from_utf8(colored).unwrap(), "a\x1b[31mb\x1b[0mc\n");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn ellipsized_and_wrapped_text_fits_its_columns(name in "(?s).{0,40}", columns in 2usize..60, ascii: bool) {
            let text = escape_for_display(&name, ascii);
            prop_assert!(ellipsize_middle(&text, columns, ascii).width() <= columns);
            prop_assert!(!ascii || text.is_ascii());
            prop_assert!(text.chars().all(|c| !c.is_control()));
            for line in wrap(&text, columns) {
                prop_assert!(line.width() <= columns);
            }
        }

        #[test]
        fn outcome_bar_never_exceeds_its_cells(parts: [u64; 3], max: u64, cells in 0usize..200) {
            prop_assert!(UTF8.outcome_bar(parts, max, cells).width() <= cells);
            prop_assert!(ASCII.outcome_bar(parts, max, cells).width() <= cells);
        }
    }
}

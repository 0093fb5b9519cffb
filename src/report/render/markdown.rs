//! A Markdown table with the columns of the CSV, for an issue or a wiki.

use std::io::{self, Write};

use super::term::escape_for_display;
use super::{Options, csv, empty_state};
use crate::report::grouping::Detail;
use crate::report::model::Group;
use crate::report::summary::Summary;

/// Writes the table, or the reason why there is none.
pub fn markdown(summary: &Summary, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    if let Some(lines) = empty_state(summary, options) {
        return writeln!(out, "{}", lines.iter().map(|line| escape(line)).collect::<Vec<_>>().join("\n"));
    }
    let header = csv::header(options.by);
    writeln!(out, "| {} |", header.join(" | "))?;
    let rules: Vec<&str> =
        (0..header.len()).map(|at| if at == 0 || at >= header.len() - 2 { "---" } else { "---:" }).collect();
    writeln!(out, "| {} |", rules.join(" | "))?;
    let rows = options.row_limit(summary.groups.len());
    let row = |group: Group| {
        let name =
            group.name.as_deref().map_or_else(String::new, |name| escape(&escape_for_display(name, false)));
        let cells = csv::cells(&group).map(|cell| if cell.is_empty() { "-".to_owned() } else { cell });
        format!("| {name} | {} |\n", cells.join(" | "))
    };
    for row in summary.groups.materialise_range(0..rows, Detail::Row { trend: 0 }, row) {
        out.write_all(row.as_bytes())?;
    }
    match summary.groups.len() - rows {
        0 => Ok(()),
        more => writeln!(out, "\nand {more} more"),
    }
}

/// Escapes what Markdown, and what GitHub and GitLab make of it, would act on.
fn escape(text: &str) -> String {
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

//! A Markdown table with the columns of the CSV, for an issue or a wiki.

use std::io::{self, Write};

use super::term::escape_for_display;
use super::{Options, empty_state, table};
use crate::report::grouping::Detail;
use crate::report::model::Group;
use crate::report::summary::Summary;

/// Writes the table, or the reason why there is none.
pub fn markdown(summary: &Summary, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    if let Some(lines) = empty_state(summary, options) {
        return writeln!(out, "{}", lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("\n"));
    }
    let heads = table::heads(options.by);
    writeln!(out, "| {} |", heads.join(" | "))?;
    let rules: Vec<&str> =
        (0..heads.len()).map(|at| if at == 0 || at >= heads.len() - 2 { "---" } else { "---:" }).collect();
    writeln!(out, "| {} |", rules.join(" | "))?;
    let rows = options.row_limit(summary.groups.len());
    let row = |group: Group| {
        let name =
            group.name.as_deref().map_or_else(String::new, |name| escaped(&escape_for_display(name, false)));
        let figures =
            table::figures(&group).map(|figure| if figure.is_empty() { "-".to_owned() } else { figure });
        format!("| {name} | {} |\n", figures.join(" | "))
    };
    for row in summary.groups.materialise_range(0..rows, Detail::Row { trend: 0 }, row) {
        out.write_all(row.as_bytes())?;
    }
    match summary.groups.len() - rows {
        0 => Ok(()),
        more => writeln!(out, "\nand {more} more"),
    }
}

/// Text that Markdown shows as it is.
fn escaped(text: &str) -> String {
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
    fn names_are_shown_and_do_nothing() {
        assert_eq!(escaped("a|b"), "a\\|b");
        assert_eq!(escaped("<b>*x*</b> & [y](z) `c`"), "&lt;b&gt;\\*x\\*&lt;/b&gt; &amp; \\[y\\](z) \\`c\\`");
        assert_eq!(escaped("@someone #12"), "\\@someone \\#12");
        assert_eq!(escaped("apply-infra"), "apply-infra");
    }
}

//! Comma-separated values (RFC 4180): a header, then a row a target. A control character in a name is written
//! out as in every view, because what is a table for one reader is a terminal's input for another.

use std::io::{self, Write};

use super::term::escape_for_display;
use super::{Options, table};
use crate::report::grouping::Detail;
use crate::report::model::Group;
use crate::report::summary::Summary;

/// Writes the table; lines end in CR LF.
pub fn csv(summary: &Summary, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{}\r\n", table::heads(options.by).join(","))?;
    let row = |group: Group| {
        let name =
            group.name.as_deref().map_or_else(String::new, |name| field(&escape_for_display(name, false)));
        format!("{name},{}\r\n", table::figures(&group).join(","))
    };
    for row in summary.groups.materialise_range(
        0..options.row_limit(summary.groups.len()),
        Detail::Row { trend: 0 },
        row,
    ) {
        out.write_all(row.as_bytes())?;
    }
    Ok(())
}

/// A name as a field. A spreadsheet would run what begins like a formula, so that gets an apostrophe.
fn field(name: &str) -> String {
    let guard = if name.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if name.contains(['"', ',', '\n', '\r']) || name.starts_with(' ') || name.ends_with(' ') {
        format!("\"{guard}{}\"", name.replace('"', "\"\""))
    } else {
        format!("{guard}{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_never_formulas() {
        assert_eq!(field("apply"), "apply");
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field("a\"b\nc"), "\"a\"\"b\nc\"");
        assert_eq!(field("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
        assert_eq!(field("@a,b"), "\"'@a,b\"");
        assert_eq!(field("-x"), "'-x");
        assert_eq!(field(" a"), "\" a\"");
    }
}

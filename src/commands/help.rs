//! Shows the help, or the version.

use std::io::{self, IsTerminal as _, Write as _};

use super::env;
use super::output::Standard;
use crate::sys::fd;

/// # Errors
/// As write(2).
pub fn show(text: &str) -> io::Result<()> {
    fd::sanitize_standard_fds();
    let mut out = Standard::open();
    if env::wants_color(io::stdout().is_terminal()) {
        out.write_all(with_bold_headings(text).as_bytes())?;
    } else {
        out.write_all(text.as_bytes())?;
    }
    out.flush()
}

/// A heading is a word at the start of a line, up to its colon.
fn with_bold_headings(text: &str) -> String {
    let bold = |line: &str| match line.split_once(':') {
        Some((heading, rest)) if !heading.is_empty() && !heading.contains(' ') => {
            format!("\u{1b}[1m{heading}:\u{1b}[0m{rest}")
        }
        _ => line.to_owned(),
    };
    text.split_inclusive('\n').map(bold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_of_the_help_are_bold_and_nothing_else() {
        assert_eq!(
            with_bold_headings("A tool: good\n\nUsage: tm-run\nOptions:\n  -h: x\n"),
            "A tool: good\n\n\u{1b}[1mUsage:\u{1b}[0m tm-run\n\u{1b}[1mOptions:\u{1b}[0m\n  -h: x\n"
        );
    }
}

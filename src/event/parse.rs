//! From the bytes of a line to its fields.
//!
//! [`lenient`] decides what a line means. [`scanner`] is many times faster and reads only lines of one exact layout, the
//! one that tm-run writes; when it is not sure, it says `None`. A test holds both to the same answer.

pub mod lenient;
pub mod scanner;

/// What a readable line holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedEvent {
    /// Since 1970, UTC. `None`: no readable timestamp, which is an event all the same.
    pub micros: Option<i64>,
    pub target: String,
    /// Empty: no domain.
    pub domain: String,
    /// Finite and not negative. `None`: missing, negative, or Python's `NaN` or `Infinity`.
    pub seconds: Option<f64>,
    /// `None`: missing, or null.
    pub exit_code: Option<i64>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ParsedLine {
    Event(ParsedEvent),
    Blank,
    /// A torn line can still have a whole one glued to it.
    Unreadable(Option<ParsedEvent>),
}

impl ParsedLine {
    /// The line comes without its line feed.
    pub fn parse(line: &[u8]) -> Self {
        // The byte order mark that some editors put at the start of a file.
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        if let Some(event) = lenient::parse(line) {
            Self::Event(event)
        } else if line.trim_ascii().is_empty() {
            Self::Blank
        } else {
            Self::Unreadable(glued_object_start(line).and_then(|at| lenient::parse(&line[at..])))
        }
    }
}

/// Where the second object starts in a line that was glued to a torn one.
pub fn glued_object_start(line: &[u8]) -> Option<usize> {
    memchr::memmem::rfind(line, b"{\"timestamp\"").filter(|&at| at > 0)
}

/// The text between the quotes of a JSON string, if it has no escapes.
fn plain_str(text: &[u8]) -> Option<&str> {
    if text.iter().any(|&byte| byte < b' ' || byte == b'\\' || byte == b'"') {
        return None;
    }
    str::from_utf8(text).ok()
}

#[cfg(test)]
pub mod tests;

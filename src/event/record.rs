//! The event as a line of the log: five fields, always in this order and in these bytes.
//!
//! ```text
//! {"timestamp": "2026-02-14T10:30:00+00:00", "target": "apply", "domain": null, "duration_seconds": 45.0, "exit_code": 0}
//! ```
//!
//! The separators are those of Python's json module, because people grep for `"target": "apply"`.

use std::borrow::Cow;
use std::io::Write as _;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};

/// A run as it is recorded. There is no sixth field: what is not here cannot be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When the command ended.
    pub timestamp: DateTime<Utc>,
    pub target: String,
    pub domain: Option<String>,
    /// Wall time; finite.
    pub duration_seconds: Option<f64>,
    /// The code, or 128+n for death by signal n.
    pub exit_code: i64,
}

impl Event {
    /// A line of the log with its line feed, the duration rounded to milliseconds.
    pub fn to_line(&self) -> Vec<u8> {
        self.encode(push_milliseconds)
    }

    /// The same with all digits of the duration, for events of other loggers.
    pub fn to_exact_line(&self) -> Vec<u8> {
        self.encode(push_exact)
    }

    fn encode(&self, push_seconds: fn(&mut Vec<u8>, f64)) -> Vec<u8> {
        let mut buffer =
            Vec::with_capacity(128 + self.target.len() + self.domain.as_ref().map_or(0, String::len));
        let line = &mut buffer;
        let t = &self.timestamp;
        push(
            line,
            format_args!(
                r#"{{"timestamp": "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+00:00", "target": "#,
                t.year(),
                t.month(),
                t.day(),
                t.hour(),
                t.minute(),
                t.second()
            ),
        );
        push_json_string(line, &self.target);
        line.extend_from_slice(br#", "domain": "#);
        match &self.domain {
            Some(domain) => push_json_string(line, domain),
            None => line.extend_from_slice(b"null"),
        }
        line.extend_from_slice(br#", "duration_seconds": "#);
        match self.duration_seconds {
            Some(seconds) => push_seconds(line, seconds),
            None => line.extend_from_slice(b"null"),
        }
        push(line, format_args!(", \"exit_code\": {}}}\n", self.exit_code));
        buffer
    }
}

fn push(line: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a Vec does not fail.
    let _ = line.write_fmt(text);
}

fn push_json_string(line: &mut Vec<u8>, text: &str) {
    // A string can always be written as JSON.
    let text = serde_json::to_string(text).unwrap_or_default();
    line.extend_from_slice(escape_controls(&text).as_bytes());
}

/// Escapes U+007F to U+009F: JSON allows them as they are, but a terminal would obey them.
pub fn escape_controls(json: &str) -> Cow<'_, str> {
    if !json.contains(|c: char| ('\u{7f}'..='\u{9f}').contains(&c)) {
        return json.into();
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' => {
                escaped.push_str("\\u00");
                escaped.extend(
                    [4, 0].into_iter().filter_map(|bits| char::from_digit(c as u32 >> bits & 15, 16)),
                );
            }
            _ => escaped.push(c),
        }
    }
    escaped.into()
}

/// The shortest digits that mean this number, with a decimal point and without an exponent.
fn push_exact(line: &mut Vec<u8>, seconds: f64) {
    let start = line.len();
    push(line, format_args!("{seconds}"));
    if !line[start..].contains(&b'.') {
        line.extend_from_slice(b".0");
    }
}

/// Rounded to milliseconds, with a decimal point and without an exponent.
fn push_milliseconds(line: &mut Vec<u8>, seconds: f64) {
    let start = line.len();
    push(line, format_args!("{seconds:.3}"));
    while line.ends_with(b"0") && !line.ends_with(b".0") {
        line.pop();
    }
    if &line[start..] == b"-0.0" {
        line.remove(start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event {
            timestamp: DateTime::from_timestamp(1_771_065_000, 999_999_999).unwrap(),
            target: "apply".into(),
            domain: None,
            duration_seconds: Some(45.0),
            exit_code: 0,
        }
    }

    #[test]
    fn event_line_has_the_documented_layout() {
        let line = r#"{"timestamp": "2026-02-14T10:30:00+00:00", "target": "apply", "domain": null, "duration_seconds": 45.0, "exit_code": 0}"#;
        assert_eq!(String::from_utf8(event().to_line()).unwrap(), format!("{line}\n"));
    }

    #[test]
    fn names_are_written_with_json_escapes() {
        let event = Event { target: "a\"b\\c\u{1b}é\n".into(), domain: Some("pro".into()), ..event() };
        let line = String::from_utf8(event.to_line()).unwrap();
        assert!(line.contains(r#""target": "a\"b\\c\u001bé\n", "domain": "pro", "#), "{line}");
        assert_eq!(line.matches('\n').count(), 1);
        let event = Event { target: "\u{7f}\u{9b}31m\u{a0}".into(), ..event };
        let line = String::from_utf8(event.to_line()).unwrap();
        assert!(line.contains("\"target\": \"\\u007f\\u009b31m\u{a0}\""), "{line}");
        assert_eq!(crate::event::parse::lenient::parse(line.as_bytes()).unwrap().target, event.target);
    }

    #[test]
    fn durations_are_rounded_to_milliseconds_and_keep_a_decimal_point() {
        #[track_caller]
        fn case(duration_seconds: f64, text: &str) {
            let line =
                String::from_utf8(Event { duration_seconds: Some(duration_seconds), ..event() }.to_line())
                    .unwrap();
            assert!(line.contains(&format!(r#""duration_seconds": {text}, "#)), "{line}");
        }
        case(0.0, "0.0");
        case(-0.0, "0.0");
        case(-0.0001, "0.0");
        case(0.0004, "0.0");
        case(0.0006, "0.001");
        case(1.25, "1.25");
        case(100.0, "100.0");
        case(12.3456, "12.346");
        case(-1.5, "-1.5");
        case(1e17, "100000000000000000.0");
    }
}

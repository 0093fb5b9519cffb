//! The event as a line of the log: five fields, always in this order and in these bytes.
//!
//! ```text
//! {"timestamp": "2026-02-14T10:30:00+00:00", "target": "apply", "domain": null, "duration_seconds": 45.0, "exit_code": 0}
//! ```
//!
//! The separators are those of Python's json module, because people grep for `"target": "apply"`.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};

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
        self.encode(milliseconds)
    }

    /// The same with all digits of the duration, for events of other loggers.
    pub fn to_exact_line(&self) -> Vec<u8> {
        self.encode(exact)
    }

    // Not by format!, which is code that a run has no other use for: to load it takes longer than to execute it.
    fn encode(&self, number: impl Fn(f64) -> String) -> Vec<u8> {
        let null = || "null".to_owned();
        let mut line =
            String::with_capacity(128 + self.target.len() + self.domain.as_ref().map_or(0, String::len));
        line.push_str(r#"{"timestamp": ""#);
        line.push_str(&self.timestamp.to_rfc3339_opts(SecondsFormat::Secs, false));
        line.push_str(r#"", "target": "#);
        line.push_str(&json_string(&self.target));
        line.push_str(r#", "domain": "#);
        line.push_str(&self.domain.as_deref().map_or_else(null, json_string));
        line.push_str(r#", "duration_seconds": "#);
        line.push_str(&self.duration_seconds.map_or_else(null, number));
        line.push_str(r#", "exit_code": "#);
        line.push_str(&self.exit_code.to_string());
        line.push_str("}\n");
        line.into_bytes()
    }
}

#[inline]
fn json_string(text: &str) -> String {
    // A string can always be written as JSON.
    let text = serde_json::to_string(text).unwrap_or_default();
    escape_controls(&text).into_owned()
}

/// Escapes U+007F to U+009F: JSON allows them as they are, but a terminal would obey them.
#[inline]
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
fn exact(number: f64) -> String {
    let mut digits = number.to_string();
    if !digits.contains('.') {
        digits.push_str(".0");
    }
    digits
}

/// Rounded to three digits behind the decimal point, without an exponent.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 2^53")]
fn milliseconds(seconds: f64) -> String {
    let rounded = seconds.abs() * 1000.0 + 0.5;
    if rounded > 9e15 {
        // No double of that size has more digits there.
        return exact(seconds);
    }
    let milliseconds = rounded as u64;
    // The 1 keeps the zeros behind it.
    let fraction = (1000 + milliseconds % 1000).to_string();
    let mut number = (milliseconds / 1000).to_string();
    number.push('.');
    number.push_str(&fraction[1..2]);
    number.push_str(fraction[2..].trim_end_matches('0'));
    if seconds < 0.0 && milliseconds > 0 {
        number.insert(0, '-');
    }
    number
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
        case(2.0005, "2.001");
        case(0.9996, "1.0");
        case(-0.0006, "-0.001");
        case(8_999_999_999_999.999, "8999999999999.998");
        case(1e13 + 0.5, "10000000000000.5");
        case(1e17, "100000000000000000.0");
    }
}

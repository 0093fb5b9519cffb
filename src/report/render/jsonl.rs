//! The events themselves, in the log's own layout.

use std::io::{self, Write};

use chrono::{DateTime, Timelike as _, Utc};

use crate::event::Event;

/// Writes an event as a line of the log, with the fraction of its second if it has one. An event whose time
/// could not be read (no `moment`) keeps none: `null`.
pub fn jsonl(moment: Option<DateTime<Utc>>, event: &Event, out: &mut dyn Write) -> io::Result<()> {
    const OFFSET: &[u8] = b"+00:00\"";
    let line = event.to_exact_line();
    if moment.is_none() {
        const TIME: &[u8] = br#"{"timestamp": "#;
        let rest = line.iter().position(|&byte| byte == b',').map_or(&line[..0], |comma| &line[comma..]);
        return [TIME, b"null", rest].iter().try_for_each(|part| out.write_all(part));
    }
    let nanoseconds = event.timestamp.nanosecond() % 1_000_000_000;
    match line.windows(OFFSET.len()).position(|part| part == OFFSET) {
        Some(at) if nanoseconds > 0 => {
            let digits = format!("{nanoseconds:09}");
            out.write_all(&line[..at])?;
            write!(out, ".{}", digits.trim_end_matches('0'))?;
            out.write_all(&line[at..])
        }
        _ => out.write_all(&line),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn jsonl_duration_keeps_all_digits() {
        #[track_caller]
        fn case(duration_seconds: f64, text: &str) {
            let event = Event {
                timestamp: DateTime::from_timestamp(1_771_065_000, 0).unwrap(),
                target: "apply".into(),
                domain: None,
                duration_seconds: Some(duration_seconds),
                exit_code: 0,
            };
            let mut line = Vec::new();
            jsonl(Some(event.timestamp), &event, &mut line).unwrap();
            let line = String::from_utf8(line).unwrap();
            assert!(line.contains(&format!("\"duration_seconds\": {text}, ")), "{line}");
        }
        case(45.0, "45.0");
        case(0.123_456_789, "0.123456789");
        case(1e300, &format!("1{}.0", "0".repeat(300)));
        case(1e-7, "0.0000001");
    }

    #[track_caller]
    fn case(nanoseconds: u32, second: &str) {
        let event = Event {
            timestamp: DateTime::from_timestamp(1_771_065_000, nanoseconds).unwrap(),
            target: "apply".into(),
            domain: None,
            duration_seconds: Some(45.0),
            exit_code: 0,
        };
        let mut line = Vec::new();
        jsonl(Some(event.timestamp), &event, &mut line).unwrap();
        let expected = format!(
            "{{\"timestamp\": \"2026-02-14T10:30:{second}+00:00\", \"target\": \"apply\", \"domain\": null, \
             \"duration_seconds\": 45.0, \"exit_code\": 0}}\n"
        );
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }

    #[test]
    fn jsonl_timestamp_has_a_fraction_only_if_the_event_had_one() {
        case(0, "00");
        case(123_456_000, "00.123456");
        case(500_000_000, "00.5");
    }
}

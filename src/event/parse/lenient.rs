//! The slow way to read a line, by serde_json. It decides what every line means.

use serde_json::Value;

use super::ParsedEvent;
use crate::event::timestamp;

/// `None`: no object with a target, or a duration or an exit code that is no number.
///
/// Bytes that are not UTF-8 become U+FFFD, as do the lone surrogates that Python writes for such bytes: the run counts,
/// whatever the spelling of its name. Python's bare `NaN` and `Infinity` count as a missing duration.
pub fn parse(line: &[u8]) -> Option<ParsedEvent> {
    let value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(_) => serde_json::from_str(&python_to_json(&String::from_utf8_lossy(line))).ok()?,
    };
    let Value::Object(mut object) = value else { return None };
    let Some(Value::String(target)) = object.remove("target") else { return None };
    let micros = match object.get("timestamp") {
        Some(Value::String(text)) => timestamp::parse(text.as_bytes()),
        _ => None,
    };
    let domain = match object.remove("domain") {
        Some(Value::String(domain)) => domain,
        _ => String::new(),
    };
    let seconds = match object.get("duration_seconds") {
        None | Some(Value::Null) => None,
        Some(Value::Number(number)) => {
            let seconds = number.as_f64().filter(|seconds| seconds.is_finite())?;
            // A clock was set back while it ran.
            Some(seconds).filter(|&seconds| seconds >= 0.0)
        }
        Some(_) => return None,
    };
    let exit_code = match object.get("exit_code") {
        None | Some(Value::Null) => None,
        Some(Value::Number(number)) => Some(number.as_i64().or_else(|| integer(number.as_f64()?))?),
        Some(_) => return None,
    };
    Some(ParsedEvent { micros, target, domain, seconds, exit_code })
}

/// serde_json reads `-0` as a float; and some exit codes were floats before, such as `2.0`.
#[expect(clippy::cast_possible_truncation, reason = "an integer in range")]
fn integer(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

/// Replaces what Python's json module writes and JSON does not allow: lone surrogates, and `NaN` or `Infinity` as the
/// duration.
fn python_to_json(text: &str) -> String {
    const KEY: &str = "\"duration_seconds\"";
    let mut json = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        json.push_str(before);
        let length = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(_), _) => 6,
            (None, _) => escape.chars().take(2).map(char::len_utf8).sum(),
        };
        json.push_str(if length == 6 { "\\ufffd" } else { &escape[..length] });
        rest = &escape[length..];
    }
    json.push_str(rest);
    if let Some(key) = json.rfind(KEY) {
        let value = key + KEY.len();
        let rest = json[value..].trim_start().strip_prefix(':').map_or("", str::trim_start);
        let words = ["NaN", "Infinity", "-Infinity"];
        if let Some(rest) = words.iter().find_map(|word| rest.strip_prefix(word)) {
            return format!("{}: null{rest}", &json[..value]);
        }
    }
    json
}

/// The surrogate (U+D800 to U+DFFF) whose escape is at the start of the text.
fn surrogate(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok().filter(|code| (0xd800..=0xdfff).contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn read(line: &str) -> ParsedEvent {
        parse(line.as_bytes()).expect("a readable line")
    }

    #[test]
    fn missing_fields_have_defaults_and_unknown_ones_are_ignored() {
        let fields = read(r#"{"more": [1, {}], "target": "apply"}"#);
        let expected = ParsedEvent {
            micros: None,
            target: "apply".into(),
            domain: String::new(),
            seconds: None,
            exit_code: None,
        };
        assert_eq!(fields, expected);
        assert_eq!(read(r#"{"target": "a", "exit_code": null, "target": "apply"}"#), expected);
    }

    #[test]
    fn json_that_is_no_object_with_a_target_is_unreadable() {
        for line in ["", "7", "[]", "{}", r#"{"target": 7}"#, r#"{"target": "a"} x"#, r#"{"target": "a""#] {
            assert_eq!(parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn exit_code_minus_zero_is_zero() {
        let line = r#"{"target": "apply", "exit_code": -0}"#;
        assert_eq!(read(line).exit_code, Some(0));
    }

    #[test]
    fn nan_infinity_and_lone_surrogates_of_python_are_readable() {
        for word in ["NaN", "Infinity", "-Infinity"] {
            let fields = read(&format!(r#"{{"target": "a", "duration_seconds": {word}, "exit_code": 2}}"#));
            assert_eq!((fields.seconds, fields.exit_code), (None, Some(2)));
        }
        assert_eq!(read(r#"{"target": "a\udce9\ud83d\ude00\\ud800"}"#).target, "a\u{fffd}😀\\ud800");
        assert_eq!(parse(b"{\"target\": \"a\xff\"}").unwrap().target, "a\u{fffd}");
    }
}

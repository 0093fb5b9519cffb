//! serde_json decides what every line means; the faster parsers agree with it or ask it.

use serde_json::Value;

use super::ParsedEvent;
use crate::event::timestamp;

/// Decides what a line means. `None`: it cannot be read.
///
/// Bytes that are not UTF-8 become U+FFFD: the run counts, whatever its name's spelling. So do the
/// halves of surrogates that Python writes for such bytes. Its bare `NaN` or `Infinity` as a duration
/// reads as a missing one.
pub fn parse(line: &[u8]) -> Option<ParsedEvent<'static>> {
    let value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(_) => serde_json::from_str(&repaired(&String::from_utf8_lossy(line))).ok()?,
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
        None | Some(Value::Null) => 0.0,
        Some(Value::Number(number)) => number.as_f64().filter(|seconds| seconds.is_finite())?,
        Some(_) => return None,
    };
    let exit_code = match object.get("exit_code") {
        None | Some(Value::Null) => 0,
        Some(Value::Number(number)) => number.as_i64().or_else(|| whole(number.as_f64()?))?,
        Some(_) => return None,
    };
    Some(ParsedEvent { micros, target: target.into(), domain: domain.into(), seconds, exit_code })
}

/// `-0` is a float to serde_json, and `2.0` an exit code that went through one.
#[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

/// What Python's json module writes and JSON does not know, in JSON.
fn repaired(text: &str) -> String {
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

/// The half of a surrogate pair that an escape at the start of the text stands for.
fn surrogate(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok().filter(|code| (0xd800..=0xdfff).contains(code))
}

//! From the bytes of a line to its fields.
//!
//! Three ways with one answer: [`canonical`] knows the exact bytes that tm-run (and Python's json
//! module with its `isoformat` times) writes, [`flat`] one object of plain keys in any spacing and
//! order, [`tolerant`] is serde_json for all the rest and decides what every line means. A faster
//! way that is not sure says `None`, and the next one is asked.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde_json::Value;

/// What a readable line says.
#[derive(Clone, Debug, PartialEq)]
pub struct Fields<'a> {
    /// Microseconds since 1970, UTC; `None`: no readable timestamp, and still an event.
    pub micros: Option<i64>,
    pub target: Cow<'a, str>,
    /// Empty: no domain.
    pub domain: Cow<'a, str>,
    /// Finite.
    pub seconds: f64,
    pub exit_code: i64,
}

/// Decides what a line means. `None`: it cannot be read.
///
/// Bytes that are not UTF-8 become U+FFFD: the run counts, whatever its name's spelling. So do the
/// halves of surrogates that Python writes for such bytes. Its bare `NaN` or `Infinity` as a duration
/// reads as a missing one.
pub fn tolerant(line: &[u8]) -> Option<Fields<'static>> {
    let value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(_) => serde_json::from_str(&repaired(&String::from_utf8_lossy(line))).ok()?,
    };
    let Value::Object(mut object) = value else { return None };
    let Some(Value::String(target)) = object.remove("target") else { return None };
    let micros = match object.get("timestamp") {
        Some(Value::String(text)) => moment(text.as_bytes()),
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
    Some(Fields { micros, target: target.into(), domain: domain.into(), seconds, exit_code })
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

/// One object on a line, its keys ours, its strings without escapes, its numbers plain.
pub fn flat(line: &[u8]) -> Option<Fields<'_>> {
    let mut text = Text(line);
    let (mut micros, mut target, mut domain, mut seconds, mut exit_code) = (None, None, "", 0.0, 0);
    text.expect(b'{')?;
    loop {
        match text.string()? {
            "timestamp" => {
                text.expect(b':')?;
                micros = if text.null() { None } else { moment(text.string()?.as_bytes()) };
            }
            "target" => {
                text.expect(b':')?;
                target = Some(text.string()?);
            }
            "domain" => {
                text.expect(b':')?;
                domain = if text.null() { "" } else { text.string()? };
            }
            "duration_seconds" => {
                text.expect(b':')?;
                seconds = text.number()?.parse().ok().filter(|seconds: &f64| seconds.is_finite())?;
            }
            "exit_code" => {
                text.expect(b':')?;
                exit_code = text.number()?.parse().ok()?;
            }
            _ => return None,
        }
        text.skip_blanks();
        match text.next()? {
            b',' => (),
            b'}' => break,
            _ => return None,
        }
    }
    text.skip_blanks();
    if !text.0.is_empty() {
        return None;
    }
    Some(Fields { micros, target: target?.into(), domain: domain.into(), seconds, exit_code })
}

/// What is left of a line.
struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn skip_blanks(&mut self) {
        while let [b' ' | b'\t' | b'\r', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.skip_blanks();
        (self.next()? == byte).then_some(())
    }

    fn null(&mut self) -> bool {
        self.skip_blanks();
        match self.0.strip_prefix(b"null") {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let end = memchr::memchr(b'"', self.0)?;
        let (text, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        plain(text)
    }

    /// By JSON's grammar, which is stricter than Rust's.
    fn number(&mut self) -> Option<&'a str> {
        self.skip_blanks();
        let start = self.0;
        if let [b'-', rest @ ..] = self.0 {
            self.0 = rest;
        }
        match self.0 {
            [b'0', rest @ ..] => self.0 = rest,
            _ => self.digits()?,
        }
        if let [b'.', rest @ ..] = self.0 {
            self.0 = rest;
            self.digits()?;
        }
        if let [b'e' | b'E', rest @ ..] = self.0 {
            self.0 = rest;
            if let [b'+' | b'-', rest @ ..] = self.0 {
                self.0 = rest;
            }
            self.digits()?;
        }
        str::from_utf8(&start[..start.len() - self.0.len()]).ok()
    }

    fn digits(&mut self) -> Option<()> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.0 = &self.0[count..];
        (count > 0).then_some(())
    }
}

/// The text between a JSON string's quotes, if it stands for itself.
pub fn plain(text: &[u8]) -> Option<&str> {
    if text.iter().any(|&byte| byte < b' ' || byte == b'\\' || byte == b'"') {
        return None;
    }
    str::from_utf8(text).ok()
}

/// Microseconds since 1970 of an RFC 3339 moment; no offset means UTC. What is finer is cut off.
pub fn moment(text: &[u8]) -> Option<i64> {
    let (date_and_time, rest) = text.split_first_chunk::<19>()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', time @ ..] = *date_and_time else {
        return None;
    };
    let [h1, h2, b':', n1, n2, b':', s1, s2] = time else { return None };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, two(m1, m2)?, two(d1, d2)?)?;
    let (hour, minute, second) = (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
    // 60 is a leap second: the first moment of the next minute, as far as counting goes.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut micros = 0;
    let mut rest = rest;
    if let [b'.', fraction @ ..] = rest {
        let count = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return None;
        }
        for place in 0..6 {
            let digit = if place < count { fraction[place] - b'0' } else { 0 };
            micros = micros * 10 + i64::from(digit);
        }
        rest = &fraction[count..];
    }
    let offset = match *rest {
        [] | [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = i64::from(hours * 3600 + minutes * 60);
            if sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    let days = i64::from(chrono::Datelike::num_days_from_ce(&date)) - DAYS_TO_1970;
    let seconds = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second) - offset;
    Some(seconds * 1_000_000 + micros)
}

/// From the first day of year 1 to 1970-01-01, both counted.
const DAYS_TO_1970: i64 = 719_163;

fn two(tens: u8, ones: u8) -> Option<u32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
}

/// Where the readable second half begins of a line that was glued to a torn one.
pub fn glued(line: &[u8]) -> Option<usize> {
    memchr::memmem::rfind(line, b"{\"timestamp\"").filter(|&at| at > 0)
}

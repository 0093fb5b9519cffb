//! From the bytes of a line to its fields.
//!
//! Three ways with one answer: [`scanner`] knows the exact bytes that tm-run (and Python's json
//! module with its `isoformat` times) writes, [`flat`] one object of plain keys in any spacing and
//! order, [`lenient`] is serde_json for all the rest and decides what every line means. A faster
//! way that is not sure says `None`, and the next one is asked.

pub mod flat;
pub mod lenient;
pub mod scanner;

use std::borrow::Cow;

/// What a readable line says.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedEvent<'a> {
    /// Microseconds since 1970, UTC; `None`: no readable timestamp, and still an event.
    pub micros: Option<i64>,
    pub target: Cow<'a, str>,
    /// Empty: no domain.
    pub domain: Cow<'a, str>,
    /// Finite.
    pub seconds: f64,
    pub exit_code: i64,
}

/// What a line is, canonical or not.
#[derive(Clone, Debug, PartialEq)]
pub enum ParsedLine<'a> {
    Event(ParsedEvent<'a>),
    Blank,
    /// And yet a torn line may have a whole one glued to it.
    Unreadable(Option<ParsedEvent<'a>>),
}

impl<'a> ParsedLine<'a> {
    /// Of a line without its line feed.
    pub fn parse(line: &'a [u8]) -> Self {
        if let Some(fields) = flat::parse(line).or_else(|| lenient::parse(line)) {
            Self::Event(fields)
        } else if line.trim_ascii().is_empty() {
            Self::Blank
        } else {
            Self::Unreadable(glued_object_start(line).and_then(|at| lenient::parse(&line[at..])))
        }
    }
}

/// Where the readable second half begins of a line that was glued to a torn one.
pub fn glued_object_start(line: &[u8]) -> Option<usize> {
    memchr::memmem::rfind(line, b"{\"timestamp\"").filter(|&at| at > 0)
}

/// The text between a JSON string's quotes, if it stands for itself.
pub fn plain_str(text: &[u8]) -> Option<&str> {
    if text.iter().any(|&byte| byte < b' ' || byte == b'\\' || byte == b'"') {
        return None;
    }
    str::from_utf8(text).ok()
}

#[cfg(test)]
pub mod tests {
    use fastrand::Rng;

    use super::*;
    use crate::event::parse::scanner::{Scanner, window};
    use crate::event::timestamp;

    fn pick<'a>(rng: &mut Rng, choices: &[&'a str]) -> &'a str {
        choices[rng.usize(..choices.len())]
    }

    const TIMES: [&str; 12] = [
        "2026-02-14T10:30:00+00:00",
        "2026-02-14T10:30:00.123456+00:00",
        "2026-02-14T23:59:59+00:00",
        "2024-02-29T00:00:00+00:00",
        "2026-02-14T10:30:00Z",
        "2026-02-14T10:30:00",
        "2026-02-14 10:30:00.5-05:30",
        "2026-12-31T23:59:60+00:00",
        "2023-02-29T00:00:00+00:00",
        "2026-02-14T24:00:00+00:00",
        "0000-01-01T00:00:00+00:00",
        "yesterday",
    ];
    const NAMES: [&str; 14] = [
        "",
        "a",
        "apply",
        "ansible",
        "15-byte-name-xx",
        "16-byte-name-xxx",
        "16-byte-name-xxy",
        "17-byte-name-xxxx",
        "a-name-that-is-longer-than-any-register-of-a-processor",
        "é",
        "prix élevé où ça",
        r"a\u0041\n",
        r#"q\"uote"#,
        r"\ud83d\ude00",
    ];
    const DURATIONS: [&str; 22] = [
        "0.0",
        "45.0",
        "0.001",
        "1.25",
        "12.345",
        "1234.567",
        "12345.6",
        "12345.67",
        "99999.9",
        "12.345678901234567",
        "0.1234",
        "1234.5678",
        "00.5",
        "123456.789",
        "45",
        "-1.5",
        "-0.0",
        "1e3",
        "1E-2",
        "1.5e+300",
        "1.23456789",
        "1e400",
    ];
    const CODES: [&str; 13] =
        ["0", "1", "2", "99", "130", "255", "-0", "-2", "999", "1000", "2.0", "01", "9223372036854775808"];

    fn line(rng: &mut Rng) -> String {
        // Half of them in the layout that we write, as far as these choices go.
        let plain = rng.usize(..2) == 0;
        let (times, names) = if plain { (&TIMES[..4], &NAMES[..11]) } else { (&TIMES[..], &NAMES[..]) };
        let (durations, codes) =
            if plain { (&DURATIONS[..12], &CODES[..6]) } else { (&DURATIONS[..], &CODES[..]) };
        let mut pairs = vec![
            ("timestamp", format!("\"{}\"", pick(rng, times))),
            ("target", format!("\"{}\"", pick(rng, names))),
            ("domain", "null".to_owned()),
            ("duration_seconds", pick(rng, durations).to_owned()),
            ("exit_code", pick(rng, codes).to_owned()),
        ];
        if rng.usize(..2) == 0 {
            pairs[2].1 = format!("\"{}\"", pick(rng, names));
        }
        let (mut comma, mut colon) = (", ", ": ");
        match if plain { 9 } else { rng.usize(..8) } {
            0 => (comma, colon) = (",", ":"),
            1 => (comma, colon) = (" ,\t", " :  "),
            2 => {
                let at = rng.usize(..pairs.len());
                pairs.swap(0, at);
            }
            3 => {
                pairs.remove(rng.usize(..5));
            }
            4 => pairs.push((["target", "exit_code", "more"][rng.usize(..3)], "1".to_owned())),
            _ => (),
        }
        let pairs: Vec<String> =
            pairs.into_iter().map(|(key, value)| format!("\"{key}\"{colon}{value}")).collect();
        format!("{{{}}}{}", pairs.join(comma), pick(rng, &["", "", "", "\r", " "]))
    }

    /// How often a test of random lines tries: all of these on CI, which waits a minute for one, and a fiftieth by hand.
    pub fn rounds(on_ci: u32) -> u32 {
        if std::env::var_os("CI").is_some() { on_ci } else { on_ci / 50 }
    }

    /// A line that was damaged in up to three places; never with a line feed.
    pub fn damaged_line(rng: &mut Rng) -> Vec<u8> {
        const BYTES: &[u8] = b"\"\\{}[]:,.-+eE0123456789nulTZ \t\r\0\x1f\x7f\x80\xc3\xa9\xff/";
        let mut line = line(rng).into_bytes();
        for _ in 0..rng.usize(..4) {
            let at = rng.usize(..line.len().max(1)).min(line.len());
            let byte = BYTES[rng.usize(..BYTES.len())];
            match rng.usize(..8) {
                0 | 1 if at < line.len() => line[at] = byte,
                2 if at < line.len() => line[at] ^= 1 << rng.usize(..8),
                3 => line.insert(at, byte),
                4 if at < line.len() => {
                    line.remove(at);
                }
                5 => line.truncate(at),
                6 => {
                    let piece = line[at..line.len().min(at + 20)].to_vec();
                    let to = rng.usize(..=line.len());
                    line.splice(to..to, piece);
                }
                _ => {
                    let other = self::line(rng).into_bytes();
                    line.truncate(at);
                    line.extend(other);
                }
            }
        }
        line.retain(|&byte| byte != b'\n');
        line
    }

    #[track_caller]
    fn read(line: &str) -> ParsedEvent<'static> {
        lenient::parse(line.as_bytes()).expect("a readable line")
    }

    #[test]
    fn what_is_missing_has_a_value_and_what_is_too_much_is_left_out() {
        let fields = read(r#"{"more": [1, {}], "target": "apply"}"#);
        let expected = ParsedEvent {
            micros: None,
            target: "apply".into(),
            domain: "".into(),
            seconds: 0.0,
            exit_code: 0,
        };
        assert_eq!(fields, expected);
        assert_eq!(read(r#"{"target": "a", "exit_code": null, "target": "apply"}"#), expected);
    }

    #[test]
    fn what_is_no_object_with_a_target_cannot_be_read() {
        for line in ["", "7", "[]", "{}", r#"{"target": 7}"#, r#"{"target": "a"} x"#, r#"{"target": "a""#] {
            assert_eq!(lenient::parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn an_exit_code_of_minus_zero_is_zero() {
        let line = r#"{"target": "apply", "exit_code": -0}"#;
        assert_eq!(read(line).exit_code, 0);
        assert_eq!(flat::parse(line.as_bytes()).unwrap().exit_code, 0);
    }

    #[test]
    fn what_python_writes_and_json_does_not_know_costs_no_event() {
        for word in ["NaN", "Infinity", "-Infinity"] {
            let fields = read(&format!(r#"{{"target": "a", "duration_seconds": {word}, "exit_code": 2}}"#));
            assert_eq!((fields.seconds, fields.exit_code), (0.0, 2));
        }
        assert_eq!(read(r#"{"target": "a\udce9\ud83d\ude00\\ud800"}"#).target, "a\u{fffd}😀\\ud800");
        assert_eq!(lenient::parse(b"{\"target\": \"a\xff\"}").unwrap().target, "a\u{fffd}");
    }

    #[test]
    fn moments_are_those_of_rfc_3339() {
        #[track_caller]
        fn case(text: &str, micros: Option<i64>) {
            assert_eq!(timestamp::parse(text.as_bytes()), micros);
        }
        case("1970-01-01T00:00:00Z", Some(0));
        case("1970-01-01t00:00:01z", Some(1_000_000));
        case("1970-01-01 00:00:00", Some(0));
        case("1970-01-01T00:00:00.000001999Z", Some(1));
        case("1970-01-01T01:00:00+01:00", Some(0));
        case("1969-12-31T18:30:00-05:30", Some(0));
        case("1969-12-31T23:59:60Z", Some(0));
        case("0000-01-01T00:00:00Z", Some(-62_167_219_200_000_000));
        case("0000-01-01T00:00:00+00:01", None);
        case("9999-12-31T23:59:59.9Z", Some(253_402_300_799_900_000));
        case("9999-12-31T23:59:60Z", None);
        case("9999-12-31T23:59:59-00:01", None);
        case("1970-01-01T00:00:00.Z", None);
        case("1970-01-01T00:00Z", None);
        case("1970-01-01", None);
        case("1970-01-01T00:00:00+0100", None);
        case("1970-13-01T00:00:00Z", None);
        case("+970-01-01T00:00:00Z", None);
    }

    #[test]
    fn moments_are_those_of_another_parser() {
        let mut rng = Rng::with_seed(4);
        let mut agreed = 0;
        for _ in 0..20_000 {
            let mut text = pick(&mut rng, &TIMES[..9]).as_bytes().to_vec();
            let at = rng.usize(..text.len());
            text[at] = b"0123456789:-+TZ. "[rng.usize(..17)];
            let Ok(text) = str::from_utf8(&text) else { continue };
            let Ok(expected) = chrono::DateTime::parse_from_rfc3339(text) else { continue };
            if !text.contains(":60") {
                assert_eq!(timestamp::parse(text.as_bytes()), Some(expected.timestamp_micros()), "{text}");
                agreed += 1;
            }
        }
        assert!(agreed > 3_000, "{agreed}");
    }

    #[test]
    fn three_ways_of_reading_have_one_answer() {
        let mut rng = Rng::with_seed(5);
        let mut scanner = Scanner::default();
        let (mut by_layout, mut by_keys, mut readable) = (0, 0, 0);
        let rounds = rounds(2_000_000);
        for round in 0..rounds {
            let mut line = damaged_line(&mut rng);
            let expected = lenient::parse(&line);
            readable += u32::from(expected.is_some());
            if let Some(fields) = flat::parse(&line) {
                assert_eq!(Some(fields), expected, "{}", String::from_utf8_lossy(&line));
                by_keys += 1;
            }
            let length = line.len() + 1;
            line.push(b'\n');
            let line = window(&line);
            // Damaged names are many, and a scanner remembers some thousand.
            if round % 10_000 == 0 {
                scanner = Scanner::default();
            }
            let Some(found) = scanner.canonical(&line, length) else { continue };
            let fields = ParsedEvent {
                micros: Some(found.micros()),
                target: scanner.target(found.target).into(),
                domain: scanner.domain(found.domain).into(),
                seconds: found.length().seconds(),
                exit_code: found.exit_code.into(),
            };
            assert_eq!(Some(fields), expected, "{}", String::from_utf8_lossy(&line));
            assert_eq!(found.bytes, length);
            by_layout += 1;
        }
        // The test tests something.
        assert!(
            by_layout > rounds / 100 && by_keys > rounds / 100 * 3 && readable > rounds / 20,
            "{by_layout} {by_keys} {readable}"
        );
    }

    #[test]
    fn no_byte_after_the_line_is_part_of_it() {
        let line = br#"{"timestamp": "2026-02-14T10:30:00+00:00", "target": "apply", "domain": null, "duration_seconds": 45.0, "exit_code": 0}"#;
        let mut whole = line.to_vec();
        whole.push(b'\n');
        let mut scanner = Scanner::default();
        for _ in 0..2 {
            for length in 0..=line.len() {
                assert!(scanner.canonical(&window(&whole), length).is_none());
                assert!(scanner.canonical(&window(&line[..length]), length).is_none());
            }
            assert_eq!(scanner.canonical(&window(&whole), whole.len()).unwrap().bytes, whole.len());
        }
    }
}

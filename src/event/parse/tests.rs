//! Random lines, and the parsers compared on them.

use fastrand::Rng;

use super::*;
use crate::event::parse::scanner::Scanner;
use crate::event::parse::scanner::tests::window;

fn pick<'a>(rng: &mut Rng, choices: &[&'a str]) -> &'a str {
    choices[rng.usize(..choices.len())]
}

pub const TIMES: [&str; 12] = [
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

#[test]
fn scanner_and_serde_json_read_damaged_lines_alike() {
    let mut rng = Rng::with_seed(5);
    let mut scanner = Scanner::default();
    let (mut scanned, mut readable) = (0, 0);
    let rounds = rounds(2_000_000);
    for round in 0..rounds {
        let mut line = damaged_line(&mut rng);
        let expected = lenient::parse(&line);
        readable += u32::from(expected.is_some());
        let length = line.len() + 1;
        line.push(b'\n');
        let line = window(&line);
        // Damaged names are many, and a scanner remembers some thousand.
        if round % 10_000 == 0 {
            scanner = Scanner::default();
        }
        let Some(found) = scanner.scan(&line, length) else { continue };
        let fields = ParsedEvent {
            micros: Some(found.micros()),
            target: scanner.target(found.target).into(),
            domain: scanner.domain(found.domain).into(),
            seconds: found.duration().seconds(),
            exit_code: Some(found.exit_code.into()),
        };
        assert_eq!(Some(fields), expected, "{}", String::from_utf8_lossy(&line));
        assert_eq!(found.line_length, length);
        scanned += 1;
    }
    // Enough lines were readable for the test to mean something.
    assert!(scanned > rounds / 100 && readable > rounds / 20, "{scanned} {readable}");
}

#[test]
fn scanner_ignores_bytes_behind_the_line() {
    let line = br#"{"timestamp": "2026-02-14T10:30:00+00:00", "target": "apply", "domain": null, "duration_seconds": 45.0, "exit_code": 0}"#;
    let mut whole = line.to_vec();
    whole.push(b'\n');
    let mut scanner = Scanner::default();
    for _ in 0..2 {
        for length in 0..=line.len() {
            assert!(scanner.scan(&window(&whole), length).is_none());
            assert!(scanner.scan(&window(&line[..length]), length).is_none());
        }
        assert_eq!(scanner.scan(&window(&whole), whole.len()).unwrap().line_length, whole.len());
    }
}

//! Whatever stands in a log: it is read in bounded memory, and harms no terminal, page or spreadsheet.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Stdio;

use super::{EARLIER, done, tm_run};
use crate::ledger::{Case, cases};
use crate::stage::{OFF, RECORDED, Stage, Told};

pub fn cases() -> Vec<Case> {
    let mut all = cases![OFF;
        a_line_without_end_is_skipped_in_little_memory,
        many_names_are_read_in_bounded_memory,
        numbers_and_nesting_without_end_are_read_in_little_memory,
        whatever_a_fuzzer_found_is_read_and_written_alike,
        too_little_memory_is_caught,
    ];
    all.extend(cases![RECORDED; names_harm_neither_terminal_nor_page_nor_spreadsheet]);
    all
}

const MIB: u64 = 1 << 20;
/// Of address space: what a report may take for a log that is no larger than a few events.
const LITTLE: u64 = 160 * MIB;

/// A report in JSON of one log, in at most so much memory.
#[track_caller]
fn report(stage: &Stage, log: &Path, memory: u64) -> serde_json::Value {
    let log = log.to_str().expect("UTF-8");
    let start = tm_run(stage, &["report", "--format", "json", "--log", log]);
    let finished = start.option("--limit", format!("9:{memory}")).finish();
    assert_eq!(finished.told, Told::Exited(0), "{}", finished.err);
    serde_json::from_slice(&finished.out).expect("JSON")
}

#[track_caller]
fn counts(report: &serde_json::Value, lines: u64, events: u64, unreadable: u64) {
    let input = &report["input"];
    let seen = [&input["lines"], &input["events"], &input["unreadable"]].map(serde_json::Value::as_u64);
    assert_eq!(seen, [Some(lines), Some(events), Some(unreadable)]);
}

fn a_line_without_end_is_skipped_in_little_memory(stage: &Stage) {
    let path = stage.path("log");
    let mut log = File::create(&path).expect("a log");
    log.write_all(EARLIER.as_bytes()).expect("an event");
    // A hole of a thousand million bytes.
    log.set_len(1_000_000_000).expect("a hole");
    drop(log);
    let mut log = File::options().append(true).open(&path).expect("the log");
    log.write_all(format!("\n{EARLIER}").as_bytes()).expect("an event");
    counts(&report(stage, &path, LITTLE), 3, 2, 1);
    // The same from a pipe.
    let report = piped(stage, "{ cat event; head -c 50000000 /dev/zero; echo; cat event; }");
    counts(&report, 3, 2, 1);
}

/// A report in JSON of what a shell writes, in little memory. There is a file `event` for it.
#[track_caller]
fn piped(stage: &Stage, writes: &str) -> serde_json::Value {
    fs::write(stage.home().join("event"), EARLIER).expect("an event");
    let script = format!("{writes} | \"$1\" report --format json --log -");
    let start = stage.plain(["sh", "-c", &script, "sh", crate::stage::TM_RUN]);
    let finished = start.option("--limit", format!("9:{LITTLE}")).finish();
    assert_eq!(finished.told, Told::Exited(0), "{}", finished.err);
    serde_json::from_slice(&finished.out).expect("JSON")
}

/// A name takes a few thousand bytes.
fn many_names_are_read_in_bounded_memory(stage: &Stage) {
    const NAMES: u64 = 100_000;
    let path = stage.path("log");
    let mut log = BufWriter::new(File::create(&path).expect("a log"));
    for number in 0..NAMES {
        writeln!(log, "{{\"target\":\"t{number}\"}}").expect("a line");
    }
    log.flush().expect("all lines");
    drop(log);
    let log = path.to_str().expect("UTF-8");
    let start = tm_run(stage, &["report", "--format", "text", "--limit", "3", "--log", log]);
    let finished = start.option("--limit", format!("9:{}", LITTLE + NAMES * 5000)).finish();
    assert_eq!(finished.told, Told::Exited(0), "{}", finished.err);
    assert!(finished.text().contains("Unique targets: 100000"), "{}", finished.text());
}

fn numbers_and_nesting_without_end_are_read_in_little_memory(stage: &Stage) {
    let nines = "9".repeat(1_000_000);
    let zeros = "0".repeat(1_000_000);
    let deep = "[".repeat(1_000_000);
    let objects = "{\"target\":".repeat(100_000);
    let escapes = "\\ud800".repeat(160_000);
    let values = "0,".repeat(500_000);
    for (line, is_event) in [
        (format!("{{\"target\":\"x\",\"duration_seconds\":{nines}}}"), false),
        (format!("{{\"target\":\"x\",\"duration_seconds\":0.{zeros}1}}"), true),
        (format!("{{\"target\":\"x\",\"duration_seconds\":1e{nines}}}"), false),
        (format!("{{\"target\":\"x\",\"duration_seconds\":1e-{nines}}}"), true),
        (format!("{{\"target\":\"x\",\"exit_code\":{nines}}}"), false),
        (format!("{{\"target\":\"x\",\"exit_code\":-{zeros}}}"), false),
        (format!("{{\"timestamp\":\"2026-02-14T10:30:00.{nines}Z\",\"target\":\"x\"}}"), true),
        (deep, false),
        (objects, false),
        (format!("{{\"target\":\"x\",\"more\":[{values}0]}}"), true),
        (format!("{{\"target\":\"{escapes}\"}}"), true),
    ] {
        let path = stage.path("log");
        fs::write(&path, format!("{EARLIER}{line}\n{EARLIER}")).expect("a log");
        let shown = &line[..40];
        let report = report(stage, &path, 2 * LITTLE);
        let events = report["input"]["events"].as_u64();
        assert_eq!(events, Some(2 + u64::from(is_event)), "{shown}");
    }
    // A thousand million digits are a line that is too long.
    let report = piped(
        stage,
        "{ printf '{\"target\": \"x\", \"duration_seconds\": '; head -c 1000000000 /dev/zero | tr '\\0' 9; echo '}'; cat event; }",
    );
    counts(&report, 2, 1, 1);
}

/// The limit works: a report cannot be had in less than it needs.
fn too_little_memory_is_caught(stage: &Stage) {
    let path = stage.path("log");
    fs::write(&path, EARLIER).expect("a log");
    let log = path.to_str().expect("UTF-8");
    let start = tm_run(stage, &["report", "--log", log]).option("--limit", format!("9:{MIB}"));
    assert_ne!(start.finish().told, Told::Exited(0));
}

fn whatever_a_fuzzer_found_is_read_and_written_alike(stage: &Stage) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut files = 0;
    for entry in fs::read_dir(corpus).expect("a corpus") {
        let path = entry.expect("a file").path();
        let events = report(stage, &path, LITTLE)["input"]["events"].as_u64();
        let log = path.to_str().expect("UTF-8");
        let written = tm_run(stage, &["report", "--format", "jsonl", "--log", log]).finish();
        assert_eq!(written.told, Told::Exited(0), "{log}: {}", written.err);
        fs::write(stage.path("log"), &written.out).expect("a log");
        let again = report(stage, &stage.path("log"), LITTLE);
        assert_eq!(
            (again["input"]["events"].as_u64(), again["input"]["unreadable"].as_u64()),
            (events, Some(0)),
            "{log}"
        );
        for format in ["text", "csv", "markdown", "html"] {
            let input = Stdio::from(File::open(&path).expect("a log"));
            let start = tm_run(stage, &["report", "--format", format, "--log", "-"]).input(input);
            assert_eq!(start.end(), Told::Exited(0), "{log} {format}");
        }
        files += 1;
    }
    assert!(files >= 8, "{files} files");
}

/// As JSON texts.
const NAMES: &[&str] = &[
    r"\u001b]0;title\u0007\u001b[2J\u001b[31mred",
    r"\u009b31mred",
    r"a\u202egnp.exe",
    r"\u2066x\u2069\u200fy",
    r"<script>alert(1)</script>",
    r"<img src=x onerror=alert(1)>",
    r"' onmouseover='x' \u0022 y=\u0022",
    r"</title></style><svg/onload=x>",
    r"=cmd|'/c calc'!A0",
    r"+1+1",
    r"-1+1",
    r"@SUM(A1)",
    r"\t=1+1",
    r"\r=1+1",
    r"a,b\u0022;c",
    r"|pipe|`code`[link](javascript:x)",
    r"\u0000\b\u007f",
    r"two\nlines",
];

/// What acts on a terminal, or turns the text around.
fn acts(letter: char) -> bool {
    letter.is_control() && letter != '\n'
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

fn names_harm_neither_terminal_nor_page_nor_spreadsheet(stage: &Stage) {
    let line = |name: &str, code: usize| {
        format!(
            "{{\"timestamp\": \"2026-11-20T10:00:{code:02}+00:00\", \"target\": \"{name}\", \"domain\": \"{name}\", \"duration_seconds\": 1.5, \"exit_code\": {code}}}\n"
        )
    };
    let all: String = NAMES.iter().enumerate().map(|(at, name)| line(name, at)).collect();
    let texts: Vec<String> =
        NAMES.iter().map(|name| serde_json::from_str(&format!("\"{name}\"")).expect("a name")).collect();
    for (at, name) in NAMES.iter().enumerate() {
        fs::write(stage.log(), line(name, at)).expect("a log");
        let screen = [
            done(stage, &["status"]),
            done(stage, &["status", "--format", "json"]),
            done(stage, &["report", "--target", &texts[at].replace('\0', "")]),
            tm_run(
                stage,
                &[
                    "report",
                    "--target",
                    &texts[at].replace('\0', ""),
                    "--exclude",
                    &texts[at].replace('\0', ""),
                ],
            )
            .finish()
            .err,
        ];
        for text in screen {
            assert!(!text.contains(acts), "{name}: {text:?}");
        }
    }
    fs::write(stage.log(), &all).expect("a log");
    assert!(all.contains("\\u202e") && texts.iter().any(|text| text.contains(acts)), "there is harm in them");
    for format in ["text", "markdown", "csv", "json", "html", "jsonl"] {
        for more in [&[][..], &["--by", "domain"], &["--failed"]] {
            // As RFC 4180 has it, a table's lines end with both.
            let text = done(stage, &[&["report", "--format", format], more].concat()).replace("\r\n", "\n");
            // What only programs read may keep every letter, but none that acts as it is.
            assert!(
                !text.contains(|letter: char| letter.is_control() && letter != '\n'),
                "{format}: {text:?}"
            );
            if matches!(format, "text" | "markdown" | "html") {
                assert!(!text.contains(acts), "{format}: {text:?}");
            }
            if format == "html" {
                for tag in ["<script>alert", "<img", "<svg/onload", "</title></style>"] {
                    assert!(!text.contains(tag), "{tag}");
                }
                assert!(text.contains("&lt;script&gt;alert(1)"), "the name is there");
            }
            if format == "csv" {
                for cell in text.lines().skip(1).map(|line| line.trim_start_matches('"')) {
                    assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
                }
            }
        }
    }
}

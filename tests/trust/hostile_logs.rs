//! Any log is read in bounded memory, and its names harm no terminal, page or spreadsheet.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Stdio;

use super::{EARLIER, expect_ok, tm_run};
use crate::harness::{CORPUS, Case, OFF, RECORDED, Sandbox, WaitStatus, cases};

pub fn cases() -> Vec<Case> {
    let mut all = cases![OFF;
        endless_line_is_skipped_in_bounded_memory,
        many_targets_are_read_in_bounded_memory,
        endless_numbers_and_nesting_are_read_in_bounded_memory,
        rlimit_as_too_small_for_a_report_is_detected,
    ];
    all.extend(cases![OFF, needs [CORPUS]; fuzz_corpus_round_trips_through_jsonl]);
    all.extend(cases![RECORDED; hostile_names_are_escaped_in_tty_html_and_csv]);
    all
}

const MIB: u64 = 1 << 20;
/// The address space that a report may take for a log of few events.
const LITTLE: u64 = 160 * MIB;

/// A JSON report on one log, in at most this much address space.
#[track_caller]
fn report(sandbox: &Sandbox, log: &Path, memory: u64) -> serde_json::Value {
    let log = log.to_str().expect("UTF-8");
    let start = tm_run(sandbox, &["report", "--format", "json", "--log", log]);
    let output = start.launch_option("--limit", format!("9:{memory}")).output();
    assert_eq!(output.status, WaitStatus::Exited(0), "{}", output.stderr);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[track_caller]
fn assert_counts(report: &serde_json::Value, lines: u64, events: u64, unreadable: u64) {
    let input = &report["input"];
    let seen = [&input["lines"], &input["events"], &input["unreadable"]].map(serde_json::Value::as_u64);
    assert_eq!(seen, [Some(lines), Some(events), Some(unreadable)]);
}

fn endless_line_is_skipped_in_bounded_memory(sandbox: &Sandbox) {
    let path = sandbox.path("log");
    let mut log = File::create(&path).expect("a log");
    log.write_all(EARLIER.as_bytes()).expect("an event");
    // A hole of a thousand million bytes.
    log.set_len(1_000_000_000).expect("a hole");
    drop(log);
    let mut log = File::options().append(true).open(&path).expect("the log");
    log.write_all(format!("\n{EARLIER}").as_bytes()).expect("an event");
    assert_counts(&report(sandbox, &path, LITTLE), 3, 2, 1);
    // The same from a pipe.
    let report = report_of_pipe(sandbox, "{ cat event; head -c 50000000 /dev/zero; echo; cat event; }");
    assert_counts(&report, 3, 2, 1);
}

/// A JSON report on what a shell line writes, in little memory. There is a file `event` for it to use.
#[track_caller]
fn report_of_pipe(sandbox: &Sandbox, writes: &str) -> serde_json::Value {
    fs::write(sandbox.home().join("event"), EARLIER).expect("an event");
    let script = format!("{writes} | \"$1\" report --format json --log -");
    let start = sandbox.unwrapped(["sh", "-c", &script, "sh", crate::harness::TM_RUN]);
    let output = start.launch_option("--limit", format!("9:{LITTLE}")).output();
    assert_eq!(output.status, WaitStatus::Exited(0), "{}", output.stderr);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Each name takes some hundred bytes, in every format.
fn many_targets_are_read_in_bounded_memory(sandbox: &Sandbox) {
    /// More than one thread reads.
    const NAMES: u64 = 70_000;
    const NAME: u64 = 1000;
    let path = sandbox.path("log");
    let mut log = BufWriter::new(File::create(&path).expect("a log"));
    for number in 0..NAMES {
        let name = format!("target-{:013}", number * 1_000_003);
        let code = number % 2;
        writeln!(
            log,
            "{{\"timestamp\":\"2026-02-14T10:30:00Z\",\"target\":\"{name}\",\"exit_code\":{code}}}"
        )
        .expect("a line");
    }
    log.flush().expect("all lines");
    drop(log);
    let log = path.to_str().expect("UTF-8");
    let report = sandbox.path("report");
    for (format, more, part) in [
        ("text", &["--limit", "3"][..], "Unique targets: 70000"),
        ("text", &["--by", "domain"], "Unique targets: 70000"),
        ("html", &["--limit", "3"], "</html>\n"),
        ("csv", &[], ",2026-02-14T10:30:00Z\r\n"),
        ("json", &[], "\"unique_targets\": 70000"),
    ] {
        let output = report.to_str().expect("UTF-8");
        let words = [&["report", "--format", format, "--log", log, "--output", output], more].concat();
        let output =
            tm_run(sandbox, &words).launch_option("--limit", format!("9:{}", LITTLE + NAMES * NAME)).output();
        assert_eq!(output.status, WaitStatus::Exited(0), "{words:?}: {}", output.stderr);
        let written = fs::read_to_string(&report).expect("a report");
        assert!(written.contains(part), "{words:?}");
        let names = written.matches("target-0").count() as u64;
        assert!(if more.is_empty() { names >= NAMES } else { names < 1000 }, "{words:?}: {names}");
    }
}

fn endless_numbers_and_nesting_are_read_in_bounded_memory(sandbox: &Sandbox) {
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
        let path = sandbox.path("log");
        fs::write(&path, format!("{EARLIER}{line}\n{EARLIER}")).expect("a log");
        let shown = &line[..40];
        let report = report(sandbox, &path, 2 * LITTLE);
        let events = report["input"]["events"].as_u64();
        assert_eq!(events, Some(2 + u64::from(is_event)), "{shown}");
    }
    // A line of a thousand million digits is too long to be read.
    let report = report_of_pipe(
        sandbox,
        "{ printf '{\"target\": \"x\", \"duration_seconds\": '; head -c 1000000000 /dev/zero | tr '\\0' 9; echo '}'; cat event; }",
    );
    assert_counts(&report, 2, 1, 1);
}

/// The limit works: a report fails if there is too little memory.
fn rlimit_as_too_small_for_a_report_is_detected(sandbox: &Sandbox) {
    let path = sandbox.path("log");
    fs::write(&path, EARLIER).expect("a log");
    let log = path.to_str().expect("UTF-8");
    let start = tm_run(sandbox, &["report", "--log", log]).launch_option("--limit", format!("9:{MIB}"));
    assert_ne!(start.output().status, WaitStatus::Exited(0));
}

fn fuzz_corpus_round_trips_through_jsonl(sandbox: &Sandbox) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut files = 0;
    for entry in fs::read_dir(corpus).expect("a corpus") {
        let path = entry.expect("a file").path();
        let log = path.to_str().expect("UTF-8");
        let written = tm_run(sandbox, &["report", "--format", "jsonl", "--log", log]).output();
        if written.status == WaitStatus::Exited(1) {
            // The only refusal: it begins as a file of another kind, and no line of it can be read.
            assert!(written.stderr.contains("could be read: it is "), "{log}: {}", written.stderr);
            continue;
        }
        let events = report(sandbox, &path, LITTLE)["input"]["events"].as_u64();
        assert_eq!(written.status, WaitStatus::Exited(0), "{log}: {}", written.stderr);
        fs::write(sandbox.path("log"), &written.stdout).expect("a log");
        let again = report(sandbox, &sandbox.path("log"), LITTLE);
        assert_eq!(
            (again["input"]["events"].as_u64(), again["input"]["unreadable"].as_u64()),
            (events, Some(0)),
            "{log}"
        );
        for format in ["text", "csv", "markdown", "html"] {
            let input = Stdio::from(File::open(&path).expect("a log"));
            let start = tm_run(sandbox, &["report", "--format", format, "--log", "-"]).stdin(input);
            assert_eq!(start.wait_for_exit(), WaitStatus::Exited(0), "{log} {format}");
        }
        files += 1;
    }
    assert!(files >= 8, "{files} files");
}

/// As they are written in JSON.
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

/// Whether a character controls a terminal or reorders text (bidirectional overrides).
fn is_control_or_bidi(letter: char) -> bool {
    letter.is_control() && letter != '\n'
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

fn hostile_names_are_escaped_in_tty_html_and_csv(sandbox: &Sandbox) {
    let line = |name: &str, code: usize| {
        format!(
            "{{\"timestamp\": \"2026-11-20T10:00:{code:02}+00:00\", \"target\": \"{name}\", \"domain\": \"{name}\", \"duration_seconds\": 1.5, \"exit_code\": {code}}}\n"
        )
    };
    let all: String = NAMES.iter().enumerate().map(|(at, name)| line(name, at)).collect();
    let texts: Vec<String> =
        NAMES.iter().map(|name| serde_json::from_str(&format!("\"{name}\"")).expect("a name")).collect();
    for (at, name) in NAMES.iter().enumerate() {
        fs::write(sandbox.log(), line(name, at)).expect("a log");
        let screen = [
            expect_ok(sandbox, &["status"]),
            expect_ok(sandbox, &["status", "--format", "json"]),
            expect_ok(sandbox, &["report", "--target", &texts[at].replace('\0', "")]),
            tm_run(
                sandbox,
                &[
                    "report",
                    "--target",
                    &texts[at].replace('\0', ""),
                    "--exclude",
                    &texts[at].replace('\0', ""),
                ],
            )
            .output()
            .stderr,
        ];
        for text in screen {
            assert!(!text.contains(is_control_or_bidi), "{name}: {text:?}");
        }
    }
    fs::write(sandbox.log(), &all).expect("a log");
    assert!(
        all.contains("\\u202e") && texts.iter().any(|text| text.contains(is_control_or_bidi)),
        "there is harm in them"
    );
    for format in ["text", "markdown", "csv", "json", "html", "jsonl"] {
        for more in [&[][..], &["--by", "domain"], &["--failed"]] {
            // Lines of CSV end in CR LF (RFC 4180).
            let text =
                expect_ok(sandbox, &[&["report", "--format", format], more].concat()).replace("\r\n", "\n");
            // Formats for programs may keep every character, but control characters only escaped.
            assert!(
                !text.contains(|letter: char| letter.is_control() && letter != '\n'),
                "{format}: {text:?}"
            );
            if matches!(format, "text" | "markdown" | "html") {
                assert!(!text.contains(is_control_or_bidi), "{format}: {text:?}");
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

//! The promises of the README beside being invisible: no event is lost, nothing breaks, no data leaks.
//!
//! Each check is also tried on something that breaks the promise, so that it is known to detect it.

mod concurrency;
mod deletion;
mod faults;
mod hostile_logs;
mod memory;
mod network;
mod off;
mod privilege;
mod recorded_fields;
mod sigkill;
mod soak;
pub mod strace;

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{Case, Output, Sandbox, TM_RUN, WaitStatus};

pub fn cases() -> Vec<Case> {
    [
        concurrency::cases(),
        deletion::cases(),
        faults::cases(),
        hostile_logs::cases(),
        memory::cases(),
        network::cases(),
        off::cases(),
        privilege::cases(),
        recorded_fields::cases(),
        sigkill::cases(),
        soak::cases(),
        strace::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every subcommand that makes no directory and starts no command.
const SUBCOMMANDS: &[&[&str]] = &[
    &["--help"],
    &["--version"],
    &["status"],
    &["status", "--format", "json"],
    &["report"],
    &["report", "--format", "json"],
    &["report", "--format", "csv"],
    &["report", "--format", "markdown"],
    &["report", "--format", "html"],
    &["report", "--format", "jsonl"],
    &["report", "--since", "7d", "--by", "domain", "--failed", "--anonymize"],
    &["report", "--compare", "7d", "--exit-code"],
    &["init", "bash"],
    &["init", "zsh"],
    &["init", "fish"],
    &["init", "make"],
    &["init", "man"],
    &["__complete", "fish", "tm-run", "--target", ""],
    &["--anklume", "--", "anklume", "telemetry", "status"],
    &["log", "--target", "x", "--duration", "1", "--exit-code", "0"],
    &["clear", "--before", "today"],
    &["off"],
    &["clear"],
];

fn tm_run<'s>(sandbox: &'s Sandbox, words: &[&'s str]) -> crate::harness::Launch<'s> {
    sandbox.unwrapped([TM_RUN].iter().chain(words))
}

/// Runs a subcommand that must succeed and write nothing to stderr. What it writes to stdout.
#[track_caller]
fn expect_ok(sandbox: &Sandbox, words: &[&str]) -> String {
    let output = tm_run(sandbox, words).output();
    assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(0), ""), "{words:?}");
    output.text()
}

/// Every path below a directory, with its type and size.
fn listing(below: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut left = vec![below.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(&dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            let about = fs::symlink_metadata(&path).expect("it is there");
            found.push((path.clone(), format!("{:?} {}", about.file_type(), about.len())));
            if about.is_dir() {
                left.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Whether a line is exactly one event.
fn is_whole(line: &str) -> bool {
    let Ok(serde_json::Value::Object(object)) = serde_json::from_str(line) else { return false };
    line.starts_with("{\"timestamp\": \"") && line.ends_with('}') && object.len() == 5
}

/// The lines of a log that are not exactly one event.
fn damaged_lines(log: &str) -> Vec<&str> {
    log.lines().filter(|line| !is_whole(line)).collect()
}

/// A log of one event, from before the test.
pub const EARLIER: &str = "{\"timestamp\": \"2026-02-14T10:30:00+00:00\", \"target\": \"earlier\", \"domain\": null, \
    \"duration_seconds\": 45.0, \"exit_code\": 0}\n";

/// The command of most tests here: it writes to both outputs, and has an exit code of its own.
const COMMAND: [&str; 3] = ["sh", "-c", "echo out; echo err >&2; exit 3"];

#[track_caller]
fn assert_unharmed(output: &Output, what: &str) {
    let seen = (output.status, output.text(), output.stderr.as_str());
    assert_eq!(seen, (WaitStatus::Exited(3), "out\n".to_owned(), "err\n"), "{what}");
}

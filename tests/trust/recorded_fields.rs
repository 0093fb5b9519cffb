//! Five fields and no sixth: arguments, variables and directories reach neither log nor report nor terminal.

use std::fs;

use super::{damaged_lines, expect_ok, tm_run};
use crate::harness::{Case, RECORDED, Sandbox, WaitStatus, cases, probe};

pub fn cases() -> Vec<Case> {
    cases![RECORDED; argv_environ_and_cwd_reach_no_log_report_or_tty, target_is_found_wherever_the_canary_is_looked_for]
}

/// Put into arguments, variables and directory names, and found nowhere else.
const CANARY: &str = "canary7b1f";

const FORMATS: [&str; 6] = ["text", "json", "csv", "markdown", "html", "jsonl"];

fn reports(sandbox: &Sandbox) -> Vec<String> {
    FORMATS.iter().map(|format| expect_ok(sandbox, &["report", "--format", format])).collect()
}

fn argv_environ_and_cwd_reach_no_log_report_or_tty(sandbox: &Sandbox) {
    let there = sandbox.home().join(CANARY);
    fs::create_dir(&there).expect("a directory");
    let text = format!("cd {}; exec $W $P exit 3 {CANARY} --password={CANARY}", there.display());
    let variables = ["USER", "LOGNAME", "HOSTNAME", "PWD", "SSH_CONNECTION", "SUDO_USER", "SECRET_TOKEN"];
    let start = variables.iter().fold(sandbox.bash(&text), |start, name| start.env(name, CANARY));
    let output = start.output();
    assert_eq!(
        (output.status, output.text(), output.stderr.as_str()),
        (WaitStatus::Exited(3), String::new(), "")
    );
    // On a terminal tm-run prints why it cannot record.
    fs::rename(sandbox.log(), sandbox.path("log")).expect("the log");
    fs::create_dir(sandbox.log()).expect("a directory in its place");
    let mut job = sandbox.command([probe(), "exit", "4", CANARY]).env("SECRET", CANARY).on_terminal().spawn();
    let warning = job.terminal().screen.read_until("\n");
    assert!(warning.starts_with("tm-run: warning: "), "{warning}");
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(4));
    fs::remove_dir(sandbox.log()).expect("it goes");
    fs::rename(sandbox.path("log"), sandbox.log()).expect("the log");
    fs::remove_dir(there).expect("it goes");

    let log = sandbox.log_text();
    assert_eq!(damaged_lines(&log), [""; 0]);
    let line: serde_json::Value = serde_json::from_str(&log).expect("one event");
    let keys: Vec<_> = line.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["domain", "duration_seconds", "exit_code", "target", "timestamp"]);
    assert_eq!((line["target"].as_str(), line["domain"].as_str()), (Some("work"), None));
    let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a host has a name");
    for text in reports(sandbox).into_iter().chain([log, warning, expect_ok(sandbox, &["status"])]) {
        assert!(!text.contains(CANARY), "{text}");
        // A short host name may be part of any word.
        assert!(host.trim().len() < 6 || !text.contains(host.trim()), "{text}");
    }
}

/// The check above would find the canary.
fn target_is_found_wherever_the_canary_is_looked_for(sandbox: &Sandbox) {
    let words = ["--target", CANARY, "--", probe(), "exit", "0"];
    assert_eq!(tm_run(sandbox, &words).wait_for_exit(), WaitStatus::Exited(0));
    for text in reports(sandbox).into_iter().chain([sandbox.log_text(), expect_ok(sandbox, &["status"])]) {
        assert!(text.contains(CANARY), "{text}");
    }
}

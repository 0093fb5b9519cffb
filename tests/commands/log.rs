//! `tm-run log`.

use std::fs;
use std::os::unix::fs::symlink;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::{LOG_ONE, assert_home_is_empty, tm_run};
use crate::harness::{Case, OFF, Output, RECORDED, Sandbox, TM_RUN, WaitStatus, cases};

pub fn cases() -> Vec<Case> {
    let mut all = cases![OFF; log_while_off_writes_nothing];
    all.extend(cases![RECORDED; log_writes_the_documented_line, log_accepts_negative_exit_codes_and_option_prefixes, log_refuses_invalid_names_durations_and_exit_codes, log_that_cannot_be_written_is_an_error]);
    all
}

fn log_while_off_writes_nothing(sandbox: &Sandbox) {
    tm_run(sandbox, "log --target a --domain b --duration 1 --exit-code 0").expect_output(0, "", "");
    assert_home_is_empty(sandbox);
    // A usage error is one while off, too.
    tm_run(sandbox, "log --target a --duration x --exit-code 0").expect_error(2, "");
}

/// Records with these arguments, and compares the line but for its time.
#[track_caller]
fn logs(sandbox: &Sandbox, words: &[&str], line: &str) {
    sandbox.unwrapped([TM_RUN, "log"].iter().chain(words)).expect_output(0, "", "");
    let log = sandbox.log_text();
    let last = log.lines().next_back().expect("a line");
    let (_, rest) = last.split_once(", ").expect("a line");
    assert_eq!(rest, line);
    assert!(log.ends_with("}\n"));
}

fn log_writes_the_documented_line(sandbox: &Sandbox) {
    logs(
        sandbox,
        &["--target", "apply", "--duration", "45", "--exit-code", "0"],
        r#""target": "apply", "domain": null, "duration_seconds": 45.0, "exit_code": 0}"#,
    );
    logs(
        sandbox,
        &["--target=a \"b\" é", "--domain", "pro", "--duration", "0.12345", "--exit-code=137"],
        r#""target": "a \"b\" é", "domain": "pro", "duration_seconds": 0.123, "exit_code": 137}"#,
    );
    logs(
        sandbox,
        &["--target", "-x", "--domain", "", "--duration", "1e3", "--exit-code", "1"],
        r#""target": "-x", "domain": null, "duration_seconds": 1000.0, "exit_code": 1}"#,
    );
    assert_eq!(sandbox.events().len(), 3);
}

fn log_accepts_negative_exit_codes_and_option_prefixes(sandbox: &Sandbox) {
    logs(
        sandbox,
        &["--targ", "apply", "--dom", "pro", "--dur", "1.5", "--exit", "-9"],
        r#""target": "apply", "domain": "pro", "duration_seconds": 1.5, "exit_code": -9}"#,
    );
    logs(
        sandbox,
        &["--t=a", "--du=-0", "--e", "-9223372036854775808"],
        r#""target": "a", "domain": null, "duration_seconds": 0.0, "exit_code": -9223372036854775808}"#,
    );
}

fn log_refuses_invalid_names_durations_and_exit_codes(sandbox: &Sandbox) {
    let whole = ["--target", "a", "--duration", "1", "--exit-code", "0"];
    for (place, value) in [
        (1, ""),
        (1, "a\nb"),
        (1, "a\u{1b}[31m"),
        (1, "a\u{85}b"),
        (3, "nan"),
        (3, "-5"),
        (3, "-0.001"),
        (3, "-inf"),
        (3, "1e999"),
        (3, "1,5"),
        (3, ""),
        (5, "0.5"),
        (5, "zero"),
        (5, "9223372036854775808"),
        (5, ""),
    ] {
        let mut words = whole;
        words[place] = value;
        sandbox.unwrapped([TM_RUN, "log"].into_iter().chain(words)).expect_error(2, "");
    }
    for gone in [0, 2, 4] {
        let words = whole.iter().enumerate().filter(|(at, _)| *at / 2 != gone / 2).map(|(_, word)| *word);
        sandbox.unwrapped([TM_RUN, "log"].into_iter().chain(words)).expect_error(2, "");
    }
    // `--d` is ambiguous: domain or duration.
    tm_run(sandbox, "log --target a --d 1 --exit-code 0").expect_error(2, "");
    tm_run(sandbox, "log --target a --duration 1 --exit-code 0 more").expect_error(2, "");
    tm_run(sandbox, "log --target a --target b --duration 1 --exit-code 0").expect_error(2, "");
    assert!(!sandbox.log().exists());
}

fn log_that_cannot_be_written_is_an_error(sandbox: &Sandbox) {
    let make: [(&dyn Fn(), &str); 4] = [
        (&|| fs::create_dir(sandbox.log()).expect("a directory"), "'usage.jsonl' in it is no regular file"),
        (&|| mkfifo(&sandbox.log(), Mode::all()).expect("a FIFO"), "'usage.jsonl' in it is no regular file"),
        (&|| symlink("/dev/full", sandbox.log()).expect("a link"), "'usage.jsonl' in it is no regular file"),
        (&|| symlink("nowhere", sandbox.log()).expect("a link"), "'usage.jsonl' in it is a link to nowhere"),
    ];
    for (make, why) in make {
        make();
        let directory = sandbox.telemetry();
        let said = format!("tm-run: could not record the event in {}: {why}\n", directory.display());
        tm_run(sandbox, LOG_ONE).expect_output(1, "", &said);
        let Output { status, stderr, .. } = tm_run(sandbox, "clear --before 7d").output();
        let is_nothing = why.ends_with("nowhere");
        assert_eq!(status, WaitStatus::Exited(i32::from(!is_nothing)), "{stderr}");
        // The state is shown even if the log cannot be read.
        let status = tm_run(sandbox, "status").output();
        let first = format!("Telemetry: enabled, but not recording here: the file cannot be written: {why}");
        assert_eq!(status.text().lines().next(), Some(first.as_str()));
        assert_eq!(status.status, WaitStatus::Exited(i32::from(!is_nothing)));
        if fs::symlink_metadata(sandbox.log()).expect("it is there").is_dir() {
            fs::remove_dir(sandbox.log()).expect("it goes");
        } else {
            fs::remove_file(sandbox.log()).expect("it goes");
        }
    }
}

//! What is in the log afterwards. The other modules check that each run has one event.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use crate::harness::{ALL_BUT_OFF, Case, RECORDED, Sandbox, TM_RUN, WaitStatus, cases, probe};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED;
        event_line_has_the_documented_format,
        event_exit_code_is_what_the_shell_shows,
        event_duration_is_wall_time,
        torn_last_line_does_not_swallow_the_next_event,
        event_is_in_the_log_before_the_parent_sees_the_exit,
        log_and_directory_are_private_under_umask_zero,
        target_and_domain_are_recorded,
        mistyped_option_is_a_usage_error_and_runs_nothing,
    ];
    all.extend(cases![ALL_BUT_OFF; concurrent_200_runs_by_bash_write_200_lines]);
    all.extend(cases![ALL_BUT_OFF, needs ["xargs"]; concurrent_400_runs_by_xargs_write_400_lines]);
    all
}

fn event_line_has_the_documented_format(sandbox: &Sandbox) {
    assert_eq!(sandbox.probe("exit 3").wait_for_exit(), WaitStatus::Exited(3));
    let log = sandbox.log_text();
    let (time, rest) =
        log.strip_prefix("{\"timestamp\": \"").and_then(|rest| rest.split_once('"')).expect(&log);
    let pattern: String =
        time.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    assert_eq!(pattern, "0000-00-00T00:00:00+00:00");
    let rest =
        rest.strip_prefix(", \"target\": \"work\", \"domain\": null, \"duration_seconds\": ").expect(&log);
    let (duration, rest) = rest.split_once(',').expect(&log);
    assert!(duration.contains('.') && duration.parse::<f64>().is_ok(), "{duration}");
    assert_eq!(rest, " \"exit_code\": 3}\n");
}

/// LG01
fn event_exit_code_is_what_the_shell_shows(sandbox: &Sandbox) {
    let file = sandbox.script("plain-text", "text\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("its mode");
    let plain_text = file.display().to_string();
    let mut shown = Vec::new();
    for words in [
        &[probe(), "exit", "0"][..],
        &[probe(), "exit", "3"],
        &[probe(), "die", "15"],
        &[probe(), "die", "9"],
        &["no-such-command-anywhere"],
        &[&plain_text],
    ] {
        shown.push(sandbox.command(words.iter().copied()).wait_for_exit().shell_code());
    }
    assert_eq!(shown, [0, 3, 143, 137, 127, 126]);
    assert_eq!(sandbox.exit_codes(), shown);
}

/// LG02
fn event_duration_is_wall_time(sandbox: &Sandbox) {
    let start = Instant::now();
    assert_eq!(sandbox.command(["sleep", "0.3"]).wait_for_exit(), WaitStatus::Exited(0));
    let outside = start.elapsed().as_secs_f64();
    let logged = sandbox.events()[0].seconds;
    assert!((0.3..=outside).contains(&logged), "{logged} of {outside} s");
}

/// LG03, ST28
fn concurrent_200_runs_by_bash_write_200_lines(sandbox: &Sandbox) {
    let script = "for i in {0..199}; do $W $P exit $i & pids+=($!); done
        for pid in ${pids[@]}; do wait $pid; echo $?; done";
    let output = sandbox.bash(script).output();
    let codes: Vec<i64> = output.text().lines().map(|line| line.parse().expect("a code")).collect();
    assert_eq!(codes, (0..200).collect::<Vec<_>>());
    assert_eq!(output.stderr, "");
    if sandbox.log().exists() {
        let mut logged = sandbox.exit_codes();
        logged.sort_unstable();
        assert_eq!(logged, codes);
    }
}

fn concurrent_400_runs_by_xargs_write_400_lines(sandbox: &Sandbox) {
    let output = sandbox.bash("seq 400 | xargs -P 32 -n 1 $W $P exit 0").output();
    assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(0), ""));
    sandbox.assert_logged(&[0; 400]);
}

/// LG04
fn torn_last_line_does_not_swallow_the_next_event(sandbox: &Sandbox) {
    fs::write(sandbox.log(), "{\"timestamp\": \"2026-02-14T10:3").expect("a torn line");
    assert_eq!(sandbox.probe("exit 3").wait_for_exit(), WaitStatus::Exited(3));
    let log = sandbox.log_text();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[1].ends_with("\"exit_code\": 3}"), "{log}");
    assert_eq!(sandbox.probe("exit 4").wait_for_exit(), WaitStatus::Exited(4));
    assert_eq!(sandbox.log_text().lines().count(), 3, "no empty line in between");
}

/// LG07
fn event_is_in_the_log_before_the_parent_sees_the_exit(sandbox: &Sandbox) {
    let script = "for i in {1..50}; do $W $P exit 0; wc -l < .anklume/telemetry/usage.jsonl; done";
    let counts: Vec<String> = (1..=50).map(|count| count.to_string()).collect();
    assert_eq!(sandbox.bash(script).output().text().lines().collect::<Vec<_>>(), counts);
}

/// LG08
fn log_and_directory_are_private_under_umask_zero(sandbox: &Sandbox) {
    assert_eq!(sandbox.probe("exit 0").launch_option("--umask", "0").wait_for_exit(), WaitStatus::Exited(0));
    let mode = |path| fs::metadata(path).expect("it is there").permissions().mode() & 0o7777;
    assert_eq!(mode(sandbox.log()), 0o600);
    assert_eq!(mode(sandbox.telemetry()), 0o700);
}

fn target_and_domain_are_recorded(sandbox: &Sandbox) {
    let run = |words: &[&str]| {
        let tail = ["--", probe(), "exit", "0"];
        assert_eq!(
            sandbox.unwrapped([TM_RUN].iter().chain(words).chain(&tail)).wait_for_exit(),
            WaitStatus::Exited(0),
            "{words:?}"
        );
        let event = sandbox.events().pop().expect("an event");
        (event.target, event.domain)
    };
    let is = |target: &str, domain: Option<&str>| (target.to_owned(), domain.map(str::to_owned));
    assert_eq!(run(&[]), is("probe", None));
    assert_eq!(run(&["--target", "apply"]), is("apply", None));
    assert_eq!(run(&["--target", "apply", "--domain", ""]), is("apply", None));
    assert_eq!(run(&["--target", "apply", "--domain", "pro,lab"]), is("apply", Some("pro,lab")));
    assert_eq!(run(&["--target=a\"b\\c", "--domain=-x $(y) é"]), is("a\"b\\c", Some("-x $(y) é")));
    let raw = std::ffi::OsStr::from_bytes(b"--domain=\xff");
    let words = [TM_RUN, "--target", "t"].map(std::ffi::OsStr::new).into_iter().chain([raw]);
    let tail = ["--", probe(), "exit", "0"].map(std::ffi::OsStr::new);
    assert_eq!(sandbox.unwrapped(words.chain(tail)).wait_for_exit(), WaitStatus::Exited(0));
    assert_eq!(sandbox.events().pop().expect("an event").domain.as_deref(), Some("\u{fffd}"));
}

fn mistyped_option_is_a_usage_error_and_runs_nothing(sandbox: &Sandbox) {
    for words in [&["--no-such-option"][..], &["--tarrget", "x"], &["--target"]] {
        let tail = ["--", "sh", "-c", "echo run"];
        let output = sandbox.unwrapped([TM_RUN].iter().chain(words).chain(&tail)).output();
        assert_eq!((output.status, output.text().as_str()), (WaitStatus::Exited(2), ""), "{words:?}");
        assert_ne!(output.stderr, "");
    }
    assert!(!sandbox.log().exists(), "nothing is written");
}

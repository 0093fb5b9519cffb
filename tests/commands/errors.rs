//! Errors of the system: no permission, closed descriptors, a full disk.

use std::ffi::OsStr;
use std::fs;

use super::{LOG_ONE, NOTHING_TO_CLEAR, OFF_SAYS, WithUser, assert_home_is_empty, event, set_mode, tm_run};
use crate::harness::{Case, OFF, RECORDED, Sandbox, TM_RUN, WaitStatus, cases};

pub fn cases() -> Vec<Case> {
    let mut all =
        cases![OFF; eacces_is_an_error_and_changes_nothing, enospc_on_stdout_is_an_error_and_epipe_is_silent];
    all.extend(cases![RECORDED, needs ["strace"]; clear_of_a_log_that_cannot_be_looked_at_is_an_error]);
    all.extend(cases![RECORDED; closed_stdin_stdout_and_stderr_are_harmless, rlimit_fsize_is_an_error_and_costs_only_the_line, recording_failure_warns_on_a_tty_only]);
    all
}

fn eacces_is_an_error_and_changes_nothing(sandbox: &Sandbox) {
    let ours = WithUser::new(sandbox);
    set_mode(&sandbox.home(), 0o555);
    let said = ours.run("on").expect_error(1, "");
    assert!(said.ends_with(": Permission denied (os error 13)\n"), "{said}");
    assert!(ours.run("status").output().text().starts_with("Telemetry: disabled\n"));
    ours.run("off").expect_output(0, OFF_SAYS, "");
    ours.run("clear").expect_output(0, NOTHING_TO_CLEAR, "");
    assert_home_is_empty(sandbox);
    set_mode(&sandbox.home(), 0o755);

    ours.run("on").wait_for_exit();
    set_mode(&sandbox.telemetry(), 0o555);
    let said = ours.run(LOG_ONE).expect_error(1, "");
    assert!(said.ends_with(": Permission denied (os error 13)\n"), "{said}");
    set_mode(&sandbox.telemetry(), 0o700);
    ours.run(LOG_ONE).expect_output(0, "", "");
    let log = sandbox.log_text();
    set_mode(&sandbox.telemetry(), 0o555);
    for words in ["off", "clear", "clear --before today"] {
        let said = ours.run(words).expect_error(1, "");
        assert!(said.ends_with(": Permission denied (os error 13)\n"), "{said}");
    }
    assert!(sandbox.marker().exists());
    assert_eq!(sandbox.log_text(), log);
    // The file itself can still be written, so recording goes on.
    ours.run(LOG_ONE).expect_output(0, "", "");
    set_mode(&sandbox.log(), 0o400);
    let status = ours.run("status").output().text();
    assert!(status.starts_with("Telemetry: enabled, but not recording here: the file cannot be written: "));
    assert!(status.contains("\nEvents: 2 "), "{status}");
    ours.run(LOG_ONE).expect_error(1, "");
    // To append, one need not read.
    set_mode(&sandbox.log(), 0o200);
    ours.run(LOG_ONE).expect_output(0, "", "");
    // Nothing in the directory can be reached.
    set_mode(&sandbox.telemetry(), 0);
    for words in ["on", "off", "clear", "clear --before 7d", "report"] {
        ours.run(words).expect_error(1, "");
    }
    let status = ours.run("status").output();
    assert_eq!(status.status, WaitStatus::Exited(1));
    assert!(
        status.text().starts_with("Telemetry: disabled: 'enabled' in the data directory is out of reach\n")
    );
    ours.run("echo out").expect_output(0, "out\n", "");
    set_mode(&sandbox.telemetry(), 0o700);
}

fn clear_of_a_log_that_cannot_be_looked_at_is_an_error(sandbox: &Sandbox) {
    tm_run(sandbox, LOG_ONE).expect_output(0, "", "");
    let log = sandbox.log();
    let argv = ["strace", "-o/dev/null", "-einject=statx:error=EIO", "-P"].map(OsStr::new).into_iter();
    let argv = argv.chain([log.as_os_str(), OsStr::new(TM_RUN), OsStr::new("clear")]);
    let said = sandbox.unwrapped(argv).expect_error(1, "");
    assert!(said.ends_with(": Input/output error (os error 5)\n"), "{said}");
    assert!(log.exists());
}

fn closed_stdin_stdout_and_stderr_are_harmless(sandbox: &Sandbox) {
    let closed = |words: &str, fds: &[&str]| {
        fds.iter()
            .fold(tm_run(sandbox, words), |start, fd| start.launch_option("--close", fd))
            .wait_for_exit()
    };
    for fds in [&["0"][..], &["1"], &["2"], &["0", "1"], &["0", "1", "2"]] {
        for words in ["on", "status", "report", "report --format html", LOG_ONE] {
            assert_eq!(closed(words, fds), WaitStatus::Exited(0), "{words} {fds:?}");
        }
        assert_eq!(closed("report --nonsense", fds), WaitStatus::Exited(2));
        assert_eq!(closed("", fds), WaitStatus::Exited(1));
    }
    assert_eq!(sandbox.exit_codes(), [0; 5]);
    assert_eq!(fs::metadata(sandbox.marker()).expect("the marker").len(), 0);
    assert_eq!(closed("clear", &["0", "1", "2"]), WaitStatus::Exited(0));
    assert_home_is_empty(sandbox);
}

fn rlimit_fsize_is_an_error_and_costs_only_the_line(sandbox: &Sandbox) {
    tm_run(sandbox, LOG_ONE).expect_output(0, "", "");
    let (log, size) = (sandbox.log_text(), fs::metadata(sandbox.log()).expect("the log").len());
    // No room at all, and room for half a line.
    let limited = |room: u64| tm_run(sandbox, LOG_ONE).launch_option("--limit", format!("1:{}", size + room));
    let said = limited(0).expect_error(1, "");
    assert!(said.contains("could not record the event in "), "{said}");
    assert_eq!(sandbox.log_text(), log);
    let said = limited(40).expect_error(1, "");
    assert!(said.ends_with("only a part of the line fitted\n"), "{said}");
    tm_run(sandbox, LOG_ONE).expect_output(0, "", "");
    assert_eq!(sandbox.log_text().lines().count(), 3);
    let report = tm_run(sandbox, "report --format jsonl").output();
    assert_eq!(report.text().lines().count(), 2);
    assert_eq!(report.stderr, "tm-run: warning: 1 line could not be read: 2\n");
    // If there is no room for a copy, the log stays.
    fs::write(sandbox.log(), event("2020-01-01T00:00:00Z", "old") + &log.repeat(100)).expect("a log");
    let log = sandbox.log_text();
    tm_run(sandbox, "clear --before 2026-01-01").launch_option("--limit", "1:1000").expect_error(1, "");
    assert_eq!(sandbox.log_text(), log);
    assert_eq!(fs::read_dir(sandbox.telemetry()).expect("the directory").count(), 2, "no copy is left");
}

fn enospc_on_stdout_is_an_error_and_epipe_is_silent(sandbox: &Sandbox) {
    for words in ["on", "status", "off", "clear", "report", "init man", "--help", "--version", ""] {
        let said = tm_run(sandbox, words).launch_option("--write", "1:/dev/full").expect_error(1, "");
        assert_eq!(
            said,
            "tm-run: could not write to standard output: No space left on device (os error 28)\n"
        );
        // A closed pipe is no error worth a message.
        let broken = || tm_run(sandbox, words).launch_option("--broken-pipe", "1");
        broken().launch_option("--ignore", "13").expect_output(1, "", "");
        let output = broken().output();
        assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Killed(13), ""));
    }
}

fn recording_failure_warns_on_a_tty_only(sandbox: &Sandbox) {
    fs::create_dir(sandbox.log()).expect("a directory in place of the log");
    sandbox.probe("exit 3").expect_output(3, "", "");
    let mut job = sandbox.probe("exit 3").on_terminal().spawn();
    let expected = format!(
        "tm-run: warning: could not record this run in {}: 'usage.jsonl' in it is no regular file",
        sandbox.telemetry().display()
    );
    assert_eq!(job.terminal().screen.read_line(), expected);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(3));
    // Whether stdout is a terminal does not matter.
    let told = sandbox.path("told");
    let mut job = sandbox
        .probe("exit 3")
        .on_terminal()
        .launch_option("--write", format!("2:{}", told.display()))
        .spawn();
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(3));
    assert_eq!(fs::read(told).expect("what was told"), b"");
}

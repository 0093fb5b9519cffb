//! Whatever is wrong with the log's place, the command runs as bare, and nothing is printed.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::harness::{ALL_BUT_OFF, Case, Launch, RECORDED, Sandbox, WaitStatus, cases, probe, sigqueue};

pub fn cases() -> Vec<Case> {
    let mut all = cases![ALL_BUT_OFF;
        home_unset_runs_the_command,
        home_empty_relative_or_missing_runs_the_command,
        rlimit_fsize_does_not_kill_by_sigxfsz,
        closed_or_broken_stdout_and_stderr_keep_the_exit_status,
        home_that_is_not_utf8_is_recorded_in,
    ];
    all.extend(cases![RECORDED;
        read_only_directory_is_harmless,
        directory_in_place_of_the_log_is_harmless,
        fifo_in_place_of_the_log_does_not_hang,
        enospc_is_harmless,
        tty_or_stdout_in_place_of_the_log_is_not_written_to,
        symlink_loop_or_dangling_symlink_as_the_log_is_harmless,
        flock_held_by_another_process_is_not_waited_for,
        marker_that_is_no_file_means_off,
        directory_removed_during_the_run_is_not_made_again,
        marker_removed_during_the_run_means_no_event,
    ]);
    all
}

fn command(sandbox: &Sandbox) -> Launch<'_> {
    sandbox.command(["sh", "-c", "echo out; echo err >&2; exit 3"])
}

#[track_caller]
fn assert_unharmed(start: Launch) {
    let output = start.output();
    assert_eq!(output.status, WaitStatus::Exited(3));
    assert_eq!((output.text().as_str(), output.stderr.as_str()), ("out\n", "err\n"));
}

/// TL01
fn home_unset_runs_the_command(sandbox: &Sandbox) {
    assert_unharmed(command(sandbox).env_remove("HOME"));
}

/// TL02
fn home_empty_relative_or_missing_runs_the_command(sandbox: &Sandbox) {
    for home in ["", "home", ".", "/no/such/directory", "/dev/null", "/proc/self"] {
        assert_unharmed(command(sandbox).env("HOME", home));
    }
    if sandbox.way.records() {
        assert_eq!(sandbox.log_text(), "");
    }
}

/// TL03: not even root can write there.
fn read_only_directory_is_harmless(sandbox: &Sandbox) {
    fs::set_permissions(sandbox.telemetry(), fs::Permissions::from_mode(0o555)).expect("its mode");
    assert_unharmed(command(sandbox));
    fs::set_permissions(sandbox.telemetry(), fs::Permissions::from_mode(0o700)).expect("its mode");
    // Nobody can make a file in this HOME.
    assert_unharmed(command(sandbox).env("HOME", "/proc/self/root/proc"));
}

/// TL04
fn directory_in_place_of_the_log_is_harmless(sandbox: &Sandbox) {
    fs::create_dir(sandbox.log()).expect("a directory");
    assert_unharmed(command(sandbox));
}

/// TL05
fn fifo_in_place_of_the_log_does_not_hang(sandbox: &Sandbox) {
    mkfifo(&sandbox.log(), Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
    assert_unharmed(command(sandbox));
}

/// TL06
fn enospc_is_harmless(sandbox: &Sandbox) {
    symlink("/dev/full", sandbox.log()).expect("a link");
    assert_unharmed(command(sandbox));
}

fn tty_or_stdout_in_place_of_the_log_is_not_written_to(sandbox: &Sandbox) {
    // A line that was written there would be seen in the command's output or on its terminal.
    symlink("/dev/stdout", sandbox.log()).expect("a link");
    assert_unharmed(command(sandbox));
    fs::remove_file(sandbox.log()).expect("it goes");
    symlink("/dev/tty", sandbox.log()).expect("a link");
    assert_unharmed(command(sandbox));
}

/// TL07
fn symlink_loop_or_dangling_symlink_as_the_log_is_harmless(sandbox: &Sandbox) {
    symlink("usage.jsonl", sandbox.log()).expect("a link to itself");
    assert_unharmed(command(sandbox));
    fs::remove_file(sandbox.log()).expect("it goes");
    symlink("/no/such/directory/log", sandbox.log()).expect("a link into nowhere");
    assert_unharmed(command(sandbox));
}

/// TL08
fn rlimit_fsize_does_not_kill_by_sigxfsz(sandbox: &Sandbox) {
    let sized = |limit: &str| command(sandbox).launch_option("--limit", format!("1:{limit}"));
    assert_unharmed(sized("0"));
    // Room for half a line.
    assert_unharmed(sized("40"));
    // The next event does not continue the half line that may be there.
    assert_unharmed(command(sandbox));
    if sandbox.way.records() {
        let log = sandbox.log_text();
        let last = log.lines().next_back().expect("a line");
        assert!(last.starts_with("{\"timestamp\": ") && last.ends_with('}'), "{log}");
    }
}

/// TL09
fn flock_held_by_another_process_is_not_waited_for(sandbox: &Sandbox) {
    let words = [probe().into(), OsString::from("hold"), sandbox.log().into_os_string()];
    let mut holder = sandbox.unwrapped(words).stdin(Stdio::piped()).spawn();
    assert_eq!(holder.stdout.read_line(), "held");
    // The lock is released only after these have ended, so a run that waits for it hangs.
    assert_unharmed(command(sandbox));
    assert_unharmed(command(sandbox));
    assert_eq!(sandbox.exit_codes(), [3, 3], "written all the same");
    holder.stdin = None;
    assert_eq!(holder.wait_for_exit(), WaitStatus::Exited(0));
}

/// TL10
fn closed_or_broken_stdout_and_stderr_keep_the_exit_status(sandbox: &Sandbox) {
    if sandbox.way.records() {
        fs::create_dir(sandbox.log()).expect("a directory in place of the log");
    }
    for option in ["--close", "--broken-pipe"] {
        for fds in [&["1"][..], &["2"], &["1", "2"]] {
            let start = fds.iter().fold(sandbox.probe("exit 3"), |start, fd| start.launch_option(option, fd));
            assert_eq!(start.wait_for_exit(), WaitStatus::Exited(3), "{option} {fds:?}");
        }
    }
}

/// TL11
fn marker_that_is_no_file_means_off(sandbox: &Sandbox) {
    let (marker, anklume) = (sandbox.marker(), sandbox.home().join(".anklume"));
    fs::remove_file(&marker).expect("it goes");
    fs::create_dir(&marker).expect("a directory");
    assert_unharmed(command(sandbox));
    assert!(!sandbox.log().exists());
    fs::remove_dir(&marker).expect("it goes");
    symlink("nowhere", &marker).expect("a link");
    assert_unharmed(command(sandbox));
    assert!(!sandbox.log().exists());
    fs::remove_dir_all(&anklume).expect("it goes");
    fs::write(&anklume, "").expect("a file");
    assert_unharmed(command(sandbox));
}

#[track_caller]
fn during_a_run(sandbox: &Sandbox, act: impl Fn()) {
    let mut job = sandbox.probe("signals").spawn();
    let command = job.stdout.read_ready_pid();
    act();
    sigqueue(command, 63, 3);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(3));
    assert_eq!(job.stderr.read_to_string(), "");
}

/// TL12
fn directory_removed_during_the_run_is_not_made_again(sandbox: &Sandbox) {
    during_a_run(sandbox, || fs::remove_dir_all(sandbox.home().join(".anklume")).expect("it goes"));
    assert!(!sandbox.home().join(".anklume").exists(), "it is not made again");
}

fn marker_removed_during_the_run_means_no_event(sandbox: &Sandbox) {
    during_a_run(sandbox, || fs::remove_file(sandbox.marker()).expect("it goes"));
    assert!(!sandbox.log().exists(), "nothing is recorded against the will of the user");
    // A link is the user's own, and so is what is not empty.
    for text in ["", "kept"] {
        fs::write(sandbox.path("log"), text).expect("a log");
        let _ = fs::remove_file(sandbox.log());
        symlink(sandbox.path("log"), sandbox.log()).expect("a link");
        fs::write(sandbox.marker(), "").expect("the marker");
        during_a_run(sandbox, || fs::remove_file(sandbox.marker()).expect("it goes"));
        assert_eq!(fs::read_to_string(sandbox.log()).expect("the log"), text);
    }
}

/// TL13
fn home_that_is_not_utf8_is_recorded_in(sandbox: &Sandbox) {
    let home = sandbox.path("other").join(OsStr::from_bytes(b"h\xff\xfeme"));
    fs::create_dir_all(home.join(".anklume/telemetry")).expect("a home");
    fs::write(home.join(".anklume/telemetry/enabled"), "").expect("a marker");
    assert_unharmed(command(sandbox).env("HOME", &home));
    if sandbox.way.records() {
        let log = fs::read_to_string(home.join(".anklume/telemetry/usage.jsonl")).expect("a log");
        assert_eq!(log.lines().count(), 1);
    }
}

//! Nothing that can be wrong with the place of the log changes the command, or is to be seen.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::ledger::{Case, cases};
use crate::stage::{BARE_AND_RECORDED, RECORDED, Stage, Start, Told, Way, probe, queue};

pub fn cases() -> Vec<Case> {
    let mut all = cases![BARE_AND_RECORDED;
        without_a_home_the_command_runs,
        in_a_home_that_is_none_the_command_runs,
        a_file_size_limit_of_zero_does_not_kill,
        with_closed_or_broken_output_the_status_is_right,
        a_home_that_is_not_utf_8_does_no_harm,
    ];
    all.extend(cases![RECORDED;
        a_directory_that_cannot_be_written_does_no_harm,
        a_directory_in_place_of_the_log_does_no_harm,
        a_fifo_in_place_of_the_log_does_not_hang,
        a_full_disk_does_no_harm,
        a_device_in_place_of_the_log_is_not_written_to,
        links_in_place_of_the_log_do_no_harm,
        a_lock_held_by_somebody_is_not_waited_for,
        a_marker_that_is_no_file_is_off,
        a_directory_that_goes_while_the_command_runs_does_no_harm,
        a_marker_that_goes_while_the_command_runs_means_no_event,
    ]);
    all
}

fn command(stage: &Stage) -> Start<'_> {
    stage.command(["sh", "-c", "echo out; echo err >&2; exit 3"])
}

#[track_caller]
fn unharmed(start: Start) {
    let finished = start.finish();
    assert_eq!(finished.told, Told::Exited(3));
    assert_eq!((finished.text().as_str(), finished.err.as_str()), ("out\n", "err\n"));
}

/// TL01
fn without_a_home_the_command_runs(stage: &Stage) {
    unharmed(command(stage).without_variable("HOME"));
}

/// TL02
fn in_a_home_that_is_none_the_command_runs(stage: &Stage) {
    for home in ["", "home", ".", "/no/such/directory", "/dev/null", "/proc/self"] {
        unharmed(command(stage).variable("HOME", home));
    }
    if stage.way == Way::Recorded {
        assert_eq!(stage.raw_log(), "");
    }
}

/// TL03: not even root can write there.
fn a_directory_that_cannot_be_written_does_no_harm(stage: &Stage) {
    fs::set_permissions(stage.telemetry(), fs::Permissions::from_mode(0o555)).expect("its mode");
    unharmed(command(stage));
    fs::set_permissions(stage.telemetry(), fs::Permissions::from_mode(0o700)).expect("its mode");
    // A home in which nobody can make anything.
    unharmed(command(stage).variable("HOME", "/proc/self/root/proc"));
}

/// TL04
fn a_directory_in_place_of_the_log_does_no_harm(stage: &Stage) {
    fs::create_dir(stage.log()).expect("a directory");
    unharmed(command(stage));
}

/// TL05
fn a_fifo_in_place_of_the_log_does_not_hang(stage: &Stage) {
    mkfifo(&stage.log(), Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
    unharmed(command(stage));
}

/// TL06
fn a_full_disk_does_no_harm(stage: &Stage) {
    symlink("/dev/full", stage.log()).expect("a link");
    unharmed(command(stage));
}

fn a_device_in_place_of_the_log_is_not_written_to(stage: &Stage) {
    // Written to, it would be seen: the terminal of nobody, or the command's own output.
    symlink("/dev/stdout", stage.log()).expect("a link");
    unharmed(command(stage));
    fs::remove_file(stage.log()).expect("it goes");
    symlink("/dev/tty", stage.log()).expect("a link");
    unharmed(command(stage));
}

/// TL07
fn links_in_place_of_the_log_do_no_harm(stage: &Stage) {
    symlink("usage.jsonl", stage.log()).expect("a link to itself");
    unharmed(command(stage));
    fs::remove_file(stage.log()).expect("it goes");
    symlink("/no/such/directory/log", stage.log()).expect("a link into nowhere");
    unharmed(command(stage));
}

/// TL08
fn a_file_size_limit_of_zero_does_not_kill(stage: &Stage) {
    let sized = |limit: &str| command(stage).option("--limit", format!("1:{limit}"));
    unharmed(sized("0"));
    // Room for half a line.
    unharmed(sized("40"));
    // The next event is not glued to the half that may be there.
    unharmed(command(stage));
    if stage.way == Way::Recorded {
        let log = stage.raw_log();
        let last = log.lines().next_back().expect("a line");
        assert!(last.starts_with("{\"timestamp\": ") && last.ends_with('}'), "{log}");
    }
}

/// TL09
fn a_lock_held_by_somebody_is_not_waited_for(stage: &Stage) {
    let words = [probe().into(), OsString::from("hold"), stage.log().into_os_string()];
    let mut holder = stage.plain(words).input(Stdio::piped()).start();
    assert_eq!(holder.out.line(), "held");
    // The holder lets go only after these have ended: waiting for it would be for ever.
    unharmed(command(stage));
    unharmed(command(stage));
    assert_eq!(stage.exit_codes(), [3, 3], "written all the same");
    holder.input = None;
    assert_eq!(holder.end(), Told::Exited(0));
}

/// TL10
fn with_closed_or_broken_output_the_status_is_right(stage: &Stage) {
    if stage.way == Way::Recorded {
        fs::create_dir(stage.log()).expect("a directory in place of the log");
    }
    for option in ["--close", "--broken-pipe"] {
        for fds in [&["1"][..], &["2"], &["1", "2"]] {
            let start = fds.iter().fold(stage.probe("exit 3"), |start, fd| start.option(option, fd));
            assert_eq!(start.end(), Told::Exited(3), "{option} {fds:?}");
        }
    }
}

/// TL11
fn a_marker_that_is_no_file_is_off(stage: &Stage) {
    let (marker, anklume) = (stage.marker(), stage.home().join(".anklume"));
    fs::remove_file(&marker).expect("it goes");
    fs::create_dir(&marker).expect("a directory");
    unharmed(command(stage));
    assert!(!stage.log().exists());
    fs::remove_dir(&marker).expect("it goes");
    symlink("nowhere", &marker).expect("a link");
    unharmed(command(stage));
    assert!(!stage.log().exists());
    fs::remove_dir_all(&anklume).expect("it goes");
    fs::write(&anklume, "").expect("a file");
    unharmed(command(stage));
}

#[track_caller]
fn while_it_runs(stage: &Stage, act: impl Fn()) {
    let mut job = stage.probe("signals").start();
    let command = job.out.ready();
    act();
    queue(command, 63, 3);
    assert_eq!(job.end(), Told::Exited(3));
    assert_eq!(job.err.rest_text(), "");
}

/// TL12
fn a_directory_that_goes_while_the_command_runs_does_no_harm(stage: &Stage) {
    while_it_runs(stage, || fs::remove_dir_all(stage.home().join(".anklume")).expect("it goes"));
    assert!(!stage.home().join(".anklume").exists(), "it is not made again");
}

fn a_marker_that_goes_while_the_command_runs_means_no_event(stage: &Stage) {
    while_it_runs(stage, || fs::remove_file(stage.marker()).expect("it goes"));
    assert!(!stage.log().exists(), "nothing is recorded against the will of the user");
}

/// TL13
fn a_home_that_is_not_utf_8_does_no_harm(stage: &Stage) {
    let home = stage.path("other").join(OsStr::from_bytes(b"h\xff\xfeme"));
    fs::create_dir_all(home.join(".anklume/telemetry")).expect("a home");
    fs::write(home.join(".anklume/telemetry/enabled"), "").expect("a marker");
    unharmed(command(stage).variable("HOME", &home));
    if stage.way == Way::Recorded {
        let log = fs::read_to_string(home.join(".anklume/telemetry/usage.jsonl")).expect("a log");
        assert_eq!(log.lines().count(), 1);
    }
}

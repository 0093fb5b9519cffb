//! What a user types by hand: `on`, `off`, `status`, `clear`, `log`, and what they mistype.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::Stdio;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::harness::{
    Case, Launch, OFF, Output, RECORDED, ROOT, Sandbox, TM_RUN, WaitStatus, cases, install, probe, wait_until,
};

pub fn cases() -> Vec<Case> {
    let mut all = cases![OFF;
        on_prints_the_directory_and_makes_only_the_marker,
        off_keeps_the_log,
        off_subcommands_make_no_file,
        modes_are_private_under_any_umask,
        existing_modes_are_kept,
        marker_that_is_no_file_means_off_and_status_says_so,
        file_in_place_of_the_directory_is_an_error,
        home_unset_or_relative_is_an_error_and_makes_nothing,
        eacces_is_an_error_and_changes_nothing,
        usage_error_is_one_line_and_runs_nothing,
        no_arguments_shows_the_help,
        mistyped_subcommand_gets_a_hint,
        log_while_off_writes_nothing,
        enospc_on_stdout_is_an_error_and_epipe_is_silent,
    ];
    all.extend(cases![RECORDED;
        status_shows_what_is_stored,
        status_json_has_every_key,
        do_not_track_stops_recording_in_every_subcommand,
        log_writes_the_documented_line,
        log_accepts_negative_numbers_and_option_prefixes,
        log_refuses_invalid_names_durations_and_exit_codes,
        log_that_cannot_be_written_is_an_error,
        clear_deletes_the_log_the_marker_and_the_directories,
        clear_keeps_files_that_are_not_ours,
        clear_deletes_the_target_of_a_symlinked_log,
        clear_reports_hard_links_and_dangling_symlinks,
        clear_deletes_a_log_without_read_permission,
        clear_before_deletes_only_older_events,
        clear_before_uses_the_local_time_zone,
        clear_before_keeps_a_symlinked_log_linked,
        clear_before_treats_untimed_lines_like_the_line_before,
        clear_before_gives_up_on_a_locked_log,
        clear_before_loses_no_line_of_concurrent_writers,
        clear_before_killed_leaves_the_log_whole,
        closed_stdin_stdout_and_stderr_are_harmless,
        rlimit_fsize_is_an_error_and_costs_only_the_line,
        recording_failure_warns_on_a_tty_only,
    ]);
    all.extend(cases![OFF, needs [ROOT];
        root_gives_what_it_makes_to_the_owner_of_the_directory,
        root_does_not_follow_a_linked_log_of_another_user,
        root_does_not_follow_a_linked_directory_of_another_user,
        status_shows_the_fix_for_a_log_owned_by_root,
    ]);
    all
}

fn tm_run<'s>(sandbox: &'s Sandbox, words: &str) -> Launch<'s> {
    sandbox.unwrapped([TM_RUN].into_iter().chain(words.split_whitespace()))
}

impl Launch<'_> {
    #[track_caller]
    fn says(self, code: i32, out: &str, err: &str) {
        let output = self.output();
        assert_eq!(
            (output.text().as_str(), output.stderr.as_str(), output.status),
            (out, err, WaitStatus::Exited(code))
        );
    }

    /// One line of complaint, which is given back.
    #[track_caller]
    fn fails(self, code: i32, out: &str) -> String {
        let Output { status, stdout: text, stderr } = self.output();
        assert_eq!(
            (status, String::from_utf8_lossy(&text).as_ref()),
            (WaitStatus::Exited(code), out),
            "{stderr}"
        );
        assert!(stderr.starts_with("tm-run: ") && stderr.ends_with('\n'), "{stderr:?}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        stderr
    }
}

fn event(time: &str, target: &str) -> String {
    format!(
        "{{\"timestamp\": \"{time}\", \"target\": \"{target}\", \"domain\": null, \"duration_seconds\": 1.0, \"exit_code\": 0}}\n"
    )
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("its mode");
}

#[track_caller]
fn has_nothing(sandbox: &Sandbox) {
    assert_eq!(fs::read_dir(sandbox.home()).expect("the home can be read").count(), 0, "nothing may be made");
}

/// Records one event.
const LOG_ONE: &str = "log --target a --duration 1 --exit-code 0";

const CLEARED: &str = "Telemetry data and state deleted.\n";
const NOTHING_TO_CLEAR: &str = "No telemetry data to delete.\n";
const OFF_SAYS: &str = "Telemetry disabled. Existing data preserved.\nTo delete it: tm-run clear\n";

const RECORDED_PER_RUN: &str =
    "Recorded per run: timestamp, target, domain, duration_seconds, exit_code. Nothing else.\n";
const NETWORK: &str =
    "Network: none. This program has no network code; check with: strace -f -e trace=network tm-run status\n";
const HOW_TO_TURN_ON: &str = "Turn recording on with: tm-run on\n";

/* ---- on, off, status ---- */

fn on_prints_the_directory_and_makes_only_the_marker(sandbox: &Sandbox) {
    let text = format!("Telemetry enabled. Data stored in: {}\n", sandbox.telemetry().display());
    for _ in 0..2 {
        tm_run(sandbox, "on").says(0, &text, "");
        let entries = fs::read_dir(sandbox.telemetry()).expect("a directory");
        let names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        assert_eq!(names, ["enabled"]);
        assert_eq!(fs::metadata(sandbox.marker()).expect("a marker").len(), 0);
    }
}

fn off_keeps_the_log(sandbox: &Sandbox) {
    tm_run(sandbox, "on").wait_for_exit();
    tm_run(sandbox, LOG_ONE).says(0, "", "");
    let log = sandbox.log_text();
    for _ in 0..2 {
        tm_run(sandbox, "off").says(0, OFF_SAYS, "");
        assert!(!sandbox.marker().exists());
    }
    tm_run(sandbox, "log --target b --duration 1 --exit-code 0").says(0, "", "");
    assert_eq!(sandbox.log_text(), log);
    // A log that is there is reported on while recording is off.
    assert!(tm_run(sandbox, "report").output().text().contains("Total events: 1 "));
}

fn off_subcommands_make_no_file(sandbox: &Sandbox) {
    for words in [
        "off",
        "status",
        "status --format json",
        "report",
        "report --format html",
        "clear",
        "clear --before today",
        LOG_ONE,
        "init bash",
        "--help",
        "report --help",
        "--version",
        "true",
        "-- true",
    ] {
        assert_eq!(tm_run(sandbox, words).wait_for_exit(), WaitStatus::Exited(0), "{words}");
        has_nothing(sandbox);
    }
    let directory = sandbox.telemetry();
    let text = format!(
        "Telemetry: disabled\nData directory: {}\nEvents: 0\nNo data file yet.\n{RECORDED_PER_RUN}{NETWORK}{HOW_TO_TURN_ON}",
        directory.display()
    );
    tm_run(sandbox, "status").says(0, &text, "");
    tm_run(sandbox, "off").says(0, OFF_SAYS, "");
    tm_run(sandbox, "clear").says(0, NOTHING_TO_CLEAR, "");
    tm_run(sandbox, "clear --before today").says(0, "No events before that. Kept 0 events.\n", "");
    tm_run(sandbox, "report").says(
        0,
        "No telemetry data to report.\nRecording is off. Turn it on with: tm-run on\n",
        "",
    );
}

fn modes_are_private_under_any_umask(sandbox: &Sandbox) {
    let ours = WithUser::new(sandbox);
    for umask in ["000", "022", "077", "777"] {
        assert_eq!(
            ours.run("on").launch_option("--umask", umask).wait_for_exit(),
            WaitStatus::Exited(0),
            "{umask}"
        );
        assert_eq!(
            ours.run(LOG_ONE).launch_option("--umask", umask).wait_for_exit(),
            WaitStatus::Exited(0),
            "{umask}"
        );
        for directory in [sandbox.home().join(".anklume"), sandbox.telemetry()] {
            assert_eq!(mode(&directory), 0o700, "{umask}");
        }
        for file in [sandbox.marker(), sandbox.log()] {
            assert_eq!(mode(&file), 0o600, "{umask}");
        }
        // The log is written anew, and stays as it was.
        set_mode(&sandbox.log(), 0o640);
        let old = event("2020-01-01T00:00:00Z", "old") + &sandbox.log_text();
        fs::write(sandbox.log(), old).expect("a log");
        assert_eq!(
            ours.run("clear --before today").launch_option("--umask", umask).wait_for_exit(),
            WaitStatus::Exited(0)
        );
        assert_eq!((mode(&sandbox.log()), sandbox.events().len()), (0o640, 1), "{umask}");
        ours.run("clear").says(0, CLEARED, "");
        has_nothing(sandbox);
    }
}

fn existing_modes_are_kept(sandbox: &Sandbox) {
    let anklume = sandbox.home().join(".anklume");
    fs::create_dir_all(sandbox.telemetry()).expect("the directories");
    for (path, mode) in [(&anklume, 0o755), (&sandbox.telemetry(), 0o711)] {
        set_mode(path, mode);
    }
    fs::write(sandbox.log(), "").expect("a log");
    set_mode(&sandbox.log(), 0o644);
    tm_run(sandbox, "on").wait_for_exit();
    set_mode(&sandbox.marker(), 0o444);
    tm_run(sandbox, "on").wait_for_exit();
    tm_run(sandbox, LOG_ONE).says(0, "", "");
    let modes = [&anklume, &sandbox.telemetry(), &sandbox.log(), &sandbox.marker()].map(|path| mode(path));
    assert_eq!(modes, [0o755, 0o711, 0o644, 0o444]);
    let shown = tm_run(sandbox, "status").output().text();
    assert!(shown.contains("readable by others, too (0644)"), "{shown}");
}

fn marker_that_is_no_file_means_off_and_status_says_so(sandbox: &Sandbox) {
    fs::create_dir_all(sandbox.telemetry()).expect("the directories");
    let make: [(&dyn Fn(), &str); 3] = [
        (&|| fs::create_dir(sandbox.marker()).expect("a directory"), "a directory"),
        (&|| symlink("nowhere", sandbox.marker()).expect("a link"), "a link to nowhere"),
        (&|| mkfifo(&sandbox.marker(), Mode::S_IRUSR).expect("a FIFO"), "no regular file"),
    ];
    for (make, what) in make {
        make();
        let said = tm_run(sandbox, "status").output().text();
        let first = format!("Telemetry: disabled: 'enabled' in the data directory is {what}");
        assert_eq!(said.lines().next(), Some(first.as_str()));
        let said = tm_run(sandbox, "on").fails(1, "");
        assert!(said.ends_with(&format!(": 'enabled' in it is {what}\n")), "{said}");
        tm_run(sandbox, LOG_ONE).says(0, "", "");
        assert!(!sandbox.log().exists());
        tm_run(sandbox, "off").says(0, OFF_SAYS, "");
        // A directory is not ours.
        if sandbox.marker().is_dir() {
            fs::remove_dir(sandbox.marker()).expect("it goes");
        }
        assert!(fs::symlink_metadata(sandbox.marker()).is_err());
    }
    // Links are followed.
    fs::write(sandbox.path("elsewhere"), "").expect("a file");
    symlink(sandbox.path("elsewhere"), sandbox.marker()).expect("a link");
    assert!(tm_run(sandbox, "status").output().text().starts_with("Telemetry: enabled\n"));
    tm_run(sandbox, "off").says(0, OFF_SAYS, "");
    assert!(sandbox.path("elsewhere").exists());
}

fn file_in_place_of_the_directory_is_an_error(sandbox: &Sandbox) {
    let anklume = sandbox.home().join(".anklume");
    fs::write(&anklume, "not ours").expect("a file");
    let said = tm_run(sandbox, "on").fails(1, "");
    assert!(said.ends_with(&format!("'{}' is no directory\n", anklume.display())), "{said}");
    let said = tm_run(sandbox, "status").output().text();
    assert!(said.starts_with("Telemetry: disabled: there is no room for a data directory"), "{said}");
    tm_run(sandbox, "off").says(0, OFF_SAYS, "");
    tm_run(sandbox, "clear").says(0, NOTHING_TO_CLEAR, "");
    tm_run(sandbox, "clear --before 7d").says(0, "No events before that. Kept 0 events.\n", "");
    assert_eq!(tm_run(sandbox, "report").wait_for_exit(), WaitStatus::Exited(0));
    assert_eq!(fs::read(&anklume).expect("it is there"), b"not ours");
}

fn home_unset_or_relative_is_an_error_and_makes_nothing(sandbox: &Sandbox) {
    const WHY: &str = "there is no home directory: HOME is not an absolute path";
    for home in [None, Some(""), Some("home"), Some(".")] {
        let run = |words| match home {
            Some(home) => tm_run(sandbox, words).env("HOME", home),
            None => tm_run(sandbox, words).env_remove("HOME"),
        };
        for words in ["on", "off", "clear", "clear --before 7d"] {
            run(words).says(1, "", &format!("tm-run: {WHY}\n"));
        }
        run(LOG_ONE).says(0, "", "");
        let said = run("status").output();
        assert_eq!(
            (said.status, said.text()),
            (WaitStatus::Exited(0), format!("Telemetry: disabled: {WHY}\n"))
        );
        let said = run("report").output();
        assert_eq!(said.status, WaitStatus::Exited(0));
        assert!(said.text().starts_with("No telemetry data to report.\nNothing can be recorded: "));
        run("echo out").says(0, "out\n", "");
        has_nothing(sandbox);
    }
}

fn status_shows_what_is_stored(sandbox: &Sandbox) {
    let last = event("2026-11-23T15:10:09+00:00", "lint");
    fs::write(sandbox.log(), event("2026-10-12T10:00:00+00:00", "apply") + "damaged\n" + &last)
        .expect("a log");
    set_mode(&sandbox.log(), 0o600);
    let size = fs::metadata(sandbox.log()).expect("a log").len();
    let head =
        |state: &str| format!("Telemetry: {state}\nData directory: {}\n", sandbox.telemetry().display());
    let rest = format!(
        "Events: 2 (12 Oct – 23 Nov 2026), 1 unreadable line\n\
         File size: {size} bytes, readable by you only (0600)\n{RECORDED_PER_RUN}Last line: {last}{NETWORK}"
    );
    tm_run(sandbox, "status").says(0, &(head("enabled") + &rest), "");
    tm_run(sandbox, "off").wait_for_exit();
    tm_run(sandbox, "status").says(0, &(head("disabled") + &rest + HOW_TO_TURN_ON), "");
}

fn status_json_has_every_key(sandbox: &Sandbox) {
    let last = event("2026-11-23T15:10:09+00:00", "lint");
    fs::write(sandbox.log(), event("2026-10-12T10:00:00+00:00", "apply") + "damaged\n" + &last)
        .expect("a log");
    set_mode(&sandbox.log(), 0o600);
    let json = |start: Launch| -> serde_json::Value {
        serde_json::from_str(&start.output().text()).expect("one JSON object")
    };
    let expected = serde_json::json!({
        "format_version": 1,
        "enabled": true,
        "recording": true,
        "reason": null,
        "data_directory": sandbox.telemetry().to_str(),
        "events": 2,
        "unreadable": 1,
        "first_event": "2026-10-12T10:00:00Z",
        "last_event": "2026-11-23T15:10:09Z",
        "file_size_bytes": fs::metadata(sandbox.log()).expect("a log").len(),
        "file_mode": "0600",
        "fields": ["timestamp", "target", "domain", "duration_seconds", "exit_code"],
        "way": "clone",
        "way_reason": null,
        "last_line": last.trim_end(),
    });
    assert_eq!(json(tm_run(sandbox, "status --format json")), expected);
    let held = json(tm_run(sandbox, "status --format=json").env("DO_NOT_TRACK", "1"));
    assert_eq!(held["recording"], false);
    assert_eq!(held["reason"], "DO_NOT_TRACK=1 is set");
    tm_run(sandbox, "clear").wait_for_exit();
    let empty = json(tm_run(sandbox, "status --format json"));
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    };
    assert_eq!(keys(&empty), keys(&expected));
    assert_eq!((&empty["events"], &empty["file_size_bytes"]), (&0.into(), &serde_json::Value::Null));
}

fn do_not_track_stops_recording_in_every_subcommand(sandbox: &Sandbox) {
    for value in ["1", "true", "yes", "TRUE", " ", "no"] {
        let run = |words| tm_run(sandbox, words).env("DO_NOT_TRACK", value);
        let said = run("status").output().text();
        let first = format!("Telemetry: enabled, but not recording here: DO_NOT_TRACK={value} is set");
        assert_eq!(said.lines().next(), Some(first.as_str()));
        let said = run("on").output().text();
        assert!(said.contains(&format!("\nNot recording here: DO_NOT_TRACK={value} is set")), "{said}");
        assert!(said.contains("env -u DO_NOT_TRACK tm-run"), "{said}");
        let said = run("report").output().text();
        assert!(said.contains(&format!("DO_NOT_TRACK={value} is set")), "{said}");
        run(LOG_ONE).says(0, "", "");
        run("true").says(0, "", "");
        assert!(!sandbox.log().exists(), "{value:?}");
    }
    for (count, value) in ["", "0", "false"].into_iter().enumerate() {
        let run = |words| tm_run(sandbox, words).env("DO_NOT_TRACK", value);
        assert!(run("status").output().text().starts_with("Telemetry: enabled\n"), "{value:?}");
        run(LOG_ONE).says(0, "", "");
        run("true").says(0, "", "");
        assert_eq!(sandbox.events().len(), 2 * (count + 1), "{value:?}");
    }
}

/* ---- log ---- */

fn log_while_off_writes_nothing(sandbox: &Sandbox) {
    tm_run(sandbox, "log --target a --domain b --duration 1 --exit-code 0").says(0, "", "");
    has_nothing(sandbox);
    // What is wrong is refused all the same.
    tm_run(sandbox, "log --target a --duration x --exit-code 0").fails(2, "");
}

/// All but the time.
#[track_caller]
fn logs(sandbox: &Sandbox, words: &[&str], line: &str) {
    sandbox.unwrapped([TM_RUN, "log"].iter().chain(words)).says(0, "", "");
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

fn log_accepts_negative_numbers_and_option_prefixes(sandbox: &Sandbox) {
    logs(
        sandbox,
        &["--targ", "apply", "--dom", "pro", "--dur", "-1.5", "--exit", "-9"],
        r#""target": "apply", "domain": "pro", "duration_seconds": -1.5, "exit_code": -9}"#,
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
        sandbox.unwrapped([TM_RUN, "log"].into_iter().chain(words)).fails(2, "");
    }
    for gone in [0, 2, 4] {
        let words = whole.iter().enumerate().filter(|(at, _)| *at / 2 != gone / 2).map(|(_, word)| *word);
        sandbox.unwrapped([TM_RUN, "log"].into_iter().chain(words)).fails(2, "");
    }
    // `--d` could be the domain or the duration.
    tm_run(sandbox, "log --target a --d 1 --exit-code 0").fails(2, "");
    tm_run(sandbox, "log --target a --duration 1 --exit-code 0 more").fails(2, "");
    tm_run(sandbox, "log --target a --target b --duration 1 --exit-code 0").fails(2, "");
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
        tm_run(sandbox, LOG_ONE).says(1, "", &said);
        let Output { status, stderr, .. } = tm_run(sandbox, "clear --before 7d").output();
        let is_nothing = why.ends_with("nowhere");
        assert_eq!(status, WaitStatus::Exited(i32::from(!is_nothing)), "{stderr}");
        // The state is told even if what is stored is not.
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

/* ---- clear ---- */

fn clear_deletes_the_log_the_marker_and_the_directories(sandbox: &Sandbox) {
    tm_run(sandbox, LOG_ONE).wait_for_exit();
    tm_run(sandbox, "clear").says(0, CLEARED, "");
    has_nothing(sandbox);
    tm_run(sandbox, "clear").says(0, NOTHING_TO_CLEAR, "");
    // The marker alone, and the log alone.
    tm_run(sandbox, "on").wait_for_exit();
    tm_run(sandbox, "clear").says(0, CLEARED, "");
    fs::create_dir_all(sandbox.telemetry()).expect("the directories");
    fs::write(sandbox.log(), "").expect("a log");
    tm_run(sandbox, "clear").says(0, CLEARED, "");
    has_nothing(sandbox);
}

fn clear_keeps_files_that_are_not_ours(sandbox: &Sandbox) {
    let anklume = sandbox.home().join(".anklume");
    fs::write(anklume.join("settings"), "x").expect("a file");
    tm_run(sandbox, LOG_ONE).wait_for_exit();
    tm_run(sandbox, "clear").says(0, CLEARED, "");
    assert!(anklume.join("settings").exists() && !sandbox.telemetry().exists());
    tm_run(sandbox, "on").wait_for_exit();
    fs::write(sandbox.telemetry().join("notes"), "x").expect("a file");
    // Neither is what stands in the places of our files.
    fs::create_dir(sandbox.log()).expect("a directory");
    fs::write(sandbox.log().join("kept"), "x").expect("a file");
    tm_run(sandbox, "clear").says(0, CLEARED, "");
    assert!(sandbox.telemetry().join("notes").exists() && sandbox.log().join("kept").exists());
    assert!(!sandbox.marker().exists());
    tm_run(sandbox, "clear").says(0, NOTHING_TO_CLEAR, "");
}

fn clear_deletes_the_target_of_a_symlinked_log(sandbox: &Sandbox) {
    let far = sandbox.path("far.jsonl");
    let near = sandbox.path("near.jsonl");
    symlink(&far, &near).expect("a link");
    symlink(&near, sandbox.log()).expect("a link");
    fs::write(&far, "").expect("a log");
    tm_run(sandbox, LOG_ONE).says(0, "", "");
    assert_eq!(fs::read_to_string(&far).expect("the log").lines().count(), 1);
    tm_run(sandbox, "clear").says(0, CLEARED, "");
    assert!(!far.exists(), "the data is gone");
    has_nothing(sandbox);
}

fn clear_reports_hard_links_and_dangling_symlinks(sandbox: &Sandbox) {
    let directory = sandbox.telemetry().display().to_string();
    // Another name for the same data.
    tm_run(sandbox, LOG_ONE).wait_for_exit();
    fs::hard_link(sandbox.log(), sandbox.path("other")).expect("a link");
    let said = tm_run(sandbox, "clear").fails(1, "");
    assert!(said.contains("1 other hard link(s)"), "{said}");
    assert!(!sandbox.log().exists() && sandbox.path("other").exists());

    // The disk that holds the data may come back.
    tm_run(sandbox, "on").wait_for_exit();
    symlink("/no/such/place", sandbox.log()).expect("a link");
    let said = tm_run(sandbox, "clear").fails(1, "");
    let line = format!(
        "tm-run: could not delete what is recorded in {directory}: 'usage.jsonl' in it is a link to nowhere\n"
    );
    assert_eq!(said, line);
    assert!(!sandbox.marker().exists(), "recording has stopped even so");
}

fn clear_deletes_a_log_without_read_permission(sandbox: &Sandbox) {
    let ours = WithUser::new(sandbox);
    ours.run(LOG_ONE).says(0, "", "");
    set_mode(&sandbox.log(), 0);
    ours.run("clear").says(0, CLEARED, "");
    has_nothing(sandbox);
    // Neither is a link to it mistaken for it.
    ours.run("on").wait_for_exit();
    let place = sandbox.home().join("place");
    fs::write(&place, event("2020-01-01T00:00:00Z", "a")).expect("a log");
    set_mode(&place, 0);
    symlink(&place, sandbox.log()).expect("a link");
    ours.run("clear").says(0, CLEARED, "");
    has_nothing(sandbox);
}

fn clear_before_deletes_only_older_events(sandbox: &Sandbox) {
    let days = ["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02"];
    let line = |day: &&str| event(&format!("{day}T00:00:00+00:00"), "a");
    let all: String = days.iter().map(line).collect();
    fs::write(sandbox.log(), &all).expect("a log");
    tm_run(sandbox, "clear --before 2026-10-30").says(0, "No events before that. Kept 4 events.\n", "");
    assert_eq!(sandbox.log_text(), all);
    tm_run(sandbox, "clear --before 2026-10-31T00:00:00").says(0, "Deleted 1 event, kept 3 events.\n", "");
    tm_run(sandbox, "clear --before 2026-11-01").says(0, "Deleted 1 event, kept 2 events.\n", "");
    assert_eq!(sandbox.log_text(), days[2..].iter().map(line).collect::<String>());
    assert!(sandbox.marker().exists(), "recording goes on");
    tm_run(sandbox, "log --target now --duration 1 --exit-code 0").says(0, "", "");
    tm_run(sandbox, "clear --before today").says(0, "Deleted 2 events, kept 1 event.\n", "");
    // Switched off, it works, too, and does not switch on.
    tm_run(sandbox, "off").wait_for_exit();
    tm_run(sandbox, "clear --before 2100-01-01").says(0, "Deleted 1 event, kept 0 events.\n", "");
    assert_eq!((sandbox.log_text().as_str(), sandbox.marker().exists()), ("", false));
    for wrong in ["", "0d", "-7d", "7", "tomorrow", "2026-02-30", "2026-11-01 14:00", "+7d"] {
        sandbox.unwrapped([TM_RUN, "clear", "--before", wrong]).fails(2, "");
    }
}

fn clear_before_uses_the_local_time_zone(sandbox: &Sandbox) {
    let both = ["2026-10-24T21:59:59Z", "2026-10-24T22:00:00Z"].map(|time| event(time, "a"));
    fs::write(sandbox.log(), both.concat()).expect("a log");
    let zone = "CET-1CEST,M3.5.0,M10.5.0/3";
    let start = tm_run(sandbox, "clear --before 2026-10-25").env("TZ", zone);
    start.says(0, "Deleted 1 event, kept 1 event.\n", "");
    assert_eq!(sandbox.log_text(), both[1]);
}

fn clear_before_keeps_a_symlinked_log_linked(sandbox: &Sandbox) {
    let place = sandbox.path("place.jsonl");
    let new = event("2026-11-02T00:00:00Z", "a");
    fs::write(&place, event("2020-11-02T00:00:00Z", "a") + &new).expect("a log");
    set_mode(&place, 0o640);
    symlink(&place, sandbox.log()).expect("a link");
    tm_run(sandbox, "clear --before 2026-01-01").says(0, "Deleted 1 event, kept 1 event.\n", "");
    assert!(fs::symlink_metadata(sandbox.log()).expect("the link").is_symlink());
    assert_eq!((fs::read_to_string(&place).expect("the log"), mode(&place)), (new, 0o640));
    // Another name keeps what was deleted.
    fs::remove_file(sandbox.log()).expect("it goes");
    fs::write(sandbox.log(), event("2020-11-02T00:00:00Z", "a")).expect("a log");
    fs::hard_link(sandbox.log(), sandbox.path("other")).expect("a link");
    let said = tm_run(sandbox, "clear --before 2026-01-01").fails(1, "Deleted 1 event, kept 0 events.\n");
    assert!(said.contains("1 other hard link(s)"), "{said}");
}

fn clear_before_treats_untimed_lines_like_the_line_before(sandbox: &Sandbox) {
    let untimed = "{\"target\": \"untimed\"}\n";
    let (old, new) = (event("2020-01-01T00:00:00Z", "old"), event("2026-11-01T00:00:00Z", "new"));
    let torn = "{\"timestamp\": \"2020-01-01T";
    let long = "x".repeat(3 << 20) + "\n";
    let lines = ["first\n", &old, "damaged\n", "\n", untimed, &long, &new, "kept\n", untimed, &long, torn];
    fs::write(sandbox.log(), lines.concat()).expect("a log");
    tm_run(sandbox, "clear --before 2026-01-01").says(0, "Deleted 2 events, kept 2 events.\n", "");
    assert!(sandbox.log_text() == ["first\n", &new, "kept\n", untimed, &long, torn].concat());
    // The next event is not glued to the end.
    tm_run(sandbox, "log --target next --duration 1 --exit-code 0").says(0, "", "");
    assert_eq!(sandbox.log_text().lines().next_back().map(|line| &line[..14]), Some("{\"timestamp\": "));
}

fn clear_before_gives_up_on_a_locked_log(sandbox: &Sandbox) {
    let log = event("2020-01-01T00:00:00Z", "old");
    fs::write(sandbox.log(), &log).expect("a log");
    let holding = sandbox.unwrapped([probe().as_ref(), OsStr::new("hold"), sandbox.log().as_os_str()]);
    let mut holder = holding.stdin(Stdio::piped()).spawn();
    assert_eq!(holder.stdout.read_line(), "held");
    let said = tm_run(sandbox, "clear --before 2026-01-01").fails(1, "");
    assert!(said.ends_with("another program holds its lock\n"), "{said}");
    assert_eq!(sandbox.log_text(), log);
    assert_eq!(fs::read_dir(sandbox.telemetry()).expect("the directory").count(), 2, "no copy is left");
    holder.stdin = None;
    assert_eq!(holder.wait_for_exit(), WaitStatus::Exited(0));
}

fn clear_before_loses_no_line_of_concurrent_writers(sandbox: &Sandbox) {
    let old = (2001..2009).map(|year| event(&format!("{year}-06-01T00:00:00Z"), "old").repeat(500));
    fs::write(sandbox.log(), old.collect::<String>()).expect("a log");
    let script = format!(
        "for writer in {{1..40}}; do
            (for line in {{1..50}}; do {TM_RUN} log --target w$writer --duration 1 --exit-code $line || echo failed; done) &
        done
        for year in {{2002..2009}}; do {TM_RUN} clear --before $year-01-01 | cut -d, -f1; done
        wait"
    );
    let output = sandbox.bash(&script).output();
    assert_eq!((output.text(), output.stderr.as_str()), ("Deleted 500 events\n".repeat(8), ""));
    let events = sandbox.events();
    assert_eq!(events.len(), 2000);
    for writer in 1..=40 {
        let name = format!("w{writer}");
        let lines = events.iter().filter(|event| event.target == name).map(|event| event.exit_code);
        assert!(lines.eq(1..=50), "each line of {name}, in order");
    }
    assert_eq!(fs::read_dir(sandbox.telemetry()).expect("the directory").count(), 2);
}

fn clear_before_killed_leaves_the_log_whole(sandbox: &Sandbox) {
    let log = event("2020-01-01T00:00:00Z", "old") + &event("2026-11-01T00:00:00Z", "new");
    fs::write(sandbox.log(), &log).expect("a log");
    let copy = sandbox.telemetry().join("usage.jsonl.new");
    let holding = sandbox.unwrapped([probe().as_ref(), OsStr::new("hold"), sandbox.log().as_os_str()]);
    let mut holder = holding.stdin(Stdio::piped()).spawn();
    assert_eq!(holder.stdout.read_line(), "held");
    // It cannot go on to its last step.
    let mut job = tm_run(sandbox, "clear --before 2026-01-01").spawn();
    wait_until("the copy is written", || fs::metadata(&copy).is_ok_and(|found| found.len() > 0));
    job.kill(9);
    assert_eq!(job.wait_for_exit(), WaitStatus::Killed(9));
    holder.stdin = None;
    assert_eq!(holder.wait_for_exit(), WaitStatus::Exited(0));
    assert_eq!((sandbox.log_text(), copy.exists()), (log, true));
    assert_eq!(tm_run(sandbox, "report --format jsonl").output().text().lines().count(), 2);
    // The next one begins anew, and clear deletes what another has left.
    tm_run(sandbox, "clear --before 2026-01-01").says(0, "Deleted 1 event, kept 1 event.\n", "");
    assert!(!copy.exists());
    fs::write(&copy, "left").expect("a copy");
    tm_run(sandbox, "clear").says(0, CLEARED, "");
    has_nothing(sandbox);
}

/* ---- what goes wrong ---- */

fn eacces_is_an_error_and_changes_nothing(sandbox: &Sandbox) {
    let ours = WithUser::new(sandbox);
    set_mode(&sandbox.home(), 0o555);
    let said = ours.run("on").fails(1, "");
    assert!(said.ends_with(": Permission denied (os error 13)\n"), "{said}");
    assert!(ours.run("status").output().text().starts_with("Telemetry: disabled\n"));
    ours.run("off").says(0, OFF_SAYS, "");
    ours.run("clear").says(0, NOTHING_TO_CLEAR, "");
    has_nothing(sandbox);
    set_mode(&sandbox.home(), 0o755);

    ours.run("on").wait_for_exit();
    ours.run(LOG_ONE).says(0, "", "");
    let log = sandbox.log_text();
    set_mode(&sandbox.telemetry(), 0o555);
    for words in ["off", "clear", "clear --before 2100-01-01"] {
        let said = ours.run(words).fails(1, "");
        assert!(said.ends_with(": Permission denied (os error 13)\n"), "{said}");
    }
    assert!(sandbox.marker().exists());
    assert_eq!(sandbox.log_text(), log);
    // The file itself can be written, so recording goes on.
    ours.run(LOG_ONE).says(0, "", "");
    set_mode(&sandbox.log(), 0o400);
    let status = ours.run("status").output().text();
    assert!(status.starts_with("Telemetry: enabled, but not recording here: the file cannot be written: "));
    assert!(status.contains("\nEvents: 2 "), "{status}");
    ours.run(LOG_ONE).fails(1, "");
    // Out of reach altogether.
    set_mode(&sandbox.telemetry(), 0);
    for words in ["on", "off", "clear", "clear --before 7d", "report"] {
        ours.run(words).fails(1, "");
    }
    let status = ours.run("status").output();
    assert_eq!(status.status, WaitStatus::Exited(1));
    assert!(
        status.text().starts_with("Telemetry: disabled: 'enabled' in the data directory is out of reach\n")
    );
    ours.run("echo out").says(0, "out\n", "");
    set_mode(&sandbox.telemetry(), 0o700);
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
    has_nothing(sandbox);
}

fn rlimit_fsize_is_an_error_and_costs_only_the_line(sandbox: &Sandbox) {
    tm_run(sandbox, LOG_ONE).says(0, "", "");
    let (log, size) = (sandbox.log_text(), fs::metadata(sandbox.log()).expect("the log").len());
    // Room for nothing, and for half a line.
    let limited = |room: u64| tm_run(sandbox, LOG_ONE).launch_option("--limit", format!("1:{}", size + room));
    let said = limited(0).fails(1, "");
    assert!(said.contains("could not record the event in "), "{said}");
    assert_eq!(sandbox.log_text(), log);
    let said = limited(40).fails(1, "");
    assert!(said.ends_with("only a part of the line fitted\n"), "{said}");
    tm_run(sandbox, LOG_ONE).says(0, "", "");
    assert_eq!(sandbox.log_text().lines().count(), 3);
    let report = tm_run(sandbox, "report --format jsonl").output();
    assert_eq!(report.text().lines().count(), 2);
    assert_eq!(report.stderr, "tm-run: warning: 1 line could not be read: 2\n");
    // Where there is no room for a copy, the log stays.
    fs::write(sandbox.log(), event("2020-01-01T00:00:00Z", "old") + &log.repeat(100)).expect("a log");
    let log = sandbox.log_text();
    tm_run(sandbox, "clear --before 2026-01-01").launch_option("--limit", "1:1000").fails(1, "");
    assert_eq!(sandbox.log_text(), log);
    assert_eq!(fs::read_dir(sandbox.telemetry()).expect("the directory").count(), 2, "no copy is left");
}

fn enospc_on_stdout_is_an_error_and_epipe_is_silent(sandbox: &Sandbox) {
    for words in ["on", "status", "off", "clear", "report", "init man", "--help", "--version", ""] {
        let said = tm_run(sandbox, words).launch_option("--write", "1:/dev/full").fails(1, "");
        assert_eq!(
            said,
            "tm-run: could not write to standard output: No space left on device (os error 28)\n"
        );
        // A reader that has gone wants to hear no complaint.
        let broken = || tm_run(sandbox, words).launch_option("--broken-pipe", "1");
        broken().launch_option("--ignore", "13").says(1, "", "");
        let output = broken().output();
        assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Killed(13), ""));
    }
}

fn recording_failure_warns_on_a_tty_only(sandbox: &Sandbox) {
    fs::create_dir(sandbox.log()).expect("a directory in place of the log");
    sandbox.probe("exit 3").says(3, "", "");
    let mut job = sandbox.probe("exit 3").on_terminal().spawn();
    let expected = format!(
        "tm-run: warning: could not record this run in {}: 'usage.jsonl' in it is no regular file",
        sandbox.telemetry().display()
    );
    assert_eq!(job.terminal().screen.read_line(), expected);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(3));
    // Only standard error counts.
    let told = sandbox.path("told");
    let mut job = sandbox
        .probe("exit 3")
        .on_terminal()
        .launch_option("--write", format!("2:{}", told.display()))
        .spawn();
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(3));
    assert_eq!(fs::read(told).expect("what was told"), b"");
}

/* ---- what is mistyped ---- */

fn usage_error_is_one_line_and_runs_nothing(sandbox: &Sandbox) {
    let text: &[&[&str]] = &[
        &["--target"],
        &["--target", "x"],
        &["--target", "x", "--"],
        &["--target", "", "sh"],
        &["--target", "a", "--target", "b", "sh"],
        &["--target", "a\nb", "sh", "-c", "touch ran"],
        &["--domain", "a\tb", "sh", "-c", "touch ran"],
        &["--tagret", "x", "sh", "-c", "touch ran"],
        &["-t", "sh", "-c", "touch ran"],
        &["--"],
        &[""],
        &["--", ""],
        &["--target", "x", "on"],
        &["--domain", "x", "clear"],
        &["on", "now"],
        &["on", "--force"],
        &["off", "please"],
        &["status", "--format"],
        &["status", "--format", "xml"],
        &["status", "--json"],
        &["clear", "--before"],
        &["clear", "--before", "soon"],
        &["clear", "everything"],
        &["log"],
        &["report", "--format", "xml"],
        &["report", "--by", "hour"],
        &["report", "--last", "0"],
        &["report", "--last", "-1"],
        &["report", "--last", "99999999999999999999"],
        &["report", "--limit", "x"],
        &["report", "--width", "0"],
        &["report", "--since", "\u{1b}[2J"],
        &["report", "extra\nline"],
        &["init"],
        &["init", "tcsh"],
        &["init", "bash", "zsh"],
    ];
    for state in ["off", "on"] {
        if state == "on" {
            sandbox.turn_on();
        }
        for words in text {
            let said = sandbox.unwrapped([TM_RUN].iter().chain(*words)).fails(2, "");
            assert!(said.ends_with("; see 'tm-run --help'\n"), "{words:?}: {said}");
            // What was typed is shown, but not what it would do to a terminal.
            let is_odd = words.concat().chars().any(char::is_control);
            assert!(!said.trim_end().chars().any(char::is_control), "{words:?}: {said:?}");
            assert!(is_odd || !said.contains('\u{fffd}'), "{words:?}: {said}");
        }
        let raw = OsStr::from_bytes(b"--targ\xff");
        sandbox.unwrapped([OsStr::new(TM_RUN), raw, "sh".as_ref()]).fails(2, "");
        assert!(!sandbox.home().join("ran").exists() && !sandbox.log().exists());
        if state == "off" {
            has_nothing(sandbox);
        }
    }
}

fn no_arguments_shows_the_help(sandbox: &Sandbox) {
    let alone = tm_run(sandbox, "").output();
    assert_eq!((alone.status, alone.stderr.as_str()), (WaitStatus::Exited(1), ""));
    for flag in ["--help", "-h"] {
        tm_run(sandbox, flag).says(0, &alone.text(), "");
    }
    for word in ["on", "off", "status", "clear", "log", "report", "init", "--target", "--domain"] {
        assert!(alone.text().contains(word), "{word}");
    }
    tm_run(sandbox, "--version").says(0, &format!("tm-run {}\n", env!("CARGO_PKG_VERSION")), "");
}

fn mistyped_subcommand_gets_a_hint(sandbox: &Sandbox) {
    for (typed, meant) in [("stauts", "status"), ("repotr", "report"), ("cler", "clear"), ("help", "--help")]
    {
        let said = tm_run(sandbox, typed).fails(127, "");
        assert!(said.ends_with(&format!("(did you mean 'tm-run {meant}'?)\n")), "{said}");
        // Behind `--` it is a command, and nothing else was meant.
        let said = tm_run(sandbox, &format!("-- {typed}")).fails(127, "");
        assert!(!said.contains("did you mean"), "{said}");
    }
    let said = tm_run(sandbox, "no-such-command").fails(127, "");
    assert!(!said.contains("did you mean"), "{said}");
    // A command of that name is run.
    let bin = sandbox.path("bin");
    fs::create_dir(&bin).expect("a directory");
    sandbox.script("bin/stauts", "#!/bin/sh\necho mine\n");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("PATH"));
    tm_run(sandbox, "stauts").env("PATH", path).says(0, "mine\n", "");
}

/* ---- two users ---- */

/// Somebody who is not root, whose home it is; without root, whoever runs the tests.
struct WithUser<'s> {
    sandbox: &'s Sandbox,
    program: std::path::PathBuf,
    is_root: bool,
}

const USER: u32 = 1234;

impl<'s> WithUser<'s> {
    fn new(sandbox: &'s Sandbox) -> Self {
        let is_root = nix::unistd::geteuid().is_root();
        if !is_root {
            return Self { sandbox, program: TM_RUN.into(), is_root };
        }
        // The build may be where nobody else can reach it.
        let program = sandbox.path("tm-run");
        install(TM_RUN, &program);
        set_mode(&sandbox.path(""), 0o755);
        let given = |path: &Path| chown(path, Some(USER), Some(USER)).expect("it is given away");
        given(&sandbox.home());
        for path in [sandbox.home().join(".anklume"), sandbox.telemetry(), sandbox.marker()] {
            if path.exists() {
                given(&path);
            }
        }
        Self { sandbox, program, is_root }
    }

    /// The user types this.
    fn run(&self, words: &str) -> Launch<'s> {
        let words = words.split_whitespace().map(OsStr::new);
        let start = self.sandbox.unwrapped([self.program.as_os_str()].into_iter().chain(words));
        if self.is_root { start.launch_option("--user", USER.to_string()) } else { start }
    }
}

fn owner(path: &Path) -> (u32, u32) {
    let found = fs::symlink_metadata(path).expect("it is there");
    (found.uid(), found.gid())
}

fn root_gives_what_it_makes_to_the_owner_of_the_directory(sandbox: &Sandbox) {
    let user = WithUser::new(sandbox);
    tm_run(sandbox, "on").wait_for_exit();
    tm_run(sandbox, "log --target root --duration 1 --exit-code 0").says(0, "", "");
    for path in [sandbox.home().join(".anklume"), sandbox.telemetry(), sandbox.marker(), sandbox.log()] {
        assert_eq!((owner(&path), mode(&path) & 0o077), ((USER, USER), 0), "{}", path.display());
    }
    user.run("log --target user --duration 1 --exit-code 0").says(0, "", "");
    fs::write(sandbox.log(), event("2020-01-01T00:00:00Z", "old") + &sandbox.log_text()).expect("a log");
    tm_run(sandbox, "clear --before today").says(0, "Deleted 1 event, kept 2 events.\n", "");
    assert_eq!(owner(&sandbox.log()), (USER, USER));
    user.run("true").says(0, "", "");
    assert_eq!(sandbox.events().len(), 3);
    user.run("clear").says(0, CLEARED, "");
    has_nothing(sandbox);
    user.run("on").wait_for_exit();
    tm_run(sandbox, "clear").says(0, CLEARED, "");
    has_nothing(sandbox);
}

fn root_does_not_follow_a_linked_log_of_another_user(sandbox: &Sandbox) {
    let user = WithUser::new(sandbox);
    let precious = sandbox.path("precious");
    let content = event("2020-01-01T00:00:00Z", "precious");
    fs::write(&precious, &content).expect("a file of root's");
    let make: [&dyn Fn(); 2] = [&|| symlink(&precious, sandbox.log()).expect("a link"), &|| {
        fs::hard_link(&precious, sandbox.log()).expect("a link");
    }];
    for make in make {
        user.run("on").wait_for_exit();
        make();
        tm_run(sandbox, LOG_ONE).fails(1, "");
        tm_run(sandbox, "true").says(0, "", "");
        tm_run(sandbox, "report").fails(1, "");
        tm_run(sandbox, "clear --before today").fails(1, "");
        let status = tm_run(sandbox, "status").output();
        assert_eq!((status.status, status.text().contains("precious")), (WaitStatus::Exited(1), false));
        tm_run(sandbox, "clear").fails(1, "");
        assert_eq!(fs::read_to_string(&precious).expect("it is there"), content);
        if fs::symlink_metadata(sandbox.log()).is_ok() {
            fs::remove_file(sandbox.log()).expect("it goes");
        }
    }
}

fn root_does_not_follow_a_linked_directory_of_another_user(sandbox: &Sandbox) {
    let _user = WithUser::new(sandbox);
    let victim = sandbox.path("victim");
    let content = event("2020-01-01T00:00:00Z", "precious");
    for (link, place) in [(".anklume", "telemetry"), (".anklume/telemetry", "")] {
        fs::create_dir_all(victim.join(place)).expect("a directory of root's");
        let [marker, log] = ["enabled", "usage.jsonl"].map(|name| victim.join(place).join(name));
        fs::write(&marker, "").expect("a marker");
        fs::write(&log, &content).expect("a log");
        let link = sandbox.home().join(link);
        if link.ends_with("telemetry") {
            fs::remove_file(sandbox.home().join(".anklume")).expect("it goes");
            fs::create_dir(sandbox.home().join(".anklume")).expect("a directory");
            chown(sandbox.home().join(".anklume"), Some(USER), Some(USER)).expect("it is given away");
        }
        symlink(&victim, &link).expect("a link");
        for words in ["on", "off", LOG_ONE, "report", "clear --before today", "clear"] {
            let said = tm_run(sandbox, words).fails(1, "");
            assert!(said.ends_with("is a link in another user's directory\n"), "{words}: {said}");
        }
        tm_run(sandbox, "echo out").says(0, "out\n", "");
        assert!(marker.exists());
        assert_eq!(fs::read_to_string(&log).expect("it is there"), content);
    }
}

fn status_shows_the_fix_for_a_log_owned_by_root(sandbox: &Sandbox) {
    let user = WithUser::new(sandbox);
    user.run("on").wait_for_exit();
    fs::write(sandbox.log(), "").expect("a log of root's");
    set_mode(&sandbox.log(), 0o600);
    let said = user.run("status").output().text();
    let mut lines = said.lines();
    let first = lines.next().unwrap_or_default();
    assert!(first.starts_with("Telemetry: enabled, but not recording here: the file cannot be written: "));
    assert_eq!(lines.next(), Some("Fix: sudo chown -R \"$USER\" ~/.anklume/telemetry"));
    user.run("echo out").says(0, "out\n", "");
    user.run("report").fails(1, "");
    // It is in the user's directory, so the user may delete it.
    user.run("clear").says(0, CLEARED, "");
    has_nothing(sandbox);
}

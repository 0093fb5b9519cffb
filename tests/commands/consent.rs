//! `tm-run on` and `off`: the marker, modes, and what can be wrong with HOME.

use std::fs;
use std::os::unix::fs::symlink;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::{
    HOW_TO_TURN_ON, LOG_ONE, NETWORK, NOTHING_TO_CLEAR, OFF_SAYS, RECORDED_PER_RUN, WithUser,
    assert_home_is_empty, cleared, event, mode, set_mode, tm_run,
};
use crate::harness::{Case, OFF, RECORDED, Sandbox, WaitStatus, cases};

pub fn cases() -> Vec<Case> {
    let mut all = cases![OFF; on_prints_the_directory_and_makes_only_the_marker, off_keeps_the_log, off_subcommands_make_no_file, modes_are_private_under_any_umask, existing_modes_are_kept, marker_that_is_no_file_means_off_and_status_says_so, file_in_place_of_the_directory_is_an_error, home_unset_or_relative_is_an_error_and_makes_nothing];
    all.extend(cases![RECORDED; do_not_track_stops_recording_in_every_subcommand]);
    all
}

fn on_prints_the_directory_and_makes_only_the_marker(sandbox: &Sandbox) {
    let text = format!(
        "Telemetry enabled. Data stored in: {}\n\
         Next: tm-run COMMAND records a run, tm-run report shows where the time went.\n",
        sandbox.telemetry().display()
    );
    for _ in 0..2 {
        tm_run(sandbox, "on").expect_output(0, &text, "");
        let entries = fs::read_dir(sandbox.telemetry()).expect("a directory");
        let names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        assert_eq!(names, ["enabled"]);
        assert_eq!(fs::metadata(sandbox.marker()).expect("a marker").len(), 0);
    }
}

fn off_keeps_the_log(sandbox: &Sandbox) {
    tm_run(sandbox, "on").wait_for_exit();
    tm_run(sandbox, LOG_ONE).expect_output(0, "", "");
    let log = sandbox.log_text();
    for _ in 0..2 {
        tm_run(sandbox, "off").expect_output(0, OFF_SAYS, "");
        assert!(!sandbox.marker().exists());
    }
    tm_run(sandbox, "log --target b --duration 1 --exit-code 0").expect_output(0, "", "");
    assert_eq!(sandbox.log_text(), log);
    // `report` reads the log while recording is off.
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
        assert_home_is_empty(sandbox);
    }
    let directory = sandbox.telemetry();
    let text = format!(
        "Telemetry: disabled\nData directory: {}\nEvents: 0\nNo data file yet.\n{RECORDED_PER_RUN}{NETWORK}{HOW_TO_TURN_ON}",
        directory.display()
    );
    tm_run(sandbox, "status").expect_output(0, &text, "");
    tm_run(sandbox, "off").expect_output(0, OFF_SAYS, "");
    tm_run(sandbox, "clear").expect_output(0, NOTHING_TO_CLEAR, "");
    tm_run(sandbox, "clear --before today").expect_cleared("No events. Kept 0 events.\n");
    tm_run(sandbox, "report").expect_output(
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
        // `clear --before` writes the log anew, and keeps its mode.
        set_mode(&sandbox.log(), 0o640);
        let old = event("2020-01-01T00:00:00Z", "old") + &sandbox.log_text();
        fs::write(sandbox.log(), old).expect("a log");
        assert_eq!(
            ours.run("clear --before today").launch_option("--umask", umask).wait_for_exit(),
            WaitStatus::Exited(0)
        );
        assert_eq!((mode(&sandbox.log()), sandbox.events().len()), (0o640, 1), "{umask}");
        ours.run("clear").expect_output(0, &cleared(sandbox), "");
        assert_home_is_empty(sandbox);
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
    tm_run(sandbox, LOG_ONE).expect_output(0, "", "");
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
        let said = tm_run(sandbox, "on").expect_error(1, "");
        assert!(said.ends_with(&format!(": 'enabled' in it is {what}\n")), "{said}");
        tm_run(sandbox, LOG_ONE).expect_output(0, "", "");
        assert!(!sandbox.log().exists());
        tm_run(sandbox, "off").expect_output(0, OFF_SAYS, "");
        // `off` does not delete a directory.
        if sandbox.marker().is_dir() {
            fs::remove_dir(sandbox.marker()).expect("it goes");
        }
        assert!(fs::symlink_metadata(sandbox.marker()).is_err());
    }
    // A symlink to a file counts as the marker.
    fs::write(sandbox.path("elsewhere"), "").expect("a file");
    symlink(sandbox.path("elsewhere"), sandbox.marker()).expect("a link");
    assert!(tm_run(sandbox, "status").output().text().starts_with("Telemetry: enabled\n"));
    tm_run(sandbox, "off").expect_output(0, OFF_SAYS, "");
    assert!(sandbox.path("elsewhere").exists());
}

fn file_in_place_of_the_directory_is_an_error(sandbox: &Sandbox) {
    let anklume = sandbox.home().join(".anklume");
    fs::write(&anklume, "not ours").expect("a file");
    let said = tm_run(sandbox, "on").expect_error(1, "");
    assert!(said.ends_with(&format!("'{}' is no directory\n", anklume.display())), "{said}");
    let said = tm_run(sandbox, "status").output().text();
    assert!(said.starts_with("Telemetry: disabled: there is no room for a data directory"), "{said}");
    tm_run(sandbox, "off").expect_output(0, OFF_SAYS, "");
    tm_run(sandbox, "clear").expect_output(0, NOTHING_TO_CLEAR, "");
    tm_run(sandbox, "clear --before 7d").expect_cleared("No events. Kept 0 events.\n");
    assert_eq!(tm_run(sandbox, "report").wait_for_exit(), WaitStatus::Exited(0));
    assert_eq!(fs::read(&anklume).expect("it is there"), b"not ours");
    fs::remove_file(&anklume).expect("it goes");
    symlink("nowhere", &anklume).expect("a link");
    let said = tm_run(sandbox, "on").expect_error(1, "");
    assert!(said.ends_with(&format!("'{}' is a link to nowhere\n", anklume.display())), "{said}");
}

fn home_unset_or_relative_is_an_error_and_makes_nothing(sandbox: &Sandbox) {
    const WHY: &str = "there is no home directory: HOME is not an absolute path";
    let missing = sandbox.home().join("missing");
    let said = tm_run(sandbox, "on").env("HOME", &missing).expect_error(1, "");
    assert!(said.ends_with(&format!(": there is no directory {}\n", missing.display())), "{said}");
    for home in [None, Some(""), Some("home"), Some(".")] {
        let run = |words| match home {
            Some(home) => tm_run(sandbox, words).env("HOME", home),
            None => tm_run(sandbox, words).env_remove("HOME"),
        };
        for words in ["on", "off", "clear", "clear --before 7d"] {
            run(words).expect_output(1, "", &format!("tm-run: {WHY}\n"));
        }
        run(LOG_ONE).expect_output(0, "", "");
        let said = run("status").output();
        assert_eq!(
            (said.status, said.text()),
            (WaitStatus::Exited(0), format!("Telemetry: disabled: {WHY}\n"))
        );
        let said = run("report").output();
        assert_eq!(said.status, WaitStatus::Exited(0));
        assert!(said.text().starts_with("No telemetry data to report.\nNothing can be recorded: "));
        run("echo out").expect_output(0, "out\n", "");
        assert_home_is_empty(sandbox);
    }
}

fn do_not_track_stops_recording_in_every_subcommand(sandbox: &Sandbox) {
    for value in ["1", "true", "yes", "TRUE", " ", "no"] {
        let run = |words| tm_run(sandbox, words).env("DO_NOT_TRACK", value);
        let said = run("status").output().text();
        let first = format!("Telemetry: enabled, but not recording here: DO_NOT_TRACK={value} is set");
        assert_eq!(said.lines().next(), Some(first.as_str()));
        let said = run("on").output().text();
        assert!(said.contains(&format!("\nNot recording here: DO_NOT_TRACK={value} is set")), "{said}");
        assert!(said.contains("env -u DO_NOT_TRACK tm-run") && !said.contains("Next: "), "{said}");
        let said = run("report").output().text();
        assert!(said.contains(&format!("DO_NOT_TRACK={value} is set")), "{said}");
        run(LOG_ONE).expect_output(0, "", "");
        run("true").expect_output(0, "", "");
        assert!(!sandbox.log().exists(), "{value:?}");
    }
    for (count, value) in ["", "0", "false"].into_iter().enumerate() {
        let run = |words| tm_run(sandbox, words).env("DO_NOT_TRACK", value);
        assert!(run("status").output().text().starts_with("Telemetry: enabled\n"), "{value:?}");
        run(LOG_ONE).expect_output(0, "", "");
        run("true").expect_output(0, "", "");
        assert_eq!(sandbox.events().len(), 2 * (count + 1), "{value:?}");
    }
}

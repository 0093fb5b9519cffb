//! Recording is off: tm-run is replaced by the command. Most cases of the other modules run in this way, too.

use std::fs;

use crate::harness::{Case, OFF, Process, Sandbox, WaitStatus, cases, sigqueue};

pub fn cases() -> Vec<Case> {
    cases![OFF;
        off_execs_in_place_under_the_same_pid,
        off_makes_no_file,
        off_without_home_runs_the_command,
        do_not_track_execs_in_place_and_records_nothing,
    ]
}

/// OF01
fn off_execs_in_place_under_the_same_pid(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals").spawn();
    let command = job.stdout.read_ready_pid();
    assert_eq!(command, job.pid);
    let others: Vec<Process> =
        job.session_processes().into_iter().filter(|process| process.pid != command).collect();
    assert!(others.is_empty(), "{others:?}");
    sigqueue(command, 63, 0);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(0));
}

/// OF01
fn off_makes_no_file(sandbox: &Sandbox) {
    assert_eq!(sandbox.probe("exit 3").wait_for_exit(), WaitStatus::Exited(3));
    assert_eq!(fs::read_dir(sandbox.home()).expect("the home can be read").count(), 0);
}

/// OF05
fn off_without_home_runs_the_command(sandbox: &Sandbox) {
    assert_eq!(sandbox.probe("exit 3").env_remove("HOME").wait_for_exit(), WaitStatus::Exited(3));
}

fn do_not_track_execs_in_place_and_records_nothing(sandbox: &Sandbox) {
    sandbox.turn_on();
    for value in ["1", "true", "yes", " "] {
        let mut job = sandbox.probe("signals").env("DO_NOT_TRACK", value).spawn();
        assert_eq!(job.stdout.read_ready_pid(), job.pid, "{value:?}");
        sigqueue(job.pid, 63, 0);
        assert_eq!(job.wait_for_exit(), WaitStatus::Exited(0));
        assert!(!sandbox.log().exists());
    }
    for value in ["", "0", "false"] {
        assert_eq!(sandbox.probe("exit 1").env("DO_NOT_TRACK", value).wait_for_exit(), WaitStatus::Exited(1));
    }
    assert_eq!(sandbox.exit_codes(), [1, 1, 1]);
}

//! Recording is off: the wrapper is replaced by the command. Most of it is in the other modules, whose cases
//! run this way too.

use std::fs;

use crate::ledger::{Case, cases};
use crate::stage::{OFF, Process, Stage, Told, queue};

pub fn cases() -> Vec<Case> {
    cases![OFF;
        the_command_is_the_process_that_was_started,
        no_file_is_made,
        without_a_home_the_command_runs,
        do_not_track_is_off,
    ]
}

/// OF01
fn the_command_is_the_process_that_was_started(stage: &Stage) {
    let mut job = stage.probe("signals").start();
    let command = job.out.ready();
    assert_eq!(command, job.pid);
    let others: Vec<Process> = job.members().into_iter().filter(|process| process.pid != command).collect();
    assert!(others.is_empty(), "{others:?}");
    queue(command, 63, 0);
    assert_eq!(job.end(), Told::Exited(0));
}

/// OF01
fn no_file_is_made(stage: &Stage) {
    assert_eq!(stage.probe("exit 3").end(), Told::Exited(3));
    assert_eq!(fs::read_dir(stage.home()).expect("the home can be read").count(), 0);
}

/// OF05
fn without_a_home_the_command_runs(stage: &Stage) {
    assert_eq!(stage.probe("exit 3").without_variable("HOME").end(), Told::Exited(3));
}

fn do_not_track_is_off(stage: &Stage) {
    stage.turn_on();
    for value in ["1", "true", "yes", " "] {
        let mut job = stage.probe("signals").variable("DO_NOT_TRACK", value).start();
        assert_eq!(job.out.ready(), job.pid, "{value:?}");
        queue(job.pid, 63, 0);
        assert_eq!(job.end(), Told::Exited(0));
        assert!(!stage.log().exists());
    }
    for value in ["", "0", "false"] {
        assert_eq!(stage.probe("exit 1").variable("DO_NOT_TRACK", value).end(), Told::Exited(1));
    }
    assert_eq!(stage.exit_codes(), [1, 1, 1]);
}

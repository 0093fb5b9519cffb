//! After `clear` no file of ours is left, whoever was writing at the same time.

use std::fs;

use super::strace::{Call, Suspended, syscall_sites, tm_run_argv, under_strace, wrapped_argv};
use super::{EARLIER, expect_ok, listing, tm_run};
use crate::harness::{
    Case, Job, RECORDED, Sandbox, TM_RUN, WaitStatus, Way, cases, probe, sigqueue, wait_until,
};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED;
        clear_then_runs_that_end_leave_no_file,
        clear_among_runs_that_end_leaves_no_file,
        clear_keeps_files_that_are_not_ours,
    ];
    all.extend(cases![RECORDED, needs ["strace"];
        run_suspended_at_any_syscall_restores_nothing_after_clear,
        clear_before_suspended_at_any_syscall_restores_nothing_after_clear,
        clear_suspended_at_any_syscall_leaves_no_copy_of_clear_before,
        clear_suspended_at_any_syscall_leaves_no_log_of_a_run,
        off_waits_for_a_writer_that_has_seen_the_marker,
    ]);
    all
}

#[track_caller]
fn assert_home_is_empty(sandbox: &Sandbox, what: &str) {
    assert_eq!(listing(&sandbox.home()), [], "{what}");
}

fn clear_then_runs_that_end_leave_no_file(sandbox: &Sandbox) {
    let mut jobs: Vec<Job> = (0..20).map(|_| sandbox.probe("signals").spawn()).collect();
    let commands: Vec<i32> = jobs.iter_mut().map(|job| job.stdout.read_ready_pid()).collect();
    // One run ends before `clear`, so that there is a log to delete.
    sigqueue(commands[0], 63, 0);
    assert_eq!(jobs[0].wait_for_exit(), WaitStatus::Exited(0));
    // The check below would see them.
    assert_eq!(listing(&sandbox.home()).len(), 4);
    expect_ok(sandbox, &["clear"]);
    assert_home_is_empty(sandbox, "after clear");
    for (job, command) in jobs.iter_mut().zip(commands).skip(1) {
        sigqueue(command, 63, 0);
        assert_eq!(job.wait_for_exit(), WaitStatus::Exited(0));
    }
    assert_home_is_empty(sandbox, "after the runs");
}

fn clear_among_runs_that_end_leaves_no_file(sandbox: &Sandbox) {
    let script = "for round in {1..15}; do
        \"$T\" on >/dev/null
        for i in {1..8}; do (for j in {1..4}; do $W $P exit 0; done) & pids+=($!); done
        [ $((round % 3)) = 0 ] || wait ${pids[round % 8]}
        \"$T\" clear >/dev/null || exit 9
        wait
        [ -z \"$(ls -A)\" ] || { find .; exit 8; }
        pids=()
    done";
    let output = sandbox.bash(script).env("T", TM_RUN).output();
    assert_eq!(
        (output.status, output.text().as_str(), output.stderr.as_str()),
        (WaitStatus::Exited(0), "", "")
    );
}

fn clear_keeps_files_that_are_not_ours(sandbox: &Sandbox) {
    fs::write(sandbox.log(), EARLIER).expect("a log");
    fs::write(sandbox.telemetry().join("notes"), "mine").expect("a file");
    expect_ok(sandbox, &["clear"]);
    assert_eq!(fs::read_to_string(sandbox.telemetry().join("notes")).expect("it is there"), "mine");
    assert_eq!(listing(&sandbox.home()).len(), 3);
}

/// A sandbox in which recording is on, with or without earlier events.
fn home(earlier: &str) -> Sandbox {
    let sandbox = Sandbox::new(Way::Recorded);
    if !earlier.is_empty() {
        fs::write(sandbox.log(), earlier).expect("a log");
    }
    sandbox
}

fn command_has_ended(call: &Call) -> bool {
    call.name == "kill" && call.text.contains("SIGKILL")
}

fn run_suspended_at_any_syscall_restores_nothing_after_clear(_: &Sandbox) {
    for earlier in [EARLIER, ""] {
        let trial = home(earlier);
        let all = syscall_sites(&trial, wrapped_argv(&trial, &[probe(), "exit", "0"]), command_has_ended);
        assert!(all.iter().any(|place| place.name == "write"), "{all:?}");
        let mut held = 0;
        for place in &all {
            let sandbox = home(earlier);
            let run = Suspended::at(&sandbox, place, wrapped_argv(&sandbox, &[probe(), "exit", "0"]));
            held += usize::from(run.is_there);
            expect_ok(&sandbox, &["clear"]);
            run.finish();
            assert_home_is_empty(&sandbox, &format!("{place:?}"));
        }
        assert!(held + 2 >= all.len(), "{held} of {} places were met", all.len());
    }
}

const SPRING: [&str; 3] = ["clear", "--before", "2026-03-01"];

/// One event that `clear --before` deletes, and one that it keeps.
fn old_and_new_event() -> String {
    format!("{EARLIER}{}", EARLIER.replace("2026-02", "2026-05"))
}

fn clear_before_suspended_at_any_syscall_restores_nothing_after_clear(_: &Sandbox) {
    let trial = home(&old_and_new_event());
    let all = syscall_sites(&trial, tm_run_argv(&SPRING), |call| call.text.contains("usage.jsonl"));
    assert!(all.iter().any(|place| place.name.starts_with("rename")), "{all:?}");
    for place in &all {
        let sandbox = home(&old_and_new_event());
        let rewrite = Suspended::at(&sandbox, place, tm_run_argv(&SPRING));
        expect_ok(&sandbox, &["clear"]);
        rewrite.finish();
        assert_home_is_empty(&sandbox, &format!("{place:?}"));
    }
}

fn clear_suspended_at_any_syscall_leaves_no_copy_of_clear_before(_: &Sandbox) {
    let trial = home(&old_and_new_event());
    let rewriting = syscall_sites(&trial, tm_run_argv(&SPRING), |_| true);
    let renames = rewriting.iter().position(|place| place.name.starts_with("rename")).expect("it renames");
    let trial = home(&old_and_new_event());
    let clearing = syscall_sites(&trial, tm_run_argv(&["clear"]), |call| call.text.contains("enabled"));
    assert!(clearing.len() > 5, "{clearing:?}");
    for place in &clearing {
        // The rewrite starts and ends while `clear` is suspended.
        let sandbox = home(&old_and_new_event());
        let clear = Suspended::at(&sandbox, place, tm_run_argv(&["clear"]));
        let _ = tm_run(&sandbox, &SPRING).output();
        clear.finish();
        assert_home_is_empty(&sandbox, &format!("{place:?}"));
        // The rewrite is suspended before its rename, and resumed after `clear` has ended.
        let sandbox = home(&old_and_new_event());
        let clear = Suspended::at(&sandbox, place, tm_run_argv(&["clear"]));
        let rewrite = Suspended::at(&sandbox, &rewriting[renames - 1], tm_run_argv(&SPRING));
        clear.finish();
        rewrite.finish();
        assert_home_is_empty(&sandbox, &format!("{place:?}, copy"));
    }
}

/// The run has seen the marker, and creates the log after `clear` has looked for it.
fn clear_suspended_at_any_syscall_leaves_no_log_of_a_run(_: &Sandbox) {
    let log = || tm_run_argv(&["log", "--target", "x", "--duration", "1", "--exit-code", "0"]);
    let creating = syscall_sites(&home(""), log(), |call| call.text.contains("O_CREAT")).len();
    let mut writing = syscall_sites(&home(""), log(), |_| true);
    let creates = writing.len() - creating;
    assert_eq!(writing[creates].name, "openat", "{writing:?}");
    let sees_the_marker = writing.swap_remove(creates - 1);
    let trial = home("");
    let clearing = syscall_sites(&trial, tm_run_argv(&["clear"]), |call| call.text.contains("enabled"));
    assert!(clearing.len() > 5, "{clearing:?}");
    for place in &clearing {
        let sandbox = home("");
        let run = Suspended::at(&sandbox, &sees_the_marker, log());
        assert!(run.is_there, "{}", run.trace());
        let clear = Suspended::at(&sandbox, place, tm_run_argv(&["clear"]));
        run.finish();
        clear.finish();
        assert_home_is_empty(&sandbox, &format!("{place:?}"));
    }
}

/// A run that has seen the marker writes its line before `off` returns, or never.
fn off_waits_for_a_writer_that_has_seen_the_marker(_: &Sandbox) {
    let trial = home(EARLIER);
    let all = syscall_sites(&trial, wrapped_argv(&trial, &[probe(), "exit", "0"]), command_has_ended);
    let locked = all.iter().position(|place| place.name == "flock").expect("the log is locked");
    for place in &all[locked..] {
        if ["kill", "waitid", "wait4", "exit_group"].contains(&place.name.as_str()) {
            continue;
        }
        let sandbox = home(EARLIER);
        let run = Suspended::at(&sandbox, place, wrapped_argv(&sandbox, &[probe(), "exit", "0"]));
        let mut off = under_strace(
            &sandbox,
            &["-o", sandbox.path("off").to_str().expect("UTF-8"), "-e", "trace=flock"],
            tm_run_argv(&["off"]),
        )
        .spawn();
        let waits = || fs::read_to_string(sandbox.path("off")).unwrap_or_default().contains("EAGAIN");
        wait_until("off waits for the writer", || waits() || off.session_processes().is_empty());
        assert!(waits() || place.name == "close", "{place:?}");
        run.finish();
        assert_eq!(off.wait_for_exit(), WaitStatus::Exited(0));
    }
}

//! Nested runs of one target are one event: `TM_RUN_ACTIVE`.

use crate::harness::{Case, OFF, RECORDED, Sandbox, TM_RUN, WaitStatus, cases, probe};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED;
        nested_run_of_the_same_target_is_one_event,
        nested_run_of_another_target_is_two_events,
        nested_run_of_an_outer_target_is_not_recorded_again,
        consecutive_runs_of_the_same_target_are_two_events,
        tm_run_active_of_a_process_that_is_no_ancestor_is_ignored,
        tm_run_active_that_is_malformed_is_ignored,
    ];
    all.extend(cases![OFF; tm_run_active_is_not_set_while_off]);
    all
}

fn nested(sandbox: &Sandbox, targets: &[&str]) {
    let mut words = Vec::new();
    for target in targets {
        words.extend([TM_RUN, "--target", target, "--"]);
    }
    words.extend([probe(), "exit", "3"]);
    assert_eq!(sandbox.unwrapped(words).wait_for_exit(), WaitStatus::Exited(3));
}

fn targets(sandbox: &Sandbox) -> Vec<String> {
    sandbox.events().into_iter().map(|event| event.target).collect()
}

fn nested_run_of_the_same_target_is_one_event(sandbox: &Sandbox) {
    nested(sandbox, &["sync", "sync", "sync"]);
    assert_eq!(targets(sandbox), ["sync"]);
    // With a shell between them, as make has.
    let script = format!("{TM_RUN} --target sync -- {} exit 3; exit $?", probe());
    let words = [TM_RUN, "--target", "sync", "--", "bash", "-c", &script];
    assert_eq!(sandbox.unwrapped(words).wait_for_exit(), WaitStatus::Exited(3));
    assert_eq!(targets(sandbox), ["sync", "sync"]);
}

fn nested_run_of_another_target_is_two_events(sandbox: &Sandbox) {
    nested(sandbox, &["test-generator", "sync"]);
    assert_eq!(targets(sandbox), ["sync", "test-generator"]);
}

fn nested_run_of_an_outer_target_is_not_recorded_again(sandbox: &Sandbox) {
    nested(sandbox, &["outer", "inner", "outer"]);
    assert_eq!(targets(sandbox), ["inner", "outer"]);
}

fn consecutive_runs_of_the_same_target_are_two_events(sandbox: &Sandbox) {
    nested(sandbox, &["sync"]);
    nested(sandbox, &["sync"]);
    assert_eq!(targets(sandbox), ["sync", "sync"]);
}

fn tm_run_active_of_a_process_that_is_no_ancestor_is_ignored(sandbox: &Sandbox) {
    // A living process that is no ancestor, and one that has ended.
    let mut other = sandbox.unwrapped([probe(), "pause"]).spawn();
    other.stdout.read_ready_pid();
    let mut gone = sandbox.unwrapped([probe(), "exit", "0"]).spawn();
    gone.wait_for_exit();
    gone.kill_launcher();
    for pid in [other.pid, gone.pid] {
        let start = sandbox.probe("exit 3").env("TM_RUN_ACTIVE", format!("{pid}:work"));
        assert_eq!(start.wait_for_exit(), WaitStatus::Exited(3));
    }
    assert_eq!(sandbox.exit_codes(), [3, 3]);
}

fn tm_run_active_that_is_malformed_is_ignored(sandbox: &Sandbox) {
    for value in ["", "work", ":", ":work", "x:work", "0:work", "-1:work", "99999999999999999999:work"] {
        assert_eq!(
            sandbox.probe("exit 3").env("TM_RUN_ACTIVE", value).wait_for_exit(),
            WaitStatus::Exited(3),
            "{value:?}"
        );
    }
    assert_eq!(sandbox.exit_codes(), [3; 8]);
}

fn tm_run_active_is_not_set_while_off(sandbox: &Sandbox) {
    let output = sandbox.command(["env"]).output();
    assert!(!output.text().contains("TM_RUN"), "{}", output.text());
}

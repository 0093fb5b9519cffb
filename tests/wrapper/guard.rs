//! One run, one event: `TM_RUN_ACTIVE`.

use crate::harness::{Case, OFF, RECORDED, Sandbox, TM_RUN, WaitStatus, cases, probe};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED;
        the_same_target_nested_is_one_event,
        a_different_target_nested_is_two_events,
        the_same_target_further_in_is_not_recorded_again,
        the_same_target_one_after_the_other_is_two_events,
        a_value_that_leaked_silences_nothing,
        a_value_that_makes_no_sense_silences_nothing,
    ];
    all.extend(cases![OFF; the_guard_is_not_there_when_recording_is_off]);
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

fn the_same_target_nested_is_one_event(sandbox: &Sandbox) {
    nested(sandbox, &["sync", "sync", "sync"]);
    assert_eq!(targets(sandbox), ["sync"]);
    // With somebody between them, as make is.
    let script = format!("{TM_RUN} --target sync -- {} exit 3; exit $?", probe());
    let words = [TM_RUN, "--target", "sync", "--", "bash", "-c", &script];
    assert_eq!(sandbox.unwrapped(words).wait_for_exit(), WaitStatus::Exited(3));
    assert_eq!(targets(sandbox), ["sync", "sync"]);
}

fn a_different_target_nested_is_two_events(sandbox: &Sandbox) {
    nested(sandbox, &["test-generator", "sync"]);
    assert_eq!(targets(sandbox), ["sync", "test-generator"]);
}

fn the_same_target_further_in_is_not_recorded_again(sandbox: &Sandbox) {
    nested(sandbox, &["outer", "inner", "outer"]);
    assert_eq!(targets(sandbox), ["inner", "outer"]);
}

fn the_same_target_one_after_the_other_is_two_events(sandbox: &Sandbox) {
    nested(sandbox, &["sync"]);
    nested(sandbox, &["sync"]);
    assert_eq!(targets(sandbox), ["sync", "sync"]);
}

fn a_value_that_leaked_silences_nothing(sandbox: &Sandbox) {
    // A living process that is no ancestor, and one that has gone.
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

fn a_value_that_makes_no_sense_silences_nothing(sandbox: &Sandbox) {
    for value in ["", "work", ":", ":work", "x:work", "0:work", "-1:work", "99999999999999999999:work"] {
        assert_eq!(
            sandbox.probe("exit 3").env("TM_RUN_ACTIVE", value).wait_for_exit(),
            WaitStatus::Exited(3),
            "{value:?}"
        );
    }
    assert_eq!(sandbox.exit_codes(), [3; 8]);
}

fn the_guard_is_not_there_when_recording_is_off(sandbox: &Sandbox) {
    let output = sandbox.command(["env"]).output();
    assert!(!output.text().contains("TM_RUN"), "{}", output.text());
}

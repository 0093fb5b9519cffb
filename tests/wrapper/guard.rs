//! One run, one event: `TM_RUN_ACTIVE`.

use crate::ledger::{Case, cases};
use crate::stage::{OFF, RECORDED, Stage, TM_RUN, Told, probe};

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

fn nested(stage: &Stage, targets: &[&str]) {
    let mut words = Vec::new();
    for target in targets {
        words.extend([TM_RUN, "--target", target, "--"]);
    }
    words.extend([probe(), "exit", "3"]);
    assert_eq!(stage.plain(words).end(), Told::Exited(3));
}

fn targets(stage: &Stage) -> Vec<String> {
    stage.events().into_iter().map(|event| event.target).collect()
}

fn the_same_target_nested_is_one_event(stage: &Stage) {
    nested(stage, &["sync", "sync", "sync"]);
    assert_eq!(targets(stage), ["sync"]);
    // With somebody between them, as make is.
    let script = format!("{TM_RUN} --target sync -- {} exit 3; exit $?", probe());
    let words = [TM_RUN, "--target", "sync", "--", "bash", "-c", &script];
    assert_eq!(stage.plain(words).end(), Told::Exited(3));
    assert_eq!(targets(stage), ["sync", "sync"]);
}

fn a_different_target_nested_is_two_events(stage: &Stage) {
    nested(stage, &["test-generator", "sync"]);
    assert_eq!(targets(stage), ["sync", "test-generator"]);
}

fn the_same_target_further_in_is_not_recorded_again(stage: &Stage) {
    nested(stage, &["outer", "inner", "outer"]);
    assert_eq!(targets(stage), ["inner", "outer"]);
}

fn the_same_target_one_after_the_other_is_two_events(stage: &Stage) {
    nested(stage, &["sync"]);
    nested(stage, &["sync"]);
    assert_eq!(targets(stage), ["sync", "sync"]);
}

fn a_value_that_leaked_silences_nothing(stage: &Stage) {
    // A living process that is no ancestor, and one that has gone.
    let mut other = stage.plain([probe(), "pause"]).start();
    other.out.ready();
    let mut gone = stage.plain([probe(), "exit", "0"]).start();
    gone.end();
    gone.kill_launcher();
    for pid in [other.pid, gone.pid] {
        let start = stage.probe("exit 3").variable("TM_RUN_ACTIVE", format!("{pid}:work"));
        assert_eq!(start.end(), Told::Exited(3));
    }
    assert_eq!(stage.exit_codes(), [3, 3]);
}

fn a_value_that_makes_no_sense_silences_nothing(stage: &Stage) {
    for value in ["", "work", ":", ":work", "x:work", "0:work", "-1:work", "99999999999999999999:work"] {
        assert_eq!(
            stage.probe("exit 3").variable("TM_RUN_ACTIVE", value).end(),
            Told::Exited(3),
            "{value:?}"
        );
    }
    assert_eq!(stage.exit_codes(), [3; 8]);
}

fn the_guard_is_not_there_when_recording_is_off(stage: &Stage) {
    let finished = stage.command(["env"]).finish();
    assert!(!finished.text().contains("TM_RUN"), "{}", finished.text());
}

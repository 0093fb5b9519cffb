//! What things cost, in what is the same on every machine: system calls, and instructions of our own code. Times
//! are for benchmarks (`tests/bench/`).
//!
//! The program is the one that is tested everywhere here: built without optimisation, so instructions are several
//! times those of a release. A bound stands a little above what was measured; if what it bounds becomes cheaper by
//! half, the test fails, too, for then the bound would notice little.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;

use crate::ledger::{Case, cases};
use crate::stage::{RECORDED, Stage, TM_RUN, Told};
use crate::trust::trace::traced;

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED, needs ["strace"];
        a_small_report_makes_few_system_calls,
        status_makes_few_system_calls,
    ];
    all.extend(cases![RECORDED, needs ["valgrind"];
        a_small_report_takes_few_instructions,
        a_report_of_a_year_takes_few_instructions,
        status_of_a_year_takes_few_instructions,
    ]);
    all
}

#[track_caller]
fn at_most(bound: usize, count: usize, what: &str) {
    assert!(count <= bound, "{count} {what}, and {bound} are allowed");
    assert!(count > bound / 2, "{count} {what} only: {bound} is too much to allow");
}

/// Of all processes and threads of the command.
#[track_caller]
fn system_calls(stage: &Stage, words: impl IntoIterator<Item = OsString>) -> usize {
    let (finished, calls) = traced(stage, &["-f"], words);
    assert_eq!((finished.told, finished.err.as_str()), (Told::Exited(0), ""));
    calls.len()
}

/// Of the command's own process, in user mode.
#[track_caller]
fn instructions(stage: &Stage, words: impl IntoIterator<Item = OsString>) -> usize {
    let file = stage.path("callgrind");
    let mut option = OsString::from("--callgrind-out-file=");
    option.push(&file);
    let valgrind = ["valgrind".into(), "-q".into(), "--tool=callgrind".into(), option];
    let finished = stage.plain(valgrind.into_iter().chain(words)).finish();
    assert_eq!((finished.told, finished.err.as_str()), (Told::Exited(0), ""));
    let text = fs::read_to_string(file).expect("what callgrind has counted");
    let count = text.lines().find_map(|line| line.strip_prefix("totals: ")).expect("a total");
    count.trim().parse().expect("a number")
}

fn tm_run(words: &[&str]) -> Vec<OsString> {
    [TM_RUN].iter().chain(words).map(OsString::from).collect()
}

/// Lines of one year as tm-run writes them: seven targets, two domains, one run in ten fails.
fn log(stage: &Stage, lines: u32) {
    let mut text = String::new();
    for line in 0..lines {
        let seconds = u64::from(line) * (364 * 86_400) / u64::from(lines);
        let (day, time) = (seconds / 86_400, seconds % 86_400);
        let target =
            ["apply", "sync", "lint", "test", "build", "apply-provision", "format"][line as usize % 7];
        let domain = ["null", "null", "\"pro\"", "\"lab\""][line as usize % 4];
        let code = if line % 10 == 3 { 2 } else { 0 };
        // Months of 28 days are months enough.
        let _ = writeln!(
            text,
            "{{\"timestamp\": \"{}-{:02}-{:02}T{:02}:{:02}:{:02}+00:00\", \"target\": \"{target}\", \"domain\": {domain}, \
             \"duration_seconds\": {}.{}, \"exit_code\": {code}}}",
            2025 + day / 336,
            day / 28 % 12 + 1,
            day % 28 + 1,
            time / 3600,
            time / 60 % 60,
            time % 60,
            line * 7919 % 500,
            line * 31 % 9 + 1,
        );
    }
    fs::write(stage.log(), text).expect("a log");
}

const YEAR: u32 = 20_000;

fn a_small_report_makes_few_system_calls(stage: &Stage) {
    log(stage, 100);
    at_most(170, system_calls(stage, tm_run(&["report"])), "system calls");
}

fn status_makes_few_system_calls(stage: &Stage) {
    log(stage, 100);
    at_most(48, system_calls(stage, tm_run(&["status"])), "system calls");
}

fn a_small_report_takes_few_instructions(stage: &Stage) {
    log(stage, 100);
    at_most(14_500_000, instructions(stage, tm_run(&["report"])), "instructions");
}

fn a_report_of_a_year_takes_few_instructions(stage: &Stage) {
    log(stage, YEAR);
    at_most(420_000_000, instructions(stage, tm_run(&["report"])), "instructions");
}

fn status_of_a_year_takes_few_instructions(stage: &Stage) {
    log(stage, YEAR);
    at_most(152_000_000, instructions(stage, tm_run(&["status"])), "instructions");
}

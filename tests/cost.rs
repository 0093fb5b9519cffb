//! Costs that are the same on every machine: system calls, and instructions of our own code. Times are for benchmarks
//! (`tests/bench/`).
//!
//! The program is hardly optimised here, as in all tests, so it takes more instructions than a release. A bound is a
//! little above what was measured. A test also fails if the cost falls below half of its bound: a bound that wide
//! notices little.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;

use crate::harness::{Case, RECORDED, Sandbox, TM_RUN, WaitStatus, Way, cases, install, probe};
use crate::trust::EARLIER;
use crate::trust::strace::{Call, trace_of, wrapped_argv};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED, needs ["strace"];
        report_of_100_lines_makes_few_syscalls,
        status_of_100_lines_makes_few_syscalls,
        recorded_run_makes_few_syscalls,
    ];
    all.extend(cases![&[Way::Off], needs ["strace"]; off_run_makes_few_syscalls]);
    all.extend(cases![RECORDED, needs ["valgrind"];
        recorded_run_takes_few_instructions,
        report_of_100_lines_takes_few_instructions,
        report_of_a_year_takes_few_instructions,
        status_of_a_year_takes_few_instructions,
    ]);
    all
}

#[track_caller]
fn at_most(bound: usize, count: usize, what: &str) {
    assert!(count <= bound, "{count} {what}, and {bound} are allowed");
    assert!(count > bound / 2, "{count} {what} only: {bound} is too much to allow");
}

/// The system calls of all processes and threads of the command, but for those that wait.
#[track_caller]
fn system_calls(sandbox: &Sandbox, words: impl IntoIterator<Item = OsString>) -> usize {
    let (output, calls) = trace_of(sandbox, &["-f"], words);
    assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(0), ""));
    calls.iter().filter(|call| !WAITING.contains(&call.name.as_str())).count()
}

/// How often these are called depends on timing.
const WAITING: [&str; 3] = ["futex", "waitid", "rt_sigtimedwait"];

/// The instructions of the command's own process in user mode, counted by callgrind.
#[track_caller]
fn instructions(sandbox: &Sandbox, words: impl IntoIterator<Item = OsString>) -> usize {
    let file = sandbox.path("callgrind");
    let mut option = OsString::from("--callgrind-out-file=");
    option.push(&file);
    let valgrind = ["valgrind".into(), "-q".into(), "--tool=callgrind".into(), option];
    let output = sandbox.unwrapped(valgrind.into_iter().chain(words)).output();
    assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(0), ""));
    let text = fs::read_to_string(file).expect("what callgrind has counted");
    let count = text.lines().find_map(|line| line.strip_prefix("totals: ")).expect("a total");
    count.trim().parse().expect("a number")
}

fn tm_run(words: &[&str]) -> Vec<OsString> {
    [TM_RUN].iter().chain(words).map(OsString::from).collect()
}

/// Lines of one year as tm-run writes them: seven targets, two domains, one run in ten fails.
fn log(sandbox: &Sandbox, lines: u32) {
    let mut text = String::new();
    for line in 0..lines {
        let seconds = u64::from(line) * (364 * 86_400) / u64::from(lines);
        let (day, time) = (seconds / 86_400, seconds % 86_400);
        let target =
            ["apply", "sync", "lint", "test", "build", "apply-provision", "format"][line as usize % 7];
        let domain = ["null", "null", "\"pro\"", "\"lab\""][line as usize % 4];
        let code = if line % 10 == 3 { 2 } else { 0 };
        // Every month has 28 days.
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
    fs::write(sandbox.log(), text).expect("a log");
}

const YEAR: u32 = 20_000;

/// The system calls beyond those of the bare command. Both are called by their paths, so there is no PATH search.
#[track_caller]
fn system_calls_beyond_bare(sandbox: &Sandbox) -> usize {
    let ends = [probe(), "exit", "0"];
    let bare = Sandbox::new(Way::Bare);
    system_calls(sandbox, wrapped_argv(sandbox, &ends)) - system_calls(&bare, wrapped_argv(&bare, &ends))
}

/// The C library's start, the question whether recording is on, and the exec.
fn off_run_makes_few_syscalls(sandbox: &Sandbox) {
    at_most(16, system_calls_beyond_bare(sandbox), "system calls");
}

fn recorded_run_makes_few_syscalls(sandbox: &Sandbox) {
    fs::write(sandbox.log(), EARLIER).expect("a log");
    at_most(56, system_calls_beyond_bare(sandbox), "system calls");
}

/// Under valgrind the child is forked.
fn recorded_run_takes_few_instructions(sandbox: &Sandbox) {
    at_most(270_000, instructions(sandbox, wrapped_argv(sandbox, &[probe(), "exit", "0"])), "instructions");
}

fn report_of_100_lines_makes_few_syscalls(sandbox: &Sandbox) {
    log(sandbox, 100);
    at_most(46, system_calls(sandbox, tm_run(&["report"])), "system calls");
}

/// Beside those that there are for each process of the machine. A program of its own has no runs that others start.
fn status_of_100_lines_makes_few_syscalls(sandbox: &Sandbox) {
    log(sandbox, 100);
    let own = sandbox.path("tm-run");
    install(TM_RUN, &own);
    let (output, calls) = trace_of(sandbox, &["-f"], [own.into(), "status".into()]);
    assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(0), ""));
    let is_look = |call: &&Call| call.text.contains("/exe\"") && !call.text.contains("/proc/self/exe");
    let (looks, others): (Vec<&Call>, Vec<&Call>) = calls.iter().partition(is_look);
    assert!(!looks.is_empty() && looks.iter().all(|call| call.name == "statx"), "one call a process");
    at_most(52, others.iter().filter(|call| call.name != "getdents64").count(), "system calls");
}

fn report_of_100_lines_takes_few_instructions(sandbox: &Sandbox) {
    log(sandbox, 100);
    at_most(6_600_000, instructions(sandbox, tm_run(&["report"])), "instructions");
}

fn report_of_a_year_takes_few_instructions(sandbox: &Sandbox) {
    log(sandbox, YEAR);
    at_most(132_000_000, instructions(sandbox, tm_run(&["report"])), "instructions");
}

/// Nine times what the release takes: what compares sixteen bytes in one instruction there is a call here.
fn status_of_a_year_takes_few_instructions(sandbox: &Sandbox) {
    log(sandbox, YEAR);
    at_most(80_000_000, instructions(sandbox, tm_run(&["status"])), "instructions");
}

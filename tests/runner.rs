//! The test runner itself: what it does with a test whose tool is missing, and with the options of libtest.

use std::process::{Command, Output};

use crate::harness::{Case, once};

pub fn cases() -> Vec<Case> {
    once![
        missing_tool_is_ignored_and_named,
        missing_tool_fails_on_ci,
        filtered_run_names_no_other_test,
        list_runs_nothing,
        exact_skip_and_several_filters_select_tests,
        nocapture_and_show_output_are_accepted,
        ignored_selects_only_tests_that_lack_a_tool,
    ]
}

/// Tests that need make, run where nothing is on PATH.
const NEEDS_MAKE: &str = "wrapper::make::";

struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// This program with these arguments, and with no tool on PATH.
fn run(args: &[&str], env: &[(&str, &str)]) -> Run {
    let program = std::env::current_exe().expect("the test program");
    let empty = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(program);
    command.args(args).env_remove("CI").env("PATH", empty.path()).envs(env.iter().copied());
    let Output { status, stdout, stderr } = command.output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Run { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

impl Run {
    /// The tests that were run or ignored, and what became of each.
    fn results(&self) -> Vec<(&str, &str)> {
        let results = self.stdout.lines().filter_map(|line| line.strip_prefix("test ")?.split_once(" ... "));
        results.map(|(name, result)| (name.trim_end(), result)).collect()
    }

    /// Sorted, for tests end in no fixed order.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.results().into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names
    }

    /// What `--list` prints, sorted.
    fn listed(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.stdout.lines().filter_map(|line| line.strip_suffix(": test")).collect();
        names.sort_unstable();
        names
    }
}

fn missing_tool_is_ignored_and_named() {
    let run = run(&[NEEDS_MAKE], &[]);
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    assert!(!run.results().is_empty());
    for (name, result) in run.results() {
        assert_eq!(result, "ignored", "{name}");
        let line = format!("{name} is ignored: make is missing; .ci/run tools installs it on Debian");
        assert!(run.stderr.lines().any(|other| other == line), "{line}");
    }
    let count = format!("0 passed; 0 failed; {} ignored", run.results().len());
    assert!(run.stdout.contains(&count), "{}", run.stdout);
}

fn missing_tool_fails_on_ci() {
    let run = run(&[NEEDS_MAKE], &[("CI", "true")]);
    assert_ne!(run.code, Some(0), "{}", run.stdout);
    assert!(!run.results().is_empty());
    assert!(run.results().iter().all(|(_, result)| *result == "FAILED"), "{}", run.stdout);
    assert!(run.stdout.contains("make is missing"), "{}", run.stdout);
}

fn filtered_run_names_no_other_test() {
    let run = run(&[NEEDS_MAKE], &[]);
    let text = run.stdout.clone() + &run.stderr;
    assert!(!run.names().is_empty());
    for line in text.lines().filter(|line| line.contains("::")) {
        assert!(line.trim_start_matches("test ").starts_with(NEEDS_MAKE), "{line}");
    }
}

fn list_runs_nothing() {
    let list = run(&[NEEDS_MAKE, "--list"], &[]);
    assert_eq!((list.code, list.stderr.as_str(), list.results()), (Some(0), "", Vec::new()));
    assert_eq!(list.listed(), run(&[NEEDS_MAKE], &[]).names());
}

fn exact_skip_and_several_filters_select_tests() {
    let all = run(&[NEEDS_MAKE, "--list"], &[]);
    let all = all.listed();
    let (first, last) = (all[0], all[all.len() - 1]);
    assert_eq!(run(&["--exact", first], &[]).names(), [first]);
    assert_eq!(run(&["--exact", first, last], &[]).names(), [first, last]);
    assert_eq!(run(&["--exact", NEEDS_MAKE], &[]).names(), [""; 0]);
    assert_eq!(run(&[NEEDS_MAKE, "--skip", first], &[]).names().len(), all.len() - 1);
}

fn nocapture_and_show_output_are_accepted() {
    let expected = run(&[NEEDS_MAKE], &[]).names().len();
    for option in ["--nocapture", "--no-capture", "--show-output"] {
        let run = run(&[NEEDS_MAKE, option], &[]);
        assert_eq!((run.code, run.names().len()), (Some(0), expected), "{option}: {}", run.stderr);
    }
}

fn ignored_selects_only_tests_that_lack_a_tool() {
    let need_make = run(&[NEEDS_MAKE, "--list"], &[]).listed().len();
    // In this file nothing needs a tool.
    let both = ["runner::", NEEDS_MAKE];
    assert_eq!(run(&[both[0], both[1], "--list"], &[]).listed().len(), need_make + cases().len());
    let run = run(&[both[0], both[1], "--ignored"], &[]);
    assert_eq!(run.names().len(), need_make);
    // They were asked for, and cannot run.
    assert!(run.results().iter().all(|(_, result)| *result == "FAILED"), "{}", run.stdout);
}

//! Usage errors, help, and hints.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use super::{assert_home_is_empty, tm_run};
use crate::harness::{Case, OFF, Sandbox, TM_RUN, WaitStatus, cases};

pub fn cases() -> Vec<Case> {
    cases![OFF; usage_error_is_one_line_and_runs_nothing, no_arguments_shows_the_help, mistyped_subcommand_gets_a_hint, help_has_bold_headings_on_a_tty_only, help_examples_are_no_usage_errors]
}

fn usage_error_is_one_line_and_runs_nothing(sandbox: &Sandbox) {
    let text: &[&[&str]] = &[
        &["--target"],
        &["--target", "x"],
        &["--target", "x", "--"],
        &["--target", "a", "--target", "b", "sh"],
        &["--domain", "--", "sh", "-c", "touch ran"],
        &["--tagret", "x", "sh", "-c", "touch ran"],
        &["-t", "sh", "-c", "touch ran"],
        &["--"],
        &[""],
        &["--", ""],
        &["--target", "x", "on"],
        &["--domain", "x", "clear"],
        &["on", "now"],
        &["on", "--force"],
        &["off", "please"],
        &["status", "--format"],
        &["status", "--format", "xml"],
        &["status", "--json"],
        &["clear", "--before"],
        &["clear", "--before", "soon"],
        &["clear", "everything"],
        &["log"],
        &["log", "--target", "", "--duration", "1", "--exit-code", "0"],
        &["log", "--target", "a\nb", "--duration", "1", "--exit-code", "0"],
        &["log", "--target", "a", "--domain", "a\tb", "--duration", "1", "--exit-code", "0"],
        &["report", "--format", "xml"],
        &["report", "--by", "hour"],
        &["report", "--last", "0"],
        &["report", "--last", "-1"],
        &["report", "--last", "99999999999999999999"],
        &["report", "--limit", "x"],
        &["report", "--width", "0"],
        &["report", "--since", "\u{1b}[2J"],
        &["report", "extra\nline"],
        &["init"],
        &["init", "tcsh"],
        &["init", "bash", "zsh"],
    ];
    for state in ["off", "on"] {
        if state == "on" {
            sandbox.turn_on();
        }
        for words in text {
            let said = sandbox.unwrapped([TM_RUN].iter().chain(*words)).expect_error(2, "");
            let subcommands = ["on", "off", "status", "clear", "log", "report", "init"];
            let of = words.first().filter(|word| subcommands.contains(word)).map(|word| format!("{word} "));
            let see = format!("; see 'tm-run {}--help'\n", of.unwrap_or_default());
            assert!(said.ends_with(&see), "{words:?}: {said}");
            // The message shows what was typed, without control characters.
            let is_odd = words.concat().chars().any(char::is_control);
            assert!(!said.trim_end().chars().any(char::is_control), "{words:?}: {said:?}");
            assert!(is_odd || !said.contains('\u{fffd}'), "{words:?}: {said}");
        }
        let raw = OsStr::from_bytes(b"--targ\xff");
        sandbox.unwrapped([OsStr::new(TM_RUN), raw, "sh".as_ref()]).expect_error(2, "");
        assert!(!sandbox.home().join("ran").exists() && !sandbox.log().exists());
        if state == "off" {
            assert_home_is_empty(sandbox);
        }
    }
}

fn no_arguments_shows_the_help(sandbox: &Sandbox) {
    let alone = tm_run(sandbox, "").output();
    assert_eq!((alone.status, alone.stderr.as_str()), (WaitStatus::Exited(1), ""));
    for flag in ["--help", "-h"] {
        tm_run(sandbox, flag).expect_output(0, &alone.text(), "");
    }
    for word in ["on", "off", "status", "clear", "log", "report", "init", "--target", "--domain"] {
        assert!(alone.text().contains(word), "{word}");
    }
    tm_run(sandbox, "--version").expect_output(0, &format!("tm-run {}\n", env!("CARGO_PKG_VERSION")), "");
}

fn help_has_bold_headings_on_a_tty_only(sandbox: &Sandbox) {
    const BOLD: &str = "\u{1b}[1m";
    for words in ["", "--help", "report --help", "init --help"] {
        let piped = tm_run(sandbox, words).output().text();
        assert!(!piped.contains('\u{1b}'), "{words}");
        let on_tty = |variables: &[(&str, &str)]| {
            let start = sandbox.bash(&format!("{TM_RUN} {words}; printf '<end>'")).on_terminal();
            let start = variables.iter().fold(start, |start, (name, value)| start.env(name, value));
            let mut job = start.spawn();
            let shown = job.terminal().screen.read_until("<end>").replace("\r\n", "\n");
            job.wait_for_exit();
            shown.strip_suffix("<end>").expect("the end").to_owned()
        };
        let shown = on_tty(&[("TERM", "xterm")]);
        assert!(shown.contains(&format!("\n{BOLD}Usage:\u{1b}[0m tm-run ")), "{shown}");
        assert_eq!(shown.replace(BOLD, "").replace("\u{1b}[0m", ""), piped);
        assert_eq!(on_tty(&[("TERM", "xterm"), ("NO_COLOR", "1")]), piped);
        assert_eq!(on_tty(&[("TERM", "dumb")]), piped);
    }
}

/// Each example is a command line that tm-run understands.
fn help_examples_are_no_usage_errors(sandbox: &Sandbox) {
    let bin = std::path::Path::new(TM_RUN).parent().expect("a directory").display().to_string();
    let path = format!("{bin}:{}", std::env::var("PATH").expect("PATH"));
    for (name, count) in [("", 3), ("clear", 2), ("log", 1), ("report", 4), ("init", 4)] {
        let help = tm_run(sandbox, &format!("{name} --help")).output().text();
        let (_, examples) = help.split_once("\nExamples:\n").expect("examples");
        let lines = examples.lines().map(str::trim_start);
        let commands: Vec<&str> = lines
            .filter(|line| line.contains("tm-run "))
            .map(|line| line.split("  ").next().expect("a command"))
            .collect();
        assert_eq!(commands.len(), count, "{examples}");
        for command in commands {
            let said = sandbox.bash(command).env("PATH", &path).output().stderr;
            assert!(!said.contains("see 'tm-run"), "{command}: {said}");
        }
    }
}

fn mistyped_subcommand_gets_a_hint(sandbox: &Sandbox) {
    for (typed, meant) in [("stauts", "status"), ("repotr", "report"), ("cler", "clear"), ("help", "--help")]
    {
        let said = tm_run(sandbox, typed).expect_error(127, "");
        assert!(said.ends_with(&format!("(did you mean 'tm-run {meant}'?)\n")), "{said}");
        // After `--` it is a command, so there is no hint.
        let said = tm_run(sandbox, &format!("-- {typed}")).expect_error(127, "");
        assert!(!said.contains("did you mean"), "{said}");
    }
    let said = tm_run(sandbox, "no-such-command").expect_error(127, "");
    assert!(!said.contains("did you mean"), "{said}");
    // A command of that name is executed.
    let bin = sandbox.path("bin");
    fs::create_dir(&bin).expect("a directory");
    sandbox.script("bin/stauts", "#!/bin/sh\necho mine\n");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("PATH"));
    tm_run(sandbox, "stauts").env("PATH", path).expect_output(0, "mine\n", "");
}

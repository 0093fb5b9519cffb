//! Usage errors, help, and hints.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use super::{assert_home_is_empty, tm_run};
use crate::harness::{Case, OFF, Sandbox, TM_RUN, WaitStatus, cases};

pub fn cases() -> Vec<Case> {
    cases![OFF; usage_error_is_one_line_and_runs_nothing, no_arguments_shows_the_help, mistyped_subcommand_gets_a_hint]
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

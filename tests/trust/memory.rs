//! No memory errors: valgrind watches every subcommand and a recorded run.
//!
//! It needs a program that takes its C library from the system, for it replaces functions of that; in a static one it
//! reports the library's own tricks as errors. `TM_RUN_DYNAMIC` names such a program: see `tests/README.md`, which
//! also tells how to run all tests under AddressSanitizer.

use std::process::Command;

use super::{EARLIER, SUBCOMMANDS};
use crate::harness::{Case, DYNAMIC, RECORDED, Sandbox, WaitStatus, cases, probe};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED, needs ["valgrind", DYNAMIC];
        valgrind_finds_no_error_in_any_subcommand,
        valgrind_finds_no_error_in_a_run,
    ];
    all.extend(cases![RECORDED, needs ["valgrind", "cc"]; valgrind_detects_an_invalid_read]);
    all
}

const VALGRIND: [&str; 7] = [
    "valgrind",
    "-q",
    "--error-exitcode=99",
    "--leak-check=full",
    "--show-leak-kinds=definite",
    "--errors-for-leak-kinds=definite",
    "--trace-children=no",
];

fn program() -> String {
    std::env::var("TM_RUN_DYNAMIC").expect("a path in UTF-8")
}

#[track_caller]
fn assert_clean(sandbox: &Sandbox, words: &[&str], code: i32) {
    let program = program();
    let words = VALGRIND.into_iter().chain([program.as_str()]).chain(words.iter().copied());
    let output = sandbox.unwrapped(words).output();
    assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(code), ""));
}

fn valgrind_finds_no_error_in_any_subcommand(sandbox: &Sandbox) {
    let lines = [
        EARLIER,
        &EARLIER[..60],
        EARLIER,
        "{\"exit_code\":2e0,\"target\":\"\\ud800\\u202e\",\"duration_seconds\":NaN}\n",
        "\u{0}\n\n",
        "{\"target\": \"a\u{1b}[31m\", \"domain\": \"=1+1\", \"timestamp\": \"2026-02-14T10:30:00.5Z\", \"x\": [[{}]]}\n",
    ];
    std::fs::write(sandbox.log(), lines.concat().repeat(30)).expect("a log");
    for words in SUBCOMMANDS.iter().filter(|words| !words.contains(&"report")) {
        if *words != ["clear"] && *words != ["off"] {
            assert_clean(sandbox, words, 0);
        }
    }
    for format in ["text", "json", "csv", "markdown", "html", "jsonl"] {
        // `report` lists unreadable lines on stderr, where valgrind writes, too.
        let program = program();
        let words = VALGRIND.into_iter().chain([program.as_str(), "report", "--format", format]);
        let output = sandbox.unwrapped(words).output();
        assert_eq!(output.status, WaitStatus::Exited(0), "{}", output.stderr);
        assert!(!output.stderr.contains("=="), "{}", output.stderr);
    }
    assert_clean(sandbox, &["off"], 0);
    assert_clean(sandbox, &["clear"], 0);
}

fn valgrind_finds_no_error_in_a_run(sandbox: &Sandbox) {
    let tail = ["--", probe(), "exit", "3"];
    assert_clean(sandbox, &[&["--target", "work", "--domain", "x"][..], &tail].concat(), 3);
    assert_clean(sandbox, &[&["--target", "work"][..], &tail].concat(), 3);
    assert_eq!(sandbox.exit_codes(), [3, 3]);
    assert_clean(sandbox, &["off"], 0);
}

fn valgrind_detects_an_invalid_read(sandbox: &Sandbox) {
    let source = sandbox.script("bad.c", "#include <stdlib.h>\nint main(void) { char *p = malloc(4); int c = p[1]; free(p); return c > 9 ? 0 : 1; }\n");
    let program = sandbox.path("bad");
    let status = Command::new("cc").arg("-g").arg("-w").arg("-o").arg(&program).arg(source).status();
    assert!(status.expect("cc starts").success());
    let words = VALGRIND.into_iter().map(std::ffi::OsString::from).chain([program.into_os_string()]);
    assert_eq!(sandbox.unwrapped(words).wait_for_exit(), WaitStatus::Exited(99));
}

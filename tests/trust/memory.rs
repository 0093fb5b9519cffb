//! Memory is used as it may be: valgrind watches every question and a recorded run.
//!
//! It can only do so in a program that takes its C library from the system, whose functions it replaces by its
//! own; in the usual, static one it takes the library's tricks for errors. `.ci/run` builds such a program and
//! names it in `TM_RUN_DYNAMIC`.
//!
//! AddressSanitizer also watches the stack and statics. It is built in, so that all the other tests can run with
//! it; as that takes long, and a compiler that may change, it is not among the tests:
//!
//! ```text
//! mkdir -m 1777 /tmp/asan && cc -c -x c -o /tmp/asan.o - <<'END'
//! const char *__asan_default_options(void) {
//!     return "log_path=/tmp/asan/log:detect_leaks=0:detect_stack_use_after_return=0:disable_coredump=0:"
//!         "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0";
//! }
//! END
//! RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address -Ctarget-feature=-crt-static -Clink-arg=/tmp/asan.o" \
//!     cargo test --locked --target x86_64-unknown-linux-gnu --target-dir target/asan
//! grep -l ERROR: /tmp/asan/*
//! ```
//!
//! It says of each run that it does not know the stack of the sentinel, a process that shares our memory, and
//! nothing else. That one's stack is left to it on purpose, which would be a leak, and as it has no thread of its
//! own for the sanitizer, the two would share one list of stack frames. What cannot work with it: limits of address
//! space (`trust::hostile_logs`, `wrapper::process_state`: it maps terabytes), a dynamic program with few descriptors, and the tests that stop,
//! kill or fail a run at every system call, which then are the sanitizer's own, too.

use std::process::Command;

use super::{EARLIER, QUESTIONS};
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
fn clean(sandbox: &Sandbox, words: &[&str], code: i32) {
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
    for words in QUESTIONS.iter().filter(|words| !words.contains(&"report")) {
        if *words != ["clear"] && *words != ["off"] {
            clean(sandbox, words, 0);
        }
    }
    for format in ["text", "json", "csv", "markdown", "html", "jsonl"] {
        // It says which lines cannot be read: that is one more line than valgrind may write.
        let program = program();
        let words = VALGRIND.into_iter().chain([program.as_str(), "report", "--format", format]);
        let output = sandbox.unwrapped(words).output();
        assert_eq!(output.status, WaitStatus::Exited(0), "{}", output.stderr);
        assert!(!output.stderr.contains("=="), "{}", output.stderr);
    }
    clean(sandbox, &["off"], 0);
    clean(sandbox, &["clear"], 0);
}

fn valgrind_finds_no_error_in_a_run(sandbox: &Sandbox) {
    let tail = ["--", probe(), "exit", "3"];
    clean(sandbox, &[&["--target", "work", "--domain", "x"][..], &tail].concat(), 3);
    clean(sandbox, &[&["--target", "work"][..], &tail].concat(), 3);
    assert_eq!(sandbox.exit_codes(), [3, 3]);
    clean(sandbox, &["off"], 0);
}

fn valgrind_detects_an_invalid_read(sandbox: &Sandbox) {
    let source = sandbox.script("bad.c", "#include <stdlib.h>\nint main(void) { char *p = malloc(4); int c = p[1]; free(p); return c > 9 ? 0 : 1; }\n");
    let program = sandbox.path("bad");
    let status = Command::new("cc").arg("-g").arg("-w").arg("-o").arg(&program).arg(source).status();
    assert!(status.expect("cc starts").success());
    let words = VALGRIND.into_iter().map(std::ffi::OsString::from).chain([program.into_os_string()]);
    assert_eq!(sandbox.unwrapped(words).wait_for_exit(), WaitStatus::Exited(99));
}

//! While recording is off, no file is made or changed anywhere. `wrapper/off.rs` tests that no process of tm-run stays.

use std::ffi::OsString;

use super::strace::{Call, trace_of, wrapped_argv};
use super::{SUBCOMMANDS, listing};
use crate::harness::{Case, OFF, Sandbox, TM_RUN, WaitStatus, cases, probe};

pub fn cases() -> Vec<Case> {
    cases![OFF, needs ["strace"];
        off_subcommands_make_and_change_no_file,
        off_run_makes_and_changes_no_file,
        file_made_by_a_program_is_detected,
    ]
}

const MAKING: &[&str] = &[
    "-f",
    "-e",
    "trace=?open,openat,openat2,?creat,?mkdir,mkdirat,?mknod,mknodat,?symlink,symlinkat,?link,linkat,?rename,?renameat,\
        renameat2,?unlink,unlinkat,?rmdir,truncate,ftruncate,?chmod,fchmod,fchmodat,?chown,fchown,fchownat,utimensat,\
        setxattr,memfd_create,io_uring_setup,bind,mq_open,shmget,msgget,semget",
];

/// Whether a call makes or changes a file. Deleting a file that is not there does not.
fn changes_files(call: &Call) -> bool {
    let opens = call.name.starts_with("open");
    let only_reads =
        ["O_CREAT", "O_TMPFILE", "O_WRONLY", "O_RDWR"].iter().all(|flag| !call.text.contains(flag));
    let deletes_nothing = call.text.contains("= -1 ENOENT");
    !(opens && (only_reads || call.text.contains("\"/dev/"))) && !deletes_nothing
}

fn calls_that_change_files(sandbox: &Sandbox, words: Vec<OsString>) -> Vec<Call> {
    let (output, mut calls) = trace_of(sandbox, MAKING, words);
    assert!(matches!(output.status, WaitStatus::Exited(0 | 3)), "{:?} {}", output.status, output.stderr);
    assert!(!calls.is_empty() || output.status == WaitStatus::Exited(0), "the trace is read");
    calls.retain(changes_files);
    calls
}

fn off_subcommands_make_and_change_no_file(sandbox: &Sandbox) {
    for words in SUBCOMMANDS {
        let calls = calls_that_change_files(sandbox, [TM_RUN].iter().chain(*words).map(Into::into).collect());
        assert!(calls.is_empty(), "{words:?}: {calls:?}");
        assert_eq!(listing(&sandbox.home()), [], "{words:?}");
    }
}

fn off_run_makes_and_changes_no_file(sandbox: &Sandbox) {
    let calls = calls_that_change_files(sandbox, wrapped_argv(sandbox, &[probe(), "exit", "3"]));
    assert!(calls.is_empty(), "{calls:?}");
    assert_eq!(listing(&sandbox.home()), []);
}

fn file_made_by_a_program_is_detected(sandbox: &Sandbox) {
    let names = |words: &[&str]| {
        let calls = calls_that_change_files(sandbox, words.iter().map(Into::into).collect());
        // mkdirat(2) is mkdir(2) where there is no other.
        calls.into_iter().map(|call| call.name.trim_end_matches("at").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["touch", "x"]).first().map(String::as_str), Some("open"));
    assert_eq!(names(&["mkdir", "y"]), ["mkdir"]);
    assert_eq!(names(&[TM_RUN, "--", "mkdir", "z"]), ["mkdir"], "a child is followed");
    assert!(names(&[TM_RUN, "on"]).starts_with(&["mkdir".to_owned()]));
    assert_eq!(listing(&sandbox.home()).len(), 6);
}

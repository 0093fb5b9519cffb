//! A sandbox that refuses system calls (seccomp(2)): the command runs as it does without tm-run, recorded or not.

use nix::libc::{self, ENOSYS, EPERM};

use crate::harness::{Case, EVERY_WAY, Sandbox, WaitStatus, cases, wait_until};

pub fn cases() -> Vec<Case> {
    cases![EVERY_WAY;
        seccomp_refusal_of_a_call_needed_to_supervise_execs_in_place,
        seccomp_refusal_of_a_call_that_can_be_missed_changes_nothing,
        seccomp_refusal_of_clone_execs_in_place,
    ]
}

/// Ends, dies, stops and goes on as without the refusal. `is_recorded`: if anything is.
#[track_caller]
fn runs_as_ever(sandbox: &Sandbox, call: libc::c_long, is_recorded: bool) {
    let before = sandbox.exit_codes().len();
    for error in [EPERM, ENOSYS] {
        let refusal = format!("{call}:{error}");
        let output = sandbox.probe("exit 3").launch_option("--refuse", &refusal).output();
        assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(3), ""), "{refusal}");

        let mut job = sandbox.probe("pause").launch_option("--refuse", &refusal).spawn();
        job.stdout.read_until("ready ");
        wait_until("no process is busy", || {
            job.session_processes().iter().all(|process| process.state != 'R')
        });
        job.kill(20);
        assert_eq!(job.wait(), WaitStatus::Stopped(20), "{refusal}");
        job.kill(18);
        assert_eq!(job.wait(), WaitStatus::Continued, "{refusal}");
        job.kill(15);
        assert_eq!(job.wait_for_exit(), WaitStatus::Killed(15), "{refusal}");
        assert_eq!(job.stderr.read_to_string(), "", "{refusal}");
    }
    let recorded: &[i64] = if is_recorded && sandbox.way.records() { &[3, 143, 3, 143] } else { &[] };
    assert_eq!(sandbox.exit_codes()[before..], *recorded, "system call {call}");
}

/// F-10
fn seccomp_refusal_of_a_call_needed_to_supervise_execs_in_place(sandbox: &Sandbox) {
    for call in [
        libc::SYS_waitid,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigtimedwait,
        libc::SYS_getpid,
        libc::SYS_kill,
    ] {
        runs_as_ever(sandbox, call, false);
    }
}

/// F-10
fn seccomp_refusal_of_a_call_that_can_be_missed_changes_nothing(sandbox: &Sandbox) {
    for call in [
        libc::SYS_getppid,
        libc::SYS_prctl,
        libc::SYS_futex,
        libc::SYS_setpgid,
        libc::SYS_rt_sigpending,
        libc::SYS_close_range,
        libc::SYS_chdir,
        libc::SYS_clone3,
    ] {
        runs_as_ever(sandbox, call, true);
    }
}

/// F-10
fn seccomp_refusal_of_clone_execs_in_place(sandbox: &Sandbox) {
    runs_as_ever(sandbox, libc::SYS_clone, false);
}

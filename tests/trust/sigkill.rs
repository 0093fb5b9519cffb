//! SIGKILL of tm-run at every system call of a run: the command dies with it, and the log stays whole.

use std::fs;

use super::strace::{SyscallSite, syscall_sites, under_strace, wrapped_argv};
use super::{EARLIER, damaged_lines};
use crate::harness::{Case, RECORDED, Sandbox, WaitStatus, Way, cases, probe, send_signal, wait_until};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED, needs ["strace"]; sigkill_at_any_syscall_leaves_no_orphan_and_a_whole_log];
    all.extend(cases![&[Way::Bare], needs ["bash"]; orphan_left_behind_is_detected]);
    all
}

fn sigkill_at_any_syscall_leaves_no_orphan_and_a_whole_log(sandbox: &Sandbox) {
    fs::write(sandbox.log(), EARLIER).expect("a log");
    let ends = [probe(), "exit", "3"];
    let all = syscall_sites(sandbox, wrapped_argv(sandbox, &ends), |_| true);
    let waits = all.iter().position(|place| place.name == "waitid").expect("it waits");
    let (before, after) = all.split_at(waits + 1);
    let sleeps = SyscallSite { name: "rt_sigtimedwait".to_owned(), nth: 1 };
    // Up to where tm-run waits for its end, the command is one that does not end by itself.
    let before = before.iter().chain([&sleeps]);
    // How often tm-run waits for the start depends on timing.
    let before = before.filter(|place| place.name != "futex" || place.nth == 1);
    let before = before.map(|place| (place, &["sleep", "1000"][..]));
    // How often tm-run waits depends on timing, too.
    let after =
        after.iter().filter(|place| !["futex", "rt_sigtimedwait", "waitid"].contains(&place.name.as_str()));
    let after: Vec<_> = after.map(|place| (place, &ends[..])).collect();
    let write = after.iter().position(|(place, _)| place.name == "write").expect("it writes");
    let written: Vec<_> = after[write + 1..].iter().map(|(place, _)| *place).collect();
    for (place, command) in before.chain(after).filter(|(place, _)| place.name != "execve") {
        let sandbox = Sandbox::new(Way::Recorded);
        fs::write(sandbox.log(), EARLIER).expect("a log");
        let options = ["-e", &format!("trace={}", place.name), "-e", &place.inject("signal=KILL")];
        // This also checks that no process is left.
        let status = under_strace(&sandbox, &options, wrapped_argv(&sandbox, command)).wait_for_exit();
        assert_eq!(status, WaitStatus::Killed(9), "{place:?}");
        assert_eq!(sandbox.probe("exit 4").wait_for_exit(), WaitStatus::Exited(4));
        let log = sandbox.log_text();
        assert!(log.starts_with(EARLIER), "{place:?}: {log}");
        assert_eq!(damaged_lines(&log), [""; 0], "{place:?}");
        let is_written = written.iter().any(|other| std::ptr::eq(*other, place));
        assert_eq!(sandbox.exit_codes(), if is_written { &[0, 3, 4][..] } else { &[0, 4] }, "{place:?}");
    }
}

/// The check for left processes sees a child that outlives its parent.
fn orphan_left_behind_is_detected(sandbox: &Sandbox) {
    let job = sandbox.bash("sleep 1000 & wait").spawn();
    wait_until("both are there", || job.session_processes().len() == 2);
    send_signal(job.pid, 9);
    wait_until("its parent has gone", || {
        job.session_processes().iter().all(|process| process.pid != job.pid)
    });
    assert_eq!(job.session_processes().len(), 1);
}

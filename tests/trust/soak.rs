//! Many runs, and one run with many signals, leave nothing behind and do not grow.

use std::fs;

use super::damaged_lines;
use crate::harness::{Case, EVERY_WAY, RECORDED, Sandbox, WaitStatus, cases, send_signal, sigqueue};

pub fn cases() -> Vec<Case> {
    let mut all = cases![EVERY_WAY; many_runs_leave_no_process_and_lose_no_event];
    all.extend(cases![RECORDED; many_signals_and_stops_leak_no_fd_and_no_memory]);
    all
}

/// `TM_RUN_SOAK=20000` for a long one.
fn many_runs_leave_no_process_and_lose_no_event(sandbox: &Sandbox) {
    let runs: usize = std::env::var("TM_RUN_SOAK").ok().and_then(|runs| runs.parse().ok()).unwrap_or(300);
    // Prints now and then, for a test times out without output.
    let script = format!(
        "for ((i = 0; i < {runs}; i++)); do
            $W $P exit $((i % 256)); [ $? = $((i % 256)) ] || exit 9
            [ $((i % 500)) != 0 ] || echo $i
        done"
    );
    // This also waits until no process of the session is left.
    let output = sandbox.bash(&script).output();
    assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(0), ""));
    let codes: Vec<i64> = (0..runs).map(|run| (run % 256).try_into().expect("a code")).collect();
    sandbox.assert_logged(&codes);
    assert_eq!(damaged_lines(&sandbox.log_text()), [""; 0]);
}

/// The number of open descriptors of a process, and its data size in kilobytes.
fn fds_and_kilobytes(pid: i32) -> (usize, u64) {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").count();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let memory = status.lines().find_map(|line| line.strip_prefix("VmData:")?.trim().strip_suffix(" kB"));
    (descriptors, memory.and_then(|number| number.trim().parse().ok()).expect("a number"))
}

fn many_signals_and_stops_leak_no_fd_and_no_memory(sandbox: &Sandbox) {
    const USR1: i32 = 10;
    const CONT: i32 = 18;
    const STOP: i32 = 19;
    const TSTP: i32 = 20;
    let mut job = sandbox.probe("signals default=20").spawn();
    let command = job.stdout.read_ready_pid();
    let round = |job: &mut crate::harness::Job, stop: i32| {
        for _ in 0..20 {
            job.kill(USR1);
            job.stdout.read_until("signal 10");
        }
        if stop == STOP {
            send_signal(command, STOP);
        } else {
            job.kill_group(TSTP);
        }
        assert_eq!(job.wait(), WaitStatus::Stopped(stop));
        job.kill_group(CONT);
        assert_eq!(job.wait(), WaitStatus::Continued);
        job.stdout.read_until("signal 18");
    };
    round(&mut job, STOP);
    round(&mut job, TSTP);
    let before = fds_and_kilobytes(job.pid);
    let session_processes = job.session_processes().len();
    for _ in 0..100 {
        round(&mut job, STOP);
        round(&mut job, TSTP);
    }
    assert_eq!(fds_and_kilobytes(job.pid), before, "descriptors, and kilobytes of memory");
    assert_eq!(job.session_processes().len(), session_processes);
    sigqueue(command, 63, 0);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(0));
    job.assert_no_process_left();
    sandbox.assert_logged(&[0]);
}

//! Inherited descriptors: files, pipes, locks, and how long they are held.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::AsFd;
use std::process::Stdio;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::process_state::assert_same_state_as_bare;
use crate::harness::{
    Case, EVERY_WAY, Sandbox, Stream, WaitStatus, cases, is_alive, probe, sigqueue, wait_until,
};

pub fn cases() -> Vec<Case> {
    let mut all = cases![EVERY_WAY;
        stdin_and_stdout_pipes_pass_four_mebibytes_unchanged,
        fd_table_is_identical,
        closed_stdin_stdout_and_stderr_stay_closed,
        stdin_is_not_read_by_the_wrapper,
        background_grandchild_holding_stdout_does_not_delay_the_exit,
        daemon_survives_and_gets_no_signal,
        background_grandchild_survives_and_gets_no_signal,
        reader_sees_eof_when_the_command_closes_stdout,
        writer_sees_a_broken_pipe_when_the_command_closes_stdin,
        fcntl_lock_is_held_while_the_command_runs,
        output_to_a_shared_file_stays_in_order,
    ];
    all.extend(cases![EVERY_WAY, needs ["flock"]; flock_on_an_inherited_fd_is_released_with_the_command]);
    all
}

/// FD01
fn stdin_and_stdout_pipes_pass_four_mebibytes_unchanged(sandbox: &Sandbox) {
    let bytes: Vec<u8> =
        (0..1 << 20).flat_map(|at: u32| at.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    let mut job = sandbox.command(["cat"]).stdin(Stdio::piped()).spawn();
    let mut input = job.stdin.take().expect("an input");
    let copy = bytes.clone();
    let writer = std::thread::spawn(move || input.write_all(&copy).expect("it takes all"));
    assert!(job.stdout.read_to_end() == bytes, "what comes out is what went in");
    writer.join().expect("the writer");
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(0));
}

/// FD02
fn fd_table_is_identical(sandbox: &Sandbox) {
    fs::write(sandbox.path("in"), "0123456789").expect("a file");
    let read = format!("5:{}", sandbox.path("in").display());
    let write = |fd| format!("{fd}:{}", sandbox.path("out").display());
    assert_same_state_as_bare(sandbox, |start| {
        start
            .launch_option("--read", &read)
            .launch_option("--write", write(7))
            .launch_option("--dup", "7:9")
            .launch_option("--broken-pipe", "12")
            .launch_option("--dup", "5:63")
    });
}

/// FD03, FD04, FD05, OF03
fn closed_stdin_stdout_and_stderr_stay_closed(sandbox: &Sandbox) {
    for closed in [&["0"][..], &["1"], &["2"], &["0", "1"], &["1", "2"], &["0", "1", "2"]] {
        assert_same_state_as_bare(sandbox, |start| {
            closed.iter().fold(start, |start, fd| start.launch_option("--close", fd))
        });
    }
}

/// FD07
fn stdin_is_not_read_by_the_wrapper(sandbox: &Sandbox) {
    let mut job = sandbox.bash("$W $P exit 0; cat").stdin(Stdio::piped()).spawn();
    job.write("line 1\nline 2\n");
    job.stdin = None;
    assert_eq!(job.stdout.read_to_string(), "line 1\nline 2\n");
}

/// FD08
fn background_grandchild_holding_stdout_does_not_delay_the_exit(sandbox: &Sandbox) {
    let mut job = sandbox.command(["bash", "-c", "$P pause & exit 3"]).spawn();
    let grandchild = job.stdout.read_ready_pid();
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(3));
    assert!(is_alive(grandchild), "the grandchild");
    sandbox.assert_logged(&[3]);
}

/// Ends a process that is not in the job's session, which the job would not clean up.
struct Daemon(i32);

impl Drop for Daemon {
    fn drop(&mut self) {
        sigqueue(self.0, 63, 0);
    }
}

#[track_caller]
fn assert_survives(sandbox: &Sandbox, kind: &str) {
    let fifo = sandbox.path("told");
    mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
    let mut told =
        Stream::new(OpenOptions::new().read(true).write(true).open(&fifo).expect("the FIFO opens"));
    let mut job = sandbox.command([probe(), kind, &fifo.display().to_string()]).spawn();
    let daemon = Daemon(told.read_ready_pid());
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(5));
    assert_eq!(told.signals_until_quiet(daemon.0), Vec::<String>::new());
    assert!(is_alive(daemon.0), "the daemon");
    sandbox.assert_logged(&[5]);
}

/// FD09
fn daemon_survives_and_gets_no_signal(sandbox: &Sandbox) {
    assert_survives(sandbox, "daemon");
}

/// FD10
fn background_grandchild_survives_and_gets_no_signal(sandbox: &Sandbox) {
    assert_survives(sandbox, "daemon-same-session");
}

/// FD11
fn reader_sees_eof_when_the_command_closes_stdout(sandbox: &Sandbox) {
    let mut job = sandbox.probe("close 1").spawn();
    let command = job.stderr.read_ready_pid();
    assert_eq!(job.stdout.read_to_string(), "");
    assert!(is_alive(command), "the command goes on");
    sigqueue(command, 63, 6);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(6));
}

/// FD12
fn writer_sees_a_broken_pipe_when_the_command_closes_stdin(sandbox: &Sandbox) {
    let mut job = sandbox.probe("close 0").stdin(Stdio::piped()).spawn();
    let command = job.stderr.read_ready_pid();
    let input: &File = job.stdin.as_ref().expect("an input");
    let mut broken = [PollFd::new(input.as_fd(), PollFlags::empty())];
    assert_eq!(poll(&mut broken, PollTimeout::from(60_000u16)).expect("poll"), 1, "the pipe breaks");
    assert!(is_alive(command), "the command goes on");
    sigqueue(command, 63, 6);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(6));
}

/// FD13
fn fcntl_lock_is_held_while_the_command_runs(sandbox: &Sandbox) {
    let file = sandbox.path("file").display().to_string();
    let look = || sandbox.unwrapped([probe(), "locked", &file]).output().text();
    let start =
        sandbox.probe("pause").launch_option("--write", format!("9:{file}")).launch_option("--lock", "9");
    let mut job = start.spawn();
    let command = job.stdout.read_ready_pid();
    assert_eq!(look(), "locked\n");
    assert!(is_alive(command));
    job.kill(15);
    assert_eq!(job.wait_for_exit(), WaitStatus::Killed(15));
    job.assert_no_process_left();
    assert_eq!(look(), "free\n");
}

/// FD14
fn output_to_a_shared_file_stays_in_order(sandbox: &Sandbox) {
    let script = "{ echo a; $W echo b; echo c; } > ../file; { echo d; $W echo e; echo f; } >> ../file";
    assert_eq!(sandbox.bash(script).wait_for_exit(), WaitStatus::Exited(0));
    assert_eq!(fs::read_to_string(sandbox.path("file")).expect("the file"), "a\nb\nc\nd\ne\nf\n");
}

/// FD16
fn flock_on_an_inherited_fd_is_released_with_the_command(sandbox: &Sandbox) {
    let mut job = sandbox.bash("exec 9> ../lock; flock 9; exec $W $P pause").spawn();
    let command = job.stdout.read_ready_pid();
    let free = || sandbox.bash("flock --nonblock ../lock true").wait_for_exit() == WaitStatus::Exited(0);
    assert!(!free(), "locked while the command runs");
    assert!(is_alive(command));
    job.kill(15);
    assert_eq!(job.wait_for_exit(), WaitStatus::Killed(15));
    wait_until("the lock is free", free);
}

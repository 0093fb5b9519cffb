//! Files, pipes, and who holds them.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::AsFd;
use std::process::Stdio;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::state::differs_from_bare;
use crate::ledger::{Case, cases};
use crate::stage::{EVERY_WAY, Stage, Stream, Told, is_alive, probe, queue, until};

pub fn cases() -> Vec<Case> {
    let mut all = cases![EVERY_WAY;
        four_megabytes_pass_through,
        the_table_of_descriptors_is_identical,
        a_closed_standard_descriptor_is_closed_in_the_command,
        nothing_is_read_from_the_input,
        a_grandchild_that_holds_the_output_does_not_delay_the_end,
        a_daemon_survives_unsignalled,
        a_grandchild_in_the_same_session_survives_unsignalled,
        the_reader_sees_the_end_when_the_command_closes_its_output,
        the_writer_notices_when_the_command_closes_its_input,
        a_lock_is_held_as_long_as_the_command_runs,
        output_on_a_shared_file_stays_in_order,
    ];
    all.extend(cases![EVERY_WAY, needs ["flock"]; a_lock_of_an_inherited_file_is_released_with_the_command]);
    all
}

/// FD01
fn four_megabytes_pass_through(stage: &Stage) {
    let bytes: Vec<u8> =
        (0..1 << 20).flat_map(|at: u32| at.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    let mut job = stage.command(["cat"]).input(Stdio::piped()).start();
    let mut input = job.input.take().expect("an input");
    let copy = bytes.clone();
    let writer = std::thread::spawn(move || input.write_all(&copy).expect("it takes all"));
    assert!(job.out.rest() == bytes, "what comes out is what went in");
    writer.join().expect("the writer");
    assert_eq!(job.end(), Told::Exited(0));
}

/// FD02
fn the_table_of_descriptors_is_identical(stage: &Stage) {
    fs::write(stage.path("in"), "0123456789").expect("a file");
    let read = format!("5:{}", stage.path("in").display());
    let write = |fd| format!("{fd}:{}", stage.path("out").display());
    differs_from_bare(stage, |start| {
        start
            .option("--read", &read)
            .option("--write", write(7))
            .option("--dup", "7:9")
            .option("--broken-pipe", "12")
            .option("--dup", "5:63")
    });
}

/// FD03, FD04, FD05, OF03
fn a_closed_standard_descriptor_is_closed_in_the_command(stage: &Stage) {
    for closed in [&["0"][..], &["1"], &["2"], &["0", "1"], &["1", "2"], &["0", "1", "2"]] {
        differs_from_bare(stage, |start| closed.iter().fold(start, |start, fd| start.option("--close", fd)));
    }
}

/// FD07
fn nothing_is_read_from_the_input(stage: &Stage) {
    let mut job = stage.bash("$W $P exit 0; cat").input(Stdio::piped()).start();
    job.write("line 1\nline 2\n");
    job.input = None;
    assert_eq!(job.out.rest_text(), "line 1\nline 2\n");
}

/// FD08
fn a_grandchild_that_holds_the_output_does_not_delay_the_end(stage: &Stage) {
    let mut job = stage.command(["bash", "-c", "$P pause & exit 3"]).start();
    let grandchild = job.out.ready();
    assert_eq!(job.end(), Told::Exited(3));
    assert!(is_alive(grandchild), "the grandchild");
    stage.logged(&[3]);
}

/// Ends what has left the session that the job cleans up.
struct Daemon(i32);

impl Drop for Daemon {
    fn drop(&mut self) {
        queue(self.0, 63, 0);
    }
}

#[track_caller]
fn survives(stage: &Stage, kind: &str) {
    let fifo = stage.path("told");
    mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
    let mut told =
        Stream::new(OpenOptions::new().read(true).write(true).open(&fifo).expect("the FIFO opens"));
    let mut job = stage.command([probe(), kind, &fifo.display().to_string()]).start();
    let daemon = Daemon(told.ready());
    assert_eq!(job.end(), Told::Exited(5));
    assert_eq!(told.signals_until_quiet(daemon.0), Vec::<String>::new());
    assert!(is_alive(daemon.0), "the daemon");
    stage.logged(&[5]);
}

/// FD09
fn a_daemon_survives_unsignalled(stage: &Stage) {
    survives(stage, "daemon");
}

/// FD10
fn a_grandchild_in_the_same_session_survives_unsignalled(stage: &Stage) {
    survives(stage, "daemon-same-session");
}

/// FD11
fn the_reader_sees_the_end_when_the_command_closes_its_output(stage: &Stage) {
    let mut job = stage.probe("close 1").start();
    let command = job.err.ready();
    assert_eq!(job.out.rest_text(), "");
    assert!(is_alive(command), "the command goes on");
    queue(command, 63, 6);
    assert_eq!(job.end(), Told::Exited(6));
}

/// FD12
fn the_writer_notices_when_the_command_closes_its_input(stage: &Stage) {
    let mut job = stage.probe("close 0").input(Stdio::piped()).start();
    let command = job.err.ready();
    let input: &File = job.input.as_ref().expect("an input");
    let mut broken = [PollFd::new(input.as_fd(), PollFlags::empty())];
    assert_eq!(poll(&mut broken, PollTimeout::from(60_000u16)).expect("poll"), 1, "the pipe breaks");
    assert!(is_alive(command), "the command goes on");
    queue(command, 63, 6);
    assert_eq!(job.end(), Told::Exited(6));
}

/// FD13
fn a_lock_is_held_as_long_as_the_command_runs(stage: &Stage) {
    let file = stage.path("file").display().to_string();
    let look = || stage.plain([probe(), "locked", &file]).finish().text();
    let start = stage.probe("pause").option("--write", format!("9:{file}")).option("--lock", "9");
    let mut job = start.start();
    let command = job.out.ready();
    assert_eq!(look(), "locked\n");
    assert!(is_alive(command));
    job.send(15);
    assert_eq!(job.end(), Told::Killed(15));
    job.leaves_nothing();
    assert_eq!(look(), "free\n");
}

/// FD14
fn output_on_a_shared_file_stays_in_order(stage: &Stage) {
    let script = "{ echo a; $W echo b; echo c; } > ../file; { echo d; $W echo e; echo f; } >> ../file";
    assert_eq!(stage.bash(script).end(), Told::Exited(0));
    assert_eq!(fs::read_to_string(stage.path("file")).expect("the file"), "a\nb\nc\nd\ne\nf\n");
}

/// FD16
fn a_lock_of_an_inherited_file_is_released_with_the_command(stage: &Stage) {
    let mut job = stage.bash("exec 9> ../lock; flock 9; exec $W $P pause").start();
    let command = job.out.ready();
    let free = || stage.bash("flock --nonblock ../lock true").end() == Told::Exited(0);
    assert!(!free(), "locked while the command runs");
    assert!(is_alive(command));
    job.send(15);
    assert_eq!(job.end(), Told::Killed(15));
    until("the lock is free", free);
}

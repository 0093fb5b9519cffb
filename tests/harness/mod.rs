//! What all tests share: a sandbox to run a command in, and the list of cases.
//!
//! Nothing here waits for a clock: a test waits for a line, a closed pipe, an exit, or a state in `/proc`.
//! [`TIMEOUT`] is only there so that a command that hangs fails its test instead of stopping all of them.

mod case;
mod job;
mod process;
mod sandbox;
mod stream;
mod terminal;

use std::time::{Duration, Instant};

use nix::poll::{PollTimeout, poll};

pub use case::{
    CORPUS, Case, DUCKDB, DYNAMIC, MOUNT_NAMESPACE, PID_NAMESPACE, POLARS, ROOT, TYPER, python_with, remedy,
};
pub(crate) use case::{cases, once};
pub use job::{Job, Launch, Output, WaitStatus};
pub use process::{
    Process, is_alive, kill_group_and_leader, send_signal, sigqueue, sigqueue_and_kill_group,
    wait_until_stopped,
};
pub use sandbox::{
    ALL_BUT_OFF, EVERY_WAY, Event, OFF, RECORDED, Sandbox, TM_RUN, Way, find_on_path, install, probe,
};
pub use stream::Stream;
pub use terminal::PROMPT;

const TIMEOUT: Duration = Duration::from_mins(1);

/// Yields the processor while polling a state that nobody announces.
fn pause_briefly() {
    let _ = poll(&mut [], PollTimeout::from(2u8));
}

/// Polls until the condition holds.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < TIMEOUT, "waited in vain: {what}");
        pause_briefly();
    }
}

/// What `clear --before` says, without the moment, which is in the zone of the machine.
pub fn without_moment(text: &str) -> String {
    match text.split_once(" before ").and_then(|(start, rest)| Some((start, rest.split_once(')')?.1))) {
        Some((start, end)) => format!("{start}{end}"),
        None => text.to_owned(),
    }
}

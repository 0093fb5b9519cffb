//! Processes: what `/proc` says of them, and signals to them.

use std::fs;
use std::process::Command;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use super::{probe, wait_until};

/// What /proc/PID/stat says.
#[derive(Debug)]
pub struct Process {
    pub pid: i32,
    pub state: char,
    pub parent: i32,
    pub session: i32,
}

impl Process {
    pub fn of(pid: i32) -> Option<Self> {
        let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
        let text = String::from_utf8_lossy(&text);
        // The name may hold anything, brackets too.
        let mut fields = text.get(text.rfind(')')? + 2..)?.split(' ');
        let state = fields.next()?.chars().next()?;
        let mut number = || fields.next()?.parse().ok();
        let (parent, _group, session) = (number()?, number()?, number()?);
        Some(Self { pid, state, parent, session })
    }

    pub fn all() -> impl Iterator<Item = Self> {
        let entries = fs::read_dir("/proc").expect("/proc");
        entries.filter_map(|entry| Self::of(entry.ok()?.file_name().to_str()?.parse().ok()?))
    }

    pub fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

pub fn is_alive(pid: i32) -> bool {
    Process::of(pid).is_some_and(|process| process.is_alive())
}

#[track_caller]
pub fn wait_until_stopped(pid: i32) {
    wait_until("the process stops", || Process::of(pid).is_some_and(|process| process.state == 'T'));
}

#[track_caller]
fn helper(words: &[&str]) {
    let status = Command::new(probe()).args(words).status().expect("the probe starts");
    assert!(status.success(), "{words:?}");
}

/// kill(2); a negative number is a group.
#[track_caller]
pub fn send_signal(to: i32, signal: i32) {
    match Signal::try_from(signal) {
        Ok(signal) => signal::kill(Pid::from_raw(to), signal).expect("somebody to send a signal to"),
        Err(_) => helper(&["kill", &to.to_string(), &signal.to_string()]),
    }
}

/// kill(2) by two processes at about the same moment: to a group, and so many turns of a loop later to its leader.
#[track_caller]
pub fn kill_group_and_leader(to: i32, signal: i32, turns: i32) {
    let words = [to, signal, turns].map(|number| number.to_string());
    helper(&["kill-beside", &words[0], &words[1], &words[2]]);
}

/// sigqueue(3) to a process, and so many turns of a loop later kill(2) to its group, by one sender.
#[track_caller]
pub fn sigqueue_and_kill_group(to: i32, signal: i32, value: i32, turns: i32) {
    let words = [to, signal, value, turns].map(|number| number.to_string());
    helper(&["queue-and-kill", &words[0], &words[1], &words[2], &words[3]]);
}

/// sigqueue(3).
#[track_caller]
pub fn sigqueue(to: i32, signal: i32, value: i32) {
    helper(&["queue", &to.to_string(), &signal.to_string(), &value.to_string()]);
}

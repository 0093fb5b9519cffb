//! What comes out of a pipe, a FIFO, or a terminal, read as far as a test waits for it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{TIMEOUT, sigqueue};

/// What comes out of a pipe, a FIFO, or a terminal.
pub struct Stream {
    from: File,
    seen: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl Stream {
    pub fn new(from: impl Into<OwnedFd>) -> Self {
        Self { from: File::from(from.into()), seen: Vec::new(), taken: 0, ended: false }
    }

    /// Waits for more bytes; false at the end.
    #[track_caller]
    fn more(&mut self, awaited: &str) -> bool {
        if self.ended {
            return false;
        }
        let mut ready = [PollFd::new(self.from.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(TIMEOUT).expect("a timeout");
        let count = poll(&mut ready, timeout).expect("poll");
        assert!(count > 0, "waited in vain for {awaited}; seen so far: {}", self.text());
        let mut bytes = [0; 16384];
        match self.from.read(&mut bytes) {
            Ok(0) => self.ended = true,
            Ok(length) => self.seen.extend_from_slice(&bytes[..length]),
            // A terminal that nobody has open any more.
            Err(error) if error.raw_os_error() == Some(nix::libc::EIO) => self.ended = true,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => panic!("reading: {error}"),
        }
        !self.ended
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Everything up to and including this text.
    #[track_caller]
    pub fn read_until(&mut self, text: &str) -> String {
        loop {
            let rest = &self.seen[self.taken..];
            if let Some(at) = rest.windows(text.len()).position(|window| window == text.as_bytes()) {
                let found = String::from_utf8_lossy(&rest[..at + text.len()]).into_owned();
                self.taken += at + text.len();
                return found;
            }
            let more = self.more(text);
            assert!(more, "ended before {text:?}; seen: {}", self.text());
        }
    }

    /// The next line, without its line end.
    #[track_caller]
    pub fn read_line(&mut self) -> String {
        let line = self.read_until("\n");
        line.trim_end_matches(['\r', '\n']).to_owned()
    }

    /// Everything to the end.
    #[track_caller]
    pub fn read_to_end(&mut self) -> Vec<u8> {
        while self.more("the end") {}
        self.seen.split_off(self.taken)
    }

    #[track_caller]
    pub fn read_to_string(&mut self) -> String {
        String::from_utf8_lossy(&self.read_to_end()).into_owned()
    }

    /// Waits for the probe's line `ready PID`.
    #[track_caller]
    pub fn read_ready_pid(&mut self) -> i32 {
        let text = self.read_until("ready ");
        let number = self.read_line();
        number.parse().unwrap_or_else(|_| panic!("a process id: {text}{number}"))
    }

    /// The signals that the probe gets before one of the lowest priority, which is sent now, the same way: then
    /// nothing that was sent earlier can still be under way.
    #[track_caller]
    pub fn signals_until_quiet(&mut self, launched: i32) -> Vec<String> {
        sigqueue(launched, 64, 4711);
        let text = self.read_until("signal 64 value 4711");
        self.read_line();
        // On a terminal the shell may have written in between.
        let signals =
            text.split('\n').filter_map(|line| Some(line[line.find("signal ")?..].trim_end().to_owned()));
        signals.filter(|line| line != "signal 64 value 4711").collect()
    }
}

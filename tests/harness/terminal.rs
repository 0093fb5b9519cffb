//! A terminal, and an interactive shell on it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;

use nix::fcntl::OFlag;
use nix::pty;
use nix::unistd::tcgetpgrp;

use super::{Job, Sandbox, Stream};

/// The master side of a pseudoterminal: keyboard and screen.
pub struct Terminal {
    pub screen: Stream,
    keys: File,
    pub(super) path: String,
    /// The slave side, open so that the screen does not end when nobody else has it open.
    _held: File,
}

impl Terminal {
    pub(super) fn new() -> Self {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = pty::posix_openpt(flags).expect("a terminal: is /dev/pts mounted?");
        pty::grantpt(&master).expect("grantpt");
        pty::unlockpt(&master).expect("unlockpt");
        let path = pty::ptsname_r(&master).expect("its name");
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits());
        let held = options.open(&path).expect("its other side");
        let screen = File::from(OwnedFd::from(master));
        let keys = screen.try_clone().expect("a second descriptor");
        let terminal = Self { screen: Stream::new(screen), keys, path, _held: held };
        // Without echo, so that the screen shows only what programs write.
        // A key that sends a signal also flushes the terminal, and the kernel does that after it has sent the
        // signal: a prompt that is printed very soon would be lost with it.
        terminal.stty(&["rows", "24", "cols", "80", "-echo", "noflsh"]);
        terminal
    }

    pub fn stty(&self, words: &[&str]) {
        let status = Command::new("stty").arg("-F").arg(&self.path).args(words).status();
        assert!(status.expect("stty starts").success());
    }

    /// `stty -a`.
    pub fn settings(&self) -> String {
        let output = Command::new("stty").arg("-F").arg(&self.path).arg("-a").output().expect("stty starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn type_text(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).expect("the terminal takes it");
    }

    pub fn type_line(&mut self, text: &str) {
        self.type_text(&format!("{text}\n"));
    }

    /// The process group in the foreground.
    pub fn foreground_group(&self) -> i32 {
        tcgetpgrp(&self.keys).expect("a terminal").as_raw()
    }

    /// A key with Ctrl.
    pub fn ctrl(&mut self, key: char) {
        self.type_text(&char::from(key as u8 & 0x1f).to_string());
    }

    /// What the screen shows up to the next prompt.
    #[track_caller]
    pub fn wait_for_prompt(&mut self) -> String {
        self.screen.read_until(PROMPT)
    }
}

pub const PROMPT: &str = "<prompt>";

impl Sandbox {
    /// An interactive bash that leads the session of a terminal, waiting for a line.
    #[track_caller]
    pub fn shell(&self) -> Job {
        let words = ["bash", "--norc", "--noprofile", "--noediting", "-i"];
        let start = self.unwrapped(words).env("PS1", PROMPT).env("HISTFILE", "");
        let mut job = start.launch_option("--leads-session", "yes").on_terminal().spawn();
        job.terminal().wait_for_prompt();
        job
    }
}

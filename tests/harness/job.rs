//! A command that is started in an exactly known state, and what becomes of it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{self, Signal};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

use super::sandbox::launcher;
use super::terminal::Terminal;
use super::{Process, Sandbox, Stream, TIMEOUT, Way, pause_briefly, probe, send_signal};

/// What waitid(2) tells the parent.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum WaitStatus {
    Stopped(i32),
    Continued,
    Exited(i32),
    Killed(i32),
}

impl WaitStatus {
    /// `$?` in a shell.
    pub fn shell_code(self) -> i64 {
        match self {
            Self::Exited(code) => i64::from(code),
            Self::Killed(signal) | Self::Stopped(signal) => 128 + i64::from(signal),
            Self::Continued => panic!("not an end"),
        }
    }
}

pub struct Launch<'s> {
    pub(super) sandbox: &'s Sandbox,
    pub(super) argv: Vec<OsString>,
    pub(super) options: Vec<OsString>,
    pub(super) env: Vec<(OsString, Option<OsString>)>,
    pub(super) stdin: Stdio,
    pub(super) terminal: bool,
}

impl Launch<'_> {
    /// An option of launch.c.
    pub fn launch_option(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.options.extend([name.into(), value.as_ref().into()]);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), Some(value.as_ref().into())));
        self
    }

    pub fn env_remove(mut self, name: &str) -> Self {
        self.env.push((name.into(), None));
        self
    }

    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.stdin = stdin.into();
        self
    }

    pub fn on_terminal(mut self) -> Self {
        self.terminal = true;
        self
    }

    #[track_caller]
    pub fn spawn(self) -> Job {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let report = self.sandbox.path(&format!("report-{count}"));
        mkfifo(&report, Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
        let nonblock = OFlag::O_NONBLOCK.bits();
        let reports =
            OpenOptions::new().read(true).custom_flags(nonblock).open(&report).expect("the FIFO opens");

        let terminal = self.terminal.then(Terminal::new);
        let mut command = Command::new(launcher());
        command.arg(&report);
        if let Some(terminal) = &terminal {
            command.arg("--tty").arg(&terminal.path);
        }
        command.args(&self.options).arg("--").args(&self.argv);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.sandbox.home())
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm")
            .env("W", self.sandbox.prefix_text())
            .env("P", probe());
        if self.sandbox.way == Way::Forked {
            // tm-run forks if LD_PRELOAD is set, for what is loaded by it may not support shared memory. Empty, it
            // loads nothing.
            command.env("LD_PRELOAD", "");
        }
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.current_dir(self.sandbox.home());
        command.stdin(self.stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut launcher = command.spawn().expect("the launcher starts");
        drop(command);
        let stdout = Stream::new(launcher.stdout.take().expect("its output"));
        let stderr = Stream::new(launcher.stderr.take().expect("its errors"));
        let stdin = launcher.stdin.take().map(|stdin| File::from(OwnedFd::from(stdin)));
        let mut job = Job {
            pid: 0,
            stdout,
            stderr,
            stdin,
            terminal,
            has_dumped_core: false,
            reports: Reports(reports, String::new()),
            launcher,
        };
        let first = job.reports.read_line();
        job.pid = first
            .strip_prefix("pid ")
            .and_then(|pid| pid.parse().ok())
            .unwrap_or_else(|| panic!("launch said {first:?} {}", job.stderr.read_to_string()));
        fs::remove_file(report).expect("the FIFO goes");
        job
    }

    /// Runs it to its end: its status, and what it wrote.
    #[track_caller]
    pub fn output(self) -> Output {
        let mut job = self.spawn();
        let stdout = job.stdout.read_to_end();
        let stderr = job.stderr.read_to_string();
        let status = job.wait_for_exit();
        job.assert_no_process_left();
        Output { status, stdout, stderr }
    }

    #[track_caller]
    pub fn wait_for_exit(self) -> WaitStatus {
        self.output().status
    }

    /// What `clear --before` says beside the moment.
    #[track_caller]
    pub fn expect_cleared(self, expected: &str) {
        let output = self.output();
        assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(0), ""));
        assert_eq!(super::without_moment(&output.text()), expected);
    }

    #[track_caller]
    pub fn expect_output(self, code: i32, stdout: &str, stderr: &str) {
        let output = self.output();
        assert_eq!(
            (output.text().as_str(), output.stderr.as_str(), output.status),
            (stdout, stderr, WaitStatus::Exited(code))
        );
    }

    /// What it writes to stdout. It succeeds, and writes nothing to stderr.
    #[track_caller]
    pub fn expect_stdout(self) -> String {
        let output = self.output();
        assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(0), ""), "{}", output.text());
        output.text()
    }

    /// Its error message: one line of tm-run's on stderr.
    #[track_caller]
    pub fn expect_error(self, code: i32, stdout: &str) -> String {
        let output = self.output();
        let found = (output.status, output.text());
        let stderr = output.stderr;
        assert_eq!(found, (WaitStatus::Exited(code), stdout.to_owned()), "{stderr}");
        assert!(stderr.starts_with("tm-run: ") && stderr.ends_with('\n'), "{stderr:?}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        stderr
    }
}

pub struct Output {
    pub status: WaitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Output {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

struct Reports(File, String);

impl Reports {
    #[track_caller]
    fn read_line(&mut self) -> String {
        loop {
            if let Some((line, rest)) = self.1.split_once('\n') {
                let line = line.to_owned();
                self.1 = rest.to_owned();
                return line;
            }
            let mut ready = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            let timeout = PollTimeout::try_from(TIMEOUT).expect("a timeout");
            assert!(poll(&mut ready, timeout).expect("poll") > 0, "nothing becomes of the command");
            let mut bytes = [0; 4096];
            match self.0.read(&mut bytes) {
                // The launcher has not opened its end yet, or has ended.
                Ok(0) => pause_briefly(),
                Ok(length) => self.1.push_str(&String::from_utf8_lossy(&bytes[..length])),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("reading a report: {error}"),
            }
        }
    }
}

/// A started command, and the launcher that is its parent.
pub struct Job {
    /// The process that was started: the command's own, or the wrapper's.
    pub pid: i32,
    pub stdout: Stream,
    pub stderr: Stream,
    pub stdin: Option<File>,
    pub terminal: Option<Terminal>,
    /// Whether the end that was waited for came with a core (wait(2), `WCOREDUMP`).
    pub has_dumped_core: bool,
    reports: Reports,
    launcher: Child,
}

impl Job {
    /// Waits for the next change of state that the parent sees.
    #[track_caller]
    pub fn wait(&mut self) -> WaitStatus {
        self.wait_with_cpu_time().0
    }

    /// The same; an exit comes with its user CPU time in milliseconds.
    #[track_caller]
    pub fn wait_with_cpu_time(&mut self) -> (WaitStatus, u64) {
        let line = self.reports.read_line();
        let mut words = line.split(' ');
        let kind = words.next().unwrap_or_default().to_owned();
        self.has_dumped_core = kind == "dumped";
        let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let status = match kind.as_str() {
            "stopped" => WaitStatus::Stopped(number()),
            "continued" => WaitStatus::Continued,
            "exited" => WaitStatus::Exited(number()),
            "killed" | "dumped" => WaitStatus::Killed(number()),
            _ => panic!("launch said {line:?}"),
        };
        (status, number().try_into().unwrap_or(0))
    }

    #[track_caller]
    pub fn wait_for_exit(&mut self) -> WaitStatus {
        loop {
            match self.wait() {
                end @ (WaitStatus::Exited(_) | WaitStatus::Killed(_)) => return end,
                WaitStatus::Stopped(_) | WaitStatus::Continued => {}
            }
        }
    }

    #[track_caller]
    pub fn terminal(&mut self) -> &mut Terminal {
        self.terminal.as_mut().expect("a terminal")
    }

    /// Waits until the terminal shows this.
    #[track_caller]
    pub fn wait_for_text(&mut self, text: &str) {
        self.terminal().screen.read_until(text);
    }

    #[track_caller]
    pub fn kill(&self, signal: i32) {
        send_signal(self.pid, signal);
    }

    #[track_caller]
    pub fn kill_group(&self, signal: i32) {
        send_signal(-self.pid, signal);
    }

    #[track_caller]
    pub fn write(&mut self, text: &str) {
        self.stdin.as_mut().expect("a stdin").write_all(text.as_bytes()).expect("it takes it");
    }

    pub fn launcher_pid(&self) -> i32 {
        self.launcher.id().cast_signed()
    }

    /// The living processes in the sessions of the command and its launcher.
    pub fn session_processes(&self) -> Vec<Process> {
        let (host, own) = (self.launcher_pid(), self.pid);
        Process::all()
            .filter(|process| process.pid != host && process.is_alive())
            .filter(|process| process.session == host || (own != 0 && process.session == own))
            .collect()
    }

    /// Waits until no process of it is left. The wrapper may be gone a moment before its helper.
    #[track_caller]
    pub fn assert_no_process_left(&self) {
        let start = Instant::now();
        loop {
            let left = self.session_processes();
            if left.is_empty() {
                return;
            }
            assert!(start.elapsed() < TIMEOUT, "left behind: {left:?}");
            pause_briefly();
        }
    }

    /// Kills the launcher, the command's parent.
    pub fn kill_launcher(&mut self) {
        let _ = self.launcher.kill();
        let _ = self.launcher.wait();
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // A process that forks meanwhile needs another round.
        for _ in 0..10 {
            let processes = self.session_processes();
            if processes.is_empty() {
                break;
            }
            for process in processes {
                // It may have ended meanwhile.
                let _ = signal::kill(Pid::from_raw(process.pid), Signal::SIGKILL);
            }
        }
        self.kill_launcher();
    }
}

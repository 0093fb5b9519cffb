//! Where a test plays: a home directory of its own, a clean environment, a command in an exactly known
//! state, and what becomes of it. Nothing here waits for a clock; [`PATIENCE`] is only there so that a
//! hanging command fails its test instead of stopping all of them.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_mins(1);

/// How a case starts its command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// No tm-run: what is to be expected.
    Bare,
    /// Under tm-run, which records.
    Recorded,
    /// Under tm-run with recording off: exec in place.
    Off,
}

pub const EVERY_WAY: &[Way] = &[Way::Bare, Way::Recorded, Way::Off];
/// For what exec in place trivially does as the bare command, and takes long.
pub const BARE_AND_RECORDED: &[Way] = &[Way::Bare, Way::Recorded];
pub const RECORDED: &[Way] = &[Way::Recorded];
pub const OFF: &[Way] = &[Way::Off];

impl Way {
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Recorded => "recorded",
            Self::Off => "off",
        }
    }
}

pub fn find_on_path(tool: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(tool)).find(|path| path.is_file())
}

fn compiled(name: &'static str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name).with_extension("c");
    // Under another name first: other test runs may be using the one that is there.
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let fresh = program.with_extension(std::process::id().to_string());
    let status = Command::new("cc").args(["-O1", "-Wall", "-Wextra", "-o"]).arg(&fresh).arg(&source).status();
    assert!(status.expect("cc starts").success(), "{} compiles", source.display());
    fs::rename(&fresh, &program).expect("the program can be renamed");
    program
}

pub fn probe() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        compiled("probe").into_os_string().into_string().expect("a target directory in UTF-8")
    })
}

fn launcher() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| compiled("launch"))
}

pub const TM_RUN: &str = env!("CARGO_BIN_EXE_tm-run");

/// Lets the others run, for a state that can only be looked at again and again.
fn breathe() {
    let _ = poll(&mut [], PollTimeout::from(2u8));
}

/// Looks until it is so.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        breathe();
    }
}

pub struct Stage {
    pub way: Way,
    dir: TempDir,
    target: String,
    domain: Option<String>,
}

/// One line of the log.
#[derive(Debug, PartialEq, Clone)]
pub struct Logged {
    pub target: String,
    pub domain: Option<String>,
    pub seconds: f64,
    pub exit_code: i64,
}

impl Stage {
    pub fn new(way: Way) -> Self {
        let dir = TempDir::with_prefix("tm-run-").expect("a temporary directory");
        let stage = Self { way, dir, target: "work".to_owned(), domain: None };
        fs::create_dir(stage.home()).expect("a home");
        if way == Way::Recorded {
            stage.turn_on();
        }
        stage
    }

    pub fn turn_on(&self) {
        for dir in [self.home().join(".anklume"), self.telemetry()] {
            fs::create_dir(&dir).expect("a directory for telemetry");
            fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).expect("its mode");
        }
        File::create(self.marker()).expect("the marker");
    }

    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// A file that is not in the home directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
        path
    }

    pub fn telemetry(&self) -> PathBuf {
        self.home().join(".anklume/telemetry")
    }

    pub fn marker(&self) -> PathBuf {
        self.telemetry().join("enabled")
    }

    pub fn log(&self) -> PathBuf {
        self.telemetry().join("usage.jsonl")
    }

    /// The words in front of the command.
    pub fn prefix(&self) -> Vec<OsString> {
        if self.way == Way::Bare {
            return Vec::new();
        }
        let mut words = vec![TM_RUN.into(), "--target".into(), self.target.clone().into()];
        if let Some(domain) = &self.domain {
            words.extend(["--domain".into(), domain.into()]);
        }
        words.push("--".into());
        words
    }

    /// The same for a shell line.
    pub fn prefix_text(&self) -> String {
        let words: Vec<_> =
            self.prefix().into_iter().map(|word| word.into_string().expect("UTF-8")).collect();
        words.join(" ")
    }

    /// A command under the wrapper.
    pub fn command<W: Into<OsString>>(&self, words: impl IntoIterator<Item = W>) -> Start<'_> {
        let mut all = self.prefix();
        all.extend(words.into_iter().map(Into::into));
        self.plain(all)
    }

    pub fn probe(&self, words: &str) -> Start<'_> {
        self.command([probe()].into_iter().chain(words.split_whitespace()))
    }

    /// A command that calls the wrapper itself, such as a shell. In its environment `$W` is what stands in
    /// front of a command to wrap it (nothing for the bare way), and `$P` the probe.
    pub fn plain<W: Into<OsString>>(&self, words: impl IntoIterator<Item = W>) -> Start<'_> {
        Start {
            stage: self,
            words: words.into_iter().map(Into::into).collect(),
            options: Vec::new(),
            environment: Vec::new(),
            input: Stdio::null(),
            terminal: false,
        }
    }

    pub fn bash(&self, text: &str) -> Start<'_> {
        self.plain(["bash", "-c", text])
    }

    pub fn raw_log(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    #[track_caller]
    pub fn events(&self) -> Vec<Logged> {
        let event = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            Logged {
                target: value["target"].as_str().expect("a target").to_owned(),
                domain: value["domain"].as_str().map(str::to_owned),
                seconds: value["duration_seconds"].as_f64().expect("a duration"),
                exit_code: value["exit_code"].as_i64().expect("an exit code"),
            }
        };
        self.raw_log().lines().map(event).collect()
    }

    pub fn exit_codes(&self) -> Vec<i64> {
        self.events().iter().map(|event| event.exit_code).collect()
    }

    /// If this way records, the log holds exactly these; if not, there is none.
    #[track_caller]
    pub fn logged(&self, exit_codes: &[i64]) {
        if self.way == Way::Recorded {
            assert_eq!(self.exit_codes(), exit_codes, "exit codes in the log");
        } else {
            assert!(!self.home().join(".anklume").exists(), "nothing may be made");
        }
    }

    /// The process that the command's parent started: the command's own, or the wrapper's.
    #[track_caller]
    pub fn launched(&self, command: i32) -> i32 {
        if self.way != Way::Recorded {
            return command;
        }
        let parent = Process::of(command).expect("the command is there").parent;
        let name = fs::read_to_string(format!("/proc/{parent}/comm")).expect("its parent is there");
        assert_eq!(name, "tm-run\n", "the command's parent");
        parent
    }
}

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
pub fn stopped(pid: i32) {
    until("the process stops", || Process::of(pid).is_some_and(|process| process.state == 'T'));
}

#[track_caller]
fn helper(words: &[&str]) {
    let status = Command::new(probe()).args(words).status().expect("the probe starts");
    assert!(status.success(), "{words:?}");
}

/// kill(2); a negative number is a group.
#[track_caller]
pub fn send(to: i32, signal: i32) {
    match Signal::try_from(signal) {
        Ok(signal) => kill(Pid::from_raw(to), signal).expect("somebody to send a signal to"),
        Err(_) => helper(&["kill", &to.to_string(), &signal.to_string()]),
    }
}

/// sigqueue(3).
#[track_caller]
pub fn queue(to: i32, signal: i32, value: i32) {
    helper(&["queue", &to.to_string(), &signal.to_string(), &value.to_string()]);
}

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

    /// Waits for more. False at the end.
    #[track_caller]
    fn more(&mut self, awaited: &str) -> bool {
        if self.ended {
            return false;
        }
        let mut ready = [PollFd::new(self.from.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(PATIENCE).expect("a timeout");
        let count = poll(&mut ready, timeout).expect("poll");
        assert!(count > 0, "waited in vain for {awaited}; seen so far: {}", self.text());
        let mut bytes = [0; 16384];
        match self.from.read(&mut bytes) {
            Ok(0) => self.ended = true,
            Ok(length) => self.seen.extend_from_slice(&bytes[..length]),
            // A terminal whose other side has gone.
            Err(error) if error.raw_os_error() == Some(nix::libc::EIO) => self.ended = true,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => panic!("reading: {error}"),
        }
        !self.ended
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Everything up to and with this text.
    #[track_caller]
    pub fn up_to(&mut self, text: &str) -> String {
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

    /// The next line without its end.
    #[track_caller]
    pub fn line(&mut self) -> String {
        let line = self.up_to("\n");
        line.trim_end_matches(['\r', '\n']).to_owned()
    }

    /// Everything to the end.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        while self.more("the end") {}
        self.seen.split_off(self.taken)
    }

    #[track_caller]
    pub fn rest_text(&mut self) -> String {
        String::from_utf8_lossy(&self.rest()).into_owned()
    }

    /// The probe's `ready`: its process id.
    #[track_caller]
    pub fn ready(&mut self) -> i32 {
        let text = self.up_to("ready ");
        let number = self.line();
        number.parse().unwrap_or_else(|_| panic!("a process id: {text}{number}"))
    }

    /// All that the probe is told of until everything that was on its way has arrived: a signal of the
    /// lowest priority, with a value, goes the same way behind it.
    #[track_caller]
    pub fn signals_until_quiet(&mut self, launched: i32) -> Vec<String> {
        queue(launched, 64, 4711);
        let text = self.up_to("signal 64 value 4711");
        self.line();
        // On a terminal the shell may have written something, too.
        let signals =
            text.split('\n').filter_map(|line| Some(line[line.find("signal ")?..].trim_end().to_owned()));
        signals.filter(|line| line != "signal 64 value 4711").collect()
    }
}

/// What a parent is told.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Told {
    Stopped(i32),
    Continued,
    Exited(i32),
    Killed(i32),
}

impl Told {
    /// What a shell makes of it.
    pub fn shell_code(self) -> i64 {
        match self {
            Self::Exited(code) => i64::from(code),
            Self::Killed(signal) | Self::Stopped(signal) => 128 + i64::from(signal),
            Self::Continued => panic!("not an end"),
        }
    }
}

pub struct Start<'s> {
    stage: &'s Stage,
    words: Vec<OsString>,
    options: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
    input: Stdio,
    terminal: bool,
}

impl Start<'_> {
    /// See launch.c.
    pub fn option(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.options.extend([name.into(), value.as_ref().into()]);
        self
    }

    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), Some(value.as_ref().into())));
        self
    }

    pub fn without_variable(mut self, name: &str) -> Self {
        self.environment.push((name.into(), None));
        self
    }

    pub fn input(mut self, input: impl Into<Stdio>) -> Self {
        self.input = input.into();
        self
    }

    pub fn on_terminal(mut self) -> Self {
        self.terminal = true;
        self
    }

    #[track_caller]
    pub fn start(self) -> Job {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let report = self.stage.path(&format!("report-{count}"));
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
        command.args(&self.options).arg("--").args(&self.words);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.stage.home())
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm")
            .env("W", self.stage.prefix_text())
            .env("P", probe());
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.current_dir(self.stage.home());
        command.stdin(self.input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut launcher = command.spawn().expect("the launcher starts");
        drop(command);
        let out = Stream::new(launcher.stdout.take().expect("its output"));
        let err = Stream::new(launcher.stderr.take().expect("its errors"));
        let input = launcher.stdin.take().map(|stdin| File::from(OwnedFd::from(stdin)));
        let mut job =
            Job { pid: 0, out, err, input, terminal, reports: Reports(reports, String::new()), launcher };
        let first = job.reports.line();
        job.pid = first
            .strip_prefix("pid ")
            .and_then(|pid| pid.parse().ok())
            .unwrap_or_else(|| panic!("launch said {first:?} {}", job.err.rest_text()));
        fs::remove_file(report).expect("the FIFO goes");
        job
    }

    /// Its end, and what it wrote.
    #[track_caller]
    pub fn finish(self) -> Finished {
        let mut job = self.start();
        let out = job.out.rest();
        let err = job.err.rest_text();
        let told = job.end();
        job.leaves_nothing();
        Finished { told, out, err }
    }

    #[track_caller]
    pub fn end(self) -> Told {
        self.finish().told
    }
}

pub struct Finished {
    pub told: Told,
    pub out: Vec<u8>,
    pub err: String,
}

impl Finished {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }
}

struct Reports(File, String);

impl Reports {
    #[track_caller]
    fn line(&mut self) -> String {
        loop {
            if let Some((line, rest)) = self.1.split_once('\n') {
                let line = line.to_owned();
                self.1 = rest.to_owned();
                return line;
            }
            let mut ready = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            let timeout = PollTimeout::try_from(PATIENCE).expect("a timeout");
            assert!(poll(&mut ready, timeout).expect("poll") > 0, "nothing becomes of the command");
            let mut bytes = [0; 4096];
            match self.0.read(&mut bytes) {
                // Nobody has opened the other end yet, or it has gone after its last word.
                Ok(0) => breathe(),
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
    pub out: Stream,
    pub err: Stream,
    pub input: Option<File>,
    pub terminal: Option<Terminal>,
    reports: Reports,
    launcher: Child,
}

impl Job {
    /// The next thing that the parent is told.
    #[track_caller]
    pub fn told(&mut self) -> Told {
        self.told_with_cpu().0
    }

    /// With the milliseconds of user time that come with an end.
    #[track_caller]
    pub fn told_with_cpu(&mut self) -> (Told, u64) {
        let line = self.reports.line();
        let mut words = line.split(' ');
        let kind = words.next().unwrap_or_default().to_owned();
        let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let told = match kind.as_str() {
            "stopped" => Told::Stopped(number()),
            "continued" => Told::Continued,
            "exited" => Told::Exited(number()),
            "killed" => Told::Killed(number()),
            _ => panic!("launch said {line:?}"),
        };
        (told, number().try_into().unwrap_or(0))
    }

    #[track_caller]
    pub fn end(&mut self) -> Told {
        loop {
            match self.told() {
                end @ (Told::Exited(_) | Told::Killed(_)) => return end,
                Told::Stopped(_) | Told::Continued => {}
            }
        }
    }

    #[track_caller]
    pub fn terminal(&mut self) -> &mut Terminal {
        self.terminal.as_mut().expect("a terminal")
    }

    #[track_caller]
    pub fn send(&self, signal: i32) {
        send(self.pid, signal);
    }

    #[track_caller]
    pub fn send_to_group(&self, signal: i32) {
        send(-self.pid, signal);
    }

    #[track_caller]
    pub fn write(&mut self, text: &str) {
        self.input.as_mut().expect("an input").write_all(text.as_bytes()).expect("it takes it");
    }

    pub fn launcher_pid(&self) -> i32 {
        self.launcher.id().cast_signed()
    }

    /// The processes of its sessions that are still there.
    pub fn members(&self) -> Vec<Process> {
        let (host, own) = (self.launcher_pid(), self.pid);
        Process::all()
            .filter(|process| process.pid != host && process.is_alive())
            .filter(|process| process.session == host || (own != 0 && process.session == own))
            .collect()
    }

    /// Waits until no process of it is left. The wrapper may be gone a moment before its helper.
    #[track_caller]
    pub fn leaves_nothing(&self) {
        let start = Instant::now();
        loop {
            let left = self.members();
            if left.is_empty() {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "left behind: {left:?}");
            breathe();
        }
    }

    /// The launcher dies, and with it what was to die with it.
    pub fn kill_launcher(&mut self) {
        let _ = self.launcher.kill();
        let _ = self.launcher.wait();
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // A process that forks meanwhile needs another round.
        for _ in 0..10 {
            let members = self.members();
            if members.is_empty() {
                break;
            }
            for process in members {
                // Gone between the look and here: that is as well.
                let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
            }
        }
        self.kill_launcher();
    }
}

/// The side of a terminal where one sits.
pub struct Terminal {
    pub screen: Stream,
    keys: File,
    path: String,
    /// Held, so that the screen does not end when nobody else has it open.
    _held: File,
}

impl Terminal {
    fn new() -> Self {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = pty::posix_openpt(flags).expect("a terminal");
        pty::grantpt(&master).expect("grantpt");
        pty::unlockpt(&master).expect("unlockpt");
        let path = pty::ptsname_r(&master).expect("its name");
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits());
        let held = options.open(&path).expect("its other side");
        let screen = File::from(OwnedFd::from(master));
        let keys = screen.try_clone().expect("a second descriptor");
        let terminal = Self { screen: Stream::new(screen), keys, path, _held: held };
        // Without echo, so that all that is on the screen has been written by somebody.
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

    /// A key with Ctrl.
    pub fn ctrl(&mut self, key: char) {
        self.type_text(&char::from(key as u8 & 0x1f).to_string());
    }

    /// What is on the screen before the next prompt of [`Shell`].
    #[track_caller]
    pub fn prompt(&mut self) -> String {
        self.screen.up_to(PROMPT)
    }
}

pub const PROMPT: &str = "<prompt>";

impl Stage {
    /// An interactive bash that leads the session of a terminal, waiting for a line.
    #[track_caller]
    pub fn shell(&self) -> Job {
        let words = ["bash", "--norc", "--noprofile", "--noediting", "-i"];
        let start = self.plain(words).variable("PS1", PROMPT).variable("HISTFILE", "");
        let mut job = start.option("--leads-session", "yes").on_terminal().start();
        job.terminal().prompt();
        job
    }
}

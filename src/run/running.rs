//! The runs that are going on, as far as /proc tells (proc(5)). Nothing is stored for it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};

use super::ancestry::ProcStat;
use super::sentinel;

/// A process of this program whose child is a command, which is a run that is recorded: any other is executed in place.
pub struct RunningCommand {
    /// Of the tm-run that waits for it.
    pub pid: i32,
    /// The arguments of that tm-run without `argv[0]`. Those that are the command's are empty once it has started.
    pub args: Vec<OsString>,
    pub env: Environ,
    /// The command's own, as of the program that it is by now. Empty if they cannot be read.
    pub command_argv: Vec<OsString>,
    /// The command's own. Empty if it cannot be read, as that of sudo.
    pub command_env: Environ,
    /// Since the command was started, by a clock that goes on while the machine sleeps.
    pub elapsed: Duration,
    pub is_stopped: bool,
}

/// The variables that a program was started with, as `NAME=value`.
pub struct Environ(Vec<OsString>);

impl Environ {
    fn of(pid: i32) -> Self {
        Self(strings(&format!("/proc/{pid}/environ")).unwrap_or_default())
    }

    pub fn get(&self, name: &str) -> Option<&OsStr> {
        let values = self.0.iter().filter_map(|entry| entry.as_bytes().strip_prefix(name.as_bytes()));
        values.filter_map(|value| value.strip_prefix(b"=")).map(OsStr::from_bytes).next()
    }
}

/// The longest first.
pub fn running_commands() -> Vec<RunningCommand> {
    let file = |pid: &str| fs::metadata(format!("/proc/{pid}/exe")).map(|exe| (exe.dev(), exe.ino()));
    let (Ok(own), Ok(processes), Some(clock)) = (file("self"), fs::read_dir("/proc"), BootClock::new())
    else {
        return Vec::new();
    };
    let pid = |entry: fs::DirEntry| {
        let name = entry.file_name();
        let name = name.to_str().filter(|name| name.starts_with(|c: char| c.is_ascii_digit()))?;
        // Of another user's process this cannot be read.
        if file(name).ok()? == own { name.parse().ok() } else { None }
    };
    let this = nix::unistd::getpid().as_raw();
    let pids = processes.flatten().filter_map(pid).filter(|&pid| pid != this);
    let mut found: Vec<RunningCommand> = pids.filter_map(|pid| running_command(pid, &clock)).collect();
    found.sort_by_key(|running| (std::cmp::Reverse(running.elapsed), running.pid));
    found
}

fn running_command(pid: i32, clock: &BootClock) -> Option<RunningCommand> {
    let own = ProcStat::read(pid)?;
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    // In the order in which they were started: what was inherited (execve(2)), the command, the sentinel.
    let mut children =
        children.split_ascii_whitespace().rev().filter_map(|pid| ProcStat::read(pid.parse().ok()?));
    let command = children.find(|child| child.comm != sentinel::NAME.to_bytes())?;
    if command.state == b'Z' {
        return None;
    }
    Some(RunningCommand {
        pid,
        args: strings(&format!("/proc/{pid}/cmdline")).ok()?.into_iter().skip(1).collect(),
        env: Environ::of(pid),
        command_argv: strings(&format!("/proc/{}/cmdline", command.pid)).unwrap_or_default(),
        command_env: Environ::of(command.pid),
        elapsed: clock.since(command.start_ticks),
        is_stopped: [own.state, command.state].contains(&b'T'),
    })
}

/// The NUL-terminated strings of a file.
fn strings(path: &str) -> std::io::Result<Vec<OsString>> {
    let bytes = fs::read(path)?;
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    Ok(bytes.split(|&byte| byte == 0).map(|string| OsString::from_vec(string.to_vec())).collect())
}

/// The clock by which /proc tells when a process was started: from the machine's start on, sleep included.
struct BootClock {
    now: Duration,
    ticks_per_second: u64,
}

impl BootClock {
    fn new() -> Option<Self> {
        let ticks_per_second = sysconf(SysconfVar::CLK_TCK).ok()??;
        Some(Self {
            now: clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?.into(),
            ticks_per_second: u64::try_from(ticks_per_second).ok().filter(|&ticks| ticks > 0)?,
        })
    }

    fn since(&self, start_ticks: u64) -> Duration {
        let (seconds, rest) = (start_ticks / self.ticks_per_second, start_ticks % self.ticks_per_second);
        let start = Duration::from_secs(seconds)
            + Duration::from_nanos(rest * (1_000_000_000 / self.ticks_per_second));
        self.now.saturating_sub(start)
    }
}

//! Runs under strace: what calls are made, and what happens if one of them fails, or the run is suspended behind it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::behaviours::sources;
use crate::harness::{
    Case, Job, Launch, Output, Process, Sandbox, TM_RUN, WaitStatus, once, send_signal, wait_until,
};

pub fn cases() -> Vec<Case> {
    once![syscalls_that_aarch64_does_not_have_are_optional]
}

/// A system call of a trace.
#[derive(Debug, Clone)]
pub struct Call {
    pub name: String,
    pub text: String,
}

impl Call {
    /// `None` for a line that is no call, or the second half of one.
    fn of(line: &str) -> Option<Self> {
        let text = line.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ' ');
        let (name, _) = text.split_once('(')?;
        name.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            .then(|| Self { name: name.to_owned(), text: text.to_owned() })
    }
}

/// The command under strace with these options.
pub fn under_strace<'s>(
    sandbox: &'s Sandbox,
    options: &[&str],
    words: impl IntoIterator<Item = OsString>,
) -> Launch<'s> {
    traced_to(sandbox, &sandbox.path("trace"), options, words)
}

fn traced_to<'s>(
    sandbox: &'s Sandbox,
    trace: &Path,
    options: &[&str],
    words: impl IntoIterator<Item = OsString>,
) -> Launch<'s> {
    let strace = ["strace", "-qq", "-o"].map(OsString::from).into_iter();
    let trace = [OsString::from(trace)];
    let options = options.iter().map(OsString::from);
    sandbox.unwrapped(strace.chain(trace).chain(options).chain(["--".into()]).chain(words))
}

/// The calls that the last command under strace has made.
pub fn calls(sandbox: &Sandbox) -> Vec<Call> {
    let trace = fs::read(sandbox.path("trace")).expect("a trace");
    String::from_utf8_lossy(&trace).lines().filter_map(Call::of).collect()
}

pub fn trace_of(
    sandbox: &Sandbox,
    options: &[&str],
    words: impl IntoIterator<Item = OsString>,
) -> (Output, Vec<Call>) {
    let output = under_strace(sandbox, options, words).output();
    (output, calls(sandbox))
}

/// The arguments of tm-run around a command.
pub fn wrapped_argv(sandbox: &Sandbox, command: &[&str]) -> Vec<OsString> {
    sandbox.prefix().into_iter().chain(command.iter().map(OsString::from)).collect()
}

/// One system call of a run: the n-th of its name.
#[derive(Debug, Clone)]
pub struct SyscallSite {
    pub name: String,
    pub nth: usize,
}

impl SyscallSite {
    /// The option that makes strace inject something there.
    pub fn inject(&self, what: &str) -> String {
        format!("inject={}:{what}:when={}", self.name, self.nth)
    }
}

/// Every call that the process itself makes, without its children, from the first that matches.
pub fn syscall_sites(
    sandbox: &Sandbox,
    words: impl IntoIterator<Item = OsString>,
    from: impl Fn(&Call) -> bool,
) -> Vec<SyscallSite> {
    let (_, calls) = trace_of(sandbox, &[], words);
    let mut places: Vec<SyscallSite> = Vec::new();
    let mut from_here = 0;
    for call in calls {
        if from_here == 0 && from(&call) {
            from_here = places.len();
        }
        let nth = 1 + places.iter().filter(|place| place.name == call.name).count();
        places.push(SyscallSite { name: call.name, nth });
    }
    places.split_off(from_here)
}

/// tm-run looks for the marker: all calls before that are those of the C library's start.
pub fn looks_for_the_marker(call: &Call) -> bool {
    call.text.contains("/enabled\"")
}

/// The arguments of a subcommand.
pub fn tm_run_argv(words: &[&str]) -> Vec<OsString> {
    [TM_RUN].iter().chain(words).map(Into::into).collect()
}

/// A command that is suspended right after a system call, until the test resumes it.
pub struct Suspended {
    job: Job,
    pub is_there: bool,
    trace: PathBuf,
}

impl Suspended {
    #[track_caller]
    pub fn at(sandbox: &Sandbox, place: &SyscallSite, words: Vec<OsString>) -> Self {
        /// Several commands may be suspended in the same home.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let trace = sandbox.path(&format!("trace-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let traced = format!("trace={},fcntl", place.name);
        let inject = place.inject("signal=STOP");
        let job = traced_to(sandbox, &trace, &["-e", &traced, "-e", &inject], words).spawn();
        let mut suspended = Self { job, is_there: false, trace };
        wait_until("it is held or ends", || {
            suspended.is_there = suspended.trace().contains("stopped by SIGSTOP");
            suspended.is_there || suspended.has_ended()
        });
        suspended
    }

    /// What strace has written so far: calls of this kind, and of fcntl(2).
    pub fn trace(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.trace).unwrap_or_default()).into_owned()
    }

    pub fn has_ended(&self) -> bool {
        self.job.session_processes().is_empty()
    }

    pub fn resume(&mut self) {
        const CONT: i32 = 18;
        let name = |process: &Process| fs::read_to_string(format!("/proc/{}/comm", process.pid));
        for process in self.job.session_processes() {
            if name(&process).is_ok_and(|name| name == "tm-run\n") {
                send_signal(process.pid, CONT);
            }
        }
    }

    /// Resumes it, and waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> WaitStatus {
        self.resume();
        let status = self.job.wait_for_exit();
        self.job.assert_no_process_left();
        status
    }
}

/// System calls for which newer machines have others: aarch64 has `mkdirat` alone. There strace refuses such a name unless
/// a `?` stands before it, and no call of a run has it.
const ABSENT_ON_AARCH64: [&str; 18] = [
    "access", "chmod", "chown", "creat", "dup2", "fork", "link", "mkdir", "mknod", "open", "pipe", "poll",
    "readlink", "rename", "rmdir", "symlink", "unlink", "vfork",
];

/// The names in a source that strace is given, or that a call is expected to have, and that aarch64 does not have.
fn absent_on_aarch64(source: &str) -> Vec<&str> {
    let lists = ["trace=", "inject=", "name: \"", ".name == \""].into_iter().flat_map(|before| {
        source
            .match_indices(before)
            .filter_map(move |(at, _)| source[at + before.len()..].split(['"', ':']).next())
    });
    let names = lists.flat_map(|list| list.split(',')).map(|name| name.trim_matches(['\\', '\n', ' ']));
    names.filter(|name| ABSENT_ON_AARCH64.contains(name)).collect()
}

fn syscalls_that_aarch64_does_not_have_are_optional() {
    let list = |names: &str| format!("\"trace={names}\"");
    assert_eq!(absent_on_aarch64(&list("?open,openat,\\\n    unlink,fsync")), ["unlink"]);
    assert_eq!(absent_on_aarch64(&list("fork").replace("trace", "inject")), ["fork"]);
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), "", &mut found);
    for (module, source) in &found {
        assert_eq!(absent_on_aarch64(source), [""; 0], "{module}");
    }
}

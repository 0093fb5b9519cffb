//! The subcommands that a user types by hand, and usage errors.

mod clear;
mod consent;
mod errors;
mod log;
mod root;
mod status;
mod usage;

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use crate::harness::{Case, Launch, Sandbox, TM_RUN, install};

pub fn cases() -> Vec<Case> {
    [
        clear::cases(),
        consent::cases(),
        errors::cases(),
        log::cases(),
        root::cases(),
        status::cases(),
        usage::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn tm_run<'s>(sandbox: &'s Sandbox, words: &str) -> Launch<'s> {
    sandbox.unwrapped([TM_RUN].into_iter().chain(words.split_whitespace()))
}

fn event(time: &str, target: &str) -> String {
    format!(
        "{{\"timestamp\": \"{time}\", \"target\": \"{target}\", \"domain\": null, \"duration_seconds\": 1.0, \"exit_code\": 0}}\n"
    )
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("its mode");
}

#[track_caller]
fn assert_home_is_empty(sandbox: &Sandbox) {
    assert_eq!(fs::read_dir(sandbox.home()).expect("the home can be read").count(), 0, "nothing may be made");
}

/// Records one event.
const LOG_ONE: &str = "log --target a --duration 1 --exit-code 0";

/// What `clear` says where there is no log.
const CLEARED: &str = "Telemetry data and state deleted.\n";

/// What `clear` will say of the log there is, in which each line is an event.
fn cleared(sandbox: &Sandbox) -> String {
    let log = sandbox.log_text();
    let events = if log.lines().count() == 1 { "event" } else { "events" };
    format!("{CLEARED}Deleted: {} {events}, {} bytes\n", log.lines().count(), log.len())
}

const NOTHING_TO_CLEAR: &str = "No telemetry data to delete.\n";

const OFF_SAYS: &str = "Telemetry disabled. Existing data preserved.\nTo delete it: tm-run clear\n";

const RECORDED_PER_RUN: &str =
    "Recorded per run: timestamp, target, domain, duration_seconds, exit_code. Nothing else.\n";

const NETWORK: &str =
    "Network: none. This program has no network code; check with: strace -f -e trace=network tm-run status\n";

const HOW_TO_TURN_ON: &str = "Turn recording on with: tm-run on\n";

/// A user other than root, who owns the home; if the tests do not run as root, the user who runs them.
struct WithUser<'s> {
    sandbox: &'s Sandbox,
    program: std::path::PathBuf,
    is_root: bool,
}

const USER: u32 = 1234;

impl<'s> WithUser<'s> {
    fn new(sandbox: &'s Sandbox) -> Self {
        let is_root = nix::unistd::geteuid().is_root();
        if !is_root {
            return Self { sandbox, program: TM_RUN.into(), is_root };
        }
        // Other users may not be able to reach the build directory.
        let program = sandbox.path("tm-run");
        install(TM_RUN, &program);
        set_mode(&sandbox.path(""), 0o755);
        let given = |path: &Path| chown(path, Some(USER), Some(USER)).expect("it is given away");
        given(&sandbox.home());
        for path in [sandbox.home().join(".anklume"), sandbox.telemetry(), sandbox.marker()] {
            if path.exists() {
                given(&path);
            }
        }
        Self { sandbox, program, is_root }
    }

    /// tm-run with these arguments, run by the user.
    fn run(&self, words: &str) -> Launch<'s> {
        let words = words.split_whitespace().map(OsStr::new);
        let start = self.sandbox.unwrapped([self.program.as_os_str()].into_iter().chain(words));
        if self.is_root { start.launch_option("--user", USER.to_string()) } else { start }
    }
}

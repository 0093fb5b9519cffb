//! What a wrapper costs: `cargo bench --bench wrapper`.
//!
//! Each round spawns a static program that does nothing, once bare and once behind every wrapper, so that
//! whatever else the machine does meets all of them alike. Overhead is a wrapper's time minus the bare spawn's of
//! the same round: `wall` of the clock (medians), `CPU` of all its processes (means, for the kernel's measure is
//! coarse). What matters is the ratio of overheads; counts of page faults, system calls and user instructions carry
//! over to other machines, microseconds do not. tm-run gets ready while the command runs, so its wall time depends on
//! a second processor being idle, its CPU does not.
//!
//! A second table is of shells: how long each takes to start, with and without our line in its start file, and how long
//! a Tab waits for 10,000 names.
//!
//! `ROUNDS=1000` sets the number of rounds. `TM_RUN_DYNAMIC` is the path of a release build with the system's C library, to
//! be measured beside the static one. A peer that is not installed is left out and named. All programs are copied before
//! they are measured: how the kernel keeps a file depends on who has written it, and how.

#![expect(clippy::print_stdout, reason = "a benchmark is there to be read")]

mod common;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use common::{Folder, found, median};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

const NOTHING: &str = "int main(void) { return 0; }\n";

/// The least a wrapper can do: spawn, wait, hand on the status.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv) {
    (void)argc;
    const char *home = getenv("HOME");
    char path[4096], line[512];
    struct timespec begin, end;
    pid_t pid;
    int status;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (posix_spawnp(&pid, argv[1], NULL, NULL, argv + 1, environ) != 0) return 127;
    while (waitpid(pid, &status, 0) < 0) {}
    clock_gettime(CLOCK_MONOTONIC, &end);
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    char stamp[64];
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S+00:00", &utc);
    double took = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    int length = snprintf(line, sizeof line,
        "{\"timestamp\": \"%s\", \"target\": \"%s\", \"domain\": null, \"duration_seconds\": %.3f, \"exit_code\": %d}\n",
        stamp, argv[1], took, code);
    snprintf(path, sizeof path, "%s/.anklume/telemetry/usage.jsonl", home ? home : "");
    int log = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (log >= 0 && write(log, line, (size_t)length) < 0) {}
    return code;
}
"#;

/// What the original did around every command: a shell that takes the time, and a Python script that writes. It does
/// its work and imports what it imports: the script is compiled every time, as Python keeps only modules compiled.
/// (`tele_wrap` and `scripts/telemetry.py` of AnKLuMe's branch poc.)
const MACRO: &str = r#"
if [ -f "$HOME/.anklume/telemetry/enabled" ]; then
    start=$(date +%s); "$@"; status=$?; end=$(date +%s)
    python3 "$0" log --target true --duration $((end - start)) --exit-code $status 2>/dev/null
    exit $status
fi
exec "$@"
"#;
const SCRIPT: &str = r#"
import argparse
import contextlib
import json
from datetime import datetime, timezone
from pathlib import Path

parser = argparse.ArgumentParser(description="usage of the Makefile's targets")
commands = parser.add_subparsers(dest="command")
for name in ("on", "off", "status", "clear", "report"):
    commands.add_parser(name, help=f"{name} of the usage log")
log = commands.add_parser("log", help="records a run")
log.add_argument("--target", required=True, help="the Makefile's target")
log.add_argument("--domain", help="the group of hosts")
log.add_argument("--duration", required=True, type=float, help="seconds")
log.add_argument("--exit-code", required=True, type=int, help="of the command")
run = parser.parse_args()
folder = Path.home() / ".anklume" / "telemetry"
if (folder / "enabled").exists():
    folder.mkdir(parents=True, exist_ok=True)
    event = {"timestamp": datetime.now(timezone.utc).isoformat(), "target": run.target, "domain": run.domain or None,
        "duration_seconds": round(run.duration, 2), "exit_code": run.exit_code}
    with (folder / "usage.jsonl").open("a") as file:
        file.write(json.dumps(event) + "\n")
"#;

const SHIM_NAME: &str = "C shim, static";

struct Peer {
    name: &'static str,
    words: Vec<OsString>,
    home: PathBuf,
    /// Every so many rounds only, for those that take long.
    every: usize,
}

/// Microseconds and counts.
struct Sample {
    wall: f64,
    cpu: f64,
    faults: f64,
}

fn main() {
    let folder = Folder::new("bench-wrapper");
    let folder = folder.path();
    let rounds = std::env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let nothing = compile(folder, "nothing", NOTHING);
    let shim = compile(folder, "shim", SHIM);
    let on = folder.join("on");
    let off = folder.join("off");
    fs::create_dir_all(on.join(".anklume/telemetry")).expect("a home that records");
    fs::write(on.join(".anklume/telemetry/enabled"), "").expect("a marker");
    fs::create_dir_all(&off).expect("a home that does not");

    let mut peers = vec![Peer { name: "bare", words: vec![], home: off.clone(), every: 1 }];
    let mut add = |name, program: Option<PathBuf>, options: &[&str], home: &Path, every| match program {
        Some(program) => {
            let words =
                std::iter::once(program.into_os_string()).chain(options.iter().map(Into::into)).collect();
            peers.push(Peer { name, words, home: home.to_owned(), every });
        }
        None => println!("{name}: not installed, left out"),
    };
    let copy = |program: PathBuf, name: &str| {
        let copy = folder.join(name);
        fs::copy(program, &copy).expect("a copy");
        copy
    };
    let program = copy(env!("CARGO_BIN_EXE_tm-run").into(), "tm-run");
    let dynamic = std::env::var_os("TM_RUN_DYNAMIC").map(|path| copy(path.into(), "tm-run-dynamic"));
    add(SHIM_NAME, Some(shim), &[], &on, 1);
    add("tm-run, recording", Some(program.clone()), &["--"], &on, 1);
    add("  dynamic", dynamic.clone(), &["--"], &on, 1);
    add("tm-run, off", Some(program.clone()), &["--"], &off, 1);
    add("  off, dynamic", dynamic, &["--"], &off, 1);
    for (name, options) in [
        ("env", &[][..]),
        ("timeout", &["60"]),
        ("tini", &["-s", "--"]),
        ("tini-static", &["-s", "--"]),
        ("dumb-init", &["--"]),
    ] {
        add(name, found(name).map(|path| copy(path, name)), options, &off, 1);
    }
    let script = folder.join("telemetry.py");
    fs::write(&script, SCRIPT).expect("a script");
    let script = script.to_str().expect("a path in UTF-8");
    add("bash and Python", found("bash"), &["-c", MACRO, script], &on, 50);

    let mut samples: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
    for round in 0..rounds {
        for peer in peers.iter().filter(|peer| round % peer.every == 0) {
            samples.entry(peer.name).or_default().push(spawn(peer, &nothing));
        }
    }
    // Overhead: wall, CPU and page faults less those of the bare spawn.
    let figures = |name: &str| {
        let all = |of: fn(&Sample) -> f64| samples[name].iter().map(of).collect::<Vec<f64>>();
        [
            median(all(|sample| sample.wall)),
            mean(&all(|sample| sample.cpu)),
            median(all(|sample| sample.faults)),
        ]
    };
    let bare = figures("bare");
    let overhead = |name: &str| {
        let [wall, cpu, faults] = figures(name);
        [wall - bare[0], cpu - bare[1], faults - bare[2]]
    };
    let (shim, env) = (overhead(SHIM_NAME), samples.contains_key("env").then(|| overhead("env")));
    println!(
        "{rounds} rounds; a bare spawn takes {:.0} µs, {:.0} µs of CPU and {:.0} page faults\n",
        bare[0], bare[1], bare[2]
    );
    println!(
        "{:<18} {:>8} {:>6} {:>6} {:>8} {:>6} {:>6} {:>7} {:>12} {:>8}",
        "overhead",
        "wall µs",
        "× shim",
        "× env",
        "CPU µs",
        "× shim",
        "× env",
        "faults",
        "instructions",
        "syscalls"
    );
    for peer in peers.iter().skip(1) {
        let name = peer.name;
        let [wall, cpu, faults] = overhead(name);
        let [wall_of_env, cpu_of_env, _] = env.unwrap_or([f64::NAN; 3]);
        println!(
            "{name:<18} {wall:>8.1} {:>6.2} {:>6.2} {cpu:>8.1} {:>6.2} {:>6.2} {faults:>7.0} {:>12} {:>8}",
            wall / shim[0],
            wall / wall_of_env,
            cpu / shim[1],
            cpu / cpu_of_env,
            shown(instructions(peer, &nothing, folder)),
            shown(system_calls(peer, &nothing, folder)),
        );
    }
    shells(folder, &program, rounds / 5 + 1);
}

/// What our line in a start file costs, and what a Tab does.
fn shells(folder: &Path, tm_run: &Path, rounds: usize) {
    let bin = folder.join("bin");
    let home = folder.join("names");
    fs::create_dir_all(&bin).expect("a directory for commands");
    fs::create_dir_all(home.join(".anklume/telemetry")).expect("a home with a log");
    fs::copy(tm_run, bin.join("tm-run")).expect("a copy of tm-run");
    fs::copy("/bin/true", bin.join("anklume")).expect("an anklume");
    let line =
        |number| format!("{{\"target\": \"name-{number}\", \"duration_seconds\": 1.0, \"exit_code\": 0}}\n");
    fs::write(home.join(".anklume/telemetry/usage.jsonl"), (0..10_000).map(line).collect::<String>())
        .expect("a log");
    let mut commands: Vec<(String, Vec<&str>)> = Vec::new();
    for (shell, words, init) in [
        ("bash", ["bash", "--norc", "-c"], "eval \"$(tm-run init bash)\""),
        ("zsh", ["zsh", "-f", "-c"], "eval \"$(tm-run init zsh)\""),
        ("fish", ["fish", "--no-config", "-c"], "tm-run init fish | source"),
    ] {
        if found(shell).is_none() {
            println!("{shell}: not installed, left out");
            continue;
        }
        commands.push((shell.to_owned(), words.into_iter().chain([":"]).collect()));
        commands.push((format!("{shell}, init"), words.into_iter().chain([init]).collect()));
    }
    commands
        .push(("10,000 names".to_owned(), vec!["tm-run", "__complete", "fish", "tm-run", "--target", ""]));
    let mut samples = vec![Vec::new(); commands.len()];
    for _ in 0..rounds {
        for ((_, words), samples) in commands.iter().zip(&mut samples) {
            // Looked for in the PATH that it is given.
            let mut command = Command::new(words[0]);
            command.args(&words[1..]).env_clear().env("HOME", &home);
            command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let begin = Instant::now();
            let status = command.status().expect("a shell");
            samples.push(begin.elapsed().as_secs_f64() * 1e3);
            assert!(status.success(), "{words:?}");
        }
    }
    println!("\n{:<18} {:>8}", "start of a shell", "wall ms");
    for ((name, _), samples) in commands.iter().zip(samples) {
        println!("{name:<18} {:>8.2}", median(samples));
    }
}

fn compile(folder: &Path, name: &str, source: &str) -> PathBuf {
    let file = folder.join(format!("{name}.c"));
    fs::write(&file, source).expect("a file for the source");
    let program = folder.join(name);
    let done = Command::new("cc").args(["-O2", "-static", "-o"]).arg(&program).arg(&file).status();
    assert!(done.is_ok_and(|status| status.success()), "a C compiler and a static C library are needed");
    program
}

fn command(peer: &Peer, before: &[OsString], nothing: &Path) -> Command {
    let words: Vec<OsString> = before
        .iter()
        .cloned()
        .chain(peer.words.iter().cloned())
        .chain([nothing.as_os_str().to_owned()])
        .collect();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env_clear().env("HOME", &peer.home).env("PATH", "/usr/local/bin:/usr/bin:/bin");
    // As in any session. The programs of the system look at it first of all.
    command.env("LANG", "C.UTF-8");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn spawn(peer: &Peer, nothing: &Path) -> Sample {
    let mut command = command(peer, &[], nothing);
    let before = of_children();
    let begin = Instant::now();
    let status = command.status().expect("a spawn");
    let wall = begin.elapsed().as_secs_f64() * 1e6;
    assert!(status.success(), "{} failed: {status}", peer.name);
    let after = of_children();
    let cpu = |usage: &Usage| (usage.user_time() + usage.system_time()).num_microseconds();
    Sample {
        wall,
        cpu: float(cpu(&after) - cpu(&before)),
        faults: float(after.minor_page_faults() - before.minor_page_faults()),
    }
}

fn of_children() -> Usage {
    getrusage(UsageWho::RUSAGE_CHILDREN).expect("what children have used")
}

#[expect(clippy::cast_precision_loss, reason = "2^53 microseconds are 285 years")]
fn float(count: i64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "2^53 rounds are out of reach")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn shown(count: Option<u64>) -> String {
    count.map_or("-".into(), |count| count.to_string())
}

/// User instructions of the wrapper's own process, by valgrind (the command itself is not counted).
fn instructions(peer: &Peer, nothing: &Path, folder: &Path) -> Option<u64> {
    let out = folder.join("callgrind");
    let before: Vec<OsString> = vec![
        found("valgrind")?.into(),
        "--tool=callgrind".into(),
        format!("--callgrind-out-file={}", out.display()).into(),
    ];
    command(peer, &before, nothing).arg0("valgrind").status().ok()?;
    let text = fs::read_to_string(&out).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")))?
        .trim()
        .parse()
        .ok()
}

/// System calls of all processes, less those of the bare command.
fn system_calls(peer: &Peer, nothing: &Path, folder: &Path) -> Option<u64> {
    let out = folder.join("strace");
    let before: Vec<OsString> = vec![found("strace")?.into(), "-f".into(), "-o".into(), out.clone().into()];
    let count = |command: &mut Command| {
        command.status().ok()?;
        let text = fs::read_to_string(&out).ok()?;
        let calls = text.lines().filter(|line| line.contains('(') && !line.contains("resumed>")).count();
        u64::try_from(calls).ok()
    };
    let all = count(&mut command(peer, &before, nothing))?;
    let bare = Peer { name: "bare", words: vec![], home: peer.home.clone(), every: 1 };
    Some(all.saturating_sub(count(&mut command(&bare, &before, nothing))?))
}

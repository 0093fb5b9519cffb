//! What a wrapper costs: `cargo bench --bench wrapper`.
//!
//! Each round spawns a static program that does nothing, once bare and once behind every wrapper, so that
//! whatever else the machine does meets all of them alike. Overhead is a wrapper's time minus the bare spawn's of
//! the same round. What matters is the ratio of overheads; counts of page faults, system calls and user
//! instructions carry over to other machines, microseconds do not.
//!
//! `ROUNDS=1000` sets the number of rounds. A peer that is not installed is left out and named.

#![expect(clippy::print_stdout, reason = "a benchmark is there to be read")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

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

/// What the original did around every command, in outline: a shell that takes the time, and Python that writes.
const MACRO: &str = r#"
start=$(date +%s); "$@"; status=$?; end=$(date +%s)
python3 -c 'import json, pathlib, sys, datetime
d = pathlib.Path.home() / ".anklume" / "telemetry"
if (d / "enabled").exists():
    with open(d / "usage.jsonl", "a") as f:
        f.write(json.dumps({"timestamp": datetime.datetime.now(datetime.timezone.utc).isoformat(), "target": sys.argv[1],
            "domain": None, "duration_seconds": float(sys.argv[2]), "exit_code": int(sys.argv[3])}) + "\n")' true $((end - start)) $status
exit $status
"#;

struct Peer {
    name: &'static str,
    words: Vec<OsString>,
    home: PathBuf,
    /// Every so many rounds only, for those that take long.
    every: usize,
}

struct Sample {
    micros: f64,
    faults: i64,
}

fn main() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-wrapper");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder to work in");
    let rounds = std::env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let nothing = compile(&folder, "nothing", NOTHING);
    let shim = compile(&folder, "shim", SHIM);
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
    let tm_run = Some(PathBuf::from(env!("CARGO_BIN_EXE_tm-run")));
    add("C shim, static", Some(shim), &[], &on, 1);
    add("tm-run, recording", tm_run.clone(), &["--"], &on, 1);
    add("tm-run, off", tm_run, &["--"], &off, 1);
    add("env", found("env"), &[], &off, 1);
    add("timeout", found("timeout"), &["60"], &off, 1);
    add("tini", found("tini"), &["-s", "--"], &off, 1);
    add("tini-static", found("tini-static"), &["-s", "--"], &off, 1);
    add("dumb-init", found("dumb-init"), &["--"], &off, 1);
    add("bash and Python", found("bash"), &["-c", MACRO, "macro"], &on, 50);

    let mut samples: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
    for round in 0..rounds {
        for peer in peers.iter().filter(|peer| round % peer.every == 0) {
            samples.entry(peer.name).or_default().push(spawn(peer, &nothing));
        }
    }
    let micros = |name: &str| median(samples[name].iter().map(|sample| sample.micros).collect());
    #[expect(clippy::cast_precision_loss, reason = "counts of page faults are small")]
    let faults = |name: &str| median(samples[name].iter().map(|sample| sample.faults as f64).collect());
    let (bare, bare_faults) = (micros("bare"), faults("bare"));
    let overhead = |name: &str| micros(name) - bare;
    println!("{rounds} rounds; a bare spawn takes {bare:.0} µs and {bare_faults:.0} page faults (medians)\n");
    println!(
        "{:<20} {:>11} {:>8} {:>8} {:>8} {:>12} {:>9}",
        "", "overhead µs", "× shim", "× env", "faults", "instructions", "syscalls"
    );
    for peer in peers.iter().skip(1) {
        let name = peer.name;
        println!(
            "{name:<20} {:>11.1} {:>8.2} {:>8.2} {:>8.0} {:>12} {:>9}",
            overhead(name),
            overhead(name) / overhead("C shim, static"),
            if samples.contains_key("env") { overhead(name) / overhead("env") } else { f64::NAN },
            faults(name) - bare_faults,
            shown(instructions(peer, &nothing, &folder)),
            shown(system_calls(peer, &nothing, &folder)),
        );
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

fn found(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
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
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn spawn(peer: &Peer, nothing: &Path) -> Sample {
    let mut command = command(peer, &[], nothing);
    let before = faults_of_children();
    let begin = Instant::now();
    let status = command.status().expect("a spawn");
    let micros = begin.elapsed().as_secs_f64() * 1e6;
    assert!(status.success(), "{} failed: {status}", peer.name);
    Sample { micros, faults: faults_of_children() - before }
}

fn faults_of_children() -> i64 {
    nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)
        .map_or(0, |usage| usage.minor_page_faults())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
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

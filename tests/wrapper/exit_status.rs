//! tm-run ends as the command ended: the same exit code, or the same signal.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{ALL_BUT_OFF, Case, EVERY_WAY, Sandbox, WaitStatus, cases, probe};

pub fn cases() -> Vec<Case> {
    let mut all = cases![EVERY_WAY;
        command_not_found_is_127_and_named_on_stderr,
        file_that_is_not_executable_is_126,
        directory_as_the_command_is_126,
        wrapper_dumps_no_core,
        core_file_is_the_commands_own,
        bash_reports_killed_and_terminated,
        sigpipe_kills_a_producer_at_once,
        rusage_cpu_time_is_accounted_to_the_launched_pid,
    ];
    all.extend(cases![ALL_BUT_OFF; exit_code_is_preserved_for_all_256, death_by_signal_is_preserved_for_every_signal]);
    all
}

const RLIMIT_CORE: &str = "4";

/// EX01, LG01
fn exit_code_is_preserved_for_all_256(sandbox: &Sandbox) {
    for code in 0..=255 {
        assert_eq!(sandbox.probe(&format!("exit {code}")).wait_for_exit(), WaitStatus::Exited(code));
    }
    sandbox.assert_logged(&(0..=255).collect::<Vec<_>>());
}

/// EX02, EX03, EX04, LG01
fn death_by_signal_is_preserved_for_every_signal(sandbox: &Sandbox) {
    // By default the others do not kill: CHLD, CONT, the stops, URG, WINCH.
    let deadly = (1..=64).filter(|signal| !matches!(signal, 17..=23 | 28));
    let mut codes = Vec::new();
    for signal in deadly {
        let start =
            sandbox.probe(&format!("die {signal}")).launch_option("--limit", format!("{RLIMIT_CORE}:0"));
        assert_eq!(start.wait_for_exit(), WaitStatus::Killed(signal));
        codes.push(128 + i64::from(signal));
    }
    sandbox.assert_logged(&codes);
}

/// EX05, OF04
fn command_not_found_is_127_and_named_on_stderr(sandbox: &Sandbox) {
    let name = "no-such-command-anywhere";
    let output = sandbox.command([name]).output();
    assert_eq!(output.status, WaitStatus::Exited(127));
    assert_eq!(output.text(), "");
    assert!(output.stderr.contains(name), "{}", output.stderr);
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    sandbox.assert_logged(&[127]);
}

/// EX06, OF04
fn file_that_is_not_executable_is_126(sandbox: &Sandbox) {
    let file = sandbox.script("plain-text", "text\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("its mode");
    let output = sandbox.command([&file]).output();
    assert_eq!(output.status, WaitStatus::Exited(126));
    assert_eq!(output.text(), "");
    assert!(output.stderr.contains("plain-text: Permission denied"), "{}", output.stderr);
    sandbox.assert_logged(&[126]);
}

/// EX07
fn directory_as_the_command_is_126(sandbox: &Sandbox) {
    let output = sandbox.command([sandbox.home()]).output();
    assert_eq!(output.status, WaitStatus::Exited(126));
    assert_eq!(output.text(), "");
    sandbox.assert_logged(&[126]);
}

fn cores(sandbox: &Sandbox) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(sandbox.home()).expect("the home can be read");
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("core")))
        .collect()
}

/// EX09
fn wrapper_dumps_no_core(sandbox: &Sandbox) {
    // tm-run starts with the right to dump a core, the command gives up its own.
    // It would be dumped where tm-run is then, in the root directory.
    let words = format!("limit {RLIMIT_CORE} 0 {} die 3", probe());
    let mut job = sandbox.probe(&words).launch_option("--limit", format!("{RLIMIT_CORE}:max")).spawn();
    assert_eq!((job.wait_for_exit(), job.has_dumped_core), (WaitStatus::Killed(3), false));
    assert_eq!(cores(sandbox), Vec::<std::path::PathBuf>::new());
}

/// EX10
fn core_file_is_the_commands_own(sandbox: &Sandbox) {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").expect("core_pattern");
    let start = sandbox.probe("die 3").launch_option("--limit", format!("{RLIMIT_CORE}:max"));
    assert_eq!(start.wait_for_exit(), WaitStatus::Killed(3));
    if !pattern.starts_with("core") {
        // The kernel pipes cores to a program, or writes them elsewhere.
        return;
    }
    let found = cores(sandbox);
    if let [core] = &found[..] {
        let bytes = fs::read(core).expect("the core can be read");
        let head = &bytes[..bytes.len().min(8192)];
        let names = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
        // The name of the process is a field of its own, behind numbers; in paths and registers others stand before it.
        let owners = (names(b"\0probe\0"), names(b"\0tm-run\0"));
        assert_eq!(owners, (true, false), "of the probe, of tm-run; {} bytes", bytes.len());
    } else {
        // There is none only if the hard limit forbids it.
        let hard = fs::read_to_string("/proc/self/limits").expect("limits");
        let line =
            hard.lines().find(|line| line.starts_with("Max core file size")).expect("a limit for cores");
        assert_eq!(line.split_whitespace().nth(5), Some("0"), "{found:?}");
    }
}

/// EX12
fn bash_reports_killed_and_terminated(sandbox: &Sandbox) {
    for (signal, word) in [(9, "Killed"), (15, "Terminated")] {
        let output = sandbox.bash(&format!("$W $P die {signal}; echo $?")).output();
        assert_eq!(output.text(), format!("{}\n", 128 + signal));
        assert!(output.stderr.contains(word), "{}", output.stderr);
    }
}

/// EX13
fn sigpipe_kills_a_producer_at_once(sandbox: &Sandbox) {
    let output = sandbox.bash("$W yes | head -n 1; echo ${PIPESTATUS[0]}").output();
    assert_eq!(output.text(), "y\n141\n");
    assert_eq!(output.stderr, "");
    sandbox.assert_logged(&[141]);
}

/// EX14
fn rusage_cpu_time_is_accounted_to_the_launched_pid(sandbox: &Sandbox) {
    let mut job = sandbox.probe("burn 200").spawn();
    let (told, milliseconds) = job.wait_with_cpu_time();
    assert_eq!(told, WaitStatus::Exited(0));
    assert!(milliseconds >= 200, "{milliseconds} ms");
}

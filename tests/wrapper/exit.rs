//! The command's end is the wrapper's end.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::ledger::{Case, cases};
use crate::stage::{BARE_AND_RECORDED, EVERY_WAY, Stage, Told, probe};

pub fn cases() -> Vec<Case> {
    let mut all = cases![EVERY_WAY;
        a_command_that_is_not_found_is_127_and_named,
        a_file_that_cannot_be_executed_is_126,
        a_directory_as_the_command_is_126,
        the_wrapper_dumps_no_core_of_its_own,
        the_core_is_the_commands_own,
        bash_says_how_a_wrapped_command_died,
        a_producer_dies_of_a_closed_pipe_at_once,
        cpu_time_is_accounted_to_the_launched_process,
    ];
    all.extend(cases![BARE_AND_RECORDED; every_exit_code_is_preserved, death_by_every_signal_is_preserved]);
    all
}

const RLIMIT_CORE: &str = "4";

/// EX01, LG01
fn every_exit_code_is_preserved(stage: &Stage) {
    for code in 0..=255 {
        assert_eq!(stage.probe(&format!("exit {code}")).end(), Told::Exited(code));
    }
    stage.logged(&(0..=255).collect::<Vec<_>>());
}

/// EX02, EX03, EX04, LG01
fn death_by_every_signal_is_preserved(stage: &Stage) {
    // The others do not kill: CHLD, CONT, the stops, URG, WINCH.
    let deadly = (1..=64).filter(|signal| !matches!(signal, 17..=23 | 28));
    let mut codes = Vec::new();
    for signal in deadly {
        let start = stage.probe(&format!("die {signal}")).option("--limit", format!("{RLIMIT_CORE}:0"));
        assert_eq!(start.end(), Told::Killed(signal));
        codes.push(128 + i64::from(signal));
    }
    stage.logged(&codes);
}

/// EX05
fn a_command_that_is_not_found_is_127_and_named(stage: &Stage) {
    let name = "no-such-command-anywhere";
    let finished = stage.command([name]).finish();
    assert_eq!(finished.told, Told::Exited(127));
    assert_eq!(finished.text(), "");
    assert!(finished.err.contains(name), "{}", finished.err);
    assert_eq!(finished.err.lines().count(), 1, "{}", finished.err);
    stage.logged(&[127]);
}

/// EX06
fn a_file_that_cannot_be_executed_is_126(stage: &Stage) {
    let file = stage.script("plain-text", "text\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("its mode");
    let finished = stage.command([&file]).finish();
    assert_eq!(finished.told, Told::Exited(126));
    assert_eq!(finished.text(), "");
    assert!(finished.err.contains("plain-text: Permission denied"), "{}", finished.err);
    stage.logged(&[126]);
}

/// EX07
fn a_directory_as_the_command_is_126(stage: &Stage) {
    let finished = stage.command([stage.home()]).finish();
    assert_eq!(finished.told, Told::Exited(126));
    assert_eq!(finished.text(), "");
    stage.logged(&[126]);
}

fn cores(stage: &Stage) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(stage.home()).expect("the home can be read");
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("core")))
        .collect()
}

/// EX09
fn the_wrapper_dumps_no_core_of_its_own(stage: &Stage) {
    // The command gives its own core up, after the wrapper has started with the right to one.
    let words = format!("limit {RLIMIT_CORE} 0 {} die 3", probe());
    assert_eq!(stage.probe(&words).option("--limit", format!("{RLIMIT_CORE}:max")).end(), Told::Killed(3));
    assert_eq!(cores(stage), Vec::<std::path::PathBuf>::new());
}

/// EX10
fn the_core_is_the_commands_own(stage: &Stage) {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").expect("core_pattern");
    let start = stage.probe("die 3").option("--limit", format!("{RLIMIT_CORE}:max"));
    assert_eq!(start.end(), Told::Killed(3));
    if !pattern.starts_with("core") {
        // The system hands cores to somebody who is none of our business.
        return;
    }
    let found = cores(stage);
    if let [core] = &found[..] {
        let bytes = fs::read(core).expect("the core can be read");
        let head = &bytes[..bytes.len().min(8192)];
        let names = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
        assert!(names(b"probe\0") && !names(b"tm-run\0"), "whose core is it?");
    } else {
        // Only where the hard limit forbids any core.
        let hard = fs::read_to_string("/proc/self/limits").expect("limits");
        let line =
            hard.lines().find(|line| line.starts_with("Max core file size")).expect("a limit for cores");
        assert_eq!(line.split_whitespace().nth(5), Some("0"), "{found:?}");
    }
}

/// EX12
fn bash_says_how_a_wrapped_command_died(stage: &Stage) {
    for (signal, word) in [(9, "Killed"), (15, "Terminated")] {
        let finished = stage.bash(&format!("$W $P die {signal}; echo $?")).finish();
        assert_eq!(finished.text(), format!("{}\n", 128 + signal));
        assert!(finished.err.contains(word), "{}", finished.err);
    }
}

/// EX13
fn a_producer_dies_of_a_closed_pipe_at_once(stage: &Stage) {
    let finished = stage.bash("$W yes | head -n 1; echo ${PIPESTATUS[0]}").finish();
    assert_eq!(finished.text(), "y\n141\n");
    assert_eq!(finished.err, "");
    stage.logged(&[141]);
}

/// EX14
fn cpu_time_is_accounted_to_the_launched_process(stage: &Stage) {
    let mut job = stage.probe("burn 200").start();
    let (told, milliseconds) = job.told_with_cpu();
    assert_eq!(told, Told::Exited(0));
    assert!(milliseconds >= 200, "{milliseconds} ms");
}

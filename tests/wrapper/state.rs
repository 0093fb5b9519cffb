//! The state of the process that the command starts with.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::ledger::{Case, cases};
use crate::stage::{EVERY_WAY, Stage, Start, TM_RUN, Told, Way, probe};

pub fn cases() -> Vec<Case> {
    let mut all = cases![EVERY_WAY;
        an_ordinary_state_is_handed_over,
        ignored_signals_stay_ignored,
        blocked_signals_stay_blocked,
        an_ignored_sigchld_does_not_spoil_the_status,
        everything_else_is_handed_over,
        the_command_is_in_the_job_it_was_started_in,
        the_command_stays_in_the_group_of_its_script,
        a_pending_signal_reaches_the_command,
        an_alarm_set_before_still_ends_the_command,
        an_inherited_dead_child_is_not_mistaken_for_the_command,
        an_inherited_living_child_does_not_delay_the_end,
        a_command_runs_when_no_process_can_be_made,
        a_command_runs_with_four_descriptors,
        with_little_memory_a_command_runs_whole_or_not_at_all,
        a_file_size_limit_of_zero_does_no_harm,
        the_command_dies_with_a_parent_it_was_tied_to,
    ];
    all.extend(cases![EVERY_WAY, needs ["pgrep"]; one_process_has_the_words_of_the_command]);
    all
}

/// All that the probe can tell of its state, without what two runs never share.
fn state(stage: &Stage, start: Start) -> String {
    let file = stage.path("state");
    assert_eq!(start.end(), Told::Exited(0));
    let text = fs::read_to_string(&file).expect("a state");
    fs::remove_file(file).expect("it goes");
    let guard = "environment 544d5f52554e5f4143544956453d"; // TM_RUN_ACTIVE=
    let kept = |line: &&str| {
        !line.starts_with("session ") && !line.starts_with("group ") && !line.starts_with(guard)
    };
    text.lines().filter(kept).fold(String::new(), |all, line| all + line + "\n")
}

/// Fails if the command sees any difference between the bare command and this way.
#[track_caller]
pub fn differs_from_bare<'s>(stage: &'s Stage, with: impl Fn(Start<'s>) -> Start<'s>) {
    let file = stage.path("state").display().to_string();
    let words = [probe(), "state", &file];
    let (bare, wrapped) = (state(stage, with(stage.plain(words))), state(stage, with(stage.command(words))));
    let only = |one: &str, other: &str, sign: &str| {
        let lines = one.lines().filter(|line| !other.lines().any(|there| there == *line));
        lines.map(|line| format!("{sign} {line}")).collect::<Vec<_>>()
    };
    let differences = [only(&bare, &wrapped, "-"), only(&wrapped, &bare, "+")].concat().join("\n");
    assert!(bare == wrapped, "the state differs:\n{differences}");
}

/// ST01
fn an_ordinary_state_is_handed_over(stage: &Stage) {
    differs_from_bare(stage, |start| start);
}

fn each(signals: &[i32], option: &'static str) -> impl Fn(Start) -> Start {
    move |start| signals.iter().fold(start, |start, signal| start.option(option, signal.to_string()))
}

/// All that can be caught.
fn catchable() -> Vec<i32> {
    (1..=64).filter(|signal| ![9, 19].contains(signal)).collect()
}

/// ST02 to ST06, OF02
fn ignored_signals_stay_ignored(stage: &Stage) {
    for signals in [&[1][..], &[13], &[2, 3], &[17], &[20, 21, 22], &[32, 33], &[25], &catchable()] {
        differs_from_bare(stage, each(signals, "--ignore"));
    }
}

/// ST08, ST09, OF02
fn blocked_signals_stay_blocked(stage: &Stage) {
    for signals in [&[10][..], &[15, 17, 2, 1], &[32, 33, 34, 64], &catchable()] {
        differs_from_bare(stage, each(signals, "--block"));
    }
}

/// ST05
fn an_ignored_sigchld_does_not_spoil_the_status(stage: &Stage) {
    assert_eq!(stage.probe("exit 7").option("--ignore", "17").end(), Told::Exited(7));
    assert_eq!(stage.probe("die 15").option("--ignore", "17").end(), Told::Killed(15));
    stage.logged(&[7, 143]);
}

/// ST11
fn everything_else_is_handed_over(stage: &Stage) {
    differs_from_bare(stage, |start| {
        start
            .option("--umask", "027")
            .option("--nice", "5")
            .option("--batch", "yes")
            .option("--oom", "300")
            .option("--limit", "0:3600")
            .option("--limit", "3:4194304")
            .option("--limit", "4:12345")
            .option("--limit", "7:500")
    });
}

fn number(text: &str, name: &str) -> i32 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("the line is there");
    line.trim().parse().expect("a number")
}

/// ST12
fn the_command_is_in_the_job_it_was_started_in(stage: &Stage) {
    let mut job = stage.probe("state").start();
    let text = job.out.rest_text();
    assert_eq!(number(&text, "group "), job.pid);
    assert_eq!(number(&text, "session "), job.launcher_pid());
}

/// ST13
fn the_command_stays_in_the_group_of_its_script(stage: &Stage) {
    let mut job = stage.bash("$W $P state; true").start();
    let text = job.out.rest_text();
    assert_eq!(number(&text, "group "), job.pid);
}

/// ST17
fn a_pending_signal_reaches_the_command(stage: &Stage) {
    for signal in [10, 2, 15, 40] {
        let start = stage.probe(&format!("await {signal}")).option("--pending", signal.to_string());
        assert_eq!(start.finish().text(), format!("signal {signal}\n"));
    }
}

/// ST18
fn an_alarm_set_before_still_ends_the_command(stage: &Stage) {
    assert_eq!(stage.probe("pause").option("--alarm-ms", "100").end(), Told::Killed(14));
}

/// ST19
fn an_inherited_dead_child_is_not_mistaken_for_the_command(stage: &Stage) {
    assert_eq!(stage.probe("exit 4").option("--child-exits", "9").end(), Told::Exited(4));
}

/// ST21
fn an_inherited_living_child_does_not_delay_the_end(stage: &Stage) {
    assert_eq!(stage.probe("exit 4").option("--child-stays", "yes").end(), Told::Exited(4));
}

/// ST22
fn a_command_runs_when_no_process_can_be_made(stage: &Stage) {
    // The limit does not hold root, so root hands its rights away; everything needed must be in reach then.
    let world = |path: &std::path::Path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
    };
    let (copy, wrapper) = (stage.path("probe"), stage.path("tm-run"));
    fs::copy(probe(), &copy).expect("a copy");
    fs::copy(TM_RUN, &wrapper).expect("a copy");
    for path in [&copy, &wrapper, &stage.home(), &stage.path(".")] {
        world(path);
    }
    if stage.way == Way::Recorded {
        world(&stage.telemetry());
        world(&stage.home().join(".anklume"));
    }
    let mut words = stage.prefix();
    if let Some(first) = words.first_mut() {
        *first = wrapper.into();
    }
    words.extend([copy.into(), "exit".into(), "5".into()]);
    let mut start = stage.plain(words);
    if nix::unistd::geteuid().is_root() {
        start = start.option("--user", "65534");
    }
    assert_eq!(start.option("--limit", "6:0").end(), Told::Exited(5));
}

/// ST23
/// Whatever of tm-run does not fit, it is not there for the command's first half only.
fn with_little_memory_a_command_runs_whole_or_not_at_all(stage: &Stage) {
    let mut outputs = Vec::new();
    for limit in (1..=320_u64).map(|step| step << 16) {
        // RLIMIT_AS
        let limit = format!("9:{limit}");
        let finished = stage.command(["sh", "-c", "echo out; exit 3"]).option("--limit", &limit).finish();
        let is_whole = (finished.text().as_str(), finished.told) == ("out\n", Told::Exited(3));
        assert!(is_whole || finished.text().is_empty(), "{limit}: {:?}", finished.told);
        outputs.push(is_whole);
    }
    assert!(outputs.contains(&true) && outputs.contains(&false));
}

fn a_command_runs_with_four_descriptors(stage: &Stage) {
    assert_eq!(stage.probe("exit 5").option("--limit", "7:4").end(), Told::Exited(5));
}

/// ST25, TL08
fn a_file_size_limit_of_zero_does_no_harm(stage: &Stage) {
    let start = || stage.probe("exit 3").option("--limit", "1:0");
    assert_eq!(start().end(), Told::Exited(3));
    let bare = stage.plain([probe(), "state"]).option("--limit", "1:0").finish().text();
    let wrapped = stage.probe("state").option("--limit", "1:0").finish().text();
    let ignored = |text: &str| text.lines().find(|line| line.starts_with("SigIgn")).map(str::to_owned);
    assert_eq!(ignored(&wrapped), ignored(&bare));
}

/// ST26
fn the_command_dies_with_a_parent_it_was_tied_to(stage: &Stage) {
    let mut job = stage.probe("signals exit-on=15:3").option("--dies-with-parent", "15").start();
    job.out.ready();
    job.kill_launcher();
    assert_eq!(job.out.rest_text(), "signal 15\n");
    job.leaves_nothing();
}

/// ST29
fn one_process_has_the_words_of_the_command(stage: &Stage) {
    let word = format!("only-here-{}", std::process::id());
    let mut job = stage.probe(&format!("signals {word}")).start();
    let command = job.out.ready();
    let output =
        std::process::Command::new("pgrep").args(["-f", "--", &word]).output().expect("pgrep starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let launcher = job.launcher_pid();
    let found: Vec<i32> =
        text.lines().filter_map(|pid| pid.parse().ok()).filter(|pid| *pid != launcher).collect();
    assert_eq!(found, [command]);
}

//! The state of the process that the command starts with.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{
    Case, EVERY_WAY, Launch, Sandbox, TM_RUN, WaitStatus, cases, install, probe, wait_until,
};

pub fn cases() -> Vec<Case> {
    let mut all = cases![EVERY_WAY;
        process_state_is_identical_by_default,
        ignored_signals_stay_ignored,
        sigmask_of_blocked_signals_is_kept,
        sigchld_ignored_by_the_parent_keeps_the_exit_status,
        umask_nice_scheduler_oom_score_and_rlimits_are_kept,
        process_group_and_session_are_those_of_the_job,
        process_group_of_a_script_is_kept,
        pending_signal_reaches_the_command,
        alarm_set_before_exec_ends_the_command,
        inherited_dead_child_is_not_taken_for_the_command,
        inherited_living_child_does_not_delay_the_exit,
        rlimit_nproc_exhausted_still_runs_the_command,
        rlimit_nofile_of_four_still_runs_the_command,
        rlimit_as_runs_the_command_whole_or_not_at_all,
        rlimit_fsize_zero_keeps_the_status_and_sigxfsz,
        parent_death_signal_ends_the_command_with_its_launcher,
    ];
    all.extend(cases![EVERY_WAY, needs ["pgrep"]; pgrep_f_finds_one_process]);
    all
}

/// The state that the probe prints, without what differs between any two runs.
fn state(sandbox: &Sandbox, start: Launch) -> String {
    let file = sandbox.path("state");
    assert_eq!(start.wait_for_exit(), WaitStatus::Exited(0));
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
pub fn assert_same_state_as_bare<'s>(sandbox: &'s Sandbox, with: impl Fn(Launch<'s>) -> Launch<'s>) {
    let file = sandbox.path("state").display().to_string();
    let words = [probe(), "state", &file];
    let (bare, wrapped) =
        (state(sandbox, with(sandbox.unwrapped(words))), state(sandbox, with(sandbox.command(words))));
    let only = |one: &str, other: &str, sign: &str| {
        let lines = one.lines().filter(|line| !other.lines().any(|there| there == *line));
        lines.map(|line| format!("{sign} {line}")).collect::<Vec<_>>()
    };
    let differences = [only(&bare, &wrapped, "-"), only(&wrapped, &bare, "+")].concat().join("\n");
    assert!(bare == wrapped, "the state differs:\n{differences}");
}

/// ST01
fn process_state_is_identical_by_default(sandbox: &Sandbox) {
    assert_same_state_as_bare(sandbox, |start| start);
}

fn each(signals: &[i32], option: &'static str) -> impl Fn(Launch) -> Launch {
    move |start| signals.iter().fold(start, |start, signal| start.launch_option(option, signal.to_string()))
}

/// The signals that can be caught.
fn catchable() -> Vec<i32> {
    (1..=64).filter(|signal| ![9, 19].contains(signal)).collect()
}

/// ST02 to ST06, OF02
fn ignored_signals_stay_ignored(sandbox: &Sandbox) {
    for signals in [&[1][..], &[13], &[2, 3], &[17], &[20, 21, 22], &[32, 33], &[25], &catchable()] {
        assert_same_state_as_bare(sandbox, each(signals, "--ignore"));
    }
}

/// ST08, ST09, OF02
fn sigmask_of_blocked_signals_is_kept(sandbox: &Sandbox) {
    for signals in [&[10][..], &[15, 17, 2, 1], &[32, 33, 34, 64], &catchable()] {
        assert_same_state_as_bare(sandbox, each(signals, "--block"));
    }
}

/// ST05
fn sigchld_ignored_by_the_parent_keeps_the_exit_status(sandbox: &Sandbox) {
    assert_eq!(
        sandbox.probe("exit 7").launch_option("--ignore", "17").wait_for_exit(),
        WaitStatus::Exited(7)
    );
    assert_eq!(
        sandbox.probe("die 15").launch_option("--ignore", "17").wait_for_exit(),
        WaitStatus::Killed(15)
    );
    sandbox.assert_logged(&[7, 143]);
}

/// ST11
fn umask_nice_scheduler_oom_score_and_rlimits_are_kept(sandbox: &Sandbox) {
    assert_same_state_as_bare(sandbox, |start| {
        start
            .launch_option("--umask", "027")
            .launch_option("--nice", "5")
            .launch_option("--batch", "yes")
            // Anybody may raise it.
            .launch_option("--oom", "1000")
            .launch_option("--limit", "0:3600")
            .launch_option("--limit", "3:4194304")
            .launch_option("--limit", "4:12345")
            .launch_option("--limit", "7:500")
    });
}

fn number(text: &str, name: &str) -> i32 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("the line is there");
    line.trim().parse().expect("a number")
}

/// ST12
fn process_group_and_session_are_those_of_the_job(sandbox: &Sandbox) {
    let mut job = sandbox.probe("state").spawn();
    let text = job.stdout.read_to_string();
    assert_eq!(number(&text, "group "), job.pid);
    assert_eq!(number(&text, "session "), job.launcher_pid());
}

/// ST13
fn process_group_of_a_script_is_kept(sandbox: &Sandbox) {
    let mut job = sandbox.bash("$W $P state; true").spawn();
    let text = job.stdout.read_to_string();
    assert_eq!(number(&text, "group "), job.pid);
}

/// ST17
fn pending_signal_reaches_the_command(sandbox: &Sandbox) {
    for signal in [10, 2, 15, 40] {
        let start = sandbox.probe(&format!("await {signal}")).launch_option("--pending", signal.to_string());
        assert_eq!(start.output().text(), format!("signal {signal}\n"));
    }
}

/// ST18
fn alarm_set_before_exec_ends_the_command(sandbox: &Sandbox) {
    assert_eq!(
        sandbox.probe("pause").launch_option("--alarm-ms", "100").wait_for_exit(),
        WaitStatus::Killed(14)
    );
}

/// ST19
fn inherited_dead_child_is_not_taken_for_the_command(sandbox: &Sandbox) {
    assert_eq!(
        sandbox.probe("exit 4").launch_option("--child-exits", "9").wait_for_exit(),
        WaitStatus::Exited(4)
    );
}

/// ST21
fn inherited_living_child_does_not_delay_the_exit(sandbox: &Sandbox) {
    assert_eq!(
        sandbox.probe("exit 4").launch_option("--child-stays", "yes").wait_for_exit(),
        WaitStatus::Exited(4)
    );
}

/// ST22
fn rlimit_nproc_exhausted_still_runs_the_command(sandbox: &Sandbox) {
    // The limit does not bind root, so root becomes another user, who must be able to reach all files.
    let world = |path: &std::path::Path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
    };
    let (copy, wrapper) = (sandbox.path("probe"), sandbox.path("tm-run"));
    install(probe(), &copy);
    install(TM_RUN, &wrapper);
    for path in [&copy, &wrapper, &sandbox.home(), &sandbox.path(".")] {
        world(path);
    }
    if sandbox.way.records() {
        world(&sandbox.telemetry());
        world(&sandbox.home().join(".anklume"));
    }
    let mut words = sandbox.prefix();
    if let Some(first) = words.first_mut() {
        *first = wrapper.into();
    }
    words.extend([copy.into(), "exit".into(), "5".into()]);
    let mut start = sandbox.unwrapped(words);
    if nix::unistd::geteuid().is_root() {
        start = start.launch_option("--user", "65534");
    }
    assert_eq!(start.launch_option("--limit", "6:0").wait_for_exit(), WaitStatus::Exited(5));
}

/// The command must not have begun when tm-run finds that it has too little memory.
fn rlimit_as_runs_the_command_whole_or_not_at_all(sandbox: &Sandbox) {
    let mut outputs = Vec::new();
    for limit in (1..=320_u64).map(|step| step << 16) {
        // RLIMIT_AS
        let limit = format!("9:{limit}");
        let output =
            sandbox.command(["sh", "-c", "echo out; exit 3"]).launch_option("--limit", &limit).output();
        let is_whole = (output.text().as_str(), output.status) == ("out\n", WaitStatus::Exited(3));
        assert!(is_whole || output.text().is_empty(), "{limit}: {:?}", output.status);
        outputs.push(is_whole);
    }
    assert!(outputs.contains(&true) && outputs.contains(&false));
}

/// ST23
fn rlimit_nofile_of_four_still_runs_the_command(sandbox: &Sandbox) {
    assert_eq!(
        sandbox.probe("exit 5").launch_option("--limit", "7:4").wait_for_exit(),
        WaitStatus::Exited(5)
    );
}

/// ST25, TL08
fn rlimit_fsize_zero_keeps_the_status_and_sigxfsz(sandbox: &Sandbox) {
    let start = || sandbox.probe("exit 3").launch_option("--limit", "1:0");
    assert_eq!(start().wait_for_exit(), WaitStatus::Exited(3));
    let bare = sandbox.unwrapped([probe(), "state"]).launch_option("--limit", "1:0").output().text();
    let wrapped = sandbox.probe("state").launch_option("--limit", "1:0").output().text();
    let ignored = |text: &str| text.lines().find(|line| line.starts_with("SigIgn")).map(str::to_owned);
    assert_eq!(ignored(&wrapped), ignored(&bare));
}

/// ST26
fn parent_death_signal_ends_the_command_with_its_launcher(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals exit-on=15:3").launch_option("--dies-with-parent", "15").spawn();
    job.stdout.read_ready_pid();
    job.kill_launcher();
    assert_eq!(job.stdout.read_to_string(), "signal 15\n");
    job.assert_no_process_left();
}

/// ST29
fn pgrep_f_finds_one_process(sandbox: &Sandbox) {
    // Other cases run at the same time.
    let word = sandbox.path("only-here").display().to_string();
    let mut job = sandbox.probe(&format!("signals {word} and four words more")).spawn();
    let command = job.stdout.read_ready_pid();
    let launcher = job.launcher_pid();
    // tm-run clears the arguments when it has seen the exec.
    wait_until("one process has the argument", || {
        let output =
            std::process::Command::new("pgrep").args(["-f", "--", &word]).output().expect("pgrep starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let found: Vec<i32> =
            text.lines().filter_map(|pid| pid.parse().ok()).filter(|pid| *pid != launcher).collect();
        found == [command]
    });
}

//! Every signal reaches the command once: whoever sent it, and whether it was meant for one process or for
//! the whole job.

use std::fs;
use std::process::{Command, Stdio};

use crate::harness::{
    ALL_BUT_OFF, Case, EVERY_WAY, Job, Process, RECORDED, Sandbox, TM_RUN, WaitStatus, cases, install,
    kill_group_and_leader, probe, send_signal, sigqueue, sigqueue_and_kill_group, wait_until,
    wait_until_stopped,
};

pub fn cases() -> Vec<Case> {
    let mut all = cases![EVERY_WAY;
        signal_to_the_pid_reaches_the_command_once,
        signal_to_the_process_group_reaches_the_command_once,
        signal_to_the_process_group_sent_twice_reaches_the_command_at_most_twice,
        signal_to_the_pid_beside_one_to_the_process_group_is_told_from_it,
        sigqueue_value_reaches_the_command,
        sigterm_handled_by_the_command_keeps_its_exit_code,
        sigterm_death_is_seen_and_leaves_no_process,
        sigint_sent_three_times_arrives_three_times,
        sigkill_of_the_wrapper_kills_the_command,
        stop_and_sigcont_are_mirrored_to_the_parent,
        stop_and_sigcont_of_the_process_group_are_seen_by_the_parent,
        stop_right_after_sigcont_stops_again,
        stop_of_the_process_group_is_ended_by_sigcont_to_the_pid,
        kill_ppid_by_the_command_reaches_the_launcher,
        signal_to_the_pid_does_not_reach_grandchildren,
        kill_0_by_the_command_reaches_it_once,
        kill_0_by_a_child_reaches_the_command_once,
        sigchld_sent_to_the_pid_is_harmless,
        signal_storm_loses_no_kind_of_signal,
        sighup_ignored_as_by_nohup_has_no_effect,
        sigint_stays_ignored_in_a_background_job_of_a_script,
        signal_reaches_a_command_in_its_own_process_group,
        signal_to_the_process_group_reaches_all_of_a_group_that_the_command_made,
        signal_to_the_process_group_reaches_nobody_of_a_group_that_the_command_joined,
        signal_to_the_process_group_that_was_pending_while_stopped_arrives_once,
        sigcont_right_after_a_stop_continues,
    ];
    all.extend(cases![EVERY_WAY, needs ["timeout"];
        timeout_around_the_wrapper_ends_the_command,
        timeout_inside_the_wrapper_exits_124,
        timeout_inside_the_wrapper_forwards_sigterm,
    ]);
    all.extend(cases![ALL_BUT_OFF;
        sigterm_during_startup_always_kills,
        sigint_to_the_process_group_during_startup_always_kills,
    ]);
    all.extend(cases![EVERY_WAY, needs ["pkill", "pgrep"]; signal_by_process_name_reaches_the_command_once]);
    all.extend(cases![RECORDED; signal_to_the_sentinel_alone_changes_no_later_signal]);
    all.extend(cases![EVERY_WAY, needs ["python3"]; stop_before_the_exec_is_seen]);
    all.extend(cases![RECORDED;
        nested_wrappers_deliver_a_signal_once,
        kill_0_by_a_child_reaches_the_command_once_without_the_sentinel,
    ]);
    all
}

fn catchable() -> impl Iterator<Item = i32> {
    (1..=64).filter(|signal| ![9, 19].contains(signal))
}

fn no_signals() -> Vec<String> {
    Vec::new()
}

/// SG01 to SG07, SG38, SG39
fn signal_to_the_pid_reaches_the_command_once(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals").spawn();
    job.stdout.read_ready_pid();
    for signal in catchable() {
        job.kill(signal);
        assert_eq!(job.stdout.read_line(), format!("signal {signal}"));
        assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals(), "after signal {signal}");
    }
    sigqueue(job.pid, 63, 12);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(12));
    sandbox.assert_logged(&[12]);
}

/// F-01
fn signal_by_process_name_reaches_the_command_once(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals").spawn();
    job.stdout.read_ready_pid();
    let name = fs::read_to_string(format!("/proc/{}/comm", job.pid)).expect("its name");
    let session = Process::of(job.pid).expect("it runs").session.to_string();
    let select = ["-x", "-s", &session, name.trim()];
    // The sentinel may still be starting.
    wait_until("one process has the name", || {
        let found = Command::new("pgrep").args(select).output().expect("pgrep");
        String::from_utf8_lossy(&found.stdout) == format!("{}\n", job.pid)
    });
    for _ in 0..10 {
        let sent = Command::new("pkill").arg("-USR1").args(select).status().expect("pkill");
        assert!(sent.success());
        assert_eq!(job.stdout.read_line(), "signal 10");
        assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals());
    }
    sigqueue(job.pid, 63, 12);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(12));
}

/// The other child of the tm-run that has started this command.
#[track_caller]
pub fn sentinel_beside(command: i32) -> i32 {
    let parent = Process::of(command).expect("the command is there").parent;
    let is_sentinel = |process: &Process| process.parent == parent && process.pid != command;
    Process::all().find(is_sentinel).expect("a sentinel").pid
}

/// F-01
fn signal_to_the_sentinel_alone_changes_no_later_signal(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals").spawn();
    let sentinel = sentinel_beside(job.stdout.read_ready_pid());
    for signal in catchable().filter(|signal| ![18, 20, 21, 22].contains(signal)) {
        // By another process than the one that sends the next.
        let kill = format!("kill -{signal} {sentinel}");
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("sh").success());
        job.kill(signal);
        assert_eq!(job.stdout.read_line(), format!("signal {signal}"));
        assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals(), "after signal {signal}");
    }
    sigqueue(job.pid, 63, 12);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(12));
}

/// SG14, SG15, SG16
fn signal_to_the_process_group_reaches_the_command_once(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals").spawn();
    job.stdout.read_ready_pid();
    for signal in catchable() {
        job.kill_group(signal);
        assert_eq!(job.stdout.read_line(), format!("signal {signal}"));
        assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals(), "after signal {signal}");
    }
    sigqueue(job.pid, 63, 12);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(12));
    sandbox.assert_logged(&[12]);
}

/// SG44. The second one comes at any moment of what tm-run does with the first.
fn signal_to_the_process_group_sent_twice_reaches_the_command_at_most_twice(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals").spawn();
    job.stdout.read_ready_pid();
    for round in 0..400 {
        job.kill_group(10);
        (0..round % 40 * 1000).for_each(|_| std::hint::spin_loop());
        job.kill_group(10);
        let got = job.stdout.signals_until_quiet(job.pid);
        assert!((1..=2).contains(&got.len()) && got.iter().all(|line| line == "signal 10"), "{got:?}");
    }
    // What was put down to the group is not kept for one to tm-run alone.
    job.kill(10);
    assert_eq!(job.stdout.signals_until_quiet(job.pid), ["signal 10"]);
    sigqueue(job.pid, 63, 12);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(12));
}

/// SG45. What the sentinel has got is the signal to the group, whichever of the two tm-run takes first.
fn signal_to_the_pid_beside_one_to_the_process_group_is_told_from_it(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals").spawn();
    job.stdout.read_ready_pid();
    let expected = |number| [format!("signal 40 value {number}"), "signal 40".to_owned()];
    for number in 0..200 {
        sigqueue_and_kill_group(job.pid, 40, number, number % 40 * 500);
        let mut got = job.stdout.signals_until_quiet(job.pid);
        got.sort_unstable_by_key(|line| !line.contains("value"));
        assert_eq!(got, expected(number));
    }
    // By two processes.
    for round in 0..400 {
        kill_group_and_leader(job.pid, 10, round % 80 * 1000);
        let got = job.stdout.signals_until_quiet(job.pid);
        assert!((1..=2).contains(&got.len()) && got.iter().all(|line| line == "signal 10"), "{got:?}");
    }
    sigqueue(job.pid, 63, 12);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(12));
}

/// SG08
fn sigqueue_value_reaches_the_command(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals").spawn();
    job.stdout.read_ready_pid();
    for (signal, value) in [(10, 42), (15, -1), (40, i32::MAX), (40, 7), (62, 0)] {
        sigqueue(job.pid, signal, value);
        assert_eq!(job.stdout.read_line(), format!("signal {signal} value {value}"));
    }
    assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals());
}

/// SG09, LG09
fn sigterm_handled_by_the_command_keeps_its_exit_code(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals exit-on=15:3").spawn();
    job.stdout.read_ready_pid();
    job.kill(15);
    assert_eq!(job.stdout.read_to_string(), "signal 15\n");
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(3));
    sandbox.assert_logged(&[3]);
}

/// SG10
fn sigterm_death_is_seen_and_leaves_no_process(sandbox: &Sandbox) {
    let mut job = sandbox.probe("pause").spawn();
    job.stdout.read_ready_pid();
    job.kill(15);
    assert_eq!(job.wait_for_exit(), WaitStatus::Killed(15));
    job.assert_no_process_left();
    sandbox.assert_logged(&[143]);
}

/// SG11
fn sigint_sent_three_times_arrives_three_times(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals").spawn();
    job.stdout.read_ready_pid();
    for _ in 0..3 {
        job.kill(2);
        assert_eq!(job.stdout.read_line(), "signal 2");
    }
    assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals());
}

/// Tries moments from the start of tm-run to long after the start of the command.
fn spread(tries: u32, one: impl Fn()) {
    for attempt in 0..tries {
        MOMENT.set(attempt);
        one();
    }
}

thread_local! {
    static MOMENT: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

fn at_its_moment() {
    // Some 100 microseconds more each time.
    for _ in 0..MOMENT.get() * 2000 {
        std::hint::spin_loop();
    }
}

/// SG13
fn sigterm_during_startup_always_kills(sandbox: &Sandbox) {
    spread(60, || {
        let mut job = sandbox.probe("pause").spawn();
        at_its_moment();
        job.kill(15);
        assert_eq!(job.wait_for_exit(), WaitStatus::Killed(15));
        job.assert_no_process_left();
    });
}

/// SG42
fn sigint_to_the_process_group_during_startup_always_kills(sandbox: &Sandbox) {
    spread(60, || {
        let mut job = sandbox.probe("pause").spawn();
        at_its_moment();
        job.kill_group(2);
        assert_eq!(job.wait_for_exit(), WaitStatus::Killed(2));
        job.assert_no_process_left();
    });
}

/// Takes a lease on a file, so that whoever opens it blocks (fcntl(2), "Leases"). Prints a line when somebody does,
/// and lets go of the file when it reads a line.
const HOLD: &str = "
import fcntl, os, signal, sys
file = os.open(sys.argv[1], os.O_RDONLY)
signal.signal(signal.SIGIO, lambda *_: os.write(1, b'asked\\n'))
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
os.write(1, b'held\\n')
sys.stdin.readline()
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
";

/// The child blocks in execve(2), and is stopped there.
fn stop_before_the_exec_is_seen(sandbox: &Sandbox) {
    let program = sandbox.path("program").into_os_string().into_string().expect("a path in UTF-8");
    install(probe(), program.as_ref());
    let mut holder = sandbox.unwrapped(["python3", "-c", HOLD, &program]).stdin(Stdio::piped()).spawn();
    assert_eq!(holder.stdout.read_line(), "held");
    let mut job = sandbox.command([&program, "exit", "3"]).spawn();
    assert_eq!(holder.stdout.read_line(), "asked");
    // One look is not enough: a process that is busy with system calls sleeps at times.
    let sleeps = || Process::of(job.pid).is_some_and(|process| process.state == 'S');
    wait_until("it sleeps", || (0..20).all(|_| sleeps()));
    job.kill_group(20);
    wait_until_stopped(job.pid);
    job.kill_group(18);
    wait_until("it goes on", || Process::of(job.pid).is_some_and(|process| process.state != 'T'));
    holder.write("\n");
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(3));
    assert_eq!(holder.wait_for_exit(), WaitStatus::Exited(0));
}

/// SG17
fn sigkill_of_the_wrapper_kills_the_command(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals").spawn();
    job.stdout.read_ready_pid();
    job.kill(9);
    assert_eq!(job.wait_for_exit(), WaitStatus::Killed(9));
    assert_eq!(job.stdout.read_to_string(), "");
    job.assert_no_process_left();
}

/// SG19, SG33
fn stop_and_sigcont_are_mirrored_to_the_parent(sandbox: &Sandbox) {
    for signal in [20, 21, 22] {
        let mut job = sandbox.probe(&format!("signals default={signal}")).spawn();
        let command = job.stdout.read_ready_pid();
        for _ in 0..3 {
            job.kill(signal);
            assert_eq!(job.wait(), WaitStatus::Stopped(signal));
            wait_until_stopped(command);
            job.kill(18);
            assert_eq!(job.wait(), WaitStatus::Continued);
            assert_eq!(job.stdout.read_line(), "signal 18");
            assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals());
        }
        sigqueue(job.pid, 63, 4);
        assert_eq!(job.wait(), WaitStatus::Exited(4), "and no other stop");
    }
}

/// SG21, SG22
fn stop_and_sigcont_of_the_process_group_are_seen_by_the_parent(sandbox: &Sandbox) {
    for signal in [19, 20] {
        let mut job = sandbox.probe("signals default=20").spawn();
        let command = job.stdout.read_ready_pid();
        for _ in 0..3 {
            job.kill_group(signal);
            assert_eq!(job.wait(), WaitStatus::Stopped(signal));
            wait_until_stopped(command);
            job.kill_group(18);
            assert_eq!(job.wait(), WaitStatus::Continued);
            assert_eq!(job.stdout.read_line(), "signal 18");
            assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals());
        }
        sigqueue(job.pid, 63, 4);
        assert_eq!(job.wait(), WaitStatus::Exited(4), "and no other stop");
    }
}

/// SG43
fn stop_right_after_sigcont_stops_again(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals default=20").spawn();
    let command = job.stdout.read_ready_pid();
    job.kill_group(20);
    assert_eq!(job.wait(), WaitStatus::Stopped(20));
    for _ in 0..200 {
        wait_until_stopped(job.pid);
        wait_until_stopped(command);
        job.kill_group(18);
        job.kill_group(20);
    }
    wait_until_stopped(job.pid);
    wait_until_stopped(command);
    job.kill_group(18);
    sigqueue(job.pid, 63, 4);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(4));
}

/// SG43
fn sigcont_right_after_a_stop_continues(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals default=20 ignore=18").spawn();
    job.stdout.read_ready_pid();
    for round in 0..200 {
        job.kill_group(20);
        for _ in 0..round % 50 * 100 {
            std::hint::spin_loop();
        }
        job.kill_group(18);
        assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals(), "round {round}");
    }
}

/// SG16, SG21
fn signal_to_the_process_group_that_was_pending_while_stopped_arrives_once(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals").spawn();
    let command = job.stdout.read_ready_pid();
    job.kill_group(19);
    assert_eq!(job.wait(), WaitStatus::Stopped(19));
    job.kill_group(10);
    // Each alone, so that tm-run learns of the signal when the command has had it.
    send_signal(command, 18);
    assert_eq!(job.stdout.read_line(), "signal 10");
    assert_eq!(job.stdout.read_line(), "signal 18");
    job.kill(18);
    assert_eq!(job.stdout.read_line(), "signal 18");
    assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals());
}

/// SG19, SG21
fn stop_of_the_process_group_is_ended_by_sigcont_to_the_pid(sandbox: &Sandbox) {
    for signal in [19, 20, 21, 22] {
        let mut job = sandbox.probe("signals default=20 default=21 default=22").spawn();
        job.stdout.read_ready_pid();
        let mut stop_by = |kill: fn(&Job, i32), signal| {
            kill(&job, signal);
            assert_eq!(job.wait(), WaitStatus::Stopped(signal));
            job.kill(18);
            assert_eq!(job.wait(), WaitStatus::Continued);
            assert_eq!(job.stdout.read_line(), "signal 18");
            assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals());
        };
        // It varies whether tm-run learns first of the signal or of the command's stop.
        for _ in 0..10 {
            stop_by(Job::kill_group, signal);
            // The next one is not the group's, and must not be taken for the first.
            stop_by(Job::kill, signal.max(20));
        }
    }
}

/// SG27
fn kill_ppid_by_the_command_reaches_the_launcher(sandbox: &Sandbox) {
    nix::unistd::mkfifo(&sandbox.path("go"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let script = "trap 'echo launcher; echo > ../go' USR1
        $W sh -c 'trap \"echo command\" USR1; kill -USR1 $PPID; read x < ../go; exit 3' &
        wait $!; wait $!; echo $?";
    assert_eq!(sandbox.bash(script).output().text(), "launcher\n3\n");
}

/// SG24
fn signal_to_the_pid_does_not_reach_grandchildren(sandbox: &Sandbox) {
    let script = "trap 'echo parent' USR1; $P signals & while :; do wait; done";
    let mut job = sandbox.command(["bash", "-c", script]).spawn();
    let child = job.stdout.read_ready_pid();
    job.kill(10);
    assert_eq!(job.stdout.read_line(), "parent");
    assert_eq!(job.stdout.signals_until_quiet(child), no_signals());
}

/// SG25
fn kill_0_by_the_command_reaches_it_once(sandbox: &Sandbox) {
    for signal in [1, 2, 3, 10, 15] {
        let mut job = sandbox.probe(&format!("signals-own-group {signal}")).spawn();
        assert_eq!(job.stdout.read_line(), format!("signal {signal}"));
        let command = job.stdout.read_ready_pid();
        assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals());
        sigqueue(command, 63, 2);
        assert_eq!(job.wait_for_exit(), WaitStatus::Exited(2));
    }
}

/// SG26
fn kill_0_by_a_child_reaches_the_command_once(sandbox: &Sandbox) {
    for signal in [1, 2, 10, 15] {
        let script = format!("trap '' {signal}; $W $P child-signals-group {signal}; exit $?");
        let mut job = sandbox.bash(&script).spawn();
        assert_eq!(job.stdout.read_line(), format!("signal {signal}"));
        let command = job.stdout.read_ready_pid();
        let launched = sandbox.launched_pid(command);
        assert_eq!(job.stdout.signals_until_quiet(launched), no_signals());
        sigqueue(command, 63, 2);
        assert_eq!(job.wait_for_exit(), WaitStatus::Exited(2));
    }
}

/// SG26
///
/// The sender's ancestors tell that the whole group has got it. The sentinel stays a zombie: tm-run ends it by its pid,
/// which must not become another process's.
fn kill_0_by_a_child_reaches_the_command_once_without_the_sentinel(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals read default=17").stdin(Stdio::piped()).spawn();
    let sentinel = sentinel_beside(job.stdout.read_ready_pid());
    send_signal(sentinel, 9);
    for signal in [1, 2, 10, 15] {
        job.write(&format!("kill 0 {signal}\n"));
        assert_eq!(job.stdout.read_line(), format!("signal {signal}"));
        assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals());
    }
    assert_eq!(Process::of(sentinel).expect("nobody has reaped it").state, 'Z');
    job.write("exit 2\n");
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(2));
}

/// SG28
fn nested_wrappers_deliver_a_signal_once(sandbox: &Sandbox) {
    let words = [TM_RUN, "--target", "outer", "--", TM_RUN, "--target", "inner", "--", probe(), "signals"];
    let mut job = sandbox.unwrapped(words).spawn();
    job.stdout.read_ready_pid();
    for signal in [15, 2, 10, 40] {
        job.kill(signal);
        assert_eq!(job.stdout.read_line(), format!("signal {signal}"));
        assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals());
        job.kill_group(signal);
        assert_eq!(job.stdout.read_line(), format!("signal {signal}"));
        assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals());
    }
    sigqueue(job.pid, 63, 8);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(8));
    sandbox.assert_logged(&[8, 8]);
}

/// SG29
fn timeout_around_the_wrapper_ends_the_command(sandbox: &Sandbox) {
    let output = sandbox.bash("timeout 0.2 $W $P pause > /dev/null; echo $?").output();
    assert_eq!(output.text(), "124\n");
    sandbox.assert_logged(&[143]);
}

/// SG30
fn timeout_inside_the_wrapper_exits_124(sandbox: &Sandbox) {
    assert_eq!(
        sandbox.command(["timeout", "0.2", probe(), "pause"]).wait_for_exit(),
        WaitStatus::Exited(124)
    );
    sandbox.assert_logged(&[124]);
}

/// SG41
///
/// timeout forwards SIGTERM only once it knows its child's pid, and the child may be ready before that.
fn timeout_inside_the_wrapper_forwards_sigterm(sandbox: &Sandbox) {
    let mut job = sandbox.command(["timeout", "9999", probe(), "pause"]).spawn();
    let command = job.stdout.read_ready_pid();
    let timeout = Process::of(command).expect("the command is there").parent;
    wait_until("timeout waits", || Process::of(timeout).is_some_and(|process| process.state == 'S'));
    job.kill(15);
    assert_eq!(job.wait_for_exit(), WaitStatus::Killed(15));
    job.assert_no_process_left();
}

/// SG31
fn sigchld_sent_to_the_pid_is_harmless(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals default=17").spawn();
    job.stdout.read_ready_pid();
    for _ in 0..50 {
        job.kill(17);
    }
    assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals());
    sigqueue(job.pid, 63, 3);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(3));
}

/// SG34
fn signal_storm_loses_no_kind_of_signal(sandbox: &Sandbox) {
    const KINDS: [i32; 10] = [1, 2, 3, 10, 12, 13, 14, 15, 23, 28];
    let mut job = sandbox.probe("signals").spawn();
    job.stdout.read_ready_pid();
    for round in 0..400 {
        let signal = KINDS[round % KINDS.len()];
        if round % 3 == 0 { job.kill_group(signal) } else { job.kill(signal) }
    }
    let seen = job.stdout.signals_until_quiet(job.pid);
    for signal in KINDS {
        let line = format!("signal {signal}");
        assert!(seen.iter().any(|other| other.starts_with(&line)), "{line} is lost");
    }
    assert!(seen.len() <= 400, "{} signals of 400", seen.len());
    sigqueue(job.pid, 63, 6);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(6));
}

/// SG35
fn sighup_ignored_as_by_nohup_has_no_effect(sandbox: &Sandbox) {
    let mut job = sandbox.probe("pause").launch_option("--ignore", "1").spawn();
    job.stdout.read_ready_pid();
    job.kill(1);
    job.kill_group(1);
    job.kill(15);
    assert_eq!(job.wait_for_exit(), WaitStatus::Killed(15));
    sandbox.assert_logged(&[143]);
}

/// SG36
fn sigint_stays_ignored_in_a_background_job_of_a_script(sandbox: &Sandbox) {
    let mut job = sandbox.unwrapped(["sh", "-c", "$W $P pause & wait $!; exit $?"]).spawn();
    let command = job.stdout.read_ready_pid();
    let launched = sandbox.launched_pid(command);
    send_signal(launched, 2);
    send_signal(launched, 3);
    send_signal(launched, 15);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(143));
    job.assert_no_process_left();
}

/// SG40
fn signal_to_the_process_group_reaches_all_of_a_group_that_the_command_made(sandbox: &Sandbox) {
    let words = [probe(), "in-group", "0", "bash", "-c", "$P signals & exec $P signals"];
    let mut job = sandbox.command(words).spawn();
    let both = [job.stdout.read_ready_pid(), job.stdout.read_ready_pid()];
    for signal in catchable().filter(|&signal| signal != 17) {
        job.kill_group(signal);
        for _ in both {
            assert_eq!(job.stdout.read_line(), format!("signal {signal}"));
        }
        for process in both {
            assert_eq!(job.stdout.signals_until_quiet(process), no_signals(), "after signal {signal}");
        }
    }
}

/// SG40
fn signal_to_the_process_group_reaches_nobody_of_a_group_that_the_command_joined(sandbox: &Sandbox) {
    let script =
        ": > ../told; $P signals to=../told & $P in-group 0 $P signals & exec $W $P in-group $! $P signals";
    let mut job = sandbox.bash(script).spawn();
    let both = [job.stdout.read_ready_pid(), job.stdout.read_ready_pid()];
    let told = |text| fs::read_to_string(sandbox.path("told")).is_ok_and(|told| told.contains(text));
    wait_until("the group has a member", || told("ready"));
    job.kill_group(10);
    wait_until("the member has the signal", || told("signal 10"));
    for process in [job.pid, both[0], both[1]] {
        assert_eq!(job.stdout.signals_until_quiet(process), no_signals());
    }
}

/// SG40
fn signal_reaches_a_command_in_its_own_process_group(sandbox: &Sandbox) {
    let mut job: Job = sandbox.probe("signals own-group").spawn();
    job.stdout.read_ready_pid();
    for signal in [15, 2, 1, 10] {
        job.kill(signal);
        assert_eq!(job.stdout.read_line(), format!("signal {signal}"));
        assert_eq!(job.stdout.signals_until_quiet(job.pid), no_signals());
    }
}

//! Every signal reaches the command once: whoever sent it, and whether it was meant for one process or for
//! the whole job.

use std::process::Stdio;

use crate::ledger::{Case, cases};
use crate::stage::{
    BARE_AND_RECORDED, EVERY_WAY, Job, Process, RECORDED, Stage, TM_RUN, Told, probe, queue, send, stopped,
    until,
};

pub fn cases() -> Vec<Case> {
    let mut all = cases![EVERY_WAY;
        every_signal_reaches_the_command_exactly_once,
        every_signal_to_the_whole_job_reaches_the_command_exactly_once,
        a_queued_value_arrives,
        a_command_that_cleans_up_gives_its_own_code,
        death_by_sigterm_is_seen_and_leaves_nothing,
        three_interrupts_are_three,
        kill_9_takes_the_command_along,
        a_stop_and_its_end_are_mirrored,
        a_stop_of_the_whole_job_and_its_end_are_seen,
        a_signal_does_not_reach_the_children_of_the_command,
        a_command_that_signals_its_own_group_hears_it_once,
        a_child_that_signals_the_group_is_heard_once,
        stray_sigchlds_do_no_harm,
        a_storm_of_signals_loses_none_for_good,
        an_ignored_hangup_stays_without_effect,
        a_background_job_of_a_script_ignores_the_interrupt,
        a_command_in_a_group_of_its_own_is_told,
    ];
    all.extend(cases![EVERY_WAY, needs ["timeout"];
        timeout_outside_ends_the_command,
        timeout_inside_gives_its_code,
        timeout_inside_passes_sigterm_on,
    ]);
    all.extend(cases![BARE_AND_RECORDED;
        sigterm_during_the_start_always_kills,
        an_interrupt_of_the_job_during_the_start_always_kills,
    ]);
    all.extend(cases![EVERY_WAY, needs ["python3"]; a_stop_before_the_command_has_started_is_seen]);
    all.extend(cases![RECORDED; nested_twice_a_signal_arrives_once]);
    all
}

fn catchable() -> impl Iterator<Item = i32> {
    (1..=64).filter(|signal| ![9, 19].contains(signal))
}

fn nothing() -> Vec<String> {
    Vec::new()
}

/// SG01 to SG07, SG38, SG39
fn every_signal_reaches_the_command_exactly_once(stage: &Stage) {
    let mut job = stage.probe("signals").start();
    job.out.ready();
    for signal in catchable() {
        job.send(signal);
        assert_eq!(job.out.line(), format!("signal {signal}"));
        assert_eq!(job.out.signals_until_quiet(job.pid), nothing(), "after signal {signal}");
    }
    queue(job.pid, 63, 12);
    assert_eq!(job.end(), Told::Exited(12));
    stage.logged(&[12]);
}

/// SG14, SG15, SG16
fn every_signal_to_the_whole_job_reaches_the_command_exactly_once(stage: &Stage) {
    let mut job = stage.probe("signals").start();
    job.out.ready();
    for signal in catchable() {
        job.send_to_group(signal);
        assert_eq!(job.out.line(), format!("signal {signal}"));
        assert_eq!(job.out.signals_until_quiet(job.pid), nothing(), "after signal {signal}");
    }
    queue(job.pid, 63, 12);
    assert_eq!(job.end(), Told::Exited(12));
    stage.logged(&[12]);
}

/// SG08
fn a_queued_value_arrives(stage: &Stage) {
    let mut job = stage.probe("signals").start();
    job.out.ready();
    for (signal, value) in [(10, 42), (15, -1), (40, i32::MAX), (40, 7), (62, 0)] {
        queue(job.pid, signal, value);
        assert_eq!(job.out.line(), format!("signal {signal} value {value}"));
    }
    assert_eq!(job.out.signals_until_quiet(job.pid), nothing());
}

/// SG09, LG09
fn a_command_that_cleans_up_gives_its_own_code(stage: &Stage) {
    let mut job = stage.probe("signals exit-on=15:3").start();
    job.out.ready();
    job.send(15);
    assert_eq!(job.out.rest_text(), "signal 15\n");
    assert_eq!(job.end(), Told::Exited(3));
    stage.logged(&[3]);
}

/// SG10
fn death_by_sigterm_is_seen_and_leaves_nothing(stage: &Stage) {
    let mut job = stage.probe("pause").start();
    job.out.ready();
    job.send(15);
    assert_eq!(job.end(), Told::Killed(15));
    job.leaves_nothing();
    stage.logged(&[143]);
}

/// SG11
fn three_interrupts_are_three(stage: &Stage) {
    let mut job = stage.probe("signals").start();
    job.out.ready();
    for _ in 0..3 {
        job.send(2);
        assert_eq!(job.out.line(), "signal 2");
    }
    assert_eq!(job.out.signals_until_quiet(job.pid), nothing());
}

/// Different moments from the start of the process to long after its command's own.
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
fn sigterm_during_the_start_always_kills(stage: &Stage) {
    spread(60, || {
        let mut job = stage.probe("pause").start();
        at_its_moment();
        job.send(15);
        assert_eq!(job.end(), Told::Killed(15));
        job.leaves_nothing();
    });
}

/// SG42
fn an_interrupt_of_the_job_during_the_start_always_kills(stage: &Stage) {
    spread(60, || {
        let mut job = stage.probe("pause").start();
        at_its_moment();
        job.send_to_group(2);
        assert_eq!(job.end(), Told::Killed(2));
        job.leaves_nothing();
    });
}

/// Has whoever opens a file wait: says so when somebody does, and lets go of it when told to (fcntl(2), "Leases").
const HOLD: &str = "
import fcntl, os, signal, sys
file = os.open(sys.argv[1], os.O_RDONLY)
signal.signal(signal.SIGIO, lambda *_: os.write(1, b'asked\\n'))
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
os.write(1, b'held\\n')
sys.stdin.readline()
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
";

/// The command's process is held in its execve(2), and stopped there.
fn a_stop_before_the_command_has_started_is_seen(stage: &Stage) {
    let program = stage.path("program").into_os_string().into_string().expect("a path in UTF-8");
    // Not by us, who may have just made a child that has our files open: such a file cannot be held, nor executed.
    assert_eq!(stage.plain(["cp", probe(), &program]).end(), Told::Exited(0));
    let mut holder = stage.plain(["python3", "-c", HOLD, &program]).input(Stdio::piped()).start();
    assert_eq!(holder.out.line(), "held");
    let mut job = stage.command([&program, "exit", "3"]).start();
    assert_eq!(holder.out.line(), "asked");
    job.send_to_group(20);
    stopped(job.pid);
    job.send_to_group(18);
    until("it goes on", || Process::of(job.pid).is_some_and(|process| process.state != 'T'));
    holder.write("\n");
    assert_eq!(job.end(), Told::Exited(3));
    assert_eq!(holder.end(), Told::Exited(0));
}

/// SG17
fn kill_9_takes_the_command_along(stage: &Stage) {
    let mut job = stage.probe("signals").start();
    job.out.ready();
    job.send(9);
    assert_eq!(job.end(), Told::Killed(9));
    assert_eq!(job.out.rest_text(), "");
    job.leaves_nothing();
}

/// SG19, SG33
fn a_stop_and_its_end_are_mirrored(stage: &Stage) {
    for signal in [20, 21, 22] {
        let mut job = stage.probe(&format!("signals default={signal}")).start();
        let command = job.out.ready();
        for _ in 0..3 {
            job.send(signal);
            assert_eq!(job.told(), Told::Stopped(signal));
            stopped(command);
            job.send(18);
            assert_eq!(job.told(), Told::Continued);
            assert_eq!(job.out.line(), "signal 18");
            assert_eq!(job.out.signals_until_quiet(job.pid), nothing());
        }
        queue(job.pid, 63, 4);
        assert_eq!(job.told(), Told::Exited(4), "and no other stop");
    }
}

/// SG21, SG22
fn a_stop_of_the_whole_job_and_its_end_are_seen(stage: &Stage) {
    for signal in [19, 20] {
        let mut job = stage.probe("signals default=20").start();
        let command = job.out.ready();
        for _ in 0..3 {
            job.send_to_group(signal);
            assert_eq!(job.told(), Told::Stopped(signal));
            stopped(command);
            job.send_to_group(18);
            assert_eq!(job.told(), Told::Continued);
            assert_eq!(job.out.line(), "signal 18");
            assert_eq!(job.out.signals_until_quiet(job.pid), nothing());
        }
        queue(job.pid, 63, 4);
        assert_eq!(job.told(), Told::Exited(4), "and no other stop");
    }
}

/// SG24
fn a_signal_does_not_reach_the_children_of_the_command(stage: &Stage) {
    let script = "trap 'echo parent' USR1; $P signals & while :; do wait; done";
    let mut job = stage.command(["bash", "-c", script]).start();
    let child = job.out.ready();
    job.send(10);
    assert_eq!(job.out.line(), "parent");
    assert_eq!(job.out.signals_until_quiet(child), nothing());
}

/// SG25
fn a_command_that_signals_its_own_group_hears_it_once(stage: &Stage) {
    for signal in [1, 2, 3, 10, 15] {
        let mut job = stage.probe(&format!("signals-own-group {signal}")).start();
        assert_eq!(job.out.line(), format!("signal {signal}"));
        let command = job.out.ready();
        assert_eq!(job.out.signals_until_quiet(job.pid), nothing());
        queue(command, 63, 2);
        assert_eq!(job.end(), Told::Exited(2));
    }
}

/// SG26
fn a_child_that_signals_the_group_is_heard_once(stage: &Stage) {
    for signal in [1, 2, 10, 15] {
        let script = format!("trap '' {signal}; $W $P child-signals-group {signal}; exit $?");
        let mut job = stage.bash(&script).start();
        assert_eq!(job.out.line(), format!("signal {signal}"));
        let command = job.out.ready();
        let launched = stage.launched(command);
        assert_eq!(job.out.signals_until_quiet(launched), nothing());
        queue(command, 63, 2);
        assert_eq!(job.end(), Told::Exited(2));
    }
}

/// SG28
fn nested_twice_a_signal_arrives_once(stage: &Stage) {
    let words = [TM_RUN, "--target", "outer", "--", TM_RUN, "--target", "inner", "--", probe(), "signals"];
    let mut job = stage.plain(words).start();
    job.out.ready();
    for signal in [15, 2, 10, 40] {
        job.send(signal);
        assert_eq!(job.out.line(), format!("signal {signal}"));
        assert_eq!(job.out.signals_until_quiet(job.pid), nothing());
        job.send_to_group(signal);
        assert_eq!(job.out.line(), format!("signal {signal}"));
        assert_eq!(job.out.signals_until_quiet(job.pid), nothing());
    }
    queue(job.pid, 63, 8);
    assert_eq!(job.end(), Told::Exited(8));
    stage.logged(&[8, 8]);
}

/// SG29
fn timeout_outside_ends_the_command(stage: &Stage) {
    let finished = stage.bash("timeout 0.2 $W $P pause > /dev/null; echo $?").finish();
    assert_eq!(finished.text(), "124\n");
    stage.logged(&[143]);
}

/// SG30
fn timeout_inside_gives_its_code(stage: &Stage) {
    assert_eq!(stage.command(["timeout", "0.2", probe(), "pause"]).end(), Told::Exited(124));
    stage.logged(&[124]);
}

/// SG41
///
/// Before it knows its child's number, timeout ends alone: its child may be ready before that.
fn timeout_inside_passes_sigterm_on(stage: &Stage) {
    let mut job = stage.command(["timeout", "9999", probe(), "pause"]).start();
    let command = job.out.ready();
    let timeout = Process::of(command).expect("the command is there").parent;
    until("timeout waits", || Process::of(timeout).is_some_and(|process| process.state == 'S'));
    job.send(15);
    assert_eq!(job.end(), Told::Killed(15));
    job.leaves_nothing();
}

/// SG31
fn stray_sigchlds_do_no_harm(stage: &Stage) {
    let mut job = stage.probe("signals default=17").start();
    job.out.ready();
    for _ in 0..50 {
        job.send(17);
    }
    assert_eq!(job.out.signals_until_quiet(job.pid), nothing());
    queue(job.pid, 63, 3);
    assert_eq!(job.end(), Told::Exited(3));
}

/// SG34
fn a_storm_of_signals_loses_none_for_good(stage: &Stage) {
    const KINDS: [i32; 10] = [1, 2, 3, 10, 12, 13, 14, 15, 23, 28];
    let mut job = stage.probe("signals").start();
    job.out.ready();
    for round in 0..400 {
        let signal = KINDS[round % KINDS.len()];
        if round % 3 == 0 { job.send_to_group(signal) } else { job.send(signal) }
    }
    let seen = job.out.signals_until_quiet(job.pid);
    for signal in KINDS {
        let line = format!("signal {signal}");
        assert!(seen.iter().any(|other| other.starts_with(&line)), "{line} is lost");
    }
    assert!(seen.len() <= 400, "{} signals of 400", seen.len());
    queue(job.pid, 63, 6);
    assert_eq!(job.end(), Told::Exited(6));
}

/// SG35
fn an_ignored_hangup_stays_without_effect(stage: &Stage) {
    let mut job = stage.probe("pause").option("--ignore", "1").start();
    job.out.ready();
    job.send(1);
    job.send_to_group(1);
    job.send(15);
    assert_eq!(job.end(), Told::Killed(15));
    stage.logged(&[143]);
}

/// SG36
fn a_background_job_of_a_script_ignores_the_interrupt(stage: &Stage) {
    let mut job = stage.plain(["sh", "-c", "$W $P pause & wait $!; exit $?"]).start();
    let command = job.out.ready();
    let launched = stage.launched(command);
    send(launched, 2);
    send(launched, 3);
    send(launched, 15);
    assert_eq!(job.end(), Told::Exited(143));
    job.leaves_nothing();
}

/// SG40
fn a_command_in_a_group_of_its_own_is_told(stage: &Stage) {
    let mut job: Job = stage.probe("signals own-group").start();
    job.out.ready();
    for signal in [15, 2, 1, 10] {
        job.send(signal);
        assert_eq!(job.out.line(), format!("signal {signal}"));
        assert_eq!(job.out.signals_until_quiet(job.pid), nothing());
    }
}

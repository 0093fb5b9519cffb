//! Under make, which is where most of it will run.

use std::fs;

use crate::ledger::{Case, cases};
use crate::stage::{EVERY_WAY, Stage, Start, Told, queue};

pub fn cases() -> Vec<Case> {
    cases![EVERY_WAY, needs ["make"];
        make_says_the_exit_code,
        make_says_how_a_command_died,
        four_recipes_run_at_once,
        the_jobserver_reaches_a_make_inside,
        sigterm_to_make_reaches_the_command,
        an_interrupt_of_make_is_one_signal,
        make_says_that_a_command_is_not_found,
        make_stops_and_goes_on,
    ]
}

/// make with this Makefile, in which `$(W)` and `$(P)` are what they are in a shell.
fn make<'s>(stage: &'s Stage, makefile: &str, words: &[&str]) -> Start<'s> {
    fs::write(stage.path("Makefile"), makefile).expect("a Makefile");
    stage.plain(["make", "-f", "../Makefile"].iter().chain(words))
}

/// MK01
fn make_says_the_exit_code(stage: &Stage) {
    let finished = make(stage, "all:\n\t$(W) $(P) exit 3\n", &[]).finish();
    assert_eq!(finished.told, Told::Exited(2));
    assert!(finished.err.contains("Error 3"), "{}", finished.err);
    stage.logged(&[3]);
}

/// MK02
fn make_says_how_a_command_died(stage: &Stage) {
    for (signal, word) in [(15, "Terminated"), (9, "Killed")] {
        let finished = make(stage, &format!("all:\n\t$(W) $(P) die {signal}\n"), &[]).finish();
        assert_eq!(finished.told, Told::Exited(2));
        assert!(finished.err.contains(word), "{}", finished.err);
    }
    stage.logged(&[143, 137]);
}

/// MK03
fn four_recipes_run_at_once(stage: &Stage) {
    let makefile = "all: a b c d\na b c d:\n\t@$(W) $(P) signals\n";
    let mut job = make(stage, makefile, &["-j4"]).start();
    let commands: Vec<i32> = (0..4).map(|_| job.out.ready()).collect();
    for command in commands {
        queue(command, 63, 0);
    }
    assert_eq!(job.end(), Told::Exited(0));
    assert_eq!(job.err.rest_text(), "");
    stage.logged(&[0; 4]);
}

/// MK04
fn the_jobserver_reaches_a_make_inside(stage: &Stage) {
    fs::write(stage.path("inner"), "all: a b c\na b c:\n\t@$(P) signals\n").expect("a Makefile");
    let mut job = make(stage, "all:\n\t+@$(W) $(MAKE) -f ../inner\n", &["-j3"]).start();
    let commands: Vec<i32> = (0..3).map(|_| job.out.ready()).collect();
    for command in commands {
        queue(command, 63, 0);
    }
    assert_eq!(job.end(), Told::Exited(0));
    assert_eq!(job.err.rest_text(), "");
    stage.logged(&[0]);
}

/// MK05
fn sigterm_to_make_reaches_the_command(stage: &Stage) {
    let mut job = make(stage, "all:\n\t@$(W) $(P) signals exit-on=15:3\n", &[]).start();
    job.out.ready();
    job.send(15);
    assert_eq!(job.out.rest_text(), "signal 15\n");
    assert_eq!(job.end(), Told::Killed(15));
    job.leaves_nothing();
    stage.logged(&[3]);
}

/// MK06
///
/// The command ends only after make is in its own handler: make 4.3 sometimes loses a child that ends at
/// the same moment ("wait: No child processes"), which is not for us to test.
fn an_interrupt_of_make_is_one_signal(stage: &Stage) {
    let mut job = make(stage, "all:\n\t@$(W) $(P) signals\n", &[]).on_terminal().start();
    let command = job.terminal().screen.ready();
    job.terminal().ctrl('C');
    assert_eq!(job.terminal().screen.line(), "signal 2");
    let launched = stage.launched(command);
    assert_eq!(job.terminal().screen.signals_until_quiet(launched), Vec::<String>::new());
    super::terminal::has_taken_its_signals(job.pid);
    // Death by SIGINT, after its cleanup.
    queue(command, 63, 1002);
    job.terminal().screen.up_to("Interrupt");
    assert_eq!(job.end(), Told::Killed(2));
    job.leaves_nothing();
    stage.logged(&[130]);
}

/// MK08
fn make_says_that_a_command_is_not_found(stage: &Stage) {
    let finished = make(stage, "all:\n\t$(W) no-such-command-anywhere\n", &[]).finish();
    assert_eq!(finished.told, Told::Exited(2));
    assert!(finished.err.contains("127"), "{}", finished.err);
    stage.logged(&[127]);
}

/// MK09
fn make_stops_and_goes_on(stage: &Stage) {
    let mut shell = stage.shell();
    fs::write(stage.path("Makefile"), "all:\n\t@$(W) $(P) signals default=20\n").expect("a Makefile");
    shell.terminal().type_line("make -f ../Makefile");
    let command = shell.terminal().screen.ready();
    for _ in 0..10 {
        shell.terminal().ctrl('Z');
        let text = shell.terminal().prompt();
        assert!(text.contains("Stopped"), "{text}");
        shell.terminal().type_line("fg");
        shell.terminal().screen.up_to("signal 18\r\n");
    }
    queue(command, 63, 0);
    shell.terminal().prompt();
    shell.terminal().type_line("echo code=$?");
    shell.terminal().screen.up_to("code=0\r\n");
    stage.logged(&[0]);
}

//! Under make, where most runs happen.

use std::fs;

use crate::harness::{Case, EVERY_WAY, Launch, Sandbox, WaitStatus, cases, sigqueue};

pub fn cases() -> Vec<Case> {
    cases![EVERY_WAY, needs ["make"];
        make_reports_the_exit_code,
        make_reports_terminated_and_killed,
        make_j4_runs_four_recipes_in_parallel,
        make_jobserver_reaches_a_sub_make,
        sigterm_to_make_reaches_the_command,
        ctrl_c_to_make_is_one_sigint,
        make_reports_command_not_found_as_127,
        ctrl_z_suspends_make_and_fg_resumes,
    ]
}

/// make with this Makefile, in which `$(W)` and `$(P)` are what they are in a shell.
fn make<'s>(sandbox: &'s Sandbox, makefile: &str, words: &[&str]) -> Launch<'s> {
    fs::write(sandbox.path("Makefile"), makefile).expect("a Makefile");
    sandbox.unwrapped(["make", "-f", "../Makefile"].iter().chain(words))
}

/// MK01
fn make_reports_the_exit_code(sandbox: &Sandbox) {
    let output = make(sandbox, "all:\n\t$(W) $(P) exit 3\n", &[]).output();
    assert_eq!(output.status, WaitStatus::Exited(2));
    assert!(output.stderr.contains("Error 3"), "{}", output.stderr);
    sandbox.assert_logged(&[3]);
}

/// MK02
fn make_reports_terminated_and_killed(sandbox: &Sandbox) {
    for (signal, word) in [(15, "Terminated"), (9, "Killed")] {
        let output = make(sandbox, &format!("all:\n\t$(W) $(P) die {signal}\n"), &[]).output();
        assert_eq!(output.status, WaitStatus::Exited(2));
        assert!(output.stderr.contains(word), "{}", output.stderr);
    }
    sandbox.assert_logged(&[143, 137]);
}

/// MK03
fn make_j4_runs_four_recipes_in_parallel(sandbox: &Sandbox) {
    let makefile = "all: a b c d\na b c d:\n\t@$(W) $(P) signals\n";
    let mut job = make(sandbox, makefile, &["-j4"]).spawn();
    let commands: Vec<i32> = (0..4).map(|_| job.stdout.read_ready_pid()).collect();
    for command in commands {
        sigqueue(command, 63, 0);
    }
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(0));
    assert_eq!(job.stderr.read_to_string(), "");
    sandbox.assert_logged(&[0; 4]);
}

/// MK04
fn make_jobserver_reaches_a_sub_make(sandbox: &Sandbox) {
    fs::write(sandbox.path("inner"), "all: a b c\na b c:\n\t@$(P) signals\n").expect("a Makefile");
    let mut job = make(sandbox, "all:\n\t+@$(W) $(MAKE) -f ../inner\n", &["-j3"]).spawn();
    let commands: Vec<i32> = (0..3).map(|_| job.stdout.read_ready_pid()).collect();
    for command in commands {
        sigqueue(command, 63, 0);
    }
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(0));
    assert_eq!(job.stderr.read_to_string(), "");
    sandbox.assert_logged(&[0]);
}

/// MK05
fn sigterm_to_make_reaches_the_command(sandbox: &Sandbox) {
    let mut job = make(sandbox, "all:\n\t@$(W) $(P) signals exit-on=15:3\n", &[]).spawn();
    job.stdout.read_ready_pid();
    job.kill(15);
    assert_eq!(job.stdout.read_to_string(), "signal 15\n");
    assert_eq!(job.wait_for_exit(), WaitStatus::Killed(15));
    job.assert_no_process_left();
    sandbox.assert_logged(&[3]);
}

/// MK06
///
/// The command ends only after make has handled its own SIGINT: make 4.3 sometimes loses a child that ends at the same
/// moment ("wait: No child processes").
fn ctrl_c_to_make_is_one_sigint(sandbox: &Sandbox) {
    let mut job = make(sandbox, "all:\n\t@$(W) $(P) signals\n", &[]).on_terminal().spawn();
    let command = job.terminal().screen.read_ready_pid();
    job.terminal().ctrl('C');
    assert_eq!(job.terminal().screen.read_line(), "signal 2");
    let launched = sandbox.launched_pid(command);
    assert_eq!(job.terminal().screen.signals_until_quiet(launched), Vec::<String>::new());
    super::terminal::wait_until_signals_are_taken(job.pid);
    // Death by SIGINT, after its cleanup.
    sigqueue(command, 63, 1002);
    job.terminal().screen.read_until("Interrupt");
    assert_eq!(job.wait_for_exit(), WaitStatus::Killed(2));
    job.assert_no_process_left();
    sandbox.assert_logged(&[130]);
}

/// MK08
fn make_reports_command_not_found_as_127(sandbox: &Sandbox) {
    let output = make(sandbox, "all:\n\t$(W) no-such-command-anywhere\n", &[]).output();
    assert_eq!(output.status, WaitStatus::Exited(2));
    assert!(output.stderr.contains("127"), "{}", output.stderr);
    sandbox.assert_logged(&[127]);
}

/// MK09
fn ctrl_z_suspends_make_and_fg_resumes(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    fs::write(sandbox.path("Makefile"), "all:\n\t@$(W) $(P) signals default=20\n").expect("a Makefile");
    shell.terminal().type_line("make -f ../Makefile");
    let command = shell.terminal().screen.read_ready_pid();
    for _ in 0..10 {
        shell.terminal().ctrl('Z');
        let text = shell.terminal().wait_for_prompt();
        assert!(text.contains("Stopped"), "{text}");
        shell.terminal().type_line("fg");
        shell.terminal().screen.read_until("signal 18\r\n");
    }
    sigqueue(command, 63, 0);
    shell.terminal().wait_for_prompt();
    shell.terminal().type_line("echo code=$?");
    shell.terminal().screen.read_until("code=0\r\n");
    sandbox.assert_logged(&[0]);
}

//! On a terminal, mostly under an interactive bash that leads its session.

use std::fs;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::harness::{
    BARE_AND_RECORDED, Case, EVERY_WAY, Job, Sandbox, Stream, WaitStatus, cases, send_signal, sigqueue,
    wait_until, wait_until_stopped,
};

pub fn cases() -> Vec<Case> {
    let mut all = cases![EVERY_WAY;
        the_command_has_the_terminal,
        an_interrupt_is_handled_once_and_the_code_kept,
        seven_interrupts_are_seven,
        an_interrupt_kills_and_the_prompt_is_back,
        a_quit_key_is_one_signal,
        a_stopped_job_goes_on_with_fg,
        a_command_that_ignores_the_stop_key_is_not_stopped,
        a_full_screen_program_stops_once_and_resumes_once,
        in_raw_mode_keys_are_bytes,
        a_background_job_that_reads_is_stopped_until_fg,
        a_background_job_that_writes_is_stopped_until_fg,
        a_resize_is_told_once_with_the_new_size,
        a_closed_terminal_ends_the_command_of_a_shell,
        a_closed_terminal_ends_the_leader_of_a_session,
        settings_of_the_terminal_stay_as_the_command_left_them,
        kill_ends_a_background_job,
        kill_of_a_background_job_arrives_once,
        a_signal_to_a_background_process_arrives_once,
        a_typed_line_is_read,
        a_pipeline_of_two_stops_resumes_and_ends,
        a_shell_inside_has_job_control,
        a_script_stops_at_a_command_that_died_of_the_interrupt,
        a_script_goes_on_after_a_command_that_handled_the_interrupt,
        a_loop_ends_with_one_interrupt,
        on_a_terminal_nothing_is_printed_but_what_the_command_prints,
        a_stopped_job_can_be_killed,
        a_stop_of_the_command_alone_is_seen_by_the_shell,
        an_interrupt_does_not_reach_a_background_job,
    ];
    all.extend(cases![BARE_AND_RECORDED; an_interrupt_during_the_start_is_never_lost]);
    all
}

fn nothing() -> Vec<String> {
    Vec::new()
}

impl Job {
    /// Types a line that starts a probe, and waits until that is ready. Its process id.
    #[track_caller]
    fn run(&mut self, line: &str) -> i32 {
        self.terminal().type_line(line);
        self.terminal().screen.read_ready_pid()
    }

    /// Types a line and gives what it prints.
    #[track_caller]
    fn prints(&mut self, line: &str) -> String {
        self.terminal().type_line(line);
        self.terminal().wait_for_prompt()
    }

    #[track_caller]
    fn last_code_is(&mut self, code: i32) {
        let text = self.prints("echo code=$?");
        assert!(text.contains(&format!("code={code}\r\n")), "{code} expected: {text}");
    }

    #[track_caller]
    fn sees(&mut self, text: &str) {
        self.terminal().screen.read_until(text);
    }

    /// Ctrl-Z, and the shell says so.
    #[track_caller]
    fn stop_key(&mut self) {
        self.terminal().ctrl('Z');
        let text = self.terminal().wait_for_prompt();
        assert!(text.contains("Stopped"), "{text}");
    }

    /// Only the shell is left.
    #[track_caller]
    fn shell_is_alone(&self) {
        wait_until("only the shell is left", || {
            self.session_processes().iter().all(|process| process.pid == self.pid)
        });
    }

    /// Waits until the shell knows of it.
    #[track_caller]
    fn jobs_show(&mut self, text: &str) {
        wait_until(text, || self.prints("jobs -l").contains(text));
    }
}

/// TT01
fn the_command_has_the_terminal(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let bare = shell.prints("$P terminal");
    assert!(bare.contains("foreground 1"), "{bare}");
    assert_eq!(shell.prints("$W $P terminal"), bare);
}

/// TT02
fn an_interrupt_is_handled_once_and_the_code_kept(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.run("$W $P signals exit-on=2:5");
    shell.terminal().ctrl('C');
    let text = shell.terminal().wait_for_prompt();
    assert_eq!(text.matches("signal").count(), 1, "{text}");
    shell.last_code_is(5);
    sandbox.assert_logged(&[5]);
}

/// TT03
fn seven_interrupts_are_seven(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.run("$W $P signals");
    let launched = sandbox.launched_pid(command);
    for _ in 0..7 {
        shell.terminal().ctrl('C');
        shell.sees("signal 2\r\n");
        assert_eq!(shell.terminal().screen.signals_until_quiet(launched), nothing());
    }
    sigqueue(command, 63, 9);
    shell.terminal().wait_for_prompt();
    shell.last_code_is(9);
}

/// TT04, LG05
fn an_interrupt_kills_and_the_prompt_is_back(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.run("$W $P signals default=2");
    shell.terminal().ctrl('C');
    shell.terminal().wait_for_prompt();
    shell.last_code_is(130);
    shell.shell_is_alone();
    sandbox.assert_logged(&[130]);
}

/// TT05
fn a_quit_key_is_one_signal(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.run("$W $P signals");
    shell.terminal().ctrl('\\');
    shell.sees("signal 3\r\n");
    let launched = sandbox.launched_pid(command);
    assert_eq!(shell.terminal().screen.signals_until_quiet(launched), nothing());
}

/// TT06
fn a_stopped_job_goes_on_with_fg(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.run("$W $P signals default=20 exit-on=2:5");
    let launched = sandbox.launched_pid(command);
    for _ in 0..3 {
        shell.stop_key();
        shell.last_code_is(148);
        shell.terminal().type_line("fg");
        shell.sees("signal 18\r\n");
        assert_eq!(shell.terminal().screen.signals_until_quiet(launched), nothing());
    }
    shell.terminal().ctrl('C');
    shell.sees("signal 2\r\n");
    shell.terminal().wait_for_prompt();
    shell.last_code_is(5);
    sandbox.assert_logged(&[5]);
}

/// TT07
fn a_command_that_ignores_the_stop_key_is_not_stopped(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.run("$W $P signals ignore=20");
    let launched = sandbox.launched_pid(command);
    shell.terminal().ctrl('Z');
    // A terminal hands its keys on in order: when this one is there, the other has been.
    shell.terminal().ctrl('C');
    shell.sees("signal 2\r\n");
    assert_eq!(shell.terminal().screen.signals_until_quiet(launched), nothing());
    sigqueue(command, 63, 4);
    let text = shell.terminal().wait_for_prompt();
    assert!(!text.contains("Stopped"), "{text}");
    shell.last_code_is(4);
}

/// TT09
fn a_full_screen_program_stops_once_and_resumes_once(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.terminal().type_line("$W $P full-screen");
    shell.sees("raw\r\n");
    for _ in 0..3 {
        shell.stop_key();
        shell.terminal().type_line("fg");
        shell.sees("resumed\r\n");
    }
    shell.terminal().type_text("q");
    shell.sees("stops 3\r\n");
    shell.terminal().wait_for_prompt();
    shell.last_code_is(7);
}

/// TT10
fn in_raw_mode_keys_are_bytes(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.terminal().type_line("$W $P full-screen");
    shell.sees("raw\r\n");
    shell.terminal().ctrl('C');
    shell.sees("byte 3\r\n");
    shell.terminal().ctrl('\\');
    shell.sees("byte 28\r\n");
    shell.terminal().type_text("q");
    shell.sees("stops 0\r\n");
    shell.terminal().wait_for_prompt();
    shell.last_code_is(7);
}

/// TT11
fn a_background_job_that_reads_is_stopped_until_fg(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.run("$W $P signals default=20 default=21 read");
    let launched = sandbox.launched_pid(command);
    shell.stop_key();
    shell.terminal().type_line("bg");
    shell.sees("signal 18\r\n");
    wait_until_stopped(command);
    wait_until_stopped(launched);
    shell.jobs_show("Stopped (tty input)");
    shell.terminal().type_line("fg");
    shell.sees("signal 18\r\n");
    shell.terminal().type_line("hello");
    shell.sees("read <hello>\r\n");
    shell.terminal().type_line("exit 5");
    shell.terminal().wait_for_prompt();
    shell.last_code_is(5);
}

/// TT12
fn a_background_job_that_writes_is_stopped_until_fg(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.prints("stty tostop");
    shell.prints("$W $P signals default=22 exit-on=2:5 &");
    shell.jobs_show("Stopped (tty output)");
    shell.terminal().type_line("fg");
    shell.terminal().screen.read_ready_pid();
    shell.terminal().ctrl('C');
    shell.sees("signal 2\r\n");
    shell.terminal().wait_for_prompt();
    shell.last_code_is(5);
}

/// TT13
fn a_resize_is_told_once_with_the_new_size(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.run("$W $P signals");
    let launched = sandbox.launched_pid(command);
    for columns in ["100", "132", "40"] {
        shell.terminal().stty(&["cols", columns]);
        shell.sees(&format!("signal 28 size 24x{columns}\r\n"));
        assert_eq!(shell.terminal().screen.signals_until_quiet(launched), nothing());
    }
}

/// A FIFO for a command that loses its terminal.
fn fifo(sandbox: &Sandbox, name: &str) -> Stream {
    let path = sandbox.path(name);
    mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
    let mut options = fs::OpenOptions::new();
    Stream::new(options.read(true).write(true).open(path).expect("the FIFO opens"))
}

/// TT14
fn a_closed_terminal_ends_the_command_of_a_shell(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let mut told = fifo(sandbox, "told");
    shell.terminal().type_line(&format!("$W $P signals exit-on=1:0 to={}", sandbox.path("told").display()));
    told.read_ready_pid();
    shell.terminal = None;
    told.read_until("signal 1\n");
    assert_eq!(shell.wait_for_exit(), WaitStatus::Killed(1), "the shell");
    shell.assert_no_process_left();
    sandbox.assert_logged(&[0]);
}

/// TT15
fn a_closed_terminal_ends_the_leader_of_a_session(sandbox: &Sandbox) {
    let mut told = fifo(sandbox, "told");
    let start = sandbox.probe(&format!("signals exit-on=1:4 to={}", sandbox.path("told").display()));
    let mut job = start.launch_option("--leads-session", "yes").on_terminal().spawn();
    told.read_ready_pid();
    job.terminal = None;
    told.read_until("signal 1\n");
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(4));
    job.assert_no_process_left();
    sandbox.assert_logged(&[4]);
}

/// TT17
fn settings_of_the_terminal_stay_as_the_command_left_them(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.prints("$W stty -icanon min 3 -opost");
    let settings = shell.terminal().settings();
    assert!(settings.contains("-icanon") && settings.contains("min = 3"), "{settings}");
    assert!(settings.contains("-opost"), "{settings}");
}

/// TT18
fn kill_ends_a_background_job(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.run("$W $P signals default=15 &");
    // Prompts of before and messages about the job may come in between.
    shell.terminal().type_line("kill %1; wait %1; echo code=$?");
    shell.sees("code=143\r\n");
    shell.shell_is_alone();
    sandbox.assert_logged(&[143]);
}

/// TT19
fn kill_of_a_background_job_arrives_once(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.run("$W $P signals &");
    let launched = sandbox.launched_pid(command);
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1), ("USR1", 10), ("QUIT", 3)] {
        shell.terminal().type_line(&format!("kill -{name} %1"));
        shell.sees(&format!("signal {number}\r\n"));
        assert_eq!(shell.terminal().screen.signals_until_quiet(launched), nothing());
    }
}

/// TT20
fn a_signal_to_a_background_process_arrives_once(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.run("$W $P signals exit-on=15:6 &");
    let launched = sandbox.launched_pid(command);
    shell.terminal().type_line("kill -USR1 $!");
    shell.sees("signal 10\r\n");
    assert_eq!(shell.terminal().screen.signals_until_quiet(launched), nothing());
    shell.terminal().type_line("kill $!; wait $!; echo code=$?");
    shell.sees("signal 15\r\n");
    shell.sees("code=6\r\n");
}

/// TT21
fn a_typed_line_is_read(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.run("$W $P signals read");
    shell.terminal().type_line("hello");
    shell.sees("read <hello>\r\n");
    shell.terminal().ctrl('D');
    shell.terminal().wait_for_prompt();
    shell.last_code_is(0);
}

/// TT22
fn a_pipeline_of_two_stops_resumes_and_ends(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let (mut left, mut right) = (fifo(sandbox, "left"), fifo(sandbox, "right"));
    let side = |name, code| {
        let path = sandbox.path(name);
        format!("$W $P signals default=20 exit-on=2:{code} to={}", path.display())
    };
    shell.terminal().type_line(&format!("{} | {}", side("left", 0), side("right", 5)));
    left.read_ready_pid();
    right.read_ready_pid();
    for _ in 0..3 {
        shell.stop_key();
        shell.terminal().type_line("fg");
        assert_eq!(left.read_line(), "signal 18");
        assert_eq!(right.read_line(), "signal 18");
    }
    shell.terminal().ctrl('C');
    assert_eq!(left.read_line(), "signal 2");
    assert_eq!(right.read_line(), "signal 2");
    shell.terminal().wait_for_prompt();
    shell.last_code_is(5);
    shell.shell_is_alone();
}

/// TT23
fn a_shell_inside_has_job_control(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.prints("$W bash --norc --noprofile --noediting -i");
    shell.run("$P signals default=20 exit-on=2:3");
    shell.stop_key();
    shell.terminal().type_line("fg");
    shell.sees("signal 18\r\n");
    shell.terminal().ctrl('C');
    shell.sees("signal 2\r\n");
    shell.terminal().wait_for_prompt();
    shell.last_code_is(3);
    shell.prints("exit 9");
    shell.last_code_is(9);
    let text = shell.prints("$P terminal");
    assert!(text.contains("foreground 1"), "{text}");
    shell.shell_is_alone();
}

/// TT25
fn a_script_stops_at_a_command_that_died_of_the_interrupt(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    sandbox.script("script", "$W $P signals default=2\necho went on\n");
    shell.run("bash ../script");
    shell.terminal().ctrl('C');
    let text = shell.terminal().wait_for_prompt();
    assert!(!text.contains("went on"), "{text}");
    shell.last_code_is(130);
}

/// Has this process taken the signals it was sent?
#[track_caller]
pub fn has_taken_its_signals(pid: i32) {
    wait_until("the process has taken its signals", || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
        let pending = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a mask");
            u64::from_str_radix(line.trim(), 16).expect("hex") != 0
        };
        !pending("SigPnd:") && !pending("ShdPnd:") && status.contains("State:\tS")
    });
}

/// A script of bash takes an interrupt as the command's only once it waits for it, which a quick command can forestall.
#[track_caller]
fn waits_for_its_command(script: i32) {
    wait_until("the script catches SIGINT and sleeps", || {
        let status = fs::read_to_string(format!("/proc/{script}/status")).expect("the script is there");
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask");
        let caught = u64::from_str_radix(caught.trim(), 16).expect("hex");
        caught & 1 << (nix::sys::signal::Signal::SIGINT as u32 - 1) != 0 && status.contains("State:\tS")
    });
}

/// TT26
///
/// The command ends only when bash has had its own SIGINT: if the two come at once, bash 5.2 itself takes
/// one handled interrupt of a hundred for a deadly one.
fn a_script_goes_on_after_a_command_that_handled_the_interrupt(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    sandbox.script("script", "echo script $$\n$W $P signals\necho went on $?\n");
    shell.terminal().type_line("bash ../script");
    shell.sees("script ");
    let script: i32 = shell.terminal().screen.read_line().parse().expect("a process id");
    let command = shell.terminal().screen.read_ready_pid();
    waits_for_its_command(script);
    shell.terminal().ctrl('C');
    shell.sees("signal 2\r\n");
    has_taken_its_signals(script);
    sigqueue(command, 63, 0);
    let text = shell.terminal().wait_for_prompt();
    assert!(text.contains("went on 0"), "{text}");
}

/// TT27
fn a_loop_ends_with_one_interrupt(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.run("for i in 1 2 3; do $W $P signals default=2; done");
    shell.terminal().ctrl('C');
    let text = shell.terminal().wait_for_prompt();
    assert!(!text.contains("ready"), "{text}");
    shell.shell_is_alone();
    sandbox.assert_logged(&[130]);
}

/// TT28
fn on_a_terminal_nothing_is_printed_but_what_the_command_prints(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let text = shell.prints("$W sh -c 'echo out; echo err >&2; exit 3'");
    assert_eq!(text, format!("out\r\nerr\r\n{}", crate::harness::PROMPT));
}

/// TT29
fn a_stopped_job_can_be_killed(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.run("$W $P signals default=20 default=15 default=18");
    shell.stop_key();
    shell.prints("kill %1");
    // How it ended is in the log. The shell cannot be asked: until it has reaped the job, which it does when it
    // likes, it takes it for a stopped one.
    shell.shell_is_alone();
    sandbox.assert_logged(&[143]);
}

/// TT31
fn a_stop_of_the_command_alone_is_seen_by_the_shell(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.run("$W $P signals exit-on=2:5");
    for _ in 0..3 {
        send_signal(command, 19);
        let text = shell.terminal().wait_for_prompt();
        assert!(text.contains("Stopped"), "{text}");
        shell.terminal().type_line("fg");
        shell.sees("signal 18\r\n");
    }
    shell.terminal().ctrl('C');
    shell.sees("signal 2\r\n");
    shell.terminal().wait_for_prompt();
    shell.last_code_is(5);
}

/// TT32
fn an_interrupt_does_not_reach_a_background_job(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.run("$W $P signals &");
    let launched = sandbox.launched_pid(command);
    shell.prints("true");
    shell.terminal().ctrl('C');
    shell.terminal().wait_for_prompt();
    assert_eq!(shell.terminal().screen.signals_until_quiet(launched), nothing());
}

/// TT38
fn an_interrupt_during_the_start_is_never_lost(sandbox: &Sandbox) {
    for moment in 0..50 {
        let mut job = sandbox.probe("pause").on_terminal().spawn();
        for _ in 0..moment * 2000 {
            std::hint::spin_loop();
        }
        job.terminal().ctrl('C');
        assert_eq!(job.wait_for_exit(), WaitStatus::Killed(2));
        job.assert_no_process_left();
    }
}

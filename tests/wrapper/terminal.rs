//! On a terminal, mostly under an interactive bash that leads its session.

use std::fs;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::harness::{
    ALL_BUT_OFF, Case, EVERY_WAY, Job, RECORDED, Sandbox, Stream, WaitStatus, cases, is_alive, send_signal,
    sigqueue, wait_until, wait_until_stopped,
};

pub fn cases() -> Vec<Case> {
    let mut all = cases![EVERY_WAY;
        tty_and_foreground_group_are_the_commands,
        ctrl_c_is_handled_once_and_the_exit_code_kept,
        ctrl_c_seven_times_is_seven_sigints,
        ctrl_c_kills_the_command_and_the_prompt_returns,
        ctrl_backslash_is_one_sigquit,
        ctrl_z_suspends_and_fg_resumes,
        ctrl_z_ignored_by_the_command_suspends_nothing,
        ctrl_z_suspends_a_full_screen_program_once,
        raw_mode_ctrl_c_is_a_byte,
        sigttin_stops_a_background_read_until_fg,
        sigttou_stops_a_background_write_until_fg,
        sigwinch_arrives_once_with_the_new_size,
        sighup_of_a_closed_tty_ends_the_command_of_a_shell,
        sighup_of_a_closed_tty_ends_a_session_leader,
        stty_settings_stay_as_the_command_left_them,
        kill_of_a_background_job_ends_it,
        kill_of_a_background_job_delivers_each_signal_once,
        kill_of_a_background_pid_delivers_once,
        tty_line_is_read_by_the_command,
        pipeline_of_two_suspends_resumes_and_ends,
        interactive_bash_inside_has_job_control,
        ctrl_c_death_stops_a_bash_script,
        ctrl_c_handled_by_the_command_lets_a_bash_script_continue,
        ctrl_c_ends_a_shell_loop,
        tty_shows_only_what_the_command_writes,
        kill_of_a_suspended_job_ends_it,
        sigstop_of_the_command_alone_suspends_the_job,
        ctrl_c_does_not_reach_a_background_job,
        tty_is_the_jobs_again_after_a_command_in_its_own_group,
        tostop_lets_a_command_in_its_own_group_write,
        ctrl_c_leaves_the_tty_to_the_job_of_a_command_in_its_own_group,
        ctrl_z_bg_and_fg_of_a_command_in_its_own_group,
    ];
    all.extend(cases![EVERY_WAY, needs ["bash"]; suspend_of_a_shell_inside_gives_it_the_tty_back_on_fg]);
    all.extend(cases![EVERY_WAY, needs ["timeout"]; ctrl_z_of_a_session_leader_does_not_hang_its_command]);
    all.extend(cases![ALL_BUT_OFF; ctrl_c_during_startup_is_never_lost]);
    all.extend(cases![RECORDED;
        tty_signals_arrive_once_without_the_sentinel,
        sighup_of_a_closed_tty_ends_a_session_leader_without_the_sentinel,
    ]);
    all
}

fn no_signals() -> Vec<String> {
    Vec::new()
}

impl Job {
    /// Types a line that starts the probe, waits until that is ready, and returns its pid.
    #[track_caller]
    fn start_probe(&mut self, line: &str) -> i32 {
        self.terminal().type_line(line);
        self.terminal().screen.read_ready_pid()
    }

    /// Types a line, and returns what the terminal shows up to the next prompt.
    #[track_caller]
    fn run_line(&mut self, line: &str) -> String {
        self.terminal().type_line(line);
        self.terminal().wait_for_prompt()
    }

    #[track_caller]
    fn assert_last_code(&mut self, code: i32) {
        let text = self.run_line("echo code=$?");
        assert!(text.contains(&format!("code={code}\r\n")), "{code} expected: {text}");
    }

    /// Presses Ctrl-Z, and waits until the shell says that the job is stopped.
    #[track_caller]
    fn press_ctrl_z(&mut self) {
        self.terminal().ctrl('Z');
        let text = self.terminal().wait_for_prompt();
        assert!(text.contains("Stopped"), "{text}");
    }

    #[track_caller]
    fn wait_until_shell_is_alone(&self) {
        wait_until("only the shell is left", || {
            self.session_processes().iter().all(|process| process.pid == self.pid)
        });
    }

    /// Waits until `jobs -l` shows this.
    #[track_caller]
    fn wait_until_jobs_show(&mut self, text: &str) {
        wait_until(text, || self.run_line("jobs -l").contains(text));
    }
}

/// TT01
fn tty_and_foreground_group_are_the_commands(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let bare = shell.run_line("$P terminal");
    assert!(bare.contains("foreground 1"), "{bare}");
    assert_eq!(shell.run_line("$W $P terminal"), bare);
}

/// TT02
fn ctrl_c_is_handled_once_and_the_exit_code_kept(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.start_probe("$W $P signals exit-on=2:5");
    shell.terminal().ctrl('C');
    let text = shell.terminal().wait_for_prompt();
    assert_eq!(text.matches("signal").count(), 1, "{text}");
    shell.assert_last_code(5);
    sandbox.assert_logged(&[5]);
}

/// TT03
fn ctrl_c_seven_times_is_seven_sigints(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.start_probe("$W $P signals");
    let launched = sandbox.launched_pid(command);
    for _ in 0..7 {
        shell.terminal().ctrl('C');
        shell.wait_for_text("signal 2\r\n");
        assert_eq!(shell.terminal().screen.signals_until_quiet(launched), no_signals());
    }
    sigqueue(command, 63, 9);
    shell.terminal().wait_for_prompt();
    shell.assert_last_code(9);
}

/// TT04, LG05
fn ctrl_c_kills_the_command_and_the_prompt_returns(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.start_probe("$W $P signals default=2");
    shell.terminal().ctrl('C');
    shell.terminal().wait_for_prompt();
    shell.assert_last_code(130);
    shell.wait_until_shell_is_alone();
    sandbox.assert_logged(&[130]);
}

/// TT05
fn ctrl_backslash_is_one_sigquit(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.start_probe("$W $P signals");
    shell.terminal().ctrl('\\');
    shell.wait_for_text("signal 3\r\n");
    let launched = sandbox.launched_pid(command);
    assert_eq!(shell.terminal().screen.signals_until_quiet(launched), no_signals());
}

/// TT06
fn ctrl_z_suspends_and_fg_resumes(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.start_probe("$W $P signals default=20 exit-on=2:5");
    let launched = sandbox.launched_pid(command);
    for _ in 0..3 {
        shell.press_ctrl_z();
        shell.assert_last_code(148);
        shell.terminal().type_line("fg");
        shell.wait_for_text("signal 18\r\n");
        assert_eq!(shell.terminal().screen.signals_until_quiet(launched), no_signals());
    }
    shell.terminal().ctrl('C');
    shell.wait_for_text("signal 2\r\n");
    shell.terminal().wait_for_prompt();
    shell.assert_last_code(5);
    sandbox.assert_logged(&[5]);
}

/// TT07
fn ctrl_z_ignored_by_the_command_suspends_nothing(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.start_probe("$W $P signals ignore=20");
    let launched = sandbox.launched_pid(command);
    shell.terminal().ctrl('Z');
    // A terminal delivers its keys in order: when this one has arrived, so has the other.
    shell.terminal().ctrl('C');
    shell.wait_for_text("signal 2\r\n");
    assert_eq!(shell.terminal().screen.signals_until_quiet(launched), no_signals());
    sigqueue(command, 63, 4);
    let text = shell.terminal().wait_for_prompt();
    assert!(!text.contains("Stopped"), "{text}");
    shell.assert_last_code(4);
}

/// TT09
fn ctrl_z_suspends_a_full_screen_program_once(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.terminal().type_line("$W $P full-screen");
    shell.wait_for_text("raw\r\n");
    for _ in 0..3 {
        shell.press_ctrl_z();
        shell.terminal().type_line("fg");
        shell.wait_for_text("resumed\r\n");
    }
    shell.terminal().type_text("q");
    shell.wait_for_text("stops 3\r\n");
    shell.terminal().wait_for_prompt();
    shell.assert_last_code(7);
}

/// TT10
fn raw_mode_ctrl_c_is_a_byte(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.terminal().type_line("$W $P full-screen");
    shell.wait_for_text("raw\r\n");
    shell.terminal().ctrl('C');
    shell.wait_for_text("byte 3\r\n");
    shell.terminal().ctrl('\\');
    shell.wait_for_text("byte 28\r\n");
    shell.terminal().type_text("q");
    shell.wait_for_text("stops 0\r\n");
    shell.terminal().wait_for_prompt();
    shell.assert_last_code(7);
}

/// TT11
fn sigttin_stops_a_background_read_until_fg(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.start_probe("$W $P signals default=20 default=21 read");
    let launched = sandbox.launched_pid(command);
    shell.press_ctrl_z();
    shell.terminal().type_line("bg");
    shell.wait_for_text("signal 18\r\n");
    wait_until_stopped(command);
    wait_until_stopped(launched);
    shell.wait_until_jobs_show("Stopped (tty input)");
    shell.terminal().type_line("fg");
    shell.wait_for_text("signal 18\r\n");
    shell.terminal().type_line("hello");
    shell.wait_for_text("read <hello>\r\n");
    shell.terminal().type_line("exit 5");
    shell.terminal().wait_for_prompt();
    shell.assert_last_code(5);
}

/// TT12
fn sigttou_stops_a_background_write_until_fg(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.run_line("stty tostop");
    shell.run_line("$W $P signals default=22 exit-on=2:5 &");
    shell.wait_until_jobs_show("Stopped (tty output)");
    shell.terminal().type_line("fg");
    shell.terminal().screen.read_ready_pid();
    shell.terminal().ctrl('C');
    shell.wait_for_text("signal 2\r\n");
    shell.terminal().wait_for_prompt();
    shell.assert_last_code(5);
}

/// TT12
fn tostop_lets_a_command_in_its_own_group_write(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.run_line("stty tostop");
    shell.start_probe("$W $P signals own-group default=22 exit-on=2:5");
    shell.terminal().ctrl('C');
    shell.wait_for_text("signal 2\r\n");
    shell.terminal().wait_for_prompt();
    shell.assert_last_code(5);
}

/// TT03
fn ctrl_c_leaves_the_tty_to_the_job_of_a_command_in_its_own_group(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals own-group").on_terminal().spawn();
    job.terminal().screen.read_ready_pid();
    job.terminal().ctrl('C');
    job.wait_for_text("signal 2\r\n");
    assert_eq!(job.terminal().foreground_group(), job.pid);
}

/// TT06
fn ctrl_z_bg_and_fg_of_a_command_in_its_own_group(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.start_probe("$W $P signals own-group default=20 exit-on=2:5");
    shell.press_ctrl_z();
    shell.terminal().type_line("bg");
    shell.wait_for_text("signal 18\r\n");
    assert_eq!(shell.terminal().foreground_group(), shell.pid);
    shell.terminal().type_line("fg");
    wait_until("the job has the terminal", || shell.terminal().foreground_group() != shell.pid);
    shell.terminal().ctrl('C');
    shell.wait_for_text("signal 2\r\n");
    shell.terminal().wait_for_prompt();
    shell.assert_last_code(5);
}

/// TT13
fn sigwinch_arrives_once_with_the_new_size(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.start_probe("$W $P signals");
    let launched = sandbox.launched_pid(command);
    for columns in ["100", "132", "40"] {
        shell.terminal().stty(&["cols", columns]);
        shell.wait_for_text(&format!("signal 28 size 24x{columns}\r\n"));
        assert_eq!(shell.terminal().screen.signals_until_quiet(launched), no_signals());
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
fn sighup_of_a_closed_tty_ends_the_command_of_a_shell(sandbox: &Sandbox) {
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
fn sighup_of_a_closed_tty_ends_a_session_leader(sandbox: &Sandbox) {
    sighup_ends_a_session_leader(sandbox, |_| ());
}

/// TT15
fn sighup_of_a_closed_tty_ends_a_session_leader_without_the_sentinel(sandbox: &Sandbox) {
    sighup_ends_a_session_leader(sandbox, |command| {
        send_signal(super::signals::sentinel_beside(command), 9);
    });
}

#[track_caller]
fn sighup_ends_a_session_leader(sandbox: &Sandbox, prepare: fn(i32)) {
    let mut told = fifo(sandbox, "told");
    let start = sandbox.probe(&format!("signals exit-on=1:4 to={}", sandbox.path("told").display()));
    let mut job = start.launch_option("--leads-session", "yes").on_terminal().spawn();
    prepare(told.read_ready_pid());
    job.terminal = None;
    told.read_until("signal 1\n");
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(4));
    job.assert_no_process_left();
    sandbox.assert_logged(&[4]);
}

/// TT17
fn stty_settings_stay_as_the_command_left_them(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.run_line("$W stty -icanon min 3 -opost");
    let settings = shell.terminal().settings();
    assert!(settings.contains("-icanon") && settings.contains("min = 3"), "{settings}");
    assert!(settings.contains("-opost"), "{settings}");
}

/// TT18
fn kill_of_a_background_job_ends_it(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.start_probe("$W $P signals default=15 &");
    // Earlier prompts and messages about the job may come in between.
    shell.terminal().type_line("kill %1; wait %1; echo code=$?");
    shell.wait_for_text("code=143\r\n");
    shell.wait_until_shell_is_alone();
    sandbox.assert_logged(&[143]);
}

/// TT19
fn kill_of_a_background_job_delivers_each_signal_once(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.start_probe("$W $P signals &");
    let launched = sandbox.launched_pid(command);
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1), ("USR1", 10), ("QUIT", 3)] {
        shell.terminal().type_line(&format!("kill -{name} %1"));
        shell.wait_for_text(&format!("signal {number}\r\n"));
        assert_eq!(shell.terminal().screen.signals_until_quiet(launched), no_signals());
    }
}

/// TT20
fn kill_of_a_background_pid_delivers_once(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.start_probe("$W $P signals exit-on=15:6 &");
    let launched = sandbox.launched_pid(command);
    shell.terminal().type_line("kill -USR1 $!");
    shell.wait_for_text("signal 10\r\n");
    assert_eq!(shell.terminal().screen.signals_until_quiet(launched), no_signals());
    shell.terminal().type_line("kill $!; wait $!; echo code=$?");
    shell.wait_for_text("signal 15\r\n");
    shell.wait_for_text("code=6\r\n");
}

/// TT21
fn tty_line_is_read_by_the_command(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.start_probe("$W $P signals read");
    shell.terminal().type_line("hello");
    shell.wait_for_text("read <hello>\r\n");
    shell.terminal().ctrl('D');
    shell.terminal().wait_for_prompt();
    shell.assert_last_code(0);
}

/// TT22
fn pipeline_of_two_suspends_resumes_and_ends(sandbox: &Sandbox) {
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
        shell.press_ctrl_z();
        shell.terminal().type_line("fg");
        assert_eq!(left.read_line(), "signal 18");
        assert_eq!(right.read_line(), "signal 18");
    }
    shell.terminal().ctrl('C');
    assert_eq!(left.read_line(), "signal 2");
    assert_eq!(right.read_line(), "signal 2");
    shell.terminal().wait_for_prompt();
    shell.assert_last_code(5);
    shell.wait_until_shell_is_alone();
}

/// TT23
fn interactive_bash_inside_has_job_control(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.run_line("$W bash --norc --noprofile --noediting -i");
    shell.start_probe("$P signals default=20 exit-on=2:3");
    shell.press_ctrl_z();
    shell.terminal().type_line("fg");
    shell.wait_for_text("signal 18\r\n");
    shell.terminal().ctrl('C');
    shell.wait_for_text("signal 2\r\n");
    shell.terminal().wait_for_prompt();
    shell.assert_last_code(3);
    shell.run_line("exit 9");
    shell.assert_last_code(9);
    let text = shell.run_line("$P terminal");
    assert!(text.contains("foreground 1"), "{text}");
    shell.wait_until_shell_is_alone();
}

/// F-04
fn suspend_of_a_shell_inside_gives_it_the_tty_back_on_fg(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.run_line("$W bash --norc --noprofile --noediting -i");
    // Not with `bg` between: a shell that reads in the background gets EIO and exits, bare, too.
    for resume in ["fg", "fg"] {
        let text = shell.run_line("suspend");
        assert!(text.contains("Stopped"), "{text}");
        // The shell inside prints its prompt again, and reads the next line.
        shell.run_line(resume);
        let text = shell.run_line("echo still $((6 * 7))");
        assert!(text.contains("still 42\r\n"), "{text}");
    }
    shell.run_line("exit 9");
    shell.assert_last_code(9);
    let text = shell.run_line("$P terminal");
    assert!(text.contains("foreground 1"), "{text}");
    shell.wait_until_shell_is_alone();
}

/// F-02
fn ctrl_z_of_a_session_leader_does_not_hang_its_command(sandbox: &Sandbox) {
    // The program that timeout starts goes on, too, if it has stopped.
    for words in ["signals", "signals default=20"] {
        let timeout = ["timeout", "60", crate::harness::probe()].into_iter().chain(words.split(' '));
        let mut job = sandbox.command(timeout).launch_option("--leads-session", "yes").on_terminal().spawn();
        let command = job.terminal().screen.read_ready_pid();
        job.terminal().ctrl('Z');
        sigqueue(command, 63, 5);
        assert_eq!(job.wait_for_exit(), WaitStatus::Exited(5), "{words}");
    }
    sandbox.assert_logged(&[5, 5]);
}

/// TT25
fn ctrl_c_death_stops_a_bash_script(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    sandbox.script("script", "$W $P signals default=2\necho went on\n");
    shell.start_probe("bash ../script");
    shell.terminal().ctrl('C');
    let text = shell.terminal().wait_for_prompt();
    assert!(!text.contains("went on"), "{text}");
    shell.assert_last_code(130);
}

/// Waits until no signal is pending for the process and it sleeps.
#[track_caller]
pub fn wait_until_signals_are_taken(pid: i32) {
    wait_until("the process has taken its signals", || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
        let pending = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a mask");
            u64::from_str_radix(line.trim(), 16).expect("hex") != 0
        };
        !pending("SigPnd:") && !pending("ShdPnd:") && status.contains("State:\tS")
    });
}

/// Waits until a bash script waits for its command: before that it takes SIGINT for its own.
#[track_caller]
fn wait_until_script_waits(script: i32) {
    wait_until("the script catches SIGINT and sleeps", || {
        let status = fs::read_to_string(format!("/proc/{script}/status")).expect("the script is there");
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask");
        let caught = u64::from_str_radix(caught.trim(), 16).expect("hex");
        caught & 1 << (nix::sys::signal::Signal::SIGINT as u32 - 1) != 0 && status.contains("State:\tS")
    });
}

/// TT26
///
/// The command ends only after bash has handled its own SIGINT. If both happen at once, bash 5.2 takes about one handled
/// SIGINT of a hundred for a deadly one, also without tm-run.
fn ctrl_c_handled_by_the_command_lets_a_bash_script_continue(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    sandbox.script("script", "echo script $$\n$W $P signals\necho went on $?\n");
    shell.terminal().type_line("bash ../script");
    shell.wait_for_text("script ");
    let script: i32 = shell.terminal().screen.read_line().parse().expect("a process id");
    let command = shell.terminal().screen.read_ready_pid();
    wait_until_script_waits(script);
    shell.terminal().ctrl('C');
    shell.wait_for_text("signal 2\r\n");
    wait_until_signals_are_taken(script);
    sigqueue(command, 63, 0);
    let text = shell.terminal().wait_for_prompt();
    assert!(text.contains("went on 0"), "{text}");
}

/// TT27
fn ctrl_c_ends_a_shell_loop(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.start_probe("for i in 1 2 3; do $W $P signals default=2; done");
    shell.terminal().ctrl('C');
    let text = shell.terminal().wait_for_prompt();
    assert!(!text.contains("ready"), "{text}");
    shell.wait_until_shell_is_alone();
    sandbox.assert_logged(&[130]);
}

/// TT28
fn tty_shows_only_what_the_command_writes(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let text = shell.run_line("$W sh -c 'echo out; echo err >&2; exit 3'");
    assert_eq!(text, format!("out\r\nerr\r\n{}", crate::harness::PROMPT));
}

/// TT29
fn kill_of_a_suspended_job_ends_it(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.start_probe("$W $P signals default=20 default=15 default=18");
    shell.press_ctrl_z();
    shell.run_line("kill %1");
    // The log tells how it ended. The shell does not: until it has reaped the job, it takes it for a stopped one.
    shell.wait_until_shell_is_alone();
    sandbox.assert_logged(&[143]);
}

/// TT31
fn sigstop_of_the_command_alone_suspends_the_job(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.start_probe("$W $P signals exit-on=2:5");
    for _ in 0..3 {
        send_signal(command, 19);
        let text = shell.terminal().wait_for_prompt();
        assert!(text.contains("Stopped"), "{text}");
        shell.terminal().type_line("fg");
        shell.wait_for_text("signal 18\r\n");
    }
    shell.terminal().ctrl('C');
    shell.wait_for_text("signal 2\r\n");
    shell.terminal().wait_for_prompt();
    shell.assert_last_code(5);
}

/// TT32
fn ctrl_c_does_not_reach_a_background_job(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let command = shell.start_probe("$W $P signals &");
    let launched = sandbox.launched_pid(command);
    shell.run_line("true");
    shell.terminal().ctrl('C');
    shell.terminal().wait_for_prompt();
    assert_eq!(shell.terminal().screen.signals_until_quiet(launched), no_signals());
}

/// TT23
///
/// The command makes a group of its own, which tm-run gives the terminal when it reads; bare, it leads the job already.
fn tty_is_the_jobs_again_after_a_command_in_its_own_group(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let mut told = fifo(sandbox, "told");
    mkfifo(&sandbox.path("go"), Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
    let command = format!("$W $P signals own-group default=21 read to={}", sandbox.path("told").display());
    shell.terminal().type_line(&format!("{command} | bash -c 'read x < ../go; $P terminal < /dev/tty'"));
    let launched = sandbox.launched_pid(told.read_ready_pid());
    shell.terminal().type_line("hello");
    told.read_until("read <hello>\n");
    shell.terminal().type_line("exit 0");
    wait_until("the first of the two has ended", || !is_alive(launched));
    fs::write(sandbox.path("go"), "\n").expect("the FIFO opens");
    let text = shell.terminal().wait_for_prompt();
    assert!(text.contains("foreground 1"), "{text}");
}

/// TT02, TT05, TT13
///
/// Nobody can tell that they were sent to the whole group, but a terminal sends them to nobody else.
fn tty_signals_arrive_once_without_the_sentinel(sandbox: &Sandbox) {
    let mut job = sandbox.probe("signals").on_terminal().spawn();
    let launched = job.pid;
    send_signal(super::signals::sentinel_beside(job.terminal().screen.read_ready_pid()), 9);
    let mut arrives_once = |act: fn(&mut Job), line| {
        act(&mut job);
        job.wait_for_text(line);
        assert_eq!(job.terminal().screen.signals_until_quiet(launched), no_signals(), "{line}");
    };
    arrives_once(|job| job.terminal().ctrl('C'), "signal 2\r\n");
    arrives_once(|job| job.terminal().ctrl('\\'), "signal 3\r\n");
    arrives_once(|job| job.terminal().stty(&["cols", "100"]), "signal 28 size 24x100\r\n");
}

/// TT38
fn ctrl_c_during_startup_is_never_lost(sandbox: &Sandbox) {
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

//! Real programs under tm-run: make recipes, ansible-playbook, vim, less, python.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{
    ALL_BUT_OFF, Case, EVERY_WAY, Event, Job, Launch, Process, RECORDED, Sandbox, TM_RUN, WaitStatus, cases,
    wait_until,
};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED, needs ["make"];
        make_records_targets_and_domain,
        make_j4_records_each_target,
        make_records_a_failing_recipe,
    ];
    all.extend(cases![EVERY_WAY, needs ["ansible-playbook"];
        ansible_playbook_succeeds_as_bare,
        ansible_playbook_fails_as_bare,
        ansible_playbook_cleans_up_after_ctrl_c,
    ]);
    all.extend(cases![ALL_BUT_OFF, needs ["vim"]; vim_suspends_resumes_resizes_and_quits]);
    all.extend(cases![ALL_BUT_OFF, needs ["less"]; less_suspends_resumes_and_quits]);
    all.extend(cases![ALL_BUT_OFF, needs ["python3"]; python_repl_handles_ctrl_c_suspends_and_resumes]);
    all
}

/* ---- make ---- */

const MAKEFILE: &str = "
.PHONY: sync lint apply fail
all: sync lint apply
sync lint apply:
\t@$(TM_RUN) --target $@ --domain \"$(G)\" -- sh -c 'echo $@'
fail:
\t@$(TM_RUN) --target $@ --domain \"$(G)\" -- sh -c 'exit 3'
";

fn make<'s>(sandbox: &'s Sandbox, words: &[&str]) -> Launch<'s> {
    fs::write(sandbox.path("Makefile"), MAKEFILE).expect("a Makefile");
    let tool = format!("TM_RUN={TM_RUN}");
    sandbox.unwrapped(["make", "-f", "../Makefile", &tool].iter().chain(words))
}

fn names(events: &[Event]) -> Vec<(&str, Option<&str>, i64)> {
    events.iter().map(|event| (event.target.as_str(), event.domain.as_deref(), event.exit_code)).collect()
}

fn make_records_targets_and_domain(sandbox: &Sandbox) {
    let output = make(sandbox, &["all"]).output();
    assert_eq!((output.status, output.text().as_str()), (WaitStatus::Exited(0), "sync\nlint\napply\n"));
    assert_eq!(make(sandbox, &["sync", "G=pro"]).output().text(), "sync\n");
    let expected = [("sync", None, 0), ("lint", None, 0), ("apply", None, 0), ("sync", Some("pro"), 0)];
    assert_eq!(names(&sandbox.events()), expected);
}

fn make_j4_records_each_target(sandbox: &Sandbox) {
    let output = make(sandbox, &["-j4", "all", "G=pro"]).output();
    assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(0), ""));
    let events = sandbox.events();
    let mut found = names(&events);
    found.sort_unstable();
    assert_eq!(found, [("apply", Some("pro"), 0), ("lint", Some("pro"), 0), ("sync", Some("pro"), 0)]);
}

fn make_records_a_failing_recipe(sandbox: &Sandbox) {
    let output = make(sandbox, &["fail", "G=pro"]).output();
    assert_eq!(output.status, WaitStatus::Exited(2));
    assert!(output.stderr.contains("Error 3"), "{}", output.stderr);
    assert_eq!(names(&sandbox.events()), [("fail", Some("pro"), 3)]);
}

/* ---- ansible ---- */

const GOOD: &str = "
- hosts: localhost
  gather_facts: false
  tasks:
    - name: says something
      ansible.builtin.debug:
        msg: hello
    - name: runs something
      ansible.builtin.command: echo from the shell
";

const BAD: &str = "
- hosts: localhost
  gather_facts: false
  tasks:
    - name: does not work
      ansible.builtin.command: sh -c 'exit 7'
";

/// The task writes to one FIFO that it has started, and then reads another, to which nobody writes.
const ENDLESS: &str = "
- hosts: localhost
  gather_facts: false
  tasks:
    - name: takes for ever
      ansible.builtin.command: sh -c 'echo there > HERE/there; exec cat HERE/never'
";

enum Under {
    Nothing,
    TheWrapper,
}

fn playbook<'s>(sandbox: &'s Sandbox, text: &str, under: &Under) -> Launch<'s> {
    let text = text.replace("HERE", &sandbox.path("").display().to_string());
    fs::write(sandbox.path("site.yml"), text).expect("a playbook");
    // The interpreter that ansible would find may be a script that needs the user's home.
    let python = format!("ansible_python_interpreter={}", python().display());
    let words = ["ansible-playbook", "-i", "localhost,", "-c", "local", "-e", &python, "../site.yml"];
    let start = match under {
        Under::Nothing => sandbox.unwrapped(words),
        Under::TheWrapper => sandbox.command(words),
    };
    let start = start.env("ANSIBLE_NOCOLOR", "1").env("ANSIBLE_LOCALHOST_WARNING", "False");
    start.env("ANSIBLE_LOCAL_TEMP", sandbox.path("local")).env("ANSIBLE_REMOTE_TEMP", sandbox.path("remote"))
}

/// The text without the times of tasks, which differ in every run.
fn without_times(text: &str) -> String {
    let mut kept = String::new();
    for line in text.lines() {
        if line.contains("\"delta\"") {
            let field = |line: &str, name: &str| {
                let Some((before, rest)) = line.split_once(&format!("\"{name}\": \"")) else {
                    return line.to_owned();
                };
                let rest = rest.split_once('"').map_or("", |(_, rest)| rest);
                format!("{before}\"{name}\": \"{rest}")
            };
            let line =
                ["delta", "start", "end"].iter().fold(line.to_owned(), |line, name| field(&line, name));
            kept += &line;
        } else {
            kept += line;
        }
        kept.push('\n');
    }
    kept
}

#[track_caller]
fn assert_runs_as_bare(sandbox: &Sandbox, text: &str, code: i32, word: &str) {
    let expected = playbook(sandbox, text, &Under::Nothing).output();
    assert_eq!(expected.status, WaitStatus::Exited(code), "{}", expected.text());
    assert!(expected.text().contains(word), "{}", expected.text());
    let output = playbook(sandbox, text, &Under::TheWrapper).output();
    assert_eq!(output.status, WaitStatus::Exited(code));
    assert_eq!(without_times(&output.text()), without_times(&expected.text()));
    assert_eq!(output.stderr, expected.stderr);
    sandbox.assert_logged(&[i64::from(code)]);
}

fn ansible_playbook_succeeds_as_bare(sandbox: &Sandbox) {
    assert_runs_as_bare(sandbox, GOOD, 0, "failed=0");
}

fn ansible_playbook_fails_as_bare(sandbox: &Sandbox) {
    assert_runs_as_bare(sandbox, BAD, 2, "failed=1");
}

fn ansible_playbook_cleans_up_after_ctrl_c(sandbox: &Sandbox) {
    for name in ["there", "never"] {
        let mode = nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR;
        nix::unistd::mkfifo(&sandbox.path(name), mode).expect("a FIFO");
    }
    let both = |name| {
        fs::OpenOptions::new().read(true).write(true).open(sandbox.path(name)).expect("the FIFO opens")
    };
    let _never = both("never");
    let mut there = crate::harness::Stream::new(both("there"));
    let mut job = playbook(sandbox, ENDLESS, &Under::TheWrapper).on_terminal().spawn();
    there.read_until("there\n");
    job.terminal().ctrl('C');
    let text = job.terminal().screen.read_until("interrupted");
    assert!(text.contains("takes for ever"), "{text}");
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(99));
    sandbox.assert_logged(&[99]);
}

/* ---- on a terminal ---- */

impl Job {
    /// Waits for the prompt, before which the shell says that the job is stopped.
    #[track_caller]
    fn wait_until_stopped_at_prompt(&mut self) {
        let text = self.terminal().wait_for_prompt();
        assert!(text.contains("Stopped"), "{text}");
    }

    /// Waits until less shows a page and sleeps. A stop between its check for signals and its wait for a key would
    /// take effect only with the next key.
    #[track_caller]
    fn wait_until_less_waits_for_a_key(&mut self) {
        self.wait_for_text("line 22 of the text\r\n");
        self.wait_for_text("-page-");
        self.wait_until_sleeps("less\n");
    }

    #[track_caller]
    fn wait_until_sleeps(&self, name: &str) {
        let has_name = |pid| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm == name);
        wait_until("it sleeps", || {
            self.session_processes().iter().any(|process| process.state == 'S' && has_name(process.pid))
        });
    }

    #[track_caller]
    fn assert_last_code_at_prompt(&mut self, code: i32) {
        self.terminal().wait_for_prompt();
        self.terminal().type_line("echo code=$?");
        self.wait_for_text(&format!("code={code}\r\n"));
    }
}

fn vim_suspends_resumes_resizes_and_quits(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    fs::write(sandbox.path("text"), "first line\n").expect("a text");
    let when_started = "-c \"autocmd VimEnter * call writefile(['x'], '../started')\"";
    let when_resized = "-c \"autocmd VimResized * call writefile([&columns], '../size')\"";
    let vim = format!("vim -u NONE -i NONE -n -N {when_started} {when_resized}");
    shell.terminal().type_line(&format!("$W {vim} ../text"));
    let there = |name| fs::read_to_string(sandbox.path(name)).is_ok_and(|text| text == "x\n");
    shell.wait_for_text("first line");
    // vim throws away what is typed while it starts.
    wait_until("vim has started", || there("started"));
    for _ in 0..2 {
        shell.wait_until_sleeps("vim\n");
        shell.terminal().ctrl('Z');
        shell.wait_until_stopped_at_prompt();
        shell.terminal().type_line("fg");
        shell.wait_for_text("first line");
    }
    // As with less: a signal between its check and its wait for a key would take effect only with the next key.
    shell.wait_until_sleeps("vim\n");
    shell.terminal().stty(&["cols", "66"]);
    let size = sandbox.path("size");
    wait_until("vim knows its size", || fs::read_to_string(&size).is_ok_and(|text| text == "66\n"));
    // vim throws away what is typed after an interrupt, so wait until the interrupt has taken effect.
    let begin = "try | call writefile(['x'], '../loops') | while 1 | endwhile";
    let finish = "finally | call writefile(['x'], '../left') | endtry";
    shell.terminal().type_text(&format!(":{begin} | {finish}\r"));
    wait_until("vim is in its loop", || there("loops"));
    shell.terminal().ctrl('C');
    wait_until("vim has left its loop", || there("left"));
    shell.wait_until_sleeps("vim\n");
    shell.terminal().type_text(":$put ='changed'\r:wq\r");
    shell.assert_last_code_at_prompt(0);
    assert_eq!(fs::read_to_string(sandbox.path("text")).expect("a text"), "first line\nchanged\n");
    sandbox.assert_logged(&[0]);
}

fn less_suspends_resumes_and_quits(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    let lines: Vec<String> = (0..200).map(|number| format!("line {number} of the text")).collect();
    fs::write(sandbox.path("text"), lines.join("\n")).expect("a text");
    shell.terminal().type_line("$W less -X -Ps-page- ../text");
    shell.wait_until_less_waits_for_a_key();
    shell.terminal().ctrl('Z');
    shell.wait_until_stopped_at_prompt();
    shell.terminal().type_line("fg");
    shell.wait_until_less_waits_for_a_key();
    shell.terminal().type_text("G");
    shell.wait_for_text("line 199 of the text");
    shell.terminal().type_text("q");
    shell.assert_last_code_at_prompt(0);
    sandbox.assert_logged(&[0]);
}

/// The interpreter itself: `python3` on PATH may be a script that needs the user's home.
fn python() -> PathBuf {
    let words = ["-c", "import sys; print(sys.executable)"];
    let output = std::process::Command::new("python3").args(words).output().expect("python3 starts");
    Path::new(String::from_utf8_lossy(&output.stdout).trim()).to_owned()
}

fn python_repl_handles_ctrl_c_suspends_and_resumes(sandbox: &Sandbox) {
    let mut shell = sandbox.shell();
    shell.terminal().type_line(&format!("PYTHON_BASIC_REPL=1 $W {} -q", python().display()));
    shell.wait_for_text(">>> ");
    shell.terminal().type_line("import os; print('pid', os.getpid(), flush=True)");
    shell.wait_for_text("pid ");
    let interpreter: i32 = shell.terminal().screen.read_line().parse().expect("a process id");
    shell.wait_for_text(">>> ");
    // A SIGINT between its check for signals and its wait for a key would take effect only with the next key.
    let sleeps = || Process::of(interpreter).is_some_and(|process| process.state == 'S');
    wait_until("python sleeps", sleeps);
    shell.terminal().ctrl('C');
    shell.wait_for_text("KeyboardInterrupt");
    shell.wait_for_text(">>> ");
    shell.terminal().type_line("print(6 * 7)");
    shell.wait_for_text("42\r\n");
    shell.wait_for_text(">>> ");
    wait_until("python sleeps", sleeps);
    shell.terminal().ctrl('Z');
    shell.wait_until_stopped_at_prompt();
    assert_eq!(Process::of(interpreter).map(|process| process.state), Some('T'));
    shell.terminal().type_line("fg");
    shell.terminal().type_line("raise SystemExit(7)");
    shell.assert_last_code_at_prompt(7);
    sandbox.assert_logged(&[7]);
}

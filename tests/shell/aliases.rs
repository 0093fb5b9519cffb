//! What is typed at a prompt: the aliases of anklume and of tm-wrap.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use super::{SHOWS, command, in_shell_dir, install, named, recorded, start, typer_anklume};
use crate::harness::{Case, Job, Launch, OFF, PROMPT, RECORDED, Sandbox, TYPER, WaitStatus, cases, probe};

pub fn cases() -> Vec<Case> {
    let mut all = per_shell![RECORDED, SHELLS, needs [];
        every_row_of_the_mapping_is_recorded,
        exit_status_of_the_command_is_kept,
        existing_alias_keeps_its_effect,
        alias_of_more_than_one_command_is_left_alone,
        anklume_around_make_is_left_alone,
        name_that_cannot_be_stored_is_made_storable,
        tm_wrap_records_the_subcommands_it_was_given,
        tm_wrap_lists_and_undoes,
        tm_wrap_refuses_what_is_no_command,
        ctrl_c_comes_back_to_the_prompt,
    ];
    all.extend(per_shell![RECORDED, LIKE_SH, needs [];
        odd_sessions_go_on_and_record,
        background_job_is_killed_by_the_pid_of_the_shell,
        jobs_fg_and_time_know_the_command,
    ]);
    all.extend(cases![RECORDED, needs ["zsh"]; every_option_of_zsh_is_survived]);
    all.extend(per_shell![RECORDED, SHELLS, needs ["make"]; alias_make_and_include_are_one_event]);
    all.extend(cases![RECORDED, needs [TYPER]; typer_reads_every_command_line_as_the_mapping_does]);
    all.extend(per_shell![OFF, SHELLS, needs [];
        anklume_telemetry_is_tm_run,
        without_anklume_there_is_no_alias,
        environment_of_the_command_is_untouched,
    ]);
    all.extend(per_shell![OFF, LIKE_SH, needs []; init_leaves_nothing_but_names_of_its_own]);
    all.extend(per_shell![OFF, LIKE_SH, needs ["strace"]; no_process_is_started_but_tm_run]);
    all
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

const SHELLS: &[Shell] = &[Shell::Bash, Shell::Zsh, Shell::Fish];
/// Those in which what is typed becomes an alias.
const LIKE_SH: &[Shell] = &[Shell::Bash, Shell::Zsh];

impl Shell {
    fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }

    fn tools(self) -> Vec<&'static str> {
        vec![self.name()]
    }

    /// The line of the start file.
    fn init(self) -> &'static str {
        match self {
            Self::Bash => "eval \"$(tm-run init bash)\"\n",
            Self::Zsh => "eval \"$(tm-run init zsh)\"\n",
            Self::Fish => "tm-run init fish | source\n",
        }
    }

    fn status(self) -> &'static str {
        if self == Self::Fish { "$status" } else { "$?" }
    }

    /// Reads the text line by line, as a prompt does.
    fn script<'s>(self, sandbox: &'s Sandbox, text: &str) -> Launch<'s> {
        let file = sandbox.path("script");
        let expand = if self == Self::Bash { "shopt -s expand_aliases\n" } else { "" };
        fs::write(&file, format!("{expand}{text}")).expect("a script");
        let file = file.to_str().expect("UTF-8");
        match self {
            Self::Bash => start(sandbox, &["bash", file]),
            Self::Zsh => start(sandbox, &["zsh", "-f", file]),
            Self::Fish => start(sandbox, &["fish", "--no-config", file]),
        }
    }
}

/// What is typed; the target and the domain it is recorded under, or nothing.
type Row = (&'static str, Option<(&'static str, Option<&'static str>)>);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("sync", Some(("sync", None))),
    ("sync --dry-run", None),
    ("sync -n", None),
    ("sync --clean", None),
    ("sync --help", None),
    ("synch", None),
    ("domain apply", Some(("apply", None))),
    ("domain apply --all", Some(("apply", None))),
    ("domain apply --diff", Some(("apply", None))),
    ("domain apply pro", Some(("apply-limit", Some("pro")))),
    ("domain apply 'web,db'", Some(("apply-limit", Some("web,db")))),
    ("domain apply 'a b$c\"d'", Some(("apply-limit", Some("a b$c\"d")))),
    ("domain apply -- -pro", Some(("apply-limit", Some("-pro")))),
    ("domain apply ''", Some(("apply", None))),
    ("domain apply --limit pro", Some(("apply-limit", Some("pro")))),
    ("domain apply -l pro", Some(("apply-limit", Some("pro")))),
    ("domain apply --limit=pro", Some(("apply-limit", Some("pro")))),
    ("domain apply --tags infra", Some(("apply-infra", None))),
    ("domain apply --tags=provision", Some(("apply-provision", None))),
    ("domain apply -t infra", Some(("apply-infra", None))),
    ("domain apply pro --tags infra", Some(("apply-infra", Some("pro")))),
    ("domain apply --tags llm", None),
    ("domain apply --help", None),
    ("domain apply --unknown value", None),
    ("domain check pro", None),
    ("dev test", Some(("test-generator", None))),
    ("dev test --generator", Some(("test-generator", None))),
    ("dev test --fast", Some(("test-generator", None))),
    ("dev test -f", Some(("test-generator", None))),
    ("dev test --changed", Some(("test-generator", None))),
    ("dev test -c", Some(("test-generator", None))),
    ("dev test --full", Some(("test-generator", None))),
    ("dev test --roles", None),
    ("dev test --role base", None),
    ("dev test --sandboxed", None),
    ("dev lint", None),
    ("apply all", Some(("apply", None))),
    ("apply all --no-provision", Some(("apply-infra", None))),
    ("apply all --dry-run", None),
    ("apply domain pro", Some(("apply-limit", Some("pro")))),
    ("apply domain --dry-run pro", None),
    ("apply domain", None),
    ("telemetry", None),
    ("telemetry unknown", None),
    ("instance list", None),
    ("--version", None),
    ("", None),
];

fn every_row_of_the_mapping_is_recorded(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "anklume", &format!("{SHOWS}exit 7\n"));
    let expected: Vec<_> =
        ROWS.iter().filter_map(|(_, what)| what.map(|(target, domain)| named(target, domain))).collect();
    let text: Vec<_> = ROWS.iter().map(|(words, _)| format!("anklume {words}\n")).collect();
    let bare = Shell::Bash.script(sandbox, &text.concat()).output();
    let text: Vec<_> =
        ROWS.iter().map(|(words, _)| format!("anklume {words}\necho {}\n", shell.status())).collect();
    let output = shell.script(sandbox, &format!("{}{}", shell.init(), text.concat())).output();
    assert_eq!(output.stderr, "", "{shell:?}");
    let text = output.text();
    let (lines, statuses): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with("anklume"));
    assert_eq!(lines, bare.text().lines().collect::<Vec<_>>(), "{shell:?}");
    assert_eq!(statuses, vec!["7"; ROWS.len()], "{shell:?}");
    assert_eq!(recorded(sandbox), expected, "{shell:?}");
}

/// Command lines of all shapes: what a Typer program makes of each, and what is recorded of it.
fn typer_reads_every_command_line_as_the_mapping_does(sandbox: &Sandbox) {
    install(sandbox);
    command(sandbox, "anklume", "#!/bin/sh\n");
    let commands =
        [&["sync"][..], &["domain", "apply"], &["dev", "test"], &["apply", "all"], &["apply", "domain"]];
    let rests = [
        "",
        "x",
        "--",
        "-t",
        "infra",
        "--tags",
        "--tags=infra",
        "--limit",
        "-la",
        "-fc",
        "--all",
        "--diff",
        "--no-provision",
        "-n",
        "--help",
        "-",
        "-x",
        "--check",
        "-tinfra",
        "llm",
        "--limit=",
        "--limit=a",
        "-l",
        "-f",
        "-fr",
        "--fast",
        "--roles",
        "--dry-run",
        "--all=x",
        "--generator",
        "--full",
        "--sandboxed",
        "--tag",
        "-tl",
    ];
    let mut lines: Vec<Vec<&str>> = Vec::new();
    for command in commands {
        lines.push(command.to_vec());
        for first in rests {
            lines.push([command, &[first]].concat());
        }
        for first in &rests[..14] {
            lines.extend(rests[..14].iter().map(|second| [command, &[first, second]].concat()));
        }
    }
    let mut typer = Command::new(typer_anklume(sandbox, "typer"))
        .arg("__batch")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let text: Vec<String> = lines.iter().map(|line| serde_json::json!(line).to_string()).collect();
    let text = text.join("\n");
    let mut stdin = typer.stdin.take().expect("its input");
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, text.as_bytes()));
    let output = typer.wait_with_output().expect("its output");
    writer.join().expect("a thread").expect("it reads all lines");
    let expected: Vec<Option<(String, Option<String>)>> = String::from_utf8(output.stdout)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("names"))
        .collect();
    assert_eq!(expected.len(), lines.len());
    assert!(expected.iter().flatten().count() > 100);
    // What anklume is asked for, and what the log says of it; a run that is not recorded leaves none.
    let mut wrong = Vec::new();
    for (line, expected) in lines.iter().zip(&expected) {
        let words = [&["tm-run", "--anklume", "--", "anklume"], &line[..]].concat();
        start(sandbox, &words).output();
        let found = recorded(sandbox).pop();
        if found != *expected {
            wrong.push(format!("{line:?}: recorded {found:?}, Typer {expected:?}"));
        }
        let _ = fs::remove_file(sandbox.log());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn exit_status_of_the_command_is_kept(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "anklume", "#!/bin/sh\nexit \"$CODE\"\n");
    for code in [0, 1, 2, 127, 130, 255] {
        let text = format!("{}anklume sync\necho after {}\nanklume sync", shell.init(), shell.status());
        let output = shell.script(sandbox, &text).env("CODE", code.to_string()).output();
        assert_eq!(output.text(), format!("after {code}\n"), "{shell:?}");
        assert_eq!(output.status, WaitStatus::Exited(code), "{shell:?}");
    }
}

fn existing_alias_keeps_its_effect(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    for name in ["anklume", "launcher", "play"] {
        command(sandbox, name, SHOWS);
    }
    let text = format!(
        "alias anklume='launcher run --project /opt/anklume \"anklume\"'\nalias ank='anklume'\nalias play='play -i'\n\
         {init}{init}tm-wrap play\ntm-wrap --target site play\n\
         anklume sync\nank domain apply pro\nplay 'a  b'\n",
        init = shell.init()
    );
    let output = shell.script(sandbox, &text).output();
    let launched = "launcher<run><--project></opt/anklume><anklume>";
    assert_eq!(
        (output.text(), output.stderr.as_str()),
        (format!("{launched}<sync>\n{launched}<domain><apply><pro>\nplay<-i><a  b>\n"), ""),
        "{shell:?}"
    );
    let expected = [named("sync", None), named("apply-limit", Some("pro")), named("site", None)];
    assert_eq!(recorded(sandbox), expected, "{shell:?}");
}

fn alias_of_more_than_one_command_is_left_alone(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "anklume", SHOWS);
    command(sandbox, "play", SHOWS);
    let own = if shell == Shell::Fish {
        "function anklume; echo one; command anklume $argv; end\nfunction play; echo two; command play $argv; end\n"
    } else {
        "alias anklume='echo one; command anklume'\nalias play='echo two && command play'\n"
    };
    let text = format!("{own}{}tm-wrap play\nanklume sync\nplay x\n", shell.init());
    let output = shell.script(sandbox, &text).output();
    assert_eq!(output.text(), "one\nanklume<sync>\ntwo\nplay<x>\n", "{shell:?}: {}", output.stderr);
    assert!(output.stderr.contains("tm-wrap: play is no command"), "{shell:?}: {}", output.stderr);
    assert_eq!(recorded(sandbox), [], "{shell:?}");
}

fn name_that_cannot_be_stored_is_made_storable(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "anklume", SHOWS);
    let long = "\u{e9}".repeat(513);
    let text = format!("{}anklume domain apply 'a\nb'\nanklume domain apply '{long}'\n", shell.init());
    let output = shell.script(sandbox, &text).output();
    assert_eq!(output.stderr, "", "{shell:?}");
    let expected = format!("anklume<domain><apply><a\nb>\nanklume<domain><apply><{long}>\n");
    assert_eq!(output.text(), expected);
    let (domain, cut) = ("a\u{fffd}b", "\u{e9}".repeat(512));
    let expected = [named("apply-limit", Some(domain)), named("apply-limit", Some(&cut))];
    assert_eq!(recorded(sandbox), expected, "{shell:?}");
}

fn anklume_around_make_is_left_alone(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "make", "#!/bin/sh\necho make\n");
    for (text, is_around_make) in [
        ("#!/bin/sh\nexec make -C \"$HERE\" \"$@\"\n", true),
        ("#!/bin/sh\ncd \"$HERE\" && exec make \"$@\"\n", true),
        ("#!/bin/sh\n# Once: make -C \"$HERE\" \"$@\"\necho direct\n", false),
        ("#!/bin/sh", false),
    ] {
        command(sandbox, "anklume", text);
        let script = format!("{}anklume sync\n", shell.init());
        let output = shell.script(sandbox, &script).env("HERE", "/").output();
        assert_eq!(output.status, WaitStatus::Exited(0), "{shell:?} {text}: {}", output.stderr);
        let expected = if is_around_make { vec![] } else { vec![named("sync", None)] };
        assert_eq!(recorded(sandbox), expected, "{shell:?} {text}");
        let _ = fs::remove_file(sandbox.log());
    }
    // A program is no script, whatever is in it.
    crate::harness::install(probe(), &sandbox.path("bin/anklume"));
    shell.script(sandbox, &format!("{}anklume sync\n", shell.init())).output();
    assert_eq!(recorded(sandbox), [named("sync", None)]);
}

fn alias_make_and_include_are_one_event(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    fs::copy(in_shell_dir("telemetry.mk"), sandbox.path("telemetry.mk")).expect("telemetry.mk");
    let makefile = "sync:\n\t$(call tele_wrap,sync,echo synced)\n\
                    test-generator: sync\n\t@$(tm) echo tested\ninclude telemetry.mk\n";
    fs::write(sandbox.path("Makefile"), makefile).expect("a Makefile");
    // A program around make that does not show it.
    command(
        sandbox,
        "anklume",
        "#!/bin/sh\ncase $1 in sync) goal=sync ;; *) goal=test-generator ;; esac\nrun=make\n$run --no-print-directory -C .. \"$goal\"\n",
    );
    let text = format!("{}anklume sync\nanklume dev test\n", shell.init());
    let output = shell.script(sandbox, &text).output();
    assert_eq!(
        (output.text().as_str(), output.stderr.as_str()),
        ("synced\nsynced\ntested\n", ""),
        "{shell:?}"
    );
    // The sync within the test is another target: it counts on its own.
    let expected = [named("sync", None), named("sync", None), named("test-generator", None)];
    assert_eq!(recorded(sandbox), expected, "{shell:?}");
}

fn anklume_telemetry_is_tm_run(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "anklume", SHOWS);
    let text = format!(
        "{}anklume telemetry on\nanklume telemetry status\nanklume telemetry report --since 7d --format json\necho {status}\nanklume telemetry off\n\
         anklume telemetry report --sort nonsense\necho {status}\nanklume telemetry on\nanklume telemetry clear\nanklume telemetry log\n",
        shell.init(),
        status = shell.status()
    );
    let output = shell.script(sandbox, &text).output();
    let text = output.text();
    for says in [
        "Telemetry enabled. Data stored in: ",
        "Telemetry: enabled",
        "Telemetry disabled.",
        "Telemetry data and state deleted.",
        "anklume<telemetry><log>",
    ] {
        assert!(text.contains(says), "{shell:?}: {text} {}", output.stderr);
    }
    assert!(output.stderr.contains("nonsense"), "{shell:?}: {}", output.stderr);
    let statuses: Vec<_> = text.lines().filter(|line| line.parse::<u8>().is_ok()).collect();
    assert_eq!(statuses, ["0", "2"], "{shell:?}: {text}");
    assert!(!sandbox.home().join(".anklume").exists());
}

fn without_anklume_there_is_no_alias(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    let text = format!("{}anklume sync\necho {}\n", shell.init(), shell.status());
    let output = shell.script(sandbox, &text).output();
    assert_eq!(output.text(), "127\n", "{shell:?}");
    assert!(!output.stderr.contains("tm-run:"), "{shell:?}: {}", output.stderr);
    assert!(!sandbox.home().join(".anklume").exists());
}

fn environment_of_the_command_is_untouched(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "anklume", "#!/bin/sh\nenv | grep -v -e '^_=' -e '^PPID='\n");
    for typed in ["anklume domain apply pro\n", "anklume sync --dry-run\n", "anklume dev test\n"] {
        let bare = shell.script(sandbox, typed).output();
        let aliased = shell.script(sandbox, &format!("{}{typed}", shell.init())).output();
        assert_eq!(aliased.text(), bare.text(), "{shell:?}: {typed}");
    }
}

fn init_leaves_nothing_but_names_of_its_own(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "anklume", SHOWS);
    let names = if shell == Shell::Bash {
        "compgen -v; compgen -A function; compgen -A alias; shopt -p; set -o\n"
    } else {
        "print -l ${(k)parameters}; print -l ${(k)functions}; print -l ${(k)aliases}; setopt\n"
    };
    let text =
        format!("echo\n{names}echo ----\n{}tm-wrap anklume\ntm-wrap --undo anklume\n{names}", shell.init());
    let text = shell.script(sandbox, &text).output().text();
    let (before, after) = text.split_once("----\n").expect("both lists");
    let before: BTreeSet<&str> = before.lines().collect();
    let added: Vec<&str> = after.lines().filter(|line| !before.contains(line)).collect();
    for name in &added {
        let is_own = ["_tm_run", "_tm-run", "tm-wrap"].iter().any(|own| name.starts_with(own));
        // zsh's hooks are a list of names; PIPESTATUS is of the shell's last pipeline.
        assert!(is_own || name.ends_with("precmd_functions") || *name == "PIPESTATUS", "{shell:?}: {name}");
    }
    assert!(added.contains(&"tm-wrap"), "{shell:?}: {added:?}");
}

fn no_process_is_started_but_tm_run(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "anklume", "#!/bin/true\n");
    command(sandbox, "play", "#!/bin/true\n");
    let trace = sandbox.path("trace");
    let trace = trace.to_str().expect("UTF-8");
    let processes = |text: &str| {
        shell.script(sandbox, text);
        let script = sandbox.path("script");
        let script = script.to_str().expect("UTF-8");
        let words =
            ["strace", "-fqq", "-e", "trace=clone,clone3,?fork,?vfork", "-o", trace, shell.name(), script];
        start(sandbox, &words).output();
        let calls = fs::read_to_string(trace).expect("a trace");
        // A call that another process interrupts has a second line.
        calls.lines().filter(|line| line.contains('(')).count()
    };
    let init = processes(shell.init());
    assert_eq!(init, 1, "{shell:?}: the shell's $() alone");
    let wraps =
        format!("{}alias play='play -i'\ntm-wrap play\ntm-wrap --undo play\ntm-wrap play x\n", shell.init());
    assert_eq!(processes(&wraps), init, "{shell:?}");
    // While recording is off, tm-run is replaced by the command.
    let runs = format!("{wraps}anklume sync\nplay x\nplay y\n:\n");
    assert_eq!(processes(&runs), init + 3, "{shell:?}");
}

fn tm_wrap_records_the_subcommands_it_was_given(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "terra.form-2", &format!("{SHOWS}exit 3\n"));
    command(sandbox, "play", SHOWS);
    command(sandbox, "runs", "#!/bin/sh\nexec \"$@\"\n");
    let text = format!(
        "{}tm-wrap terra.form-2 plan apply\nterra.form-2 -chdir=x plan 'a  b' ''\necho {status}\n\
         terra.form-2 output plan\nterra.form-2\n\
         tm-wrap --target site play\nplay one\n\
         tm-wrap --target='the web' --domain \"it's\\$\" play\nplay two\ncommand play bare\n\
         alias play='runs play'\ntm-wrap --domain d play up\nplay up\nplay down\n",
        shell.init(),
        status = shell.status()
    );
    let output = shell.script(sandbox, &text).output();
    assert_eq!(output.stderr, "", "{shell:?}");
    assert_eq!(
        output.text(),
        "terra.form-2<-chdir=x><plan><a  b><>\n3\nterra.form-2<output><plan>\nterra.form-2\n\
         play<one>\nplay<two>\nplay<bare>\nplay<up>\nplay<down>\n",
        "{shell:?}"
    );
    let expected = [
        named("terra.form-2-plan", None),
        named("site", None),
        named("the web", Some("it's$")),
        named("play-up", Some("d")),
    ];
    assert_eq!(recorded(sandbox), expected, "{shell:?}");
}

fn tm_wrap_lists_and_undoes(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "anklume", SHOWS);
    command(sandbox, "play", SHOWS);
    let text = format!(
        "alias play='play -i'\n{}tm-wrap\necho ----\ntm-wrap --domain d play up\ntm-wrap\necho ----\n\
         tm-wrap --undo play\nplay up\ntm-wrap --undo anklume\nanklume sync\ntm-wrap\ntm-wrap --undo play\n",
        shell.init()
    );
    let output = shell.script(sandbox, &text).output();
    let text = output.text();
    let parts: Vec<&str> = text.split("----\n").collect();
    assert!(parts[0].contains("anklume") && !parts[0].contains("play"), "{shell:?}: {text}");
    assert!(parts[1].contains("tm-run") && parts[1].contains("subcommands=up"), "{shell:?}: {text}");
    assert_eq!(parts[2], "play<-i><up>\nanklume<sync>\n", "{shell:?}");
    let stderr = "tm-wrap: nothing is recorded so\ntm-wrap: play is not recorded\n";
    assert_eq!(output.stderr, stderr, "{shell:?}");
    assert_eq!(output.status, WaitStatus::Exited(2), "{shell:?}");
    assert_eq!(recorded(sandbox), [], "{shell:?}");
}

fn tm_wrap_refuses_what_is_no_command(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    for (words, why) in [
        ("--target", "usage: tm-wrap"),
        ("--target ''", "usage: tm-wrap"),
        ("--unknown ls", "tm-wrap: --unknown: unknown option"),
        ("'a b'", "usage: tm-wrap"),
        ("'x; touch PWNED'", "usage: tm-wrap"),
        ("-- -x", "usage: tm-wrap"),
        ("--target 'a\nb' ls", "usage: tm-wrap"),
        ("ls 'a\tb'", "usage: tm-wrap"),
        ("cd", "is no command, belongs to the shell"),
        ("if", "is no command, belongs to the shell"),
        ("mine", "is no command, belongs to the shell"),
        ("no-such-command", "is no command, belongs to the shell"),
        ("--undo ls", "ls is not recorded"),
    ] {
        // One that a function hides.
        command(sandbox, "mine", SHOWS);
        let mine = if shell == Shell::Fish { "function mine; end" } else { "mine() { :; }" };
        let output = shell.script(sandbox, &format!("{}{mine}\ntm-wrap {words}\n", shell.init())).output();
        assert_eq!(output.status, WaitStatus::Exited(2), "{shell:?} {words}: {}", output.stderr);
        assert!(output.stderr.contains(why), "{shell:?} {words}: {}", output.stderr);
    }
    assert!(!sandbox.home().join("PWNED").exists());
}

/// A shell at a terminal, without a line editor.
struct Session {
    job: Job,
}

impl Session {
    /// `environment`: a variable, if any.
    fn start(sandbox: &Sandbox, words: &[&str], environment: Option<(&str, &str)>) -> Self {
        let mut start = start(sandbox, words).env("PS1", PROMPT).env("HISTFILE", "");
        if let Some((name, value)) = environment {
            start = start.env(name, value);
        }
        let mut job = start.launch_option("--leads-session", "yes").on_terminal().spawn();
        job.terminal().wait_for_prompt();
        Self { job }
    }

    /// Types a line; returns what is on the screen before the next prompt.
    #[track_caller]
    fn run(&mut self, line: &str) -> String {
        self.job.terminal().type_line(line);
        let text = self.job.terminal().wait_for_prompt();
        text.trim_end_matches(PROMPT).replace('\r', "")
    }

    fn leave(mut self) {
        self.job.terminal().type_line("exit");
        self.job.wait_for_exit();
        self.job.assert_no_process_left();
    }
}

const BASH: &[&str] = &["bash", "--norc", "--noprofile", "--noediting", "-i"];
const POSIX_BASH: &[&str] = &["bash", "--posix", "--norc", "--noprofile", "--noediting", "-i"];
const ZSH: &[&str] = &["zsh", "-f", "+o", "zle", "+o", "promptsp", "-i"];

impl Shell {
    fn sessions(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Bash => &[BASH, POSIX_BASH],
            Self::Zsh => &[ZSH],
            Self::Fish => &[&["fish", "--no-config", "-i"]],
        }
    }
}

/// Everything a session may have set or defined before the line of the start file.
fn odd_sessions_go_on_and_record(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "anklume", SHOWS);
    command(sandbox, "play", SHOWS);
    // bash is in POSIX mode under this name.
    std::os::unix::fs::symlink("/bin/bash", sandbox.path("sh")).expect("a link to bash");
    let sh = sandbox.path("sh");
    let sh = [sh.to_str().expect("UTF-8"), "--noediting", "-i"];
    let functions =
        "tail() { echo BAD; }; sort() { echo BAD; }; grep() { echo BAD; }; printf() { echo BAD; }";
    let aliases = "alias tail='echo BAD' sort='echo BAD' grep='echo BAD' printf='echo BAD'";
    let names =
        "readonly target=1 domain=1 name=1 word=1 line=1 cur=1 i=1 verb=1 prefix=1 text=1 found=1 IFS=,";
    let all = [
        (Shell::Bash, BASH, None, ""),
        (Shell::Bash, POSIX_BASH, None, ""),
        (Shell::Bash, &sh, None, ""),
        (Shell::Bash, BASH, Some(("POSIXLY_CORRECT", "1")), ""),
        (Shell::Bash, BASH, None, "set -u"),
        (Shell::Bash, POSIX_BASH, None, "set -u"),
        (Shell::Bash, BASH, None, "set -k"),
        (Shell::Bash, BASH, None, "set -fCa"),
        (Shell::Bash, BASH, None, "IFS=tm-run"),
        (Shell::Bash, BASH, None, "IFS="),
        (Shell::Bash, BASH, None, functions),
        (Shell::Bash, BASH, None, aliases),
        (Shell::Bash, BASH, None, names),
        (Shell::Bash, POSIX_BASH, None, names),
        (Shell::Zsh, ZSH, None, ""),
        (Shell::Zsh, ZSH, None, "setopt sh_glob"),
        (Shell::Zsh, ZSH, None, "emulate sh"),
        (Shell::Zsh, ZSH, None, "emulate ksh"),
        (Shell::Zsh, ZSH, None, "setopt ksh_arrays sh_word_split glob_subst no_unset warn_create_global"),
        (Shell::Zsh, ZSH, None, functions),
        (Shell::Zsh, ZSH, None, aliases),
        (Shell::Zsh, ZSH, None, names),
    ];
    for (_, words, variable, before) in all.into_iter().filter(|(of, ..)| *of == shell) {
        let context = format!("{words:?} {variable:?} {before}");
        let mut session = Session::start(sandbox, words, variable);
        session.run(before);
        // set -k takes what looks like an assignment from the words of any command, alias(1) too.
        session.run("alias 'play=play -i'");
        let init = session.run(shell.init().trim_end());
        assert_eq!(init, "", "{context}");
        assert_eq!(session.run("anklume domain apply 'a  b'"), "anklume<domain><apply><a  b>\n", "{context}");
        assert_eq!(session.run("tm-wrap --domain '*' play"), "", "{context}");
        assert_eq!(session.run("play x '' y"), "play<-i><x><><y>\n", "{context}");
        assert_eq!(session.run("tm-wrap --undo play"), "", "{context}");
        assert_eq!(session.run("play z"), "play<-i><z>\n", "{context}");
        session.leave();
        let expected = [named("apply-limit", Some("a  b")), named("play", Some("*"))];
        assert_eq!(recorded(sandbox), expected, "{context}");
        fs::remove_file(sandbox.log()).expect("the log goes");
    }
}

fn every_option_of_zsh_is_survived(sandbox: &Sandbox) {
    install(sandbox);
    command(sandbox, "anklume", SHOWS);
    let listed = start(sandbox, &["zsh", "-fc", "print -l ${(k)options}"]).output().text();
    // Without execution nothing is executed; the next two are about each line that is; the last two take the aliases or
    // the search path away.
    let hopeless = ["exec", "xtrace", "verbose", "aliases", "restricted"];
    let options: Vec<&str> = listed.lines().filter(|option| !hopeless.contains(option)).collect();
    assert!(options.len() > 150, "{listed}");
    for option in options {
        for set in ["setopt", "unsetopt"] {
            let text = format!(
                "{set} {option} 2>/dev/null\n{}tm-wrap --target 'a b' env x\nalias env\ntm-wrap --undo env\nanklume sync\n",
                Shell::Zsh.init()
            );
            let output = Shell::Zsh.script(sandbox, &text).output();
            assert_eq!(
                output.text(),
                "env='tm-run --target=a\\ b --subcommands=x -- env'\nanklume<sync>\n",
                "{set} {option}: {}",
                output.stderr
            );
        }
    }
}

fn background_job_is_killed_by_the_pid_of_the_shell(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "anklume", &format!("#!/bin/sh\nexec {} signals default=15\n", probe()));
    for &words in shell.sessions() {
        let mut session = Session::start(sandbox, words, None);
        session.run(shell.init().trim_end());
        session.job.terminal().type_line("anklume sync &");
        let pid = session.job.terminal().screen.read_ready_pid();
        session.run("kill $!; wait $!; echo code=$?");
        assert!(!crate::harness::is_alive(pid), "{words:?}");
        session.leave();
    }
    sandbox.assert_logged(&vec![143; shell.sessions().len()]);
}

fn jobs_fg_and_time_know_the_command(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "anklume", &format!("#!/bin/sh\nexec {} signals default=2 default=20\n", probe()));
    command(sandbox, "play", "#!/bin/sh\n");
    for &words in shell.sessions() {
        let mut session = Session::start(sandbox, words, None);
        session.run(shell.init().trim_end());
        session.job.terminal().type_line("anklume sync");
        session.job.terminal().screen.read_ready_pid();
        session.job.terminal().ctrl('Z');
        session.job.terminal().wait_for_prompt();
        let jobs = session.run("jobs");
        assert!(jobs.contains("anklume sync"), "{words:?}: {jobs}");
        session.job.terminal().type_line("fg %?anklume");
        // SIGCONT, which comes when it has the terminal again.
        session.job.terminal().screen.read_until("signal 18");
        session.job.terminal().ctrl('C');
        session.job.terminal().wait_for_prompt();
        session.run("tm-wrap play");
        let timed = session.run("time play");
        assert!(timed.contains("user"), "{words:?}: {timed}");
        session.leave();
    }
    sandbox.assert_logged(&[130, 0].repeat(shell.sessions().len()));
}

fn ctrl_c_comes_back_to_the_prompt(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "anklume", &format!("#!/bin/sh\nexec {} signals default=2\n", probe()));
    let start = start(sandbox, shell.sessions()[0]).env("PS1", PROMPT).env("HISTFILE", "");
    let mut job = start.launch_option("--leads-session", "yes").on_terminal().spawn();
    let terminal = job.terminal();
    let prompt = if shell == Shell::Fish { "function fish_prompt; end; " } else { "" };
    terminal.type_line(&format!("{prompt}{}", shell.init().trim_end()));
    terminal.type_line("anklume sync");
    terminal.screen.read_ready_pid();
    terminal.ctrl('C');
    terminal.type_line(&format!("echo code={}", shell.status()));
    terminal.screen.read_until("code=130");
    terminal.type_line("exit");
    job.wait_for_exit();
    sandbox.assert_logged(&[130]);
}

//! The shell functions: `anklume`, `tm-wrap`.

use std::fs;

use super::{SHOWS, command, in_shell_dir, install, named, recorded, start};
use crate::harness::{Case, OFF, PROMPT, RECORDED, Sandbox, WaitStatus, cases};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED, needs ["bash", "zsh", "fish"];
        every_row_of_the_table_in_three_shells,
        a_status_is_kept,
        errors_end_a_strict_shell_as_they_would_without,
        an_alias_stands_in_nobodys_way,
        the_command_finds_its_own_variables,
        a_command_of_ones_own_is_recorded,
        what_cannot_be_wrapped_is_refused,
        a_name_that_would_be_refused_runs_unrecorded,
        an_anklume_around_make_is_left_alone,
        ctrl_c_comes_back_to_the_prompt,
        odd_options_of_zsh_do_no_harm,
    ];
    all.extend(
        cases![RECORDED, needs ["bash", "zsh", "fish", "make"]; function_make_and_include_are_one_event],
    );
    all.extend(cases![OFF, needs ["bash", "zsh", "fish"];
        without_tm_run_anklume_is_what_it_was,
        nobody_gets_an_anklume_they_do_not_have,
        telemetry_goes_to_tm_run,
    ]);
    all
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

impl Shell {
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

    fn script<'s>(self, sandbox: &'s Sandbox, text: &str) -> crate::harness::Launch<'s> {
        match self {
            Self::Bash => start(sandbox, &["bash", "--norc", "--noprofile", "-c", text]),
            Self::Zsh => start(sandbox, &["zsh", "-f", "-c", text]),
            Self::Fish => start(sandbox, &["fish", "--no-config", "-c", text]),
        }
    }
}

/// What is typed; the target and the domain it is recorded under, or nothing.
type Row = (&'static str, Option<(&'static str, Option<&'static str>)>);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("sync", Some(("sync", None))),
    ("sync --verbose", Some(("sync", None))),
    ("sync --dry-run", None),
    ("sync -n", None),
    ("sync --clean", None),
    ("sync --help", None),
    ("sync extra --help", None),
    ("synch", None),
    ("domain apply", Some(("apply", None))),
    ("domain apply --all", Some(("apply", None))),
    ("domain apply pro --all", Some(("apply", None))),
    ("domain apply pro", Some(("apply-limit", Some("pro")))),
    ("domain apply 'web,db'", Some(("apply-limit", Some("web,db")))),
    ("domain apply 'a b$c\"d'", Some(("apply-limit", Some("a b$c\"d")))),
    ("domain apply -- -pro", Some(("apply-limit", Some("-pro")))),
    ("domain apply ''", Some(("apply", None))),
    ("domain apply --tags infra", Some(("apply-infra", None))),
    ("domain apply --tags provision", Some(("apply-provision", None))),
    ("domain apply --tags=infra", Some(("apply-infra", None))),
    ("domain apply -t infra", Some(("apply-infra", None))),
    ("domain apply -tprovision", Some(("apply-provision", None))),
    ("domain apply pro --tags infra", Some(("apply-infra", Some("pro")))),
    ("domain apply --tags llm", None),
    ("domain apply --tags infra,provision", None),
    ("domain apply --tags", None),
    ("domain apply --help", None),
    ("domain apply one two", None),
    ("domain apply --unknown value", None),
    ("domain check pro", None),
    ("domain", None),
    ("dev test", Some(("test-generator", None))),
    ("dev test --generator", Some(("test-generator", None))),
    ("dev test --roles", None),
    ("dev test --role base", None),
    ("dev test -r base", None),
    ("dev test --sandboxed", None),
    ("dev test --generator --roles", None),
    ("dev test --help", None),
    ("dev lint", None),
    ("apply all", Some(("apply", None))),
    ("apply all --no-provision", Some(("apply-infra", None))),
    ("apply all --dry-run", None),
    ("apply all --no-provision --dry-run", None),
    ("apply all extra", None),
    ("apply domain pro", Some(("apply-limit", Some("pro")))),
    ("apply domain pro --no-provision", Some(("apply-infra", Some("pro")))),
    ("apply domain --dry-run pro", None),
    ("apply domain", None),
    ("apply --help", None),
    ("apply", None),
    ("telemetry", None),
    ("telemetry unknown", None),
    ("instance list", None),
    ("--version", None),
    ("--help", None),
    ("", None),
];

fn every_row_of_the_table_in_three_shells(sandbox: &Sandbox) {
    install(sandbox);
    command(sandbox, "anklume", &format!("{SHOWS}exit 7\n"));
    let expected: Vec<_> =
        ROWS.iter().filter_map(|(_, what)| what.map(|(target, domain)| named(target, domain))).collect();
    let text: Vec<_> = ROWS.iter().map(|(words, _)| format!("anklume {words}\n")).collect();
    let untouched = Shell::Bash.script(sandbox, &text.concat()).output();
    for shell in SHELLS {
        let text: Vec<_> =
            ROWS.iter().map(|(words, _)| format!("anklume {words}\necho {}\n", shell.status())).collect();
        let output = shell.script(sandbox, &format!("{}{}", shell.init(), text.concat())).output();
        assert_eq!(output.stderr, "", "{shell:?}");
        let text = output.text();
        let (output, statuses): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with("anklume"));
        assert_eq!(output, untouched.text().lines().collect::<Vec<_>>(), "{shell:?}");
        assert_eq!(statuses, vec!["7"; ROWS.len()], "{shell:?}");
        assert_eq!(recorded(sandbox), expected, "{shell:?}");
        fs::remove_file(sandbox.log()).expect("the log goes");
    }
}

fn a_status_is_kept(sandbox: &Sandbox) {
    install(sandbox);
    command(sandbox, "anklume", "#!/bin/sh\nexit \"$CODE\"\n");
    for shell in SHELLS {
        for code in [0, 1, 2, 127, 130, 255] {
            let text = format!("{}anklume sync\necho after {}\nanklume sync", shell.init(), shell.status());
            let output = shell.script(sandbox, &text).env("CODE", code.to_string()).output();
            assert_eq!(output.text(), format!("after {code}\n"), "{shell:?}");
            assert_eq!(output.status, WaitStatus::Exited(code), "{shell:?}");
        }
    }
}

fn errors_end_a_strict_shell_as_they_would_without(sandbox: &Sandbox) {
    install(sandbox);
    command(sandbox, "anklume", &format!("{SHOWS}[ \"$1\" != fail ] && [ \"$2\" != all ]\n"));
    for shell in [Shell::Bash, Shell::Zsh] {
        let init = shell.init();
        let text = format!(
            "set -eu\n{init}{init}anklume sync\nanklume\nanklume domain apply\nanklume dev test\nanklume telemetry\n\
             tm-wrap anklume-not-there\nanklume-not-there || echo missing\nanklume apply all\necho not reached\n"
        );
        let output = shell.script(sandbox, &text).output();
        let text = output.text();
        assert!(text.ends_with("missing\nanklume<apply><all>\n"), "{shell:?}: {text} {}", output.stderr);
        assert_eq!(output.status, WaitStatus::Exited(1), "{shell:?}");
        // In a condition, set -e does not end the shell.
        let text = format!("set -eu\n{init}if anklume apply all; then :; else echo else; fi\n");
        assert!(shell.script(sandbox, &text).output().text().ends_with("else\n"), "{shell:?}");
    }
}

fn an_alias_stands_in_nobodys_way(sandbox: &Sandbox) {
    install(sandbox);
    command(sandbox, "anklume", SHOWS);
    for shell in SHELLS {
        let alias = match shell {
            Shell::Bash => "shopt -s expand_aliases\nalias anklume='echo alias'\n",
            Shell::Zsh => "setopt aliases\nalias anklume='echo alias'\n",
            Shell::Fish => "alias anklume='echo alias'\n",
        };
        fs::write(sandbox.path("rest"), "anklume sync\n").expect("a file");
        let text = format!("{alias}{}source ../rest\n", shell.init());
        let output = shell.script(sandbox, &text).output();
        assert_eq!((output.text().as_str(), output.stderr.as_str()), ("anklume<sync>\n", ""), "{shell:?}");
    }
    assert_eq!(recorded(sandbox), vec![named("sync", None); 3]);
}

/// A local variable of a function would hide an exported one of the same name.
fn the_command_finds_its_own_variables(sandbox: &Sandbox) {
    install(sandbox);
    command(
        sandbox,
        "anklume",
        "#!/bin/sh\necho \"$target $domain $tags $all $words $line $name $file $path $reply\"\n",
    );
    for shell in SHELLS {
        for typed in ["anklume domain apply pro", "anklume sync --dry-run", "anklume dev test"] {
            let mut start = shell.script(sandbox, &format!("{}{typed}", shell.init()));
            for name in ["target", "domain", "tags", "all", "words", "line", "name", "file", "reply"] {
                start = start.env(name, name);
            }
            if shell != Shell::Zsh {
                start = start.env("path", "path");
            }
            let expected = if shell == Shell::Zsh { "" } else { "path" };
            let output = start.output();
            assert_eq!(
                output.text(),
                format!("target domain tags all words line name file {expected} reply\n"),
                "{shell:?}"
            );
        }
    }
}

fn a_command_of_ones_own_is_recorded(sandbox: &Sandbox) {
    install(sandbox);
    command(sandbox, "terra.form-2", &format!("{SHOWS}exit 3\n"));
    command(sandbox, "play", SHOWS);
    for shell in SHELLS {
        let text = format!(
            "{}tm-wrap terra.form-2\ntm-wrap terra.form-2\nterra.form-2 plan 'a  b' '' --target x\necho {}\n\
             tm-wrap --target site play\nplay one\n\
             tm-wrap --target='the web' --domain \"it's\\$\" play\nplay two\ncommand play bare\n",
            shell.init(),
            shell.status()
        );
        let output = shell.script(sandbox, &text).output();
        assert_eq!(output.stderr, "", "{shell:?}");
        assert_eq!(
            output.text(),
            "terra.form-2<plan><a  b><><--target><x>\n3\nplay<one>\nplay<two>\nplay<bare>\n",
            "{shell:?}"
        );
        let expected = [named("terra.form-2", None), named("site", None), named("the web", Some("it's$"))];
        assert_eq!(recorded(sandbox), expected, "{shell:?}");
        fs::remove_file(sandbox.log()).expect("the log goes");
    }
}

fn what_cannot_be_wrapped_is_refused(sandbox: &Sandbox) {
    install(sandbox);
    for shell in SHELLS {
        for (words, why) in [
            ("", "usage: tm-wrap"),
            ("--target", "usage: tm-wrap"),
            ("--unknown ls", "usage: tm-wrap"),
            ("one two", "usage: tm-wrap"),
            ("'a b'", "usage: tm-wrap"),
            ("'x; touch PWNED'", "usage: tm-wrap"),
            ("-- -x", "usage: tm-wrap"),
            ("cd", "part of the shell"),
            ("if", "part of the shell"),
            ("mine", "a function mine already"),
            ("--target \"(printf 'a\\tb')\" ls", "no control characters"),
        ] {
            let words = if shell == Shell::Fish {
                words.replace("\"(printf 'a\\tb')\"", "(printf 'a\\tb')")
            } else {
                words.replace("\"(", "\"$(")
            };
            let mine = if shell == Shell::Fish { "function mine; end" } else { "mine() { :; }" };
            let text = format!("{}{mine}\ntm-wrap {words}\n", shell.init());
            let output = shell.script(sandbox, &text).output();
            assert_eq!(output.status, WaitStatus::Exited(2), "{shell:?} {words}: {}", output.stderr);
            assert!(output.stderr.contains(why), "{shell:?} {words}: {}", output.stderr);
        }
    }
    assert!(!sandbox.home().join("PWNED").exists());
}

fn a_name_that_would_be_refused_runs_unrecorded(sandbox: &Sandbox) {
    install(sandbox);
    command(sandbox, "anklume", SHOWS);
    let long = "\u{e9}".repeat(513);
    let fits = "x".repeat(1024);
    for shell in SHELLS {
        let text = format!(
            "{}anklume domain apply 'a\nb'\nanklume domain apply '{long}'\nanklume domain apply '{fits}'\n",
            shell.init()
        );
        let output = shell.script(sandbox, &text).output();
        assert_eq!(output.stderr, "", "{shell:?}");
        assert_eq!(
            output.text(),
            format!(
                "anklume<domain><apply><a\nb>\nanklume<domain><apply><{long}>\nanklume<domain><apply><{fits}>\n"
            )
        );
        assert_eq!(recorded(sandbox), [named("apply-limit", Some(&fits))], "{shell:?}");
        fs::remove_file(sandbox.log()).expect("the log goes");
    }
}

fn an_anklume_around_make_is_left_alone(sandbox: &Sandbox) {
    install(sandbox);
    for (text, is_make) in [
        ("#!/bin/sh\nexec make -C \"$HERE\" \"$@\"\n", true),
        ("#!/usr/bin/env bash\n# Runs make.\nset -e\nmake --directory \"$HERE\" \"$@\"\n", true),
        ("#!/bin/sh\ncd \"$HERE\" && exec make \"$@\"\n", true),
        ("#!/bin/sh\n# Once: make -C \"$HERE\" \"$@\"\necho direct\n", false),
        ("#!/usr/bin/env -S sh -e\necho direct\n", false),
        ("#!/bin/sh", false),
    ] {
        command(sandbox, "anklume", text);
        command(sandbox, "make", "#!/bin/sh\necho make\n");
        for shell in SHELLS {
            let output =
                shell.script(sandbox, &format!("{}anklume sync\n", shell.init())).env("HERE", "/").output();
            assert_eq!(output.status, WaitStatus::Exited(0), "{shell:?} {text}: {}", output.stderr);
            let expected = if is_make { vec![] } else { vec![named("sync", None)] };
            assert_eq!(recorded(sandbox), expected, "{shell:?} {text}");
            let _ = fs::remove_file(sandbox.log());
        }
    }
    // A program is no script, whatever is in it.
    crate::harness::install(crate::harness::probe(), &sandbox.path("bin/anklume"));
    for shell in SHELLS {
        shell.script(sandbox, &format!("{}anklume sync\n", shell.init())).output();
    }
    assert_eq!(recorded(sandbox), vec![named("sync", None); 3]);
}

fn function_make_and_include_are_one_event(sandbox: &Sandbox) {
    install(sandbox);
    fs::copy(in_shell_dir("telemetry.mk"), sandbox.path("telemetry.mk")).expect("telemetry.mk");
    fs::write(sandbox.path("Makefile"), "sync:\n\t$(call tele_wrap,sync,echo synced)\ntest-generator: sync\n\t@$(tm) echo tested\ninclude telemetry.mk\n")
        .expect("a Makefile");
    // A program around make that does not show it.
    command(
        sandbox,
        "anklume",
        "#!/bin/sh\ncase $1 in sync) goal=sync ;; *) goal=test-generator ;; esac\nrun=make\n$run --no-print-directory -C .. \"$goal\"\n",
    );
    for shell in SHELLS {
        let output =
            shell.script(sandbox, &format!("{}anklume sync\nanklume dev test\n", shell.init())).output();
        assert_eq!(
            (output.text().as_str(), output.stderr.as_str()),
            ("synced\nsynced\ntested\n", ""),
            "{shell:?}"
        );
        // The sync within the test is another target: it counts on its own.
        assert_eq!(
            recorded(sandbox),
            [named("sync", None), named("sync", None), named("test-generator", None)],
            "{shell:?}"
        );
        fs::remove_file(sandbox.log()).expect("the log goes");
    }
}

fn without_tm_run_anklume_is_what_it_was(sandbox: &Sandbox) {
    install(sandbox);
    command(sandbox, "anklume", &format!("{SHOWS}exit 7\n"));
    for shell in SHELLS {
        let gone = "rm ../bin/tm-run\n";
        let text = format!(
            "{}{gone}anklume telemetry on\nanklume sync\necho {}\nanklume domain apply pro\ntm-wrap anklume\nanklume x\n",
            shell.init(),
            shell.status()
        );
        let output = shell.script(sandbox, &text).output();
        assert_eq!(
            (output.text().as_str(), output.stderr.as_str()),
            ("anklume<telemetry><on>\nanklume<sync>\n7\nanklume<domain><apply><pro>\nanklume<x>\n", ""),
            "{shell:?}"
        );
        assert_eq!(output.status, WaitStatus::Exited(7));
        install(sandbox);
    }
    assert!(!sandbox.home().join(".anklume").exists());
}

fn nobody_gets_an_anklume_they_do_not_have(sandbox: &Sandbox) {
    install(sandbox);
    for shell in SHELLS {
        let is_there = match shell {
            Shell::Bash => "type -t anklume || echo none\n",
            Shell::Zsh => "whence -w anklume || echo none\n",
            Shell::Fish => "functions -q anklume; and echo function; or echo none\n",
        };
        let set = |value: &str| {
            if shell == Shell::Fish {
                format!("set -g TM_RUN_ANKLUME {value}\n")
            } else {
                format!("TM_RUN_ANKLUME={value}\n")
            }
        };
        let text = format!("{}{is_there}", shell.init());
        assert!(shell.script(sandbox, &text).output().text().ends_with("none\n"), "{shell:?}");
        // Asked for: there, and as before where the command is not.
        let text = format!("{}{}{is_there}anklume sync\n", set("1"), shell.init());
        let output = shell.script(sandbox, &text).output();
        assert!(output.text().ends_with("function\n"), "{shell:?}: {}", output.text());
        assert_eq!(output.status, WaitStatus::Exited(127), "{shell:?}");
        assert!(
            output.stderr.contains("anklume") && !output.stderr.contains("tm-run:"),
            "{shell:?}: {}",
            output.stderr
        );
        // Declined.
        command(sandbox, "anklume", SHOWS);
        let text = format!("{}{}{is_there}", set("0"), shell.init());
        assert!(!shell.script(sandbox, &text).output().text().contains("function"), "{shell:?}");
        fs::remove_file(sandbox.path("bin/anklume")).expect("it goes");
    }
}

fn telemetry_goes_to_tm_run(sandbox: &Sandbox) {
    install(sandbox);
    command(sandbox, "anklume", SHOWS);
    for shell in SHELLS {
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
    }
    assert!(!sandbox.home().join(".anklume").exists());
}

fn ctrl_c_comes_back_to_the_prompt(sandbox: &Sandbox) {
    install(sandbox);
    let probe = crate::harness::probe();
    command(sandbox, "anklume", &format!("#!/bin/sh\nexec {probe} signals default=2\n"));
    for shell in SHELLS {
        let words: &[&str] = match shell {
            Shell::Bash => &["bash", "--norc", "--noprofile", "-i"],
            Shell::Zsh => &["zsh", "-f", "-i"],
            Shell::Fish => &["fish", "--no-config", "-i"],
        };
        let mut job = start(sandbox, words)
            .env("PS1", PROMPT)
            .env("HISTFILE", "")
            .launch_option("--leads-session", "yes")
            .on_terminal()
            .spawn();
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
    }
    sandbox.assert_logged(&[130, 130, 130]);
}

fn odd_options_of_zsh_do_no_harm(sandbox: &Sandbox) {
    install(sandbox);
    command(sandbox, "anklume", SHOWS);
    command(sandbox, "play", SHOWS);
    for options in [
        "ksh_arrays",
        "sh_word_split glob_subst",
        "no_unset",
        "warn_create_global",
        "null_glob",
        "no_nomatch",
        "ksh_glob extended_glob",
        "rc_expand_param",
        "posix_builtins",
        "warn_nested_var",
    ] {
        let text = format!(
            "setopt {options}\n{}anklume domain apply 'a b*'\ntm-wrap --domain '*' play\nplay\n",
            Shell::Zsh.init()
        );
        let output = Shell::Zsh.script(sandbox, &text).output();
        assert_eq!(
            (output.text().as_str(), output.stderr.as_str()),
            ("anklume<domain><apply><a b*>\nplay\n", ""),
            "{options}"
        );
        assert_eq!(recorded(sandbox)[0], named("apply-limit", Some("a b*")), "{options}");
        fs::remove_file(sandbox.log()).expect("the log goes");
    }
}

//! Completion, typed into real shells: the line is completed, then shown by a command put in front of it.

use std::fs;
use std::path::PathBuf;

use super::documents::{COMMANDS, Help};
use super::typist::{INIT, SHELLS, Shell, Typist};
use super::{command, in_shell_dir, install, start, typer_anklume};
use crate::harness::{Case, OFF, Sandbox, TYPER, cases};

pub fn cases() -> Vec<Case> {
    let mut all = per_shell![OFF, SHELLS, needs [];
        every_option_and_subcommand_is_completed,
        every_possible_value_is_completed,
        names_in_the_log_are_completed,
        control_characters_in_names_do_not_reach_the_terminal,
        names_in_a_damaged_log_are_completed_as_far_as_readable,
        file_names_are_completed_for_log_and_output,
        wrapped_command_is_completed_by_its_own_completion,
        anklume_keeps_its_own_completion,
        command_of_tm_wrap_keeps_its_completion,
        prefix_of_a_subcommand_is_answered_among_commands_that_begin_alike,
        ten_thousand_names_are_completed,
        options_of_tm_wrap_are_completed,
    ];
    all.extend(cases![OFF, needs ["bash", "zsh", "fish", TYPER];
        typer_completes_key_by_key_as_without_the_alias,
    ]);
    all.extend(cases![OFF; newest_part_of_a_long_log_is_completed]);
    all.extend(cases![OFF, needs ["zsh"]; zsh_completes_before_and_after_compinit_and_from_fpath]);
    all
}

/// The shortest beginning that only this word has.
fn beginning<'w>(word: &'w str, all: &[&str]) -> Option<&'w str> {
    (1..word.len())
        .map(|length| &word[..length])
        .find(|start| all.iter().filter(|other| other.starts_with(start)).count() == 1)
}

fn every_option_and_subcommand_is_completed(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    let mut typist = Typist::with_init(sandbox, shell, "");
    for &name in COMMANDS {
        let help = Help::of(name);
        let flags: Vec<&str> = help.flags.iter().map(|flag| flag.name.as_str()).collect();
        assert!(flags.contains(&"--help"));
        for flag in &flags {
            let start = beginning(flag, &flags).expect("a flag that is no beginning of another");
            let start = if start.len() < 3 { &flag[..3] } else { start };
            let (typed, expected) = match name {
                "" => (format!("tm-run {start}"), vec!["tm-run", flag]),
                _ => (format!("tm-run {name} {start}"), vec!["tm-run", name, flag]),
            };
            typist.completes(&typed, &expected);
        }
    }
    let subcommands: Vec<&str> = COMMANDS.iter().copied().filter(|name| !name.is_empty()).collect();
    // Where commands begin alike the word is not unique; here is the list.
    let listed = match shell {
        // M-* puts all of them into the line.
        Shell::Bash | Shell::PlainBash => typist.line("tm-run \x1b*").join(" "),
        Shell::Zsh | Shell::Fish => typist.screen("tm-run \t\t", "status"),
    };
    for name in subcommands {
        assert!(listed.contains(name), "{shell:?}: {name} in {listed}");
    }
}

fn every_possible_value_is_completed(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    let mut typist = Typist::with_init(sandbox, shell, "");
    for &name in COMMANDS {
        for flag in Help::of(name).flags {
            let values: Vec<&str> = flag.values.iter().map(String::as_str).collect();
            for value in &values {
                let Some(start) = beginning(value, &values) else { continue };
                let flag = &flag.name;
                typist.completes(&format!("tm-run {name} {flag} {start}"), &["tm-run", name, flag, value]);
                let joined = format!("{flag}={value}");
                typist.completes(&format!("tm-run {name} {flag}={start}"), &["tm-run", name, &joined]);
            }
        }
    }
    for what in ["bash", "zsh", "fish"] {
        typist.completes(&format!("tm-run init {}", &what[..1]), &["tm-run", "init", what]);
    }
    typist.completes("tm-run report --since to", &["tm-run", "report", "--since", "today"]);
    typist.completes("tm-run clear --before=y", &["tm-run", "clear", "--before=yesterday"]);
    // Neither a number nor a word that is not known has a completion.
    fs::write(sandbox.home().join("zfile"), "").expect("a file");
    typist.leaves("tm-run report --last z", &["tm-run", "report", "--last", "z"]);
    typist.leaves("tm-run report --format z", &["tm-run", "report", "--format", "z"]);
    typist.leaves("tm-run status z", &["tm-run", "status", "z"]);
}

/// A log with these names. They are written as they are: the caller makes JSON of them.
fn log(sandbox: &Sandbox, names: &[(&str, &str)]) {
    let line = |(target, domain): &(&str, &str)| {
        format!(
            "{{\"timestamp\": \"2026-02-14T10:30:00+00:00\", \"target\": \"{target}\", \"domain\": {domain}, \
             \"duration_seconds\": 45.0, \"exit_code\": 0}}\n"
        )
    };
    fs::create_dir_all(sandbox.telemetry()).expect("a directory");
    fs::write(sandbox.log(), names.iter().map(line).collect::<String>()).expect("a log");
}

fn names_in_the_log_are_completed(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    log(
        sandbox,
        &[
            ("apply", "null"),
            ("build-all", "\"pro\""),
            ("build-all", "\"pro\""),
            ("my $(touch PWNED) site", "\"caf\\u00e9\""),
            ("quo\\\"te's", "\"back\\\\slash\""),
            ("naïve 猫", "\"x:y=z\""),
            ("-dash", "\"with\\/slash\""),
        ],
    );
    let mut typist = Typist::with_init(sandbox, shell, "");
    for (typed, expected) in [
        ("tm-run --target ap", &["tm-run", "--target", "apply"][..]),
        ("tm-run --target=bu", &["tm-run", "--target=build-all"]),
        ("tm-run --target my", &["tm-run", "--target", "my $(touch PWNED) site"]),
        ("tm-run --target=my", &["tm-run", "--target=my $(touch PWNED) site"]),
        ("tm-run --domain pr", &["tm-run", "--domain", "pro"]),
        ("tm-run --domain ca", &["tm-run", "--domain", "café"]),
        ("tm-run --domain=ba", &["tm-run", "--domain=back\\slash"]),
        ("tm-run --target x --domain wi", &["tm-run", "--target", "x", "--domain", "with/slash"]),
        ("tm-run report --target quo", &["tm-run", "report", "--target", "quo\"te's"]),
        ("tm-run report --target=naï", &["tm-run", "report", "--target=naïve 猫"]),
        ("tm-run report --domain x", &["tm-run", "report", "--domain", "x:y=z"]),
        ("tm-run report --domain=x", &["tm-run", "report", "--domain=x:y=z"]),
        ("tm-run report --domain=x:y", &["tm-run", "report", "--domain=x:y=z"]),
        ("tm-run report --exclude ap", &["tm-run", "report", "--exclude", "apply"]),
        ("tm-run report --failed --target a", &["tm-run", "report", "--failed", "--target", "apply"]),
        ("tm-run log --target ap", &["tm-run", "log", "--target", "apply"]),
        ("tm-run log --domain pr", &["tm-run", "log", "--domain", "pro"]),
    ] {
        typist.completes(typed, expected);
    }
    // Within quotes.
    typist
        .completes("tm-run report --target 'my", &["tm-run", "report", "--target", "my $(touch PWNED) site"]);
    typist.completes("tm-run report --target \"ap", &["tm-run", "report", "--target", "apply"]);
    assert!(!sandbox.home().join("PWNED").exists());
}

fn control_characters_in_names_do_not_reach_the_terminal(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    log(
        sandbox,
        &[
            ("evil\\u001b]0;pwned\\u0007", "\"evil\\u009b31mpwned\""),
            ("evil\\npwned", "\"evil\u{9b}pwned\""),
            ("evil\x1b[31mpwned", "\"evil\\u0000pwned\""),
            ("evil\\tpwned", "\"evil\\rpwned\""),
            ("evil\x7fpwned", "\"evil\\u007fpwned\""),
            ("harmless-one", "\"harmless-one\""),
            ("harmless-two", "\"harmless-two\""),
        ],
    );
    let mut typist = Typist::with_init(sandbox, shell, "");
    for option in ["--target", "--domain"] {
        typist.leaves(&format!("tm-run report {option} evil"), &["tm-run", "report", option, "evil"]);
        let screen = typist.screen(&format!("tm-run report {option} \t\t\t"), "harmless-two");
        assert!(!screen.contains("pwned"), "{shell:?}: {screen:?}");
    }
}

fn names_in_a_damaged_log_are_completed_as_far_as_readable(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    fs::create_dir_all(sandbox.telemetry()).expect("a directory");
    let mut bytes =
        b"\0\xff\xfe not json {\"target\": \"ghost\n{\"target\":\"tight\",\"domain\":\"alone\"}\r\n".to_vec();
    bytes.extend(b"{\"domain\" : \"spaced\", \"target\"  :  \"reversed\"}\n{\"target\": \"x\0y\"}\n{\"target\": \"glued\", \"dom{\"target\": \"second\"}\n");
    let old = b"{\"target\": \"ancient\", \"domain\": null, \"duration_seconds\": 45.0, \"exit_code\": 0}\n";
    let mut long: Vec<u8> = old.iter().copied().cycle().take(old.len() * 20_000).collect();
    long.extend(&bytes);
    fs::write(sandbox.log(), &long).expect("a log");
    let mut typist = Typist::with_init(sandbox, shell, "");
    for (start, name) in [("ti", "tight"), ("rev", "reversed"), ("anc", "ancient")] {
        typist.completes(&format!("tm-run --target {start}"), &["tm-run", "--target", name]);
    }
    typist.completes("tm-run --domain sp", &["tm-run", "--domain", "spaced"]);
    typist.leaves("tm-run --target ghos", &["tm-run", "--target", "ghos"]);
    // A log that cannot be read is no reason to wait or to complain.
    fs::remove_file(sandbox.log()).expect("it goes");
    nix::unistd::mkfifo(&sandbox.log(), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    typist.leaves("tm-run --target ap", &["tm-run", "--target", "ap"]);
    fs::remove_file(sandbox.log()).expect("it goes");
    typist.leaves("tm-run --target ap", &["tm-run", "--target", "ap"]);
}

fn file_names_are_completed_for_log_and_output(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    fs::create_dir(sandbox.home().join("logs")).expect("a directory");
    for name in ["events one.jsonl", "logs/other.jsonl"] {
        fs::write(sandbox.home().join(name), "").expect("a file");
    }
    let mut typist = Typist::with_init(sandbox, shell, "");
    for option in ["--log", "--output"] {
        typist.completes(
            &format!("tm-run report {option} ev"),
            &["tm-run", "report", option, "events one.jsonl"],
        );
        let joined = format!("{option}=logs/other.jsonl");
        typist.completes(&format!("tm-run report {option}=logs/o"), &["tm-run", "report", &joined]);
    }
}

fn prefix_of_a_subcommand_is_answered_among_commands_that_begin_alike(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    for name in ["statistics", "reporter", "clearly", "onward", "offline", "logger-of-events", "initialise"] {
        command(sandbox, name, "#!/bin/sh\n");
    }
    let mut typist = Typist::with_init(sandbox, shell, "");
    for name in COMMANDS.iter().filter(|name| !name.is_empty()) {
        // Fish shows only what fits on the screen, and marks what was typed.
        let root = Help::of("");
        let about =
            root.text.lines().find_map(|line| line.trim().strip_prefix(*name)).expect("its help").trim();
        let about = &about[..12];
        for length in 2..name.len() {
            let typed = format!("tm-run {}", &name[..length]);
            let line = typist.line(&format!("{typed}\t"));
            if line.last().map(String::as_str) != Some(name) {
                let listed = match shell {
                    // M-* puts all of them into the line.
                    Shell::Bash | Shell::PlainBash => typist.line(&format!("{typed}\x1b*")).join(" "),
                    Shell::Zsh | Shell::Fish => typist.screen(&format!("{typed}\t\t"), about),
                };
                assert!(listed.contains(name) || listed.contains(about), "{shell:?}: {typed}: {listed}");
            }
        }
    }
}

fn ten_thousand_names_are_completed(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    let names: Vec<String> = (0..10_000).map(|number| format!("name-{number:04}-and-more")).collect();
    let names: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "null")).collect();
    log(sandbox, &names);
    let mut typist = Typist::with_init(sandbox, shell, "");
    typist.completes("tm-run --target name-4711", &["tm-run", "--target", "name-4711-and-more"]);
    typist
        .completes("tm-run report --target=name-0815", &["tm-run", "report", "--target=name-0815-and-more"]);
}

fn newest_part_of_a_long_log_is_completed(sandbox: &Sandbox) {
    install(sandbox);
    let line = |name: &str| format!("{{\"target\": \"{name}\", \"filler\": \"{}\"}}\n", "x".repeat(1000));
    fs::create_dir_all(sandbox.telemetry()).expect("a directory");
    fs::write(sandbox.log(), line("old") + &line("recent").repeat(20_000) + &line("new")).expect("a log");
    let output = start(sandbox, &["tm-run", "__complete", "fish", "tm-run", "--target", ""]).output();
    assert_eq!((output.text().as_str(), output.stderr.as_str()), ("nothing\nnew\nrecent\n", ""));
}

fn options_of_tm_wrap_are_completed(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "frobnicate-the-widget", "#!/bin/sh\n");
    log(sandbox, &[("apply", "\"production\"")]);
    let mut typist = Typist::with_init(sandbox, shell, "");
    typist.completes("tm-wrap --un", &["tm-wrap", "--undo"]);
    typist.completes("tm-wrap --domain pro", &["tm-wrap", "--domain", "production"]);
    typist.completes("tm-wrap --target=x frobn", &["tm-wrap", "--target=x", "frobnicate-the-widget"]);
}

/// The line of a start file that Typer's `--install-completion` makes.
fn typer_completion(sandbox: &Sandbox, shell: Shell) -> String {
    let name = match shell {
        Shell::Bash | Shell::PlainBash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
    };
    let output = start(sandbox, &["anklume"]).env("_ANKLUME_COMPLETE", format!("source_{name}")).output();
    assert!(output.text().contains("anklume"), "{}", output.stderr);
    output.text()
}

fn typer_completes_key_by_key_as_without_the_alias(sandbox: &Sandbox) {
    install(sandbox);
    typer_anklume(sandbox, "anklume");
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let own = typer_completion(sandbox, shell);
        let (compinit, init) = match shell {
            Shell::Bash | Shell::PlainBash => ("", "eval \"$(tm-run init bash)\"\n"),
            Shell::Zsh => ("autoload -Uz compinit; compinit -u -D\n", "eval \"$(tm-run init zsh)\"\n"),
            Shell::Fish => ("", "tm-run init fish | source\n"),
        };
        let mut bare = Typist::sit_down(sandbox, shell, &format!("{compinit}{own}\n"), &[]);
        let mut aliased = Typist::sit_down(sandbox, shell, &format!("{compinit}{own}\n{init}"), &[]);
        let line = "anklume domain apply laboratory --limit";
        for length in ["anklume d".len(), 10, 14, 15, 16, 18, 20, 21, 22, 25, 31, 33, 35, 37] {
            let keys = format!("{}\t", &line[..length]);
            assert_eq!(aliased.line(&keys), bare.line(&keys), "{shell:?}: {}", &line[..length]);
        }
        for keys in [
            "anklume sync --dr",
            "anklume apply domain pro",
            "anklume telem",
            "anklume nothing ",
            "anklume -",
        ] {
            let keys = format!("{keys}\t");
            assert_eq!(aliased.line(&keys), bare.line(&keys), "{shell:?}: {keys}");
        }
        aliased.completes("anklume domain apply lab", &["anklume", "domain", "apply", "laboratory"]);
        aliased.completes(
            "tm-run -- anklume domain apply lab",
            &["tm-run", "--", "anklume", "domain", "apply", "laboratory"],
        );
        aliased.completes("anklume telemetry re", &["anklume", "telemetry", "report"]);
        aliased
            .completes("anklume telemetry report --dur", &["anklume", "telemetry", "report", "--durations"]);
        aliased.completes(
            "anklume telemetry report --sort av",
            &["anklume", "telemetry", "report", "--sort", "average"],
        );
    }
}

/// A command with a completion of its own, in each shell's way.
fn frob(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash | Shell::PlainBash => {
            "_frob() { COMPREPLY=($(compgen -W 'alpha beta --gamma' -- \"$2\")); }\ncomplete -F _frob frob\n"
        }
        Shell::Zsh => "_frob() { compadd -- alpha beta --gamma }\ncompdef _frob frob\n",
        Shell::Fish => "complete -c frob -f\ncomplete -c frob -a 'alpha beta'\ncomplete -c frob -l gamma\n",
    }
}

fn wrapped_command_is_completed_by_its_own_completion(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "frob", "#!/bin/sh\n");
    command(sandbox, "frobnicate-the-widget", "#!/bin/sh\n");
    fs::write(sandbox.home().join("only file"), "").expect("a file");
    let mut typist = Typist::with_init(sandbox, shell, frob(shell));
    typist.completes("tm-run frobn", &["tm-run", "frobnicate-the-widget"]);
    typist.completes("tm-run -- frobn", &["tm-run", "--", "frobnicate-the-widget"]);
    typist.completes("tm-run --target x frobn", &["tm-run", "--target", "x", "frobnicate-the-widget"]);
    typist.completes("tm-run frobnicate-the-widget onl", &["tm-run", "frobnicate-the-widget", "only file"]);
    if shell == Shell::PlainBash {
        // Handing over is bash-completion's work.
        return;
    }
    for before in ["tm-run", "tm-run --", "tm-run --target report", "tm-run --target=a:b --domain c --"] {
        for (start, word) in [
            ("al", "alpha"),
            ("one b", "beta"),
            ("--g", "--gamma"),
            ("report --g", "--gamma"),
            ("on --target=x --g", "--gamma"),
        ] {
            let typed = format!("{before} frob {start}");
            let mut expected: Vec<&str> = before.split(' ').chain(["frob"]).chain(start.split(' ')).collect();
            expected.pop();
            expected.push(word);
            typist.completes(&typed, &expected);
        }
    }
    // A subcommand behind -- is a command.
    typist.leaves("tm-run -- report --form", &["tm-run", "--", "report", "--form"]);
}

fn anklume_keeps_its_own_completion(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "anklume", "#!/bin/sh\n");
    let own = frob(shell).replace("frob", "anklume");
    let mut typist = Typist::with_init(sandbox, shell, &own);
    typist.completes("anklume al", &["anklume", "alpha"]);
    typist.completes("anklume domain --g", &["anklume", "domain", "--gamma"]);
}

fn command_of_tm_wrap_keeps_its_completion(sandbox: &Sandbox, shell: Shell) {
    install(sandbox);
    command(sandbox, "frob", "#!/bin/sh\n");
    let mut typist = Typist::with_init(sandbox, shell, &format!("{}tm-wrap --target x frob\n", frob(shell)));
    typist.completes("frob al", &["frob", "alpha"]);
}

fn zsh_completes_before_and_after_compinit_and_from_fpath(sandbox: &Sandbox) {
    install(sandbox);
    let rc = "eval \"$(tm-run init zsh)\"\nautoload -Uz compinit; compinit -u -D\n";
    let mut typist = Typist::sit_down(sandbox, Shell::Zsh, rc, &[]);
    typist.completes("tm-run report --dur", &["tm-run", "report", "--durations"]);
    drop(typist);
    // Typed at the prompt, one after the other.
    let mut typist = Typist::sit_down(sandbox, Shell::Zsh, "", &[]);
    for line in ["eval \"$(tm-run init zsh)\"", "autoload -Uz compinit; compinit -u -D"] {
        typist.job.terminal().type_text(&format!("{line}\r"));
        assert_eq!(typist.line(INIT), [INIT]);
    }
    typist.completes("tm-run report --dur", &["tm-run", "report", "--durations"]);
    drop(typist);
    // As a file in $fpath, as packages have it.
    let directory: PathBuf = sandbox.path("site");
    fs::create_dir(&directory).expect("a directory");
    fs::copy(in_shell_dir("_tm-run"), directory.join("_tm-run")).expect("the file");
    let rc = format!("fpath=({} $fpath)\nautoload -Uz compinit; compinit -u -D\n", directory.display());
    let mut typist = Typist::sit_down(sandbox, Shell::Zsh, &rc, &[]);
    log(sandbox, &[("apply", "null")]);
    typist.completes("tm-run report --dur", &["tm-run", "report", "--durations"]);
    typist.completes("tm-run --target ap", &["tm-run", "--target", "apply"]);
    typist.completes("tm-run --target ap", &["tm-run", "--target", "apply"]);
}

//! Completion, typed into real shells: the line is completed, then shown by a command put in front of it.

use std::fs;
use std::path::{Path, PathBuf};

use super::documents::{COMMANDS, Help};
use super::{command, in_shell_dir, install, start};
use crate::harness::{Case, Job, OFF, Sandbox, cases};

pub fn cases() -> Vec<Case> {
    let mut all = cases![OFF, needs ["bash", "zsh", "fish"];
        every_flag_and_subcommand_is_completed,
        every_value_of_a_closed_set_is_completed,
        names_in_the_log_are_completed,
        a_name_in_a_log_drives_no_terminal,
        a_damaged_log_gives_the_names_that_can_be_read,
        files_are_completed_where_a_file_is_wanted,
        the_wrapped_commands_words_are_its_own,
        the_completion_of_anklume_stays_what_it_was,
        a_wrapped_command_keeps_its_completion,
    ];
    all.extend(cases![OFF, needs ["zsh"]; zsh_completes_in_either_order_with_compinit]);
    all
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shell {
    Bash,
    /// bash without the package bash-completion.
    PlainBash,
    Zsh,
    Fish,
}

pub const SHELLS: [Shell; 4] = [Shell::Bash, Shell::PlainBash, Shell::Zsh, Shell::Fish];

/// Where the package bash-completion has its own part, if it is installed.
const BASH_COMPLETION: &str = "/usr/share/bash-completion/bash_completion";

/// A shell at its prompt.
pub struct Typist {
    shell: Shell,
    job: Job,
}

const INIT: &str = "init";

impl Typist {
    /// With the line that README gives, and more lines for the start file.
    pub fn with_init(sandbox: &Sandbox, shell: Shell, more: &str) -> Self {
        let init = match shell {
            Shell::Bash | Shell::PlainBash => "eval \"$(tm-run init bash)\"\n",
            Shell::Zsh => "autoload -Uz compinit; compinit -u -D\neval \"$(tm-run init zsh)\"\n",
            Shell::Fish => "tm-run init fish | source\n",
        };
        Self::sit_down(sandbox, shell, &format!("{init}{more}"), &[])
    }

    pub fn sit_down(sandbox: &Sandbox, shell: Shell, rc: &str, environment: &[(&str, &Path)]) -> Self {
        command(sandbox, "shown", "#!/bin/sh\nprintf '<begin>'\nprintf '<%s>' \"$@\"\necho '<end>'\n");
        let home = sandbox.home();
        let rc_file = match shell {
            Shell::Bash | Shell::PlainBash => home.join(".bashrc"),
            Shell::Zsh => home.join(".zshrc"),
            Shell::Fish => home.join(".config/fish/config.fish"),
        };
        fs::create_dir_all(rc_file.parent().expect("a directory")).expect("a directory");
        let before = match shell {
            Shell::Bash => {
                assert!(Path::new(BASH_COMPLETION).exists(), "bash-completion is not installed");
                format!(". {BASH_COMPLETION}\nbind 'set bell-style none'\n")
            }
            Shell::PlainBash => "bind 'set bell-style none'\n".to_owned(),
            // Keys that come faster than a hand can type them are not taken for text that is pasted.
            Shell::Zsh => {
                "unsetopt beep\nzstyle ':completion:*' insert-tab false\nLISTMAX=10000\n".to_owned()
            }
            Shell::Fish => "set -g fish_greeting\n".to_owned(),
        };
        fs::write(&rc_file, format!("{before}{rc}")).expect("a start file");
        let words: &[&str] = match shell {
            Shell::Bash | Shell::PlainBash => &["bash", "--rcfile", ".bashrc", "-i"],
            Shell::Zsh => &["zsh", "-d", "-i"],
            Shell::Fish => &["fish", "-i"],
        };
        let mut start = start(sandbox, words).env("HISTFILE", "").env("ZDOTDIR", &home);
        for (name, value) in environment {
            start = start.env(name, value);
        }
        let mut job = start.launch_option("--leads-session", "yes").on_terminal().spawn();
        job.terminal().stty(&["rows", "50", "cols", "200"]);
        let mut typist = Self { shell, job };
        assert_eq!(typist.line(INIT), [INIT], "{shell:?}");
        typist
    }

    /// What becomes of the keys, as words. A candidate may end in `=`, which goes on.
    pub fn line(&mut self, keys: &str) -> Vec<String> {
        let terminal = self.job.terminal();
        // ^A and not the left end of a new line: nothing that is typed is run by itself.
        terminal.type_text(&format!("{keys}\x01shown \r"));
        let text = terminal.screen.read_until("<end>");
        let (_, words) = text.rsplit_once("<begin><").unwrap_or_else(|| panic!("a line in {text:?}"));
        let words = words.trim_end_matches("><end>");
        words.split("><").map(|word| word.trim_end_matches('=').to_owned()).collect()
    }

    /// What comes to the screen for these keys, up to this text and to the next prompt.
    #[track_caller]
    fn screen(&mut self, keys: &str, awaited: &str) -> String {
        let terminal = self.job.terminal();
        terminal.type_text(keys);
        // Nothing may be typed ahead: zsh would not list.
        let mut text = terminal.screen.read_until(awaited);
        terminal.type_text("\x15shown seen\r");
        text.push_str(&terminal.screen.read_until("<end>"));
        text
    }

    #[track_caller]
    pub fn completes(&mut self, keys: &str, expected: &[&str]) {
        let line = self.line(&format!("{keys}\t"));
        assert_eq!(line, expected, "{:?}: {keys}", self.shell);
    }

    /// The keys give nothing to go on with.
    #[track_caller]
    fn leaves(&mut self, keys: &str, expected: &[&str]) {
        self.completes(keys, expected);
    }
}

impl Drop for Typist {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.job.terminal().type_text("exit\r");
            self.job.wait_for_exit();
        }
    }
}

/// The shortest beginning that only this word has.
fn beginning<'w>(word: &'w str, all: &[&str]) -> Option<&'w str> {
    (1..word.len())
        .map(|length| &word[..length])
        .find(|start| all.iter().filter(|other| other.starts_with(start)).count() == 1)
}

fn every_flag_and_subcommand_is_completed(sandbox: &Sandbox) {
    install(sandbox);
    for shell in SHELLS {
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
}

fn every_value_of_a_closed_set_is_completed(sandbox: &Sandbox) {
    install(sandbox);
    for shell in SHELLS {
        let mut typist = Typist::with_init(sandbox, shell, "");
        for &name in COMMANDS {
            for flag in Help::of(name).flags {
                let values: Vec<&str> = flag.values.iter().map(String::as_str).collect();
                for value in &values {
                    let Some(start) = beginning(value, &values) else { continue };
                    let flag = &flag.name;
                    typist
                        .completes(&format!("tm-run {name} {flag} {start}"), &["tm-run", name, flag, value]);
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

fn names_in_the_log_are_completed(sandbox: &Sandbox) {
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
    for shell in SHELLS {
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
        typist.completes(
            "tm-run report --target 'my",
            &["tm-run", "report", "--target", "my $(touch PWNED) site"],
        );
        typist.completes("tm-run report --target \"ap", &["tm-run", "report", "--target", "apply"]);
    }
    assert!(!sandbox.home().join("PWNED").exists());
}

fn a_name_in_a_log_drives_no_terminal(sandbox: &Sandbox) {
    install(sandbox);
    log(
        sandbox,
        &[
            ("evil\\u001b]0;pwned\\u0007", "\"evil\\u009b31mpwned\""),
            ("evil\\npwned", "\"evil\u{9b}pwned\""),
            ("evil\x1b[31mpwned", "\"evil\\u0000pwned\""),
            ("evil\\tpwned", "\"evil\\ud83d\\ude00pwned\""),
            ("evil\x7fpwned", "\"evil\\u007fpwned\""),
            ("harmless-one", "\"harmless-one\""),
            ("harmless-two", "\"harmless-two\""),
        ],
    );
    for shell in SHELLS {
        let mut typist = Typist::with_init(sandbox, shell, "");
        for option in ["--target", "--domain"] {
            typist.leaves(&format!("tm-run report {option} evil"), &["tm-run", "report", option, "evil"]);
            let screen = typist.screen(&format!("tm-run report {option} \t\t\t"), "harmless-two");
            assert!(!screen.contains("pwned"), "{shell:?}: {screen:?}");
        }
    }
}

fn a_damaged_log_gives_the_names_that_can_be_read(sandbox: &Sandbox) {
    install(sandbox);
    fs::create_dir_all(sandbox.telemetry()).expect("a directory");
    for shell in SHELLS {
        let mut bytes =
            b"\0\xff\xfe not json {\"target\": \"ghost\n{\"target\":\"tight\",\"domain\":\"alone\"}\r\n"
                .to_vec();
        bytes.extend(b"{\"domain\" : \"spaced\", \"target\"  :  \"reversed\"}\n{\"target\": \"x\0y\"}\n{\"target\": \"glued\", \"dom{\"target\": \"second\"}\n");
        // Longer than what is looked at: the first line is cut.
        let old =
            b"{\"target\": \"ancient\", \"domain\": null, \"duration_seconds\": 45.0, \"exit_code\": 0}\n";
        let mut long: Vec<u8> = old.iter().copied().cycle().take(old.len() * 20_000).collect();
        long.extend(&bytes);
        fs::write(sandbox.log(), &long).expect("a log");
        let mut typist = Typist::with_init(sandbox, shell, "");
        for (start, name) in [("ti", "tight"), ("rev", "reversed"), ("se", "second"), ("anc", "ancient")] {
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
}

fn files_are_completed_where_a_file_is_wanted(sandbox: &Sandbox) {
    install(sandbox);
    fs::create_dir(sandbox.home().join("logs")).expect("a directory");
    for name in ["events one.jsonl", "logs/other.jsonl"] {
        fs::write(sandbox.home().join(name), "").expect("a file");
    }
    for shell in SHELLS {
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

fn the_wrapped_commands_words_are_its_own(sandbox: &Sandbox) {
    install(sandbox);
    command(sandbox, "frob", "#!/bin/sh\n");
    command(sandbox, "frobnicate-the-widget", "#!/bin/sh\n");
    fs::write(sandbox.home().join("only file"), "").expect("a file");
    for shell in SHELLS {
        let mut typist = Typist::with_init(sandbox, shell, frob(shell));
        typist.completes("tm-run frobn", &["tm-run", "frobnicate-the-widget"]);
        typist.completes("tm-run -- frobn", &["tm-run", "--", "frobnicate-the-widget"]);
        typist.completes("tm-run --target x frobn", &["tm-run", "--target", "x", "frobnicate-the-widget"]);
        typist
            .completes("tm-run frobnicate-the-widget onl", &["tm-run", "frobnicate-the-widget", "only file"]);
        if shell == Shell::PlainBash {
            // Handing over is bash-completion's work.
            continue;
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
                let mut expected: Vec<&str> =
                    before.split(' ').chain(["frob"]).chain(start.split(' ')).collect();
                expected.pop();
                expected.push(word);
                typist.completes(&typed, &expected);
            }
        }
        // A subcommand behind -- is a command.
        typist.leaves("tm-run -- report --form", &["tm-run", "--", "report", "--form"]);
    }
}

fn the_completion_of_anklume_stays_what_it_was(sandbox: &Sandbox) {
    install(sandbox);
    command(sandbox, "anklume", "#!/bin/sh\n");
    for shell in SHELLS {
        let own = frob(shell).replace("frob", "anklume");
        let mut typist = Typist::with_init(sandbox, shell, &own);
        typist.completes("anklume al", &["anklume", "alpha"]);
        typist.completes("anklume domain --g", &["anklume", "domain", "--gamma"]);
    }
}

fn a_wrapped_command_keeps_its_completion(sandbox: &Sandbox) {
    install(sandbox);
    command(sandbox, "frob", "#!/bin/sh\n");
    for shell in SHELLS {
        let mut typist =
            Typist::with_init(sandbox, shell, &format!("{}tm-wrap --target x frob\n", frob(shell)));
        typist.completes("frob al", &["frob", "alpha"]);
    }
}

fn zsh_completes_in_either_order_with_compinit(sandbox: &Sandbox) {
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

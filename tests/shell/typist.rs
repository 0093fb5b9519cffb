//! Keys typed into a real shell with its line editor. What becomes of a line is shown by a command put in front of it.

use std::fs;
use std::path::Path;

use super::{command, start};
use crate::harness::{Job, Sandbox};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shell {
    Bash,
    /// bash without the package bash-completion.
    PlainBash,
    Zsh,
    Fish,
}

pub const SHELLS: &[Shell] = &[Shell::Bash, Shell::PlainBash, Shell::Zsh, Shell::Fish];

impl Shell {
    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::PlainBash => "plain_bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }

    pub fn tools(self) -> Vec<&'static str> {
        match self {
            Self::Bash => vec!["bash", BASH_COMPLETION],
            Self::PlainBash => vec!["bash"],
            Self::Zsh | Self::Fish => vec![self.name()],
        }
    }
}

/// Where the package bash-completion has its own part, if it is installed.
const BASH_COMPLETION: &str = "/usr/share/bash-completion/bash_completion";

/// A shell at its prompt.
pub struct Typist {
    shell: Shell,
    pub job: Job,
}

pub const INIT: &str = "init";

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
    pub fn screen(&mut self, keys: &str, awaited: &str) -> String {
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
    pub fn leaves(&mut self, keys: &str, expected: &[&str]) {
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

//! What may stand at the cursor of a command line of tm-run: the shells ask, and the answer comes from the same
//! description of the command line that parses it.

use clap::{Arg, Command};

use crate::cli;
use crate::invocation::{self, TELEMETRY};

/// What can be typed at the cursor.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// What the word at the cursor begins with before the value: `--format=`.
    pub prefix: String,
    pub candidates: Vec<Candidate>,
    /// What else there is, which only the asker can find.
    pub source: Source,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub text: String,
    /// One line, or empty.
    pub help: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    #[default]
    Nothing,
    /// The targets in the log.
    Targets,
    Domains,
    Files,
    /// The words from this one on are a command line of their own.
    Command(usize),
}

/// Some of the moments there are.
const MOMENTS: [&str; 5] = ["today", "yesterday", "12h", "7d", "4w"];

/// Completes the last of the words; the first is the program's name: tm-run, tm-wrap (a command of our shell
/// integration), or anklume, whose `telemetry` is ours.
pub fn complete(words: &[String]) -> Completion {
    let Some((name, rest)) = words.split_first() else { return Completion::default() };
    let mut root = cli::command();
    root.build();
    match name.rsplit('/').next() {
        _ if rest.is_empty() => command_at(0),
        Some("anklume" | "ank") => anklume(&root, words, 0),
        Some("tm-run") => Line { root: &root, words, flags: &[] }.complete(),
        _ => Line { root: &root, words, flags: &["--target", "--domain", "--undo"] }.complete(),
    }
}

fn command_at(at: usize) -> Completion {
    Completion { source: Source::Command(at), ..Completion::default() }
}

/// The command line of anklume that begins at this word.
fn anklume(root: &Command, words: &[String], at: usize) -> Completion {
    match &words[at + 1..] {
        [telemetry, _] if telemetry == "telemetry" => Completion {
            candidates: TELEMETRY.iter().filter_map(|name| subcommand(root, name)).collect(),
            ..Completion::default()
        },
        [telemetry, name, rest @ ..] if telemetry == "telemetry" && TELEMETRY.contains(&name.as_str()) => {
            of_subcommand(root, name, rest)
        }
        _ => command_at(at),
    }
}

fn subcommand(root: &Command, name: &str) -> Option<Candidate> {
    let help = root.find_subcommand(name)?.get_about().map(ToString::to_string).unwrap_or_default();
    Some(Candidate { text: name.into(), help })
}

/// A command line whose first word is followed by our own options and then by a command or a subcommand.
struct Line<'a> {
    root: &'a Command,
    words: &'a [String],
    /// The only options of a program that has no subcommands; empty: all that tm-run has.
    flags: &'a [&'a str],
}

impl Line<'_> {
    fn complete(&self) -> Completion {
        let last = self.words.len() - 1;
        let mut names_a_command = !self.flags.is_empty();
        let mut is_anklume = false;
        let mut at = 1;
        while at < last {
            let word = &self.words[at];
            if word == "--" {
                return self.command(at + 1, is_anklume);
            }
            if !word.starts_with('-') {
                break;
            }
            is_anklume |= word == "--anklume";
            names_a_command |= !matches!(word.as_str(), "-h" | "--help" | "-V" | "--version");
            if let Some(option) = self.option(word)
                && takes_value(option)
                && !word.contains('=')
            {
                if at + 1 == last {
                    return values(option, String::new());
                }
                at += 1;
            }
            at += 1;
        }
        let word = &self.words[at];
        if at < last {
            return if names_a_command || !cli::SUBCOMMANDS.contains(&word.as_str()) {
                self.command(at, is_anklume)
            } else {
                of_subcommand(self.root, word, &self.words[at + 1..])
            };
        }
        if let Some((name, _)) = word.split_once('=').filter(|(name, _)| name.starts_with('-')) {
            return self
                .option(name)
                .map_or_else(Completion::default, |option| values(option, format!("{name}=")));
        }
        if word.starts_with('-') {
            return Completion { candidates: self.options(), ..Completion::default() };
        }
        if names_a_command {
            return self.command(at, is_anklume);
        }
        let candidates = cli::SUBCOMMANDS.iter().filter_map(|name| subcommand(self.root, name)).collect();
        // All commands there are would bury the subcommands.
        let source = if word.is_empty() { Source::Nothing } else { Source::Command(at) };
        Completion { candidates, source, ..Completion::default() }
    }

    fn command(&self, at: usize, is_anklume: bool) -> Completion {
        let argv: Vec<std::ffi::OsString> = self.words[at..].iter().map(Into::into).collect();
        match invocation::anklume_place(&argv[..argv.len() - 1]).filter(|_| is_anklume) {
            Some(place) => {
                let found = anklume(self.root, self.words, at + place);
                if found.source == Source::Command(at + place) { command_at(at) } else { found }
            }
            None => command_at(at),
        }
    }

    fn option(&self, word: &str) -> Option<&Arg> {
        let name = word.split('=').next().unwrap_or_default();
        if !self.flags.is_empty() && !self.flags.contains(&name) {
            return None;
        }
        find(self.root, name)
    }

    fn options(&self) -> Vec<Candidate> {
        if self.flags.is_empty() {
            return options(self.root);
        }
        let help = |flag: &str| {
            find(self.root, flag).and_then(Arg::get_help).map(ToString::to_string).unwrap_or_default()
        };
        self.flags.iter().map(|&flag| Candidate { text: flag.into(), help: help(flag) }).collect()
    }
}

/// `words`: what follows the subcommand's name, up to the cursor.
fn of_subcommand(root: &Command, name: &str, words: &[String]) -> Completion {
    let (Some(command), Some((word, before))) = (root.find_subcommand(name), words.split_last()) else {
        return Completion::default();
    };
    let mut before = before.iter();
    let mut positional = 0;
    while let Some(word) = before.next() {
        if !word.starts_with('-') {
            positional += 1;
        } else if let Some(option) = find(command, word)
            && takes_value(option)
            && before.next().is_none()
        {
            return values(option, String::new());
        }
    }
    if let Some((name, _)) = word.split_once('=').filter(|(name, _)| name.starts_with('-')) {
        return find(command, name)
            .map_or_else(Completion::default, |option| values(option, format!("{name}=")));
    }
    if word.starts_with('-') {
        return Completion { candidates: options(command), ..Completion::default() };
    }
    let argument = command.get_positionals().nth(positional);
    argument.map_or_else(Completion::default, |argument| values(argument, String::new()))
}

/// By `--long` or `-s`.
fn find<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    command.get_opts().chain(command.get_arguments().filter(|arg| !takes_value(arg))).find(|arg| {
        arg.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long))
            || arg.get_short().is_some_and(|short| name.strip_prefix('-') == Some(short.to_string().as_str()))
    })
}

fn takes_value(option: &Arg) -> bool {
    option.get_action().takes_values()
}

fn options(command: &Command) -> Vec<Candidate> {
    let candidate = |option: &Arg| {
        let text = format!("--{}", option.get_long()?);
        Some(Candidate { text, help: option.get_help().map(ToString::to_string).unwrap_or_default() })
    };
    command.get_arguments().filter(|option| !option.is_hide_set()).filter_map(candidate).collect()
}

fn values(option: &Arg, prefix: String) -> Completion {
    let candidate = |text: &str| Candidate { text: text.into(), help: String::new() };
    let (candidates, source): (Vec<Candidate>, _) = match option.get_id().as_str() {
        "target" | "exclude" => (vec![], Source::Targets),
        "domain" => (vec![], Source::Domains),
        "output" | "log" => (vec![], Source::Files),
        "since" | "until" | "before" => (MOMENTS.map(candidate).into(), Source::Nothing),
        _ => {
            let values = option.get_possible_values();
            (values.iter().map(|value| candidate(value.get_name())).collect(), Source::Nothing)
        }
    };
    Completion { prefix, candidates, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completion(line: &str) -> Completion {
        complete(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    /// The line is split at spaces; what is completed stands behind the last one.
    #[track_caller]
    fn candidates(line: &str, prefix: &str, expected: &[&str]) {
        let found = completion(line);
        let texts: Vec<&str> = found.candidates.iter().map(|candidate| candidate.text.as_str()).collect();
        assert_eq!((found.prefix.as_str(), texts), (prefix, expected.to_vec()), "{line}");
    }

    #[track_caller]
    fn source(line: &str, expected: Source) {
        let found = completion(line);
        assert_eq!((found.source, found.candidates), (expected, vec![]), "{line}");
    }

    #[test]
    fn first_word_is_a_subcommand_or_once_it_has_begun_a_command() {
        candidates("tm-run ", "", &cli::SUBCOMMANDS);
        assert_eq!(completion("tm-run ").source, Source::Nothing);
        assert_eq!(completion("tm-run re").source, Source::Command(1));
        assert!(completion("tm-run ").candidates.iter().all(|candidate| !candidate.help.is_empty()));
        source("tm-run --target x ", Source::Command(3));
        source("tm-run --target=x re", Source::Command(2));
        source("tm-run --subcommands plan,apply terra", Source::Command(3));
        source("tm-run -- ", Source::Command(2));
        source("tm-run -- report --for", Source::Command(2));
        source("tm-run git chec", Source::Command(1));
        source("tm-run --domain on git --target ", Source::Command(3));
        source("tm-run", Source::Command(0));
        candidates("tm-run --help ", "", &cli::SUBCOMMANDS);
    }

    #[test]
    fn every_long_option_of_the_command_line_is_a_candidate() {
        let mut root = cli::command();
        root.build();
        let root_and_subcommands = std::iter::once(&root).chain(root.get_subcommands());
        for command in root_and_subcommands.filter(|command| !command.is_hide_set()) {
            let line = if command.get_name() == "tm-run" {
                "tm-run -".to_owned()
            } else {
                format!("tm-run {} -", command.get_name())
            };
            let found = completion(&line);
            let visible = command.get_arguments().filter(|arg| !arg.is_hide_set());
            let longs: Vec<String> =
                visible.filter_map(|arg| Some(format!("--{}", arg.get_long()?))).collect();
            assert!(longs.contains(&"--help".to_owned()));
            assert_eq!(
                found.candidates.into_iter().map(|candidate| candidate.text).collect::<Vec<_>>(),
                longs
            );
        }
    }

    #[test]
    fn value_of_an_option_is_completed_in_both_spellings() {
        let formats = ["text", "json", "csv", "markdown", "html", "jsonl"];
        candidates("tm-run report --format ", "", &formats);
        candidates("tm-run report --failed --last 3 --format=j", "--format=", &formats);
        candidates("tm-run status --format ", "", &["text", "json"]);
        candidates("tm-run clear --before ", "", &MOMENTS);
        candidates("tm-run init ", "", &["bash", "zsh", "fish", "make", "man"]);
        candidates("tm-run init bash ", "", &[]);
        candidates("tm-run report ", "", &[]);
        candidates("tm-run report --unknown=", "", &[]);
        source("tm-run --target ", Source::Targets);
        source("tm-run --target x --domain ", Source::Domains);
        source("tm-run report --exclude ", Source::Targets);
        source("tm-run log --domain ", Source::Domains);
        source("tm-run report --log ", Source::Files);
        source("tm-run report --last ", Source::Nothing);
        assert_eq!(completion("tm-run --target=").source, Source::Targets);
        assert_eq!(completion("tm-run report --output=x").source, Source::Files);
    }

    #[test]
    fn telemetry_of_anklume_is_completed_as_tm_run_and_the_rest_is_its_own() {
        for anklume in
            ["anklume", "/usr/bin/ank", "tm-run --anklume -- anklume", "tm-run --anklume -- uv run ank"]
        {
            candidates(&format!("{anklume} telemetry "), "", &TELEMETRY);
            candidates(
                &format!("{anklume} telemetry report --sort n"),
                "",
                &["runs", "time", "average", "failures", "name"],
            );
            candidates(&format!("{anklume} telemetry status --"), "", &["--format", "--help"]);
        }
        source("anklume ", Source::Command(0));
        source("anklume telemetry", Source::Command(0));
        source("anklume telemetry log --", Source::Command(0));
        source("ank domain apply ", Source::Command(0));
        source("tm-run --anklume -- uv run anklume domain ", Source::Command(3));
        source("tm-run --anklume -- anklum", Source::Command(3));
        source("tm-run -- anklume telemetry ", Source::Command(2));
    }

    #[test]
    fn tm_wrap_has_options_of_its_own_and_no_subcommands() {
        candidates("tm-wrap -", "", &["--target", "--domain", "--undo"]);
        source("tm-wrap --domain ", Source::Domains);
        source("tm-wrap re", Source::Command(1));
        source("tm-wrap report --for", Source::Command(1));
        source("tm-wrap --target x terraform pl", Source::Command(3));
        source("tm-wrap --undo ", Source::Command(2));
    }
}

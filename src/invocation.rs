//! Which names a command line is recorded under, where what is typed says it: the commands of anklume, and the
//! subcommands that a user has chosen to record. Words in, names out.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// What becomes of a command line.
#[derive(Debug, PartialEq, Eq)]
pub enum Invocation {
    Recorded {
        target: String,
        domain: Option<String>,
    },
    /// Of no interest, or not understood: it runs as if tm-run were not there.
    Bare,
    /// `anklume telemetry ...`: from this word on it is a command line of tm-run.
    Telemetry {
        at: usize,
    },
}

/// The subcommands of tm-run that `anklume telemetry` has.
pub const TELEMETRY: [&str; 5] = ["on", "off", "status", "clear", "report"];

/// Reads a command line of anklume, of any of its generations. Words that are not known leave the run bare: a dry run
/// or a mistake would spoil the figures.
pub fn anklume(argv: &[OsString]) -> Invocation {
    let Some(at) = anklume_place(argv) else { return Invocation::Bare };
    let words: Vec<Cow<'_, str>> = argv[at + 1..].iter().map(|word| word.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    if let ["telemetry", subcommand, ..] = words[..]
        && TELEMETRY.contains(&subcommand)
    {
        return Invocation::Telemetry { at: at + 2 };
    }
    match names(&words) {
        Some((target, domain)) => {
            Invocation::Recorded { target: target.into(), domain: domain.map(Into::into) }
        }
        None => Invocation::Bare,
    }
}

/// Where anklume stands in a command line such as `uv run --project /opt/anklume anklume sync`: the first word of that
/// name that is not the value of an option, if there is one.
pub fn anklume_place(argv: &[OsString]) -> Option<usize> {
    let begins_with_hyphen = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
    let mut places = (0..argv.len()).filter(|&at| {
        !begins_with_hyphen(&argv[at]) && matches!(base_name(&argv[at]).to_str(), Some("anklume" | "ank"))
    });
    let first = places.next()?;
    let is_value = |at: usize| at > 0 && begins_with_hyphen(&argv[at - 1]);
    if is_value(first) { places.find(|&at| !is_value(at)).or(Some(first)) } else { Some(first) }
}

fn base_name(word: &OsStr) -> &OsStr {
    Path::new(word).file_name().unwrap_or(word)
}

fn names<'w>(words: &[&'w str]) -> Option<(&'static str, Option<&'w str>)> {
    match words {
        ["sync", rest @ ..] => {
            let typed = Typed::read(rest, &[])?;
            typed.words.is_empty().then_some(("sync", None))
        }
        ["dev", "test", rest @ ..] => {
            let typed = Typed::read(
                rest,
                &[
                    Known::flag("--generator", None),
                    Known::flag("--fast", Some('f')),
                    Known::flag("--changed", Some('c')),
                    Known::flag("--full", None),
                ],
            )?;
            typed.words.is_empty().then_some(("test-generator", None))
        }
        ["domain", "apply", rest @ ..] => domain_apply(rest),
        ["apply", "all", rest @ ..] => {
            let typed = Typed::read(rest, &[Known::flag("--no-provision", None)])?;
            let target = if typed.has("--no-provision") { "apply-infra" } else { "apply" };
            typed.words.is_empty().then_some((target, None))
        }
        ["apply", "domain", rest @ ..] => {
            let typed = Typed::read(rest, &[Known::flag("--no-provision", None)])?;
            let target = if typed.has("--no-provision") { "apply-infra" } else { "apply-limit" };
            match typed.words[..] {
                [domain] if !domain.is_empty() => Some((target, Some(domain))),
                _ => None,
            }
        }
        _ => None,
    }
}

fn domain_apply<'w>(words: &[&'w str]) -> Option<(&'static str, Option<&'w str>)> {
    let typed = Typed::read(
        words,
        &[
            Known::flag("--all", None),
            Known::flag("--diff", None),
            Known::option("--tags", 't'),
            Known::option("--limit", 'l'),
        ],
    )?;
    let named = match typed.words[..] {
        [] => None,
        [domain] => Some(domain).filter(|_| !typed.has("--all")),
        _ => return None,
    };
    let limit = typed.value("--limit").filter(|limit| !limit.is_empty());
    let domain = limit.or(named).filter(|domain| !domain.is_empty());
    let target = match typed.value("--tags") {
        None | Some("") if domain.is_some() => "apply-limit",
        None | Some("") => "apply",
        Some("infra") => "apply-infra",
        Some("provision") => "apply-provision",
        Some(_) => return None,
    };
    Some((target, domain))
}

/// An option that a command has.
struct Known {
    long: &'static str,
    short: Option<char>,
    takes_value: bool,
}

impl Known {
    const fn flag(long: &'static str, short: Option<char>) -> Self {
        Self { long, short, takes_value: false }
    }

    const fn option(long: &'static str, short: char) -> Self {
        Self { long, short: Some(short), takes_value: true }
    }
}

/// What follows a command's name, read as click (on which Typer stands) reads it.
struct Typed<'w> {
    /// Long names with their values, empty for a flag.
    options: Vec<(&'static str, &'w str)>,
    words: Vec<&'w str>,
}

impl<'w> Typed<'w> {
    /// `None`: there is an option that is not known.
    fn read(words: &[&'w str], known: &[Known]) -> Option<Self> {
        let mut typed = Self { options: Vec::new(), words: Vec::new() };
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            if word == "--" {
                typed.words.extend(words.by_ref());
            } else if word.starts_with("--") {
                let (name, value) =
                    word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
                let option = known.iter().find(|option| option.long == name)?;
                let value = match (option.takes_value, value) {
                    (true, Some(value)) => value,
                    (true, None) => words.next()?,
                    (false, Some(_)) => return None,
                    (false, None) => "",
                };
                typed.options.push((option.long, value));
            } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
                // Several in one word; the value of one that takes one is the rest.
                for (at, letter) in letters.char_indices() {
                    let option = known.iter().find(|option| option.short == Some(letter))?;
                    if !option.takes_value {
                        typed.options.push((option.long, ""));
                        continue;
                    }
                    let rest = &letters[at + letter.len_utf8()..];
                    let value = if rest.is_empty() { words.next()? } else { rest };
                    typed.options.push((option.long, value));
                    break;
                }
            } else {
                typed.words.push(word);
            }
        }
        Some(typed)
    }

    fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    fn value(&self, name: &str) -> Option<&'w str> {
        self.options.iter().rev().find(|(long, _)| *long == name).map(|(_, value)| *value)
    }
}

/// Reads a command line whose subcommands are recorded, those of the list (`plan,apply`), as `NAME-SUBCOMMAND`. The
/// name is the command's base name if none is given. In `sudo terraform plan` the command stands at the word of that
/// name.
pub fn subcommand(list: &str, name: Option<&str>, argv: &[OsString]) -> Invocation {
    let name = name.map_or_else(|| base_name(&argv[0]).to_string_lossy(), Cow::Borrowed);
    let at = argv.iter().position(|word| base_name(word).to_string_lossy() == name).unwrap_or(0);
    let mut words = argv[at + 1..].iter().map(|word| word.to_string_lossy());
    match words.find(|word| !word.starts_with('-')) {
        Some(word) if list.split(',').any(|listed| listed == word) => {
            Invocation::Recorded { target: format!("{name}-{word}"), domain: None }
        }
        _ => Invocation::Bare,
    }
}

/// How many bytes of a file [`is_around_make`] wants.
pub const HEAD: u64 = 16 << 10;

/// Whether the file that begins like this is a shell script around make, such as `exec make -C /opt/anklume "$@"`: its
/// makefile records by itself.
pub fn is_around_make(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let is_shell_script = lines
        .next()
        .and_then(|line| line.strip_prefix("#!"))
        .is_some_and(|interpreter| interpreter.split_whitespace().any(|word| word.ends_with("sh")));
    let calls_make = |line: &str| {
        let (_, arguments) = line.split_once("make")?;
        [" -C", " --directory", "$@"].iter().any(|part| arguments.contains(part)).then_some(())
    };
    is_shell_script && lines.any(|line| !line.trim_start().starts_with('#') && calls_make(line).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(words: &[&str]) -> Vec<OsString> {
        words.iter().map(Into::into).collect()
    }

    fn recorded(target: &str, domain: Option<&str>) -> Invocation {
        Invocation::Recorded { target: target.into(), domain: domain.map(Into::into) }
    }

    /// `typed` is split at spaces; `-` stands for no domain.
    #[track_caller]
    fn case(typed: &str, expected: &str) {
        let words: Vec<&str> = typed.split(' ').collect();
        let expected = match expected.split_once(' ') {
            None if expected.is_empty() => Invocation::Bare,
            None => recorded(expected, None),
            Some((target, domain)) => recorded(target, Some(domain)),
        };
        assert_eq!(anklume(&argv(&words)), expected, "{typed}");
    }

    #[test]
    fn anklume_sync_is_recorded_unless_it_is_a_dry_run_or_cleans() {
        case("anklume sync", "sync");
        case("anklume sync --dry-run", "");
        case("anklume sync -n", "");
        case("anklume sync --clean", "");
        case("anklume sync --help", "");
        case("anklume sync --unknown", "");
        case("anklume sync extra", "");
        case("anklume synch", "");
    }

    #[test]
    fn anklume_domain_apply_is_recorded_by_its_tags_and_its_limit() {
        case("anklume domain apply", "apply");
        case("anklume domain apply --all", "apply");
        case("anklume domain apply --diff", "apply");
        case("anklume domain apply pro --all", "apply");
        case("anklume domain apply pro", "apply-limit pro");
        case("anklume domain apply --diff pro", "apply-limit pro");
        case("anklume domain apply -- -pro", "apply-limit -pro");
        case("anklume domain apply --limit pro", "apply-limit pro");
        case("anklume domain apply --limit=pro", "apply-limit pro");
        case("anklume domain apply -l pro", "apply-limit pro");
        case("anklume domain apply -lpro", "apply-limit pro");
        case("anklume domain apply lab --limit pro --all", "apply-limit pro");
        case("anklume domain apply lab --limit ", "apply-limit lab");
        case("anklume domain apply --limit a --limit b", "apply-limit b");
        case("anklume domain apply --tags infra", "apply-infra");
        case("anklume domain apply --tags=infra", "apply-infra");
        case("anklume domain apply -t infra", "apply-infra");
        case("anklume domain apply --tags provision", "apply-provision");
        case("anklume domain apply -tprovision", "apply-provision");
        case("anklume domain apply pro --tags infra", "apply-infra pro");
        case("anklume domain apply -l pro -t infra", "apply-infra pro");
        case("anklume domain apply --tags ", "apply");
        case("anklume domain apply ", "apply");
        case("anklume domain apply --tags llm", "");
        case("anklume domain apply --tags infra,provision", "");
        case("anklume domain apply --tags", "");
        case("anklume domain apply --all=yes", "");
        case("anklume domain apply --check", "");
        case("anklume domain apply --help", "");
        case("anklume domain apply pro --unknown", "");
        case("anklume domain apply -x", "");
        case("anklume domain apply one two", "");
        case("anklume domain check pro", "");
        case("anklume domain exec pro -- anklume sync", "");
        case("anklume domain", "");
    }

    #[test]
    fn anklume_dev_test_is_recorded_when_it_runs_pytest() {
        case("anklume dev test", "test-generator");
        case("anklume dev test --generator", "test-generator");
        case("anklume dev test --fast", "test-generator");
        case("anklume dev test -f", "test-generator");
        case("anklume dev test --changed", "test-generator");
        case("anklume dev test -c --full", "test-generator");
        case("anklume dev test -fc", "test-generator");
        case("anklume dev test --roles", "");
        case("anklume dev test --role base", "");
        case("anklume dev test -r base", "");
        case("anklume dev test -fr base", "");
        case("anklume dev test --sandboxed", "");
        case("anklume dev test --generator --sandboxed", "");
        case("anklume dev test --help", "");
        case("anklume dev lint", "");
    }

    #[test]
    fn anklume_apply_of_the_second_version_is_recorded() {
        case("anklume apply all", "apply");
        case("anklume apply all --no-provision", "apply-infra");
        case("anklume apply domain pro", "apply-limit pro");
        case("anklume apply domain pro --no-provision", "apply-infra pro");
        case("anklume apply domain -- pro", "apply-limit pro");
        case("anklume apply all --dry-run", "");
        case("anklume apply all --no-provision --dry-run", "");
        case("anklume apply all extra", "");
        case("anklume apply domain --dry-run pro", "");
        case("anklume apply domain", "");
        case("anklume apply domain ", "");
        case("anklume apply", "");
        case("anklume apply --help", "");
    }

    #[test]
    fn anklume_is_found_behind_what_starts_it() {
        case("ank sync", "sync");
        case("/usr/local/bin/anklume sync", "sync");
        case("uv run --project /srv/x anklume apply all", "apply");
        case("uv run --project /opt/anklume anklume apply all", "apply");
        case("uv --directory=/opt/anklume run ank sync", "sync");
        case("sudo -E anklume sync", "sync");
        case("python3 -m anklume domain apply anklume", "");
        case("anklume apply domain anklume", "apply-limit anklume");
        case("ansible-playbook anklume.yml", "");
        case("sync", "");
        case("anklume", "");
        case("anklume --version", "");
        case("anklume --help sync", "");
        case("anklume instance list", "");
    }

    #[test]
    fn anklume_telemetry_is_a_command_line_of_tm_run() {
        #[track_caller]
        fn case(words: &[&str], at: usize) {
            assert_eq!(anklume(&argv(words)), Invocation::Telemetry { at });
        }
        for subcommand in TELEMETRY {
            case(&["anklume", "telemetry", subcommand], 2);
        }
        case(&["anklume", "telemetry", "report", "--since", "7d"], 2);
        case(&["uv", "run", "ank", "telemetry", "on"], 4);
        for words in [&["anklume", "telemetry"][..], &["anklume", "telemetry", "log"], &["telemetry", "on"]] {
            assert_eq!(anklume(&argv(words)), Invocation::Bare);
        }
    }

    #[test]
    fn domain_that_is_not_utf_8_is_recorded_with_replacement_characters() {
        use std::os::unix::ffi::OsStringExt as _;
        let mut words = argv(&["anklume", "domain", "apply"]);
        words.push(OsString::from_vec(b"a\xffb".to_vec()));
        assert_eq!(anklume(&words), recorded("apply-limit", Some("a\u{fffd}b")));
        words.insert(0, OsString::from_vec(b"\xff".to_vec()));
        assert_eq!(anklume(&words), recorded("apply-limit", Some("a\u{fffd}b")));
    }

    #[test]
    fn subcommands_of_the_list_are_recorded_and_others_are_not() {
        #[track_caller]
        fn case(name: Option<&str>, typed: &str, target: Option<&str>) {
            let words: Vec<&str> = typed.split(' ').collect();
            let expected = target.map_or(Invocation::Bare, |target| recorded(target, None));
            assert_eq!(subcommand("plan,apply", name, &argv(&words)), expected, "{typed}");
        }
        case(None, "terraform plan", Some("terraform-plan"));
        case(None, "/usr/bin/terraform -chdir=x apply -auto-approve", Some("terraform-apply"));
        case(None, "terraform output plan", None);
        case(None, "terraform", None);
        case(None, "terraform --version", None);
        case(None, "terraform plan,apply", None);
        case(None, "sudo terraform plan", None);
        case(Some("terraform"), "sudo terraform plan", Some("terraform-plan"));
        case(Some("tf"), "terraform plan", Some("tf-plan"));
        case(Some("tf"), "tf plan", Some("tf-plan"));
    }

    #[test]
    fn script_around_make_is_told_from_other_scripts() {
        #[track_caller]
        fn case(text: &str, expected: bool) {
            assert_eq!(is_around_make(text.as_bytes()), expected, "{text}");
        }
        case("#!/bin/sh\nexec make -C /opt/anklume \"$@\"\n", true);
        case("#!/usr/bin/env bash\n# Runs make.\nset -e\nmake --directory \"$HERE\" \"$@\"\n", true);
        case("#!/bin/bash\ncd \"$HERE\" && exec make \"$@\"", true);
        case("#!/usr/bin/env -S bash -e\n\tmake -j4 -C x", true);
        case("#!/bin/sh\n# Once: make -C \"$HERE\" \"$@\"\necho direct\n", false);
        case("#!/bin/sh\nPYTHONPATH=/opt/anklume exec python3 -m scripts.cli \"$@\"\n", false);
        case("#!/usr/bin/python3\nmake -C x\n", false);
        case("exec make -C /opt/anklume\n", false);
        case("#!/bin/sh", false);
        case("", false);
        assert!(!is_around_make(b"\x7fELF\x02#!/bin/sh\nmake -C x"));
    }
}

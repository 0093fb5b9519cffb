//! A command is run, and recorded if the user wants that.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::consent::{self, Recording};
use super::exit::Exit;
use super::nesting;
use crate::cli::{NAME_MAX, SUBCOMMANDS, Wrap};
use crate::event::Event;
use crate::run::{Memory, Outcome, Plan};
use crate::store::Appended;
use crate::store::Store;
use crate::sys;

/// Whether a command of so many words stands where a subcommand can: `--` before it says that it is a command,
/// whatever it looks like.
fn is_plain(words: &[OsString], count: usize) -> bool {
    let before = words.len().checked_sub(count + 1).and_then(|at| words.get(at));
    before.is_none_or(|word| word != "--")
}

/// Runs the command. `words`: as for [`super::perform`].
pub fn perform(wrap: &Wrap, words: &[OsString]) -> Exit {
    let was_plain = is_plain(words, wrap.words.len());
    let target = target_of(wrap);
    let around = env::var_os(nesting::VARIABLE);
    let around = around.as_deref().map(OsStr::as_bytes);
    let store = match consent::recording() {
        Recording::On(store)
            if !around.is_some_and(|value| nesting::is_recorded_around_us(value, &target)) =>
        {
            Some(store)
        }
        _ => None,
    };
    let added = store.as_ref().map(|_| nesting::with(around, sys::own_pid(), &target));
    let plan = |added: Option<&[u8]>| {
        let added = added.map(|variable| (nesting::VARIABLE, variable));
        Plan::new(&wrap.words, added, was_plain.then(|| hint(&wrap.words[0])).flatten())
    };
    let Some(store) = store else { return become_it(plan(None)) };
    // A program that watches programs may not know how our sentinel lives (valgrind aborts).
    let memory = if env::var_os("LD_PRELOAD").is_none() { Memory::Ours } else { Memory::Apart };
    let outcome = plan(added.as_deref()).ok().and_then(|plan| {
        // An emulator that does not know such helpers says so.
        plan.run(memory).or_else(|| plan.run(Memory::Apart))
    });
    // Without memory or processes for a run of ours the command still gets what is left.
    let Some(outcome) = outcome else { return become_it(plan(None)) };
    record(&store, target, wrap.domain.clone(), &outcome);
    outcome.ending.into()
}

fn target_of(wrap: &Wrap) -> String {
    wrap.target.clone().unwrap_or_else(|| name_of(&wrap.words[0]))
}

fn become_it(plan: io::Result<Plan>) -> Exit {
    match plan {
        Ok(plan) => Exit::Code(plan.become_it()),
        Err(error) => {
            warn(&format!("the command cannot be started: {error}"));
            Exit::CANNOT_START
        }
    }
}

/// The command's fate outranks ours: whatever goes wrong here, it ends as it ended.
fn record(store: &Store, target: String, domain: Option<String>, outcome: &Outcome) {
    let event = Event {
        timestamp: outcome.ended_at,
        target,
        domain,
        duration_seconds: outcome.wall.as_secs_f64(),
        exit_code: outcome.ending.shell_code().into(),
    };
    match store.append(&event) {
        // In a pipe or a file it would be taken for the command's own output; `tm-run status` tells it, too.
        Err(error) if io::stderr().is_terminal() => {
            warn(&format!("warning: could not record this run in {}: {error}", store.directory().display()));
        }
        Ok(Appended::Written | Appended::NoConsent) | Err(_) => {}
    }
}

fn warn(what: &str) {
    // There is nobody else to tell.
    let _ = io::stderr().write_all(format!("tm-run: {what}\n").as_bytes());
}

/// The command's base name, as far as it can be a name.
fn name_of(command: &OsStr) -> String {
    let base = Path::new(command).file_name().unwrap_or(command);
    let mut name: String = base
        .to_string_lossy()
        .chars()
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    name.truncate(name.floor_char_boundary(NAME_MAX));
    name
}

/// What may have been meant by a command that is not found.
fn hint(command: &OsString) -> Option<String> {
    let command = command.to_str()?;
    let meant = if command == "help" {
        "--help"
    } else {
        SUBCOMMANDS
            .into_iter()
            .map(|word| (strsim::damerau_levenshtein(word, command), word))
            .filter(|&(distance, word)| distance <= 2 && distance < word.len())
            .min()?
            .1
    };
    Some(format!(" (did you mean 'tm-run {meant}'?)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_the_base_name_without_what_a_name_cannot_hold() {
        #[track_caller]
        fn case(command: &[u8], name: &str) {
            assert_eq!(name_of(OsStr::from_bytes(command)), name);
        }
        case(b"/usr/bin/make", "make");
        case(b"./a=b", "a=b");
        case(b"dir/", "dir");
        case(b"/", "/");
        case(b"..", "..");
        case(b"a\xffb", "a\u{fffd}b");
        case(b"a\x1b[31m", "a\u{fffd}[31m");
        assert_eq!(name_of(OsStr::new(&"é".repeat(600))).len(), 1024);
    }

    #[test]
    fn a_word_that_looks_like_a_subcommand_gets_a_hint() {
        let hint = |word: &str| hint(&OsString::from(word));
        assert_eq!(hint("stauts").as_deref(), Some(" (did you mean 'tm-run status'?)"));
        assert_eq!(hint("help").as_deref(), Some(" (did you mean 'tm-run --help'?)"));
        assert_eq!(hint("ansible-playbook"), None);
        assert_eq!(hint("x"), None);
    }
}

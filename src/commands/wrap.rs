//! Runs a command, and records the run if the user wants that.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::libc::O_NOCTTY;

use super::consent::{self, Recording};
use super::exit::Exit;
use super::{anklume, nesting};
use crate::cli::{NAME_MAX, Record, SUBCOMMANDS, Wrap};
use crate::event::Event;
use crate::run::{self, Command, Outcome};
use crate::store::Store;
use crate::sys::exec::ExecArgs;
use crate::sys::process::ChildKind;

/// Runs the command. `args`: our own arguments without `argv[0]`, of which the last ones are the command's.
pub fn run(wrap: &Wrap, args: &[OsString]) -> Exit {
    let target = wrap.target.as_deref().map_or_else(|| base_name(&wrap.words[0]), storable);
    let active = std::env::var_os(nesting::VARIABLE);
    let active = active.as_deref().map(OsStr::as_bytes);
    let command = |added: Option<Vec<u8>>| {
        let added = added.map(|variable| (nesting::VARIABLE, variable));
        let exec_args = ExecArgs::from_own_args(wrap.words.len(), added);
        let hint = if follows_dashes(args, wrap.words.len()) { None } else { hint(&wrap.words[0]) };
        Command::new(exec_args, hint.unwrap_or_default())
    };
    if is_wanted(wrap)
        && let Recording::On(store) = consent::recording()
        && !active.is_some_and(|value| nesting::is_recorded_around_us(value, &target))
    {
        let added = nesting::with(active, nix::unistd::getpid().as_raw(), &target);
        // Never freed, for a child that shares our memory uses it.
        let command: &'static Command = Box::leak(Box::new(command(Some(added))));
        // While the command runs we let go of the terminal.
        let has_terminal = io::stderr().is_terminal();
        // Where the kernel refuses the first kind (qemu-user does), try the other.
        if let Some(outcome) = run::run(command, child_kind()).or_else(|| run::run(command, ChildKind::Fork))
        {
            record(&store, target, wrap.domain.as_deref().map(storable), &outcome, has_terminal);
            return outcome.exit.into();
        }
        // Without memory or processes for a run of ours the command still gets what is left.
    }
    Exit::Code(run::exec_in_place(&command(None)))
}

fn is_wanted(wrap: &Wrap) -> bool {
    match wrap.record {
        Record::Yes => true,
        Record::No => false,
        Record::UnlessAroundMake => !anklume::is_around_make(&wrap.words[0]),
    }
}

/// The kind of process that becomes a recorded command.
pub fn child_kind() -> ChildKind {
    // Programs that watch programs (valgrind) may not know processes that share memory; they come by LD_PRELOAD.
    if std::env::var_os("LD_PRELOAD").is_none() { ChildKind::CloneVm } else { ChildKind::Fork }
}

/// Whether `--` stands before the last `count` arguments: then they are a command, whatever they look like.
fn follows_dashes(args: &[OsString], count: usize) -> bool {
    let before = args.len().checked_sub(count + 1).and_then(|index| args.get(index));
    before.is_some_and(|arg| arg == "--")
}

/// The command's fate outranks ours: whatever goes wrong here, it ends as it ended. `has_terminal`: standard error was a
/// terminal when the run started.
fn record(store: &Store, target: String, domain: Option<String>, outcome: &Outcome, has_terminal: bool) {
    let event = Event {
        timestamp: outcome.ended_at,
        target,
        domain,
        duration_seconds: Some(outcome.wall.as_secs_f64()),
        exit_code: outcome.exit.shell_code().into(),
    };
    if let Err(error) = store.append(&event)
        // In a pipe or a file it would be taken for the command's own output; `tm-run status` tells it, too.
        && has_terminal
        && let Ok(mut terminal) = OpenOptions::new().write(true).custom_flags(O_NOCTTY).open("/dev/tty")
    {
        let directory = store.directory().display();
        // There is nobody else to tell.
        let _ = terminal.write_all(
            format!("tm-run: warning: could not record this run in {directory}: {error}\n").as_bytes(),
        );
    }
}

/// The command's base name, as far as it can be a name.
fn base_name(command: &OsStr) -> String {
    let base = Path::new(command).file_name().unwrap_or(command);
    storable(&base.to_string_lossy())
}

/// The name, as far as it can be recorded.
fn storable(name: &str) -> String {
    let mut name: String =
        name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
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
            assert_eq!(base_name(OsStr::from_bytes(command)), name);
        }
        case(b"/usr/bin/make", "make");
        case(b"./a=b", "a=b");
        case(b"dir/", "dir");
        case(b"/", "/");
        case(b"..", "..");
        case(b"a\xffb", "a\u{fffd}b");
        case(b"a\x1b[31m", "a\u{fffd}[31m");
        assert_eq!(base_name(OsStr::new(&"é".repeat(600))).len(), 1024);
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

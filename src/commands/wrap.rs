//! Runs a command, and records the run if the user wants that.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::errno::Errno;
use nix::libc::O_NOCTTY;

use super::consent::{self, Recording};
use super::exit::Exit;
use super::{anklume, nesting};
use crate::cli::{NAME_MAX, Record, SUBCOMMANDS, Wrap};
use crate::event::Event;
use crate::run::{self, Command, FinishedRun};
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
        Command::new(exec_args, hint(&wrap.words, follows_dashes(args, wrap.words.len())).unwrap_or_default())
    };
    if is_wanted(wrap)
        && let Recording::On(store) = consent::recording()
        && !active.is_some_and(|value| nesting::is_recorded_around_us(value, &target))
    {
        let command = || command(Some(nesting::with(active, nix::unistd::getpid().as_raw(), &target)));
        // While the command runs we let go of the terminal.
        let has_terminal = io::stderr().is_terminal();
        // Where the kernel refuses the first kind (qemu-user does), try the other.
        if let Some(run) = run::run(&command, child_kind()).or_else(|| run::run(&command, ChildKind::Fork)) {
            // What was mistyped may be a secret (`PASSWORD=x command`), and is nobody's work.
            if wrap.target.is_some() || run.exec_error != Some(Errno::ENOENT) {
                record(&store, target, wrap.domain.as_deref().map(storable), &run, has_terminal);
            }
            return run.exit.into();
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
fn record(store: &Store, target: String, domain: Option<String>, run: &FinishedRun, has_terminal: bool) {
    let event = Event {
        timestamp: run.ended_at,
        target,
        domain,
        duration_seconds: Some(run.wall.as_secs_f64()),
        exit_code: run.exit.shell_code().into(),
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
pub fn storable(name: &str) -> String {
    let mut name = name.replace(char::is_control, "\u{fffd}");
    name.truncate(name.floor_char_boundary(NAME_MAX));
    name
}

/// Words of other programs for what tm-run does.
const SYNONYMS: [(&str, &str); 10] = [
    ("help", "--help"),
    ("version", "--version"),
    ("stats", "report"),
    ("list", "report"),
    ("history", "report"),
    ("show", "report"),
    ("enable", "on"),
    ("start", "on"),
    ("disable", "off"),
    ("stop", "off"),
];

/// Words that only a shell obeys, and that are no program on most machines.
const BUILTINS: [&str; 10] =
    ["alias", "cd", "eval", "exit", "export", "set", "source", "ulimit", "umask", "unset"];

/// What may have been meant by a command that is not found. `is_command`: `--` says that it is one.
fn hint(words: &[OsString], is_command: bool) -> Option<String> {
    let command = words[0].to_str()?;
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let name = &command[..command.bytes().take_while(is_of_name).count()];
    if !name.is_empty() && command[name.len()..].starts_with('=') {
        return Some(format!(" (to set a variable for a command: tm-run env {name}=... COMMAND)"));
    }
    if words.len() == 1 && command.contains(char::is_whitespace) {
        return Some(" (for a line of shell: tm-run sh -c '...')".to_owned());
    }
    if BUILTINS.contains(&command) {
        return Some(format!(" ('{command}' is a part of the shell)"));
    }
    if is_command {
        return None;
    }
    let synonym = SYNONYMS.into_iter().find(|&(word, _)| word == command).map(|(_, meant)| meant);
    let similar = || {
        // A short word with more behind it is rather a tool that is missing: `oc get pods` is no `on`.
        if command.len() <= 4 && words.len() > 1 {
            return None;
        }
        // Two slips would turn `rg`, `ll` and `tox` into `log`. Most commands are too long, and no run is to wait.
        let mut alike = SUBCOMMANDS.into_iter().filter(|word| word.len().abs_diff(command.len()) <= 1);
        alike.find(|word| strsim::osa_distance(word, command) == 1)
    };
    Some(format!(" (did you mean 'tm-run {}'?)", synonym.or_else(similar)?))
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
    fn hint_names_the_subcommand_variable_or_shell_line_that_was_meant() {
        #[track_caller]
        fn case(words: &[&str], is_command: bool, expected: Option<&str>) {
            let words: Vec<OsString> = words.iter().map(Into::into).collect();
            assert_eq!(hint(&words, is_command).as_deref(), expected);
        }
        case(&["stauts"], false, Some(" (did you mean 'tm-run status'?)"));
        case(&["stauts"], true, None);
        case(&["repot", "--since", "7d"], false, Some(" (did you mean 'tm-run report'?)"));
        case(&["no"], false, Some(" (did you mean 'tm-run on'?)"));
        case(&["lgo"], false, Some(" (did you mean 'tm-run log'?)"));
        for tool in ["go", "rg", "ll", "lint", "fd", "ant", "tox", "ls"] {
            case(&[tool], false, None);
        }
        case(&["oc", "get", "pods"], false, None);
        case(&["help"], false, Some(" (did you mean 'tm-run --help'?)"));
        case(&["version"], false, Some(" (did you mean 'tm-run --version'?)"));
        case(&["enable"], false, Some(" (did you mean 'tm-run on'?)"));
        case(&["stop"], false, Some(" (did you mean 'tm-run off'?)"));
        case(&["history"], false, Some(" (did you mean 'tm-run report'?)"));
        case(&["cd", "/"], true, Some(" ('cd' is a part of the shell)"));
        case(&["export", "A=b"], false, Some(" ('export' is a part of the shell)"));
        case(&["ansible-playbook"], false, None);
        case(&["x"], false, None);
        let variable = Some(" (to set a variable for a command: tm-run env KEY_1=... COMMAND)");
        case(&["KEY_1=a/b", "ls"], true, variable);
        case(&["a b=c", "ls"], true, None);
        case(&["echo hi | wc -l"], true, Some(" (for a line of shell: tm-run sh -c '...')"));
        case(&["echo hi", "x"], true, None);
    }
}

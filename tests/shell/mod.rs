//! What is in `shell/`, in real shells, under real make.

/// `per_shell![WAYS, SHELLS, needs ["make"]; one, two]`: the named functions, each for each shell, so that a shell that is
/// missing hides nothing of the others.
macro_rules! per_shell {
    ($ways:expr, $shells:expr, needs $tools:tt; $($name:ident),+ $(,)?) => {
        [$($shells.iter().flat_map(|&shell| {
            let name = format!("{}::{}::{}", module_path!(), stringify!($name), shell.name());
            let mut tools = shell.tools();
            let more: &[&str] = &$tools;
            tools.extend(more);
            $crate::harness::Case::per_way($ways, &name, &tools, move |sandbox| $name(sandbox, shell))
        }).collect::<Vec<_>>()),+].into_iter().flatten().collect::<Vec<_>>()
    };
}

mod aliases;
mod completion;
mod documents;
mod make;
mod package;
mod typist;

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::harness::{Case, Launch, Sandbox, TM_RUN, python_with};

pub fn cases() -> Vec<Case> {
    [aliases::cases(), completion::cases(), documents::cases(), make::cases(), package::cases()]
        .into_iter()
        .flatten()
        .collect()
}

fn in_shell_dir(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("shell").join(name)
}

/// The search path of a user who has installed neither tm-run nor anklume, before that a directory of the
/// test's own.
fn path(sandbox: &Sandbox) -> OsString {
    let own = sandbox.path("bin");
    fs::create_dir_all(&own).expect("a directory for commands");
    let theirs = std::env::var_os("PATH").unwrap_or_default();
    let theirs = std::env::split_paths(&theirs)
        .filter(|dir| !dir.join("tm-run").exists() && !dir.join("anklume").exists());
    std::env::join_paths(std::iter::once(own).chain(theirs)).expect("a search path")
}

/// Puts the tm-run that is tested on [`path`].
fn install(sandbox: &Sandbox) {
    fs::create_dir_all(sandbox.path("bin")).expect("a directory for commands");
    symlink(TM_RUN, sandbox.path("bin/tm-run")).expect("a link to tm-run");
}

/// Puts a script on [`path`].
fn command(sandbox: &Sandbox, name: &str, text: &str) {
    fs::create_dir_all(sandbox.path("bin")).expect("a directory for commands");
    sandbox.script(&format!("bin/{name}"), text);
}

/// Prints its words, each in angle brackets.
const SHOWS: &str = "#!/bin/sh\nprintf '%s' \"${0##*/}\"\nfor word; do printf '<%s>' \"$word\"; done\necho\n";

/// Puts a Typer program with anklume's commands on [`path`] under this name.
fn typer_anklume(sandbox: &Sandbox, name: &str) -> PathBuf {
    let python = python_with("typer").expect("a Python with Typer");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shell/anklume.py");
    let text = format!("#!/bin/sh\nexec {} {} \"$@\"\n", python.display(), program.display());
    command(sandbox, name, &text);
    sandbox.path("bin").join(name)
}

fn start<'s>(sandbox: &'s Sandbox, words: &[&str]) -> Launch<'s> {
    sandbox.unwrapped(words).env("PATH", path(sandbox)).env("XDG_CONFIG_HOME", sandbox.home().join(".config"))
}

/// The targets and domains in the log.
#[track_caller]
fn recorded(sandbox: &Sandbox) -> Vec<(String, Option<String>)> {
    sandbox.events().into_iter().map(|event| (event.target, event.domain)).collect()
}

fn named(target: &str, domain: Option<&str>) -> (String, Option<String>) {
    (target.to_owned(), domain.map(str::to_owned))
}

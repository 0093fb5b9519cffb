//! What is in `shell/`, in real shells, under real make.

mod completion;
mod documents;
mod functions;
mod make;
mod package;

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::ledger::Case;
use crate::stage::{Stage, Start, TM_RUN};

pub fn cases() -> Vec<Case> {
    [completion::cases(), documents::cases(), functions::cases(), make::cases(), package::cases()]
        .into_iter()
        .flatten()
        .collect()
}

fn in_shell_dir(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("shell").join(name)
}

/// The search path of a user who has installed neither tm-run nor anklume, before that a directory of the
/// test's own.
fn path(stage: &Stage) -> OsString {
    let own = stage.path("bin");
    fs::create_dir_all(&own).expect("a directory for commands");
    let theirs = std::env::var_os("PATH").unwrap_or_default();
    let theirs = std::env::split_paths(&theirs)
        .filter(|dir| !dir.join("tm-run").exists() && !dir.join("anklume").exists());
    std::env::join_paths(std::iter::once(own).chain(theirs)).expect("a search path")
}

/// Puts the tm-run that is tested on [`path`].
fn install(stage: &Stage) {
    fs::create_dir_all(stage.path("bin")).expect("a directory for commands");
    symlink(TM_RUN, stage.path("bin/tm-run")).expect("a link to tm-run");
}

/// Puts a script on [`path`].
fn command(stage: &Stage, name: &str, text: &str) {
    fs::create_dir_all(stage.path("bin")).expect("a directory for commands");
    stage.script(&format!("bin/{name}"), text);
}

/// Prints its words, each in angle brackets.
const SHOWS: &str = "#!/bin/sh\nprintf '%s' \"${0##*/}\"\nfor word; do printf '<%s>' \"$word\"; done\necho\n";

fn start<'s>(stage: &'s Stage, words: &[&str]) -> Start<'s> {
    stage.plain(words).variable("PATH", path(stage)).variable("XDG_CONFIG_HOME", stage.home().join(".config"))
}

/// The targets and domains in the log.
#[track_caller]
fn recorded(stage: &Stage) -> Vec<(String, Option<String>)> {
    stage.events().into_iter().map(|event| (event.target, event.domain)).collect()
}

fn named(target: &str, domain: Option<&str>) -> (String, Option<String>) {
    (target.to_owned(), domain.map(str::to_owned))
}

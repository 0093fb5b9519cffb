//! What is read from the environment, in one place.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Local, Utc};

use crate::cli;
use crate::store::Store;
use crate::sys::terminal;

/// The variable that asks every program not to record (donottrack.sh).
pub const DO_NOT_TRACK: &str = "DO_NOT_TRACK";

/// The value of `DO_NOT_TRACK` if it forbids recording. Only what plainly means "no" does not: a privacy
/// switch fails closed.
pub fn do_not_track() -> Option<OsString> {
    env::var_os(DO_NOT_TRACK)
        .filter(|value| !value.is_empty() && value != "0" && !value.eq_ignore_ascii_case("false"))
}

/// The directories of PATH.
pub fn search_path() -> Vec<PathBuf> {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect()
}

/// The user's store. `None` without a home directory that is an absolute path: a relative one would be another
/// store in every directory.
pub fn store() -> Option<Store> {
    home().map(|home| Store::in_home(&home))
}

fn home() -> Option<PathBuf> {
    home::env::home_dir_with_env(&Variables).filter(|home| home.is_absolute())
}

/// Where the home directory is looked up. Only in HOME: without it the name service would have to be asked, and that
/// opens sockets (nscd(8), LDAP), so no function of it may even be linked. No home, no record.
struct Variables;

impl home::env::Env for Variables {
    fn home_dir(&self) -> Option<PathBuf> {
        self.var_os("HOME").map(PathBuf::from)
    }

    fn current_dir(&self) -> io::Result<PathBuf> {
        env::current_dir()
    }

    fn var_os(&self, name: &str) -> Option<OsString> {
        env::var_os(name)
    }
}

/// Where a report is shown, and how.
pub struct Screen {
    pub width: usize,
    pub is_ascii: bool,
    pub has_color: bool,
}

/// In a pipe a report is the same everywhere.
const WIDTH_OF_A_PIPE: usize = 80;

impl Screen {
    /// What the flags leave open is taken from the environment and, unless the report goes to a file, from
    /// standard output.
    pub fn of(asked: &cli::Report) -> Self {
        let is_terminal = asked.output.is_none() && io::stdout().is_terminal();
        let from_environment =
            || text_of("COLUMNS")?.trim().parse().ok().filter(|&columns: &usize| columns > 0);
        let from_terminal = || is_terminal.then(terminal::width_of_stdout)?.map(usize::from);
        let width = asked.width.map(usize::from).or_else(from_environment).or_else(from_terminal);
        Self {
            width: width.unwrap_or(WIDTH_OF_A_PIPE),
            is_ascii: asked.ascii || !can_show_utf_8(),
            has_color: match asked.color {
                cli::Color::Always => true,
                cli::Color::Never => false,
                cli::Color::Auto => wants_color(is_terminal),
            },
        }
    }
}

fn text_of(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|text| !text.is_empty())
}

/// The kernel's console has no eighth blocks in its font, whatever the locale says.
fn can_show_utf_8() -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(text_of).unwrap_or_default().to_ascii_lowercase();
    let terminal = text_of("TERM").unwrap_or_default();
    (locale.contains("utf-8") || locale.contains("utf8")) && terminal != "linux" && terminal != "dumb"
}

/// NO_COLOR (no-color.org) wins over CLICOLOR_FORCE (bixense.com/clicolors).
pub fn wants_color(is_terminal: bool) -> bool {
    if text_of("NO_COLOR").is_some() {
        return false;
    }
    if text_of("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    is_terminal && text_of("TERM").is_some_and(|terminal| terminal != "dumb")
}

/// Between the ends of a period.
pub fn dash() -> &'static str {
    if can_show_utf_8() { "–" } else { "-" }
}

/// What the local zone is called: `Europe/Paris`, or its distance from UTC where it has no name.
pub fn zone_name(now: DateTime<Utc>) -> String {
    let set = env::var("TZ").ok().map(|zone| zone.trim_start_matches(':').to_owned());
    let name = match set {
        // The path of a file names no zone: `TZ=:/etc/localtime`.
        Some(zone) => Some(zone).filter(|zone| {
            Path::new(zone).is_relative() && Path::new("/usr/share/zoneinfo").join(zone).is_file()
        }),
        None => iana_time_zone::get_timezone().ok(),
    };
    name.unwrap_or_else(|| format!("UTC{}", now.with_timezone(&Local).offset()))
}

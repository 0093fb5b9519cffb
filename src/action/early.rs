//! The beginning of a run before the C library is ready, where nothing has to be thought about.
//!
//! What is plain is done here: a command line that names nothing odd, no run around ours, no wish not to be recorded.
//! Everything else goes the usual way, as does whatever fails here; both ways do the same, and all tests of the wrapper
//! take this one. What must not be done here is said at the program's entry, in [`crate::sys`].

use std::sync::atomic::{AtomicU8, Ordering};

use super::nesting;
use super::world::DO_NOT_TRACK;
use crate::cli;
use crate::run::{self, Memory, Role, Run};
use crate::store::MARKER_BELOW_HOME;
use crate::sys::{self, Command, Room, Text, Texts};

/// What has been done already when the C library is ready.
pub enum Begun {
    Nothing,
    /// The command runs.
    Run(Run, Names),
    /// We are the process that was to become the command, and could not as plainly as that.
    Command,
}

/// What to record a run under.
pub struct Names {
    pub target: String,
    pub domain: Option<String>,
}

static ROLE: AtomicU8 = AtomicU8::new(NOTHING);
const NOTHING: u8 = 0;
const RUN: u8 = 1;
const COMMAND: u8 = 2;

static TARGET: Room<{ cli::NAME_MAX + 1 }> = Room::new();
static DOMAIN: Room<{ cli::NAME_MAX + 1 }> = Room::new();

impl cli::Word for Text {
    fn bytes(self) -> impl Iterator<Item = u8> + Clone {
        Text::bytes(self)
    }
}

/// `words`: the command line without the program's own name. Comes back if the usual way must be gone, which
/// [`begun`] then tells from where.
pub fn begin(words: Texts, variables: Texts) {
    if let Some(role) = begin_plainly(words, variables) {
        ROLE.store(role, Ordering::Relaxed);
    }
}

/// What [`begin`] has done.
pub fn begun() -> Begun {
    match ROLE.load(Ordering::Relaxed) {
        RUN => {
            // Only plain names come this way: they are ASCII.
            let domain =
                Some(DOMAIN.bytes().map(char::from).collect()).filter(|domain: &String| !domain.is_empty());
            let names = Names { target: TARGET.bytes().map(char::from).collect(), domain };
            Run::begun().map_or(Begun::Nothing, |run| Begun::Run(run, names))
        }
        COMMAND => Begun::Command,
        _ => Begun::Nothing,
    }
}

fn begin_plainly(words: Texts, variables: Texts) -> Option<u8> {
    let plain = cli::plain(words)?;
    let variable = |name: &[u8]| variables.clone().find_map(|variable| sys::value_of(variable, name));
    // A home that is no absolute path has no marker in it.
    let home = variable(b"HOME").filter(|home| home.clone().next() == Some(b'/'));
    let is_on = match home {
        None => false,
        Some(home) => {
            static MARKER: Room<4096> = Room::new();
            MARKER.push(home)?;
            MARKER.push(MARKER_BELOW_HOME.bytes())?;
            sys::is_regular_file(MARKER.text()?)
        }
    };
    if !is_on {
        Command::new(plain.command, variables).become_if_plain();
        return None;
    }
    // The last one is for programs that watch programs (valgrind): they may not know how our sentinel lives.
    let is_odd = variable(DO_NOT_TRACK.as_bytes()).is_some()
        || variable(nesting::VARIABLE.as_bytes()).is_some()
        || variable(b"LD_PRELOAD").is_some();
    if is_odd {
        return None;
    }
    match &plain.target {
        Some(target) => TARGET.push(target.bytes())?,
        None => TARGET.push(plain.base_name()?)?,
    }
    if let Some(domain) = &plain.domain {
        DOMAIN.push(domain.bytes())?;
    }
    let variables = sys::with_variable(variables, active()?)?;
    match run::begin(plain.command.clone().count(), Memory::Ours)? {
        Role::Waiting(_) => Some(RUN),
        Role::Command => {
            Command::new(plain.command, variables).become_if_plain();
            Some(COMMAND)
        }
    }
}

/// What [`nesting::with`] writes where there is no run around ours.
fn active() -> Option<Text> {
    static ACTIVE: Room<{ 64 + 3 * cli::NAME_MAX }> = Room::new();
    ACTIVE.push(nesting::VARIABLE.bytes())?;
    ACTIVE.push(std::iter::once(b'='))?;
    let own = sys::own_pid().unsigned_abs();
    let mut size = 1;
    while own / size >= 10 {
        size *= 10;
    }
    while size > 0 {
        let digit = u8::try_from(own / size % 10).ok()?;
        ACTIVE.push(std::iter::once(b'0' + digit))?;
        size /= 10;
    }
    ACTIVE.push(std::iter::once(b':'))?;
    for byte in TARGET.bytes() {
        match byte {
            b'%' => ACTIVE.push("%25".bytes())?,
            b',' => ACTIVE.push("%2C".bytes())?,
            _ => ACTIVE.push(std::iter::once(byte))?,
        }
    }
    ACTIVE.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_that_of_the_usual_way() {
        TARGET.push("a,b%2C".bytes()).unwrap();
        let expected = nesting::with(None, sys::own_pid(), "a,b%2C");
        assert_eq!(active().unwrap().bytes().collect::<Vec<u8>>(), expected);
    }
}

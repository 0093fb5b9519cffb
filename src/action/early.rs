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
use crate::sys::{self, Command, Pen, Slot, Text, Texts};

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

static TARGET: Slot = Slot::new();
static DOMAIN: Slot = Slot::new();

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
            let name = |slot: &Slot| Some(slot.get()?.bytes().map(char::from).collect::<String>());
            let names = Names { target: name(&TARGET).unwrap_or_default(), domain: name(&DOMAIN) };
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
        Some(home) => sys::is_regular_file(Pen::new().write(home)?.write(MARKER_BELOW_HOME.bytes())?.end()?),
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
    let target = match &plain.target {
        Some(target) => Pen::new().write(target.bytes())?.end()?,
        None => Pen::new().write(plain.base_name()?)?.end()?,
    };
    TARGET.set(target);
    if let Some(domain) = &plain.domain {
        DOMAIN.set(Pen::new().write(domain.bytes())?.end()?);
    }
    let variables = sys::with_variable(variables, active(target)?)?;
    match run::begin(plain.command.clone().count(), Memory::Ours)? {
        Role::Waiting(_) => Some(RUN),
        Role::Command => {
            Command::new(plain.command, variables).become_if_plain();
            Some(COMMAND)
        }
    }
}

/// What [`nesting::with`] writes where there is no run around ours.
fn active(target: Text) -> Option<Text> {
    let mut pen = Pen::new();
    pen.write(nesting::VARIABLE.bytes())?.write(std::iter::once(b'='))?;
    let own = sys::own_pid().unsigned_abs();
    let mut size = 1;
    while own / size >= 10 {
        size *= 10;
    }
    while size > 0 {
        pen.write(std::iter::once(b'0' + u8::try_from(own / size % 10).ok()?))?;
        size /= 10;
    }
    pen.write(std::iter::once(b':'))?;
    for byte in target.bytes() {
        match byte {
            b'%' => pen.write("%25".bytes())?,
            b',' => pen.write("%2C".bytes())?,
            _ => pen.write(std::iter::once(byte))?,
        };
    }
    pen.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_that_of_the_usual_way() {
        let expected = nesting::with(None, sys::own_pid(), "a,b%2C");
        assert_eq!(active(Text::of(c"a,b%2C")).unwrap().bytes().collect::<Vec<u8>>(), expected);
    }
}

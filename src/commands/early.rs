//! The beginning of a run before the C library is ready, where nothing has to be thought about.
//!
//! What is plain is done here: a command line that names nothing odd, no run around ours, no wish not to be recorded.
//! Everything else goes the usual way, as does whatever fails here; both ways do the same, and all tests of the wrapper
//! take this one. What must not be done here is said at the program's entry, in [`crate::sys`].

use super::nesting;
use super::world::DO_NOT_TRACK;
use crate::cli;
use crate::run::{self, Memory, Run};
use crate::store::MARKER_BELOW_HOME;
use crate::sys::{self, Command, Pen, Slot, Text, Texts};

/// What to record a run under.
pub struct Names {
    pub target: String,
    pub domain: Option<String>,
}

static TARGET: Slot = Slot::new();
static DOMAIN: Slot = Slot::new();

impl cli::Word for Text {
    fn bytes(self) -> impl Iterator<Item = u8> + Clone {
        Text::bytes(self)
    }
}

/// `words`: the command line without the program's own name. Comes back if we have not become the command, and
/// [`begun`] then tells what has happened.
pub fn begin(words: Texts, variables: Texts) {
    // Whatever has not happened by now happens the usual way.
    let _ = begin_plainly(words, variables);
}

/// The run that [`begin`] has begun, if it has.
pub fn begun() -> Option<(Run, Names)> {
    // Only plain names come this way: they are ASCII.
    let name = |slot: &Slot| Some(slot.get()?.bytes().map(char::from).collect::<String>());
    let run = Run::begun()?;
    Some((run, Names { target: name(&TARGET).unwrap_or_default(), domain: name(&DOMAIN) }))
}

fn begin_plainly(words: Texts, variables: Texts) -> Option<()> {
    let plain = cli::plain(words)?;
    let variable = |name: &[u8]| variables.clone().find_map(|variable| sys::value_of(variable, name));
    // A home that is no absolute path has no marker in it.
    let home = variable(b"HOME").filter(|home| home.clone().next() == Some(b'/'));
    let is_on = match home {
        None => false,
        Some(home) => sys::is_regular_file(Pen::new().write(home)?.write(MARKER_BELOW_HOME.bytes())?.end()?),
    };
    if !is_on {
        // What is wrong, if it comes back, is found again and told the usual way.
        let _ = Command::new(plain.command, variables).become_it();
        return None;
    }
    // The last one is for programs that watch programs (valgrind): they may not know how our sentinel lives.
    let is_odd = variable(DO_NOT_TRACK.as_bytes()).is_some()
        || variable(nesting::VARIABLE.as_bytes()).is_some()
        || variable(b"LD_PRELOAD").is_some();
    // Where the C library could not start, the command would end with us.
    if is_odd || !sys::has_room() {
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
    let words = plain.command.clone().count();
    run::begin(&Command::new(plain.command, variables), words, Memory::Ours).map(drop)
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
        let _alone = sys::ALONE.lock();
        let expected = nesting::with(None, sys::own_pid(), "a,b%2C");
        assert_eq!(active(Text::of(c"a,b%2C")).unwrap().bytes().collect::<Vec<u8>>(), expected);
    }
}

//! One file a thing one can ask for: the only corridor between the rooms.

mod clear;
mod consent;
pub mod exit;
mod init;
mod log;
pub mod misuse;
mod nesting;
mod output;
mod progress;
mod report;
mod status;
mod when;
mod world;
mod wrap;

use std::ffi::OsString;
use std::io::{self, Write as _};

use chrono::Utc;

use crate::cli::Request;
use crate::sys::{self, Mask, SignalSet};
use crate::units::SignalNumber;
use exit::Exit;
use output::Standard;

/// Does what was asked for. `words`: the command line without the program's own name.
///
/// # Errors
/// What could not be done, for `main` to say.
pub fn perform(request: &Request, words: &[OsString]) -> anyhow::Result<Exit> {
    if let Request::Wrap(wrap) = request {
        return Ok(wrap::perform(wrap, words));
    }
    sys::fill_standard_descriptors();
    // A file size limit is an error to be told, not a death (setrlimit(2)): nothing half done is left behind.
    sys::mask(Mask::Block, SignalSet::only(SignalNumber(signal_hook::consts::SIGXFSZ)));
    let mut out = io::BufWriter::new(Standard::open());
    match request {
        Request::Wrap(_) => {}
        Request::On => consent::turn_on(&mut out)?,
        Request::Off => consent::turn_off(&mut out)?,
        Request::Clear { before: None } => clear::everything(&mut out)?,
        Request::Log(line) => log::perform(line, Utc::now())?,
        Request::Clear { before: Some(when) } => clear::before(*when, Utc::now(), &mut out)?,
        Request::Status(format) => status::show(*format, &mut out)?,
        Request::Report(asked) => report::perform(asked, Utc::now(), &mut out)?,
        Request::Init(which) => out.write_all(init::script(*which).as_bytes())?,
    }
    out.flush()?;
    Ok(Exit::DONE)
}

/// Shows a text that was asked for instead of a command.
///
/// # Errors
/// As write(2).
pub fn show(text: &str) -> io::Result<()> {
    sys::fill_standard_descriptors();
    let mut out = Standard::open();
    out.write_all(text.as_bytes())?;
    out.flush()
}

//! One file a thing one can ask for: the only corridor between the rooms.

mod anklume;
mod clear;
mod complete;
mod consent;
mod env;
pub mod exit;
pub mod help;
mod init;
mod log;
mod nesting;
mod output;
mod progress;
mod report;
mod running;
mod status;
pub mod usage;
mod when;
mod wrap;

use std::ffi::OsString;
use std::io::{self, Write as _};

use chrono::Utc;

use crate::cli::Request;
use crate::sys::fd;
use crate::sys::signal::{self, SigmaskHow, SignalSet};
use crate::units::SignalNumber;
use exit::Exit;
use output::Standard;

/// Does what was asked for. `args`: our own arguments without `argv[0]`.
///
/// # Errors
/// What could not be done, for `main` to say.
pub fn run(request: &Request, args: &[OsString]) -> anyhow::Result<Exit> {
    if let Request::Wrap(wrap) = request {
        return Ok(wrap::run(wrap, args));
    }
    fd::sanitize_standard_fds();
    // A file size limit is an error to be told, not a death (setrlimit(2)): nothing half done is left behind.
    signal::sigprocmask(SigmaskHow::Block, SignalSet::only(SignalNumber(signal_hook::consts::SIGXFSZ)));
    let mut out = io::BufWriter::new(Standard::open());
    let mut exit = Exit::DONE;
    match request {
        Request::Wrap(_) => {}
        Request::On => consent::turn_on(&mut out)?,
        Request::Off => consent::turn_off(&mut out)?,
        Request::Clear { before: None } => clear::everything(&mut out)?,
        Request::Log(line) => log::run(line, Utc::now())?,
        Request::Clear { before: Some(when) } => clear::before(*when, Utc::now(), &mut out)?,
        Request::Status(format) => status::show(*format, Utc::now(), &mut out)?,
        Request::Report(asked) => exit = report::run(asked, Utc::now(), &mut out)?,
        Request::Complete(asked) => complete::run(asked, &mut out)?,
        Request::Init(which) => out.write_all(init::script(*which).as_bytes())?,
    }
    out.flush()?;
    Ok(exit)
}

//! tm-run: put it in front of a command to learn where your time goes.
//!
//! The program is this library and a thin `main`, so that the fuzz target can use its rooms.
//!
//! `src/README.md` draws the rooms, says which may name which, and tells what is good to know before a change.

mod cli;
mod commands;
mod completion;
mod event;
mod invocation;
mod report;
mod run;
mod store;
mod sys;
mod units;

use std::io::{self, Write as _};

use cli::Refusal;
use commands::exit::Exit;
use commands::usage::UsageError;

pub use sys::process::set_args;

/// What the fuzz target drives. The program itself needs nothing to be public, and the compiler finds what nobody uses.
#[cfg(feature = "fuzzing")]
pub mod fuzzing {
    pub use crate::event::Event;
    pub use crate::event::outcome::Outcome;
    pub use crate::event::parse::scanner::{Scanner, Window};
    pub use crate::event::parse::{ParsedEvent, glued_object_start, lenient};
    pub use crate::event::table::{Filter, Table};
    pub use crate::report::model::{Contents, GroupBy, Population, SortBy};
    pub use crate::report::render::{self, RecordingState};
    pub use crate::report::summary;
    pub use crate::store::read::{Source, read};
}

/// The whole program: from the command line, see [`set_args`], to the end of this process.
pub fn run() -> ! {
    let args = sys::process::args();
    let exit = match cli::parse(args.iter().cloned()) {
        Ok(request) => commands::run(&request, &args),
        Err(refusal) => print_refusal(&refusal),
    };
    exit.unwrap_or_else(|error| report_error(&error)).exit()
}

fn print_refusal(refusal: &Refusal) -> anyhow::Result<Exit> {
    Ok(match refusal {
        Refusal::Help(text) => commands::help::show(text).map(|()| Exit::DONE)?,
        Refusal::HelpOnMissingArgument(text) => commands::help::show(text).map(|()| Exit::FAILED)?,
        Refusal::Usage(line) => {
            print_error(line);
            Exit::USAGE
        }
    })
}

/// A reader that has seen enough is no error: `tm-run report | head`.
fn report_error(error: &anyhow::Error) -> Exit {
    let is_broken_pipe = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    if error.chain().filter_map(|cause| cause.downcast_ref()).any(is_broken_pipe) {
        return Exit::FAILED;
    }
    print_error(&format!("{error:#}"));
    if error.is::<UsageError>() { Exit::USAGE } else { Exit::FAILED }
}

fn print_error(line: &str) {
    // There is nobody else to tell.
    let _ = io::stderr().write_all(format!("tm-run: {line}\n").as_bytes());
}

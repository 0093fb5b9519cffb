//! tm-run: put it in front of a command to learn where your time goes.
//!
//! ```text
//!            argv                                         what the user reads
//!             │                                                  ▲
//!           main ──────── cli  (what may be typed)               │ &mut dyn Write
//!             │                                                  │
//!             └────────► commands  (one file a subcommand; the only corridor)
//!                          │            │                │
//!                     ┌────▼───┐   ┌────▼────┐     ┌─────▼─────┐
//!                     │  run   │   │  store  │     │  report   │      three rooms that
//!                     │ plan → │   │ consent │     │ events →  │      never name one another
//!                     │ outcome│   │  + log  │     │   text    │
//!                     └───┬────┘   └────┬────┘     └─────┬─────┘
//!                         │             └──── event ─────┘             the shared record
//!                        sys ───────────────► units                    the shared quantities
//!                  (all unsafe code)
//! ```
//!
//! Arrows point at what a room may name; `tests/layout.rs` holds us to that.

// The standard library's start-up changes what the command would inherit: see `sys::main`.
#![cfg_attr(not(test), no_main)]

mod cli;
mod commands;
mod event;
mod report;
mod run;
mod store;
mod sys;
mod units;

use std::ffi::OsString;
use std::io::{self, Write as _};

use cli::Refusal;
use commands::exit::Exit;
use commands::misuse::Misuse;

/// From the command line to the exit status.
#[cfg_attr(test, expect(dead_code, reason = "tests have a main of their own"))]
fn start() -> i32 {
    let words: Vec<OsString> = sys::words().into_iter().skip(1).collect();
    let exit = match cli::parse(words.iter().cloned()) {
        Ok(request) => commands::perform(&request, &words),
        Err(refusal) => refused(&refusal),
    };
    exit.unwrap_or_else(|error| told(&error)).happen()
}

fn refused(refusal: &Refusal) -> anyhow::Result<Exit> {
    Ok(match refusal {
        Refusal::Shown(text) => commands::show(text).map(|()| Exit::DONE)?,
        Refusal::Nothing(text) => commands::show(text).map(|()| Exit::FAILED)?,
        Refusal::Usage(line) => {
            complain(line);
            Exit::USAGE
        }
    })
}

/// A reader that has seen enough is no error: `tm-run report | head`.
fn told(error: &anyhow::Error) -> Exit {
    let is_broken_pipe = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    if error.chain().filter_map(|cause| cause.downcast_ref()).any(is_broken_pipe) {
        return Exit::FAILED;
    }
    complain(&format!("{error:#}"));
    if error.is::<Misuse>() { Exit::USAGE } else { Exit::FAILED }
}

fn complain(line: &str) {
    // There is nobody else to tell.
    let _ = io::stderr().write_all(format!("tm-run: {line}\n").as_bytes());
}

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
//!
//! A command that needs no thought takes a shorter way to `run`, before the C library has started: from the entry in
//! `sys` by `commands::early`.

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

/// Before the C library is ready; comes back to let it start, if there is anything left to do.
#[cfg_attr(any(test, not(target_arch = "x86_64")), expect(dead_code, reason = "only the entry calls it"))]
fn begin(words: sys::Texts, variables: sys::Texts) {
    commands::early::begin(words, variables);
}

/// From the command line to the exit status.
#[cfg_attr(test, expect(dead_code, reason = "tests have a main of their own"))]
fn start() -> i32 {
    let words = || sys::words().into_iter().skip(1).collect::<Vec<OsString>>();
    if let Some(exit) = commands::go_on(words) {
        // Nothing of the C library's is left to be done, and nothing of ours to be written.
        sys::exit_now(exit.happen());
    }
    let words = words();
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

//! The program `tm-run`; all of it is in the library.

// The standard library's start-up is left out on purpose: it sets SIGPIPE to ignored and reopens closed standard
// descriptors, and the command would inherit both.
#![no_main]

use std::ffi::{c_char, c_int};

/// What the C library calls.
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *mut *mut c_char) -> c_int {
    // SAFETY: these are the arguments that the C library was started with (execve(2)).
    unsafe { tm_run::set_args(argc, argv) };
    tm_run::run()
}

//! Nobody can tell `tm-run -- COMMAND` from COMMAND. `tests/README.md` has the table of behaviours.

mod descriptors;
mod events;
mod exec;
mod exit_status;
mod make;
mod namespaces;
mod nested;
mod off;
mod process_state;
mod release;
mod seccomp;
mod signals;
mod storage;
mod terminal;
mod ways;

use crate::harness::Case;

pub fn cases() -> Vec<Case> {
    [
        descriptors::cases(),
        events::cases(),
        exec::cases(),
        exit_status::cases(),
        make::cases(),
        namespaces::cases(),
        nested::cases(),
        off::cases(),
        process_state::cases(),
        release::cases(),
        seccomp::cases(),
        signals::cases(),
        storage::cases(),
        terminal::cases(),
        ways::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

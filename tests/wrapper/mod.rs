//! `tm-run -- COMMAND` is COMMAND: nobody can tell them apart.

mod arguments;
mod descriptors;
mod exit;
mod guard;
mod log;
mod make;
mod namespaces;
mod off;
mod signals;
mod state;
mod storage;
mod terminal;
mod ways;

use crate::harness::Case;

pub fn cases() -> Vec<Case> {
    [
        arguments::cases(),
        descriptors::cases(),
        exit::cases(),
        guard::cases(),
        log::cases(),
        make::cases(),
        namespaces::cases(),
        off::cases(),
        signals::cases(),
        state::cases(),
        storage::cases(),
        terminal::cases(),
        ways::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

//! The edge to the kernel: the only room with `unsafe`.
//!
//! A run has processes that share our memory (clone(2), `CLONE_VM`), the C library's `errno` included. What they do is
//! therefore done by system calls that set no `errno` (the crate `syscalls`) or by functions that cannot fail. Signal masks
//! are set by system calls, too: glibc leaves 32 and 33 out of every set, and an invisible wrapper passes on what it was
//! handed (nptl(7)).

pub mod exec;
pub mod fd;
pub mod futex;
pub mod process;
pub mod signal;
pub mod terminal;

//! The log reader against whatever a fuzzer comes up with, guided by coverage (libFuzzer).
//!
//! ```text
//! cd tests/fuzz
//! RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
//!     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
//!     -Cllvm-args=-sanitizer-coverage-trace-compares" \
//!     cargo run --release --target x86_64-unknown-linux-gnu -- -max_len=4096 -max_total_time=3600 \
//!     "$(mktemp -d)" corpus
//! ```
//!
//! The compiler that builds tm-run will do. With `-Zsanitizer=address` before it, a nightly one looks for
//! memory errors, too. A new file in the corpus is worth keeping if it is small; the integration tests read
//! them all.
#![no_main]
#![allow(dead_code)]

// Links to the package's own sources.
mod event;
mod store {
    pub mod read;
}
/// What the reader asks of the kernel beside files.
mod sys {
    pub fn prefer_huge_pages<T>(_: &mut [T]) {}
}

use std::io::{Cursor, Read};
use std::sync::atomic::AtomicU64;

use event::parse;
use event::table::Table;
use store::read::{Source, read};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for line in data.split(|&byte| byte == b'\n') {
        // A faster way may not know; if it does, it must agree.
        if let Some(fast) = parse::flat(line) {
            assert_eq!(Some(fast), parse::tolerant(line));
        }
    }
    let whole = table(Box::new(Cursor::new(data.to_vec())));
    let pieces = table(Box::new(Pieces(Cursor::new(data.to_vec()))));
    assert_eq!(whole.reading, pieces.reading, "what is read does not depend on how it arrives");
    let lines = |table: &Table| table.events().map(|(_, event)| event.line()).collect::<Vec<_>>();
    let written = lines(&whole);
    assert_eq!(written, lines(&pieces));
    assert!(whole.reading.events <= whole.reading.lines);
    // What is written is read again, all of it.
    let again = table(Box::new(Cursor::new(written.concat())));
    assert_eq!((again.reading.events, again.reading.unreadable), (whole.reading.events, 0));
});

fn table(stream: Box<dyn Read + Send>) -> Table {
    read(vec![Source::Stream(stream)], &AtomicU64::new(0)).expect("memory can be read")
}

/// Gives a few bytes at a time.
struct Pieces(Cursor<Vec<u8>>);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = 1 + self.0.position() as usize % 37;
        let room = buffer.len().min(most);
        self.0.read(&mut buffer[..room])
    }
}

//! Tests that look at whole outputs: compared with golden files, and held to what must be true of any report.

mod fixture;
mod golden;
mod labels;
mod properties;
mod schema;
mod sentences;

use std::io::{self, Write};

/// What a renderer writes.
fn rendered(render: impl Fn(&mut dyn Write) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    render(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

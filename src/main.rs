//! tm-run.
mod cli;
mod event;
#[allow(dead_code)]
mod report;
mod units;
fn main() {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    println!("{:?}", cli::parse(words));
}

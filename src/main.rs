//! tm-run.
mod action;
mod cli;
mod event;
mod report;
mod store;
mod units;
fn main() -> anyhow::Result<()> {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    match cli::parse(words) {
        Ok(cli::Request::Report(asked)) => {
            action::report::report(&asked, chrono::Utc::now(), &mut std::io::stdout().lock())
        }
        other => anyhow::bail!("{other:?}"),
    }
}

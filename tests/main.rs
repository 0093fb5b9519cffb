//! The integration tests: the real binary, real processes, real terminals.
//!
//! A case of the wrapper is run in several ways, see [`harness::Way`]: with the bare command first, which is
//! the definition (a case that the bare command fails is wrong), then recorded, then with recording off.
//!
//! To add tests, add a module with a `cases()` and a line to [`all`]. The harness is not libtest, because that can
//! neither ignore a test at run time nor make one case three tests; it understands the same options and prints the
//! same summary. Nor is it libtest-mimic: that brings clap with its derive macro, and while programs here are linked
//! statically by default, cargo cannot build a procedural macro (and the tm-run under test would get clap's colours).
mod behaviours;
mod commands;
mod cost;
mod harness;
mod layout;
mod page;
mod readme;
mod real_programs;
mod report;
mod runner;
mod shell;
mod trust;
mod wrapper;

use std::ffi::OsString;
use std::io::Write as _;

use harness::Case;
use libtest2_mimic::{Harness, RunContext, RunError, Trial};

fn all() -> Vec<Case> {
    [
        behaviours::cases(),
        commands::cases(),
        cost::cases(),
        layout::cases(),
        page::cases(),
        readme::cases(),
        real_programs::cases(),
        report::cases(),
        runner::cases(),
        shell::cases(),
        trust::cases(),
        wrapper::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The options of libtest that libtest2-mimic does not know, or takes for something else.
struct Options {
    /// `--ignored`, which it takes for `--include-ignored`.
    only_ignored: bool,
    rest: Vec<OsString>,
}

impl Options {
    fn of(args: impl IntoIterator<Item = OsString>) -> Self {
        let mut rest: Vec<OsString> = args.into_iter().collect();
        let only_ignored = rest.iter().any(|arg| arg == "--ignored");
        // Output is never captured, and it refuses to be told so.
        rest.retain(|arg| !["--nocapture", "--no-capture", "--show-output"].iter().any(|known| arg == known));
        Self { only_ignored, rest }
    }
}

/// Runs a case. If one of its tools is missing, the case is named and ignored; on CI, or asked for by `--ignored`, it
/// fails.
fn run(case: &Case, context: &RunContext<'_>) -> Result<(), RunError> {
    let Some(tool) = case.missing_tool() else {
        (case.run)();
        return Ok(());
    };
    if std::env::var_os("CI").is_none() {
        context.ignore().inspect_err(|_| {
            // The summary only counts ignored tests. If stderr is closed, there is nobody to tell.
            let _ = writeln!(
                std::io::stderr(),
                "{} is ignored: {tool} is missing; {}",
                case.name,
                harness::remedy(tool)
            );
        })?;
    }
    Err(RunError::fail(format!("{tool} is missing")))
}

fn main() {
    let options = Options::of(std::env::args_os());
    let mut cases = all();
    cases.retain(|case| !options.only_ignored || case.missing_tool().is_some());
    let trials =
        cases.into_iter().map(|case| Trial::test(case.name.clone(), move |context| run(&case, &context)));
    Harness::with_args(options.rest).discover(trials).main();
}

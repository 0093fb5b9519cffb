//! The integration tests: the real binary, real processes, real terminals.
//!
//! A case of the wrapper is run in several ways, see [`stage::Way`]: with the bare command first, which is
//! the definition (a case that the bare command fails is wrong), then recorded, then with recording off.
//!
//! To add tests, add a module with a `cases()` and a line to [`all`]. The harness is not libtest, because
//! that can neither ignore a test at run time nor make one case three tests; it understands the same
//! options and prints the same summary.
mod counts;
mod layout;
mod ledger;
mod page;
mod real;
mod report;
mod shell;
mod stage;
mod switches;
mod trust;
mod wrapper;

use std::io::Write as _;

use ledger::Case;
use libtest2_mimic::{Harness, RunError, Trial};

fn all() -> Vec<Case> {
    [
        counts::cases(),
        layout::cases(),
        page::cases(),
        real::cases(),
        report::cases(),
        shell::cases(),
        switches::cases(),
        trust::cases(),
        wrapper::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The summary counts what is ignored; this says what, and for want of which tool.
fn tell_what_is_missing(cases: &[Case]) {
    for (name, tool) in cases.iter().filter_map(|case| Some((&case.name, case.missing_tool()?))) {
        // Nobody else can be told.
        let _ = writeln!(std::io::stderr(), "{name} is ignored: {tool} is not here");
    }
}

fn main() {
    let cases = all();
    tell_what_is_missing(&cases);
    let trials = cases.into_iter().map(|case| {
        let missing = case.missing_tool();
        let on_ci = std::env::var_os("CI").is_some();
        Trial::test(case.name.clone(), move |context| {
            match missing {
                Some(tool) if on_ci => return Err(RunError::fail(format!("{tool} is not here"))),
                Some(tool) => context.ignore_for(format!("{tool} is not here"))?,
                None => (case.run)(),
            }
            Ok(())
        })
    });
    Harness::with_env().discover(trials).main();
}

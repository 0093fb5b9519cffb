//! The integration tests: the real binary, real processes, real terminals.
//!
//! A case of the wrapper is run in several ways, see [`stage::Way`]: with the bare command first, which is
//! the definition (a case that the bare command fails is wrong), then recorded, then with recording off.
//!
//! To add tests, add a module with a `cases()` and a line to [`all`]. The harness is not libtest, because
//! that can neither ignore a test at run time nor make one case three tests; it understands the same
//! options and prints the same summary.
mod layout;
mod ledger;
mod page;
mod real;
mod shell;
mod stage;
mod wrapper;

use ledger::Case;
use libtest2_mimic::{Harness, RunError, Trial};

fn all() -> Vec<Case> {
    [layout::cases(), page::cases(), real::cases(), shell::cases(), wrapper::cases()]
        .into_iter()
        .flatten()
        .collect()
}

fn main() {
    let trials = all().into_iter().map(|case| {
        let missing = case.missing_tool();
        let on_ci = std::env::var_os("CI").is_some();
        Trial::test(case.name.clone(), move |context| {
            match missing {
                Some(tool) if on_ci => return Err(RunError::fail(format!("{tool} is not on PATH"))),
                Some(tool) => context.ignore_for(format!("{tool} is not on PATH"))?,
                None => (case.run)(),
            }
            Ok(())
        })
    });
    Harness::with_env().discover(trials).main();
}

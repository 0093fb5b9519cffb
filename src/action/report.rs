//! Reads logs and shows what is in them.

use std::io::Write;
use std::sync::atomic::AtomicU64;

use anyhow::Context as _;
use chrono::{DateTime, Local, TimeZone, Utc};

use super::when;
use crate::cli;
use crate::event::table::Filter;
use crate::report::calendar;
use crate::report::summary::{self, By, Options, Population, Sort};
use crate::store::read::{self, Source};

/// Temporary: shows the bare numbers.
pub fn report(asked: &cli::Report, now: DateTime<Utc>, out: &mut dyn Write) -> anyhow::Result<()> {
    let logs = asked.logs.iter().map(|log| match log.as_os_str().as_encoded_bytes() {
        b"-" => Source::Stream(Box::new(std::io::stdin())),
        _ => Source::Path(log.clone()),
    });
    let mut table = read::read(logs.collect(), &AtomicU64::new(0))?;
    table.keep(&if asked.utc { filter(asked, now, &Utc) } else { filter(asked, now, &Local) });
    if asked.anonymize {
        table.anonymize();
    }
    let local = calendar::offset_of(&Local);
    let utc = |_: i64| 0;
    let options = Options {
        by: match asked.by {
            cli::By::Target => By::Target,
            cli::By::Domain => By::Domain,
        },
        sort: match asked.sort {
            Some(cli::Sort::Time) => Sort::Time,
            Some(cli::Sort::Average) => Sort::Average,
            Some(cli::Sort::Failures) => Sort::Failures,
            Some(cli::Sort::Name) => Sort::Name,
            Some(cli::Sort::Runs) | None => Sort::Runs,
        },
        durations: match asked.durations {
            cli::Durations::Ok => Population::Ok,
            cli::Durations::All => Population::All,
            cli::Durations::Failed => Population::Failed,
        },
        failed_only: asked.failed,
        offset: if asked.utc { &utc } else { &local },
    };
    let summary = summary::of(table, &options);
    writeln!(out, "{:#?}", summary).context("could not write the report")
}

/// Days are those of the reader's zone.
fn filter<Z: TimeZone>(asked: &cli::Report, now: DateTime<Utc>, zone: &Z) -> Filter {
    Filter {
        since: asked.since.map(|since| when::since(since, now, zone)),
        until: asked.until.map(|until| when::until(until, now, zone)),
        last: asked.last,
        targets: asked.targets.clone(),
        domains: asked.domains.clone(),
        excludes: asked.excludes.clone(),
        failed: asked.failed,
    }
}

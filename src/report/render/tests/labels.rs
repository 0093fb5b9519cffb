//! Labels and fills of a whole report: events in, text out.

use std::collections::BTreeSet;

use super::fixture::{compared, options};
use super::rendered;
use crate::event::table::{Strays, of_lines};
use crate::report::model::{ComparedGroup, Comparison, GroupBy, Population, SortBy};
use crate::report::render::*;
use crate::report::summary::{self, SummaryOptions};

/// 300 targets with a long beginning in common, the first ones with most runs, the last ones with the longest.
fn events() -> Vec<String> {
    let runs = (0..300).flat_map(|target| std::iter::repeat_n(target, 320 - target));
    let line = |(at, target): (usize, usize)| {
        format!(
            "{{\"timestamp\": \"2026-11-{:02}T{:02}:{:02}:00+00:00\", \
             \"target\": \"/very/long/prefix/deploy-production-eu-west-1-service-{target:03}\", \
             \"domain\": null, \"duration_seconds\": {}.0, \"exit_code\": 0}}",
            1 + at / 1440 % 23,
            at / 60 % 24,
            at % 60,
            10 + target,
        )
    };
    (0..).zip(runs).map(line).collect()
}

/// The labels of a chart's rows.
fn labels<'a>(report: &'a str, chart: &str) -> Vec<&'a str> {
    let rows = report.lines().skip_while(|line| !line.starts_with(chart)).take_while(|line| !line.is_empty());
    let first_word = |line: &'a str| line.strip_prefix("  ")?.split(' ').next();
    rows.filter_map(first_word).filter(|word| word.ends_with(|c: char| c.is_ascii_digit())).collect()
}

#[test]
fn labels_of_300_targets_with_shared_beginnings_differ_at_every_width() {
    let lines = events();
    let mut table = of_lines(lines.iter().map(String::as_bytes));
    #[expect(clippy::default_trait_access, reason = "a renderer does not know what is compared with")]
    let baseline = Default::default();
    let summary = summary::of(
        &mut table,
        &SummaryOptions {
            by: GroupBy::Target,
            sort: SortBy::Runs,
            durations: Population::Ok,
            failed_only: false,
            days: false,
            compare_since: None,
            baseline: &baseline,
            strays: Strays::default(),
            offset: &|_| 0,
        },
    );
    let numbers = |labels: &[&str]| -> Vec<usize> {
        // The whole number is there, so that none can be taken for another target.
        labels.iter().map(|label| label[label.len() - 3..].parse().expect(label)).collect()
    };
    for width in 40..=200 {
        for ascii in [false, true] {
            let report = rendered(|out| text(&summary, &Options { ascii, ..options(width) }, out));
            assert_eq!(
                numbers(&labels(&report, "Target Invocations")),
                (0..12).collect::<Vec<_>>(),
                "{report}"
            );
            let longest: Vec<usize> = (288..300).rev().collect();
            assert_eq!(numbers(&labels(&report, "Average Duration")), longest, "{report}");

            let shares: Vec<&str> = report.lines().skip_while(|line| !line.starts_with("Where")).collect();
            let parts: Vec<&str> = shares[2].trim().split("   ").collect();
            let named: BTreeSet<&str> = parts.iter().map(|part| part.trim_end_matches(" %")).collect();
            let fills: BTreeSet<char> = parts.iter().filter_map(|part| part.chars().next()).collect();
            assert_eq!((named.len(), fills.len()), (parts.len(), parts.len()), "{report}");
        }
    }
}

#[test]
fn a_comparison_of_many_targets_shows_a_screen_of_them_and_all_that_changed() {
    let summary = compared();
    let Comparison { rows, .. } = summary.comparison.clone().expect("a comparison");
    let changed = rows.iter().find(|row| row.beyond_chance == Some(true)).expect("a change");
    let alike = rows.iter().find(|row| row.beyond_chance != Some(true)).expect("a row without a change");
    let rows = (0..40).map(|number| {
        let row = if number == 30 { changed } else { alike };
        ComparedGroup { name: Some(format!("target-{number:02}")), ..row.clone() }
    });
    let comparison =
        summary.comparison.clone().map(|comparison| Comparison { rows: rows.collect(), ..comparison });
    let summary = Summary { comparison, ..summary };
    let report = rendered(|out| text(&summary, &options(80), out));
    let shown: Vec<&str> = report.lines().filter(|line| line.starts_with("  target-")).collect();
    assert_eq!(shown.len(), 13, "{report}");
    assert!(shown[12].starts_with("  target-30 "), "{report}");
    let rest = "  and 27 more targets, none of them changed beyond chance (all: --limit 40)\n";
    assert!(report.contains(rest), "{report}");
    let page = rendered(|out| html(&summary, &options(80), out));
    assert_eq!(page.matches("<bdi>target-").count(), 13);
    let all = rendered(|out| text(&summary, &Options { limit: Some(40), ..options(80) }, out));
    assert_eq!(all.lines().filter(|line| line.starts_with("  target-")).count(), 40);
}

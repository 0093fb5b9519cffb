//! What the reports say in sentences.

use super::fixture::{at, options};
use crate::event::table::Filter;
use crate::report::model::{Change, ChangeWindow, Counts, Direction, Finding, FindingKind, Totals};
use crate::report::render::{Options, format};

#[test]
fn filter_sentence_says_only_and_without() {
    #[track_caller]
    fn case(filters: &Filter, sentence: Option<&str>) {
        let unknown = ["nope".to_owned()];
        let options = Options { filters, unknown_excludes: &unknown, ..options(80) };
        assert_eq!(format::filter_sentence(&options, false).as_deref(), sentence);
    }
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let none = Filter::default();
    case(&none, None);
    case(&Filter { excludes: names(&["nope"]), ..none.clone() }, Some("Without \"nope\" (no such target)"));
    case(&Filter { excludes: names(&["a", "b"]), ..none.clone() }, Some("Without \"a\" and \"b\""));
    case(&Filter { domains: names(&[""]), ..none.clone() }, Some("Only runs without a domain"));
    case(&Filter { domains: names(&["pro", ""]), ..none.clone() }, Some("Only domain \"pro\" or none"));
    case(&Filter { targets: names(&["a", "b"]), ..none.clone() }, Some("Only targets \"a\" or \"b\""));
    case(&Filter { last: Some(1), ..none.clone() }, Some("Only the newest event"));
    case(&Filter { last: Some(7), ..none.clone() }, Some("Only the newest 7 events"));
    let all = Filter { since: Some(at(2026, 10, 12, 0, 0)), excludes: names(&["a"]), failed: true, ..none };
    case(&all, Some("Only since 12 Oct 2026, failed runs, without \"a\""));
}

#[test]
fn time_tracked_says_what_is_of_it_before_the_time_on_the_clock() {
    #[track_caller]
    fn case([ok, failed, interrupted]: [u64; 3], part: &str) {
        let counts = Counts { runs: ok + failed + interrupted, ok, failed, interrupted };
        let totals = Totals {
            counts,
            seconds: 100.0,
            seconds_covered: 20.0,
            seconds_unfinished: 30.0,
            ..Totals::default()
        };
        let said = format::time_tracked(&totals).join(" | ");
        assert_eq!(said, format!("1m 40s | {part} runs | 20s on the clock"));
    }
    case([5, 2, 2], "30s of it in failed or interrupted");
    case([5, 2, 0], "30s of it in failed");
    case([5, 0, 2], "30s of it in interrupted");
    case([0, 9, 0], "all of it in failed");
}

#[test]
fn time_on_the_clock_is_told_only_where_the_log_can_know_it() {
    #[track_caller]
    fn case(runs: u64, seconds: f64, seconds_covered: f64, expected: Option<&str>) {
        let counts = Counts { runs, ok: runs, ..Counts::default() };
        let totals = Totals { counts, seconds, seconds_covered, ..Totals::default() };
        assert_eq!(format::covered(&totals).as_deref(), expected);
    }
    // Side by side, and one in the other.
    case(5, 5.0, 1.0, Some("1.0s"));
    case(2, 21.0, 20.0, Some("20s"));
    // One after the other: three ended in one second, two in the next.
    case(5, 1.5, 0.6, None);
    case(2, 1000.0, 995.0, None);
    case(1, 1.0, 1.0, None);
    case(0, 0.0, 0.0, None);
}

#[test]
fn finding_sentence_names_medians_cost_and_spells() {
    #[track_caller]
    fn case(kind: FindingKind, sentence: &str) {
        let finding = Finding { target: "apply".to_owned(), kind };
        assert_eq!(format::finding_sentence(&finding, "apply", &options(80)), sentence);
    }
    case(
        FindingKind::Flaky { failed: 10, window: 50, episodes: 10 },
        "apply: 10 of its last 50 runs failed, never twice in a row",
    );
    case(
        FindingKind::Flaky { failed: 16, window: 50, episodes: 12 },
        "apply: 16 of its last 50 runs failed, in 12 separate spells",
    );
    let change = Change {
        direction: Direction::Slower,
        ratio: 207.0 / 171.0,
        window: ChangeWindow::Days7,
        n: 77,
        baseline_n: 300,
        median: 207.0,
        baseline_median: 171.0,
        seconds_per_week: 2772.0,
        p: 1e-9,
        tests: 7,
    };
    case(
        FindingKind::Changed(change),
        "apply is 21 % slower: median 3m 27s in the last 7 days, 2m 51s in the 28 days before (46 min a week)",
    );
    let faster = Change {
        direction: Direction::Faster,
        ratio: 0.5,
        window: ChangeWindow::Runs10,
        n: 10,
        seconds_per_week: 9000.0,
        ..change
    };
    case(
        FindingKind::Changed(faster),
        "apply is 50 % faster: median 3m 27s in the last 10 runs, 2m 51s in the 28 days before (saves 150 min a week)",
    );
    let seldom = Change { seconds_per_week: 30.0, ..change };
    case(
        FindingKind::Changed(seldom),
        "apply is 21 % slower: median 3m 27s in the last 7 days, 2m 51s in the 28 days before",
    );
}

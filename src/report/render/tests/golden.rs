//! What the renderers write, compared whole with `tests/golden/` (`BLESS=1 cargo test`, then read the diff).

use std::path::PathBuf;

use serde_json::Value;

use super::fixture::{
    at, busy, compared, crowded, damaged, few, hostile, no_match, nothing, only, options, similar,
};
use super::rendered;
use crate::event::Event;
use crate::report::model::Counts;
use crate::report::render::*;

#[track_caller]
fn case(name: &str, render: impl Fn(&mut dyn Write) -> io::Result<()>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let text = rendered(render);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{} differs; BLESS=1 writes it anew", path.display());
}

#[test]
fn overview_at_every_width_matches_golden() {
    for width in [40, 60, 80, 100, 110, 120, 200] {
        case(&format!("report-{width}.txt"), |out| text(&busy(), &options(width), out));
    }
}

#[test]
fn overview_in_ascii_matches_golden() {
    for width in [80, 120] {
        case(&format!("report-{width}-ascii.txt"), |out| {
            text(&busy(), &Options { ascii: true, ..options(width) }, out)
        });
    }
}

#[test]
fn overview_in_color_matches_golden() {
    for width in [80, 120] {
        case(&format!("report-{width}-color.txt"), |out| {
            text(&busy(), &Options { color: true, ..options(width) }, out)
        });
    }
}

#[test]
fn overview_of_many_targets_matches_golden() {
    case("crowded-80.txt", |out| text(&crowded(), &options(80), out));
    case("crowded-120.txt", |out| text(&crowded(), &options(120), out));
    case("limit-80.txt", |out| text(&busy(), &Options { limit: Some(3), ..options(80) }, out));
}

#[test]
fn overview_of_few_events_matches_golden() {
    for width in [40, 80, 120] {
        case(&format!("few-{width}.txt"), |out| text(&few(), &options(width), out));
    }
}

#[test]
fn empty_state_matches_golden() {
    case("nothing-on.txt", |out| text(&nothing(), &options(80), out));
    for (name, recording) in [
        ("off", RecordingState::Off),
        ("blocked", RecordingState::Blocked("DO_NOT_TRACK=1 is set")),
        ("impossible", RecordingState::Impossible("there is no home directory")),
        ("elsewhere", RecordingState::NotAsked),
    ] {
        let options = Options { recording, ..options(80) };
        case(&format!("nothing-{name}.txt"), |out| text(&nothing(), &options, out));
    }
    case("nothing-target.txt", |out| target(&nothing(), &options(80), out));
    case("nothing.md", |out| markdown(&nothing(), &options(80), out));
    case("nothing.csv", |out| csv(&nothing(), &options(80), out));
    let filters =
        Filter { since: Some(at(2026, 10, 25, 0, 0)), domains: vec!["lab".into()], ..Filter::default() };
    case("no-match.txt", |out| text(&no_match(), &Options { filters: &filters, ..options(80) }, out));
}

#[test]
fn overview_of_similar_names_and_many_findings_matches_golden() {
    for width in [40, 60, 80, 120] {
        case(&format!("similar-{width}.txt"), |out| text(&similar(), &options(width), out));
    }
    case("similar.md", |out| markdown(&similar(), &Options { limit: Some(2), ..options(80) }, out));
}

#[test]
fn left_out_events_are_noted_in_every_format() {
    case("damaged-80.txt", |out| text(&damaged(), &options(80), out));
    case("damaged-target-80.txt", |out| target(&damaged(), &options(80), out));
    case("damaged.md", |out| markdown(&damaged(), &Options { limit: Some(1), ..options(80) }, out));
    case("damaged.csv", |out| csv(&damaged(), &options(80), out));
    let page = rendered(|out| html(&damaged(), &options(80), out));
    assert!(
        page.contains(
            "1 event is dated in the future, 19 Jan 2038; it is left out of all that needs a date."
        )
    );
    assert!(page.contains("4 events in the log have no exit code; they count as ok."));
    let report = rendered(|out| json(&damaged(), &options(80), out));
    assert!(report.contains("\"future_events\": 1,"), "{report}");
    assert!(report.contains("\"events_without_exit_code\": 4"), "{report}");
}

#[test]
fn slowest_runs_are_headed_by_the_runs_they_are_of() {
    let mut summary = damaged();
    for (population, heading) in [
        (Population::Ok, "Slowest successful runs"),
        (Population::Failed, "Slowest failed runs"),
        (Population::All, "Slowest runs"),
    ] {
        summary.groups.iter_mut().for_each(|group| group.population = population);
        let text = rendered(|out| target(&summary, &options(80), out));
        assert!(text.lines().any(|line| line == heading), "{text}");
    }
}

#[test]
fn overview_with_filters_matches_golden() {
    let filters = Filter {
        since: Some(at(2026, 10, 12, 0, 0)),
        until: Some(at(2026, 11, 24, 0, 0)),
        last: Some(2000),
        excludes: vec!["test".into(), "\u{1b}]0;x\u{7}".into()],
        ..Filter::default()
    };
    case("filters-80.txt", |out| text(&busy(), &Options { filters: &filters, ..options(80) }, out));
}

#[test]
fn overview_by_domain_of_all_runs_matches_golden() {
    let options = Options { sorted: true, by: GroupBy::Domain, durations: Population::All, ..options(100) };
    case("asked-100.txt", |out| text(&busy(), &options, out));
    case("asked.csv", |out| csv(&busy(), &options, out));
}

#[test]
fn comparison_matches_golden_in_every_format() {
    for width in [40, 60, 80, 200] {
        case(&format!("compare-{width}.txt"), |out| text(&compared(), &options(width), out));
    }
    case("compare-80-ascii.txt", |out| {
        text(&compared(), &Options { ascii: true, limit: Some(2), ..options(80) }, out)
    });
    case("compare-80-color.txt", |out| text(&compared(), &Options { color: true, ..options(80) }, out));
    case("compare.md", |out| markdown(&compared(), &Options { limit: Some(4), ..options(80) }, out));
    case("compare.csv", |out| csv(&compared(), &options(80), out));
    let section = |page: &str| {
        let start = page.find("<section id=\"compare\">").unwrap();
        let end = page[start..].find("</section>").unwrap();
        page[start..start + end].to_owned() + "</section>\n"
    };
    let page = section(&rendered(|out| html(&compared(), &options(80), out)));
    case("compare.html", |out| out.write_all(page.as_bytes()));
}

#[test]
fn failed_filter_shows_no_success_rate() {
    let mut summary = busy();
    for counts in summary.groups.iter_mut().map(|group| &mut group.counts).chain([&mut summary.totals.counts])
    {
        *counts = Counts { runs: counts.failed, failed: counts.failed, ..Counts::default() };
    }
    for group in summary.groups.iter_mut() {
        (group.population, group.is_fallback, group.change) = (Population::Failed, false, None);
    }
    summary.findings.clear();
    let filters = Filter { failed: true, ..Filter::default() };
    let options = Options { filters: &filters, durations: Population::Failed, ..options(80) };
    case("failed-80.txt", |out| text(&summary, &options, out));
    case("failed.csv", |out| csv(&summary, &options, out));
    let report: Value = serde_json::from_str(&rendered(|out| json(&summary, &options, out))).unwrap();
    for of in report["targets"].as_array().unwrap().iter().chain([&report["totals"]]) {
        assert_eq!(
            [&of["success_rate"], &of["success_rate_low"], &of["success_rate_high"]],
            [&Value::Null; 3]
        );
    }
    let page = rendered(|out| html(&summary, &options, out));
    let (_, page) = page.split_once("<main>").unwrap();
    assert!(
        page.contains("<h2>Success vs Failure</h2>")
            && page.contains("<p>0 ok, 72 failed, 0 interrupted.</p>")
    );
    assert!(page.contains(">26 runs · 26 failed<"), "{page}");
    let intervals = |cell: &str| page.matches(&format!("<td class=\"wraps\">{cell}")).count();
    assert_eq!((intervals(""), intervals("-<")), (7, 7));
    for rate in ["- ok", "<dt>success", "Success:"] {
        assert!(!page.contains(rate), "{rate}");
    }
}

#[test]
fn target_view_matches_golden() {
    for width in [40, 60, 80, 120, 200] {
        case(&format!("target-{width}.txt"), |out| target(&only("apply"), &options(width), out));
    }
    case("target-few-80.txt", |out| target(&few(), &options(80), out));
    case("target-80-ascii.txt", |out| target(&only("apply"), &Options { ascii: true, ..options(80) }, out));
    case("target-80-color.txt", |out| target(&only("lint"), &Options { color: true, ..options(80) }, out));
}

#[test]
fn json_csv_and_markdown_match_golden() {
    case("report.json", |out| json(&busy(), &options(80), out));
    case("nothing.json", |out| json(&nothing(), &options(80), out));
    case("report.csv", |out| csv(&busy(), &options(80), out));
    case("report.md", |out| markdown(&busy(), &options(80), out));
}

#[test]
fn html_page_matches_golden() {
    case("report.html", |out| html(&busy(), &options(80), out));
    case("hostile.html", |out| html(&hostile(), &options(80), out));
    case("few.html", |out| html(&few(), &options(80), out));
    case("nothing.html", |out| html(&nothing(), &options(80), out));
}

#[test]
fn jsonl_matches_golden() {
    case("events.jsonl", |out| {
        for (number, domain) in [(0, None), (250, Some("pro"))] {
            let event = Event {
                timestamp: at(2026, 11, 23, 9, 4) + chrono::TimeDelta::milliseconds(number),
                target: "apply".into(),
                domain: domain.map(str::to_owned),
                duration_seconds: Some(45.0),
                exit_code: 0,
            };
            jsonl(domain.map(|_| event.timestamp), &event, out)?;
        }
        Ok(())
    });
}

#[test]
fn hostile_names_in_text_csv_and_markdown_match_golden() {
    case("hostile-80.txt", |out| text(&hostile(), &options(80), out));
    case("hostile-80-ascii.txt", |out| text(&hostile(), &Options { ascii: true, ..options(80) }, out));
    case("hostile.csv", |out| csv(&hostile(), &options(80), out));
    case("hostile.md", |out| markdown(&hostile(), &options(80), out));
}

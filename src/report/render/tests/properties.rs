//! What holds for any numbers and any names, in every format.

use chrono::TimeDelta;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::fixture::{busy, compared, crowded, few, no_match, nothing, now, only, options};
use super::rendered;
use crate::report::model::{
    Change, ChangeWindow, ComparedGroup, ComparedRuns, Comparison, Counts, Direction, DurationStats, Finding,
    FindingKind, Group, Usual,
};
use crate::report::render::*;

/// Pieces that names are hard to draw with: wide, zero wide, joined, combining, turning, acting.
fn names() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z-]{1,12}",
        1 => "(?s).{0,6}",
        1 => proptest::sample::select(vec![
            "日本語", "한국어", "👩‍👩‍👧", "🇫🇷", "❤️", "1️⃣", "e\u{301}", "\u{301}", "\u{200b}", "\u{200d}", "\u{202e}", "\u{1b}[31m",
            "\u{1b}]0;x\u{7}", "\n", "\r", "\t", "\u{9b}", "\u{2028}", "لا", "שלום", "क्षि", "ﷺ", "|", "<img src=x onerror=alert(1)>",
            "\"", "'", "&amp;", "--", "</title><script>", "=1+1", "\u{fe0f}", "\u{1f3fd}", "a\u{fe0e}", " ", "\\", "*", "\u{0}",
        ]).prop_map(str::to_owned),
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1u64..30, 0u64..100_000, 0u64..1 << 60]
}

fn seconds() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.0..1.0f64, 0.0..1e5f64, 0.0..1e300f64, any::<f64>()]
}

/// Figures to build a summary from, over and over again: a strategy of whole groups is too deep for the
/// stack of a test.
#[derive(Clone, Debug)]
struct Figures {
    numbers: Vec<u64>,
    seconds: Vec<f64>,
    at: usize,
}

impl Figures {
    fn number(&mut self) -> u64 {
        self.at += 1;
        self.numbers[self.at % self.numbers.len()]
    }

    fn seconds(&mut self) -> f64 {
        self.at += 1;
        self.seconds[self.at % self.seconds.len()]
    }

    fn maybe(&mut self) -> Option<f64> {
        (!self.number().is_multiple_of(4)).then(|| self.seconds())
    }

    fn flag(&mut self) -> bool {
        self.number() % 2 == 1
    }

    fn counts(&mut self) -> Counts {
        Counts { runs: self.number(), ok: self.number(), failed: self.number(), interrupted: self.number() }
    }

    fn durations(&mut self) -> DurationStats {
        DurationStats {
            n: self.number(),
            mean: self.maybe(),
            median: self.maybe(),
            min: self.maybe(),
            max: self.maybe(),
            mad: self.maybe(),
            p5: self.maybe(),
            p10: self.maybe(),
            p90: self.maybe(),
            p95: self.maybe(),
            p25: self.maybe(),
            p75: self.maybe(),
        }
    }

    fn group(&mut self, name: String) -> Group {
        let mut group = busy().groups.swap_remove(usize::try_from(self.number() % 7).unwrap());
        group.name = (self.number() != 7).then(|| name.clone());
        (group.counts, group.ok, group.failed, group.is_fallback) =
            (self.counts(), self.durations(), self.durations(), self.flag());
        (group.seconds, group.seconds_unfinished) = (self.seconds(), self.seconds());
        let minutes = i64::try_from(self.number() % (1 << 32)).unwrap() - (1 << 20);
        group.last_run = now().checked_sub_signed(TimeDelta::minutes(minutes));
        let code = self.number().cast_signed();
        group.exit_codes.insert(code, self.number());
        group.last_exit_code = code;
        group.trend = (0..24).map(|_| self.maybe()).collect();
        for day in &mut group.days {
            (day.counts, day.median) = (self.counts(), self.maybe());
        }
        for bin in &mut group.histogram {
            bin.runs = self.number();
        }
        for run in &mut group.last_runs {
            (run.domain, run.seconds, run.exit_code) = (Some(name.clone()), self.maybe(), code);
        }
        let range = self.flag().then(|| (self.seconds(), self.seconds()));
        group.usual = self.flag().then(|| Usual { n: self.number(), median: self.seconds(), range });
        group.breakdown = vec![(Some(name), self.counts()), (None, self.counts())];
        group.outliers = vec![self.seconds(), self.seconds()];
        group
    }

    fn compared_runs(&mut self) -> ComparedRuns {
        ComparedRuns { counts: self.counts(), n: self.number(), median: self.maybe(), p95: self.maybe() }
    }

    fn compared(&mut self, name: String) -> ComparedGroup {
        ComparedGroup {
            name: (self.number() != 7).then_some(name),
            before: self.compared_runs(),
            after: self.compared_runs(),
            p: self.flag().then_some(1e-9),
            beyond_chance: self.flag().then(|| self.flag()),
        }
    }

    fn finding(&mut self, target: String) -> Finding {
        let kind = match self.number() % 3 {
            0 => FindingKind::Changed(Change {
                direction: if self.flag() { Direction::Slower } else { Direction::Faster },
                ratio: self.seconds(),
                window: if self.flag() { ChangeWindow::Days7 } else { ChangeWindow::Runs10 },
                n: self.number(),
                baseline_n: self.number(),
                median: self.seconds(),
                baseline_median: self.seconds(),
                p: 1e-9,
                tests: self.number(),
                seconds_per_week: self.seconds(),
            }),
            1 => FindingKind::Failing {
                runs: self.number(),
                since: self.flag().then(now),
                success_rate: None,
                rated: self.number(),
                ok: self.number(),
            },
            _ => FindingKind::Flaky { failed: self.number(), window: self.number(), episodes: self.number() },
        };
        Finding { target, kind }
    }
}

prop_compose! {
    fn summary()(
        names in vec(names(), 1..16),
        numbers in vec(number(), 61),
        seconds in vec(seconds(), 37),
    ) -> Summary<'static> {
        let mut figures = Figures { numbers, seconds, at: 0 };
        let mut summary = busy();
        summary.totals.counts = figures.counts();
        summary.totals.counts.runs = summary.totals.counts.runs.max(1);
        (summary.totals.seconds, summary.totals.seconds_unfinished) = (figures.seconds(), figures.seconds());
        summary.unique_targets = figures.number();
        summary.by_weekday_and_hour[2].fill_with(|| figures.number());
        summary.findings = names.iter().take(3).map(|name| figures.finding(name.clone())).collect();
        summary.groups = Groups::Given(names.into_iter().map(|name| figures.group(name)).collect());
        summary
    }
}

prop_compose! {
    fn comparison()(
        names in vec(names(), 1..16),
        numbers in vec(number(), 61),
        seconds in vec(seconds(), 37),
    ) -> Summary<'static> {
        let mut figures = Figures { numbers, seconds, at: 0 };
        let rows = names.into_iter().map(|name| figures.compared(name)).collect();
        Summary { comparison: Some(Comparison { since: now(), tests: figures.number(), rows }), ..busy() }
    }
}

prop_compose! {
    fn filters()(names in vec(names(), 0..3), failed: bool, last in proptest::option::of(any::<usize>())) -> Filter {
        Filter { since: Some(now()), until: None, last, targets: names.clone(), domains: names.clone(), excludes: names, failed }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_line_exceeds_the_terminal_width(
        summary in summary(), width in 40usize..=200, ascii: bool, sorted: bool, domains: bool,
        limit in proptest::option::of(0usize..20), filters in filters(),
    ) {
        let by = if domains { GroupBy::Domain } else { GroupBy::Target };
        let options = Options { ascii, sorted, by, limit, filters: &filters, ..options(width) };
        let empty = Summary { totals: nothing().totals, ..summary.clone() };
        for view in [
            rendered(|out| text(&summary, &options, out)),
            rendered(|out| target(&summary, &options, out)),
            rendered(|out| text(&empty, &options, out)),
        ] {
            for line in view.lines() {
                prop_assert!(line.width() <= width, "{width} < {}: {line}", line.width());
                prop_assert!(!line.chars().any(char::is_control), "{line:?}");
                prop_assert!(!line.ends_with(' '), "{line:?}");
                prop_assert!(!ascii || line.is_ascii(), "{line}");
            }
        }
    }

    #[test]
    fn text_without_color_codes_equals_plain_text(summary in summary(), width in 40usize..=200) {
        let plain = rendered(|out| text(&summary, &options(width), out));
        let colored = rendered(|out| text(&summary, &Options { color: true, ..options(width) }, out));
        prop_assert_eq!(plain, without_color(&colored));
    }

    #[test]
    fn json_of_any_summary_parses_and_matches_the_schema(summary in summary(), limit in proptest::option::of(0usize..20)) {
        let report = rendered(|out| json(&summary, &Options { limit, ..options(80) }, out));
        let value: Value = serde_json::from_str(&report).unwrap();
        prop_assert_eq!(value["targets"].as_array().unwrap().len(), limit.unwrap_or(99).min(summary.groups.len()));
        let ended = report.ends_with("}\n") && !report.contains('\u{1b}');
        prop_assert!(ended);
        let problems = super::schema::problems(&value);
        prop_assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn csv_and_markdown_have_one_row_for_each_target(summary in summary()) {
        let rows = fields(&rendered(|out| csv(&summary, &options(80), out)));
        prop_assert_eq!(rows.len(), summary.groups.len() + 1);
        for (row, group) in rows[1..].iter().zip(summary.groups.iter()) {
            prop_assert_eq!(row.len(), 14);
            let name = &term::escape_for_display(group.name.as_deref().unwrap_or_default(), false);
            prop_assert!(row[0] == *name || row[0].strip_prefix('\'') == Some(name), "{:?}", row[0]);
            prop_assert!(!row[0].starts_with(['=', '+', '-', '@']));
        }
        let report = rendered(|out| markdown(&summary, &options(80), out));
        let table: Vec<&str> = report.lines().filter(|line| line.starts_with('|')).collect();
        prop_assert_eq!(table.len(), summary.groups.len() + 2);
        for line in table {
            prop_assert_eq!(line.replace("\\\\", "").replace("\\|", "").matches('|').count(), 10, "{}", line);
        }
    }

    #[test]
    fn comparison_of_any_names_is_shown_in_every_format(
        summary in comparison(), width in 40usize..=200, ascii: bool, domains: bool,
        limit in proptest::option::of(0usize..20),
    ) {
        let by = if domains { GroupBy::Domain } else { GroupBy::Target };
        let options = Options { ascii, limit, by, ..options(width) };
        let rows = limit.unwrap_or(99).min(summary.comparison.as_ref().unwrap().rows.len());
        let view = rendered(|out| text(&summary, &options, out));
        for line in view.lines() {
            prop_assert!(line.width() <= width, "{width} < {}: {line}", line.width());
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            prop_assert!(!line.ends_with(' '), "{line:?}");
            prop_assert!(!ascii || line.is_ascii(), "{line}");
        }
        let colored = rendered(|out| text(&summary, &Options { color: true, ..options }, out));
        prop_assert_eq!(view, without_color(&colored));
        let table = fields(&rendered(|out| csv(&summary, &options, out)));
        prop_assert_eq!(table.len(), rows + 1);
        prop_assert!(table.iter().all(|row| row.len() == 17 && !row[0].starts_with(['=', '+', '-', '@'])));
        let report = rendered(|out| markdown(&summary, &options, out));
        let table: Vec<&str> = report.lines().filter(|line| line.starts_with('|')).collect();
        prop_assert_eq!(table.len(), rows + 2);
        for line in table {
            prop_assert_eq!(line.replace("\\\\", "").replace("\\|", "").matches('|').count(), 7, "{}", line);
        }
        let page = rendered(|out| html(&summary, &options, out));
        let problems = markup_problems(&page);
        prop_assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn html_of_any_names_has_only_known_tags_and_attributes(summary in summary(), filters in filters()) {
        let page = rendered(|out| html(&summary, &Options { filters: &filters, ..options(80) }, out));
        let problems = markup_problems(&page);
        prop_assert!(problems.is_empty(), "{problems:?}");
    }
}

fn without_color(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').unwrap().1);
    }
    plain
}

/// The fields of CSV text (RFC 4180).
fn fields(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {
                chars.next();
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            _ => field.push(c),
        }
    }
    assert!(field.is_empty() && row.is_empty(), "the last line has no end");
    rows
}

/// Every tag must be one that the page is made of, with attributes it is made of, opened and closed in order.
fn markup_problems(page: &str) -> Vec<String> {
    const VOID: [&str; 2] = ["meta", "!doctype"];
    const TAGS: [&str; 42] = [
        "a", "html", "head", "title", "style", "body", "header", "main", "section", "footer", "h1", "h2",
        "h3", "p", "ul", "li", "span", "strong", "bdi", "dl", "div", "dt", "dd", "i", "svg", "desc", "text",
        "table", "caption", "thead", "tbody", "tr", "th", "td", "details", "summary", "meta", "rect", "line",
        "circle", "path", "!doctype",
    ];
    const ATTRIBUTES: [&str; 30] = [
        "href",
        "lang",
        "charset",
        "name",
        "content",
        "http-equiv",
        "id",
        "class",
        "aria-hidden",
        "aria-label",
        "aria-labelledby",
        "role",
        "height",
        "width",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "rx",
        "cx",
        "cy",
        "r",
        "d",
        "scope",
        "fill-opacity",
        "tabindex",
        "overflow",
        "html",
    ];
    let mut problems = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let style = page.find("</style>").unwrap();
    let mut rest = &page[style..];
    open.extend(["html", "head", "style"]);
    while let Some(start) = rest.find('<') {
        if rest[..start].contains('>') {
            problems.push(format!("a stray > in {:?}", &rest[..start]));
        }
        let Some(length) = rest[start..].find('>') else {
            problems.push("a tag without end".to_owned());
            break;
        };
        let tag = &rest[start + 1..start + length];
        rest = &rest[start + length + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                problems.push(format!("</{name}> closes nothing"));
            }
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        if !TAGS.contains(&name) || name.is_empty() {
            problems.push(format!("<{name}> is not ours"));
        }
        if tag.contains(" href=") && !tag.contains(" href=\"#target-") {
            problems.push(format!("<{tag}> leads out of the page"));
        }
        // Between quotes is text; what is left are the attributes' names.
        let attributes: String = tag.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        for attribute in attributes.split([' ', '=', '/']).skip(1).filter(|word| !word.is_empty()) {
            if !ATTRIBUTES.contains(&attribute) {
                problems.push(format!("{attribute} in <{tag}>"));
            }
        }
        if !VOID.contains(&name) && !tag.ends_with('/') {
            open.push(name);
        }
    }
    if !open.is_empty() {
        problems.push(format!("left open: {open:?}"));
    }
    problems
}

#[test]
fn html_check_finds_bad_markup() {
    let page = rendered(|out| html(&busy(), &options(80), out));
    for bad in ["<script>", "<img src=x>", "<p onclick=\"x\">", "</p>", "<p>", "a > b"] {
        let page = page.replace("</main>", &format!("{bad}</main>"));
        assert!(!markup_problems(&page).is_empty(), "{bad}");
    }
}

/// Relative luminance of `#rrggbb` (WCAG 2.2).
fn luminance(color: &str) -> f64 {
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&color[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

#[test]
fn html_fills_of_neighbouring_outcomes_differ_in_lightness() {
    let css = include_str!("../html/page.css");
    let colors = |name: &str| -> Vec<f64> {
        let starts = css.match_indices(name).map(|(at, _)| at + name.len());
        starts.map(|at| luminance(&css[at..at + 7])).collect()
    };
    let (ok, failed, interrupted) = (colors("--ok:"), colors("--failed:"), colors("--interrupted:"));
    assert_eq!((ok.len(), failed.len(), interrupted.len()), (3, 3, 3), "light, dark, print");
    let contrast = |a: f64, b: f64| (a.max(b) + 0.05) / (a.min(b) + 0.05);
    for theme in 0..3 {
        assert!(contrast(ok[theme], failed[theme]) >= 1.5);
        assert!(contrast(failed[theme], interrupted[theme]) >= 1.5);
        assert!(contrast(ok[theme], interrupted[theme]) >= 1.5);
    }
}

/// What a rule of the style sheet applies to.
fn selectors(rule: &str) -> Vec<&'static str> {
    let (before, _) = include_str!("../html/page.css").split_once(rule).unwrap();
    before.rsplit('}').next().unwrap().trim().split(',').collect()
}

#[test]
fn html_charts_are_not_split_between_pages_of_paper() {
    let whole = selectors("{break-inside:avoid}");
    for part in ["svg", "tr", "li"] {
        assert!(whole.contains(&part), "{part} in {whole:?}");
    }
    let page = rendered(|out| html(&busy(), &options(80), out)).replace("<h3>", "<h2>");
    let parts: Vec<&str> = page.split("<h2>").collect();
    let several = |part: &str| part.matches("role=\"img\"").count() > 1;
    let mut charts = 0;
    for pair in parts.windows(2).filter(|pair| several(pair[1])) {
        let [before, chart] = [pair[0], pair[1]];
        let is_whole = whole.iter().any(|selector| match selector.strip_prefix('#') {
            Some(id) => before.ends_with(&format!("<section id=\"{id}\">\n")),
            None => selector.strip_prefix('.').is_some_and(|rest| {
                let class = rest.trim_end_matches(">div");
                chart.contains(&format!("<div class=\"{class}\">"))
            }),
        });
        assert!(is_whole, "{}", chart.lines().next().unwrap());
        charts += 1;
    }
    assert_eq!(charts, 4, "runs, rates, durations, medians");
    // A note that ends a section would hold the next section's heading.
    let with_next = selectors("{break-after:avoid}");
    assert!(with_next.contains(&"h2") && with_next.contains(&"h3") && with_next.contains(&".legend"));
    assert!(with_next.contains(&".note:not(:last-child)") && !with_next.contains(&".note"));
}

#[test]
fn html_page_has_no_link_and_no_script() {
    for summary in [busy(), few(), nothing(), no_match(), crowded()] {
        let page = rendered(|out| html(&summary, &options(80), out)).to_lowercase();
        for word in [
            "src=",
            "url(",
            "<script",
            "@import",
            "<link",
            "<iframe",
            "<img",
            "javascript:",
            "xmlns",
            "srcset",
            "http:",
        ] {
            assert!(!page.contains(word), "{word}");
        }
        assert_eq!(page.matches("http").count(), 1, "only http-equiv");
        assert!(page.contains("default-src 'none'"));
    }
}

#[test]
fn html_of_the_same_summary_is_byte_identical() {
    assert_eq!(
        rendered(|out| html(&busy(), &options(80), out)),
        rendered(|out| html(&busy(), &options(80), out))
    );
}

#[test]
fn overview_fits_one_screen() {
    let lines =
        |summary: &Summary, width| rendered(|out| text(summary, &options(width), out)).lines().count();
    assert!(lines(&busy(), 80) <= 40);
    assert!(lines(&crowded(), 80) <= 54);
    assert!(lines(&crowded(), 120) <= 52);
}

#[test]
fn overview_keeps_the_phrases_scripts_grep_for() {
    for width in [40, 80, 120, 200] {
        let view = rendered(|out| text(&busy(), &options(width), out));
        for words in [
            "Total events: 1122",
            "Unique targets: 7",
            "Total time tracked: 17h 09m",
            "Target Invocations",
            "Success vs Failure",
            "Average Duration",
        ] {
            assert!(view.contains(words), "{width}: {words}");
        }
    }
}

#[test]
fn json_matches_the_schema_for_every_fixture() {
    for summary in [busy(), few(), nothing(), no_match(), crowded(), compared(), only("apply")] {
        for by in [GroupBy::Target, GroupBy::Domain] {
            let report = rendered(|out| json(&summary, &Options { by, ..options(80) }, out));
            let value: Value = serde_json::from_str(&report).unwrap();
            let problems = super::schema::problems(&value);
            assert!(problems.is_empty(), "{problems:?}");
        }
    }
}

#[test]
fn json_of_an_empty_report_has_null_instead_of_missing_keys() {
    let report = rendered(|out| json(&nothing(), &options(80), out));
    let value: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(value["totals"]["success_rate"], Value::Null);
    assert_eq!(value["by_hour"].as_array().unwrap().len(), 24);
}

#[test]
fn json_keys_keep_their_order() {
    let report = rendered(|out| json(&busy(), &options(80), out));
    let mut from = 0;
    for key in [
        "format_version",
        "generator",
        "generated_at",
        "period",
        "filters",
        "input",
        "totals",
        "targets",
        "left_out",
        "by_weekday",
        "by_hour",
        "findings",
        "compare",
    ] {
        let at = report[from..].find(&format!("\n  \"{key}\": ")).unwrap_or_else(|| panic!("{key}"));
        from += at;
    }
}

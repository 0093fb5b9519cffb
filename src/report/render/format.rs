//! Numbers, times and sentences as text, the same in every format.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};

use super::Options;
use super::term::ellipsize_middle;
pub use super::term::escape_for_display;
use crate::event::outcome::{self, Outcome};
use crate::event::table::{Filter, Strays};
use crate::report::grouping::Groups;
use crate::report::model::{
    Change, ChangeWindow, ComparedGroup, Counts, Direction, Finding, FindingKind, Group, GroupBy, Population,
    RunRecord, Totals, Usual,
};
use crate::report::summary::Summary;
use crate::units::Seconds;

/// A target with fewer runs has no trend and no p95.
pub const ENOUGH: u64 = 20;

/// The success rate of completed runs: `3/4` below five of them, else whole percent. It is 100 % only if nothing
/// failed and 0 % only if nothing passed; `-` if nothing was completed.
pub fn percent(ok: u64, rated: u64) -> String {
    match rated {
        0 => "-".to_owned(),
        1..5 => format!("{ok}/{rated}"),
        _ => {
            let (ok, rated) = (u128::from(ok.min(rated)), u128::from(rated));
            let rounded = (ok * 200 + rated) / (rated * 2);
            let whole = match ok {
                0 => 0,
                _ if ok == rated => 100,
                _ => rounded.clamp(1, 99),
            };
            format!("{whole} %")
        }
    }
}

/// The success rate as text; `None` if nothing was completed, or if only failed runs were asked for.
pub fn success_rate(counts: &Counts, options: &Options) -> Option<String> {
    let rated = counts.ok.saturating_add(counts.failed);
    (rated > 0 && options.has_success_rate()).then(|| percent(counts.ok, rated))
}

pub fn success_rate_or_dash(counts: &Counts, options: &Options) -> String {
    success_rate(counts, options).unwrap_or_else(|| "-".to_owned())
}

/// A share of the total time, in whole percent.
pub fn percent_of_time(part: f64, whole: f64) -> String {
    let percent = part / whole * 100.0;
    if !percent.is_finite() || percent <= 0.0 {
        "-".to_owned()
    } else if percent < 0.5 {
        "<1 %".to_owned()
    } else {
        format!("{percent:.0} %")
    }
}

pub fn seconds_or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| Seconds(value).to_string())
}

/// The lower edge of a histogram's bin. Bins of milliseconds need a digit more than durations have.
pub fn bin_edge(low: f64) -> String {
    let hundredths = low * 100.0;
    if low < 1.0 && (hundredths - hundredths.round()).abs() > 0.01 {
        format!("{low:.3}s")
    } else {
        Seconds(low).to_string()
    }
}

/// `1 run`, `2 runs`.
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `12 Oct 2026`.
pub fn date(date: NaiveDate) -> String {
    format!("{} {} {}", date.day(), month_name(date), date.year())
}

/// `12 Oct`.
pub fn short_date(date: NaiveDate) -> String {
    format!("{} {}", date.day(), month_name(date))
}

fn month_name(date: NaiveDate) -> &'static str {
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        [date.month0() as usize % 12]
}

pub const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// `Mon 23 Nov 13:05`, with the year if it is not this one.
pub fn date_time(at: NaiveDateTime, now: NaiveDateTime) -> String {
    let weekday = WEEKDAYS[at.weekday().num_days_from_monday() as usize % 7];
    let date = if at.year() == now.year() { short_date(at.date()) } else { date(at.date()) };
    format!("{weekday} {date} {}", at.format("%H:%M"))
}

/// `12 Oct 2026`, and the time unless the day begins then: `12 Oct 2026 14:00`.
pub fn moment(at: NaiveDateTime) -> String {
    let date = date(at.date());
    if at.time() == NaiveTime::MIN { date } else { format!("{date} {}", at.format("%H:%M")) }
}

/// `12 Oct – 23 Nov 2026`; one day is one date.
pub fn date_range(from: NaiveDate, to: NaiveDate, dash: &str) -> String {
    if from == to {
        date(to)
    } else if from.year() == to.year() {
        format!("{} {dash} {}", short_date(from), date(to))
    } else {
        format!("{} {dash} {}", date(from), date(to))
    }
}

/// `12 Oct – 23 Nov 2026 (43 days, Europe/Paris)`.
pub fn period(summary: &Summary, options: &Options, dash: &str) -> String {
    let Some(period) = &summary.period else {
        return "no times were recorded".to_owned();
    };
    let date = |at| (options.local)(at).date();
    let dates = date_range(date(period.from), date(period.to), dash);
    format!("{dates} ({}, {})", plural(period.days, "day", "days"), options.zone_name)
}

/// The time tracked, and what is to be said of it.
pub fn time_tracked(totals: &Totals) -> Vec<String> {
    let mut parts = vec![Seconds(totals.seconds).to_string()];
    parts.extend(unfinished(totals.seconds_unfinished, &totals.counts));
    if let Some(covered) = covered(totals) {
        parts.push(format!("{covered} on the clock"));
    }
    parts
}

/// How much of a time that was just named went into runs that did not succeed.
pub fn unfinished(seconds: f64, counts: &Counts) -> Option<String> {
    let part = if counts.ok == 0 { "all".to_owned() } else { Seconds(seconds).to_string() };
    let which = match (counts.failed, counts.interrupted) {
        (_, 0) => "failed",
        (0, _) => "interrupted",
        _ => "failed or interrupted",
    };
    (seconds > 0.0).then(|| format!("{part} of it in {which} runs"))
}

/// The time on the clock, if runs that were nested or side by side make it differ from the sum by over 1 %. Runs one
/// after the other can seem to overlap, each by less than a second, for the log has the second in which a run ended.
#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 runs")]
pub fn covered(totals: &Totals) -> Option<String> {
    let overlap = totals.seconds - totals.seconds_covered;
    let timed = totals.counts.runs.saturating_sub(totals.unknown_durations);
    let differs = overlap > 0.01 * totals.seconds && overlap >= timed.saturating_sub(1) as f64;
    differs.then(|| Seconds(totals.seconds_covered).to_string())
}

/// A group's total time; `-` if no run's duration is known.
pub fn total_time(group: &Group) -> String {
    seconds_or_dash((group.unknown_durations < group.counts.runs).then_some(group.seconds))
}

/// What is left out of the figures, and why, a sentence each.
pub fn data_notes(summary: &Summary, options: &Options) -> Vec<String> {
    let mut notes = stray_notes(&summary.strays, options.local);
    let unknown = ["run has no known duration", "runs have no known duration"];
    notes.extend(left_out(summary.totals.unknown_durations, unknown[0], unknown[1], "all durations"));
    match summary.read_stats.without_exit_code {
        0 => (),
        1 => notes.push("1 event in the log has no exit code; it counts as ok".to_owned()),
        number => notes.push(format!("{number} events in the log have no exit code; they count as ok")),
    }
    if summary.lacks_baseline {
        notes.push(
            "The log has no earlier runs: slower and faster compare within this period only".to_owned(),
        );
    }
    notes
}

/// Of events whose time cannot be right, or cannot be read.
pub fn stray_notes(strays: &Strays, local: &dyn Fn(DateTime<Utc>) -> NaiveDateTime) -> Vec<String> {
    const DATED: &str = "all that needs a date";
    let date = |at: Option<DateTime<Utc>>| at.map_or_else(String::new, |at| date(local(at).date()));
    let (latest, earliest) = (date(strays.latest_future), date(strays.earliest));
    let future = left_out(
        strays.future,
        &format!("event is dated in the future, {latest}"),
        &format!("events are dated in the future, up to {latest}"),
        DATED,
    );
    let early = left_out(
        strays.early,
        &format!("event is dated {earliest}, long before all others"),
        &format!("events are dated from {earliest} on, long before all others"),
        DATED,
    );
    let untimed =
        left_out(strays.untimed, "event has no readable time", "events have no readable time", DATED);
    [future, early, untimed].into_iter().flatten().collect()
}

/// `None` for none.
fn left_out(number: u64, one: &str, many: &str, of: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {one}; it is left out of {of}")),
        _ => Some(format!("{number} {many}; they are left out of {of}")),
    }
}

/// How long ago, in one unit: `21m ago`.
pub fn relative_time(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = now.signed_duration_since(then).num_seconds();
    let span = |seconds: i64| {
        let days = seconds / 86_400;
        match seconds {
            0..3600 => format!("{}m", seconds / 60),
            3600..86_400 => format!("{}h", seconds / 3600),
            _ if days < 100 => format!("{days}d"),
            _ if days < 730 => format!("{}mo", days * 12 / 365),
            _ => format!("{}y", days / 365),
        }
    };
    match seconds {
        -59..60 => "now".to_owned(),
        60.. => format!("{} ago", span(seconds)),
        // The event is in the future: some clock was wrong.
        _ => format!("in {}", span(seconds.saturating_neg())),
    }
}

/// UTC, RFC 3339, with a fraction only if there is one.
pub fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A group's name as it can be shown; a missing one is `(no domain)`.
pub fn display_name(group: Option<&str>, ascii: bool) -> String {
    group.map_or_else(|| "(no domain)".to_owned(), |name| escape_for_display(name, ascii))
}

pub fn population_name(which: Population) -> &'static str {
    match which {
        Population::Ok => "successful runs",
        Population::Failed => "failed runs",
        Population::All => "all runs",
    }
}

pub fn row_noun(by: GroupBy, number: usize) -> &'static str {
    match (by, number) {
        (GroupBy::Target, 1) => "target",
        (GroupBy::Target, _) => "targets",
        (GroupBy::Domain, 1) => "domain",
        (GroupBy::Domain, _) => "domains",
    }
}

/// `ok`, or `failed, exit 2`.
pub fn outcome_text(target: &str, run: &RunRecord) -> String {
    let label = outcome::label(target, run.exit_code);
    match Outcome::from_exit_code(target, run.exit_code) {
        Outcome::Ok => label.into_owned(),
        Outcome::Failed => format!("failed, {label}"),
        Outcome::Interrupted => format!("interrupted, {label}"),
    }
}

/// An exit code by its name and its number: `exit 2`, `Ctrl-C (130)`.
pub fn exit_code_text(target: &str, code: i64) -> String {
    let code = outcome::shell_code(code);
    match outcome::label(target, code) {
        label if label.starts_with("exit ") => label.into_owned(),
        label => format!("{label} ({code})"),
    }
}

/// The findings that people are shown, and those that only JSON holds.
pub fn split_findings(findings: &[Finding]) -> (&[Finding], &[Finding]) {
    findings.split_at(findings.len().min(5))
}

/// As in JSON, and as a class on the page.
pub fn finding_kind(finding: &Finding) -> &'static str {
    match &finding.kind {
        FindingKind::Changed(change) => direction_name(change.direction),
        FindingKind::Failing { .. } => "failing",
        FindingKind::Flaky { .. } => "flaky",
    }
}

/// What to expect of the next run: `Usually 4m 18s, most runs 2m 56s – 5m 07s (last 20 that succeeded)`.
pub fn usual_duration(usual: &Usual, dash: &str) -> String {
    let range = usual.range.map_or_else(String::new, |(low, high)| {
        format!(", most runs {} {dash} {}", Seconds(low), Seconds(high))
    });
    format!("Usually {}{range} (last {} that succeeded)", Seconds(usual.median), usual.n)
}

/// A group's exit codes with their runs, the most frequent first.
pub fn exit_codes_by_frequency(group: &Group) -> Vec<(i64, u64)> {
    let mut codes: Vec<(i64, u64)> = group.exit_codes.iter().map(|(&code, &runs)| (code, runs)).collect();
    codes.sort_by_key(|&(code, runs)| (std::cmp::Reverse(runs), code));
    codes
}

/// A finding as a sentence, without a full stop; `name` is its target as it can be shown.
pub fn finding_sentence(finding: &Finding, name: &str, options: &Options) -> String {
    match &finding.kind {
        FindingKind::Changed(change) => format!("{name} {}", change_sentence(change)),
        FindingKind::Failing { runs, since, rated, ok, .. } => {
            let since = since.map_or_else(String::new, |since| {
                format!(", since {}", date_time((options.local)(since), (options.local)(options.now)))
            });
            let overall = match *ok {
                0 => "it never passed".to_owned(),
                _ => format!("passes {} overall", percent(*ok, *rated)),
            };
            format!("{name} failed {} in a row{since} ({overall})", plural(*runs, "time", "times"))
        }
        FindingKind::Flaky { failed, window, episodes } => {
            let spells = if episodes == failed {
                "never twice in a row".to_owned()
            } else {
                format!("in {}", plural(*episodes, "separate spell", "separate spells"))
            };
            format!("{name}: {failed} of its last {window} runs failed, {spells}")
        }
    }
}

fn change_sentence(change: &Change) -> String {
    let window = match change.window {
        ChangeWindow::Days7 => "7 days".to_owned(),
        ChangeWindow::Runs10 => plural(change.n, "run", "runs"),
    };
    format!(
        "{}: median {} in the last {window}, {} in the 28 days before{}",
        change_size(change.direction, change.ratio),
        Seconds(change.median),
        Seconds(change.baseline_median),
        weekly_cost(change).map_or_else(String::new, |cost| format!(" ({cost})")),
    )
}

/// What a change costs or saves: `46 min a week`. `None` below a minute.
pub fn weekly_cost(change: &Change) -> Option<String> {
    let seconds = change.seconds_per_week;
    if !seconds.is_finite() || seconds < 60.0 {
        return None;
    }
    let (number, unit) = if seconds < 18_000.0 { (seconds / 60.0, "min") } else { (seconds / 3600.0, "h") };
    let saves = if change.direction == Direction::Faster { "saves " } else { "" };
    Some(format!("{saves}{number:.0} {unit} a week"))
}

pub fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Slower => "slower",
        Direction::Faster => "faster",
    }
}

/// `is 41 % slower`.
pub fn change_size(direction: Direction, ratio: f64) -> String {
    match direction {
        Direction::Slower if ratio >= 2.0 => format!("takes {ratio:.1} times as long"),
        Direction::Slower => format!("is {:.0} % slower", (ratio - 1.0) * 100.0),
        Direction::Faster => {
            format!("is {:.0} % faster", ((1.0 - ratio) * 100.0).min(99.0))
        }
    }
}

/// What the rank test says of a group before and after: `is 41 % slower, beyond chance (p < 0.001)`.
pub fn verdict(row: &ComparedGroup) -> String {
    let (Some(beyond_chance), Some(p)) = (row.beyond_chance, row.p) else {
        return "too few runs to tell".to_owned();
    };
    if !beyond_chance {
        return format!("no difference beyond chance ({})", p_value(p));
    }
    let ratio = row.after.median.zip(row.before.median).map(|(after, before)| after / before);
    let size = match (row.direction(), ratio) {
        (None, _) => "differs at the same median".to_owned(),
        (Some(direction), Some(ratio)) if ratio.is_finite() && (ratio - 1.0).abs() >= 0.005 => {
            change_size(direction, ratio)
        }
        (Some(Direction::Slower), _) => "is slower".to_owned(),
        (Some(Direction::Faster), _) => "is faster".to_owned(),
    };
    format!("{size}, beyond chance ({})", p_value(p))
}

pub fn p_value(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}

/// What the filters let through, as text; the zone's days where a filter begins or ends with one.
pub fn filter_descriptions(options: &Options, ascii: bool) -> Vec<String> {
    let Filter { since, until, last, targets, domains, failed, .. } = options.filters;
    let mut parts = Vec::new();
    if let Some(since) = since.map(options.local) {
        parts.push(format!("since {}", moment(since)));
    }
    if let Some(until) = until.map(options.local) {
        let before = until.date().pred_opt().filter(|_| until.time() == NaiveTime::MIN);
        parts.push(format!("until {}", before.map_or_else(|| moment(until), date)));
    }
    let quoted = |names: &[String]| {
        let quoted = names.iter().filter(|name| !name.is_empty());
        quoted.map(|name| format!("\"{}\"", short_name(name, ascii))).collect::<Vec<_>>().join(" or ")
    };
    let noun = |names: &[String], one, several| if names.len() == 1 { one } else { several };
    if !targets.is_empty() {
        parts.push(format!("{} {}", noun(targets, "target", "targets"), quoted(targets)));
    }
    match (quoted(domains), domains.iter().any(String::is_empty)) {
        (names, false) if names.is_empty() => {}
        (names, true) if names.is_empty() => parts.push("runs without a domain".to_owned()),
        (names, false) => parts.push(format!("{} {names}", noun(domains, "domain", "domains"))),
        (names, true) => parts.push(format!("domain {names} or none")),
    }
    if *failed {
        parts.push("failed runs".to_owned());
    }
    match *last {
        None => {}
        Some(1) => parts.push("the newest event".to_owned()),
        Some(last) => parts.push(format!("the newest {last} events")),
    }
    parts
}

/// What the report is limited to, as a sentence: `Only since 12 Oct 2026, failed runs, without "test"`.
pub fn filter_sentence(options: &Options, ascii: bool) -> Option<String> {
    let only = filter_descriptions(options, ascii).join(", ");
    let without = excluded(options, ascii);
    match (only.is_empty(), without.is_empty()) {
        (true, true) => None,
        (true, false) => Some(format!("Without {without}")),
        (false, true) => Some(format!("Only {only}")),
        (false, false) => Some(format!("Only {only}, without {without}")),
    }
}

/// What `--exclude` keeps out, as text.
pub fn excluded(options: &Options, ascii: bool) -> String {
    let names = options.filters.excludes.iter().map(|name| {
        let unknown = if options.unknown_excludes.contains(name) { " (no such target)" } else { "" };
        format!("\"{}\"{unknown}", short_name(name, ascii))
    });
    names.collect::<Vec<_>>().join(" and ")
}

/// A name short enough for a sentence.
pub fn short_name(name: &str, ascii: bool) -> String {
    ellipsize_middle(&escape_for_display(name, ascii), 40, ascii)
}

/// What the log holds, for when no event passed the filters.
pub fn log_description(events: u64, options: &Options) -> String {
    let mut parts = vec![format!("The log has {}", plural(events, "event", "events"))];
    if let Some((first, last)) = options.contents.span {
        let (first, last) = ((options.local)(first).date(), (options.local)(last).date());
        parts.push(if first == last {
            format!(", all of {}", date(last))
        } else if first.year() == last.year() {
            format!(" from {} to {}", short_date(first), date(last))
        } else {
            format!(" from {} to {}", date(first), date(last))
        });
    }
    let mut names = |label: &str, names: &[String], asked: bool| {
        if asked && !names.is_empty() {
            let some: Vec<String> =
                names.iter().take(12).map(|name| short_name(name, options.ascii)).collect();
            parts.push(format!("; {label}: {}", some.join(", ")));
            if names.len() > some.len() {
                parts.push(format!(" and {} more", names.len() - some.len()));
            }
        }
    };
    let Filter { targets, domains, excludes, .. } = options.filters;
    names("targets", &options.contents.targets, !targets.is_empty() || !excludes.is_empty());
    names("domains", &options.contents.domains, !domains.is_empty());
    parts.push(".".to_owned());
    parts.concat()
}

/// Counts in the order of a stacked bar.
pub fn outcome_counts(counts: &Counts) -> [u64; 3] {
    [counts.ok, counts.failed, counts.interrupted]
}

/// Indexes of the groups in the order of the duration chart: by average, unless `--sort` was given.
pub fn duration_order(groups: &Groups<'_>, sorted: bool) -> Vec<usize> {
    if sorted { (0..groups.len()).collect() } else { groups.by_average() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_is_100_only_without_failure_and_0_only_without_success() {
        #[track_caller]
        fn case(ok: u64, rated: u64, text: &str) {
            assert_eq!(percent(ok, rated), text);
        }
        case(0, 0, "-");
        case(3, 4, "3/4");
        case(4, 4, "4/4");
        case(5, 5, "100 %");
        case(0, 5, "0 %");
        case(1, 5, "20 %");
        case(9999, 10_000, "99 %");
        case(1, 10_000, "1 %");
        case(1008, 1080, "93 %");
        case(u64::MAX, u64::MAX, "100 %");
        case(u64::MAX - 1, u64::MAX, "99 %");
    }

    #[test]
    fn histogram_bin_edges_of_milliseconds_differ() {
        let edges: Vec<String> = [0.0, 0.002, 0.008, 0.01, 0.012, 0.5, 90.0].map(bin_edge).into();
        assert_eq!(edges, ["0.00s", "0.002s", "0.008s", "0.01s", "0.012s", "0.50s", "1m 30s"]);
    }

    #[test]
    fn relative_time_has_one_unit() {
        let now = DateTime::from_timestamp(2_000_000_000, 0).unwrap();
        let case = |seconds: i64, text: &str| {
            assert_eq!(relative_time(now - chrono::TimeDelta::seconds(seconds), now), text);
        };
        case(0, "now");
        case(59, "now");
        case(-30, "now");
        case(60, "1m ago");
        case(3599, "59m ago");
        case(3600, "1h ago");
        case(86_400, "1d ago");
        case(99 * 86_400, "99d ago");
        case(100 * 86_400, "3mo ago");
        case(729 * 86_400, "23mo ago");
        case(730 * 86_400, "2y ago");
        case(-7200, "in 2h");
    }

    #[test]
    fn date_range_names_a_year_once() {
        let date = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
        assert_eq!(date_range(date(2026, 10, 12), date(2026, 11, 23), "–"), "12 Oct – 23 Nov 2026");
        assert_eq!(date_range(date(2025, 10, 12), date(2026, 1, 3), "-"), "12 Oct 2025 - 3 Jan 2026");
        assert_eq!(date_range(date(2026, 1, 3), date(2026, 1, 3), "-"), "3 Jan 2026");
    }
}

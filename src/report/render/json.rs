//! One JSON object. Within a `format_version` keys are only added, and each is always there: what is
//! missing is `null`. `tests/report.schema.json` describes it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::scale::float;
use super::{Options, format};
use crate::event::{escape_controls, outcome};
use crate::report::grouping::Detail;
use crate::report::model::{
    Change, ChangeWindow, ComparedGroup, ComparedRuns, Comparison, Counts, DurationStats, Finding,
    FindingKind, Group, GroupBy, Population, Usual,
};
use crate::report::summary::Summary;

const FORMAT_VERSION: u64 = 1;

/// How many bytes are buffered before they are written.
const HELD: usize = 1 << 16;

/// Writes the object and a line feed. Groups are made and written one after the other: there may be many.
pub fn json(summary: &Summary, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let rows = options.row_limit(summary.groups.len());
    let mut text = "{".to_owned();
    let mut is_first = true;
    let mut add = |text: &mut String, (key, value): (&str, Json)| {
        push_separator(text, usize::from(!std::mem::take(&mut is_first)), false, 1);
        push_key(text, key);
        value.push(text, 1);
    };
    for member in leading_members(summary, options) {
        add(&mut text, member);
    }
    let groups = match options.by {
        GroupBy::Target => "targets",
        GroupBy::Domain => "domains",
    };
    add(&mut text, (groups, Json::Array(Vec::new())));
    if rows > 0 {
        text.pop();
        let group = |group: Group| {
            let mut text = String::new();
            self::group(&group, options).push(&mut text, 2);
            text
        };
        for (at, group) in summary.groups.materialize_range(0..rows, Detail::Whole, group).enumerate() {
            push_separator(&mut text, at, false, 2);
            text.push_str(&group);
            if text.len() > HELD {
                out.write_all(escape_controls(&text).as_bytes())?;
                text.clear();
            }
        }
        push_end(&mut text, false, 1);
        text.push(']');
    }
    for member in trailing_members(summary, options, rows) {
        add(&mut text, member);
    }
    push_end(&mut text, false, 0);
    writeln!(out, "{}}}", escape_controls(&text))
}

/// A key that needs no escaping.
type Key = Cow<'static, str>;

/// A JSON value whose keys stay in the order they were given.
pub enum Json {
    Value(Value),
    Object(Vec<(Key, Json)>),
    Array(Vec<Json>),
}

impl Json {
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.push(&mut text, 0);
        text
    }

    fn push(&self, text: &mut String, depth: usize) {
        match self {
            Self::Value(value) => {
                // Writing to a String does not fail.
                let _ = write!(text, "{value}");
            }
            Self::Object(members) if members.is_empty() => text.push_str("{}"),
            Self::Object(members) => {
                // Nested objects of plain values go on one line.
                let flat = depth > 1 && members.iter().all(|(_, value)| matches!(value, Self::Value(_)));
                text.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    push_separator(text, at, flat, depth + 1);
                    push_key(text, key);
                    value.push(text, depth + 1);
                }
                push_end(text, flat, depth);
                text.push('}');
            }
            Self::Array(items) => {
                let flat = items.iter().all(|item| matches!(item, Self::Value(_)));
                text.push('[');
                for (at, item) in items.iter().enumerate() {
                    push_separator(text, at, flat, depth + 1);
                    item.push(text, depth + 1);
                }
                push_end(text, flat, depth);
                text.push(']');
            }
        }
    }
}

fn push_key(text: &mut String, key: &str) {
    text.extend(["\"", key, "\": "]);
}

fn push_separator(text: &mut String, at: usize, flat: bool, depth: usize) {
    if at > 0 {
        text.push(',');
    }
    match (flat, at) {
        (true, 0) => {}
        (true, _) => text.push(' '),
        (false, _) => push_newline(text, depth),
    }
}

fn push_end(text: &mut String, flat: bool, depth: usize) {
    if !flat {
        push_newline(text, depth);
    }
}

fn push_newline(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}

impl<T: Into<Value>> From<T> for Json {
    fn from(value: T) -> Self {
        // NaN and infinity become null.
        Self::Value(value.into())
    }
}

/// An object whose keys stand in this order.
pub fn object<const N: usize>(members: [(&'static str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

pub fn array<T: Into<Json>>(items: impl IntoIterator<Item = T>) -> Json {
    Json::Array(items.into_iter().map(Into::into).collect())
}

fn time(at: Option<DateTime<Utc>>) -> Json {
    at.map(format::rfc3339).into()
}

/// The members before the groups.
fn leading_members(summary: &Summary, options: &Options) -> [(&'static str, Json); 7] {
    let totals = &summary.totals;
    let [rate, low, high] = success(&totals.counts, totals.success_interval, options);
    [
        ("format_version", FORMAT_VERSION.into()),
        ("generator", options.generator.into()),
        ("generated_at", format::rfc3339(options.now).into()),
        (
            "period",
            object([
                ("from", time(summary.period.as_ref().map(|period| period.from))),
                ("to", time(summary.period.as_ref().map(|period| period.to))),
                ("days", summary.period.as_ref().map(|period| period.days).into()),
                ("time_zone", options.zone_name.into()),
            ]),
        ),
        ("filters", filters(options)),
        ("input", input(summary)),
        (
            "totals",
            object([
                ("runs", totals.counts.runs.into()),
                ("ok", totals.counts.ok.into()),
                ("failed", totals.counts.failed.into()),
                ("interrupted", totals.counts.interrupted.into()),
                rate,
                low,
                high,
                ("seconds", totals.seconds.into()),
                ("seconds_unfinished", totals.seconds_unfinished.into()),
                ("unique_targets", summary.unique_targets.into()),
                ("seconds_covered", totals.seconds_covered.into()),
                ("unknown_durations", totals.unknown_durations.into()),
            ]),
        ),
    ]
}

/// The members after the groups.
fn trailing_members(summary: &Summary, options: &Options, rows: usize) -> [(&'static str, Json); 5] {
    let compare = |comparison| self::comparison(comparison, options.by, rows);
    [
        ("left_out", (summary.groups.len() - rows).into()),
        ("by_weekday", array(summary.by_weekday_and_hour.map(sum))),
        ("by_hour", array((0..24).map(|hour| sum(summary.by_weekday_and_hour.map(|hours| hours[hour]))))),
        ("findings", array(summary.findings.iter().map(|finding| self::finding(finding, options)))),
        ("compare", summary.comparison.as_ref().map_or(Value::Null.into(), compare)),
    ]
}

fn sum<const N: usize>(counts: [u64; N]) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

fn filters(options: &Options) -> Json {
    let filters = options.filters;
    let names = |names: &[String]| array(names.iter().map(|name| Value::from(name.as_str())));
    object([
        ("since", time(filters.since)),
        ("until", time(filters.until)),
        ("last", filters.last.into()),
        ("targets", names(&filters.targets)),
        ("domains", names(&filters.domains)),
        ("excludes", names(&filters.excludes)),
        ("failed", filters.failed.into()),
        (
            "durations",
            match options.durations {
                Population::Ok => "ok",
                Population::Failed => "failed",
                Population::All => "all",
            }
            .into(),
        ),
        ("limit", options.limit.into()),
    ])
}

fn input(summary: &Summary) -> Json {
    let Summary { read_stats: read, strays, .. } = summary;
    let line = |&(log, line): &(usize, u64)| match read.logs {
        0 | 1 => Json::from(line),
        _ => object([("log", log.into()), ("line", line.into())]),
    };
    object([
        ("logs", read.logs.into()),
        ("lines", read.lines.into()),
        ("events", read.events.into()),
        ("unreadable", read.unreadable.into()),
        ("unreadable_lines", array(read.unreadable_lines.iter().map(line))),
        ("unterminated", read.unterminated.into()),
        ("untimed_events", strays.untimed.into()),
        ("future_events", strays.future.into()),
        ("early_events", strays.early.into()),
        ("lacks_baseline", summary.lacks_baseline.into()),
        ("events_without_exit_code", read.without_exit_code.into()),
    ])
}

fn counts(counts: &Counts) -> [(&'static str, Json); 4] {
    [
        ("runs", counts.runs.into()),
        ("ok", counts.ok.into()),
        ("failed", counts.failed.into()),
        ("interrupted", counts.interrupted.into()),
    ]
}

/// The success rate, and where the true one is with 95 % confidence.
fn success(counts: &Counts, interval: Option<(f64, f64)>, options: &Options) -> [(&'static str, Json); 3] {
    let is_one = options.has_success_rate();
    let (low, high) = interval.filter(|_| is_one).unzip();
    [
        ("success_rate", counts.success_rate().filter(|_| is_one).into()),
        ("success_rate_low", low.into()),
        ("success_rate_high", high.into()),
    ]
}

fn group(group: &Group, options: &Options) -> Json {
    let (own, other, parts) = match options.by {
        GroupBy::Target => ("target", "domain", "by_domain"),
        GroupBy::Domain => ("domain", "target", "by_target"),
    };
    let mut codes: Vec<(i64, u64)> = Vec::new();
    for (&code, &number) in &group.exit_codes {
        let code = outcome::shell_code(code);
        match codes.iter_mut().find(|(known, _)| *known == code) {
            Some((_, sum)) => *sum = sum.saturating_add(number),
            None => codes.push((code, number)),
        }
    }
    codes.sort_unstable();
    let codes = codes.into_iter().map(|(code, number)| (code.to_string().into(), number.into())).collect();
    let mut members = vec![(own, Json::from(group.name.as_deref()))];
    members.extend(counts(&group.counts));
    members.extend(success(&group.counts, group.success_interval, options));
    members.extend([
        ("exit_codes", Json::Object(codes)),
        ("seconds", group.seconds.into()),
        ("seconds_unfinished", group.seconds_unfinished.into()),
        ("first_run", time(group.first_run)),
        ("last_run", time(group.last_run)),
        ("unknown_durations", group.unknown_durations.into()),
        ("last_exit_code", group.last_exit_code.into()),
        ("failure_streak", group.failure_streak.into()),
        (
            "duration",
            object([
                ("ok", durations(&group.ok)),
                ("failed", durations(&group.failed)),
                ("all", durations(&group.all)),
            ]),
        ),
        ("usual", usual(group.usual)),
        ("change", group.change.as_ref().map_or(Value::Null.into(), |change| object(self::change(change)))),
        (
            parts,
            array(group.breakdown.iter().map(|(name, part)| {
                let [runs, ok, failed, interrupted] = counts(part);
                object([(other, name.as_deref().into()), runs, ok, failed, interrupted])
            })),
        ),
    ]);
    Json::Object(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

pub fn usual(usual: Option<Usual>) -> Json {
    let Some(Usual { n, median, range }) = usual else { return Value::Null.into() };
    let (low, high) = range.unzip();
    object([
        ("median_seconds", median.into()),
        ("low_seconds", low.into()),
        ("high_seconds", high.into()),
        ("n", n.into()),
    ])
}

fn durations(of: &DurationStats) -> Json {
    object([
        ("n", of.n.into()),
        ("mean_seconds", of.mean.into()),
        ("median_seconds", of.median.into()),
        ("p5_seconds", of.p5.into()),
        ("p10_seconds", of.p10.into()),
        ("p25_seconds", of.p25.into()),
        ("p75_seconds", of.p75.into()),
        ("p90_seconds", of.p90.into()),
        ("p95_seconds", of.p95.into()),
        ("min_seconds", of.min.into()),
        ("max_seconds", of.max.into()),
        ("mad_seconds", of.mad.into()),
    ])
}

fn change(change: &Change) -> [(&'static str, Json); 10] {
    [
        ("direction", format::direction_name(change.direction).into()),
        ("ratio", change.ratio.into()),
        (
            "window",
            match change.window {
                ChangeWindow::Days7 => "7d",
                ChangeWindow::Runs10 => "10 runs",
            }
            .into(),
        ),
        ("n", change.n.into()),
        ("baseline_n", change.baseline_n.into()),
        ("median_seconds", change.median.into()),
        ("baseline_median_seconds", change.baseline_median.into()),
        ("p", change.p.into()),
        ("tests", change.tests.into()),
        ("seconds_per_week", change.seconds_per_week.into()),
    ]
}

fn comparison(comparison: &Comparison, by: GroupBy, rows: usize) -> Json {
    let (own, groups) = match by {
        GroupBy::Target => ("target", "targets"),
        GroupBy::Domain => ("domain", "domains"),
    };
    let side = |runs: &ComparedRuns| {
        let [all, ok, failed, interrupted] = counts(&runs.counts);
        object([
            all,
            ok,
            failed,
            interrupted,
            ("success_rate", runs.counts.success_rate().into()),
            ("median_seconds", runs.median.into()),
            ("p95_seconds", runs.p95.into()),
        ])
    };
    let row = |row: &ComparedGroup| {
        object([
            (own, row.name.as_deref().into()),
            ("before", side(&row.before)),
            ("after", side(&row.after)),
            ("beyond_chance", row.beyond_chance.into()),
            ("p", row.p.into()),
        ])
    };
    object([
        ("since", format::rfc3339(comparison.since).into()),
        ("tests", comparison.tests.into()),
        (groups, array(comparison.rows.iter().take(rows).map(row))),
    ])
}

fn finding(finding: &Finding, options: &Options) -> Json {
    let mut members = vec![
        ("kind", Json::from(format::finding_kind(finding))),
        ("target", finding.target.as_str().into()),
        ("text", format::finding_sentence(finding, &finding.target, options).into()),
    ];
    match &finding.kind {
        FindingKind::Changed(change) => {
            members.extend(self::change(change).into_iter().filter(|(key, _)| *key != "direction"));
        }
        FindingKind::Failing { runs, since, rated, ok, .. } => members.extend([
            ("runs", (*runs).into()),
            ("since", time(*since)),
            ("ok", (*ok).into()),
            ("rated", (*rated).into()),
            ("success_rate", (*rated > 0).then(|| float(*ok) / float(*rated)).into()),
        ]),
        FindingKind::Flaky { failed, window, episodes } => members.extend([
            ("failed", (*failed).into()),
            ("of_runs", (*window).into()),
            ("spells", (*episodes).into()),
        ]),
    }
    Json::Object(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

//! A summary with the numbers of a busy six weeks, made without a log: the renderers' tests need no engine.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{
    DateTime, Datelike as _, Days, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _, Utc,
};

use crate::event::table::{ReadStats, Strays};
use crate::report::grouping::Groups;
use crate::report::model::{
    Change, ChangeWindow, ComparedGroup, ComparedRuns, Comparison, Contents, Counts, DayStats, Direction,
    DurationStats, Finding, FindingKind, Group, GroupBy, HistogramBin, Period, Population, RunRecord, Totals,
    Usual,
};
use crate::report::render::{Filter, Options, RecordingState, scale};
use crate::report::summary::Summary;

pub static NO_FILTERS: Filter = Filter {
    since: None,
    until: None,
    last: None,
    targets: Vec::new(),
    domains: Vec::new(),
    excludes: Vec::new(),
    failed: false,
};

pub static CONTENTS: LazyLock<Contents> = LazyLock::new(|| Contents {
    span: Some((at(2026, 10, 12, 9, 4), at(2026, 11, 23, 16, 17))),
    targets: rows().iter().map(|row| row.name.to_owned()).collect(),
    domains: ["lab-1", "perso", "pro", "sandbox"].map(str::to_owned).to_vec(),
});

/// One hour ahead of UTC, all the year.
pub fn paris(at: DateTime<Utc>) -> NaiveDateTime {
    at.naive_utc() + TimeDelta::hours(1)
}

pub fn at(year: i32, month: u32, day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
    let zone = FixedOffset::east_opt(3600).unwrap();
    zone.with_ymd_and_hms(year, month, day, hour, minute, 0).unwrap().to_utc()
}

pub fn now() -> DateTime<Utc> {
    at(2026, 11, 23, 16, 31)
}

pub fn options(width: usize) -> Options<'static> {
    Options {
        width,
        ascii: false,
        color: false,
        local: &paris,
        zone_name: "Europe/Paris",
        now: now(),
        limit: None,
        by: GroupBy::Target,
        sorted: false,
        durations: Population::Ok,
        filters: &NO_FILTERS,
        unknown_excludes: &[],
        contents: &CONTENTS,
        generator: "tm-run 1.0.0",
        recording: RecordingState::On,
    }
}

/// Numbers that look random and are the same each time.
struct Noise(u64);

impl Noise {
    /// From 0 up to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 32).unwrap()) / f64::from(u32::MAX)
    }

    fn around(&mut self, middle: f64, spread: f64) -> f64 {
        middle * (1.0 + (self.next() - 0.5) * 2.0 * spread)
    }
}

struct Row {
    name: &'static str,
    counts: [u64; 3],
    codes: &'static [(i64, u64)],
    mean: f64,
    median: f64,
    p95: f64,
    max: f64,
    total: f64,
    unfinished: f64,
    last: DateTime<Utc>,
    last_code: i64,
}

fn rows() -> [Row; 7] {
    let row = |name,
               counts,
               codes,
               [mean, median, p95, max]: [f64; 4],
               [total, unfinished]: [f64; 2],
               last,
               last_code| {
        Row { name, counts, codes, mean, median, p95, max, total, unfinished, last, last_code }
    };
    [
        row(
            "sync",
            [468, 5, 4],
            &[(1, 5), (130, 4)],
            [2.2, 2.1, 3.7, 6.3],
            [1030.0, 20.0],
            at(2026, 11, 23, 16, 10),
            0,
        ),
        row(
            "apply",
            [223, 26, 10],
            &[(1, 4), (2, 16), (4, 6), (130, 10)],
            [185.0, 176.0, 274.0, 494.0],
            [44_820.0, 3600.0],
            at(2026, 11, 23, 15, 21),
            0,
        ),
        row(
            "apply-limit",
            [146, 5, 7],
            &[(2, 5), (130, 5), (143, 2)],
            [45.0, 45.0, 68.0, 95.0],
            [6720.0, 150.0],
            at(2026, 11, 23, 15, 2),
            0,
        ),
        row(
            "lint",
            [72, 22, 5],
            &[(2, 22), (130, 5)],
            [13.0, 12.0, 17.0, 19.0],
            [1115.0, 179.0],
            at(2026, 11, 23, 16, 17),
            2,
        ),
        row(
            "apply-infra",
            [57, 1, 5],
            &[(2, 1), (130, 5)],
            [60.0, 58.0, 80.0, 98.0],
            [3660.0, 240.0],
            at(2026, 11, 21, 11, 0),
            0,
        ),
        row(
            "test-generator",
            [31, 9, 1],
            &[(1, 9), (130, 1)],
            [60.0, 59.0, 77.0, 84.0],
            [2208.0, 348.0],
            at(2026, 11, 21, 10, 0),
            0,
        ),
        row(
            "ansible-playbook",
            [19, 4, 2],
            &[(2, 3), (4, 1), (99, 2)],
            [97.0, 100.0, 150.0, 172.0],
            [2108.0, 265.0],
            at(2026, 11, 23, 14, 0),
            0,
        ),
    ]
}

fn counts([ok, failed, interrupted]: [u64; 3]) -> Counts {
    Counts { runs: ok + failed + interrupted, ok, failed, interrupted }
}

fn durations(n: u64, row: &Row) -> DurationStats {
    let many = |value: f64| (n >= 20).then_some(value);
    DurationStats {
        n,
        mean: Some(row.mean),
        median: Some(row.median),
        min: Some(row.median * 0.608),
        max: Some(row.max),
        mad: Some(row.median * 0.11),
        p5: many(row.median * 0.68),
        p10: many(row.median * 0.74),
        p90: many(row.p95 * 0.93),
        p95: many(row.p95),
        p25: Some(row.median * 0.86),
        p75: Some(row.median * 1.2),
    }
}

fn interval(ok: u64, failed: u64) -> Option<(f64, f64)> {
    let (n, z) = (scale::float(ok + failed), 1.96f64);
    if n == 0.0 {
        return None;
    }
    let p = scale::float(ok) / n;
    let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    Some(((middle - half).max(0.0), (middle + half).min(1.0)))
}

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, 12).unwrap()
}

fn slower() -> Change {
    Change {
        direction: Direction::Slower,
        ratio: 237.0 / 168.0,
        window: ChangeWindow::Days7,
        n: 40,
        baseline_n: 140,
        median: 237.0,
        baseline_median: 168.0,
        p: 1.7e-10,
        tests: 6,
        seconds_per_week: 2760.0,
    }
}

/// The last failures and the slowest runs.
fn lists(row: &Row) -> (Vec<RunRecord>, Vec<RunRecord>) {
    let run = |back: i64, seconds: f64, exit_code: i64| RunRecord {
        ended_at: Some(row.last - TimeDelta::minutes(600 * back)),
        seconds: (back != 3).then_some(seconds),
        exit_code,
        domain: None,
    };
    let failed = if row.name == "lint" { 4 } else { 2 };
    let slowest = [1.0, 0.96, 0.83].into_iter().zip(5..);
    (
        (1..=failed).rev().map(|back| run(back, row.mean * 0.3, 2)).collect(),
        slowest.map(|(part, back)| run(back, row.max * part, 0)).collect(),
    )
}

fn group(row: &Row, noise: &mut Noise) -> Group {
    let counts = counts(row.counts);
    let apply = row.name == "apply";
    let mut trend = vec![None; 24];
    for (at, slot) in trend.iter_mut().enumerate() {
        let later = if apply && at >= 20 { 1.4 } else { 1.0 };
        if counts.runs > 100 || noise.next() > 0.15 {
            *slot = Some(noise.around(row.median * later, 0.12));
        }
    }
    let mut days = Vec::new();
    for day in 0..43u64 {
        let date = first_day() + Days::new(day);
        if date.weekday().num_days_from_monday() < 5 || noise.next() < 0.1 {
            let part = |all: u64, noise: &mut Noise| {
                let share = scale::float(all) / 31.0;
                (0..200).take_while(|&n| f64::from(n) + noise.next() < share).count() as u64
            };
            let (ok, failed, interrupted) =
                (part(counts.ok, noise), part(counts.failed, noise), part(counts.interrupted, noise));
            let later = if apply && day >= 36 { 1.41 } else { 1.0 };
            days.push(DayStats {
                date,
                counts: Counts { runs: ok + failed + interrupted, ok, failed, interrupted },
                median: (ok > 0).then(|| noise.around(row.median * later, 0.15)),
            });
        }
    }
    let last_runs = (0..10)
        .map(|back| RunRecord {
            ended_at: Some(row.last - TimeDelta::minutes(47 * (9 - back))),
            seconds: Some(noise.around(row.mean, 0.3)),
            exit_code: match row.name {
                "lint" if back >= 6 => 2,
                "lint" => 0,
                _ if back == 7 => 2,
                _ => 0,
            },
            domain: (back % 3 == 1).then(|| "pro".to_owned()),
        })
        .collect();
    let (last_failures, slowest_runs) = lists(row);
    let heights: [u64; 10] = [10, 46, 65, 52, 26, 12, 7, 3, 1, 1];
    let width = scale::tick_step(row.p95 * 1.1, 9);
    let histogram = heights
        .iter()
        .zip(0u64..)
        .map(|(&height, at)| {
            let low = scale::float(at) * width;
            HistogramBin {
                low,
                high: (at < 9).then_some(low + width),
                runs: (height * counts.ok).div_ceil(223),
            }
        })
        .collect();
    let mut exit_codes: BTreeMap<i64, u64> = row.codes.iter().copied().collect();
    exit_codes.insert(0, counts.ok);
    let part = |n: u64| Counts { runs: n, ok: n - n / 9, failed: n / 9, interrupted: 0 };
    Group {
        name: Some(row.name.to_owned()),
        counts,
        success_interval: interval(counts.ok, counts.failed),
        exit_codes,
        seconds: row.total,
        seconds_unfinished: row.unfinished,
        unknown_durations: 0,
        first_run: Some(at(2026, 10, 12, 9, 4)),
        last_run: Some(row.last),
        last_exit_code: row.last_code,
        failure_streak: if row.name == "lint" { 4 } else { 0 },
        ok: durations(counts.ok, row),
        failed: DurationStats { mean: Some(row.unfinished / 9.0), ..durations(counts.failed, row) },
        all: durations(counts.runs, row),
        population: Population::Ok,
        is_fallback: false,
        usual: Some(Usual {
            n: counts.ok.min(20),
            median: row.mean * 1.39,
            range: Some((row.median, row.median * 1.74)),
        }),
        change: apply.then(slower),
        trend,
        breakdown: vec![
            (None, part(counts.runs - counts.runs / 3)),
            (Some("lab-1".to_owned()), part(counts.runs / 9)),
            (Some("pro".to_owned()), part(counts.runs / 3 - counts.runs / 9)),
        ],
        days,
        last_runs,
        last_failures,
        slowest_runs,
        histogram,
        outliers: vec![row.max, row.max * 0.96, row.max * 0.83, row.p95 * 1.08],
    }
}

/// 1122 events of seven targets in 43 days, as in the sketch of the report.
pub fn busy() -> Summary<'static> {
    let mut noise = Noise(11);
    let groups: Vec<Group> = rows().iter().map(|row| group(row, &mut noise)).collect();
    let mut by_weekday_and_hour = [[0; 24]; 7];
    let day_shape = [0, 0, 0, 0, 0, 0, 0, 2, 6, 12, 15, 14, 6, 7, 13, 15, 10, 8, 4, 3, 2, 2, 1, 1];
    for (weekday, hours) in by_weekday_and_hour.iter_mut().enumerate() {
        for (hour, count) in hours.iter_mut().enumerate() {
            let shape = day_shape[hour];
            *count = if weekday < 5 {
                [shape, shape + shape / 5, shape, shape - shape / 4, shape - shape / 6][weekday]
            } else {
                shape / 7
            };
        }
    }
    let mut days: Vec<DayStats> = Vec::new();
    for number in 0..43u64 {
        let date = first_day() + Days::new(number);
        let mut sum = Counts::default();
        for day in groups.iter().flat_map(|group| &group.days).filter(|day| day.date == date) {
            sum.runs += day.counts.runs;
            sum.ok += day.counts.ok;
            sum.failed += day.counts.failed;
            sum.interrupted += day.counts.interrupted;
        }
        if sum.runs > 0 {
            days.push(DayStats { date, counts: sum, median: Some(30.0) });
        }
    }
    let counts = Counts { runs: 1122, ok: 1008, failed: 72, interrupted: 42 };
    Summary {
        period: Some(Period { from: at(2026, 10, 12, 9, 4), to: at(2026, 11, 23, 16, 17), days: 43 }),
        read_stats: ReadStats {
            logs: 1,
            lines: 1124,
            events: 1122,
            without_exit_code: 0,
            unreadable: 2,
            unreadable_lines: vec![(0, 17), (0, 408)],
            unterminated: false,
        },
        strays: Strays::default(),
        totals: Totals {
            counts,
            success_interval: interval(1008, 72),
            seconds: 61_740.1,
            seconds_unfinished: 4740.2,
            seconds_covered: 54_012.0,
            unknown_durations: 0,
        },
        groups: Groups::Given(groups),
        unique_targets: 7,
        by_weekday_and_hour,
        days,
        trend: Some(Period { from: at(2026, 10, 12, 9, 4), to: at(2026, 11, 23, 16, 17), days: 43 }),
        comparison: None,
        lacks_baseline: false,
        findings: vec![
            Finding { target: "apply".into(), kind: FindingKind::Changed(slower()) },
            Finding {
                target: "lint".into(),
                kind: FindingKind::Failing {
                    runs: 4,
                    since: Some(at(2026, 11, 23, 13, 5)),
                    success_rate: Some(72.0 / 94.0),
                    rated: 94,
                    ok: 72,
                },
            },
            Finding {
                target: "test-generator".into(),
                kind: FindingKind::Flaky { failed: 9, window: 41, episodes: 7 },
            },
        ],
    }
}

/// Three events of two targets, one of which never succeeded.
pub fn few() -> Summary<'static> {
    let mut noise = Noise(5);
    let day = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    let mut sync = group(&rows()[0], &mut noise);
    sync.counts = counts([2, 0, 0]);
    sync.success_interval = interval(2, 0);
    sync.exit_codes = BTreeMap::from([(0, 2)]);
    (sync.seconds, sync.seconds_unfinished) = (4.5, 0.0);
    sync.ok = DurationStats {
        n: 2,
        mean: Some(2.25),
        median: Some(2.25),
        min: Some(2.0),
        max: Some(2.5),
        mad: Some(0.25),
        ..DurationStats::default()
    };
    (sync.all, sync.failed) = (sync.ok, DurationStats::default());
    (sync.usual, sync.trend) = (None, vec![None; 24]);
    (sync.outliers, sync.histogram, sync.breakdown) = (vec![], vec![], vec![(None, sync.counts)]);
    sync.days = vec![DayStats { date: day, counts: sync.counts, median: Some(2.25) }];
    sync.last_runs.drain(..8);
    sync.last_runs[0].exit_code = 0;
    let mut lint = sync.clone();
    lint.name = Some("lint".into());
    lint.counts = counts([0, 1, 0]);
    lint.success_interval = interval(0, 1);
    lint.exit_codes = BTreeMap::from([(2, 1)]);
    (lint.seconds, lint.seconds_unfinished) = (9.4, 9.4);
    (lint.population, lint.is_fallback, lint.last_exit_code) = (Population::Failed, true, 2);
    lint.failed = DurationStats {
        n: 1,
        mean: Some(9.4),
        median: Some(9.4),
        min: Some(9.4),
        max: Some(9.4),
        mad: Some(0.0),
        ..DurationStats::default()
    };
    (lint.ok, lint.all) = (DurationStats::default(), lint.failed);
    lint.failure_streak = 1;
    lint.last_runs.drain(..1);
    lint.last_runs[0].exit_code = 2;
    let all = counts([2, 1, 0]);
    let mut summary = nothing();
    summary.period = Some(Period { from: at(2026, 11, 23, 15, 0), to: at(2026, 11, 23, 16, 17), days: 1 });
    summary.read_stats = ReadStats { logs: 1, lines: 3, events: 3, ..ReadStats::default() };
    summary.totals = Totals {
        counts: all,
        success_interval: interval(2, 1),
        seconds: 13.9,
        seconds_unfinished: 9.4,
        seconds_covered: 13.9,
        unknown_durations: 0,
    };
    summary.groups = Groups::Given(vec![sync, lint]);
    summary.unique_targets = 2;
    summary.by_weekday_and_hour[0][16] = 3;
    summary.days = vec![DayStats { date: day, counts: all, median: Some(2.25) }];
    summary
}

/// No event at all.
pub fn nothing() -> Summary<'static> {
    Summary {
        period: None,
        read_stats: ReadStats { logs: 1, ..ReadStats::default() },
        strays: Strays::default(),
        totals: Totals::default(),
        groups: Groups::Given(vec![]),
        unique_targets: 0,
        by_weekday_and_hour: [[0; 24]; 7],
        days: vec![],
        trend: None,
        findings: vec![],
        comparison: None,
        lacks_baseline: false,
    }
}

/// Before and after a moment: every verdict there is.
pub fn compared() -> Summary<'static> {
    let side = |[ok, failed, interrupted]: [u64; 3], median, p95| ComparedRuns {
        counts: counts([ok, failed, interrupted]),
        n: ok,
        median,
        p95,
    };
    // The medians, and p.
    let figures = [
        [Some(2.2), Some(2.2), Some(0.4)],
        [Some(168.0), Some(237.0), Some(1.7e-10)],
        [Some(45.0), Some(44.9), Some(0.0004)],
        [Some(5.1), Some(12.0), Some(1e-6)],
        [Some(60.0), Some(60.0), Some(0.0005)],
        [Some(90.0), Some(30.0), Some(1e-5)],
        [Some(97.0), None, None],
    ];
    let row = |(row, [before, after, p]): (&Row, [Option<f64>; 3])| {
        let [ok, failed, interrupted] = row.counts;
        let p95 = |median: Option<f64>| median.map(|median| median * 1.5);
        let few = if after.is_some() { 3 } else { 40 };
        ComparedGroup {
            name: Some(row.name.to_owned()),
            before: side([ok - ok / few, failed, 0], before, p95(before)),
            after: side([ok / few, 0, interrupted], after, None),
            p,
            beyond_chance: p.map(|p| p < 0.01 / 6.0),
        }
    };
    let rows = rows().iter().zip(figures).map(row).collect();
    let comparison = Comparison { since: at(2026, 11, 15, 0, 0), tests: 6, rows };
    Summary { comparison: Some(comparison), ..busy() }
}

/// Events, but none that the filters let through.
pub fn no_match() -> Summary<'static> {
    Summary { read_stats: busy().read_stats, ..nothing() }
}

/// Forty targets, so that some are only summed up.
pub fn crowded() -> Summary<'static> {
    let mut summary = busy();
    let model = summary.groups[4].clone();
    for number in 0..33u64 {
        let mut group = model.clone();
        group.name = Some(format!("playbook-{number:02}"));
        group.counts = counts([60 - number, number % 3, number % 2]);
        group.change = None;
        summary.groups.push(group);
    }
    summary.groups.sort_by(|a, b| b.counts.runs.cmp(&a.counts.runs).then_with(|| a.name.cmp(&b.name)));
    summary.unique_targets = 40;
    summary.totals.seconds = summary.groups.iter().map(|group| group.seconds).sum();
    summary
}

/// Many targets that differ in the middle of their names, and a finding about each.
pub fn similar() -> Summary<'static> {
    let mut summary = crowded();
    let kinds = summary.findings.clone();
    summary.findings.clear();
    let mut number = 0..;
    for (group, at) in summary.groups.iter_mut().zip(&mut number) {
        let name =
            format!("deploy-customer-{}-{}-production-api", ["berlin", "lyon", "oslo"][at % 3], at / 3);
        group.name = Some(name.clone());
        summary.findings.push(Finding { target: name, kind: kinds[at % 3].kind.clone() });
    }
    summary
}

/// Events that are left out of some figures.
pub fn damaged() -> Summary<'static> {
    let mut summary = busy();
    summary.strays.future = 1;
    summary.strays.latest_future = Some(at(2038, 1, 19, 4, 14));
    summary.strays.early = 2;
    summary.strays.earliest = Some(at(1970, 1, 1, 1, 0));
    summary.strays.untimed = 3;
    summary.read_stats.without_exit_code = 4;
    summary.totals.unknown_durations = 1;
    summary.lacks_baseline = true;
    for group in summary.groups.iter_mut().take(1) {
        group.unknown_durations = group.counts.runs;
        (group.ok, group.all, group.failed) =
            (DurationStats::default(), DurationStats::default(), DurationStats::default());
        (group.usual, group.seconds, group.seconds_unfinished) = (None, 0.0, 0.0);
        group.trend.fill(None);
    }
    summary
}

/// Names that would like to be more than names.
pub fn hostile() -> Summary<'static> {
    let names = [
        "<img src=\"http://127.0.0.1:9/x\" onerror=\"alert(1)\">",
        "</title></text></svg><script>fetch('http://127.0.0.1:9/y')</script>",
        "\"' onload=alert(1) x=\"",
        "</style><style>@import url(http://127.0.0.1:9/z);",
        "\u{1b}]8;;http://127.0.0.1:9/\u{7}link\u{202e}drowssap",
        "<!-- &lt;b&gt; ]]> {{x}} ${x} | `x` **x** =1+1",
        "日本語 👩‍👩‍👧 עברית e\u{301} \u{200b}zero",
    ];
    let mut summary = busy();
    for (group, name) in summary.groups.iter_mut().zip(names) {
        group.name = Some(name.to_owned());
        for run in &mut group.last_runs {
            run.domain = Some(name.to_owned());
        }
    }
    for (finding, name) in summary.findings.iter_mut().zip(names) {
        name.clone_into(&mut finding.target);
    }
    summary
}

/// Only one target.
pub fn only(name: &str) -> Summary<'static> {
    let mut summary = busy();
    summary.groups.retain(|group| group.name.as_deref() == Some(name));
    summary.findings.retain(|finding| finding.target == name);
    let group = &summary.groups[0];
    (summary.totals.counts, summary.totals.success_interval) = (group.counts, group.success_interval);
    (summary.totals.seconds, summary.totals.seconds_unfinished) = (group.seconds, group.seconds_unfinished);
    summary.unique_targets = 1;
    summary
}

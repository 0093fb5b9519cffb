//! The numbers of a report: events in, numbers out. Opens no file, reads no clock.

use chrono::{DateTime, Utc};

use super::baseline::Baseline;
use super::calendar::Calendar;
use super::grouping::{Dataset, Grouping, Groups};
use super::model::{
    Comparison, Contents, Counts, DayStats, Finding, GroupBy, Period, Population, SortBy, Totals,
};
use super::parallel::{self, parallel};
use super::statistics;
use super::tally::{self, Scratch, Tally};
use crate::event::outcome::Outcome;
use crate::event::table::{Chunk, ChunkRows, ReadStats, SeriesKey, Strays, Table};
use crate::event::timestamp::{self, MICROS_PER_SECOND};

/// All that a report shows, in every format. A missing figure is `None`, never NaN.
#[cfg_attr(test, derive(Clone, Debug))]
pub struct Summary<'a> {
    /// First and last moment of the events that passed the filters; `None` without a readable one.
    pub period: Option<Period>,
    /// What was read.
    pub read_stats: ReadStats,
    /// What was set aside of it, before the filters: it counts, and is in no time.
    pub strays: Strays,
    pub totals: Totals,
    /// One row a target (or a domain, with `--by domain`), in the order asked for, before `--limit`.
    pub groups: Groups<'a>,
    /// How many different targets there are, whatever the rows stand for.
    pub unique_targets: u64,
    /// Runs of each weekday (Monday first) and hour, in the report's zone.
    pub by_weekday_and_hour: [[u64; 24]; 7],
    /// One entry a calendar day of the period that has events, in order; empty if not asked for.
    pub days: Vec<DayStats>,
    /// What the cells of [`Group::trend`](super::model::Group::trend) cover: the last twelve weeks up to the newest
    /// event.
    pub trend: Option<Period>,
    /// All of them, in the order in which one must act: failing now, slower, failing now and then, faster; within a
    /// kind by time. How many of them are shown is for the renderings to say.
    pub findings: Vec<Finding>,
    /// Asked for by [`SummaryOptions::compare_since`].
    pub comparison: Option<Comparison>,
    /// `--since` was given and nothing of the log lies before it, so that there is nothing earlier to compare with.
    pub lacks_baseline: bool,
}

/// What a report was asked for, filters aside: those are [`Table::retain`]'s.
pub struct SummaryOptions<'a> {
    pub by: GroupBy,
    pub sort: SortBy,
    pub durations: Population,
    /// Only failed runs are in the table: then nothing is found about failing.
    pub failed_only: bool,
    /// Whether [`Summary::days`] are wanted.
    pub days: bool,
    /// Since when runs are to be compared with those before.
    pub compare_since: Option<DateTime<Utc>>,
    /// What runs since `--since` are compared with.
    pub baseline: &'a Baseline,
    /// What was set aside of the events, before the filters.
    pub strays: Strays,
    /// Seconds ahead of UTC at a second since 1970, see [`super::calendar::utc_offset_of`].
    pub offset: &'a (dyn Fn(i64) -> i64 + Sync),
}

/// Twelve weeks.
const TREND_MICROS: i64 = 84 * 86_400 * MICROS_PER_SECOND;

/// The numbers of all events in the table. Moves its rows about and takes its names: no copy of
/// them is made.
pub fn of<'a>(table: &'a mut Table, options: &SummaryOptions<'a>) -> Summary<'a> {
    let ends = table.period();
    let from = ends.map(|(from, _)| from.timestamp_micros());
    let to = ends.map(|(_, to)| to.timestamp_micros());
    let calendar = Calendar::new(options.offset, from.unwrap_or(0), to.unwrap_or(0));
    let targets = std::mem::take(&mut table.targets);
    let domains = std::mem::take(&mut table.domains);
    let series = std::mem::take(&mut table.series);
    let period = |from: i64, to: i64| {
        let days = calendar.hour(to).day - calendar.hour(from).day + 1;
        Some(Period {
            from: timestamp::to_datetime(from)?,
            to: timestamp::to_datetime(to)?,
            days: u64::try_from(days).unwrap_or(1),
        })
    };
    // A regression of this week cannot be seen in a cell that is a quarter.
    let trend_from = from.zip(to).map(|(from, to)| from.max(to - TREND_MICROS));
    let trend = trend_from.zip(to).and_then(|(from, to)| period(from, to));
    let period = from.zip(to).and_then(|(from, to)| period(from, to));
    let mut chunks = table.take_chunks();
    let threads = parallel::threads(&chunks);
    let seconds_covered = tally::seconds_covered(threads, &mut chunks);
    let days = if options.days {
        tally::days(threads, &chunks, &calendar, &series, options.durations)
    } else {
        Vec::new()
    };

    let by = options.by;
    let AllCounted { hours, tallies, runs, in_time_order } =
        AllCounted::of(threads, &mut chunks, &series, targets.len(), by, &calendar);
    // Which thread saw a series first must not matter where fractions are added up.
    let mut order: Vec<u32> = (0..).take(series.len()).collect();
    if tallies.iter().any(|tally| tally.fractional != 0.0) {
        order.sort_unstable_by_key(|&place| {
            let SeriesKey { target, domain, exit_code, .. } = series[place as usize];
            (&targets[target.index()], &domains[domain.index()], exit_code)
        });
    }

    let (mut totals, unique_targets) = totals(&order, &series, &tallies, targets.len());
    totals.seconds_covered = seconds_covered;
    let data = Dataset {
        outcomes: series.iter().map(|series| series.outcome).collect(),
        series,
        order,
        targets,
        domains,
        tallies,
        calendar,
        baseline: options.baseline,
        trend_from: trend_from.unwrap_or(0),
        to: to.unwrap_or(0),
        durations: options.durations,
        threads,
    };
    let (mut groups, findings) = Grouping::of(data, chunks, &runs, GroupBy::Target);
    drop(runs);
    if by == GroupBy::Domain {
        let (data, mut chunks) = groups.into_parts();
        for (chunk, rows) in chunks.iter_mut().zip(in_time_order) {
            chunk.rows = rows;
        }
        let group_of = GroupBy::Domain.group_of(&data.series);
        let scratch = || Scratch::new(data.series.len(), data.domains.len());
        let group = |scratch: &mut Scratch, chunk: &mut Chunk| {
            tally::group(chunk, &group_of, &data.calendar, scratch).runs
        };
        let (runs, _) = parallel(threads, &mut chunks, scratch, group);
        groups = Grouping::of(data, chunks, &runs, GroupBy::Domain).0;
    }
    let groups = Groups::Counted(Box::new(groups.sorted(options.sort)));
    let comparison = options.compare_since.map(|since| Comparison::of(&groups, since, options.durations));
    Summary {
        period,
        read_stats: std::mem::take(&mut table.read_stats),
        strays: options.strays,
        totals,
        groups,
        comparison,
        unique_targets,
        by_weekday_and_hour: hours,
        days,
        trend,
        findings: if options.failed_only { Vec::new() } else { findings },
        lacks_baseline: options.baseline.is_missing,
    }
}

/// The totals, and how many targets there are.
fn totals(order: &[u32], series: &[SeriesKey], tallies: &[Tally], targets: usize) -> (Totals, u64) {
    let mut counts = Counts::default();
    let (mut all, mut unfinished) = (Tally::default(), Tally::default());
    let mut seen = vec![false; targets];
    for &place in order {
        let (series, tally) = (&series[place as usize], &tallies[place as usize]);
        all.add(tally);
        counts.add(series.outcome, tally.runs);
        if series.outcome != Outcome::Ok {
            unfinished.add(tally);
        }
        seen[series.target.index()] |= tally.runs > 0;
    }
    let totals = Totals {
        counts,
        success_interval: statistics::wilson_interval(counts.ok, counts.ok + counts.failed),
        seconds: all.seconds(),
        seconds_unfinished: unfinished.seconds(),
        seconds_covered: 0.0,
        unknown_durations: all.unknown,
    };
    (totals, seen.iter().filter(|&&seen| seen).count() as u64)
}

/// What is counted in all chunks.
struct AllCounted {
    hours: [[u64; 24]; 7],
    tallies: Vec<Tally>,
    /// Of each chunk, by target: what is worth a look is always about targets.
    runs: Vec<Vec<tally::Segment>>,
    /// The rows of each chunk as they were, if they are to be grouped in another way, too.
    in_time_order: Vec<ChunkRows>,
}

impl AllCounted {
    fn of(
        threads: usize,
        chunks: &mut [Chunk],
        series: &[SeriesKey],
        targets: usize,
        by: GroupBy,
        calendar: &Calendar<'_>,
    ) -> Self {
        let group_of = GroupBy::Target.group_of(series);
        let scratch = || Scratch::new(series.len(), targets);
        let (parts, scratches) = parallel(threads, chunks, scratch, |scratch, chunk| {
            let in_time_order = (by == GroupBy::Domain).then(|| chunk.rows.clone());
            (in_time_order, tally::group(chunk, &group_of, calendar, scratch))
        });
        let mut tallies = vec![Tally::default(); series.len()];
        for scratch in scratches {
            for (tally, part) in tallies.iter_mut().zip(&scratch.tallies) {
                tally.add(part);
            }
        }
        let mut all = Self { hours: [[0; 24]; 7], tallies, runs: Vec::new(), in_time_order: Vec::new() };
        for (rows, part) in parts {
            for (day, part) in all.hours.iter_mut().zip(&part.hours) {
                for (hour, part) in day.iter_mut().zip(part) {
                    *hour += part;
                }
            }
            for (series, seconds) in part.fractional {
                match seconds {
                    Some(seconds) => all.tallies[series as usize].fractional += seconds,
                    None => all.tallies[series as usize].unknown += 1,
                }
            }
            all.in_time_order.extend(rows);
            all.runs.push(part.runs);
        }
        all
    }
}

impl Contents {
    pub fn of(table: &Table) -> Self {
        let sorted = |names: &[Box<str>]| {
            let mut names: Vec<String> =
                names.iter().filter(|name| !name.is_empty()).map(ToString::to_string).collect();
            names.sort_unstable();
            names
        };
        Self { span: table.period(), targets: sorted(&table.targets), domains: sorted(&table.domains) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt;
    use std::ops::{Deref, DerefMut};

    use super::*;
    use crate::event::table::{Filter, of_lines};
    use crate::report::grouping::Detail;
    use crate::report::model::{Change, ComparedGroup, DurationStats, Group, RunRecord};
    use fastrand::Rng;

    impl Deref for Groups<'_> {
        type Target = Vec<Group>;

        fn deref(&self) -> &Vec<Group> {
            match self {
                Self::Given(groups) => groups,
                Self::Counted(_) => panic!("not made yet"),
            }
        }
    }

    impl DerefMut for Groups<'_> {
        fn deref_mut(&mut self) -> &mut Vec<Group> {
            match self {
                Self::Given(groups) => groups,
                Self::Counted(_) => panic!("not made yet"),
            }
        }
    }

    impl Clone for Groups<'_> {
        fn clone(&self) -> Self {
            Self::Given(self.to_vec())
        }
    }

    impl fmt::Debug for Groups<'_> {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            (**self).fmt(out)
        }
    }

    /// With all groups made.
    fn of(table: Table, options: &SummaryOptions<'static>) -> Summary<'static> {
        let mut summary = super::of(Box::leak(Box::new(table)), options);
        summary.groups = Groups::Given(
            summary
                .groups
                .materialize_range(0..Groups::len(&summary.groups), Detail::Whole, |group| group)
                .collect(),
        );
        summary
    }

    const UTC: &(dyn Fn(i64) -> i64 + Sync) = &|_| 0;

    fn options() -> SummaryOptions<'static> {
        SummaryOptions {
            by: GroupBy::Target,
            sort: SortBy::Runs,
            durations: Population::Ok,
            failed_only: false,
            days: true,
            compare_since: None,
            baseline: Box::leak(Box::default()),
            strays: Strays::default(),
            offset: UTC,
        }
    }

    /// Lines of (timestamp, target, domain, seconds, exit code).
    fn table(events: &[(&str, &str, &str, f64, i64)]) -> Table {
        let lines: Vec<String> = events
            .iter()
            .map(|(timestamp, target, domain, seconds, exit_code)| {
                format!(
                    r#"{{"timestamp": "{timestamp}", "target": "{target}", "domain": "{domain}", "duration_seconds": {seconds:?}, "exit_code": {exit_code}}}"#
                )
            })
            .collect();
        of_lines(lines.iter().map(String::as_bytes))
    }

    #[test]
    fn counts_times_and_names_of_a_small_log() {
        let summary = of(
            table(&[
                ("2026-11-22T10:00:00Z", "apply", "pro", 10.0, 0),
                ("2026-11-22T23:30:00Z", "apply", "", 20.5, 2),
                ("2026-11-23T00:30:00Z", "apply", "pro", 5.0, -2),
                ("2026-11-23T09:00:00Z", "sync", "", 1.0, 0),
                ("not a time", "sync", "", 3.0, 0),
            ]),
            &options(),
        );
        assert_eq!(summary.totals.counts, Counts { runs: 5, ok: 3, failed: 1, interrupted: 1 });
        assert_eq!((summary.totals.seconds, summary.totals.seconds_unfinished), (39.5, 25.5));
        assert_eq!(summary.unique_targets, 2);
        let period = summary.period.unwrap();
        assert_eq!(period.from.to_rfc3339(), "2026-11-22T10:00:00+00:00");
        assert_eq!(period.to.to_rfc3339(), "2026-11-23T09:00:00+00:00");
        assert_eq!(period.days, 2);
        assert_eq!(summary.by_weekday_and_hour[6][10], 1);
        assert_eq!(summary.by_weekday_and_hour[6][23], 1);
        assert_eq!(summary.by_weekday_and_hour[0][0], 1);
        assert_eq!(summary.by_weekday_and_hour[0][9], 1);
        assert_eq!(summary.days.iter().map(|day| day.counts.runs).collect::<Vec<_>>(), [2, 2]);
        assert_eq!(summary.days.iter().map(|day| day.median).collect::<Vec<_>>(), [Some(10.0), Some(1.0)]);

        let names: Vec<_> = summary.groups.iter().map(|group| group.name.as_deref()).collect();
        assert_eq!(names, [Some("apply"), Some("sync")]);
        let apply = &summary.groups[0];
        assert_eq!(apply.counts, Counts { runs: 3, ok: 1, failed: 1, interrupted: 1 });
        assert_eq!(apply.exit_codes, BTreeMap::from([(0, 1), (2, 1), (130, 1)]));
        assert_eq!(apply.last_exit_code, 130);
        assert_eq!(apply.failure_streak, 1);
        assert_eq!(apply.ok.mean, Some(10.0));
        assert_eq!(apply.all.n, 3);
        assert_eq!(apply.all.median, Some(10.0));
        assert_eq!(apply.all.mad, Some(5.0));
        assert_eq!(apply.breakdown[0].0, None);
        assert_eq!(
            apply.breakdown[1],
            (Some("pro".into()), Counts { runs: 2, ok: 1, failed: 0, interrupted: 1 })
        );
        assert_eq!(apply.last_runs.len(), 3);
        assert_eq!(summary.groups[1].counts.runs, 2);
        assert_eq!(summary.groups[1].first_run, summary.groups[1].last_run);
    }

    #[test]
    fn a_row_of_a_table_says_what_the_whole_group_says() {
        let mut rng = Rng::with_seed(13);
        for (round, durations) in
            [Population::Ok, Population::Failed, Population::All].into_iter().enumerate().cycle().take(12)
        {
            // Groups of all sizes; in every fourth round some durations are fractional.
            let lines: Vec<String> = (0..6_000)
                .map(|number| {
                    let target = ["often", "often", "often", "sometimes", "seldom"]
                        [rng.usize(..5).min(rng.usize(..400))];
                    let moment = if rng.usize(..50) == 0 {
                        "never".to_owned()
                    } else {
                        crate::event::timestamp::to_datetime((number * 977 + 1_700_000_000) * 1_000_000).unwrap().to_rfc3339()
                    };
                    let milliseconds = rng.usize(..[3, 100, 1_000_000][round % 3]);
                    let fractional = if round % 4 == 0 && rng.usize(..9) == 0 { "77" } else { "" };
                    let code = rng.usize(..10) / 8;
                    format!(
                        r#"{{"timestamp": "{moment}", "target": "{target}", "domain": null, "duration_seconds": {}.{:03}{fractional}, "exit_code": {code}}}"#,
                        milliseconds / 1000,
                        milliseconds % 1000
                    )
                })
                .collect();
            let mut table = of_lines(lines.iter().map(String::as_bytes));
            let summary = super::of(&mut table, &SummaryOptions { durations, ..options() });
            let groups = &summary.groups;
            let of = |detail| {
                groups
                    .materialize_range(0..Groups::len(groups), detail, |group| group)
                    .collect::<Vec<Group>>()
            };
            let whole = of(Detail::Whole);
            assert!(whole.iter().any(|group| group.counts.runs > 3_000));
            for (row, whole) in of(Detail::Row { trend: 12 }).iter().zip(&whole) {
                let main = |group: &Group| {
                    let shown = group.durations();
                    (shown.n, shown.mean, shown.median, shown.p95, shown.min, shown.max)
                };
                assert_eq!(main(row), main(whole));
                assert_eq!((row.first_run, row.last_run), (whole.first_run, whole.last_run));
            }
        }
    }

    /// Seconds and exit code of the run so many hours ago.
    type Runs<'a> = &'a dyn Fn(i64) -> (f64, i64);

    /// A log of one event an hour up to 23 November 2026, 12:00, for each of these targets.
    fn hourly(hours: i64, targets: &[(&str, Runs<'_>)]) -> Vec<String> {
        let now = 1_795_435_200;
        let lines = (0..hours).rev().flat_map(|ago| {
            targets.iter().map(move |(target, run)| {
                let (seconds, code) = run(ago);
                let time = timestamp::to_datetime((now - ago * 3600) * 1_000_000).unwrap().to_rfc3339();
                format!(
                    r#"{{"timestamp": "{time}", "target": "{target}", "domain": null, "duration_seconds": {seconds:?}, "exit_code": {code}}}"#
                )
            })
        });
        lines.collect()
    }

    fn summary_of(lines: &[String]) -> Summary<'static> {
        of(of_lines(lines.iter().map(String::as_bytes)), &options())
    }

    #[test]
    fn a_target_that_fails_now_comes_before_many_noisy_ones_and_none_is_left_out() {
        let flaky = |ago: i64| (3600.0, i64::from(ago % 4 == 1));
        let broken = |ago: i64| (2.0, i64::from(ago < 30));
        let slower = |ago: i64| (if ago < 100 { 15.0 } else { 10.0 }, 0);
        let faster = |ago: i64| (if ago < 100 { 5000.0 } else { 9000.0 }, 0);
        let lines = hourly(
            900,
            &[
                ("suite-1", &flaky),
                ("suite-2", &flaky),
                ("suite-3", &flaky),
                ("suite-4", &flaky),
                ("suite-5", &flaky),
                ("suite-6", &flaky),
                ("deploy", &broken),
                ("sync", &slower),
                ("apply", &faster),
            ],
        );
        let summary = summary_of(&lines);
        let targets: Vec<&str> = summary.findings.iter().map(|finding| &*finding.target).collect();
        let suites = ["suite-1", "suite-2", "suite-3", "suite-4", "suite-5", "suite-6"];
        assert_eq!(targets, [&["deploy", "sync"][..], &suites, &["apply"]].concat());
    }

    #[test]
    fn events_of_a_wrong_clock_change_no_finding_and_no_time() {
        let slower = |ago: i64| (if ago < 100 { 15.0 } else { 10.0 }, i64::from(ago < 5));
        let lines = hourly(900, &[("apply", &slower)]);
        let right = summary_of(&lines);
        assert_eq!(right.findings.len(), 2);
        // Interrupted, so that they are in no rate.
        let interrupted = lines[0].replace("\"exit_code\": 0", "\"exit_code\": 130");
        let at = |time: &str| interrupted.replace(&interrupted[15..40], time);
        let wrong =
            [vec![at("1970-01-01T00:00:09+00:00")], lines.clone(), vec![at("2038-01-19T03:14:07+00:00")]]
                .concat();
        let mut table = of_lines(wrong.iter().map(String::as_bytes));
        let now = chrono::DateTime::parse_from_rfc3339("2026-11-23T12:30:00Z").unwrap().to_utc();
        let strays = table.untime_strays(now);
        let found = of(table, &SummaryOptions { strays, ..options() });
        assert_eq!((found.period, &found.findings), (right.period, &right.findings));
        assert_eq!(found.by_weekday_and_hour, right.by_weekday_and_hour);
        let (group, expected) = (&found.groups[0], &right.groups[0]);
        assert_eq!((group.last_run, group.failure_streak), (expected.last_run, expected.failure_streak));
        assert_eq!((group.counts.runs, &group.days), (expected.counts.runs + 2, &expected.days));
        assert_eq!((found.strays.future, found.strays.early, found.read_stats.events), (1, 1, 902));
    }

    #[test]
    fn runs_side_by_side_add_up_and_cover_their_time_once() {
        // A CI server: eight jobs end together each hour, the longest after ten minutes.
        let jobs: [(&str, Runs<'_>); 8] = [
            ("job-0", &|_| (600.0, 0)),
            ("job-1", &|_| (590.0, 0)),
            ("job-2", &|_| (580.0, 0)),
            ("job-3", &|_| (570.0, 0)),
            ("job-4", &|_| (560.0, 0)),
            ("job-5", &|_| (550.0, 0)),
            ("job-6", &|_| (540.0, 0)),
            ("job-7", &|ago| (530.0, i64::from(ago % 50 == 0))),
        ];
        let totals = summary_of(&hourly(200, &jobs)).totals;
        assert_eq!(
            (totals.seconds, totals.seconds_covered, totals.seconds_unfinished),
            (200.0 * 4520.0, 200.0 * 600.0, 4.0 * 530.0)
        );
    }

    #[test]
    fn a_target_by_itself_is_as_much_slower_as_among_others() {
        let slower = |ago: i64| (if ago < 150 { 15.0 } else { 10.0 }, 0);
        let lines = hourly(60 * 24, &[("apply", &slower), ("sync", &|_| (1.0, 0))]);
        // It has not run for three days.
        let is_over =
            |line: &&String| !line.contains("apply") || line.as_str() < lines[2 * (57 * 24)].as_str();
        let lines: Vec<&String> = lines.iter().filter(is_over).collect();
        let table = || of_lines(lines.iter().map(|line| line.as_bytes()));
        let change = |filter: &Filter| {
            let mut table = table();
            let baseline = Baseline::before_since(&table, filter);
            table.retain(filter);
            let options = SummaryOptions { baseline: Box::leak(Box::new(baseline)), ..options() };
            let summary = of(table, &options);
            let apply = summary.groups.iter().find(|group| group.name.as_deref() == Some("apply")).unwrap();
            let change = apply.change.unwrap();
            Change { tests: 0, ..change }
        };
        let among_others = change(&Filter::default());
        assert_eq!(change(&Filter { targets: vec!["apply".into()], ..Filter::default() }), among_others);
        assert_eq!(among_others.n, 4 * 24 + 1);
    }

    #[test]
    fn a_trend_covers_the_last_twelve_weeks_or_a_shorter_log() {
        let slower = |ago: i64| (if ago < 7 * 24 { 20.0 } else { 10.0 }, 0);
        // Two years, of which the last week is slow.
        let lines = hourly(2 * 365 * 24, &[("apply", &slower)]);
        let mut table = of_lines(lines.iter().map(String::as_bytes));
        let summary = super::of(&mut table, &options());
        let period = summary.trend.unwrap();
        assert_eq!((period.to - period.from).num_days(), 84);
        let trend = |slots| {
            summary.groups.materialize(&[0], Detail::Row { trend: slots }, |group| group.trend).remove(0)
        };
        let mut expected = vec![Some(10.0); 12];
        expected[11] = Some(20.0);
        assert_eq!(trend(12), expected);
        assert_eq!(trend(24)[21..], [Some(10.0), Some(20.0), Some(20.0)]);
        // A first week.
        let lines = hourly(7 * 24, &[("apply", &|ago| (if ago < 14 { 20.0 } else { 10.0 }, 0))]);
        let summary = summary_of(&lines);
        assert_eq!(summary.trend, summary.period);
    }

    #[test]
    fn one_target_is_told_with_its_last_failures_and_its_slowest_runs() {
        let seconds = |ago: i64| f64::from(i32::try_from(ago).unwrap());
        let run = |ago: i64| {
            (if ago % 1000 == 7 { 50.0 + seconds(ago) } else { 10.0 }, i64::from(ago % 500 == 3) * 2)
        };
        let lines = hourly(3000, &[("apply", &run)]);
        let mut table = of_lines(lines.iter().map(String::as_bytes));
        let summary = super::of(&mut table, &options());
        let group = summary.groups.materialize(&[0], Detail::Target { runs: 4 }, |group| group).remove(0);
        let hours = |runs: &[RunRecord]| {
            let ago = |run: &RunRecord| (summary.period.unwrap().to - run.ended_at.unwrap()).num_hours();
            runs.iter().map(|run| (ago(run), run.seconds, run.exit_code)).collect::<Vec<_>>()
        };
        let failure = |ago| (ago, Some(10.0), 2);
        assert_eq!(hours(&group.last_failures), [1503, 1003, 503, 3].map(failure));
        let slow = |ago: i64| (ago, Some(50.0 + seconds(ago)), 0);
        assert_eq!(hours(&group.slowest_runs)[..3], [2007, 1007, 7].map(slow));
        assert_eq!(group.slowest_runs[3].seconds, Some(10.0));
        assert_eq!(hours(&group.slowest_runs)[3].0, 0);
    }

    #[test]
    fn since_keeps_what_went_before_to_compare_with() {
        let slower = |ago: i64| (if ago < 100 { 15.0 } else { 10.0 }, i64::from(ago % 20 == 0));
        let lines = hourly(60 * 24, &[("apply", &slower), ("sync", &|_| (1.0, 0))]);
        let table = || of_lines(lines.iter().map(String::as_bytes));
        let unfiltered = of(table(), &options());
        let since = |hours: i64, filter: Filter| {
            let mut table = table();
            let since = unfiltered.period.map(|period| period.to - chrono::TimeDelta::hours(hours));
            let filter = Filter { since, ..filter };
            let baseline = Baseline::before_since(&table, &filter);
            table.retain(&filter);
            of(table, &SummaryOptions { baseline: Box::leak(Box::new(baseline)), ..options() })
        };
        assert_eq!(unfiltered.findings.len(), 1);
        for hours in [1, 5, 30, 60, 100, 300, 1000] {
            let summary = since(hours, Filter::default());
            assert!(summary.totals.counts.runs <= 2 * (hours.unsigned_abs() + 1));
            assert_eq!(summary.findings, unfiltered.findings, "{hours}");
            assert!(!summary.lacks_baseline);
        }
        // Nothing of it goes back so far, or passes.
        assert!(since(60 * 24, Filter::default()).lacks_baseline);
        let excluded = Filter { excludes: vec!["apply".into()], ..Filter::default() };
        assert_eq!(since(30, excluded).findings, []);
    }

    /// The expected figures are NumPy 2.4.6's and SciPy 1.17.1's, of the successful runs before and after:
    ///
    /// ```python
    /// numpy.median(before), numpy.quantile(before, .95), numpy.median(after), numpy.quantile(after, .95)
    /// scipy.stats.mannwhitneyu(after, before, method='asymptotic', use_continuity=True).pvalue
    /// ```
    #[test]
    fn comparison_has_the_figures_of_numpy_and_scipy() {
        let seconds = |milliseconds: i64| f64::from(i32::try_from(milliseconds).unwrap()) / 1000.0;
        let wave = |ago: i64| ago * 7919 % 1009;
        let apply = |ago: i64| {
            let slower = if ago < 60 { 1500 } else { 0 };
            (seconds(10_000 + wave(ago) + slower), if ago % 10 == 3 { 2 } else { 0 })
        };
        let sync = |ago: i64| (seconds(2000 + wave(ago)), if ago % 25 == 4 { 130 } else { 0 });
        let lint = |ago: i64| (seconds(5000 + 1000 * (ago % if ago < 60 { 2 } else { 3 })), 0);
        let plan = |ago: i64| (seconds(1000 + wave(ago)), i64::from((4..60).contains(&ago)));
        let seldom = |ago: i64| {
            let succeeds = ago % 12 == 0 && ago < 120;
            (seconds(if ago < 60 { 9000 } else { 5000 } + ago), i64::from(!succeeds))
        };
        let targets: [(&str, Runs<'_>); 5] =
            [("apply", &apply), ("sync", &sync), ("lint", &lint), ("plan", &plan), ("seldom", &seldom)];
        let mut lines = hourly(200, &targets);
        // Runs without a time are on no side.
        lines.push(lines[0].replace(&lines[0][15..40], "never"));
        let since = timestamp::to_datetime((1_795_435_200 - 59 * 3600) * 1_000_000);
        let compare = |by| {
            let table = of_lines(lines.iter().map(String::as_bytes));
            let options = SummaryOptions { sort: SortBy::Name, compare_since: since, by, ..options() };
            super::of(Box::leak(Box::new(table)), &options).comparison.unwrap()
        };
        let comparison = compare(GroupBy::Target);
        assert_eq!((Some(comparison.since), comparison.tests), (since, 4));
        let [apply, lint, plan, seldom, sync] = &comparison.rows[..] else { panic!("{comparison:?}") };
        let counts = |runs, ok, failed, interrupted| Counts { runs, ok, failed, interrupted };
        assert_eq!(apply.before.counts, counts(140, 126, 14, 0));
        assert_eq!(apply.after.counts, counts(60, 54, 6, 0));
        assert_eq!(sync.before.counts, counts(140, 135, 0, 5));
        assert_eq!(seldom.before.counts, counts(140, 5, 135, 0));
        let case = |row: &ComparedGroup, figures: [f64; 4], p: Option<f64>, beyond_chance: Option<bool>| {
            let found = [row.before.median, row.before.p95, row.after.median, row.after.p95];
            for (found, expected) in found.into_iter().zip(figures) {
                let found = found.unwrap_or(f64::NAN);
                let is_missing = found.is_nan() && expected.is_nan();
                assert!(is_missing || (found - expected).abs() < 1e-12 * expected, "{found:?}: {row:?}");
            }
            assert_eq!((row.beyond_chance, row.p.is_some()), (beyond_chance, p.is_some()), "{row:?}");
            let ratio = row.p.unwrap_or(1.0) / p.unwrap_or(1.0);
            assert!((ratio - 1.0).abs() < 1e-10, "{row:?}");
        };
        let few = f64::NAN;
        case(apply, [10.507, 10.963, 11.9715, 12.42415], Some(2.459_674_753_712_467_4e-26), Some(true));
        case(sync, [2.509, 2.9612, 2.488, 2.952], Some(0.694_857_628_163_752_3), Some(false));
        case(lint, [6.0, 7.0, 5.5, 6.0], Some(8.337_455_922_508_618e-5), Some(true));
        case(plan, [1.507, 1.9602, 1.6265, few], None, None);
        // Every run is slower, and five on each side cannot show it.
        case(seldom, [5.084, few, 9.024, few], Some(0.012_185_780_355_344_818), None);
        let worse = |rows: &[ComparedGroup]| rows.iter().filter(|row| row.is_worse()).count();
        assert_eq!(worse(&comparison.rows), 1);
        // All are in one domain: more runs, and other durations.
        let domains = compare(GroupBy::Domain);
        assert_eq!((domains.rows.len(), domains.tests, &domains.rows[0].name), (1, 1, &None));
        assert_eq!(domains.rows[0].after.counts.runs, 300);
    }

    #[test]
    fn an_unknown_duration_is_in_no_figure_and_is_counted() {
        let line = |second: usize, duration: &str| {
            format!(
                r#"{{"timestamp": "2026-11-22T10:00:{second:02}Z", "target": "apply"{duration}, "exit_code": 0}}"#
            )
        };
        let unknown = ["", "null", "NaN", "Infinity", "-Infinity", "-5", "-0.001"];
        let known = ["10.0", "20", "30.0001"];
        let durations = unknown.iter().chain(&known).enumerate();
        let lines: Vec<String> = durations
            .map(|(second, duration)| match *duration {
                "" => line(second, ""),
                duration => line(second, &format!(r#", "duration_seconds": {duration}"#)),
            })
            .collect();
        let summary = summary_of(&lines);
        let group = &summary.groups[0];
        assert_eq!((summary.totals.counts.ok, group.counts.ok), (10, 10));
        assert_eq!((summary.totals.unknown_durations, group.unknown_durations), (7, 7));
        assert_eq!((group.ok.n, group.ok.min, group.ok.median), (3, Some(10.0), Some(20.0)));
        assert!((group.ok.mean.unwrap() - 60.0001 / 3.0).abs() < 1e-9);
        assert!((summary.totals.seconds - 60.0001).abs() < 1e-9);
        assert_eq!(group.last_runs[0].seconds, None);
        // The newest is the longest, and covers the others.
        assert!((summary.totals.seconds_covered - 30.0001).abs() < 1e-6);
        assert_eq!(summary.days[0].counts.runs, 10);
        assert_eq!(summary.days[0].median, Some(20.0));
    }

    #[test]
    fn contents_are_those_before_the_filters() {
        let table = table(&[
            ("2026-11-22T12:00:00Z", "sync", "pro", 1.0, 0),
            ("not a time", "apply", "", 1.0, 0),
            ("2026-11-22T13:00:00Z", "apply", "lab", 1.0, 0),
        ]);
        let contents = Contents::of(&table);
        assert_eq!(
            (contents.targets, contents.domains),
            (vec!["apply".into(), "sync".into()], vec!["lab".into(), "pro".into()])
        );
        let (first, last) = contents.span.unwrap();
        assert_eq!((last - first).num_minutes(), 60);
    }

    #[test]
    fn an_empty_log_is_a_summary_of_zeros() {
        let summary = of(table(&[]), &options());
        assert_eq!(summary.period, None);
        assert_eq!(summary.totals.counts, Counts::default());
        assert_eq!(summary.totals.success_interval, None);
        assert!(summary.groups.is_empty() && summary.days.is_empty() && summary.findings.is_empty());
    }

    #[test]
    fn a_target_that_never_succeeded_shows_its_failed_runs() {
        let summary = of(table(&[("2026-11-22T10:00:00Z", "apply", "", 10.0, 1)]), &options());
        let apply = &summary.groups[0];
        assert_eq!((apply.population, apply.is_fallback), (Population::Failed, true));
        assert_eq!(apply.durations().mean, Some(10.0));
        assert_eq!(apply.ok, DurationStats::default());
    }

    #[test]
    fn a_report_by_domain_has_the_targets_as_parts() {
        let events = [
            ("2026-11-22T10:00:00Z", "apply", "", 10.0, 0),
            ("2026-11-22T11:00:00Z", "sync", "pro", 1.0, 0),
            ("2026-11-22T12:00:00Z", "apply", "pro", 10.0, 2),
        ];
        let summary = of(table(&events), &SummaryOptions { by: GroupBy::Domain, ..options() });
        assert_eq!(summary.groups[0].name.as_deref(), Some("pro"));
        assert_eq!(summary.groups[0].breakdown.len(), 2);
        assert_eq!(summary.groups[0].breakdown[0].0.as_deref(), Some("apply"));
        assert_eq!(summary.groups[1].name, None);
        assert_eq!(summary.unique_targets, 2);
    }

    #[test]
    fn names_are_numbered_in_the_order_that_they_appear_in() {
        let mut table = table(&[
            ("2026-11-22T12:00:00Z", "third", "b", 1.0, 0),
            ("2026-11-22T10:00:00Z", "first", "", 1.0, 0),
            ("2026-11-22T11:00:00Z", "second", "a", 1.0, 0),
            ("2026-11-22T13:00:00Z", "first", "a", 1.0, 0),
        ]);
        table.retain(&Filter { excludes: vec!["first".into()], ..Filter::default() });
        table.anonymize();
        let names: Vec<_> = table.events().map(|(_, event)| (event.target, event.domain.unwrap())).collect();
        assert_eq!(names, [("target-1".into(), "domain-1".into()), ("target-2".into(), "domain-2".into())]);
    }
}

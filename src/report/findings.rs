//! What is worth a look: slower or faster than before, failing in a row, failing now and then.
//!
//! The rules were chosen by simulation, and the tests below simulate them again: a reader who is
//! warned for nothing stops reading.

use super::model::{Change, ChangeWindow, Direction, FindingKind};
use super::statistics;

const DAY_MICROS: i64 = 86_400 * 1_000_000;
const WEEK_MICROS: i64 = 7 * DAY_MICROS;
const WINDOW_RUNS: usize = 10;
const BASELINE_MICROS: i64 = 28 * DAY_MICROS;
const BASELINE_RUNS: usize = 30;
/// Fewer runs say nothing.
const MIN_WINDOW_RUNS: usize = 5;
const MIN_BASELINE_RUNS: usize = 20;
/// What is beyond chance, shared among all tests of a report.
pub const ALPHA: f64 = 0.01;
/// A smaller change is not felt, however sure it is.
const MIN_RATIO: f64 = 1.10;
const MIN_SECONDS: f64 = 0.5;

/// The successful runs of a target, newest first, as far back as a change looks.
pub struct RecentOkRuns {
    newest: i64,
    /// Moment and seconds.
    runs: Vec<(i64, f64)>,
    /// So many are in the longer window, as soon as that is known.
    window: Option<usize>,
}

impl RecentOkRuns {
    /// `newest` is the newest event of all targets.
    pub fn new(newest: i64) -> Self {
        Self { newest, runs: Vec::new(), window: None }
    }

    /// Takes the next older run; `false`: no further one is of interest.
    pub fn push(&mut self, micros: i64, seconds: f64) -> bool {
        let count = self.runs.len();
        let Some(window) = self.window else {
            if count >= WINDOW_RUNS && micros < self.newest.saturating_sub(WEEK_MICROS) {
                self.window = Some(count);
                return self.push(micros, seconds);
            }
            self.runs.push((micros, seconds));
            return true;
        };
        let wanted = count < window + BASELINE_RUNS
            || micros >= self.runs[window - 1].0.saturating_sub(BASELINE_MICROS);
        if wanted {
            self.runs.push((micros, seconds));
        }
        wanted
    }

    /// The likelier of two comparisons, whether or not it means anything ([`Change::is_significant`]).
    /// `None`: too few runs.
    pub fn change(&self) -> Option<Change> {
        let long = self.window.unwrap_or(self.runs.len());
        let by_days =
            self.compare(long, if long > WINDOW_RUNS { ChangeWindow::Days7 } else { ChangeWindow::Runs10 });
        let by_runs = (long > WINDOW_RUNS).then(|| self.compare(WINDOW_RUNS, ChangeWindow::Runs10)).flatten();
        match (by_days, by_runs) {
            (Some(days), Some(runs)) => Some(if runs.p < days.p { runs } else { days }),
            (days, runs) => days.or(runs),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "2^53 microseconds are 285 years")]
    fn compare(&self, window: usize, name: ChangeWindow) -> Option<Change> {
        let (now, before) = self.runs.split_at_checked(window)?;
        let oldest = now.last()?.0.saturating_sub(BASELINE_MICROS);
        let in_time = before.partition_point(|&(micros, _)| micros >= oldest);
        let before = &before[..in_time.max(BASELINE_RUNS).min(before.len())];
        if now.len() < MIN_WINDOW_RUNS || before.len() < MIN_BASELINE_RUNS {
            return None;
        }
        // A window of days holds the runs of a week; ten runs may be of one day, or of many weeks.
        let in_a_week =
            self.runs.partition_point(|&(micros, _)| micros >= self.newest.saturating_sub(WEEK_MICROS));
        let span = self.newest.saturating_sub(now.last()?.0);
        let runs_per_week = if span > WEEK_MICROS {
            now.len() as f64 * WEEK_MICROS as f64 / span as f64
        } else {
            in_a_week as f64
        };
        let sorted = |runs: &[(i64, f64)]| {
            let mut seconds: Vec<f64> = runs.iter().map(|&(_, seconds)| seconds).collect();
            seconds.sort_unstable_by(f64::total_cmp);
            seconds
        };
        let (now, before) = (sorted(now), sorted(before));
        let (median, baseline_median) =
            (statistics::quantile(&now, 0.5)?, statistics::quantile(&before, 0.5)?);
        Some(Change {
            direction: if median < baseline_median { Direction::Faster } else { Direction::Slower },
            ratio: median / baseline_median,
            window: name,
            n: now.len() as u64,
            baseline_n: before.len() as u64,
            median,
            baseline_median,
            p: statistics::mann_whitney_u(&now, &before),
            tests: 0,
            seconds_per_week: (median - baseline_median).abs() * runs_per_week,
        })
    }
}

impl Change {
    /// Beyond chance, and big enough to be felt.
    #[expect(clippy::cast_precision_loss, reason = "2^53 targets are out of reach")]
    pub fn is_significant(&self) -> bool {
        self.p < ALPHA / self.tests as f64 && is_felt(self.median, self.baseline_median)
    }
}

/// Whether two medians are far enough apart to matter.
pub fn is_felt(one: f64, other: f64) -> bool {
    let (low, high) = (one.min(other), one.max(other));
    high >= MIN_RATIO * low && high - low >= MIN_SECONDS && low > 0.0
}

/// The completed (ok or failed) runs of a target, newest first, as far back as it matters.
#[derive(Debug, Default)]
pub struct CompletedRuns {
    /// Failed runs since the last success; their seconds; when the first of them was.
    streak: u64,
    streak_seconds: f64,
    streak_since: Option<i64>,
    streak_over: bool,
    /// Of the last [`FLAKY_WINDOW`] runs.
    runs: u64,
    failed: u64,
    failed_seconds: f64,
    episodes: u64,
    last_failed: bool,
}

const FLAKY_WINDOW: u64 = 50;
const MIN_STREAK: u64 = 3;
/// What is surely (95 %) seldomer is no finding.
const MIN_FLAKY_RATE: f64 = 0.10;
const MIN_FLAKY_EPISODES: u64 = 3;

impl CompletedRuns {
    /// Takes the next older run; `false`: no further one is of interest.
    pub fn push(&mut self, failed: bool, micros: i64, seconds: f64) -> bool {
        if failed && !self.streak_over {
            self.streak += 1;
            self.streak_seconds += seconds;
            self.streak_since = Some(micros);
        }
        self.streak_over |= !failed;
        if self.runs < FLAKY_WINDOW {
            self.runs += 1;
            if failed {
                self.failed += 1;
                self.failed_seconds += seconds;
                self.episodes += u64::from(!self.last_failed);
            }
            self.last_failed = failed;
        }
        self.runs < FLAKY_WINDOW || !self.streak_over
    }

    pub fn streak(&self) -> u64 {
        self.streak
    }

    /// With the seconds that it cost. `ok` and `rated` are of all runs.
    #[expect(clippy::cast_precision_loss, reason = "2^53 runs are out of reach")]
    pub fn finding(&self, ok: u64, rated: u64) -> Option<(FindingKind, f64)> {
        if self.streak >= MIN_STREAK {
            let since = self.streak_since.and_then(crate::event::timestamp::to_datetime);
            let success_rate = (rated > 0).then(|| ok as f64 / rated as f64);
            let kind = FindingKind::Failing { runs: self.streak, since, success_rate, rated, ok };
            return Some((kind, self.streak_seconds));
        }
        let (low, _) = statistics::wilson_interval(self.failed, self.runs)?;
        let often = low >= MIN_FLAKY_RATE;
        let scattered = self.episodes >= MIN_FLAKY_EPISODES && self.episodes * 3 >= self.failed;
        (often && scattered).then_some((
            FindingKind::Flaky { failed: self.failed, window: self.runs, episodes: self.episodes },
            self.failed_seconds,
        ))
    }
}

/// The seconds a change costs or spares in its window.
#[expect(clippy::cast_precision_loss, reason = "2^53 runs are out of reach")]
pub fn impact(change: &Change) -> f64 {
    (change.median - change.baseline_median).abs() * change.n as f64
}

/// In the order in which one must act: failing now, slower, failing now and then, faster; within a kind those first
/// that are about most seconds. Of the targets with these numbers.
pub fn sort_by_urgency<'a>(found: &mut [(u32, FindingKind, f64)], name: impl Fn(u32) -> &'a str) {
    let urgency = |kind: &FindingKind| match kind {
        FindingKind::Failing { .. } => 0,
        FindingKind::Changed(change) if change.direction == Direction::Slower => 1,
        FindingKind::Flaky { .. } => 2,
        FindingKind::Changed(_) => 3,
    };
    found.sort_by(|(a, a_kind, a_seconds), (b, b_kind, b_seconds)| {
        urgency(a_kind)
            .cmp(&urgency(b_kind))
            .then_with(|| b_seconds.total_cmp(a_seconds))
            .then_with(|| name(*a).cmp(name(*b)))
    });
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    /// Above 0, at most 1.
    fn share_of_one(rng: &mut Rng) -> f64 {
        1.0 - rng.f64()
    }

    /// Durations as they are: skewed, and one in 25 stalls.
    fn duration(rng: &mut Rng, usual: f64) -> f64 {
        let normal = (-2.0 * share_of_one(rng).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos();
        let stall = if rng.f64() < 0.04 { 1.0 + 4.0 * rng.f64() } else { 1.0 };
        usual * (0.25 * normal).exp() * stall
    }

    const NOW: i64 = 1_000 * DAY_MICROS;

    /// What is found of a target that runs so often, and takes so many times longer in the last `days`.
    fn simulate(rng: &mut Rng, runs_a_day: f64, days: f64, factor: f64) -> Option<Change> {
        const TO_MICROS: f64 = 86_400e6;
        let mut recent = RecentOkRuns::new(NOW);
        let mut age = 0.0;
        while age < 90.0 {
            // Runs come one by one, not on a beat.
            age -= share_of_one(rng).ln() / runs_a_day;
            let usual = if age < days { 60.0 * factor } else { 60.0 };
            #[expect(clippy::cast_possible_truncation, reason = "ninety days")]
            let micros = NOW - (age * TO_MICROS) as i64;
            if !recent.push(micros, duration(rng, usual)) {
                break;
            }
        }
        recent.change()
    }

    fn share(hits: usize, of: usize) -> f64 {
        f64::from(u32::try_from(hits).unwrap()) / f64::from(u32::try_from(of).unwrap())
    }

    #[test]
    fn one_report_in_a_hundred_warns_of_nothing() {
        const REPORTS: usize = 2_000;
        let mut rng = Rng::with_seed(1);
        let false_alarms = (0..REPORTS)
            .filter(|_| {
                let rates = [12.0, 8.0, 6.0, 4.0, 2.0, 1.0, 0.7];
                let changes: Vec<Change> =
                    rates.iter().filter_map(|&rate| simulate(&mut rng, rate, 0.0, 1.0)).collect();
                let tests = changes.len() as u64;
                changes.iter().any(|change| Change { tests, ..*change }.is_significant())
            })
            .count();
        let rate = share(false_alarms, REPORTS);
        assert!(rate <= 0.012, "{rate}");
    }

    #[test]
    fn what_got_slower_by_45_percent_is_found_within_days() {
        const TRIALS: usize = 400;
        let mut rng = Rng::with_seed(2);
        for (days, least, most) in [
            (1.0, 0.25, 0.5),
            (2.0, 0.6, 0.9),
            (4.0, 0.88, 1.0),
            (7.0, 0.99, 1.0),
            (14.0, 0.97, 1.0),
            (21.0, 0.7, 0.9),
        ] {
            let found = (0..TRIALS)
                .filter_map(|_| simulate(&mut rng, 8.0, days, 1.45))
                .filter(|change| Change { tests: 7, ..*change }.is_significant())
                .inspect(|change| assert_eq!(change.direction, Direction::Slower))
                .count();
            let rate = share(found, TRIALS);
            assert!((least..=most).contains(&rate), "after {days} days: {rate}");
        }
    }

    /// The share of series with so many failures that are said to fail now and then, and in a row.
    fn failing(rng: &mut Rng, rate: f64) -> (f64, f64) {
        const SERIES: usize = 4_000;
        let (mut flaky, mut streaks) = (0, 0);
        for _ in 0..SERIES {
            let mut completed = CompletedRuns::default();
            while completed.push(share_of_one(rng) <= rate, NOW, 1.0) {}
            match completed.finding(1, 1) {
                Some((FindingKind::Flaky { .. }, _)) => flaky += 1,
                Some((FindingKind::Failing { .. }, _)) => streaks += 1,
                _ => (),
            }
        }
        (share(flaky, SERIES), share(streaks, SERIES))
    }

    #[test]
    fn only_what_fails_often_fails_now_and_then() {
        let mut rng = Rng::with_seed(3);
        for (rate, least, most) in
            [(0.05, 0.0, 0.005), (0.10, 0.0, 0.05), (0.20, 0.45, 0.65), (0.30, 0.9, 1.0)]
        {
            let (flaky, streaks) = failing(&mut rng, rate);
            let found = flaky + streaks;
            assert!((least..=most).contains(&found), "of {rate}: {flaky} and {streaks} in a row");
        }
    }

    fn completed(outcomes: &str) -> CompletedRuns {
        let mut completed = CompletedRuns::default();
        for (age, outcome) in (0..).zip(outcomes.chars()) {
            if !completed.push(outcome == 'x', NOW - age, 2.0) {
                break;
            }
        }
        completed
    }

    #[test]
    fn three_failures_in_a_row_are_a_finding_with_its_beginning() {
        assert_eq!(completed("xx.").finding(1, 3), None);
        let (kind, seconds) = completed("xxx.x").finding(1, 5).unwrap();
        let since = crate::event::timestamp::to_datetime(NOW - 2);
        assert_eq!(kind, FindingKind::Failing { runs: 3, since, success_rate: Some(0.2), rated: 5, ok: 1 });
        assert!((seconds - 6.0).abs() < 1e-9);
    }

    #[test]
    fn one_bad_spell_is_not_now_and_then() {
        let spell = format!("....{}{}", "x".repeat(12), ".".repeat(60));
        assert_eq!(completed(&spell).finding(60, 72), None);
        let (kind, _) = completed(&".x.x.x.xx.....".repeat(5)).finding(45, 70).unwrap();
        assert_eq!(kind, FindingKind::Flaky { failed: 19, window: 50, episodes: 16 });
    }

    fn series(runs: impl IntoIterator<Item = (i64, f64)>) -> Option<Change> {
        let mut recent = RecentOkRuns::new(NOW);
        for (age, seconds) in runs {
            if !recent.push(NOW - age, seconds) {
                break;
            }
        }
        recent.change()
    }

    #[test]
    fn a_window_is_seven_days_or_ten_runs_and_its_baseline_28_days_or_thirty_runs() {
        let daily = |days: std::ops::Range<i64>| days.map(|day| (day * DAY_MICROS, 60.0));
        let change = series(daily(0..100)).unwrap();
        assert_eq!((change.window, change.n, change.baseline_n), (ChangeWindow::Runs10, 10, 30));
        assert_eq!(series(daily(0..29)), None);
        let change = series(daily(0..30)).unwrap();
        assert_eq!((change.n, change.baseline_n), (10, 20));

        let hourly = (0..2000).map(|hour| (hour * DAY_MICROS / 24, 60.0));
        let change = series(hourly).unwrap();
        assert_eq!((change.window, change.n, change.baseline_n), (ChangeWindow::Days7, 7 * 24 + 1, 28 * 24));
    }

    #[test]
    fn a_change_costs_its_difference_for_each_run_of_a_week() {
        let cost = |hours_between: i64| {
            let runs = (0..1000)
                .map(|run| (run * hours_between * DAY_MICROS / 24, if run < 10 { 25.0 } else { 20.0 }));
            let change = series(runs).unwrap();
            assert_eq!(change.window, ChangeWindow::Runs10);
            change.seconds_per_week
        };
        // Hourly: 169 runs in seven days, both ends included. Every third day: nine gaps of three days for ten runs.
        assert!((cost(1) - 5.0 * 169.0).abs() < 1e-6, "{}", cost(1));
        assert!((cost(72) - 50.0 * 7.0 / 27.0).abs() < 1e-6, "{}", cost(72));
    }

    #[test]
    fn a_change_must_be_big_enough_to_be_felt() {
        let two_levels = |now: f64, before: f64| {
            let hourly =
                (0..1000).map(|hour| (hour * DAY_MICROS / 24, if hour < 100 { now } else { before }));
            Change { tests: 1, ..series(hourly).unwrap() }
        };
        assert!(two_levels(11.1, 10.0).is_significant());
        assert!(!two_levels(10.9, 10.0).is_significant());
        assert!(!two_levels(2.4, 2.0).is_significant());
        let faster = two_levels(5.0, 10.0);
        assert!(faster.is_significant() && faster.direction == Direction::Faster);
        assert!(!two_levels(5.0, 0.0).is_significant());
    }
}

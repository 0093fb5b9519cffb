//! What is worth a look: slower or faster than before, failing in a row, failing now and then.
//!
//! The rules were chosen by simulation, and the tests below simulate them again: a reader who is
//! warned for nothing stops reading.

use super::statistics::{self, Sorted as _};
use super::summary::{Change, Direction, Finding, FindingKind, Window};

const DAY: i64 = 86_400 * 1_000_000;
const WINDOW: i64 = 7 * DAY;
const WINDOW_RUNS: usize = 10;
const BASELINE: i64 = 28 * DAY;
const BASELINE_RUNS: usize = 30;
/// Fewer runs say nothing.
const WINDOW_LEAST: usize = 5;
const BASELINE_LEAST: usize = 20;
const SIGNIFICANT: f64 = 0.01;
/// A smaller change is not felt, however sure it is.
const RATIO: f64 = 1.10;
const SECONDS: f64 = 0.5;

/// A report names no more than this many.
pub const MOST: usize = 5;

/// The successful runs of a target, newest first, as far back as [`change`] looks.
pub struct Recent {
    newest: i64,
    /// Moment and seconds.
    runs: Vec<(i64, f64)>,
    /// So many are in the longer window, as soon as that is known.
    window: Option<usize>,
}

impl Recent {
    /// `newest` is the newest event of all targets.
    pub fn new(newest: i64) -> Self {
        Self { newest, runs: Vec::new(), window: None }
    }

    /// Takes the next older run; `false`: no further one is of interest.
    pub fn push(&mut self, micros: i64, seconds: f64) -> bool {
        let count = self.runs.len();
        let Some(window) = self.window else {
            if count >= WINDOW_RUNS && micros < self.newest.saturating_sub(WINDOW) {
                self.window = Some(count);
                return self.push(micros, seconds);
            }
            self.runs.push((micros, seconds));
            return true;
        };
        let wanted =
            count < window + BASELINE_RUNS || micros >= self.runs[window - 1].0.saturating_sub(BASELINE);
        if wanted {
            self.runs.push((micros, seconds));
        }
        wanted
    }

    /// The likelier of two comparisons, whether or not it means anything ([`Change::is_real`]).
    /// `None`: too few runs.
    pub fn change(&self) -> Option<Change> {
        let long = self.window.unwrap_or(self.runs.len());
        let by_days = self.compare(long, if long > WINDOW_RUNS { Window::Days7 } else { Window::Runs10 });
        let by_runs = (long > WINDOW_RUNS).then(|| self.compare(WINDOW_RUNS, Window::Runs10)).flatten();
        match (by_days, by_runs) {
            (Some(days), Some(runs)) => Some(if runs.p < days.p { runs } else { days }),
            (days, runs) => days.or(runs),
        }
    }

    fn compare(&self, window: usize, name: Window) -> Option<Change> {
        let (now, before) = self.runs.split_at_checked(window)?;
        let oldest = now.last()?.0.saturating_sub(BASELINE);
        let in_time = before.partition_point(|&(micros, _)| micros >= oldest);
        let before = &before[..in_time.max(BASELINE_RUNS).min(before.len())];
        if now.len() < WINDOW_LEAST || before.len() < BASELINE_LEAST {
            return None;
        }
        let sorted = |runs: &[(i64, f64)]| {
            let mut seconds: Vec<f64> = runs.iter().map(|&(_, seconds)| seconds).collect();
            seconds.sort_unstable_by(f64::total_cmp);
            seconds
        };
        let (now, before) = (sorted(now), sorted(before));
        let (median, baseline_median) = (now.median()?, before.median()?);
        Some(Change {
            direction: if median < baseline_median { Direction::Faster } else { Direction::Slower },
            ratio: median / baseline_median,
            window: name,
            n: now.len() as u64,
            baseline_n: before.len() as u64,
            median,
            baseline_median,
            p: statistics::rank_test(&now, &before),
            tests: 0,
        })
    }
}

impl Change {
    /// Beyond chance, and big enough to be felt.
    #[expect(clippy::cast_precision_loss, reason = "2^53 targets are out of reach")]
    pub fn is_real(&self) -> bool {
        let (low, high) = (self.median.min(self.baseline_median), self.median.max(self.baseline_median));
        self.p < SIGNIFICANT / self.tests as f64 && high >= RATIO * low && high - low >= SECONDS && low > 0.0
    }
}

/// The completed (ok or failed) runs of a target, newest first, as far back as it matters.
#[derive(Debug, Default)]
pub struct Completed {
    /// Failed runs since the last success; their seconds; when the first of them was.
    streak: u64,
    streak_seconds: f64,
    streak_since: Option<i64>,
    streak_over: bool,
    /// Of the last [`COMPLETED`] runs.
    runs: u64,
    failed: u64,
    failed_seconds: f64,
    spells: u64,
    last_failed: bool,
}

const COMPLETED: u64 = 50;
const STREAK: u64 = 3;
/// What is surely (95 %) seldomer is no finding.
const FLAKY_SHARE: f64 = 0.10;
const FLAKY_SPELLS: u64 = 3;

impl Completed {
    /// Takes the next older run; `false`: no further one is of interest.
    pub fn push(&mut self, failed: bool, micros: i64, seconds: f64) -> bool {
        if failed && !self.streak_over {
            self.streak += 1;
            self.streak_seconds += seconds;
            self.streak_since = Some(micros);
        }
        self.streak_over |= !failed;
        if self.runs < COMPLETED {
            self.runs += 1;
            if failed {
                self.failed += 1;
                self.failed_seconds += seconds;
                self.spells += u64::from(!self.last_failed);
            }
            self.last_failed = failed;
        }
        self.runs < COMPLETED || !self.streak_over
    }

    pub fn streak(&self) -> u64 {
        self.streak
    }

    /// With the seconds that it cost. `ok` and `rated` are of all runs.
    #[expect(clippy::cast_precision_loss, reason = "2^53 runs are out of reach")]
    pub fn finding(&self, ok: u64, rated: u64) -> Option<(FindingKind, f64)> {
        if self.streak >= STREAK {
            let since = self.streak_since.and_then(crate::event::table::moment);
            let success_rate = (rated > 0).then(|| ok as f64 / rated as f64);
            let kind = FindingKind::Failing { runs: self.streak, since, success_rate, rated, ok };
            return Some((kind, self.streak_seconds));
        }
        let (low, _) = statistics::wilson(self.failed, self.runs)?;
        let often = low >= FLAKY_SHARE;
        let scattered = self.spells >= FLAKY_SPELLS && self.spells * 3 >= self.failed;
        (often && scattered).then_some((
            FindingKind::Flaky { failed: self.failed, window: self.runs, spells: self.spells },
            self.failed_seconds,
        ))
    }
}

/// The seconds a change costs or spares in its window.
#[expect(clippy::cast_precision_loss, reason = "2^53 runs are out of reach")]
pub fn impact(change: &Change) -> f64 {
    (change.median - change.baseline_median).abs() * change.n as f64
}

/// The few that matter most, by the seconds they are about.
pub fn choose(mut found: Vec<(Finding, f64)>) -> Vec<Finding> {
    let place = |kind: &FindingKind| match kind {
        FindingKind::Changed(_) => 0,
        FindingKind::Failing { .. } => 1,
        FindingKind::Flaky { .. } => 2,
    };
    found.sort_by(|(a, a_seconds), (b, b_seconds)| {
        b_seconds
            .total_cmp(a_seconds)
            .then_with(|| a.target.cmp(&b.target))
            .then_with(|| place(&a.kind).cmp(&place(&b.kind)))
    });
    found.truncate(MOST);
    found.into_iter().map(|(finding, _)| finding).collect()
}

//! What the engine finds out and the renderings show: types only, and answers that follow from their fields.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::event::outcome::Outcome;
use crate::event::table::SeriesKey;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// Calendar days in the report's zone, both ends included.
    pub days: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub runs: u64,
    pub ok: u64,
    pub failed: u64,
    pub interrupted: u64,
}

impl Counts {
    /// ok / (ok + failed); interrupted runs are in neither.
    #[expect(clippy::cast_precision_loss, reason = "2^53 runs are out of reach")]
    pub fn success_rate(&self) -> Option<f64> {
        let rated = self.ok + self.failed;
        (rated > 0).then(|| self.ok as f64 / rated as f64)
    }
}

impl Counts {
    pub fn add(&mut self, outcome: Outcome, runs: u64) {
        self.runs += runs;
        match outcome {
            Outcome::Ok => self.ok += runs,
            Outcome::Failed => self.failed += runs,
            Outcome::Interrupted => self.interrupted += runs,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    pub counts: Counts,
    /// Wilson score interval of the success rate, 95 %.
    pub success_interval: Option<(f64, f64)>,
    pub seconds: f64,
    /// Of failed and interrupted runs.
    pub seconds_unfinished: f64,
    /// Time on the clock during which at least one run was going on: the union of the runs' intervals. Runs that
    /// are nested or side by side add up in `seconds`, not here. The log has the second in which a run ended, so
    /// this is exact to about a second a run.
    pub seconds_covered: f64,
    /// Runs whose duration is missing, negative or no number: they count as runs, and are in no duration.
    pub unknown_durations: u64,
}

/// A target's (or a domain's) numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// `None`: no domain (only with `--by domain`).
    pub name: Option<String>,
    pub counts: Counts,
    pub success_interval: Option<(f64, f64)>,
    pub exit_codes: BTreeMap<i64, u64>,
    pub seconds: f64,
    pub seconds_unfinished: f64,
    /// Runs whose duration is not known, see [`Totals::unknown_durations`].
    pub unknown_durations: u64,
    pub first_run: Option<DateTime<Utc>>,
    pub last_run: Option<DateTime<Utc>>,
    pub last_exit_code: i64,
    /// Failed runs in a row up to now, interrupted ones skipped.
    pub failure_streak: u64,
    pub ok: DurationStats,
    pub failed: DurationStats,
    pub all: DurationStats,
    /// Which population the report shows for this group: the one of `--durations`, and for a group
    /// that never succeeded its failed runs (`is_fallback`).
    pub population: Population,
    pub is_fallback: bool,
    pub usual: Option<Usual>,
    pub change: Option<Change>,
    /// Median of the shown population per equal time slot of `Summary::trend`; empty if not asked for.
    pub trend: Vec<Option<f64>>,
    /// (domain, counts), with `--by domain` (target, counts), in byte order of the names, none first.
    pub breakdown: Vec<(Option<String>, Counts)>,
    /// Per day that has events: counts and median of the shown population.
    pub days: Vec<DayStats>,
    /// The newest runs, oldest first; at most ten.
    pub last_runs: Vec<RunRecord>,
    /// The newest failed runs, oldest first, and the slowest of the shown runs, the slowest first; as many as were
    /// asked for with `Detail::Target`, with any other detail none.
    pub last_failures: Vec<RunRecord>,
    pub slowest_runs: Vec<RunRecord>,
    pub histogram: Vec<HistogramBin>,
    /// The slowest shown runs beyond the p95 whisker, for dots in a drawing; at most 50, descending.
    pub outliers: Vec<f64>,
}

impl Group {
    pub fn stats_mut(&mut self, population: Population) -> &mut DurationStats {
        match population {
            Population::Ok => &mut self.ok,
            Population::Failed => &mut self.failed,
            Population::All => &mut self.all,
        }
    }

    /// The durations that the report shows.
    pub fn durations(&self) -> &DurationStats {
        match self.population {
            Population::Ok => &self.ok,
            Population::Failed => &self.failed,
            Population::All => &self.all,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Population {
    Ok,
    Failed,
    All,
}

impl Population {
    pub fn has(self, outcome: Outcome) -> bool {
        match self {
            Self::Ok => outcome == Outcome::Ok,
            Self::Failed => outcome == Outcome::Failed,
            Self::All => true,
        }
    }
}

/// Durations of one population, in seconds. `n == 0`: all figures are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DurationStats {
    pub n: u64,
    pub mean: Option<f64>,
    pub median: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// Raw median absolute deviation.
    pub mad: Option<f64>,
    /// From 20 runs on.
    pub p5: Option<f64>,
    pub p10: Option<f64>,
    pub p90: Option<f64>,
    pub p95: Option<f64>,
    /// From 5 runs on.
    pub p25: Option<f64>,
    pub p75: Option<f64>,
}

/// Of the last 20 runs that succeeded; from 5 on, the range from 10 on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    pub n: u64,
    pub median: f64,
    pub range: Option<(f64, f64)>,
}

/// How a run that is going on compares with the runs that [`Usual`] is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub usual: Usual,
    /// So many of them took less time than this run has taken already.
    pub longer_than: u64,
    /// Seconds. `None`: too few of them took longer.
    pub remaining: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Slower,
    Faster,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeWindow {
    /// The last 7 × 24 h.
    Days7,
    Runs10,
}

/// Slower or faster than before, beyond chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    pub direction: Direction,
    /// Median of the window divided by the median of the baseline.
    pub ratio: f64,
    pub window: ChangeWindow,
    pub n: u64,
    pub baseline_n: u64,
    pub median: f64,
    pub baseline_median: f64,
    /// Raw, of the two-sided rank test.
    pub p: f64,
    /// How many targets were tested; significant is p < 0.01 / tests.
    pub tests: u64,
    /// What the change costs or spares a week, never negative: the difference of the medians, times the runs of the
    /// last seven days (or as many as the window has a week, if it is longer).
    pub seconds_per_week: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub target: String,
    pub kind: FindingKind,
}

impl Finding {
    /// A target that is failing now, or slower than before.
    pub fn is_worse(&self) -> bool {
        match &self.kind {
            FindingKind::Failing { .. } => true,
            FindingKind::Changed(change) => change.direction == Direction::Slower,
            FindingKind::Flaky { .. } => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum FindingKind {
    /// `slower` or `faster`.
    Changed(Change),
    /// `failing`: in a row, since the first of them.
    Failing { runs: u64, since: Option<DateTime<Utc>>, success_rate: Option<f64>, rated: u64, ok: u64 },
    /// `flaky`: so many of the last `window` completed runs, in separate episodes.
    Flaky { failed: u64, window: u64, episodes: u64 },
}

/// What was before a moment beside what has been since (`--compare`).
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub since: DateTime<Utc>,
    /// How many groups were tested; beyond chance is p < 0.01 / tests.
    pub tests: u64,
    /// In the order of [`Summary::groups`](super::summary::Summary::groups).
    pub rows: Vec<ComparedGroup>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ComparedGroup {
    /// `None`: no domain (only with `--by domain`).
    pub name: Option<String>,
    pub before: ComparedRuns,
    pub after: ComparedRuns,
    /// Raw, of the two-sided rank test; `None` below five durations on a side.
    pub p: Option<f64>,
    /// `None`: of so few runs no difference could be.
    pub beyond_chance: Option<bool>,
}

/// The runs on one side of the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ComparedRuns {
    pub counts: Counts,
    /// How many durations the figures are of.
    pub n: u64,
    pub median: Option<f64>,
    /// From 20 runs on.
    pub p95: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DayStats {
    pub date: chrono::NaiveDate,
    pub counts: Counts,
    /// Of the shown population.
    pub median: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    pub ended_at: Option<DateTime<Utc>>,
    /// `None`: not known.
    pub seconds: Option<f64>,
    pub exit_code: i64,
    pub domain: Option<String>,
}

/// A histogram's bin: [low, high) seconds, the last one open (`high` is `None`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistogramBin {
    pub low: f64,
    pub high: Option<f64>,
    pub runs: u64,
}

/// What a row stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    #[default]
    Target,
    Domain,
}

impl GroupBy {
    /// How many groups there can be.
    pub fn group_count(self, targets: &[Box<str>], domains: &[Box<str>]) -> usize {
        match self {
            Self::Target => targets.len(),
            Self::Domain => domains.len(),
        }
    }

    /// Of each series.
    pub fn group_of(self, series: &[SeriesKey]) -> Vec<u32> {
        let name_of = |series: &SeriesKey| match self {
            Self::Target => series.target.0,
            Self::Domain => series.domain.0,
        };
        series.iter().map(name_of).collect()
    }
}

/// The order of the rows; ties in byte order of the names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    #[default]
    Runs,
    Time,
    Average,
    Failures,
    Name,
}

/// What the logs hold before any filter, for somebody whose filters let nothing through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// First and last readable time.
    pub span: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// All names, in byte order.
    pub targets: Vec<String>,
    pub domains: Vec<String>,
}

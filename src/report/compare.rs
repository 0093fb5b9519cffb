//! Before and after a moment: did it help?

use chrono::{DateTime, Utc};

use super::findings::{ALPHA, is_felt};
use super::grouping::Groups;
use super::model::{ComparedGroup, ComparedRuns, Comparison, Direction, Population};
use super::statistics::{self, Observation as _};
use crate::event::outcome::Outcome;

impl Comparison {
    /// With fewer runs on a side, the rank test's normal approximation is worth nothing.
    pub const MIN_RUNS: u64 = 5;

    /// Each group's runs before a moment with those from then on; durations are of one population. A run without a time
    /// is on no side.
    pub fn of(groups: &Groups<'_>, since: DateTime<Utc>, population: Population) -> Self {
        let at = since.timestamp_micros();
        let mut rows: Vec<ComparedGroup> = groups.map_runs(|name, runs| compare(name, runs, at, population));
        let tests = rows.iter().filter(|row| row.p.is_some()).count();
        #[expect(clippy::cast_precision_loss, reason = "2^53 targets are out of reach")]
        let alpha = ALPHA / tests as f64;
        for row in &mut rows {
            let least = statistics::least_p(row.before.n, row.after.n);
            row.beyond_chance = row.p.filter(|_| least < alpha).map(|p| p < alpha);
        }
        Self { since, tests: tests as u64, rows }
    }
}

fn compare(
    name: Option<&str>,
    runs: &mut dyn Iterator<Item = (i64, Outcome, Option<f64>)>,
    at: i64,
    population: Population,
) -> ComparedGroup {
    let (mut sides, mut seconds) = ([ComparedRuns::default(); 2], [Vec::new(), Vec::new()]);
    for (micros, outcome, duration) in runs {
        let side = usize::from(micros >= at);
        sides[side].counts.add(outcome, 1);
        seconds[side].extend(duration.filter(|_| population.has(outcome)));
    }
    for (side, seconds) in sides.iter_mut().zip(&mut seconds) {
        f64::sort(seconds);
        side.n = seconds.len() as u64;
        side.median = statistics::quantile(seconds, 0.5);
        side.p95 = (side.n >= 20).then(|| statistics::quantile(seconds, 0.95)).flatten();
    }
    let [before, after] = sides;
    let is_tested = before.n.min(after.n) >= Comparison::MIN_RUNS;
    ComparedGroup {
        name: name.map(str::to_owned),
        before,
        after,
        p: is_tested.then(|| statistics::mann_whitney_u(&seconds[1], &seconds[0])),
        beyond_chance: None,
    }
}

impl ComparedGroup {
    /// Of the medians; `None` if they are equal or one is missing.
    pub fn direction(&self) -> Option<Direction> {
        let (before, after) = self.before.median.zip(self.after.median)?;
        match after.total_cmp(&before) {
            std::cmp::Ordering::Less => Some(Direction::Faster),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(Direction::Slower),
        }
    }

    /// Slower beyond chance, and by as much as makes a finding.
    pub fn is_worse(&self) -> bool {
        self.beyond_chance == Some(true)
            && self.direction() == Some(Direction::Slower)
            && self.before.median.zip(self.after.median).is_some_and(|(before, after)| is_felt(before, after))
    }
}

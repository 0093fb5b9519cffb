//! How long a run that is going on may still take.

use super::durations::{self, USUAL_RUNS};
use super::model::Estimate;
use super::statistics;
use crate::event::outcome::Outcome;
use crate::event::table::{SeriesKey, Table};

/// One or two runs that took longer are no base for a figure.
const MIN_LONGER_RUNS: usize = 3;

impl Estimate {
    /// By the last runs of a target that succeeded, newest first. `None`: there are too few.
    ///
    /// Only runs that took longer than this one has already can tell how long it will take: their median. If a target takes
    /// either a minute or three, it takes three as soon as the minute has passed.
    pub fn of(newest_ok: impl Iterator<Item = f64>, elapsed: f64) -> Option<Self> {
        let last: Vec<f64> = newest_ok.take(USUAL_RUNS).collect();
        let usual = durations::usual(last.iter().copied())?;
        let mut longer: Vec<f64> = last.into_iter().filter(|&seconds| seconds > elapsed).collect();
        let is_enough = longer.len() >= MIN_LONGER_RUNS;
        Some(Self {
            usual,
            longer_than: usual.n - longer.len() as u64,
            remaining: statistics::median(&mut longer).filter(|_| is_enough).map(|total| total - elapsed),
        })
    }
}

/// Seconds of the runs of a target that succeeded, newest first.
pub fn newest_ok<'a>(table: &'a Table, target: &str) -> impl Iterator<Item = f64> + 'a {
    let id = table.targets.iter().position(|name| **name == *target);
    let is_of = move |series: &SeriesKey| Some(series.target.index()) == id && series.outcome == Outcome::Ok;
    let rows = table.newest_first().filter(move |(row, _)| is_of(&table.series[row.series as usize]));
    rows.filter_map(|(_, duration)| duration.seconds())
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    fn normal(rng: &mut Rng) -> f64 {
        (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos()
    }

    /// The mean error of the whole duration, as a share of it, if one looks at any moment: so a long run is looked at more
    /// often. Beside it, that of "median minus elapsed", and how often there is no estimate.
    fn simulate(duration: impl Fn(&mut Rng) -> f64) -> (f64, f64, f64) {
        const LOOKS: u32 = 20_000;
        let mut rng = Rng::with_seed(15);
        let (mut error, mut of_median, mut estimated) = (0.0, 0.0, 0.0);
        for _ in 0..LOOKS {
            let past: Vec<f64> = (0..20).map(|_| duration(&mut rng)).collect();
            // Of many runs one after the other, the one that a random moment falls into.
            let runs: Vec<f64> = (0..40).map(|_| duration(&mut rng)).collect();
            let mut elapsed = rng.f64() * runs.iter().sum::<f64>();
            let mut runs = runs.into_iter();
            let actual = loop {
                let run = runs.next().unwrap();
                if elapsed < run {
                    break run;
                }
                elapsed -= run;
            };
            let Estimate { usual, longer_than, remaining } =
                Estimate::of(past.iter().copied(), elapsed).unwrap();
            assert_eq!(longer_than, past.iter().filter(|&&seconds| seconds <= elapsed).count() as u64);
            if let Some(remaining) = remaining {
                estimated += 1.0;
                error += (elapsed + remaining - actual).abs() / actual;
                of_median += (usual.median.max(elapsed) - actual).abs() / actual;
            }
        }
        (error / estimated, of_median / estimated, 1.0 - estimated / f64::from(LOOKS))
    }

    #[test]
    fn estimate_is_as_exact_as_durations_allow_and_better_than_the_median_of_all() {
        #[track_caller]
        fn case(duration: impl Fn(&mut Rng) -> f64, most: f64, gain: f64) {
            let (error, of_median, missing) = simulate(duration);
            assert!(error < most, "{error}");
            assert!(error < of_median * gain, "{error}, {of_median}");
            assert!(missing < 0.06, "{missing}");
        }
        case(|rng| 60.0 * (0.15 * normal(rng)).exp(), 0.125, 1.0);
        case(|rng| 60.0 * (0.3 * normal(rng)).exp(), 0.235, 1.0);
        let bimodal = |rng: &mut Rng, short: f64, share: f64| {
            let middle = if rng.f64() < share { short } else { 180.0 };
            middle * (0.15 * normal(rng)).exp()
        };
        case(|rng| bimodal(rng, 60.0, 0.7), 0.31, 0.92);
        case(|rng| bimodal(rng, 30.0, 0.5), 0.52, 0.88);
    }

    #[test]
    fn only_runs_that_took_longer_count_and_three_of_them_are_needed() {
        let past = || (1..=20).map(f64::from);
        let at = |elapsed: f64| {
            let Estimate { longer_than, remaining, .. } = Estimate::of(past(), elapsed).unwrap();
            (longer_than, remaining)
        };
        assert_eq!(at(0.0), (0, Some(10.5)));
        assert_eq!(at(10.0), (10, Some(5.5)));
        assert_eq!(at(17.5), (17, Some(1.5)));
        assert_eq!(at(18.0), (18, None));
        assert_eq!(at(99.0), (20, None));
        assert_eq!(Estimate::of(past().take(4), 1.0), None);
        // Older runs than the last twenty are of no interest.
        let older = past().chain(std::iter::repeat_n(1000.0, 100));
        assert_eq!(Estimate::of(older, 0.0), Estimate::of(past(), 0.0));
    }

    #[test]
    fn newest_runs_of_one_target_that_succeeded_are_taken() {
        let line = |second: u32, target: &str, code: i32| {
            format!(
                r#"{{"timestamp": "2026-11-22T10:00:{second:02}Z", "target": "{target}", "duration_seconds": {second}.5, "exit_code": {code}}}"#
            )
        };
        let lines = [line(1, "a", 0), line(4, "a", 0), line(3, "a", 0), line(5, "a", 2), line(6, "b", 0)];
        let table = crate::event::table::of_lines(lines.iter().map(String::as_bytes));
        assert_eq!(newest_ok(&table, "a").collect::<Vec<_>>(), [4.5, 3.5, 1.5]);
        assert_eq!(newest_ok(&table, "c").count(), 0);
    }
}

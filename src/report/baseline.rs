//! Runs from before `--since`: what those since then are compared with.

use crate::event::outcome::Outcome;
use crate::event::table::{Filter, Table, TargetId};
use crate::event::timestamp::{MICROS_PER_SECOND, UNTIMED};

/// The successful runs of each target before `--since`, as far back as a comparison can look.
#[derive(Debug, Default)]
pub struct Baseline {
    /// By target: moment and seconds, newest first.
    runs: Vec<Vec<(i64, f64)>>,
    /// The newest event of the log up to `--until`, whatever its target: the last seven days end there, so that
    /// what `--target` shows of a target is what the overview says of it.
    pub newest: Option<i64>,
    /// `--since` was given, and the log has nothing before it that passes the other filters.
    pub is_missing: bool,
}

impl Baseline {
    /// Before the table loses what does not pass the filter.
    pub fn before_since(table: &Table, filter: &Filter) -> Self {
        // See `findings`: a window of seven days or ten runs, and 28 days or thirty runs before it.
        const DAY_MICROS: i64 = 86_400 * MICROS_PER_SECOND;
        const WINDOW_RUNS: usize = 10;
        const BASELINE_RUNS: usize = 30;
        let until = filter.until.map_or(i64::MAX, |until| until.timestamp_micros());
        let newest = table
            .newest_first()
            .map(|(row, _)| row.micros)
            .find(|&micros| micros < until && micros != UNTIMED);
        let Some(since) = filter.since.map(|since| since.timestamp_micros()) else {
            return Self { newest, ..Self::default() };
        };
        let passes = table.series_passing(filter);
        let mut baseline = Self { runs: vec![Vec::new(); table.targets.len()], newest, is_missing: true };
        for (row, duration) in table.newest_first().take_while(|(row, _)| row.micros != UNTIMED) {
            if row.micros >= since || !passes[row.series as usize] {
                continue;
            }
            baseline.is_missing = false;
            let series = table.series[row.series as usize];
            let runs = &mut baseline.runs[series.target.index()];
            if series.outcome == Outcome::Ok
                && (runs.len() < WINDOW_RUNS + BASELINE_RUNS
                    || row.micros >= runs[WINDOW_RUNS - 1].0.min(since - 7 * DAY_MICROS) - 28 * DAY_MICROS)
                && let Some(seconds) = duration.seconds()
            {
                runs.push((row.micros, seconds));
            }
        }
        baseline
    }

    /// Newest first.
    pub fn of(&self, target: TargetId) -> &[(i64, f64)] {
        self.runs.get(target.index()).map_or(&[], Vec::as_slice)
    }
}

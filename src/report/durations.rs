//! What is told of many durations: quantiles, what is usual, how they are spread.

use super::model::{DurationStats, HistogramBin, Usual};
use super::statistics::{self, Observation};
use super::tally::Tally;
use crate::event::duration::RunDuration;

/// Durations that come out of a [`RunDuration`].
pub trait FromRunDuration: Observation {
    /// `None`: not known.
    fn from_run_duration(duration: RunDuration) -> Option<Self>;
}

impl FromRunDuration for u32 {
    fn from_run_duration(duration: RunDuration) -> Option<Self> {
        match duration {
            RunDuration::Milliseconds(milliseconds) => Some(milliseconds),
            // Groups with durations in seconds are counted in seconds.
            RunDuration::Seconds(_) | RunDuration::Unknown => None,
        }
    }
}

impl FromRunDuration for f64 {
    fn from_run_duration(duration: RunDuration) -> Option<Self> {
        duration.seconds()
    }
}

pub fn stats<D: Observation>(sorted: &[D], tally: &Tally) -> DurationStats {
    let n = sorted.len();
    let Some(last) = n.checked_sub(1) else { return DurationStats::default() };
    let from_20 = |q| (n >= 20).then(|| statistics::quantile(sorted, q)).flatten();
    let from_5 = |q| (n >= 5).then(|| statistics::quantile(sorted, q)).flatten();
    DurationStats {
        n: n as u64,
        mean: tally.mean(),
        median: statistics::quantile(sorted, 0.5),
        min: Some(sorted[0].seconds()),
        max: Some(sorted[last].seconds()),
        mad: statistics::median_absolute_deviation(sorted),
        p5: from_20(0.05),
        p10: from_20(0.10),
        p90: from_20(0.90),
        p95: from_20(0.95),
        p25: from_5(0.25),
        p75: from_5(0.75),
    }
}

/// What a row of a table shows of them; of values in any order, which they may lose.
pub fn row_stats<D: Observation>(values: &mut [D], tally: &Tally) -> DurationStats {
    let n = values.len();
    let Some((min, max)) = statistics::min_max(values) else { return DurationStats::default() };
    DurationStats {
        n: n as u64,
        mean: tally.mean(),
        p95: if n >= 20 { statistics::select_quantile(values, 0.95) } else { None },
        median: statistics::median(values),
        min: Some(min.seconds()),
        max: Some(max.seconds()),
        ..DurationStats::default()
    }
}

/// What is usual is what the last ones show, so many.
pub const USUAL_RUNS: usize = 20;

/// Of the last ones that succeeded, newest first.
pub fn usual(newest_ok: impl Iterator<Item = f64>) -> Option<Usual> {
    let mut last: Vec<f64> = newest_ok.take(USUAL_RUNS).collect();
    last.sort_unstable_by(f64::total_cmp);
    let n = last.len();
    let quantile = |q| statistics::quantile(&last, q);
    let range = if n >= 10 { quantile(0.10).zip(quantile(0.90)) } else { None };
    if n < 5 {
        return None;
    }
    Some(Usual { n: n as u64, median: quantile(0.5)?, range })
}

/// Bins of a width that clocks know, ten at most, and what is longer in one more.
pub fn histogram<D: Observation>(sorted: &[D]) -> Vec<HistogramBin> {
    const WIDTHS: [f64; 31] = [
        0.001,
        0.002,
        0.005,
        0.01,
        0.02,
        0.05,
        0.1,
        0.2,
        0.5,
        1.0,
        2.0,
        5.0,
        10.0,
        15.0,
        30.0,
        60.0,
        120.0,
        300.0,
        600.0,
        900.0,
        1800.0,
        3600.0,
        7200.0,
        14_400.0,
        21_600.0,
        43_200.0,
        86_400.0,
        172_800.0,
        604_800.0,
        1_209_600.0,
        2_419_200.0,
    ];
    let (Some(last), Some(high)) = (sorted.len().checked_sub(1), statistics::quantile(sorted, 0.99)) else {
        return Vec::new();
    };
    let (low, most) = (sorted[0].seconds(), sorted[last].seconds());
    // Beyond the widest bins, no width is a clock's.
    let fits = |width: &f64| (high / width).floor() - (low / width).floor() < 10.0;
    let width = WIDTHS.into_iter().find(fits).unwrap_or((high - low) / 9.0);
    let first = (low / width).floor();
    let mut bins = Vec::new();
    let mut counted = 0;
    let mut start = first * width;
    for step in 1..=10 {
        let end = (first + f64::from(step)) * width;
        let up_to = sorted.partition_point(|value| value.seconds() < end);
        bins.push(HistogramBin { low: start, high: Some(end), runs: (up_to - counted) as u64 });
        (counted, start) = (up_to, end);
        if high < end {
            break;
        }
    }
    if most >= start {
        bins.push(HistogramBin { low: start, high: None, runs: (sorted.len() - counted) as u64 });
    }
    bins
}

/// Beyond the p95 whisker, the slowest first.
pub fn outliers<D: Observation>(sorted: &[D]) -> Vec<f64> {
    const MOST: usize = 50;
    let Some(whisker) = (sorted.len() >= 20).then(|| statistics::quantile(sorted, 0.95)).flatten() else {
        return Vec::new();
    };
    let slowest = sorted.iter().rev().take(MOST).map(|value| value.seconds());
    slowest.take_while(|&seconds| seconds > whisker).collect()
}

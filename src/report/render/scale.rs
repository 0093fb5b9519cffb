//! From values to lengths: what the charts of the terminal and of the page have in common.

use crate::report::model::{Counts, DayStats};
use crate::report::statistics;
use chrono::{Days, NaiveDate};

/// `value / max` of `steps`, rounded, at most `steps`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and `steps`")]
pub fn scale_to(value: f64, max: f64, steps: usize) -> usize {
    let part = value / max;
    if part.is_nan() || part <= 0.0 {
        return 0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of cells")]
    let steps = steps as f64;
    (part.min(1.0) * steps).round() as usize
}

/// `part / whole`; 0 of nothing.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}

#[expect(clippy::cast_precision_loss, reason = "a drawing shows fewer digits than a float has")]
pub fn float(number: u64) -> f64 {
    number as f64
}

/// The cells of each part of a stacked bar whose length is `sum / max` of all cells. Rounding is cumulative, and
/// every part above 0 gets a cell as long as there are enough.
pub fn stack(parts: &[f64], max: f64, cells: usize) -> Vec<usize> {
    let sum: f64 = parts.iter().sum();
    let present = parts.iter().filter(|&&part| part > 0.0).count();
    let length = scale_to(sum, max, cells).max(present).min(cells);
    let mut drawn = vec![0; parts.len()];
    let (mut before, mut so_far) = (0, 0.0);
    for (cell, &part) in drawn.iter_mut().zip(parts) {
        so_far += part;
        let end = scale_to(so_far, sum, length);
        *cell = end - before;
        before = end;
    }
    for at in 0..parts.len() {
        if parts[at] > 0.0 && drawn[at] == 0 {
            let widest = (0..drawn.len()).fold(0, |best, at| if drawn[at] > drawn[best] { at } else { best });
            if drawn[widest] > 1 {
                drawn[widest] -= 1;
                drawn[at] = 1;
            }
        }
    }
    drawn
}

/// The largest of some figures, for the scale of a chart.
pub fn maximum(values: impl IntoIterator<Item = Option<f64>>) -> f64 {
    values.into_iter().flatten().filter(|value| value.is_finite()).fold(0.0, f64::max)
}

/// The columns of a chart over time: days, or weeks where there are too many days. All are equally long, and the
/// last one ends with the last day, so that no column is short only because its time is not over.
pub struct TimeColumns {
    /// The first day with data.
    first: NaiveDate,
    /// The day on which the first column begins.
    start: NaiveDate,
    pub days_each: usize,
    pub count: usize,
}

impl TimeColumns {
    /// At most so many columns.
    pub fn fit(first: NaiveDate, last: NaiveDate, most: usize) -> Self {
        let days = usize::try_from((last - first).num_days()).unwrap_or(0) + 1;
        let days_each = match days.div_ceil(most.max(1)) {
            1 => 1,
            least => least.div_ceil(7) * 7,
        };
        let count = days.div_ceil(days_each);
        let start = last.checked_sub_days(Days::new((count * days_each - 1) as u64)).unwrap_or(first);
        Self { first, start, days_each, count }
    }

    /// `day`, `week` or `4 weeks`.
    pub fn unit(&self) -> String {
        match self.days_each {
            1 => "day".to_owned(),
            7 => "week".to_owned(),
            days => format!("{} weeks", days / 7),
        }
    }

    /// The first and the last day of a column.
    pub fn dates(&self, column: usize) -> (NaiveDate, NaiveDate) {
        let day = |days: usize| self.start + Days::new(days as u64);
        (day(column * self.days_each).max(self.first), day((column + 1) * self.days_each - 1))
    }

    fn index(&self, day: NaiveDate) -> Option<usize> {
        let days = usize::try_from((day - self.start).num_days()).ok()?;
        Some(days / self.days_each).filter(|&column| column < self.count)
    }

    /// The median of each column's days.
    pub fn medians(&self, of: &[DayStats]) -> Vec<Option<f64>> {
        let mut columns: Vec<Vec<f64>> = vec![Vec::new(); self.count];
        for day in of {
            if let (Some(at), Some(median)) = (self.index(day.date), day.median) {
                columns[at].push(median);
            }
        }
        columns.iter_mut().map(|column| statistics::median(column)).collect()
    }

    /// The counts of each column's days.
    pub fn counts(&self, of: &[DayStats]) -> Vec<Counts> {
        let mut columns = vec![Counts::default(); self.count];
        for day in of {
            if let Some(at) = self.index(day.date) {
                let column = &mut columns[at];
                column.runs = column.runs.saturating_add(day.counts.runs);
                column.ok = column.ok.saturating_add(day.counts.ok);
                column.failed = column.failed.saturating_add(day.counts.failed);
                column.interrupted = column.interrupted.saturating_add(day.counts.interrupted);
            }
        }
        columns
    }
}

/// A round number of seconds, of which at most `steps` reach the top.
pub fn tick_step(top: f64, steps: usize) -> f64 {
    const ROUND: [f64; 28] = [
        0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0,
        900.0, 1200.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0, 604_800.0,
    ];
    let enough = |step: &f64| *step * float(steps as u64) >= top;
    let mut step = ROUND.into_iter().find(enough).unwrap_or(604_800.0);
    while !enough(&step) && step.is_finite() {
        step *= 2.0;
    }
    step
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn time_columns_end_with_the_last_day() {
        let day = |m, d| NaiveDate::from_ymd_opt(2026, m, d).unwrap();
        let columns = TimeColumns::fit(day(1, 1), day(1, 10), 10);
        assert_eq!((columns.count, columns.unit()), (10, "day".to_owned()));
        assert_eq!(columns.dates(9), (day(1, 10), day(1, 10)));
        let columns = TimeColumns::fit(day(1, 1), day(1, 10), 9);
        assert_eq!((columns.count, columns.unit()), (2, "week".to_owned()));
        assert_eq!(columns.dates(0), (day(1, 1), day(1, 3)));
        assert_eq!(columns.dates(1), (day(1, 4), day(1, 10)));
        assert_eq!(columns.index(day(1, 3)), Some(0));
        assert_eq!(columns.index(day(1, 11)), None);
    }

    #[test]
    fn stacked_bar_cells_add_up_and_no_part_is_lost() {
        assert_eq!(stack(&[1008.0, 72.0, 42.0], 1122.0, 76), [68, 5, 3]);
        assert_eq!(stack(&[1000.0, 1.0, 1.0], 1002.0, 10), [8, 1, 1]);
        assert_eq!(stack(&[0.0, 0.0, 0.0], 10.0, 10), [0, 0, 0]);
        assert_eq!(stack(&[1.0, 0.0, 0.0], 1_000_000.0, 10), [1, 0, 0]);
        assert_eq!(stack(&[1.0, 1.0, 1.0], 1_000_000.0, 2), [1, 0, 1]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn stacked_bar_never_exceeds_its_cells(parts in proptest::collection::vec(0.0..1e300f64, 0..9), max: f64, cells in 0usize..200) {
            prop_assert!(stack(&parts, max, cells).iter().sum::<usize>() <= cells);
        }
    }
}

//! Days and hours as the reader's clock shows them.

use chrono::{DateTime, NaiveDate, Offset as _, TimeZone};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_HOUR: i64 = 3600;
const SECONDS_PER_DAY: i64 = 24 * SECONDS_PER_HOUR;

/// How far the reader's clock is ahead of UTC, day by day of a period.
///
/// Asking a time zone costs more than reading a line, so it is asked twice a day; only within a day
/// on which the clock changes, it is asked for each event.
pub struct Calendar<'a> {
    /// Seconds ahead of UTC, at this second since 1970.
    offset: &'a (dyn Fn(i64) -> i64 + Sync),
    /// The first UTC day since 1970 that is prepared.
    first: i64,
    /// Of each UTC day from then on; `None`: not the same all day.
    days: Vec<Option<i64>>,
}

/// A stretch of time within one hour of the reader's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    /// Microseconds since 1970, UTC; `end` is not in it any more.
    pub start: i64,
    pub end: i64,
    /// Days since 1970 on the reader's calendar.
    pub day: i64,
    /// Of that day.
    pub of_day: usize,
}

impl Hour {
    /// Holds no moment at all.
    pub const NONE: Self = Self { start: 0, end: 0, day: 0, of_day: 0 };

    pub fn contains(&self, micros: i64) -> bool {
        self.start <= micros && micros < self.end
    }

    /// Monday is 0.
    pub fn weekday(&self) -> usize {
        // 1970 began on a Thursday.
        usize::try_from((self.day + 3).rem_euclid(7)).unwrap_or(0)
    }
}

/// A function for [`Calendar::new`].
pub fn utc_offset_of<Z: TimeZone>(zone: &Z) -> impl Fn(i64) -> i64 {
    move |seconds| {
        let utc = DateTime::from_timestamp(seconds, 0).unwrap_or_default().naive_utc();
        i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc())
    }
}

impl<'a> Calendar<'a> {
    /// For moments from the first to the last, in microseconds.
    pub fn new(offset: &'a (dyn Fn(i64) -> i64 + Sync), from: i64, to: i64) -> Self {
        /// A century: nothing is gained by preparing days that no event is on.
        const MAX_DAYS: i64 = 36_525;
        let first = from.div_euclid(SECONDS_PER_DAY * MICROS_PER_SECOND);
        let last = to.div_euclid(SECONDS_PER_DAY * MICROS_PER_SECOND).min(first + MAX_DAYS);
        let mut at_start = offset(first * SECONDS_PER_DAY);
        let mut days = Vec::new();
        for day in first..=last {
            // The last second: a change at midnight belongs to the next day.
            let at_end = offset((day + 1) * SECONDS_PER_DAY - 1);
            days.push((at_start == at_end).then_some(at_start));
            at_start = offset((day + 1) * SECONDS_PER_DAY);
        }
        Self { offset, first, days }
    }

    pub fn hour(&self, micros: i64) -> Hour {
        let seconds = micros.div_euclid(MICROS_PER_SECOND);
        let utc_day = seconds.div_euclid(SECONDS_PER_DAY);
        let prepared = usize::try_from(utc_day - self.first).ok().and_then(|day| self.days.get(day));
        let (offset, from, to) = match prepared {
            Some(&Some(offset)) => (offset, utc_day * SECONDS_PER_DAY, (utc_day + 1) * SECONDS_PER_DAY),
            _ => ((self.offset)(seconds), seconds, seconds + 1),
        };
        let local = seconds + offset;
        let start = local.div_euclid(SECONDS_PER_HOUR) * SECONDS_PER_HOUR - offset;
        Hour {
            start: start.max(from) * MICROS_PER_SECOND,
            end: (start + SECONDS_PER_HOUR).min(to) * MICROS_PER_SECOND,
            day: local.div_euclid(SECONDS_PER_DAY),
            of_day: usize::try_from(local.rem_euclid(SECONDS_PER_DAY) / SECONDS_PER_HOUR).unwrap_or(0),
        }
    }
}

/// Of days since 1970.
pub fn date(day: i64) -> NaiveDate {
    NaiveDate::from_epoch_days(i32::try_from(day).unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 25 October 2026, 01:00 UTC: Paris goes from two hours ahead to one.
    const CHANGE: i64 = 1_792_890_000;

    fn paris(seconds: i64) -> i64 {
        if seconds < CHANGE { 7200 } else { 3600 }
    }

    fn micros(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
    }

    #[test]
    fn each_event_is_at_the_hour_that_the_readers_clock_showed() {
        #[track_caller]
        fn case(calendar: &Calendar<'_>, moment: &str, date: &str, weekday: usize, of_day: usize) {
            let hour = calendar.hour(micros(moment));
            assert_eq!(
                (self::date(hour.day).to_string(), hour.weekday(), hour.of_day),
                (date.into(), weekday, of_day)
            );
        }
        let (from, to) = (micros("2026-10-23T00:00:00Z"), micros("2026-10-27T23:00:00Z"));
        let calendar = Calendar::new(&paris, from, to);
        case(&calendar, "2026-10-24T21:59:59.999999Z", "2026-10-24", 5, 23);
        case(&calendar, "2026-10-24T22:00:00Z", "2026-10-25", 6, 0);
        case(&calendar, "2026-10-25T00:30:00Z", "2026-10-25", 6, 2);
        case(&calendar, "2026-10-25T01:30:00Z", "2026-10-25", 6, 2);
        case(&calendar, "2026-10-25T22:59:59Z", "2026-10-25", 6, 23);
        case(&calendar, "2026-10-25T23:00:00Z", "2026-10-26", 0, 0);
        // Outside of what was prepared.
        case(&calendar, "2026-12-31T23:30:00Z", "2027-01-01", 4, 0);
        case(&calendar, "1969-12-31T21:30:00Z", "1969-12-31", 2, 23);
    }

    #[test]
    fn an_hour_holds_only_moments_that_it_is_right_for() {
        for (step, offset) in [(977, 0), (977, 19_800), (613, -12_600)] {
            let clock = |seconds: i64| paris(seconds) + offset;
            let (from, to) = (micros("2026-10-24T00:00:00Z"), micros("2026-10-26T23:00:00Z"));
            let calendar = Calendar::new(&clock, from, to);
            let mut last = Hour::NONE;
            for moment in (from..to).step_by(step * 1_000_000) {
                let hour = calendar.hour(moment);
                assert!(hour.contains(moment));
                if last.contains(moment) {
                    assert_eq!((last.day, last.of_day), (hour.day, hour.of_day));
                }
                last = hour;
            }
        }
    }
}

//! Moments as they are typed, on the reader's clock.

use chrono::{
    DateTime, Datelike as _, Days, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset as _,
    TimeDelta, TimeZone, Utc,
};

use crate::cli::When;

/// The first moment that counts (`--since`, `clear --before`).
pub fn since<Z: TimeZone>(when: When, now: DateTime<Utc>, zone: &Z) -> DateTime<Utc> {
    match when {
        When::Local(moment) => first(moment, zone),
        When::Exact(moment) => moment,
        When::Ago(seconds) => ago(now, seconds),
        _ => days(when, now, zone).map_or(DateTime::<Utc>::MIN_UTC, |(first, _)| start(first, zone)),
    }
}

/// The first moment that does not count any more (`--until`): a day is in it, a time of day is not.
pub fn until<Z: TimeZone>(when: When, now: DateTime<Utc>, zone: &Z) -> DateTime<Utc> {
    match when {
        When::Local(moment) => last(moment, zone),
        When::Exact(moment) => moment,
        When::Ago(seconds) => ago(now, seconds),
        _ => match days(when, now, zone) {
            Some((_, last)) => last.succ_opt().map_or(DateTime::<Utc>::MAX_UTC, |next| start(next, zone)),
            None => DateTime::<Utc>::MIN_UTC,
        },
    }
}

fn ago(now: DateTime<Utc>, seconds: u32) -> DateTime<Utc> {
    now.checked_sub_signed(TimeDelta::seconds(seconds.into())).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// The first day that counts since then, and the last one until then. `None`: before all calendars.
fn days<Z: TimeZone>(when: When, now: DateTime<Utc>, zone: &Z) -> Option<(NaiveDate, NaiveDate)> {
    let today = now.with_timezone(zone).date_naive();
    let day = match when {
        When::Month(first) => return Some((first, first.checked_add_months(Months::new(1))?.pred_opt()?)),
        When::Day(day) => day,
        When::Days(days) => today.checked_sub_days(Days::new(u64::from(days).saturating_sub(1)))?,
        // As with days, today is in it: `1mo` on 23 November begins on 24 October.
        When::Months(months) => today.checked_sub_months(Months::new(months))?.succ_opt()?,
        When::Yesterday => today.pred_opt()?,
        When::Weekday(weekday) => {
            let ago = today.weekday().days_since(weekday);
            today.checked_sub_days(Days::new(ago.into()))?
        }
        When::Today | When::Local(_) | When::Exact(_) | When::Ago(_) => today,
    };
    Some((day, day))
}

fn start<Z: TimeZone>(day: NaiveDate, zone: &Z) -> DateTime<Utc> {
    first(day.and_time(NaiveTime::MIN), zone)
}

/// When the clock shows this for the first time; if it jumps over it, when it jumps.
fn first<Z: TimeZone>(local: NaiveDateTime, zone: &Z) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(moment) => moment.to_utc(),
        // For a rule of the system's zone the two come in either order.
        LocalResult::Ambiguous(one, other) => one.min(other).to_utc(),
        LocalResult::None => jump(local, zone),
    }
}

/// When the clock shows this for the last time; if it jumps over it, when it jumps.
fn last<Z: TimeZone>(local: NaiveDateTime, zone: &Z) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(moment) => moment.to_utc(),
        LocalResult::Ambiguous(one, other) => one.max(other).to_utc(),
        LocalResult::None => jump(local, zone),
    }
}

/// The first second at which the clock shows this or later.
fn jump<Z: TimeZone>(local: NaiveDateTime, zone: &Z) -> DateTime<Utc> {
    let wanted = local.and_utc().timestamp();
    let shows = |utc: i64| {
        let moment = DateTime::from_timestamp(utc, 0).unwrap_or_default().naive_utc();
        utc + i64::from(zone.offset_from_utc_datetime(&moment).fix().local_minus_utc())
    };
    // No clock is a whole day off.
    let (mut before, mut after) = (wanted - 86_400, wanted + 86_400);
    while after - before > 1 {
        let middle = i64::midpoint(before, after);
        if shows(middle) >= wanted {
            after = middle;
        } else {
            before = middle;
        }
    }
    DateTime::from_timestamp(after, 0).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::FixedOffset;

    /// A clock that is changed once.
    #[derive(Clone, Copy)]
    struct Changing {
        at: DateTime<Utc>,
        before: i32,
        after: i32,
    }

    impl TimeZone for Changing {
        type Offset = FixedOffset;

        fn from_offset(_: &FixedOffset) -> Self {
            Self { at: DateTime::<Utc>::MAX_UTC, before: 0, after: 0 }
        }

        fn offset_from_local_date(&self, date: &NaiveDate) -> LocalResult<FixedOffset> {
            self.offset_from_local_datetime(&date.and_time(NaiveTime::MIN))
        }

        fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> LocalResult<FixedOffset> {
            let [before, after] =
                [self.before, self.after].map(|hours| FixedOffset::east_opt(hours * 3600).unwrap());
            let was = (*local - before).and_utc() < self.at;
            let is = (*local - after).and_utc() >= self.at;
            match (was, is) {
                (true, true) => LocalResult::Ambiguous(before, after),
                (true, false) => LocalResult::Single(before),
                (false, true) => LocalResult::Single(after),
                (false, false) => LocalResult::None,
            }
        }

        fn offset_from_utc_date(&self, date: &NaiveDate) -> FixedOffset {
            self.offset_from_utc_datetime(&date.and_time(NaiveTime::MIN))
        }

        fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> FixedOffset {
            let hours = if utc.and_utc() < self.at { self.before } else { self.after };
            FixedOffset::east_opt(hours * 3600).unwrap()
        }
    }

    fn utc(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn day_of(text: &str) -> When {
        When::Day(text.parse().unwrap())
    }

    fn at(text: &str) -> When {
        When::Local(text.parse().unwrap())
    }

    /// 23 November, half past midnight on the reader's clock, the day before in UTC.
    const NOW: &str = "2026-11-22T23:30:00Z";

    /// Summer time ends on 25 October 2026, 01:00 UTC.
    fn paris() -> Changing {
        Changing { at: utc("2026-10-25T01:00:00Z"), before: 2, after: 1 }
    }

    #[test]
    fn a_period_begins_with_the_readers_day() {
        #[track_caller]
        fn case(when: When, moment: &str) {
            assert_eq!(since(when, utc(NOW), &paris()), utc(moment));
        }
        case(When::Today, "2026-11-22T23:00:00Z");
        case(When::Yesterday, "2026-11-21T23:00:00Z");
        case(When::Days(1), "2026-11-22T23:00:00Z");
        case(When::Days(7), "2026-11-16T23:00:00Z");
        case(When::Days(30), "2026-10-24T22:00:00Z");
        case(When::Ago(12 * 3600), "2026-11-22T11:30:00Z");
        case(When::Exact(utc("2026-11-01T14:00:00Z")), "2026-11-01T14:00:00Z");
        case(When::Months(1), "2026-10-23T22:00:00Z");
        case(When::Months(12), "2025-11-23T22:00:00Z");
        // 23 November 2026 is a Monday on the reader's clock.
        case(When::Weekday(chrono::Weekday::Mon), "2026-11-22T23:00:00Z");
        case(When::Weekday(chrono::Weekday::Tue), "2026-11-16T23:00:00Z");
        case(When::Month("2026-10-01".parse().unwrap()), "2026-09-30T22:00:00Z");
        case(day_of("2026-11-01"), "2026-10-31T23:00:00Z");
        case(day_of("2026-10-25"), "2026-10-24T22:00:00Z");
        case(at("2026-11-01T14:00:00"), "2026-11-01T13:00:00Z");
        assert_eq!(since(When::Days(u32::MAX), utc(NOW), &paris()), DateTime::<Utc>::MIN_UTC);
    }

    #[test]
    fn a_period_ends_after_a_day_and_before_a_time() {
        #[track_caller]
        fn case(when: When, moment: &str) {
            assert_eq!(until(when, utc(NOW), &paris()), utc(moment));
        }
        case(When::Today, "2026-11-23T23:00:00Z");
        case(When::Yesterday, "2026-11-22T23:00:00Z");
        case(When::Days(2), "2026-11-22T23:00:00Z");
        case(When::Ago(12 * 3600), "2026-11-22T11:30:00Z");
        case(When::Month("2026-10-01".parse().unwrap()), "2026-10-31T23:00:00Z");
        case(When::Weekday(chrono::Weekday::Sun), "2026-11-22T23:00:00Z");
        case(day_of("2026-10-25"), "2026-10-25T23:00:00Z");
        case(at("2026-11-01T14:00:00"), "2026-11-01T13:00:00Z");
    }

    #[test]
    fn an_hour_that_comes_twice_is_in_the_period_whole() {
        assert_eq!(since(at("2026-10-25T02:30:00"), utc(NOW), &paris()), utc("2026-10-25T00:30:00Z"));
        assert_eq!(until(at("2026-10-25T02:30:00"), utc(NOW), &paris()), utc("2026-10-25T01:30:00Z"));
    }

    #[test]
    fn a_time_that_the_clock_jumps_over_is_the_jump() {
        let spring = Changing { at: utc("2026-03-29T01:00:00Z"), before: 1, after: 2 };
        for time in ["02:00:00", "02:30:00", "02:59:59"] {
            assert_eq!(
                since(at(&format!("2026-03-29T{time}")), utc(NOW), &spring),
                utc("2026-03-29T01:00:00Z")
            );
        }
        // Where summer time begins at midnight, the day begins at one.
        let midnight = Changing { at: utc("2026-03-29T03:00:00Z"), before: -3, after: -2 };
        assert_eq!(since(day_of("2026-03-29"), utc(NOW), &midnight), utc("2026-03-29T03:00:00Z"));
        assert_eq!(until(day_of("2026-03-28"), utc(NOW), &midnight), utc("2026-03-29T03:00:00Z"));
    }
}

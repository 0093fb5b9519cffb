//! WHEN, as it is typed.

use std::str::FromStr;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Utc, Weekday};

/// A moment as it is typed; it becomes one when the zone and the time are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Day(NaiveDate),
    /// `2026-11`: its first day.
    Month(NaiveDate),
    /// On the reader's clock.
    Local(NaiveDateTime),
    /// With an offset from UTC, as in the log and in JSON.
    Exact(DateTime<Utc>),
    /// `7d`: today and the six local calendar days before it. `4w` is `28d`.
    Days(u32),
    /// `3mo`: as many months up to today. `1y` is `12mo`.
    Months(u32),
    /// `12h`, `1h30m`, `90s`: exactly so many seconds ago.
    Ago(u32),
    Today,
    Yesterday,
    /// The latest one, which may be today.
    Weekday(Weekday),
}

const FORMS: &str = "2026-11-01, 2026-11-01 14:00, 2026-11-01T14:00:00Z, 2026-11, 7d, 4w, 3mo, 1y, 12h, 1h30m, 90s, today, \
                     yesterday or monday";

/// # Errors
/// What it may be.
pub fn parse(text: &str) -> Result<When, String> {
    let when = match text {
        "today" => Some(When::Today),
        "yesterday" => Some(When::Yesterday),
        _ => {
            span(text).or_else(|| calendar(text)).or_else(|| Weekday::from_str(text).ok().map(When::Weekday))
        }
    };
    let year = match when {
        Some(When::Day(day) | When::Month(day)) => day.year(),
        Some(When::Local(moment)) => moment.year(),
        Some(When::Exact(moment)) => moment.year(),
        _ => 1970,
    };
    // `26-11-01` is a slip, and no computer has recorded before.
    if year < 1970 {
        return Err(format!("the year {year} is before 1970"));
    }
    when.ok_or_else(|| format!("it must be like {FORMS}"))
}

/// `7d`, `4w`, `3mo`, `1y`, `12h`, `1h30m`, `90s`.
fn span(text: &str) -> Option<When> {
    // Numbers parse with a sign, too.
    let number = |digits: &str| {
        let is_plain = digits.starts_with(|c: char| c.is_ascii_digit());
        digits.parse::<u32>().ok().filter(|&number| is_plain && number > 0)
    };
    if let Some(digits) = text.strip_suffix("mo") {
        return number(digits).map(When::Months);
    }
    if let Some(digits) = text.strip_suffix('y') {
        return number(digits)?.checked_mul(12).map(When::Months);
    }
    if let Some(digits) = text.strip_suffix('w') {
        return number(digits)?.checked_mul(7).map(When::Days);
    }
    if let Some(digits) = text.strip_suffix('d') {
        return number(digits).map(When::Days);
    }
    let (mut rest, mut all) = (text, 0_u32);
    for (unit, seconds) in [('h', 3600), ('m', 60), ('s', 1)] {
        if let Some((digits, after)) = rest.split_once(unit) {
            all = all.checked_add(number(digits)?.checked_mul(seconds)?)?;
            rest = after;
        }
    }
    (rest.is_empty() && all > 0).then_some(When::Ago(all))
}

/// A day, a month, or a moment with or without an offset.
fn calendar(text: &str) -> Option<When> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(When::Day(day));
    }
    if let Ok(day) = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d") {
        return Some(When::Month(day));
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z"] {
        if let Ok(moment) = DateTime::parse_from_str(text, format) {
            return Some(When::Exact(moment.to_utc()));
        }
    }
    let (day, time) = text.split_once(['T', ' '])?;
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
    let of_format = |format| NaiveTime::parse_from_str(time, format).ok();
    let time = of_format("%H:%M").or_else(|| of_format("%H:%M:%S%.f"))?;
    Some(When::Local(day.and_time(time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_months_times_and_spans_are_moments() {
        #[track_caller]
        fn case(text: &str, expected: When) {
            assert_eq!(parse(text), Ok(expected));
        }
        let day = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        let local = |hour, minute, second| When::Local(day.and_hms_opt(hour, minute, second).unwrap());
        let exact =
            |hour, minute, second| When::Exact(day.and_hms_opt(hour, minute, second).unwrap().and_utc());
        case("2026-11-01", When::Day(day));
        case("2026-11", When::Month(day));
        case("2026-11-01T14:00", local(14, 0, 0));
        case("2026-11-01 14:00", local(14, 0, 0));
        case("2026-11-01T14:00:05", local(14, 0, 5));
        // As in our own JSON, in our log, in what others write.
        case("2026-11-01T14:00:05Z", exact(14, 0, 5));
        case("2026-11-01T14:00:05+00:00", exact(14, 0, 5));
        case("2026-11-01T14:00:05+0100", exact(13, 0, 5));
        case("2026-11-01 14:00:05-05:30", exact(19, 30, 5));
        let fraction = day.and_hms_micro_opt(14, 0, 5, 250_000).unwrap();
        case("2026-11-01T14:00:05.25Z", When::Exact(fraction.and_utc()));
        case("7d", When::Days(7));
        case("4w", When::Days(28));
        case("3mo", When::Months(3));
        case("1y", When::Months(12));
        case("12h", When::Ago(12 * 3600));
        case("1h30m", When::Ago(5400));
        case("30m", When::Ago(1800));
        case("90s", When::Ago(90));
        case("1h5s", When::Ago(3605));
        case("today", When::Today);
        case("yesterday", When::Yesterday);
        case("monday", When::Weekday(Weekday::Mon));
        case("Sun", When::Weekday(Weekday::Sun));
    }

    #[test]
    fn what_is_no_moment_is_refused_with_the_forms_there_are() {
        for wrong in [
            "",
            "d",
            "0d",
            "-1d",
            "+1d",
            "7",
            "1m30h",
            "1h1h",
            "1d12h",
            "h30m",
            "2026-13-01",
            "2026-13",
            "2026",
            "2026-11-01T25:00",
            "2026-11-01T14:00+25:00",
            "é",
            "2026-11-01é14:00",
            "99999999999d",
            "4000000000w",
            "4000000000y",
            "4000000000h",
        ] {
            let refused = parse(wrong).unwrap_err();
            assert!(
                refused.starts_with("it must be like 2026-11-01, 2026-11-01 14:00"),
                "{wrong}: {refused}"
            );
        }
        assert_eq!(parse("26-11-01").unwrap_err(), "the year 26 is before 1970");
        assert_eq!(parse("1969-12-31T23:59:59Z").unwrap_err(), "the year 1969 is before 1970");
    }
}

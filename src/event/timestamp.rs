//! Times as microseconds since 1970, UTC.

use chrono::{DateTime, NaiveDate, Utc};

/// The time of an event without a readable timestamp. It sorts before all others.
pub const UNTIMED: i64 = i64::MIN;

pub const MICROS_PER_SECOND: i64 = 1_000_000;

/// Parses an RFC 3339 timestamp. Without an offset it is UTC. Digits beyond microseconds are cut off. `None` also if the
/// offset leads out of the years 0000 to 9999: RFC 3339 cannot write such a time.
pub fn parse(text: &[u8]) -> Option<i64> {
    let (date_and_time, rest) = text.split_first_chunk::<19>()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', time @ ..] = *date_and_time else {
        return None;
    };
    let [h1, h2, b':', n1, n2, b':', s1, s2] = time else { return None };
    let year = two_digits(y1, y2)? * 100 + two_digits(y3, y4)?;
    let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, two_digits(m1, m2)?, two_digits(d1, d2)?)?;
    let (hour, minute, second) = (two_digits(h1, h2)?, two_digits(n1, n2)?, two_digits(s1, s2)?);
    // 60 is a leap second. It counts as the first second of the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut micros = 0;
    let mut rest = rest;
    if let [b'.', fraction @ ..] = rest {
        let count = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return None;
        }
        for digit in fraction[..count].iter().chain(&[b'0'; 6]).take(6) {
            micros = micros * 10 + i64::from(digit - b'0');
        }
        rest = &fraction[count..];
    }
    let offset = match *rest {
        [] | [b'Z' | b'z'] => 0,
        // With a colon by RFC 3339, without one by ISO 8601's basic format, as date(1) and Go write it.
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] | [sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
            let (hours, minutes) = (two_digits(h1, h2)?, two_digits(m1, m2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = i64::from(hours * 3600 + minutes * 60);
            if sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    let days = i64::from(chrono::Datelike::num_days_from_ce(&date)) - DAYS_TO_1970;
    let seconds = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second) - offset;
    YEARS.contains(&seconds).then_some(seconds * 1_000_000 + micros)
}

/// `None` for [`UNTIMED`].
pub fn to_datetime(micros: i64) -> Option<DateTime<Utc>> {
    (micros != UNTIMED).then(|| DateTime::from_timestamp_micros(micros))?
}

/// The years 0000 to 9999 in seconds since 1970.
const YEARS: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// Days from 0001-01-01 to 1970-01-01, both included.
const DAYS_TO_1970: i64 = 719_163;

fn two_digits(tens: u8, ones: u8) -> Option<u32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;
    use crate::event::parse::tests::TIMES;

    #[test]
    fn rfc_3339_timestamps_are_read_and_others_refused() {
        #[track_caller]
        fn case(text: &str, micros: Option<i64>) {
            assert_eq!(parse(text.as_bytes()), micros);
        }
        case("1970-01-01T00:00:00Z", Some(0));
        case("1970-01-01t00:00:01z", Some(1_000_000));
        case("1970-01-01 00:00:00", Some(0));
        case("1970-01-01T00:00:00.000001999Z", Some(1));
        case("1970-01-01T01:00:00+01:00", Some(0));
        case("1969-12-31T18:30:00-05:30", Some(0));
        case("1969-12-31T23:59:60Z", Some(0));
        case("0000-01-01T00:00:00Z", Some(-62_167_219_200_000_000));
        case("0000-01-01T00:00:00+00:01", None);
        case("9999-12-31T23:59:59.9Z", Some(253_402_300_799_900_000));
        case("9999-12-31T23:59:60Z", None);
        case("9999-12-31T23:59:59-00:01", None);
        case("1970-01-01T00:00:00.Z", None);
        case("1970-01-01T00:00Z", None);
        case("1970-01-01", None);
        case("1970-01-01T01:00:00+0100", Some(0));
        case("1969-12-31T18:30:00-0530", Some(0));
        case("1970-01-01T00:00:00+01000", None);
        case("1970-01-01T00:00:00+01", None);
        case("1970-01-01T00:00:00+0160", None);
        case("1970-13-01T00:00:00Z", None);
        case("+970-01-01T00:00:00Z", None);
    }

    #[test]
    fn timestamps_are_read_as_chrono_reads_them() {
        let mut rng = Rng::with_seed(4);
        let mut agreed = 0;
        for _ in 0..20_000 {
            let mut text = rng.choice(&TIMES[..9]).unwrap().as_bytes().to_vec();
            let at = rng.usize(..text.len());
            text[at] = b"0123456789:-+TZ. "[rng.usize(..17)];
            let Ok(text) = str::from_utf8(&text) else { continue };
            let Ok(expected) = chrono::DateTime::parse_from_rfc3339(text) else { continue };
            if !text.contains(":60") {
                assert_eq!(parse(text.as_bytes()), Some(expected.timestamp_micros()), "{text}");
                agreed += 1;
            }
        }
        assert!(agreed > 3_000, "{agreed}");
    }
}

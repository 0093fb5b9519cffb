//! Events dated by a clock that was wrong: one such line would stretch a period over decades.

use chrono::{DateTime, TimeDelta, Utc};

use super::Table;
use super::chunk::{self, Chunk, ChunkBuilder};
use crate::event::timestamp::{self, MICROS_PER_SECOND, UNTIMED};

/// Events that were found to have no time that can be right, beside those that have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strays {
    /// Without a readable timestamp.
    pub untimed: u64,
    /// More than a day ahead of now.
    pub future: u64,
    pub latest_future: Option<DateTime<Utc>>,
    /// Few, and ten years or more before all others.
    pub early: u64,
    pub earliest: Option<DateTime<Utc>>,
}

/// So far ahead a clock may be and still be right: no time zone is further.
const TOLERANCE: TimeDelta = TimeDelta::days(1);

/// Nobody records for a day, and again ten years later.
const GAP_MICROS: i64 = 3650 * 86_400 * MICROS_PER_SECOND;

/// One event in so many may be early; a log has at least one that may be.
const FEW: usize = 100;

impl Strays {
    /// Whether an event among those from the first to the last of these moments can have a time that cannot be right.
    pub fn may_be_within(first: DateTime<Utc>, last: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        last - now > TOLERANCE || (last - first).num_microseconds().is_none_or(|micros| micros >= GAP_MICROS)
    }
}

impl Table {
    /// Takes their time from events whose time cannot be right. They stay, as events without a readable timestamp do:
    /// they count, and are in no period.
    pub fn untime_strays(&mut self, now: DateTime<Utc>) -> Strays {
        let latest = now.checked_add_signed(TOLERANCE).map_or(i64::MAX, |latest| latest.timestamp_micros());
        let untimed = self.rows().take_while(|(row, _)| row.micros == UNTIMED).count();
        let future = self.newest_first().take_while(|(row, _)| row.micros > latest).count();
        let timed = self.chunks.iter().map(Chunk::len).sum::<usize>() - untimed - future;
        let times = || self.rows().map(|(row, _)| row.micros).skip(untimed).take(timed);
        let is_gap = |(before, after): (i64, i64)| after.saturating_sub(before) >= GAP_MICROS;
        let early = times()
            .zip(times().skip(1))
            .take((timed / FEW).max(1))
            .position(is_gap)
            .map_or(0, |last_early| last_early + 1);
        let strays = Strays {
            untimed: untimed as u64,
            future: future as u64,
            latest_future: self.period().filter(|_| future > 0).map(|(_, last)| last),
            early: early as u64,
            earliest: times().next().filter(|_| early > 0).and_then(timestamp::to_datetime),
        };
        if future + early > 0 {
            self.untime(untimed + early, untimed + timed);
        }
        strays
    }

    /// Takes the time from all rows before the first of these two places, and from the other one on.
    fn untime(&mut self, first: usize, end: usize) {
        let mut rows = ChunkBuilder::new(chunk::MAX_ROWS);
        let chunks = self.take_chunks();
        let all = || chunks.iter().flat_map(Chunk::iter);
        for (row, duration) in all().take(first).chain(all().skip(end)) {
            rows.push(UNTIMED, duration, row.series);
        }
        for (row, duration) in all().take(end).skip(first) {
            rows.push(row.micros, duration, row.series);
        }
        self.chunks = rows.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::table::tests::table;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    /// The targets of all events, and when those of them were that still have a time.
    fn untimed(lines: &[(&str, &str)]) -> (Strays, String, usize) {
        let line = |(time, target): &(&str, &str)| {
            format!("{{\"timestamp\": \"{time}\", \"target\": \"{target}\", \"duration_seconds\": 1.0}}\n")
        };
        let mut table = table(&lines.iter().map(line).collect::<String>());
        let strays = table.untime_strays(at("2026-11-23T12:00:00Z"));
        let targets = table.events().map(|(_, event)| event.target).collect();
        (strays, targets, table.events().filter(|(time, _)| time.is_some()).count())
    }

    #[test]
    fn events_in_the_future_lose_their_time_and_stay() {
        let (strays, targets, timed) = untimed(&[
            ("2026-11-20T10:00:00Z", "a"),
            ("2026-11-24T11:59:59Z", "b"),
            ("2026-11-24T12:00:01Z", "c"),
            ("never", "d"),
            ("2038-01-19T03:14:07Z", "e"),
        ]);
        assert_eq!((strays.untimed, strays.future, strays.early), (1, 2, 0));
        assert_eq!(strays.latest_future, Some(at("2038-01-19T03:14:07Z")));
        assert_eq!((&*targets, timed), ("dceab", 2));
    }

    #[test]
    fn a_lone_event_decades_before_all_others_loses_its_time() {
        let (strays, targets, timed) = untimed(&[
            ("1970-01-01T00:00:07Z", "a"),
            ("2026-11-20T10:00:00Z", "b"),
            ("2026-11-21T10:00:00Z", "c"),
        ]);
        assert_eq!((strays.early, strays.earliest), (1, Some(at("1970-01-01T00:00:07Z"))));
        assert_eq!((&*targets, timed), ("abc", 2));
    }

    #[test]
    fn strays_may_be_where_there_are_some() {
        let may = |first: &str, last: &str| {
            let time = |day: &str| at(&format!("{day}T12:00:00Z"));
            Strays::may_be_within(time(first), time(last), at("2026-11-23T12:00:00Z"))
        };
        assert!(!may("2020-01-01", "2026-11-24"));
        assert!(may("2020-01-01", "2026-11-25"));
        assert!(may("1970-01-01", "2026-11-23"));
        assert!(may("0001-01-01", "9999-12-31"));
    }

    #[test]
    fn several_old_events_of_few_are_history() {
        let lines = [
            ("2012-01-01T00:00:07Z", "a"),
            ("2012-02-01T00:00:07Z", "b"),
            ("2026-11-20T10:00:00Z", "c"),
            ("2026-11-21T10:00:00Z", "d"),
        ];
        assert_eq!(untimed(&lines).0, Strays::default());
        assert_eq!(untimed(&lines[1..2]).0, Strays::default());
        assert_eq!(untimed(&[]).0, Strays::default());
        // Nine years are no gap.
        assert_eq!(
            untimed(&[("2017-11-20T10:00:00Z", "a"), ("2026-11-20T10:00:00Z", "b")]).0,
            Strays::default()
        );
    }
}

//! Leaves out events, and names.

use chrono::{DateTime, Utc};

use super::Table;
use super::chunk::{self, ChunkBuilder};
use super::rows::Row;
use crate::event::outcome::Outcome;
use crate::event::timestamp::UNTIMED;

/// Which events a report is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// From this moment on.
    pub since: Option<DateTime<Utc>>,
    /// Before this moment.
    pub until: Option<DateTime<Utc>>,
    /// The newest so many, after the other filters.
    pub last: Option<usize>,
    pub targets: Vec<String>,
    /// The empty name stands for no domain.
    pub domains: Vec<String>,
    /// Targets to leave out.
    pub excludes: Vec<String>,
    pub failed: bool,
}

impl Table {
    /// Leaves only what passes. An event without a time passes no `since` and no `until`.
    pub fn retain(&mut self, filter: &Filter) {
        if *filter == Filter::default() {
            return;
        }
        let names = |wanted: &[String], name: &str| wanted.iter().any(|wanted| wanted == name);
        let wanted: Vec<bool> = self
            .series
            .iter()
            .map(|series| {
                let target = &self.targets[series.target.index()];
                let domain = &self.domains[series.domain.index()];
                (filter.targets.is_empty() || names(&filter.targets, target))
                    && (filter.domains.is_empty() || names(&filter.domains, domain))
                    && !names(&filter.excludes, target)
                    && (!filter.failed || series.outcome == Outcome::Failed)
            })
            .collect();
        let is_timed = filter.since.is_some() || filter.until.is_some();
        let since = filter.since.map_or(UNTIMED + i64::from(is_timed), |since| since.timestamp_micros());
        let until = filter.until.map_or(i64::MAX, |until| until.timestamp_micros());
        let passes = |row: &Row| wanted[row.series as usize] && row.micros >= since && row.micros < until;
        let mut surplus = filter
            .last
            .map_or(0, |last| self.rows().filter(|(row, _)| passes(row)).count().saturating_sub(last));
        let mut left = ChunkBuilder::new(chunk::MAX_ROWS);
        for chunk in self.take_chunks() {
            for (row, duration) in chunk.iter().filter(|(row, _)| passes(row)) {
                if surplus > 0 {
                    surplus -= 1;
                } else {
                    left.push(row.micros, duration, row.series);
                }
            }
        }
        self.chunks = left.finish();
    }

    /// Replaces names by `target-1`, `domain-1` and so on, in order of first appearance among the
    /// events that are remaining: call it after [`Table::retain`], which needs the real names. Outcomes stay
    /// what they were (they depend on the real name of the target).
    pub fn anonymize(&mut self) {
        let mut targets = Renaming::of("target", self.targets.len(), 0);
        let mut domains = Renaming::of("domain", self.domains.len(), 1);
        let mut known = vec![false; self.series.len()];
        for (row, _) in self.rows() {
            if !std::mem::replace(&mut known[row.series as usize], true) {
                let series = self.series[row.series as usize];
                targets.see(series.target.0);
                domains.see(series.domain.0);
                if targets.is_done() && domains.is_done() {
                    break;
                }
            }
        }
        self.targets = targets.names;
        self.domains = domains.names;
    }
}

struct Renaming {
    what: &'static str,
    /// An empty one is not seen yet, or no domain.
    names: Vec<Box<str>>,
    count: usize,
    most: usize,
}

impl Renaming {
    fn of(what: &'static str, names: usize, unnamed: usize) -> Self {
        Self { what, names: vec![Box::default(); names], count: 0, most: names.saturating_sub(unnamed) }
    }

    fn see(&mut self, name: u32) {
        let unnamed = self.most < self.names.len() && name == 0;
        let name = &mut self.names[name as usize];
        if name.is_empty() && !unnamed {
            self.count += 1;
            *name = format!("{}-{}", self.what, self.count).into();
        }
    }

    fn is_done(&self) -> bool {
        self.count == self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::table::tests::table;

    #[test]
    fn filters_keep_what_they_name() {
        #[track_caller]
        fn case(lines: &str, filter: &Filter, expected: &str) {
            let mut table = table(lines);
            table.retain(filter);
            let targets: String = table.events().map(|(_, event)| event.target).collect();
            assert_eq!(targets, expected);
        }
        let lines = concat!(
            "{\"timestamp\": \"2026-02-14T10:00:00Z\", \"target\": \"a\", \"domain\": \"x\"}\n",
            "{\"timestamp\": \"2026-02-14T11:00:00Z\", \"target\": \"b\", \"exit_code\": 2}\n",
            "{\"timestamp\": \"2026-02-14T12:00:00Z\", \"target\": \"c\", \"exit_code\": 130}\n",
            "{\"target\": \"d\"}\n",
        );
        let at = |text: &str| Some(DateTime::parse_from_rfc3339(text).unwrap().to_utc());
        let all = Filter::default();
        case(lines, &all, "dabc");
        case(lines, &Filter { since: at("2026-02-14T11:00:00Z"), ..all.clone() }, "bc");
        case(lines, &Filter { until: at("2026-02-14T11:00:00Z"), ..all.clone() }, "a");
        case(lines, &Filter { targets: vec!["a".into(), "d".into()], ..all.clone() }, "da");
        case(lines, &Filter { domains: vec![String::new()], ..all.clone() }, "dbc");
        case(lines, &Filter { excludes: vec!["b".into()], ..all.clone() }, "dac");
        case(lines, &Filter { failed: true, ..all.clone() }, "b");
        case(lines, &Filter { last: Some(2), excludes: vec!["c".into()], ..all.clone() }, "ab");
        case(lines, &Filter { last: Some(9), ..all }, "dabc");
    }
}

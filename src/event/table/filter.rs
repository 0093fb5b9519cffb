//! Filters a table, and hides its names.

use chrono::{DateTime, Utc};

use super::Table;
use super::chunk::{self, ChunkBuilder};
use super::intern::{DomainId, SeriesKey};
use super::rows::Row;
use crate::event::outcome::Outcome;
use crate::event::timestamp::UNTIMED;

/// Which events a report is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// From this time on.
    pub since: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
    /// So many of the newest events that pass the other filters.
    pub last: Option<usize>,
    pub targets: Vec<String>,
    /// An empty name stands for events without a domain.
    pub domains: Vec<String>,
    /// Targets to leave out.
    pub excludes: Vec<String>,
    /// Only failed events.
    pub failed: bool,
}

/// Death by SIGINT, as a shell tells it.
const INTERRUPTED: i64 = 130;

impl Table {
    /// Of each series, whether its names and its outcome pass.
    pub fn series_passing(&self, filter: &Filter) -> Vec<bool> {
        let has = |names: &[String], name: &str| names.iter().any(|other| other == name);
        self.series
            .iter()
            .map(|series| {
                let target = &self.targets[series.target.index()];
                let domain = &self.domains[series.domain.index()];
                (filter.targets.is_empty() || has(&filter.targets, target))
                    && (filter.domains.is_empty() || has(&filter.domains, domain))
                    && !has(&filter.excludes, target)
                    && (!filter.failed || series.outcome == Outcome::Failed)
            })
            .collect()
    }

    /// Keeps the events that pass. An event without a time passes neither `since` nor `until`.
    pub fn retain(&mut self, filter: &Filter) {
        if *filter == Filter::default() {
            return;
        }
        let wanted = self.series_passing(filter);
        let needs_time = filter.since.is_some() || filter.until.is_some();
        let since = filter.since.map_or(UNTIMED + i64::from(needs_time), |since| since.timestamp_micros());
        let until = filter.until.map_or(i64::MAX, |until| until.timestamp_micros());
        let passes = |row: &Row| wanted[row.series as usize] && row.micros >= since && row.micros < until;
        let mut surplus = filter
            .last
            .map_or(0, |last| self.rows().filter(|(row, _)| passes(row)).count().saturating_sub(last));
        let mut passed = ChunkBuilder::new(chunk::MAX_ROWS);
        for chunk in self.take_chunks() {
            for (row, duration) in chunk.iter().filter(|(row, _)| passes(row)) {
                if surplus > 0 {
                    surplus -= 1;
                } else {
                    passed.push(row.micros, duration, row.series);
                }
            }
        }
        self.chunks = passed.finish();
    }

    /// Replaces names by `target-1`, `domain-1` and so on, in order of first appearance. Call it after
    /// [`Table::retain`], which needs the real names. Outcomes stay as they are: they depend on the target's real name.
    pub fn anonymize(&mut self) {
        let mut targets = Pseudonyms::new("target", self.targets.len());
        let mut domains = Pseudonyms::new("domain", self.domains.len());
        let mut seen = vec![false; self.series.len()];
        for (row, _) in self.rows() {
            if !std::mem::replace(&mut seen[row.series as usize], true) {
                let SeriesKey { target, domain, .. } = self.series[row.series as usize];
                targets.assign(target.index());
                if domain != DomainId::NONE {
                    domains.assign(domain.index());
                }
            }
        }
        (self.targets, self.domains) = (targets.names, domains.names);
        // Only the name of its target says that 99 is Ansible's Ctrl-C: from now on the code has to say so.
        for series in &mut self.series {
            let told = Outcome::from_exit_code("", series.exit_code);
            if series.outcome == Outcome::Interrupted && told != Outcome::Interrupted {
                series.exit_code = INTERRUPTED;
            }
        }
    }
}

struct Pseudonyms {
    prefix: &'static str,
    /// Empty: not assigned yet.
    names: Vec<Box<str>>,
    assigned: usize,
}

impl Pseudonyms {
    fn new(prefix: &'static str, count: usize) -> Self {
        Self { prefix, names: vec![Box::default(); count], assigned: 0 }
    }

    fn assign(&mut self, index: usize) {
        if self.names[index].is_empty() {
            self.assigned += 1;
            self.names[index] = format!("{}-{}", self.prefix, self.assigned).into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::table::tests::table;

    #[test]
    fn anonymous_events_keep_their_outcomes() {
        let mut table = table(concat!(
            "{\"timestamp\": \"2026-02-14T10:00:00Z\", \"target\": \"ansible-playbook\", \"exit_code\": 99}\n",
            "{\"timestamp\": \"2026-02-14T11:00:00Z\", \"target\": \"make\", \"exit_code\": 99}\n",
            "{\"timestamp\": \"2026-02-14T12:00:00Z\", \"target\": \"make\", \"exit_code\": 143}\n",
        ));
        let outcomes = |table: &Table| -> Vec<Outcome> {
            table.events().map(|(_, event)| Outcome::from_exit_code(&event.target, event.exit_code)).collect()
        };
        let before = outcomes(&table);
        assert_eq!(before, [Outcome::Interrupted, Outcome::Failed, Outcome::Interrupted]);
        table.anonymize();
        assert_eq!(outcomes(&table), before);
        let codes: Vec<i64> = table.events().map(|(_, event)| event.exit_code).collect();
        assert_eq!(codes, [130, 99, 143]);
    }

    #[test]
    fn filters_keep_matching_events_only() {
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

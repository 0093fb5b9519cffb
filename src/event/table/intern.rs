//! Each name once, and each combination of names and exit code. All reading threads share it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::event::outcome::Outcome;

/// An index into [`super::Table::targets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TargetId(pub u32);

/// An index into [`super::Table::domains`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DomainId(pub u32);

impl TargetId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl DomainId {
    pub const NONE: Self = Self(0);

    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the events of a series have in common: all that is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesKey {
    pub target: TargetId,
    pub domain: DomainId,
    pub exit_code: i64,
    pub outcome: Outcome,
}

#[derive(Debug)]
pub struct Interner(Mutex<Interned>);

#[derive(Debug)]
pub(super) struct Interned {
    pub(super) targets: Names,
    pub(super) domains: Names,
    pub(super) series: Vec<SeriesKey>,
    series_of: HashMap<(TargetId, DomainId, i64), u32>,
}

#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) names: Vec<Box<str>>,
    ids: HashMap<Box<str>, u32>,
}

impl Names {
    fn id(&mut self, name: &str) -> u32 {
        if let Some(&id) = self.ids.get(name) {
            return id;
        }
        let id = next_id(self.names.len());
        self.names.push(name.into());
        self.ids.insert(name.into(), id);
        id
    }
}

/// 2^32 different names would need more memory than the log they are read from.
fn next_id(count: usize) -> u32 {
    u32::try_from(count).expect("fewer than 2^32 different names")
}

impl Default for Interner {
    fn default() -> Self {
        let mut domains = Names::default();
        domains.id("");
        Self(Mutex::new(Interned {
            targets: Names::default(),
            domains,
            series: Vec::new(),
            series_of: HashMap::new(),
        }))
    }
}

impl Interner {
    /// The index of a series in [`super::Table::series`]. An empty domain is no domain.
    pub(super) fn series(&self, target: &str, domain: &str, exit_code: i64) -> u32 {
        let mut interned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Interned { targets, domains, series, series_of } = &mut *interned;
        let key = (TargetId(targets.id(target)), DomainId(domains.id(domain)), exit_code);
        *series_of.entry(key).or_insert_with(|| {
            let (target_id, domain, exit_code) = key;
            let outcome = Outcome::from_exit_code(target, exit_code);
            series.push(SeriesKey { target: target_id, domain, exit_code, outcome });
            next_id(series.len() - 1)
        })
    }

    pub(super) fn into_inner(self) -> Interned {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

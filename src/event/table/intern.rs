//! Every name once, and every combination of names and exit code.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::event::outcome::Outcome;

/// A combination of all that is not a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesKey {
    pub target: u32,
    pub domain: u32,
    pub exit_code: i64,
    pub outcome: Outcome,
}

/// The names of all reading threads.
#[derive(Debug)]
pub struct Interner(pub(super) Mutex<Known>);

#[derive(Debug)]
pub(super) struct Known {
    pub(super) targets: Index,
    pub(super) domains: Index,
    pub(super) series: Vec<SeriesKey>,
    places: HashMap<(u32, u32, i64), u32>,
}

#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) names: Vec<Box<str>>,
    places: HashMap<Box<str>, u32>,
}

impl Index {
    fn place(&mut self, name: &str) -> u32 {
        if let Some(&place) = self.places.get(name) {
            return place;
        }
        let place = place(self.names.len());
        self.names.push(name.into());
        self.places.insert(name.into(), place);
        place
    }
}

/// Four thousand million different names would need more memory than the log they are read from.
fn place(length: usize) -> u32 {
    u32::try_from(length).expect("fewer than 2^32 different names")
}

impl Default for Interner {
    fn default() -> Self {
        let mut domains = Index::default();
        domains.place("");
        let known = Known { targets: Index::default(), domains, series: Vec::new(), places: HashMap::new() };
        Self(Mutex::new(known))
    }
}

impl Interner {
    pub fn series(&self, target: &str, domain: &str, exit_code: i64) -> u32 {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = &mut *known;
        let key = (known.targets.place(target), known.domains.place(domain), exit_code);
        *known.places.entry(key).or_insert_with(|| {
            let (target_place, domain, exit_code) = key;
            let outcome = Outcome::from_exit_code(target, exit_code);
            known.series.push(SeriesKey { target: target_place, domain, exit_code, outcome });
            place(known.series.len() - 1)
        })
    }

    pub(super) fn into_known(self) -> Known {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

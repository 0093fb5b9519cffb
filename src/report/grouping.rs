//! The numbers of each target (or of each domain), found out when it is shown.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

use super::calendar::{self, Calendar, Hour};
use super::findings::{self, Completed, Recent};
use super::model::{
    Bin, By, Change, Counts, Day, Durations, Finding, FindingKind, Group, Population, Run, Sort, Usual,
};
use super::parallel::parallel;
use super::statistics::{self, Census, Duration, Sorted, Union, Unsorted};
use super::tally::{self, Tally};
use crate::event::duration::RunDuration;
use crate::event::outcome::{Outcome, shell_code};
use crate::event::table::SeriesKey;
use crate::event::table::rows::{Row, Rows, Sheet, for_each_row};
use crate::event::timestamp::{self, UNTIMED};

/// The tallies of some kinds, added up.
#[derive(Default)]
struct Sums {
    counts: Counts,
    all: Tally,
    by_outcome: [Tally; 3],
}

/// What every group looks at.
pub struct Shared<'a> {
    pub kinds: Vec<SeriesKey>,
    pub targets: Vec<Box<str>>,
    pub domains: Vec<Box<str>>,
    /// All of them, in the order in which they are added up.
    pub order: Vec<u32>,
    /// Of each kind.
    pub outcomes: Vec<Outcome>,
    pub tallies: Vec<Tally>,
    pub calendar: Calendar<'a>,
    pub from: i64,
    pub to: i64,
    pub durations: Population,
    pub threads: usize,
}

/// The rows of each group, and what the order of the groups and their sums need. There may be as many groups
/// as events: what else is told of one is found out when it is shown.
pub struct Grouped<'a> {
    shared: Shared<'a>,
    sheets: Vec<Sheet<'a>>,
    by: By,
    /// By name.
    kinds: Lists<u32>,
    /// By name, in time order.
    stretches: Lists<RowsOf>,
    /// In the order of the report.
    briefs: Vec<Brief>,
    /// By name: those that are beyond chance.
    changes: BTreeMap<u32, Change>,
}

/// Rows of one group that follow each other.
#[derive(Clone, Copy, Default)]
struct RowsOf {
    sheet: u32,
    start: u32,
    end: u32,
    /// What the first one's step is counted from.
    base: i64,
}

/// How much of a group is wanted: what tells durations apart is dear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Of the durations only those that the report shows, and of them the mean, median, p95, least and greatest;
    /// no trend, no day, no histogram.
    Row,
    /// The same, with [`Group::trend12`] or [`Group::trend24`].
    Trend12,
    Trend24,
    /// All there is.
    Whole,
}

/// As much of a group as its place in the report depends on.
#[derive(Clone, Copy)]
pub struct Brief {
    name: u32,
    pub counts: Counts,
    pub seconds: f64,
    /// Of the durations that the report shows.
    pub mean: Option<f64>,
}

/// A list for each of many owners, all in one piece of memory.
struct Lists<T> {
    /// Where each owner's list begins, and where the last one ends.
    starts: Vec<usize>,
    items: Vec<T>,
}

impl<T: Copy + Default> Lists<T> {
    /// Each list in the order of its items. `items` is called twice.
    fn of<I: Iterator<Item = (u32, T)>>(owners: usize, items: impl Fn() -> I) -> Self {
        let mut starts = vec![0; owners + 1];
        for (owner, _) in items() {
            starts[owner as usize] += 1;
        }
        let mut all = 0;
        for start in &mut starts {
            all += std::mem::replace(start, all);
        }
        let mut list = vec![T::default(); all];
        for (owner, item) in items() {
            let place = &mut starts[owner as usize];
            list[*place] = item;
            *place += 1;
        }
        // Each place has come to where the next one began.
        starts.rotate_right(1);
        starts[0] = 0;
        Self { starts, items: list }
    }

    fn list(&self, owner: u32) -> &[T] {
        &self.items[self.starts[owner as usize]..self.starts[owner as usize + 1]]
    }
}

impl<'a> Grouped<'a> {
    /// In no particular order, and what is worth a look. `runs` are of each sheet.
    pub fn of(
        shared: Shared<'a>,
        sheets: Vec<Sheet<'a>>,
        runs: &[Vec<tally::Run>],
        by: By,
    ) -> (Self, Vec<Finding>) {
        let names = by.names(&shared.targets, &shared.domains);
        let group_of = by.group_of(&shared.kinds);
        let seen = |kind: &u32| shared.tallies[*kind as usize].runs > 0;
        let kinds = Lists::of(names, || {
            shared.order.iter().copied().filter(seen).map(|kind| (group_of[kind as usize], kind))
        });
        let stretches = Lists::of(names, || {
            (0..).zip(&sheets).zip(runs).flat_map(|((place, sheet), runs)| {
                let end = u32::try_from(sheet.rows.get().len()).unwrap_or(u32::MAX);
                let ends = runs.iter().skip(1).map(|next| next.start).chain([end]);
                runs.iter().zip(ends).map(move |(run, end)| {
                    (run.group, RowsOf { sheet: place, start: run.start, end, base: run.base })
                })
            })
        });
        let (briefs, changes) = (Vec::new(), BTreeMap::new());
        let mut grouped = Self { shared, sheets, by, kinds, stretches, briefs, changes };
        grouped.briefs = (0..)
            .take(names)
            .filter(|&name| !grouped.stretches.list(name).is_empty())
            .map(|name| grouped.brief(name))
            .collect();
        let findings = grouped.find();
        (grouped, findings)
    }

    pub fn sorted(mut self, by: Sort) -> Self {
        let mut briefs = std::mem::take(&mut self.briefs);
        briefs.sort_unstable_by(|a, b| {
            let order = match by {
                Sort::Runs => b.counts.runs.cmp(&a.counts.runs),
                Sort::Time => b.seconds.total_cmp(&a.seconds),
                Sort::Average => b.average().total_cmp(&a.average()),
                Sort::Failures => b.counts.failed.cmp(&a.counts.failed),
                Sort::Name => Ordering::Equal,
            };
            order.then_with(|| self.name(a.name).cmp(&self.name(b.name)))
        });
        self.briefs = briefs;
        self
    }

    /// `None`: no domain.
    fn name(&self, name: u32) -> Option<&str> {
        match self.by {
            By::Target => Some(&self.shared.targets[name as usize]),
            By::Domain => Some(&*self.shared.domains[name as usize]).filter(|name| !name.is_empty()),
        }
    }

    fn brief(&self, name: u32) -> Brief {
        let Sums { counts, all, by_outcome } = self.sums(name);
        let (shown, _) = self.shown(&counts);
        let mean = match shown {
            Population::Ok => by_outcome[0].mean(),
            Population::Failed => by_outcome[1].mean(),
            Population::All => all.mean(),
        };
        Brief { name, counts, seconds: all.seconds(), mean }
    }

    fn sums(&self, name: u32) -> Sums {
        let mut sums = Sums::default();
        for &kind in self.kinds.list(name) {
            let (kind, tally) = (&self.shared.kinds[kind as usize], &self.shared.tallies[kind as usize]);
            sums.counts.add(kind.outcome, tally.runs);
            sums.all.add(tally);
            sums.by_outcome[kind.outcome as usize].add(tally);
        }
        sums
    }

    /// Which durations are shown of a group that ended so, and whether for want of others.
    fn shown(&self, counts: &Counts) -> (Population, bool) {
        let durations = self.shared.durations;
        let starred = durations == Population::Ok && counts.ok == 0 && counts.failed > 0;
        (if starred { Population::Failed } else { durations }, starred)
    }

    /// Back to the sheets, for another way of grouping.
    pub fn into_parts(self) -> (Shared<'a>, Vec<Sheet<'a>>) {
        (self.shared, self.sheets)
    }

    /// The newest first.
    fn newest(&self, name: u32) -> impl Iterator<Item = (Row, RunDuration, SeriesKey)> {
        self.stretches.list(name).iter().rev().flat_map(move |stretch| {
            let (fine, rows) = self.rows(stretch);
            rows.newest_first().map(move |row| {
                (row, RunDuration::decode(row.duration, fine), self.shared.kinds[row.series as usize])
            })
        })
    }

    /// With the exact values of finer durations.
    fn rows(&self, stretch: &RowsOf) -> (&[f64], Rows<'_>) {
        let sheet = &self.sheets[stretch.sheet as usize];
        (sheet.exact, sheet.rows.get().part(stretch.base, stretch.start as usize..stretch.end as usize))
    }

    fn completed(&self, name: u32) -> Completed {
        let mut completed = Completed::default();
        for (row, length, kind) in self.newest(name) {
            let failed = kind.outcome == Outcome::Failed;
            if kind.outcome != Outcome::Interrupted && !completed.push(failed, row.micros, length.seconds()) {
                break;
            }
        }
        completed
    }

    fn recent(&self, name: u32) -> Recent {
        let mut recent = Recent::new(self.shared.to);
        for (row, length, kind) in self.newest(name) {
            if kind.outcome == Outcome::Ok
                && row.micros != UNTIMED
                && !recent.push(row.micros, length.seconds())
            {
                break;
            }
        }
        recent
    }

    /// Looks at each group, keeps the changes that are real, and tells what is worth a look.
    fn find(&mut self) -> Vec<Finding> {
        /// Enough for any number of threads.
        const PARTS: usize = 256;
        /// Only the few that matter most are told, however many there are.
        const HELD: usize = 1000;
        let name = |name| self.name(name).unwrap_or_default();
        // What is big is rare: neighbours are looked at by different threads.
        let mut parts: Vec<usize> = (0..PARTS.min(self.briefs.len())).collect();
        let (parts, _) = parallel(
            self.shared.threads,
            &mut parts,
            || (),
            |(), first| {
                let (mut changes, mut found) = (Vec::new(), Vec::new());
                for brief in self.briefs.iter().skip(*first).step_by(PARTS) {
                    changes.extend(self.recent(brief.name).change().map(|change| (brief.name, change)));
                    let rated = brief.counts.ok + brief.counts.failed;
                    let finding = self.completed(brief.name).finding(brief.counts.ok, rated);
                    found.extend(finding.map(|(kind, seconds)| (brief.name, kind, seconds)));
                    if found.len() >= HELD {
                        findings::choose(&mut found, name);
                    }
                }
                (changes, found)
            },
        );
        let tests = parts.iter().map(|(changes, _)| changes.len() as u64).sum();
        let mut found = Vec::new();
        let mut real = BTreeMap::new();
        for (changes, failing) in parts {
            found.extend(failing);
            for (name, change) in changes {
                let change = Change { tests, ..change };
                if change.is_real() {
                    found.push((name, FindingKind::Changed(change), findings::impact(&change)));
                    real.insert(name, change);
                }
            }
        }
        findings::choose(&mut found, name);
        let finding = |(target, kind, _)| Finding { target: name(target).to_owned(), kind };
        let found = found.into_iter().map(finding).collect();
        self.changes = real;
        found
    }

    /// What `of` makes of the groups at these places, in their order.
    fn groups<R: Send>(&self, places: &[usize], detail: Detail, of: impl Fn(Group) -> R + Sync) -> Vec<R> {
        let mut order: Vec<(usize, u32)> =
            places.iter().map(|&place| self.briefs[place].name).enumerate().collect();
        // The greatest first, so that no thread is left alone with it at the end.
        let runs = |&(at, _): &(usize, u32)| self.briefs[places[at]].counts.runs;
        order.sort_by_key(|item| std::cmp::Reverse(runs(item)));
        let (mut made, _) =
            parallel(self.shared.threads, &mut order, Values::default, |values, &mut (at, name)| {
                (at, of(self.group(name, detail, values)))
            });
        made.sort_unstable_by_key(|&(at, _)| at);
        made.into_iter().map(|(_, group)| group).collect()
    }

    fn group(&self, name: u32, detail: Detail, values: &mut Values) -> Group {
        let mut group = self.plain(name);
        let is_fine = |stretch: &RowsOf| !self.sheets[stretch.sheet as usize].exact.is_empty();
        let has_fine = self.stretches.list(name).iter().any(is_fine);
        let is_much = group.counts.runs >= MANY;
        match (detail, has_fine) {
            (Detail::Whole, true) => self.whole::<f64>(name, &mut group),
            (Detail::Whole, false) => self.whole::<u32>(name, &mut group),
            (_, true) => self.row(name, detail, &mut values.seconds, &mut group),
            (_, false) if is_much => self.row_of_many(name, detail, &mut values.milliseconds[0], &mut group),
            (_, false) => self.row(name, detail, &mut values.milliseconds, &mut group),
        }
        group
    }

    /// What does not depend on how long each run took.
    fn plain(&self, name: u32) -> Group {
        let Sums { counts, all, by_outcome } = self.sums(name);
        let mut exit_codes = BTreeMap::new();
        let mut parts = BTreeMap::<Option<String>, Counts>::new();
        for &kind in self.kinds.list(name) {
            let runs = self.shared.tallies[kind as usize].runs;
            let kind = &self.shared.kinds[kind as usize];
            *exit_codes.entry(shell_code(kind.exit_code)).or_default() += runs;
            let part = match self.by {
                By::Target => &self.shared.domains[kind.domain as usize],
                By::Domain => &self.shared.targets[kind.target as usize],
            };
            let part = (self.by == By::Domain || !part.is_empty()).then(|| part.to_string());
            parts.entry(part).or_default().add(kind.outcome, runs);
        }
        let [_, failed, interrupted] = by_outcome;
        let mut unfinished = failed;
        unfinished.add(&interrupted);
        let (shown, starred) = self.shown(&counts);
        let mut last_runs: Vec<Run> = self
            .newest(name)
            .take(LAST_RUNS)
            .map(|(row, length, kind)| {
                let domain = &self.shared.domains[kind.domain as usize];
                Run {
                    ended_at: timestamp::to_datetime(row.micros),
                    seconds: length.seconds(),
                    exit_code: shell_code(kind.exit_code),
                    domain: (!domain.is_empty()).then(|| domain.to_string()),
                }
            })
            .collect();
        last_runs.reverse();
        let last = last_runs.last();
        let mut stretches = self.stretches.list(name).iter();
        let first_run = stretches
            .find_map(|stretch| self.rows(stretch).1.iter().find(|row| row.micros != UNTIMED))
            .and_then(|row| timestamp::to_datetime(row.micros));
        Group {
            name: self.name(name).map(str::to_owned),
            counts,
            success_interval: statistics::wilson(counts.ok, counts.ok + counts.failed),
            exit_codes,
            seconds: all.seconds(),
            seconds_unfinished: unfinished.seconds(),
            first_run,
            last_run: last.and_then(|run| run.ended_at),
            last_exit_code: last.map_or(0, |run| run.exit_code),
            failure_streak: self.completed(name).streak(),
            ok: Durations::default(),
            failed: Durations::default(),
            all: Durations::default(),
            shown,
            starred,
            usual: None,
            change: self.changes.get(&name).copied(),
            trend24: [None; 24],
            trend12: [None; 12],
            parts: parts.into_iter().collect(),
            days: Vec::new(),
            last_runs,
            histogram: Vec::new(),
            outliers: Vec::new(),
        }
    }

    /// Adds what [`Detail::Row`] and the trends say.
    fn row<D: FromLength>(&self, name: u32, detail: Detail, values: &mut [Vec<D>; 2], group: &mut Group) {
        let shown = group.shown;
        let (of_slot, medians) = group.trend_of(detail);
        let [all, of_one] = values;
        all.clear();
        self.each_slot(name, shown, of_slot, of_one, |slot, values| {
            if let Some(median) = slot.and_then(|slot| medians.get_mut(slot)) {
                *median = statistics::median(values);
            }
            all.extend_from_slice(values);
        });
        self.set_main_durations(name, &Unsorted::new(all), group);
    }

    /// The same of so many runs that their durations had better not be held all at once: fresh memory is dear, and
    /// what does not fit into a processor's cache is read as slowly as a log.
    fn row_of_many(&self, name: u32, detail: Detail, values: &mut Vec<u32>, group: &mut Group) {
        let shown = group.shown;
        let mut census = Census::new();
        let (of_slot, medians) = group.trend_of(detail);
        self.each_slot(name, shown, of_slot, values, |slot, values| {
            let found = census.add(values);
            if let Some(median) = slot.and_then(|slot| medians.get_mut(slot)) {
                *median = found;
            }
        });
        census.look_for(&[0.5, 0.95]);
        let is_shown = self.is_shown(shown);
        for stretch in self.stretches.list(name) {
            let (fine, rows) = self.rows(stretch);
            for_each_row!(row in rows => {
                if is_shown(row) {
                    census.see(u32::of_length(RunDuration::decode(row.duration, fine)));
                }
            });
        }
        census.sort();
        self.set_main_durations(name, &census, group);
    }

    fn set_main_durations(&self, name: u32, values: &impl Sorted, group: &mut Group) {
        let Sums { all, by_outcome: [ok, failed, _], .. } = self.sums(name);
        match group.shown {
            Population::Ok => group.ok = main_durations(values, &ok),
            Population::Failed => group.failed = main_durations(values, &failed),
            Population::All => group.all = main_durations(values, &all),
        }
    }

    fn is_shown(&self, shown: Population) -> impl Fn(Row) -> bool {
        let is_shown = [Outcome::Ok, Outcome::Failed, Outcome::Interrupted].map(|ended| shown.has(ended));
        move |row| is_shown[self.shared.outcomes[row.series as usize] as usize]
    }

    /// The durations of each slot of the period, of which there are 24 divided by `of_slot`; first those of events
    /// that are in none. At least once.
    fn each_slot<D: FromLength>(
        &self,
        name: u32,
        shown: Population,
        of_slot: usize,
        values: &mut Vec<D>,
        mut done: impl FnMut(Option<usize>, &mut [D]),
    ) {
        let is_shown = self.is_shown(shown);
        let mut slots = Slots::new(self.shared.from, self.shared.to);
        let mut slot = None;
        values.clear();
        for stretch in self.stretches.list(name) {
            let (fine, rows) = self.rows(stretch);
            for_each_row!(row in rows => {
                if row.micros >= slots.end && row.micros != UNTIMED {
                    slots.advance(row.micros);
                    let next = Some(slots.at / of_slot);
                    if next != slot {
                        done(slot, values);
                        values.clear();
                        slot = next;
                    }
                }
                if is_shown(row) {
                    values.push(D::of_length(RunDuration::decode(row.duration, fine)));
                }
            });
        }
        done(slot, values);
    }

    /// Adds what only [`Detail::Whole`] says, and what the others do.
    fn whole<D: FromLength>(&self, name: u32, group: &mut Group) {
        let Sums { all: all_tally, by_outcome: [ok_tally, failed_tally, interrupted_tally], .. } =
            self.sums(name);
        let shown = group.shown;
        let room = |tally: &Tally| Vec::<D>::with_capacity(usize::try_from(tally.runs).unwrap_or(0));
        let mut values = [room(&ok_tally), room(&failed_tally), room(&interrupted_tally)];
        let mut every = if shown == Population::All { room(&all_tally) } else { Vec::new() };
        let mut slots = Slots::new(self.shared.from, self.shared.to);
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut hour = Hour::NONE;
        for stretch in self.stretches.list(name) {
            let (fine, rows) = self.rows(stretch);
            for row in rows.iter() {
                let outcome = self.shared.outcomes[row.series as usize];
                let value = D::of_length(RunDuration::decode(row.duration, fine));
                if row.micros != UNTIMED {
                    if !hour.holds(row.micros) || row.micros >= slots.end {
                        hour = self.shared.calendar.hour(row.micros);
                        slots.advance(row.micros);
                        let start = match shown {
                            Population::All => every.len(),
                            Population::Ok => values[0].len(),
                            Population::Failed => values[1].len(),
                        };
                        let counts = Counts::default();
                        let same = |last: &Stretch| (last.day, last.slot) == (hour.day, slots.at);
                        if !stretches.last().is_some_and(same) {
                            stretches.push(Stretch { day: hour.day, slot: slots.at, start, counts });
                        }
                    }
                    if let Some(stretch) = stretches.last_mut() {
                        stretch.counts.add(outcome, 1);
                    }
                }
                values[outcome as usize].push(value);
                if shown == Population::All {
                    every.push(value);
                }
            }
        }

        let in_order: &[D] = match shown {
            Population::All => &every,
            Population::Ok => &values[0],
            Population::Failed => &values[1],
        };
        let mut spare = Vec::new();
        let mut median_of = |start: usize, end: usize| {
            spare.clear();
            spare.extend_from_slice(&in_order[start..end]);
            statistics::median(&mut spare)
        };
        let end_of = |next: Option<&Stretch>| next.map_or(in_order.len(), |next| next.start);
        let mut rest = &stretches[..];
        while let Some(first) = rest.first() {
            let count = rest.partition_point(|stretch| stretch.slot == first.slot);
            group.trend24[first.slot] = median_of(first.start, end_of(rest.get(count)));
            rest = &rest[count..];
        }
        let mut rest = &stretches[..];
        while let Some(first) = rest.first() {
            let count = rest.partition_point(|stretch| stretch.slot / 2 == first.slot / 2);
            group.trend12[first.slot / 2] = median_of(first.start, end_of(rest.get(count)));
            rest = &rest[count..];
        }
        let mut rest = &stretches[..];
        while let Some(first) = rest.first() {
            let count = rest.partition_point(|stretch| stretch.day == first.day);
            let mut counts = Counts::default();
            for stretch in &rest[..count] {
                counts.merge(&stretch.counts);
            }
            let median = median_of(first.start, end_of(rest.get(count)));
            group.days.push(Day { date: calendar::date(first.day), counts, median });
            rest = &rest[count..];
        }
        drop(every);

        let mut last_ok: Vec<D> = values[0][values[0].len().saturating_sub(20)..].to_vec();
        D::sort(&mut last_ok);
        group.usual = usual(&Union([&last_ok, &[], &[]]));
        for values in &mut values {
            D::sort(values);
        }
        let [ok, failed, interrupted] = &values;
        let ok_sorted = Union([ok, &[], &[]]);
        let failed_sorted = Union([failed, &[], &[]]);
        let all_sorted = Union([ok, failed, interrupted]);
        let shown_sorted = match shown {
            Population::Ok => &ok_sorted,
            Population::Failed => &failed_sorted,
            Population::All => &all_sorted,
        };

        group.ok = durations(&ok_sorted, &ok_tally);
        group.failed = durations(&failed_sorted, &failed_tally);
        group.all = durations(&all_sorted, &all_tally);
        group.histogram = histogram(shown_sorted);
        group.outliers = outliers(shown_sorted);
    }
}

impl Group {
    /// How many of the 24 slots are one in the trend that is wanted, and that trend.
    fn trend_of(&mut self, detail: Detail) -> (usize, &mut [Option<f64>]) {
        match detail {
            Detail::Trend12 => (2, &mut self.trend12),
            Detail::Trend24 => (1, &mut self.trend24),
            Detail::Row | Detail::Whole => (24, &mut []),
        }
    }
}

impl Brief {
    /// Where there is none, below all others.
    fn average(&self) -> f64 {
        self.mean.unwrap_or(-1.0)
    }
}

/// The groups of a report, each of which is made when it is looked at.
pub enum Groups<'a> {
    Counted(Box<Grouped<'a>>),
    /// For whoever tests what is shown.
    #[cfg(test)]
    Given(Vec<Group>),
}

impl Groups<'_> {
    /// So many groups are held at a time: a page of memory or two for each.
    const AT_ONCE: usize = 1024;

    pub fn len(&self) -> usize {
        match self {
            Self::Counted(grouped) => grouped.briefs.len(),
            #[cfg(test)]
            Self::Given(groups) => groups.len(),
        }
    }

    pub fn brief(&self, place: usize) -> Brief {
        match self {
            Self::Counted(grouped) => grouped.briefs[place],
            #[cfg(test)]
            Self::Given(groups) => {
                let group = &groups[place];
                Brief { name: 0, counts: group.counts, seconds: group.seconds, mean: group.shown().mean }
            }
        }
    }

    /// `None`: no domain.
    pub fn name(&self, place: usize) -> Option<&str> {
        match self {
            Self::Counted(grouped) => grouped.name(grouped.briefs[place].name),
            #[cfg(test)]
            Self::Given(groups) => groups[place].name.as_deref(),
        }
    }

    /// What `of` makes of the groups at these places, which may be in any order.
    pub fn at<R: Send>(&self, places: &[usize], detail: Detail, of: impl Fn(Group) -> R + Sync) -> Vec<R> {
        match self {
            Self::Counted(grouped) => grouped.groups(places, detail, of),
            #[cfg(test)]
            Self::Given(groups) => places.iter().map(|&place| of(groups[place].clone())).collect(),
        }
    }

    /// The same of one after the other, however many there are.
    pub fn each<R: Send>(
        &self,
        places: Range<usize>,
        detail: Detail,
        of: impl Fn(Group) -> R + Sync,
    ) -> impl Iterator<Item = R> {
        places.clone().step_by(Self::AT_ONCE).flat_map(move |start| {
            let batch: Vec<usize> = (start..places.end.min(start + Self::AT_ONCE)).collect();
            self.at(&batch, detail, &of)
        })
    }

    /// The places of the groups in the order of their averages, the longest first.
    pub fn by_average(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_unstable_by(|&a, &b| {
            let average = |place| self.brief(place).average();
            average(b).total_cmp(&average(a)).then_with(|| self.name(a).cmp(&self.name(b)))
        });
        order
    }
}

const LAST_RUNS: usize = 10;

/// Durations of one day and time slot that follow each other.
struct Stretch {
    day: i64,
    slot: usize,
    /// Place of its first value among the shown ones.
    start: usize,
    counts: Counts,
}

/// The 24 equal slots of the period.
struct Slots {
    from: i64,
    to: i64,
    at: usize,
    /// Where the slot at hand ends.
    end: i64,
}

impl Slots {
    fn new(from: i64, to: i64) -> Self {
        Self { from, to, at: 0, end: i64::MIN }
    }

    fn advance(&mut self, micros: i64) {
        let span = i128::from(self.to) - i128::from(self.from) + 1;
        let start = |slot: usize| {
            let share = span * slot as i128;
            // Rounded up: the first microsecond that is in the slot.
            i64::try_from(i128::from(self.from) + (share + 23).div_euclid(24)).unwrap_or(i64::MAX)
        };
        while self.at < 23 && micros >= start(self.at + 1) {
            self.at += 1;
        }
        self.end = if self.at == 23 { i64::MAX } else { start(self.at + 1) };
    }
}

/// From so many runs on, see [`Grouped::row_of_many`].
#[cfg(not(test))]
const MANY: u64 = 1 << 16;
#[cfg(test)]
const MANY: u64 = 1 << 10;

/// Room for the durations of a group, for one after the other.
#[derive(Default)]
struct Values {
    milliseconds: [Vec<u32>; 2],
    seconds: [Vec<f64>; 2],
}

/// Durations that come out of a [`RunDuration`].
trait FromLength: Duration {
    fn of_length(length: RunDuration) -> Self;
}

impl FromLength for u32 {
    fn of_length(length: RunDuration) -> Self {
        match length {
            RunDuration::Milliseconds(milliseconds) => milliseconds,
            // Groups with such durations are counted in seconds.
            RunDuration::Seconds(_) => 0,
        }
    }
}

impl FromLength for f64 {
    fn of_length(length: RunDuration) -> Self {
        length.seconds()
    }
}

fn durations(sorted: &impl Sorted, tally: &Tally) -> Durations {
    let n = sorted.len();
    let Some(last) = n.checked_sub(1) else { return Durations::default() };
    let from_20 = |share| (n >= 20).then(|| sorted.quantile(share)).flatten();
    let from_5 = |share| (n >= 5).then(|| sorted.quantile(share)).flatten();
    Durations {
        n: n as u64,
        mean: tally.mean(),
        median: sorted.median(),
        min: Some(sorted.at(0)),
        max: Some(sorted.at(last)),
        mad: sorted.median_deviation(),
        p5: from_20(0.05),
        p10: from_20(0.10),
        p90: from_20(0.90),
        p95: from_20(0.95),
        p25: from_5(0.25),
        p75: from_5(0.75),
    }
}

/// What a row of a table shows of them.
fn main_durations(values: &impl Sorted, tally: &Tally) -> Durations {
    let n = values.len();
    let Some(last) = n.checked_sub(1) else { return Durations::default() };
    Durations {
        n: n as u64,
        mean: tally.mean(),
        p95: (n >= 20).then(|| values.quantile(0.95)).flatten(),
        median: values.median(),
        min: Some(values.at(0)),
        max: Some(values.at(last)),
        ..Durations::default()
    }
}

/// Of the last twenty that succeeded, sorted.
fn usual(last: &impl Sorted) -> Option<Usual> {
    let n = last.len();
    let range = (n >= 10).then(|| last.quantile(0.10).zip(last.quantile(0.90))).flatten();
    (n >= 5).then(|| Some(Usual { n: n as u64, median: last.median()?, range }))?
}

/// Bins of a width that clocks know, ten at most, and what is longer in one more.
fn histogram(sorted: &impl Sorted) -> Vec<Bin> {
    const WIDTHS: [f64; 31] = [
        0.001,
        0.002,
        0.005,
        0.01,
        0.02,
        0.05,
        0.1,
        0.2,
        0.5,
        1.0,
        2.0,
        5.0,
        10.0,
        15.0,
        30.0,
        60.0,
        120.0,
        300.0,
        600.0,
        900.0,
        1800.0,
        3600.0,
        7200.0,
        14_400.0,
        21_600.0,
        43_200.0,
        86_400.0,
        172_800.0,
        604_800.0,
        1_209_600.0,
        2_419_200.0,
    ];
    let (Some(last), Some(high)) = (sorted.len().checked_sub(1), sorted.quantile(0.99)) else {
        return Vec::new();
    };
    let (low, most) = (sorted.at(0), sorted.at(last));
    // Beyond the widest bins, no width is a clock's.
    let fits = |width: &f64| (high / width).floor() - (low / width).floor() < 10.0;
    let width = WIDTHS.into_iter().find(fits).unwrap_or((high - low) / 9.0);
    let first = (low / width).floor();
    let mut bins = Vec::new();
    let mut counted = 0;
    let mut start = first * width;
    for step in 1..=10 {
        let end = (first + f64::from(step)) * width;
        let up_to = statistics::below(sorted, end);
        bins.push(Bin { low: start, high: Some(end), runs: (up_to - counted) as u64 });
        (counted, start) = (up_to, end);
        if high < end {
            break;
        }
    }
    if most >= start {
        bins.push(Bin { low: start, high: None, runs: (sorted.len() - counted) as u64 });
    }
    bins
}

/// Beyond the p95 whisker, the slowest first.
fn outliers(sorted: &impl Sorted) -> Vec<f64> {
    const MOST: usize = 50;
    let Some(whisker) = (sorted.len() >= 20).then(|| sorted.quantile(0.95)).flatten() else {
        return Vec::new();
    };
    let slowest = (0..sorted.len()).rev().take(MOST).map(|place| sorted.at(place));
    slowest.take_while(|&seconds| seconds > whisker).collect()
}

//! The numbers of each target (or of each domain), found out when it is shown.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

use super::calendar::{self, Calendar, Hour};
use super::findings::{self, CompletedRuns, RecentOkRuns};
use super::model::{
    Change, Counts, DayStats, DurationStats, Finding, FindingKind, Group, GroupBy, HistogramBin, Population,
    RunRecord, SortBy, Usual,
};
use super::parallel::parallel;
use super::statistics::{self, Observation, Sorted, SortedUnion, TwoPassQuantiles, Unsorted};
use super::tally::{self, Tally};
use crate::event::duration::RunDuration;
use crate::event::outcome::{Outcome, shell_code};
use crate::event::table::rows::{Row, Rows, for_each_row};
use crate::event::table::{Chunk, SeriesKey};
use crate::event::timestamp::{self, UNTIMED};

/// The tallies of some kinds, added up.
#[derive(Default)]
struct GroupTallies {
    counts: Counts,
    all: Tally,
    by_outcome: [Tally; 3],
}

/// What every group looks at.
pub struct Dataset<'a> {
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

/// The rows of each group, and what the order of the groups and their tallies need. There may be as many groups
/// as events: what else is told of one is found out when it is shown.
pub struct Grouping<'a> {
    data: Dataset<'a>,
    sheets: Vec<Chunk>,
    by: GroupBy,
    /// By name.
    kinds: Csr<u32>,
    /// By name, in time order.
    row_ranges: Csr<RowRange>,
    /// In the order of the report.
    totals: Vec<GroupTotals>,
    /// By name: those that are beyond chance.
    changes: BTreeMap<u32, Change>,
}

/// Rows of one group that follow each other.
#[derive(Clone, Copy, Default)]
struct RowRange {
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
pub struct GroupTotals {
    name: u32,
    pub counts: Counts,
    pub seconds: f64,
    /// Of the durations that the report shows.
    pub mean: Option<f64>,
}

/// A list for each of many owners, all in one piece of memory.
struct Csr<T> {
    /// Where each owner's list begins, and where the last one ends.
    offsets: Vec<usize>,
    items: Vec<T>,
}

impl<T: Copy + Default> Csr<T> {
    /// Each list in the order of its items. `items` is called twice.
    fn of<I: Iterator<Item = (u32, T)>>(owners: usize, items: impl Fn() -> I) -> Self {
        let mut offsets = vec![0; owners + 1];
        for (owner, _) in items() {
            offsets[owner as usize] += 1;
        }
        let mut all = 0;
        for start in &mut offsets {
            all += std::mem::replace(start, all);
        }
        let mut list = vec![T::default(); all];
        for (owner, item) in items() {
            let place = &mut offsets[owner as usize];
            list[*place] = item;
            *place += 1;
        }
        // Each place has come to where the next one began.
        offsets.rotate_right(1);
        offsets[0] = 0;
        Self { offsets, items: list }
    }

    fn row(&self, owner: u32) -> &[T] {
        &self.items[self.offsets[owner as usize]..self.offsets[owner as usize + 1]]
    }
}

impl<'a> Grouping<'a> {
    /// In no particular order, and what is worth a look. `runs` are of each sheet.
    pub fn of(
        data: Dataset<'a>,
        sheets: Vec<Chunk>,
        runs: &[Vec<tally::Segment>],
        by: GroupBy,
    ) -> (Self, Vec<Finding>) {
        let names = by.group_count(&data.targets, &data.domains);
        let group_of = by.group_of(&data.kinds);
        let seen = |kind: &u32| data.tallies[*kind as usize].runs > 0;
        let kinds = Csr::of(names, || {
            data.order.iter().copied().filter(seen).map(|kind| (group_of[kind as usize], kind))
        });
        let row_ranges = Csr::of(names, || {
            (0..).zip(&sheets).zip(runs).flat_map(|((place, sheet), runs)| {
                let end = u32::try_from(sheet.rows.view().len()).unwrap_or(u32::MAX);
                let ends = runs.iter().skip(1).map(|next| next.start).chain([end]);
                runs.iter().zip(ends).map(move |(run, end)| {
                    (run.group, RowRange { sheet: place, start: run.start, end, base: run.base })
                })
            })
        });
        let (totals, changes) = (Vec::new(), BTreeMap::new());
        let mut grouping = Self { data, sheets, by, kinds, row_ranges, totals, changes };
        grouping.totals = (0..)
            .take(names)
            .filter(|&name| !grouping.row_ranges.row(name).is_empty())
            .map(|name| grouping.totals_of(name))
            .collect();
        let findings = grouping.find_worth_a_look();
        (grouping, findings)
    }

    pub fn sorted(mut self, by: SortBy) -> Self {
        let mut totals = std::mem::take(&mut self.totals);
        totals.sort_unstable_by(|a, b| {
            let order = match by {
                SortBy::Runs => b.counts.runs.cmp(&a.counts.runs),
                SortBy::Time => b.seconds.total_cmp(&a.seconds),
                SortBy::Average => b.average().total_cmp(&a.average()),
                SortBy::Failures => b.counts.failed.cmp(&a.counts.failed),
                SortBy::Name => Ordering::Equal,
            };
            order.then_with(|| self.name(a.name).cmp(&self.name(b.name)))
        });
        self.totals = totals;
        self
    }

    /// `None`: no domain.
    fn name(&self, name: u32) -> Option<&str> {
        match self.by {
            GroupBy::Target => Some(&self.data.targets[name as usize]),
            GroupBy::Domain => Some(&*self.data.domains[name as usize]).filter(|name| !name.is_empty()),
        }
    }

    fn totals_of(&self, name: u32) -> GroupTotals {
        let GroupTallies { counts, all, by_outcome } = self.tallies(name);
        let (population, _) = self.population_of(&counts);
        let mean = match population {
            Population::Ok => by_outcome[0].mean(),
            Population::Failed => by_outcome[1].mean(),
            Population::All => all.mean(),
        };
        GroupTotals { name, counts, seconds: all.seconds(), mean }
    }

    fn tallies(&self, name: u32) -> GroupTallies {
        let mut tallies = GroupTallies::default();
        for &kind in self.kinds.row(name) {
            let (kind, tally) = (&self.data.kinds[kind as usize], &self.data.tallies[kind as usize]);
            tallies.counts.add(kind.outcome, tally.runs);
            tallies.all.add(tally);
            tallies.by_outcome[kind.outcome as usize].add(tally);
        }
        tallies
    }

    /// Which durations are shown of a group that ended so, and whether for want of others.
    fn population_of(&self, counts: &Counts) -> (Population, bool) {
        let durations = self.data.durations;
        let is_fallback = durations == Population::Ok && counts.ok == 0 && counts.failed > 0;
        (if is_fallback { Population::Failed } else { durations }, is_fallback)
    }

    /// Back to the sheets, for another way of grouping.
    pub fn into_parts(self) -> (Dataset<'a>, Vec<Chunk>) {
        (self.data, self.sheets)
    }

    /// The newest first.
    fn newest_first(&self, name: u32) -> impl Iterator<Item = (Row, RunDuration, SeriesKey)> {
        self.row_ranges.row(name).iter().rev().flat_map(move |stretch| {
            let (fine, rows) = self.rows(stretch);
            rows.newest_first().map(move |row| {
                (row, RunDuration::decode(row.duration, fine), self.data.kinds[row.series as usize])
            })
        })
    }

    /// With the exact values of fractional durations.
    fn rows(&self, stretch: &RowRange) -> (&[f64], Rows<'_>) {
        let sheet = &self.sheets[stretch.sheet as usize];
        (&sheet.exact, sheet.rows.view().part(stretch.base, stretch.start as usize..stretch.end as usize))
    }

    fn completed(&self, name: u32) -> CompletedRuns {
        let mut completed = CompletedRuns::default();
        for (row, length, kind) in self.newest_first(name) {
            let failed = kind.outcome == Outcome::Failed;
            if kind.outcome != Outcome::Interrupted && !completed.push(failed, row.micros, length.seconds()) {
                break;
            }
        }
        completed
    }

    fn recent(&self, name: u32) -> RecentOkRuns {
        let mut recent = RecentOkRuns::new(self.data.to);
        for (row, length, kind) in self.newest_first(name) {
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
    fn find_worth_a_look(&mut self) -> Vec<Finding> {
        /// Enough for any number of threads.
        const PARTS: usize = 256;
        /// Only the few that matter most are told, however many there are.
        const HELD: usize = 1000;
        let name = |name| self.name(name).unwrap_or_default();
        // What is big is rare: neighbours are looked at by different threads.
        let mut parts: Vec<usize> = (0..PARTS.min(self.totals.len())).collect();
        let (parts, _) = parallel(
            self.data.threads,
            &mut parts,
            || (),
            |(), first| {
                let (mut changes, mut found) = (Vec::new(), Vec::new());
                for totals_of in self.totals.iter().skip(*first).step_by(PARTS) {
                    changes
                        .extend(self.recent(totals_of.name).change().map(|change| (totals_of.name, change)));
                    let rated = totals_of.counts.ok + totals_of.counts.failed;
                    let finding = self.completed(totals_of.name).finding(totals_of.counts.ok, rated);
                    found.extend(finding.map(|(kind, seconds)| (totals_of.name, kind, seconds)));
                    if found.len() >= HELD {
                        findings::keep_costliest(&mut found, name);
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
                if change.is_significant() {
                    found.push((name, FindingKind::Changed(change), findings::impact(&change)));
                    real.insert(name, change);
                }
            }
        }
        findings::keep_costliest(&mut found, name);
        let finding = |(target, kind, _)| Finding { target: name(target).to_owned(), kind };
        let found = found.into_iter().map(finding).collect();
        self.changes = real;
        found
    }

    /// What `of` makes of the groups at these places, in their order.
    fn materialise<R: Send>(
        &self,
        places: &[usize],
        detail: Detail,
        of: impl Fn(Group) -> R + Sync,
    ) -> Vec<R> {
        let mut order: Vec<(usize, u32)> =
            places.iter().map(|&place| self.totals[place].name).enumerate().collect();
        // The greatest first, so that no thread is left alone with it at the end.
        let runs = |&(at, _): &(usize, u32)| self.totals[places[at]].counts.runs;
        order.sort_by_key(|item| std::cmp::Reverse(runs(item)));
        let (mut made, _) =
            parallel(self.data.threads, &mut order, Scratch::default, |values, &mut (at, name)| {
                (at, of(self.materialise_one(name, detail, values)))
            });
        made.sort_unstable_by_key(|&(at, _)| at);
        made.into_iter().map(|(_, group)| group).collect()
    }

    fn materialise_one(&self, name: u32, detail: Detail, values: &mut Scratch) -> Group {
        let mut group = self.counts_only(name);
        let is_fine = |stretch: &RowRange| !self.sheets[stretch.sheet as usize].exact.is_empty();
        let has_fine = self.row_ranges.row(name).iter().any(is_fine);
        let is_much = group.counts.runs >= TWO_PASS_FROM;
        match (detail, has_fine) {
            (Detail::Whole, true) => self.fill_whole::<f64>(name, &mut group),
            (Detail::Whole, false) => self.fill_whole::<u32>(name, &mut group),
            (_, true) => self.fill_row(name, detail, &mut values.seconds, &mut group),
            (_, false) if is_much => {
                self.fill_row_in_two_passes(name, detail, &mut values.milliseconds[0], &mut group);
            }
            (_, false) => self.fill_row(name, detail, &mut values.milliseconds, &mut group),
        }
        group
    }

    /// What does not depend on how long each run took.
    fn counts_only(&self, name: u32) -> Group {
        let GroupTallies { counts, all, by_outcome } = self.tallies(name);
        let mut exit_codes = BTreeMap::new();
        let mut breakdown = BTreeMap::<Option<String>, Counts>::new();
        for &kind in self.kinds.row(name) {
            let runs = self.data.tallies[kind as usize].runs;
            let kind = &self.data.kinds[kind as usize];
            *exit_codes.entry(shell_code(kind.exit_code)).or_default() += runs;
            let part = match self.by {
                GroupBy::Target => &self.data.domains[kind.domain as usize],
                GroupBy::Domain => &self.data.targets[kind.target as usize],
            };
            let part = (self.by == GroupBy::Domain || !part.is_empty()).then(|| part.to_string());
            breakdown.entry(part).or_default().add(kind.outcome, runs);
        }
        let [_, failed, interrupted] = by_outcome;
        let mut unfinished = failed;
        unfinished.add(&interrupted);
        let (population, is_fallback) = self.population_of(&counts);
        let mut last_runs: Vec<RunRecord> = self
            .newest_first(name)
            .take(LAST_RUNS)
            .map(|(row, length, kind)| {
                let domain = &self.data.domains[kind.domain as usize];
                RunRecord {
                    ended_at: timestamp::to_datetime(row.micros),
                    seconds: length.seconds(),
                    exit_code: shell_code(kind.exit_code),
                    domain: (!domain.is_empty()).then(|| domain.to_string()),
                }
            })
            .collect();
        last_runs.reverse();
        let last = last_runs.last();
        let mut stretches = self.row_ranges.row(name).iter();
        let first_run = stretches
            .find_map(|stretch| self.rows(stretch).1.iter().find(|row| row.micros != UNTIMED))
            .and_then(|row| timestamp::to_datetime(row.micros));
        Group {
            name: self.name(name).map(str::to_owned),
            counts,
            success_interval: statistics::wilson_interval(counts.ok, counts.ok + counts.failed),
            exit_codes,
            seconds: all.seconds(),
            seconds_unfinished: unfinished.seconds(),
            first_run,
            last_run: last.and_then(|run| run.ended_at),
            last_exit_code: last.map_or(0, |run| run.exit_code),
            failure_streak: self.completed(name).streak(),
            ok: DurationStats::default(),
            failed: DurationStats::default(),
            all: DurationStats::default(),
            population,
            is_fallback,
            usual: None,
            change: self.changes.get(&name).copied(),
            trend24: [None; 24],
            trend12: [None; 12],
            breakdown: breakdown.into_iter().collect(),
            days: Vec::new(),
            last_runs,
            histogram: Vec::new(),
            outliers: Vec::new(),
        }
    }

    /// Adds what [`Detail::Row`] and the trends say.
    fn fill_row<D: FromRunDuration>(
        &self,
        name: u32,
        detail: Detail,
        values: &mut [Vec<D>; 2],
        group: &mut Group,
    ) {
        let shown = group.population;
        let (of_slot, medians) = group.trend_of(detail);
        let [all, of_one] = values;
        all.clear();
        self.for_each_slot(name, shown, of_slot, of_one, |slot, values| {
            if let Some(median) = slot.and_then(|slot| medians.get_mut(slot)) {
                *median = statistics::median(values);
            }
            all.extend_from_slice(values);
        });
        self.set_row_stats(name, &Unsorted::new(all), group);
    }

    /// The same of so many runs that their durations had better not be held all at once: fresh memory is dear, and
    /// what does not fit into a processor's cache is read as slowly as a log.
    fn fill_row_in_two_passes(&self, name: u32, detail: Detail, values: &mut Vec<u32>, group: &mut Group) {
        let shown = group.population;
        let mut quantiles = TwoPassQuantiles::new();
        let (of_slot, medians) = group.trend_of(detail);
        self.for_each_slot(name, shown, of_slot, values, |slot, values| {
            let found = quantiles.add(values);
            if let Some(median) = slot.and_then(|slot| medians.get_mut(slot)) {
                *median = found;
            }
        });
        quantiles.request(&[0.5, 0.95]);
        let is_shown = self.is_shown(shown);
        for stretch in self.row_ranges.row(name) {
            let (fine, rows) = self.rows(stretch);
            for_each_row!(row in rows => {
                if is_shown(row) {
                    quantiles.collect_if_requested(u32::from_run_duration(RunDuration::decode(row.duration, fine)));
                }
            });
        }
        quantiles.sort();
        self.set_row_stats(name, &quantiles, group);
    }

    fn set_row_stats(&self, name: u32, values: &impl Sorted, group: &mut Group) {
        let GroupTallies { all, by_outcome: [ok, failed, _], .. } = self.tallies(name);
        match group.population {
            Population::Ok => group.ok = row_stats(values, &ok),
            Population::Failed => group.failed = row_stats(values, &failed),
            Population::All => group.all = row_stats(values, &all),
        }
    }

    fn is_shown(&self, shown: Population) -> impl Fn(Row) -> bool {
        let is_shown = [Outcome::Ok, Outcome::Failed, Outcome::Interrupted].map(|ended| shown.has(ended));
        move |row| is_shown[self.data.outcomes[row.series as usize] as usize]
    }

    /// The durations of each slot of the period, of which there are 24 divided by `of_slot`; first those of events
    /// that are in none. At least once.
    fn for_each_slot<D: FromRunDuration>(
        &self,
        name: u32,
        shown: Population,
        of_slot: usize,
        values: &mut Vec<D>,
        mut done: impl FnMut(Option<usize>, &mut [D]),
    ) {
        let is_shown = self.is_shown(shown);
        let mut slots = TimeSlots::new(self.data.from, self.data.to);
        let mut slot = None;
        values.clear();
        for stretch in self.row_ranges.row(name) {
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
                    values.push(D::from_run_duration(RunDuration::decode(row.duration, fine)));
                }
            });
        }
        done(slot, values);
    }

    /// Adds what only [`Detail::Whole`] says, and what the others do.
    fn fill_whole<D: FromRunDuration>(&self, name: u32, group: &mut Group) {
        let GroupTallies { all: all_tally, by_outcome: [ok_tally, failed_tally, interrupted_tally], .. } =
            self.tallies(name);
        let shown = group.population;
        let room = |tally: &Tally| Vec::<D>::with_capacity(usize::try_from(tally.runs).unwrap_or(0));
        let mut values = [room(&ok_tally), room(&failed_tally), room(&interrupted_tally)];
        let mut every = if shown == Population::All { room(&all_tally) } else { Vec::new() };
        let mut slots = TimeSlots::new(self.data.from, self.data.to);
        let mut stretches: Vec<DaySlot> = Vec::new();
        let mut hour = Hour::NONE;
        for stretch in self.row_ranges.row(name) {
            let (fine, rows) = self.rows(stretch);
            for row in rows.iter() {
                let outcome = self.data.outcomes[row.series as usize];
                let value = D::from_run_duration(RunDuration::decode(row.duration, fine));
                if row.micros != UNTIMED {
                    if !hour.contains(row.micros) || row.micros >= slots.end {
                        hour = self.data.calendar.hour(row.micros);
                        slots.advance(row.micros);
                        let start = match shown {
                            Population::All => every.len(),
                            Population::Ok => values[0].len(),
                            Population::Failed => values[1].len(),
                        };
                        let counts = Counts::default();
                        let same = |last: &DaySlot| (last.day, last.slot) == (hour.day, slots.at);
                        if !stretches.last().is_some_and(same) {
                            stretches.push(DaySlot { day: hour.day, slot: slots.at, start, counts });
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
        let end_of = |next: Option<&DaySlot>| next.map_or(in_order.len(), |next| next.start);
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
            group.days.push(DayStats { date: calendar::date(first.day), counts, median });
            rest = &rest[count..];
        }
        drop(every);

        let mut last_ok: Vec<D> = values[0][values[0].len().saturating_sub(20)..].to_vec();
        D::sort(&mut last_ok);
        group.usual = usual(&SortedUnion([&last_ok, &[], &[]]));
        for values in &mut values {
            D::sort(values);
        }
        let [ok, failed, interrupted] = &values;
        let ok_sorted = SortedUnion([ok, &[], &[]]);
        let failed_sorted = SortedUnion([failed, &[], &[]]);
        let all_sorted = SortedUnion([ok, failed, interrupted]);
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

impl GroupTotals {
    /// Where there is none, below all others.
    fn average(&self) -> f64 {
        self.mean.unwrap_or(-1.0)
    }
}

/// The groups of a report, each of which is made when it is looked at.
pub enum Groups<'a> {
    Counted(Box<Grouping<'a>>),
    /// For whoever tests what is shown.
    #[cfg(test)]
    Given(Vec<Group>),
}

impl Groups<'_> {
    /// So many groups are held at a time: a page of memory or two for each.
    const AT_ONCE: usize = 1024;

    pub fn len(&self) -> usize {
        match self {
            Self::Counted(grouping) => grouping.totals.len(),
            #[cfg(test)]
            Self::Given(groups) => groups.len(),
        }
    }

    pub fn totals(&self, place: usize) -> GroupTotals {
        match self {
            Self::Counted(grouping) => grouping.totals[place],
            #[cfg(test)]
            Self::Given(groups) => {
                let group = &groups[place];
                GroupTotals {
                    name: 0,
                    counts: group.counts,
                    seconds: group.seconds,
                    mean: group.durations().mean,
                }
            }
        }
    }

    /// `None`: no domain.
    pub fn name(&self, place: usize) -> Option<&str> {
        match self {
            Self::Counted(grouping) => grouping.name(grouping.totals[place].name),
            #[cfg(test)]
            Self::Given(groups) => groups[place].name.as_deref(),
        }
    }

    /// What `of` makes of the groups at these places, which may be in any order.
    pub fn materialise<R: Send>(
        &self,
        places: &[usize],
        detail: Detail,
        of: impl Fn(Group) -> R + Sync,
    ) -> Vec<R> {
        match self {
            Self::Counted(grouping) => grouping.materialise(places, detail, of),
            #[cfg(test)]
            Self::Given(groups) => places.iter().map(|&place| of(groups[place].clone())).collect(),
        }
    }

    /// The same of one after the other, however many there are.
    pub fn materialise_range<R: Send>(
        &self,
        places: Range<usize>,
        detail: Detail,
        of: impl Fn(Group) -> R + Sync,
    ) -> impl Iterator<Item = R> {
        places.clone().step_by(Self::AT_ONCE).flat_map(move |start| {
            let batch: Vec<usize> = (start..places.end.min(start + Self::AT_ONCE)).collect();
            self.materialise(&batch, detail, &of)
        })
    }

    /// The places of the groups in the order of their averages, the longest first.
    pub fn by_average(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_unstable_by(|&a, &b| {
            let average = |place| self.totals(place).average();
            average(b).total_cmp(&average(a)).then_with(|| self.name(a).cmp(&self.name(b)))
        });
        order
    }
}

const LAST_RUNS: usize = 10;

/// Durations of one day and time slot that follow each other.
struct DaySlot {
    day: i64,
    slot: usize,
    /// Place of its first value among the shown ones.
    start: usize,
    counts: Counts,
}

/// The 24 equal slots of the period.
struct TimeSlots {
    from: i64,
    to: i64,
    at: usize,
    /// Where the slot at hand ends.
    end: i64,
}

impl TimeSlots {
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

/// From so many runs on, see [`Grouping::fill_row_in_two_passes`].
#[cfg(not(test))]
const TWO_PASS_FROM: u64 = 1 << 16;
#[cfg(test)]
const TWO_PASS_FROM: u64 = 1 << 10;

/// Room for the durations of a group, for one after the other.
#[derive(Default)]
struct Scratch {
    milliseconds: [Vec<u32>; 2],
    seconds: [Vec<f64>; 2],
}

/// Durations that come out of a [`RunDuration`].
trait FromRunDuration: Observation {
    fn from_run_duration(length: RunDuration) -> Self;
}

impl FromRunDuration for u32 {
    fn from_run_duration(length: RunDuration) -> Self {
        match length {
            RunDuration::Milliseconds(milliseconds) => milliseconds,
            // Groups with such durations are counted in seconds.
            RunDuration::Seconds(_) => 0,
        }
    }
}

impl FromRunDuration for f64 {
    fn from_run_duration(length: RunDuration) -> Self {
        length.seconds()
    }
}

fn durations(sorted: &impl Sorted, tally: &Tally) -> DurationStats {
    let n = sorted.len();
    let Some(last) = n.checked_sub(1) else { return DurationStats::default() };
    let from_20 = |share| (n >= 20).then(|| sorted.quantile(share)).flatten();
    let from_5 = |share| (n >= 5).then(|| sorted.quantile(share)).flatten();
    DurationStats {
        n: n as u64,
        mean: tally.mean(),
        median: sorted.median(),
        min: Some(sorted.at(0)),
        max: Some(sorted.at(last)),
        mad: sorted.median_absolute_deviation(),
        p5: from_20(0.05),
        p10: from_20(0.10),
        p90: from_20(0.90),
        p95: from_20(0.95),
        p25: from_5(0.25),
        p75: from_5(0.75),
    }
}

/// What a row of a table shows of them.
fn row_stats(values: &impl Sorted, tally: &Tally) -> DurationStats {
    let n = values.len();
    let Some(last) = n.checked_sub(1) else { return DurationStats::default() };
    DurationStats {
        n: n as u64,
        mean: tally.mean(),
        p95: (n >= 20).then(|| values.quantile(0.95)).flatten(),
        median: values.median(),
        min: Some(values.at(0)),
        max: Some(values.at(last)),
        ..DurationStats::default()
    }
}

/// Of the last twenty that succeeded, sorted.
fn usual(last: &impl Sorted) -> Option<Usual> {
    let n = last.len();
    let range = (n >= 10).then(|| last.quantile(0.10).zip(last.quantile(0.90))).flatten();
    (n >= 5).then(|| Some(Usual { n: n as u64, median: last.median()?, range }))?
}

/// Bins of a width that clocks know, ten at most, and what is longer in one more.
fn histogram(sorted: &impl Sorted) -> Vec<HistogramBin> {
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
        let up_to = statistics::count_below(sorted, end);
        bins.push(HistogramBin { low: start, high: Some(end), runs: (up_to - counted) as u64 });
        (counted, start) = (up_to, end);
        if high < end {
            break;
        }
    }
    if most >= start {
        bins.push(HistogramBin { low: start, high: None, runs: (sorted.len() - counted) as u64 });
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

//! The numbers of each target (or of each domain), found out when it is shown.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

use super::baseline::Baseline;
use super::calendar::{self, Calendar, Hour};
use super::durations::{self, FromRunDuration};
use super::findings::{self, CompletedRuns, RecentOkRuns};
use super::model::{
    Change, Counts, DayStats, DurationStats, Finding, FindingKind, Group, GroupBy, Population, RunRecord,
    SortBy,
};
use super::parallel::parallel;
use super::statistics;
use super::tally::{self, Tally};
use crate::event::duration::RunDuration;
use crate::event::outcome::{Outcome, shell_code};
use crate::event::table::rows::{Row, Rows, for_each_row};
use crate::event::table::{Chunk, SeriesKey, TargetId};
use crate::event::timestamp::{self, UNTIMED};

/// The tallies of some series, added up.
#[derive(Default)]
struct GroupTallies {
    counts: Counts,
    all: Tally,
    by_outcome: [Tally; 3],
}

/// What every group looks at.
pub struct Dataset<'a> {
    pub series: Vec<SeriesKey>,
    pub targets: Vec<Box<str>>,
    pub domains: Vec<Box<str>>,
    /// All series, in the order in which they are added up.
    pub order: Vec<u32>,
    /// Of each series.
    pub outcomes: Vec<Outcome>,
    pub tallies: Vec<Tally>,
    pub calendar: Calendar<'a>,
    pub baseline: &'a Baseline,
    /// Where trends begin, and the newest event.
    pub trend_from: i64,
    pub to: i64,
    pub durations: Population,
    pub threads: usize,
}

/// The rows of each group, and what the order of the groups and their tallies need. There may be as many groups
/// as events: what else is told of one is found out when it is shown.
pub struct Grouping<'a> {
    data: Dataset<'a>,
    chunks: Vec<Chunk>,
    by: GroupBy,
    /// The series of each group.
    series: Csr<u32>,
    /// The rows of each group, in time order.
    row_ranges: Csr<RowRange>,
    /// In the order of the report.
    totals: Vec<GroupTotals>,
    /// Those that are beyond chance, by the group's id.
    changes: BTreeMap<u32, Change>,
}

/// Rows of one group that follow each other.
#[derive(Clone, Copy, Default)]
struct RowRange {
    chunk: u32,
    start: u32,
    end: u32,
    /// What the first one's step is counted from.
    base: i64,
}

/// How much of a group is wanted: what tells durations apart is dear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Of the durations only those that the report shows, and of them the mean, median, p95, least and greatest;
    /// and [`Group::trend`] in so many slots; no day, no histogram.
    Row { trend: usize },
    /// All there is, but for lists of runs that only a view of one group shows.
    Whole,
    /// With [`Group::last_failures`] and [`Group::slowest_runs`], so many of each.
    Target { runs: usize },
}

/// As much of a group as its place in the report depends on.
#[derive(Clone, Copy)]
pub struct GroupTotals {
    /// The number of its target, or of its domain.
    id: u32,
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
    /// In no particular order, and what is worth a look. `runs` are of each chunk.
    pub fn of(
        data: Dataset<'a>,
        chunks: Vec<Chunk>,
        runs: &[Vec<tally::Segment>],
        by: GroupBy,
    ) -> (Self, Vec<Finding>) {
        let names = by.group_count(&data.targets, &data.domains);
        let group_of = by.group_of(&data.series);
        let seen = |series: &u32| data.tallies[*series as usize].runs > 0;
        let series = Csr::of(names, || {
            data.order.iter().copied().filter(seen).map(|series| (group_of[series as usize], series))
        });
        let row_ranges = Csr::of(names, || {
            (0..).zip(&chunks).zip(runs).flat_map(|((number, chunk), runs)| {
                let end = u32::try_from(chunk.rows.view().len()).unwrap_or(u32::MAX);
                let ends = runs.iter().skip(1).map(|next| next.start).chain([end]);
                runs.iter().zip(ends).map(move |(run, end)| {
                    (run.group, RowRange { chunk: number, start: run.start, end, base: run.base })
                })
            })
        });
        let (totals, changes) = (Vec::new(), BTreeMap::new());
        let mut grouping = Self { data, chunks, by, series, row_ranges, totals, changes };
        grouping.totals = (0..)
            .take(names)
            .filter(|&id| !grouping.row_ranges.row(id).is_empty())
            .map(|id| grouping.totals_of(id))
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
            order.then_with(|| self.name(a.id).cmp(&self.name(b.id)))
        });
        self.totals = totals;
        self
    }

    /// `None`: no domain.
    fn name(&self, id: u32) -> Option<&str> {
        match self.by {
            GroupBy::Target => Some(&self.data.targets[id as usize]),
            GroupBy::Domain => Some(&*self.data.domains[id as usize]).filter(|name| !name.is_empty()),
        }
    }

    fn totals_of(&self, id: u32) -> GroupTotals {
        let tallies = self.tallies(id);
        let (population, _) = self.population_of(&tallies.counts);
        let mean = tallies.of(population).mean();
        GroupTotals { id, counts: tallies.counts, seconds: tallies.all.seconds(), mean }
    }

    fn tallies(&self, id: u32) -> GroupTallies {
        let mut tallies = GroupTallies::default();
        for &series in self.series.row(id) {
            let (series, tally) = (&self.data.series[series as usize], &self.data.tallies[series as usize]);
            tallies.counts.add(series.outcome, tally.runs);
            tallies.all.add(tally);
            tallies.by_outcome[series.outcome as usize].add(tally);
        }
        tallies
    }

    /// Which durations are shown of a group that ended so, and whether for want of others.
    fn population_of(&self, counts: &Counts) -> (Population, bool) {
        let durations = self.data.durations;
        let is_fallback = durations == Population::Ok && counts.ok == 0 && counts.failed > 0;
        (if is_fallback { Population::Failed } else { durations }, is_fallback)
    }

    /// Back to the chunks, for another way of grouping.
    pub fn into_parts(self) -> (Dataset<'a>, Vec<Chunk>) {
        (self.data, self.chunks)
    }

    /// The newest first.
    fn newest_first(&self, id: u32) -> impl Iterator<Item = (Row, RunDuration, SeriesKey)> {
        self.row_ranges.row(id).iter().rev().flat_map(move |range| {
            let (exact, rows) = self.rows(range);
            rows.newest_first().map(move |row| {
                (row, RunDuration::decode(row.duration, exact), self.data.series[row.series as usize])
            })
        })
    }

    fn record(&self, (row, duration, series): (Row, RunDuration, SeriesKey)) -> RunRecord {
        let domain = &self.data.domains[series.domain.index()];
        RunRecord {
            ended_at: timestamp::to_datetime(row.micros),
            seconds: duration.seconds(),
            exit_code: shell_code(series.exit_code),
            domain: (!domain.is_empty()).then(|| domain.to_string()),
        }
    }

    /// The newest failed runs, oldest first.
    fn last_failures(&self, id: u32, count: usize) -> Vec<RunRecord> {
        let failed = self.newest_first(id).filter(|(_, _, series)| series.outcome == Outcome::Failed);
        let mut runs: Vec<RunRecord> = failed.take(count).map(|run| self.record(run)).collect();
        runs.reverse();
        runs
    }

    /// The slowest runs of a population, the slowest first; of two that took as long, the newer one.
    fn slowest_runs(&self, id: u32, population: Population, count: usize) -> Vec<RunRecord> {
        let mut slowest = Vec::new();
        let shorten = |slowest: &mut Vec<(Row, RunDuration, SeriesKey)>| {
            slowest.sort_by(|(_, one, _), (_, other, _)| {
                other.seconds().partial_cmp(&one.seconds()).unwrap_or(Ordering::Equal)
            });
            slowest.truncate(count);
        };
        let is_in = |(_, duration, series): &(Row, RunDuration, SeriesKey)| {
            population.has(series.outcome) && *duration != RunDuration::Unknown
        };
        for run in self.newest_first(id).filter(is_in) {
            slowest.push(run);
            if slowest.len() >= count.saturating_mul(2).max(1024) {
                shorten(&mut slowest);
            }
        }
        shorten(&mut slowest);
        slowest.into_iter().map(|run| self.record(run)).collect()
    }

    /// With the exact values of fractional durations.
    fn rows(&self, range: &RowRange) -> (&[f64], Rows<'_>) {
        let chunk = &self.chunks[range.chunk as usize];
        (&chunk.exact, chunk.rows.view().part(range.base, range.start as usize..range.end as usize))
    }

    fn completed(&self, id: u32) -> CompletedRuns {
        let mut completed = CompletedRuns::default();
        for (row, duration, series) in self.newest_first(id) {
            let failed = series.outcome == Outcome::Failed;
            let is_completed = series.outcome != Outcome::Interrupted && row.micros != UNTIMED;
            if is_completed && !completed.push(failed, row.micros, duration.seconds().unwrap_or(0.0)) {
                break;
            }
        }
        completed
    }

    fn recent(&self, id: u32) -> RecentOkRuns {
        let mut recent = RecentOkRuns::new(self.data.baseline.newest.unwrap_or(self.data.to));
        for (row, duration, series) in self.newest_first(id) {
            if series.outcome == Outcome::Ok
                && row.micros != UNTIMED
                && let Some(seconds) = duration.seconds()
                && !recent.push(row.micros, seconds)
            {
                return recent;
            }
        }
        for &(micros, seconds) in self.data.baseline.of(TargetId(id)) {
            if !recent.push(micros, seconds) {
                break;
            }
        }
        recent
    }

    /// Looks at each group, keeps the changes that are real, and tells what is worth a look.
    fn find_worth_a_look(&mut self) -> Vec<Finding> {
        /// Enough for any number of threads.
        const PARTS: usize = 256;
        let name = |id| self.name(id).unwrap_or_default();
        // What is big is rare: neighbours are looked at by different threads.
        let mut parts: Vec<usize> = (0..PARTS.min(self.totals.len())).collect();
        let (parts, _) = parallel(
            self.data.threads,
            &mut parts,
            || (),
            |(), first| {
                let (mut changes, mut found) = (Vec::new(), Vec::new());
                for totals_of in self.totals.iter().skip(*first).step_by(PARTS) {
                    changes.extend(self.recent(totals_of.id).change().map(|change| (totals_of.id, change)));
                    let rated = totals_of.counts.ok + totals_of.counts.failed;
                    let finding = self.completed(totals_of.id).finding(totals_of.counts.ok, rated);
                    found.extend(finding.map(|(kind, seconds)| (totals_of.id, kind, seconds)));
                }
                (changes, found)
            },
        );
        let tests = parts.iter().map(|(changes, _)| changes.len() as u64).sum();
        let mut found = Vec::new();
        let mut real = BTreeMap::new();
        for (changes, failing) in parts {
            found.extend(failing);
            for (id, change) in changes {
                let change = Change { tests, ..change };
                if change.is_significant() {
                    found.push((id, FindingKind::Changed(change), findings::impact(&change)));
                    real.insert(id, change);
                }
            }
        }
        findings::sort_by_urgency(&mut found, name);
        let finding = |(target, kind, _)| Finding { target: name(target).to_owned(), kind };
        let found = found.into_iter().map(finding).collect();
        self.changes = real;
        found
    }

    /// What `of` makes of the groups at these places, in their order.
    fn materialize<R: Send>(
        &self,
        places: &[usize],
        detail: Detail,
        of: impl Fn(Group) -> R + Sync,
    ) -> Vec<R> {
        let mut order: Vec<(usize, u32)> =
            places.iter().map(|&place| self.totals[place].id).enumerate().collect();
        // The greatest first, so that no thread is left alone with it at the end.
        let runs = |&(at, _): &(usize, u32)| self.totals[places[at]].counts.runs;
        order.sort_by_key(|item| std::cmp::Reverse(runs(item)));
        let (mut made, _) =
            parallel(self.data.threads, &mut order, Scratch::default, |values, &mut (at, id)| {
                (at, of(self.materialize_one(id, detail, values)))
            });
        made.sort_unstable_by_key(|&(at, _)| at);
        made.into_iter().map(|(_, group)| group).collect()
    }

    fn materialize_one(&self, id: u32, detail: Detail, scratch: &mut Scratch) -> Group {
        let mut group = self.counts_only(id);
        let is_exact = |range: &RowRange| !self.chunks[range.chunk as usize].exact.is_empty();
        if self.row_ranges.row(id).iter().any(is_exact) {
            self.fill_durations(id, detail, &mut scratch.seconds, &mut group);
        } else {
            self.fill_durations(id, detail, &mut scratch.milliseconds, &mut group);
        }
        group
    }

    /// What does not depend on how long each run took.
    fn counts_only(&self, id: u32) -> Group {
        let GroupTallies { counts, all, by_outcome } = self.tallies(id);
        let mut exit_codes = BTreeMap::new();
        let mut breakdown = BTreeMap::<Option<String>, Counts>::new();
        for &series in self.series.row(id) {
            let runs = self.data.tallies[series as usize].runs;
            let series = &self.data.series[series as usize];
            *exit_codes.entry(shell_code(series.exit_code)).or_default() += runs;
            let part = match self.by {
                GroupBy::Target => &self.data.domains[series.domain.index()],
                GroupBy::Domain => &self.data.targets[series.target.index()],
            };
            let part = (self.by == GroupBy::Domain || !part.is_empty()).then(|| part.to_string());
            breakdown.entry(part).or_default().add(series.outcome, runs);
        }
        let [_, failed, interrupted] = by_outcome;
        let mut unfinished = failed;
        unfinished.add(&interrupted);
        let (population, is_fallback) = self.population_of(&counts);
        let mut last_runs: Vec<RunRecord> =
            self.newest_first(id).take(LAST_RUNS).map(|run| self.record(run)).collect();
        last_runs.reverse();
        let last = last_runs.last();
        let mut ranges = self.row_ranges.row(id).iter();
        let first_run = ranges
            .find_map(|range| self.rows(range).1.iter().find(|row| row.micros != UNTIMED))
            .and_then(|row| timestamp::to_datetime(row.micros));
        Group {
            name: self.name(id).map(str::to_owned),
            counts,
            success_interval: statistics::wilson_interval(counts.ok, counts.ok + counts.failed),
            exit_codes,
            seconds: all.seconds(),
            seconds_unfinished: unfinished.seconds(),
            unknown_durations: all.unknown,
            first_run,
            last_run: last.and_then(|run| run.ended_at),
            last_exit_code: last.map_or(0, |run| run.exit_code),
            failure_streak: self.completed(id).streak(),
            ok: DurationStats::default(),
            failed: DurationStats::default(),
            all: DurationStats::default(),
            population,
            is_fallback,
            usual: None,
            change: self.changes.get(&id).copied(),
            trend: Vec::new(),
            breakdown: breakdown.into_iter().collect(),
            days: Vec::new(),
            last_runs,
            last_failures: Vec::new(),
            slowest_runs: Vec::new(),
            histogram: Vec::new(),
            outliers: Vec::new(),
        }
    }

    /// Adds what depends on how long each run took.
    fn fill_durations<D: FromRunDuration>(
        &self,
        id: u32,
        detail: Detail,
        [values, part]: &mut [Vec<D>; 2],
        group: &mut Group,
    ) {
        let tallies = self.tallies(id);
        match detail {
            Detail::Row { trend } => {
                let starts = self.collect(id, group.population, trend, values);
                if trend > 0 {
                    let ends = starts.iter().skip(1).copied().chain([values.len()]);
                    group.trend = starts
                        .iter()
                        .zip(ends)
                        .map(|(&start, end)| {
                            part.clear();
                            part.extend_from_slice(&values[start..end]);
                            statistics::median(part)
                        })
                        .collect();
                }
                *group.stats_mut(group.population) =
                    durations::row_stats(values, tallies.of(group.population));
            }
            Detail::Whole | Detail::Target { .. } => {
                if let Detail::Target { runs } = detail {
                    group.last_failures = self.last_failures(id, runs);
                    group.slowest_runs = self.slowest_runs(id, group.population, runs);
                }
                group.days = self.days(id, group.population, part);
                let newest_ok = self.newest_first(id).filter(|(_, _, series)| series.outcome == Outcome::Ok);
                group.usual = durations::usual(newest_ok.filter_map(|(_, duration, _)| duration.seconds()));
                for population in [Population::Ok, Population::Failed, Population::All] {
                    self.collect(id, population, 0, values);
                    D::sort(values);
                    *group.stats_mut(population) = durations::stats(values, tallies.of(population));
                    if population == group.population {
                        group.histogram = durations::histogram(values);
                        group.outliers = durations::outliers(values);
                    }
                }
            }
        }
    }

    fn is_in(&self, population: Population) -> impl Fn(Row) -> bool {
        let is_in = [Outcome::Ok, Outcome::Failed, Outcome::Interrupted].map(|ended| population.has(ended));
        move |row| is_in[self.data.outcomes[row.series as usize] as usize]
    }

    /// The durations of a population in time order, and where those of each of so many equal slots of the trend begin.
    fn collect<D: FromRunDuration>(
        &self,
        id: u32,
        population: Population,
        slots: usize,
        values: &mut Vec<D>,
    ) -> Vec<usize> {
        let is_in = self.is_in(population);
        let mut starts = Vec::with_capacity(slots);
        let mut slot_start = self.slot_start(slots, 0);
        values.clear();
        for range in self.row_ranges.row(id) {
            let (exact, rows) = self.rows(range);
            for_each_row!(row in rows => {
                while row.micros >= slot_start {
                    starts.push(values.len());
                    slot_start = self.slot_start(slots, starts.len());
                }
                if is_in(row)
                    && let Some(value) = D::from_run_duration(RunDuration::decode(row.duration, exact))
                {
                    values.push(value);
                }
            });
        }
        starts.resize(slots, values.len());
        starts
    }

    /// The first microsecond of one of so many equal slots of the trend.
    fn slot_start(&self, slots: usize, slot: usize) -> i64 {
        if slot >= slots {
            return i64::MAX;
        }
        let (from, to) = (i128::from(self.data.trend_from), i128::from(self.data.to));
        let share = (to - from + 1) * slot as i128;
        i64::try_from(from + (share + slots as i128 - 1).div_euclid(slots as i128)).unwrap_or(i64::MAX)
    }

    /// Counts of each day that has events, and the median of a population; events without a time are on no day.
    fn days<D: FromRunDuration>(
        &self,
        id: u32,
        population: Population,
        values: &mut Vec<D>,
    ) -> Vec<DayStats> {
        let is_in = self.is_in(population);
        let mut days: Vec<DayStats> = Vec::new();
        let mut hour = Hour::NONE;
        let mut day = hour.day;
        values.clear();
        for range in self.row_ranges.row(id) {
            let (exact, rows) = self.rows(range);
            for row in rows.iter().filter(|row| row.micros != UNTIMED) {
                if !hour.contains(row.micros) {
                    hour = self.data.calendar.hour(row.micros);
                    if days.is_empty() || hour.day != day {
                        if let Some(last) = days.last_mut() {
                            last.median = statistics::median(values);
                        }
                        values.clear();
                        day = hour.day;
                        days.push(DayStats {
                            date: calendar::date(day),
                            counts: Counts::default(),
                            median: None,
                        });
                    }
                }
                if let Some(last) = days.last_mut() {
                    last.counts.add(self.data.outcomes[row.series as usize], 1);
                }
                if is_in(row)
                    && let Some(value) = D::from_run_duration(RunDuration::decode(row.duration, exact))
                {
                    values.push(value);
                }
            }
        }
        if let Some(last) = days.last_mut() {
            last.median = statistics::median(values);
        }
        days
    }
}

impl GroupTallies {
    fn of(&self, population: Population) -> &Tally {
        match population {
            Population::Ok => &self.by_outcome[0],
            Population::Failed => &self.by_outcome[1],
            Population::All => &self.all,
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
                    id: 0,
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
            Self::Counted(grouping) => grouping.name(grouping.totals[place].id),
            #[cfg(test)]
            Self::Given(groups) => groups[place].name.as_deref(),
        }
    }

    /// What `of` makes of the groups at these places, which may be in any order.
    pub fn materialize<R: Send>(
        &self,
        places: &[usize],
        detail: Detail,
        of: impl Fn(Group) -> R + Sync,
    ) -> Vec<R> {
        match self {
            Self::Counted(grouping) => grouping.materialize(places, detail, of),
            #[cfg(test)]
            Self::Given(groups) => {
                let group = |&place: &usize| {
                    let mut group = groups[place].clone();
                    if let Detail::Row { trend: slots @ 1.. } = detail {
                        let of_slot = group.trend.chunks((group.trend.len() / slots).max(1));
                        group.trend =
                            of_slot.map(|values| values.iter().copied().find_map(|value| value)).collect();
                    }
                    of(group)
                };
                places.iter().map(group).collect()
            }
        }
    }

    /// The same of one after the other, however many there are.
    pub fn materialize_range<R: Send>(
        &self,
        places: Range<usize>,
        detail: Detail,
        of: impl Fn(Group) -> R + Sync,
    ) -> impl Iterator<Item = R> {
        places.clone().step_by(Self::AT_ONCE).flat_map(move |start| {
            let batch: Vec<usize> = (start..places.end.min(start + Self::AT_ONCE)).collect();
            self.materialize(&batch, detail, &of)
        })
    }

    /// What `of` makes of the runs of each group that have a time, newest first, with how they ended and their seconds.
    pub fn map_runs<R: Send>(
        &self,
        of: impl Fn(Option<&str>, &mut dyn Iterator<Item = (i64, Outcome, Option<f64>)>) -> R + Sync,
    ) -> Vec<R> {
        match self {
            Self::Counted(grouping) => {
                let mut ids: Vec<u32> = grouping.totals.iter().map(|totals| totals.id).collect();
                let work = |(): &mut (), id: &mut u32| {
                    let timed = grouping.newest_first(*id).filter(|(row, ..)| row.micros != UNTIMED);
                    let mut runs =
                        timed.map(|(row, duration, series)| (row.micros, series.outcome, duration.seconds()));
                    of(grouping.name(*id), &mut runs)
                };
                parallel(grouping.data.threads, &mut ids, || (), work).0
            }
            #[cfg(test)]
            Self::Given(_) => Vec::new(),
        }
    }

    /// The places of the groups in the order of the time they took in all, the longest first.
    pub fn by_time(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_unstable_by(|&a, &b| {
            let seconds = |place| self.totals(place).seconds;
            seconds(b).total_cmp(&seconds(a)).then_with(|| self.name(a).cmp(&self.name(b)))
        });
        order
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

/// Room for the durations of a group, for one after the other.
#[derive(Default)]
struct Scratch {
    milliseconds: [Vec<u32>; 2],
    seconds: [Vec<f64>; 2],
}

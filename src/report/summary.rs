//! The numbers of a report: events in, numbers out. Opens no file, reads no clock.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::calendar::{self, Calendar, Hour};
use super::findings::{self, Completed, Recent};
use super::statistics::{self, Duration, Sorted, Union};
use crate::event::outcome::{Outcome, shell_code};
use crate::event::table::{self, Kind, Length, Row, Table, UNTIMED, length, moment};

/// All that a report shows, in every format. A missing figure is `None`, never NaN.
#[cfg_attr(test, derive(Clone, Debug))]
pub struct Summary<'a> {
    /// First and last moment of the events that passed the filters; `None` without a readable one.
    pub period: Option<Period>,
    pub input: Input,
    pub totals: Totals,
    /// One row a target (or a domain, with `--by domain`), in the order asked for, before `--limit`.
    pub groups: Groups<'a>,
    /// How many different targets there are, whatever the rows stand for.
    pub unique_targets: u64,
    /// Runs of each weekday (Monday first) and hour, in the report's zone.
    pub by_weekday_and_hour: [[u64; 24]; 7],
    /// One entry a calendar day of the period that has events, in order.
    pub days: Vec<Day>,
    /// At most five, by time impact.
    pub findings: Vec<Finding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// Calendar days in the report's zone, both ends included.
    pub days: u64,
}

/// What was read, before the filters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// How many logs were read.
    pub logs: usize,
    /// Lines that are not blank.
    pub lines: u64,
    pub events: u64,
    pub unreadable: u64,
    /// The first hundred, as (log, line), both from 0 and 1 on: `logs[0]`, line 17 is `(0, 17)`.
    pub unreadable_lines: Vec<(usize, u64)>,
    /// The last line of some log has no line end: a write in progress, or a torn one.
    pub unterminated: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub runs: u64,
    pub ok: u64,
    pub failed: u64,
    pub interrupted: u64,
}

impl Counts {
    /// ok / (ok + failed); interrupted runs are in neither.
    #[expect(clippy::cast_precision_loss, reason = "2^53 runs are out of reach")]
    pub fn success_rate(&self) -> Option<f64> {
        let rated = self.ok + self.failed;
        (rated > 0).then(|| self.ok as f64 / rated as f64)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    pub counts: Counts,
    /// Wilson score interval of the success rate, 95 %.
    pub success_interval: Option<(f64, f64)>,
    pub seconds: f64,
    /// Of failed and interrupted runs.
    pub seconds_unfinished: f64,
}

/// A target's (or a domain's) numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// `None`: no domain (only with `--by domain`).
    pub name: Option<String>,
    pub counts: Counts,
    pub success_interval: Option<(f64, f64)>,
    pub exit_codes: BTreeMap<i64, u64>,
    pub seconds: f64,
    pub seconds_unfinished: f64,
    pub first_run: Option<DateTime<Utc>>,
    pub last_run: Option<DateTime<Utc>>,
    pub last_exit_code: i64,
    /// Failed runs in a row up to now, interrupted ones skipped.
    pub failure_streak: u64,
    pub ok: Durations,
    pub failed: Durations,
    pub all: Durations,
    /// Which population the report shows for this group: the one of `--durations`, and for a group
    /// that never succeeded its failed runs (`starred`).
    pub shown: Population,
    pub starred: bool,
    pub usual: Option<Usual>,
    pub change: Option<Change>,
    /// Median of the shown population per equal time slot of the whole period; 24 slots, and 12.
    pub trend24: [Option<f64>; 24],
    pub trend12: [Option<f64>; 12],
    /// (domain, counts), with `--by domain` (target, counts), in byte order of the names, none first.
    pub parts: Vec<(Option<String>, Counts)>,
    /// Per day that has events: counts and median of the shown population.
    pub days: Vec<Day>,
    /// The newest runs, oldest first; at most ten.
    pub last_runs: Vec<Run>,
    pub histogram: Vec<Bin>,
    /// The slowest shown runs beyond the p95 whisker, for dots in a drawing; at most 50, descending.
    pub outliers: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Population {
    Ok,
    Failed,
    All,
}

/// Durations of one population, in seconds. `n == 0`: all figures are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Durations {
    pub n: u64,
    pub mean: Option<f64>,
    pub median: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// Raw median absolute deviation.
    pub mad: Option<f64>,
    /// From 20 runs on.
    pub p5: Option<f64>,
    pub p10: Option<f64>,
    pub p90: Option<f64>,
    pub p95: Option<f64>,
    /// From 5 runs on.
    pub p25: Option<f64>,
    pub p75: Option<f64>,
}

/// Of the last 20 runs that succeeded; from 5 on, the range from 10 on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    pub n: u64,
    pub median: f64,
    pub range: Option<(f64, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Slower,
    Faster,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The last 7 × 24 h.
    Days7,
    Runs10,
}

/// Slower or faster than before, beyond chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    pub direction: Direction,
    /// Median of the window divided by the median of the baseline.
    pub ratio: f64,
    pub window: Window,
    pub n: u64,
    pub baseline_n: u64,
    pub median: f64,
    pub baseline_median: f64,
    /// Raw, of the two-sided rank test.
    pub p: f64,
    /// How many targets were tested; significant is p < 0.01 / tests.
    pub tests: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub target: String,
    pub kind: FindingKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FindingKind {
    /// `slower` or `faster`.
    Changed(Change),
    /// `failing`: in a row, since the first of them.
    Failing { runs: u64, since: Option<DateTime<Utc>>, success_rate: Option<f64>, rated: u64, ok: u64 },
    /// `flaky`: so many of the last `window` completed runs, in separate spells.
    Flaky { failed: u64, window: u64, spells: u64 },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Day {
    pub date: chrono::NaiveDate,
    pub counts: Counts,
    /// Of the shown population.
    pub median: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub ended_at: Option<DateTime<Utc>>,
    pub seconds: f64,
    pub exit_code: i64,
    pub domain: Option<String>,
}

/// A histogram's bin: [low, high) seconds, the last one open (`high` is `None`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    pub low: f64,
    pub high: Option<f64>,
    pub runs: u64,
}

/// What a row stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    #[default]
    Target,
    Domain,
}

/// The order of the rows; ties in byte order of the names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Runs,
    Time,
    Average,
    Failures,
    Name,
}

/// What a report was asked for, filters aside: those are [`Table::keep`]'s.
pub struct Options<'a> {
    pub by: By,
    pub sort: Sort,
    pub durations: Population,
    /// Only failed runs are in the table: then nothing is found about failing.
    pub failed_only: bool,
    /// Seconds ahead of UTC at a second since 1970, see [`calendar::offset_of`].
    pub offset: &'a (dyn Fn(i64) -> i64 + Sync),
}

/// The numbers of all events in the table. Moves its rows about and takes its names: 16 bytes an event are
/// enough.
pub fn of<'a>(table: &'a mut Table, options: &Options<'a>) -> Summary<'a> {
    let ends = table.period();
    let from = ends.map(|(from, _)| from.timestamp_micros());
    let to = ends.map(|(_, to)| to.timestamp_micros());
    let calendar = Calendar::new(options.offset, from.unwrap_or(0), to.unwrap_or(0));
    let reading = std::mem::take(&mut table.reading);
    let targets = std::mem::take(&mut table.targets);
    let domains = std::mem::take(&mut table.domains);
    let kinds = std::mem::take(&mut table.kinds);
    let input = Input {
        logs: reading.logs,
        lines: reading.lines,
        events: reading.events,
        unreadable: reading.unreadable,
        unreadable_lines: reading.unreadable_lines,
        unterminated: reading.unterminated,
    };
    let period = from.zip(to).and_then(|(from, to)| {
        let days = calendar.hour(to).day - calendar.hour(from).day + 1;
        Some(Period { from: moment(from)?, to: moment(to)?, days: u64::try_from(days).unwrap_or(1) })
    });
    let mut sheets = Sheet::of(table.sheets());
    let threads = threads(&sheets);

    // One for each thread, not for each sheet: there may be as many kinds as events.
    let pool = Mutex::new(Vec::new());
    let first_look = parallel(threads, &mut sheets, |sheet| {
        let spare = || pool.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tallies = spare().pop().unwrap_or_else(|| vec![Tally::default(); kinds.len()]);
        let look = FirstLook::of(sheet, &mut tallies, &calendar);
        spare().push(tallies);
        look
    });
    let mut by_weekday_and_hour = [[0; 24]; 7];
    let mut parts = pool.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter();
    let mut tallies = parts.next().unwrap_or_else(|| vec![Tally::default(); kinds.len()]);
    for part in parts {
        for (tally, part) in tallies.iter_mut().zip(&part) {
            tally.add(part);
        }
    }
    for look in &first_look {
        for (day, look) in by_weekday_and_hour.iter_mut().zip(&look.hours) {
            for (hour, look) in day.iter_mut().zip(look) {
                *hour += look;
            }
        }
        for &(kind, seconds) in &look.finer {
            tallies[kind as usize].finer += seconds;
        }
    }
    let days = days(threads, &sheets, &first_look, &kinds, options.durations);
    drop(first_look);

    let mut totals = Tally::default();
    let mut counts = Counts::default();
    let mut unfinished = Tally::default();
    let mut seen = vec![false; targets.len()];
    for (kind, tally) in kinds.iter().zip(&tallies) {
        totals.add(tally);
        counts.add(kind.outcome, tally.runs);
        if kind.outcome != Outcome::Ok {
            unfinished.add(tally);
        }
        seen[kind.target as usize] |= tally.runs > 0;
    }

    let shared = Shared {
        kinds,
        targets,
        domains,
        tallies,
        calendar,
        from: from.unwrap_or(0),
        to: to.unwrap_or(0),
        durations: options.durations,
        threads,
    };
    let (groups, findings) = match options.by {
        By::Target => Grouped::of(shared, sheets, By::Target),
        By::Domain => {
            // Grouping moves rows about, and what is worth a look is always about targets.
            let rows: Vec<Vec<Row>> = sheets.iter().map(|sheet| sheet.rows.to_vec()).collect();
            let (by_target, findings) = Grouped::of(shared, sheets, By::Target);
            let Grouped { shared, mut sheets, .. } = by_target;
            for (sheet, rows) in sheets.iter_mut().zip(rows) {
                sheet.rows.copy_from_slice(&rows);
            }
            (Grouped::of(shared, sheets, By::Domain).0, findings)
        }
    };
    Summary {
        period,
        input,
        totals: Totals {
            counts,
            success_interval: statistics::wilson(counts.ok, counts.ok + counts.failed),
            seconds: totals.seconds(),
            seconds_unfinished: unfinished.seconds(),
        },
        groups: Groups::Counted(Box::new(groups.sorted(options.sort))),
        unique_targets: seen.iter().filter(|&&seen| seen).count() as u64,
        by_weekday_and_hour,
        days,
        findings: if options.failed_only { Vec::new() } else { findings },
    }
}

/// What the logs hold before any filter, for somebody whose filters let nothing through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// First and last readable time.
    pub span: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// All names, in byte order.
    pub targets: Vec<String>,
    pub domains: Vec<String>,
}

impl Contents {
    pub fn of(table: &Table) -> Self {
        let sorted = |names: &[Box<str>]| {
            let mut names: Vec<String> =
                names.iter().filter(|name| !name.is_empty()).map(ToString::to_string).collect();
            names.sort_unstable();
            names
        };
        Self { span: table.period(), targets: sorted(&table.targets), domains: sorted(&table.domains) }
    }
}

impl Group {
    /// The durations that the report shows.
    pub fn shown(&self) -> &Durations {
        match self.shown {
            Population::Ok => &self.ok,
            Population::Failed => &self.failed,
            Population::All => &self.all,
        }
    }
}

impl Counts {
    fn add(&mut self, outcome: Outcome, runs: u64) {
        self.runs += runs;
        match outcome {
            Outcome::Ok => self.ok += runs,
            Outcome::Failed => self.failed += runs,
            Outcome::Interrupted => self.interrupted += runs,
        }
    }
}

/// How many, and how long in all. Milliseconds are added as whole numbers, so that no order of
/// adding can change the sum.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    runs: u64,
    milliseconds: u64,
    finer: f64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.milliseconds += other.milliseconds;
        self.finer += other.finer;
    }

    #[expect(clippy::cast_precision_loss, reason = "285 thousand years")]
    fn seconds(&self) -> f64 {
        self.milliseconds as f64 / 1000.0 + self.finer
    }

    #[expect(clippy::cast_precision_loss, reason = "2^53 runs are out of reach")]
    fn mean(&self) -> Option<f64> {
        (self.runs > 0).then(|| self.seconds() / self.runs as f64)
    }
}

/// The tallies of some kinds, added up.
#[derive(Default)]
struct Sums {
    counts: Counts,
    all: Tally,
    by_outcome: [Tally; 3],
}

/// Some rows that fit into a processor's cache.
struct Sheet<'a> {
    rows: &'a mut [Row],
    fine: &'a [f64],
    /// Once grouped: (group, first row), in order.
    runs: Vec<(u32, u32)>,
}

impl<'a> Sheet<'a> {
    const ROWS: usize = 1 << 16;

    fn of(sheets: Vec<table::Sheet<'a>>) -> Vec<Self> {
        sheets
            .into_iter()
            .flat_map(|table::Sheet { rows, fine }| {
                rows.chunks_mut(Self::ROWS).map(move |rows| Sheet { rows, fine, runs: Vec::new() })
            })
            .collect()
    }

    fn length(&self, row: Row) -> Length {
        length(self.fine, row)
    }

    /// Brings the rows of each group together, in their order.
    fn group(&mut self, group_of: &[u32], groups: usize, spare: &mut Vec<Row>) {
        let group = |row: &Row| group_of[row.kind as usize];
        if groups > Self::ROWS {
            self.rows.sort_by_key(group);
        } else {
            let mut places = vec![0_u32; groups];
            for row in &*self.rows {
                places[group(row) as usize] += 1;
            }
            let mut place = 0;
            for count in &mut places {
                place += std::mem::replace(count, place);
            }
            spare.clear();
            spare.extend_from_slice(self.rows);
            for row in spare {
                let place = &mut places[group(row) as usize];
                self.rows[*place as usize] = *row;
                *place += 1;
            }
        }
        self.runs.clear();
        for (place, row) in (0..).zip(&*self.rows) {
            let group = group(row);
            if self.runs.last().is_none_or(|&(last, _)| last != group) {
                self.runs.push((group, place));
            }
        }
    }
}

/// What is counted while the rows still are in time order.
struct FirstLook {
    hours: [[u64; 24]; 7],
    /// (kind, seconds) that no whole number can add up: they wait to be added in time order.
    finer: Vec<(u32, f64)>,
    /// (day, first row).
    days: Vec<(i64, usize)>,
}

impl FirstLook {
    fn of(sheet: &mut Sheet<'_>, tallies: &mut [Tally], calendar: &Calendar<'_>) -> Self {
        let mut look = Self { hours: [[0; 24]; 7], finer: Vec::new(), days: Vec::new() };
        let mut hour = Hour::NONE;
        let (mut weekday, mut runs) = (0, 0);
        for (place, &row) in sheet.rows.iter().enumerate() {
            let tally = &mut tallies[row.kind as usize];
            tally.runs += 1;
            match sheet.length(row) {
                Length::Milliseconds(milliseconds) => tally.milliseconds += u64::from(milliseconds),
                Length::Seconds(seconds) => look.finer.push((row.kind, seconds)),
            }
            if row.micros == UNTIMED {
                continue;
            }
            if !hour.holds(row.micros) {
                look.hours[weekday][hour.number] += runs;
                hour = calendar.hour(row.micros);
                (weekday, runs) = (hour.weekday(), 0);
                if look.days.last().is_none_or(|&(day, _)| day != hour.day) {
                    look.days.push((hour.day, place));
                }
            }
            runs += 1;
        }
        look.hours[weekday][hour.number] += runs;
        look
    }
}

/// Counts and medians of each day, whatever the target.
fn days(
    threads: usize,
    sheets: &[Sheet<'_>],
    looks: &[FirstLook],
    kinds: &[Kind],
    shown: Population,
) -> Vec<Day> {
    // (day, stretches of it: (sheet, first row, end))
    type Stretches = Vec<(usize, usize, usize)>;
    let mut days: Vec<(i64, Stretches)> = Vec::new();
    for (place, (sheet, look)) in sheets.iter().zip(looks).enumerate() {
        let ends = look.days.iter().skip(1).map(|&(_, start)| start).chain([sheet.rows.len()]);
        for (&(day, start), end) in look.days.iter().zip(ends) {
            match days.last_mut() {
                Some((last, stretches)) if *last == day => stretches.push((place, start, end)),
                _ => days.push((day, vec![(place, start, end)])),
            }
        }
    }
    let mut batches: Vec<_> = days.chunks(16).collect();
    let batches = parallel(threads, &mut batches, |days| {
        days.iter()
            .map(|(day, stretches)| {
                let mut counts = Counts::default();
                let mut values = Vec::new();
                let mut finer = Vec::new();
                for &(sheet, start, end) in stretches {
                    let sheet = &sheets[sheet];
                    for &row in &sheet.rows[start..end] {
                        let outcome = kinds[row.kind as usize].outcome;
                        counts.add(outcome, 1);
                        if shown.has(outcome) {
                            match sheet.length(row) {
                                Length::Milliseconds(milliseconds) => values.push(milliseconds),
                                Length::Seconds(seconds) => finer.push(seconds),
                            }
                        }
                    }
                }
                let median = if finer.is_empty() {
                    statistics::median(&mut values)
                } else {
                    finer.extend(values.iter().map(|value| value.seconds()));
                    statistics::median(&mut finer)
                };
                Day { date: calendar::date(*day), counts, median }
            })
            .collect::<Vec<Day>>()
    });
    batches.into_iter().flatten().collect()
}

impl Population {
    fn has(self, outcome: Outcome) -> bool {
        match self {
            Self::Ok => outcome == Outcome::Ok,
            Self::Failed => outcome == Outcome::Failed,
            Self::All => true,
        }
    }
}

/// What every group looks at.
struct Shared<'a> {
    kinds: Vec<Kind>,
    targets: Vec<Box<str>>,
    domains: Vec<Box<str>>,
    tallies: Vec<Tally>,
    calendar: Calendar<'a>,
    from: i64,
    to: i64,
    durations: Population,
    threads: usize,
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
    /// In no particular order, and what is worth a look.
    fn of(shared: Shared<'a>, mut sheets: Vec<Sheet<'a>>, by: By) -> (Self, Vec<Finding>) {
        let name_of = |kind: &Kind| match by {
            By::Target => kind.target,
            By::Domain => kind.domain,
        };
        let names = match by {
            By::Target => shared.targets.len(),
            By::Domain => shared.domains.len(),
        };
        let group_of: Vec<u32> = shared.kinds.iter().map(name_of).collect();
        parallel(shared.threads, &mut sheets, |sheet| sheet.group(&group_of, names, &mut Vec::new()));

        let seen = || (0..).zip(&shared.tallies).filter(|(_, tally)| tally.runs > 0);
        let kinds = Lists::of(names, || seen().map(|(kind, _)| (group_of[kind as usize], kind)));
        let stretches = Lists::of(names, || {
            (0..).zip(&sheets).flat_map(|(place, sheet)| {
                let end = u32::try_from(sheet.rows.len()).unwrap_or(u32::MAX);
                let ends = sheet.runs.iter().skip(1).map(|&(_, start)| start).chain([end]);
                let runs = sheet.runs.iter().zip(ends);
                runs.map(move |(&(group, start), end)| (group, RowsOf { sheet: place, start, end }))
            })
        });
        for sheet in &mut sheets {
            sheet.runs = Vec::new();
        }
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

    fn sorted(mut self, by: Sort) -> Self {
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

    /// The newest first.
    fn newest(&self, name: u32) -> impl Iterator<Item = (&Sheet<'a>, Row, Kind)> {
        self.stretches.list(name).iter().rev().flat_map(move |stretch| {
            let (sheet, rows) = self.rows(stretch);
            rows.iter().rev().map(move |&row| (sheet, row, self.shared.kinds[row.kind as usize]))
        })
    }

    fn rows(&self, stretch: &RowsOf) -> (&Sheet<'a>, &[Row]) {
        let sheet = &self.sheets[stretch.sheet as usize];
        (sheet, &sheet.rows[stretch.start as usize..stretch.end as usize])
    }

    fn completed(&self, name: u32) -> Completed {
        let mut completed = Completed::default();
        for (sheet, row, kind) in self.newest(name) {
            let failed = kind.outcome == Outcome::Failed;
            if kind.outcome != Outcome::Interrupted
                && !completed.push(failed, row.micros, sheet.length(row).seconds())
            {
                break;
            }
        }
        completed
    }

    fn recent(&self, name: u32) -> Recent {
        let mut recent = Recent::new(self.shared.to);
        for (sheet, row, kind) in self.newest(name) {
            if kind.outcome == Outcome::Ok
                && row.micros != UNTIMED
                && !recent.push(row.micros, sheet.length(row).seconds())
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
        let parts = parallel(self.shared.threads, &mut parts, |first| {
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
        });
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

    /// In the order of the places, which may be any.
    fn groups(&self, places: &[usize]) -> Vec<Group> {
        let mut order: Vec<(usize, u32)> =
            places.iter().map(|&place| self.briefs[place].name).enumerate().collect();
        // The greatest first, so that no thread is left alone with it at the end.
        let runs = |&(at, _): &(usize, u32)| self.briefs[places[at]].counts.runs;
        order.sort_by_key(|item| std::cmp::Reverse(runs(item)));
        let mut made = parallel(self.shared.threads, &mut order, |&mut (at, name)| (at, self.group(name)));
        made.sort_unstable_by_key(|&(at, _)| at);
        made.into_iter().map(|(_, group)| group).collect()
    }

    fn group(&self, name: u32) -> Group {
        let is_fine = |stretch: &RowsOf| !self.sheets[stretch.sheet as usize].fine.is_empty();
        if self.stretches.list(name).iter().any(is_fine) {
            self.group_in::<f64>(name)
        } else {
            self.group_in::<u32>(name)
        }
    }

    #[expect(clippy::too_many_lines, reason = "one pass over the rows, in the order of the fields")]
    fn group_in<D: FromLength>(&self, name: u32) -> Group {
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
        let [ok_tally, failed_tally, interrupted_tally] = by_outcome;
        let (shown, starred) = self.shown(&counts);

        let room = |tally: &Tally| Vec::<D>::with_capacity(usize::try_from(tally.runs).unwrap_or(0));
        let mut values = [room(&ok_tally), room(&failed_tally), room(&interrupted_tally)];
        let mut every = if shown == Population::All { room(&all) } else { Vec::new() };
        let mut slots = Slots::new(self.shared.from, self.shared.to);
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut hour = Hour::NONE;
        let mut first_run = None;
        for stretch in self.stretches.list(name) {
            let (sheet, rows) = self.rows(stretch);
            for &row in rows {
                let outcome = self.shared.kinds[row.kind as usize].outcome;
                let value = D::of_length(sheet.length(row));
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
                        first_run = first_run.or(Some(row.micros));
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
        let mut trend24 = [None; 24];
        let mut trend12 = [None; 12];
        let end_of = |next: Option<&Stretch>| next.map_or(in_order.len(), |next| next.start);
        let mut rest = &stretches[..];
        while let Some(first) = rest.first() {
            let count = rest.partition_point(|stretch| stretch.slot == first.slot);
            trend24[first.slot] = median_of(first.start, end_of(rest.get(count)));
            rest = &rest[count..];
        }
        let mut rest = &stretches[..];
        while let Some(first) = rest.first() {
            let count = rest.partition_point(|stretch| stretch.slot / 2 == first.slot / 2);
            trend12[first.slot / 2] = median_of(first.start, end_of(rest.get(count)));
            rest = &rest[count..];
        }
        let mut days = Vec::new();
        let mut rest = &stretches[..];
        while let Some(first) = rest.first() {
            let count = rest.partition_point(|stretch| stretch.day == first.day);
            let mut counts = Counts::default();
            for stretch in &rest[..count] {
                counts.merge(&stretch.counts);
            }
            let median = median_of(first.start, end_of(rest.get(count)));
            days.push(Day { date: calendar::date(first.day), counts, median });
            rest = &rest[count..];
        }
        drop(every);

        let mut last_ok: Vec<D> = values[0][values[0].len().saturating_sub(20)..].to_vec();
        D::sort(&mut last_ok);
        let usual = usual(&Union([&last_ok, &[], &[]]));
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

        let mut unfinished = failed_tally;
        unfinished.add(&interrupted_tally);
        let mut last_runs: Vec<Run> = self
            .newest(name)
            .take(LAST_RUNS)
            .map(|(sheet, row, kind)| {
                let domain = &self.shared.domains[kind.domain as usize];
                Run {
                    ended_at: moment(row.micros),
                    seconds: sheet.length(row).seconds(),
                    exit_code: shell_code(kind.exit_code),
                    domain: (!domain.is_empty()).then(|| domain.to_string()),
                }
            })
            .collect();
        last_runs.reverse();
        let last = last_runs.last();

        Group {
            name: self.name(name).map(str::to_owned),
            counts,
            success_interval: statistics::wilson(counts.ok, counts.ok + counts.failed),
            exit_codes,
            seconds: all.seconds(),
            seconds_unfinished: unfinished.seconds(),
            first_run: first_run.and_then(moment),
            last_run: last.and_then(|run| run.ended_at),
            last_exit_code: last.map_or(0, |run| run.exit_code),
            failure_streak: self.completed(name).streak(),
            ok: durations(&ok_sorted, &ok_tally),
            failed: durations(&failed_sorted, &failed_tally),
            all: durations(&all_sorted, &all),
            shown,
            starred,
            usual,
            change: self.changes.get(&name).copied(),
            trend24,
            trend12,
            parts: parts.into_iter().collect(),
            days,
            last_runs,
            histogram: histogram(shown_sorted),
            outliers: outliers(shown_sorted),
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

    pub fn at(&self, places: &[usize]) -> Vec<Group> {
        match self {
            Self::Counted(grouped) => grouped.groups(places),
            #[cfg(test)]
            Self::Given(groups) => places.iter().map(|&place| groups[place].clone()).collect(),
        }
    }

    /// One after the other, however many there are.
    pub fn each(&self, places: Range<usize>) -> impl Iterator<Item = Group> {
        let starts = places.clone().step_by(Self::AT_ONCE);
        starts.flat_map(move |start| {
            let batch: Vec<usize> = (start..places.end.min(start + Self::AT_ONCE)).collect();
            self.at(&batch)
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

impl Counts {
    fn merge(&mut self, other: &Self) {
        self.runs += other.runs;
        self.ok += other.ok;
        self.failed += other.failed;
        self.interrupted += other.interrupted;
    }
}

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

/// Durations that come out of a [`Length`].
trait FromLength: Duration {
    fn of_length(length: Length) -> Self;
}

impl FromLength for u32 {
    fn of_length(length: Length) -> Self {
        match length {
            Length::Milliseconds(milliseconds) => milliseconds,
            // Groups with such durations are counted in seconds.
            Length::Seconds(_) => 0,
        }
    }
}

impl FromLength for f64 {
    fn of_length(length: Length) -> Self {
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

/// How many threads are worth their while for so many rows: up to some ten thousand they cost more than they
/// save, as does asking how many processors there are.
fn threads(sheets: &[Sheet<'_>]) -> usize {
    let rows: usize = sheets.iter().map(|sheet| sheet.rows.len()).sum();
    if rows <= Sheet::ROWS { 1 } else { std::thread::available_parallelism().map_or(1, usize::from) }
}

/// Does the same to each item, on so many threads; results in the items' order.
fn parallel<T: Send, R: Send>(threads: usize, items: &mut [T], work: impl Fn(&mut T) -> R + Sync) -> Vec<R> {
    let threads = threads.min(items.len());
    if threads < 2 {
        return items.iter_mut().map(work).collect();
    }
    let count = items.len();
    let queue = Mutex::new(items.iter_mut().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let worker = || {
        let mut results = Vec::new();
        while let Some((place, item)) = next() {
            results.push((place, work(item)));
        }
        results
    };
    let mut results = Vec::with_capacity(count);
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        results.extend(worker());
        for other in others {
            // A panic in a worker is ours.
            results.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    results.sort_unstable_by_key(|&(place, _)| place);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::ops::{Deref, DerefMut};

    use super::*;
    use crate::event::table::{Filter, of_lines};

    impl Deref for Groups<'_> {
        type Target = Vec<Group>;

        fn deref(&self) -> &Vec<Group> {
            match self {
                Self::Given(groups) => groups,
                Self::Counted(_) => panic!("not made yet"),
            }
        }
    }

    impl DerefMut for Groups<'_> {
        fn deref_mut(&mut self) -> &mut Vec<Group> {
            match self {
                Self::Given(groups) => groups,
                Self::Counted(_) => panic!("not made yet"),
            }
        }
    }

    impl Clone for Groups<'_> {
        fn clone(&self) -> Self {
            Self::Given(self.to_vec())
        }
    }

    impl fmt::Debug for Groups<'_> {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            (**self).fmt(out)
        }
    }

    /// With all groups made.
    fn of(table: Table, options: &Options<'static>) -> Summary<'static> {
        let mut summary = super::of(Box::leak(Box::new(table)), options);
        summary.groups = Groups::Given(summary.groups.each(0..Groups::len(&summary.groups)).collect());
        summary
    }

    const UTC: &(dyn Fn(i64) -> i64 + Sync) = &|_| 0;

    fn options() -> Options<'static> {
        Options {
            by: By::Target,
            sort: Sort::Runs,
            durations: Population::Ok,
            failed_only: false,
            offset: UTC,
        }
    }

    /// Lines of (timestamp, target, domain, seconds, exit code).
    fn table(events: &[(&str, &str, &str, f64, i64)]) -> Table {
        let lines: Vec<String> = events
            .iter()
            .map(|(timestamp, target, domain, seconds, exit_code)| {
                format!(
                    r#"{{"timestamp": "{timestamp}", "target": "{target}", "domain": "{domain}", "duration_seconds": {seconds:?}, "exit_code": {exit_code}}}"#
                )
            })
            .collect();
        of_lines(lines.iter().map(String::as_bytes))
    }

    #[test]
    fn counts_times_and_names_of_a_small_log() {
        let summary = of(
            table(&[
                ("2026-11-22T10:00:00Z", "apply", "pro", 10.0, 0),
                ("2026-11-22T23:30:00Z", "apply", "", 20.5, 2),
                ("2026-11-23T00:30:00Z", "apply", "pro", 5.0, -2),
                ("2026-11-23T09:00:00Z", "sync", "", 1.0, 0),
                ("not a time", "sync", "", 3.0, 0),
            ]),
            &options(),
        );
        assert_eq!(summary.totals.counts, Counts { runs: 5, ok: 3, failed: 1, interrupted: 1 });
        assert_eq!((summary.totals.seconds, summary.totals.seconds_unfinished), (39.5, 25.5));
        assert_eq!(summary.unique_targets, 2);
        let period = summary.period.unwrap();
        assert_eq!(period.from.to_rfc3339(), "2026-11-22T10:00:00+00:00");
        assert_eq!(period.to.to_rfc3339(), "2026-11-23T09:00:00+00:00");
        assert_eq!(period.days, 2);
        assert_eq!(summary.by_weekday_and_hour[6][10], 1);
        assert_eq!(summary.by_weekday_and_hour[6][23], 1);
        assert_eq!(summary.by_weekday_and_hour[0][0], 1);
        assert_eq!(summary.by_weekday_and_hour[0][9], 1);
        assert_eq!(summary.days.iter().map(|day| day.counts.runs).collect::<Vec<_>>(), [2, 2]);
        assert_eq!(summary.days.iter().map(|day| day.median).collect::<Vec<_>>(), [Some(10.0), Some(1.0)]);

        let names: Vec<_> = summary.groups.iter().map(|group| group.name.as_deref()).collect();
        assert_eq!(names, [Some("apply"), Some("sync")]);
        let apply = &summary.groups[0];
        assert_eq!(apply.counts, Counts { runs: 3, ok: 1, failed: 1, interrupted: 1 });
        assert_eq!(apply.exit_codes, BTreeMap::from([(0, 1), (2, 1), (130, 1)]));
        assert_eq!(apply.last_exit_code, 130);
        assert_eq!(apply.failure_streak, 1);
        assert_eq!(apply.ok.mean, Some(10.0));
        assert_eq!(apply.all.n, 3);
        assert_eq!(apply.all.median, Some(10.0));
        assert_eq!(apply.all.mad, Some(5.0));
        assert_eq!(apply.trend24[0], Some(10.0));
        assert_eq!(apply.parts[0].0, None);
        assert_eq!(
            apply.parts[1],
            (Some("pro".into()), Counts { runs: 2, ok: 1, failed: 0, interrupted: 1 })
        );
        assert_eq!(apply.last_runs.len(), 3);
        assert_eq!(summary.groups[1].counts.runs, 2);
        assert_eq!(summary.groups[1].first_run, summary.groups[1].last_run);
    }

    #[test]
    fn contents_are_those_before_the_filters() {
        let table = table(&[
            ("2026-11-22T12:00:00Z", "sync", "pro", 1.0, 0),
            ("not a time", "apply", "", 1.0, 0),
            ("2026-11-22T13:00:00Z", "apply", "lab", 1.0, 0),
        ]);
        let contents = Contents::of(&table);
        assert_eq!(
            (contents.targets, contents.domains),
            (vec!["apply".into(), "sync".into()], vec!["lab".into(), "pro".into()])
        );
        let (first, last) = contents.span.unwrap();
        assert_eq!((last - first).num_minutes(), 60);
    }

    #[test]
    fn an_empty_log_is_a_summary_of_zeros() {
        let summary = of(table(&[]), &options());
        assert_eq!(summary.period, None);
        assert_eq!(summary.totals.counts, Counts::default());
        assert_eq!(summary.totals.success_interval, None);
        assert!(summary.groups.is_empty() && summary.days.is_empty() && summary.findings.is_empty());
    }

    #[test]
    fn a_target_that_never_succeeded_shows_its_failed_runs() {
        let summary = of(table(&[("2026-11-22T10:00:00Z", "apply", "", 10.0, 1)]), &options());
        let apply = &summary.groups[0];
        assert_eq!((apply.shown, apply.starred), (Population::Failed, true));
        assert_eq!(apply.shown().mean, Some(10.0));
        assert_eq!(apply.ok, Durations::default());
    }

    #[test]
    fn a_report_by_domain_has_the_targets_as_parts() {
        let events = [
            ("2026-11-22T10:00:00Z", "apply", "", 10.0, 0),
            ("2026-11-22T11:00:00Z", "sync", "pro", 1.0, 0),
            ("2026-11-22T12:00:00Z", "apply", "pro", 10.0, 2),
        ];
        let summary = of(table(&events), &Options { by: By::Domain, ..options() });
        assert_eq!(summary.groups[0].name.as_deref(), Some("pro"));
        assert_eq!(summary.groups[0].parts.len(), 2);
        assert_eq!(summary.groups[0].parts[0].0.as_deref(), Some("apply"));
        assert_eq!(summary.groups[1].name, None);
        assert_eq!(summary.unique_targets, 2);
    }

    #[test]
    fn names_are_numbered_in_the_order_that_they_appear_in() {
        let mut table = table(&[
            ("2026-11-22T12:00:00Z", "third", "b", 1.0, 0),
            ("2026-11-22T10:00:00Z", "first", "", 1.0, 0),
            ("2026-11-22T11:00:00Z", "second", "a", 1.0, 0),
            ("2026-11-22T13:00:00Z", "first", "a", 1.0, 0),
        ]);
        table.keep(&Filter { excludes: vec!["first".into()], ..Filter::default() });
        table.anonymize();
        let names: Vec<_> = table.events().map(|(_, event)| (event.target, event.domain.unwrap())).collect();
        assert_eq!(names, [("target-1".into(), "domain-1".into()), ("target-2".into(), "domain-2".into())]);
    }
}

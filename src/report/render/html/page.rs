//! The document around the drawings: its head, the totals, what is worth a look, and the tables.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};

use chrono::{DateTime, NaiveDate, SubsecRound as _, Utc};

use super::writer::Html;
use crate::report::grouping::{Detail, Groups};
use crate::report::model::{Group, GroupBy};
use crate::report::render::format::{self, ENOUGH};
use crate::report::render::term::escape_for_display;
use crate::report::render::{Options, compare, empty_state, materialize};
use crate::report::summary::Summary;
use crate::units::Seconds;

/// Rows of a drawing without `--limit`. The table has them all.
const DRAWN: usize = 25;
/// How many targets have their median drawn over time.
const MULTIPLES: usize = 6;

/// Writes the page.
pub fn html(summary: &Summary, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let options = Options { ascii: false, ..*options };
    let groups = &summary.groups;
    let drawn = options.row_limit(groups.len()).min(options.limit.unwrap_or(DRAWN));
    let mut durations = format::duration_order(groups, options.sorted);
    durations.truncate(drawn);
    let multiples = most_time(groups);
    let found = found(summary, &options);
    let wanted = (0..drawn).chain(durations.iter().chain(&multiples).chain(&found).copied()).collect();
    let groups = materialize(groups, wanted, Detail::Whole);
    let at = |places: &[usize]| places.iter().map(|place| &groups[place]).collect();
    let mut page = Page {
        summary,
        options: &options,
        drawn: groups.range(..drawn).map(|(_, group)| group).collect(),
        durations: at(&durations),
        multiples: at(&multiples),
        detailed: (0..drawn)
            .chain(found.into_iter().filter(|&place| place >= drawn))
            .map(|at| &groups[&at])
            .collect(),
        html: Html::new(out),
    };
    page.document()?;
    page.html.flush()
}

/// Indexes of the groups that took most of the time, among those with enough runs.
fn most_time(groups: &Groups<'_>) -> Vec<usize> {
    let enough = |place: &usize| groups.totals(*place).counts.runs >= ENOUGH;
    groups.by_time().into_iter().filter(enough).take(MULTIPLES).collect()
}

/// Indexes of the groups that a finding is about.
fn found(summary: &Summary, options: &Options) -> Vec<usize> {
    if options.by == GroupBy::Domain {
        return Vec::new();
    }
    let (shown, _) = format::split_findings(&summary.findings);
    let targets: BTreeSet<Option<&str>> = shown.iter().map(|finding| Some(&*finding.target)).collect();
    let groups = &summary.groups;
    (0..groups.len()).filter(|&at| targets.contains(&groups.name(at))).collect()
}

pub struct Page<'a> {
    pub summary: &'a Summary<'a>,
    pub options: &'a Options<'a>,
    /// The groups of the charts; those of the duration chart, in its order; those drawn over time.
    pub drawn: Vec<&'a Group>,
    pub durations: Vec<&'a Group>,
    pub multiples: Vec<&'a Group>,
    /// Those that have a part of their own: the groups of the charts, and those that a finding is about.
    pub detailed: Vec<&'a Group>,
    pub html: Html<'a>,
}

impl Page<'_> {
    fn document(&mut self) -> io::Result<()> {
        let period = self.period();
        self.html.raw(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
             base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"robots\" content=\"noindex\">\n\
             <title>Usage report",
        );
        if !period.is_empty() {
            self.html.raw(", ").text(&period);
        }
        self.html.raw("</title>\n<style>\n").raw(include_str!("page.css"));
        self.html.raw("</style>\n</head>\n<body>\n");
        self.header();
        self.html.raw("<main>\n");
        if let Some(lines) = empty_state(self.summary, self.options) {
            self.html.raw("<section>\n");
            for line in lines {
                self.html.element("p", line).newline();
            }
            self.html.raw("</section>\n");
        } else {
            self.findings();
            self.comparison();
            self.totals();
            self.invocations();
            self.outcomes();
            self.time_shares();
            self.durations();
            self.over_time();
            self.heat_map();
            self.targets();
            self.data()?;
        }
        self.html.raw("</main>\n<footer><p>").text(self.options.generator);
        self.html.raw(", report format 1, made ").text(format::rfc3339(self.options.now.trunc_subsecs(0))).raw(
            ". Interrupted runs (Ctrl-C and the like) count in neither the success rate nor the durations.\
             </p></footer>\n</body>\n</html>\n",
        );
        Ok(())
    }

    pub fn date(&self, at: DateTime<Utc>) -> NaiveDate {
        (self.options.local)(at).date()
    }

    fn period(&self) -> String {
        self.summary.period.as_ref().map_or_else(String::new, |period| {
            format::date_range(self.date(period.from), self.date(period.to), "–")
        })
    }

    fn header(&mut self) {
        self.html.raw("<header>\n<h1>Usage report</h1>\n");
        if self.summary.period.is_some() {
            self.html.element("p", format::period(self.summary, self.options, "–")).newline();
        }
        if let Some(filters) = format::filter_sentence(self.options, false) {
            self.html.element("p", filters).newline();
        }
        for note in format::data_notes(self.summary, self.options) {
            self.html.element("p", format_args!("{note}.")).newline();
        }
        self.html.raw(
            "<p class=\"soft\">Made on this machine by tm-run; this page loads nothing and runs no script.</p>\n\
             </header>\n",
        );
    }

    fn findings(&mut self) {
        if self.summary.findings.is_empty() {
            return;
        }
        self.html.raw("<section id=\"worth\">\n<h2>Worth a look</h2>\n<ul>\n");
        let (shown, rest) = format::split_findings(&self.summary.findings);
        for finding in shown {
            let kind = format::finding_kind(finding);
            let name = escape_for_display(&finding.target, false);
            let sentence = format::finding_sentence(finding, "", self.options);
            self.html.start("li");
            self.mark(kind);
            let part = self.detailed.iter().position(|group| group.name.as_ref() == Some(&finding.target));
            self.html.start("strong");
            match part.filter(|_| self.options.by == GroupBy::Target) {
                Some(at) => {
                    self.html.start("a").attr("href", format_args!("#target-{at}")).element("bdi", name).end()
                }
                None => self.html.element("bdi", name),
            };
            self.html.end().text(sentence).end().newline();
        }
        self.html.raw("</ul>\n");
        if !rest.is_empty() {
            self.note(format_args!("and {} more: --format json", rest.len()));
        }
        self.html.raw("</section>\n");
    }

    /// The mark of a kind of finding, whose sentence says the same.
    fn mark(&mut self, kind: &str) {
        let mark = self.options.glyphs().finding_mark(kind);
        self.html.start("span").attr("class", format_args!("mark {kind}"));
        self.html.attr("aria-hidden", true).text(mark).end();
    }

    fn comparison(&mut self) {
        let Some(comparison) = &self.summary.comparison else { return };
        self.section("compare", &compare::title(comparison, self.options));
        let own = format::row_noun(self.options.by, 1);
        self.html.start_table(std::iter::once(own).chain(compare::HEADERS), &["verdict"]);
        let (rows, rest) = compare::screen(comparison, self.options);
        for row in rows {
            let name = format::display_name(row.name.as_deref(), false);
            self.html.start("tr").start("th").attr("scope", "row").element("bdi", name).end();
            let [before, after] = [row.before, row.after].map(|runs| compare::figures(&runs, self.options));
            for (before, after) in before.iter().zip(&after) {
                self.html.element("td", format_args!("{before} → {after}"));
            }
            self.html.start("td").class("text");
            if let Some(direction) = compare::change(row) {
                self.mark(format::direction_name(direction));
            }
            self.html.text(format::verdict(row)).end().end().newline();
        }
        self.html.end_table().newline();
        if let Some(note) = rest {
            self.note(note);
        }
        self.note(compare::note(comparison, self.options));
        self.end_section();
    }

    fn totals(&mut self) {
        let totals = &self.summary.totals;
        let counts = &totals.counts;
        let mut figures = vec![
            ("Total events", counts.runs.to_string()),
            ("Unique targets", self.summary.unique_targets.to_string()),
            ("ok", counts.ok.to_string()),
            ("failed", counts.failed.to_string()),
            ("interrupted", counts.interrupted.to_string()),
        ];
        figures.extend(format::success_rate(counts, self.options).map(|rate| ("success", rate)));
        figures.extend([
            ("Total time tracked", Seconds(totals.seconds).to_string()),
            ("in failed or interrupted runs", Seconds(totals.seconds_unfinished).to_string()),
        ]);
        if let Some(covered) = format::covered(totals) {
            figures.push(("on the clock", covered));
        }
        self.html.raw("<section id=\"summary\" aria-label=\"Summary\">\n<dl>\n");
        for (term, figure) in figures {
            self.html.start("div").element("dt", term).element("dd", figure).end().newline();
        }
        self.html.raw("</dl>\n</section>\n");
    }

    /// Starts a section, which the caller ends.
    pub fn section(&mut self, id: &str, title: &str) {
        self.html.start("section").attr("id", id).newline().element("h2", title).newline();
    }

    pub fn end_section(&mut self) {
        self.html.end().newline();
    }

    pub fn remainder(&mut self, rest: usize) {
        if rest > 0 {
            let noun = format::row_noun(self.options.by, rest);
            let note = format_args!("and {rest} more {noun}; the table at the end has them all.");
            self.note(note);
        }
    }

    pub fn note(&mut self, note: impl std::fmt::Display) {
        self.html.start("p").class("note").text(note).end().newline();
    }

    fn data(&mut self) -> io::Result<()> {
        self.section("data", "All numbers");
        self.group_table()?;
        self.start_folded("Runs by weekday and hour");
        self.html
            .start_table(["day".to_owned()].into_iter().chain((0..24).map(|hour| hour.to_string())), &[]);
        for (day, hours) in format::WEEKDAYS.iter().zip(&self.summary.by_weekday_and_hour) {
            self.html.row(day, hours);
        }
        self.html.end_table();
        self.end_folded();
        if !self.summary.days.is_empty() {
            self.start_folded("Runs per day");
            self.html.start_table(["day", "runs", "ok", "failed", "interrupted"], &[]);
            for day in &self.summary.days {
                let counts = &day.counts;
                self.html.row(day.date, [counts.runs, counts.ok, counts.failed, counts.interrupted]);
            }
            self.html.end_table();
            self.end_folded();
        }
        self.end_section();
        Ok(())
    }

    fn start_folded(&mut self, summary: &str) {
        self.html.raw("<details>\n").element("summary", summary).raw("\n<div>");
    }

    fn end_folded(&mut self) {
        self.html.raw("</div>\n</details>\n");
    }

    fn group_table(&mut self) -> io::Result<()> {
        let own = format::row_noun(self.options.by, 1);
        self.html.start_table(
            [
                own,
                "runs",
                "ok",
                "failed",
                "interrupted",
                "ok %",
                "average",
                "median",
                "p5",
                "p25",
                "p75",
                "p95",
                "min",
                "max",
                "total",
                "failed or interrupted",
                "95 % interval of ok %",
                "first run",
                "last run",
            ],
            &[],
        );
        let summary = self.summary;
        let rows = self.options.row_limit(summary.groups.len());
        // The drawn groups are materialized already.
        let drawn = self.drawn.clone().into_iter().take(rows).map(Cow::Borrowed);
        let others = summary.groups.materialize_range(drawn.len()..rows, Detail::Whole, Cow::Owned);
        for group in drawn.chain(others) {
            let (counts, durations) = (&group.counts, group.durations());
            let time = |at: Option<DateTime<Utc>>| {
                at.map_or("-".to_owned(), |at| (self.options.local)(at).format("%Y-%m-%d %H:%M").to_string())
            };
            let interval = group
                .success_interval
                .filter(|_| self.options.has_success_rate())
                .map_or("-".to_owned(), |(low, high)| format!("{:.1} – {:.1} %", low * 100.0, high * 100.0));
            let figures = [
                counts.runs.to_string(),
                counts.ok.to_string(),
                counts.failed.to_string(),
                counts.interrupted.to_string(),
                format::success_rate_or_dash(counts, self.options),
                format::seconds_or_dash(durations.mean),
                format::seconds_or_dash(durations.median),
                format::seconds_or_dash(durations.p5),
                format::seconds_or_dash(durations.p25),
                format::seconds_or_dash(durations.p75),
                format::seconds_or_dash(durations.p95),
                format::seconds_or_dash(durations.min),
                format::seconds_or_dash(durations.max),
                format::total_time(&group),
                Seconds(group.seconds_unfinished).to_string(),
            ];
            self.html.start("tr").start("th").attr("scope", "row").element("bdi", name(&group));
            self.html.text(star(&group)).end();
            for figure in figures {
                self.html.element("td", figure);
            }
            self.html.start("td").class("wraps").text(interval).end();
            for at in [group.first_run, group.last_run] {
                self.html.start("td").class("date").text(time(at)).end();
            }
            self.html.end().newline();
            self.html.flush_if_full()?;
        }
        self.html.end_table().newline();
        match self.summary.groups.len() - rows {
            0 => {}
            more => self.note(format_args!("and {more} more that were not asked for.")),
        }
        Ok(())
    }
}

impl Html<'_> {
    /// Starts a table that scrolls on its own: columns of figures, then columns of text.
    pub fn start_table<T: std::fmt::Display>(
        &mut self,
        figures: impl IntoIterator<Item = T>,
        texts: &[&str],
    ) -> &mut Self {
        self.raw("<div class=\"wide\" tabindex=\"0\"><table>\n");
        self.table_head(figures, texts)
    }

    pub fn table_head<T: std::fmt::Display>(
        &mut self,
        figures: impl IntoIterator<Item = T>,
        texts: &[&str],
    ) -> &mut Self {
        self.raw("<thead><tr>");
        for header in figures {
            self.start("th").attr("scope", "col").text(header).end();
        }
        for header in texts {
            self.start("th").attr("scope", "col").class("text").text(header).end();
        }
        self.raw("</tr></thead>\n<tbody>\n")
    }

    pub fn end_table(&mut self) -> &mut Self {
        self.raw("</tbody>\n</table></div>")
    }

    pub fn row_header(&mut self, header: impl std::fmt::Display) -> &mut Self {
        self.start("th").attr("scope", "row").text(header).end()
    }

    fn row<T: std::fmt::Display>(
        &mut self,
        header: impl std::fmt::Display,
        cells: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        self.start("tr").row_header(header);
        for cell in cells {
            self.element("td", cell);
        }
        self.end().newline()
    }
}

/// Marks a group whose durations are those of its failed runs.
pub fn star(group: &Group) -> &'static str {
    if group.is_fallback { " *" } else { "" }
}

pub fn name(group: &Group) -> String {
    format::display_name(group.name.as_deref(), false)
}

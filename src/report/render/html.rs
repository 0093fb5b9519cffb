//! One page that holds all it shows: inline drawings, no script, no link, nothing to load.
//!
//! The drawings have no view box: what is a share of the width is given in percent, so that text keeps its
//! size on a narrow screen.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use chrono::{Days, NaiveDate};

use super::format::{self, ENOUGH};
use super::scale::{
    counts_per_column, days_inclusive, float, maximum, median_per_column, ratio, stack, tick_step,
};
use super::term::{ellipsize_middle, escape_for_display};
use super::{Options, effective_options, empty_state, materialize};
use crate::report::grouping::{Detail, Groups};
use crate::report::model::{Bin, By, Counts, Direction, Durations, Finding, FindingKind, Group, Population};
use crate::report::summary::Summary;
use crate::units::Seconds;

const STYLE: &str = include_str!("page.css");
/// Rows of a drawing when no limit was given. The table has them all.
const DRAWN: usize = 25;
/// Targets whose days are drawn.
const MULTIPLES: usize = 6;
/// Columns of a drawing over time.
const COLUMNS: usize = 120;
/// Bytes of the table that are held before they are written.
const HELD: usize = 1 << 16;

/// Writes the page.
pub fn html(summary: &Summary, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let options = effective_options(&Options { ascii: false, ..*options });
    let groups = &summary.groups;
    let drawn = options.row_limit(groups.len()).min(options.limit.unwrap_or(DRAWN));
    let mut durations = format::duration_order(groups, options.sorted);
    durations.truncate(drawn);
    let multiples = multiples(groups);
    let wanted = (0..drawn).chain(durations.iter().chain(&multiples).copied()).collect();
    let groups = materialize(groups, wanted, Detail::Whole);
    let of = |places: &[usize]| places.iter().map(|place| &groups[place]).collect();
    let mut page = Page {
        summary,
        options: &options,
        drawn: groups.range(..drawn).map(|(_, group)| group).collect(),
        durations: of(&durations),
        multiples: of(&multiples),
        html: String::new(),
        out,
    };
    page.all()?;
    page.flush()
}

struct Page<'a> {
    summary: &'a Summary<'a>,
    options: &'a Options<'a>,
    /// The groups that are drawn; those whose durations are; those whose days are.
    drawn: Vec<&'a Group>,
    durations: Vec<&'a Group>,
    multiples: Vec<&'a Group>,
    /// What is not written yet.
    html: String,
    out: &'a mut dyn Write,
}

/// The groups that took most of the time, among those with enough runs.
fn multiples(groups: &Groups<'_>) -> Vec<usize> {
    let brief = |place| groups.brief(place);
    let mut places: Vec<usize> =
        (0..groups.len()).filter(|&place| brief(place).counts.runs >= ENOUGH).collect();
    places.sort_by(|&a, &b| {
        brief(b).seconds.total_cmp(&brief(a).seconds).then_with(|| groups.name(a).cmp(&groups.name(b)))
    });
    places.truncate(MULTIPLES);
    places
}

/// Adds formatted text; writing to a String does not fail.
macro_rules! add {
    ($page:expr, $($text:tt)*) => {
        let _ = write!($page.html, $($text)*);
    };
}

impl Page<'_> {
    fn all(&mut self) -> io::Result<()> {
        let period = self.period();
        let title =
            if period.is_empty() { "Usage report".to_owned() } else { format!("Usage report, {period}") };
        add!(
            self,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
             base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"robots\" content=\"noindex\">\n\
             <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
            escaped(&title)
        );
        self.header(&period);
        if let Some(lines) = empty_state(self.summary, self.options) {
            self.html.push_str("<main>\n<section>\n");
            for line in lines {
                add!(self, "<p>{}</p>\n", escaped(&line));
            }
            self.html.push_str("</section>\n</main>\n");
        } else {
            self.html.push_str("<main>\n");
            self.findings();
            self.totals();
            self.runs();
            self.outcomes();
            self.durations();
            self.over_time();
            self.when();
            self.targets();
            self.data()?;
            self.html.push_str("</main>\n");
        }
        add!(
            self,
            "<footer><p>{}, report format 1, made {}. {}</p></footer>\n</body>\n</html>\n",
            escaped(self.options.generator),
            format::rfc3339(self.options.now),
            "Interrupted runs (Ctrl-C and the like) count in neither the success rate nor the durations."
        );
        Ok(())
    }

    fn date(&self, at: chrono::DateTime<chrono::Utc>) -> NaiveDate {
        (self.options.local)(at).date()
    }

    fn period(&self) -> String {
        self.summary.period.as_ref().map_or_else(String::new, |period| {
            format::date_range(self.date(period.from), self.date(period.to), "–")
        })
    }

    fn header(&mut self, period: &str) {
        self.html.push_str("<header>\n<h1>Usage report</h1>\n");
        if let Some(of) = &self.summary.period {
            let days = format::plural(of.days, "day", "days");
            add!(self, "<p>{} ({days}, {})</p>\n", escaped(period), escaped(self.options.zone_name));
        }
        let filters = format::filter_descriptions(self.options, false);
        if !filters.is_empty() {
            add!(self, "<p>Only {}</p>\n", escaped(&filters.join(", ")));
        }
        self.html.push_str(
            "<p class=\"soft\">Made on this machine by tm-run; this page loads nothing and runs no script.</p>\n</header>\n",
        );
    }

    fn findings(&mut self) {
        if self.summary.findings.is_empty() {
            return;
        }
        self.html.push_str("<section id=\"worth\">\n<h2>Worth a look</h2>\n<ul>\n");
        for finding in &self.summary.findings {
            let (class, mark) = mark(finding);
            let name = escape_for_display(&finding.target, false);
            let sentence = format::finding_sentence(finding, "", self.options);
            add!(
                self,
                "<li><span class=\"mark {class}\" aria-hidden=\"true\">{mark}</span><strong><bdi>{}</bdi></strong>{}</li>\n",
                escaped(&name),
                escaped(&sentence)
            );
        }
        self.html.push_str("</ul>\n</section>\n");
    }

    fn totals(&mut self) {
        let totals = &self.summary.totals;
        let counts = &totals.counts;
        let figures = [
            ("Total events", counts.runs.to_string()),
            ("Unique targets", self.summary.unique_targets.to_string()),
            ("ok", counts.ok.to_string()),
            ("failed", counts.failed.to_string()),
            ("interrupted", counts.interrupted.to_string()),
            ("success", format::success_rate_or_dash(counts, self.options)),
            ("Total time tracked", Seconds(totals.seconds).to_string()),
            ("in unfinished runs", Seconds(totals.seconds_unfinished).to_string()),
        ];
        self.html.push_str("<section id=\"summary\" aria-label=\"Summary\">\n<dl>\n");
        for (what, figure) in figures {
            add!(self, "<div><dt>{what}</dt><dd>{}</dd></div>\n", escaped(&figure));
        }
        self.html.push_str("</dl>\n</section>\n");
    }

    fn title(&self, title: &str) -> String {
        match self.options.by {
            By::Target => title.to_owned(),
            By::Domain => format!("{title} by domain"),
        }
    }

    fn section(&mut self, id: &str, title: &str) {
        add!(self, "<section id=\"{id}\">\n<h2>{}</h2>\n", escaped(title));
    }

    fn legend(&mut self) {
        self.html.push_str(
            "<ul class=\"legend\"><li><i class=\"ok\"></i>ok</li><li><i class=\"failed\"></i>failed</li>\
             <li><i class=\"interrupted\"></i>interrupted</li></ul>\n",
        );
    }

    /// A drawing and what somebody hears who does not see it.
    fn svg(&mut self, id: &str, height: usize, title: &str, description: &str) {
        add!(
            self,
            "<svg role=\"img\" height=\"{height}\" aria-labelledby=\"{id}-title {id}-description\">\n\
             <title id=\"{id}-title\">{}</title><desc id=\"{id}-description\">{}</desc>\n",
            escaped(title),
            escaped(description)
        );
    }

    fn rest(&mut self, rest: usize) {
        if rest > 0 {
            add!(
                self,
                "<p class=\"note\">and {rest} more {}; the table at the end has them all.</p>\n",
                format::row_noun(self.options.by, rest)
            );
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(self.html.as_bytes())?;
        self.html.clear();
        Ok(())
    }

    fn runs(&mut self) {
        const ROW: usize = 42;
        let summary = self.summary;
        let groups = self.drawn.clone();
        let title = self.title("Target Invocations");
        self.section("runs", &title);
        self.legend();
        let max = groups.iter().map(|group| group.counts.runs).max().unwrap_or(0);
        self.svg(
            "runs",
            groups.len() * ROW,
            &title,
            "A bar for each row: how many runs were ok, failed or were interrupted.",
        );
        for (at, group) in groups.iter().enumerate() {
            let counts = &group.counts;
            let top = at * ROW;
            let figures = format!(
                "{} · {} ok · {} failed",
                format::plural(counts.runs, "run", "runs"),
                format::success_rate_or_dash(counts, self.options),
                counts.failed
            );
            self.labels(group, top + 14, &figures);
            let length = ratio(counts.runs, max) * 100.0;
            self.bar(&name(group), counts, top + 21, 12, length);
        }
        self.html.push_str("</svg>\n");
        self.rest(summary.groups.len() - groups.len());
        self.html.push_str("</section>\n");
    }

    /// A row's name at the left and its figures at the right.
    fn labels(&mut self, group: &Group, baseline: usize, figures: &str) {
        let name = name(group);
        let star = if self.options.is_starred(group) { " *" } else { "" };
        add!(
            self,
            "<text class=\"name\" x=\"0\" y=\"{baseline}\">{}{star}<title>{}</title></text>\
             <text class=\"soft end\" x=\"100%\" y=\"{baseline}\">{}</text>\n",
            escaped(&ellipsize_middle(&name, 24, false)),
            escaped(&name),
            escaped(figures)
        );
    }

    /// A bar of three parts, `length` percent long.
    fn bar(&mut self, name: &str, counts: &Counts, top: usize, height: usize, length: f64) {
        add!(self, "<rect class=\"track\" x=\"0\" y=\"{top}\" width=\"100%\" height=\"{height}\" rx=\"3\"/>");
        let parts = format::outcome_counts(counts);
        let steps = stack(parts, 1000, 1000);
        let sum: u64 = parts.iter().fold(0, |sum, part| sum.saturating_add(*part));
        let (mut x, present) = (0.0, steps.iter().sum::<usize>() > 0);
        for (part, what) in parts.into_iter().zip(["ok", "failed", "interrupted"]) {
            if part == 0 || !present {
                continue;
            }
            // Something is never drawn as nothing.
            let width = (ratio(part, sum) * length).max(0.25);
            add!(
                self,
                "<rect class=\"{what}\" x=\"{}%\" y=\"{top}\" width=\"{}%\" height=\"{height}\" rx=\"2\"><title>{}: {part} {what}</title></rect>",
                number(x),
                number(width),
                escaped(name)
            );
            x += width;
        }
        self.html.push('\n');
    }

    fn outcomes(&mut self) {
        const ROW: usize = 30;
        let summary = self.summary;
        let counts = &summary.totals.counts;
        self.section("outcome", "Success vs Failure");
        self.legend();
        self.svg(
            "outcome",
            26,
            "Success vs Failure",
            "One bar: the parts of all runs that were ok, failed or were interrupted.",
        );
        self.bar("all", counts, 0, 22, 100.0);
        self.html.push_str("</svg>\n");
        let rate = match summary.totals.success_interval {
            Some(interval) if format::success_rate(counts, self.options).is_some() => {
                format!("{}, {}", format::success_rate_or_dash(counts, self.options), between(interval))
            }
            _ => "-".to_owned(),
        };
        add!(
            self,
            "<p>{} ok, {} failed, {} interrupted. Success: {}.</p>\n",
            counts.ok,
            counts.failed,
            counts.interrupted,
            escaped(&rate)
        );
        let groups: Vec<&Group> = self
            .drawn
            .iter()
            .copied()
            .filter(|group| format::success_rate(&group.counts, self.options).is_some())
            .collect();
        if groups.len() > 1 {
            self.html.push_str(
                "<h3>How sure is each rate?</h3>\n<p class=\"note\">Dot: success rate. Line: where the true rate is, with 95 % \
                 confidence (Wilson). The fewer runs, the longer the line.</p>\n",
            );
            self.svg(
                "rates",
                groups.len() * ROW + 22,
                "Success rates",
                "For each row a dot at its success rate on a line that is its 95 % interval.",
            );
            let height = groups.len() * ROW;
            let at = |rate: f64| number(36.0 + rate.clamp(0.0, 1.0) * 51.0);
            for percent in [0u32, 25, 50, 75, 100] {
                let x = at(f64::from(percent) / 100.0);
                add!(self, "<line class=\"grid\" x1=\"{x}%\" x2=\"{x}%\" y1=\"0\" y2=\"{height}\"/>");
                if percent % 50 == 0 {
                    add!(
                        self,
                        "<text class=\"soft middle\" x=\"{x}%\" y=\"{}\">{percent} %</text>",
                        height + 16
                    );
                }
            }
            self.html.push('\n');
            for (row, group) in groups.into_iter().enumerate() {
                let middle = row * ROW + ROW / 2;
                let name = name(group);
                let rate = group.counts.success_rate().unwrap_or_default();
                let success = format::success_rate_or_dash(&group.counts, self.options);
                add!(
                    self,
                    "<text class=\"name\" x=\"0\" y=\"{}\">{}<title>{}</title></text>",
                    middle + 4,
                    escaped(&ellipsize_middle(&name, 17, false)),
                    escaped(&name)
                );
                if let Some((low, high)) = group.success_interval {
                    add!(
                        self,
                        "<line class=\"thin\" x1=\"{}%\" x2=\"{}%\" y1=\"{middle}\" y2=\"{middle}\"/>",
                        at(low),
                        at(high)
                    );
                }
                let interval = group
                    .success_interval
                    .map_or_else(String::new, |interval| format!(", {}", between(interval)));
                add!(
                    self,
                    "<circle class=\"accent\" cx=\"{}%\" cy=\"{middle}\" r=\"5\"><title>{}: {success}{}</title></circle>\
                     <text class=\"soft end\" x=\"100%\" y=\"{}\">{success}</text>\n",
                    at(rate),
                    escaped(&name),
                    escaped(&interval),
                    middle + 4
                );
            }
            self.html.push_str("</svg>\n");
        }
        self.html.push_str("</section>\n");
    }

    fn durations(&mut self) {
        const ROW: usize = 50;
        let summary = self.summary;
        let title = match self.options.durations {
            Population::Ok => self.title("Average Duration"),
            which => self.title(&format!("Average Duration of {}", format::population_name(which))),
        };
        let groups = self.durations.clone();
        self.section("duration", &title);
        let scale = Scale::of(&groups);
        let kind = if scale.log { " The scale is logarithmic." } else { "" };
        add!(
            self,
            "<p class=\"note\">Diamond: average. Box: the middle half of the runs, with their median. Line: 5 % to 95 % of the runs \
             (all of them below {ENOUGH} runs). Rings: slower runs.{kind}</p>\n"
        );
        let height = groups.len() * ROW;
        self.svg(
            "duration",
            height + 22,
            &title,
            "For each row its average, its median, the middle half and the range of its durations.",
        );
        let mut last = f64::NEG_INFINITY;
        for tick in scale.ticks() {
            let x = scale.x(tick);
            // Labels that would touch are left out; so is what would stick out at the right.
            if x - last < 12.0 {
                continue;
            }
            last = x;
            let class = if x < 4.0 {
                "soft"
            } else if x > 95.0 {
                "soft end"
            } else {
                "soft middle"
            };
            add!(
                self,
                "<line class=\"grid\" x1=\"{0}%\" x2=\"{0}%\" y1=\"0\" y2=\"{height}\"/><text class=\"{class}\" x=\"{0}%\" y=\"{1}\">{2}</text>",
                number(x),
                height + 16,
                escaped(&short(tick))
            );
        }
        self.html.push('\n');
        for (at, group) in groups.iter().enumerate() {
            let durations = group.shown();
            let mut figures = format!("avg {}", format::seconds_or_dash(durations.mean));
            if durations.p95.is_some() {
                let _ = write!(figures, " · p95 {}", format::seconds_or_dash(durations.p95));
            } else if durations.max.is_some() {
                let _ = write!(figures, " · max {}", format::seconds_or_dash(durations.max));
            }
            self.labels(group, at * ROW + 14, &figures);
            self.box_plot(group, durations, &scale, at * ROW + 30);
        }
        self.html.push_str("</svg>\n");
        if groups.iter().any(|group| self.options.is_starred(group)) {
            self.html.push_str(
                "<p class=\"note\">* never succeeded: the durations are those of its failed runs.</p>\n",
            );
        }
        self.rest(summary.groups.len() - groups.len());
        self.html.push_str("</section>\n");
    }

    fn box_plot(&mut self, group: &Group, durations: &Durations, scale: &Scale, middle: usize) {
        let (Some(mean), Some(median), Some(min), Some(max)) =
            (durations.mean, durations.median, durations.min, durations.max)
        else {
            return;
        };
        let name = escaped(&name(group));
        let x = |value: f64| number(scale.x(value));
        let (low, high) = (durations.p5.unwrap_or(min), durations.p95.unwrap_or(max));
        add!(
            self,
            "<line class=\"thin\" x1=\"{}%\" x2=\"{}%\" y1=\"{middle}\" y2=\"{middle}\"><title>{name}: from {} to {}</title></line>",
            x(low),
            x(high),
            took(low),
            took(high)
        );
        for end in [low, high] {
            add!(
                self,
                "<line class=\"thin\" x1=\"{0}%\" x2=\"{0}%\" y1=\"{1}\" y2=\"{2}\"/>",
                x(end),
                middle - 4,
                middle + 4
            );
        }
        if let (Some(p25), Some(p75)) = (durations.p25, durations.p75) {
            add!(
                self,
                "<rect class=\"box\" x=\"{}%\" y=\"{}\" width=\"{}%\" height=\"14\" rx=\"2\"><title>{name}: half of the runs took {} to {}</title></rect>",
                x(p25),
                middle - 7,
                number((scale.x(p75) - scale.x(p25)).max(0.3)),
                took(p25),
                took(p75)
            );
        }
        add!(
            self,
            "<line class=\"stroke\" x1=\"{0}%\" x2=\"{0}%\" y1=\"{1}\" y2=\"{2}\"><title>{name}: median {3}</title></line>",
            x(median),
            middle - 7,
            middle + 7,
            took(median)
        );
        for &outlier in &group.outliers {
            add!(
                self,
                "<circle class=\"out\" cx=\"{}%\" cy=\"{middle}\" r=\"3\"><title>{name}: {}</title></circle>",
                x(outlier),
                took(outlier)
            );
        }
        add!(
            self,
            "<svg x=\"{}%\" y=\"{middle}\" overflow=\"visible\"><path class=\"accent\" d=\"M-6 0L0 -6L6 0L0 6Z\"><title>{name}: average {}</title></path></svg>\n",
            x(mean),
            took(mean)
        );
    }

    fn over_time(&mut self) {
        const HEIGHT: usize = 150;
        let summary = self.summary;
        let Some(period) = &summary.period else {
            return;
        };
        let (from, to) = (self.date(period.from), self.date(period.to));
        let days = days_inclusive(from, to);
        if days < 2 {
            return;
        }
        let per_column = days.div_ceil(COLUMNS);
        let columns = counts_per_column(&summary.days, from, days, per_column);
        self.section("over-time", "Over time");
        self.legend();
        let each = if per_column == 1 { "day".to_owned() } else { format!("{per_column} days") };
        let title = format!("Runs per {each}");
        add!(self, "<h3>{title}</h3>\n");
        self.svg(
            "per-day",
            HEIGHT + 42,
            &title,
            "A column for each stretch of time: runs that were ok, failed or were interrupted.",
        );
        let max = columns.iter().map(|counts| counts.runs).max().unwrap_or(0);
        add!(
            self,
            "<text class=\"soft\" x=\"0\" y=\"12\">{max}</text><line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"20\" y2=\"20\"/>\
             <line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{0}\" y2=\"{0}\"/>\n",
            HEIGHT + 20
        );
        let width = 100.0 / float(columns.len() as u64);
        for (at, counts) in columns.iter().enumerate() {
            let mut bottom = float((HEIGHT + 20) as u64);
            let x = width * float(at as u64);
            let label = Self::column_label(from, at, per_column);
            for (part, what) in
                format::outcome_counts(counts).into_iter().zip(["ok", "failed", "interrupted"])
            {
                if part == 0 {
                    continue;
                }
                let height = (ratio(part, max) * float(HEIGHT as u64)).max(1.0);
                bottom -= height;
                add!(
                    self,
                    "<rect class=\"{what}\" x=\"{}%\" y=\"{}\" width=\"{}%\" height=\"{}\"><title>{label}: {part} {what}</title></rect>",
                    number(x + width * 0.1),
                    number(bottom),
                    number(width * 0.8),
                    number(height)
                );
            }
        }
        self.html.push('\n');
        self.dates(from, days, HEIGHT + 38, 5);
        self.html.push_str("</svg>\n");
        self.multiples(from, days, per_column, &each);
        self.html.push_str("</section>\n");
    }

    fn column_label(from: NaiveDate, column: usize, per_column: usize) -> String {
        let first = from + Days::new((column * per_column) as u64);
        match per_column {
            1 => format::date(first),
            _ => format::date_range(first, first + Days::new(per_column as u64 - 1), "–"),
        }
    }

    /// So many dates below a drawing over time, from its first day to its last.
    fn dates(&mut self, from: NaiveDate, days: usize, baseline: usize, labels: usize) {
        let labels = labels.min(days);
        for label in 0..labels {
            let day = if labels == 1 { 0 } else { label * (days - 1) / (labels - 1) };
            let (x, class) = match label {
                0 => (0.0, "soft"),
                _ if label + 1 == labels => (100.0, "soft end"),
                _ => ((float(day as u64) + 0.5) / float(days as u64) * 100.0, "soft middle"),
            };
            let date = format::short_date(from + Days::new(day as u64));
            add!(self, "<text class=\"{class}\" x=\"{}%\" y=\"{baseline}\">{date}</text>", number(x));
        }
        self.html.push('\n');
    }

    /// For the targets that took most of the time, how long each day's runs took.
    fn multiples(&mut self, from: NaiveDate, days: usize, per_column: usize, each: &str) {
        const HEIGHT: f64 = 70.0;
        let groups = self.multiples.clone();
        if groups.is_empty() {
            return;
        }
        add!(
            self,
            "<h3>Median duration per {each}</h3>\n<p class=\"note\">The {} that took most time, each on its own scale from zero.</p>\n<div class=\"multiples\">\n",
            format::row_noun(self.options.by, 2)
        );
        for (at, group) in groups.into_iter().enumerate() {
            let medians = median_per_column(&group.days, from, days, per_column);
            let most = maximum(medians.iter().copied());
            let top = tick_step(most, 4);
            let top = (most / top).ceil() * top;
            let name = name(group);
            self.html.push_str("<div>\n");
            self.svg(
                &format!("median-{at}"),
                132,
                &format!("{name}: median duration per {each}"),
                "A dot for each stretch of time at the median of its runs.",
            );
            add!(
                self,
                "<text class=\"name\" x=\"0\" y=\"14\">{}</text><text class=\"soft end\" x=\"100%\" y=\"14\">{}</text>\
                 <line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"24\" y2=\"24\"/><line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"94\" y2=\"94\"/>\n",
                escaped(&ellipsize_middle(&name, 30, false)),
                escaped(&short(top))
            );
            let columns = float(medians.len() as u64);
            let mut before: Option<(f64, f64)> = None;
            let mut dots = String::new();
            for (column, median) in medians.iter().enumerate() {
                let Some(median) = median else {
                    continue;
                };
                let x = (float(column as u64) + 0.5) / columns * 100.0;
                let y = 94.0 - if top > 0.0 { (median / top).clamp(0.0, 1.0) * HEIGHT } else { 0.0 };
                if let Some((from_x, from_y)) = before {
                    add!(
                        self,
                        "<line class=\"path\" x1=\"{}%\" y1=\"{}\" x2=\"{}%\" y2=\"{}\"/>",
                        number(from_x),
                        number(from_y),
                        number(x),
                        number(y)
                    );
                }
                before = Some((x, y));
                let _ = write!(
                    dots,
                    "<circle class=\"accent\" cx=\"{}%\" cy=\"{}\" r=\"3\"><title>{}: {}</title></circle>",
                    number(x),
                    number(y),
                    Self::column_label(from, column, per_column),
                    took(*median)
                );
            }
            self.html.push_str(&dots);
            self.html.push('\n');
            self.dates(from, days, 112, 3);
            self.html.push_str("</svg>\n</div>\n");
        }
        self.html.push_str("</div>\n");
    }

    fn when(&mut self) {
        const ROW: usize = 24;
        let counts = &self.summary.by_weekday_and_hour;
        let max = counts.iter().flatten().copied().max().unwrap_or(0);
        if max == 0 {
            return;
        }
        self.section("when", "When you run things");
        add!(
            self,
            "<p class=\"note\">Runs by weekday and hour ({}); the strongest colour is {max}.</p>\n",
            escaped(self.options.zone_name)
        );
        self.svg(
            "when",
            7 * ROW + 22,
            "When you run things",
            "A cell for each hour of each weekday: the more runs, the stronger its colour.",
        );
        let width = 92.0 / 24.0;
        for (at, (day, hours)) in format::WEEKDAYS.iter().zip(counts).enumerate() {
            add!(self, "<text class=\"soft\" x=\"0\" y=\"{}\">{day}</text>", at * ROW + 16);
            for (hour, &count) in hours.iter().enumerate() {
                let x = 8.0 + width * float(hour as u64);
                let (class, strength) = match count {
                    0 => ("track", 1.0),
                    _ => ("heat", 0.2 + 0.8 * ratio(count, max)),
                };
                add!(
                    self,
                    "<rect class=\"{class}\" fill-opacity=\"{}\" x=\"{}%\" y=\"{}\" width=\"{}%\" height=\"{}\" rx=\"2\"><title>{day} {hour:02}:00–{:02}:00: {}</title></rect>",
                    number(strength),
                    number(x + 0.1),
                    at * ROW + 1,
                    number(width - 0.2),
                    ROW - 2,
                    hour + 1,
                    format::plural(count, "run", "runs")
                );
            }
            self.html.push('\n');
        }
        for hour in (0..24u64).step_by(3) {
            add!(
                self,
                "<text class=\"soft\" x=\"{}%\" y=\"{}\">{hour}</text>",
                number(8.0 + width * float(hour)),
                7 * ROW + 16
            );
        }
        self.html.push_str("\n</svg>\n</section>\n");
    }

    fn targets(&mut self) {
        let summary = self.summary;
        let groups = self.drawn.clone();
        let title = match self.options.by {
            By::Target => "Each target",
            By::Domain => "Each domain",
        };
        self.section("targets", title);
        for (at, group) in groups.iter().enumerate() {
            let durations = group.shown();
            let typical = match durations.median {
                Some(median) => format!(", median {}", Seconds(median)),
                None => String::new(),
            };
            add!(
                self,
                "<details>\n<summary><bdi>{}</bdi><span>{}, {} ok{}</span></summary>\n<div>\n",
                escaped(&name(group)),
                format::plural(group.counts.runs, "run", "runs"),
                format::success_rate_or_dash(&group.counts, self.options),
                escaped(&typical)
            );
            if let Some(usual) = &group.usual {
                let range = usual.range.map_or_else(String::new, |(low, high)| {
                    format!(", most runs {} – {}", Seconds(low), Seconds(high))
                });
                add!(
                    self,
                    "<p>Usually {}{} (last {} that succeeded).</p>\n",
                    took(usual.median),
                    escaped(&range),
                    usual.n
                );
            }
            self.html.push_str("<div class=\"columns\">\n<div>\n");
            self.histogram(at, group);
            self.codes(group);
            self.html.push_str("</div>\n<div>\n");
            self.last_runs(group);
            self.html.push_str("</div>\n</div>\n</div>\n</details>\n");
        }
        self.rest(summary.groups.len() - groups.len());
        self.html.push_str("</section>\n");
    }

    fn histogram(&mut self, at: usize, group: &Group) {
        const ROW: usize = 20;
        let most = group.histogram.iter().map(|bin| bin.runs).max().unwrap_or(0);
        if most == 0 {
            return;
        }
        add!(self, "<h3>How long it takes ({})</h3>\n", format::population_name(group.shown));
        self.svg(
            &format!("histogram-{at}"),
            group.histogram.len() * ROW,
            &format!("{}: how long it takes", name(group)),
            "A bar for each range of durations: how many runs fell into it.",
        );
        for (row, bin) in group.histogram.iter().enumerate() {
            let baseline = row * ROW + 14;
            add!(
                self,
                "<text class=\"soft end\" x=\"20%\" y=\"{baseline}\">{}</text><rect class=\"accent\" x=\"22%\" y=\"{}\" width=\"{}%\" height=\"{}\" rx=\"2\"><title>{}: {}</title></rect><text class=\"soft end\" x=\"100%\" y=\"{baseline}\">{}</text>\n",
                escaped(&if bin.high.is_some() { format::bin_edge(bin.low) } else { "longer".to_owned() }),
                row * ROW + 3,
                number(ratio(bin.runs, most) * 66.0),
                ROW - 6,
                escaped(&range(bin)),
                format::plural(bin.runs, "run", "runs"),
                bin.runs
            );
        }
        self.html.push_str("</svg>\n");
    }

    fn codes(&mut self, group: &Group) {
        let target = self.target(group).to_owned();
        self.html.push_str("<h3>How it ended</h3>\n<ul class=\"codes\">\n");
        let mut codes: Vec<(i64, u64)> =
            group.exit_codes.iter().map(|(&code, &number)| (code, number)).collect();
        codes.sort_by_key(|&(code, number)| (std::cmp::Reverse(number), code));
        for (code, number) in codes {
            let name = format::exit_code_text(&target, code);
            add!(self, "<li>{}: {}</li>\n", escaped(&name), format::plural(number, "run", "runs"));
        }
        self.html.push_str("</ul>\n");
    }

    /// The target that decides what an exit code means; a domain has none.
    fn target<'a>(&self, group: &'a Group) -> &'a str {
        match self.options.by {
            By::Target => group.name.as_deref().unwrap_or_default(),
            By::Domain => "",
        }
    }

    fn last_runs(&mut self, group: &Group) {
        if group.last_runs.is_empty() {
            return;
        }
        let target = self.target(group).to_owned();
        self.html.push_str("<div class=\"wide\" tabindex=\"0\"><table>\n<caption>Last runs</caption>\n<thead><tr><th scope=\"col\">ended</th><th scope=\"col\">took</th><th scope=\"col\" class=\"text\">outcome</th><th scope=\"col\" class=\"text\">domain</th></tr></thead>\n<tbody>\n");
        for run in group.last_runs.iter().rev() {
            let at = run.ended_at.map_or("(no time)".to_owned(), |at| {
                format::date_time((self.options.local)(at), (self.options.local)(self.options.now))
            });
            add!(
                self,
                "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"text\">{}</td><td class=\"text\"><bdi>{}</bdi></td></tr>\n",
                escaped(&at),
                took(run.seconds),
                escaped(&format::outcome_text(&target, run)),
                escaped(
                    &run.domain.as_ref().map_or_else(String::new, |domain| escape_for_display(domain, false))
                )
            );
        }
        self.html.push_str("</tbody>\n</table></div>\n");
    }

    fn data(&mut self) -> io::Result<()> {
        self.section("data", "All numbers");
        self.group_table()?;
        self.html.push_str("<details>\n<summary>Runs by weekday and hour</summary>\n<div><div class=\"wide\" tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">day</th>");
        for hour in 0..24 {
            add!(self, "<th scope=\"col\">{hour}</th>");
        }
        self.html.push_str("</tr></thead>\n<tbody>\n");
        for (day, hours) in format::WEEKDAYS.iter().zip(&self.summary.by_weekday_and_hour) {
            add!(self, "<tr><th scope=\"row\">{day}</th>");
            for count in hours {
                add!(self, "<td>{count}</td>");
            }
            self.html.push_str("</tr>\n");
        }
        self.html.push_str("</tbody>\n</table></div></div>\n</details>\n");
        if !self.summary.days.is_empty() {
            self.html.push_str("<details>\n<summary>Runs per day</summary>\n<div><div class=\"wide\" tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">day</th><th scope=\"col\">runs</th><th scope=\"col\">ok</th><th scope=\"col\">failed</th><th scope=\"col\">interrupted</th></tr></thead>\n<tbody>\n");
            for day in &self.summary.days {
                add!(
                    self,
                    "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                    day.date,
                    day.counts.runs,
                    day.counts.ok,
                    day.counts.failed,
                    day.counts.interrupted
                );
            }
            self.html.push_str("</tbody>\n</table></div></div>\n</details>\n");
        }
        self.html.push_str("</section>\n");
        Ok(())
    }

    fn group_table(&mut self) -> io::Result<()> {
        const HEADS: [&str; 18] = [
            "runs",
            "ok",
            "failed",
            "interrupted",
            "success",
            "95 % interval",
            "average",
            "median",
            "p5",
            "p25",
            "p75",
            "p95",
            "min",
            "max",
            "total",
            "unfinished",
            "first run",
            "last run",
        ];
        let own = format::row_noun(self.options.by, 1);
        add!(self, "<div class=\"wide\" tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">{own}</th>");
        for head in HEADS {
            add!(self, "<th scope=\"col\">{head}</th>");
        }
        self.html.push_str("</tr></thead>\n<tbody>\n");
        let rows = self.options.row_limit(self.summary.groups.len());
        let summary = self.summary;
        // What is drawn is made already.
        let made = self.drawn.clone().into_iter().take(rows).map(Cow::Borrowed);
        let others = summary.groups.each(made.len()..rows, Detail::Whole, Cow::Owned);
        for group in made.chain(others) {
            let (counts, durations) = (&group.counts, group.shown());
            let moment = |at: Option<chrono::DateTime<chrono::Utc>>| {
                at.map_or("-".to_owned(), |at| (self.options.local)(at).format("%Y-%m-%d %H:%M").to_string())
            };
            let figures = [
                counts.runs.to_string(),
                counts.ok.to_string(),
                counts.failed.to_string(),
                counts.interrupted.to_string(),
                format::success_rate_or_dash(counts, self.options),
                group.success_interval.map_or("-".to_owned(), |(low, high)| {
                    format!("{:.1} – {:.1} %", low * 100.0, high * 100.0)
                }),
                format::seconds_or_dash(durations.mean),
                format::seconds_or_dash(durations.median),
                format::seconds_or_dash(durations.p5),
                format::seconds_or_dash(durations.p25),
                format::seconds_or_dash(durations.p75),
                format::seconds_or_dash(durations.p95),
                format::seconds_or_dash(durations.min),
                format::seconds_or_dash(durations.max),
                Seconds(group.seconds).to_string(),
                Seconds(group.seconds_unfinished).to_string(),
                moment(group.first_run),
                moment(group.last_run),
            ];
            let star = if self.options.is_starred(&group) { " *" } else { "" };
            let _ =
                write!(self.html, "<tr><th scope=\"row\"><bdi>{}</bdi>{star}</th>", escaped(&name(&group)));
            for figure in figures {
                let _ = write!(self.html, "<td>{}</td>", escaped(&figure));
            }
            self.html.push_str("</tr>\n");
            if self.html.len() > HELD {
                self.flush()?;
            }
        }
        self.html.push_str("</tbody>\n</table></div>\n");
        match self.summary.groups.len() - rows {
            0 => {}
            more => {
                add!(self, "<p class=\"note\">and {more} more that were not asked for.</p>\n");
            }
        }
        Ok(())
    }
}

fn mark(finding: &Finding) -> (&'static str, &'static str) {
    match &finding.kind {
        FindingKind::Changed(change) if change.direction == Direction::Slower => ("slower", "▲"),
        FindingKind::Changed(_) => ("faster", "▼"),
        FindingKind::Failing { .. } => ("failing", "✗"),
        FindingKind::Flaky { .. } => ("flaky", "≈"),
    }
}

fn name(group: &Group) -> String {
    format::display_name(group.name.as_deref(), false)
}

/// A duration, escaped: it may be `<0.01s`.
fn took(seconds: f64) -> String {
    escaped(&Seconds(seconds).to_string())
}

fn between((low, high): (f64, f64)) -> String {
    format!("with 95 % confidence between {:.1} and {:.1} %", low * 100.0, high * 100.0)
}

fn range(bin: &Bin) -> String {
    match bin.high {
        Some(high) => format!("{} – {}", format::bin_edge(bin.low), format::bin_edge(high)),
        None => format!("{} and longer", format::bin_edge(bin.low)),
    }
}

/// Where a duration lies between the left and the right of a drawing, in percent. Where the longest is many
/// times the shortest, a linear scale would draw most rows as a point.
struct Scale {
    log: bool,
    low: f64,
    high: f64,
}

impl Scale {
    fn of(groups: &[&Group]) -> Self {
        let figures = groups.iter().flat_map(|group| {
            let durations = group.shown();
            [durations.p5.or(durations.min), durations.max.or(durations.p95)]
        });
        let figures: Vec<f64> = figures.flatten().filter(|value| value.is_finite()).collect();
        let high = figures.iter().copied().fold(0.0, f64::max);
        let low = figures.iter().copied().fold(f64::INFINITY, f64::min).max(0.01);
        if high > low * 20.0 {
            Self { log: true, low: low * 0.9, high: high * 1.05 }
        } else {
            Self { log: false, low: 0.0, high: high * 1.02 }
        }
    }

    fn x(&self, value: f64) -> f64 {
        let part = if self.log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            value / self.high
        };
        if part.is_finite() { part.clamp(0.0, 1.0) * 100.0 } else { 0.0 }
    }

    fn ticks(&self) -> Vec<f64> {
        const LOG: [f64; 14] = [
            0.01,
            0.1,
            1.0,
            10.0,
            60.0,
            300.0,
            1800.0,
            7200.0,
            28_800.0,
            86_400.0,
            604_800.0,
            6_048_000.0,
            6e7,
            6e8,
        ];
        if self.log {
            return LOG.into_iter().filter(|tick| (self.low..=self.high).contains(tick)).collect();
        }
        let step = tick_step(self.high, 6);
        (0..=6u64).map(|at| float(at) * step).filter(|tick| *tick <= self.high).collect()
    }
}

/// A round duration without what is zero: `5m`, not `5m 00s`.
fn short(seconds: f64) -> String {
    let text = Seconds(seconds).to_string();
    let text = text
        .strip_suffix(" 00s")
        .or_else(|| text.strip_suffix(" 00m"))
        .or_else(|| text.strip_suffix(" 00h"))
        .unwrap_or(&text);
    match text.strip_suffix(".0s") {
        Some(whole) => format!("{whole}s"),
        None if text == "0.00s" => "0".to_owned(),
        None => text.to_owned(),
    }
}

/// At most two decimals, and none that are zero.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text for an element or a quoted attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

//! The drawings of the page, a section each.

use chrono::{Days, NaiveDate};

use super::page::{Page, name};
use super::svg::{DurationScale, Percent, Short, round_duration};
use crate::report::model::{Counts, DurationStats, Group, GroupBy, HistogramBin};
use crate::report::render::format::{self, ENOUGH};
use crate::report::render::scale::{
    counts_per_column, days_inclusive, float, maximum, median_per_column, ratio, tick_step,
};
use crate::report::render::term::{ellipsize_middle, escape_for_display};
use crate::units::Seconds;

/// Most columns of a drawing over time.
const COLUMNS: usize = 120;

impl Page<'_> {
    fn legend(&mut self) {
        self.html.raw(
            "<ul class=\"legend\"><li><i class=\"ok\"></i>ok</li><li><i class=\"failed\"></i>failed</li>\
             <li><i class=\"interrupted\"></i>interrupted</li></ul>\n",
        );
    }

    pub fn invocations(&mut self) {
        const ROW: usize = 42;
        let groups = self.drawn.clone();
        let title = self.options.title("Target Invocations");
        self.section("runs", &title);
        self.legend();
        let max = groups.iter().map(|group| group.counts.runs).max().unwrap_or(0);
        let description = "A bar for each row: how many runs were ok, failed or were interrupted.";
        self.html.svg("runs", groups.len() * ROW, &title, description);
        for (at, group) in groups.iter().enumerate() {
            let counts = &group.counts;
            let top = at * ROW;
            let figures = format!(
                "{} · {} ok · {} failed",
                format::plural(counts.runs, "run", "runs"),
                format::success_rate_or_dash(counts, self.options),
                counts.failed
            );
            self.row_labels(group, top + 14, &figures);
            self.outcome_bar(&name(group), counts, top + 21, 12, ratio(counts.runs, max) * 100.0);
        }
        self.html.end().newline();
        self.remainder(self.summary.groups.len() - groups.len());
        self.end_section();
    }

    /// A row's name at the left and its figures at the right.
    fn row_labels(&mut self, group: &Group, baseline: usize, figures: &str) {
        let name = name(group);
        let short = ellipsize_middle(&name, 24, false) + self.star(group);
        self.html.label("name", 0, baseline, short).element("title", name).end();
        self.html.label("soft end", "100%", baseline, figures).end().newline();
    }

    /// A stacked bar, `length` percent long.
    fn outcome_bar(&mut self, name: &str, counts: &Counts, top: usize, height: usize, length: f64) {
        let parts = format::outcome_counts(counts);
        let sum = parts.iter().fold(0, |sum: u64, part| sum.saturating_add(*part));
        self.html.start("rect").class("track").rect(0, top, "100%", height).attr("rx", 3).end();
        let mut x = 0.0;
        for (part, outcome) in parts.into_iter().zip(OUTCOMES).filter(|&(part, _)| part > 0) {
            // Any count above 0 shows.
            let width = (ratio(part, sum) * length).max(0.25);
            self.html.start("rect").class(outcome).rect(Percent(x), top, Percent(width), height);
            self.html.attr("rx", 2).element("title", format_args!("{name}: {part} {outcome}")).end();
            x += width;
        }
        self.html.newline();
    }

    pub fn outcomes(&mut self) {
        let totals = &self.summary.totals;
        let counts = &totals.counts;
        self.section("outcome", "Success vs Failure");
        self.legend();
        let description = "One bar: the parts of all runs that were ok, failed or were interrupted.";
        self.html.svg("outcome", 26, "Success vs Failure", description);
        self.outcome_bar("all", counts, 0, 22, 100.0);
        self.html.end().newline();
        let rate = match (format::success_rate(counts, self.options), totals.success_interval) {
            (Some(rate), Some(interval)) => format!("{rate}, {}", confidence(interval)),
            _ => "-".to_owned(),
        };
        let text = format_args!(
            "{} ok, {} failed, {} interrupted. Success: {rate}.",
            counts.ok, counts.failed, counts.interrupted
        );
        self.html.element("p", text).newline();
        self.success_rates();
        self.end_section();
    }

    fn success_rates(&mut self) {
        const ROW: usize = 30;
        let groups: Vec<(&Group, String)> = self
            .drawn
            .iter()
            .filter_map(|&group| Some((group, format::success_rate(&group.counts, self.options)?)))
            .collect();
        if groups.len() < 2 {
            return;
        }
        self.html.element("h3", "How sure is each rate?").newline();
        self.note(
            "Dot: success rate. Line: where the true rate is, with 95 % \
             confidence (Wilson). The fewer runs, the longer the line.",
        );
        let height = groups.len() * ROW;
        let description = "For each row a dot at its success rate on a line that is its 95 % interval.";
        self.html.svg("rates", height + 22, "Success rates", description);
        let x = |rate: f64| 36.0 + rate.clamp(0.0, 1.0) * 51.0;
        for percent in [0u32, 25, 50, 75, 100] {
            let x = x(f64::from(percent) / 100.0);
            self.html.vertical("grid", x, 0, height).end();
            if percent % 50 == 0 {
                let label = format_args!("{percent} %");
                self.html.label("soft middle", Percent(x), height + 16, label).end();
            }
        }
        self.html.newline();
        for (row, (group, rate)) in groups.into_iter().enumerate() {
            let middle = row * ROW + ROW / 2;
            let name = name(group);
            self.html.label("name", 0, middle + 4, ellipsize_middle(&name, 17, false));
            self.html.element("title", &name).end();
            let mut title = format!("{name}: {rate}");
            if let Some(interval) = group.success_interval {
                self.html.horizontal("thin", x(interval.0), x(interval.1), middle).end();
                title.push_str(", ");
                title.push_str(&confidence(interval));
            }
            let at = x(group.counts.success_rate().unwrap_or_default());
            self.html.circle("accent", at, middle, 5).element("title", title).end();
            self.html.label("soft end", "100%", middle + 4, rate).end().newline();
        }
        self.html.end().newline();
    }

    pub fn durations(&mut self) {
        const ROW: usize = 50;
        let title = self.options.duration_title();
        let groups = self.durations.clone();
        self.section("duration", &title);
        let scale = DurationScale::of(&groups);
        let kind = if scale.log { " The scale is logarithmic." } else { "" };
        self.note(format_args!(
            "Diamond: average. Box: the middle half of the runs, with their median. Line: 5 % to 95 % of the runs \
             (all of them below {ENOUGH} runs). Rings: slower runs.{kind}"
        ));
        let height = groups.len() * ROW;
        let description =
            "For each row its average, its median, the middle half and the range of its durations.";
        self.html.svg("duration", height + 22, &title, description);
        let mut last = f64::NEG_INFINITY;
        for tick in scale.ticks() {
            let x = scale.x(tick);
            // Labels that would touch are left out; so is what would stick out at the right.
            if x - last < 12.0 {
                continue;
            }
            last = x;
            let class = match x {
                ..4.0 => "soft",
                95.0.. if x > 95.0 => "soft end",
                _ => "soft middle",
            };
            self.html.vertical("grid", x, 0, height).end();
            self.html.label(class, Percent(x), height + 16, round_duration(tick)).end();
        }
        self.html.newline();
        for (at, group) in groups.iter().enumerate() {
            let durations = group.durations();
            let longest = durations.p95.map(|p95| ("p95", p95)).or(durations.max.map(|max| ("max", max)));
            let longest = longest
                .map_or_else(String::new, |(which, longest)| format!(" · {which} {}", Seconds(longest)));
            let figures = format!("avg {}{longest}", format::seconds_or_dash(durations.mean));
            self.row_labels(group, at * ROW + 14, &figures);
            self.box_plot(group, durations, &scale, at * ROW + 30);
        }
        self.html.end().newline();
        if groups.iter().any(|group| self.options.is_starred(group)) {
            self.note("* never succeeded: the durations are those of its failed runs.");
        }
        self.remainder(self.summary.groups.len() - groups.len());
        self.end_section();
    }

    fn box_plot(&mut self, group: &Group, durations: &DurationStats, scale: &DurationScale, middle: usize) {
        let (Some(mean), Some(median), Some(min), Some(max)) =
            (durations.mean, durations.median, durations.min, durations.max)
        else {
            return;
        };
        let html = &mut self.html;
        let name = name(group);
        let (low, high) = (durations.p5.unwrap_or(min), durations.p95.unwrap_or(max));
        let title = format_args!("{name}: from {} to {}", Seconds(low), Seconds(high));
        html.horizontal("thin", scale.x(low), scale.x(high), middle).element("title", title).end();
        for end in [low, high] {
            html.vertical("thin", scale.x(end), middle - 4, middle + 4).end();
        }
        if let (Some(p25), Some(p75)) = (durations.p25, durations.p75) {
            let (x, width) = (scale.x(p25), (scale.x(p75) - scale.x(p25)).max(0.3));
            let title = format_args!("{name}: half of the runs took {} to {}", Seconds(p25), Seconds(p75));
            html.start("rect").class("box").rect(Percent(x), middle - 7, Percent(width), 14);
            html.attr("rx", 2).element("title", title).end();
        }
        let title = format_args!("{name}: median {}", Seconds(median));
        html.vertical("stroke", scale.x(median), middle - 7, middle + 7).element("title", title).end();
        for &outlier in &group.outliers {
            let title = format_args!("{name}: {}", Seconds(outlier));
            html.circle("out", scale.x(outlier), middle, 3).element("title", title).end();
        }
        let title = format_args!("{name}: average {}", Seconds(mean));
        html.start("svg").attr("x", Percent(scale.x(mean))).attr("y", middle).attr("overflow", "visible");
        html.start("path").class("accent").attr("d", "M-6 0L0 -6L6 0L0 6Z").element("title", title);
        html.end().end().newline();
    }

    pub fn over_time(&mut self) {
        const HEIGHT: usize = 150;
        const BOTTOM: usize = HEIGHT + 20;
        let Some(period) = &self.summary.period else {
            return;
        };
        let (from, to) = (self.date(period.from), self.date(period.to));
        let days = days_inclusive(from, to);
        if days < 2 {
            return;
        }
        let per_column = days.div_ceil(COLUMNS);
        let columns = counts_per_column(&self.summary.days, from, days, per_column);
        self.section("over-time", "Over time");
        self.legend();
        let each = if per_column == 1 { "day".to_owned() } else { format!("{per_column} days") };
        let title = format!("Runs per {each}");
        self.html.element("h3", &title).newline();
        let description = "A column for each stretch of time: runs that were ok, failed or were interrupted.";
        self.html.svg("per-day", BOTTOM + 22, &title, description);
        let max = columns.iter().map(|counts| counts.runs).max().unwrap_or(0);
        self.html.label("soft", 0, 12, max).end();
        self.html.rule(20).rule(BOTTOM).newline();
        let width = 100.0 / float(columns.len() as u64);
        for (at, counts) in columns.iter().enumerate() {
            let mut bottom = float(BOTTOM as u64);
            let x = width * float(at as u64);
            let dates = column_dates(from, at, per_column);
            let parts = format::outcome_counts(counts).into_iter().zip(OUTCOMES);
            for (part, outcome) in parts.filter(|&(part, _)| part > 0) {
                let height = (ratio(part, max) * float(HEIGHT as u64)).max(1.0);
                bottom -= height;
                let (x, width) = (Percent(x + width * 0.1), Percent(width * 0.8));
                self.html.start("rect").class(outcome).rect(x, Short(bottom), width, Short(height));
                self.html.element("title", format_args!("{dates}: {part} {outcome}")).end();
            }
        }
        self.html.newline();
        self.date_axis(from, days, BOTTOM + 18, 5);
        self.html.end().newline();
        self.multiples(from, days, per_column, &each);
        self.end_section();
    }

    /// Dates below a drawing over time, from its first day to its last.
    fn date_axis(&mut self, from: NaiveDate, days: usize, baseline: usize, labels: usize) {
        let labels = labels.min(days);
        for label in 0..labels {
            let day = if labels == 1 { 0 } else { label * (days - 1) / (labels - 1) };
            let (x, class) = match label {
                0 => (0.0, "soft"),
                _ if label + 1 == labels => (100.0, "soft end"),
                _ => ((float(day as u64) + 0.5) / float(days as u64) * 100.0, "soft middle"),
            };
            let date = format::short_date(from + Days::new(day as u64));
            self.html.label(class, Percent(x), baseline, date).end();
        }
        self.html.newline();
    }

    /// One small drawing for each of the targets that took most time.
    fn multiples(&mut self, from: NaiveDate, days: usize, per_column: usize, each: &str) {
        const TOP: usize = 24;
        const BOTTOM: usize = 94;
        let groups = self.multiples.clone();
        if groups.is_empty() {
            return;
        }
        self.html.element("h3", format_args!("Median duration per {each}")).newline();
        let nouns = format::row_noun(self.options.by, 2);
        self.note(format_args!("The {nouns} that took most time, each on its own scale from zero."));
        self.html.start("div").class("multiples").newline();
        for (at, group) in groups.into_iter().enumerate() {
            let medians = median_per_column(&group.days, from, days, per_column);
            let most = maximum(medians.iter().copied());
            let step = tick_step(most, 4);
            let top = (most / step).ceil() * step;
            let name = name(group);
            let title = format!("{name}: median duration per {each}");
            let description = "A dot for each stretch of time at the median of its runs.";
            self.html.start("div").newline().svg(&format!("median-{at}"), 132, &title, description);
            self.html.label("name", 0, 14, ellipsize_middle(&name, 30, false)).end();
            self.html.label("soft end", "100%", 14, round_duration(top)).end();
            self.html.rule(TOP).rule(BOTTOM).newline();
            let width = 100.0 / float(medians.len() as u64);
            let points: Vec<(usize, f64, f64, f64)> = medians
                .iter()
                .enumerate()
                .filter_map(|(column, median)| {
                    let median = (*median)?;
                    let x = (float(column as u64) + 0.5) * width;
                    let part = if top > 0.0 { (median / top).clamp(0.0, 1.0) } else { 0.0 };
                    let y = float(BOTTOM as u64) - part * float((BOTTOM - TOP) as u64);
                    Some((column, median, x, y))
                })
                .collect();
            for pair in points.windows(2) {
                let ((_, _, x1, y1), (_, _, x2, y2)) = (pair[0], pair[1]);
                self.html.start("line").class("path").attr("x1", Percent(x1)).attr("y1", Short(y1));
                self.html.attr("x2", Percent(x2)).attr("y2", Short(y2)).end();
            }
            for (column, median, x, y) in points {
                let title = format_args!("{}: {}", column_dates(from, column, per_column), Seconds(median));
                self.html.circle("accent", x, Short(y), 3).element("title", title).end();
            }
            self.html.newline();
            self.date_axis(from, days, BOTTOM + 18, 3);
            self.html.end().newline().end().newline();
        }
        self.html.end().newline();
    }

    pub fn heat_map(&mut self) {
        const ROW: usize = 24;
        let counts = &self.summary.by_weekday_and_hour;
        let max = counts.iter().flatten().copied().max().unwrap_or(0);
        if max == 0 {
            return;
        }
        self.section("when", "When you run things");
        let zone = self.options.zone_name;
        self.note(format_args!("Runs by weekday and hour ({zone}); the strongest colour is {max}."));
        let description = "A cell for each hour of each weekday: the more runs, the stronger its colour.";
        self.html.svg("when", 7 * ROW + 22, "When you run things", description);
        let width = 92.0 / 24.0;
        let x = |hour: usize| 8.0 + width * float(hour as u64);
        for (at, (day, hours)) in format::WEEKDAYS.iter().zip(counts).enumerate() {
            self.html.label("soft", 0, at * ROW + 16, day).end();
            for (hour, &count) in hours.iter().enumerate() {
                let (class, strength) = match count {
                    0 => ("track", 1.0),
                    _ => ("heat", 0.2 + 0.8 * ratio(count, max)),
                };
                let (x, width) = (Percent(x(hour) + 0.1), Percent(width - 0.2));
                let runs = format::plural(count, "run", "runs");
                self.html.start("rect").class(class).attr("fill-opacity", Short(strength));
                self.html.rect(x, at * ROW + 1, width, ROW - 2).attr("rx", 2);
                let title = format_args!("{day} {hour:02}:00–{:02}:00: {runs}", hour + 1);
                self.html.element("title", title).end();
            }
            self.html.newline();
        }
        for hour in (0..24).step_by(3) {
            self.html.label("soft", Percent(x(hour)), 7 * ROW + 16, hour).end();
        }
        self.html.newline().end().newline();
        self.end_section();
    }

    pub fn targets(&mut self) {
        let groups = self.drawn.clone();
        let noun = format::row_noun(self.options.by, 1);
        self.section("targets", &format!("Each {noun}"));
        for (at, group) in groups.iter().enumerate() {
            let runs = format::plural(group.counts.runs, "run", "runs");
            let rate = format::success_rate_or_dash(&group.counts, self.options);
            let median = group.durations().median;
            let median = median.map_or(String::new(), |median| format!(", median {}", Seconds(median)));
            self.html.start("details").newline().start("summary").element("bdi", name(group));
            self.html.element("span", format_args!("{runs}, {rate} ok{median}")).end();
            self.html.newline().start("div").newline();
            if let Some(usual) = &group.usual {
                let usual = format::usual_duration(usual, "–");
                self.html.element("p", format_args!("{usual}.")).newline();
            }
            self.html.start("div").class("columns").newline().start("div").newline();
            self.histogram(at, group);
            self.exit_codes(group);
            self.html.end().newline().start("div").newline();
            self.last_runs(group);
            for _ in ["column", "columns", "content", "details"] {
                self.html.end().newline();
            }
        }
        self.remainder(self.summary.groups.len() - groups.len());
        self.end_section();
    }

    fn histogram(&mut self, at: usize, group: &Group) {
        const ROW: usize = 20;
        let most = group.histogram.iter().map(|bin| bin.runs).max().unwrap_or(0);
        if most == 0 {
            return;
        }
        let population = format::population_name(group.population);
        self.html.element("h3", format_args!("How long it takes ({population})")).newline();
        let title = format!("{}: how long it takes", name(group));
        let description = "A bar for each range of durations: how many runs fell into it.";
        self.html.svg(&format!("histogram-{at}"), group.histogram.len() * ROW, &title, description);
        for (row, bin) in group.histogram.iter().enumerate() {
            let (baseline, runs) = (row * ROW + 14, format::plural(bin.runs, "run", "runs"));
            let low = if bin.high.is_some() { format::bin_edge(bin.low) } else { "longer".to_owned() };
            let width = Percent(ratio(bin.runs, most) * 66.0);
            self.html.label("soft end", "20%", baseline, low).end();
            self.html.start("rect").class("accent").rect("22%", row * ROW + 3, width, ROW - 6);
            self.html.attr("rx", 2).element("title", format_args!("{}: {runs}", bin_range(bin))).end();
            self.html.label("soft end", "100%", baseline, bin.runs).end().newline();
        }
        self.html.end().newline();
    }

    fn exit_codes(&mut self, group: &Group) {
        self.html.element("h3", "How it ended").newline().start("ul").class("codes").newline();
        for (code, runs) in format::exit_codes_by_frequency(group) {
            let code = format::exit_code_text(self.target(group), code);
            let runs = format::plural(runs, "run", "runs");
            self.html.element("li", format_args!("{code}: {runs}")).newline();
        }
        self.html.end().newline();
    }

    /// The target that decides what an exit code means; a domain has none.
    fn target<'a>(&self, group: &'a Group) -> &'a str {
        match self.options.by {
            GroupBy::Target => group.name.as_deref().unwrap_or_default(),
            GroupBy::Domain => "",
        }
    }

    fn last_runs(&mut self, group: &Group) {
        if group.last_runs.is_empty() {
            return;
        }
        self.html.raw("<div class=\"wide\" tabindex=\"0\"><table>\n<caption>Last runs</caption>\n");
        self.html.table_head(["ended", "took"], &["outcome", "domain"]);
        let local = self.options.local;
        for run in group.last_runs.iter().rev() {
            let ended = run
                .ended_at
                .map_or("(no time)".to_owned(), |at| format::date_time(local(at), local(self.options.now)));
            let domain = escape_for_display(run.domain.as_deref().unwrap_or_default(), false);
            self.html.start("tr").row_header(ended).element("td", format::seconds_or_dash(run.seconds));
            let outcome = format::outcome_text(self.target(group), run);
            self.html.start("td").class("text").text(outcome).end();
            self.html.start("td").class("text").element("bdi", domain).end().end().newline();
        }
        self.html.end_table().newline();
    }
}

/// As classes and as words, in the order of [`format::outcome_counts`].
const OUTCOMES: [&str; 3] = ["ok", "failed", "interrupted"];

fn confidence((low, high): (f64, f64)) -> String {
    format!("with 95 % confidence between {:.1} and {:.1} %", low * 100.0, high * 100.0)
}

fn bin_range(bin: &HistogramBin) -> String {
    match bin.high {
        Some(high) => format!("{} – {}", format::bin_edge(bin.low), format::bin_edge(high)),
        None => format!("{} and longer", format::bin_edge(bin.low)),
    }
}

fn column_dates(from: NaiveDate, column: usize, per_column: usize) -> String {
    let first = from + Days::new((column * per_column) as u64);
    match per_column {
        1 => format::date(first),
        _ => format::date_range(first, first + Days::new(per_column as u64 - 1), "–"),
    }
}

//! The drawings of the page, a section each.

use super::page::{Page, name, star};
use super::svg::{AXIS_HEIGHT, DurationScale, Percent, Short, round_duration};
use crate::report::model::{Counts, DurationStats, Group, GroupBy, HistogramBin};
use crate::report::render::format::{self, ENOUGH};
use crate::report::render::scale::{TimeColumns, float, maximum, ratio, tick_step};
use crate::report::render::term::escape_for_display;
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
        let groups = self.drawn.clone();
        self.section("runs", &self.options.title("Target Invocations"));
        self.legend();
        let max = groups.iter().map(|group| group.counts.runs).max().unwrap_or(0);
        for group in &groups {
            let counts = &group.counts;
            let runs = format::plural(counts.runs, "run", "runs");
            let rate = format::success_rate(counts, self.options);
            let rate = rate.map_or_else(String::new, |rate| format!(" · {rate} ok"));
            let figures = format!("{runs}{rate} · {} failed", counts.failed);
            self.row(group, &figures);
            self.outcome_bar(&name(group), counts, 12, ratio(counts.runs, max) * 100.0);
        }
        self.remainder(self.summary.groups.len() - groups.len());
        self.end_section();
    }

    /// A row's name at the left and its figures at the right. It is no drawing, so that a long name can wrap.
    fn row(&mut self, group: &Group, figures: &str) {
        self.html.start("div").class("row").start("strong").element("bdi", name(group));
        self.html.text(star(group)).end();
        self.html.start("span").class("soft").text(figures).end().end().newline();
    }

    /// A stacked bar, `length` percent long.
    fn outcome_bar(&mut self, name: &str, counts: &Counts, height: usize, length: f64) {
        let parts = format::outcome_counts(counts);
        let sum = parts.iter().fold(0, |sum: u64, part| sum.saturating_add(*part));
        let [ok, failed, interrupted] = parts;
        let title = format_args!("{name}: {ok} ok, {failed} failed, {interrupted} interrupted");
        self.html.drawing(height, title);
        self.html.start("rect").class("track").rect(0, 0, "100%", height).attr("rx", 3).end();
        let mut x = 0.0;
        for (part, outcome) in parts.into_iter().zip(OUTCOMES).filter(|&(part, _)| part > 0) {
            // Any count above 0 shows.
            let width = (ratio(part, sum) * length).max(0.25);
            self.html.start("rect").class(outcome).rect(Percent(x), 0, Percent(width), height);
            self.html.attr("rx", 2).element("title", format_args!("{name}: {part} {outcome}")).end();
            x += width;
        }
        self.html.end().newline();
    }

    pub fn outcomes(&mut self) {
        let totals = &self.summary.totals;
        let counts = &totals.counts;
        self.section("outcome", "Success vs Failure");
        self.legend();
        self.outcome_bar("all", counts, 22, 100.0);
        let rate = match (format::success_rate(counts, self.options), totals.success_interval) {
            (Some(rate), Some(interval)) => format!(" Success: {rate}, {}.", confidence(interval)),
            _ => String::new(),
        };
        let text = format_args!(
            "{} ok, {} failed, {} interrupted.{rate}",
            counts.ok, counts.failed, counts.interrupted
        );
        self.html.element("p", text).newline();
        self.success_rates();
        self.end_section();
    }

    fn success_rates(&mut self) {
        const ROW: usize = 24;
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
        self.html.start("div").class("rates").newline();
        for (group, rate) in groups {
            let name = name(group);
            let mut title = format!("{name}: {rate}");
            self.html.start("strong").element("bdi", name).end();
            if let Some(interval) = group.success_interval {
                title.push_str(", ");
                title.push_str(&confidence(interval));
            }
            self.html.drawing(ROW, &title);
            for percent in [0.0, 25.0, 50.0, 75.0, 100.0] {
                self.html.vertical("grid", percent, 0, ROW).end();
            }
            if let Some((low, high)) = group.success_interval {
                self.html.horizontal("thin", low * 100.0, high * 100.0, ROW / 2).end();
            }
            let x = group.counts.success_rate().unwrap_or_default() * 100.0;
            self.html.circle("accent", x, ROW / 2, 5).element("title", title).end().end();
            self.html.start("span").class("soft").text(rate).end().newline();
        }
        self.html.start("span").end().drawing(AXIS_HEIGHT, "Axis from 0 to 100 %");
        self.html.axis([(0.0, "0 %"), (50.0, "50 %"), (100.0, "100 %")]);
        self.html.end().start("span").end().newline().end().newline();
    }

    /// One bar of all time, and whose it is.
    pub fn time_shares(&mut self) {
        let groups = &self.summary.groups;
        let total = self.summary.totals.seconds;
        let order = groups.by_time();
        if order.len() < 2 || total <= 0.0 || !total.is_finite() {
            return;
        }
        let seconds = |places: &[usize]| places.iter().map(|&at| groups.totals(at).seconds).sum::<f64>();
        let worth_naming = order.iter().filter(|&&at| seconds(&[at]) >= total / 100.0).count();
        let (named, rest) = order.split_at(worth_naming.clamp(1, SHARES.len()));
        let mut parts: Vec<(&str, String, f64)> = named
            .iter()
            .zip(SHARES)
            .map(|(&at, class)| (class, format::display_name(groups.name(at), false), seconds(&[at])))
            .collect();
        match *rest {
            [] => {}
            [one] => parts.push(("track", format::display_name(groups.name(one), false), seconds(rest))),
            [..] => parts.push(("track", format!("{} more", rest.len()), seconds(rest))),
        }
        self.section("time", &self.options.title("Where the time went"));
        self.html.start("ul").class("legend");
        for (class, name, seconds) in &parts {
            let share = format::percent_of_time(*seconds, total);
            self.html.start("li").start("i").attr("class", class).end().element("bdi", name);
            self.html.text(format_args!(" {share}")).end();
        }
        self.html.end().newline().drawing(22, "The parts of all time");
        let mut x = 0.0;
        for (class, name, seconds) in parts {
            let width = seconds / total * 100.0;
            let title =
                format_args!("{name}: {}, {}", Seconds(seconds), format::percent_of_time(seconds, total));
            self.html.start("rect").attr("class", class).rect(Percent(x), 0, Percent(width), 22);
            self.html.element("title", title).end();
            x += width;
        }
        self.html.end().newline();
        self.end_section();
    }

    pub fn durations(&mut self) {
        const ROW: usize = 26;
        let groups = self.durations.clone();
        self.section("duration", &self.options.duration_title());
        let scale = DurationScale::of(&groups);
        let kind = if scale.log { " The scale is logarithmic." } else { "" };
        self.note(format_args!(
            "Diamond: average. Box: the middle half of the runs, with their median. Line: 5 % to 95 % of the runs \
             (all of them below {ENOUGH} runs). Rings: slower runs.{kind}"
        ));
        let ticks = scale.ticks();
        for group in &groups {
            let durations = group.durations();
            let longest = durations.p95.map(|p95| ("p95", p95)).or(durations.max.map(|max| ("max", max)));
            let longest = longest
                .map_or_else(String::new, |(which, longest)| format!(" · {which} {}", Seconds(longest)));
            let figures = format!("avg {}{longest}", format::seconds_or_dash(durations.mean));
            self.row(group, &figures);
            self.html.drawing(ROW, format_args!("{}: {figures}", name(group)));
            for &tick in &ticks {
                self.html.vertical("grid", scale.x(tick), 0, ROW).end();
            }
            self.box_plot(group, durations, &scale, ROW / 2);
            self.html.end().newline();
        }
        self.html.drawing(AXIS_HEIGHT, "Axis of durations");
        self.html.axis(ticks.into_iter().map(|tick| (scale.x(tick), round_duration(tick))));
        self.html.end().newline();
        if groups.iter().any(|group| group.is_fallback) {
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
        html.end().end();
    }

    pub fn over_time(&mut self) {
        const HEIGHT: usize = 150;
        const BOTTOM: usize = HEIGHT + 20;
        let Some(period) = &self.summary.period else {
            return;
        };
        let (from, to) = (self.date(period.from), self.date(period.to));
        if from == to {
            return;
        }
        let columns = TimeColumns::fit(from, to, COLUMNS);
        let counts = columns.counts(&self.summary.days);
        self.section("over-time", "Over time");
        self.legend();
        let title = format!("Runs per {}", columns.unit());
        self.html.element("h3", &title).newline();
        let running = (to == self.date(self.options.now)).then_some(columns.count - 1);
        if running.is_some() {
            self.note(format_args!("The last {}, drawn paler, is not over yet.", columns.unit()));
        }
        let description = "A column for each stretch of time: runs that were ok, failed or were interrupted.";
        self.html.svg("per-day", BOTTOM + 22, &title, description);
        let max = counts.iter().map(|counts| counts.runs).max().unwrap_or(0);
        self.html.label("soft", 0, 12, max).end();
        self.html.rule(20).rule(BOTTOM).newline();
        let width = 100.0 / float(columns.count as u64);
        for (at, counts) in counts.iter().enumerate() {
            let mut bottom = float(BOTTOM as u64);
            let x = width * float(at as u64);
            let dates = column_dates(&columns, at);
            let paler = if running == Some(at) { " running" } else { "" };
            let parts = format::outcome_counts(counts).into_iter().zip(OUTCOMES);
            for (part, outcome) in parts.filter(|&(part, _)| part > 0) {
                let height = (ratio(part, max) * float(HEIGHT as u64)).max(1.0);
                bottom -= height;
                let (x, width) = (Percent(x + width * 0.1), Percent(width * 0.8));
                self.html.start("rect").attr("class", format_args!("{outcome}{paler}"));
                self.html.rect(x, Short(bottom), width, Short(height));
                self.html.element("title", format_args!("{dates}: {part} {outcome}")).end();
            }
        }
        self.html.newline();
        self.date_axis(&columns, BOTTOM + 18, 5);
        self.html.end().newline();
        self.multiples(&columns);
        self.end_section();
    }

    /// Dates below a drawing over time, from its first day to its last.
    fn date_axis(&mut self, columns: &TimeColumns, baseline: usize, labels: usize) {
        let labels = labels.min(columns.count);
        for label in 0..labels {
            let at = if labels == 1 { 0 } else { label * (columns.count - 1) / (labels - 1) };
            let (x, class, date) = match label {
                0 => (0.0, "soft", columns.dates(at).0),
                _ if label + 1 == labels => (100.0, "soft end", columns.dates(at).1),
                _ => {
                    let x = (float(at as u64) + 0.5) / float(columns.count as u64) * 100.0;
                    (x, "soft middle", columns.dates(at).0)
                }
            };
            self.html.label(class, Percent(x), baseline, format::short_date(date)).end();
        }
        self.html.newline();
    }

    /// One small drawing for each of the targets that took most time.
    fn multiples(&mut self, columns: &TimeColumns) {
        const TOP: usize = 4;
        const BOTTOM: usize = 74;
        let groups = self.multiples.clone();
        if groups.is_empty() {
            return;
        }
        let unit = columns.unit();
        self.html.element("h3", format_args!("Median duration per {unit}")).newline();
        let nouns = format::row_noun(self.options.by, 2);
        self.note(format_args!("The {nouns} that took most time, each on its own scale from zero."));
        self.html.start("div").class("multiples").newline();
        for (at, group) in groups.into_iter().enumerate() {
            let medians = columns.medians(&group.days);
            let most = maximum(medians.iter().copied());
            let step = tick_step(most, 4);
            let top = (most / step).ceil() * step;
            let name = name(group);
            let title = format!("{name}: median duration per {unit}");
            let description = "A dot for each stretch of time at the median of its runs.";
            self.html.start("div").newline();
            self.row(group, &format!("0 to {}", round_duration(top)));
            self.html.svg(&format!("median-{at}"), BOTTOM + 38, &title, description);
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
                let title = format_args!("{}: {}", column_dates(columns, column), Seconds(median));
                self.html.circle("accent", x, Short(y), 3).element("title", title).end();
            }
            self.html.newline();
            self.date_axis(columns, BOTTOM + 18, 3);
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
        let groups = self.detailed.clone();
        let noun = format::row_noun(self.options.by, 1);
        self.section("targets", &format!("Each {noun}"));
        for (at, group) in groups.iter().enumerate() {
            let runs = format::plural(group.counts.runs, "run", "runs");
            let rate = format::success_rate(&group.counts, self.options);
            let rate = rate.map_or_else(String::new, |rate| format!(", {rate} ok"));
            let median = group.durations().median;
            let median = median.map_or(String::new(), |median| format!(", median {}", Seconds(median)));
            self.html.start("details").newline().start("summary").element("bdi", name(group));
            self.html.element("span", format_args!("{runs}{rate}{median}")).end();
            self.html.newline().start("div").attr("id", format_args!("target-{at}")).newline();
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

/// Fills of the parts of all time.
const SHARES: [&str; 4] = ["s0", "s1", "s2", "s3"];

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

fn column_dates(columns: &TimeColumns, column: usize) -> String {
    let (first, last) = columns.dates(column);
    format::date_range(first, last, "–")
}

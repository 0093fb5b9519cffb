//! Inline drawings. They have no view box: what is a share of the width is given in percent, so that text
//! keeps its size on a narrow screen. Heights are in pixels.

use std::fmt::{self, Display};

use super::writer::Html;
use crate::report::model::Group;
use crate::report::render::scale::{float, tick_step};
use crate::units::Seconds;

/// Height of an axis with its labels.
pub const AXIS_HEIGHT: usize = 18;

impl Html<'_> {
    /// Starts a small drawing beside which its figures stand as text.
    pub fn drawing(&mut self, height: usize, label: impl Display) -> &mut Self {
        self.start("svg").attr("role", "img").attr("height", height).attr("aria-label", label)
    }

    /// Labels of an axis, in percent of its length. Those near an end are aligned with it.
    pub fn axis(&mut self, labels: impl IntoIterator<Item = (f64, impl Display)>) {
        for (x, label) in labels {
            let class = match x {
                ..5.0 => "soft",
                95.0.. => "soft end",
                _ => "soft middle",
            };
            self.label(class, Percent(x), AXIS_HEIGHT - 4, label).end();
        }
    }

    /// Starts a drawing, with what a screen reader says of it.
    pub fn svg(&mut self, id: &str, height: usize, title: &str, description: &str) -> &mut Self {
        self.start("svg").attr("role", "img").attr("height", height);
        self.attr("aria-labelledby", format_args!("{id}-title {id}-description")).newline();
        self.start("title").attr("id", format_args!("{id}-title")).text(title).end();
        self.start("desc").attr("id", format_args!("{id}-description")).text(description).end().newline()
    }

    pub fn rect(
        &mut self,
        x: impl Display,
        y: impl Display,
        width: impl Display,
        height: impl Display,
    ) -> &mut Self {
        self.attr("x", x).attr("y", y).attr("width", width).attr("height", height)
    }

    /// A vertical line.
    pub fn vertical(&mut self, class: &'static str, x: f64, y1: usize, y2: usize) -> &mut Self {
        self.start("line").class(class).attr("x1", Percent(x)).attr("x2", Percent(x));
        self.attr("y1", y1).attr("y2", y2)
    }

    /// A horizontal line.
    pub fn horizontal(&mut self, class: &'static str, x1: f64, x2: f64, y: usize) -> &mut Self {
        self.start("line").class(class).attr("x1", Percent(x1)).attr("x2", Percent(x2));
        self.attr("y1", y).attr("y2", y)
    }

    /// A line over the whole width.
    pub fn rule(&mut self, y: usize) -> &mut Self {
        self.start("line").class("grid").attr("x1", 0).attr("x2", "100%").attr("y1", y).attr("y2", y).end()
    }

    pub fn circle(&mut self, class: &'static str, x: f64, y: impl Display, radius: usize) -> &mut Self {
        self.start("circle").class(class).attr("cx", Percent(x)).attr("cy", y).attr("r", radius)
    }

    /// Text that begins at `x`, or ends or is centred there if the class says so.
    pub fn label(
        &mut self,
        class: &'static str,
        x: impl Display,
        baseline: usize,
        text: impl Display,
    ) -> &mut Self {
        self.start("text").class(class).attr("x", x).attr("y", baseline).text(text)
    }
}

/// A number with at most two decimals, and none that are zero.
pub struct Short(pub f64);

impl Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.2}", self.0);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        f.write_str(if text == "-0" { "0" } else { text })
    }
}

/// A length in percent of the drawing's width.
pub struct Percent(pub f64);

impl Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", Short(self.0))
    }
}

/// Where a duration lies between the left and the right of a drawing, in percent. Where the longest is many
/// times the shortest, a linear scale would draw most rows as a point.
pub struct DurationScale {
    pub log: bool,
    low: f64,
    high: f64,
}

impl DurationScale {
    pub fn of(groups: &[&Group]) -> Self {
        let figures = groups.iter().flat_map(|group| {
            let durations = group.durations();
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

    pub fn x(&self, value: f64) -> f64 {
        let part = if self.log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            value / self.high
        };
        if part.is_finite() { part.clamp(0.0, 1.0) * 100.0 } else { 0.0 }
    }

    /// Durations to draw a line and a label at, so far apart that their labels do not touch: powers and full units
    /// first, then what still has room between them.
    pub fn ticks(&self) -> Vec<f64> {
        const APART: f64 = 12.0;
        const MAJOR: [f64; 13] =
            [0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 28_800.0, 86_400.0, 604_800.0, 6_048_000.0, 6e7, 6e8];
        const MINOR: [f64; 14] =
            [0.02, 0.05, 0.2, 0.5, 2.0, 5.0, 20.0, 30.0, 120.0, 300.0, 1800.0, 7200.0, 14_400.0, 172_800.0];
        if !self.log {
            let step = tick_step(self.high, 6);
            return (0..=6u64).map(|at| float(at) * step).filter(|tick| *tick <= self.high).collect();
        }
        let mut ticks: Vec<f64> = Vec::new();
        for tick in MAJOR.into_iter().chain(MINOR) {
            let is_apart = ticks.iter().all(|other| (self.x(*other) - self.x(tick)).abs() >= APART);
            if (self.low..=self.high).contains(&tick) && is_apart {
                ticks.push(tick);
            }
        }
        ticks.sort_by(f64::total_cmp);
        ticks
    }
}

/// A round duration without what is zero: `5m`, not `5m 00s`.
pub fn round_duration(seconds: f64) -> String {
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

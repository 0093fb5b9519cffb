//! The columns that CSV and Markdown have in common.

use super::format;
use crate::report::model::{Group, GroupBy};

pub const COLUMNS: [&str; 14] = [
    "target",
    "runs",
    "ok",
    "failed",
    "interrupted",
    "success_rate",
    "mean_seconds",
    "median_seconds",
    "p95_seconds",
    "min_seconds",
    "max_seconds",
    "total_seconds",
    "first_run",
    "last_run",
];

pub fn heads(by: GroupBy) -> [&'static str; 14] {
    let mut heads = COLUMNS;
    if by == GroupBy::Domain {
        heads[0] = "domain";
    }
    heads
}

/// A row's figures behind the name, in full; a missing one is empty.
pub fn figures(group: &Group) -> [String; 13] {
    let counts = &group.counts;
    let durations = group.durations();
    let number = |value: Option<f64>| value.map_or_else(String::new, decimal);
    let time = |at: Option<_>| at.map_or_else(String::new, format::rfc3339);
    [
        counts.runs.to_string(),
        counts.ok.to_string(),
        counts.failed.to_string(),
        counts.interrupted.to_string(),
        number(counts.success_rate()),
        number(durations.mean),
        number(durations.median),
        number(durations.p95),
        number(durations.min),
        number(durations.max),
        decimal(group.seconds),
        time(group.first_run),
        time(group.last_run),
    ]
}

/// As in JSON: the shortest text that is this number again; nothing for what is no number.
fn decimal(value: f64) -> String {
    match serde_json::Value::from(value) {
        serde_json::Value::Null => String::new(),
        number => number.to_string(),
    }
}

//! The log reader against whatever a fuzzer comes up with, guided by coverage (libFuzzer): held to what the
//! deciding parser says of each line, and to what a plain list of events makes of order and filters.
//!
//! ```text
//! cd tests/fuzz
//! export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
//!     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
//!     -Cllvm-args=-sanitizer-coverage-trace-compares"
//! # Without these two, most of the time goes into fresh pages.
//! export MALLOC_MMAP_THRESHOLD_=1000000000 MALLOC_TRIM_THRESHOLD_=2000000000
//! cargo test --release --target x86_64-unknown-linux-gnu --test read --target-dir ../../target/fuzz -- \
//!     -max_len=4096 -max_total_time=3600 "$(mktemp -d)" corpus
//! ```
//!
//! The compiler that builds tm-run will do. With `RUSTC_BOOTSTRAP=1` and `-Zsanitizer=address` before the flags
//! it looks for memory errors, too. A new file in the corpus is worth keeping if it is small; the integration
//! tests read them all.
#![no_main]

use std::io::{Cursor, Read, Write};
use std::sync::atomic::AtomicU64;

use chrono::{DateTime, Utc};
use tm_run::fuzzing::{
    GroupBy, Contents, Event, ParsedEvent, Filter, Outcome, Population, RecordingState, Scanner, SortBy, Source, Table, Window,
    glued_object_start, read, render, summary, lenient,
};

/// Between one log and the next; no line of JSON can hold it.
const END_OF_LOG: u8 = b'\x0c';

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for log in data.split(|&byte| byte == END_OF_LOG) {
        ways_agree(log);
    }
    let logs: Vec<&[u8]> = data.split(|&byte| byte == END_OF_LOG).take(4).collect();
    let mut expected: Vec<ParsedEvent> = logs.iter().flat_map(|log| lines(log)).filter_map(decided).collect();
    expected.sort_by_key(|fields| fields.micros.unwrap_or(i64::MIN));

    // What is gzip, UTF-16 or a JSON array is refused.
    let Some(mut whole) = table(logs.iter().map(|log| Source::Stream(Box::new(Cursor::new(log.to_vec()))))) else {
        return;
    };
    let pieces = table(logs.iter().map(|log| Source::Stream(Box::new(Pieces(Cursor::new(log.to_vec()))))));
    let pieces = pieces.expect("the same log");
    assert_eq!(whole.read_stats, pieces.read_stats, "what is read does not depend on how it arrives");
    is(&whole, &expected);
    is(&pieces, &expected);
    let blank = |line: &&[u8]| line.trim_ascii().is_empty();
    let count = logs.iter().flat_map(|log| lines(log)).filter(|line| !blank(line)).count();
    assert_eq!((whole.read_stats.lines, whole.read_stats.events), (count as u64, expected.len() as u64));

    // What is written is read again, all of it.
    let mut written = Vec::new();
    for (moment, event) in whole.events() {
        render::jsonl(moment, &event, &mut written).expect("memory can be written");
    }
    let again = table([Source::Stream(Box::new(Cursor::new(written)))]).expect("a log");
    is(&again, &expected);
    assert_eq!(again.read_stats.unreadable, 0);

    if expected.is_empty() {
        return;
    }
    let bits = data.iter().fold(data.len(), |bits, &byte| bits.rotate_left(5) ^ usize::from(byte));
    let (filter, kept) = filtered(bits, &expected);
    let contents = Contents::of(&whole);
    whole.retain(&filter);
    is(&whole, &kept);
    if bits & 0x100 != 0 {
        whole.anonymize();
        assert_eq!(whole.events().count(), kept.len());
    }
    // Reports take longer than all the rest.
    if data.len() % 16 == 0 {
        reported(bits, whole, &filter, &contents);
    }
});

fn lines(log: &[u8]) -> impl Iterator<Item = &[u8]> {
    log.split_inclusive(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

/// The event of a line, by the parser that decides.
fn decided(line: &[u8]) -> Option<ParsedEvent> {
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    lenient::parse(line).or_else(|| lenient::parse(&line[glued_object_start(line)?..]))
}

/// A faster way may not know; if it does, it must agree with the one that decides.
fn ways_agree(log: &[u8]) {
    let mut scanner = Scanner::default();
    // What a buffer holds from before is there, too.
    let mut window = [b' '; size_of::<Window>()];
    let mut at = 0;
    for line in lines(log) {
        let left = log.len() - at;
        let count = left.min(window.len());
        window[..count].copy_from_slice(&log[at..at + count]);
        if let Some(found) = scanner.scan(&window, left) {
            let fast = ParsedEvent {
                micros: Some(found.micros()),
                target: scanner.target(found.target).into(),
                domain: scanner.domain(found.domain).into(),
                seconds: found.duration().seconds(),
                exit_code: Some(found.exit_code.into()),
            };
            assert_eq!(Some(fast), lenient::parse(line));
            assert_eq!(found.line_length, line.len() + 1);
        }
        at += line.len() + 1;
    }
}

fn table(sources: impl IntoIterator<Item = Source>) -> Option<Table> {
    read(sources.into_iter().collect(), &AtomicU64::new(0)).ok()
}

#[track_caller]
fn is(table: &Table, expected: &[ParsedEvent]) {
    let mut found = table.events();
    for fields in expected {
        let (moment, event) = found.next().expect("as many events");
        assert_eq!(moment.map(|moment| moment.timestamp_micros()), fields.micros);
        assert_eq!(&event, &event_of(fields));
    }
    assert!(found.next().is_none(), "no event more");
}

fn moment_of(fields: &ParsedEvent) -> Option<DateTime<Utc>> {
    fields.micros.map(|micros| DateTime::from_timestamp_micros(micros).expect("a moment"))
}

fn event_of(fields: &ParsedEvent) -> Event {
    Event {
        timestamp: moment_of(fields).unwrap_or_default(),
        target: fields.target.to_string(),
        domain: (!fields.domain.is_empty()).then(|| fields.domain.to_string()),
        duration_seconds: fields.seconds,
        exit_code: fields.exit_code.unwrap_or(0),
    }
}

/// A filter that some of these events pass, and those.
fn filtered<'a>(bits: usize, events: &[ParsedEvent]) -> (Filter, Vec<ParsedEvent>) {
    let count = events.len();
    let chosen = |bit: usize, place: usize| (bits >> bit & 1 != 0).then(|| &events[place]);
    let name = |fields: &ParsedEvent| fields.target.to_string();
    let filter = Filter {
        targets: chosen(0, count / 2).into_iter().map(name).collect(),
        domains: chosen(1, count - 1).into_iter().map(|fields| fields.domain.to_string()).collect(),
        excludes: chosen(2, 0).into_iter().map(name).collect(),
        failed: bits >> 3 & 1 != 0,
        since: chosen(4, count / 3).and_then(moment_of),
        until: chosen(5, count - 1 - count / 3).and_then(moment_of),
        last: (bits >> 6 & 1 != 0).then_some(count / 2),
    };
    let micros = |moment: Option<DateTime<Utc>>| moment.map(|moment| moment.timestamp_micros());
    let passes = |fields: &&ParsedEvent| {
        let within = |bound: Option<i64>, is_within: fn(i64, i64) -> bool| {
            bound.is_none_or(|bound| fields.micros.is_some_and(|micros| is_within(micros, bound)))
        };
        (filter.targets.is_empty() || *fields.target == filter.targets[0])
            && (filter.domains.is_empty() || *fields.domain == filter.domains[0])
            && filter.excludes.iter().all(|name| *fields.target != **name)
            && (!filter.failed || Outcome::from_exit_code(&fields.target, fields.exit_code.unwrap_or(0)) == Outcome::Failed)
            && within(micros(filter.since), |micros, since| micros >= since)
            && within(micros(filter.until), |micros, until| micros < until)
    };
    let mut kept: Vec<ParsedEvent> = events.iter().filter(passes).cloned().collect();
    if let Some(last) = filter.last {
        kept.drain(..kept.len().saturating_sub(last));
    }
    (filter, kept)
}

/// Every format can be written, and a text does nothing to a terminal.
fn reported(bits: usize, mut table: Table, filters: &Filter, contents: &Contents) {
    let by = if bits & 0x200 == 0 { GroupBy::Target } else { GroupBy::Domain };
    let durations = if bits & 0x400 == 0 { Population::Ok } else { Population::All };
    let ahead = [0, 3600, -12_600, 86_340][bits >> 11 & 3];
    let offset = |_: i64| ahead;
    let local = |moment: DateTime<Utc>| {
        moment.naive_utc().checked_add_signed(chrono::TimeDelta::seconds(ahead)).unwrap_or_default()
    };
    let options = summary::SummaryOptions {
        baseline: &Default::default(),
        strays: Default::default(),
        by,
        sort: SortBy::Runs,
        durations,
        failed_only: filters.failed,
        days: true,
        compare_since: DateTime::from_timestamp(1_771_065_000, 0).filter(|_| bits & 0x4000 != 0),
        offset: &offset,
    };
    let summary = summary::of(&mut table, &options);
    let options = render::Options {
        width: 40 + (bits >> 16 & 127),
        ascii: bits & 0x2000 != 0,
        color: false,
        local: &local,
        zone_name: "here",
        now: DateTime::from_timestamp(1_771_065_000, 0).expect("a moment"),
        limit: None,
        by,
        sorted: false,
        durations,
        filters,
        unknown_excludes: &[],
        contents,
        generator: "fuzz",
        recording: RecordingState::On,
    };
    type Render = fn(&summary::Summary, &render::Options<'_>, &mut dyn Write) -> std::io::Result<()>;
    let written = |render: Render| {
        let mut bytes = Vec::new();
        render(&summary, &options, &mut bytes).expect("memory can be written");
        String::from_utf8(bytes).expect("a text")
    };
    for text in [written(render::text), written(render::target), written(render::markdown)] {
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text}");
    }
    serde_json::from_str::<serde_json::Value>(&written(render::json)).expect("JSON");
    written(render::csv);
    assert!(!written(render::html).contains("<script"));
}

/// Gives a few bytes at a time.
struct Pieces(Cursor<Vec<u8>>);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = 1 + self.0.position() as usize % 37;
        let room = buffer.len().min(most);
        self.0.read(&mut buffer[..room])
    }
}

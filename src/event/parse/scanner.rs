//! The fast way to read a line: it must have exactly the bytes that tm-run writes, or that Python's json module writes
//! with `isoformat` times.
//!
//! ```text
//! {"timestamp": "2026-02-14T10:30:00+00:00", "target": "apply", "domain": null, "duration_seconds": 45.0, "exit_code": 0}
//! {"timestamp": "2026-02-14T10:30:00.123456+00:00", "target": ...
//! ```
//!
//! Throughput is bounded by instructions and by mispredicted branches. So the scanner is nearly free of branches: fixed
//! text is compared sixteen bytes at a time, all mismatches are collected, and they are looked at once, at the end.
//! Until then an offset may be wrong, but it never leaves the window. Names are not parsed: there are few of them and
//! many lines, so a table recognises each one together with the fixed text behind it ([`intern_table`]).

mod digits;
mod intern_table;

use digits::{parse_exit_code, parse_fraction, parse_milliseconds, parse_time_of_day};
use intern_table::{Field, InternTable};
use wide::u8x16;

use crate::event::duration::RunDuration;
use crate::event::timestamp::{self, MICROS_PER_SECOND};

/// The bytes from the start of a line on. Anything may follow the line.
pub type Window = [u8; 320];

/// The scanner reads lines up to this length in bytes. A power of two, so that an offset is kept inside by a mask, and
/// so far from the window's end that sixteen bytes can be loaded from any offset.
const MAX_LINE: usize = 256;

/// An event in the canonical layout.
#[derive(Clone, Copy, Debug)]
pub struct ScannedEvent {
    /// Since 1970, UTC.
    pub second: i64,
    /// Microseconds.
    pub fraction: i64,
    /// For [`Scanner::target`]. One name may have several of these numbers.
    pub target: u32,
    /// For [`Scanner::domain`].
    pub domain: u32,
    milliseconds: u32,
    /// The duration, if `milliseconds` is [`NOT_MILLISECONDS`].
    seconds: f64,
    pub exit_code: u32,
    /// In bytes, line feed included.
    pub line_length: usize,
}

/// More than [`parse_milliseconds`] returns. (An enum would be stored and loaded again in pieces of other sizes, and the
/// processor would wait for the store.)
const NOT_MILLISECONDS: u32 = u32::MAX;

impl ScannedEvent {
    #[inline]
    pub fn duration(&self) -> RunDuration {
        if self.milliseconds == NOT_MILLISECONDS {
            RunDuration::Seconds(self.seconds)
        } else {
            RunDuration::Milliseconds(self.milliseconds)
        }
    }

    pub fn micros(&self) -> i64 {
        self.second * MICROS_PER_SECOND + self.fraction
    }
}

const BEFORE_TARGET: &[u8; 20] = b"+00:00\", \"target\": \"";
const BEFORE_DOMAIN: &[u8; 13] = b"\", \"domain\": ";
const BEFORE_DURATION: &[u8; 22] = b", \"duration_seconds\": ";
const BEFORE_EXIT_CODE: &[u8; 15] = b", \"exit_code\": ";

/// Reads lines, and remembers the names in them. One per thread.
#[derive(Debug)]
pub struct Scanner {
    date: LastDate,
    targets: InternTable<2>,
    domains: InternTable<4>,
}

impl Default for Scanner {
    fn default() -> Self {
        let (targets, domains) = (InternTable::new(Field::Target), InternTable::new(Field::Domain));
        Self { date: LastDate::default(), targets, domains }
    }
}

impl Scanner {
    pub fn target(&self, id: u32) -> &str {
        self.targets.name(id)
    }

    /// Empty: no domain.
    pub fn domain(&self, id: u32) -> &str {
        self.domains.name(id)
    }

    /// Reads the line at the start of the window. Only `remaining` bytes of the log follow; the rest of the window is
    /// anything. `None`: the line is not canonical, not complete or too long, or there are too many names.
    #[expect(clippy::inline_always, reason = "measured: a call costs a tenth of a line")]
    #[inline(always)]
    pub fn scan(&mut self, line: &Window, remaining: usize) -> Option<ScannedEvent> {
        loop {
            let event = self.scan_same_date(line, remaining);
            if event.is_some() || !self.date.advance(line) {
                return event;
            }
        }
    }

    /// The same for a line, line feed included, that is not part of a buffer.
    pub fn scan_line(&mut self, line: &[u8]) -> Option<ScannedEvent> {
        let mut window = [0; size_of::<Window>()];
        window.get_mut(..line.len())?.copy_from_slice(line);
        self.scan(&window, line.len())
    }

    #[inline(always)]
    fn scan_same_date(&mut self, line: &Window, remaining: usize) -> Option<ScannedEvent> {
        const TIME: usize = 26;
        const ZONE: usize = TIME + 8;

        let mut mismatch = mismatch_long(line, 0, &self.date.head);
        let second = self.date.midnight + parse_time_of_day(load8(line, TIME))?;
        let (fraction, at) =
            if line[ZONE] == b'.' { (parse_fraction(load8(line, ZONE))?, ZONE + 7) } else { (0, ZONE) };
        mismatch |= mismatch_long(line, at, BEFORE_TARGET);

        let (target, at) = self.targets.find_or_insert(line, at + BEFORE_TARGET.len())?;
        let (domain, at) = self.domains.find_or_insert(line, at)?;

        let (milliseconds, seconds, at) = match parse_milliseconds(load8(line, at)) {
            Some((milliseconds, length)) => (milliseconds, 0.0, at + length),
            None => match parse_seconds(line, at)? {
                (RunDuration::Milliseconds(milliseconds), at) => (milliseconds, 0.0, at),
                (RunDuration::Seconds(seconds), at) => (NOT_MILLISECONDS, seconds, at),
                (RunDuration::Unknown, _) => return None,
            },
        };
        mismatch |= mismatch_short(line, at, BEFORE_EXIT_CODE);

        let at = at + BEFORE_EXIT_CODE.len();
        let end = load8(line, at);
        let (exit_code, length) = if end << 40 == u64::from(u32::from_be_bytes(*b"\n}0\0")) << 32 {
            (0, 3)
        } else {
            parse_exit_code(end)?
        };
        let line_length = at + length;
        let is_canonical = mismatch == u8x16::ZERO && line_length <= remaining.min(MAX_LINE);
        is_canonical.then_some(ScannedEvent {
            second,
            fraction,
            target,
            domain,
            milliseconds,
            seconds,
            exit_code,
            line_length,
        })
    }
}

/// The date of the last line: in a log, the next line mostly has the same.
#[derive(Debug, Default)]
struct LastDate {
    /// The line up to the `T` in its time.
    head: [u8; 26],
    /// In seconds since 1970.
    midnight: i64,
}

impl LastDate {
    /// Takes over the line's date. Returns whether it is a new one.
    #[cold]
    #[inline(never)]
    fn advance(&mut self, line: &Window) -> bool {
        line.first_chunk().is_some_and(|head| *head != self.head && self.parse(*head).is_some())
    }

    fn parse(&mut self, head: [u8; 26]) -> Option<()> {
        let date = head.strip_prefix(b"{\"timestamp\": \"")?;
        let mut midnight = *b"0000-00-00T00:00:00";
        midnight[..11].copy_from_slice(date);
        self.midnight = timestamp::parse(&midnight)? / MICROS_PER_SECOND;
        self.head = head;
        Some(())
    }
}

/// Any JSON number: Python writes all digits of a float. Returns the offset behind it, too.
#[cold]
fn parse_seconds(line: &Window, at: usize) -> Option<(RunDuration, usize)> {
    let mut numbers = serde_json::Deserializer::from_slice(line.get(at..)?).into_iter::<f64>();
    // A negative one is not known, which the slow way knows.
    let seconds = numbers.next()?.ok().filter(|&seconds| seconds >= 0.0)?;
    Some((RunDuration::from_seconds(seconds), at + numbers.byte_offset()))
}

/// Eight bytes; which ones is undefined if the offset is beyond [`MAX_LINE`].
#[inline]
fn load8(line: &Window, at: usize) -> u64 {
    line[at % MAX_LINE..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Sixteen bytes, see [`load8`].
#[inline]
fn load16(line: &Window, at: usize) -> u8x16 {
    line[at % MAX_LINE..].first_chunk().map_or(u8x16::ZERO, |bytes| u8x16::new(*bytes))
}

/// Not zero where the line differs from a text of sixteen to thirty-two bytes.
#[inline]
fn mismatch_long<const LENGTH: usize>(line: &Window, at: usize, text: &[u8; LENGTH]) -> u8x16 {
    const { assert!(LENGTH >= 16 && LENGTH <= 32) };
    let last_at = LENGTH - 16;
    let first = text.first_chunk().map_or(u8x16::ZERO, |bytes| u8x16::new(*bytes));
    let last = text.last_chunk().map_or(u8x16::ZERO, |bytes| u8x16::new(*bytes));
    (load16(line, at) ^ first) | (load16(line, at + last_at) ^ last)
}

/// The same for a text of less than sixteen bytes.
#[inline]
fn mismatch_short<const LENGTH: usize>(line: &Window, at: usize, text: &[u8; LENGTH]) -> u8x16 {
    const { assert!(LENGTH < 16) };
    (load16(line, at) ^ zero_padded(text)) & zero_padded(&[0xff; LENGTH])
}

/// The first sixteen bytes; zeros where there are none.
#[inline]
fn zero_padded(text: &[u8]) -> u8x16 {
    u8x16::new(std::array::from_fn(|place| text.get(place).copied().unwrap_or(0)))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use fastrand::Rng;

    /// A window on this line, followed by what a buffer may still hold from a read before.
    pub fn window(line: &[u8]) -> Window {
        let mut window = [0; 320];
        let rest = b", \"exit_code\": 0}\n{\"timestamp\": \"2026-02-14T10:30:00+00:00\"";
        for (place, byte) in line.iter().chain(rest.iter().cycle()).take(320).enumerate() {
            window[place] = *byte;
        }
        window
    }

    fn line(target: &str, domain: &str) -> Vec<u8> {
        format!(
            "{{\"timestamp\": \"2026-02-14T10:30:00+00:00\", \"target\": \"{target}\", \"domain\": {domain}, \"duration_seconds\": 45.0, \"exit_code\": 0}}\n"
        )
        .into_bytes()
    }

    /// Reads lines with these names in random order. Returns how many lines were canonical.
    #[track_caller]
    fn case(names: &[String]) -> usize {
        let mut scanner = Scanner::default();
        let mut rng = Rng::with_seed(12);
        let mut read = 0;
        for _ in 0..names.len() * 5 {
            let target = &names[rng.usize(..names.len())];
            let name = &names[rng.usize(..names.len())];
            let domain = if rng.usize(..2) == 0 { "null".to_owned() } else { format!("\"{name}\"") };
            let line = line(target, &domain);
            let Some(found) = scanner.scan(&window(&line), line.len()) else { continue };
            let expected = if domain == "null" { "" } else { name };
            assert_eq!(
                (scanner.target(found.target), scanner.domain(found.domain), found.line_length),
                (&**target, expected, line.len())
            );
            read += 1;
        }
        read
    }

    #[test]
    fn names_that_begin_alike_are_told_apart() {
        let few = |name: &dyn Fn(usize) -> String| (0..6).map(name).collect::<Vec<String>>();
        // The empty one, short ones, one that is the beginning of another.
        assert_eq!(case(&few(&|length| "a".repeat(length))), 30);
        assert_eq!(case(&few(&|length| "é".repeat(length + 6))), 30);
        assert_eq!(case(&few(&|number| format!("{}{number}", "the-same-sixteen-bytes-and-more"))), 30);
        // Differences beyond what a slot holds.
        assert_eq!(case(&few(&|number| format!("{}{number}", "b".repeat(70)))), 30);
        assert_eq!(case(&few(&|number| "c".repeat(62 + number))), 30);
        // Some are too long for a window, some too many to be alike in what they are looked up by.
        assert!(case(&few(&|number| "d".repeat(100 + 5 * number))) < 30);
        let alike: Vec<String> = (0..40).map(|number| format!("the-same-sixteen-bytes-{number}")).collect();
        assert!((10..200).contains(&case(&alike)));
    }

    #[test]
    fn names_that_differ_in_one_byte_are_all_in_the_table() {
        // A domain has a quote in front of it, and sixteen bytes are looked up by.
        for length in 0..15 {
            let names: Vec<String> =
                ('a'..='z').map(|last| format!("{}{last}", "n".repeat(length))).collect();
            assert_eq!(case(&names), names.len() * 5, "{length} bytes before it");
        }
    }

    #[test]
    fn names_beyond_the_tables_limit_leave_the_others_readable() {
        let names: Vec<String> = (0..6_000).map(|number| format!("name-{number}")).collect();
        assert!((4_000..30_000).contains(&case(&names)));
    }
}

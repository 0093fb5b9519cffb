//! The quickest way of read_stats a line: one that has exactly the bytes of the layout that tm-run writes, or Python's
//! json module with `isoformat` times.
//!
//! ```text
//! {"timestamp": "2026-02-14T10:30:00+00:00", "target": "apply", "domain": null, "duration_seconds": 45.0, "exit_code": 0}
//! {"timestamp": "2026-02-14T10:30:00.123456+00:00", "target": ...
//! ```
//!
//! What costs time is the number of things to do, and guessing wrong which one is next. So there is hardly a branch
//! here; what must be there is compared sixteen bytes at a time, and whether all of it was is asked once, at the end
//! (until then a place may be wrong, but never one outside the window); and a name is not looked for, but recognised
//! together with what stands behind it, for there are few names and many lines.

use super::flat::Cursor;
use super::plain_str;
use crate::event::duration::RunDuration;
use crate::event::timestamp::{self, MICROS_PER_SECOND};

use wide::u8x16;

/// The bytes from the start of a line on, whatever follows it.
pub type Window = [u8; 320];

/// Places below are looked at without asking; a power of two, and so far from a window's end that sixteen bytes
/// can be taken anywhere.
const REACH: usize = 256;

/// A window on this line, for tests: what follows is what a buffer holds that was longer filled before.
#[cfg(test)]
pub fn window(line: &[u8]) -> Window {
    let mut window = [0; 320];
    let rest = b", \"exit_code\": 0}\n{\"timestamp\": \"2026-02-14T10:30:00+00:00\"";
    for (place, byte) in line.iter().chain(rest.iter().cycle()).take(320).enumerate() {
        window[place] = *byte;
    }
    window
}

/// What a line in the canonical layout says.
#[derive(Clone, Copy, Debug)]
pub struct Canonical {
    /// Since 1970, UTC.
    pub second: i64,
    /// Microseconds.
    pub fraction: i64,
    /// For [`Scanner::target`]. A name may have several numbers.
    pub target: u32,
    /// For [`Scanner::domain`].
    pub domain: u32,
    milliseconds: u32,
    /// What counts if the milliseconds are [`FINER`].
    seconds: f64,
    pub exit_code: u32,
    /// Of the line, its end included.
    pub bytes: usize,
}

/// No number of milliseconds that [`milliseconds`] reads. (An enumeration would be written to memory and read back
/// in other pieces, for which a processor waits.)
const FINER: u32 = u32::MAX;

impl Canonical {
    #[inline]
    pub fn length(&self) -> RunDuration {
        if self.milliseconds == FINER {
            RunDuration::Seconds(self.seconds)
        } else {
            RunDuration::Milliseconds(self.milliseconds)
        }
    }

    pub fn micros(&self) -> i64 {
        self.second * MICROS_PER_SECOND + self.fraction
    }
}

/// Reads lines, and remembers what it has met in them. One per thread.
#[derive(Debug)]
pub struct Scanner {
    date: Date,
    targets: Phrases<2>,
    domains: Phrases<4>,
}

/// Each name that was met, with what stands behind it.
#[derive(Debug)]
struct Phrases<const PARTS: usize> {
    what: What,
    /// A power of two of them; at most a quarter of them is taken, so that most phrases are where they are looked for.
    slots: Vec<Slot<PARTS>>,
    names: Vec<Box<str>>,
    /// Where phrases go on that are longer than a slot.
    rests: Vec<Box<[u8]>>,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Target,
    /// Or `null`.
    Domain,
}

/// Room for a phrase, or for its beginning: most are no longer than that.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Slot<const PARTS: usize> {
    bytes: [u8x16; PARTS],
    /// Which of them count.
    used: [u8x16; PARTS],
    length: usize,
    name: u32,
    hash: u32,
}

impl<const PARTS: usize> Slot<PARTS> {
    /// No line has so many zeros.
    const FREE: Self =
        Self { bytes: [u8x16::ZERO; PARTS], used: [u8x16::MAX; PARTS], length: 0, name: Self::NONE, hash: 0 };
    const NONE: u32 = u32::MAX;
    const BYTES: usize = 16 * PARTS;

    fn new(phrase: &[u8], name: u32, hash: u32) -> Self {
        let part = |place: usize| phrase.get(16 * place..).unwrap_or_default();
        let used = vec![0xff; phrase.len()];
        let used_part = |place: usize| used.get(16 * place..).unwrap_or_default();
        Self {
            bytes: std::array::from_fn(|place| filled_up(part(place))),
            used: std::array::from_fn(|place| filled_up(used_part(place))),
            length: phrase.len(),
            name,
            hash,
        }
    }
}

impl<const PARTS: usize> Phrases<PARTS> {
    /// A page's worth to begin with, for fresh memory is dear in a small report; and a cache's worth at most.
    const FEWEST: usize = 32;
    const MOST: usize = 1 << 14;
    /// Further away than this, a phrase is not put down.
    const FARTHEST: usize = 8;

    fn new(what: What) -> Self {
        Self { what, slots: vec![Slot::<PARTS>::FREE; Self::FEWEST], names: Vec::new(), rests: Vec::new() }
    }

    /// Which name is there, and the place behind its phrase.
    #[inline]
    fn find(&mut self, line: &Window, at: usize) -> Option<(u32, usize)> {
        // With so many bytes, hardly any two names begin alike, even if what follows a short one varies.
        let hash = hash(word(line, at), word(line, at + 8));
        let mut place = hash as usize;
        loop {
            let slot = &self.slots[place & (self.slots.len() - 1)];
            let mut differs = u8x16::ZERO;
            for part in 0..PARTS {
                differs |= (sixteen(line, at + 16 * part) ^ slot.bytes[part]) & slot.used[part];
            }
            if differs == u8x16::ZERO
                && (slot.length <= Slot::<PARTS>::BYTES || self.goes_on(slot.name, line, at))
            {
                return Some((slot.name, at + slot.length));
            }
            if slot.name == Slot::<PARTS>::NONE || place > hash as usize + Self::FARTHEST {
                return self.add(line, at, hash);
            }
            place += 1;
        }
    }

    #[cold]
    #[inline(never)]
    fn goes_on(&self, name: u32, line: &Window, at: usize) -> bool {
        let (rest, begin) = (self.rests.get(name as usize), at + Slot::<PARTS>::BYTES);
        rest.is_some_and(|rest| line.get(begin..).is_some_and(|line| line.starts_with(rest)))
    }

    /// `None`: no name is there that stands for itself, or there is no room for it.
    #[cold]
    #[inline(never)]
    fn add(&mut self, line: &Window, at: usize, hash: u32) -> Option<(u32, usize)> {
        let rest = line.get(at..REACH)?;
        let (name, length) = match self.what {
            What::Target => {
                let end = memchr::memchr(b'"', rest)?;
                (&rest[..end], end + BEFORE_DOMAIN.len())
            }
            What::Domain if rest.starts_with(b"null") => (&rest[..0], 4 + BEFORE_DURATION.len()),
            What::Domain => {
                let rest = rest.strip_prefix(b"\"")?;
                let end = memchr::memchr(b'"', rest)?;
                (&rest[..end], 1 + end + 1 + BEFORE_DURATION.len())
            }
        };
        let after: &[u8] = match self.what {
            What::Target => BEFORE_DOMAIN,
            What::Domain => BEFORE_DURATION,
        };
        let phrase = rest.get(..length).filter(|phrase| phrase.ends_with(after))?;
        let name = plain_str(name)?;
        let number = u32::try_from(self.names.len()).ok()?;
        if self.names.len() >= self.slots.len() / 4 {
            if self.slots.len() == Self::MOST {
                return None;
            }
            let more = vec![Slot::<PARTS>::FREE; self.slots.len() * 2];
            for slot in std::mem::replace(&mut self.slots, more) {
                if slot.name != Slot::<PARTS>::NONE {
                    // What does not find room is met again.
                    self.put(slot);
                }
            }
        }
        if !self.put(Slot::<PARTS>::new(phrase, number, hash)) {
            return None;
        }
        self.names.push(name.into());
        self.rests.push(phrase.get(Slot::<PARTS>::BYTES..).unwrap_or_default().into());
        Some((number, at + length))
    }

    fn put(&mut self, slot: Slot<PARTS>) -> bool {
        let mask = self.slots.len() - 1;
        let first = slot.hash as usize;
        let free = (first..=first + Self::FARTHEST)
            .find(|place| self.slots[place & mask].name == Slot::<PARTS>::NONE);
        free.map(|place| self.slots[place & mask] = slot).is_some()
    }
}

/// Of sixteen bytes; the low bits depend on all of them.
#[inline]
fn hash(low: u64, high: u64) -> u32 {
    let mixed = low.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ high.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    // Multiplying carries upwards.
    (mixed >> 40) as u32
}

const BEFORE_TARGET: &[u8; 20] = b"+00:00\", \"target\": \"";
const BEFORE_DOMAIN: &[u8; 13] = b"\", \"domain\": ";
const BEFORE_DURATION: &[u8; 22] = b", \"duration_seconds\": ";
const BEFORE_CODE: &[u8; 15] = b", \"exit_code\": ";

/// The last date that was read: in a log, the next one mostly is the same.
#[derive(Debug, Default)]
pub struct Date {
    /// A line up to the `T` of its time.
    head: [u8; 26],
    /// In seconds since 1970.
    midnight: i64,
}

impl Default for Scanner {
    fn default() -> Self {
        let (targets, domains) = (Phrases::new(What::Target), Phrases::new(What::Domain));
        Self { date: Date::default(), targets, domains }
    }
}

impl Scanner {
    pub fn target(&self, number: u32) -> &str {
        &self.targets.names[number as usize]
    }

    /// Empty: no domain.
    pub fn domain(&self, number: u32) -> &str {
        &self.domains.names[number as usize]
    }

    /// Reads a line up to its line feed, of which only so many bytes of the window can be; the others are anything.
    /// `None`: it is not canonical, not all there, or too long for a window; or there are too many names.
    #[expect(clippy::inline_always, reason = "measured: a call costs a tenth of a line")]
    #[inline(always)]
    pub fn canonical(&mut self, line: &Window, remaining: usize) -> Option<Canonical> {
        loop {
            let found = self.of_that_date(line, remaining);
            if found.is_some() || !self.date.is_another(line) {
                return found;
            }
        }
    }

    #[inline(always)]
    fn of_that_date(&mut self, line: &Window, remaining: usize) -> Option<Canonical> {
        const TIME: usize = 26;
        const ZONE: usize = TIME + 8;

        let mut differs = long_text(line, 0, &self.date.head);
        let second = self.date.midnight + time_of_day(word(line, TIME))?;
        let (fraction, at) =
            if line[ZONE] == b'.' { (fraction_of_six(word(line, ZONE))?, ZONE + 7) } else { (0, ZONE) };
        differs |= long_text(line, at, BEFORE_TARGET);

        let (target, at) = self.targets.find(line, at + BEFORE_TARGET.len())?;
        let (domain, at) = self.domains.find(line, at)?;

        let (milliseconds, seconds, at) = match milliseconds(word(line, at)) {
            Some((milliseconds, count)) => (milliseconds, 0.0, at + count),
            None => match seconds(line, at)? {
                (RunDuration::Milliseconds(milliseconds), at) => (milliseconds, 0.0, at),
                (RunDuration::Seconds(seconds), at) => (FINER, seconds, at),
            },
        };
        differs |= short_text(line, at, BEFORE_CODE);

        let at = at + BEFORE_CODE.len();
        let end = word(line, at);
        let (exit_code, bytes) = if end << 40 == u64::from(u32::from_be_bytes(*b"\n}0\0")) << 32 {
            (0, at + 3)
        } else {
            exit_code(end, at)?
        };
        let is_wrong = differs != u8x16::ZERO || bytes > remaining.min(REACH);
        (!is_wrong).then_some(Canonical {
            second,
            fraction,
            target,
            domain,
            milliseconds,
            seconds,
            exit_code,
            bytes,
        })
    }
}

/// Eight bytes; of a place out of reach, any.
#[inline]
fn word(line: &Window, at: usize) -> u64 {
    line[at % REACH..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Sixteen bytes.
#[inline]
fn sixteen(line: &Window, at: usize) -> u8x16 {
    line[at % REACH..].first_chunk().map_or(u8x16::ZERO, |bytes| u8x16::new(*bytes))
}

/// Bits where something else stands than a text of sixteen to thirty-two bytes.
#[inline]
fn long_text<const LENGTH: usize>(line: &Window, at: usize, text: &[u8; LENGTH]) -> u8x16 {
    const { assert!(LENGTH >= 16 && LENGTH <= 32) };
    let end = LENGTH - 16;
    let first = text.first_chunk().map_or(u8x16::ZERO, |bytes| u8x16::new(*bytes));
    let last = text.last_chunk().map_or(u8x16::ZERO, |bytes| u8x16::new(*bytes));
    (sixteen(line, at) ^ first) | (sixteen(line, at + end) ^ last)
}

/// The same of a text that is shorter than sixteen bytes.
#[inline]
fn short_text<const LENGTH: usize>(line: &Window, at: usize, text: &[u8; LENGTH]) -> u8x16 {
    const { assert!(LENGTH < 16) };
    (sixteen(line, at) ^ filled_up(text)) & filled_up(&[0xff; LENGTH])
}

/// Zeros behind it.
#[inline]
fn filled_up(text: &[u8]) -> u8x16 {
    u8x16::new(std::array::from_fn(|place| text.get(place).copied().unwrap_or(0)))
}

impl Date {
    /// Whether the line begins with another date, which then is the one that is known.
    #[cold]
    #[inline(never)]
    fn is_another(&mut self, line: &Window) -> bool {
        line.first_chunk().is_some_and(|head| *head != self.head && self.read(*head).is_some())
    }

    fn read(&mut self, head: [u8; 26]) -> Option<()> {
        let date = head.strip_prefix(b"{\"timestamp\": \"")?;
        let mut midnight = *b"0000-00-00T00:00:00";
        midnight[..11].copy_from_slice(date);
        self.midnight = timestamp::parse(&midnight)? / MICROS_PER_SECOND;
        self.head = head;
        Some(())
    }
}

/// One byte, eight times.
const fn eight(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The high bit of each byte that is no decimal digit's value; wrong above the first byte that is 0x8a or more.
const fn above_nine(bytes: u64) -> u64 {
    (bytes | bytes.wrapping_add(eight(0x80 - 10))) & eight(0x80)
}

/// `10:30:00` in seconds.
#[inline]
fn time_of_day(text: u64) -> Option<i64> {
    /// Brings to the high bit what is more than these: a colon has become zero, and must be.
    const LIMITS: u64 = u64::from_le_bytes([
        0x80 - 3,
        0x80 - 10,
        0x80 - 1,
        0x80 - 6,
        0x80 - 10,
        0x80 - 1,
        0x80 - 6,
        0x80 - 10,
    ]);
    let digits = text ^ u64::from_le_bytes(*b"00:00:00");
    let too_great = (digits | digits.wrapping_add(LIMITS)) & eight(0x80);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let (hour, minute, second) = (pairs & 0xff, pairs >> 24 & 0xff, pairs >> 48 & 0xff);
    if too_great != 0 || hour > 23 {
        return None;
    }
    Some((hour * 3600 + minute * 60 + second).cast_signed())
}

/// `.123456` in microseconds.
#[inline]
fn fraction_of_six(text: u64) -> Option<i64> {
    let digits = (text << 8 & !0xffff | u64::from_le_bytes(*b"00\0\0\0\0\0\0")) ^ eight(b'0');
    (above_nine(digits) == 0).then(|| i64::from(number_of_eight(digits)))
}

/// Of eight digit values, the first one the greatest.
#[inline]
fn number_of_eight(digits: u64) -> u32 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let first = (pairs & PAIRS).wrapping_mul(0x000f_4240_0000_0064);
    let second = (pairs >> 16 & PAIRS).wrapping_mul(0x0000_2710_0000_0001);
    (first.wrapping_add(second) >> 32) as u32
}

/// `45.0` to `12345.67` or `1234.567`, with its length; others are for [`seconds`].
#[inline]
fn milliseconds(text: u64) -> Option<(u32, usize)> {
    /// What a number without its point is multiplied by to be milliseconds, by the places behind the point.
    const BY_PLACES: [u32; 8] = [0, 100, 10, 1, 0, 0, 0, 0];
    /// The least that so many digits before the point can say, the first one of which is no zero.
    const LEAST: [u32; 8] = [u32::MAX, 0, 10_000, 100_000, 1_000_000, 10_000_000, u32::MAX, u32::MAX];
    let digits = text ^ eight(b'0');
    let others = above_nine(digits);
    // Of the first bytes that are no digits.
    let point = others.trailing_zeros() / 8;
    let end = (others & others.wrapping_sub(1)).trailing_zeros() / 8;
    let by = BY_PLACES[end.wrapping_sub(point + 1) as usize % 8];
    // The digits before the point take its place.
    let up_to_point = others ^ others.wrapping_sub(1);
    let number = digits ^ ((digits << 8 ^ digits) & up_to_point);
    let milliseconds = number_of_eight(number << ((64 - 8 * end) % 64)).wrapping_mul(by);
    let is_point = (text >> (8 * point % 64)) & 0xff == u64::from(b'.');
    (is_point && by != 0 && milliseconds >= LEAST[point as usize % 8]).then_some((milliseconds, end as usize))
}

/// Any number that JSON knows: Python writes all digits of a float. With the place behind it.
#[cold]
fn seconds(line: &Window, at: usize) -> Option<(RunDuration, usize)> {
    let mut text = Cursor(line.get(at..)?);
    let seconds = text.seconds()?;
    Some((RunDuration::from_seconds(seconds), line.len() - text.0.len()))
}

/// Up to 999, with the place behind the end of the line.
#[inline]
fn exit_code(text: u64, at: usize) -> Option<(u32, usize)> {
    let digits = text ^ eight(b'0');
    let count = above_nine(digits).trailing_zeros() / 8;
    if !(1..=3).contains(&count) || text & 0xff == u64::from(b'0') && count > 1 {
        return None;
    }
    let code = number_of_eight(digits << (64 - 8 * count));
    let (count, rest) = (count as usize, (text >> (8 * count)).to_le_bytes());
    match rest {
        [b'}', b'\n', ..] => Some((code, at + count + 2)),
        [b'}', b'\r', b'\n', ..] => Some((code, at + count + 3)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;

    fn line(target: &str, domain: &str) -> Vec<u8> {
        format!(
            "{{\"timestamp\": \"2026-02-14T10:30:00+00:00\", \"target\": \"{target}\", \"domain\": {domain}, \"duration_seconds\": 45.0, \"exit_code\": 0}}\n"
        )
        .into_bytes()
    }

    /// Each name is read as itself, however often and in whatever order they come; says how often one was read.
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
            let Some(found) = scanner.canonical(&window(&line), line.len()) else { continue };
            let expected = if domain == "null" { "" } else { name };
            assert_eq!(
                (scanner.target(found.target), scanner.domain(found.domain), found.bytes),
                (&**target, expected, line.len())
            );
            read += 1;
        }
        read
    }

    #[test]
    fn each_name_is_recognised_as_itself() {
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
    fn there_may_be_more_names_than_a_scanner_remembers() {
        let names: Vec<String> = (0..6_000).map(|number| format!("name-{number}")).collect();
        assert!((4_000..30_000).contains(&case(&names)));
    }
}

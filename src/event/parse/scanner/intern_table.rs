//! Recognises names that were seen before, each together with the fixed text behind it.

use wide::u8x16;

use super::{BEFORE_DOMAIN, BEFORE_DURATION, MAX_LINE, Window, load8, load16, zero_padded};
use crate::event::parse::plain_str;

/// The values that one field had. A slot holds up to `16 * PARTS` bytes of a phrase: the value and the text up to the
/// next value.
#[derive(Debug)]
pub struct InternTable<const PARTS: usize> {
    field: Field,
    /// Open addressing. Their number is a power of two, and at most a quarter is taken, so most phrases are in the
    /// first slot that is probed.
    slots: Vec<Slot<PARTS>>,
    names: Vec<Box<str>>,
    /// The rest of each phrase that is longer than a slot.
    overflows: Vec<Box<[u8]>>,
}

#[derive(Clone, Copy, Debug)]
pub enum Field {
    Target,
    /// Or `null`.
    Domain,
}

/// A phrase, or its beginning; most are no longer.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Slot<const PARTS: usize> {
    bytes: [u8x16; PARTS],
    /// All bits of the bytes that count.
    mask: [u8x16; PARTS],
    /// Of the whole phrase.
    length: usize,
    id: u32,
    hash: u32,
}

impl<const PARTS: usize> Slot<PARTS> {
    /// No line has so many zero bytes, so a free slot never matches.
    const FREE: Self =
        Self { bytes: [u8x16::ZERO; PARTS], mask: [u8x16::MAX; PARTS], length: 0, id: Self::NO_ID, hash: 0 };
    const NO_ID: u32 = u32::MAX;
    const BYTES: usize = 16 * PARTS;

    fn new(phrase: &[u8], id: u32, hash: u32) -> Self {
        let ones = vec![0xff; phrase.len()];
        let parts = |bytes: &[u8]| {
            std::array::from_fn(|part| zero_padded(bytes.get(16 * part..).unwrap_or_default()))
        };
        Self { bytes: parts(phrase), mask: parts(&ones), length: phrase.len(), id, hash }
    }
}

impl<const PARTS: usize> InternTable<PARTS> {
    /// One page of memory to begin with: fresh memory is expensive in a small report. At most what a cache holds.
    const MIN_SLOTS: usize = 32;
    const MAX_SLOTS: usize = 1 << 14;
    const MAX_PROBES: usize = 9;

    pub fn new(field: Field) -> Self {
        Self { field, slots: vec![Slot::FREE; Self::MIN_SLOTS], names: Vec::new(), overflows: Vec::new() }
    }

    pub fn name(&self, id: u32) -> &str {
        &self.names[id as usize]
    }

    /// The id of the name at an offset, and the offset behind its phrase. `None`: the value has escapes or is too long,
    /// something else is behind it, or the table is full.
    #[inline]
    pub fn find_or_insert(&mut self, line: &Window, at: usize) -> Option<(u32, usize)> {
        // Hardly any two names agree in sixteen bytes, even if a short name is followed by something that varies.
        let hash = hash(load8(line, at), load8(line, at + 8));
        let mut probe = hash as usize;
        loop {
            let slot = &self.slots[probe & (self.slots.len() - 1)];
            let mut mismatch = u8x16::ZERO;
            for part in 0..PARTS {
                mismatch |= (load16(line, at + 16 * part) ^ slot.bytes[part]) & slot.mask[part];
            }
            if mismatch == u8x16::ZERO
                && (slot.length <= Slot::<PARTS>::BYTES || self.overflow_matches(slot.id, line, at))
            {
                return Some((slot.id, at + slot.length));
            }
            if slot.id == Slot::<PARTS>::NO_ID || probe >= hash as usize + Self::MAX_PROBES {
                return self.insert(line, at, hash);
            }
            probe += 1;
        }
    }

    #[cold]
    #[inline(never)]
    fn overflow_matches(&self, id: u32, line: &Window, at: usize) -> bool {
        let overflow = self.overflows.get(id as usize);
        let rest = line.get(at + Slot::<PARTS>::BYTES..);
        overflow.zip(rest).is_some_and(|(overflow, rest)| rest.starts_with(overflow))
    }

    #[cold]
    #[inline(never)]
    fn insert(&mut self, line: &Window, at: usize, hash: u32) -> Option<(u32, usize)> {
        let rest = line.get(at..MAX_LINE)?;
        let (name, value_length, next) = match self.field {
            Field::Target => {
                let end = memchr::memchr(b'"', rest)?;
                (&rest[..end], end, &BEFORE_DOMAIN[..])
            }
            Field::Domain if rest.starts_with(b"null") => (&rest[..0], 4, &BEFORE_DURATION[..]),
            Field::Domain => {
                let rest = rest.strip_prefix(b"\"")?;
                let end = memchr::memchr(b'"', rest)?;
                (&rest[..end], end + 2, &BEFORE_DURATION[..])
            }
        };
        let phrase = rest.get(..value_length + next.len()).filter(|phrase| phrase.ends_with(next))?;
        let name = plain_str(name)?;
        let id = u32::try_from(self.names.len()).ok()?;
        if self.names.len() >= self.slots.len() / 4 {
            if self.slots.len() == Self::MAX_SLOTS {
                return None;
            }
            let larger = vec![Slot::FREE; self.slots.len() * 2];
            for slot in std::mem::replace(&mut self.slots, larger) {
                if slot.id != Slot::<PARTS>::NO_ID {
                    // A phrase that finds no slot is inserted again when it is next seen.
                    self.place(slot);
                }
            }
        }
        if !self.place(Slot::new(phrase, id, hash)) {
            return None;
        }
        self.names.push(name.into());
        self.overflows.push(phrase.get(Slot::<PARTS>::BYTES..).unwrap_or_default().into());
        Some((id, at + phrase.len()))
    }

    /// Puts a phrase into a free slot. Returns whether there is one near enough.
    fn place(&mut self, slot: Slot<PARTS>) -> bool {
        let mask = self.slots.len() - 1;
        let first = slot.hash as usize;
        let free = (first..first + Self::MAX_PROBES)
            .find(|probe| self.slots[probe & mask].id == Slot::<PARTS>::NO_ID);
        free.map(|probe| self.slots[probe & mask] = slot).is_some()
    }
}

/// Of sixteen bytes. Every bit of the result depends on all of them: the two halves of a product, folded.
#[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
#[inline]
fn hash(low: u64, high: u64) -> u32 {
    let product = u128::from(low ^ 0x9e37_79b9_7f4a_7c15) * u128::from(high ^ 0xbf58_476d_1ce4_e5b9);
    let folded = product as u64 ^ (product >> 64) as u64;
    folded as u32
}

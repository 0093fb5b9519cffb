//! Numbers of a known layout, parsed eight bytes at a time in one register (SWAR). The text's first byte is the lowest.

/// One byte, eight times.
const fn splat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The high bit of each byte that is more than nine. Wrong above the first byte that is 0x8a or more.
const fn non_digits(bytes: u64) -> u64 {
    (bytes | bytes.wrapping_add(splat(0x80 - 10))) & splat(0x80)
}

/// The number of eight digits (each 0 to 9), the most significant one first.
#[inline]
fn combine_digits(digits: u64) -> u32 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let first = (pairs & PAIRS).wrapping_mul(0x000f_4240_0000_0064);
    let second = (pairs >> 16 & PAIRS).wrapping_mul(0x0000_2710_0000_0001);
    (first.wrapping_add(second) >> 32) as u32
}

/// `10:30:00` in seconds.
#[inline]
pub fn parse_time_of_day(text: u64) -> Option<i64> {
    /// Added to a byte, this sets its high bit if the byte is too large. A colon has become zero, and must be.
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
    let too_large = (digits | digits.wrapping_add(LIMITS)) & splat(0x80);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let (hour, minute, second) = (pairs & 0xff, pairs >> 24 & 0xff, pairs >> 48 & 0xff);
    if too_large != 0 || hour > 23 {
        return None;
    }
    Some((hour * 3600 + minute * 60 + second).cast_signed())
}

/// `.123456` in microseconds.
#[inline]
pub fn parse_fraction(text: u64) -> Option<i64> {
    let digits = (text << 8 & !0xffff | u64::from_le_bytes(*b"00\0\0\0\0\0\0")) ^ splat(b'0');
    (non_digits(digits) == 0).then(|| i64::from(combine_digits(digits)))
}

/// `45.0` to `12345.67` or `1234.567` in milliseconds, and the length of the text. `None`: longer, or another number.
#[inline]
pub fn parse_milliseconds(text: u64) -> Option<(u32, usize)> {
    /// From the number without its point to milliseconds, by the number of decimals.
    const FACTORS: [u32; 8] = [0, 100, 10, 1, 0, 0, 0, 0];
    /// The least value with so many digits before the point, if the first one is not zero: JSON allows no leading zero.
    const MINIMUMS: [u32; 8] = [u32::MAX, 0, 10_000, 100_000, 1_000_000, 10_000_000, u32::MAX, u32::MAX];
    let digits = text ^ splat(b'0');
    let non_digits = non_digits(digits);
    // The first two bytes that are no digits.
    let point = non_digits.trailing_zeros() / 8;
    let end = (non_digits & non_digits.wrapping_sub(1)).trailing_zeros() / 8;
    let factor = FACTORS[end.wrapping_sub(point + 1) as usize % 8];
    // The digits before the point move up by one byte and cover it.
    let up_to_point = non_digits ^ non_digits.wrapping_sub(1);
    let digits = digits ^ ((digits << 8 ^ digits) & up_to_point);
    let milliseconds = combine_digits(digits << ((64 - 8 * end) % 64)).wrapping_mul(factor);
    let is_point = (text >> (8 * point % 64)) & 0xff == u64::from(b'.');
    (is_point && factor != 0 && milliseconds >= MINIMUMS[point as usize % 8])
        .then_some((milliseconds, end as usize))
}

/// `0}` to `999}` with the line's end, and the length of all that.
#[inline]
pub fn parse_exit_code(text: u64) -> Option<(u32, usize)> {
    let digits = text ^ splat(b'0');
    let count = non_digits(digits).trailing_zeros() / 8;
    if !(1..=3).contains(&count) || text & 0xff == u64::from(b'0') && count > 1 {
        return None;
    }
    let exit_code = combine_digits(digits << (64 - 8 * count));
    let (count, rest) = (count as usize, (text >> (8 * count)).to_le_bytes());
    match rest {
        [b'}', b'\n', ..] => Some((exit_code, count + 2)),
        [b'}', b'\r', b'\n', ..] => Some((exit_code, count + 3)),
        _ => None,
    }
}

//! Quantiles, spread, rates and the rank test: small, exact, and checked against other tools.

use std::cmp::Ordering;

/// What durations are kept in while they are counted: milliseconds, or seconds where those are too coarse.
pub trait Observation: Copy + Send {
    fn seconds(self) -> f64;

    /// A total order, so that sorting and selecting cannot panic.
    fn compare(&self, other: &Self) -> Ordering;

    fn sort(values: &mut [Self]) {
        values.sort_unstable_by(Self::compare);
    }
}

impl Observation for u32 {
    fn seconds(self) -> f64 {
        f64::from(self) / 1000.0
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }

    fn sort(values: &mut [Self]) {
        const RADIX_FROM: usize = 4096;
        if values.len() < RADIX_FROM {
            values.sort_unstable();
        } else {
            radix_sort(values);
        }
    }
}

impl Observation for f64 {
    fn seconds(self) -> f64 {
        self
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.total_cmp(other)
    }
}

/// Radix sort: a few passes over the values, however many there are.
fn radix_sort(values: &mut [u32]) {
    const BITS: u32 = 11;
    let all = values.iter().fold(0, |all, value| all | value);
    let mut other = values.to_vec();
    let (mut from, mut to) = (values, &mut other[..]);
    let mut is_swapped = false;
    let mut shift = 0;
    while shift < u32::BITS && all >> shift > 0 {
        let digit = |value: u32| (value >> shift) as usize & ((1 << BITS) - 1);
        let mut places = [0_usize; 1 << BITS];
        for &value in &*from {
            places[digit(value)] += 1;
        }
        let mut place = 0;
        for count in &mut places {
            place += std::mem::replace(count, place);
        }
        for &value in &*from {
            let place = &mut places[digit(value)];
            to[*place] = value;
            *place += 1;
        }
        std::mem::swap(&mut from, &mut to);
        is_swapped = !is_swapped;
        shift += BITS;
    }
    if is_swapped {
        to.copy_from_slice(from);
    }
}

/// Hyndman and Fan's type 7, as in NumPy, R and spreadsheets: linear between two values. Of sorted values, in seconds.
pub fn quantile<D: Observation>(sorted: &[D], q: f64) -> Option<f64> {
    let (rank, fraction) = rank_of(q, sorted.len())?;
    Some(interpolate(sorted[rank], sorted.get(rank + 1).copied(), fraction))
}

/// The same of values in any order, which they may lose.
pub fn select_quantile<D: Observation>(values: &mut [D], q: f64) -> Option<f64> {
    let (rank, fraction) = rank_of(q, values.len())?;
    let (_, &mut value, above) = values.select_nth_unstable_by(rank, D::compare);
    let next = if fraction > 0.0 { above.iter().copied().min_by(D::compare) } else { None };
    Some(interpolate(value, next, fraction))
}

pub fn min_max<D: Observation>(values: &[D]) -> Option<(D, D)> {
    let values = values.iter().copied();
    values.clone().min_by(D::compare).zip(values.max_by(D::compare))
}

/// Of values in any order, which they may lose.
pub fn median<D: Observation>(values: &mut [D]) -> Option<f64> {
    select_quantile(values, 0.5)
}

/// The rank at or below a quantile of so many values, and how far it is from there to the next one.
#[expect(clippy::cast_precision_loss, reason = "2^53 runs are out of reach")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= q <= 1")]
fn rank_of(q: f64, count: usize) -> Option<(usize, f64)> {
    let last = count.checked_sub(1)?;
    let position = last as f64 * q;
    let rank = (position as usize).min(last);
    Some((rank, position - rank as f64))
}

fn interpolate<D: Observation>(value: D, next: Option<D>, fraction: f64) -> f64 {
    let low = value.seconds();
    match next {
        // Infinity has no value between it and another.
        Some(next) if fraction > 0.0 => low + (next.seconds() - low) * fraction,
        _ => low,
    }
}

/// Median of the distances from the median, unscaled. Of sorted values, in seconds.
pub fn median_absolute_deviation<D: Observation>(sorted: &[D]) -> Option<f64> {
    let center = quantile(sorted, 0.5)?;
    let (below, above) = sorted.split_at(sorted.partition_point(|value| value.seconds() < center));
    let mut below = below.iter().rev().map(|value| center - value.seconds()).peekable();
    let mut above = above.iter().map(|value| value.seconds() - center).peekable();
    // From the middle outwards, the nearer one first: the distances in ascending order.
    let mut distances = std::iter::from_fn(|| match (below.peek(), above.peek()) {
        (Some(lower), Some(upper)) if lower < upper => below.next(),
        (Some(_), None) => below.next(),
        _ => above.next(),
    });
    let count = sorted.len();
    let lower = distances.nth((count - 1) / 2)?;
    if count % 2 == 1 { Some(lower) } else { Some(f64::midpoint(lower, distances.next()?)) }
}

/// Wilson's score interval of a share, 95 %.
#[expect(clippy::cast_precision_loss, reason = "2^53 runs are out of reach")]
pub fn wilson_interval(hits: u64, of: u64) -> Option<(f64, f64)> {
    /// The normal distribution's 97.5 % point.
    const Z: f64 = 1.959_963_984_540_054;
    if of == 0 {
        return None;
    }
    let n = of as f64;
    let share = hits as f64 / n;
    let center = share + Z * Z / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    let low = if hits == 0 { 0.0 } else { (center - spread) / scale };
    let high = if hits == of { 1.0 } else { (center + spread) / scale };
    Some((low, high))
}

/// Mann and Whitney's U test of two sorted samples, two-sided: the probability of a difference in
/// ranks at least this great if both came from one distribution. Normal approximation, corrected
/// for ties and continuity.
#[expect(clippy::cast_precision_loss, reason = "2^53 runs are out of reach")]
pub fn mann_whitney_u(a: &[f64], b: &[f64]) -> f64 {
    let count_of_a = a.len() as f64;
    let count = (a.len() + b.len()) as f64;
    let pairs = count_of_a * b.len() as f64;
    let (mut rest_of_a, mut rest_of_b) = (a, b);
    let (mut rank_sum, mut ties) = (0.0, 0.0);
    loop {
        let value = match (rest_of_a.first(), rest_of_b.first()) {
            (Some(&a), Some(&b)) => a.min(b),
            (Some(&one), None) | (None, Some(&one)) => one,
            (None, None) => break,
        };
        let ranked = count - (rest_of_a.len() + rest_of_b.len()) as f64;
        let from_a = rest_of_a.iter().take_while(|&&other| other <= value).count();
        let from_b = rest_of_b.iter().take_while(|&&other| other <= value).count();
        let equal = (from_a + from_b) as f64;
        rank_sum += from_a as f64 * (ranked + f64::midpoint(equal, 1.0));
        ties += equal * equal * equal - equal;
        (rest_of_a, rest_of_b) = (&rest_of_a[from_a..], &rest_of_b[from_b..]);
    }
    let u = rank_sum - count_of_a * (count_of_a + 1.0) / 2.0;
    let u = u.max(pairs - u);
    let deviation = (pairs / 12.0 * ((count + 1.0) - ties / (count * (count - 1.0)))).sqrt();
    if deviation.is_nan() || deviation <= 0.0 {
        return 1.0;
    }
    let z = (u - pairs / 2.0 - 0.5) / deviation;
    two_sided_p(z)
}

/// The least that [`mann_whitney_u`] can be of samples of these sizes: all of one are greater than all of the other.
#[expect(clippy::cast_precision_loss, reason = "2^53 runs are out of reach")]
pub fn least_p(count_of_a: u64, count_of_b: u64) -> f64 {
    let pairs = count_of_a as f64 * count_of_b as f64;
    let deviation = (pairs / 12.0 * (count_of_a as f64 + count_of_b as f64 + 1.0)).sqrt();
    if pairs > 0.0 { two_sided_p((pairs / 2.0 - 0.5) / deviation) } else { 1.0 }
}

/// The share of a normal distribution that lies beyond z on both sides, at most 1.
fn two_sided_p(z: f64) -> f64 {
    if z <= 0.0 {
        return 1.0;
    }
    let x = z / std::f64::consts::SQRT_2;
    let scale = (-x * x).exp() / std::f64::consts::PI.sqrt();
    if x < 1.5 {
        // erf(x) = 2/sqrt(pi) exp(-x^2) (x + 2x^3/3 + 4x^5/15 + ...)
        let (mut term, mut sum, mut odd) = (x, x, 1.0);
        while term > sum * f64::EPSILON {
            odd += 2.0;
            term *= 2.0 * x * x / odd;
            sum += term;
        }
        return 1.0 - 2.0 * scale * sum;
    }
    // erfc(x) = exp(-x^2)/sqrt(pi) / (x + 1/2 / (x + 2/2 / (x + 3/2 / ...)))
    let tail = (1..=400).rev().fold(x, |tail, step| x + f64::from(step) / 2.0 / tail);
    scale / tail
}

/// The expected figures are NumPy 2.4.6's and SciPy 1.17.1's:
///
/// ```python
/// import numpy, scipy.stats, scipy.special
/// numpy.quantile(LONG, p); numpy.quantile(LONG[:12], p); scipy.stats.median_abs_deviation(LONG)
/// scipy.stats.mannwhitneyu(a, b, alternative='two-sided', method='asymptotic', use_continuity=True).pvalue
/// scipy.special.erfc(z / 2**.5)
/// scipy.stats.binomtest(hits, of).proportion_ci(method='wilson')
/// ```
#[cfg(test)]
mod tests {
    use super::*;

    const LONG: [f64; 13] = [0.42, 2.1, 2.2, 2.2, 3.7, 44.0, 59.6, 61.5, 120.0, 185.0, 185.0, 271.5, 600.0];

    #[track_caller]
    fn close(found: impl Into<Option<f64>>, expected: f64) {
        let found = found.into().unwrap();
        assert!((found - expected).abs() <= expected.abs() * 1e-12, "{found:?} is not {expected:?}");
    }

    #[test]
    fn quantiles_are_those_of_type_7() {
        #[track_caller]
        fn case(q: f64, of_13: f64, of_12: f64) {
            close(quantile(&LONG, q), of_13);
            close(quantile(&LONG[..12], q), of_12);
        }
        case(0.0, 0.42, 0.42);
        case(0.05, 1.428_000_000_000_000_2, 1.344);
        case(0.1, 2.12, 2.110_000_000_000_000_3);
        case(0.25, 2.2, 2.2);
        case(0.5, 59.6, 51.8);
        case(0.75, 185.0, 136.25);
        case(0.9, 254.200_000_000_000_05, 185.0);
        case(0.95, 402.899_999_999_999_5, 223.924_999_999_999_95);
        case(1.0, 600.0, 271.5);
        assert_eq!(quantile::<f64>(&[], 0.5), None);
        close(quantile(&[7.0], 0.95), 7.0);
    }

    #[test]
    fn median_absolute_deviation_is_unscaled() {
        close(median_absolute_deviation(&LONG), 57.5);
        close(median_absolute_deviation(&LONG[..12]), 49.649_999_999_999_99);
        close(median_absolute_deviation(&[7.0]), 0.0);
        close(median_absolute_deviation(&[1.0, 3.0]), 1.0);
        close(median_absolute_deviation(&[1000_u32, 3000]), 1.0);
        assert_eq!(median_absolute_deviation::<f64>(&[]), None);
    }

    #[test]
    fn selected_quantiles_are_those_of_sorted_values() {
        #[track_caller]
        fn case(value: impl Fn(u32) -> u32) {
            for count in [1, 2, 7, 1000, 5001] {
                let mut milliseconds: Vec<u32> =
                    (0..count).map(|number| value(number * 7919 % 5003)).collect();
                let mut seconds: Vec<f64> = milliseconds.iter().map(|value| value.seconds()).collect();
                let mut sorted = milliseconds.clone();
                sorted.sort_unstable();
                for q in [0.95, 0.5, 0.0, 1.0, 0.05, 0.0501, 0.999, 0.5] {
                    let expected = quantile(&sorted, q);
                    assert_eq!(select_quantile(&mut milliseconds, q), expected);
                    assert_eq!(select_quantile(&mut seconds, q), expected);
                }
            }
        }
        case(|number| number);
        case(|_| 7);
        case(|number| number % 2);
        case(|number| if number % 50 == 0 { number << 18 } else { number % 9 });
        case(|number| if number == 5 { 0 } else { (1 << 31) - 1 - number % 3 });
        assert_eq!(median::<u32>(&mut []), None);
    }

    #[test]
    fn the_rank_test_is_that_of_other_tools() {
        fn numbers(range: std::ops::Range<i32>) -> Vec<f64> {
            range.map(f64::from).collect()
        }
        let mut a = [3.1, 2.9, 3.3, 3.5, 3.1, 4.0, 3.6, 3.3, 3.9, 3.7];
        let mut b = [
            2.1, 2.5, 3.1, 2.8, 2.9, 3.3, 2.2, 2.4, 2.6, 2.7, 3.0, 3.1, 2.9, 2.8, 2.7, 2.6, 2.5, 3.2, 2.3,
            2.4,
        ];
        a.sort_by(f64::total_cmp);
        b.sort_by(f64::total_cmp);
        close(mann_whitney_u(&a, &b), 0.000_136_036_246_268_901_67);
        close(mann_whitney_u(&b, &a), 0.000_136_036_246_268_901_67);
        close(mann_whitney_u(&numbers(100..140), &numbers(0..100)), 2.888_863_222_870_219_3e-20);
        close(mann_whitney_u(&numbers(1000..1400), &numbers(0..1000)), 2.771_021_232_033_534_2e-188);
        close(mann_whitney_u(&[1.0; 5], &[1.0; 20]), 1.0);
        close(mann_whitney_u(&[1.0, 2.0, 3.0], &[2.0]), 1.0);
        close(mann_whitney_u(&[], &[1.0]), 1.0);
        for (count_of_a, count_of_b) in [(0, 7), (1, 1), (5, 5), (5, 20), (40, 100)] {
            let (a, b) = (numbers(0..count_of_a), numbers(1000..1000 + count_of_b));
            let least = least_p(count_of_a.unsigned_abs().into(), count_of_b.unsigned_abs().into());
            close(least, mann_whitney_u(&a, &b));
        }
    }

    #[test]
    fn the_tails_of_the_normal_distribution_are_exact_far_out() {
        #[track_caller]
        fn case(z: f64, share: f64) {
            let found = two_sided_p(z);
            assert!((found / share - 1.0).abs() < 1e-12, "{found:?} is not {share:?}");
        }
        case(0.001, 0.999_202_115_572_177_9);
        case(0.5, 0.617_075_077_451_973_9);
        case(1.0, 0.317_310_507_862_914_15);
        case(1.96, 0.049_995_790_296_440_87);
        case(3.0, 0.002_699_796_063_260_191_8);
        case(3.5355, 0.000_407_004_245_190_143);
        case(3.6, 0.000_318_217_180_315_067_9);
        case(5.0, 5.733_031_437_583_89e-7);
        case(8.0, 1.244_192_114_854_365_8e-15);
        case(20.0, 5.507_248_237_212_624_4e-89);
        case(37.0, 1.145_114_244_504_504_6e-299);
    }

    #[test]
    fn wilsons_interval_is_that_of_other_tools() {
        #[track_caller]
        fn case(hits: u64, of: u64, low: f64, high: f64) {
            let found = wilson_interval(hits, of).unwrap();
            close(found.0, low);
            close(found.1, high);
        }
        assert_eq!(wilson_interval(0, 0), None);
        case(0, 10, 0.0, 0.277_532_799_862_889_26);
        case(10, 10, 0.722_467_200_137_111, 1.0);
        case(1, 1, 0.206_549_314_377_237_45, 1.0);
        case(93, 100, 0.862_504_852_609_264_9, 0.965_680_738_932_727_3);
        case(1008, 1080, 0.916_867_866_327_798_9, 0.946_727_074_041_471_3);
        case(9, 41, 0.120_031_747_782_175_68, 0.367_050_059_882_261_7);
        case(5, 50, 0.043_475_764_931_890_41, 0.213_602_314_374_796_54);
    }
}

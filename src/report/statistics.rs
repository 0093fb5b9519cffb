//! Quantiles, spread, rates and the rank test: small, exact, and checked against other tools.

use std::cell::RefCell;

/// Durations in ascending order.
pub trait Sorted {
    fn len(&self) -> usize;
    /// The value with so many below it.
    fn at(&self, place: usize) -> f64;

    /// Hyndman and Fan's type 7, as in NumPy, R and spreadsheets: linear between two values.
    fn quantile(&self, share: f64) -> Option<f64> {
        let (below, part) = rank_of(share, self.len().checked_sub(1)?);
        // Not only quicker: infinity is no neighbour to be linear to.
        if part == 0.0 {
            return Some(self.at(below));
        }
        let (low, high) = self.adjacent(below);
        Some(low + (high - low) * part)
    }

    /// The value at a place and the one at the next place, or the last one twice.
    fn adjacent(&self, place: usize) -> (f64, f64) {
        (self.at(place), self.at((place + 1).min(self.len() - 1)))
    }

    fn median(&self) -> Option<f64> {
        self.quantile(0.5)
    }

    /// Median of the distances from the median, unscaled.
    fn median_absolute_deviation(&self) -> Option<f64> {
        let center = self.median()?;
        // Downwards from the middle and upwards from it, distances grow: two sorted lists.
        let middle = partition_point(self.len(), |place| self.at(place) >= center);
        let below = |place: usize| center - self.at(middle - 1 - place);
        let above = |place: usize| self.at(middle + place) - center;
        let (left, right) = (middle, self.len() - middle);
        let nearest = |rank: usize| {
            let most = left.min(rank);
            let least = rank.saturating_sub(right);
            // How many of the `rank` nearer ones lie below the middle.
            let taken = least
                + partition_point(most - least, |taken| {
                    let taken = taken + least;
                    above(rank - taken - 1) <= below(taken)
                });
            let from_left = (taken < left).then(|| below(taken));
            let from_right = (rank - taken < right).then(|| above(rank - taken));
            match (from_left, from_right) {
                (Some(left), Some(right)) => left.min(right),
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => 0.0,
            }
        };
        let upper = self.len() / 2;
        if self.len() % 2 == 1 {
            return Some(nearest(upper));
        }
        Some(f64::midpoint(nearest(upper - 1), nearest(upper)))
    }
}

/// The place at or below a share, and how far it is from there to the next one.
#[expect(clippy::cast_precision_loss, reason = "2^53 runs are out of reach")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= share <= 1")]
fn rank_of(share: f64, last: usize) -> (usize, f64) {
    let place = last as f64 * share;
    let below = (place as usize).min(last);
    (below, place - below as f64)
}

/// The first place below `count` for which it holds, as for a sorted list.
fn partition_point(count: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = usize::midpoint(low, high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// How many are smaller than this.
pub fn count_below(sorted: &impl Sorted, seconds: f64) -> usize {
    partition_point(sorted.len(), |place| sorted.at(place) >= seconds)
}

impl Sorted for [f64] {
    fn len(&self) -> usize {
        self.len()
    }

    fn at(&self, place: usize) -> f64 {
        self[place]
    }
}

/// What durations are kept in while they are counted: milliseconds, or seconds where those are too coarse.
pub trait Observation: Copy + Send {
    fn seconds(self) -> f64;
    /// Orders as the value does.
    fn key(self) -> u64;
    fn from_key(key: u64) -> Self;
    fn sort(values: &mut [Self]);
    /// The value at this place and the one at the next place (or the last one twice), if all were sorted; it may
    /// move values about. `known` is for this function only, from one place in these values to another.
    fn adjacent(values: &mut [Self], place: usize, known: &mut Option<BucketCounts>) -> (Self, Self);
    fn min_max(values: &[Self]) -> Option<(Self, Self)>;
}

impl Observation for u32 {
    fn seconds(self) -> f64 {
        f64::from(self) / 1000.0
    }

    fn key(self) -> u64 {
        u64::from(self)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a key of ours")]
    fn from_key(key: u64) -> Self {
        key as u32
    }

    fn sort(values: &mut [Self]) {
        // So many have room in a processor's cache, with the copy that sorting by digits needs.
        const MOST: usize = 1 << 17;
        const LEAST: usize = 4096;
        match values.len() {
            ..LEAST => values.sort_unstable(),
            LEAST..=MOST => sort_by_digits(values),
            _ => {
                let (low, _, high) = values.select_nth_unstable(values.len() / 2);
                Self::sort(low);
                Self::sort(high);
            }
        }
    }

    fn adjacent(values: &mut [Self], place: usize, known: &mut Option<BucketCounts>) -> (Self, Self) {
        const MANY: usize = 4096;
        if values.len() >= MANY
            && let Some(found) = known.get_or_insert_with(|| BucketCounts::of(values)).adjacent(values, place)
        {
            return found;
        }
        let (_, &mut this, above) = values.select_nth_unstable(place);
        (this, above.iter().copied().min().unwrap_or(this))
    }

    fn min_max(values: &[Self]) -> Option<(Self, Self)> {
        // Not `min` and `max`: those are not found many at a time.
        let first = *values.first()?;
        Some(values.iter().fold((first, first), |(least, most), &value| (least.min(value), most.max(value))))
    }
}

/// Radix sort: a few passes over the values, however many there are.
fn sort_by_digits(values: &mut [u32]) {
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

/// How many values there are in buckets of equal width: a place is in one of them, and only what is in it has to be
/// looked at, which is a third of the work of selecting among all.
pub struct BucketCounts {
    shift: u32,
    counts: [u32; Self::COUNT],
}

impl BucketCounts {
    const COUNT: usize = 1 << 11;

    fn new() -> Self {
        Self { shift: 0, counts: [0; Self::COUNT] }
    }

    fn of(values: &[u32]) -> Self {
        let mut buckets = Self::new();
        buckets.add(values);
        buckets
    }

    fn add(&mut self, values: &[u32]) {
        let all = values.iter().fold(0, |all, value| all | value);
        self.coarsen((u32::BITS - all.leading_zeros()).saturating_sub(Self::COUNT.trailing_zeros()));
        for &value in values {
            self.counts[self.of_value(value)] += 1;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.coarsen(other.shift);
        for (bucket, count) in other.counts.iter().enumerate() {
            self.counts[bucket >> (self.shift - other.shift)] += count;
        }
    }

    /// Makes buckets wider, so that greater values have one, too.
    fn coarsen(&mut self, shift: u32) {
        while self.shift < shift {
            for bucket in 0..Self::COUNT {
                let pair = self.counts.get(2 * bucket..2 * bucket + 2);
                self.counts[bucket] = pair.map_or(0, |pair| pair[0] + pair[1]);
            }
            self.shift += 1;
        }
    }

    /// Which bucket a place is in, and how many values are in those before.
    fn find(&self, place: usize) -> Option<(usize, usize)> {
        let mut before = 0;
        for (bucket, &count) in self.counts.iter().enumerate() {
            if before + count as usize > place {
                return Some((bucket, before));
            }
            before += count as usize;
        }
        None
    }

    fn of_value(&self, value: u32) -> usize {
        (value >> self.shift) as usize % Self::COUNT
    }

    /// `None`: most values are alike.
    fn adjacent(&self, values: &[u32], place: usize) -> Option<(u32, u32)> {
        let (bucket, before) = self.find(place)?;
        let count = self.counts[bucket] as usize;
        // Many would be found where none is expected, and each would cost as much as ten others.
        if count > values.len() / 8 {
            return None;
        }
        let mut inside = Vec::with_capacity(count);
        inside.extend(values.iter().copied().filter(|&value| self.of_value(value) == bucket));
        let (_, &mut this, above) = inside.select_nth_unstable(place - before);
        let next = above.iter().copied().min();
        let beyond = || values.iter().copied().filter(|&value| self.of_value(value) > bucket).min();
        Some((this, next.or_else(beyond).unwrap_or(this)))
    }
}

/// More values than had better be held at a time: they are counted, and those at the places that are asked for are
/// found when all of them come by once more.
pub struct TwoPassQuantiles {
    buckets: BucketCounts,
    count: usize,
    ends: Option<(u32, u32)>,
    is_wanted: [bool; BucketCounts::COUNT],
    /// Of the buckets that are wanted.
    found: Vec<u32>,
}

impl TwoPassQuantiles {
    pub fn new() -> Self {
        let (is_wanted, found) = ([false; BucketCounts::COUNT], Vec::new());
        Self { buckets: BucketCounts::new(), count: 0, ends: None, is_wanted, found }
    }

    /// Counts some, and says what their median is. It may move them about.
    pub fn add(&mut self, values: &mut [u32]) -> Option<f64> {
        let ends = [self.ends, u32::min_max(values)];
        self.ends = ends.into_iter().flatten().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        self.count += values.len();
        let values = Unsorted::new(values);
        let median = values.median();
        match &*values.0.borrow() {
            (_, Some(counted)) => self.buckets.merge(counted),
            (values, None) => self.buckets.add(values),
        }
        median
    }

    /// Once all are counted: what is asked for.
    pub fn request(&mut self, shares: &[f64]) {
        let Some(last) = self.count.checked_sub(1) else { return };
        for share in shares {
            let (place, _) = rank_of(*share, last);
            for place in [place, (place + 1).min(last)] {
                if let Some((bucket, _)) = self.buckets.find(place) {
                    self.is_wanted[bucket] = true;
                }
            }
        }
    }

    /// Each value has to come by.
    #[inline]
    pub fn collect_if_requested(&mut self, value: u32) {
        if self.is_wanted[self.buckets.of_value(value)] {
            self.found.push(value);
        }
    }

    /// Once all have come by.
    pub fn sort(&mut self) {
        u32::sort(&mut self.found);
    }
}

impl Sorted for TwoPassQuantiles {
    fn len(&self) -> usize {
        self.count
    }

    /// Of a place that was looked for, or one of the ends.
    fn at(&self, place: usize) -> f64 {
        match self.ends {
            Some((least, _)) if place == 0 => return least.seconds(),
            Some((_, greatest)) if place == self.count - 1 => return greatest.seconds(),
            _ => (),
        }
        let (bucket, before) = self.buckets.find(place).unwrap_or_default();
        let wanted = self.buckets.counts.iter().zip(&self.is_wanted).take(bucket);
        let found: usize =
            wanted.filter(|&(_, is_wanted)| *is_wanted).map(|(count, _)| *count as usize).sum();
        self.found.get(found + place - before).map_or(0.0, |value| value.seconds())
    }
}

impl Observation for f64 {
    fn seconds(self) -> f64 {
        self
    }

    fn key(self) -> u64 {
        let bits = self.to_bits();
        if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
    }

    fn from_key(key: u64) -> Self {
        Self::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
    }

    fn sort(values: &mut [Self]) {
        values.sort_unstable_by(Self::total_cmp);
    }

    fn adjacent(values: &mut [Self], place: usize, _: &mut Option<BucketCounts>) -> (Self, Self) {
        let (_, &mut this, above) = values.select_nth_unstable_by(place, Self::total_cmp);
        (this, above.iter().copied().min_by(Self::total_cmp).unwrap_or(this))
    }

    fn min_max(values: &[Self]) -> Option<(Self, Self)> {
        let all = || values.iter().copied();
        all().min_by(Self::total_cmp).zip(all().max_by(Self::total_cmp))
    }
}

/// Values in any order, which they may lose: for those who ask for few places.
pub struct Unsorted<'a, D>(RefCell<(&'a mut [D], Option<BucketCounts>)>);

impl<'a, D: Observation> Unsorted<'a, D> {
    pub fn new(values: &'a mut [D]) -> Self {
        Self(RefCell::new((values, None)))
    }
}

impl<D: Observation> Sorted for Unsorted<'_, D> {
    fn len(&self) -> usize {
        self.0.borrow().0.len()
    }

    fn at(&self, place: usize) -> f64 {
        if place == 0 || place == self.len() - 1 {
            let ends = D::min_max(self.0.borrow().0);
            return ends.map_or(0.0, |(least, most)| if place == 0 { least } else { most }.seconds());
        }
        self.adjacent(place).0
    }

    fn adjacent(&self, place: usize) -> (f64, f64) {
        let (values, known) = &mut *self.0.borrow_mut();
        let (this, next) = D::adjacent(values, place, known);
        (this.seconds(), next.seconds())
    }
}

/// Several sorted lists as one, without merging them.
pub struct SortedUnion<'a, D>(pub [&'a [D]; 3]);

impl<D: Observation> Sorted for SortedUnion<'_, D> {
    fn len(&self) -> usize {
        self.0.iter().map(|part| part.len()).sum()
    }

    fn at(&self, place: usize) -> f64 {
        let mut parts = self.0.iter().filter(|part| !part.is_empty());
        if let (Some(only), None) = (parts.next(), parts.next()) {
            return only[place].seconds();
        }
        let ends = || self.0.iter().filter_map(|part| Some((part.first()?.key(), part.last()?.key())));
        let mut low = ends().map(|(first, _)| first).min().unwrap_or(0);
        let mut high = ends().map(|(_, last)| last).max().unwrap_or(0);
        while low < high {
            let middle = u64::midpoint(low, high);
            let up_to: usize =
                self.0.iter().map(|part| part.partition_point(|value| value.key() <= middle)).sum();
            if up_to > place {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        D::from_key(low).seconds()
    }
}

/// Of values in any order, which they may lose.
pub fn median<D: Observation>(values: &mut [D]) -> Option<f64> {
    Unsorted::new(values).median()
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
        fn case(share: f64, of_13: f64, of_12: f64) {
            close(LONG.quantile(share), of_13);
            close(LONG[..12].quantile(share), of_12);
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
        assert_eq!([].quantile(0.5), None);
        close([7.0].quantile(0.95), 7.0);
    }

    #[test]
    fn the_median_deviation_is_unscaled() {
        close(LONG.median_absolute_deviation(), 57.5);
        close(LONG[..12].median_absolute_deviation(), 49.649_999_999_999_99);
        close([7.0].median_absolute_deviation(), 0.0);
        close([1.0, 3.0].median_absolute_deviation(), 1.0);
        assert_eq!([].median_absolute_deviation(), None);
    }

    #[test]
    fn nothing_has_to_be_sorted_to_know_what_is_where() {
        #[track_caller]
        fn case(value: impl Fn(u32) -> u32) {
            for count in [1, 2, 7, 1000, 4096, 5001] {
                let values: Vec<u32> = (0..count).map(|number| value(number * 7919 % 5003)).collect();
                let mut sorted = values.clone();
                sorted.sort_unstable();
                let sorted = SortedUnion([&sorted, &[], &[]]);
                let mut fine: Vec<f64> = values.iter().map(|value| value.seconds()).collect();
                let mut values = values;
                let (unsorted, fine) = (Unsorted::new(&mut values), Unsorted::new(&mut fine));
                for share in [0.95, 0.5, 0.0, 1.0, 0.05, 0.0501, 0.999, 0.5] {
                    assert_eq!(unsorted.quantile(share), sorted.quantile(share));
                    assert_eq!(fine.quantile(share), sorted.quantile(share));
                }
            }
        }
        case(|number| number);
        case(|_| 7);
        case(|number| number % 2);
        case(|number| if number % 50 == 0 { number << 18 } else { number % 9 });
        case(|number| if number == 5 { 0 } else { (1 << 31) - 1 - number % 3 });
        case(|number| number * number % 65_537 * 31);
    }

    #[test]
    fn a_census_finds_what_it_was_told_to_look_for() {
        // Parts that are counted in buckets of their own and others, with ever greater values.
        let parts =
            [10_u32, 5_000, 300, 9_000, 4_096].into_iter().zip([7_u32, 90, 4_000, 500_000, 70_000_000]);
        let mut parts: Vec<Vec<u32>> = parts
            .map(|(count, range)| {
                (0..count).map(|number| number.wrapping_mul(2_654_435_761) % range).collect()
            })
            .collect();
        for _ in 0..2 {
            let mut sorted = parts.concat();
            sorted.sort_unstable();
            let sorted = SortedUnion([&sorted, &[], &[]]);
            let shares = [0.5, 0.95, 0.3, 0.9999];
            let mut census = TwoPassQuantiles::new();
            for part in &mut parts {
                let median = Unsorted::new(&mut part.clone()).median();
                assert_eq!(census.add(part), median);
            }
            census.request(&shares);
            parts.iter().flatten().for_each(|&value| census.collect_if_requested(value));
            census.sort();
            for share in shares.into_iter().chain([0.0, 1.0]) {
                assert_eq!(census.quantile(share), sorted.quantile(share), "{share}");
            }
            parts.reverse();
        }
        assert_eq!(TwoPassQuantiles::new().quantile(0.5), None);
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

    #[test]
    fn a_union_of_sorted_lists_is_the_sorted_union() {
        fn case<D: Observation + std::fmt::Debug>(a: &[D], b: &[D], c: &[D]) {
            let mut all = [a, b, c].concat();
            D::sort(&mut all);
            let expected: Vec<f64> = all.iter().map(|value| value.seconds()).collect();
            let union = SortedUnion([a, b, c]);
            let found: Vec<f64> = (0..union.len()).map(|place| union.at(place)).collect();
            assert_eq!(found, expected);
            assert_eq!(union.median_absolute_deviation(), expected.median_absolute_deviation());
        }
        case(&[1000_u32, 2000, 2000, 9000], &[500, 2000, 9500], &[]);
        case::<u32>(&[], &[], &[]);
        case(&[u32::MAX], &[0], &[0, 0, 7]);
        case(&[-1.5, 0.25, 1e300], &[-2.0, 0.0], &[0.125]);
    }

    #[test]
    fn many_values_are_sorted_by_their_digits() {
        for top in [0, 1, 11, 12, 22, 31] {
            let mut values: Vec<u32> =
                (0..300_000_u32).map(|n| n.wrapping_mul(0x9e37_79b9) >> (31 - top)).collect();
            let mut expected = values.clone();
            expected.sort_unstable();
            u32::sort(&mut values);
            assert_eq!(values, expected);
        }
    }

    #[test]
    fn a_median_needs_no_order() {
        assert_eq!(median::<u32>(&mut []), None);
        assert_eq!(median(&mut [3000_u32]), Some(3.0));
        assert_eq!(median(&mut [3000_u32, 1000]), Some(2.0));
        assert_eq!(median(&mut [9.5, -1.0, 0.5]), Some(0.5));
    }
}

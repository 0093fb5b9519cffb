//! Quantiles, spread, rates and the rank test: small, exact, and checked against other tools.

/// Durations in ascending order.
pub trait Sorted {
    fn len(&self) -> usize;
    /// The value with so many below it.
    fn at(&self, place: usize) -> f64;

    /// Hyndman and Fan's type 7, as in NumPy, R and spreadsheets: linear between neighbours.
    #[expect(clippy::cast_precision_loss, reason = "2^53 runs are out of reach")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= share <= 1")]
    fn quantile(&self, share: f64) -> Option<f64> {
        let last = self.len().checked_sub(1)?;
        let place = last as f64 * share;
        let below = (place as usize).min(last);
        let low = self.at(below);
        let part = place - below as f64;
        // Not only quicker: infinity is no neighbour to be linear to.
        if part == 0.0 {
            return Some(low);
        }
        Some(low + (self.at((below + 1).min(last)) - low) * part)
    }

    fn median(&self) -> Option<f64> {
        self.quantile(0.5)
    }

    /// Median of the distances from the median, unscaled.
    fn median_deviation(&self) -> Option<f64> {
        let center = self.median()?;
        // Downwards from the middle and upwards from it, distances grow: two sorted lists.
        let middle = first(self.len(), |place| self.at(place) >= center);
        let below = |place: usize| center - self.at(middle - 1 - place);
        let above = |place: usize| self.at(middle + place) - center;
        let (left, right) = (middle, self.len() - middle);
        let nearest = |rank: usize| {
            let most = left.min(rank);
            let least = rank.saturating_sub(right);
            // How many of the `rank` nearer ones lie below the middle.
            let taken = least
                + first(most - least, |taken| {
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

/// The first place below `count` for which it holds, as for a sorted list.
fn first(count: usize, holds: impl Fn(usize) -> bool) -> usize {
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
pub fn below(sorted: &impl Sorted, seconds: f64) -> usize {
    first(sorted.len(), |place| sorted.at(place) >= seconds)
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
pub trait Duration: Copy + Send {
    fn seconds(self) -> f64;
    /// Orders as the value does.
    fn key(self) -> u64;
    fn of_key(key: u64) -> Self;
    fn sort(values: &mut [Self]);
    /// Puts the value at its place as if sorted, no smaller one after it and no greater one before it.
    fn select(values: &mut [Self], place: usize) -> Self;
}

impl Duration for u32 {
    fn seconds(self) -> f64 {
        f64::from(self) / 1000.0
    }

    fn key(self) -> u64 {
        u64::from(self)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a key of ours")]
    fn of_key(key: u64) -> Self {
        key as u32
    }

    fn sort(values: &mut [Self]) {
        values.sort_unstable();
    }

    fn select(values: &mut [Self], place: usize) -> Self {
        *values.select_nth_unstable(place).1
    }
}

impl Duration for f64 {
    fn seconds(self) -> f64 {
        self
    }

    fn key(self) -> u64 {
        let bits = self.to_bits();
        if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
    }

    fn of_key(key: u64) -> Self {
        Self::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
    }

    fn sort(values: &mut [Self]) {
        values.sort_unstable_by(Self::total_cmp);
    }

    fn select(values: &mut [Self], place: usize) -> Self {
        *values.select_nth_unstable_by(place, Self::total_cmp).1
    }
}

/// Several sorted lists as one, without merging them.
pub struct Union<'a, D>(pub [&'a [D]; 3]);

impl<D: Duration> Sorted for Union<'_, D> {
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
        D::of_key(low).seconds()
    }
}

/// Of values in any order, which they lose.
pub fn median<D: Duration>(values: &mut [D]) -> Option<f64> {
    let upper = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let high = D::select(values, upper);
    if values.len() % 2 == 1 {
        return Some(high.seconds());
    }
    let low = values[..upper].iter().copied().max_by_key(|value| value.key())?;
    let (low, high) = (low.seconds(), high.seconds());
    Some(low + (high - low) * 0.5)
}

/// Wilson's score interval of a share, 95 %.
#[expect(clippy::cast_precision_loss, reason = "2^53 runs are out of reach")]
pub fn wilson(hits: u64, of: u64) -> Option<(f64, f64)> {
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
pub fn rank_test(a: &[f64], b: &[f64]) -> f64 {
    let (na, nb) = (a.len() as f64, b.len() as f64);
    let n = na + nb;
    let (mut i, mut j) = (0, 0);
    let (mut rank_sum, mut ties) = (0.0, 0.0);
    while i < a.len() || j < b.len() {
        let value = match (a.get(i), b.get(j)) {
            (Some(&a), Some(&b)) => a.min(b),
            (Some(&one), None) | (None, Some(&one)) => one,
            (None, None) => break,
        };
        let before = (i + j) as f64;
        let in_a = a[i..].iter().take_while(|&&other| other <= value).count();
        let in_b = b[j..].iter().take_while(|&&other| other <= value).count();
        let tied = (in_a + in_b) as f64;
        rank_sum += in_a as f64 * (before + (tied + 1.0) / 2.0);
        ties += tied * tied * tied - tied;
        i += in_a;
        j += in_b;
    }
    let u = rank_sum - na * (na + 1.0) / 2.0;
    let u = u.max(na * nb - u);
    let deviation = (na * nb / 12.0 * ((n + 1.0) - ties / (n * (n - 1.0)))).sqrt();
    if deviation.is_nan() || deviation <= 0.0 {
        return 1.0;
    }
    let z = (u - na * nb / 2.0 - 0.5) / deviation;
    both_tails(z)
}

/// The share of a normal distribution that lies beyond z on both sides, at most 1.
fn both_tails(z: f64) -> f64 {
    if z <= 0.0 {
        return 1.0;
    }
    let x = z / std::f64::consts::SQRT_2;
    let scale = (-x * x).exp() / std::f64::consts::PI.sqrt();
    if x < 2.5 {
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
    let tail = (1..=100).rev().fold(x, |tail, step| x + f64::from(step) / 2.0 / tail);
    scale / tail
}

//! How long a run took.

const EXACT_TAG: u32 = 1 << 31;

/// How long a run took: most durations are whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RunDuration {
    Milliseconds(u32),
    Seconds(f64),
}

impl RunDuration {
    pub fn seconds(self) -> f64 {
        match self {
            Self::Milliseconds(milliseconds) => f64::from(milliseconds) / 1000.0,
            Self::Seconds(seconds) => seconds,
        }
    }

    /// The exact whole number of milliseconds, if it is one and not out of the ordinary.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked right after")]
    pub fn from_seconds(seconds: f64) -> Self {
        let milliseconds = (seconds * 1000.0).round() as u32;
        let exact = Self::Milliseconds(milliseconds);
        #[expect(clippy::float_cmp, reason = "the same value, or it is kept as it is")]
        if milliseconds < EXACT_TAG && exact.seconds() == seconds { exact } else { Self::Seconds(seconds) }
    }

    /// How a row says it that has these exact values beside it.
    pub fn encode(self, exact: &mut Vec<f64>) -> u32 {
        match self {
            Self::Milliseconds(milliseconds) => milliseconds,
            Self::Seconds(seconds) => {
                exact.push(seconds);
                EXACT_TAG | u32::try_from(exact.len() - 1).expect("fewer than 2^31 rows in a chunk")
            }
        }
    }

    /// Of a row with this duration, among these exact values.
    pub fn decode(duration: u32, exact: &[f64]) -> Self {
        if duration < EXACT_TAG {
            Self::Milliseconds(duration)
        } else {
            Self::Seconds(exact[(duration - EXACT_TAG) as usize])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_exact() {
        for seconds in [0.0, 0.001, 1.005, 12.346, 2_147_483.647, 2_147_483.648, -1.5, 1e300, 0.1 + 0.2] {
            assert!((RunDuration::from_seconds(seconds).seconds() - seconds).abs() <= 0.0, "{seconds}");
        }
        assert_eq!(RunDuration::from_seconds(1.005), RunDuration::Milliseconds(1005));
        assert_eq!(RunDuration::from_seconds(0.0004), RunDuration::Seconds(0.0004));
    }
}

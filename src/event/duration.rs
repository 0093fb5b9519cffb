//! How long a run took.

/// Set in an encoded duration that is an index.
const EXACT_TAG: u32 = 1 << 31;

/// An encoded duration that is not known. No index is that great.
const UNKNOWN: u32 = u32::MAX;

/// Most durations are whole milliseconds, which take four bytes; the others are kept exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RunDuration {
    Milliseconds(u32),
    Seconds(f64),
    /// Missing, negative or no number: it is in no statistics of durations.
    Unknown,
}

impl RunDuration {
    pub fn seconds(self) -> Option<f64> {
        match self {
            Self::Milliseconds(milliseconds) => Some(f64::from(milliseconds) / 1000.0),
            Self::Seconds(seconds) => Some(seconds),
            Self::Unknown => None,
        }
    }

    /// `Milliseconds` if they mean exactly the same number and are fewer than 2^31 (24 days).
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked right after")]
    pub fn from_seconds(seconds: f64) -> Self {
        let milliseconds = (seconds * 1000.0).round() as u32;
        let exact = Self::Milliseconds(milliseconds);
        if milliseconds < EXACT_TAG && exact.seconds() == Some(seconds) {
            exact
        } else {
            Self::Seconds(seconds)
        }
    }

    /// As a row holds it: milliseconds, or [`EXACT_TAG`] and an index into the exact values beside the rows.
    pub fn encode(self, exact: &mut Vec<f64>) -> u32 {
        match self {
            Self::Milliseconds(milliseconds) => milliseconds,
            Self::Seconds(seconds) => {
                exact.push(seconds);
                EXACT_TAG | u32::try_from(exact.len() - 1).expect("fewer than 2^31 rows in a chunk")
            }
            Self::Unknown => UNKNOWN,
        }
    }

    /// The reverse of [`RunDuration::encode`].
    pub fn decode(duration: u32, exact: &[f64]) -> Self {
        if duration < EXACT_TAG {
            Self::Milliseconds(duration)
        } else if duration == UNKNOWN {
            Self::Unknown
        } else {
            Self::Seconds(exact[(duration - EXACT_TAG) as usize])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_kept_exactly() {
        for seconds in [0.0, 0.001, 1.005, 12.346, 2_147_483.647, 2_147_483.648, 1e300, 0.1 + 0.2] {
            assert_eq!(RunDuration::from_seconds(seconds).seconds(), Some(seconds));
        }
        assert_eq!(RunDuration::from_seconds(1.005), RunDuration::Milliseconds(1005));
        assert_eq!(RunDuration::from_seconds(0.0004), RunDuration::Seconds(0.0004));
    }
}

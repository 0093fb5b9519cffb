//! Quantities and how they are shown: the one place where a number of seconds or bytes becomes text.

use std::fmt;

/// A number of seconds, for showing. At most seven columns wide up to 99 days; rounds first, then
/// chooses the unit, so 59.6 s is `1m 00s` and never `60s`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Seconds(pub f64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

impl Seconds {
    #[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, which is what is wanted")]
    fn text(self) -> String {
        let Self(seconds) = self;
        if seconds < 0.0 {
            return format!("-{}", Self(-seconds).text());
        }
        if seconds == 0.0 {
            return "0.00s".into();
        }
        if seconds < 0.005 {
            return "<0.01s".into();
        }
        if (seconds * 100.0).round() < 100.0 {
            return format!("{:.2}s", (seconds * 100.0).round() / 100.0);
        }
        if (seconds * 10.0).round() < 100.0 {
            return format!("{:.1}s", (seconds * 10.0).round() / 10.0);
        }
        let whole = seconds.round() as i64;
        if whole < 60 {
            return format!("{whole}s");
        }
        if whole < 3600 {
            return format!("{}m {:02}s", whole / 60, whole % 60);
        }
        let minutes = (seconds / 60.0).round() as i64;
        if minutes < 24 * 60 {
            return format!("{}h {:02}m", minutes / 60, minutes % 60);
        }
        let hours = (seconds / 3600.0).round() as i64;
        format!("{}d {:02}h", hours / 24, hours % 24)
    }
}

/// A number of bytes, shown in IEC units (base 1024) with the exact figure beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl Bytes {
    /// In IEC units, without the exact figure.
    pub fn short(self) -> String {
        let Self(bytes) = self;
        if bytes < 1024 {
            return format!("{bytes} bytes");
        }
        let mut tenths = (u128::from(bytes) * 10 + 512) / 1024;
        let mut unit = 0;
        while tenths >= 10_240 && unit < 5 {
            tenths = (tenths + 512) / 1024;
            unit += 1;
        }
        let name = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][unit];
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())?;
        if self.0 < 1024 { Ok(()) } else { write!(f, " ({} bytes)", self.0) }
    }
}

/// A signal's number, standard or real-time (signal(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalNumber(pub i32);

/// How a process ended: wait(2) tells these two apart, and so must whoever passes it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReason {
    Exited(u8),
    Signaled(SignalNumber),
}

impl ExitReason {
    /// What a shell shows as `$?`: the code, or 128+n after death by signal n.
    pub fn shell_code(self) -> i32 {
        match self {
            Self::Exited(code) => i32::from(code),
            Self::Signaled(SignalNumber(number)) => 128 + number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_first_and_then_choose_the_unit() {
        #[track_caller]
        fn case(seconds: f64, text: &str) {
            assert_eq!(Seconds(seconds).to_string(), text);
        }
        case(0.0, "0.00s");
        case(0.004, "<0.01s");
        case(0.005, "0.01s");
        case(0.42, "0.42s");
        case(0.994, "0.99s");
        case(0.996, "1.0s");
        case(2.14, "2.1s");
        case(9.94, "9.9s");
        case(9.96, "10s");
        case(44.4, "44s");
        case(59.6, "1m 00s");
        case(185.0, "3m 05s");
        case(3599.4, "59m 59s");
        case(3599.6, "1h 00m");
        case(44_820.0, "12h 27m");
        case(86_399.0, "1d 00h");
        case(183_600.0, "2d 03h");
        case(-2.0, "-2.0s");
    }

    #[test]
    fn sizes_use_iec_units_and_keep_the_exact_figure() {
        assert_eq!(Bytes(0).to_string(), "0 bytes");
        assert_eq!(Bytes(12_610).to_string(), "12.3 KiB (12610 bytes)");
        assert_eq!(Bytes(144_691).to_string(), "141.3 KiB (144691 bytes)");
        assert_eq!(Bytes(u64::MAX).to_string(), "16.0 EiB (18446744073709551615 bytes)");
    }

    #[test]
    fn a_death_by_signal_is_128_and_its_number_in_a_shell() {
        assert_eq!(ExitReason::Signaled(SignalNumber(9)).shell_code(), 137);
        assert_eq!(ExitReason::Exited(255).shell_code(), 255);
    }
}

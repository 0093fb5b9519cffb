//! What an exit code means. Nothing else decides this.

use std::borrow::Cow;

/// Interrupted runs were stopped from outside. They are shown, but count in no success rate and no usual duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    Failed,
    Interrupted,
}

use Outcome::{Failed, Interrupted, Ok};

impl Outcome {
    /// GNU Make 4.3 exits with 2 for any failed recipe, even one whose terminal was closed. Such interrupted runs cannot
    /// be told from failed ones here.
    pub fn from_exit_code(target: &str, exit_code: i64) -> Self {
        classify(target, exit_code).0
    }
}

/// For display: `ok`, `Ctrl-C`, `killed`, `exit 2`.
pub fn label(target: &str, exit_code: i64) -> Cow<'static, str> {
    match classify(target, exit_code).1 {
        "" => format!("exit {}", shell_code(exit_code)).into(),
        name => name.into(),
    }
}

/// The code that a shell shows: Python's subprocess reports death by signal n as -n, a shell as 128+n.
pub fn shell_code(exit_code: i64) -> i64 {
    if exit_code < 0 { exit_code.saturating_neg().saturating_add(128) } else { exit_code }
}

fn classify(target: &str, exit_code: i64) -> (Outcome, &'static str) {
    match shell_code(exit_code) {
        0 => (Ok, "ok"),
        130 => (Interrupted, "Ctrl-C"),
        143 => (Interrupted, "TERM"),
        129 => (Interrupted, "HUP"),
        131 => (Interrupted, "QUIT"),
        141 => (Interrupted, "PIPE"),
        // Ansible's own code for a KeyboardInterrupt.
        99 if target == "ansible" || target.starts_with("ansible-") => (Interrupted, "Ctrl-C (ansible)"),
        // Mostly the kernel, out of memory, or `timeout -s KILL`. That is a failure.
        137 => (Failed, "killed"),
        134 => (Failed, "abort"),
        135 => (Failed, "bus error"),
        136 => (Failed, "fpe"),
        139 => (Failed, "segfault"),
        124 => (Failed, "timed out"),
        125 => (Failed, "wrapper failed"),
        126 => (Failed, "not executable"),
        127 => (Failed, "not found"),
        _ => (Failed, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_code_has_an_outcome_and_a_label() {
        #[track_caller]
        fn case(target: &str, exit_code: i64, outcome: Outcome, text: &str) {
            assert_eq!(Outcome::from_exit_code(target, exit_code), outcome);
            assert_eq!(label(target, exit_code), text);
        }
        case("apply", 0, Ok, "ok");
        case("apply", 1, Failed, "exit 1");
        case("apply", 2, Failed, "exit 2");
        case("apply", 130, Interrupted, "Ctrl-C");
        case("apply", -2, Interrupted, "Ctrl-C");
        case("apply", 143, Interrupted, "TERM");
        case("apply", -15, Interrupted, "TERM");
        case("apply", 129, Interrupted, "HUP");
        case("apply", 131, Interrupted, "QUIT");
        case("apply", 141, Interrupted, "PIPE");
        case("apply", 137, Failed, "killed");
        case("apply", -9, Failed, "killed");
        case("apply", 134, Failed, "abort");
        case("apply", 135, Failed, "bus error");
        case("apply", 136, Failed, "fpe");
        case("apply", 139, Failed, "segfault");
        case("apply", 124, Failed, "timed out");
        case("apply", 125, Failed, "wrapper failed");
        case("apply", 126, Failed, "not executable");
        case("apply", 127, Failed, "not found");
        case("apply", 99, Failed, "exit 99");
        case("ansible", 99, Interrupted, "Ctrl-C (ansible)");
        case("ansible-playbook", 99, Interrupted, "Ctrl-C (ansible)");
        case("ansibled", 99, Failed, "exit 99");
        case("apply", -40, Failed, "exit 168");
        case("apply", i64::MIN, Failed, &format!("exit {}", i64::MAX));
    }
}

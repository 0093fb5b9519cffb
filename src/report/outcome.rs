//! What an exit code says about a run: the one place that decides.

/// How a run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    Failed,
    /// Somebody or something ended it early: rated neither way.
    Interrupted,
}

/// The codes are those of a shell: 128+n is death by signal n (`make` hit by Ctrl-C ends with 130).
pub fn outcome(target: &str, code: i64) -> Outcome {
    match shell_code(code) {
        0 => Outcome::Ok,
        // HUP, INT, QUIT, PIPE, TERM.
        129 | 130 | 131 | 141 | 143 => Outcome::Interrupted,
        // Ansible's own code for a Ctrl-C.
        99 if is_ansible(target) => Outcome::Interrupted,
        _ => Outcome::Failed,
    }
}

/// How a code is called in a listing.
pub fn label(target: &str, code: i64) -> String {
    let code = shell_code(code);
    let name = match code {
        0 => return "ok".to_owned(),
        99 if is_ansible(target) => "Ctrl-C (ansible)",
        124 => "timed out",
        125 => "wrapper failed",
        126 => "not executable",
        127 => "not found",
        129 => "HUP",
        130 => "Ctrl-C",
        131 => "QUIT",
        134 => "abort",
        135 => "bus error",
        136 => "fpe",
        137 => "killed",
        139 => "segfault",
        141 => "PIPE",
        143 => "TERM",
        _ => return format!("exit {code}"),
    };
    name.to_owned()
}

/// Some loggers write -n for death by signal n.
pub fn shell_code(code: i64) -> i64 {
    if (-127..0).contains(&code) { 128 - code } else { code }
}

fn is_ansible(target: &str) -> bool {
    target == "ansible" || target.starts_with("ansible-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_interruptions_are_not_failures() {
        for code in [129, 130, 131, 141, 143, -1, -2, -3, -13, -15] {
            assert_eq!(outcome("apply", code), Outcome::Interrupted, "{code}");
        }
        for code in [1, 2, 99, 124, 127, 137, 139, -9, -11, 255] {
            assert_eq!(outcome("apply", code), Outcome::Failed, "{code}");
        }
        assert_eq!(outcome("ansible-playbook", 99), Outcome::Interrupted);
        assert_eq!(outcome("ansiblex", 99), Outcome::Failed);
    }

    #[test]
    fn codes_have_the_names_people_know() {
        assert_eq!(label("apply", -2), "Ctrl-C");
        assert_eq!(label("apply", 2), "exit 2");
        assert_eq!(label("ansible", 99), "Ctrl-C (ansible)");
        assert_eq!(label("apply", 137), "killed");
    }
}

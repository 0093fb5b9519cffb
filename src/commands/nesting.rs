//! One run, one event: a run inside a run of the same target is part of that run.
//!
//! `TM_RUN_ACTIVE` lists the runs that are being recorded around us, as `pid:target` with commas between. In a
//! target `%` and `,` are written as `%25` and `%2C`.

use crate::run::ancestry;

pub const VARIABLE: &str = "TM_RUN_ACTIVE";

/// Whether a tm-run that is our ancestor records this target already. The value alone is not believed: it leaks
/// into terminal multiplexers and daemons that outlive the run.
pub fn is_recorded_around_us(value: &[u8], target: &str) -> bool {
    let written = escaped(target);
    let pids: Vec<i32> = value
        .split(|&byte| byte == b',')
        .filter_map(|entry| {
            let entry = std::str::from_utf8(entry).ok()?;
            let (pid, name) = entry.split_once(':')?;
            (name.as_bytes() == written).then(|| pid.parse().ok())?
        })
        .collect();
    if pids.is_empty() {
        return false;
    }
    let mut ancestors = ancestry::ancestors(nix::unistd::getpid().as_raw());
    let Some(own) = ancestors.next() else { return false };
    // A number can be used again, so the ancestor must also be called what we are.
    ancestors.any(|ancestor| pids.contains(&ancestor.pid) && ancestor.comm == own.comm)
}

/// The target that the tm-run of this pid records, as it has told its command.
pub fn target_of(value: &[u8], pid: i32) -> Option<String> {
    let value = String::from_utf8_lossy(value);
    let mut entries = value.rsplit(',').filter_map(|entry| entry.split_once(':'));
    let (_, name) = entries.find(|(number, _)| number.parse() == Ok(pid))?;
    Some(name.replace("%2C", ",").replace("%25", "%"))
}

/// The variable as the command gets it, `NAME=value`. `pid`: of the tm-run that records it.
pub fn with(value: Option<&[u8]>, pid: i32, target: &str) -> Vec<u8> {
    let (value, comma): (&[u8], &[u8]) = match value {
        Some(value) if !value.is_empty() => (value, b","),
        _ => (b"", b""),
    };
    [VARIABLE.as_bytes(), b"=", value, comma, pid.to_string().as_bytes(), b":", &escaped(target)].concat()
}

fn escaped(target: &str) -> Vec<u8> {
    let mut written = Vec::with_capacity(target.len());
    for &byte in target.as_bytes() {
        match byte {
            b'%' => written.extend_from_slice(b"%25"),
            b',' => written.extend_from_slice(b"%2C"),
            _ => written.push(byte),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_that_is_no_ancestor_is_not_believed() {
        assert!(!is_recorded_around_us(b"999999999:apply", "apply"));
        assert!(!is_recorded_around_us(b"1:apply", "apply"));
        assert!(!is_recorded_around_us(b"", "apply"));
        assert!(!is_recorded_around_us(b":,,x:apply,7", "apply"));
    }

    #[test]
    fn the_list_grows_at_its_end_and_keeps_names_apart() {
        assert_eq!(with(None, 42, "a,b%"), b"TM_RUN_ACTIVE=42:a%2Cb%25");
        assert_eq!(with(Some(b"7:x"), 42, "y"), b"TM_RUN_ACTIVE=7:x,42:y");
    }

    #[test]
    fn each_target_in_the_list_is_found_by_its_pid() {
        for name in ["apply", "a,b%", "%2C", "%25", "a:b", ""] {
            let list = with(Some(b"7:x"), 42, name);
            let value = &list[VARIABLE.len() + 1..];
            assert_eq!(target_of(value, 42).as_deref(), Some(name));
            assert_eq!(target_of(value, 7).as_deref(), Some("x"));
            assert_eq!(target_of(value, 8), None);
        }
        assert_eq!(target_of(b"\xff,:,x:y,9:z", 9).as_deref(), Some("z"));
    }
}

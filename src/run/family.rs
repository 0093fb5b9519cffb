//! Who descends from whom (proc(5), `stat`).

use std::fs;

use crate::sys::{self, Links, Text};

/// A process that still runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relative {
    pub pid: i32,
    /// The first 15 bytes of its program's name.
    pub name: Vec<u8>,
}

/// Whether what we fork would live in another PID namespace than we (pid_namespaces(7)): `unshare -p` without
/// `--fork` leaves us so. Our first child would be its init, which the command must not become by our doing.
pub fn would_live_elsewhere() -> bool {
    let of_children = Text::of(c"/proc/self/ns/pid_for_children");
    let ours = sys::identity(Text::of(c"/proc/self/ns/pid"), Links::Follow);
    match (ours, sys::identity(of_children, Links::Follow)) {
        (Some(ours), Some(theirs)) => ours != theirs,
        // It leads nowhere until the first child is there. Before Linux 4.12 there is no such link.
        (Some(_), None) => sys::identity(of_children, Links::Stay).is_some(),
        // Without /proc nothing is known, and to be wrong is to wait for ever: the namespace of such a child does not end
        // before our other child in it is waited for.
        (None, _) => true,
    }
}

/// The process itself, its parent, and so on, as far as they can be seen from here.
pub fn line_of(pid: i32) -> impl Iterator<Item = Relative> {
    let mut next = pid;
    std::iter::from_fn(move || {
        if next <= 0 {
            return None;
        }
        let stat = fs::read(format!("/proc/{next}/stat")).ok()?;
        let (name, parent) = name_and_parent(&stat)?;
        let relative = Relative { pid: next, name: name.to_vec() };
        next = parent;
        Some(relative)
    })
}

fn name_and_parent(stat: &[u8]) -> Option<(&[u8], i32)> {
    // The name may hold spaces and parentheses; the fields behind it hold neither.
    let open = stat.iter().position(|&byte| byte == b'(')?;
    let close = stat.iter().rposition(|&byte| byte == b')')?;
    let mut fields = std::str::from_utf8(stat.get(close + 1..)?).ok()?.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    Some((stat.get(open + 1..close)?, parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        assert_eq!(name_and_parent(b"42 (a) b (c) S 7 42 42 0"), Some((&b"a) b (c"[..], 7)));
        assert_eq!(name_and_parent(b"42 (x"), None);
        assert_eq!(name_and_parent(b""), None);
    }

    #[test]
    fn the_line_begins_with_oneself_and_goes_on_with_the_parent() {
        let own = i32::try_from(std::process::id()).unwrap();
        let pids: Vec<i32> = line_of(own).map(|relative| relative.pid).take(2).collect();
        assert_eq!(pids, [own, nix::unistd::getppid().as_raw()]);
    }
}

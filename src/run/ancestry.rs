//! Which process descends from which (proc(5), `stat`), and in which PID namespace our children would be.

use std::fs;

use nix::sys::stat::{lstat, stat};

/// A process, as far as /proc tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcStat {
    pub pid: i32,
    /// The first 15 bytes of its program's name.
    pub comm: Vec<u8>,
}

/// Whether a child of ours would be in another PID namespace than we are, or we cannot know (pid_namespaces(7)):
/// `unshare -p` without `--fork` has that effect. Our first child would be init there, which the command must not become
/// by our doing.
pub fn child_in_other_pid_namespace() -> bool {
    const OF_CHILDREN: &str = "/proc/self/ns/pid_for_children";
    match (stat("/proc/self/ns/pid"), stat(OF_CHILDREN)) {
        (Ok(ours), Ok(theirs)) => (ours.st_dev, ours.st_ino) != (theirs.st_dev, theirs.st_ino),
        // The link leads nowhere until the first child is there. Before Linux 4.12 there is no such link.
        (Ok(_), Err(_)) => lstat(OF_CHILDREN).is_ok(),
        // Without /proc we cannot know, and to be wrong is to wait forever: the namespace of such a child does not end
        // before our other child in it is waited for.
        (Err(_), _) => true,
    }
}

/// The process itself, its parent, and so on, as far as they can be seen from here.
pub fn ancestors(pid: i32) -> impl Iterator<Item = ProcStat> {
    let mut next = pid;
    std::iter::from_fn(move || {
        if next <= 0 {
            return None;
        }
        let line = fs::read(format!("/proc/{next}/stat")).ok()?;
        let (comm, parent) = comm_and_parent(&line)?;
        let found = ProcStat { pid: next, comm: comm.to_vec() };
        next = parent;
        Some(found)
    })
}

fn comm_and_parent(line: &[u8]) -> Option<(&[u8], i32)> {
    // The name may hold spaces and parentheses; the fields behind it hold neither.
    let open = line.iter().position(|&byte| byte == b'(')?;
    let close = line.iter().rposition(|&byte| byte == b')')?;
    let mut fields = std::str::from_utf8(line.get(close + 1..)?).ok()?.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    Some((line.get(open + 1..close)?, parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_stat_name_may_hold_parentheses_and_spaces() {
        assert_eq!(comm_and_parent(b"42 (a) b (c) S 7 42 42 0"), Some((&b"a) b (c"[..], 7)));
        assert_eq!(comm_and_parent(b"42 (x"), None);
        assert_eq!(comm_and_parent(b""), None);
    }

    #[test]
    fn ancestors_begin_with_the_process_itself_and_its_parent() {
        let own = i32::try_from(std::process::id()).unwrap();
        let pids: Vec<i32> = ancestors(own).map(|process| process.pid).take(2).collect();
        assert_eq!(pids, [own, nix::unistd::getppid().as_raw()]);
    }
}

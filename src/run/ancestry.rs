//! What /proc says of processes (proc(5), `stat`), and in which PID namespace our children would be.

use std::fs;

use nix::libc::ino_t;
use nix::sys::stat::{lstat, stat};

/// A process, as far as /proc tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcStat {
    pub pid: i32,
    /// The first 15 bytes of its program's name.
    pub comm: Vec<u8>,
    /// `T`: stopped by a signal. `Z`: a zombie.
    pub state: u8,
    pub parent: i32,
    /// Clock ticks from the machine's start to its own.
    pub start_ticks: u64,
}

impl ProcStat {
    /// `None`: there is no such process, or it cannot be seen from here.
    pub fn read(pid: i32) -> Option<Self> {
        Self::parse(pid, &fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(pid: i32, line: &[u8]) -> Option<Self> {
        // The name may hold spaces and parentheses; the fields behind it hold neither.
        let open = line.iter().position(|&byte| byte == b'(')?;
        let close = line.iter().rposition(|&byte| byte == b')')?;
        let mut fields = std::str::from_utf8(line.get(close + 1..)?).ok()?.split_ascii_whitespace();
        Some(Self {
            pid,
            comm: line.get(open + 1..close)?.to_vec(),
            // Fields 3, 4 and 22.
            state: *fields.next()?.as_bytes().first()?,
            parent: fields.next()?.parse().ok()?,
            start_ticks: fields.nth(17)?.parse().ok()?,
        })
    }
}

/// Whether a child of ours would be in another PID namespace than we are, or we cannot know (pid_namespaces(7)):
/// `unshare -p` without `--fork` has that effect. Our first child would be init there, which the command must not become
/// by our doing.
pub fn child_in_other_pid_namespace() -> bool {
    const OF_CHILDREN: &str = "/proc/self/ns/pid_for_children";
    // The first PID namespace (linux/nsfs.h, `PID_NS_INIT_INO`), in which nobody's children are but its own. This spares
    // most runs the second look: each takes longer than any other system call here.
    const INITIAL: ino_t = 0xEFFF_FFFC;
    let of_children = stat(OF_CHILDREN);
    if of_children.is_ok_and(|found| found.st_ino == INITIAL) {
        return false;
    }
    match (stat("/proc/self/ns/pid"), of_children) {
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
        let found = ProcStat::read(next)?;
        next = found.parent;
        Some(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_stat_name_may_hold_parentheses_and_spaces() {
        let line = b"42 (a) b (c) T 7 42 42 0 -1 4194560 0 0 0 0 1 2 0 0 20 0 1 0 4711 8192 77";
        let expected =
            ProcStat { pid: 42, comm: b"a) b (c".to_vec(), state: b'T', parent: 7, start_ticks: 4711 };
        assert_eq!(ProcStat::parse(42, line), Some(expected));
        assert_eq!(ProcStat::parse(42, b"42 (x"), None);
        assert_eq!(ProcStat::parse(42, b""), None);
    }

    #[test]
    fn ancestors_begin_with_the_process_itself_and_its_parent() {
        let own = i32::try_from(std::process::id()).unwrap();
        let pids: Vec<i32> = ancestors(own).map(|process| process.pid).take(2).collect();
        assert_eq!(pids, [own, nix::unistd::getppid().as_raw()]);
    }
}

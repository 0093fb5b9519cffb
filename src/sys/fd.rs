//! Descriptors that we were handed.

use std::ffi::c_int;
use std::io::IoSlice;
use std::os::unix::fs::MetadataExt as _;

use nix::libc;
use syscalls::{Sysno, syscall};

/// Closes every descriptor, for a process that needs none (close_range(2); without it, one by one).
pub fn close_all() {
    // SAFETY: close_range takes numbers; this process uses no descriptor again.
    if unsafe { syscall!(Sysno::close_range, 0, c_int::MAX, 0) }.is_ok() {
        return;
    }
    for fd in 0..1024 {
        // SAFETY: as above.
        let _ = unsafe { syscall!(Sysno::close, fd) };
    }
}

/// Writes to standard error, in one call, and sets no `errno` (writev(2)).
pub fn write_to_stderr(parts: &[IoSlice<'_>]) {
    // SAFETY: an IoSlice is an iovec on Unix, and all of them are live. Standard error may be closed: then nobody is there
    // to be told.
    let _ = unsafe { syscall!(Sysno::writev, libc::STDERR_FILENO, parts.as_ptr(), parts.len()) };
}

/// Goes to the root directory, so that the one we were started in can be unmounted when the command has left it.
pub fn leave_directory() {
    // SAFETY: the path is a NUL-terminated string.
    let _ = unsafe { syscall!(Sysno::chdir, c"/".as_ptr()) };
}

/// Closes what we hold only because the command was to inherit it. As long as we hold it, the command's closing of its own
/// copy has no effect: a pipe's other end sees no end, a terminal is not hung up, a lock (flock(2)) stays, a file system
/// cannot be unmounted. A file on which this process has a POSIX lock stays open, for closing it would drop that lock
/// (fcntl(2)).
pub fn close_inherited() {
    let mut dev_null = None;
    let mut standard = 0;
    for fd in 0..=2 {
        let Some(stat) = file_stat(fd) else { continue };
        standard += 1;
        if !is_dev_null(&stat) && !has_posix_lock(fd, &stat) {
            replace_with_null(fd, &mut dev_null);
        }
    }
    if let Some(fd) = dev_null {
        close(fd);
    }
    // Since Linux 6.2 the size of this directory is the number of open descriptors (proc_pid_fd(5)), which saves reading
    // it in the usual case.
    if std::fs::metadata("/proc/self/fd").is_ok_and(|found| found.size() == standard) {
        return;
    }
    for fd in open_fds() {
        if fd > 2 && file_stat(fd).is_some_and(|stat| !has_posix_lock(fd, &stat)) {
            close(fd);
        }
    }
}

fn open_fds() -> Vec<c_int> {
    match std::fs::read_dir("/proc/self/fd") {
        Ok(entries) => entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect(),
        Err(_) => (3..1024).collect(),
    }
}

/// `None`: the descriptor is closed.
fn file_stat(fd: c_int) -> Option<libc::stat> {
    // SAFETY: stat is plain old data, for which all zeros are a valid value.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live stat structure.
    (unsafe { libc::fstat(fd, &raw mut stat) } == 0).then_some(stat)
}

/// Nobody waits for `/dev/null` to be closed (null(4)).
fn is_dev_null(stat: &libc::stat) -> bool {
    stat.st_mode & libc::S_IFMT == libc::S_IFCHR && stat.st_rdev == libc::makedev(1, 3)
}

/// Whether this process has a POSIX lock on the file (proc_pid_fdinfo(5)). True where that cannot be known.
fn has_posix_lock(fd: c_int, stat: &libc::stat) -> bool {
    // Pipes and sockets have nothing to lock.
    !matches!(stat.st_mode & libc::S_IFMT, libc::S_IFIFO | libc::S_IFSOCK)
        && std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).map_or(true, |info| {
            info.lines().any(|line| line.starts_with("lock:") && line.contains(" POSIX "))
        })
}

fn replace_with_null(fd: c_int, dev_null: &mut Option<c_int>) {
    let source = dev_null.get_or_insert_with(|| {
        // SAFETY: the path is a NUL-terminated string.
        unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) }
    });
    // SAFETY: dup2 takes numbers, and fails if there is no such descriptor. No Rust object owns the standard descriptors.
    if unsafe { libc::dup2(*source, fd) } < 0 {
        close(fd);
    }
}

fn close(fd: c_int) {
    // SAFETY: close takes a number. The callers hand in inherited descriptors, which no Rust object owns.
    unsafe { libc::close(fd) };
}

/// Opens `/dev/null` in place of standard descriptors that we were handed closed, so that no file of ours can be opened
/// under their numbers and be written to as if it were the terminal.
pub fn sanitize_standard_fds() {
    while (0..=2).any(|fd| file_stat(fd).is_none()) {
        // SAFETY: the path is a NUL-terminated string. The lowest free number is taken (open(2)).
        if unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) } < 0 {
            return;
        }
    }
}

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

/// Closes the pipes and sockets that we hold only because the command was to inherit them: as long as we hold them, the
/// command's closing of its own copy is not seen at the other end. Regular files stay open, for closing one would drop its
/// POSIX locks (fcntl(2)); so does the terminal.
pub fn close_inherited_pipes() {
    let is_pipe = |file_type| matches!(file_type, Some(libc::S_IFIFO | libc::S_IFSOCK));
    let mut dev_null = None;
    let mut standard = 0;
    for fd in 0..=2 {
        let file_type = file_type(fd);
        if is_pipe(file_type) {
            replace_with_null(fd, &mut dev_null);
        }
        standard += u64::from(file_type.is_some());
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
        if fd > 2 && is_pipe(file_type(fd)) {
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

/// The file type bits of an open descriptor (inode(7)).
fn file_type(fd: c_int) -> Option<libc::mode_t> {
    // SAFETY: stat is plain old data, for which all zeros are a valid value.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live stat structure.
    (unsafe { libc::fstat(fd, &raw mut stat) } == 0).then_some(stat.st_mode & libc::S_IFMT)
}

fn replace_with_null(fd: c_int, dev_null: &mut Option<c_int>) {
    let source = dev_null.get_or_insert_with(|| {
        // SAFETY: the path is a NUL-terminated string.
        unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) }
    });
    // SAFETY: dup2 takes numbers. No Rust object owns the standard descriptors.
    if *source < 0 || unsafe { libc::dup2(*source, fd) } < 0 {
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
    while (0..=2).any(|fd| file_type(fd).is_none()) {
        // SAFETY: the path is a NUL-terminated string. The lowest free number is taken (open(2)).
        if unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) } < 0 {
            return;
        }
    }
}

//! What is a terminal's.

use nix::libc;

/// The columns of the terminal that standard output is (ioctl_tty(2), `TIOCGWINSZ`).
pub fn width_of_stdout() -> Option<u16> {
    // SAFETY: winsize is plain old data, for which all zeros are a valid value.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live structure of the type that this request fills in.
    let result = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (result == 0 && size.ws_col > 0).then_some(size.ws_col)
}

//! What is read from the environment, in one place.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::store::Store;

/// The variable that asks every program not to record (donottrack.sh).
pub const DO_NOT_TRACK: &str = "DO_NOT_TRACK";

/// The value of `DO_NOT_TRACK` if it forbids recording. Only what plainly means "no" does not: a privacy
/// switch fails closed.
pub fn do_not_track() -> Option<OsString> {
    env::var_os(DO_NOT_TRACK)
        .filter(|value| !value.is_empty() && value != "0" && !value.eq_ignore_ascii_case("false"))
}

/// The user's store. `None` without a home directory that is an absolute path: a relative one would be another
/// store in every directory.
pub fn store() -> Option<Store> {
    home().map(|home| Store::below(&home))
}

fn home() -> Option<PathBuf> {
    // Without HOME the name service would be asked, and it opens sockets (nscd(8), LDAP): no home, no record.
    env::var_os("HOME").filter(|home| !home.is_empty())?;
    home::home_dir().filter(|home| home.is_absolute())
}

//! Making files and directories, for oneself or, as root, for the user whose directory it is.
//!
//! `sudo` that keeps HOME makes root write into a user's home. What root makes there must belong to that user,
//! who could not append to it otherwise, and nothing that the user has put there may lead root elsewhere.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown,
};
use std::path::Path;

use nix::fcntl::{OFlag, openat};
use nix::libc::{O_DIRECTORY, O_NOFOLLOW, O_PATH};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Uid, geteuid};

const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_DIRECTORY: u32 = 0o700;

/// Whose directory it is, seen from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Ours,
    /// Another user's, and its numeric id.
    Theirs(u32),
}

impl Whose {
    pub fn of(directory: &fs::Metadata, us: Uid) -> Self {
        if directory.uid() == us.as_raw() { Self::Ours } else { Self::Theirs(directory.uid()) }
    }
}

fn parent_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// Makes a directory for its owner only, unless it is there already.
///
/// # Errors
/// As mkdir(2). In another user's directory: a link in its place.
pub fn make_directory(path: &Path) -> io::Result<()> {
    // A mask that takes the owner's own rights would keep us out of what we have made.
    let mask = umask(Mode::from_bits_truncate(!PRIVATE_DIRECTORY & 0o777));
    let done = DirBuilder::new().mode(PRIVATE_DIRECTORY).create(path);
    umask(mask);
    match done {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            refuse_link_of_another_user(path)?;
            return match fs::metadata(path) {
                Ok(found) if found.is_dir() => Ok(()),
                Ok(_) => Err(io::Error::new(
                    io::ErrorKind::NotADirectory,
                    format!("'{}' is no directory", path.display()),
                )),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    Err(io::Error::new(error.kind(), format!("'{}' is a link to nowhere", path.display())))
                }
                Err(error) => Err(error),
            };
        }
        Err(error) => return Err(error),
    }
    let made = OpenOptions::new().read(true).custom_flags(O_DIRECTORY | O_NOFOLLOW).open(path)?;
    give_to_owner_of(&fs::metadata(parent_of(path))?, &made)
}

/// Makes an empty file that only its owner may read and write, and opens it for appending.
///
/// # Errors
/// As open(2); a file that is there already is one.
pub fn create(path: &Path) -> io::Result<File> {
    // One directory throughout, whatever its owner makes of its name meanwhile: otherwise a file that root makes
    // in one place could be given to the owner of another.
    let directory = OpenOptions::new().read(true).custom_flags(O_DIRECTORY | O_PATH).open(parent_of(path))?;
    let found = directory.metadata()?;
    if found.uid() != geteuid().as_raw() && !geteuid().is_root() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("the directory belongs to another user (uid {})", found.uid()),
        ));
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let flags = OFlag::O_RDWR | OFlag::O_APPEND | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
    let file = File::from(openat(&directory, name, flags, Mode::from_bits_truncate(PRIVATE_FILE))?);
    file.set_permissions(Permissions::from_mode(PRIVATE_FILE))?;
    give_to_owner_of(&found, &file)?;
    Ok(file)
}

fn give_to_owner_of(directory: &fs::Metadata, file: &File) -> io::Result<()> {
    if !geteuid().is_root() || directory.uid() == 0 {
        return Ok(());
    }
    fchown(file, Some(directory.uid()), Some(directory.gid()))
}

/// Gives a file that takes another one's place the owner and the mode of that one.
pub fn take_after(file: &File, other: &fs::Metadata) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(other.mode() & 0o7777))?;
    if geteuid().is_root() { fchown(file, Some(other.uid()), Some(other.gid())) } else { Ok(()) }
}

/// What stands there; a link itself, if it is one.
///
/// # Errors
/// As lstat(2). The path is a link, and it is in a directory of somebody else: see [`link_of_another_user`].
pub fn refuse_link_of_another_user(path: &Path) -> io::Result<fs::Metadata> {
    let found = fs::symlink_metadata(path)?;
    let is_planted =
        found.is_symlink() && Whose::of(&fs::metadata(parent_of(path))?, geteuid()) != Whose::Ours;
    if is_planted { Err(link_of_another_user(path)) } else { Ok(found) }
}

/// The error for a link that somebody else may have planted.
pub fn link_of_another_user(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("'{}' is a link in another user's directory", path.display()),
    )
}

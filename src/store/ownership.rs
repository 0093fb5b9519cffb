//! Creates files and directories with the right owner: the current user or, for root, the directory's owner.
//!
//! `sudo` can keep HOME, so root may write into a user's home. What root creates there must belong to that user, who
//! could not append to it otherwise; and no symbolic link of that user may lead root elsewhere.

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

use super::Store;

const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_DIRECTORY: u32 = 0o700;

/// The owner of a file or directory, seen from the current user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    CurrentUser,
    /// Another user, by numeric id.
    OtherUser(u32),
}

impl Owner {
    fn of(found: &fs::Metadata, current: Uid) -> Self {
        if found.uid() == current.as_raw() { Self::CurrentUser } else { Self::OtherUser(found.uid()) }
    }
}

impl Store {
    /// The owner of the data directory. Root follows no symbolic link that another user may have planted.
    ///
    /// # Errors
    /// As stat(2), and such a link.
    pub(super) fn directory_owner(&self) -> io::Result<Owner> {
        let current = geteuid();
        if let Some(parent) = self.directory.parent()
            && current.is_root()
        {
            reject_foreign_link(parent)?;
            let found = reject_foreign_link(&self.directory)?;
            if !found.is_symlink() {
                return Ok(Owner::of(&found, current));
            }
        }
        Ok(Owner::of(&fs::metadata(&self.directory)?, current))
    }
}

fn parent_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// Creates a directory with mode 0700, unless it exists.
///
/// # Errors
/// As mkdir(2). In another user's directory: a symbolic link at its path.
pub fn create_directory(path: &Path) -> io::Result<()> {
    // A umask that takes the owner's own rights would lock us out of the new directory.
    let mask = umask(Mode::from_bits_truncate(!PRIVATE_DIRECTORY & 0o777));
    let created = DirBuilder::new().mode(PRIVATE_DIRECTORY).create(path);
    umask(mask);
    match created {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            reject_foreign_link(path)?;
            return match fs::metadata(path) {
                Ok(found) if found.is_dir() => Ok(()),
                Ok(_) => Err(io::Error::new(
                    io::ErrorKind::NotADirectory,
                    format!("'{}' is no directory", path.display()),
                )),
                Err(error) => {
                    Err(io::Error::new(error.kind(), format!("'{}' is a link to nowhere", path.display())))
                }
            };
        }
        Err(error) => return Err(error),
    }
    let directory = OpenOptions::new().read(true).custom_flags(O_DIRECTORY | O_NOFOLLOW).open(path)?;
    chown_to_owner_of(&fs::metadata(parent_of(path))?, &directory)
}

/// Creates an empty file with mode 0600 and opens it for appending.
///
/// # Errors
/// As open(2). An existing file is an error.
pub fn create_file(path: &Path) -> io::Result<File> {
    // Everything below uses this descriptor: if the directory's owner renames it meanwhile, root must not create a
    // file in one directory and give it to the owner of another.
    let directory = OpenOptions::new().read(true).custom_flags(O_PATH).open(parent_of(path))?;
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
    chown_to_owner_of(&found, &file)?;
    Ok(file)
}

fn chown_to_owner_of(directory: &fs::Metadata, file: &File) -> io::Result<()> {
    if !geteuid().is_root() || directory.uid() == 0 {
        return Ok(());
    }
    fchown(file, Some(directory.uid()), Some(directory.gid()))
}

/// Gives a file the owner and the mode of the one that it replaces.
pub fn copy_owner_and_mode(file: &File, other: &fs::Metadata) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(other.mode() & 0o7777))?;
    if geteuid().is_root() { fchown(file, Some(other.uid()), Some(other.gid())) } else { Ok(()) }
}

/// The metadata of what is at a path, of a link itself (lstat(2)).
///
/// # Errors
/// As lstat(2). The path is a symbolic link in another user's directory.
fn reject_foreign_link(path: &Path) -> io::Result<fs::Metadata> {
    let found = fs::symlink_metadata(path)?;
    let is_foreign =
        found.is_symlink() && Owner::of(&fs::metadata(parent_of(path))?, geteuid()) != Owner::CurrentUser;
    if is_foreign { Err(foreign_link_error(path)) } else { Ok(found) }
}

/// Another user may have planted the link.
pub fn foreign_link_error(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("'{}' is a link in another user's directory", path.display()),
    )
}

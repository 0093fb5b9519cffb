//! A command as execve(2) takes it.

use std::env;
use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use nix::errno::Errno;
use syscalls::{Sysno, syscall};

use super::process::args_tail;

/// What runs a script without `#!` (execvp(3)).
const SHELL: &CStr = c"/bin/sh";

/// Where a command is looked for if there is no PATH (execvp(3), glibc).
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// Bytes of the longest path, its NUL among them, and of the longest name in one (limits.h(0p), Linux). A longer directory
/// in PATH is passed over, a longer name is refused (execvp(3), glibc).
const PATH_MAX: usize = 4096;
const NAME_MAX: usize = 255;

/// A command, ready to be executed: nothing has to be allocated any more.
pub struct ExecArgs {
    /// The files to try, in this order.
    files: Result<Vec<CString>, Errno>,
    /// The shell, then the command's arguments, `argv[0]` first, then a null pointer. For the shell, `argv[0]` becomes the
    /// script.
    argv: Vec<AtomicPtr<c_char>>,
    /// The environment, then a null pointer.
    envp: Vec<AtomicPtr<c_char>>,
    /// The variable that we add; `envp` points at it.
    _added: Option<CString>,
    /// Where it is in `envp`, and what stood there before.
    added_at: Option<(usize, AtomicPtr<c_char>)>,
}

impl ExecArgs {
    /// The command that our own last `count` arguments are; at least one.
    ///
    /// The environment is ours, byte for byte and in its order; `added` (`NAME`, `NAME=value`) takes the place of the
    /// variable of that name, or stands last.
    pub fn from_own_args(count: usize, added: Option<(&str, Vec<u8>)>) -> Self {
        let argv: Vec<AtomicPtr<c_char>> = [SHELL.as_ptr().cast_mut()]
            .into_iter()
            .chain(args_tail(count))
            .chain([ptr::null_mut()])
            .map(AtomicPtr::new)
            .collect();
        let mut envp = inherited_environment();
        // A value that holds a NUL cannot be: it is made of a name and of what was a variable.
        let added = added.and_then(|(name, variable)| Some((name, CString::new(variable).ok()?)));
        let added_at = added.as_ref().map(|(name, variable)| {
            let place = envp.iter().position(|&entry| is_variable(entry, name.as_bytes()));
            let index = place.unwrap_or_else(|| {
                envp.push(ptr::null_mut());
                envp.len() - 1
            });
            (index, AtomicPtr::new(std::mem::replace(&mut envp[index], variable.as_ptr().cast_mut())))
        });
        envp.push(ptr::null_mut());
        let path = env::var_os("PATH");
        let path = path.as_ref().map_or(DEFAULT_PATH, |path| path.as_encoded_bytes());
        let mut this = Self {
            files: Err(Errno::ENOENT),
            argv,
            envp: envp.into_iter().map(AtomicPtr::new).collect(),
            _added: added.map(|(_, variable)| variable),
            added_at,
        };
        this.files = candidates(this.name().to_bytes(), path);
        this
    }

    /// The number of arguments, `argv[0]` included.
    pub fn argc(&self) -> usize {
        // The shell's name and the null pointer are no arguments.
        self.argv.len() - 2
    }

    /// `argv[0]`.
    pub fn name(&self) -> &CStr {
        let name = self.argv[1].load(Ordering::Relaxed);
        // SAFETY: an argument of ours is a NUL-terminated string that lives as long as the process. There is at least one.
        if name.is_null() { c"" } else { unsafe { CStr::from_ptr(name) } }
    }

    /// Executes the command in place of this process. Looks along PATH, and has the shell run a script without `#!`, both
    /// as execvp(3) does. Returns only if that failed. Allocates nothing and sets no `errno`.
    pub fn exec(&self) -> Errno {
        let error = self.exec_with_added();
        let (Errno::E2BIG, Some((index, before))) = (error, &self.added_at) else { return error };
        // The variable that we add may be what is too much.
        self.envp[*index].store(before.load(Ordering::Relaxed), Ordering::Relaxed);
        self.exec_with_added()
    }

    fn exec_with_added(&self) -> Errno {
        let files = match &self.files {
            Ok(files) => files,
            Err(error) => return *error,
        };
        let mut is_forbidden = false;
        let mut last = Errno::ENOENT;
        for file in files {
            last = self.exec_file(file);
            match last {
                Errno::EACCES => is_forbidden = true,
                // Not here: try the next directory.
                Errno::ENOENT | Errno::ESTALE | Errno::ENOTDIR | Errno::ENODEV | Errno::ETIMEDOUT => {}
                _ => return last,
            }
        }
        if is_forbidden { Errno::EACCES } else { last }
    }

    fn exec_file(&self, file: &CStr) -> Errno {
        let error = self.execve(file, 1);
        if error != Errno::ENOEXEC {
            return error;
        }
        let name = self.argv[1].swap(file.as_ptr().cast_mut(), Ordering::Relaxed);
        let error = self.execve(SHELL, 0);
        self.argv[1].store(name, Ordering::Relaxed);
        error
    }

    /// `first`: where in `argv` the program's argv begins.
    fn execve(&self, file: &CStr, first: usize) -> Errno {
        let argv = self.argv[first..].as_ptr();
        // SAFETY: the file's name and all strings of both arrays are NUL-terminated, both arrays end with a null pointer (an
        // AtomicPtr is a pointer in memory), and all of them live as long as `self`.
        let result = unsafe { syscall!(Sysno::execve, file.as_ptr(), argv, self.envp.as_ptr()) };
        result.err().map_or(Errno::UnknownErrno, |error| Errno::from_raw(error.into_raw()))
    }
}

/// The files that execvp(3) would try for a name.
fn candidates(name: &[u8], path: &[u8]) -> Result<Vec<CString>, Errno> {
    // Both are C strings, so no NUL is in them.
    let file = |bytes: Vec<u8>| CString::new(bytes).map_err(|_| Errno::ENOENT);
    if name.is_empty() {
        return Err(Errno::ENOENT);
    }
    if name.contains(&b'/') {
        return Ok(vec![file(name.to_vec())?]);
    }
    if name.len() > NAME_MAX {
        return Err(Errno::ENAMETOOLONG);
    }
    let directories = path.split(|&byte| byte == b':').filter(|directory| directory.len() < PATH_MAX);
    // An empty directory is the current one.
    directories
        .map(|directory| {
            let slash: &[u8] = if directory.is_empty() { b"" } else { b"/" };
            file([directory, slash, name].concat())
        })
        .collect()
}

fn inherited_environment() -> Vec<*mut c_char> {
    unsafe extern "C" {
        static environ: *const *mut c_char;
    }
    // SAFETY: environ(7) is set before main, and this program never changes its environment.
    let mut at = unsafe { environ };
    let mut all = Vec::new();
    while !at.is_null() {
        // SAFETY: the array ends with a null pointer, at which this loop stops.
        let entry = unsafe { at.read() };
        if entry.is_null() {
            break;
        }
        all.push(entry);
        at = at.wrapping_add(1);
    }
    all
}

/// Whether an entry of the environment is the variable of this name.
fn is_variable(entry: *const c_char, name: &[u8]) -> bool {
    // SAFETY: an entry of the environment is a NUL-terminated string.
    let entry = unsafe { CStr::from_ptr(entry) }.to_bytes();
    entry.strip_prefix(name).is_some_and(|rest| rest.first() == Some(&b'='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_search_tries_each_directory_in_order() {
        #[track_caller]
        fn case(name: &str, path: &str, files: &[&str]) {
            let expected = files.iter().map(|file| CString::new(*file).unwrap()).collect();
            assert_eq!(candidates(name.as_bytes(), path.as_bytes()), Ok(expected));
        }
        case("ls", "/bin:/usr/bin", &["/bin/ls", "/usr/bin/ls"]);
        case("ls", "", &["ls"]);
        case("ls", ":/bin:", &["ls", "/bin/ls", "ls"]);
        case("./ls", "/bin", &["./ls"]);
        case("a=b", "/bin", &["/bin/a=b"]);
        case("ls", &format!("/{}:/bin", "x".repeat(4095)), &["/bin/ls"]);
    }

    #[test]
    fn path_search_refuses_an_empty_name_and_one_that_is_too_long() {
        assert_eq!(candidates(b"", b"/bin"), Err(Errno::ENOENT));
        assert!(candidates(&[b'x'; 255], b"/bin").is_ok());
        assert_eq!(candidates(&[b'x'; 256], b"/bin"), Err(Errno::ENAMETOOLONG));
    }

    #[test]
    fn environment_variable_is_matched_by_its_whole_name() {
        let has_name = |entry: &CStr| is_variable(entry.as_ptr(), b"HOME");
        assert!(has_name(c"HOME=/x=y") && has_name(c"HOME="));
        assert!(!has_name(c"HOMER=/x") && !has_name(c"HOM") && !has_name(c"HOME"));
    }
}

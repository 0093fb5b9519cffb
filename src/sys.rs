//! The edge to the kernel: the only file with `unsafe`.
//!
//! Signals go through raw system calls with the kernel's 64-bit sets wherever the C library would hide
//! something: glibc filters signals 32 and 33 out of every set, and an invisible wrapper must pass on what
//! it was handed (nptl(7)).

use std::ffi::{CStr, CString, OsString, c_char, c_int, c_long, c_void};
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, Ordering};
use std::time::Duration;

use nix::errno::Errno;

use crate::units::{Ending, SignalNumber};

/// Number of signals the kernel knows, and with it the bytes of its sets (signal(7)).
const SIGNALS: i32 = 64;
const SET_BYTES: usize = 8;

static WORD_COUNT: AtomicI32 = AtomicI32::new(0);
static WORDS: AtomicPtr<*mut c_char> = AtomicPtr::new(ptr::null_mut());

/// The program's entry. The standard library's own start-up is left out on purpose: it sets SIGPIPE to
/// ignored and reopens closed standard descriptors, and the command would inherit both.
#[cfg(not(test))]
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, words: *mut *mut c_char) -> c_int {
    WORD_COUNT.store(count, Ordering::Relaxed);
    WORDS.store(words, Ordering::Relaxed);
    crate::start()
}

/// The words of the command line, the program's own name included.
pub fn words() -> Vec<OsString> {
    each_word(|word| OsString::from_vec(word.to_bytes().to_vec()))
}

fn each_word<T>(mut of: impl FnMut(&CStr) -> T) -> Vec<T> {
    let all = WORDS.load(Ordering::Relaxed);
    let total = usize::try_from(WORD_COUNT.load(Ordering::Relaxed)).unwrap_or(0);
    (0..total)
        .filter_map(|at| {
            // SAFETY: the entry was given an array of `total` pointers that lives as long as the process (execve(2)).
            let word = unsafe { all.add(at) };
            // SAFETY: `at` is below `total`, so the element is inside that array.
            let word = unsafe { word.read() };
            // SAFETY: each element is a NUL-terminated string that lives as long as the process (execve(2)).
            (!word.is_null()).then(|| of(unsafe { CStr::from_ptr(word) }))
        })
        .collect()
}

/// Overwrites the last `count` words of our own command line with NULs, so that `pkill -f` with a word of
/// the command's finds one process, not two (proc(5), `cmdline`).
pub fn blank_last_words(count: usize) {
    let all = WORDS.load(Ordering::Relaxed);
    let total = usize::try_from(WORD_COUNT.load(Ordering::Relaxed)).unwrap_or(0);
    for at in total.saturating_sub(count)..total {
        // SAFETY: `at` is below `total`, so the element is inside the array that the entry was given.
        let slot = unsafe { all.add(at) };
        // SAFETY: that array lives as long as the process (execve(2)).
        let word = unsafe { slot.read() };
        if word.is_null() {
            return;
        }
        // SAFETY: a NUL-terminated string that the process owns; nobody holds a reference to it.
        let length = unsafe { libc::strlen(word) };
        // SAFETY: the `length` bytes before the NUL belong to the string and are writable (execve(2)).
        unsafe { ptr::write_bytes(word, 0, length) };
    }
}

/// A set of signals as the kernel keeps it: bit n-1 stands for signal n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalSet(u64);

impl SignalSet {
    pub const ALL: Self = Self(u64::MAX);

    pub fn only(SignalNumber(number): SignalNumber) -> Self {
        Self(if (1..=SIGNALS).contains(&number) { 1 << (number - 1) } else { 0 })
    }

    pub fn of(numbers: &[i32]) -> Self {
        numbers.iter().fold(Self(0), |all, &number| Self(all.0 | Self::only(SignalNumber(number)).0))
    }

    pub fn has(self, signal: SignalNumber) -> bool {
        self.meets(Self::only(signal))
    }

    /// Whether the two have a signal in common.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// How a set changes the mask (sigprocmask(2)).
#[derive(Clone, Copy)]
pub enum Mask {
    Block = libc::SIG_BLOCK as isize,
    Unblock = libc::SIG_UNBLOCK as isize,
}

/// Changes the signal mask and returns what it was.
pub fn mask(how: Mask, set: SignalSet) -> SignalSet {
    let mut old = SignalSet(0);
    // SAFETY: both pointers are to live 64-bit sets of the size that is told (rt_sigprocmask(2)).
    unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, how as c_long, &raw const set.0, &raw mut old.0, SET_BYTES)
    };
    old
}

/// The signals that wait for us to take them (sigpending(2)).
pub fn pending() -> SignalSet {
    let mut set = SignalSet(0);
    // SAFETY: the pointer is to a live 64-bit set of the size that is told (rt_sigpending(2)).
    unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut set.0, SET_BYTES) };
    set
}

/// What a process does on a signal, as far as execve(2) hands it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    Default,
    Ignore,
}

/// Sets what we do on a signal and returns what it was.
pub fn set_disposition(SignalNumber(number): SignalNumber, new: Disposition) -> Disposition {
    // SAFETY: sigaction is plain old data, for which all zeros are a valid value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = match new {
        Disposition::Default => libc::SIG_DFL,
        Disposition::Ignore => libc::SIG_IGN,
    };
    // SAFETY: as above.
    let mut old: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live structures; no handler is installed, so no code can run asynchronously.
    unsafe { libc::sigaction(number, &raw const action, &raw mut old) };
    if old.sa_sigaction == libc::SIG_IGN { Disposition::Ignore } else { Disposition::Default }
}

/// A signal that was taken from the queue, with all that the kernel tells about it (sigaction(2)).
pub struct Received {
    info: libc::siginfo_t,
}

impl Received {
    pub fn number(&self) -> SignalNumber {
        SignalNumber(self.info.si_signo)
    }

    /// Sent by the kernel itself: a key of the terminal, a child's end, an alarm.
    pub fn is_from_kernel(&self) -> bool {
        self.info.si_code > 0
    }

    /// The process that sent it; meaningless if the kernel did.
    pub fn sender(&self) -> i32 {
        // SAFETY: for a signal sent by a process the kernel fills in si_pid; the field is plain data in any case.
        unsafe { self.info.si_pid() }
    }
}

/// Takes the next of `set`'s signals, waiting for it at most `wait` (for ever without one). `None`: none
/// came, or the wait was interrupted by a stop.
pub fn take_signal(set: SignalSet, wait: Option<Duration>) -> Option<Received> {
    let limit = wait.map(timespec);
    // SAFETY: siginfo_t is plain old data, for which all zeros are a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the pointers are to live memory of the types that rt_sigtimedwait(2) asks for; a null limit waits for ever.
    let found = unsafe {
        libc::syscall(libc::SYS_rt_sigtimedwait, &raw const set.0, &raw mut info, limit, SET_BYTES)
    };
    (found > 0).then_some(Received { info })
}

fn timespec(duration: Duration) -> libc::timespec {
    // SAFETY: timespec is plain old data, for which all zeros are a valid value (some targets have padding fields).
    let mut time: libc::timespec = unsafe { std::mem::zeroed() };
    time.tv_sec = duration.as_secs().try_into().unwrap_or(libc::time_t::MAX);
    time.tv_nsec = duration.subsec_nanos().into();
    time
}

/// Sends a signal to a process, or with a negative number to a group (kill(2)).
pub fn send(pid: i32, SignalNumber(number): SignalNumber) -> io::Result<()> {
    // SAFETY: kill takes two numbers.
    checked(unsafe { libc::kill(pid, number) })
}

/// Passes a signal on, with the value it may carry (rt_sigqueueinfo(2)).
pub fn pass_on(pid: i32, signal: &Received) -> io::Result<()> {
    if signal.info.si_code == libc::SI_QUEUE {
        let number = signal.info.si_signo;
        // SAFETY: the pointer is to a live siginfo_t that the kernel itself filled in.
        let done = unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, pid, number, &raw const signal.info) };
        if done == 0 {
            return Ok(());
        }
    }
    send(pid, signal.number())
}

fn checked(result: c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A change of a child's state (waitid(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Ended(Ending),
    Stopped(SignalNumber),
    Continued,
}

/// Whether looking at a change uses it up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Take,
    Leave,
}

/// The child's next change of state. `None`: nothing has changed, or there is no such child.
pub fn change_of(pid: i32, look: Look) -> Option<Change> {
    let leave = if look == Look::Leave { libc::WNOWAIT } else { 0 };
    wait(pid, libc::WEXITED | libc::WSTOPPED | libc::WCONTINUED | libc::WNOHANG | leave)
}

/// Whether the child has ended or is stopped at this moment; the change stays to be taken.
pub fn stop_or_end_of(pid: i32) -> Option<Change> {
    wait(pid, libc::WEXITED | libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT)
}

/// Waits until the child has ended, and reaps it.
pub fn reap(pid: i32) {
    while wait(pid, libc::WEXITED).is_none() && Errno::last() == Errno::EINTR {}
}

fn wait(pid: i32, options: c_int) -> Option<Change> {
    // SAFETY: siginfo_t is plain old data, for which all zeros are a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live siginfo_t; the other arguments are numbers.
    let done = unsafe { libc::waitid(libc::P_PID, pid.cast_unsigned(), &raw mut info, options) };
    // SAFETY: the structure is all zeros (no change) or was filled in by waitid, which sets si_pid.
    if done != 0 || unsafe { info.si_pid() } == 0 {
        return None;
    }
    // SAFETY: waitid has filled in si_status beside si_pid.
    let status = unsafe { info.si_status() };
    match info.si_code {
        libc::CLD_EXITED => {
            // exit(3) hands on the low eight bits only.
            Some(Change::Ended(Ending::Exited(status.to_le_bytes()[0])))
        }
        libc::CLD_KILLED | libc::CLD_DUMPED => Some(Change::Ended(Ending::Killed(SignalNumber(status)))),
        libc::CLD_STOPPED => Some(Change::Stopped(SignalNumber(status))),
        libc::CLD_CONTINUED => Some(Change::Continued),
        _ => None,
    }
}

/// Which side of a fork(2) one is on.
pub enum Side {
    Child,
    Parent { child: i32 },
}

/// Forks. The process has one thread, so the child may do all that the parent may.
pub fn fork() -> io::Result<Side> {
    // SAFETY: the process has one thread here (threads are made only by the report, which never forks).
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Side::Child),
        child => Ok(Side::Parent { child }),
    }
}

/// Starts a process that shares our memory, but neither descriptors nor signal dispositions: a fork without its
/// price, which is a copy of the page tables and a page fault for each page that is written afterwards.
///
/// `work` runs beside us on a small stack of its own, in the same memory and with the same `errno`. It must not
/// allocate and must not panic; and whatever it calls while we run must not fail, for the code would land in
/// our `errno`.
///
/// # Errors
/// As clone(2): emulators know only fork, vfork and threads.
pub fn start_beside<T: Copy + Send + 'static>(work: fn(T) -> !, with: T) -> io::Result<i32> {
    /// What the new process needs; a page for its calls and much room to spare.
    const STACK: usize = 16 << 10;
    extern "C" fn begin<T: Copy>(job: *mut c_void) -> c_int {
        // SAFETY: the pointer is the one given to clone below: to a job that is never freed.
        let (work, with) = unsafe { *job.cast::<(fn(T) -> !, T)>() };
        work(with)
    }
    // valgrind aborts a program that starts a process in this way, rather than refuse it.
    if std::env::var_os("LD_PRELOAD")
        .is_some_and(|list| list.as_encoded_bytes().windows(9).any(|at| at == b"vgpreload"))
    {
        return Err(io::ErrorKind::Unsupported.into());
    }
    // Neither is ever freed: the process lives until we kill it, and we end soon after.
    let stack = Box::leak(vec![0_u128; STACK / size_of::<u128>()].into_boxed_slice()).as_mut_ptr_range();
    let job: *mut (fn(T) -> !, T) = Box::leak(Box::new((work, with)));
    // SAFETY: the stack grows down from the aligned end of memory that nothing else uses, and `begin` gets the job
    // it expects. The memory that both processes use beside that is read only, or atomic.
    let child =
        unsafe { libc::clone(begin::<T>, stack.end.cast(), libc::CLONE_VM | libc::SIGCHLD, job.cast()) };
    checked(child).map(|()| child)
}

/// Has the kernel kill us when our parent dies, and ends at once if it is dead already (prctl(2),
/// `PR_SET_PDEATHSIG`).
pub fn die_with(parent: i32) {
    // SAFETY: this option of prctl takes numbers only.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    // SAFETY: getppid takes nothing and cannot fail.
    if unsafe { libc::getppid() } != parent {
        exit_now(1);
    }
}

/// Ends the process without running anything that is registered for its end (_exit(2)).
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit takes a number and does not return.
    unsafe { libc::_exit(code) }
}

/// Closes every descriptor. For a process that needs none (close_range(2); without it, one by one).
pub fn close_everything() {
    // SAFETY: close_range takes numbers; this process owns no descriptor that it will use again.
    if unsafe { libc::syscall(libc::SYS_close_range, 0, c_int::MAX, 0) } == 0 {
        return;
    }
    for descriptor in 0..1024 {
        // SAFETY: as above.
        unsafe { libc::close(descriptor) };
    }
}

/// A command as execve(2) wants it. Made before a fork, because nothing may be allocated or fail later.
pub struct Image {
    words: Vec<CString>,
    /// Strings that this code made; `environment` points into them.
    _added: Vec<CString>,
    argv: Vec<*const c_char>,
    environment: Vec<*const c_char>,
}

impl Image {
    /// The command of these words; the first is looked for in PATH. The environment is ours, byte for byte
    /// and in its order; `added` (`NAME`, `NAME=value`) takes the place of the variable of that name or
    /// stands last.
    ///
    /// # Errors
    /// A word that holds a NUL, which no word of a command line can.
    pub fn new(words: &[OsString], added: Option<(&str, &[u8])>) -> io::Result<Self> {
        let words = words
            .iter()
            .map(|word| CString::new(word.clone().into_vec()).map_err(io::Error::from))
            .collect::<io::Result<Vec<CString>>>()?;
        let argv = words.iter().map(|word| word.as_ptr()).chain([ptr::null()]).collect();
        let mut environment = inherited_environment();
        let mut kept = Vec::new();
        if let Some((name, variable)) = added {
            let variable = CString::new(variable)?;
            let is_it = |entry: &*const c_char| {
                // SAFETY: every entry of the environment is a NUL-terminated string (environ(7)).
                let entry = unsafe { CStr::from_ptr(*entry) };
                entry.to_bytes().strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'='))
            };
            match environment.iter().position(is_it) {
                Some(at) => environment[at] = variable.as_ptr(),
                None => environment.push(variable.as_ptr()),
            }
            kept.push(variable);
        }
        environment.push(ptr::null());
        Ok(Self { words, _added: kept, argv, environment })
    }

    /// The command's first word.
    pub fn name(&self) -> &[u8] {
        self.words[0].to_bytes()
    }

    /// Becomes the command. Looks along PATH and falls back to the shell for a script without `#!`, both as
    /// execvp(3) does. Returns only if that failed.
    pub fn become_it(&self) -> Errno {
        let file = self.words[0].as_ptr();
        // SAFETY: `file` and the elements of both arrays are NUL-terminated strings that `self` or the process
        // owns, and both arrays end with a null pointer.
        unsafe { exec_along_path(file, self.argv.as_ptr(), self.environment.as_ptr()) };
        Errno::last()
    }
}

#[cfg(target_os = "linux")]
unsafe fn exec_along_path(file: *const c_char, argv: *const *const c_char, envp: *const *const c_char) {
    // SAFETY: the caller promises what execvpe(3) asks for.
    unsafe { libc::execvpe(file, argv, envp) };
}

fn inherited_environment() -> Vec<*const c_char> {
    unsafe extern "C" {
        static environ: *const *const c_char;
    }
    // SAFETY: environ(7) is set before the entry, and this program never changes its environment.
    let mut at = unsafe { environ };
    let mut all = Vec::new();
    while !at.is_null() {
        // SAFETY: the array ends with a null pointer, at which this loop stops.
        let entry = unsafe { at.read() };
        if entry.is_null() {
            break;
        }
        all.push(entry);
        // SAFETY: the element just read was not the last one.
        at = unsafe { at.add(1) };
    }
    all
}

/// Ends as something else ended: by its signal, without a core of our own. Returns only if the signal does
/// not end us (pid 1 is immune, pid_namespaces(7)).
pub fn die_of(signal: SignalNumber) {
    // A core of ours would overwrite the command's. A size limit alone does not stop a core that is piped to a
    // program (core(5)), so we are made undumpable, too.
    // SAFETY: this option of prctl takes numbers only.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0) };
    if let Ok((_, hard)) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_CORE) {
        // Undumpable already; this is for kernels that are asked for a plain file.
        let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, hard);
    }
    set_disposition(signal, Disposition::Default);
    // SAFETY: getpid takes nothing and cannot fail.
    let own = unsafe { libc::getpid() };
    // Nobody else is left to tell; the caller exits with 128+n instead.
    let _ = send(own, signal);
    mask(Mask::Unblock, SignalSet::only(signal));
}

/// Words in memory that we share with the processes we fork (mmap(2), `MAP_SHARED`), and wait on (futex(2)).
#[derive(Clone, Copy)]
pub struct Shared {
    words: &'static [AtomicU32; 4],
}

impl Shared {
    pub fn new() -> io::Result<Self> {
        // SAFETY: asks for fresh memory at an address of the kernel's choice.
        let page = unsafe {
            libc::mmap(
                ptr::null_mut(),
                size_of::<[AtomicU32; 4]>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the mapping is page-aligned, zeroed, large enough, and is never unmapped.
        Ok(Self { words: unsafe { &*page.cast::<[AtomicU32; 4]>() } })
    }

    pub fn read(self, at: usize) -> u32 {
        self.words[at].load(Ordering::Acquire)
    }

    /// Stores a value and wakes whoever waits for a change of this word.
    pub fn publish(self, at: usize, value: u32) {
        self.words[at].store(value, Ordering::Release);
        // SAFETY: the word lives as long as the process; waking takes numbers beside it.
        unsafe { libc::syscall(libc::SYS_futex, self.words[at].as_ptr(), libc::FUTEX_WAKE, c_int::MAX) };
    }

    /// Sleeps while the word has this value, at most `wait` (for ever without one); may return early.
    pub fn wait_while(self, at: usize, value: u32, wait: Option<Duration>) {
        let limit = wait.map(timespec);
        let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the word and the limit live until the call returns; a null limit waits for ever.
        unsafe { libc::syscall(libc::SYS_futex, self.words[at].as_ptr(), libc::FUTEX_WAIT, value, limit) };
    }
}

/// Lets go of the pipes and sockets that we hold only because the command was to inherit them: as long as we
/// hold them, the command's closing of its own copy is not seen at the other end. Regular files stay open, for
/// closing one would drop its POSIX locks (fcntl(2)); so does the terminal.
pub fn release_channels() {
    let mut null = None;
    let mut standard = 0;
    for descriptor in 0..=2 {
        match kind_of(descriptor) {
            None => continue,
            Some(libc::S_IFIFO | libc::S_IFSOCK) => replace_by_null(descriptor, &mut null),
            Some(_) => {}
        }
        standard += 1;
    }
    if let Some(null) = null {
        close(null);
    }
    // Since Linux 6.2 the size of this directory is the number of open descriptors (proc_pid_fd(5)), which
    // saves reading it in the usual case.
    if std::fs::metadata("/proc/self/fd")
        .is_ok_and(|fd| std::os::unix::fs::MetadataExt::size(&fd) == standard)
    {
        return;
    }
    for descriptor in open_descriptors() {
        if descriptor > 2 && matches!(kind_of(descriptor), Some(libc::S_IFIFO | libc::S_IFSOCK)) {
            close(descriptor);
        }
    }
}

fn open_descriptors() -> Vec<c_int> {
    match std::fs::read_dir("/proc/self/fd") {
        Ok(entries) => entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect(),
        Err(_) => (3..1024).collect(),
    }
}

/// The file type bits of an open descriptor (inode(7)).
fn kind_of(descriptor: c_int) -> Option<libc::mode_t> {
    // SAFETY: stat is plain old data, for which all zeros are a valid value.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live stat structure.
    (unsafe { libc::fstat(descriptor, &raw mut stat) } == 0).then_some(stat.st_mode & libc::S_IFMT)
}

fn replace_by_null(descriptor: c_int, null: &mut Option<c_int>) {
    let source = null.get_or_insert_with(|| {
        // SAFETY: the path is a NUL-terminated string.
        unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) }
    });
    // SAFETY: dup2 takes numbers. No Rust object owns the standard descriptors.
    if *source < 0 || unsafe { libc::dup2(*source, descriptor) } < 0 {
        close(descriptor);
    }
}

fn close(descriptor: c_int) {
    // SAFETY: close takes a number. The callers hand in inherited descriptors, which no Rust object owns.
    unsafe { libc::close(descriptor) };
}

/// Opens `/dev/null` in place of standard descriptors that were handed to us closed, so that no file of ours
/// can be opened under their numbers and be written to as if it were the terminal.
pub fn fill_standard_descriptors() {
    while (0..=2).any(|descriptor| kind_of(descriptor).is_none()) {
        // SAFETY: the path is a NUL-terminated string. The lowest free number is taken (open(2)).
        if unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) } < 0 {
            return;
        }
    }
}

/// Asks for pages of 2 MiB where memory will be used soon, if it is much. Only a wish: nothing but speed
/// depends on it.
pub fn prefer_huge_pages<T>(memory: &mut [std::mem::MaybeUninit<T>]) {
    const MUCH: usize = 4 << 20;
    // SAFETY: sysconf(3) takes no pointer and changes nothing.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let (Ok(page @ 1..), length @ MUCH..) = (usize::try_from(page), std::mem::size_of_val(memory)) else {
        return;
    };
    let skipped = memory.as_ptr().addr().wrapping_neg() % page;
    let start = memory.as_mut_ptr().cast::<libc::c_void>().wrapping_byte_add(skipped);
    let whole = (length - skipped) / page * page;
    // SAFETY: these whole pages lie within `memory`, which is borrowed mutably, and keep their content
    // (madvise(2)).
    let _ = unsafe { libc::madvise(start, whole, libc::MADV_HUGEPAGE) };
}

/// The columns of the terminal that standard output is (ioctl_tty(2), `TIOCGWINSZ`).
pub fn columns_of_stdout() -> Option<u16> {
    // SAFETY: winsize is plain old data, for which all zeros are a valid value.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live structure of the type that this request fills in.
    let done = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (done == 0 && size.ws_col > 0).then_some(size.ws_col)
}

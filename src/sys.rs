//! The edge to the kernel: the only file with `unsafe`.
//!
//! What has to do with a run makes its system calls itself, see [`kernel`]: its processes share our memory. It takes the kernel's 64-bit sets of signals, too:
//! glibc filters 32 and 33 out of every set, and an invisible wrapper must pass on what it was handed (nptl(7)).

use std::cell::UnsafeCell;
use std::ffi::{CStr, CString, OsString, c_char, c_int, c_long};
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use nix::errno::Errno;

use crate::units::{Ending, SignalNumber};

/// Number of signals the kernel knows, and with it the bytes of its sets (signal(7)).
const SIGNALS: i32 = 64;
const SET_BYTES: usize = 8;

/// A system call of our own, for code that runs beside another process in the same memory, where a call of the C
/// library that fails would write the other's `errno`. Returns
/// what the kernel does, an error as its negative code (syscall(2)).
#[cfg(target_arch = "x86_64")]
#[inline]
unsafe fn kernel(number: c_long, words: [usize; 6]) -> isize {
    let result: isize;
    // SAFETY: the instruction changes no registers but these (syscall(2)); what the call does with memory is for
    // the caller to argue.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") words[0],
            in("rsi") words[1],
            in("rdx") words[2],
            in("r10") words[3],
            in("r8") words[4],
            in("r9") words[5],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// Elsewhere the C library makes the call: no run begins early there, and nothing shares our memory.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn kernel(number: c_long, words: [usize; 6]) -> isize {
    let [a, b, c, d, e, f] = words;
    // SAFETY: for the caller to argue.
    match unsafe { libc::syscall(number, a, b, c, d, e, f) } {
        -1 => -(Errno::last_raw() as isize),
        result => result as isize,
    }
}

/// A number as a system call takes it.
fn number(of: c_int) -> usize {
    of.cast_unsigned() as usize
}

/// A pointer as a system call takes it.
fn place<T: ?Sized>(of: *const T) -> usize {
    of.cast::<()>().expose_provenance()
}

static WORD_COUNT: AtomicI32 = AtomicI32::new(0);
static WORDS: AtomicPtr<*mut c_char> = AtomicPtr::new(ptr::null_mut());

/// Keeps the command line that `main` was given.
///
/// # Safety
/// `argv` holds `argc` NUL-terminated strings that are this process's to write to and live as long as it does (execve(2)).
pub unsafe fn set_args(argc: c_int, argv: *mut *mut c_char) {
    WORD_COUNT.store(argc, Ordering::Relaxed);
    WORDS.store(argv, Ordering::Relaxed);
}

/// A string that ends with a NUL and lives as long as the process.
#[derive(Clone, Copy, Debug)]
pub struct Text(*const c_char);

impl Text {
    /// A text of our own.
    pub fn of(text: &'static CStr) -> Self {
        Self(text.as_ptr())
    }

    /// Its bytes, without the NUL. Read one by one, as memory that may change is, or the compiler would make calls of
    /// the C library of loops over them.
    pub fn bytes(self) -> Bytes {
        Bytes(self.0)
    }
}

/// The bytes of a [`Text`] that have not been read.
#[derive(Clone, Debug)]
pub struct Bytes(*const c_char);

impl Iterator for Bytes {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        // SAFETY: the string ends with a NUL, at which this stops, and lives as long as the process.
        let byte = unsafe { self.0.read_volatile() }.cast_unsigned();
        (byte != 0).then(|| {
            self.0 = self.0.wrapping_add(1);
            byte
        })
    }
}

/// A list of texts that ends with a null and lives as long as the process: words, or variables.
#[derive(Clone, Debug)]
pub struct Texts(*const *const c_char);

impl Iterator for Texts {
    type Item = Text;

    fn next(&mut self) -> Option<Text> {
        // SAFETY: the list ends with a null, at which this stops, and lives as long as the process.
        let text = unsafe { self.0.read_volatile() };
        (!text.is_null()).then(|| {
            self.0 = self.0.wrapping_add(1);
            Text(text)
        })
    }
}

/// Memory that is there before there is an allocator. What is used of it stands close together: each page that is
/// touched costs a page fault.
#[repr(C, align(4096))]
struct Early {
    /// Of the processes that [`start_beside`] starts: they use the end first. The last one, together with the beginning
    /// of the rest, fills up whole pages.
    command_stack: Stack<{ 16 << 10 }>,
    sentinel_stack: Stack<{ 15 << 10 }>,
    /// See [`Shared`].
    shared: SharedWords,
    /// Not 0 as long as the process that is to become the command shares our memory.
    is_starting: AtomicU32,
    /// The command for that process: its words and its variables.
    command: [AtomicPtr<*const c_char>; 2],
    /// How many bytes of `texts` are.
    used: AtomicUsize,
    /// There is room for the longest names, and for the longest path beside them.
    texts: [AtomicU8; 16 << 10],
}

#[repr(C, align(16))]
struct Stack<const BYTES: usize>(UnsafeCell<[u8; BYTES]>);

// SAFETY: it is only ever used by the one process that gets its address.
unsafe impl<const BYTES: usize> Sync for Stack<BYTES> {}

static EARLY: Early = Early {
    command_stack: Stack(UnsafeCell::new([0; 16 << 10])),
    sentinel_stack: Stack(UnsafeCell::new([0; 15 << 10])),
    shared: [const { AtomicU32::new(0) }; 4],
    is_starting: AtomicU32::new(0),
    command: [const { AtomicPtr::new(ptr::null_mut()) }; 2],
    used: AtomicUsize::new(0),
    texts: [const { AtomicU8::new(0) }; 16 << 10],
};

/// Writes a text that is kept as long as the process lives, without an allocator. One at a time.
pub struct Pen {
    start: usize,
    at: usize,
}

impl Pen {
    pub fn new() -> Self {
        let start = EARLY.used.load(Ordering::Relaxed);
        Self { start, at: start }
    }

    /// Adds bytes, none of them a NUL. `None`: there is no room for them.
    pub fn write(&mut self, bytes: impl Iterator<Item = u8>) -> Option<&mut Self> {
        for byte in bytes {
            EARLY.texts.get(self.at)?.store(byte, Ordering::Relaxed);
            self.at += 1;
        }
        Some(self)
    }

    /// The text. `None`: there is no room for its end.
    pub fn end(&mut self) -> Option<Text> {
        self.write(std::iter::once(0))?;
        EARLY.used.store(self.at, Ordering::Relaxed);
        Some(Text(EARLY.texts.get(self.start)?.as_ptr().cast()))
    }
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
        // SAFETY: `at` is below `total`, so the element is inside the array that the entry was given, which lives as
        // long as the process (execve(2)).
        let mut byte = unsafe { all.wrapping_add(at).read() };
        // SAFETY: each element is a NUL-terminated string that the process owns; nobody holds a reference to it.
        while !byte.is_null() && unsafe { byte.read_volatile() } != 0 {
            // SAFETY: a byte before the NUL of a string of ours, which is writable (execve(2)).
            unsafe { byte.write_volatile(0) };
            byte = byte.wrapping_add(1);
        }
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

/// Changes the signal mask.
pub fn mask(how: Mask, set: SignalSet) {
    // SAFETY: the pointer is to a live 64-bit set of the size that is told; the old set is not asked for
    // (rt_sigprocmask(2)).
    unsafe {
        kernel(libc::SYS_rt_sigprocmask, [number(how as c_int), place(&raw const set.0), 0, SET_BYTES, 0, 0])
    };
}

/// The signals that wait for us to take them (sigpending(2)).
pub fn pending() -> SignalSet {
    let mut set = SignalSet(0);
    // SAFETY: the pointer is to a live 64-bit set of the size that is told (rt_sigpending(2)).
    unsafe { kernel(libc::SYS_rt_sigpending, [place(&raw mut set.0), SET_BYTES, 0, 0, 0, 0]) };
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
    // The kernel's structure, not the C library's: the disposition, flags, what returns from a handler (there is
    // none) and a set, all zero but the first (rt_sigaction(2)).
    let action = [
        match new {
            Disposition::Default => libc::SIG_DFL,
            Disposition::Ignore => libc::SIG_IGN,
        },
        0,
        0,
        0,
        0,
    ];
    let mut old = [libc::SIG_DFL; 5];
    let words = [self::number(number), place(&raw const action), place(&raw mut old), SET_BYTES, 0, 0];
    // SAFETY: both pointers are to live memory of that structure's size or more; no handler is installed, so no
    // code can run asynchronously.
    unsafe { kernel(libc::SYS_rt_sigaction, words) };
    if old[0] == libc::SIG_IGN { Disposition::Ignore } else { Disposition::Default }
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

/// Whether a signal is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    ForEver,
    No,
}

/// Takes the next signal, whichever it is. `None`: there is none, or the wait was interrupted by a stop.
pub fn take_signal(wait: Wait) -> Option<Received> {
    let set = SignalSet::ALL;
    let at_once = timespec(Duration::ZERO);
    let limit = if wait == Wait::No { place(&raw const at_once) } else { 0 };
    // SAFETY: siginfo_t is plain old data, for which all zeros are a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let words = [place(&raw const set.0), place(&raw mut info), limit, SET_BYTES, 0, 0];
    // SAFETY: the pointers are to live memory of the types that rt_sigtimedwait(2) asks for; without a limit it waits for
    // ever.
    let found = unsafe { kernel(libc::SYS_rt_sigtimedwait, words) };
    (found > 0).then_some(Received { info })
}

/// Takes a signal away that waits for us, and tells whether one did.
pub fn discard(signal: SignalNumber) -> bool {
    let set = SignalSet::only(signal);
    let at_once = timespec(Duration::ZERO);
    // SAFETY: the pointers are to live memory of the types that rt_sigtimedwait(2) asks for; what it could tell
    // about the signal is not asked for.
    let found = unsafe {
        kernel(
            libc::SYS_rt_sigtimedwait,
            [place(&raw const set.0), 0, place(&raw const at_once), SET_BYTES, 0, 0],
        )
    };
    found > 0
}

fn timespec(duration: Duration) -> libc::timespec {
    // SAFETY: timespec is plain old data, for which all zeros are a valid value (some targets have padding fields).
    let mut time: libc::timespec = unsafe { std::mem::zeroed() };
    time.tv_sec = duration.as_secs().try_into().unwrap_or(libc::time_t::MAX);
    time.tv_nsec = duration.subsec_nanos().into();
    time
}

/// The time since some moment, by a clock that stands still while the machine sleeps and that nobody sets
/// (clock_gettime(2), `CLOCK_MONOTONIC`).
pub fn monotonic() -> Duration {
    let mut time = timespec(Duration::ZERO);
    // SAFETY: the pointer is to a live timespec.
    unsafe {
        kernel(libc::SYS_clock_gettime, [number(libc::CLOCK_MONOTONIC), place(&raw mut time), 0, 0, 0, 0])
    };
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
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

/// Forks. The process has one thread, so the child may do all that the parent may. `None`: there is no room for
/// another process.
pub fn fork() -> Option<Side> {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: clone with nothing but the signal of the child's end is fork (clone(2)); the process has one thread
    // here (threads are made only by the report, which never forks). The C library is not told, and need not be:
    // all that it remembers of a process is the number that raise(3) sends to.
    let child = unsafe { kernel(libc::SYS_clone, [number(libc::SIGCHLD), 0, 0, 0, 0, 0]) };
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: as above.
    let child = unsafe { libc::fork() } as isize;
    match i32::try_from(child).ok()? {
        ..0 => None,
        0 => Some(Side::Child),
        child => Some(Side::Parent { child }),
    }
}

/// What a process that shares our memory is for. There is one of each kind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// It will share our memory only until it has become the command, see [`has_started`].
    Command,
    Sentinel,
}

/// Starts a process that shares our memory, but neither descriptors nor signal dispositions: a fork without its
/// price, which is a copy of the page tables and a page fault for each page that is written afterwards.
///
/// `work` gets our number, `own`, and runs beside us on a small stack of its own. It must not allocate, must not panic, and
/// must call nothing of the C library, which may not be ready. `None`: the kernel will not; emulators know only fork,
/// vfork and threads.
#[cfg(target_arch = "x86_64")]
pub fn start_beside(what: Beside, work: extern "C" fn(i32) -> !, own: i32) -> Option<i32> {
    let (top, more) = match what {
        Beside::Command => (place(EARLY.command_stack.0.get().wrapping_add(1)), libc::CLONE_CHILD_CLEARTID),
        Beside::Sentinel => (place(EARLY.sentinel_stack.0.get().wrapping_add(1)), 0),
    };
    if what == Beside::Command {
        EARLY.is_starting.store(1, Ordering::Relaxed);
    }
    let child: isize;
    // SAFETY: the new process begins behind the call with our registers, but for the result 0 and the stack that is
    // told (clone(2)). It calls `work` with what `work` takes, on a stack that ends at a multiple of 16 as the
    // calling convention asks, and never comes back; we go on at the label with nothing changed. The memory that
    // both use beside that is read only, or atomic.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov edi, r13d",
            "call r12",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone => child,
            in("rdi") number(libc::CLONE_VM | libc::SIGCHLD | more),
            in("rsi") top,
            in("rdx") 0_usize,
            in("r10") EARLY.is_starting.as_ptr(),
            in("r8") 0_usize,
            in("r12") work,
            in("r13") own,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    let child = i32::try_from(child).ok().filter(|&child| child > 0);
    if what == Beside::Command && child.is_none() {
        EARLY.is_starting.store(0, Ordering::Relaxed);
    }
    child
}

/// Elsewhere what shares our memory could not make its system calls without our `errno`.
#[cfg(not(target_arch = "x86_64"))]
pub fn start_beside(_: Beside, _: extern "C" fn(i32) -> !, _: i32) -> Option<i32> {
    None
}

/// Whether the process that shared our memory to become the command has done so, or has ended. Waits for that, but not
/// much longer than `limit` (clone(2), `CLONE_CHILD_CLEARTID`).
pub fn has_started(limit: Duration) -> bool {
    let is_starting = || EARLY.is_starting.load(Ordering::Acquire);
    let value = is_starting();
    if value != 0 {
        let limit = timespec(limit);
        let words = [
            place(EARLY.is_starting.as_ptr()),
            number(libc::FUTEX_WAIT),
            value as usize,
            place(&raw const limit),
            0,
            0,
        ];
        // SAFETY: the word lives as long as the process, and the limit until the call returns.
        unsafe { kernel(libc::SYS_futex, words) };
    }
    is_starting() == 0
}

/// Our own process number.
pub fn own_pid() -> i32 {
    // SAFETY: getpid takes nothing and cannot fail.
    let own = unsafe { kernel(libc::SYS_getpid, [0; 6]) };
    i32::try_from(own).unwrap_or(0)
}

/// Has the kernel kill us when our parent dies, and ends at once if it is dead already (prctl(2),
/// `PR_SET_PDEATHSIG`).
pub fn die_with(parent: i32) {
    let words = [number(libc::PR_SET_PDEATHSIG), number(libc::SIGKILL), 0, 0, 0, 0];
    // SAFETY: this option of prctl takes numbers only.
    unsafe { kernel(libc::SYS_prctl, words) };
    // SAFETY: getppid takes nothing and cannot fail.
    if unsafe { kernel(libc::SYS_getppid, [0; 6]) } != parent as isize {
        exit_now(1);
    }
}

/// Ends the process without running anything that is registered for its end (_exit(2)).
pub fn exit_now(code: i32) -> ! {
    loop {
        // SAFETY: exit_group takes a number and does not return.
        unsafe { kernel(libc::SYS_exit_group, [number(code), 0, 0, 0, 0, 0]) };
    }
}

/// Closes every descriptor. For a process that needs none (close_range(2); without it, one by one).
pub fn close_everything() {
    // SAFETY: close_range takes numbers; this process owns no descriptor that it will use again.
    if unsafe { kernel(libc::SYS_close_range, [0, number(c_int::MAX), 0, 0, 0, 0]) } == 0 {
        return;
    }
    for descriptor in 0..1024 {
        // SAFETY: as above.
        unsafe { kernel(libc::SYS_close, [descriptor, 0, 0, 0, 0, 0]) };
    }
}

/// A command as execve(2) wants it: the lists of its words and variables.
#[derive(Clone, Debug)]
pub struct Command {
    words: Texts,
    variables: Texts,
}

/// Bytes of the longest path, its NUL among them, and of the longest name in one (limits.h(0p), Linux). A longer folder in
/// PATH is passed over, a longer command refused (execvp(3), glibc).
const PATH_MAX: usize = 4096;
const NAME_MAX: usize = 255;

impl Command {
    pub fn new(words: Texts, variables: Texts) -> Self {
        Self { words, variables }
    }

    /// Leaves the command for a process that shares our memory, or a copy of it. Its words and variables must live as
    /// long as that.
    pub fn leave(&self) {
        EARLY.command[0].store(self.words.0.cast_mut(), Ordering::Relaxed);
        EARLY.command[1].store(self.variables.0.cast_mut(), Ordering::Relaxed);
    }

    /// The one that was left. `None`: none was.
    pub fn left() -> Option<Self> {
        let [words, variables] = &EARLY.command;
        let (words, variables) = (words.load(Ordering::Relaxed), variables.load(Ordering::Relaxed));
        (!words.is_null()).then_some(Self { words: Texts(words), variables: Texts(variables) })
    }

    /// Becomes the command. Looks along PATH and falls back to the shell for a script without `#!`, both as execvp(3)
    /// does, but without the C library. Returns only if that failed.
    pub fn become_it(&self) -> Errno {
        let Some(file) = self.words.clone().next() else { return Errno::ENOENT };
        if file.bytes().any(|byte| byte == b'/') {
            return self.execute(file);
        }
        let path = self.variables.clone().find_map(|variable| value_of(variable, b"PATH"));
        let mut folders = path.unwrap_or(Text::of(c"/bin:/usr/bin").bytes());
        let free = EARLY.used.load(Ordering::Relaxed);
        let mut is_forbidden = false;
        if file.bytes().count() > NAME_MAX {
            return Errno::ENAMETOOLONG;
        }
        loop {
            let folder = folders.clone().take_while(|&byte| byte != b':');
            // An empty folder is the current one, without a slash.
            let slash = folder.clone().next().map(|_| b'/');
            let error = if folder.clone().count() < PATH_MAX {
                let path = Pen::new()
                    .write(folder)
                    .and_then(|pen| pen.write(slash.into_iter())?.write(file.bytes())?.end());
                path.map_or(Errno::ENAMETOOLONG, |path| self.execute(path))
            } else {
                Errno::ENOENT
            };
            EARLY.used.store(free, Ordering::Relaxed);
            match error {
                Errno::EACCES => is_forbidden = true,
                // Not here: the next folder's turn.
                Errno::ENOENT | Errno::ESTALE | Errno::ENOTDIR | Errno::ENODEV | Errno::ETIMEDOUT => {}
                _ => return error,
            }
            // Behind the colon; without one this was the last.
            if !folders.any(|byte| byte == b':') {
                return if is_forbidden { Errno::EACCES } else { error };
            }
        }
    }

    fn execute(&self, file: Text) -> Errno {
        let error = execute(file, &self.words, &self.variables);
        if error == Errno::ENOEXEC
            && let Some(words) = self.words_for_shell(file)
        {
            return execute(Text::of(SHELL), &words, &self.variables);
        }
        error
    }

    /// `/bin/sh FILE ARG...`. `None`: there is no memory for so many.
    fn words_for_shell(&self, file: Text) -> Option<Texts> {
        // The shell and the file stand in place of the first word; behind the last one, a null.
        let bytes = (self.words.clone().count() + 2) * size_of::<*const c_char>();
        let list: *mut *const c_char = map(bytes, libc::MAP_PRIVATE)?;
        let first = [Text::of(SHELL), file].into_iter();
        for (at, word) in first.chain(self.words.clone().skip(1)).enumerate() {
            // SAFETY: there is room for so many, and nobody else knows of it yet.
            unsafe { list.wrapping_add(at).write(word.0) };
        }
        Some(Texts(list))
    }
}

/// What reads a script without `#!` (execvp(3)).
const SHELL: &CStr = c"/bin/sh";

fn execute(file: Text, words: &Texts, variables: &Texts) -> Errno {
    let words = [place(file.0), place(words.0), place(variables.0), 0, 0, 0];
    // SAFETY: the file's name and all texts of both lists are NUL-terminated, both lists end with a null, and all of
    // them live as long as this process has this memory.
    let result = unsafe { kernel(libc::SYS_execve, words) };
    Errno::from_raw(i32::try_from(-result).unwrap_or(0))
}

/// Fresh memory, all zero (mmap(2)). `None`: there is none left.
fn map<T>(bytes: usize, kind: c_int) -> Option<*mut T> {
    const MODE: c_int = libc::PROT_READ | libc::PROT_WRITE;
    let kind = kind | libc::MAP_ANONYMOUS;
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: asks for memory at an address of the kernel's choice.
        let page = unsafe { kernel(libc::SYS_mmap, [0, bytes, number(MODE), number(kind), usize::MAX, 0]) };
        usize::try_from(page).ok().map(ptr::with_exposed_provenance_mut)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        // SAFETY: asks for memory at an address of the kernel's choice.
        let page = unsafe { libc::mmap(ptr::null_mut(), bytes, MODE, kind, -1, 0) };
        (page != libc::MAP_FAILED).then_some(page.cast())
    }
}

/// The device and the number of a file (stat(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    number: u64,
}

/// Whether a link at the end of a path is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Links {
    Follow,
    Stay,
}

/// Which file is there.
pub fn identity(path: Text, links: Links) -> Option<Identity> {
    status(path, links, |found| Identity { device: found.st_dev, number: found.st_ino })
}

fn status<T>(path: Text, links: Links, of: fn(&libc::stat) -> T) -> Option<T> {
    let mut found = std::mem::MaybeUninit::<libc::stat>::uninit();
    #[cfg(target_arch = "x86_64")]
    let done = {
        let call = if links == Links::Follow { libc::SYS_stat } else { libc::SYS_lstat };
        // SAFETY: the path is NUL-terminated, and the pointer is to room for the structure that the kernel fills in, which
        // on this machine is the C library's (stat(2)).
        unsafe { kernel(call, [place(path.0), place(found.as_mut_ptr()), 0, 0, 0, 0]) }
    };
    #[cfg(not(target_arch = "x86_64"))]
    let done = {
        let call = if links == Links::Follow { libc::stat } else { libc::lstat };
        // SAFETY: the path is NUL-terminated, and the pointer is to room for the structure.
        unsafe { call(path.0, found.as_mut_ptr()) }
    };
    // SAFETY: the structure was filled in.
    (done == 0).then(|| of(unsafe { found.assume_init_ref() }))
}

/// What follows the name and `=`, if this is the variable of that name.
pub fn value_of(variable: Text, name: &[u8]) -> Option<Bytes> {
    let mut rest = variable.bytes();
    let is_it = name.iter().all(|&letter| rest.next() == Some(letter)) && rest.next() == Some(b'=');
    is_it.then_some(rest)
}

/// A command whose words and variables are ours to keep. Made before a fork, because nothing may be allocated or fail
/// later.
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
            let is_it = |entry: &*const c_char| value_of(Text(*entry), name.as_bytes()).is_some();
            match environment.iter().position(is_it) {
                Some(at) => environment[at] = variable.as_ptr(),
                None => environment.push(variable.as_ptr()),
            }
            kept.push(variable);
        }
        environment.push(ptr::null());
        Ok(Self { words, _added: kept, argv, environment })
    }

    /// The same for who cannot call the C library. It lives no longer than this.
    pub fn command(&self) -> Command {
        Command::new(Texts(self.argv.as_ptr()), Texts(self.environment.as_ptr()))
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
        unsafe { libc::execvpe(file, self.argv.as_ptr(), self.environment.as_ptr()) };
        Errno::last()
    }
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
    // Nobody else is left to tell; the caller exits with 128+n instead.
    let _ = send(own_pid(), signal);
    mask(Mask::Unblock, SignalSet::only(signal));
}

/// Words in memory that we share with the processes we start, and wait on (futex(2)).
#[derive(Clone, Copy)]
pub struct Shared(&'static SharedWords);

type SharedWords = [AtomicU32; 4];

impl Shared {
    /// For processes that share all our memory.
    pub fn ours() -> Self {
        Self(&EARLY.shared)
    }

    /// For those with a memory of their own (mmap(2), `MAP_SHARED`). `None`: there is no memory left.
    pub fn apart() -> Option<Self> {
        let words: *mut SharedWords = map(size_of::<SharedWords>(), libc::MAP_SHARED)?;
        // SAFETY: the mapping is page-aligned, zeroed, large enough, and is never unmapped.
        Some(Self(unsafe { &*words }))
    }

    pub fn read(self, at: usize) -> u32 {
        self.0[at].load(Ordering::Acquire)
    }

    /// Stores a value and wakes whoever waits for a change of this word.
    pub fn publish(self, at: usize, value: u32) {
        let word = &self.0[at];
        word.store(value, Ordering::Release);
        let words = [place(word.as_ptr()), number(libc::FUTEX_WAKE), number(c_int::MAX), 0, 0, 0];
        // SAFETY: the word lives as long as the process; waking takes numbers beside it.
        unsafe { kernel(libc::SYS_futex, words) };
    }

    /// Sleeps while the word has this value, at most `wait` (for ever without one); may return early.
    pub fn wait_while(self, at: usize, value: u32, wait: Option<Duration>) {
        let limit = wait.map(timespec);
        let limit = limit.as_ref().map_or(0, |limit| place(limit));
        let words = [place(self.0[at].as_ptr()), number(libc::FUTEX_WAIT), value as usize, limit, 0, 0];
        // SAFETY: the word and the limit live until the call returns; without a limit it waits for ever.
        unsafe { kernel(libc::SYS_futex, words) };
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

/// The columns of the terminal that standard output is (ioctl_tty(2), `TIOCGWINSZ`).
pub fn columns_of_stdout() -> Option<u16> {
    // SAFETY: winsize is plain old data, for which all zeros are a valid value.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live structure of the type that this request fills in.
    let done = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (done == 0 && size.ws_col > 0).then_some(size.ws_col)
}

/// For tests that write with a [`Pen`]: the program has one thread when it does.
#[cfg(test)]
pub static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_the_whole_name() {
        let value = |text: &'static CStr| value_of(Text::of(text), b"HOME").map(Iterator::collect::<Vec<u8>>);
        assert_eq!(value(c"HOME=/x=y"), Some(b"/x=y".to_vec()));
        assert_eq!(value(c"HOME="), Some(vec![]));
        assert_eq!(value(c"HOMER=/x"), None);
        assert_eq!(value(c"HOM"), None);
        assert_eq!(value(c"HOME"), None);
    }

    #[test]
    fn what_does_not_fit_is_not_kept() {
        let _alone = ALONE.lock();
        let text = Pen::new().write(b"abc".iter().copied()).unwrap().end().unwrap();
        assert!(Pen::new().write(std::iter::repeat_n(b'x', EARLY.texts.len())).is_none());
        let other = Pen::new().end().unwrap();
        assert_eq!(text.bytes().collect::<Vec<u8>>(), b"abc");
        assert_eq!(other.bytes().next(), None);
    }
}

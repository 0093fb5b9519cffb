//! Whatever system call fails, the command runs as bare, and at most one line of the log is lost.

use std::fs;

use super::strace::{
    Suspended, SyscallSite, looks_for_the_marker, syscall_sites, tm_run_argv, under_strace, wrapped_argv,
};
use super::{COMMAND, EARLIER, assert_unharmed, damaged_lines, expect_ok, is_whole, tm_run};
use crate::harness::{Case, MOUNT_NAMESPACE, RECORDED, Sandbox, TM_RUN, WaitStatus, Way, cases};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED;
        line_cut_short_by_rlimit_fsize_costs_only_itself,
        rlimit_nofile_runs_the_command_as_bare,
        fifo_device_or_symlink_as_the_log_neither_hangs_nor_changes,
        fifo_socket_or_symlink_as_the_copy_neither_hangs_nor_harms,
        hard_linked_log_is_written_and_clear_reports_the_other_link,
    ];
    all.extend(cases![RECORDED, needs ["strace"];
        errno_at_any_syscall_costs_at_most_one_line,
        errno_that_reaches_the_command_is_detected,
        errno_at_any_syscall_makes_off_and_clear_claim_nothing_false,
        clear_before_failed_or_killed_at_any_syscall_loses_no_event,
    ]);
    all.extend(cases![RECORDED, needs ["strace", "prlimit"];
        line_is_not_glued_to_one_that_is_cut_short_concurrently,
    ]);
    all.extend(cases![RECORDED, needs [MOUNT_NAMESPACE, "mount", "bash"];
        enospc_on_a_full_tmpfs_costs_only_what_does_not_fit,
        erofs_runs_the_command_as_bare,
    ]);
    all.extend(cases![RECORDED, needs ["root", "setpriv", "prlimit"]; rlimit_nproc_runs_the_command_as_bare]);
    all
}

const ERRORS: [&str; 8] = ["ENOSPC", "EIO", "EINTR", "EACCES", "EMFILE", "ENOENT", "EROFS", "ENOMEM"];

/// A full disk, a damaged_lines disk, no permission, no file.
const FEWER_ERRORS: [&str; 4] = ["ENOSPC", "EIO", "EACCES", "ENOENT"];

/// Calls that cannot fail, or not in the way they are used here, by their manual pages. If arch_prctl or mprotect
/// fails, the C library does not start, in any program.
const CANNOT_FAIL: [&str; 16] = [
    "execve",
    "exit_group",
    "waitid",
    "rt_sigtimedwait",
    "rt_sigprocmask",
    "rt_sigaction",
    "kill",
    "futex",
    "getpid",
    "getppid",
    "geteuid",
    "brk",
    "munmap",
    "arch_prctl",
    "mprotect",
    "getrandom",
];

/// The lines of a log that are neither whole nor empty.
fn torn_lines(log: &str) -> Vec<&str> {
    damaged_lines(log).into_iter().filter(|line| !line.is_empty()).collect()
}

fn errno_at_any_syscall_costs_at_most_one_line(_: &Sandbox) {
    let torn = format!("{EARLIER}{}", &EARLIER[..60]);
    for earlier in [EARLIER, "", &torn] {
        let home = || {
            let sandbox = Sandbox::new(Way::Recorded);
            if !earlier.is_empty() {
                fs::write(sandbox.log(), earlier).expect("a log");
            }
            sandbox
        };
        let torn = torn_lines(earlier);
        let trial = home();
        let mut all = syscall_sites(&trial, wrapped_argv(&trial, &COMMAND), looks_for_the_marker);
        all.retain(|place| !CANNOT_FAIL.contains(&place.name.as_str()));
        for wanted in ["newfstatat", "clone", "openat", "flock", "statx", "write", "close"] {
            assert!(all.iter().any(|place| place.name == wanted), "{wanted}: {all:?}");
        }
        assert_eq!(all.iter().any(|place| place.name == "pread64"), !earlier.is_empty(), "{all:?}");
        for place in &all {
            let sandbox = home();
            for error in ERRORS {
                let before = sandbox.log_text();
                let inject = place.inject(&format!("error={error}"));
                let options = ["-e", &format!("trace={}", place.name), "-e", &inject];
                let output = under_strace(&sandbox, &options, wrapped_argv(&sandbox, &COMMAND)).output();
                assert_unharmed(&output, &inject);
                let log = sandbox.log_text();
                let new =
                    log.strip_prefix(&before).unwrap_or_else(|| panic!("{inject}: {before} became {log}"));
                // If tm-run cannot see whether the last line has an end, it writes a line end first.
                let is_unseen = place.name == "pread64" || place.name == "openat" && error == "EACCES";
                let new = if is_unseen || !before.ends_with('\n') { new.trim_start() } else { new };
                assert!(new.lines().count() <= 1, "{inject}: {new}");
                assert_eq!(torn_lines(&log), torn, "{inject}");
            }
            assert_unharmed(&sandbox.command(COMMAND).output(), "without a fault");
            let log = sandbox.log_text();
            assert_eq!(torn_lines(&log), torn, "{place:?}");
            assert!(log.ends_with("\"exit_code\": 3}\n"), "{place:?}: {log}");
        }
    }
}

/// The check would notice: here the error reaches the command.
fn errno_that_reaches_the_command_is_detected(sandbox: &Sandbox) {
    let options = ["-f", "-e", "trace=write", "-e", "inject=write:error=ENOSPC"];
    let output = under_strace(sandbox, &options, wrapped_argv(sandbox, &COMMAND)).output();
    assert_ne!((output.text().as_str(), output.stderr.as_str()), ("out\n", "err\n"));
    assert_eq!(sandbox.log_text(), "", "tm-run met it, too");
}

/// `off` and `clear` must not claim what they could not do.
fn errno_at_any_syscall_makes_off_and_clear_claim_nothing_false(_: &Sandbox) {
    let home = || {
        let sandbox = Sandbox::new(Way::Recorded);
        fs::write(sandbox.log(), EARLIER).expect("a log");
        sandbox
    };
    let is_off = |sandbox: &Sandbox| !sandbox.marker().exists();
    let is_gone = |sandbox: &Sandbox| super::listing(&sandbox.home()).iter().all(|(path, _)| path.is_dir());
    let mut refused = 0;
    for (words, is_so) in [(&["off"], &is_off as &dyn Fn(&Sandbox) -> bool), (&["clear"], &is_gone)] {
        let trial = home();
        let mut all = syscall_sites(&trial, tm_run_argv(words), |call| call.text.contains("/.anklume"));
        all.retain(|place| !CANNOT_FAIL.contains(&place.name.as_str()));
        assert!(
            is_so(&trial) && all.iter().any(|place| place.name.starts_with("unlink")),
            "{words:?}: {all:?}"
        );
        for place in &all {
            for error in FEWER_ERRORS {
                let sandbox = home();
                let inject = place.inject(&format!("error={error}"));
                let options = ["-e", &format!("trace={}", place.name), "-e", &inject];
                let output = under_strace(&sandbox, &options, tm_run_argv(words)).output();
                match output.status {
                    // On ENOENT tm-run believes that the file is missing.
                    WaitStatus::Exited(0) => {
                        assert!(is_so(&sandbox) || error == "ENOENT", "{words:?} {inject}");
                    }
                    WaitStatus::Exited(1) => {
                        assert_eq!(output.stderr.lines().count(), 1, "{words:?} {inject}");
                    }
                    other => panic!("{words:?} {inject}: {other:?}"),
                }
                refused += usize::from(!is_so(&sandbox));
                // The next try succeeds.
                expect_ok(&sandbox, words);
                assert!(is_so(&sandbox), "{words:?} {inject}");
            }
        }
    }
    assert!(refused > 10, "{refused} times it was not so");
}

/// At any time there is one whole log, the old one or the new one.
fn clear_before_failed_or_killed_at_any_syscall_loses_no_event(_: &Sandbox) {
    let later = EARLIER.replace("2026-02", "2026-05");
    let old = format!("{EARLIER}{later}");
    let home = || {
        let sandbox = Sandbox::new(Way::Recorded);
        fs::write(sandbox.log(), &old).expect("a log");
        sandbox
    };
    let words = ["clear", "--before", "2026-03-01"];
    let trial = home();
    let mut all = syscall_sites(&trial, tm_run_argv(&words), |call| call.text.contains("/.anklume"));
    assert_eq!(trial.log_text(), later);
    all.retain(|place| !CANNOT_FAIL.contains(&place.name.as_str()));
    assert!(all.iter().any(|place| place.name.starts_with("rename")), "{all:?}");
    let (mut before, mut after) = (0, 0);
    for place in &all {
        for what in
            FEWER_ERRORS.map(|error| format!("error={error}")).into_iter().chain(["signal=KILL".to_owned()])
        {
            let sandbox = home();
            let inject = place.inject(&what);
            let options = ["-e", &format!("trace={}", place.name), "-e", &inject];
            let output = under_strace(&sandbox, &options, tm_run_argv(&words)).output();
            let log = sandbox.log_text();
            match output.status {
                WaitStatus::Exited(0) if what != "error=ENOENT" => assert_eq!(log, later, "{inject}"),
                WaitStatus::Exited(0 | 1) | WaitStatus::Killed(9) => {
                    assert!(log == old || log == later, "{inject}: {log}");
                }
                other => panic!("{inject}: {other:?}"),
            }
            (before, after) = (before + usize::from(log == old), after + usize::from(log == later));
            // The next try succeeds, although a copy may have been left.
            expect_ok(&sandbox, &words);
            assert_eq!(sandbox.log_text(), later, "{inject}");
            if what == "signal=KILL" {
                expect_ok(&sandbox, &["clear"]);
                assert_eq!(super::listing(&sandbox.home()), [], "{inject}");
            }
        }
    }
    assert!(before > 9 && after > 9, "{before} {after}");
}

/// RLIMIT_FSIZE in the middle of a line does what a full disk does.
fn line_cut_short_by_rlimit_fsize_costs_only_itself(_: &Sandbox) {
    let length = EARLIER.len();
    // The line that is cut is at least this long.
    for room in (0..length - 10).step_by(5) {
        let sandbox = Sandbox::new(Way::Recorded);
        fs::write(sandbox.log(), EARLIER).expect("a log");
        let limit = format!("1:{}", length + room);
        assert_unharmed(&sandbox.command(COMMAND).launch_option("--limit", &limit).output(), &limit);
        assert_eq!(
            fs::metadata(sandbox.log()).expect("a log").len(),
            (length + room) as u64,
            "cut where it was to be"
        );
        assert_unharmed(&sandbox.command(COMMAND).output(), &limit);
        assert_unharmed(&sandbox.command(COMMAND).output(), &limit);
        let log = sandbox.log_text();
        assert!(log.starts_with(EARLIER), "{log}");
        assert_eq!(damaged_lines(&log).len(), usize::from(room > 0), "{log}");
        assert_eq!(
            log.lines().filter(|line| line.contains("\"work\"") && line.ends_with("3}")).count(),
            2,
            "{log}"
        );
        let events: serde_json::Value =
            serde_json::from_str(&tm_run(&sandbox, &["report", "--format", "json"]).output().text())
                .expect("JSON");
        assert_eq!(events["input"]["events"], 3, "{log}");
    }
}

/// One writer is suspended between its look at the last line and its write. The other one has no room for its line, and
/// writes first if the lock does not keep it from that.
fn line_is_not_glued_to_one_that_is_cut_short_concurrently(sandbox: &Sandbox) {
    fs::write(sandbox.log(), EARLIER).expect("a log");
    let writes = |code| tm_run_argv(&["log", "--target", "x", "--duration", "1", "--exit-code", code]);
    let behind = |call: &str| SyscallSite { name: call.to_owned(), nth: 1 };
    let has_looked = Suspended::at(sandbox, &behind("pread64"), writes("4"));
    assert!(has_looked.is_there, "{}", has_looked.trace());
    let limited = ["prlimit".into(), format!("--fsize={}", EARLIER.len() + 40).into()];
    let is_cut_short =
        Suspended::at(sandbox, &behind("flock"), limited.into_iter().chain(writes("5")).collect());
    assert!(is_cut_short.is_there, "{}", is_cut_short.trace());
    if is_cut_short.trace().contains("EAGAIN") {
        has_looked.finish();
        is_cut_short.finish();
    } else {
        is_cut_short.finish();
        has_looked.finish();
    }
    let log = sandbox.log_text();
    assert!(log.starts_with(EARLIER), "{log}");
    let is_fours = |line: &str| is_whole(line) && line.ends_with("\"exit_code\": 4}");
    assert_eq!(log.lines().filter(|line| is_fours(line)).count(), 1, "{log}");
}

/// tmpfs allocates whole pages: the log has one, and a filler takes the rest.
fn enospc_on_a_full_tmpfs_costs_only_what_does_not_fit(sandbox: &Sandbox) {
    let script = "mount -t tmpfs -o size=64k,mode=700 none \"$HOME\" && cd \"$HOME\" && \"$T\" on >/dev/null
        run() { $W sh -c 'exit 3'; [ $? = 3 ] || echo 'another status'; }
        run
        cat /dev/zero >filler 2>/dev/null
        for i in {1..40}; do run; done
        rm filler
        for i in 1 2 3; do run; done
        cat .anklume/telemetry/usage.jsonl";
    let words = ["unshare", "--mount", "bash", "-c", script];
    let output = sandbox.unwrapped(words).env("T", TM_RUN).output();
    assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(0), ""));
    let log = output.text();
    let whole = log.lines().count() - 1;
    assert_eq!(damaged_lines(&log).len(), 1, "{log}");
    assert!(damaged_lines(&log)[0].starts_with("{\"timestamp\": "), "{log}");
    // One page of lines, and those after the filler is gone.
    assert_eq!(whole, 4096 / (EARLIER.len() - "earlier".len() + "work".len() - 1) + 3, "{log}");
    assert_eq!(log.lines().rev().take(3).flat_map(|line| damaged_lines(line)).count(), 0, "{log}");
}

fn erofs_runs_the_command_as_bare(sandbox: &Sandbox) {
    let script = "mount -t tmpfs -o mode=700 none \"$HOME\" && cd \"$HOME\" && \"$T\" on >/dev/null
        first=$1; shift
        [ $first = empty ] || $W true
        mount -o remount,ro \"$HOME\" || exit 9
        \"$T\" status >&2; for what in off clear 'clear --before today'; do \"$T\" $what >&2; echo $?; done
        exec $W \"$@\"";
    for first in ["empty", "one"] {
        let words = ["unshare", "--mount", "bash", "-c", script, "bash", first].into_iter().chain(COMMAND);
        let output = sandbox.unwrapped(words).env("T", TM_RUN).output();
        assert_eq!(output.status, WaitStatus::Exited(3), "{}", output.stderr);
        // There is nothing to delete where nothing has been recorded.
        let last = i32::from(first != "empty");
        assert_eq!(output.text(), format!("1\n1\n{last}\nout\n"), "{}", output.stderr);
        assert!(
            output.stderr.ends_with("err\n") && output.stderr.contains("Read-only file system"),
            "{}",
            output.stderr
        );
    }
}

fn rlimit_nofile_runs_the_command_as_bare(sandbox: &Sandbox) {
    let bare = Sandbox::new(Way::Bare);
    for limit in 0..10 {
        let [with, without] = [sandbox, &bare].map(|sandbox| {
            let output = sandbox.command(COMMAND).launch_option("--limit", format!("7:{limit}")).output();
            (output.status, output.text(), output.stderr)
        });
        assert_eq!(with, without, "{limit} descriptors");
    }
    assert!(sandbox.log_text().lines().count() >= 5, "where there is room for it, the run is recorded");
    assert_eq!(damaged_lines(&sandbox.log_text()), [""; 0]);
}

/// RLIMIT_NPROC does not bind root, so this is another user.
fn rlimit_nproc_runs_the_command_as_bare(sandbox: &Sandbox) {
    let program = super::privilege::world_executable_copy(sandbox);
    // A uid without other processes, for the limit counts all of them.
    let user = 61_234;
    super::privilege::chown_all(&sandbox.home(), user);
    let id = user.to_string();
    for (limit, recorded) in [(1, 0), (2, 1), (3, 2), (9, 3)] {
        let words = ["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups", "prlimit"];
        let limit = format!("--nproc={limit}:{limit}");
        let tail = [limit.as_str(), &program, "--target", "work", "--"].into_iter().chain(COMMAND);
        assert_unharmed(&sandbox.unwrapped(words.into_iter().chain(tail)).output(), &limit);
        assert_eq!(sandbox.exit_codes(), vec![3; recorded], "{limit}");
    }
}

fn fifo_device_or_symlink_as_the_log_neither_hangs_nor_changes(_: &Sandbox) {
    use std::os::unix::fs::symlink;
    type Make = fn(&std::path::Path);
    let make: [(&str, Make); 5] = [
        ("a directory", |log| fs::create_dir(log).expect("a directory")),
        ("a FIFO", |log| nix::unistd::mkfifo(log, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO")),
        ("a device", |log| symlink("/dev/full", log).expect("a link")),
        ("a loop", |log| symlink("usage.jsonl", log).expect("a link")),
        ("a link to nowhere", |log| symlink("/no/such/directory/log", log).expect("a link")),
    ];
    for (what, make) in make {
        let sandbox = Sandbox::new(Way::Recorded);
        make(&sandbox.log());
        let was = fs::symlink_metadata(sandbox.log()).expect("it is there").file_type();
        assert_unharmed(&sandbox.command(COMMAND).output(), what);
        for words in [
            &["status"][..],
            &["report"],
            &["log", "--target", "x", "--duration", "1", "--exit-code", "0"],
            &["clear", "--before", "today"],
            &["off"],
        ] {
            let output = tm_run(&sandbox, words).output();
            assert!(
                matches!(output.status, WaitStatus::Exited(0 | 1)),
                "{what}: {words:?} {:?}",
                output.status
            );
            assert!(output.stderr.lines().count() <= 1, "{what}: {words:?} {}", output.stderr);
        }
        let is = fs::symlink_metadata(sandbox.log()).expect("it is there").file_type();
        assert_eq!(was, is, "{what}");
        let output = tm_run(&sandbox, &["clear"]).output();
        assert!(
            matches!(output.status, WaitStatus::Exited(0 | 1)),
            "{what}: {:?} {}",
            output.status,
            output.stderr
        );
    }
}

/// The copy that `clear --before` writes and renames.
fn fifo_socket_or_symlink_as_the_copy_neither_hangs_nor_harms(_: &Sandbox) {
    use std::os::unix::{fs::symlink, net::UnixListener};
    type Make = fn(&std::path::Path);
    let make: [(&str, Make); 5] = [
        ("a copy that was left", |copy| fs::write(copy, EARLIER).expect("a file")),
        ("a FIFO", |copy| nix::unistd::mkfifo(copy, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO")),
        ("a link", |copy| symlink("/no/such/directory/log", copy).expect("a link")),
        ("a socket", |copy| drop(UnixListener::bind(copy).expect("a socket"))),
        ("a directory", |copy| fs::create_dir(copy).expect("a directory")),
    ];
    for (what, make) in make {
        let sandbox = Sandbox::new(Way::Recorded);
        let seasons = format!("{EARLIER}{}", EARLIER.replace("2026-02", "2026-05"));
        fs::write(sandbox.log(), &seasons).expect("a log");
        let copy = sandbox.telemetry().join("usage.jsonl.new");
        make(&copy);
        let output = tm_run(&sandbox, &["clear", "--before", "2026-03-01"]).output();
        let is_ours = what != "a directory";
        let seen = (output.status, output.text().lines().count(), output.stderr.lines().count());
        let expected = if is_ours { (WaitStatus::Exited(0), 1, 0) } else { (WaitStatus::Exited(1), 0, 1) };
        assert_eq!(seen, expected, "{what}: {}", output.stderr);
        assert_eq!(sandbox.log_text(), if is_ours { &seasons[EARLIER.len()..] } else { &seasons }, "{what}");
        assert_unharmed(&sandbox.command(COMMAND).output(), what);
        if is_ours {
            make(&copy);
        }
        expect_ok(&sandbox, &["clear"]);
        let left = super::listing(&sandbox.home());
        assert_eq!(left.len(), if is_ours { 0 } else { 3 }, "{what}: {left:?}");
    }
}

fn hard_linked_log_is_written_and_clear_reports_the_other_link(sandbox: &Sandbox) {
    fs::write(sandbox.log(), EARLIER).expect("a log");
    fs::hard_link(sandbox.log(), sandbox.path("second")).expect("a link");
    assert_unharmed(&sandbox.command(COMMAND).output(), "two names");
    assert_eq!(sandbox.exit_codes(), [0, 3]);
    let output = tm_run(sandbox, &["clear"]).output();
    assert_eq!(output.status, WaitStatus::Exited(1));
    assert!(output.stderr.contains("1 other hard link"), "{}", output.stderr);
    assert!(!sandbox.home().join(".anklume").exists());
    expect_ok(sandbox, &["status"]);
}

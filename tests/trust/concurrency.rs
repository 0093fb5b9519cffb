//! Many runs at once: every event is whole, none is lost, and none is written while off.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::process::Stdio;

use super::strace::{
    Call, Suspended, SyscallSite, looks_for_the_marker, syscall_sites, tm_run_argv, trace_of, under_strace,
};
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::{F_RDLCK, SEEK_SET, flock};

use super::{EARLIER, damaged_lines};
use crate::harness::{Case, RECORDED, Sandbox, TM_RUN, WaitStatus, cases, probe, wait_until};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED, needs ["bash", "xargs"];
        concurrent_1000_runs_write_1000_lines,
        concurrent_runs_record_nothing_between_off_and_on,
    ];
    all.extend(cases![RECORDED, needs ["strace"];
        writer_suspended_at_any_syscall_and_another_one_lose_no_line,
        on_suspended_at_any_syscall_and_another_one_both_succeed,
        flock_held_by_another_process_is_waited_for_100_ms,
        clear_before_waits_for_a_writer_that_goes_on_without_the_lock,
        clear_before_keeps_a_line_that_is_written_to_the_old_log,
        clear_before_copies_no_half_of_a_line,
        clear_before_suspended_at_any_syscall_and_another_one_lose_no_line,
        writer_suspended_before_the_lock_follows_a_hard_linked_log,
        clear_before_waits_five_seconds_for_a_writer_that_does_not_go_on,
        off_waits_for_a_writer_that_goes_on_without_the_lock,
    ]);
    all.extend(cases![RECORDED; torn_glued_or_extended_line_is_detected]);
    all
}

#[track_caller]
fn assert_quiet(output: &crate::harness::Output) {
    assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(0), ""));
}

/// Reports and rewrites run at the same time.
fn concurrent_1000_runs_write_1000_lines(sandbox: &Sandbox) {
    let script = "seq 1000 | xargs -P 16 -I{} \"$T\" --target run-{} -- true & storm=$!
        read -r first < <(while ! [ -s .anklume/telemetry/usage.jsonl ]; do :; done; echo)
        rounds=0
        while kill -0 $storm 2>/dev/null; do
            \"$T\" report --format json >/dev/null && \"$T\" status >/dev/null &&
            \"$T\" clear --before 2020-01-01 >/dev/null && \"$T\" report --format html >/dev/null || exit 9
            : $((rounds += 1))
        done
        wait $storm && [ $rounds -gt 2 ]";
    assert_quiet(&sandbox.bash(script).env("T", TM_RUN).output());
    let log = sandbox.log_text();
    assert_eq!(damaged_lines(&log), [""; 0]);
    let mut targets: Vec<String> = sandbox.events().into_iter().map(|event| event.target).collect();
    targets.sort();
    targets.dedup();
    assert_eq!((targets.len(), log.lines().count()), (1000, 1000));
}

/// Runs in the background may or may not be recorded. Those between `on` and `off` must be, those between `off` and
/// `on` must not.
fn concurrent_runs_record_nothing_between_off_and_on(sandbox: &Sandbox) {
    let script = "log=.anklume/telemetry/usage.jsonl
        seq 100000 | xargs -P 6 -I{} \"$T\" --target maybe-{} -- true & storm=$!
        some() { for i in {1..12}; do \"$T\" --target $1-$round-$i -- true & pids+=($!); done; wait ${pids[@]}; pids=(); }
        for round in {1..12}; do
            \"$T\" on >/dev/null; some sure
            \"$T\" off >/dev/null
            size=$(stat -c %s $log); some never
            [ $(stat -c %s $log) = $size ] || { echo \"round $round: written after off\"; exit 9; }
            \"$T\" report >/dev/null; \"$T\" status >/dev/null
            cat $log
            if [ $((round % 2)) = 0 ]; then
                \"$T\" on >/dev/null; \"$T\" clear >/dev/null; some never
                ! [ -e .anklume ] || { echo \"round $round: something is left\"; exit 8; }
            else
                rm $log
            fi
        done
        kill $storm; wait $storm 2>/dev/null
        \"$T\" clear >/dev/null
        true";
    let output = sandbox.bash(script).env("T", TM_RUN).output();
    assert_eq!(
        output.status,
        WaitStatus::Exited(0),
        "{}",
        output.text().lines().next_back().unwrap_or_default()
    );
    let log = output.text();
    assert_eq!(damaged_lines(&log), [""; 0]);
    let mut times: HashMap<&str, usize> = HashMap::new();
    for line in log.lines() {
        let target = line.split("\"target\": \"").nth(1).and_then(|rest| rest.split('"').next());
        *times.entry(target.expect("a target")).or_default() += 1;
    }
    assert!(times.values().all(|&times| times == 1), "each at most once: {times:?}");
    let count = |name: &str| times.keys().filter(|target| target.starts_with(name)).count();
    assert_eq!((count("sure"), count("never")), (144, 0));
    assert!(count("maybe") > 50, "there was a storm");
}

fn log_argv(code: &str) -> Vec<OsString> {
    tm_run_argv(&["log", "--target", "x", "--duration", "1", "--exit-code", code])
}

/// Whoever of them makes the log.
fn writer_suspended_at_any_syscall_and_another_one_lose_no_line(sandbox: &Sandbox) {
    let all = syscall_sites(sandbox, log_argv("4"), looks_for_the_marker);
    assert!(all.iter().any(|site| site.name == "write"), "{all:?}");
    for site in &all {
        fs::remove_file(sandbox.log()).expect("it goes");
        let suspended = Suspended::at(sandbox, site, log_argv("4"));
        assert_quiet(&sandbox.unwrapped(log_argv("5")).output());
        assert_eq!(suspended.finish(), WaitStatus::Exited(0), "{site:?}");
        let mut codes = sandbox.exit_codes();
        codes.sort_unstable();
        assert_eq!(codes, [4, 5], "{site:?}");
    }
}

fn on_suspended_at_any_syscall_and_another_one_both_succeed(sandbox: &Sandbox) {
    let on = || tm_run_argv(&["on"]);
    let reset = || fs::remove_dir_all(sandbox.home().join(".anklume")).expect("it goes");
    reset();
    let all = syscall_sites(sandbox, on(), looks_for_the_marker);
    assert!(all.iter().any(|site| site.name.starts_with("mkdir")), "{all:?}");
    for site in &all {
        reset();
        let suspended = Suspended::at(sandbox, site, on());
        assert_eq!(sandbox.unwrapped(on()).wait_for_exit(), WaitStatus::Exited(0), "{site:?}");
        assert_eq!(suspended.finish(), WaitStatus::Exited(0), "{site:?}");
        assert!(sandbox.marker().exists(), "{site:?}");
    }
}

fn flock_held_by_another_process_is_waited_for_100_ms(sandbox: &Sandbox) {
    let words = [probe().into(), OsString::from("hold"), sandbox.log().into_os_string()];
    let mut holder = sandbox.unwrapped(words).stdin(Stdio::piped()).spawn();
    assert_eq!(holder.stdout.read_line(), "held");
    let (output, calls) = trace_of(sandbox, &["-e", "trace=clock_nanosleep"], log_argv("4"));
    assert_quiet(&output);
    let nanoseconds = |call: &Call| -> u64 {
        let (_, number) = call.text.split_once("{tv_sec=0, tv_nsec=").expect("less than a second");
        number.split_once('}').and_then(|(number, _)| number.parse().ok()).expect("a number")
    };
    let sleeps: Vec<u64> = calls.iter().map(nanoseconds).collect();
    assert!((50_000_000..200_000_000).contains(&sleeps.iter().sum::<u64>()), "{sleeps:?}");
    holder.stdin = None;
    assert_eq!(holder.wait_for_exit(), WaitStatus::Exited(0));
}

/// A log with one event from long ago, locked until the file is unlocked.
fn locked_log(sandbox: &Sandbox) -> File {
    fs::write(sandbox.log(), EARLIER).expect("a log");
    let log = File::open(sandbox.log()).expect("the log");
    log.lock().expect("its lock");
    log
}

/// The system calls of a writer that goes on without the lock, from the one before it locks in another way up to its write,
/// each with whether it has that other lock then, and whether it has seen the marker.
fn sites_without_the_lock(sandbox: &Sandbox) -> Vec<(SyscallSite, bool, bool)> {
    let lock = locked_log(sandbox);
    let all = syscall_sites(sandbox, log_argv("4"), looks_for_the_marker);
    lock.unlock().expect("it had it");
    let index_of = |name| all.iter().position(|site| site.name == name).expect(name);
    let (locks, writes) = (index_of("fcntl"), index_of("write"));
    let sites = all.into_iter().enumerate().take(writes + 1).skip(locks - 1);
    sites.map(|(at, site)| (site, at >= locks, at + 1 >= writes)).collect()
}

fn suspended_writer(sandbox: &Sandbox, site: &SyscallSite) -> Suspended {
    let writer = Suspended::at(sandbox, site, log_argv("4"));
    assert!(writer.is_there, "{site:?}: {}", writer.trace());
    writer
}

/// Whether it has asked for writers without the lock, and there was one.
fn waits_for_writer(trace: &str) -> bool {
    trace.lines().any(|line| line.contains("F_OFD_GETLK") && line.contains("F_RDLCK"))
}

/// Lets a command meet such a writer, suspended behind each of its system calls. `check` is told whether the writer has seen
/// the marker by then.
fn meet_writer_without_the_lock(sandbox: &Sandbox, command: &[&str], check: impl Fn(bool)) {
    for (site, is_locked, has_seen_marker) in sites_without_the_lock(sandbox) {
        let lock = locked_log(sandbox);
        let writer = suspended_writer(sandbox, &site);
        lock.unlock().expect("it had it");
        let mut other = under_strace(sandbox, &["-e", "trace=fcntl"], tm_run_argv(command)).spawn();
        let waits = || waits_for_writer(&fs::read_to_string(sandbox.path("trace")).unwrap_or_default());
        wait_until("it waits for the writer, or ends", || waits() || other.session_processes().is_empty());
        assert_eq!(waits(), is_locked, "{site:?}");
        assert_eq!(writer.finish(), WaitStatus::Exited(0), "{site:?}");
        assert_eq!(other.wait_for_exit(), WaitStatus::Exited(0), "{site:?}");
        check(has_seen_marker);
        fs::remove_file(sandbox.path("trace")).expect("the trace");
    }
}

const REWRITE: [&str; 3] = ["clear", "--before", "2026-11-01"];

fn off_waits_for_a_writer_that_goes_on_without_the_lock(sandbox: &Sandbox) {
    meet_writer_without_the_lock(sandbox, &["off"], |has_seen_marker| {
        assert_eq!(sandbox.exit_codes().contains(&4), has_seen_marker);
        fs::write(sandbox.marker(), "").expect("on again");
    });
}

fn clear_before_waits_for_a_writer_that_goes_on_without_the_lock(sandbox: &Sandbox) {
    meet_writer_without_the_lock(sandbox, &REWRITE, |_| assert_eq!(sandbox.exit_codes(), [4]));
}

/// It holds the lock, and will rename the new log next.
fn suspended_rewrite(sandbox: &Sandbox) -> Suspended {
    fs::write(sandbox.log(), EARLIER).expect("a log");
    let rewrite =
        Suspended::at(sandbox, &SyscallSite { name: "fsync".to_owned(), nth: 2 }, tm_run_argv(&REWRITE));
    assert!(rewrite.is_there, "{}", rewrite.trace());
    rewrite
}

/// The writer gives up on the lock that the rewrite holds.
fn clear_before_keeps_a_line_that_is_written_to_the_old_log(sandbox: &Sandbox) {
    for (site, is_locked, _) in sites_without_the_lock(sandbox) {
        let mut rewrite = suspended_rewrite(sandbox);
        let writer = suspended_writer(sandbox, &site);
        rewrite.resume();
        wait_until("it waits for the writer, or ends", || {
            waits_for_writer(&rewrite.trace()) || rewrite.has_ended()
        });
        assert_eq!(waits_for_writer(&rewrite.trace()), is_locked, "{site:?}");
        assert_eq!(writer.finish(), WaitStatus::Exited(0), "{site:?}");
        assert_eq!(rewrite.finish(), WaitStatus::Exited(0), "{site:?}");
        assert_eq!(sandbox.exit_codes(), [4], "{site:?}");
    }
}

/// Of the two rewrites one at most replaces the log, by a whole copy.
fn clear_before_suspended_at_any_syscall_and_another_one_lose_no_line(sandbox: &Sandbox) {
    let kept = EARLIER.replace("2026-02", "2026-12").replace("\"exit_code\": 0", "\"exit_code\": 7");
    let reset = || fs::write(sandbox.log(), format!("{EARLIER}{kept}")).expect("a log");
    reset();
    let mut all = syscall_sites(sandbox, tm_run_argv(&REWRITE), |call| call.text.contains("jsonl.new"));
    let first = all.iter().position(|site| site.name == "flock").expect("it locks its copy");
    let locks_log = all.iter().skip(first + 1).position(|site| site.name == "flock").expect("and the log");
    // Behind that, the other one would wait for the log's lock.
    all.truncate(first + 1 + locks_log);
    for site in &all {
        // The other one goes all the way,
        reset();
        let rewrite = Suspended::at(sandbox, site, tm_run_argv(&REWRITE));
        assert!(rewrite.is_there, "{site:?}: {}", rewrite.trace());
        let _ = sandbox.unwrapped(tm_run_argv(&REWRITE)).output();
        assert_quiet(&sandbox.unwrapped(log_argv("4")).output());
        rewrite.finish();
        assert_eq!(sandbox.exit_codes(), [7, 4], "{site:?}");
        // or has not copied anything yet.
        reset();
        let rewrite = Suspended::at(sandbox, site, tm_run_argv(&REWRITE));
        let copies = SyscallSite { name: "lseek".to_owned(), nth: 1 };
        let other = Suspended::at(sandbox, &copies, tm_run_argv(&REWRITE));
        rewrite.finish();
        assert_quiet(&sandbox.unwrapped(log_argv("4")).output());
        other.finish();
        assert_eq!(sandbox.exit_codes(), [7, 4], "{site:?}");
    }
    assert_eq!(fs::read_dir(sandbox.telemetry()).expect("the directory").count(), 2, "no copy is left");
}

/// The old log is still a file with a name, and is the log no more.
fn writer_suspended_before_the_lock_follows_a_hard_linked_log(sandbox: &Sandbox) {
    fs::write(sandbox.log(), EARLIER).expect("a log");
    fs::hard_link(sandbox.log(), sandbox.path("other")).expect("a link");
    let sites = syscall_sites(sandbox, log_argv("4"), looks_for_the_marker);
    let opens = sites.iter().find(|site| site.name == "openat").expect("it opens the log");
    let writer = suspended_writer(sandbox, opens);
    assert_eq!(sandbox.unwrapped(tm_run_argv(&REWRITE)).wait_for_exit(), WaitStatus::Exited(1));
    assert_eq!(writer.finish(), WaitStatus::Exited(0));
    assert_eq!(sandbox.exit_codes(), [4, 4]);
}

/// The kernel shows a line that crosses the end of a page in two parts.
fn clear_before_copies_no_half_of_a_line(sandbox: &Sandbox) {
    fs::write(sandbox.log(), EARLIER).expect("a log");
    // Nobody was writing a moment ago, and it is about to copy what has been added.
    let about_to_copy = SyscallSite { name: "lseek".to_owned(), nth: 2 };
    let mut rewrite = Suspended::at(sandbox, &about_to_copy, tm_run_argv(&REWRITE));
    assert!(rewrite.is_there, "{}", rewrite.trace());
    let line = EARLIER.replace("2026-02", "2026-12").replace("earlier", "late");
    let (half, rest) = line.split_at(60);
    let mut writer = OpenOptions::new().read(true).append(true).open(sandbox.log()).expect("the log");
    let (l_type, l_whence) = (F_RDLCK.try_into().expect("a kind"), SEEK_SET.try_into().expect("a place"));
    let whole = flock { l_type, l_whence, l_start: 0, l_len: 0, l_pid: 0 };
    fcntl(&writer, FcntlArg::F_OFD_SETLK(&whole)).expect("the lock of a writer without the other one");
    writer.write_all(half.as_bytes()).expect("half a line");
    rewrite.resume();
    wait_until("it waits for the writer, or ends", || {
        waits_for_writer(&rewrite.trace()) || rewrite.has_ended()
    });
    assert_quiet(&sandbox.unwrapped(log_argv("4")).output());
    writer.write_all(rest.as_bytes()).expect("the other half");
    drop(writer);
    assert_eq!(rewrite.finish(), WaitStatus::Exited(0));
    assert_eq!(damaged_lines(&sandbox.log_text()), [""; 0]);
    assert_eq!(sandbox.exit_codes(), [4, 0]);
}

fn clear_before_waits_five_seconds_for_a_writer_that_does_not_go_on(sandbox: &Sandbox) {
    let sites = sites_without_the_lock(sandbox);
    let (has_seen_marker, ..) = &sites[sites.len() - 2];
    // Before the log is replaced.
    let lock = locked_log(sandbox);
    let writer = suspended_writer(sandbox, has_seen_marker);
    lock.unlock().expect("it had it");
    let said = sandbox.unwrapped(tm_run_argv(&REWRITE)).expect_error(1, "");
    assert!(said.ends_with(": another program holds its lock\n"), "{said}");
    assert_eq!(writer.finish(), WaitStatus::Exited(0));
    assert_eq!(sandbox.exit_codes(), [0, 4]);
    // After that.
    let rewrite = suspended_rewrite(sandbox);
    let writer = suspended_writer(sandbox, has_seen_marker);
    assert_eq!(rewrite.finish(), WaitStatus::Exited(1));
    assert_eq!(writer.finish(), WaitStatus::Exited(0));
    assert_eq!(sandbox.log_text(), "", "the line is lost");
}

fn torn_glued_or_extended_line_is_detected(sandbox: &Sandbox) {
    assert_eq!(sandbox.command(["true"]).wait_for_exit(), WaitStatus::Exited(0));
    let line = sandbox.log_text();
    assert_eq!(damaged_lines(&line.repeat(3)), [""; 0]);
    assert_eq!(damaged_lines(&format!("{}\n{line}", &line[..60])).len(), 1);
    assert_eq!(damaged_lines(&format!("{}{line}", &line[..60])).len(), 1);
    assert_eq!(damaged_lines(&format!("{}{line}", line.trim_end())).len(), 1);
    assert_eq!(
        damaged_lines(&line.replace("\"exit_code\": 0", "\"exit_code\": 0, \"user\": \"x\"")).len(),
        1
    );
}

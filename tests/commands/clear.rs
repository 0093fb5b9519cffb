//! `tm-run clear`, and `clear --before`.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Stdio;

use super::{
    CLEARED, LOG_ONE, NOTHING_TO_CLEAR, WithUser, assert_home_is_empty, cleared, event, mode, set_mode,
    tm_run,
};
use crate::harness::{
    Case, Job, MOUNT_NAMESPACE, RECORDED, Sandbox, TM_RUN, WaitStatus, cases, probe, without_moment,
};
use crate::trust::strace::{Suspended, SyscallSite, tm_run_argv, under_strace};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED; clear_deletes_the_log_the_marker_and_the_directories, clear_keeps_files_that_are_not_ours, clear_deletes_the_target_of_a_symlinked_log, clear_reports_hard_links_and_dangling_symlinks, clear_deletes_a_log_without_read_permission, clear_before_deletes_only_older_events, clear_before_uses_the_local_time_zone, clear_before_keeps_a_symlinked_log_linked, clear_before_treats_untimed_lines_like_the_line_before, clear_before_gives_up_on_a_locked_log, clear_before_loses_no_line_of_concurrent_writers];
    all.extend(cases![RECORDED, needs [MOUNT_NAMESPACE, "mount", "bash"]; clear_before_on_a_full_disk_says_that_clear_needs_no_room]);
    all.extend(cases![RECORDED, needs ["strace"]; clear_before_keeps_a_line_that_is_finished_meanwhile, clear_before_leaves_a_log_that_is_replaced_meanwhile, clear_before_leaves_the_copy_of_another_one, clear_before_killed_leaves_the_log_whole]);
    all
}

fn clear_deletes_the_log_the_marker_and_the_directories(sandbox: &Sandbox) {
    tm_run(sandbox, LOG_ONE).wait_for_exit();
    let says = cleared(sandbox);
    assert!(says.ends_with("\nDeleted: 1 event, 115 bytes\n"), "{says}");
    tm_run(sandbox, "clear").expect_output(0, &says, "");
    assert_home_is_empty(sandbox);
    tm_run(sandbox, "clear").expect_output(0, NOTHING_TO_CLEAR, "");
    // Only the marker is there, then only the log.
    tm_run(sandbox, "on").wait_for_exit();
    tm_run(sandbox, "clear").expect_output(0, CLEARED, "");
    fs::create_dir_all(sandbox.telemetry()).expect("the directories");
    fs::write(sandbox.log(), "").expect("a log");
    tm_run(sandbox, "clear").expect_output(0, &cleared(sandbox), "");
    assert_home_is_empty(sandbox);
}

fn clear_before_on_a_full_disk_says_that_clear_needs_no_room(sandbox: &Sandbox) {
    let script = "mount -t tmpfs -o size=64k,mode=700 none \"$HOME\" && cd \"$HOME\" && \"$T\" on >/dev/null
        $W true; cat /dev/zero >filler 2>/dev/null
        \"$T\" clear --before 7d; echo $?; \"$T\" clear >/dev/null; echo $?";
    let output = sandbox.unwrapped(["unshare", "--mount", "bash", "-c", script]).env("T", TM_RUN).output();
    assert_eq!(output.text(), "1\n0\n", "{}", output.stderr);
    let way_out = " (it needs room for a copy; 'tm-run clear' deletes all and needs none): ";
    assert!(output.stderr.contains(way_out), "{}", output.stderr);
}

fn clear_keeps_files_that_are_not_ours(sandbox: &Sandbox) {
    let anklume = sandbox.home().join(".anklume");
    fs::write(anklume.join("settings"), "x").expect("a file");
    tm_run(sandbox, LOG_ONE).wait_for_exit();
    tm_run(sandbox, "clear").expect_output(0, &cleared(sandbox), "");
    assert!(anklume.join("settings").exists() && !sandbox.telemetry().exists());
    tm_run(sandbox, "on").wait_for_exit();
    fs::write(sandbox.telemetry().join("notes"), "x").expect("a file");
    // Nor a directory in the log's place.
    fs::create_dir(sandbox.log()).expect("a directory");
    fs::write(sandbox.log().join("kept"), "x").expect("a file");
    fs::write(sandbox.telemetry().join("usage.jsonl.1.gz"), "x").expect("a rotated log");
    let directory = sandbox.telemetry().display().to_string();
    let left = format!("Left in {directory}, for tm-run has not made it: usage.jsonl, usage.jsonl.1.gz\n");
    tm_run(sandbox, "clear").expect_output(0, &format!("{CLEARED}{left}"), "");
    assert!(sandbox.telemetry().join("notes").exists() && sandbox.log().join("kept").exists());
    assert!(!sandbox.marker().exists());
    tm_run(sandbox, "clear").expect_output(0, &format!("{NOTHING_TO_CLEAR}{left}"), "");
}

fn clear_deletes_the_target_of_a_symlinked_log(sandbox: &Sandbox) {
    let far = sandbox.path("far.jsonl");
    let near = sandbox.path("near.jsonl");
    symlink(&far, &near).expect("a link");
    symlink(&near, sandbox.log()).expect("a link");
    fs::write(&far, "").expect("a log");
    tm_run(sandbox, LOG_ONE).expect_output(0, "", "");
    assert_eq!(fs::read_to_string(&far).expect("the log").lines().count(), 1);
    tm_run(sandbox, "clear").expect_output(0, &cleared(sandbox), "");
    assert!(!far.exists(), "the data is gone");
    assert_home_is_empty(sandbox);
}

fn clear_reports_hard_links_and_dangling_symlinks(sandbox: &Sandbox) {
    let directory = sandbox.telemetry().display().to_string();
    // A hard link keeps the data.
    tm_run(sandbox, LOG_ONE).wait_for_exit();
    fs::hard_link(sandbox.log(), sandbox.path("other")).expect("a link");
    let said = tm_run(sandbox, "clear").expect_error(1, "");
    assert!(said.contains("1 other hard link(s)"), "{said}");
    assert!(!sandbox.log().exists() && sandbox.path("other").exists());

    // The target of a dangling symlink may be on a disk that is not mounted.
    tm_run(sandbox, "on").wait_for_exit();
    symlink("/no/such/place", sandbox.log()).expect("a link");
    let said = tm_run(sandbox, "clear").expect_error(1, "");
    let line = format!(
        "tm-run: could not delete what is recorded in {directory}: 'usage.jsonl' in it is a link to nowhere\n"
    );
    assert_eq!(said, line);
    assert!(!sandbox.marker().exists(), "recording has stopped even so");
}

fn clear_deletes_a_log_without_read_permission(sandbox: &Sandbox) {
    let ours = WithUser::new(sandbox);
    ours.run(LOG_ONE).expect_output(0, "", "");
    set_mode(&sandbox.log(), 0);
    let says = format!("{CLEARED}Deleted: {} bytes\n", fs::metadata(sandbox.log()).expect("a log").len());
    ours.run("clear").expect_output(0, &says, "");
    assert_home_is_empty(sandbox);
    // The same behind a symlink.
    ours.run("on").wait_for_exit();
    let place = sandbox.home().join("place");
    fs::write(&place, event("2020-01-01T00:00:00Z", "a")).expect("a log");
    set_mode(&place, 0);
    symlink(&place, sandbox.log()).expect("a link");
    let says = format!("{CLEARED}Deleted: {} bytes\n", fs::metadata(&place).expect("a log").len());
    ours.run("clear").expect_output(0, &says, "");
    assert_home_is_empty(sandbox);
}

fn clear_before_deletes_only_older_events(sandbox: &Sandbox) {
    let days = ["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02"];
    let line = |day: &&str| event(&format!("{day}T00:00:00+00:00"), "a");
    let all: String = days.iter().map(line).collect();
    fs::write(sandbox.log(), &all).expect("a log");
    tm_run(sandbox, "clear --before 2026-10-30").expect_cleared("No events. Kept 4 events.\n");
    assert_eq!(sandbox.log_text(), all);
    tm_run(sandbox, "clear --before 2026-10-31T00:00:00")
        .expect_cleared("Deleted 1 event (115 bytes), kept 3 events.\n");
    tm_run(sandbox, "clear --before 2026-11-01")
        .expect_cleared("Deleted 1 event (115 bytes), kept 2 events.\n");
    assert_eq!(sandbox.log_text(), days[2..].iter().map(line).collect::<String>());
    assert!(sandbox.marker().exists(), "recording goes on");
    tm_run(sandbox, "log --target now --duration 1 --exit-code 0").expect_output(0, "", "");
    tm_run(sandbox, "clear --before today").expect_cleared("Deleted 2 events (230 bytes), kept 1 event.\n");
    // It works while recording is off, and does not switch it on.
    tm_run(sandbox, "off").wait_for_exit();
    let log = sandbox.log_text();
    let said = tm_run(sandbox, "clear --before 2100-01-01").expect_error(2, "");
    assert!(said.starts_with("tm-run: --before is in the future: 1 Jan 2100 00:00 ("), "{said}");
    assert!(said.ends_with("; see 'tm-run clear --help'\n"), "{said}");
    assert_eq!((sandbox.log_text(), sandbox.marker().exists()), (log, false));
    for wrong in ["", "0d", "-7d", "7", "tomorrow", "2026-02-30", "26-11-01", "1h1h", "+7d"] {
        sandbox.unwrapped([TM_RUN, "clear", "--before", wrong]).expect_error(2, "");
    }
}

fn clear_before_uses_the_local_time_zone(sandbox: &Sandbox) {
    let both = ["2026-10-24T21:59:59Z", "2026-10-24T22:00:00Z"].map(|time| event(time, "a"));
    fs::write(sandbox.log(), both.concat()).expect("a log");
    let zone = "CET-1CEST,M3.5.0,M10.5.0/3";
    let start = tm_run(sandbox, "clear --before 2026-10-25").env("TZ", zone);
    let said = start.output().text();
    assert!(said.starts_with("Deleted 1 event (110 bytes) before 25 Oct 2026 00:00 ("), "{said}");
    assert_eq!(sandbox.log_text(), both[1]);
}

fn clear_before_keeps_a_symlinked_log_linked(sandbox: &Sandbox) {
    let place = sandbox.path("place.jsonl");
    let new = event("2026-11-02T00:00:00Z", "a");
    fs::write(&place, event("2020-11-02T00:00:00Z", "a") + &new).expect("a log");
    set_mode(&place, 0o640);
    symlink(&place, sandbox.log()).expect("a link");
    tm_run(sandbox, "clear --before 2026-01-01")
        .expect_cleared("Deleted 1 event (110 bytes), kept 1 event.\n");
    assert!(fs::symlink_metadata(sandbox.log()).expect("the link").is_symlink());
    assert_eq!((fs::read_to_string(&place).expect("the log"), mode(&place)), (new, 0o640));
    // A hard link keeps what was deleted.
    fs::remove_file(sandbox.log()).expect("it goes");
    fs::write(sandbox.log(), event("2020-11-02T00:00:00Z", "a")).expect("a log");
    fs::hard_link(sandbox.log(), sandbox.path("other")).expect("a link");
    let output = tm_run(sandbox, "clear --before 2026-01-01").output();
    assert_eq!(output.status, WaitStatus::Exited(1));
    assert_eq!(without_moment(&output.text()), "Deleted 1 event (110 bytes), kept 0 events.\n");
    assert!(output.stderr.contains("1 other hard link(s)"), "{}", output.stderr);
}

fn clear_before_treats_untimed_lines_like_the_line_before(sandbox: &Sandbox) {
    let untimed = "{\"target\": \"untimed\"}\n";
    let (old, new) = (event("2020-01-01T00:00:00Z", "old"), event("2026-11-01T00:00:00Z", "new"));
    let torn = "{\"timestamp\": \"2020-01-01T";
    // Too long for an event, although its end looks like one.
    let long = "x".repeat(3 << 20) + &new;
    let lines = ["first\n", &old, "damaged\n", "\n", untimed, &long, &new, "kept\n", untimed, &long, torn];
    fs::write(sandbox.log(), lines.concat()).expect("a log");
    tm_run(sandbox, "clear --before 2026-01-01")
        .expect_cleared("Deleted 2 events (3.0 MiB), kept 2 events.\n");
    assert!(sandbox.log_text() == ["first\n", &new, "kept\n", untimed, &long, torn].concat());
    // The next event starts a new line.
    tm_run(sandbox, "log --target next --duration 1 --exit-code 0").expect_output(0, "", "");
    assert_eq!(sandbox.log_text().lines().next_back().map(|line| &line[..14]), Some("{\"timestamp\": "));
}

/// A process that holds the log's lock, which keeps `clear --before` from its last steps.
fn hold_lock(sandbox: &Sandbox) -> Job {
    let holding = sandbox.unwrapped([probe().as_ref(), OsStr::new("hold"), sandbox.log().as_os_str()]);
    let mut holder = holding.stdin(Stdio::piped()).spawn();
    assert_eq!(holder.stdout.read_line(), "held");
    holder
}

fn release_lock(mut holder: Job) {
    holder.stdin = None;
    assert_eq!(holder.wait_for_exit(), WaitStatus::Exited(0));
}

fn copy(sandbox: &Sandbox) -> PathBuf {
    sandbox.telemetry().join("usage.jsonl.new")
}

/// Where `clear --before` has copied all that it copies without the lock.
fn copied_without_the_lock() -> SyscallSite {
    SyscallSite { name: "fsync".to_owned(), nth: 1 }
}

/// `clear --before 2026-01-01`, suspended when it has copied all that it copies without the lock.
fn suspended_rewrite(sandbox: &Sandbox, copied: &str) -> Suspended {
    let job =
        Suspended::at(sandbox, &copied_without_the_lock(), tm_run_argv(&["clear", "--before", "2026-01-01"]));
    assert!(job.is_there, "{}", job.trace());
    assert!(fs::read_to_string(copy(sandbox)).expect("the copy") == copied);
    job
}

fn clear_before_gives_up_on_a_locked_log(sandbox: &Sandbox) {
    let log = event("2020-01-01T00:00:00Z", "old");
    fs::write(sandbox.log(), &log).expect("a log");
    let holder = hold_lock(sandbox);
    let said = tm_run(sandbox, "clear --before 2026-01-01").expect_error(1, "");
    assert!(said.ends_with("another program holds its lock\n"), "{said}");
    assert_eq!(sandbox.log_text(), log);
    assert_eq!(fs::read_dir(sandbox.telemetry()).expect("the directory").count(), 2, "no copy is left");
    release_lock(holder);
}

fn clear_before_keeps_a_line_that_is_finished_meanwhile(sandbox: &Sandbox) {
    // A line that is too long for an event does not end the copying.
    let kept = "x".repeat(3 << 20) + "\n" + &event("2026-11-01T00:00:00Z", "new");
    let old = event("2020-01-01T00:00:00Z", "old");
    let late = event("2026-11-02T00:00:00Z", "late");
    let (half, rest) = late.split_at(60);
    fs::write(sandbox.log(), format!("{kept}{old}{half}")).expect("a log");
    let rewrite = suspended_rewrite(sandbox, &kept);
    let mut log = OpenOptions::new().append(true).open(sandbox.log()).expect("the log");
    log.write_all(rest.as_bytes()).expect("it is written");
    assert_eq!(rewrite.finish(), WaitStatus::Exited(0));
    assert!(sandbox.log_text() == kept + &late, "{}", &sandbox.log_text()[3 << 20..]);
}

fn clear_before_leaves_a_log_that_is_replaced_meanwhile(sandbox: &Sandbox) {
    let new = event("2026-11-01T00:00:00Z", "new");
    fs::write(sandbox.log(), event("2020-01-01T00:00:00Z", "old") + &new).expect("a log");
    let rewrite = suspended_rewrite(sandbox, &new);
    let restored = event("2019-01-01T00:00:00Z", "restored");
    fs::write(sandbox.telemetry().join("restored"), &restored).expect("a log");
    fs::rename(sandbox.telemetry().join("restored"), sandbox.log()).expect("it is replaced");
    assert_eq!(rewrite.finish(), WaitStatus::Exited(1));
    assert_eq!((sandbox.log_text(), copy(sandbox).exists()), (restored, false));
}

fn clear_before_leaves_the_copy_of_another_one(sandbox: &Sandbox) {
    let new = event("2026-11-01T00:00:00Z", "new");
    fs::write(sandbox.log(), event("2020-01-01T00:00:00Z", "old") + &new).expect("a log");
    let rewrite = suspended_rewrite(sandbox, &new);
    let said = tm_run(sandbox, "clear --before 2026-11-02").expect_error(1, "");
    assert!(said.ends_with(": another clear is at work\n"), "{said}");
    // Without a descriptor it cannot see that.
    let copy = copy(sandbox);
    let trace = ["strace", "-o/dev/null", "-einject=openat:error=EMFILE", "-P"].map(OsStr::new);
    let argv = [copy.as_os_str(), OsStr::new(TM_RUN)].into_iter();
    let argv = argv.chain(["clear", "--before", "2026-11-02"].map(OsStr::new));
    sandbox.unwrapped(trace.into_iter().chain(argv)).expect_error(1, "");
    assert_eq!(rewrite.finish(), WaitStatus::Exited(0));
    assert_eq!((sandbox.log_text(), copy.exists()), (new, false));
}

fn clear_before_loses_no_line_of_concurrent_writers(sandbox: &Sandbox) {
    let old = (2001..2009).map(|year| event(&format!("{year}-06-01T00:00:00Z"), "old").repeat(500));
    fs::write(sandbox.log(), old.collect::<String>()).expect("a log");
    let script = format!(
        "for writer in {{1..40}}; do
            (for line in {{1..50}}; do {TM_RUN} log --target w$writer --duration 1 --exit-code $line || echo failed; done) &
        done
        for year in {{2002..2009}}; do {TM_RUN} clear --before $year-01-01 | cut -d' ' -f1-3; done
        wait"
    );
    let output = sandbox.bash(&script).output();
    assert_eq!((output.text(), output.stderr.as_str()), ("Deleted 500 events\n".repeat(8), ""));
    let events = sandbox.events();
    assert_eq!(events.len(), 2000);
    for writer in 1..=40 {
        let name = format!("w{writer}");
        let lines = events.iter().filter(|event| event.target == name).map(|event| event.exit_code);
        assert!(lines.eq(1..=50), "each line of {name}, in order");
    }
    assert_eq!(fs::read_dir(sandbox.telemetry()).expect("the directory").count(), 2);
}

fn clear_before_killed_leaves_the_log_whole(sandbox: &Sandbox) {
    let log = event("2020-01-01T00:00:00Z", "old") + &event("2026-11-01T00:00:00Z", "new");
    fs::write(sandbox.log(), &log).expect("a log");
    let copy = copy(sandbox);
    let kill = copied_without_the_lock().inject("signal=KILL");
    let argv = tm_run_argv(&["clear", "--before", "2026-01-01"]);
    let status = under_strace(sandbox, &["-e", "trace=fsync", "-e", &kill], argv).wait_for_exit();
    assert_eq!(status, WaitStatus::Killed(9));
    assert_eq!((sandbox.log_text(), copy.exists()), (log, true));
    assert_eq!(tm_run(sandbox, "report --format jsonl").output().text().lines().count(), 2);
    // The next rewrite starts afresh, and `clear` deletes a copy that was left behind.
    tm_run(sandbox, "clear --before 2026-01-01")
        .expect_cleared("Deleted 1 event (112 bytes), kept 1 event.\n");
    assert!(!copy.exists());
    fs::write(&copy, "left").expect("a copy");
    tm_run(sandbox, "clear").expect_output(0, &cleared(sandbox), "");
    assert_home_is_empty(sandbox);
}

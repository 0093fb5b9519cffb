//! `tm-run status`.

use std::fs;
use std::time::Instant;

use serde_json::Value;
use signal_hook::consts::{SIGCONT, SIGTSTP};

use super::{
    CLEARED, HOW_TO_TURN_ON, NETWORK, RECORDED_PER_RUN, WithUser, assert_home_is_empty, event, set_mode,
    tm_run,
};
use crate::harness::{
    Case, Job, Launch, MOUNT_NAMESPACE, OFF, PID_NAMESPACE, Process, RECORDED, ROOT, Sandbox, TM_RUN,
    WaitStatus, Way, cases, probe, sigqueue, wait_until,
};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED;
        status_shows_what_is_stored,
        status_json_has_every_key,
        status_leaves_events_of_a_wrong_clock_out_of_its_dates,
        status_tells_a_nested_run_and_the_one_around_it,
        status_says_that_a_run_is_stopped,
        status_leaves_out_a_run_whose_target_cannot_be_seen,
        status_leaves_out_a_run_that_is_not_recorded_here,
        status_tells_the_domain_that_the_words_of_anklume_say,
    ];
    all.extend(cases![&[Way::Recorded, Way::Forked], needs ["make"]; status_tells_what_runs_under_make_j4]);
    all.extend(cases![OFF; status_leaves_out_a_run_that_started_while_recording_was_off]);
    all.extend(cases![RECORDED, needs [PID_NAMESPACE]; status_leaves_out_a_run_in_another_pid_namespace]);
    all.extend(
        cases![RECORDED, needs [MOUNT_NAMESPACE, "mount", "bash"]; status_and_on_say_that_the_disk_is_full],
    );
    all.extend(cases![OFF, needs [ROOT]; status_shows_the_fix_for_a_log_owned_by_root]);
    all
}

fn status_shows_what_is_stored(sandbox: &Sandbox) {
    let last = event("2026-11-23T15:10:09+00:00", "lint");
    fs::write(sandbox.log(), event("2026-10-12T10:00:00+00:00", "apply") + "damaged\n" + &last)
        .expect("a log");
    set_mode(&sandbox.log(), 0o600);
    let size = fs::metadata(sandbox.log()).expect("a log").len();
    let head =
        |state: &str| format!("Telemetry: {state}\nData directory: {}\n", sandbox.telemetry().display());
    let rest = format!(
        "Events: 2 (12 Oct – 23 Nov 2026), 1 unreadable line\n\
         File size: {size} bytes, readable by you only (0600)\n{RECORDED_PER_RUN}Last line: {last}{NETWORK}"
    );
    tm_run(sandbox, "status").expect_output(0, &(head("enabled") + &rest), "");
    tm_run(sandbox, "off").wait_for_exit();
    tm_run(sandbox, "status").expect_output(0, &(head("disabled") + &rest + HOW_TO_TURN_ON), "");
}

/// tmpfs allocates whole pages: a log with room in its last one takes lines on a full disk.
fn status_and_on_say_that_the_disk_is_full(sandbox: &Sandbox) {
    let script = "mount -t tmpfs -o size=64k,mode=700 none \"$HOME\" && cd \"$HOME\" && \"$T\" on >/dev/null
        say() { echo \"$1\"; \"$T\" status | head -n 1; \"$T\" on | tail -n 1
            \"$T\" status --format json | grep -o '\"recording\": [a-z]*'; }
        fill() { cat /dev/zero >filler 2>/dev/null; }
        say empty
        fill; say 'full, no log'
        rm filler; $W true; fill; say 'full, room in the log'
        for i in {1..40}; do $W true; done; say full
        rm filler; say 'with room again'";
    let words = ["unshare", "--mount", "bash", "-c", script];
    let output = sandbox.unwrapped(words).env("T", TM_RUN).output();
    assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(0), ""));
    let here = "Telemetry: enabled
Next: tm-run COMMAND records a run, tm-run report shows where the time went.
\"recording\": true
";
    let full = "Telemetry: enabled, but not recording here: the file cannot be written: the disk is full
Not recording here: the file cannot be written: the disk is full
\"recording\": false
";
    assert_eq!(
        output.text(),
        format!(
            "empty\n{here}full, no log\n{full}full, room in the log\n{here}full\n{full}with room again\n{here}"
        )
    );
}

fn status_json_has_every_key(sandbox: &Sandbox) {
    let last = event("2026-11-23T15:10:09+00:00", "lint");
    fs::write(sandbox.log(), event("2026-10-12T10:00:00+00:00", "apply") + "damaged\n" + &last)
        .expect("a log");
    set_mode(&sandbox.log(), 0o600);
    let json = |start: Launch| -> serde_json::Value {
        serde_json::from_str(&start.output().text()).expect("one JSON object")
    };
    let expected = serde_json::json!({
        "format_version": 1,
        "enabled": true,
        "recording": true,
        "reason": null,
        "data_directory": sandbox.telemetry().to_str(),
        "events": 2,
        "unreadable": 1,
        "future_events": 0,
        "early_events": 0,
        "first_event": "2026-10-12T10:00:00Z",
        "last_event": "2026-11-23T15:10:09Z",
        "file_size_bytes": fs::metadata(sandbox.log()).expect("a log").len(),
        "file_mode": "0600",
        "fields": ["timestamp", "target", "domain", "duration_seconds", "exit_code"],
        "way": "clone",
        "way_reason": null,
        "last_line": last.trim_end(),
        "running": [],
    });
    assert_eq!(json(tm_run(sandbox, "status --format json")), expected);
    let held = json(tm_run(sandbox, "status --format=json").env("DO_NOT_TRACK", "1"));
    assert_eq!(held["recording"], false);
    assert_eq!(held["reason"], "DO_NOT_TRACK=1 is set");
    tm_run(sandbox, "clear").wait_for_exit();
    let empty = json(tm_run(sandbox, "status --format json"));
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    };
    assert_eq!(keys(&empty), keys(&expected));
    assert_eq!((&empty["events"], &empty["file_size_bytes"]), (&0.into(), &serde_json::Value::Null));
}

#[track_caller]
fn running(sandbox: &Sandbox) -> Vec<Value> {
    let text = tm_run(sandbox, "status --format json").expect_stdout();
    let mut json: Value = serde_json::from_str(&text).expect("one JSON object");
    let Value::Array(running) = json["running"].take() else { panic!("{text}") };
    running
}

#[track_caller]
fn targets(sandbox: &Sandbox) -> Vec<String> {
    let target = |run: &Value| run["target"].as_str().expect("a target").to_owned();
    let mut targets: Vec<String> = running(sandbox).iter().map(target).collect();
    targets.sort_unstable();
    targets
}

/// Waits until each tm-run of the job can be told from its sentinel, which names itself.
fn wait_for_sentinels(job: &Job) {
    wait_until("each tm-run has a sentinel", || {
        let processes = job.session_processes();
        let names: Vec<String> = processes
            .iter()
            .filter_map(|process| fs::read_to_string(format!("/proc/{}/comm", process.pid)).ok())
            .collect();
        let count = |of: &str| names.iter().filter(|name| name.trim_end() == of).count();
        count("tm-run") == count("sentinel")
    });
}

/// tm-run with these arguments and a command that waits for its end.
fn pause(sandbox: &Sandbox, words: &str) -> Job {
    let words = [TM_RUN].into_iter().chain(words.split_whitespace());
    let mut job = sandbox.unwrapped(words.chain([probe(), "pause"])).spawn();
    job.stdout.read_ready_pid();
    wait_for_sentinels(&job);
    job
}

fn status_leaves_events_of_a_wrong_clock_out_of_its_dates(sandbox: &Sandbox) {
    let times = ["1970-01-01", "2026-10-12", "2026-11-23", "9999-12-30", "9999-12-31"];
    let log = times.map(|day| event(&format!("{day}T12:00:00+00:00"), "lint"));
    fs::write(sandbox.log(), log.concat()).expect("a log");
    let text = tm_run(sandbox, "status").expect_stdout();
    let stored = "Events: 5 (12 Oct – 23 Nov 2026), 0 unreadable lines\n\
                  2 events are dated in the future, up to 31 Dec 9999; they are left out of all that needs a date\n\
                  1 event is dated 1 Jan 1970, long before all others; it is left out of all that needs a date\n";
    assert!(text.contains(stored), "{text}");
    let json = tm_run(sandbox, "status --format json").expect_stdout();
    let json: Value = serde_json::from_str(&json).expect("one JSON object");
    assert_eq!([&json["events"], &json["future_events"], &json["early_events"]], [5, 2, 1]);
    let ends = ["2026-10-12T12:00:00Z", "2026-11-23T12:00:00Z"];
    assert_eq!([&json["first_event"], &json["last_event"]], ends);
}

/// RN01
fn status_tells_what_runs_under_make_j4(sandbox: &Sandbox) {
    let run = |target: &str, number: i32, seconds: f64| {
        format!(
            "{{\"timestamp\": \"2026-01-01T00:00:{number:02}+00:00\", \"target\": \"{target}\", \"domain\": null, \
             \"duration_seconds\": {seconds:?}, \"exit_code\": 0}}\n"
        )
    };
    // Of one it is known that it takes long, of another that it takes no time at all, of a third too little.
    let long = (0..20).map(|number| run("long", number, 100_000.0 + f64::from(number)));
    let short = (0..20).map(|number| run("short", number, 0.0));
    let few = (0..4).map(|number| run("few", number, 1.0));
    fs::write(sandbox.log(), long.chain(short).chain(few).collect::<String>()).expect("a log");
    let makefile =
        "all: long short few none\nlong short few none:\n\t@$(T) --target $@ --domain lab -- $(P) signals\n";
    fs::write(sandbox.path("Makefile"), makefile).expect("a Makefile");
    let before = Instant::now();
    let mut job = sandbox.unwrapped(["make", "-j4", "-f", "../Makefile"]).env("T", TM_RUN).spawn();
    let commands: Vec<i32> = (0..4).map(|_| job.stdout.read_ready_pid()).collect();
    wait_for_sentinels(&job);
    let found = running(sandbox);
    let most = before.elapsed().as_secs_f64();
    let of = |name: &str| found.iter().find(|run| run["target"] == name).expect("it is running");
    let mut pids: Vec<Option<i64>> = found.iter().map(|run| run["pid"].as_i64()).collect();
    let parent = |&command: &i32| Process::of(command).map(|process| i64::from(process.parent));
    let mut parents: Vec<Option<i64>> = commands.iter().map(parent).collect();
    pids.sort_unstable();
    parents.sort_unstable();
    assert_eq!(pids, parents, "{found:?}");
    for run in &found {
        // The kernel tells the start in hundredths of a second.
        let elapsed = run["elapsed_seconds"].as_f64().expect("a number");
        assert!((0.0..=most + 0.02).contains(&elapsed), "{run}");
        assert_eq!((&run["domain"], &run["stopped"]), (&"lab".into(), &false.into()));
    }
    let long = of("long");
    let total = |run: &Value| Some(run["remaining_seconds"].as_f64()? + run["elapsed_seconds"].as_f64()?);
    assert!((total(long).expect("an estimate") - 100_009.5).abs() < 1e-6, "{long}");
    assert_eq!(long["rank"], serde_json::json!({"longer_than": 0, "of": 20}));
    assert_eq!(long["usual"]["median_seconds"], 100_009.5);
    let short = of("short");
    assert_eq!(short["rank"], serde_json::json!({"longer_than": 20, "of": 20}));
    assert_eq!(short["remaining_seconds"], Value::Null);
    for run in [of("few"), of("none")] {
        assert_eq!([&run["usual"], &run["rank"], &run["remaining_seconds"]], [&Value::Null; 3]);
    }
    let text = tm_run(sandbox, "status").expect_stdout();
    let line = |name: &str| {
        let start = format!("Running: {name} [lab] for ");
        text.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    assert!(line("long").ends_with(", usually 1d 04h: about 1d 04h left"), "{text}");
    assert!(line("short").ends_with(", usually 0.00s: longer than 20 of its last 20 runs"), "{text}");
    assert!(!line("few").contains(',') && !line("none").contains(','), "{text}");
    wait_until("time goes on", || {
        let more = |run: &Value| run["elapsed_seconds"].as_f64() > long["elapsed_seconds"].as_f64();
        running(sandbox).iter().find(|run| run["target"] == "long").is_some_and(more)
    });
    for command in commands {
        sigqueue(command, 63, 0);
    }
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(0));
    assert_eq!(running(sandbox), Vec::<Value>::new());
    assert!(!tm_run(sandbox, "status").expect_stdout().contains("Running"));
}

/// RN02
fn status_tells_a_nested_run_and_the_one_around_it(sandbox: &Sandbox) {
    let nested = format!("--target outer -- {TM_RUN} --target in%n,er -- {TM_RUN} --target outer --");
    let _job = pause(sandbox, &nested);
    assert_eq!(targets(sandbox), ["in%n,er", "outer"]);
    let _other = pause(sandbox, "--target outer --");
    assert_eq!(targets(sandbox), ["in%n,er", "outer", "outer"]);
}

/// RN03
fn status_says_that_a_run_is_stopped(sandbox: &Sandbox) {
    let line = event("2026-01-01T00:00:00+00:00", "build").replace("1.0", "100000.0");
    fs::write(sandbox.log(), line.repeat(20)).expect("a log");
    let mut job = pause(sandbox, "--target build --");
    job.kill(SIGTSTP);
    assert_eq!(job.wait(), WaitStatus::Stopped(SIGTSTP));
    let text = tm_run(sandbox, "status").expect_stdout();
    let rest = "s (stopped), usually 1d 04h\n";
    assert!(text.contains("\nRunning: build for ") && text.ends_with(rest), "{text}");
    let found = running(sandbox).remove(0);
    assert_eq!((&found["stopped"], &found["remaining_seconds"]), (&true.into(), &Value::Null));
    job.kill(SIGCONT);
    assert_eq!(job.wait(), WaitStatus::Continued);
    wait_until("it is told that it goes on", || running(sandbox)[0]["stopped"] == false);
    assert!(running(sandbox)[0]["remaining_seconds"].is_number());
}

/// RN04
fn status_leaves_out_a_run_whose_target_cannot_be_seen(sandbox: &Sandbox) {
    // The command's environment is where the target is told.
    let _unseen = pause(sandbox, "-- env -i");
    let _prefix = pause(sandbox, "--subcommands pause --target prefix -- env -i");
    let _named = pause(sandbox, "--target named --domain lab -- env -i");
    let _seen = pause(sandbox, "--");
    assert_eq!(targets(sandbox), ["named", "probe"]);
}

/// RN07
fn status_tells_the_domain_that_the_words_of_anklume_say(sandbox: &Sandbox) {
    // The shell stays, and its words are those of anklume.
    let stays = sandbox.script("anklume", &format!("#!/bin/sh\n{} pause\n:\n", probe()));
    let stays = stays.to_str().expect("a path");
    let becomes = sandbox.script("ank", &format!("#!/bin/sh\nexec {} pause\n", probe()));
    let becomes = becomes.to_str().expect("a path");
    let start = |anklume: &str, words: &str| {
        let words = [TM_RUN, "--anklume", "--", anklume].into_iter().chain(words.split(' '));
        let mut job = sandbox.unwrapped(words).spawn();
        job.stdout.read_ready_pid();
        wait_for_sentinels(&job);
        job
    };
    let _jobs = [start(stays, "domain apply lab"), start(stays, "sync"), start(becomes, "apply domain pro")];
    let mut names: Vec<String> =
        running(sandbox).into_iter().map(|run| format!("{} {}", run["target"], run["domain"])).collect();
    names.sort_unstable();
    assert_eq!(names, ["\"apply-limit\" \"lab\"", "\"apply-limit\" null", "\"sync\" null"]);
    let text = tm_run(sandbox, "status").expect_stdout();
    assert!(text.contains("\nRunning: apply-limit [lab] for "), "{text}");
}

/// RN05
fn status_leaves_out_a_run_that_started_while_recording_was_off(sandbox: &Sandbox) {
    let _job = pause(sandbox, "--target early --");
    sandbox.turn_on();
    assert_eq!(targets(sandbox), Vec::<String>::new());
    let _job = pause(sandbox, "--target late --");
    assert_eq!(targets(sandbox), ["late"]);
}

/// RN06
fn status_leaves_out_a_run_that_is_not_recorded_here(sandbox: &Sandbox) {
    let words = [TM_RUN, "--target", "untracked", "--", probe(), "pause"];
    let mut untracked = sandbox.unwrapped(words).env("DO_NOT_TRACK", "1").spawn();
    untracked.stdout.read_ready_pid();
    let other = Sandbox::new(Way::Recorded);
    let _elsewhere = pause(&other, "--target elsewhere --");
    assert_eq!(targets(sandbox), Vec::<String>::new());
    assert_eq!(targets(&other), ["elsewhere"]);
}

/// RN04
fn status_leaves_out_a_run_in_another_pid_namespace(sandbox: &Sandbox) {
    let unshare = ["unshare", "--pid", "--fork", "--mount-proc"];
    let words = unshare.into_iter().chain([TM_RUN, "--", probe(), "pause"]);
    let mut inner = sandbox.unwrapped(words).spawn();
    inner.stdout.read_ready_pid();
    let _outer = pause(sandbox, "--target outer --");
    assert_eq!(targets(sandbox), ["outer"]);
    let status = sandbox.unwrapped(unshare.into_iter().chain([TM_RUN, "status"])).expect_stdout();
    assert!(!status.contains("Running"), "{status}");
}

fn status_shows_the_fix_for_a_log_owned_by_root(sandbox: &Sandbox) {
    let user = WithUser::new(sandbox);
    user.run("on").wait_for_exit();
    fs::write(sandbox.log(), "").expect("a log of root's");
    set_mode(&sandbox.log(), 0o600);
    let said = user.run("status").output().text();
    let mut lines = said.lines();
    let first = lines.next().unwrap_or_default();
    assert!(first.starts_with("Telemetry: enabled, but not recording here: the file cannot be written: "));
    assert_eq!(lines.next(), Some("Fix: sudo chown -R \"$USER\" ~/.anklume/telemetry"));
    user.run("echo out").expect_output(0, "out\n", "");
    user.run("report").expect_error(1, "");
    // The user owns the directory, so the user may delete the file.
    user.run("clear").expect_output(0, &format!("{CLEARED}Deleted: 0 bytes\n"), "");
    assert_home_is_empty(sandbox);
}

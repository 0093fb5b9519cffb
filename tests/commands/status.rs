//! `tm-run status`.

use std::fs;

use super::{
    CLEARED, HOW_TO_TURN_ON, NETWORK, RECORDED_PER_RUN, WithUser, assert_home_is_empty, event, set_mode,
    tm_run,
};
use crate::harness::{Case, Launch, OFF, RECORDED, ROOT, Sandbox, cases};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED; status_shows_what_is_stored, status_json_has_every_key];
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
        "first_event": "2026-10-12T10:00:00Z",
        "last_event": "2026-11-23T15:10:09Z",
        "file_size_bytes": fs::metadata(sandbox.log()).expect("a log").len(),
        "file_mode": "0600",
        "fields": ["timestamp", "target", "domain", "duration_seconds", "exit_code"],
        "way": "clone",
        "way_reason": null,
        "last_line": last.trim_end(),
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

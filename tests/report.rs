//! `tm-run report` from the command line: its input, filters, output files and appearance.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Stdio;

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::Value;

use crate::harness::{
    Case, DUCKDB, Launch, OFF, Output, Sandbox, TM_RUN, WaitStatus, cases, python_with, wait_until,
};

pub fn cases() -> Vec<Case> {
    let mut all = cases![OFF;
        text_json_csv_markdown_html_and_jsonl_agree,
        empty_report_says_why_there_is_nothing,
        several_logs_are_merged_in_time_order,
        log_can_be_stdin_a_pipe_or_a_fifo,
        unreadable_log_is_named_in_the_error,
        filters_select_by_target_domain_time_and_outcome,
        since_and_until_use_the_local_time_zone_and_dst,
        log_named_twice_is_a_usage_error,
        contradictory_flags_are_a_usage_error,
        exit_code_is_3_if_a_target_is_failing_or_slower,
        comparison_says_what_changed_since_a_moment_in_every_format,
        sort_and_limit_apply_to_the_rows,
        anonymize_leaves_no_real_name_in_any_format,
        damaged_lines_are_listed_on_stderr,
        odd_values_and_binary_noise_still_make_a_report,
        output_file_is_private_and_complete,
        output_file_that_fails_leaves_nothing_behind,
        output_to_a_device_stdout_or_fifo_is_written_in_place,
        sigpipe_or_epipe_ends_the_report_silently,
        width_comes_from_the_flag_columns_or_the_tty,
        ascii_is_used_in_a_plain_locale_or_terminal,
        color_follows_the_flag_no_color_clicolor_force_and_the_tty,
        progress_is_shown_on_a_tty_and_wiped,
        progress_is_not_written_to_a_file,
    ];
    all.extend(cases![OFF, needs [DUCKDB]; duckdb_agrees_on_counts_mean_median_and_percentile]);
    all
}

fn report<'s>(sandbox: &'s Sandbox, words: &str) -> Launch<'s> {
    sandbox.unwrapped([TM_RUN, "report"].into_iter().chain(words.split_whitespace()))
}

impl Launch<'_> {
    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.expect_stdout()).expect("one JSON value")
    }
}

fn event(time: &str, target: &str, domain: &str, seconds: f64, exit_code: i64) -> String {
    let domain = if domain.is_empty() { "null".to_owned() } else { format!("\"{domain}\"") };
    format!(
        "{{\"timestamp\": \"{time}+00:00\", \"target\": \"{target}\", \"domain\": {domain}, \"duration_seconds\": {seconds:?}, \"exit_code\": {exit_code}}}\n"
    )
}

/// Seven events in four days.
fn small() -> String {
    [
        event("2026-11-20T10:00:00", "apply", "pro", 10.0, 0),
        event("2026-11-20T11:00:00", "sync", "", 1.5, 0),
        event("2026-11-21T10:00:00", "apply", "lab", 12.0, 2),
        event("2026-11-21T12:00:00", "sync", "", 2.5, 0),
        event("2026-11-22T10:00:00", "sync", "", 0.5, 130),
        event("2026-11-22T23:30:00", "lint", "pro", 4.0, 1),
        event("2026-11-23T10:00:00", "apply", "pro", 11.0, 0),
    ]
    .concat()
}

/// Writes the user's own log, whether recording is on or off.
fn write_log(sandbox: &Sandbox, text: impl AsRef<[u8]>) {
    fs::create_dir_all(sandbox.telemetry()).expect("the directories");
    fs::write(sandbox.log(), text).expect("a log");
}

fn names(json: &Value) -> Vec<&str> {
    let rows = json["targets"].as_array().expect("targets");
    rows.iter().map(|row| row["target"].as_str().expect("a name")).collect()
}

/// The targets of the chosen events, from `--format jsonl`.
#[track_caller]
fn targets(start: Launch) -> Vec<String> {
    let target = |line: &str| {
        let value: Value = serde_json::from_str(line).expect("a line of JSON");
        value["target"].as_str().expect("a target").to_owned()
    };
    start.expect_stdout().lines().map(target).collect()
}

fn text_json_csv_markdown_html_and_jsonl_agree(sandbox: &Sandbox) {
    write_log(sandbox, small());
    let text = report(sandbox, "").expect_stdout();
    assert!(text.contains("Total events: 7     ok 4   failed 2   interrupted 1 "), "{text}");
    for title in ["Target Invocations", "Success vs Failure", "Average Duration", "Unique targets: 3"] {
        assert!(text.contains(title), "{title}");
    }
    let json = report(sandbox, "--format json").json();
    assert_eq!(json["totals"]["runs"], 7);
    assert_eq!(names(&json), ["apply", "sync", "lint"]);
    assert_eq!(json["targets"][0]["duration"]["ok"]["mean_seconds"], 10.5);
    let csv = report(sandbox, "--format csv").expect_stdout();
    let rows: Vec<&str> = csv.lines().collect();
    assert!(rows[0].starts_with("target,runs,ok,failed,interrupted,success_rate,mean_seconds,"), "{csv}");
    assert!(rows[1].starts_with("apply,3,2,1,0,"), "{csv}");
    assert!(rows[2].starts_with("sync,3,2,0,1,1.0,2.0,"), "{csv}");
    let markdown = report(sandbox, "--format markdown").expect_stdout();
    assert!(markdown.contains("\n| apply | 3 | 2/3 | 1 | "), "{markdown}");
    let html = report(sandbox, "--format html").expect_stdout();
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"), "{html}");
    assert_eq!(report(sandbox, "--format jsonl").expect_stdout(), small());
    // The same report on a copy of the log.
    fs::write(sandbox.path("copy"), small()).expect("a log");
    assert_eq!(report(sandbox, "--format csv --log ../copy").expect_stdout(), csv);
}

fn empty_report_says_why_there_is_nothing(sandbox: &Sandbox) {
    const NOTHING: &str = "No telemetry data to report.\n";
    let off = report(sandbox, "").expect_stdout();
    assert_eq!(off, format!("{NOTHING}Recording is off. Turn it on with: tm-run on\n"));
    sandbox.turn_on();
    let on = report(sandbox, "").expect_stdout();
    assert!(on.starts_with(&format!("{NOTHING}Recording is on. ")), "{on}");
    let held = report(sandbox, "").env("DO_NOT_TRACK", "1").expect_stdout();
    assert_eq!(held, format!("{NOTHING}Recording is on, but not here: DO_NOT_TRACK=1 is set.\n"));
    write_log(sandbox, "\n\n");
    assert!(report(sandbox, "").expect_stdout().starts_with(NOTHING));
    assert_eq!(report(sandbox, "--log /dev/null").expect_stdout(), NOTHING);
    let json = report(sandbox, "--format json").json();
    assert_eq!((&json["totals"]["runs"], &json["targets"]), (&0.into(), &Value::Array(Vec::new())));
    assert_eq!(report(sandbox, "--format csv").expect_stdout().lines().count(), 1);
    assert_eq!(report(sandbox, "--format jsonl").expect_stdout(), "");
    write_log(sandbox, small());
    let none = report(sandbox, "--since 2026-11-21 --domain pr --utc").expect_stdout();
    assert!(none.starts_with("No telemetry data matches: since 21 Nov 2026, domain \"pr\".\n"), "{none}");
    assert!(none.contains("domains: lab, pro."), "{none}");
}

fn several_logs_are_merged_in_time_order(sandbox: &Sandbox) {
    let lines = small();
    let lines: Vec<&str> = lines.split_inclusive('\n').collect();
    let part = |wanted: usize| {
        let some: String =
            lines.iter().enumerate().filter(|(at, _)| at % 2 == wanted).map(|(_, line)| *line).collect();
        some
    };
    fs::write(sandbox.path("odd"), part(1)).expect("a log");
    fs::write(sandbox.path("even"), part(0)).expect("a log");
    let all = "--format jsonl --log ../odd --log";
    assert_eq!(report(sandbox, &format!("{all} ../even")).expect_stdout(), small());
    let even = fs::File::open(sandbox.path("even")).expect("a log");
    assert_eq!(report(sandbox, &format!("{all} -")).stdin(even).expect_stdout(), small());
    // With `--log` the user's own log is not read.
    write_log(sandbox, event("2026-11-01T00:00:00", "own", "", 1.0, 0));
    assert_eq!(report(sandbox, &format!("{all} ../even")).expect_stdout(), small());
    let json = report(sandbox, "--format json --log ../odd --log ../even").json();
    assert_eq!((&json["input"]["logs"], &json["input"]["events"]), (&2.into(), &7.into()));
}

fn log_can_be_stdin_a_pipe_or_a_fifo(sandbox: &Sandbox) {
    fs::write(sandbox.path("log"), small()).expect("a log");
    let run = format!("{TM_RUN} report --format jsonl --log");
    // Three pipes at once.
    let script = format!("{run} <(head -n 2 ../log) --log <(tail -n +6 ../log) --log <(sed -n 3,5p ../log)");
    assert_eq!(sandbox.bash(&script).expect_stdout(), small());
    assert_eq!(sandbox.bash(&format!("cat ../log | {run} -")).expect_stdout(), small());
    assert_eq!(sandbox.bash(&format!("{run} /dev/stdin < ../log")).expect_stdout(), small());
    assert_eq!(sandbox.bash(&format!("{run} - <&-")).expect_stdout(), "");
}

fn unreadable_log_is_named_in_the_error(sandbox: &Sandbox) {
    write_log(sandbox, small());
    for (log, why) in [
        ("../nowhere", "No such file or directory (os error 2)"),
        ("..", "Is a directory (os error 21)"),
        (".anklume/telemetry/usage.jsonl/x", "Not a directory (os error 20)"),
    ] {
        let said = report(sandbox, &format!("--log {log}")).expect_error(1, "");
        assert_eq!(said, format!("tm-run: could not read {log}: {why}\n"));
        report(sandbox, &format!("--log .anklume/telemetry/usage.jsonl --log {log}")).expect_error(1, "");
    }
    fs::remove_file(sandbox.log()).expect("it goes");
    mkfifo(&sandbox.log(), Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
    let said = report(sandbox, "").expect_error(1, "");
    assert!(said.ends_with("'usage.jsonl' in it is no regular file\n"), "{said}");
}

fn filters_select_by_target_domain_time_and_outcome(sandbox: &Sandbox) {
    #[track_caller]
    fn case(sandbox: &Sandbox, words: &str, expected: &[&str]) {
        assert_eq!(targets(report(sandbox, &format!("--format jsonl --utc {words}"))), expected, "{words}");
    }
    write_log(sandbox, small());
    case(sandbox, "--target apply", &["apply", "apply", "apply"]);
    case(sandbox, "--target apply --target lint", &["apply", "apply", "lint", "apply"]);
    case(sandbox, "--exclude sync --exclude lint", &["apply", "apply", "apply"]);
    case(sandbox, "--domain pro", &["apply", "lint", "apply"]);
    case(sandbox, "--domain lab --domain=", &["sync", "apply", "sync", "sync"]);
    case(sandbox, "--failed", &["apply", "lint"]);
    case(sandbox, "--last 2", &["lint", "apply"]);
    case(sandbox, "--failed --last 1", &["lint"]);
    case(sandbox, "--last 100 --target sync", &["sync", "sync", "sync"]);
    case(sandbox, "--since 2026-11-22", &["sync", "lint", "apply"]);
    case(sandbox, "--until 2026-11-20", &["apply", "sync"]);
    case(sandbox, "--since 2026-11-20T11:00 --until 2026-11-21T10:00", &["sync"]);
    case(sandbox, "--since 2026-11-20T11:00 --until 2026-11-21T10:00:01", &["sync", "apply"]);
    case(sandbox, "--since 1h", &[]);
    case(sandbox, "--target app", &[]);
    // A name that looks like a flag.
    case(sandbox, "--target -x --exclude --utc", &[]);
    let json = report(sandbox, "--format json --failed --limit 1").json();
    assert_eq!((names(&json), &json["left_out"]), (vec!["apply"], &1.into()));
    assert_eq!(json["filters"]["durations"], "failed");
    let domains = report(sandbox, "--by domain --format csv").expect_stdout();
    let rows: Vec<&str> = domains.lines().map(|row| &row[..row.find(',').unwrap_or(0)]).collect();
    assert_eq!(rows, ["domain", "", "pro", "lab"]);
    assert!(report(sandbox, "--by domain").expect_stdout().contains("pro"));
    // One target has a view of its own.
    let drill = report(sandbox, "--target apply").expect_stdout();
    assert!(drill.starts_with("apply · 3 runs · 20 Nov – 23 Nov 2026 "), "{drill}");
}

fn since_and_until_use_the_local_time_zone_and_dst(sandbox: &Sandbox) {
    // Summer time ends on 25 October at 01:00 UTC.
    const ZONE: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
    let times = ["24T21:59:59", "24T22:00:00", "25T00:30:00", "25T01:30:00", "25T22:59:59", "25T23:00:00"];
    let line = |time: &&str| event(&format!("2026-10-{time}"), time, "", 1.0, 0);
    write_log(sandbox, times.iter().map(line).collect::<String>());
    let of = |words: &str| targets(report(sandbox, &format!("--format jsonl {words}")).env("TZ", ZONE));
    assert_eq!(of("--since 2026-10-25 --until 2026-10-25"), times[1..5]);
    assert_eq!(of("--until 2026-10-24"), times[..1]);
    assert_eq!(of("--since 2026-10-26"), times[5..]);
    // The hour that comes twice is in the period, both times.
    assert_eq!(of("--since 2026-10-25T02:30 --until 2026-10-25T02:31"), times[2..4]);
    assert_eq!(of("--utc --since 2026-10-25 --until 2026-10-25"), times[2..]);
    let head = |words: &str, zone: &str| {
        let text = report(sandbox, words).env("TZ", zone).expect_stdout();
        text.lines().next().expect("a line").to_owned()
    };
    let head_in_zone = head("", ZONE);
    assert!(head_in_zone.starts_with("Usage report · 24 Oct – 26 Oct 2026 (3 days, UTC+0"), "{head_in_zone}");
    // The path of a file names no zone.
    fs::write(sandbox.path("zone"), "").expect("a file");
    let head_with_file = head("", &format!(":{}", sandbox.path("zone").display()));
    assert!(head_with_file.contains(" days, UTC"), "{head_with_file}");
    assert_eq!(head("--utc", ZONE), "Usage report · 24 Oct – 25 Oct 2026 (2 days, UTC)");
    // Both are at two o'clock, and count as two runs.
    let json = report(sandbox, "--format json").env("TZ", ZONE).json();
    assert_eq!((&json["by_hour"][2], &json["by_hour"][23]), (&2.into(), &2.into()));
    assert_eq!(json["period"]["from"], "2026-10-24T21:59:59Z");
}

/// Its events would count twice.
fn log_named_twice_is_a_usage_error(sandbox: &Sandbox) {
    fs::write(sandbox.path("log"), small()).expect("a log");
    let error = |one: &str, other: &str| {
        format!("tm-run: --log names one file twice: '{one}' and '{other}'; see 'tm-run report --help'\n")
    };
    let twice = report(sandbox, "--log ../log --log .././log");
    twice.expect_output(2, "", &error("../log", ".././log"));
    let log = fs::File::open(sandbox.path("log")).expect("a log");
    report(sandbox, "--log - --log ../log").stdin(log).expect_output(2, "", &error("-", "../log"));
    let pipe = sandbox.bash(&format!("cat ../log | {TM_RUN} report --log /dev/stdin --log -"));
    pipe.expect_output(2, "", &error("/dev/stdin", "-"));
    report(sandbox, "--log - --log -").expect_error(2, "");
    // Nothing is in it, so nothing counts twice.
    let empty = "--log /dev/null --log ../log --log /dev/null";
    assert_eq!(report(sandbox, &format!("--format jsonl {empty}")).expect_stdout(), small());
}

fn contradictory_flags_are_a_usage_error(sandbox: &Sandbox) {
    write_log(sandbox, small());
    for words in [
        "--since 2026-11-22 --until 2026-11-21",
        "--since 2026-11-22T10:00 --until 2026-11-22T10:00",
        "--since 1d --until 3d",
        "--target apply --exclude apply",
        "--log - --log -",
        "--format json --format csv",
        "--width 80 --width 100",
        "--since 7d --since 8d",
        "--output",
        "--by nobody",
        "--sort age",
        "--durations none",
        "--color sometimes",
        "--limit 0",
        "--exit-code --failed",
        "--compare",
        "--compare 2026-11-21 --failed",
        "--compare 2026-11-21 --format jsonl",
        "--compare 2026-11-21 --since 2026-11-21",
        "--compare 2026-11-22 --until 2026-11-21",
        "--compare 2999-01-01",
        "--exit-code --format jsonl",
        "--last 1.5",
        "--width wide",
        "--json",
    ] {
        let said = report(sandbox, &format!("{words} --output ../never")).expect_error(2, "");
        assert!(said.ends_with("; see 'tm-run report --help'\n"), "{words}: {said}");
    }
    assert!(!sandbox.path("never").exists());
    assert!(!report(sandbox, "--since 2026-11-22 --until 2026-11-22").expect_stdout().is_empty());
}

/// Fifty runs of "apply", one an hour, with the seconds and the exit code of each.
fn hourly(run: impl Fn(i64) -> (f64, i64)) -> String {
    let first = chrono::DateTime::parse_from_rfc3339("2025-11-20T00:00:00Z").expect("a time");
    let line = |number| {
        let time = (first + chrono::TimeDelta::hours(number)).format("%Y-%m-%dT%H:%M:%S").to_string();
        let (seconds, exit_code) = run(number);
        event(&time, "apply", "", seconds, exit_code)
    };
    (0..50).map(line).collect()
}

fn exit_code_is_3_if_a_target_is_failing_or_slower(sandbox: &Sandbox) {
    #[track_caller]
    fn case(sandbox: &Sandbox, log: &str, words: &str, expected: i32) {
        write_log(sandbox, log);
        for format in ["text", "json", "csv", "markdown", "html"] {
            let words = format!("--format {format} {words}");
            let plain = report(sandbox, &words).expect_stdout();
            let output = report(sandbox, &format!("{words} --exit-code")).output();
            assert_eq!(output.status, WaitStatus::Exited(expected), "{words}");
            assert_eq!(output.text().lines().count(), plain.lines().count(), "{words}");
            let file = report(sandbox, &format!("{words} --exit-code --output ../report")).output();
            assert_eq!(file.status, WaitStatus::Exited(expected), "{words}");
            let written = fs::read_to_string(sandbox.path("report")).expect("a report");
            assert_eq!(written.lines().count(), plain.lines().count(), "{words}");
        }
    }
    let slower = hourly(|number| (if number < 40 { 10.0 } else { 15.0 }, 0));
    let faster = hourly(|number| (if number < 40 { 15.0 } else { 10.0 }, 0));
    let failing = hourly(|number| (10.0, i64::from(number >= 47)));
    let flaky = hourly(|number| (10.0, i64::from(number % 4 == 0)));
    let twice = hourly(|number| (10.0, i64::from(number >= 48)));
    case(sandbox, &slower, "", 3);
    case(sandbox, &slower, "--by domain --anonymize", 3);
    case(sandbox, &slower, "--target apply", 3);
    case(sandbox, &slower, "--exclude apply", 0);
    // What is before `--since` is compared with all the same.
    case(sandbox, &slower, "--utc --since 2025-11-21T16:00", 3);
    case(sandbox, &faster, "", 0);
    case(sandbox, &failing, "", 3);
    case(sandbox, &failing, "--last 2", 0);
    case(sandbox, &flaky, "", 0);
    assert!(report(sandbox, "").expect_stdout().contains("of its last 50 runs failed"));
    case(sandbox, &twice, "", 0);
    // Too few runs are no finding, and neither are none.
    case(sandbox, &small(), "", 0);
    case(sandbox, "", "", 0);
    report(sandbox, "--exit-code --log ../nowhere").expect_error(1, "");
}

fn comparison_says_what_changed_since_a_moment_in_every_format(sandbox: &Sandbox) {
    let slower = hourly(|number| (if number < 25 { 10.0 } else { 15.0 }, i64::from(number % 10 == 9)));
    let other = event("2025-11-21T00:59:59", "lint", "pro", 1.0, 0)
        + &event("2025-11-21T01:00:00", "lint", "", 2.0, 0);
    write_log(sandbox, slower + &other);
    let since = "--utc --compare 2025-11-21T01:00";
    let text = report(sandbox, &format!("{since} --width 140")).expect_stdout();
    let rows = "
Before and after 21 Nov 2025 01:00
            runs      success       median        p95
  apply  25 → 25  92 % → 88 %   10s →  15s  10s → 15s  ▲ is 50 % slower, beyond chance (p < 0.001)
  lint    1 →  1   1/1 →  1/1  1.0s → 2.0s    - →   -    too few runs to tell
  Durations are of successful runs. Beyond chance: p < 0.01 (Mann-Whitney). A verdict takes at least 5 such runs on each side.
";
    assert!(text.ends_with(rows), "{text}");
    let json = report(sandbox, &format!("{since} --format json")).json();
    let compare = &json["compare"];
    assert_eq!((&compare["since"], &compare["tests"]), (&"2025-11-21T01:00:00Z".into(), &1.into()));
    let apply = &compare["targets"][0];
    assert_eq!((&apply["target"], &apply["beyond_chance"]), (&"apply".into(), &true.into()));
    assert_eq!((&apply["before"]["failed"], &apply["after"]["failed"]), (&2.into(), &3.into()));
    assert_eq!(
        (&apply["before"]["p95_seconds"], &apply["after"]["p95_seconds"]),
        (&10.0.into(), &15.0.into())
    );
    let lint = &compare["targets"][1];
    let before = serde_json::json!({
        "runs": 1, "ok": 1, "failed": 0, "interrupted": 0, "success_rate": 1.0, "median_seconds": 1.0, "p95_seconds": null
    });
    assert_eq!(lint["before"], before);
    assert_eq!((&lint["p"], &lint["beyond_chance"]), (&Value::Null, &Value::Null));
    assert_eq!(report(sandbox, "--format json").json()["compare"], Value::Null);
    let csv = report(sandbox, &format!("{since} --format csv --target lint")).expect_stdout();
    assert!(csv.ends_with("\r\nlint,1,1,0,0,1.0,1.0,,1,1,0,0,1.0,2.0,,,\r\n"), "{csv}");
    let markdown = report(sandbox, &format!("{since} --format markdown --limit 1")).expect_stdout();
    assert!(
        markdown.contains("\n| apply | 25 → 25 | 92 % → 88 % | 10s → 15s | 10s → 15s | is 50 % slower, "),
        "{markdown}"
    );
    assert!(markdown.contains("\nand 1 more target, 0 of them changed beyond chance\n"), "{markdown}");
    let html = report(sandbox, &format!("{since} --format html --anonymize")).expect_stdout();
    assert!(html.contains("<bdi>target-1</bdi></th><td>25 → 25</td>") && !html.contains("apply"), "{html}");
    let domains = report(sandbox, &format!("{since} --format json --by domain --sort name")).json();
    assert_eq!(domains["compare"]["domains"][0]["domain"], Value::Null);
    assert_eq!(domains["compare"]["domains"][1]["before"]["runs"], 1);
    // The day of the reader's zone.
    let head = report(sandbox, "--compare 2025-11-21").env("TZ", "EST5").expect_stdout();
    assert!(head.contains("\nBefore and after 21 Nov 2025\n") && head.contains("  29 → 21 "), "{head}");
    // Only what is shown is judged.
    let status = |words: &str| report(sandbox, &format!("--utc --exit-code {words}")).output().status;
    assert_eq!(status("--compare 2025-11-21T01:00"), WaitStatus::Exited(3));
    assert_eq!(status("--compare 2025-11-21T01:00 --target lint"), WaitStatus::Exited(0));
    assert_eq!(status("--compare 2025-11-20T05:00"), WaitStatus::Exited(0));
}

fn sort_and_limit_apply_to_the_rows(sandbox: &Sandbox) {
    #[track_caller]
    fn case(sandbox: &Sandbox, words: &str, expected: &[&str]) {
        assert_eq!(names(&report(sandbox, &format!("--format json {words}")).json()), expected, "{words}");
    }
    write_log(sandbox, small());
    case(sandbox, "", &["apply", "sync", "lint"]);
    case(sandbox, "--sort runs", &["apply", "sync", "lint"]);
    case(sandbox, "--sort time", &["apply", "sync", "lint"]);
    case(sandbox, "--sort average", &["apply", "lint", "sync"]);
    case(sandbox, "--sort failures", &["apply", "lint", "sync"]);
    case(sandbox, "--sort name", &["apply", "lint", "sync"]);
    case(sandbox, "--sort name --limit 2", &["apply", "lint"]);
    case(sandbox, "--limit 18446744073709551614", &["apply", "sync", "lint"]);
    let rows = |words: &str| report(sandbox, words).expect_stdout().lines().count();
    assert_eq!((rows("--format csv --limit 1"), rows("--format jsonl --limit 1")), (2, 7));
    assert!(report(sandbox, "--format markdown --limit 1").expect_stdout().ends_with("\n\nand 2 more\n"));
    assert!(rows("--limit 1") < rows(""));
    let mean =
        |words: &str| report(sandbox, words).json()["targets"][0]["duration"]["all"]["mean_seconds"].clone();
    assert_eq!(mean("--format json --durations all"), 11.0);
    let csv = report(sandbox, "--format csv --durations failed --target apply").expect_stdout();
    assert!(csv.lines().nth(1).expect("a row").contains(",12.0,12.0,"), "{csv}");
}

fn anonymize_leaves_no_real_name_in_any_format(sandbox: &Sandbox) {
    let mut log = String::new();
    for run in 0..60 {
        let (target, exit_code) = [("zebra", 0), ("zebra", 2), ("okapi", 0), ("gnu", 3)][run % 4];
        let domain = ["quagga", "", "tapir"][run % 3];
        let time = format!("2026-11-{:02}T10:00:{run:02}", run / 4 + 1);
        // Slower runs and failures, so that there are findings.
        let seconds = if run > 40 { 90.0 } else { 10.0 };
        log += &event(&time, target, domain, seconds, exit_code);
    }
    write_log(sandbox, log);
    for format in ["text", "json", "csv", "markdown", "html", "jsonl"] {
        for words in [
            "",
            "--by domain",
            "--target zebra",
            "--target zebra --target okapi --domain quagga",
            "--exclude zebra --domain tapir",
            "--target nothing-like-gnu --domain no-tapir",
            "--failed",
        ] {
            let text = report(sandbox, &format!("--anonymize --format {format} {words}")).expect_stdout();
            for name in ["zebra", "okapi", "gnu", "quagga", "tapir"] {
                assert!(!text.contains(name), "{name} in {format} {words}: {text}");
            }
            let is_something = !words.contains("nothing") && !words.contains("--by");
            assert!(!is_something || text.contains("target-1"), "{format} {words}: {text}");
        }
    }
    let json = report(sandbox, "--anonymize --format json --sort name").json();
    assert_eq!(names(&json), ["target-1", "target-2", "target-3"]);
    assert_eq!(json["totals"]["runs"], 60);
}

fn damaged_lines_are_listed_on_stderr(sandbox: &Sandbox) {
    let err = |log: &[u8], words: &str| {
        write_log(sandbox, log);
        let output = report(sandbox, &format!("--format jsonl {words}")).output();
        assert_eq!(output.status, WaitStatus::Exited(0));
        (output.text().lines().count(), output.stderr)
    };
    let one = event("2026-11-20T10:00:00", "apply", "", 1.0, 0);
    let torn = "{\"timestamp\": \"2026-11-20T1";
    let is = |count: usize, err: &str| (count, err.to_owned());
    assert_eq!(err(one.as_bytes(), ""), is(1, ""));
    let log = format!("{one}x\n\n[]\n{torn}{one}\u{1}\n{one}");
    assert_eq!(err(log.as_bytes(), ""), is(3, "tm-run: warning: 4 lines could not be read: 2, 4, 5, 6\n"));
    let many = "x\n".repeat(1000) + &one;
    assert_eq!(
        err(many.as_bytes(), ""),
        is(1, "tm-run: warning: 1000 lines could not be read: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...\n")
    );
    let unterminated =
        "tm-run: warning: the last line has no line end: it is being written, or was cut short\n";
    assert_eq!(err(one.trim_end().as_bytes(), ""), is(1, unterminated));
    assert_eq!(
        err(format!("{one}{torn}").as_bytes(), ""),
        is(1, &format!("tm-run: warning: 1 line could not be read: 2\n{unterminated}"))
    );
    // With several logs, each line comes with its log.
    fs::write(sandbox.path("other"), format!("{one}x\n")).expect("a log");
    let logs = "--log .anklume/telemetry/usage.jsonl --log ../other";
    assert_eq!(
        err(b"x\n", logs),
        is(1, "tm-run: warning: 2 lines could not be read: .anklume/telemetry/usage.jsonl:1, ../other:2\n")
    );
}

fn odd_values_and_binary_noise_still_make_a_report(sandbox: &Sandbox) {
    let odd = [
        r#"{"target": "\u0000\ud800"}"#,
        r#"{"target": "a", "duration_seconds": 1e308}"#,
        r#"{"target": "a", "duration_seconds": 1e308, "exit_code": -9223372036854775808}"#,
        r#"{"target": "a", "duration_seconds": -5}"#,
        r#"{"target": "a", "timestamp": "9999-12-31T23:59:59Z"}"#,
        r#"{"target": "a", "timestamp": "0000-01-01T00:00:00Z", "domain": "\u202e\u001b[31m"}"#,
        r#"{"target": "", "timestamp": "2026-11-20T10:00:00.123456789+14:00"}"#,
        r#"{"target": "=1+1|x,\"y\"", "timestamp": "2026-11-20 10:00:00"}"#,
        "{\"target\": \"\u{301}\u{200b}\u{1f469}\u{200d}\u{1f4bb}\u{ac00}\"}",
    ];
    write_log(sandbox, odd.join("\n") + "\n");
    for format in ["text", "json", "csv", "markdown", "html", "jsonl"] {
        for words in ["", "--by domain", "--target a", "--width 40", "--ascii", "--sort average", "--last 1"]
        {
            let output = report(sandbox, &format!("--format {format} {words}")).output();
            assert_eq!(output.status, WaitStatus::Exited(0), "{format} {words}");
            // Odd times are left out of some figures, and that is said.
            let is_warning = |line: &str| line.starts_with("tm-run: warning: ");
            assert!(output.stderr.lines().all(is_warning), "{format} {words}: {}", output.stderr);
            let future = "warning: 1 event is dated in the future, 31 Dec 9999;";
            assert!(
                format != "csv" || !words.is_empty() || output.stderr.contains(future),
                "{}",
                output.stderr
            );
            assert!(format == "csv" || output.stderr.is_empty(), "{format} {words}: {}", output.stderr);
            let text = String::from_utf8(output.stdout).expect("UTF-8");
            assert!(!text.contains('\u{1b}') && !text.contains('\0'), "{format} {words}: {text}");
            if format == "json" {
                let json: Value = serde_json::from_str(&text).expect("one JSON value");
                assert_eq!(json["input"]["events"], 9);
                assert_eq!(json["input"]["events_without_exit_code"], 8);
            }
        }
    }
    // No line at all, and one endless line.
    let mut noise = 1u64;
    let noise: Vec<u8> = (0..100_000)
        .map(|_| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            noise.to_le_bytes()[7]
        })
        .collect();
    for log in [noise, vec![0; 5 << 20], b"{".repeat(100_000)] {
        write_log(sandbox, log);
        let Output { status, stdout, stderr } = report(sandbox, "").output();
        assert_eq!(status, WaitStatus::Exited(0));
        assert!(stdout.starts_with(b"No telemetry data to report.\n"));
        assert!(stderr.starts_with("tm-run: warning: ") && stderr.lines().count() <= 2, "{stderr}");
    }
}

/* ---- where it goes ---- */

fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort_unstable();
    names
}

fn output_file_is_private_and_complete(sandbox: &Sandbox) {
    write_log(sandbox, small());
    let place = sandbox.path("place");
    fs::create_dir(&place).expect("a directory");
    let file = place.join("report.csv");
    let expected = report(sandbox, "--format csv").expect_stdout();
    let write = |words: &str| {
        let said = report(sandbox, words).launch_option("--umask", "0").expect_stdout();
        let (name, wrote) = said.split_once(": ").expect("what it wrote");
        assert!(name.starts_with("Wrote ../place/"), "{said}");
        assert_eq!(wrote, format!("7 events, {} bytes\n", expected.len()));
    };
    write("--format csv --output ../place/report.csv");
    let mode = || fs::metadata(&file).expect("the report").permissions().mode() & 0o7777;
    assert_eq!((fs::read_to_string(&file).expect("the report"), mode()), (expected.clone(), 0o600));
    // Over an old file, through a symlink, and to a file that does not exist.
    fs::write(&file, "x".repeat(100_000)).expect("an old one");
    symlink("report.csv", place.join("link")).expect("a link");
    write("--format csv --output ../place/link");
    assert!(fs::symlink_metadata(place.join("link")).expect("the link").is_symlink());
    assert_eq!(fs::read_to_string(&file).expect("the report"), expected);
    fs::remove_file(&file).expect("it goes");
    write("--format csv --output=../place/link");
    assert_eq!((fs::read_to_string(&file).expect("the report"), mode()), (expected.clone(), 0o600));
    assert_eq!(files(&place), ["link", "report.csv"]);
    // The output may be the log that is read.
    fs::write(place.join("log"), small() + "damaged\n").expect("a log");
    let clean = "--format jsonl --log ../place/log --output ../place/log";
    assert_eq!(report(sandbox, clean).wait_for_exit(), WaitStatus::Exited(0));
    assert_eq!(fs::read_to_string(place.join("log")).expect("the log"), small());
    // Odd names, and the longest possible one.
    for name in ["-x".to_owned(), "a b\nc".to_owned(), "n".repeat(255)] {
        let path = format!("../place/{name}");
        let said =
            sandbox.unwrapped([TM_RUN, "report", "--format", "csv", "--output", &path]).expect_stdout();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert_eq!(fs::read_to_string(place.join(name)).expect("the report"), expected);
    }
    assert_eq!(files(&place).len(), 6);
    // `-` is standard output.
    assert_eq!(report(sandbox, "--format csv --output -").expect_stdout(), expected);
    assert!(!sandbox.home().join("-").exists());
}

fn output_file_that_fails_leaves_nothing_behind(sandbox: &Sandbox) {
    write_log(sandbox, small());
    let place = sandbox.path("place");
    fs::create_dir(&place).expect("a directory");
    fs::write(place.join("old"), "old").expect("a file");
    for (path, why) in [
        ("../place", "Is a directory"),
        ("../place/", "Is a directory"),
        ("../place/none/x", "No such file or directory"),
        ("../place/old/x", "Not a directory"),
    ] {
        let said = report(sandbox, &format!("--output {path}")).expect_error(1, "");
        assert!(said.starts_with(&format!("tm-run: could not write {path}: {why} (os error ")), "{said}");
    }
    // The report does not fit.
    let said = report(sandbox, "--format html --output ../place/old")
        .launch_option("--limit", "1:1000")
        .expect_error(1, "");
    assert!(said.contains("could not write ../place/old: File too large"), "{said}");
    // Without a readable log nothing is written.
    report(sandbox, "--log ../nowhere --output ../place/new").expect_error(1, "");
    assert_eq!(files(&place), ["old"]);
    assert_eq!(fs::read(place.join("old")).expect("it is there"), b"old");
}

fn output_to_a_device_stdout_or_fifo_is_written_in_place(sandbox: &Sandbox) {
    write_log(sandbox, small());
    let expected = report(sandbox, "--format csv").expect_stdout();
    assert_eq!(report(sandbox, "--format csv --output /dev/null").expect_stdout(), "");
    assert!(fs::metadata("/dev/null").expect("it is there").file_type().is_char_device());
    let said = report(sandbox, "--output /dev/full").expect_error(1, "");
    assert!(said.starts_with("tm-run: could not write /dev/full: No space left on device"), "{said}");
    assert_eq!(report(sandbox, "--format csv --output /dev/stdout").expect_stdout(), expected);
    let twice =
        format!("for i in 1 2; do {TM_RUN} report --format csv --output /dev/stdout; done >> ../file");
    assert_eq!(sandbox.bash(&twice).expect_stdout(), "");
    assert_eq!(fs::read_to_string(sandbox.path("file")).expect("a file"), expected.repeat(2));
    let piped = format!("{TM_RUN} report --format csv --output >(cat > ../through; echo done)");
    assert_eq!(sandbox.bash(&format!("{piped} | cat")).expect_stdout(), "done\n");
    assert_eq!(fs::read_to_string(sandbox.path("through")).expect("a file"), expected);
}

fn sigpipe_or_epipe_ends_the_report_silently(sandbox: &Sandbox) {
    write_log(sandbox, small().repeat(2000));
    for (reader, seen) in [("head -n 1", 1), ("true", 0)] {
        let script = format!("set -o pipefail; {TM_RUN} report --format jsonl | {reader} | wc -l");
        let output = sandbox.bash(&script).output();
        assert_eq!((output.text().trim(), output.stderr.as_str()), (seen.to_string().as_str(), ""));
        assert_eq!(output.status, WaitStatus::Exited(141));
        // If SIGPIPE is ignored, EPIPE is not reported either.
        let output = sandbox.bash(&script).launch_option("--ignore", "13").output();
        assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(1), ""));
    }
}

/* ---- what it looks like ---- */

#[track_caller]
fn assert_width(start: Launch, sandbox: &Sandbox, width: usize) {
    assert_eq!(
        start.expect_stdout(),
        report(sandbox, &format!("--width {width}")).expect_stdout(),
        "{width}"
    );
}

/// What a terminal with this many columns shows.
#[track_caller]
fn on_terminal(start: Launch, columns: u16) -> String {
    // The shell waits for a line, so that the size is set before tm-run starts.
    let mut job = start.stdin(Stdio::null()).on_terminal().spawn();
    job.terminal().stty(&["cols", &columns.to_string()]);
    job.terminal().type_line("");
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(0));
    job.terminal().screen.read_until("<end>").replace("\r\n", "\n").replace("<end>", "")
}

fn width_comes_from_the_flag_columns_or_the_tty(sandbox: &Sandbox) {
    write_log(sandbox, small());
    assert_width(report(sandbox, ""), sandbox, 80);
    for (columns, width) in [("100", 100), ("120", 120), (" 66 ", 66), ("1", 40), ("999999", 200)] {
        assert_width(report(sandbox, "").env("COLUMNS", columns), sandbox, width);
    }
    for columns in ["", "0", "-5", "wide", "99999999999999999999999"] {
        assert_width(report(sandbox, "").env("COLUMNS", columns), sandbox, 80);
    }
    assert_width(report(sandbox, "--width 1"), sandbox, 40);
    assert_width(report(sandbox, "--width 65535"), sandbox, 200);
    assert_width(report(sandbox, "--width 90").env("COLUMNS", "120"), sandbox, 90);
    let wait =
        |words: &str| sandbox.bash(&format!("read; {TM_RUN} report --color never {words}; printf '<end>'"));
    for (columns, width) in [(66, 66), (80, 80), (120, 120), (1, 40), (10, 40), (1000, 200), (0, 80)] {
        let expected = report(sandbox, &format!("--width {width}")).expect_stdout();
        assert_eq!(on_terminal(wait(""), columns), expected, "{columns}");
    }
    let expected = report(sandbox, "--width 90").expect_stdout();
    assert_eq!(on_terminal(wait("").env("COLUMNS", "90"), 120), expected);
    assert_eq!(on_terminal(wait("--width 90").env("COLUMNS", "100"), 120), expected);
    // An output file has no terminal width, whatever stdout is.
    assert_eq!(on_terminal(wait("--output ../file"), 120), "Wrote ../file: 7 events, 2.0 KiB\n");
    let text = fs::read_to_string(sandbox.path("file")).expect("a report");
    assert_eq!(text, report(sandbox, "").expect_stdout());
}

fn ascii_is_used_in_a_plain_locale_or_terminal(sandbox: &Sandbox) {
    write_log(sandbox, small());
    let ascii = report(sandbox, "--ascii").expect_stdout();
    assert!(ascii.is_ascii());
    let unicode = report(sandbox, "").expect_stdout();
    assert!(unicode.contains('█'));
    let set = |variables: &[(&str, &str)]| {
        let start = report(sandbox, "").env_remove("LANG");
        variables.iter().fold(start, |start, (name, value)| start.env(name, value)).expect_stdout()
    };
    for plain in [
        &[][..],
        &[("LANG", "C")],
        &[("LANG", "")],
        &[("LANG", "de_DE.ISO-8859-1")],
        &[("LANG", "C.UTF-8"), ("LC_CTYPE", "C")],
        &[("LANG", "C.UTF-8"), ("LC_ALL", "POSIX")],
        &[("LC_CTYPE", "C.UTF-8"), ("LC_ALL", "C")],
        &[("LANG", "C.UTF-8"), ("TERM", "linux")],
        &[("LANG", "C.UTF-8"), ("TERM", "dumb")],
    ] {
        assert_eq!(set(plain), ascii, "{plain:?}");
    }
    for rich in [
        &[("LANG", "en_US.utf8")][..],
        &[("LANG", "C"), ("LC_CTYPE", "C.UTF-8")],
        &[("LANG", "C"), ("LC_ALL", "C.UTF-8")],
        &[("LANG", "C.UTF-8"), ("LC_ALL", ""), ("LC_CTYPE", "")],
    ] {
        assert_eq!(set(rich), unicode, "{rich:?}");
    }
}

fn color_follows_the_flag_no_color_clicolor_force_and_the_tty(sandbox: &Sandbox) {
    #[track_caller]
    fn case(sandbox: &Sandbox, words: &str, variables: &[(&str, &str)], on_terminal: bool, has_colour: bool) {
        let run = sandbox.bash(&format!("read; {TM_RUN} report {words}; printf '<end>'"));
        let start = if on_terminal { run } else { report(sandbox, words) };
        let start = variables.iter().fold(start, |start, (name, value)| start.env(name, value));
        let text = if on_terminal { self::on_terminal(start, 80) } else { start.expect_stdout() };
        assert_eq!(text.contains('\u{1b}'), has_colour, "{words} {variables:?} on terminal: {on_terminal}");
    }
    write_log(sandbox, small());
    let plain = report(sandbox, "").expect_stdout();
    let colour = report(sandbox, "--color always").expect_stdout();
    assert!(colour.contains('\u{1b}') && !plain.contains('\u{1b}'));
    let (no, force, dumb) = (("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1"), ("TERM", "dumb"));
    case(sandbox, "", &[], true, true);
    case(sandbox, "--color auto", &[], true, true);
    case(sandbox, "--color never", &[force], true, false);
    case(sandbox, "", &[no], true, false);
    case(sandbox, "", &[("NO_COLOR", "")], true, true);
    case(sandbox, "", &[dumb], true, false);
    case(sandbox, "", &[("TERM", "")], true, false);
    case(sandbox, "", &[no, force], true, false);
    case(sandbox, "--color always", &[no, dumb], true, true);
    case(sandbox, "", &[force], false, true);
    case(sandbox, "", &[("CLICOLOR_FORCE", "0")], false, false);
    case(sandbox, "", &[no, force], false, false);
    case(sandbox, "--color always", &[no], false, true);
    case(sandbox, "--target apply --color always", &[], false, true);
    // Formats for programs have no colour.
    for format in ["json", "csv", "markdown", "jsonl", "html"] {
        case(sandbox, &format!("--format {format} --color always"), &[force], false, false);
    }
    assert!(
        report(sandbox, "--color always --output ../file").expect_stdout().starts_with("Wrote ../file: ")
    );
    assert_eq!(fs::read_to_string(sandbox.path("file")).expect("a report"), colour);
}

/* ---- while it reads ---- */

/// Waits until the FIFO is being read, and opens its writing end.
fn open_fifo_log(sandbox: &Sandbox) -> fs::File {
    let mut writer = None;
    wait_until("the log is opened", || {
        let open =
            OpenOptions::new().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(sandbox.path("slow"));
        writer = open.ok();
        writer.is_some()
    });
    writer.expect("a writer")
}

fn make_fifo_log(sandbox: &Sandbox) {
    mkfifo(&sandbox.path("slow"), Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
}

fn progress_is_shown_on_a_tty_and_wiped(sandbox: &Sandbox) {
    make_fifo_log(sandbox);
    let script = format!("{TM_RUN} report --format jsonl --log ../slow > ../report; printf '<end>'");
    let mut job = sandbox.bash(&script).on_terminal().spawn();
    let mut log = open_fifo_log(sandbox);
    log.write_all(small().as_bytes()).expect("it is read");
    // Progress appears when reading takes long, so the log ends only after it has been seen.
    job.terminal().screen.read_until("reading ");
    drop(log);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(0));
    assert_eq!(fs::read_to_string(sandbox.path("report")).expect("the report"), small());
    // The line is wiped, and nothing is written after that.
    let rest = job.terminal().screen.read_until("<end>");
    let (_, behind) = rest.rsplit_once("\u{1b}[2K").expect("the line is wiped");
    assert_eq!(behind.trim_start_matches('\r'), "<end>", "{rest:?}");
}

fn progress_is_not_written_to_a_file(sandbox: &Sandbox) {
    make_fifo_log(sandbox);
    // Standard output is a terminal; standard error is not.
    let told = sandbox.path("told");
    let start = report(sandbox, "--format jsonl --log ../slow").on_terminal();
    let mut job = start.launch_option("--write", format!("2:{}", told.display())).spawn();
    let mut log = open_fifo_log(sandbox);
    // A thread that shows progress would exist from the start.
    let threads = fs::read_dir(format!("/proc/{}/task", job.pid)).expect("its threads").count();
    assert_eq!(threads, 1, "nobody looks at the clock");
    log.write_all(small().as_bytes()).expect("it is read");
    drop(log);
    assert_eq!(job.wait_for_exit(), WaitStatus::Exited(0));
    assert_eq!(fs::read(told).expect("what was told"), b"");
}

/* ---- another reader ---- */

/// Computes the same figures for each target from the log.
const DUCKDB_SCRIPT: &str = "
import duckdb, json, sys
rows = duckdb.sql(f'''
    select target, count(*), count(*) filter (where exit_code = 0),
        count(*) filter (where exit_code not in (0, 129, 130, 131, 141, 143)),
        sum(duration_seconds), max(timestamp)::varchar,
        avg(duration_seconds) filter (where exit_code = 0),
        median(duration_seconds) filter (where exit_code = 0),
        quantile_cont(duration_seconds, 0.95) filter (where exit_code = 0),
        avg(duration_seconds), count(distinct domain)
    from {sys.argv[1]} group by target order by target
''').fetchall()
print(json.dumps(rows))
";

/// Equal but for rounding: the two add up in different orders.
#[track_caller]
fn close(ours: &Value, theirs: &Value, name: &Value) {
    let (ours, theirs) = (ours.as_f64().expect("a number"), theirs.as_f64().expect("a number"));
    assert!((ours - theirs).abs() <= theirs.abs() * 1e-9, "{name}: {ours}, {theirs}");
}

fn duckdb_agrees_on_counts_mean_median_and_percentile(sandbox: &Sandbox) {
    let mut seed = 42_u32;
    let mut random = |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) % below
    };
    let mut log = String::new();
    for run in 0..30_000 {
        let mut one_of = |names: [&'static str; 5]| names[random(5) as usize];
        let usual = one_of(["apply", "sync", "lint", "plan", r#"rare é \\ \" name"#]);
        let target = if run % 1500 == 0 { "seldom" } else { usual };
        let domain = one_of(["", "", "pro", "lab", "dev"]);
        let exit_code = [0, 0, 0, 0, 0, 1, 2, 130, 143, 137, 127][random(11) as usize];
        let (day, minute, second) = (1 + run / 1072, run % 1072, random(60));
        let time = format!("2026-10-{day:02}T{:02}:{:02}:{second:02}", minute / 60, minute % 60);
        log += &event(&time, target, domain, f64::from(random(600_000)) / 1000.0, exit_code);
    }
    write_log(sandbox, &log);
    let python = python_with("duckdb").expect("it was looked for");
    let path = sandbox.log().display().to_string();
    let json = report(sandbox, "--format json --sort name").json();
    let rows = json["targets"].as_array().expect("targets");
    for source in [format!("read_json('{path}')"), format!("read_ndjson_auto('{path}')")] {
        let start =
            sandbox.unwrapped([python.as_os_str(), "-c".as_ref(), DUCKDB_SCRIPT.as_ref(), source.as_ref()]);
        let theirs = start.json();
        let theirs = theirs.as_array().expect("rows");
        assert_eq!(theirs.len(), rows.len());
        for (ours, theirs) in rows.iter().zip(theirs) {
            let ok = &ours["duration"]["ok"];
            let all = &ours["duration"]["all"];
            let name = &ours["target"];
            assert_eq!(
                [name, &ours["runs"], &ours["ok"], &ours["failed"]],
                [&theirs[0], &theirs[1], &theirs[2], &theirs[3]]
            );
            let last = theirs[5].as_str().expect("a time").get(..19).map(|time| time.replace(' ', "T") + "Z");
            assert_eq!(ours["last_run"].as_str(), last.as_deref());
            close(&ours["seconds"], &theirs[4], name);
            close(&ok["mean_seconds"], &theirs[6], name);
            close(&ok["median_seconds"], &theirs[7], name);
            // Fewer than twenty runs have no percentile.
            match ok["n"].as_u64() {
                Some(20..) => close(&ok["p95_seconds"], &theirs[8], name),
                _ => assert!(ok["p95_seconds"].is_null()),
            }
            close(&all["mean_seconds"], &theirs[9], name);
            let domains = ours["by_domain"].as_array().expect("domains");
            let named = domains.iter().filter(|row| !row["domain"].is_null()).count();
            assert_eq!(theirs[10].as_u64(), u64::try_from(named).ok());
        }
    }
}

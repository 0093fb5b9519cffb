//! The three ways to run a command, and that `tm-run status` names the one that a run takes if nothing refuses it.

use std::fs;

use crate::harness::{Case, RECORDED, Sandbox, TM_RUN, WaitStatus, cases};

pub fn cases() -> Vec<Case> {
    cases![RECORDED, needs ["strace"]; status_names_the_way_that_a_run_takes]
}

fn status_names_the_way_that_a_run_takes(sandbox: &Sandbox) {
    #[track_caller]
    fn case(sandbox: &Sandbox, variable: Option<(&str, &str)>, way: &str, reason: Option<&str>) {
        let with_variable = |words: &[&str]| {
            let launch = sandbox.unwrapped(words.iter().copied());
            match variable {
                Some((name, value)) => launch.env(name, value),
                None => launch,
            }
        };
        let status = with_variable(&[TM_RUN, "status", "--format", "json"]).output().text();
        let status: serde_json::Value = serde_json::from_str(&status).expect("one JSON object");
        assert_eq!((status["way"].as_str(), status["way_reason"].as_str()), (Some(way), reason));

        let trace = sandbox.path("trace");
        let words = ["strace", "-f", "-e", "trace=clone,clone3,?fork,?vfork", "-o"];
        let trace_text = trace.to_str().expect("UTF-8");
        let command = [&words[..], &[trace_text, TM_RUN, "--", "/bin/sh", "-c", "exit 3"]].concat();
        assert_eq!(with_variable(&command).wait_for_exit(), WaitStatus::Exited(3));
        let trace = fs::read_to_string(trace).expect("what strace has seen");
        let started: Vec<&str> =
            trace.lines().filter(|line| line.contains("clone(") || line.contains("fork(")).collect();
        let shares_memory = started.iter().filter(|line| line.contains("CLONE_VM")).count();
        let expected = match way {
            "clone" => (2, 2),
            "fork" => (2, 0),
            _ => (0, 0),
        };
        assert_eq!((started.len(), shares_memory), expected, "{trace}");
    }
    case(sandbox, None, "clone", None);
    case(sandbox, Some(("LD_PRELOAD", "")), "fork", Some("LD_PRELOAD is set"));
    case(sandbox, Some(("DO_NOT_TRACK", "1")), "exec", Some("DO_NOT_TRACK=1 is set"));
    fs::remove_file(sandbox.marker()).expect("the marker");
    case(sandbox, None, "exec", Some("recording is off"));
    assert_eq!(sandbox.exit_codes(), [3, 3]);
}

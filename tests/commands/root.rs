//! Root at work in another user's home.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::path::Path;

use super::{CLEARED, LOG_ONE, USER, WithUser, assert_home_is_empty, cleared, event, mode, tm_run};
use crate::harness::{Case, OFF, ROOT, Sandbox, WaitStatus, cases};

pub fn cases() -> Vec<Case> {
    cases![OFF, needs [ROOT]; root_gives_what_it_makes_to_the_owner_of_the_directory, root_does_not_follow_a_linked_log_of_another_user, root_does_not_follow_a_linked_directory_of_another_user, user_records_in_a_directory_of_another_group]
}

fn owner(path: &Path) -> (u32, u32) {
    let found = fs::symlink_metadata(path).expect("it is there");
    (found.uid(), found.gid())
}

fn root_gives_what_it_makes_to_the_owner_of_the_directory(sandbox: &Sandbox) {
    let user = WithUser::new(sandbox);
    tm_run(sandbox, "on").wait_for_exit();
    tm_run(sandbox, "log --target root --duration 1 --exit-code 0").expect_output(0, "", "");
    for path in [sandbox.home().join(".anklume"), sandbox.telemetry(), sandbox.marker(), sandbox.log()] {
        assert_eq!((owner(&path), mode(&path) & 0o077), ((USER, USER), 0), "{}", path.display());
    }
    user.run("log --target user --duration 1 --exit-code 0").expect_output(0, "", "");
    fs::write(sandbox.log(), event("2020-01-01T00:00:00Z", "old") + &sandbox.log_text()).expect("a log");
    tm_run(sandbox, "clear --before today").expect_cleared("Deleted 1 event (112 bytes), kept 2 events.\n");
    assert_eq!(owner(&sandbox.log()), (USER, USER));
    user.run("true").expect_output(0, "", "");
    assert_eq!(sandbox.events().len(), 3);
    user.run("clear").expect_output(0, &cleared(sandbox), "");
    assert_home_is_empty(sandbox);
    user.run("on").wait_for_exit();
    tm_run(sandbox, "clear").expect_output(0, CLEARED, "");
    assert_home_is_empty(sandbox);
}

/// Only root gives files away.
fn user_records_in_a_directory_of_another_group(sandbox: &Sandbox) {
    let user = WithUser::new(sandbox);
    user.run("on").wait_for_exit();
    chown(sandbox.telemetry(), None, Some(4321)).expect("root gives");
    user.run(LOG_ONE).expect_output(0, "", "");
    assert_eq!(owner(&sandbox.log()), (USER, USER));
}

fn root_does_not_follow_a_linked_log_of_another_user(sandbox: &Sandbox) {
    let user = WithUser::new(sandbox);
    let precious = sandbox.path("precious");
    let content = event("2020-01-01T00:00:00Z", "precious");
    fs::write(&precious, &content).expect("a file of root's");
    let make: [(&dyn Fn(), &str); 2] = [
        (
            &|| symlink(&precious, sandbox.log()).expect("a link"),
            "/usage.jsonl' is a link in another user's directory\n",
        ),
        (
            &|| fs::hard_link(&precious, sandbox.log()).expect("a link"),
            ": 'usage.jsonl' is not the file of the directory's owner alone\n",
        ),
    ];
    for (make, why) in make {
        user.run("on").wait_for_exit();
        make();
        let said = tm_run(sandbox, LOG_ONE).expect_error(1, "");
        assert!(said.ends_with(why), "{said}");
        tm_run(sandbox, "true").expect_output(0, "", "");
        tm_run(sandbox, "report").expect_error(1, "");
        tm_run(sandbox, "clear --before today").expect_error(1, "");
        let status = tm_run(sandbox, "status").output();
        assert_eq!((status.status, status.text().contains("precious")), (WaitStatus::Exited(1), false));
        tm_run(sandbox, "clear").expect_error(1, "");
        assert_eq!(fs::read_to_string(&precious).expect("it is there"), content);
        if fs::symlink_metadata(sandbox.log()).is_ok() {
            fs::remove_file(sandbox.log()).expect("it goes");
        }
    }
}

fn root_does_not_follow_a_linked_directory_of_another_user(sandbox: &Sandbox) {
    let _user = WithUser::new(sandbox);
    let victim = sandbox.path("victim");
    let content = event("2020-01-01T00:00:00Z", "precious");
    for (link, place) in [(".anklume", "telemetry"), (".anklume/telemetry", "")] {
        fs::create_dir_all(victim.join(place)).expect("a directory of root's");
        let [marker, log] = ["enabled", "usage.jsonl"].map(|name| victim.join(place).join(name));
        fs::write(&marker, "").expect("a marker");
        fs::write(&log, &content).expect("a log");
        let link = sandbox.home().join(link);
        if link.ends_with("telemetry") {
            fs::remove_file(sandbox.home().join(".anklume")).expect("it goes");
            fs::create_dir(sandbox.home().join(".anklume")).expect("a directory");
            chown(sandbox.home().join(".anklume"), Some(USER), Some(USER)).expect("it is given away");
        }
        symlink(&victim, &link).expect("a link");
        for words in ["on", "off", LOG_ONE, "report", "clear --before today", "clear"] {
            let said = tm_run(sandbox, words).expect_error(1, "");
            assert!(said.ends_with("is a link in another user's directory\n"), "{words}: {said}");
        }
        tm_run(sandbox, "echo out").expect_output(0, "out\n", "");
        assert!(marker.exists());
        assert_eq!(fs::read_to_string(&log).expect("it is there"), content);
    }
}

//! Root in another user's home (sudo that keeps HOME): no file becomes root's, no link is followed. And no other user
//! can read what is made, whatever the umask.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use super::strace::{Suspended, looks_for_the_marker, syscall_sites, tm_run_argv, trace_of};
use super::{COMMAND, EARLIER, SUBCOMMANDS, assert_unharmed, damaged_lines, expect_ok, listing, tm_run};
use crate::harness::{Case, OFF, RECORDED, Sandbox, TM_RUN, WaitStatus, cases, install};

pub fn cases() -> Vec<Case> {
    let mut all = cases![OFF; modes_are_0700_and_0600_under_any_umask];
    all.extend(cases![OFF, needs ["root"]; root_gives_what_it_makes_to_the_owner_of_the_home]);
    all.extend(cases![RECORDED, needs ["root", "setpriv"];
        owner_of_the_home_can_write_what_root_made,
        symlink_in_a_world_writable_directory_is_not_followed,
    ]);
    all.extend(cases![RECORDED, needs ["root", "setpriv", "strace"];
        off_waits_for_writers_of_a_log_that_may_not_be_read,
    ]);
    all.extend(cases![RECORDED, needs ["root"];
        symlink_or_hard_link_of_another_user_is_not_followed_by_root,
        symlinked_directory_of_another_user_is_not_followed_by_root,
        symlink_in_a_directory_that_root_has_linked_is_not_followed,
    ]);
    all.extend(cases![OFF, needs ["root", "strace"];
        link_in_place_of_a_directory_that_root_has_just_made_is_not_followed,
    ]);
    all
}

const USER: u32 = 1234;

/// A copy of tm-run that any user can execute: they may not be able to reach the build directory.
pub fn world_executable_copy(sandbox: &Sandbox) -> String {
    let program = sandbox.path("tm-run");
    install(TM_RUN, &program);
    let above = program.parent().expect("a directory");
    for path in [above, &program] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
    }
    program.into_os_string().into_string().expect("UTF-8")
}

/// Gives a directory and all in it to a user.
pub fn chown_all(directory: &Path, user: u32) {
    chown(directory, Some(user), Some(user)).expect("root gives");
    for (path, _) in listing(directory) {
        std::os::unix::fs::lchown(path, Some(user), Some(user)).expect("root gives");
    }
}

/// What below the home belongs to another user.
fn not_owned_by(home: &Path, user: u32) -> Vec<(String, u32)> {
    let about = |path: &Path| fs::symlink_metadata(path).expect("it is there");
    let of = |path: &Path| (path.display().to_string(), about(path).uid());
    listing(home).iter().map(|(path, _)| of(path)).filter(|(_, owner)| *owner != user).collect()
}

fn modes(home: &Path) -> Vec<u32> {
    let mode = |path: &Path| fs::symlink_metadata(path).expect("it is there").mode();
    listing(home).iter().map(|(path, _)| mode(path) & 0o7777).collect()
}

fn modes_are_0700_and_0600_under_any_umask(_: &Sandbox) {
    for umask in ["0", "022", "077", "0177", "0777"] {
        let sandbox = Sandbox::new(crate::harness::Way::Off);
        let masked = |words: &[&str]| {
            let words = [TM_RUN].iter().chain(words);
            assert_eq!(
                sandbox.unwrapped(words).launch_option("--umask", umask).wait_for_exit(),
                WaitStatus::Exited(0),
                "{umask}"
            );
        };
        masked(&["on"]);
        masked(&["--", "true"]);
        masked(&["log", "--target", "x", "--duration", "1", "--exit-code", "0"]);
        // .anklume, telemetry, enabled, usage.jsonl
        assert_eq!(modes(&sandbox.home()), [0o700, 0o700, 0o600, 0o600], "{umask}");
        masked(&["clear", "--before", "2026-01-01"]);
        masked(&["report", "--output", "page.html", "--format", "html"]);
        assert_eq!(
            modes(&sandbox.home()),
            [0o700, 0o700, 0o600, 0o600, 0o600 & !u32::from_str_radix(umask, 8).expect("octal")],
            "{umask}"
        );
    }
}

fn root_gives_what_it_makes_to_the_owner_of_the_home(sandbox: &Sandbox) {
    chown_all(&sandbox.home(), USER);
    let all_is_theirs = |what: &str| assert_eq!(not_owned_by(&sandbox.home(), USER), [], "{what}");
    expect_ok(sandbox, &["on"]);
    all_is_theirs("on");
    assert_unharmed(&tm_run(sandbox, &[&["--target", "x", "--"][..], &COMMAND].concat()).output(), "a run");
    all_is_theirs("a run");
    fs::remove_file(sandbox.log()).expect("it goes");
    let log: &[&str] = &["log", "--target", "x", "--duration", "1", "--exit-code", "0"];
    expect_ok(sandbox, log);
    all_is_theirs("log");
    fs::write(sandbox.log(), EARLIER).expect("an old event");
    expect_ok(sandbox, log);
    let said = expect_ok(sandbox, &["clear", "--before", "2026-03-01"]);
    assert_eq!(crate::harness::without_moment(&said), "Deleted 1 event (122 bytes), kept 1 event.\n");
    all_is_theirs("clear --before");
    assert_eq!(listing(&sandbox.home()).len(), 4);
    for words in SUBCOMMANDS {
        let _ = tm_run(sandbox, words).output();
        all_is_theirs(&words.join(" "));
    }
    // The check would see it.
    fs::write(sandbox.home().join("x"), "").expect("a file");
    assert_eq!(not_owned_by(&sandbox.home(), USER).len(), 1);
}

fn owner_of_the_home_can_write_what_root_made(sandbox: &Sandbox) {
    let program = world_executable_copy(sandbox);
    chown_all(&sandbox.home(), USER);
    assert_unharmed(&sandbox.command(COMMAND).output(), "root");
    let words = ["setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups"];
    let tail = [&program, "--target", "work", "--"].into_iter().chain(COMMAND);
    assert_unharmed(&sandbox.unwrapped(words.into_iter().chain(tail)).output(), "the owner");
    assert_unharmed(&sandbox.command(COMMAND).output(), "root again");
    assert_eq!(sandbox.exit_codes(), [3, 3, 3]);
    assert_eq!(damaged_lines(&sandbox.log_text()), [""; 0]);
}

fn off_waits_for_writers_of_a_log_that_may_not_be_read(sandbox: &Sandbox) {
    let program = world_executable_copy(sandbox);
    fs::write(sandbox.log(), EARLIER).expect("a log");
    fs::set_permissions(sandbox.log(), fs::Permissions::from_mode(0o200)).expect("its mode");
    chown_all(&sandbox.home(), USER);
    let words = ["setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups", &program, "off"];
    let (output, calls) = trace_of(sandbox, &["-f", "-e", "trace=flock"], words.map(Into::into));
    assert_eq!((output.status, calls.len()), (WaitStatus::Exited(0), 1), "{calls:?}");
}

/// Files of root's, to which a planted link may lead.
fn victims(sandbox: &Sandbox) -> std::path::PathBuf {
    let dir = sandbox.path("victims");
    fs::create_dir(&dir).expect("a directory");
    for name in ["file", "file.new", "usage.jsonl", "usage.jsonl.new", "enabled"] {
        fs::write(dir.join(name), EARLIER).expect("a file");
    }
    dir
}

#[track_caller]
fn assert_victims_untouched(sandbox: &Sandbox, plant: impl Fn()) {
    let victims = sandbox.path("victims");
    let look = || {
        let about = |(path, kind): (std::path::PathBuf, String)| {
            let found = fs::metadata(&path).expect("it is there");
            (path, kind, found.ino(), found.uid(), found.mode(), found.mtime_nsec())
        };
        listing(&victims).into_iter().map(about).collect::<Vec<_>>()
    };
    let before = look();
    plant();
    assert_unharmed(&sandbox.command(COMMAND).output(), "a run");
    assert_eq!(look(), before, "a run");
    for words in SUBCOMMANDS.iter().copied().chain([&["on"][..], &["clear", "--before", "today"]]) {
        let output = tm_run(sandbox, words).output();
        assert!(matches!(output.status, WaitStatus::Exited(0 | 1)), "{words:?}: {:?}", output.status);
        assert_eq!(look(), before, "{words:?}");
        // What may have been deleted is planted again.
        plant();
    }
}

fn symlink_or_hard_link_of_another_user_is_not_followed_by_root(sandbox: &Sandbox) {
    let victims = victims(sandbox);
    for (name, to) in [
        ("usage.jsonl", "file"),
        ("usage.jsonl", "no-such-file"),
        ("usage.jsonl.new", "file"),
        ("usage.jsonl.new", "no-such-file"),
        ("enabled", "file"),
    ] {
        assert_victims_untouched(sandbox, || {
            let _ = fs::remove_dir_all(sandbox.home().join(".anklume"));
            sandbox.turn_on();
            if name != "usage.jsonl" {
                fs::write(sandbox.log(), EARLIER).expect("a log");
            }
            let _ = fs::remove_file(sandbox.telemetry().join(name));
            symlink(victims.join(to), sandbox.telemetry().join(name)).expect("a link");
            chown_all(&sandbox.home(), USER);
        });
    }
    // A hard link to a file of root's, and to one of the directory's owner: others may be able to write in there, too.
    for owner in [0, USER] {
        chown(victims.join("file"), Some(owner), Some(owner)).expect("root gives");
        assert_victims_untouched(sandbox, || {
            let _ = fs::remove_dir_all(sandbox.home().join(".anklume"));
            sandbox.turn_on();
            chown_all(&sandbox.home(), USER);
            fs::hard_link(victims.join("file"), sandbox.log()).expect("a link");
        });
    }
}

fn symlinked_directory_of_another_user_is_not_followed_by_root(sandbox: &Sandbox) {
    let victims = victims(sandbox);
    // Without the marker: recording is off in there.
    fs::remove_file(victims.join("enabled")).expect("it goes");
    assert_victims_untouched(sandbox, || {
        let _ = fs::remove_dir_all(sandbox.home().join(".anklume"));
        fs::create_dir(sandbox.home().join(".anklume")).expect("a directory");
        symlink(&victims, sandbox.telemetry()).expect("a link");
        chown_all(&sandbox.home(), USER);
    });
}

/// Root's data directory is a link of root's own, to a directory of another user.
fn symlink_in_a_directory_that_root_has_linked_is_not_followed(sandbox: &Sandbox) {
    let victims = victims(sandbox);
    let theirs = sandbox.path("theirs");
    assert_victims_untouched(sandbox, || {
        let _ = fs::remove_dir_all(&theirs);
        let _ = fs::remove_file(sandbox.telemetry());
        let _ = fs::remove_dir_all(sandbox.home().join(".anklume"));
        sandbox.turn_on();
        symlink(victims.join("file"), sandbox.log()).expect("a link");
        chown_all(&sandbox.telemetry(), USER);
        fs::rename(sandbox.telemetry(), &theirs).expect("it moves");
        symlink(&theirs, sandbox.telemetry()).expect("a link");
    });
}

fn link_in_place_of_a_directory_that_root_has_just_made_is_not_followed(_: &Sandbox) {
    type Plant = fn(&Path, &Path);
    let plant: [Plant; 2] = [
        |victims, place| symlink(victims, place).expect("a link"),
        |victims, place| fs::hard_link(victims.join("file"), place).expect("a link"),
    ];
    for plant in plant {
        let sandbox = Sandbox::new(crate::harness::Way::Off);
        let victims = victims(&sandbox);
        chown_all(&sandbox.home(), USER);
        let trial = Sandbox::new(crate::harness::Way::Off);
        let mut makes = syscall_sites(&trial, tm_run_argv(&["on"]), looks_for_the_marker).into_iter();
        let makes = makes.find(|site| site.name.starts_with("mkdir")).expect("it makes a directory");
        let on = Suspended::at(&sandbox, &makes, tm_run_argv(&["on"]));
        assert!(on.is_there, "{}", on.trace());
        let anklume = sandbox.home().join(".anklume");
        fs::rename(&anklume, sandbox.path("made")).expect("it moves");
        plant(&victims, &anklume);
        on.finish();
        assert_eq!(
            not_owned_by(&sandbox.path(""), USER).iter().filter(|(path, _)| path.contains("victims")).count(),
            6
        );
    }
}

/// In a world-writable directory another user can plant a link to a file of the user's own.
fn symlink_in_a_world_writable_directory_is_not_followed(sandbox: &Sandbox) {
    const OTHER: u32 = 4321;
    let program = world_executable_copy(sandbox);
    let mine = sandbox.path("mine");
    fs::create_dir(&mine).expect("a directory");
    fs::write(mine.join("file"), EARLIER).expect("a file");
    chown_all(&mine, USER);
    let as_user = |words: &[&str]| {
        let user = USER.to_string();
        let words: Vec<_> = ["setpriv", "--reuid", &user, "--regid", &user, "--clear-groups", &program]
            .into_iter()
            .chain(words.iter().copied())
            .map(str::to_owned)
            .collect();
        sandbox.unwrapped(words).output()
    };
    let plant = |name: &str, to: &str, owner: u32| {
        let _ = fs::remove_dir_all(sandbox.home().join(".anklume"));
        sandbox.turn_on();
        if name != "usage.jsonl" {
            fs::write(sandbox.log(), EARLIER).expect("a log");
        }
        symlink(mine.join(to), sandbox.telemetry().join(name)).expect("a link");
        chown_all(&sandbox.home(), owner);
        for directory in [sandbox.home().join(".anklume"), sandbox.telemetry()] {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o777)).expect("its mode");
        }
    };
    let look = || {
        let about = |path: &Path| fs::metadata(path).map(|found| (found.ino(), found.mode())).ok();
        (
            fs::read_to_string(mine.join("file")).expect("it is there"),
            about(&mine.join("file")),
            listing(&mine),
        )
    };
    let before = look();
    for (name, to) in [
        ("usage.jsonl", "file"),
        ("usage.jsonl", "no-such-file"),
        ("usage.jsonl.new", "file"),
        ("usage.jsonl.new", "no-such-file"),
    ] {
        plant(name, to, OTHER);
        let run = as_user(&[&["--target", "x", "--"][..], &COMMAND].concat());
        assert_unharmed(&run, name);
        assert_eq!(look(), before, "{name}");
        for words in SUBCOMMANDS.iter().copied().chain([&["clear", "--before", "today"][..]]) {
            plant(name, to, OTHER);
            let output = as_user(words);
            assert!(matches!(output.status, WaitStatus::Exited(0 | 1)), "{words:?}: {:?}", output.status);
            assert_eq!(look(), before, "{name} {words:?}");
        }
    }
    // In the user's own directory a link is followed, and the check above would see that.
    plant("usage.jsonl", "file", USER);
    assert_unharmed(&as_user(&[&["--target", "x", "--"][..], &COMMAND].concat()), "one's own");
    assert_eq!(look().0.lines().count(), 2);
}

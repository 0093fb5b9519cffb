//! Root at work in somebody's home (sudo that keeps HOME): nothing becomes root's, nothing leads root elsewhere.
//! And nobody else may read what is made, whatever the umask.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use super::{COMMAND, EARLIER, QUESTIONS, broken, done, listing, tm_run, unharmed};
use crate::ledger::{Case, cases};
use crate::stage::{OFF, RECORDED, Stage, TM_RUN, Told};

pub fn cases() -> Vec<Case> {
    let mut all = cases![OFF; modes_are_private_under_any_umask];
    all.extend(cases![OFF, needs ["root"]; what_root_makes_in_a_home_is_its_owners]);
    all.extend(cases![RECORDED, needs ["root", "setpriv"];
        the_owner_goes_on_with_what_root_made,
        a_link_planted_in_a_directory_of_everybodys_leads_a_user_nowhere,
    ]);
    all.extend(cases![RECORDED, needs ["root"];
        a_planted_link_leads_root_nowhere,
        a_planted_directory_leads_root_nowhere,
    ]);
    all
}

const USER: u32 = 1234;

/// A program that any user may run, for the place where it was built may be out of their reach.
pub fn for_everybody(stage: &Stage) -> String {
    let program = stage.path("tm-run");
    fs::copy(TM_RUN, &program).expect("a copy");
    let above = program.parent().expect("a directory");
    for path in [above, &program] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
    }
    program.into_os_string().into_string().expect("UTF-8")
}

/// A directory and all in it to a user.
pub fn give(directory: &Path, user: u32) {
    chown(directory, Some(user), Some(user)).expect("root gives");
    for (path, _) in listing(directory) {
        std::os::unix::fs::lchown(path, Some(user), Some(user)).expect("root gives");
    }
}

/// What below the home is not this user's.
fn not_of(home: &Path, user: u32) -> Vec<(String, u32)> {
    let about = |path: &Path| fs::symlink_metadata(path).expect("it is there");
    let of = |path: &Path| (path.display().to_string(), about(path).uid());
    listing(home).iter().map(|(path, _)| of(path)).filter(|(_, owner)| *owner != user).collect()
}

fn modes(home: &Path) -> Vec<u32> {
    let mode = |path: &Path| fs::symlink_metadata(path).expect("it is there").mode();
    listing(home).iter().map(|(path, _)| mode(path) & 0o7777).collect()
}

fn modes_are_private_under_any_umask(_: &Stage) {
    for umask in ["0", "022", "077", "0177", "0777"] {
        let stage = Stage::new(crate::stage::Way::Off);
        let masked = |words: &[&str]| {
            let words = [TM_RUN].iter().chain(words);
            assert_eq!(stage.plain(words).option("--umask", umask).end(), Told::Exited(0), "{umask}");
        };
        masked(&["on"]);
        masked(&["--", "true"]);
        masked(&["log", "--target", "x", "--duration", "1", "--exit-code", "0"]);
        // .anklume, telemetry, enabled, usage.jsonl
        assert_eq!(modes(&stage.home()), [0o700, 0o700, 0o600, 0o600], "{umask}");
        masked(&["clear", "--before", "2026-01-01"]);
        masked(&["report", "--output", "page.html", "--format", "html"]);
        assert_eq!(
            modes(&stage.home()),
            [0o700, 0o700, 0o600, 0o600, 0o600 & !u32::from_str_radix(umask, 8).expect("octal")],
            "{umask}"
        );
    }
}

fn what_root_makes_in_a_home_is_its_owners(stage: &Stage) {
    give(&stage.home(), USER);
    let all_is_theirs = |what: &str| assert_eq!(not_of(&stage.home(), USER), [], "{what}");
    done(stage, &["on"]);
    all_is_theirs("on");
    unharmed(&tm_run(stage, &[&["--target", "x", "--"][..], &COMMAND].concat()).finish(), "a run");
    all_is_theirs("a run");
    fs::remove_file(stage.log()).expect("it goes");
    let log: &[&str] = &["log", "--target", "x", "--duration", "1", "--exit-code", "0"];
    done(stage, log);
    all_is_theirs("log");
    fs::write(stage.log(), EARLIER).expect("an old event");
    done(stage, log);
    assert_eq!(done(stage, &["clear", "--before", "2026-03-01"]), "Deleted 1 event, kept 1 event.\n");
    all_is_theirs("clear --before");
    assert_eq!(listing(&stage.home()).len(), 4);
    for words in QUESTIONS {
        let _ = tm_run(stage, words).finish();
        all_is_theirs(&words.join(" "));
    }
    // The look would see it.
    fs::write(stage.home().join("x"), "").expect("a file");
    assert_eq!(not_of(&stage.home(), USER).len(), 1);
}

fn the_owner_goes_on_with_what_root_made(stage: &Stage) {
    let program = for_everybody(stage);
    give(&stage.home(), USER);
    unharmed(&stage.command(COMMAND).finish(), "root");
    let words = ["setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups"];
    let tail = [&program, "--target", "work", "--"].into_iter().chain(COMMAND);
    unharmed(&stage.plain(words.into_iter().chain(tail)).finish(), "the owner");
    unharmed(&stage.command(COMMAND).finish(), "root again");
    assert_eq!(stage.exit_codes(), [3, 3, 3]);
    assert_eq!(broken(&stage.raw_log()), [""; 0]);
}

/// Files of root's in a directory of root's, which a planted link may lead to.
fn victims(stage: &Stage) -> std::path::PathBuf {
    let dir = stage.path("victims");
    fs::create_dir(&dir).expect("a directory");
    for name in ["file", "file.new", "usage.jsonl", "usage.jsonl.new", "enabled"] {
        fs::write(dir.join(name), EARLIER).expect("a file");
    }
    dir
}

#[track_caller]
fn all_in_vain(stage: &Stage, plant: impl Fn()) {
    let victims = stage.path("victims");
    let look = || {
        let about = |(path, kind): (std::path::PathBuf, String)| {
            let found = fs::metadata(&path).expect("it is there");
            (path, kind, found.ino(), found.uid(), found.mode(), found.mtime_nsec())
        };
        listing(&victims).into_iter().map(about).collect::<Vec<_>>()
    };
    let before = look();
    plant();
    unharmed(&stage.command(COMMAND).finish(), "a run");
    assert_eq!(look(), before, "a run");
    for words in QUESTIONS.iter().copied().chain([&["on"][..], &["clear", "--before", "2027-01-01"]]) {
        let finished = tm_run(stage, words).finish();
        assert!(matches!(finished.told, Told::Exited(0 | 1)), "{words:?}: {:?}", finished.told);
        assert_eq!(look(), before, "{words:?}");
        // What may have been deleted is planted again.
        plant();
    }
}

fn a_planted_link_leads_root_nowhere(stage: &Stage) {
    let victims = victims(stage);
    for (name, to) in [
        ("usage.jsonl", "file"),
        ("usage.jsonl", "no-such-file"),
        ("usage.jsonl.new", "file"),
        ("usage.jsonl.new", "no-such-file"),
        ("enabled", "file"),
    ] {
        all_in_vain(stage, || {
            let _ = fs::remove_dir_all(stage.home().join(".anklume"));
            stage.turn_on();
            if name != "usage.jsonl" {
                fs::write(stage.log(), EARLIER).expect("a log");
            }
            let _ = fs::remove_file(stage.telemetry().join(name));
            symlink(victims.join(to), stage.telemetry().join(name)).expect("a link");
            give(&stage.home(), USER);
        });
    }
    // A second name of a file that is not theirs.
    all_in_vain(stage, || {
        let _ = fs::remove_dir_all(stage.home().join(".anklume"));
        stage.turn_on();
        give(&stage.home(), USER);
        fs::hard_link(victims.join("file"), stage.log()).expect("a link");
    });
}

fn a_planted_directory_leads_root_nowhere(stage: &Stage) {
    let victims = victims(stage);
    // Recording is off in there: what is there, others may have put there for themselves.
    fs::remove_file(victims.join("enabled")).expect("it goes");
    all_in_vain(stage, || {
        let _ = fs::remove_dir_all(stage.home().join(".anklume"));
        fs::create_dir(stage.home().join(".anklume")).expect("a directory");
        symlink(&victims, stage.telemetry()).expect("a link");
        give(&stage.home(), USER);
    });
}

/// Where everybody may write, a link to a file of the user's own could make tm-run write into that.
fn a_link_planted_in_a_directory_of_everybodys_leads_a_user_nowhere(stage: &Stage) {
    const OTHER: u32 = 4321;
    let program = for_everybody(stage);
    let mine = stage.path("mine");
    fs::create_dir(&mine).expect("a directory");
    fs::write(mine.join("file"), EARLIER).expect("a file");
    give(&mine, USER);
    let as_user = |words: &[&str]| {
        let user = USER.to_string();
        let words: Vec<_> = ["setpriv", "--reuid", &user, "--regid", &user, "--clear-groups", &program]
            .into_iter()
            .chain(words.iter().copied())
            .map(str::to_owned)
            .collect();
        stage.plain(words).finish()
    };
    let plant = |name: &str, to: &str, owner: u32| {
        let _ = fs::remove_dir_all(stage.home().join(".anklume"));
        stage.turn_on();
        if name != "usage.jsonl" {
            fs::write(stage.log(), EARLIER).expect("a log");
        }
        symlink(mine.join(to), stage.telemetry().join(name)).expect("a link");
        give(&stage.home(), owner);
        for directory in [stage.home().join(".anklume"), stage.telemetry()] {
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
        unharmed(&run, name);
        assert_eq!(look(), before, "{name}");
        for words in QUESTIONS.iter().copied().chain([&["clear", "--before", "2027-01-01"][..]]) {
            plant(name, to, OTHER);
            let finished = as_user(words);
            assert!(matches!(finished.told, Told::Exited(0 | 1)), "{words:?}: {:?}", finished.told);
            assert_eq!(look(), before, "{name} {words:?}");
        }
    }
    // In a directory of one's own a link is one's own wish, and would be seen above.
    plant("usage.jsonl", "file", USER);
    unharmed(&as_user(&[&["--target", "x", "--"][..], &COMMAND].concat()), "one's own");
    assert_eq!(look().0.lines().count(), 2);
}

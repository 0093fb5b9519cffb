//! telemetry.mk, under GNU make.

use std::fs;

use super::{SHOWS, command, in_shell_dir, install, named, recorded, start};
use crate::ledger::{Case, cases};
use crate::stage::{OFF, RECORDED, Stage, Start, Told, queue};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED, needs ["make", "bash"];
        any_text_runs_as_it_does_bare,
        each_line_of_a_recipe_is_a_run,
        a_makefile_of_the_shape_of_anklumes_is_recorded,
        nothing_in_a_domain_is_run,
        a_text_from_outside_is_one_word,
        the_prefix_records_one_command,
        a_comma_in_the_text_is_kept,
        one_line_of_make_is_a_child_of_make,
        the_jobserver_reaches_a_make_inside,
        sigterm_to_make_reaches_the_command,
        ctrl_c_is_recorded,
        it_can_be_turned_off_for_once,
        a_prefixed_recipe_keeps_its_marks,
        it_may_be_included_first_last_and_twice,
        a_makefile_that_asks_for_oneshell_is_left_whole,
    ];
    all.extend(cases![OFF, needs ["make", "bash"];
        without_tm_run_all_is_as_if_it_were_not_there,
        the_five_targets_switch_recording,
        a_makefiles_own_targets_win_without_a_warning,
        the_first_target_stays_the_default,
    ]);
    all
}

/// What stands in the place of anklume's own macro: it runs the text in a shell of its own and says so.
const MACRO: &str = "define tele_wrap\n\t@echo original $(1); $(2)\nendef\n";

fn make<'s>(stage: &'s Stage, makefile: &str, words: &[&str]) -> Start<'s> {
    fs::write(stage.path("Makefile"), makefile).expect("a Makefile");
    fs::copy(in_shell_dir("telemetry.mk"), stage.path("telemetry.mk")).expect("telemetry.mk");
    let all: Vec<&str> = ["make", "--no-print-directory", "-C", ".."].iter().chain(words).copied().collect();
    start(stage, &all)
}

fn last(text: &str) -> String {
    format!("{text}include telemetry.mk\n")
}

const TEXTS: &[&str] = &[
    "echo plain",
    "cd / && pwd",
    "exit 7",
    "exec echo replaced",
    "set -e; false; echo not reached",
    "sleep 0 & wait; echo waited",
    "echo 'a # b' # and a comment",
    "echo \"it's\" 'a \"b\"' \\\"c\\\" '\\'",
    "echo $$HOME | tr a-z A-Z >&2",
    "for i in 1 2 3; do echo $$i; done; false",
    "echo `echo backquotes` $$(echo dollar) $$((1+1)) $${HOME:+set}",
    "echo one,two, three,,four",
    "echo two  spaces   and\ttabs; echo '  kept  '",
    "kill -9 $$$$",
    "(exit 3) || echo no",
    "no-such-command-anywhere",
    "echo ~ Make* ? [a] {b,c} !d",
    "echo long \\\n\t  goes on",
    "{ echo out; echo err >&2; exit 130; }",
    "test -t 0 || echo no terminal; cat",
];

fn any_text_runs_as_it_does_bare(stage: &Stage) {
    install(stage);
    let mut expected = Vec::new();
    for (shell, flags) in
        [("/bin/bash", ""), ("/bin/sh", ""), ("/bin/bash", ".SHELLFLAGS := -eu -o pipefail -c\n")]
    {
        for text in TEXTS {
            let makefile = last(&format!("SHELL := {shell}\n{flags}all:\n\t$(call tele_wrap,all,{text})\n"));
            let bare = make(stage, &makefile, &["TM_RUN="]).finish();
            let wrapped = make(stage, &makefile, &[]).finish();
            assert_eq!(wrapped.text(), bare.text(), "{shell} {text}");
            // Where there is no shell, make or tm-run says that there is no such command.
            assert_eq!(wrapped.err.replace("tm-run: ", "make: "), bare.err, "{shell} {text}");
            assert_eq!(wrapped.told, bare.told, "{shell} {text}");
            expected.push(named("all", None));
        }
    }
    assert_eq!(recorded(stage), expected);
}

fn each_line_of_a_recipe_is_a_run(stage: &Stage) {
    install(stage);
    let makefile = last(
        "define lines\necho one \\\n\tgoes on\ncd /\npwd\nfalse\necho never\nendef\nall:\n\t$(call tele_wrap,all,$(lines))\n",
    );
    let bare = make(stage, &makefile, &["TM_RUN="]).finish();
    let wrapped = make(stage, &makefile, &[]).finish();
    assert_eq!(wrapped.text(), bare.text());
    assert_eq!(wrapped.text().lines().count(), 2, "{}", wrapped.text());
    assert_eq!((wrapped.err, wrapped.told), (bare.err, bare.told));
    assert_eq!(stage.exit_codes(), [0, 0, 0, 1]);
}

fn a_makefile_of_the_shape_of_anklumes_is_recorded(stage: &Stage) {
    install(stage);
    command(stage, "ansible-playbook", SHOWS);
    let makefile = last(&format!(
        "{MACRO}SHELL := /bin/bash\n\
         define safely\n\t@echo before $(1) $(3)\n\t@$(call tele_wrap,$(1),$(2))\n\t@echo after $(1)\nendef\n\
         sync:\n\t$(call tele_wrap,sync,ansible-playbook sync.yml)\n\
         apply: sync\n\t$(call safely,apply,ansible-playbook site.yml)\n\
         apply-limit:\n\t$(call safely,apply-limit,ansible-playbook site.yml --limit $(G),$(G))\n"
    ));
    let finished = make(stage, &makefile, &["apply"]).finish();
    assert_eq!(finished.told, Told::Exited(0), "{}", finished.err);
    assert_eq!(
        finished.text(),
        "ansible-playbook<sync.yml>\nbefore apply\nansible-playbook<site.yml>\nafter apply\n"
    );
    let finished = make(stage, &makefile, &["apply-limit", "G=pro,lab"]).finish();
    assert_eq!(
        finished.text(),
        "before apply-limit pro,lab\nansible-playbook<site.yml><--limit><pro,lab>\nafter apply-limit\n"
    );
    assert_eq!(finished.err, "");
    let expected = [named("sync", None), named("apply", None), named("apply-limit", Some("pro,lab"))];
    assert_eq!(recorded(stage), expected);
}

const DOMAINS: &[&str] = &[
    "pro",
    "a,b",
    "a b",
    "it's",
    "say \"hi\"",
    "-rf",
    "--help",
    "--domain=x",
    "a;touch PWNED",
    "a`touch PWNED`",
    "$$(touch PWNED)",
    "$$HOME",
    "a'; touch PWNED; '",
    "a\\",
    "a\\'",
    "#a",
    "a)b",
    "a|b&c>d<e",
    "web[0-9]:!db",
    "caf\u{e9} \u{732b}",
    "*",
    "~",
];

fn nothing_in_a_domain_is_run(stage: &Stage) {
    install(stage);
    let makefile = last(
        "sync:\n\t$(call tele_wrap,sync,echo done)\nplain:\n\t@$(tm) echo done\nnamed:\n\t@$(call tm_as,other) echo done\n",
    );
    let mut expected = Vec::new();
    for domain in DOMAINS {
        for (goal, target) in [("sync", "sync"), ("plain", "plain"), ("named", "other")] {
            let finished = make(stage, &makefile, &[goal, &format!("G={domain}")]).finish();
            assert_eq!(finished.text(), "done\n", "{domain}: {}", finished.err);
            assert_eq!((finished.err.as_str(), finished.told), ("", Told::Exited(0)), "{domain}");
            expected.push(named(target, Some(&domain.replace("$$", "$"))));
        }
    }
    assert_eq!(recorded(stage), expected);
    assert!(!stage.path("PWNED").exists() && !stage.home().join("PWNED").exists());
}

fn a_text_from_outside_is_one_word(stage: &Stage) {
    install(stage);
    let makefile = last("sync:\n\t$(call tele_wrap, sync ,echo done)\n");
    // Lines and tabs would end the recipe or be refused as a name.
    for domain in ["a\nb", "a\tb", "  a   b ", "\n"] {
        let finished = make(stage, &makefile, &[&format!("G={domain}")]).finish();
        assert_eq!(
            (finished.text().as_str(), finished.told),
            ("done\n", Told::Exited(0)),
            "{}",
            finished.err
        );
    }
    let finished = make(stage, &makefile, &["G="]).finish();
    assert_eq!(finished.text(), "done\n");
    let one = named("sync", Some("a b"));
    assert_eq!(recorded(stage), [one.clone(), one.clone(), one, named("sync", None), named("sync", None)]);
}

fn the_prefix_records_one_command(stage: &Stage) {
    install(stage);
    let makefile = last(
        "it's here: ; \nbuild/x y:\n\t$(tm) echo \"$(@)\" $$HOME\nz:\n\t@$(call tm_as,two words) sh -c 'exit 4'\n",
    );
    let finished = make(stage, &makefile, &["build/x"]).finish();
    assert_eq!(finished.told, Told::Exited(0), "{}", finished.err);
    let home = stage.home();
    assert!(finished.text().ends_with(&format!("\nbuild/x {}\n", home.display())), "{}", finished.text());
    assert_eq!(make(stage, &makefile, &["z"]).end(), Told::Exited(2));
    assert_eq!(recorded(stage), [named("build/x", None), named("two words", None)]);
    assert_eq!(stage.exit_codes(), [0, 4]);
}

fn a_comma_in_the_text_is_kept(stage: &Stage) {
    install(stage);
    let makefile = last(
        "all:\n\t$(call tele_wrap,all,echo 1,2,3,4,5,6,7,8)\nmore:\n\t$(call tele_wrap,all,echo 1,2,3,4,5,6,7,8,9)\n",
    );
    assert_eq!(make(stage, &makefile, &[]).finish().text(), "1,2,3,4,5,6,7,8\n");
    let refused = make(stage, &makefile, &["more"]).finish();
    assert_eq!((refused.text().as_str(), refused.told), ("", Told::Exited(2)));
    assert!(refused.err.contains("more than seven commas"), "{}", refused.err);
}

/// A shell between the two would get the signals that make sends.
fn one_line_of_make_is_a_child_of_make(stage: &Stage) {
    install(stage);
    for shell in ["/bin/bash", "/bin/sh"] {
        let probe = crate::stage::probe();
        let makefile = last(&format!("SHELL := {shell}\nall:\n\t$(call tele_wrap,all,{probe} signals)\n"));
        let mut job = make(stage, &makefile, &[]).start();
        let command = job.out.ready();
        let wrapper = stage.launched(command);
        let parent = crate::stage::Process::of(wrapper).expect("tm-run is there").parent;
        assert_eq!(parent, job.pid, "{shell}: make's own child");
        queue(command, 63, 0);
        assert_eq!(job.end(), Told::Exited(0));
    }
}

fn the_jobserver_reaches_a_make_inside(stage: &Stage) {
    install(stage);
    let mut styles = vec![None, Some("pipe"), Some("fifo")];
    let probe = make(stage, "all: ;\n", &["--jobserver-style=pipe"]).finish();
    if probe.told != Told::Exited(0) {
        // Before 4.4 there was one style only.
        styles.truncate(1);
    }
    fs::write(stage.path("inner.mk"), "all: a b c\na b c:\n\t@$$P signals\n").expect("a Makefile");
    let makefile = last(
        "SHELL := /bin/bash\nall:\n\t$(call tele_wrap,all,$(MAKE) --no-print-directory -f inner.mk)\nprefix:\n\t@$(tm) $(MAKE) --no-print-directory -f inner.mk\n",
    );
    for style in styles {
        for goal in ["all", "prefix"] {
            let mut words = vec!["-j3", goal];
            let option = style.map(|style| format!("--jobserver-style={style}"));
            words.extend(option.as_deref());
            let mut job = make(stage, &makefile, &words).start();
            let commands: Vec<i32> = (0..3).map(|_| job.out.ready()).collect();
            for command in commands {
                queue(command, 63, 0);
            }
            assert_eq!(job.end(), Told::Exited(0));
            assert_eq!(job.err.rest_text(), "", "{style:?} {goal}");
        }
    }
}

fn sigterm_to_make_reaches_the_command(stage: &Stage) {
    install(stage);
    let makefile = last("SHELL := /bin/bash\nall:\n\t$(call tele_wrap,all,$$P signals exit-on=15:3)\n");
    let mut job = make(stage, &makefile, &[]).start();
    job.out.ready();
    job.send(15);
    assert_eq!(job.out.rest_text(), "signal 15\n");
    assert_eq!(job.end(), Told::Killed(15));
    job.leaves_nothing();
    stage.logged(&[3]);
}

fn ctrl_c_is_recorded(stage: &Stage) {
    install(stage);
    let makefile = last("SHELL := /bin/bash\nall:\n\t$(call tele_wrap,all,$$P signals default=2)\n");
    let mut job = make(stage, &makefile, &[]).on_terminal().start();
    job.terminal().screen.ready();
    job.terminal().ctrl('C');
    job.end();
    job.leaves_nothing();
    stage.logged(&[130]);
}

fn it_can_be_turned_off_for_once(stage: &Stage) {
    install(stage);
    let makefile = last("all:\n\t$(call tele_wrap,all,echo bare)\n\t@$(tm) echo too\n");
    let finished = make(stage, &makefile, &["TM_RUN="]).finish();
    assert_eq!((finished.text().as_str(), finished.err.as_str()), ("bare\ntoo\n", ""));
    let finished = make(stage, &makefile, &[]).variable("TM_RUN", "").finish();
    assert_eq!(finished.text(), "bare\ntoo\n");
    assert_eq!(stage.raw_log(), "");
    let elsewhere = format!("TM_RUN={}", crate::stage::TM_RUN);
    fs::remove_file(stage.path("bin/tm-run")).expect("it goes");
    assert_eq!(make(stage, &makefile, &[&elsewhere]).finish().text(), "bare\ntoo\n");
    assert_eq!(recorded(stage), [named("all", None), named("all", None)]);
}

fn a_prefixed_recipe_keeps_its_marks(stage: &Stage) {
    install(stage);
    let makefile =
        last("all:\n\t-$(call tele_wrap,all,exit 3)\n\t@-$(call tele_wrap,all,exit 4)\n\t@echo went on\n");
    let finished = make(stage, &makefile, &[]).finish();
    assert_eq!((finished.text().as_str(), finished.told), ("went on\n", Told::Exited(0)));
    assert_eq!(stage.exit_codes(), [3, 4]);
    // -n shows and runs nothing, but for what calls make again.
    let finished = make(stage, &makefile, &["-n"]).finish();
    assert!(finished.text().contains("-- /bin/sh -c 'exit 3'"), "{}", finished.text());
    assert_eq!(stage.exit_codes(), [3, 4]);
}

fn it_may_be_included_first_last_and_twice(stage: &Stage) {
    install(stage);
    let text = format!("{MACRO}all:\n\t$(call tele_wrap,all,echo run)\n");
    let include = "include telemetry.mk\n";
    for (makefile, output) in [
        (format!("{include}{text}"), "original all\nrun\n"),
        (format!("{text}{include}"), "run\n"),
        (format!("{include}{text}{include}"), "run\n"),
        (format!("{text}{include}{include}"), "run\n"),
    ] {
        let finished = make(stage, &makefile, &["--warn-undefined-variables"]).finish();
        assert_eq!((finished.text().as_str(), finished.err.as_str()), (output, ""), "{makefile}");
    }
    assert_eq!(recorded(stage), vec![named("all", None); 3]);
}

fn a_makefile_that_asks_for_oneshell_is_left_whole(stage: &Stage) {
    install(stage);
    let makefile = last(
        ".ONESHELL:\nall:\n\tx=kept\n\techo $$x\ndefine lines\necho one\necho two\nendef\nwrapped:\n\t$(call tele_wrap,wrapped,$(lines))\n",
    );
    assert_eq!(make(stage, &makefile, &["-s"]).finish().text(), "kept\n");
    assert_eq!(make(stage, &makefile, &["-s", "wrapped"]).finish().text(), "one\ntwo\n");
}

fn without_tm_run_all_is_as_if_it_were_not_there(stage: &Stage) {
    for text in TEXTS {
        let with = last(&format!("SHELL := /bin/bash\nall:\n\t$(call tele_wrap,all,{text})\n"));
        let plain = format!("SHELL := /bin/bash\nall:\n\t@{text}\n\n");
        let with = make(stage, &with, &["G=x"]).finish();
        let plain = make(stage, &plain, &["G=x"]).finish();
        assert_eq!(with.text(), plain.text(), "{text}");
        assert_eq!(with.err, plain.err, "{text}");
        assert_eq!(with.told, plain.told, "{text}");
    }
    let makefile = last("all:\n\t@$(tm) echo bare\n\t@$(call tm_as,x) echo too\n");
    let finished = make(stage, &makefile, &[]).finish();
    assert_eq!((finished.text().as_str(), finished.err.as_str()), ("bare\ntoo\n", ""));
    // Not there at all: the prefix is empty, and the command runs.
    let makefile = "-include nowhere/telemetry.mk\nall:\n\t@$(tm) echo bare\n";
    assert_eq!(make(stage, makefile, &[]).finish().text(), "bare\n");
    let finished = make(stage, &last("all: ;\n"), &["telemetry-on"]).finish();
    assert_eq!(finished.told, Told::Exited(2));
    assert!(finished.err.contains("tm-run is not installed"), "{}", finished.err);
    assert!(!stage.home().join(".anklume").exists());
}

fn the_five_targets_switch_recording(stage: &Stage) {
    install(stage);
    let makefile = last("all: ;\n");
    let directory = stage.telemetry();
    for (goal, says) in [
        ("telemetry-status", "Telemetry: disabled".to_owned()),
        ("telemetry-report", "No telemetry data to report.".to_owned()),
        ("telemetry-on", format!("Telemetry enabled. Data stored in: {}\n", directory.display())),
        ("telemetry-status", "Telemetry: enabled".to_owned()),
        ("telemetry-off", "Telemetry disabled. Existing data preserved.".to_owned()),
        ("telemetry-on", "Telemetry enabled.".to_owned()),
        ("telemetry-clear", "Telemetry data and state deleted.".to_owned()),
    ] {
        // A file of that name must not make make think that there is nothing to do.
        fs::write(stage.path(goal), "").expect("a file");
        let finished = make(stage, &makefile, &[goal]).finish();
        assert!(finished.text().starts_with(&says), "{goal}: {} {}", finished.text(), finished.err);
        assert_eq!(finished.told, Told::Exited(0), "{goal}");
    }
    assert!(!directory.exists());
}

fn a_makefiles_own_targets_win_without_a_warning(stage: &Stage) {
    install(stage);
    let own = "telemetry-on:\n\t@echo own on\n.PHONY: telemetry-on\nall: ;\n";
    for makefile in
        [last(own), format!("include telemetry.mk\n{own}"), format!("{}include telemetry.mk\n", last(own))]
    {
        let finished = make(stage, &makefile, &["telemetry-on"]).finish();
        assert_eq!((finished.text().as_str(), finished.err.as_str()), ("own on\n", ""));
        let finished = make(stage, &makefile, &["telemetry-off"]).finish();
        assert!(finished.text().starts_with("Telemetry disabled."), "{}", finished.err);
    }
    assert!(!stage.home().join(".anklume").exists());
    let unknown = make(stage, &last(own), &["telemetry-onn"]).finish();
    assert!(unknown.err.contains("No rule to make target"), "{}", unknown.err);
}

fn the_first_target_stays_the_default(stage: &Stage) {
    install(stage);
    let finished = make(stage, "include telemetry.mk\nhello:\n\t@echo hello\n", &[]).finish();
    assert_eq!(finished.text(), "hello\n");
    let finished = make(stage, "include telemetry.mk\n", &[]).finish();
    assert!(finished.err.contains("No targets"), "{}", finished.err);
    assert!(!stage.home().join(".anklume").exists());
}

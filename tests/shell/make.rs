//! telemetry.mk, under GNU make.

use std::fs;

use super::{SHOWS, command, in_shell_dir, install, named, recorded, start};
use crate::harness::{Case, Launch, OFF, RECORDED, Sandbox, WaitStatus, cases, sigqueue};

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

fn make<'s>(sandbox: &'s Sandbox, makefile: &str, words: &[&str]) -> Launch<'s> {
    fs::write(sandbox.path("Makefile"), makefile).expect("a Makefile");
    fs::copy(in_shell_dir("telemetry.mk"), sandbox.path("telemetry.mk")).expect("telemetry.mk");
    let all: Vec<&str> = ["make", "--no-print-directory", "-C", ".."].iter().chain(words).copied().collect();
    start(sandbox, &all)
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

fn any_text_runs_as_it_does_bare(sandbox: &Sandbox) {
    install(sandbox);
    let mut expected = Vec::new();
    for (shell, flags) in
        [("/bin/bash", ""), ("/bin/sh", ""), ("/bin/bash", ".SHELLFLAGS := -eu -o pipefail -c\n")]
    {
        for text in TEXTS {
            let makefile = last(&format!("SHELL := {shell}\n{flags}all:\n\t$(call tele_wrap,all,{text})\n"));
            let bare = make(sandbox, &makefile, &["TM_RUN="]).output();
            let wrapped = make(sandbox, &makefile, &[]).output();
            assert_eq!(wrapped.text(), bare.text(), "{shell} {text}");
            // Where there is no shell, make or tm-run says that there is no such command.
            assert_eq!(wrapped.stderr.replace("tm-run: ", "make: "), bare.stderr, "{shell} {text}");
            assert_eq!(wrapped.status, bare.status, "{shell} {text}");
            expected.push(named("all", None));
        }
    }
    assert_eq!(recorded(sandbox), expected);
}

fn each_line_of_a_recipe_is_a_run(sandbox: &Sandbox) {
    install(sandbox);
    let makefile = last(
        "define lines\necho one \\\n\tgoes on\ncd /\npwd\nfalse\necho never\nendef\nall:\n\t$(call tele_wrap,all,$(lines))\n",
    );
    let bare = make(sandbox, &makefile, &["TM_RUN="]).output();
    let wrapped = make(sandbox, &makefile, &[]).output();
    assert_eq!(wrapped.text(), bare.text());
    assert_eq!(wrapped.text().lines().count(), 2, "{}", wrapped.text());
    assert_eq!((wrapped.stderr, wrapped.status), (bare.stderr, bare.status));
    assert_eq!(sandbox.exit_codes(), [0, 0, 0, 1]);
}

fn a_makefile_of_the_shape_of_anklumes_is_recorded(sandbox: &Sandbox) {
    install(sandbox);
    command(sandbox, "ansible-playbook", SHOWS);
    let makefile = last(&format!(
        "{MACRO}SHELL := /bin/bash\n\
         define safely\n\t@echo before $(1) $(3)\n\t@$(call tele_wrap,$(1),$(2))\n\t@echo after $(1)\nendef\n\
         sync:\n\t$(call tele_wrap,sync,ansible-playbook sync.yml)\n\
         apply: sync\n\t$(call safely,apply,ansible-playbook site.yml)\n\
         apply-limit:\n\t$(call safely,apply-limit,ansible-playbook site.yml --limit $(G),$(G))\n"
    ));
    let output = make(sandbox, &makefile, &["apply"]).output();
    assert_eq!(output.status, WaitStatus::Exited(0), "{}", output.stderr);
    assert_eq!(
        output.text(),
        "ansible-playbook<sync.yml>\nbefore apply\nansible-playbook<site.yml>\nafter apply\n"
    );
    let output = make(sandbox, &makefile, &["apply-limit", "G=pro,lab"]).output();
    assert_eq!(
        output.text(),
        "before apply-limit pro,lab\nansible-playbook<site.yml><--limit><pro,lab>\nafter apply-limit\n"
    );
    assert_eq!(output.stderr, "");
    let expected = [named("sync", None), named("apply", None), named("apply-limit", Some("pro,lab"))];
    assert_eq!(recorded(sandbox), expected);
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

fn nothing_in_a_domain_is_run(sandbox: &Sandbox) {
    install(sandbox);
    let makefile = last(
        "sync:\n\t$(call tele_wrap,sync,echo done)\nplain:\n\t@$(tm) echo done\nnamed:\n\t@$(call tm_as,other) echo done\n",
    );
    let mut expected = Vec::new();
    for domain in DOMAINS {
        for (goal, target) in [("sync", "sync"), ("plain", "plain"), ("named", "other")] {
            let output = make(sandbox, &makefile, &[goal, &format!("G={domain}")]).output();
            assert_eq!(output.text(), "done\n", "{domain}: {}", output.stderr);
            assert_eq!((output.stderr.as_str(), output.status), ("", WaitStatus::Exited(0)), "{domain}");
            expected.push(named(target, Some(&domain.replace("$$", "$"))));
        }
    }
    assert_eq!(recorded(sandbox), expected);
    assert!(!sandbox.path("PWNED").exists() && !sandbox.home().join("PWNED").exists());
}

fn a_text_from_outside_is_one_word(sandbox: &Sandbox) {
    install(sandbox);
    let makefile = last("sync:\n\t$(call tele_wrap, sync ,echo done)\n");
    // Lines and tabs would end the recipe or be refused as a name.
    for domain in ["a\nb", "a\tb", "  a   b ", "\n"] {
        let output = make(sandbox, &makefile, &[&format!("G={domain}")]).output();
        assert_eq!(
            (output.text().as_str(), output.status),
            ("done\n", WaitStatus::Exited(0)),
            "{}",
            output.stderr
        );
    }
    let output = make(sandbox, &makefile, &["G="]).output();
    assert_eq!(output.text(), "done\n");
    let one = named("sync", Some("a b"));
    assert_eq!(recorded(sandbox), [one.clone(), one.clone(), one, named("sync", None), named("sync", None)]);
}

fn the_prefix_records_one_command(sandbox: &Sandbox) {
    install(sandbox);
    let makefile = last(
        "it's here: ; \nbuild/x y:\n\t$(tm) echo \"$(@)\" $$HOME\nz:\n\t@$(call tm_as,two words) sh -c 'exit 4'\n",
    );
    let output = make(sandbox, &makefile, &["build/x"]).output();
    assert_eq!(output.status, WaitStatus::Exited(0), "{}", output.stderr);
    let home = sandbox.home();
    assert!(output.text().ends_with(&format!("\nbuild/x {}\n", home.display())), "{}", output.text());
    assert_eq!(make(sandbox, &makefile, &["z"]).wait_for_exit(), WaitStatus::Exited(2));
    assert_eq!(recorded(sandbox), [named("build/x", None), named("two words", None)]);
    assert_eq!(sandbox.exit_codes(), [0, 4]);
}

fn a_comma_in_the_text_is_kept(sandbox: &Sandbox) {
    install(sandbox);
    let makefile = last(
        "all:\n\t$(call tele_wrap,all,echo 1,2,3,4,5,6,7,8)\nmore:\n\t$(call tele_wrap,all,echo 1,2,3,4,5,6,7,8,9)\n",
    );
    assert_eq!(make(sandbox, &makefile, &[]).output().text(), "1,2,3,4,5,6,7,8\n");
    let refused = make(sandbox, &makefile, &["more"]).output();
    assert_eq!((refused.text().as_str(), refused.status), ("", WaitStatus::Exited(2)));
    assert!(refused.stderr.contains("more than seven commas"), "{}", refused.stderr);
}

/// A shell between the two would get the signals that make sends.
fn one_line_of_make_is_a_child_of_make(sandbox: &Sandbox) {
    install(sandbox);
    for shell in ["/bin/bash", "/bin/sh"] {
        let probe = crate::harness::probe();
        let makefile = last(&format!("SHELL := {shell}\nall:\n\t$(call tele_wrap,all,{probe} signals)\n"));
        let mut job = make(sandbox, &makefile, &[]).spawn();
        let command = job.stdout.read_ready_pid();
        let wrapper = sandbox.launched_pid(command);
        let parent = crate::harness::Process::of(wrapper).expect("tm-run is there").parent;
        assert_eq!(parent, job.pid, "{shell}: make's own child");
        sigqueue(command, 63, 0);
        assert_eq!(job.wait_for_exit(), WaitStatus::Exited(0));
    }
}

fn the_jobserver_reaches_a_make_inside(sandbox: &Sandbox) {
    install(sandbox);
    let mut styles = vec![None, Some("pipe"), Some("fifo")];
    let probe = make(sandbox, "all: ;\n", &["--jobserver-style=pipe"]).output();
    if probe.status != WaitStatus::Exited(0) {
        // Before 4.4 there was one style only.
        styles.truncate(1);
    }
    fs::write(sandbox.path("inner.mk"), "all: a b c\na b c:\n\t@$$P signals\n").expect("a Makefile");
    let makefile = last(
        "SHELL := /bin/bash\nall:\n\t$(call tele_wrap,all,$(MAKE) --no-print-directory -f inner.mk)\nprefix:\n\t@$(tm) $(MAKE) --no-print-directory -f inner.mk\n",
    );
    for style in styles {
        for goal in ["all", "prefix"] {
            let mut words = vec!["-j3", goal];
            let option = style.map(|style| format!("--jobserver-style={style}"));
            words.extend(option.as_deref());
            let mut job = make(sandbox, &makefile, &words).spawn();
            let commands: Vec<i32> = (0..3).map(|_| job.stdout.read_ready_pid()).collect();
            for command in commands {
                sigqueue(command, 63, 0);
            }
            assert_eq!(job.wait_for_exit(), WaitStatus::Exited(0));
            assert_eq!(job.stderr.read_to_string(), "", "{style:?} {goal}");
        }
    }
}

fn sigterm_to_make_reaches_the_command(sandbox: &Sandbox) {
    install(sandbox);
    let makefile = last("SHELL := /bin/bash\nall:\n\t$(call tele_wrap,all,$$P signals exit-on=15:3)\n");
    let mut job = make(sandbox, &makefile, &[]).spawn();
    job.stdout.read_ready_pid();
    job.kill(15);
    assert_eq!(job.stdout.read_to_string(), "signal 15\n");
    assert_eq!(job.wait_for_exit(), WaitStatus::Killed(15));
    job.assert_no_process_left();
    sandbox.assert_logged(&[3]);
}

fn ctrl_c_is_recorded(sandbox: &Sandbox) {
    install(sandbox);
    let makefile = last("SHELL := /bin/bash\nall:\n\t$(call tele_wrap,all,$$P signals default=2)\n");
    let mut job = make(sandbox, &makefile, &[]).on_terminal().spawn();
    job.terminal().screen.read_ready_pid();
    job.terminal().ctrl('C');
    job.wait_for_exit();
    job.assert_no_process_left();
    sandbox.assert_logged(&[130]);
}

fn it_can_be_turned_off_for_once(sandbox: &Sandbox) {
    install(sandbox);
    let makefile = last("all:\n\t$(call tele_wrap,all,echo bare)\n\t@$(tm) echo too\n");
    let output = make(sandbox, &makefile, &["TM_RUN="]).output();
    assert_eq!((output.text().as_str(), output.stderr.as_str()), ("bare\ntoo\n", ""));
    let output = make(sandbox, &makefile, &[]).env("TM_RUN", "").output();
    assert_eq!(output.text(), "bare\ntoo\n");
    assert_eq!(sandbox.log_text(), "");
    let elsewhere = format!("TM_RUN={}", crate::harness::TM_RUN);
    fs::remove_file(sandbox.path("bin/tm-run")).expect("it goes");
    assert_eq!(make(sandbox, &makefile, &[&elsewhere]).output().text(), "bare\ntoo\n");
    assert_eq!(recorded(sandbox), [named("all", None), named("all", None)]);
}

fn a_prefixed_recipe_keeps_its_marks(sandbox: &Sandbox) {
    install(sandbox);
    let makefile =
        last("all:\n\t-$(call tele_wrap,all,exit 3)\n\t@-$(call tele_wrap,all,exit 4)\n\t@echo went on\n");
    let output = make(sandbox, &makefile, &[]).output();
    assert_eq!((output.text().as_str(), output.status), ("went on\n", WaitStatus::Exited(0)));
    assert_eq!(sandbox.exit_codes(), [3, 4]);
    // -n shows and runs nothing, but for what calls make again.
    let output = make(sandbox, &makefile, &["-n"]).output();
    assert!(output.text().contains("-- /bin/sh -c 'exit 3'"), "{}", output.text());
    assert_eq!(sandbox.exit_codes(), [3, 4]);
}

fn it_may_be_included_first_last_and_twice(sandbox: &Sandbox) {
    install(sandbox);
    let text = format!("{MACRO}all:\n\t$(call tele_wrap,all,echo run)\n");
    let include = "include telemetry.mk\n";
    for (makefile, expected) in [
        (format!("{include}{text}"), "original all\nrun\n"),
        (format!("{text}{include}"), "run\n"),
        (format!("{include}{text}{include}"), "run\n"),
        (format!("{text}{include}{include}"), "run\n"),
    ] {
        let output = make(sandbox, &makefile, &["--warn-undefined-variables"]).output();
        assert_eq!((output.text().as_str(), output.stderr.as_str()), (expected, ""), "{makefile}");
    }
    assert_eq!(recorded(sandbox), vec![named("all", None); 3]);
}

fn a_makefile_that_asks_for_oneshell_is_left_whole(sandbox: &Sandbox) {
    install(sandbox);
    let makefile = last(
        ".ONESHELL:\nall:\n\tx=kept\n\techo $$x\ndefine lines\necho one\necho two\nendef\nwrapped:\n\t$(call tele_wrap,wrapped,$(lines))\n",
    );
    assert_eq!(make(sandbox, &makefile, &["-s"]).output().text(), "kept\n");
    assert_eq!(make(sandbox, &makefile, &["-s", "wrapped"]).output().text(), "one\ntwo\n");
}

fn without_tm_run_all_is_as_if_it_were_not_there(sandbox: &Sandbox) {
    for text in TEXTS {
        let with = last(&format!("SHELL := /bin/bash\nall:\n\t$(call tele_wrap,all,{text})\n"));
        let plain = format!("SHELL := /bin/bash\nall:\n\t@{text}\n\n");
        let with = make(sandbox, &with, &["G=x"]).output();
        let plain = make(sandbox, &plain, &["G=x"]).output();
        assert_eq!(with.text(), plain.text(), "{text}");
        assert_eq!(with.stderr, plain.stderr, "{text}");
        assert_eq!(with.status, plain.status, "{text}");
    }
    let makefile = last("all:\n\t@$(tm) echo bare\n\t@$(call tm_as,x) echo too\n");
    let output = make(sandbox, &makefile, &[]).output();
    assert_eq!((output.text().as_str(), output.stderr.as_str()), ("bare\ntoo\n", ""));
    // Not there at all: the prefix is empty, and the command runs.
    let makefile = "-include nowhere/telemetry.mk\nall:\n\t@$(tm) echo bare\n";
    assert_eq!(make(sandbox, makefile, &[]).output().text(), "bare\n");
    let output = make(sandbox, &last("all: ;\n"), &["telemetry-on"]).output();
    assert_eq!(output.status, WaitStatus::Exited(2));
    assert!(output.stderr.contains("tm-run is not installed"), "{}", output.stderr);
    assert!(!sandbox.home().join(".anklume").exists());
}

fn the_five_targets_switch_recording(sandbox: &Sandbox) {
    install(sandbox);
    let makefile = last("all: ;\n");
    let directory = sandbox.telemetry();
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
        fs::write(sandbox.path(goal), "").expect("a file");
        let output = make(sandbox, &makefile, &[goal]).output();
        assert!(output.text().starts_with(&says), "{goal}: {} {}", output.text(), output.stderr);
        assert_eq!(output.status, WaitStatus::Exited(0), "{goal}");
    }
    assert!(!directory.exists());
}

fn a_makefiles_own_targets_win_without_a_warning(sandbox: &Sandbox) {
    install(sandbox);
    let own = "telemetry-on:\n\t@echo own on\n.PHONY: telemetry-on\nall: ;\n";
    for makefile in
        [last(own), format!("include telemetry.mk\n{own}"), format!("{}include telemetry.mk\n", last(own))]
    {
        let output = make(sandbox, &makefile, &["telemetry-on"]).output();
        assert_eq!((output.text().as_str(), output.stderr.as_str()), ("own on\n", ""));
        let output = make(sandbox, &makefile, &["telemetry-off"]).output();
        assert!(output.text().starts_with("Telemetry disabled."), "{}", output.stderr);
    }
    assert!(!sandbox.home().join(".anklume").exists());
    let unknown = make(sandbox, &last(own), &["telemetry-onn"]).output();
    assert!(unknown.stderr.contains("No rule to make target"), "{}", unknown.stderr);
}

fn the_first_target_stays_the_default(sandbox: &Sandbox) {
    install(sandbox);
    let output = make(sandbox, "include telemetry.mk\nhello:\n\t@echo hello\n", &[]).output();
    assert_eq!(output.text(), "hello\n");
    let output = make(sandbox, "include telemetry.mk\n", &[]).output();
    assert!(output.stderr.contains("No targets"), "{}", output.stderr);
    assert!(!sandbox.home().join(".anklume").exists());
}

//! telemetry.mk, under GNU make.

use std::fs;

use super::{SHOWS, command, in_shell_dir, install, named, recorded, start};
use crate::harness::{Case, Launch, OFF, RECORDED, Sandbox, WaitStatus, cases, sigqueue};

pub fn cases() -> Vec<Case> {
    let mut all = cases![RECORDED, needs ["make", "bash"];
        shell_text_runs_as_without_tm_run,
        multi_line_recipe_is_one_event_per_line,
        makefile_shaped_like_anklumes_is_recorded,
        shell_injection_through_the_domain_is_impossible,
        white_space_in_names_becomes_one_blank,
        tm_prefix_records_one_plain_command,
        commas_in_the_text_are_kept_up_to_seven,
        tm_run_is_a_child_of_make_without_a_shell_between,
        jobserver_reaches_a_make_inside,
        sigterm_to_make_reaches_the_command,
        ctrl_c_is_recorded,
        empty_tm_run_variable_runs_bare,
        hyphen_before_a_recipe_line_ignores_the_error,
        include_may_stand_first_last_and_twice,
        oneshell_recipe_is_left_whole,
        makefile_list_is_as_without_the_include,
        dry_runs_record_nothing_though_they_call_make,
        bare_export_exports_nothing_of_the_include,
        shell_that_is_no_shell_is_left_alone,
        heads_and_flags_make_no_difference,
    ];
    all.extend(cases![RECORDED, needs ["make-4.4", "bash"];
        jobserver_of_make_4_4_reaches_a_make_inside_in_both_styles,
        heads_and_flags_make_no_difference_to_make_4_4,
    ]);
    all.extend(cases![OFF, needs ["make", "bash"];
        without_tm_run_recipes_run_as_without_the_include,
        telemetry_targets_run_their_subcommands,
        telemetry_targets_of_the_makefile_win_without_a_warning,
        pattern_rules_of_the_makefile_win,
        names_that_only_end_like_the_five_are_not_ours,
        default_goal_is_none_of_the_include,
    ]);
    all
}

/// What stands in the place of anklume's own macro: it runs the text in a shell of its own and says so.
const MACRO: &str = "define tele_wrap\n\t@echo original $(1); $(2)\nendef\n";

fn make<'s>(sandbox: &'s Sandbox, makefile: &str, words: &[&str]) -> Launch<'s> {
    make_of(sandbox, "make", makefile, words)
}

fn make_of<'s>(sandbox: &'s Sandbox, program: &str, makefile: &str, words: &[&str]) -> Launch<'s> {
    fs::write(sandbox.path("Makefile"), makefile).expect("a Makefile");
    fs::copy(in_shell_dir("telemetry.mk"), sandbox.path("telemetry.mk")).expect("telemetry.mk");
    let all: Vec<&str> = [program, "--no-print-directory", "-C", ".."].iter().chain(words).copied().collect();
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

fn shell_text_runs_as_without_tm_run(sandbox: &Sandbox) {
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

fn multi_line_recipe_is_one_event_per_line(sandbox: &Sandbox) {
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

fn makefile_shaped_like_anklumes_is_recorded(sandbox: &Sandbox) {
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

fn shell_injection_through_the_domain_is_impossible(sandbox: &Sandbox) {
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

fn white_space_in_names_becomes_one_blank(sandbox: &Sandbox) {
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

fn tm_prefix_records_one_plain_command(sandbox: &Sandbox) {
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

fn commas_in_the_text_are_kept_up_to_seven(sandbox: &Sandbox) {
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
fn tm_run_is_a_child_of_make_without_a_shell_between(sandbox: &Sandbox) {
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

fn jobserver_reaches_a_make_inside(sandbox: &Sandbox) {
    reach_a_make_inside(sandbox, "make", &[None]);
}

fn jobserver_of_make_4_4_reaches_a_make_inside_in_both_styles(sandbox: &Sandbox) {
    reach_a_make_inside(sandbox, "make-4.4", &[None, Some("pipe"), Some("fifo")]);
}

fn reach_a_make_inside(sandbox: &Sandbox, program: &str, styles: &[Option<&str>]) {
    install(sandbox);
    fs::write(sandbox.path("inner.mk"), "all: a b c\na b c:\n\t@$$P signals\n").expect("a Makefile");
    let makefile = last(
        "SHELL := /bin/bash\nall:\n\t$(call tele_wrap,all,$(MAKE) --no-print-directory -f inner.mk)\nprefix:\n\t@$(tm) $(MAKE) --no-print-directory -f inner.mk\n",
    );
    for style in styles {
        for goal in ["all", "prefix"] {
            let mut words = vec!["-j3", goal];
            let option = style.map(|style| format!("--jobserver-style={style}"));
            words.extend(option.as_deref());
            let mut job = make_of(sandbox, program, &makefile, &words).spawn();
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

fn empty_tm_run_variable_runs_bare(sandbox: &Sandbox) {
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

fn hyphen_before_a_recipe_line_ignores_the_error(sandbox: &Sandbox) {
    install(sandbox);
    let makefile =
        last("all:\n\t-$(call tele_wrap,all,exit 3)\n\t@-$(call tele_wrap,all,exit 4)\n\t@echo went on\n");
    let output = make(sandbox, &makefile, &[]).output();
    assert_eq!((output.text().as_str(), output.status), ("went on\n", WaitStatus::Exited(0)));
    assert_eq!(sandbox.exit_codes(), [3, 4]);
}

fn makefile_list_is_as_without_the_include(sandbox: &Sandbox) {
    install(sandbox);
    fs::write(sandbox.path("first.mk"), "# first\n").expect("a file");
    let show = "here := $(lastword $(MAKEFILE_LIST))\nhelp: ## tells\n\t@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST); echo '[$(MAKEFILE_LIST)] $(here)'\n";
    for (before, after) in [("", ""), ("include first.mk\n", ""), ("", "include first.mk\n")] {
        let makefile = |include: &str| format!("{before}{include}{show}{after}{include}");
        let without = make(sandbox, &makefile(""), &[]).output();
        let with = make(sandbox, &makefile("include telemetry.mk\n"), &[]).output();
        assert!(without.text().starts_with("help: ## tells\n") || !before.is_empty() || !after.is_empty());
        assert_eq!((with.text(), with.stderr), (without.text(), without.stderr), "{before}{after}");
    }
}

fn dry_runs_record_nothing_though_they_call_make(sandbox: &Sandbox) {
    install(sandbox);
    fs::write(sandbox.path("inner.mk"), "all: ; @echo inner\n").expect("a Makefile");
    let makefile = last(
        "text:\n\t$(call tele_wrap,text,$(MAKE) -f inner.mk)\nprefix:\n\t@$(tm) $(MAKE) -f inner.mk\nplus:\n\t+@$(call tm_as,x) true\n",
    );
    for goal in ["text", "prefix", "plus"] {
        for flags in ["-n", "-q", "-t", "-knB", "--dry-run", "--question", "--touch"] {
            let with = make(sandbox, &makefile, &[flags, goal]).output();
            let without = make(sandbox, &makefile, &[flags, goal, "TM_RUN="]).output();
            assert_eq!((with.stderr, with.status), (without.stderr, without.status), "{flags} {goal}");
            assert_eq!(sandbox.log_text(), "", "{flags} {goal}");
            let _ = fs::remove_file(sandbox.path("all"));
        }
        for flags in ["-k", "--warn-undefined-variables", "--no-builtin-rules", "G=nqt"] {
            make(sandbox, &makefile, &[flags, goal]).output();
            assert_eq!(sandbox.events().len(), 1, "{flags} {goal}");
            fs::remove_file(sandbox.log()).expect("the log goes");
        }
    }
}

fn bare_export_exports_nothing_of_the_include(sandbox: &Sandbox) {
    install(sandbox);
    for export in ["export\n", ".EXPORT_ALL_VARIABLES:\n"] {
        let text = format!("{export}all:\n\t$(call tele_wrap,all,env)\n\t@$(tm) env\n");
        let names = |makefile: &str| -> Vec<String> {
            let output = make(sandbox, makefile, &["G=x"]).output();
            assert_eq!(output.status, WaitStatus::Exited(0), "{}", output.stderr);
            let text = output.text();
            let names = text.lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned()));
            names.filter(|name| name != "TM_RUN_ACTIVE").collect()
        };
        let without = names(&text.replace("$(call tele_wrap,all,env)", "@env").replace("$(tm) ", ""));
        assert_eq!(names(&last(&text)), without, "{export}");
    }
    assert_eq!(recorded(sandbox).len(), 4);
}

fn shell_that_is_no_shell_is_left_alone(sandbox: &Sandbox) {
    install(sandbox);
    let python = crate::harness::find_on_path("python3").unwrap_or_else(|| "/bin/cat".into());
    let makefile = format!(
        "SHELL := {}\nall:\n\t$(call tele_wrap,all,print(\"one\", 1))\n\t@$(tm) print(2)\n",
        python.display()
    );
    let with = make(sandbox, &last(&makefile), &[]).output();
    let without = make(sandbox, &last(&makefile), &["TM_RUN="]).output();
    assert_eq!((with.text(), &with.stderr, with.status), (without.text(), &without.stderr, without.status));
    assert_eq!(sandbox.log_text(), "");
    // No shell is asked where tm-run is, either.
    let output = make(sandbox, &last(&format!("SHELL := {}\nall: ;\n", python.display())), &[]).output();
    assert_eq!(output.stderr, "");
}

/// What stands at the top of Makefiles.
const HEADS: &[&str] = &[
    "",
    "SHELL := /bin/bash\n",
    "SHELL := /usr/bin/env bash\n",
    "SHELL := bash\n.SHELLFLAGS := -eu -o pipefail -c\n",
    ".ONESHELL:\n",
    ".POSIX:\n",
    ".SILENT:\n",
    ".SECONDEXPANSION:\n",
    ".DELETE_ON_ERROR:\n.SUFFIXES:\n",
    ".NOTPARALLEL:\n",
    ".IGNORE:\n",
    "MAKEFLAGS += --no-builtin-rules --no-builtin-variables\n",
    "MAKEFLAGS += --warn-undefined-variables\n",
    "MAKEFLAGS := --warn-undefined-variables\n",
    "export\n",
    ".EXPORT_ALL_VARIABLES:\n",
    ".DEFAULT:\n\t@echo default $@\n",
    "%:\n\t@echo caught $@\n",
    ".DEFAULT_GOAL := deploy\n",
    "help: ## helps\n\t@grep -h '##' $(MAKEFILE_LIST)\n",
    "telemetry-on:\n\t@echo own\n.PHONY: telemetry-on\n",
];

const FLAGS: &[&[&str]] = &[
    &[],
    &["-n"],
    &["-q"],
    &["-t"],
    &["-s"],
    &["-k"],
    &["-i"],
    &["-B"],
    &["-r", "-R"],
    &["-w"],
    &["-e"],
    &["-j4"],
    &["-Otarget", "-j2"],
    &["-n", "-j3"],
    &["--warn-undefined-variables"],
    &["-S", "-l", "99", "G=nqt"],
];

fn heads_and_flags_make_no_difference(sandbox: &Sandbox) {
    compare_heads_and_flags(sandbox, "make");
}

fn heads_and_flags_make_no_difference_to_make_4_4(sandbox: &Sandbox) {
    compare_heads_and_flags(sandbox, "make-4.4");
}

/// All that make says and does is what it says and does without tm-run.
fn compare_heads_and_flags(sandbox: &Sandbox, program: &str) {
    install(sandbox);
    fs::write(sandbox.path("inner.mk"), "all: x y\n.PHONY: all x y\nx y:\n\t@echo inner $@\n")
        .expect("a Makefile");
    let rules = "all: one two deploy\n\
         one:\n\t$(call tele_wrap,one,echo one)\n\
         two:\n\t$(call tele_wrap,two,echo \"it's\" | cat; env | grep -v -e ^TM_RUN -e MAKE -e MFLAGS -e ^_= | sort)\n\
         deploy:\n\t$(tm) printf '%s\\n' plain\n\
         text:\n\t$(call tele_wrap,text,$(MAKE) -f inner.mk)\n\
         prefix:\n\t@$(tm) $(MAKE) -f inner.mk\n\
         fail:\n\t-$(call tele_wrap,fail,exit 3)\n\
         .PHONY: all one two deploy text prefix fail\n";
    for head in HEADS {
        let makefile = last(&format!("{head}{rules}"));
        for &flags in FLAGS {
            for goals in
                [&[][..], &["all", "text", "prefix", "fail"], &["-k", "xtelemetry-on", "no-such-goal"]]
            {
                let context = format!("{head}{flags:?} {goals:?}");
                let run = |more: &[&str]| {
                    let output =
                        make_of(sandbox, program, &makefile, &[flags, goals, more].concat()).output();
                    // What runs beside one another ends in any order, and a prefix that is echoed is seen.
                    let text = output.text();
                    let mut lines: Vec<String> = text
                        .lines()
                        .map(|line| {
                            line.rsplit_once(" -- printf")
                                .map_or(line, |(_, rest)| &line[line.len() - rest.len() - 6..])
                                .to_owned()
                        })
                        .collect();
                    lines.sort();
                    for made in ["help", "xtelemetry-on", "no-such-goal"] {
                        let _ = fs::remove_file(sandbox.path(made));
                    }
                    (lines, output.stderr, output.status)
                };
                let with = run(&[]);
                let count = sandbox.events().len();
                let _ = fs::remove_file(sandbox.log());
                assert_eq!(with, run(&["TM_RUN="]), "{context}");
                assert_eq!(sandbox.log_text(), "", "{context}");
                let is_dry = flags.iter().any(|flag| matches!(*flag, "-n" | "-q" | "-t"));
                let expected = if is_dry || goals.first() != Some(&"all") { None } else { Some(6) };
                assert!(expected.is_none_or(|expected| count == expected), "{context}: {count}");
                assert!(!is_dry || count == 0, "{context}: {count}");
            }
        }
    }
}

fn include_may_stand_first_last_and_twice(sandbox: &Sandbox) {
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

fn oneshell_recipe_is_left_whole(sandbox: &Sandbox) {
    install(sandbox);
    let makefile = last(
        ".ONESHELL:\nall:\n\tx=kept\n\techo $$x\ndefine lines\necho one\necho two\nendef\nwrapped:\n\t$(call tele_wrap,wrapped,$(lines))\n",
    );
    assert_eq!(make(sandbox, &makefile, &["-s"]).output().text(), "kept\n");
    assert_eq!(make(sandbox, &makefile, &["-s", "wrapped"]).output().text(), "one\ntwo\n");
}

fn without_tm_run_recipes_run_as_without_the_include(sandbox: &Sandbox) {
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

fn telemetry_targets_run_their_subcommands(sandbox: &Sandbox) {
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

fn telemetry_targets_of_the_makefile_win_without_a_warning(sandbox: &Sandbox) {
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

fn pattern_rules_of_the_makefile_win(sandbox: &Sandbox) {
    install(sandbox);
    for (rule, says) in [
        ("%-on: ; @echo own $@\n", "own telemetry-on\n"),
        ("telemetry-%: ; @echo own $@\n", "own telemetry-on\n"),
        ("tele%: ; @echo own $@\n", "own telemetry-on\n"),
    ] {
        for makefile in [last(rule), format!("include telemetry.mk\n{rule}")] {
            let output = make(sandbox, &makefile, &["telemetry-on"]).output();
            assert_eq!((output.text().as_str(), output.stderr.as_str()), (says, ""), "{makefile}");
        }
    }
    // What catches everything does not catch these.
    for rule in ["%: ; @echo own $@\n", ".DEFAULT: ; @echo own $@\n"] {
        let output = make(sandbox, &last(rule), &["telemetry-off", "other"]).output();
        assert!(output.text().starts_with("Telemetry disabled."), "{}", output.text());
        assert!(output.text().ends_with("own other\n"), "{}", output.text());
    }
    assert!(!sandbox.home().join(".anklume").exists());
}

fn names_that_only_end_like_the_five_are_not_ours(sandbox: &Sandbox) {
    install(sandbox);
    for goal in [
        "nightly-telemetry-clear",
        "xtelemetry-on",
        "elemetry-on",
        "telemetry-onn",
        "telemetry-log",
        "t",
        "typo",
        "dir/telemetry-on",
    ] {
        let output = make(sandbox, &last("all: ;\n"), &[goal]).output();
        let expected = format!("make: *** No rule to make target '{goal}'.  Stop.\n");
        assert_eq!((output.text().as_str(), output.stderr), ("", expected));
        let own = format!("{goal}: ; @echo own\n");
        assert_eq!(make(sandbox, &last(&own), &[goal]).output().text(), "own\n", "{goal}");
    }
    assert!(!sandbox.home().join(".anklume").exists());
}

fn default_goal_is_none_of_the_include(sandbox: &Sandbox) {
    install(sandbox);
    let output = make(sandbox, "include telemetry.mk\nhello:\n\t@echo hello\n", &[]).output();
    assert_eq!(output.text(), "hello\n");
    let output = make(sandbox, "include telemetry.mk\n", &[]).output();
    assert!(output.stderr.contains("No targets"), "{}", output.stderr);
    assert!(!sandbox.home().join(".anklume").exists());
}

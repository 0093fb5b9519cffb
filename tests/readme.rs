//! What README.md says is tried: its commands, its recipes, its remedies. Each test reads the text that it tries from
//! there. (That its report is that of the example log is a unit test of `commands::report`.)

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{
    Case, DUCKDB, Launch, MOUNT_NAMESPACE, OFF, POLARS, RECORDED, Sandbox, TM_RUN, WaitStatus, cases,
    install, once, probe, python_with,
};

pub fn cases() -> Vec<Case> {
    let mut all = once![
        readme_has_two_commands_in_fenced_blocks,
        readme_names_the_rust_version_of_the_package,
        relative_links_and_anchors_lead_somewhere,
        anchors_are_made_of_headings,
    ];
    all.extend(cases![OFF; first_command_records_and_reports]);
    all.extend(cases![RECORDED;
        recipe_for_cron_records_the_job,
        recipe_for_a_mail_prints_only_if_something_is_worse,
        recipe_for_a_comparison_compares,
        recipe_for_a_ci_job_records_and_reports,
        recipe_for_a_comparison_tells_what_changed,
        recipe_for_several_machines_makes_one_report,
        recipe_for_clean_logs_leaves_out_torn_lines,
    ]);
    all.extend(cases![RECORDED, needs ["systemd-analyze"]; recipe_for_systemd_is_a_valid_unit_and_records]);
    all.extend(cases![RECORDED, needs ["just"]; recipe_for_just_records_the_recipe]);
    all.extend(cases![RECORDED, needs ["npm", "node"]; recipe_for_npm_records_the_script]);
    all.extend(cases![RECORDED, needs ["watch"]; recipe_for_watch_shows_the_status]);
    all.extend(cases![RECORDED, needs ["bash"]; recipes_for_tmux_and_a_prompt_tell_what_is_running]);
    all.extend(cases![RECORDED, needs ["jq"]; recipe_for_jq_fails_below_the_success_rate]);
    all.extend(cases![RECORDED, needs [DUCKDB]; recipe_for_duckdb_reads_clean_logs]);
    all.extend(cases![RECORDED, needs [POLARS]; recipe_for_polars_reads_clean_logs_and_refuses_torn_ones]);
    all.extend(cases![OFF, needs ["cargo", "cc", MOUNT_NAMESPACE];
        error_without_a_static_c_library_is_the_one_in_the_readme,
    ]);
    all.extend(cases![OFF, needs ["man"]; manual_page_is_found_where_readme_puts_it]);
    all.extend(cases![OFF, needs ["bash", "zsh", "fish"]; guarded_line_is_silent_without_tm_run]);
    all
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The indented blocks that follow this text, up to a line that begins as a heading or a recipe does.
#[track_caller]
fn blocks(text: &str) -> Vec<String> {
    let readme = read("README.md");
    let (_, rest) = readme.split_once(text).unwrap_or_else(|| panic!("{text} is not in README.md"));
    let is_end = |line: &&str| line.starts_with("**") || line.starts_with("## ");
    let section: Vec<&str> = rest.lines().skip(1).take_while(|line| !is_end(line)).collect();
    let mut blocks = Vec::new();
    for lines in section.split(|line| !line.starts_with("    ") && !line.is_empty()) {
        let lines: Vec<&str> = lines.iter().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
        blocks.push(lines.join("\n").trim().to_owned());
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

#[track_caller]
fn block(text: &str) -> String {
    let blocks = blocks(text);
    assert_eq!(blocks.len(), 1, "{text}: {blocks:?}");
    blocks[0].clone()
}

/// The search path of somebody who has installed tm-run by cargo.
fn search_path(sandbox: &Sandbox) -> String {
    let bin = sandbox.home().join(".cargo/bin");
    fs::create_dir_all(&bin).expect("a directory");
    let _ = symlink(TM_RUN, bin.join("tm-run"));
    format!("{}:{}", bin.display(), std::env::var("PATH").expect("PATH"))
}

/// A shell script of a user of that path.
fn sh<'s>(sandbox: &'s Sandbox, script: &str) -> Launch<'s> {
    sandbox.unwrapped(["sh", "-c", script]).env("PATH", search_path(sandbox))
}

/// A program in the home directory.
fn program(sandbox: &Sandbox, name: &str, text: &str) {
    let path = sandbox.home().join(name);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(sandbox.path("source"), text).expect("a script");
    install(sandbox.path("source"), &path);
}

#[track_caller]
fn assert_recorded(sandbox: &Sandbox, expected: &[(&str, i64)]) {
    let events = sandbox.events();
    let events: Vec<(&str, i64)> =
        events.iter().map(|event| (event.target.as_str(), event.exit_code)).collect();
    assert_eq!(events, expected);
}

/* ---- the document ---- */

/// The commands in fenced blocks.
fn fenced_commands() -> Vec<String> {
    let readme = read("README.md");
    let fenced = readme.split("\n```").skip(1).step_by(2);
    fenced.filter_map(|block| block.strip_prefix("sh\n")).map(str::to_owned).collect()
}

fn readme_has_two_commands_in_fenced_blocks() {
    let commands = fenced_commands();
    assert_eq!(commands.len(), 2, "{commands:?}");
    assert!(commands[0].starts_with("cargo install --locked --path . && "), "{}", commands[0]);
    assert_eq!(commands[1], "cargo test --locked");
    assert!(commands.iter().all(|command| command.lines().count() == 1), "{commands:?}");
}

fn readme_names_the_rust_version_of_the_package() {
    let version = env!("CARGO_PKG_RUST_VERSION");
    assert!(read("README.md").contains(&format!("\n- Rust {version} or newer")), "{version}");
}

/// The anchor that a heading gets: its words in lower case, with hyphens between.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
    heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

fn anchors(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        is_code ^= line.starts_with("```");
        if !is_code && line.starts_with('#') {
            found.insert(anchor(line.trim_start_matches('#').trim()));
        }
    }
    found
}

/// The targets of `[text](target)` that are no addresses on the web.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    targets.filter(|target| !target.contains("://")).collect()
}

fn relative_links_and_anchors_lead_somewhere() {
    let mut count = 0;
    for document in ["README.md", "src/README.md", "tests/README.md"] {
        let text = read(document);
        for link in links(&text) {
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let directory = Path::new(document).parent().expect("a directory");
            let file = if file.is_empty() { PathBuf::from(document) } else { directory.join(file) };
            assert!(root().join(&file).exists(), "{document}: {link}");
            let is_there = || anchors(&read(file.to_str().expect("UTF-8"))).contains(fragment);
            assert!(fragment.is_empty() || is_there(), "{document}: {link}");
            count += 1;
        }
    }
    assert!(count >= 2, "{count} links");
}

fn anchors_are_made_of_headings() {
    let text = "# One\n```sh\n# no heading\n```\n## Why, and `why` not\n[a](#one) [b](src/x.md#y) [c](https://x.y)\n";
    assert_eq!(anchors(text), ["one", "why-and-why-not"].map(str::to_owned).into());
    assert_eq!(links(text), ["#one", "src/x.md#y"]);
}

/* ---- the commands ---- */

/// All but the installation and the compiler, which takes a minute: `.ci/run readme` does that, too.
fn first_command_records_and_reports(sandbox: &Sandbox) {
    let bin = sandbox.home().join(".cargo/bin");
    search_path(sandbox);
    program(sandbox, ".cargo/bin/cargo", "#!/bin/sh\necho \"cargo $*\"\n");
    let script = format!("cd '{}' && {}", root().display(), fenced_commands()[0]);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("PATH"));
    let output = sandbox.unwrapped(["sh", "-c", &script]).env("PATH", path).env("TZ", "UTC").output();
    let text = output.text();
    assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(0), ""), "{text}");
    for part in [
        "cargo install --locked --path .\nTelemetry enabled. Data stored in: ",
        "\ncargo check --locked\nUsage report",
        "Total events: 1 ",
        "Usage report · 28 Sep – 23 Nov 2026 (57 days, UTC)\n\nTotal events: 361 ",
        "backup failed 4 times in a row",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_recorded(sandbox, &[("check", 0)]);
}

/// man(1) looks beside the directories of PATH.
fn manual_page_is_found_where_readme_puts_it(sandbox: &Sandbox) {
    let commands = blocks("man(1) finds the page").join("\n");
    assert!(commands.starts_with("mkdir -p ~/.cargo/share/man/man1 && "), "{commands}");
    let found = sh(sandbox, &format!("{commands}\nman -w tm-run")).expect_stdout();
    assert_eq!(
        found.trim_end(),
        sandbox.home().join(".cargo/share/man/man1/tm-run.1").to_str().expect("UTF-8")
    );
}

/// The lines for the shell's start file that `How do I get rid of it?` gives.
fn guarded_line_is_silent_without_tm_run(sandbox: &Sandbox) {
    let readme = read("README.md");
    let (_, rest) = readme.split_once("if you write it as `").expect("a line");
    let mut lines = rest.split('`').step_by(2).map(|line| line.replace('\n', " "));
    let (bash, fish) = (lines.next().expect("a line"), lines.next().expect("a line"));
    let theirs = std::env::var_os("PATH").unwrap_or_default();
    let without = std::env::split_paths(&theirs).filter(|dir| !dir.join("tm-run").exists());
    let without = std::env::join_paths(without).expect("a search path");
    for (shell, line, is_there) in [
        ("bash", bash.clone(), "alias tm-wrap"),
        ("zsh", bash.replace("init bash", "init zsh"), "typeset -f tm-wrap"),
        ("fish", fish, "functions -q tm-wrap"),
    ] {
        let script = format!("{line}; {is_there} >/dev/null 2>&1 && echo there || echo missing");
        let run = |path: &std::ffi::OsStr| sandbox.unwrapped([shell, "-c", &script]).env("PATH", path);
        run(&without).expect_output(0, "missing\n", "");
        run(search_path(sandbox).as_ref()).expect_output(0, "there\n", "");
    }
}

/// Whoever searches the README for what the linker says finds the remedy, and the remedy helps.
fn error_without_a_static_c_library_is_the_one_in_the_readme(sandbox: &Sandbox) {
    let libraries = Command::new("cc").arg("-print-file-name=libc.a").output().expect("cc starts").stdout;
    let libc = String::from_utf8(libraries).expect("UTF-8");
    let directory =
        Path::new(libc.trim()).parent().expect("a directory").canonicalize().expect("a directory");
    // A directory of the same files without that one takes its place, in this mount namespace only.
    let hide = "mount -t tmpfs none \"$2\" && mkdir \"$2/upper\" \"$2/work\" &&
        mount -t overlay none -o \"lowerdir=$1,upperdir=$2/upper,workdir=$2/work\" \"$1\" && rm \"$1/libc.a\" || exit 99
        shift 2; exec \"$@\"";
    let scratch = sandbox.path("scratch");
    fs::create_dir(&scratch).expect("a directory");
    // The first crate with a build script will do.
    let build = |flags: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", hide, "sh"]).arg(&directory).arg(&scratch);
        command.args([
            "cargo",
            "build",
            "--locked",
            "--offline",
            "--quiet",
            "--package",
            "libc",
            "--target-dir",
        ]);
        command.arg(sandbox.path("target")).current_dir(root()).env_remove("RUSTFLAGS");
        if !flags.is_empty() {
            command.env("RUSTFLAGS", flags);
        }
        let output = command.output().expect("unshare starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let readme = read("README.md");
    let (_, entry) = readme.split_once("**It does not build.**").expect("the entry");
    let mut quoted = entry.split('`').skip(1).step_by(2);
    let errors = [quoted.next().expect("an error"), quoted.next().expect("an error")];
    let (code, said) = build("");
    assert_eq!(code, Some(101), "{said}");
    assert!(errors.iter().any(|error| said.contains(error)), "{said}");
    let remedy = quoted.next().and_then(|text| text.strip_prefix("RUSTFLAGS=")).expect("a remedy");
    assert_eq!(build(remedy), (Some(0), String::new()));
}

/* ---- recipes ---- */

fn recipe_for_cron_records_the_job(sandbox: &Sandbox) {
    let line = block("**cron**");
    let command = line.splitn(6, char::is_whitespace).nth(5).expect("a command");
    program(sandbox, "bin/backup", "#!/bin/sh\nexit 4\n");
    search_path(sandbox);
    // The environment of cron (crontab(5)).
    let job = sandbox.unwrapped(["sh", "-c", command]).env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/sh");
    job.expect_output(4, "", "");
    assert_recorded(sandbox, &[("backup", 4)]);
}

fn recipe_for_a_mail_prints_only_if_something_is_worse(sandbox: &Sandbox) {
    let line = block("**A mail only");
    let command = line.splitn(6, char::is_whitespace).nth(5).expect("a command");
    fs::write(sandbox.log(), read("tests/examples/two-months.jsonl")).expect("a log");
    let said = sh(sandbox, command).expect_stdout();
    assert!(said.contains("Worth a look") && said.contains("backup failed 4 times in a row"), "{said}");
    fs::write(sandbox.log(), read("tests/examples/two-months.jsonl").lines().next().expect("a line"))
        .expect("a log");
    assert_eq!(sh(sandbox, command).output().text(), "");
}

fn recipe_for_a_comparison_tells_what_changed(sandbox: &Sandbox) {
    fs::write(sandbox.log(), read("tests/examples/two-months.jsonl")).expect("a log");
    let said = sh(sandbox, &block("**Did the new plugin help?**")).env("TZ", "UTC").expect_stdout();
    assert!(
        said.contains("\n  test    76 → 17 ") && said.contains("is 27 % slower, beyond chance"),
        "{said}"
    );
}

fn recipe_for_systemd_is_a_valid_unit_and_records(sandbox: &Sandbox) {
    let unit = block("**systemd**");
    program(sandbox, "bin/backup", "#!/bin/sh\nexit 4\n");
    let path = search_path(sandbox);
    let home = sandbox.home().display().to_string();
    fs::write(sandbox.path("backup.service"), unit.replace("%h", &home)).expect("a unit");
    let verify = ["systemd-analyze", "--user", "verify", "--man=no", "../backup.service"];
    let runtime = sandbox.path("run");
    fs::create_dir(&runtime).expect("a directory");
    let verify = |text: &str| {
        fs::write(sandbox.path("backup.service"), text.replace("%h", &home)).expect("a unit");
        sandbox.unwrapped(verify).env("PATH", &path).env("XDG_RUNTIME_DIR", &runtime).output().stderr
    };
    assert_eq!(verify(&unit), "");
    assert!(verify(&unit.replace("Type", "Typ")).contains("Unknown key"), "a mistake is noticed");
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("a command");
    sandbox.unwrapped(command.replace("%h", &home).split(' ')).expect_output(4, "", "");
    assert_recorded(sandbox, &[("backup", 4)]);
}

fn recipe_for_just_records_the_recipe(sandbox: &Sandbox) {
    fs::write(sandbox.home().join("justfile"), block("**just**") + "\n").expect("a justfile");
    program(sandbox, "build.sh", "#!/bin/sh\necho built\n");
    sh(sandbox, "just build").expect_output(0, "built\n", "");
    assert_recorded(sandbox, &[("build", 0)]);
}

fn recipe_for_npm_records_the_script(sandbox: &Sandbox) {
    let package = format!("{{ \"name\": \"x\", {} }}", block("**npm**"));
    fs::write(sandbox.home().join("package.json"), package).expect("a package");
    fs::write(sandbox.home().join("build.js"), "console.log('built'); process.exit(3)").expect("a script");
    let output = sh(sandbox, "npm run --silent build").output();
    assert_eq!(
        (output.status, output.text().as_str()),
        (WaitStatus::Exited(3), "built\n"),
        "{}",
        output.stderr
    );
    assert_recorded(sandbox, &[("npm-build", 3)]);
}

fn recipe_for_a_ci_job_records_and_reports(sandbox: &Sandbox) {
    let job = block("**A CI job**");
    let steps: Vec<&str> = job.lines().filter_map(|line| line.trim_start().strip_prefix("- run: ")).collect();
    assert_eq!(steps.len(), 3, "{job}");
    program(sandbox, "test.sh", "#!/bin/sh\nexit 4\n");
    let mut said = Vec::new();
    for (step, code) in steps.into_iter().zip([0, 4, 0]) {
        // As GitHub's runner calls it.
        let output = sandbox.unwrapped(["bash", "-e", "-c", step]).env("PATH", search_path(sandbox)).output();
        assert_eq!(output.status, WaitStatus::Exited(code), "{step}: {}", output.stderr);
        said.push(output.text());
    }
    assert!(said[2].contains("Total events: 1     ok 0   failed 1 "), "{said:?}");
    assert_recorded(sandbox, &[("test", 4)]);
}

fn recipe_for_watch_shows_the_status(sandbox: &Sandbox) {
    let mut job = sh(sandbox, &format!("exec {}", block("**Watch it**"))).on_terminal().spawn();
    job.terminal().screen.read_until("Telemetry: enabled");
    job.terminal().ctrl('C');
    job.wait_for_exit();
}

/// tmux has the shell run what stands in `#(...)`.
fn recipes_for_tmux_and_a_prompt_tell_what_is_running(sandbox: &Sandbox) {
    let blocks = blocks("**What is running");
    let [tmux, prompt] = &blocks[..] else { panic!("{blocks:?}") };
    let tmux = tmux.split_once("'#(").and_then(|(_, rest)| rest.strip_suffix(")'")).expect("a command");
    let prompt = ["PS1='$ '", prompt.as_str(), "printf '%s\\n' \"${PS1@P}\""].join("\n");
    let shown = || {
        let bash = sandbox.unwrapped(["bash", "-c", &prompt]).env("PATH", search_path(sandbox));
        [sh(sandbox, tmux).expect_stdout(), bash.expect_stdout()]
    };
    assert_eq!(shown(), ["", "$ \n"]);
    let words = [TM_RUN, "--target", "apply", "--domain", "lab", "--", probe(), "pause"];
    let mut job = sandbox.unwrapped(words).spawn();
    job.stdout.read_ready_pid();
    let [line, prompt] = shown();
    assert!(line.starts_with("apply [lab] for ") && line.ends_with("s\n"), "{line}");
    assert!(prompt.starts_with("[Running: apply [lab] for ") && prompt.ends_with("s] $ \n"), "{prompt}");
}

fn recipe_for_a_comparison_compares(sandbox: &Sandbox) {
    fs::write(sandbox.log(), read("tests/examples/two-months.jsonl")).expect("a log");
    let said = sh(sandbox, &block("**Did the new plugin help?**")).expect_stdout();
    assert!(said.contains("\nBefore and after 15 Nov 2026\n"), "{said}");
}

fn recipe_for_jq_fails_below_the_success_rate(sandbox: &Sandbox) {
    let gate = block("**A gate of your own**").replace("tm-run report", "tm-run report --log log");
    // All runs count, whenever this test runs.
    let gate = gate.replace("--since 7d", "");
    let line = |code| {
        format!(
            "{{\"timestamp\": \"2026-11-01T10:00:00+00:00\", \"target\": \"a\", \"domain\": null, \"duration_seconds\": 1.0, \"exit_code\": {code}}}\n"
        )
    };
    for (ok, failed, code) in [(4, 1, 0), (3, 2, 1)] {
        fs::write(sandbox.home().join("log"), line(0).repeat(ok) + &line(1).repeat(failed)).expect("a log");
        assert_eq!(sh(sandbox, &gate).output().status, WaitStatus::Exited(code), "{ok} of {}", ok + failed);
    }
}

/// Two logs, in `logs/`; the second ends in a torn line.
fn two_machines(sandbox: &Sandbox) {
    let text = read("tests/examples/two-months.jsonl");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for directory in ["logs", "clean"] {
        fs::create_dir(sandbox.home().join(directory)).expect("a directory");
    }
    fs::write(sandbox.home().join("logs/web1.jsonl"), lines[..200].concat()).expect("a log");
    fs::write(sandbox.home().join("logs/web2.jsonl"), lines[200..].concat() + &lines[0][..40])
        .expect("a log");
}

fn recipe_for_several_machines_makes_one_report(sandbox: &Sandbox) {
    two_machines(sandbox);
    let lines = block("**Several machines.**");
    let (report, copies): (Vec<&str>, Vec<&str>) = lines.lines().partition(|line| line.starts_with("tm-run"));
    assert!(copies.iter().all(|line| line.starts_with("ssh ")), "{copies:?}");
    let output = sh(sandbox, report[0]).output();
    assert!(output.text().contains("\nTotal events: 361 "), "{}", output.text());
    assert!(output.stderr.contains("1 line could not be read: logs/web2.jsonl:162"), "{}", output.stderr);
    // ssh starts there in the home directory.
    fs::write(sandbox.log(), "the log").expect("a log");
    program(sandbox, ".cargo/bin/ssh", "#!/bin/sh\nshift\ncd && exec \"$@\"\n");
    sh(sandbox, copies[0]).expect_output(0, "", "");
    assert_eq!(fs::read_to_string(sandbox.home().join("logs/web1.jsonl")).expect("a copy"), "the log");
}

/// Runs the loop that writes clean logs.
#[track_caller]
fn clean(sandbox: &Sandbox) -> Vec<String> {
    two_machines(sandbox);
    let blocks = blocks("**More machines than that**");
    assert_eq!(blocks.len(), 3, "{blocks:?}");
    assert_eq!(sh(sandbox, &blocks[0]).output().status, WaitStatus::Exited(0));
    blocks
}

fn recipe_for_clean_logs_leaves_out_torn_lines(sandbox: &Sandbox) {
    clean(sandbox);
    let both = ["clean/web1.jsonl", "clean/web2.jsonl"];
    let both = both.map(|name| fs::read_to_string(sandbox.home().join(name)).expect("a log"));
    assert_eq!(both.concat(), read("tests/examples/two-months.jsonl"));
}

/// Runs a Python script in the home directory.
fn python<'s>(sandbox: &'s Sandbox, module: &'static str, script: &str) -> Launch<'s> {
    let python = python_with(module).expect("a Python with it").into_os_string();
    sandbox.unwrapped([python, "-c".into(), script.into()])
}

fn recipe_for_duckdb_reads_clean_logs(sandbox: &Sandbox) {
    let query = clean(sandbox)[1].clone();
    let script =
        |query: &str| format!("import duckdb\nfor row in duckdb.sql('''{query}''').fetchall(): print(*row)");
    let said = python(sandbox, "duckdb", &script(&query)).expect_stdout();
    let rows: Vec<(&str, &str)> = said.lines().filter_map(|row| row.rsplit_once(' ')).collect();
    let names: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["backup 57", "build 92", "deploy 52", "lint 67", "test 93"]);
    // With the torn line.
    let torn = query.replace("clean/", "logs/");
    assert!(python(sandbox, "duckdb", &script(&torn)).output().stderr.contains("Malformed JSON"), "an error");
    let torn = torn.replace("'newline_delimited'", "'newline_delimited', ignore_errors = true");
    let said = python(sandbox, "duckdb", &script(&torn)).expect_stdout();
    assert!(said.contains("None 1 None"), "{said}");
}

fn recipe_for_polars_reads_clean_logs_and_refuses_torn_ones(sandbox: &Sandbox) {
    let script = clean(sandbox)[2].clone();
    let said = python(sandbox, "polars", &script).expect_stdout();
    for (name, runs) in [("backup", "57"), ("build", "92"), ("deploy", "52"), ("lint", "67"), ("test", "93")]
    {
        let is_row = |line: &str| {
            let mut cells = line.split('┆').map(|cell| cell.trim_matches(['│', ' ']));
            (cells.next(), cells.next()) == (Some(name), Some(runs))
        };
        assert!(said.lines().any(is_row), "{name}: {said}");
    }
    let torn = script.replace("\"clean/*.jsonl\"", "\"logs/*.jsonl\", ignore_errors=True");
    let output = python(sandbox, "polars", &torn).output();
    assert_eq!(output.status, WaitStatus::Exited(1), "{}", output.text());
}

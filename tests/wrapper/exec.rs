//! What execve(2) hands to the command: argv, environment, working directory; and where PATH is searched.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::harness::{Case, EVERY_WAY, RECORDED, Sandbox, TM_RUN, WaitStatus, Way, cases, probe};

pub fn cases() -> Vec<Case> {
    let mut all = cases![EVERY_WAY;
        argv_arrives_byte_for_byte,
        argv0_is_the_name_as_typed,
        long_argument_and_4000_arguments_arrive,
        environ_arrives_byte_for_byte,
        environ_gains_only_tm_run_active,
        cwd_is_kept_through_a_symlink,
        path_search_skips_a_file_that_is_not_executable,
        path_search_skips_an_element_longer_than_path_max,
        relative_path_with_a_slash_is_executed,
        script_without_shebang_runs_under_sh_enoexec,
        program_name_with_an_equals_sign_is_executed,
        command_name_that_begins_with_a_dash_is_executed,
        stdout_and_stderr_hold_only_what_the_command_writes,
    ];
    all.extend(cases![RECORDED;
        not_found_without_a_target_is_not_recorded,
        name_that_cannot_be_recorded_as_it_is_stops_no_command,
    ]);
    all.extend(
        cases![RECORDED, needs ["python3"]; environment_near_arg_max_runs_without_the_variable_of_ours],
    );
    all
}

/// The lines of this name that the probe's `state` prints in hex, decoded.
fn hex_lines(state: &str, name: &str) -> Vec<Vec<u8>> {
    let decode = |hex: &str| {
        let pair = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
        (0..hex.len()).step_by(2).map(pair).collect()
    };
    let lines = state.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    lines.map(decode).collect()
}

/// AR01
fn argv_arrives_byte_for_byte(sandbox: &Sandbox) {
    let words: &[&[u8]] = &[
        b"state",
        b"",
        b"\xff\xfe not UTF-8 \x80",
        b"two\nlines\t",
        b"--target",
        b"--help",
        b"-v",
        b"--",
        b"--domain=x",
        b"'\"$(touch x)`\\",
        b" ",
        b"",
    ];
    let all = [probe().as_bytes()].into_iter().chain(words.iter().copied()).map(OsStr::from_bytes);
    let output = sandbox.command(all).output();
    let given = hex_lines(&output.text(), "word");
    assert_eq!(given[0], probe().as_bytes());
    assert_eq!(given[1..], words.iter().map(|word| word.to_vec()).collect::<Vec<_>>());
}

/// AR02
fn argv0_is_the_name_as_typed(sandbox: &Sandbox) {
    let dir = sandbox.path("bin");
    fs::create_dir(&dir).expect("a directory");
    symlink(probe(), dir.join("other-name")).expect("a link");
    let output = sandbox.command(["other-name", "state"]).env("PATH", &dir).output();
    assert_eq!(hex_lines(&output.text(), "word")[0], b"other-name");
}

/// AR03
fn long_argument_and_4000_arguments_arrive(sandbox: &Sandbox) {
    let long = "x".repeat(120 * 1024);
    let output = sandbox.command(["printf", "%s", &long]).output();
    assert_eq!(output.text(), long);
    let many: Vec<String> = (0..4000).map(|number| number.to_string()).collect();
    let output = sandbox.command(["echo".to_owned()].into_iter().chain(many.clone())).output();
    assert_eq!(output.text(), many.join(" ") + "\n");
}

fn without_guard(sandbox: &Sandbox, mut environment: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let before = environment.len();
    environment.retain(|variable| !variable.starts_with(b"TM_RUN_ACTIVE="));
    assert_eq!(before - environment.len(), usize::from(sandbox.way.records()), "the guard");
    environment
}

/// AR04
fn environ_arrives_byte_for_byte(sandbox: &Sandbox) {
    let mut home = OsString::from("HOME=");
    home.push(sandbox.home());
    let mut environment: Vec<OsString> = vec![
        "Z=last letter first".into(),
        home,
        "PATH=/usr/bin:/bin".into(),
        "TWICE=1".into(),
        "EMPTY=".into(),
        "TWICE=2".into(),
        "no equals sign".into(),
        OsString::from_vec(b"RAW=\xff\xfe\n\x01".to_vec()),
        "=begins with one".into(),
        "A=b=c".into(),
    ];
    if sandbox.way == Way::Forked {
        environment.push("LD_PRELOAD=".into());
    }
    let mut start = sandbox.probe("state");
    for variable in &environment {
        start = start.launch_option("--env", variable);
    }
    let given = without_guard(sandbox, hex_lines(&start.output().text(), "environment"));
    assert_eq!(given, environment.into_iter().map(OsString::into_vec).collect::<Vec<_>>());
}

/// AR05
fn environ_gains_only_tm_run_active(sandbox: &Sandbox) {
    let given = hex_lines(&sandbox.probe("state").output().text(), "environment");
    let bare = hex_lines(&sandbox.unwrapped([probe(), "state"]).output().text(), "environment");
    assert_eq!(without_guard(sandbox, given), bare);
}

/// AR06
fn cwd_is_kept_through_a_symlink(sandbox: &Sandbox) {
    let (real, link) = (sandbox.path("real"), sandbox.path("link"));
    fs::create_dir(&real).expect("a directory");
    symlink(&real, &link).expect("a link");
    let start = sandbox.command(["sh", "-c", "pwd; pwd -P; echo $PWD"]).launch_option("--chdir", &link);
    let (real, link) = (real.canonicalize().expect("its path"), link.display().to_string());
    let text = start.env("PWD", &link).output().text();
    assert_eq!(text, format!("{link}\n{}\n{link}\n", real.display()));
}

/// AR08
fn path_search_skips_a_file_that_is_not_executable(sandbox: &Sandbox) {
    let (first, second) = (sandbox.path("first"), sandbox.path("second"));
    fs::create_dir(&first).expect("a directory");
    fs::create_dir(&second).expect("a directory");
    let unexecutable = sandbox.script("first/tool", "#!/bin/sh\necho first\n");
    fs::set_permissions(unexecutable, fs::Permissions::from_mode(0o644)).expect("its mode");
    sandbox.script("second/tool", "#!/bin/sh\necho second\n");
    let path = std::env::join_paths([&first, &second]).expect("a PATH");
    let output = sandbox.command(["tool"]).env("PATH", path).output();
    assert_eq!((output.status, output.text().as_str()), (WaitStatus::Exited(0), "second\n"));
}

fn path_search_skips_an_element_longer_than_path_max(sandbox: &Sandbox) {
    let folder = sandbox.path("bin");
    fs::create_dir(&folder).expect("a directory");
    symlink(probe(), folder.join("tool")).expect("a link");
    for length in [4095, 5000, 20_000] {
        let path = format!("/{}:{}", "/".repeat(length), folder.display());
        let output = sandbox.command(["tool", "exit", "3"]).env("PATH", path).output();
        assert_eq!((output.status, output.stderr.as_str()), (WaitStatus::Exited(3), ""), "{length}");
    }
}

/// AR11
fn relative_path_with_a_slash_is_executed(sandbox: &Sandbox) {
    sandbox.script("home/tool", "#!/bin/sh\necho \"$0\"\n");
    assert_eq!(sandbox.command(["./tool"]).output().text(), "./tool\n");
    assert_eq!(sandbox.command(["../home/tool"]).output().text(), "../home/tool\n");
}

/// AR12, OF04
fn script_without_shebang_runs_under_sh_enoexec(sandbox: &Sandbox) {
    sandbox.script("home/tool", "printf '<%s>' \"$@\"\nexit 4\n");
    let output = sandbox.command(["./tool", "a b", ""]).output();
    assert_eq!((output.status, output.text().as_str()), (WaitStatus::Exited(4), "<a b><>"));
}

/// AR13
fn program_name_with_an_equals_sign_is_executed(sandbox: &Sandbox) {
    sandbox.script("home/a=b", "#!/bin/sh\necho run\n");
    assert_eq!(sandbox.command(["./a=b"]).output().text(), "run\n");
}

/// AR14
fn command_name_that_begins_with_a_dash_is_executed(sandbox: &Sandbox) {
    fs::create_dir(sandbox.path("bin")).expect("a directory");
    sandbox.script("bin/-tool", "#!/bin/sh\necho run\n");
    let output = sandbox.command(["-tool"]).env("PATH", sandbox.path("bin")).output();
    assert_eq!(output.text(), "run\n");
}

/// AR15
fn stdout_and_stderr_hold_only_what_the_command_writes(sandbox: &Sandbox) {
    let output = sandbox.command(["sh", "-c", "echo out; echo err >&2; printf end; exit 3"]).output();
    assert_eq!(output.status, WaitStatus::Exited(3));
    assert_eq!((output.text().as_str(), output.stderr.as_str()), ("out\nend", "err\n"));
}

/// F-07: a word that was mistyped, or a secret in its place, leaves no trace.
fn not_found_without_a_target_is_not_recorded(sandbox: &Sandbox) {
    let run = |words: &[&str]| sandbox.unwrapped([TM_RUN].iter().chain(words).copied()).output();
    let output = run(&["--", "DB_PASSWORD=hunter2", "terraform", "apply"]);
    assert_eq!(output.status, WaitStatus::Exited(127));
    assert!(
        output.stderr.ends_with("(to set a variable for a command: tm-run env DB_PASSWORD=... COMMAND)\n")
    );
    assert_eq!(run(&["KEY=a/hunter2", "ls"]).status, WaitStatus::Exited(127));
    assert_eq!(run(&["echo hunter2 | wc -l"]).status, WaitStatus::Exited(127));
    assert!(!sandbox.log().exists(), "{}", sandbox.log_text());
    // A name that was given is recorded, and so is a command that says 127 itself.
    assert_eq!(run(&["--target", "deploy", "--", "no-such-command"]).status, WaitStatus::Exited(127));
    assert_eq!(run(&["sh", "-c", "exit 127"]).status, WaitStatus::Exited(127));
    let targets: Vec<String> = sandbox.events().into_iter().map(|event| event.target).collect();
    assert_eq!(targets, ["deploy", "sh"]);
}

/// F-08
fn name_that_cannot_be_recorded_as_it_is_stops_no_command(sandbox: &Sandbox) {
    let long = "h,".repeat(650);
    for (flag, value) in
        [("--target", "a\nb"), ("--target", ""), ("--domain", ""), ("--domain", &*long), ("--domain", "--")]
    {
        let words = [
            TM_RUN.to_owned(),
            format!("{flag}={value}"),
            "--".into(),
            "sh".into(),
            "-c".into(),
            "exit 5".into(),
        ];
        assert_eq!(sandbox.unwrapped(words).wait_for_exit(), WaitStatus::Exited(5), "{flag}={value}");
    }
    let names: Vec<(String, Option<String>)> =
        sandbox.events().into_iter().map(|event| (event.target, event.domain)).collect();
    let sh = || "sh".to_owned();
    assert_eq!(
        names,
        [
            ("a\u{fffd}b".to_owned(), None),
            (sh(), None),
            (sh(), None),
            (sh(), Some(long[..1024].to_owned())),
            (sh(), Some("--".to_owned()))
        ]
    );
}

/// F-09
fn environment_near_arg_max_runs_without_the_variable_of_ours(sandbox: &Sandbox) {
    // The largest environments with which tm-run itself can be started. The path of the command is as long as its own, so the
    // command has room for what tm-run's argv has more, and not for the variable.
    let script = "import errno, os, subprocess, sys
directory, home = os.path.split(os.environ['T'])[0], os.environ['HOME']
command = 'bin/true'.rjust(len(os.environ['T']), '/')
def run(size):
    whole, rest = divmod(size, 100_000)
    environment = {'PATH': directory, 'HOME': home} | {f'X{i}': 'x' * 100_000 for i in range(whole)} | {'Y': 'y' * rest}
    try:
        return subprocess.run(['tm-run', '--', command], env=environment).returncode
    except OSError as error:
        assert error.errno == errno.E2BIG, error
low, high = 0, 100_000_000
while high - low > 1:
    middle = (low + high) // 2
    low, high = (low, middle) if run(middle) is None else (middle, high)
sys.exit(max(run(low - less) for less in range(64)))";
    let launch = sandbox.unwrapped(["python3", "-c", script]).env("T", TM_RUN);
    assert_eq!(launch.wait_for_exit(), WaitStatus::Exited(0));
}

//! The Debian package: built from the metadata in Cargo.toml, unpacked into a root of its own, tried there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::typist::{SHELLS, Shell, Typist};
use super::{command, in_shell_dir, install};
use crate::harness::{Case, OFF, Sandbox, TM_RUN, cases};

pub fn cases() -> Vec<Case> {
    let mut all = cases![OFF, needs ["cargo-deb", "dpkg-deb", "dpkg", "bash", "zsh", "fish", "gzip"]; debian_package_installs_completions_page_and_include];
    all.extend(cases![OFF, needs ["cargo"]; cargo_package_leaves_out_the_fuzz_corpus]);
    all.extend(cases![OFF; debian_changelog_begins_with_this_version]);
    all
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn package(sandbox: &Sandbox) -> PathBuf {
    let package = sandbox.path("tm-run.deb");
    // The binary that cargo has built for this test: what is tried here is what stands around it.
    let profile = Path::new(TM_RUN).parent().and_then(Path::file_name).expect("a profile");
    let profile = if profile == "debug" { "dev".into() } else { profile.to_owned() };
    let target = Path::new(TM_RUN).ancestors().nth(2).expect("a target directory");
    run(Command::new("cargo")
        .args(["deb", "--no-build", "--no-strip", "--fast", "--offline", "--profile"])
        .arg(profile)
        .arg("--output")
        .arg(&package)
        .env("CARGO_TARGET_DIR", target)
        .current_dir(env!("CARGO_MANIFEST_DIR")));
    package
}

fn debian_package_installs_completions_page_and_include(sandbox: &Sandbox) {
    let package = package(sandbox);
    let root = sandbox.path("root");
    fs::create_dir(&root).expect("a root");
    run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&root));
    for (file, source, mode) in [
        ("usr/share/bash-completion/completions/tm-run", Some("completion.bash"), 0o644),
        ("usr/share/zsh/vendor-completions/_tm-run", Some("_tm-run"), 0o644),
        ("usr/share/fish/vendor_completions.d/tm-run.fish", Some("completion.fish"), 0o644),
        ("usr/share/tm-run/telemetry.mk", Some("telemetry.mk"), 0o644),
        ("usr/bin/tm-run", None, 0o755),
        ("usr/share/doc/tm-run/copyright", None, 0o644),
        ("usr/share/doc/tm-run/README.md", None, 0o644),
    ] {
        let path = root.join(file);
        let metadata = fs::metadata(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{file}");
        if let Some(source) = source {
            assert_eq!(fs::read(&path).expect(file), fs::read(in_shell_dir(source)).expect(source), "{file}");
        }
    }
    let page = run(Command::new("gzip").arg("-dc").arg(root.join("usr/share/man/man1/tm-run.1.gz")));
    assert_eq!(page, fs::read_to_string(in_shell_dir("tm-run.1")).expect("the page"));
    let version = run(Command::new(root.join("usr/bin/tm-run")).arg("--version"));
    assert_eq!(version, format!("tm-run {}\n", env!("CARGO_PKG_VERSION")));
    let field = |name: &str| run(Command::new("dpkg-deb").arg("-f").arg(&package).arg(name));
    assert_eq!(field("Package"), "tm-run\n");
    assert!(field("Version").starts_with(env!("CARGO_PKG_VERSION")));

    // Completion is there with nothing in any start file, where the shells look for it.
    install(sandbox);
    command(sandbox, "frob", "#!/bin/sh\n");
    let share = root.join("usr/share");
    for &shell in SHELLS {
        let rc = match shell {
            Shell::PlainBash => continue,
            Shell::Bash | Shell::Fish => String::new(),
            Shell::Zsh => {
                let directory = share.join("zsh/vendor-completions");
                format!("fpath=({} $fpath)\nautoload -Uz compinit; compinit -u -D\n", directory.display())
            }
        };
        let mut typist = Typist::sit_down(sandbox, shell, &rc, &[("XDG_DATA_DIRS", &share)]);
        typist.completes("tm-run report --dur", &["tm-run", "report", "--durations"]);
        typist.completes(
            "tm-run report --format jsonl --sort a",
            &["tm-run", "report", "--format", "jsonl", "--sort", "average"],
        );
    }
}

fn cargo_package_leaves_out_the_fuzz_corpus(_: &Sandbox) {
    let list = run(Command::new("cargo")
        .args(["package", "--list", "--allow-dirty", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR")));
    let fuzz: Vec<&str> = list.lines().filter(|file| file.starts_with("tests/fuzz")).collect();
    assert_eq!(fuzz, [""; 0]);
    // What the tests and the package need is there.
    for file in ["README.md", "shell/tm-run.1", ".debian/changelog", "tests/golden/report-80.txt"] {
        assert!(list.lines().any(|other| other == file), "{file}");
    }
}

fn debian_changelog_begins_with_this_version(_: &Sandbox) {
    let changelog = fs::read_to_string(in_shell_dir("../.debian/changelog")).expect("a changelog");
    let version = concat!("tm-run (", env!("CARGO_PKG_VERSION"), "-1) ");
    assert!(changelog.starts_with(version), "{changelog}");
}

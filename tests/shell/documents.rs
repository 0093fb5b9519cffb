//! Page, completions, README and `--help` speak of the same flags; and all of `shell/` is clean.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::{in_shell_dir, install, start};
use crate::harness::{Case, OFF, Sandbox, TM_RUN, WaitStatus, cases};

pub fn cases() -> Vec<Case> {
    let mut all = cases![OFF;
        manual_page_documents_every_option_and_no_other,
        readme_names_every_subcommand_and_only_known_options,
        init_prints_the_files_in_shell,
    ];
    all.extend(cases![OFF, needs ["bash", "shellcheck", "shfmt"]; bash_files_pass_shellcheck_and_shfmt]);
    all.extend(cases![OFF, needs ["zsh"]; zsh_files_parse]);
    all.extend(cases![OFF, needs ["fish", "fish_indent"]; fish_files_parse_and_are_formatted]);
    all.extend(cases![OFF, needs ["mandoc"]; manual_page_passes_mandoc_lint]);
    all.extend(cases![OFF, needs ["man"]; man_shows_every_section_of_the_manual_page]);
    all
}

/// tm-run itself, and its subcommands.
pub const COMMANDS: &[&str] = &["", "on", "off", "status", "clear", "log", "report", "init"];

pub struct Flag {
    /// `--name`
    pub name: String,
    pub values: Vec<String>,
}

/// What `--help` says.
pub struct Help {
    pub flags: Vec<Flag>,
    pub text: String,
}

impl Help {
    #[track_caller]
    pub fn of(command: &str) -> Self {
        let words = [command, "--help"].into_iter().filter(|word| !word.is_empty());
        let output = Command::new(TM_RUN).args(words).output().expect("tm-run starts");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let flag = |line: &str| {
            let start = line.find("--")?;
            if !matches!(line[..start].trim(), "" | "-h," | "-V,") {
                return None;
            }
            let name = line[start..].split([' ', '=', ',']).next()?.to_owned();
            let values = line.split_once("[possible values: ").and_then(|(_, rest)| rest.split_once(']'));
            let values = values.map(|(values, _)| values.split(", ").map(str::to_owned).collect());
            Some(Flag { name, values: values.unwrap_or_default() })
        };
        let flags = text.lines().filter(|line| line.starts_with(' ')).filter_map(flag).collect();
        Self { flags, text }
    }

    fn names(&self) -> BTreeSet<String> {
        self.flags.iter().map(|flag| flag.name.clone()).collect()
    }
}

fn read(name: &str) -> String {
    fs::read_to_string(in_shell_dir(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn all_flags() -> BTreeSet<String> {
    COMMANDS.iter().flat_map(|name| Help::of(name).names()).collect()
}

/// Words that look like `--flag`.
fn flags_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.split(|c| !is_part(c))
        .filter(|word| word.len() > 3 && word.starts_with("--") && word.as_bytes()[2].is_ascii_lowercase())
        .map(str::to_owned)
        .collect()
}

fn manual_page_documents_every_option_and_no_other(_: &Sandbox) {
    let page = read("tm-run.1").replace("\\-", "-");
    // mdoc writes the first hyphen of a flag itself.
    let line = |line: &str| if line.contains("Fl ") { line.replace(" -", " --") } else { line.to_owned() };
    let page: String = page.lines().map(|text| line(text) + "\n").collect();
    let (own, rest) = page.split_once(".Ss Options of report\n").expect("the options of report");
    let (report, rest) = rest.split_once(".Sh SHELLS\n").expect("the section on shells");
    let (synopsis, _) = own.split_once(".Sh DESCRIPTION\n").expect("the description");
    assert_eq!(&flags_in(own) | &flags_in(report), all_flags());

    let mut expected = Help::of("report").names();
    expected.remove("--help");
    let items = report.lines().filter(|line| line.starts_with(".It Fl ")).map(flags_in);
    assert_eq!(items.flatten().collect::<BTreeSet<_>>(), expected);
    for flag in Help::of("report").flags.iter().filter(|flag| !flag.values.is_empty()) {
        let item = format!(".It Fl {} Cm {}\n", flag.name, flag.values.join(" | "));
        assert!(report.contains(&item), "{item}");
    }
    for name in COMMANDS.iter().filter(|name| !name.is_empty()) {
        assert!(synopsis.contains(name), "{name} in the synopsis");
        assert!(own.contains(&format!(".It Cm {name}")), "{name} among the subcommands");
    }
    // What is said of other commands (anklume's flags) stands behind.
    assert!(rest.contains("tm-wrap"));
}

fn readme_names_every_subcommand_and_only_known_options(_: &Sandbox) {
    let path = in_shell_dir("../README.md");
    let readme = fs::read_to_string(path).expect("README.md");
    for name in COMMANDS.iter().filter(|name| !name.is_empty()) {
        assert!(
            readme.contains(&format!("tm-run {name}")) || readme.contains(&format!("| {name}")),
            "{name}"
        );
    }
    for line in readme.lines() {
        // What follows `tm-run`, up to where the wrapped command begins.
        for part in line.split("tm-run ").skip(1) {
            let part = part.split(" -- ").next().unwrap_or_default();
            let part = part.split(['`', '|', '&', ';']).next().unwrap_or_default();
            let command = part.split_whitespace().next().unwrap_or_default();
            let known =
                if COMMANDS.contains(&command) { Help::of(command).names() } else { Help::of("").names() };
            let used = flags_in(part);
            assert!(used.is_subset(&known), "{line}: {used:?}");
        }
    }
}

fn init_prints_the_files_in_shell(sandbox: &Sandbox) {
    install(sandbox);
    for (what, files) in [
        ("bash", &["tm-run.bash", "completion.bash"][..]),
        ("zsh", &["tm-run.zsh", "_tm-run"]),
        ("fish", &["tm-run.fish", "completion.fish"]),
        ("make", &["telemetry.mk"]),
        ("man", &["tm-run.1"]),
    ] {
        let parts: Vec<String> = files.iter().map(|name| read(name)).collect();
        let output = start(sandbox, &["tm-run", "init", what]).output();
        assert_eq!((output.text(), output.status), (parts.join("\n"), WaitStatus::Exited(0)), "{what}");
        assert!(Help::of("init").text.contains(what));
    }
    assert!(!sandbox.home().join(".anklume").exists());
}

/// The tool has nothing to say.
#[track_caller]
fn clean(sandbox: &Sandbox, words: &[&str], file: &str) {
    let path = in_shell_dir(file).into_os_string().into_string().expect("UTF-8");
    let words: Vec<&str> = words.iter().copied().chain([path.as_str()]).collect();
    let output = start(sandbox, &words).output();
    // Which manual pages a machine has is not for us to say, nor how old their index is.
    let says: Vec<String> = output
        .text()
        .lines()
        .chain(output.stderr.lines())
        .filter(|line| !line.contains("referenced manual not found") && !line.contains("outdated mandoc.db"))
        .map(str::to_owned)
        .collect();
    assert_eq!(says, Vec::<String>::new(), "{words:?}");
}

fn bash_files_pass_shellcheck_and_shfmt(sandbox: &Sandbox) {
    for file in ["tm-run.bash", "completion.bash"] {
        clean(sandbox, &["bash", "-n"], file);
        clean(sandbox, &["shellcheck", "-s", "bash"], file);
        clean(sandbox, &["shfmt", "-i", "2", "-ci", "-d"], file);
    }
}

fn zsh_files_parse(sandbox: &Sandbox) {
    for file in ["tm-run.zsh", "_tm-run"] {
        clean(sandbox, &["zsh", "-f", "-n"], file);
    }
}

fn fish_files_parse_and_are_formatted(sandbox: &Sandbox) {
    for file in ["tm-run.fish", "completion.fish"] {
        clean(sandbox, &["fish", "-n"], file);
        clean(sandbox, &["fish_indent", "--check"], file);
    }
}

fn manual_page_passes_mandoc_lint(sandbox: &Sandbox) {
    clean(sandbox, &["mandoc", "-T", "lint"], "tm-run.1");
}

fn man_shows_every_section_of_the_manual_page(sandbox: &Sandbox) {
    let path = in_shell_dir("tm-run.1");
    let output = start(sandbox, &["man", "--warnings", "-l", path.to_str().expect("UTF-8")])
        .env("MANWIDTH", "80")
        .output();
    assert_eq!((output.stderr.as_str(), output.status), ("", WaitStatus::Exited(0)));
    let text = output.text();
    for section in [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "SHELLS",
        "MAKEFILES",
        "ENVIRONMENT",
        "FILES",
        "EXIT STATUS",
        "EXAMPLES",
    ] {
        assert!(text.lines().any(|line| line == section), "{section}");
    }
    assert!(text.contains("--domain NAME"), "hyphens that can be copied");
    assert!(text.lines().all(|line| line.chars().count() <= 80));
}

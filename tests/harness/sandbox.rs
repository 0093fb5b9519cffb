//! Where a test runs its command: a home directory of its own, and the way in which the command is run there.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::{Launch, Process};

/// The ways in which a case runs its command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// No tm-run: what is to be expected.
    Bare,
    /// Under tm-run, which records: the command shares our memory until it is executed (clone(2), `CLONE_VM`).
    Recorded,
    /// The same by fork(2), which tm-run takes where memory cannot be shared.
    Forked,
    /// Under tm-run with recording off: exec in place.
    Off,
}

pub const EVERY_WAY: &[Way] = &[Way::Bare, Way::Recorded, Way::Forked, Way::Off];
/// For cases that take long and in which exec in place is trivially right.
pub const ALL_BUT_OFF: &[Way] = &[Way::Bare, Way::Recorded, Way::Forked];
pub const RECORDED: &[Way] = &[Way::Recorded];
pub const OFF: &[Way] = &[Way::Off];

impl Way {
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Recorded => "recorded",
            Self::Forked => "forked",
            Self::Off => "off",
        }
    }

    pub fn records(self) -> bool {
        matches!(self, Self::Recorded | Self::Forked)
    }
}

pub fn find_on_path(tool: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(tool)).find(|path| path.is_file())
}

fn compiled(name: &'static str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harness").join(name).with_extension("c");
    // Compiled under another name and renamed: another test run may be executing the old one.
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let fresh = program.with_extension(std::process::id().to_string());
    let status = Command::new("cc").args(["-O1", "-Wall", "-Wextra", "-o"]).arg(&fresh).arg(&source).status();
    assert!(status.expect("cc starts").success(), "{} compiles", source.display());
    fs::rename(&fresh, &program).expect("the program can be renamed");
    program
}

/// Copies a program so that it can be executed at once. A process of its own writes it: a process that another test
/// starts just now has our open files for a moment, and a file that is open for writing cannot be executed (ETXTBSY,
/// execve(2)).
#[track_caller]
pub fn install(source: impl AsRef<Path>, path: &Path) {
    let status = Command::new("install").args(["-m", "755"]).arg(source.as_ref()).arg(path).status();
    assert!(status.expect("install starts").success(), "{}", path.display());
}

pub fn probe() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        compiled("probe").into_os_string().into_string().expect("a target directory in UTF-8")
    })
}

pub fn launcher() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| compiled("launch"))
}

pub const TM_RUN: &str = env!("CARGO_BIN_EXE_tm-run");

pub struct Sandbox {
    pub way: Way,
    dir: TempDir,
    target: String,
    domain: Option<String>,
}

/// One line of the log.
#[derive(Debug, PartialEq, Clone)]
pub struct Event {
    pub target: String,
    pub domain: Option<String>,
    pub seconds: f64,
    pub exit_code: i64,
}

impl Sandbox {
    pub fn new(way: Way) -> Self {
        let dir = TempDir::with_prefix("tm-run-").expect("a temporary directory");
        let sandbox = Self { way, dir, target: "work".to_owned(), domain: None };
        fs::create_dir(sandbox.home()).expect("a home");
        if way.records() {
            sandbox.turn_on();
        }
        sandbox
    }

    pub fn turn_on(&self) {
        for dir in [self.home().join(".anklume"), self.telemetry()] {
            fs::create_dir(&dir).expect("a directory for telemetry");
            fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).expect("its mode");
        }
        File::create(self.marker()).expect("the marker");
    }

    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// A file that is not in the home directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let (source, path) = (self.path("script-source"), self.path(name));
        fs::write(&source, text).expect("a script");
        install(&source, &path);
        path
    }

    pub fn telemetry(&self) -> PathBuf {
        self.home().join(".anklume/telemetry")
    }

    pub fn marker(&self) -> PathBuf {
        self.telemetry().join("enabled")
    }

    pub fn log(&self) -> PathBuf {
        self.telemetry().join("usage.jsonl")
    }

    /// The arguments in front of the command, tm-run included.
    pub fn prefix(&self) -> Vec<OsString> {
        if self.way == Way::Bare {
            return Vec::new();
        }
        let mut words = vec![TM_RUN.into(), "--target".into(), self.target.clone().into()];
        if let Some(domain) = &self.domain {
            words.extend(["--domain".into(), domain.into()]);
        }
        words.push("--".into());
        words
    }

    /// The same as text, for a shell.
    pub fn prefix_text(&self) -> String {
        let words: Vec<_> =
            self.prefix().into_iter().map(|word| word.into_string().expect("UTF-8")).collect();
        words.join(" ")
    }

    /// A command under the wrapper.
    pub fn command<W: Into<OsString>>(&self, argv: impl IntoIterator<Item = W>) -> Launch<'_> {
        let mut all = self.prefix();
        all.extend(argv.into_iter().map(Into::into));
        self.unwrapped(all)
    }

    pub fn probe(&self, words: &str) -> Launch<'_> {
        self.command([probe()].into_iter().chain(words.split_whitespace()))
    }

    /// A command that calls the wrapper itself, such as a shell. In its environment `$W` is what stands in
    /// front of a command to wrap it (nothing for the bare way), and `$P` the probe.
    pub fn unwrapped<W: Into<OsString>>(&self, argv: impl IntoIterator<Item = W>) -> Launch<'_> {
        Launch {
            sandbox: self,
            argv: argv.into_iter().map(Into::into).collect(),
            options: Vec::new(),
            env: Vec::new(),
            stdin: Stdio::null(),
            terminal: false,
        }
    }

    pub fn bash(&self, text: &str) -> Launch<'_> {
        self.unwrapped(["bash", "-c", text])
    }

    pub fn log_text(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    #[track_caller]
    pub fn events(&self) -> Vec<Event> {
        let event = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            Event {
                target: value["target"].as_str().expect("a target").to_owned(),
                domain: value["domain"].as_str().map(str::to_owned),
                seconds: value["duration_seconds"].as_f64().expect("a duration"),
                exit_code: value["exit_code"].as_i64().expect("an exit code"),
            }
        };
        self.log_text().lines().map(event).collect()
    }

    pub fn exit_codes(&self) -> Vec<i64> {
        self.events().iter().map(|event| event.exit_code).collect()
    }

    /// If this way records, the log holds exactly these exit codes; if not, there is no log.
    #[track_caller]
    pub fn assert_logged(&self, exit_codes: &[i64]) {
        if self.way.records() {
            assert_eq!(self.exit_codes(), exit_codes, "exit codes in the log");
        } else {
            assert!(!self.home().join(".anklume").exists(), "nothing may be made");
        }
    }

    /// The process that the command's parent started: the command's own, or the wrapper's.
    #[track_caller]
    pub fn launched_pid(&self, command: i32) -> i32 {
        if !self.way.records() {
            return command;
        }
        let parent = Process::of(command).expect("the command is there").parent;
        let name = fs::read_to_string(format!("/proc/{parent}/comm")).expect("its parent is there");
        assert_eq!(name, "tm-run\n", "the command's parent");
        parent
    }
}

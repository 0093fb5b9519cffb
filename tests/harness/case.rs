//! A test case, and the macros that list them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use super::{Sandbox, Way, find_on_path};

/// One test.
pub struct Case {
    pub name: String,
    pub needs: Vec<&'static str>,
    pub run: Box<dyn Fn() + Send + Sync>,
}

impl Case {
    /// A test that runs once, in no particular way.
    pub fn once(name: &str, run: fn()) -> Self {
        Self { name: short(name), needs: Vec::new(), run: Box::new(run) }
    }

    /// One test for each way.
    pub fn per_way(
        ways: &[Way],
        name: &str,
        needs: &[&'static str],
        run: impl Fn(&Sandbox) + Copy + Send + Sync + 'static,
    ) -> Vec<Self> {
        let case = |&way: &Way| Self {
            name: format!("{}::{}", short(name), way.name()),
            needs: needs.to_vec(),
            run: Box::new(move || run(&Sandbox::new(way))),
        };
        ways.iter().map(case).collect()
    }

    pub fn missing_tool(&self) -> Option<&'static str> {
        self.needs.iter().copied().find(|tool| !is_there(tool))
    }
}

/// How to get a tool.
pub fn remedy(tool: &str) -> &'static str {
    match tool {
        ROOT => "run the tests as root",
        MOUNT_NAMESPACE | PID_NAMESPACE => "run the tests as root, outside a container or chroot",
        DYNAMIC => "build one and set TM_RUN_DYNAMIC, see tests/README.md",
        CORPUS => "it is in the repository",
        _ => ".ci/run tools installs it on Debian",
    }
}

/// A "tool" of tests that need a second user.
pub const ROOT: &str = "root";
/// A "tool" of tests that mount something: the right to make a mount namespace, which root has not in a container.
pub const MOUNT_NAMESPACE: &str = "a mount namespace";
/// The same with a PID namespace and its own `/proc`.
pub const PID_NAMESPACE: &str = "a PID namespace";
/// A "tool" of tests that need a tm-run whose C library is the system's; `TM_RUN_DYNAMIC` is its path.
pub const DYNAMIC: &str = "a dynamic tm-run";
/// A "tool" of tests that read the files of the fuzz target: `cargo package` leaves them out.
pub const CORPUS: &str = "tests/fuzz";
/// A "tool" of tests that need a Python with this module.
pub const DUCKDB: &str = "DuckDB";
/// The same.
pub const TYPER: &str = "Typer";
/// The same.
pub const POLARS: &str = "Polars";

fn is_there(tool: &str) -> bool {
    match tool {
        CORPUS => Path::new(env!("CARGO_MANIFEST_DIR")).join(CORPUS).is_dir(),
        ROOT => nix::unistd::geteuid().is_root(),
        DUCKDB => python_with("duckdb").is_some(),
        MOUNT_NAMESPACE => can_unshare(&["--mount"]),
        PID_NAMESPACE => can_unshare(&["--pid", "--fork", "--mount-proc"]),
        POLARS => python_with("polars").is_some(),
        TYPER => python_with("typer").is_some(),
        DYNAMIC => std::env::var_os("TM_RUN_DYNAMIC").is_some(),
        tool => find_on_path(tool).is_some(),
    }
}

/// Whether unshare(1) succeeds with these options: a question of rights, of the kernel's settings, and of the mount that
/// `/` is on.
fn can_unshare(options: &'static [&'static str]) -> bool {
    static FOUND: Mutex<BTreeMap<&[&str], bool>> = Mutex::new(BTreeMap::new());
    let try_it = || {
        let status = Command::new("unshare").args(options).arg("true").stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    *FOUND.lock().expect("no test panics here").entry(options).or_insert_with(try_it)
}

/// The first Python on PATH that can import the module.
pub fn python_with(module: &'static str) -> Option<PathBuf> {
    static FOUND: Mutex<BTreeMap<&str, Option<PathBuf>>> = Mutex::new(BTreeMap::new());
    let can_import = |python: &PathBuf| {
        let import = format!("import {module}");
        let status = Command::new(python).args(["-c", &import]).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let find = || std::env::split_paths(&path).map(|dir| dir.join("python3")).find(can_import);
    FOUND.lock().expect("no test panics here").entry(module).or_insert_with(find).clone()
}

fn short(name: &str) -> String {
    name.strip_prefix("main::").unwrap_or(name).to_owned()
}

/// `cases![WAYS; one, two]`: the named functions, each in each of the ways; or with the tools that they need,
/// `cases![WAYS, needs ["make"]; one, two]`. A function that is left out is dead code: the compiler says so.
macro_rules! cases {
    ($ways:expr; $($name:ident),+ $(,)?) => { $crate::harness::cases![$ways, needs []; $($name),+] };
    ($ways:expr, needs $tools:tt; $($name:ident),+ $(,)?) => {
        [$($crate::harness::Case::per_way(
            $ways,
            concat!(module_path!(), "::", stringify!($name)),
            &$tools,
            $name,
        )),+].into_iter().flatten().collect::<Vec<_>>()
    };
}
macro_rules! once {
    ($($name:ident),+ $(,)?) => {
        vec![$($crate::harness::Case::once(concat!(module_path!(), "::", stringify!($name)), $name)),+]
    };
}
pub(crate) use {cases, once};

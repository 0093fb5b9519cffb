//! The list of what is tested.

use crate::stage::{Stage, Way, find_on_path};

/// One test.
pub struct Case {
    pub name: String,
    pub needs: &'static [&'static str],
    pub run: Box<dyn Fn() + Send + Sync>,
}

impl Case {
    /// A test that has nothing to do with wrapping.
    pub fn plain(name: &str, run: fn()) -> Self {
        Self { name: short(name), needs: &[], run: Box::new(run) }
    }

    /// One test for each way.
    pub fn staged(ways: &[Way], name: &str, needs: &'static [&'static str], run: fn(&Stage)) -> Vec<Self> {
        let case = |&way: &Way| Self {
            name: format!("{}::{}", short(name), way.name()),
            needs,
            run: Box::new(move || run(&Stage::new(way))),
        };
        ways.iter().map(case).collect()
    }

    pub fn missing_tool(&self) -> Option<&'static str> {
        self.needs.iter().copied().find(|tool| find_on_path(tool).is_none())
    }
}

fn short(name: &str) -> String {
    name.strip_prefix("main::").unwrap_or(name).to_owned()
}

/// `cases![WAYS; one, two]`: the named functions, each in each of the ways; or with the tools that they need,
/// `cases![WAYS, needs ["make"]; one, two]`. A function that is left out is dead code: the compiler says so.
macro_rules! cases {
    ($ways:expr; $($name:ident),+ $(,)?) => { $crate::ledger::cases![$ways, needs []; $($name),+] };
    ($ways:expr, needs $tools:tt; $($name:ident),+ $(,)?) => {
        [$($crate::ledger::Case::staged(
            $ways,
            concat!(module_path!(), "::", stringify!($name)),
            &$tools,
            $name,
        )),+].into_iter().flatten().collect::<Vec<_>>()
    };
}
macro_rules! plain {
    ($($name:ident),+ $(,)?) => {
        vec![$($crate::ledger::Case::plain(concat!(module_path!(), "::", stringify!($name)), $name)),+]
    };
}
pub(crate) use {cases, plain};

//! What is running: the runs that this log gets a line of, and how long they still take.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::{nesting, wrap};
use crate::cli::{self, Record, Request};
use crate::event::table::Table;
use crate::report::estimate::newest_ok;
use crate::report::model::Estimate;
use crate::report::render::format;
use crate::report::render::json::{Json, object, usual};
use crate::run::running::{RunningCommand, running_commands};
use crate::store::Store;
use crate::units::Seconds;

pub struct Run {
    target: String,
    domain: Option<String>,
    /// Of the tm-run that records it.
    pid: i32,
    elapsed_seconds: f64,
    is_stopped: bool,
    estimate: Option<Estimate>,
}

/// Those that will be in this store's log, the longest first.
pub fn runs(store: &Store) -> Vec<Run> {
    running_commands().iter().filter_map(|running| Run::of(running, store)).collect()
}

impl Run {
    /// `None`: it is no run, or of another log, or nobody can tell its target.
    fn of(running: &RunningCommand, store: &Store) -> Option<Self> {
        let home = running.env.get("HOME")?;
        if Store::in_home(Path::new(home)).directory() != store.directory() {
            return None;
        }
        let (named, domain) = names(&running.args, &[OsString::from("command")]);
        let told = running.command_env.get(nesting::VARIABLE);
        let told = told.and_then(|value| nesting::target_of(value.as_bytes(), running.pid));
        let target = told.or(named)?;
        let by_its_words = || match names(&running.args, &running.command_argv) {
            // The command may have become another program since. Its words are believed if they say this target.
            (Some(said), domain) if said == target => domain,
            _ => None,
        };
        Some(Self {
            domain: domain.or_else(by_its_words),
            target,
            pid: running.pid,
            // The kernel tells the start in hundredths.
            elapsed_seconds: (running.elapsed.as_secs_f64() * 100.0).round() / 100.0,
            is_stopped: running.is_stopped,
            estimate: None,
        })
    }

    /// Compares it with the earlier runs of its target.
    pub fn estimate(&mut self, table: &Table) {
        let estimate = Estimate::of(newest_ok(table, &self.target), self.elapsed_seconds);
        // What is stopped comes no nearer to its end.
        self.estimate =
            estimate.map(|it| Estimate { remaining: it.remaining.filter(|_| !self.is_stopped), ..it });
    }

    /// `apply [lab] for 6m 10s, usually 2m 56s: longer than 19 of its last 20 runs`.
    pub fn sentence(&self) -> String {
        let shown = |name: &str| format::escape_for_display(name, false);
        let domain = self.domain.as_ref().map_or_else(String::new, |domain| format!(" [{}]", shown(domain)));
        let stopped = if self.is_stopped { " (stopped)" } else { "" };
        let usual = self.estimate.map_or_else(String::new, |Estimate { usual, longer_than, remaining }| {
            let outlook = match (remaining, longer_than) {
                (Some(remaining), _) => format!(": about {} left", Seconds(remaining)),
                (None, 0) => String::new(),
                (None, _) => format!(": longer than {longer_than} of its last {} runs", usual.n),
            };
            format!(", usually {}{outlook}", Seconds(usual.median))
        });
        format!("{}{domain} for {}{stopped}{usual}", shown(&self.target), Seconds(self.elapsed_seconds))
    }

    pub fn json(&self) -> Json {
        let estimate = self.estimate.as_ref();
        let rank = estimate.map_or(serde_json::Value::Null.into(), |estimate| {
            object([("longer_than", estimate.longer_than.into()), ("of", estimate.usual.n.into())])
        });
        object([
            ("target", self.target.as_str().into()),
            ("domain", self.domain.clone().into()),
            ("pid", self.pid.into()),
            ("stopped", self.is_stopped.into()),
            ("elapsed_seconds", self.elapsed_seconds.into()),
            ("usual", usual(estimate.map(|estimate| estimate.usual))),
            ("remaining_seconds", estimate.and_then(|estimate| estimate.remaining).into()),
            ("rank", rank),
        ])
    }
}

/// The target and the domain that the arguments of a tm-run name if this is its command.
fn names(args: &[OsString], command: &[OsString]) -> (Option<String>, Option<String>) {
    // The command's own arguments are empty once it has started.
    let own = args.iter().position(|arg| arg == "--");
    let own = own.unwrap_or_else(|| args.iter().rposition(|arg| !arg.is_empty()).map_or(0, |last| last + 1));
    let Ok(Request::Wrap(wrap)) = cli::parse([&args[..own], &["--".into()], command].concat()) else {
        return (None, None);
    };
    // With `--subcommands`, a subcommand that is not known any more belongs to the target.
    let target = wrap.target.filter(|_| wrap.record != Record::No);
    let storable = |name: String| wrap::storable(&name);
    (target.map(storable), wrap.domain.map(storable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_arguments_that_are_left() {
        #[track_caller]
        fn case(args: &[&str], target: Option<&str>, domain: Option<&str>) {
            let args: Vec<OsString> = args.iter().map(Into::into).collect();
            let found = names(&args, &["command".into()]);
            assert_eq!((found.0.as_deref(), found.1.as_deref()), (target, domain));
        }
        case(&["--target", "apply", "--domain=lab", "--", "", "", ""], Some("apply"), Some("lab"));
        case(&["--target", "apply", "make"], Some("apply"), None);
        case(&["--", ""], None, None);
        case(&["", ""], None, None);
        case(&["--subcommands", "plan", "--domain", "lab", "--", "", ""], None, Some("lab"));
        case(&["--subcommands=plan", "--target=t", "--", "", ""], None, None);
        case(&["--anklume", "--", "", ""], None, None);
        case(&["report", "--format", "json"], None, None);
        case(&["status"], None, None);
    }

    #[test]
    fn names_are_those_of_the_words_of_the_command() {
        #[track_caller]
        fn case(args: &str, command: &str, target: Option<&str>, domain: Option<&str>) {
            let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
            let found = names(&words(args), &words(command));
            assert_eq!((found.0.as_deref(), found.1.as_deref()), (target, domain));
        }
        let apply = "python3 -s /usr/bin/anklume domain apply lab";
        case("--anklume --    ", apply, Some("apply-limit"), Some("lab"));
        case("--anklume    ", apply, Some("apply-limit"), Some("lab"));
        // As long as the arguments have not been emptied.
        case("--anklume -- anklume domain apply lab", apply, Some("apply-limit"), Some("lab"));
        case("--anklume --  ", "anklume sync", Some("sync"), None);
        case("--anklume --  ", "make", None, None);
        case("--anklume --  ", "", None, None);
        case("--  ", apply, None, None);
    }

    #[test]
    fn sentence_tells_what_is_left_or_how_unusual_it_is() {
        let run = Run {
            target: "ap\u{1b}ply".to_owned(),
            domain: Some("lab".to_owned()),
            pid: 42,
            elapsed_seconds: 370.0,
            is_stopped: false,
            estimate: None,
        };
        assert_eq!(run.sentence(), "ap\\u{1b}ply [lab] for 6m 10s");
        let at = |elapsed_seconds: f64, is_stopped: bool| {
            let past = (1..=20).map(|number| f64::from(number) * 20.0);
            let estimate = Estimate::of(past, elapsed_seconds);
            Run { target: "apply".into(), domain: None, pid: 42, elapsed_seconds, is_stopped, estimate }
        };
        assert_eq!(
            at(370.0, false).sentence(),
            "apply for 6m 10s, usually 3m 30s: longer than 18 of its last 20 runs"
        );
        assert_eq!(at(120.0, false).sentence(), "apply for 2m 00s, usually 3m 30s: about 2m 30s left");
    }
}

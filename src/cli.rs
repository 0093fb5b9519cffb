//! What may be typed. No I/O, no environment, no default that depends on the world.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::invocation::{self, Invocation};
use crate::report::model::{GroupBy, Population, SortBy};

mod when;

pub use when::When;

/// The longest name that is recorded, in bytes: a `G` can be a long list of hosts.
pub const NAME_MAX: usize = 1024;

/// One thing a user can ask for.
#[derive(Debug, PartialEq)]
pub enum Request {
    Wrap(Wrap),
    On,
    Off,
    Status(StatusFormat),
    Clear {
        before: Option<When>,
    },
    Log(LogLine),
    Report(Box<Report>),
    Init(Script),
    /// Asked by our shell integration, not by a user.
    Complete(Complete),
}

/// A command to run, and the names to record it under.
#[derive(Debug, PartialEq)]
pub struct Wrap {
    /// `None`: the command's base name.
    pub target: Option<String>,
    pub domain: Option<String>,
    pub record: Record,
    /// The command and its arguments, as they were typed; never empty.
    pub words: Vec<OsString>,
}

/// Whether a command is recorded where recording is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    Yes,
    No,
    /// Not if the command is a script around make, whose makefile records.
    UnlessAroundMake,
}

/// A command line to complete.
#[derive(Debug, PartialEq, Eq)]
pub struct Complete {
    pub shell: Shell,
    /// See `commands::complete`.
    pub words: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// An event measured by someone else (`tm-run log`).
#[derive(Debug, PartialEq)]
pub struct LogLine {
    pub target: String,
    pub domain: Option<String>,
    /// Finite.
    pub duration_seconds: f64,
    pub exit_code: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    Bash,
    Zsh,
    Fish,
    Make,
    Man,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
    Csv,
    Markdown,
    Html,
    Jsonl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// What `tm-run report` was asked for.
#[derive(Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Report {
    pub since: Option<When>,
    pub until: Option<When>,
    pub last: Option<usize>,
    pub targets: Vec<String>,
    /// The empty name stands for "no domain".
    pub domains: Vec<String>,
    pub excludes: Vec<String>,
    /// Then the durations are those of failed runs, too.
    pub failed: bool,
    /// Since when runs are compared with those before.
    pub compare: Option<When>,
    pub by: GroupBy,
    pub sort: Option<SortBy>,
    pub limit: Option<usize>,
    pub durations: Population,
    pub format: Format,
    /// `None`: standard output, which is `-`, too.
    pub output: Option<PathBuf>,
    /// Empty: the user's own log. `-` is standard input.
    pub logs: Vec<PathBuf>,
    pub anonymize: bool,
    /// The exit status tells whether a target is failing or slower.
    pub exit_code: bool,
    pub utc: bool,
    pub width: Option<u16>,
    pub ascii: bool,
    pub color: Color,
}

/// Why nothing was asked for.
#[derive(Debug)]
pub enum Refusal {
    /// `--help`, `--version`: a text for standard output, exit status 0.
    Help(String),
    /// No argument at all: the help on standard output, exit status 1.
    HelpOnMissingArgument(String),
    /// A usage error: one line for standard error, exit status 2.
    Usage(String),
}

/// Reads the command line, `words` without the program's own name.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Request, Refusal> {
    let words: Vec<OsString> = words.into_iter().collect();
    if words.is_empty() {
        return Err(Refusal::HelpOnMissingArgument(command().render_help().to_string()));
    }
    if let Some(wrap) = plain_wrap(&words) {
        return Ok(Request::Wrap(wrap));
    }
    let error = match matches(words.iter().cloned()) {
        Ok(matches) => return request(&matches, &[]),
        Err(error) if error.kind() == ErrorKind::InvalidUtf8 => error,
        Err(error) => return Err(refusal(&error, &words)),
    };
    // clap wants the name of an external subcommand to be UTF-8; a path need not be. A stand-in takes its
    // place, and where it is not taken for the command, the word was a flag's value.
    for (at, _) in words.iter().enumerate().filter(|(_, word)| word.to_str().is_none()) {
        let before = words[..at].iter().cloned().chain([OsString::from(STAND_IN)]);
        if let Ok(matches) = matches(before)
            && matches.subcommand_name() == Some(STAND_IN)
        {
            return request(&matches, &words[at..]);
        }
    }
    Err(refusal(&error, &words))
}

const STAND_IN: &str = "command";

/// A command line that wraps a command and has nothing odd in it, without clap: that takes a tenth of the time of a run that
/// is not recorded. `None`: clap decides. A test holds the two together.
fn plain_wrap(words: &[OsString]) -> Option<Wrap> {
    let (mut target, mut domain) = (None, None);
    let mut at = 0;
    loop {
        let word = words.get(at)?.to_str()?;
        let (slot, rest) = if let Some(rest) = word.strip_prefix("--target") {
            (&mut target, rest)
        } else if let Some(rest) = word.strip_prefix("--domain") {
            (&mut domain, rest)
        } else if word == "--" {
            at += 1;
            break;
        } else if word.starts_with('-') || word == COMPLETE || SUBCOMMANDS.contains(&word) {
            return None;
        } else {
            break;
        };
        let value = if rest.is_empty() {
            at += 1;
            words.get(at)?.to_str().filter(|value| !value.starts_with('-'))?
        } else {
            rest.strip_prefix('=')?
        };
        // A second one is an error.
        if value.is_empty() || slot.replace(value.to_owned()).is_some() {
            return None;
        }
        at += 1;
    }
    let words = words[at..].to_vec();
    (!words.first()?.is_empty()).then_some(Wrap { target, domain, record: Record::Yes, words })
}

fn matches(words: impl Iterator<Item = OsString>) -> Result<ArgMatches, clap::Error> {
    command().try_get_matches_from(std::iter::once(OsString::from("tm-run")).chain(words))
}

fn request(matches: &ArgMatches, instead: &[OsString]) -> Result<Request, Refusal> {
    let Some((name, of)) = matches.subcommand() else {
        return Err(usage("no command to run", None));
    };
    let target = matches.get_one::<String>("target").cloned();
    let domain = matches.get_one::<String>("domain").cloned();
    // Only an external subcommand has trailing words under the empty id: `tm-run -- clear` is one.
    if of.try_contains_id("").unwrap_or(false) {
        let words: Vec<OsString> = if instead.is_empty() {
            let rest = of.get_many::<OsString>("").unwrap_or_default().cloned();
            std::iter::once(OsString::from(name)).chain(rest).collect()
        } else {
            instead.to_vec()
        };
        if words[0].is_empty() {
            return Err(usage("the command to run is empty", None));
        }
        let given = |name: &String| !name.is_empty();
        return wrap(matches, target.filter(given), domain.filter(given), words);
    }
    if target.is_some()
        || domain.is_some()
        || matches.get_flag("anklume")
        || matches.contains_id("subcommands")
    {
        return Err(usage(
            &format!(
                "options before '{name}' are of a command to run; write '-- {name}' to run a command of that name"
            ),
            None,
        ));
    }
    Ok(match name {
        "on" => Request::On,
        "off" => Request::Off,
        "status" => Request::Status(match text(of, "format") {
            Some("json") => StatusFormat::Json,
            _ => StatusFormat::Text,
        }),
        "clear" => Request::Clear { before: of.get_one("before").copied() },
        "log" => Request::Log(LogLine {
            target: of.get_one::<String>("target").cloned().unwrap_or_default(),
            domain: of.get_one::<String>("domain").cloned().filter(|name| !name.is_empty()),
            duration_seconds: of.get_one("duration").copied().unwrap_or_default(),
            exit_code: of.get_one("exit-code").copied().unwrap_or_default(),
        }),
        "report" => Request::Report(Box::new(report(of))),
        "init" => Request::Init(match text(of, "what") {
            Some("bash") => Script::Bash,
            Some("zsh") => Script::Zsh,
            Some("fish") => Script::Fish,
            Some("make") => Script::Make,
            _ => Script::Man,
        }),
        COMPLETE => Request::Complete(Complete {
            shell: match text(of, "shell") {
                Some("bash") => Shell::Bash,
                Some("zsh") => Shell::Zsh,
                _ => Shell::Fish,
            },
            words: of.get_many::<OsString>("words").unwrap_or_default().cloned().collect(),
        }),
        _ => return Err(usage(&format!("'{name}' is not known"), None)),
    })
}

/// A command to run under the names that are given, or that its words say.
fn wrap(
    matches: &ArgMatches,
    target: Option<String>,
    domain: Option<String>,
    words: Vec<OsString>,
) -> Result<Request, Refusal> {
    let is_anklume = matches.get_flag("anklume");
    let invocation = if is_anklume {
        invocation::anklume(&words)
    } else if let Some(list) = text(matches, "subcommands") {
        invocation::subcommand(list, target.as_deref(), &words)
    } else {
        return Ok(Request::Wrap(Wrap { target, domain, record: Record::Yes, words }));
    };
    Ok(Request::Wrap(match invocation {
        Invocation::Telemetry { at } => return parse(words.into_iter().skip(at)),
        Invocation::Recorded { target, domain: named } => Wrap {
            target: Some(target),
            domain: domain.or(named),
            record: if is_anklume { Record::UnlessAroundMake } else { Record::Yes },
            words,
        },
        Invocation::Bare => Wrap { target, domain, record: Record::No, words },
    }))
}

fn report(of: &ArgMatches) -> Report {
    let failed = of.get_flag("failed");
    let names = |id: &str| of.get_many::<String>(id).unwrap_or_default().cloned().collect();
    Report {
        since: of.get_one("since").copied(),
        until: of.get_one("until").copied(),
        last: count(of, "last"),
        targets: names("target"),
        domains: names("domain"),
        excludes: names("exclude"),
        failed,
        compare: of.get_one("compare").copied(),
        by: if text(of, "by") == Some("domain") { GroupBy::Domain } else { GroupBy::Target },
        sort: text(of, "sort").map(|word| match word {
            "runs" => SortBy::Runs,
            "time" => SortBy::Time,
            "average" => SortBy::Average,
            "failures" => SortBy::Failures,
            _ => SortBy::Name,
        }),
        limit: count(of, "limit"),
        durations: match text(of, "durations") {
            _ if failed => Population::Failed,
            Some("all") => Population::All,
            Some("failed") => Population::Failed,
            _ => Population::Ok,
        },
        format: match text(of, "format") {
            Some("json") => Format::Json,
            Some("csv") => Format::Csv,
            Some("markdown") => Format::Markdown,
            Some("html") => Format::Html,
            Some("jsonl") => Format::Jsonl,
            _ => Format::Text,
        },
        output: of.get_one::<PathBuf>("output").filter(|path| path.as_os_str() != "-").cloned(),
        logs: of.get_many::<PathBuf>("log").unwrap_or_default().cloned().collect(),
        anonymize: of.get_flag("anonymize"),
        exit_code: of.get_flag("exit-code"),
        utc: of.get_flag("utc"),
        width: of.get_one("width").copied(),
        ascii: of.get_flag("ascii"),
        color: match text(of, "color") {
            Some("always") => Color::Always,
            Some("never") => Color::Never,
            _ => Color::Auto,
        },
    }
}

fn text<'a>(matches: &'a ArgMatches, id: &str) -> Option<&'a str> {
    matches.get_one::<String>(id).map(String::as_str)
}

fn count(matches: &ArgMatches, id: &str) -> Option<usize> {
    matches.get_one::<u64>(id).map(|&number| usize::try_from(number).unwrap_or(usize::MAX))
}

/// The words that are never taken for a command to run, unless behind `--`.
pub const SUBCOMMANDS: [&str; 7] = ["on", "off", "status", "clear", "log", "report", "init"];

/// What our shell integration asks, see [`Complete`].
const COMPLETE: &str = "__complete";

/// What WHEN may be, for those who ask for help.
const WHEN: &str = "WHEN: 2026-11-01, '2026-11-01 14:00', 2026-11-01T14:00:00Z, 2026-11, 7d, 4w, 3mo, 1y, 12h, 1h30m, 90s, today,\n\
    yesterday, monday. Days are local calendar days; 7d includes today.\n\n";

/// The whole command line, for parsing, for `--help` and for the tests that hold the documents to it.
pub fn command() -> Command {
    Command::new("tm-run")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Learns where your time goes: put it in front of a command. Off until you say 'tm-run on'.")
        .override_usage("tm-run [--target NAME] [--domain NAME] [--] COMMAND [ARG]...\n       \
             tm-run --subcommands LIST [--target NAME] [--domain NAME] [--] COMMAND [ARG]...\n       tm-run on | off | status | clear | log | report | init")
        .after_help(
            "Recording happens only after 'tm-run on' and never while DO_NOT_TRACK=1 is set. Each run is one line of\n\
             ~/.anklume/telemetry/usage.jsonl: timestamp, target, domain, duration_seconds, exit_code. Nothing else is\n\
             recorded, and nothing leaves this machine. Everything after '--' is the command: 'tm-run -- clear' runs clear(1).\n\n\
             Examples:\n  tm-run make apply                        run make, and record how long it took as make\n  \
             tm-run --target apply -- ./apply.sh      record it as apply\n  \
             tm-run report --since 7d                 what the last seven days went into",
        )
        .disable_help_subcommand(true)
        .allow_external_subcommands(true)
        .external_subcommand_value_parser(OsStringValueParser::new())
        .arg(any_name_arg("target").help("Record the run under this name [default: the command's base name]"))
        .arg(any_name_arg("domain").help("Record the run under this domain, too"))
        .arg(
            Arg::new("subcommands")
                .long("subcommands")
                .value_name("LIST")
                .help("Record only these subcommands of the command, such as plan,apply, each under COMMAND-SUBCOMMAND"),
        )
        .arg(
            Arg::new("anklume")
                .long("anklume")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["target", "domain", "subcommands"])
                .help("The command is anklume: name its runs by what they do, and take over 'anklume telemetry'"),
        )
        .subcommands(subcommands())
}

/// What each takes is built only when it is asked for: a wrapped command must not wait for it.
fn subcommands() -> [Command; 8] {
    [
        Command::new("on").about("Start recording"),
        Command::new("off").about("Stop recording; what was recorded stays"),
        Command::new("status")
            .about("Show whether runs are recorded, why not, what is stored, and what is running")
            .defer(|it| {
                it.arg(choice("format", "FORMAT", &["text", "json"]).help("How to write it [default: text]"))
            }),
        Command::new("clear").about("Delete all that was recorded, and stop recording").defer(|it| {
            it.arg(when_arg("before").help("Delete only events before WHEN, and keep recording")).after_help(
                WHEN.to_owned() + "Examples:\n  tm-run clear                             delete everything\n  \
                 tm-run clear --before 3mo                keep the last three months",
            )
        }),
        Command::new("log").about("Record a run that something else has timed").defer(log_command),
        Command::new("report")
            .about("Show where the time went, what got worse and what fails")
            .defer(report_command),
        Command::new("init")
            .about("Print the integration for a shell or for make, or the manual page")
            .defer(|it| {
                it.arg(
                    Arg::new("what")
                        .required(true)
                        .value_name("bash|zsh|fish|make|man")
                        .value_parser(PossibleValuesParser::new(["bash", "zsh", "fish", "make", "man"])),
                )
                .after_help(
                    "Examples:\n  eval \"$(tm-run init bash)\"               in ~/.bashrc; zsh in ~/.zshrc alike\n  \
                     tm-run init fish | source                in ~/.config/fish/config.fish\n  \
                     tm-run init make > telemetry.mk          then 'include telemetry.mk' in the Makefile\n  \
                     tm-run init man | man -l -               read the manual page",
                )
            }),
        Command::new(COMPLETE).hide(true).defer(|it| {
            it.arg(
                Arg::new("shell")
                    .required(true)
                    .value_parser(PossibleValuesParser::new(["bash", "zsh", "fish"])),
            )
            .arg(
                Arg::new("words")
                    .num_args(0..)
                    .trailing_var_arg(true)
                    .allow_hyphen_values(true)
                    .value_parser(OsStringValueParser::new()),
            )
        }),
    ]
}

fn log_command(it: Command) -> Command {
    it.infer_long_args(true)
        .arg(name_arg("target").required(true).help("The name to record"))
        .arg(domain_arg().help("The domain to record"))
        .arg(
            Arg::new("duration")
                .long("duration")
                .value_name("SECONDS")
                .required(true)
                .allow_hyphen_values(true)
                .value_parser(seconds)
                .help("How long it took"),
        )
        .arg(
            Arg::new("exit-code")
                .long("exit-code")
                .value_name("CODE")
                .required(true)
                .allow_hyphen_values(true)
                .value_parser(exit_code)
                .help("How it ended"),
        )
        .after_help("Examples:\n  tm-run log --target build --domain ci --duration 93.5 --exit-code 0")
}

fn report_command(it: Command) -> Command {
    let filter = |id: &'static str| {
        Arg::new(id)
            .long(id)
            .value_name("NAME")
            .action(ArgAction::Append)
            .allow_hyphen_values(true)
            .value_parser(lossy())
    };
    let switch = |id: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue);
    let number = |id: &'static str| Arg::new(id).long(id).value_name("N").value_parser(from_one);
    it.after_help(
        WHEN.to_owned()
            + "Examples:\n  tm-run report --target apply             one target closely\n  \
             tm-run report --since 7d --failed        what failed in the last seven days\n  \
             tm-run report --compare 7d               the last seven days beside what was before\n  \
             tm-run report --log a.jsonl --log b.jsonl --format html --output both.html\n                                           \
             the logs of two machines, as one page",
        )
        .args([
            when_arg("since").help("Only events from WHEN on"),
            when_arg("until").help("Only events up to WHEN; a day is included, a time is not"),
            number("last").help("Only the newest N events, after the other filters"),
            filter("target").help("Only this target; one alone gives its detailed view (repeatable)"),
            filter("domain").help("Only this domain, '' for events without one (repeatable)"),
            filter("exclude").help("Without this target (repeatable)"),
            switch("failed").help("Only runs that failed; the durations are theirs"),
            when_arg("compare")
                .conflicts_with("failed")
                .help("Compare the runs from WHEN on with those before"),
            choice("by", "KEY", &["target", "domain"]).help("What one row stands for [default: target]"),
            choice("sort", "KEY", &["runs", "time", "average", "failures", "name"])
                .help("Order of the rows [default: runs; the duration chart: average]"),
            number("limit").help("At most N rows"),
            choice("durations", "WHICH", &["ok", "all", "failed"])
                .help("Which runs the durations are of [default: ok]"),
            choice("format", "FORMAT", &["text", "json", "csv", "markdown", "html", "jsonl"])
                .help("What to write [default: text]"),
            file_arg("output").help("Write there instead of to standard output"),
            file_arg("log")
                .action(ArgAction::Append)
                .help("Read this log instead of your own, '-' for standard input (repeatable)"),
            switch("exit-code")
                .conflicts_with("failed")
                .help("Exit with 3 if a target is failing or slower than before"),
            switch("anonymize").help("Replace names by target-1, domain-1 and so on"),
            switch("utc").help("Show times in UTC instead of local time"),
            Arg::new("width")
                .long("width")
                .value_name("N")
                .value_parser(columns)
                .help("Columns to use, 40 to 200 [default: the terminal's, 80 in a pipe]"),
            switch("ascii").help("Draw with ASCII characters only"),
            choice("color", "WHEN", &["auto", "always", "never"]).help("Whether to use colour [default: auto]"),
        ])
}

/// A name that never keeps a command from running: what cannot be recorded as it is is made recordable later.
fn any_name_arg(id: &'static str) -> Arg {
    Arg::new(id).long(id).value_name("NAME").allow_hyphen_values(true).value_parser(lossy().try_map(present))
}

fn name_arg(id: &'static str) -> Arg {
    Arg::new(id).long(id).value_name("NAME").allow_hyphen_values(true).value_parser(
        lossy().try_map(
            |text| {
                if text.is_empty() { Err("a name cannot be empty".to_owned()) } else { name(text) }
            },
        ),
    )
}

fn domain_arg() -> Arg {
    Arg::new("domain")
        .long("domain")
        .value_name("NAME")
        .allow_hyphen_values(true)
        .value_parser(lossy().try_map(name))
}

fn file_arg(id: &'static str) -> Arg {
    Arg::new(id).long(id).value_name("FILE").allow_hyphen_values(true).value_parser(value_parser!(PathBuf))
}

fn when_arg(id: &'static str) -> Arg {
    // `-7d` is told what it must be like.
    Arg::new(id).long(id).value_name("WHEN").allow_hyphen_values(true).value_parser(when::parse)
}

fn choice(id: &'static str, value: &'static str, values: &'static [&'static str]) -> Arg {
    Arg::new(id).long(id).value_name(value).value_parser(PossibleValuesParser::new(values))
}

/// Text that is not UTF-8 is recorded with U+FFFD.
fn lossy() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().map(|text| text.to_string_lossy().into_owned())
}

/// `--target -- COMMAND`: the name was forgotten.
fn present(text: String) -> Result<String, String> {
    if text == "--" { Err("the name is missing".into()) } else { Ok(text) }
}

fn name(text: String) -> Result<String, String> {
    let text = present(text)?;
    if text.len() > NAME_MAX {
        return Err(format!("a name has at most {NAME_MAX} bytes, this one has {}", text.len()));
    }
    if text.chars().any(char::is_control) {
        return Err("a name cannot hold control characters".into());
    }
    Ok(text)
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "it must be a number of seconds, 0 or more".into())
}

fn exit_code(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "it must be a whole number, such as 0, 2, or -9 for death by signal 9".into())
}

fn from_one(text: &str) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|&number| number > 0)
        .ok_or_else(|| "it must be a whole number, 1 or more".into())
}

fn columns(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|&number: &u16| number > 0);
    number.ok_or_else(|| "it must be a whole number of columns, 40 to 200".into())
}

/// `subcommand`: whose help tells more, if it is one's.
fn usage(what: &str, subcommand: Option<&str>) -> Refusal {
    let of = subcommand.map(|name| format!("{name} ")).unwrap_or_default();
    Refusal::Usage(format!("{what}; see 'tm-run {of}--help'"))
}

/// One line of clap's several: what is wrong, what may have been meant, where to look.
fn refusal(error: &clap::Error, words: &[OsString]) -> Refusal {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Refusal::Help(error.to_string());
    }
    let rendered = error.to_string();
    let head = rendered.split("\n\n").next().unwrap_or_default();
    let mut what = head.strip_prefix("error: ").unwrap_or(head).to_owned();
    if matches!(error.kind(), ErrorKind::MissingRequiredArgument | ErrorKind::InvalidValue) {
        what = what.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    }
    let subcommand = words.first().and_then(|word| word.to_str()).filter(|word| SUBCOMMANDS.contains(word));
    if subcommand == Some("report")
        && error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidArg)
        && !name.starts_with('-')
    {
        let meant = if name == "help" { "--help".to_owned() } else { format!("--target {name}") };
        what = format!("{what} (did you mean '{meant}'?)");
    }
    for kind in [ContextKind::SuggestedArg, ContextKind::SuggestedValue] {
        match error.get(kind) {
            Some(ContextValue::String(text)) => what = format!("{what} (did you mean '{text}'?)"),
            Some(ContextValue::Strings(texts)) if !texts.is_empty() => {
                what = format!("{what} (did you mean '{}'?)", texts.join("', '"));
            }
            _ => {}
        }
    }
    let printable: String =
        what.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
    usage(&printable, subcommand)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    fn parsed(words: &[&[u8]]) -> Result<Request, String> {
        parse(words.iter().map(|word| std::ffi::OsStr::from_bytes(word).to_owned())).map_err(|refusal| {
            match refusal {
                Refusal::Help(text) | Refusal::HelpOnMissingArgument(text) | Refusal::Usage(text) => text,
            }
        })
    }

    #[track_caller]
    fn wraps(words: &[&[u8]], target: Option<&str>, domain: Option<&str>, command: &[&[u8]]) {
        let words = parsed(words);
        let wrap = Wrap {
            target: target.map(Into::into),
            domain: domain.map(Into::into),
            record: Record::Yes,
            words: command.iter().map(|word| std::ffi::OsStr::from_bytes(word).to_owned()).collect(),
        };
        assert_eq!(words, Ok(Request::Wrap(wrap)));
    }

    #[test]
    fn every_word_behind_the_command_is_the_commands() {
        wraps(&[b"ls", b"--help"], None, None, &[b"ls", b"--help"]);
        wraps(
            &[b"--target", b"x", b"ls", b"--target", b"y", b"--"],
            Some("x"),
            None,
            &[b"ls", b"--target", b"y", b"--"],
        );
        wraps(&[b"--", b"clear"], None, None, &[b"clear"]);
        wraps(&[b"--", b"status", b"--format"], None, None, &[b"status", b"--format"]);
        wraps(&[b"--domain=-pro", b"--target=t", b"--", b"-c"], Some("t"), Some("-pro"), &[b"-c"]);
        wraps(&[b"--domain", b"-pro", b"--", b"ls"], None, Some("-pro"), &[b"ls"]);
        wraps(&[b"--domain", b"", b"ls", b""], None, None, &[b"ls", b""]);
        wraps(&[b"--target=", b"ls"], None, None, &[b"ls"]);
        wraps(&[b"--domain=--", b"ls"], None, Some("--"), &[b"ls"]);
        wraps(&[b"--target", b"a\nb", b"--", b"ls"], Some("a\nb"), None, &[b"ls"]);
    }

    #[test]
    fn words_that_are_not_utf_8_are_taken_as_they_are() {
        wraps(&[b"ls", b"\xff"], None, None, &[b"ls", b"\xff"]);
        wraps(
            &[b"--target", b"a\xff", b"--", b"b\xfe", b"-x", b"--"],
            Some("a\u{fffd}"),
            None,
            &[b"b\xfe", b"-x", b"--"],
        );
        wraps(&[b"\xfe"], None, None, &[b"\xfe"]);
    }

    #[test]
    fn plain_command_line_means_what_clap_says() {
        let pieces = [
            "--",
            "--target",
            "--target=",
            "--target=x y",
            "--target=a=b",
            "--targ",
            "--domain",
            "--domain=-p",
            "--domain=d,%",
            "ls",
            "-x",
            "a/b",
            "a=b",
            "on",
            "off",
            "status",
            "clear",
            "log",
            "report",
            "init",
            COMPLETE,
            "",
            "é",
            "\u{7f}",
            "help",
            "--help",
        ];
        let plain_ones = std::cell::Cell::new(0);
        let word = proptest::sample::select(Vec::from(pieces));
        let lines = proptest::collection::vec(word, 0..6);
        let config =
            proptest::test_runner::Config { cases: 20_000, failure_persistence: None, ..Default::default() };
        let mut runner = proptest::test_runner::TestRunner::new(config);
        let done = runner.run(&lines, |words| {
            let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
            if let Some(wrap) = plain_wrap(&words) {
                plain_ones.set(plain_ones.get() + 1);
                let by_clap =
                    matches(words.iter().cloned()).ok().and_then(|matches| request(&matches, &[]).ok());
                proptest::prop_assert_eq!(by_clap, Some(Request::Wrap(wrap)));
            }
            Ok(())
        });
        done.unwrap();
        assert!(plain_ones.get() > 2000);
    }

    #[test]
    fn a_mistyped_flag_is_refused_and_never_run() {
        #[track_caller]
        fn case(words: &[&[u8]], part: &str) {
            let line = parsed(words).unwrap_err();
            assert!(line.contains(part), "{line}");
            let of = words.first().and_then(|word| str::from_utf8(word).ok()).unwrap_or_default();
            let of = if SUBCOMMANDS.contains(&of) { format!("{of} ") } else { String::new() };
            assert!(line.ends_with(&format!("; see 'tm-run {of}--help'")) && !line.contains('\n'), "{line}");
        }
        case(&[b"--tagret", b"x", b"ls"], "did you mean '--target'?");
        case(&[b"-x", b"ls"], "unexpected argument '-x'");
        case(&[b"--target"], "a value is required");
        case(&[b"--target", b"x"], "no command to run");
        case(&[b"--domain", b"--", b"ls"], "the name is missing");
        case(
            &[b"log", b"--target", b"", b"--duration", b"1", b"--exit-code", b"0"],
            "a name cannot be empty",
        );
        case(
            &[b"log", b"--target", b"a\nb", b"--duration", b"1", b"--exit-code", b"0"],
            "control characters",
        );
        case(
            &[b"log", b"--target", &[b'x'; 1025], b"--duration", b"1", b"--exit-code", b"0"],
            "at most 1024 bytes, this one has 1025",
        );
        case(&[b"--"], "no command to run");
        case(&[b""], "the command to run is empty");
        case(&[b"--target", b"x", b"status"], "write '-- status'");
        case(&[b"on", b"now"], "unexpected argument 'now'");
        case(&[b"log", b"--target", b"x"], "--duration <SECONDS> --exit-code <CODE>");
        case(
            &[b"log", b"--target", b"x", b"--duration", b"nan", b"--exit-code", b"0"],
            "of seconds, 0 or more",
        );
        case(
            &[b"log", b"--target", b"x", b"--duration", b"-5", b"--exit-code", b"0"],
            "of seconds, 0 or more",
        );
        case(
            &[b"log", b"--target", b"x", b"--duration", b"1", b"--exit-code", b"0.5"],
            "it must be a whole number, such as 0",
        );
        case(&[b"report", b"apply"], "(did you mean '--target apply'?)");
        case(&[b"report", b"help"], "(did you mean '--help'?)");
        case(&[b"report", b"--since", b"-7d"], "'-7d' for '--since <WHEN>': it must be like 2026-11-01,");
        case(&[b"report", b"--last", b"1.5"], "it must be a whole number, 1 or more");
        case(&[b"report", b"--width", b"wide"], "it must be a whole number of columns, 40 to 200");
        case(&[b"status", b"--format", b"jsn"], "did you mean 'json'?");
        case(&[b"status", b"--format", b"xml"], "'--format <FORMAT>' [possible values: text, json]; see");
        case(&[b"report", b"--since", b"7x"], "it must be like 2026-11-01");
        case(&[b"report", b"--last", b"0"], "'--last <N>'");
        case(&[b"init"], "<bash|zsh|fish|make|man>");
    }

    #[test]
    fn anklume_and_subcommands_are_named_by_their_words() {
        #[track_caller]
        fn case(line: &str, target: Option<&str>, domain: Option<&str>, record: Record, first: &str) {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            let Ok(Request::Wrap(wrap)) = parsed(&words) else { panic!("{line}: {:?}", parsed(&words)) };
            let found = (wrap.target.as_deref(), wrap.domain.as_deref(), wrap.record);
            assert_eq!((found, wrap.words[0].to_str()), ((target, domain, record), Some(first)), "{line}");
        }
        case("--anklume -- anklume sync", Some("sync"), None, Record::UnlessAroundMake, "anklume");
        case(
            "--anklume -- uv run ank apply domain pro",
            Some("apply-limit"),
            Some("pro"),
            Record::UnlessAroundMake,
            "uv",
        );
        case("--anklume -- anklume init", None, None, Record::No, "anklume");
        case(
            "--subcommands plan,apply -- terraform plan",
            Some("terraform-plan"),
            None,
            Record::Yes,
            "terraform",
        );
        case(
            "--subcommands=plan --domain d terraform plan",
            Some("terraform-plan"),
            Some("d"),
            Record::Yes,
            "terraform",
        );
        case(
            "--target tf --subcommands plan terraform plan",
            Some("tf-plan"),
            None,
            Record::Yes,
            "terraform",
        );
        case("--subcommands plan terraform output", None, None, Record::No, "terraform");
        // An empty name is none.
        let terraform = "--target= --domain= --subcommands plan terraform plan";
        case(terraform, Some("terraform-plan"), None, Record::Yes, "terraform");
        assert_eq!(
            parsed(&[b"--anklume", b"--", b"anklume", b"telemetry", b"status", b"--format", b"json"]),
            Ok(Request::Status(StatusFormat::Json))
        );
        assert!(parsed(&[b"--anklume", b"--", b"anklume", b"telemetry", b"on", b"now"]).is_err());
        assert!(parsed(&[b"--anklume", b"--target", b"x", b"anklume"]).is_err());
        assert!(parsed(&[b"--anklume", b"status"]).unwrap_err().contains("write '-- status'"));
    }

    #[test]
    fn an_event_can_be_given_with_short_flags_and_a_negative_exit_code() {
        let line = LogLine { target: "x".into(), domain: None, duration_seconds: 1.5, exit_code: -2 };
        assert_eq!(
            parsed(&[b"log", b"--targ", b"x", b"--dur", b"1.5", b"--exit", b"-2"]),
            Ok(Request::Log(line))
        );
    }
}

//! What reading a log costs: `cargo bench --bench report`.
//!
//! Logs that look like real ones are generated (the same ones each time, below the target directory, and deleted
//! afterwards), and each round reads a log once with every peer, so that whatever else the machine does meets all
//! of them alike. `tm-run report` is the whole default report, exact percentiles, trends and findings included;
//! DuckDB computes count, failures, mean, median and p95 of each target and is told which columns there are; jq
//! does the same as DuckDB; `wc -l` is the least that reading takes. The file is in the page cache.
//!
//! Peak memory is the kernel's (`ru_maxrss`, getrusage(2)), CPU is user and system time of all threads. Ratios are
//! what matters: milliseconds do not carry over to other machines.
//!
//! - `ROUNDS=7`: rounds for each log; small logs get twenty times as many.
//! - `SIZES=1,10`: sizes of logs in millions of lines; `SIZES=1,10,50` needs 6 GB of disk, and of page cache, too.
//! - A peer that is not installed is left out and named. DuckDB is the command `duckdb`, or else the first `python3`
//!   on PATH that has the module, whose start-up then counts (a tenth of a second).

#![expect(clippy::print_stdout, reason = "a benchmark is there to be read")]

mod common;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use common::{Folder, found, median};
use fastrand::Rng;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// The first word of the command line when the benchmark starts itself to start a peer: what the kernel counts of
/// children can only be read once they have ended, and of all of them together.
const ONE: &str = "--measure-one";

const MILLION: u64 = 1_000_000;

/// A year of somebody busy.
const YEAR: u64 = 20_000;

fn main() {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if words.first().is_some_and(|word| word == ONE) {
        println!("{}", measured(&words[1..]));
        return;
    }
    let rounds = std::env::var("ROUNDS").map_or(7, |text| text.parse().expect("ROUNDS is a number"));
    let sizes = std::env::var("SIZES").unwrap_or_else(|_| "1,10".into());
    let sizes: Vec<u64> = sizes
        .split([',', ' '])
        .filter(|text| !text.is_empty())
        .map(|text| text.parse().expect("SIZES are numbers"))
        .collect();
    let tools = Tools::look();
    let folder = Folder::new("bench-report");

    let mut small = vec![Log::new(Layout::Canonical, 1), Log::new(Layout::Canonical, YEAR)];
    for log in &mut small {
        compare(log, rounds * 20, &tools, folder.path());
    }
    let mut large: Vec<Log> =
        sizes.iter().map(|millions| Log::new(Layout::Canonical, millions * MILLION)).collect();
    for log in &mut large {
        compare(log, rounds, &tools, folder.path());
    }
    if let Some(&millions) = sizes.iter().filter(|&&millions| millions <= 10).max() {
        for layout in [Layout::Python, Layout::PythonUnrounded] {
            compare(&mut Log::new(layout, millions * MILLION), rounds, &tools, folder.path());
        }
    }
    tell_growth(&large);
}

/* ---- logs ---- */

#[derive(Clone, Copy)]
enum Layout {
    /// As tm-run writes it.
    Canonical,
    /// `json.dumps` of a dictionary with an `isoformat()` of six fractional digits and a rounded duration.
    Python,
    /// The same with a duration as the clock gave it.
    PythonUnrounded,
}

struct Log {
    layout: Layout,
    lines: u64,
    /// Of its file, once there was one.
    bytes: u64,
    /// Medians of `tm-run report`.
    report: Option<Sample>,
}

impl Log {
    fn new(layout: Layout, lines: u64) -> Self {
        Self { layout, lines, bytes: 0, report: None }
    }

    fn name(&self) -> String {
        let lines = match self.lines {
            1 => "1 line".to_owned(),
            lines if lines < MILLION => format!("{lines} lines"),
            lines => format!("{} M lines", lines / MILLION),
        };
        match self.layout {
            Layout::Canonical => lines,
            Layout::Python => format!("{lines} in Python's layout"),
            Layout::PythonUnrounded => format!("{lines} in Python's layout, durations of all digits"),
        }
    }

    /// Five years, twenty targets of which some are much more frequent than others, one run in twenty fails.
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        const TARGETS: [(&str, u32); 20] = [
            ("apply", 9_000),
            ("sync", 800),
            ("lint", 12_000),
            ("test", 95_000),
            ("build", 40_000),
            ("apply-infra", 60_000),
            ("deploy", 150_000),
            ("format", 300),
            ("apply-provision", 210_000),
            ("test-generator", 20_000),
            ("check", 5_000),
            ("backup", 600_000),
            ("docs", 7_500),
            ("restore-snapshot", 33_000),
            ("apply-limit", 8_000),
            ("console", 1_500_000),
            ("ansible-playbook-of-the-whole-site", 900_000),
            ("status", 250),
            ("doctor", 2_500),
            ("flush", 4_000),
        ];
        const DOMAINS: [&str; 6] = ["pro", "lab", "perso", "homelab-2", "customer-with-a-long-name", "dmz"];
        const CODES: [i32; 40] = {
            let mut codes = [0; 40];
            (codes[7], codes[19], codes[33]) = (2, 1, 130);
            codes
        };
        const FIVE_YEARS: u64 = 5 * 365 * 86_400 * MILLION;
        // 2026-11-24T00:00:00Z.
        const END: u64 = 1_795_478_400 * MILLION;
        let rng = &mut Rng::with_seed(self.lines);
        for line in 0..self.lines {
            let step = FIVE_YEARS / self.lines;
            let micros = END - FIVE_YEARS + step * line + rng.u64(..step);
            let at = i64::try_from(micros).ok().and_then(DateTime::<Utc>::from_timestamp_micros);
            let at = at.expect("a moment of the last years");
            // The least of two: the first ones are more frequent.
            let place = rng.u64(..20).min(rng.u64(..20));
            let (target, usual) = TARGETS[usize::try_from(place).expect("below twenty")];
            // From half to twice the usual, mostly around it.
            let spread: u64 = (0..4).map(|_| rng.u64(..375)).sum();
            let micros = u64::from(usual) * (500 + spread) + rng.u64(..1000);
            let code = CODES[usize::try_from(rng.u64(..40)).expect("below forty")];
            write!(
                out,
                "{{\"timestamp\": \"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
                at.year(),
                at.month(),
                at.day(),
                at.hour(),
                at.minute(),
                at.second()
            )?;
            if !matches!(self.layout, Layout::Canonical) {
                write!(out, ".{:06}", at.timestamp_subsec_micros())?;
            }
            write!(out, "+00:00\", \"target\": \"{target}\", \"domain\": ")?;
            match DOMAINS.get(usize::try_from(rng.u64(..12)).expect("below twelve")) {
                Some(domain) => write!(out, "\"{domain}\"")?,
                None => write!(out, "null")?,
            }
            #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
            let seconds = match self.layout {
                Layout::Canonical | Layout::Python => (micros / 1000) as f64 / 1000.0,
                // A difference of two readings of a clock.
                Layout::PythonUnrounded => {
                    let start = line as f64 * 0.1 + 1e4 / 3.0;
                    (start + micros as f64 / 1e6) - start
                }
            };
            writeln!(out, ", \"duration_seconds\": {seconds:?}, \"exit_code\": {code}}}")?;
        }
        Ok(())
    }

    fn write_to(&mut self, path: &Path) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        self.write(&mut out)?;
        let file = out.into_inner()?;
        // Nothing is being written back while the peers read.
        file.sync_all()?;
        self.bytes = file.metadata()?.len();
        Ok(())
    }
}

/* ---- peers ---- */

struct Tools {
    wc: PathBuf,
    jq: Option<PathBuf>,
    duckdb: Option<Vec<OsString>>,
}

impl Tools {
    fn look() -> Self {
        let duckdb = || {
            if let Some(program) = found("duckdb") {
                return Some(vec![program.into(), "-c".into()]);
            }
            let code = "import sys, duckdb; print(duckdb.sql(sys.argv[1]).fetchall())";
            Some(vec![python_with_duckdb()?.into(), "-c".into(), code.into()])
        };
        let tools = Self { wc: found("wc").expect("wc(1)"), jq: found("jq"), duckdb: duckdb() };
        for (name, is_there) in [("jq", tools.jq.is_some()), ("DuckDB", tools.duckdb.is_some())] {
            if !is_there {
                println!("{name}: not installed, left out");
            }
        }
        tools
    }

    /// The commands that read this log.
    fn peers(&self, log: &Log, path: &Path) -> Vec<(&'static str, Vec<OsString>)> {
        /// Beyond, jq takes minutes.
        const MOST_FOR_JQ: u64 = 100_000;
        const JQ: &str = "def at(f): (length - 1) * f as $x | ($x | floor) as $i
            | .[$i] + ($x - $i) * (.[$i + 1] // .[$i]) - ($x - $i) * .[$i];
            group_by(.target)[] | (map(.duration_seconds) | sort) as $sorted
            | [.[0].target, length, (map(select(.exit_code != 0)) | length), ($sorted | add) / length,
               ($sorted | at(0.5)), ($sorted | at(0.95))]";
        let tm_run = || OsString::from(env!("CARGO_BIN_EXE_tm-run"));
        let file = || path.as_os_str().to_owned();
        let mut peers = vec![
            ("wc -l", vec![self.wc.clone().into(), "-l".into(), file()]),
            ("tm-run report", vec![tm_run(), "report".into(), "--log".into(), file()]),
            ("tm-run status", vec![tm_run(), "status".into()]),
        ];
        if let Some(words) = &self.duckdb {
            let query = format!(
                "SELECT target, count(*), count(*) FILTER (exit_code <> 0), avg(duration_seconds), \
                 median(duration_seconds), quantile_cont(duration_seconds, 0.95) FROM read_ndjson('{}', \
                 columns = {{target: 'VARCHAR', duration_seconds: 'DOUBLE', exit_code: 'BIGINT'}}) GROUP BY target",
                path.display()
            );
            peers.push(("DuckDB", words.iter().cloned().chain([query.into()]).collect()));
        }
        if let Some(jq) = self.jq.as_ref().filter(|_| log.lines <= MOST_FOR_JQ) {
            peers.push(("jq", vec![jq.into(), "-c".into(), "-s".into(), JQ.into(), file()]));
        }
        peers
    }
}

fn python_with_duckdb() -> Option<PathBuf> {
    let can_import = |python: &PathBuf| {
        let status = Command::new(python).args(["-c", "import duckdb"]).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join("python3")).find(can_import)
}

/* ---- measuring ---- */

#[derive(Clone, Copy)]
struct Sample {
    wall_ms: f64,
    cpu_ms: f64,
    peak_mib: f64,
}

/// What one command took, as text for [`Sample::of`].
fn measured(words: &[OsString]) -> String {
    let begin = Instant::now();
    let status = Command::new(&words[0]).args(&words[1..]).stdout(Stdio::null()).status().expect("a spawn");
    let wall = begin.elapsed().as_secs_f64() * 1e3;
    assert!(status.success(), "{words:?}: {status}");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("what the child used");
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    // In KiB. At least what this process has, whose memory the child shares until it becomes the command.
    format!("{wall} {micros} {}", usage.max_rss())
}

impl Sample {
    fn of(words: &[OsString], home: &Path) -> Self {
        let own = std::env::current_exe().expect("our own path");
        let mut command = Command::new(own);
        command.arg(ONE).args(words).env("HOME", home).stdin(Stdio::null());
        let output = command.output().expect("ourselves again");
        let said = || String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}", said());
        let text = String::from_utf8_lossy(&output.stdout);
        let numbers: Vec<f64> =
            text.split_whitespace().map(|number| number.parse().expect("a number")).collect();
        let [wall_ms, micros, kib] = numbers[..] else { panic!("{text}") };
        Self { wall_ms, cpu_ms: micros / 1e3, peak_mib: kib / 1024.0 }
    }

    fn medians(samples: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(samples.iter().map(figure).collect());
        Self {
            wall_ms: of(|sample| sample.wall_ms),
            cpu_ms: of(|sample| sample.cpu_ms),
            peak_mib: of(|sample| sample.peak_mib),
        }
    }
}

fn compare(log: &mut Log, rounds: usize, tools: &Tools, folder: &Path) {
    let home = folder.join("home");
    let path = home.join(".anklume/telemetry/usage.jsonl");
    let telemetry = path.parent().expect("a directory above it");
    fs::create_dir_all(telemetry).expect("a home");
    log.write_to(&path).expect("room for a log");

    let peers = tools.peers(log, &path);
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); peers.len()];
    for _ in 0..rounds {
        for ((_, words), samples) in peers.iter().zip(&mut samples) {
            samples.push(Sample::of(words, &home));
        }
    }
    fs::remove_file(&path).expect("the log goes");

    let medians: Vec<Sample> = samples.iter().map(|samples| Sample::medians(samples)).collect();
    let of = |name: &str| peers.iter().position(|(peer, _)| *peer == name).map(|place| medians[place]);
    log.report = of("tm-run report");
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    let (lines, bytes) = (log.lines as f64, log.bytes as f64);
    println!(
        "\n{}, {:.1} MB ({:.1} bytes a line), {rounds} rounds, medians:\n",
        log.name(),
        bytes / 1e6,
        bytes / lines
    );
    println!(
        "{:<14} {:>10} {:>10} {:>9} {:>9} {:>11} {:>11} {:>9} {:>9} {:>9}",
        "", "wall ms", "CPU ms", "ns/line", "× wc", "× wc (CPU)", "× DuckDB", "(CPU)", "× jq", "peak MiB"
    );
    let ratio =
        |value: f64, other: Option<f64>| other.map_or("-".into(), |other| format!("{:.3}", value / other));
    for ((name, _), sample) in peers.iter().zip(&medians) {
        println!(
            "{name:<14} {:>10.2} {:>10.2} {:>9.1} {:>9} {:>11} {:>11} {:>9} {:>9} {:>9.1}",
            sample.wall_ms,
            sample.cpu_ms,
            sample.wall_ms * 1e6 / lines,
            ratio(sample.wall_ms, of("wc -l").map(|wc| wc.wall_ms)),
            ratio(sample.cpu_ms, of("wc -l").map(|wc| wc.cpu_ms)),
            ratio(sample.wall_ms, of("DuckDB").map(|duckdb| duckdb.wall_ms)),
            ratio(sample.cpu_ms, of("DuckDB").map(|duckdb| duckdb.cpu_ms)),
            ratio(sample.wall_ms, of("jq").map(|jq| jq.wall_ms)),
            sample.peak_mib,
        );
    }
    if let Some(report) = log.report.filter(|_| log.lines >= MILLION) {
        // A program has some memory of its own.
        let of_an_event = (report.peak_mib - 3.0) * f64::from(1 << 20) / lines;
        println!("\ntm-run report holds 3 MiB and {of_an_event:.1} bytes an event");
    }
}

/// Twice the lines should cost twice as much.
#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
fn tell_growth(logs: &[Log]) {
    for pair in logs.windows(2) {
        let [few, many] = pair else { continue };
        if let (Some(less), Some(more)) = (few.report, many.report) {
            let lines = many.lines as f64 / few.lines as f64;
            println!(
                "\nfrom {} to {} ({lines:.1} times): wall {:.2} times, CPU {:.2} times, memory {:.2} times",
                few.name(),
                many.name(),
                more.wall_ms / less.wall_ms,
                more.cpu_ms / less.cpu_ms,
                more.peak_mib / less.peak_mib
            );
        }
    }
}

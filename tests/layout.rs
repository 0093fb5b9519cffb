//! The rooms of the house, and which may name which: see the drawing in `src/README.md`. A rule that only
//! prose keeps is soon no rule.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{Case, once};

pub fn cases() -> Vec<Case> {
    once![
        visible_top_level_is_six_entries,
        import_of_a_forbidden_room_is_absent,
        import_of_a_forbidden_sibling_in_report_is_absent,
        unsafe_code_is_in_sys_only,
        import_lists_are_parsed,
        import_of_a_forbidden_sibling_is_detected
    ]
}

/// A room, and the rooms that it may name beside itself.
const ROOMS: &[(&str, &[&str])] = &[
    // The library's crate is named from main.
    ("main", &[]),
    // Beside what it runs, it hands to the fuzz target what that drives.
    ("lib", &["cli", "commands", "event", "report", "store", "sys"]),
    // The options of a report are the report's own.
    ("cli", &["invocation", "report"]),
    ("invocation", &[]),
    ("completion", &["cli", "invocation"]),
    ("commands", &["cli", "invocation", "completion", "run", "store", "report", "event", "units", "sys"]),
    ("run", &["sys", "units"]),
    ("store", &["event", "units", "sys"]),
    ("report", &["event", "units"]),
    ("event", &["units"]),
    ("units", &[]),
    ("sys", &["units"]),
];

/// A file (or folder) in `src/report/`, and those beside it that it may name: no two may name each other.
const REPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("baseline", &[]),
    ("calendar", &[]),
    ("parallel", &[]),
    ("statistics", &[]),
    ("findings", &["model", "statistics"]),
    ("tally", &["calendar", "model", "parallel", "statistics"]),
    ("durations", &["model", "statistics", "tally"]),
    ("estimate", &["durations", "model", "statistics"]),
    (
        "grouping",
        &["baseline", "calendar", "durations", "findings", "model", "parallel", "statistics", "tally"],
    ),
    ("compare", &["findings", "grouping", "model", "statistics"]),
    ("summary", &["baseline", "calendar", "grouping", "model", "parallel", "statistics", "tally"]),
    ("render", &["grouping", "model", "statistics", "summary"]),
];

/// What a visitor sees first stays small; all else is below these, or hidden. Cargo's own folder is not in the repository.
fn visible_top_level_is_six_entries() {
    let entries = fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the repository can be read");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    names.sort();
    assert_eq!(names, ["Cargo.lock", "Cargo.toml", "README.md", "shell", "src", "tests"]);
}

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("src can be read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&src, &mut found);
    found.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let inside = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source can be read");
        (path.strip_prefix(&src).expect("inside").to_owned(), text)
    };
    found.into_iter().map(inside).collect()
}

/// `run/plan.rs` and `run.rs` are in the room `run`.
fn room(path: &Path) -> String {
    let first = path.iter().next().expect("a path").to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The line without what a comment or a text says.
fn code(line: &str) -> String {
    let mut kept = String::new();
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quoted => {
                letters.next();
            }
            '"' => quoted = !quoted,
            '/' if !quoted && letters.peek() == Some(&'/') => break,
            _ if !quoted => kept.push(letter),
            _ => {}
        }
    }
    kept
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| !word.is_empty())
}

/// The rooms that a source names by a path that begins with `crate::`, `{a, b}` behind it included.
fn named(text: &str) -> Vec<String> {
    named_behind("crate::", text)
}

/// The first words of all paths that begin so, `{a, b}` behind it included.
fn named_behind(prefix: &str, text: &str) -> Vec<String> {
    let code: String = text.lines().map(|line| code(line) + "\n").collect();
    let mut found = Vec::new();
    for (at, begin) in code.match_indices(prefix) {
        let rest = &code[at + begin.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut item = String::new();
            for letter in group.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.extend(words(&std::mem::take(&mut item)).next().map(str::to_owned));
                    }
                    _ if depth == 0 => item.push(letter),
                    _ => {}
                }
            }
            found.extend(words(&item).next().map(str::to_owned));
        } else {
            found.extend(words(rest).next().map(str::to_owned));
        }
    }
    found
}

fn import_of_a_forbidden_room_is_absent() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let room = room(&path);
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{}: no such room in the table", path.display()));
            continue;
        };
        for name in named(&text) {
            let is_room = ROOMS.iter().any(|(other, _)| *other == name);
            if is_room && name != room && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}: {room} may not name {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a file of `src/report/` names beside itself and may not.
fn forbidden_siblings(path: &Path, text: &str) -> Vec<String> {
    let inside = path.strip_prefix("report").expect("a file of the report");
    let sibling = room(inside);
    // `mod.rs` only lists the others.
    if sibling == "mod" {
        return Vec::new();
    }
    let Some((_, allowed)) = REPORT.iter().find(|(name, _)| *name == sibling) else {
        return vec![format!("{}: no such file in the table", path.display())];
    };
    let depth = inside.iter().count() - usize::from(inside.ends_with("mod.rs"));
    let mut names = named_behind("crate::report::", text);
    names.extend(named_behind(&"super::".repeat(depth), text));
    let is_forbidden = |name: &String| {
        REPORT.iter().any(|(other, _)| other == name) && *name != sibling && !allowed.contains(&name.as_str())
    };
    let forbidden = names.into_iter().filter(is_forbidden);
    forbidden.map(|name| format!("{}: {sibling} may not name {name}", path.display())).collect()
}

fn import_of_a_forbidden_sibling_in_report_is_absent() {
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|(path, _)| path.starts_with("report"))
        .flat_map(|(path, text)| forbidden_siblings(path, text))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (at, (name, allowed)) in REPORT.iter().enumerate() {
        let earlier = |other: &&str| REPORT[..at].iter().any(|(name, _)| name == other);
        assert!(allowed.iter().all(earlier), "{name} names one that stands behind it");
    }
}

/// The reader above finds a wrong one, by whatever path it is named.
fn import_of_a_forbidden_sibling_is_detected() {
    #[track_caller]
    fn case(path: &str, text: &str, forbidden: &[&str]) {
        let found = forbidden_siblings(Path::new(path), text);
        let expected: Vec<String> = forbidden.iter().map(|wrong| format!("{path}: {wrong}")).collect();
        assert_eq!(found, expected);
    }
    case("report/findings.rs", "use super::model::Change;", &[]);
    case("report/findings.rs", "use super::grouping::Groups;", &["findings may not name grouping"]);
    case(
        "report/model.rs",
        "use crate::report::{summary, calendar::Hour};",
        &["model may not name summary", "model may not name calendar"],
    );
    case(
        "report/tally.rs",
        "// use super::summary;\nlet a = super::summary::of;",
        &["tally may not name summary"],
    );
    case("report/render/mod.rs", "use super::tally::Tally;", &["render may not name tally"]);
    case(
        "report/render/html/svg.rs",
        "use super::super::super::findings;",
        &["render may not name findings"],
    );
    case("report/render/html/svg.rs", "use super::super::{text, json}; use crate::report::model::Bin;", &[]);
    case("report/other.rs", "", &["no such file in the table"]);
}

fn unsafe_code_is_in_sys_only() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if path.starts_with("sys") || path == Path::new("main.rs") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            if words(&code(line)).any(|word| word == "unsafe") {
                wrong.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The reader above reads what it is meant to read.
fn import_lists_are_parsed() {
    assert_eq!(
        named(
            "use crate::{event::{Event, X}, units};\n// crate::run\nlet a = crate::sys::x(\"crate::cli\");"
        ),
        ["event", "units", "sys"]
    );
    assert_eq!(words(&code("let a = \"unsafe\"; // unsafe")).collect::<Vec<_>>(), ["let", "a"]);
    assert_eq!(room(Path::new("report/render/text.rs")), "report");
}

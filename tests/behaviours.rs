//! What the documents say of the tests. The table of behaviours in `tests/README.md` and the ids that doc comments of
//! tests cite must agree, and the files that the README names must exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{Case, once};

pub fn cases() -> Vec<Case> {
    once![
        table_and_citations_agree,
        citations_are_parsed,
        table_rows_are_parsed,
        readme_names_test_files_that_exist,
    ]
}

/// Ids, and the names of their tests without the way.
type Tests = BTreeMap<String, BTreeSet<String>>;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Two letters, or F and a dash, and two digits.
fn is_id(word: &str) -> bool {
    let (area, digits) = word.split_at_checked(2).unwrap_or_default();
    digits.len() == 2
        && (area == "F-" || area.bytes().all(|byte| byte.is_ascii_uppercase()))
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The ids in a line; `to` between two of them means all between, too.
fn ids(line: &str) -> Vec<String> {
    let words = line
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-')
        .filter(|word| !word.is_empty());
    let mut ids: Vec<String> = Vec::new();
    let mut is_range = false;
    for word in words {
        if is_id(word) {
            let number = |id: &str| id[2..].parse::<u32>().expect("two digits");
            let first = match ids.last() {
                Some(last) if is_range => number(last) + 1,
                _ => number(word),
            };
            ids.extend((first..=number(word)).map(|number| format!("{}{number:02}", &word[..2])));
        }
        is_range = word == "to";
    }
    ids
}

/// What the doc comments of a source cite, for the function that follows.
fn citations(module: &str, source: &str) -> Tests {
    let mut tests = Tests::new();
    let mut cited = Vec::new();
    for line in source.lines() {
        if let Some(comment) = line.strip_prefix("/// ") {
            cited.extend(ids(comment));
        } else if let Some(rest) = line.strip_prefix("fn ") {
            let name = rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next();
            let name = format!("{module}::{}", name.unwrap_or_default());
            for id in cited.drain(..) {
                tests.entry(id).or_default().insert(name.clone());
            }
        }
    }
    tests
}

/// The rows of the table. Those without a test have a reason instead.
fn rows(text: &str) -> Tests {
    let mut rows = Tests::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.trim_start_matches("| ").trim_end_matches(" |").split(" | ").collect();
        let [id, behaviour, tests] = cells[..] else { continue };
        if !is_id(id) {
            continue;
        }
        assert!(behaviour.len() > 3, "{line}");
        let names = match tests.strip_prefix("none: ") {
            Some(reason) => {
                assert!(!reason.is_empty(), "{line}");
                BTreeSet::new()
            }
            None => tests.split(", ").map(|name| name.trim_matches('`').to_owned()).collect(),
        };
        assert!(rows.insert(id.to_owned(), names).is_none(), "{id} is there twice");
    }
    rows
}

/// Rust sources below a directory, with their modules.
pub fn sources(directory: &Path, module: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let name = if module.is_empty() { stem.clone() } else { format!("{module}::{stem}") };
        if path.is_dir() {
            sources(&path, &name, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let module = if stem == "mod" { module.to_owned() } else { name };
            found.push((module, fs::read_to_string(&path).expect("a source")));
        }
    }
}

fn table_and_citations_agree() {
    let mut found = Vec::new();
    sources(&directory(), "", &mut found);
    let mut cited = Tests::new();
    for (module, source) in found {
        for (id, names) in citations(&module, &source) {
            cited.entry(id).or_default().extend(names);
        }
    }
    let mut rows = rows(&fs::read_to_string(directory().join("README.md")).expect("the table"));
    let cases = crate::all();
    for names in rows.values() {
        for name in names {
            let is_case = |case: &Case| {
                case.name.strip_prefix(name).is_some_and(|way| way.is_empty() || way.starts_with("::"))
            };
            assert!(cases.iter().any(is_case), "there is no test {name}");
        }
    }
    rows.retain(|id, names| !names.is_empty() || cited.contains_key(id));
    for id in rows.keys().chain(cited.keys()) {
        assert_eq!(rows.get(id), cited.get(id), "{id}: the table, and what tests cite");
    }
    assert!(rows.len() > 150, "{} rows", rows.len());
}

fn citations_are_parsed() {
    let source = "/// AB01, AB03 to AB05 and F-10\n/// but not UTF-8 or AB1.\nfn one() {}\nfn two() {}\n/// AB01\nfn three() {}\n";
    let expected = [
        ("AB01", &["m::one", "m::three"][..]),
        ("AB03", &["m::one"]),
        ("AB04", &["m::one"]),
        ("AB05", &["m::one"]),
        ("F-10", &["m::one"]),
    ];
    let expected =
        expected.map(|(id, names)| (id.to_owned(), names.iter().map(ToString::to_string).collect()));
    assert_eq!(citations("m", source), Tests::from(expected));
}

fn table_rows_are_parsed() {
    let table = "| id | behaviour | test |\n|---|---|---|\n| AB01 | `a \\| b` works | `x::one`, `y::two` |\n| AB02 | does not | none: a limit |\n";
    let expected = [("AB01", &["x::one", "y::two"][..]), ("AB02", &[])];
    let expected =
        expected.map(|(id, names)| (id.to_owned(), names.iter().map(ToString::to_string).collect()));
    assert_eq!(rows(table), Tests::from(expected));
}

/// In the table of promises, whose last column names files below `tests`, or elsewhere in the repository.
fn readme_names_test_files_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("the README");
    let (_, section) = readme.split_once("\n## What tm-run promises").expect("the section of the promises");
    let (section, _) = section.split_once("\n## ").expect("another section");
    let mut count = 0;
    for row in section.lines().filter(|line| line.starts_with("| ")) {
        let files = row.trim_end_matches(" |").rsplit(" | ").next().expect("a last column");
        let quoted = files.split('`').skip(1).step_by(2);
        // Others are commands or names of files that are no tests.
        let is_test =
            |name: &&str| Path::new(name).extension().is_some_and(|end| end == "rs") || name.ends_with('/');
        for file in quoted.filter(is_test).filter(|name| *name != "tests/") {
            assert!(directory().join(file).exists() || root.join(file).exists(), "{file}: {row}");
            count += 1;
        }
    }
    assert!(count > 10, "{count} files");
}

//! `__complete`: answers the shells' question what may stand at the cursor.
//!
//! The first line says where else to look: `nothing`, `files`, or `command N` for a command line of its own that begins
//! with the word of that index. Each line behind it is a candidate; for zsh and fish with its help behind a tab.

use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::sync::atomic::AtomicU64;

use super::env;
use crate::cli::{Complete, Shell};
use crate::completion::{self, Candidate, Completion, Source};
use crate::store::OpenMode;
use crate::store::read;

/// So much of the log is looked at, from its end: a Tab waits for it.
const NEWEST_BYTES: u64 = 16 << 20;

/// # Errors
/// As write(2). A log that cannot be read is no reason to complain.
pub fn run(asked: &Complete, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut words = asked.words.iter().map(|word| word.to_string_lossy().into_owned());
    let (completion, lines) = match asked.shell {
        Shell::Bash => {
            let (line, breaks) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let (words, places) = joined(&line, words);
            let mut completion = completed(&words);
            let lines = bash_replies(words.last().map_or("", String::as_str), &completion, &breaks);
            if let Source::Command(at) = &mut completion.source {
                *at = places.get(*at).copied().unwrap_or_default();
            }
            (completion, lines)
        }
        Shell::Zsh => {
            let completion = completed(&words.collect::<Vec<_>>());
            let lines = completion.candidates.iter().map(|candidate| with_help("", candidate)).collect();
            (completion, lines)
        }
        Shell::Fish => {
            let completion = completed(&words.collect::<Vec<_>>());
            let line = |candidate| with_help(&completion.prefix, candidate);
            let lines: Vec<String> = completion.candidates.iter().map(line).collect();
            (completion, lines)
        }
    };
    match completion.source {
        Source::Files => writeln!(out, "files")?,
        Source::Command(at) => writeln!(out, "command {at}")?,
        Source::Nothing | Source::Targets | Source::Domains => writeln!(out, "nothing")?,
    }
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn with_help(prefix: &str, candidate: &Candidate) -> String {
    let Candidate { text, help } = candidate;
    if help.is_empty() { format!("{prefix}{text}") } else { format!("{prefix}{text}\t{help}") }
}

fn completed(words: &[String]) -> Completion {
    let mut completion = completion::complete(words);
    if matches!(completion.source, Source::Targets | Source::Domains) {
        let candidate = |text: String| Candidate { text, help: String::new() };
        completion.candidates.extend(recorded(completion.source).into_iter().map(candidate));
    }
    completion
}

/// The names in the newest part of the user's log, sorted.
fn recorded(source: Source) -> Vec<String> {
    let open = || {
        let mut log = env::store()?.open_log(OpenMode::Read).ok()?;
        let length = log.metadata().ok()?.len();
        log.seek(SeekFrom::Start(length.saturating_sub(NEWEST_BYTES))).ok()?;
        // It may grow meanwhile.
        let newest = read::Source::Stream(Box::new(log.take(NEWEST_BYTES)));
        read::read(vec![newest], &AtomicU64::new(0)).ok()
    };
    let Some(table) = open() else { return Vec::new() };
    let names = if source == Source::Targets { table.targets } else { table.domains };
    // Nobody's terminal is to be driven by a name in a file.
    let is_shown = |name: &&str| !name.is_empty() && !name.chars().any(char::is_control);
    let mut names: Vec<String> =
        names.iter().map(AsRef::as_ref).filter(is_shown).map(str::to_owned).collect();
    names.sort_unstable();
    names
}

/// Puts together what bash splits at `=` and `:`, up to the end of the line, which is the cursor. Returns the words
/// and, for each, the index of its first part.
fn joined(line: &str, parts: impl Iterator<Item = String>) -> (Vec<String>, Vec<usize>) {
    let (mut words, mut places) = (Vec::<String>::new(), Vec::new());
    let mut line = line;
    for (place, part) in parts.enumerate() {
        let rest = line.trim_start();
        // The part at the cursor may go on behind it.
        let part = if rest.starts_with(&part) { &part } else { rest };
        match words.last_mut() {
            Some(word) if rest.len() == line.len() => word.push_str(part),
            _ => {
                words.push(part.to_owned());
                places.push(place);
            }
        }
        line = &rest[part.len()..];
    }
    (words, places)
}

/// The candidates that go on from the word, as readline is to insert them: quoted as the word is, and without what
/// readline takes for a word of its own, up to the last of the `breaks`.
fn bash_replies(word: &str, completion: &Completion, breaks: &str) -> Vec<String> {
    let Completion { prefix, candidates, .. } = completion;
    let typed = word.strip_prefix(prefix.as_str()).unwrap_or_default();
    let texts = candidates.iter().map(|candidate| candidate.text.as_str());
    if let Some(quote) = typed.chars().next().filter(|first| matches!(first, '"' | '\'')) {
        // What ends the quotes, or means something within them, cannot be inserted.
        let special: &[char] = if quote == '"' { &['"', '$', '`', '\\', '!'] } else { &['\''] };
        let prefix = if breaks.contains('=') { "" } else { prefix };
        return texts
            .filter(|text| text.starts_with(&typed[1..]) && !text.contains(special))
            .map(|text| format!("{prefix}{text}"))
            .collect();
    }
    let is_break = |c: char| matches!(c, '=' | ':') && breaks.contains(c);
    let cut = word.rfind(is_break).map_or(0, |at| at + 1);
    texts
        .map(bash_quoted)
        .filter(|quoted| quoted.starts_with(typed))
        .filter_map(|quoted| format!("{prefix}{quoted}").get(cut..).map(str::to_owned))
        .collect()
}

/// As bash's `printf %q` does it for text without control characters.
fn bash_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let is_special = " !\"$&'()*,;<>?[\\]^`{|}".contains(c) || (at == 0 && "#~".contains(c));
        if is_special {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_bash_has_split_are_put_together_up_to_the_cursor() {
        #[track_caller]
        fn case(line: &str, parts: &[&str], words: &[&str], places: &[usize]) {
            let found = joined(line, parts.iter().map(|part| (*part).to_owned()));
            assert_eq!(found, (words.iter().map(|&word| word.into()).collect(), places.to_vec()), "{line}");
        }
        case("tm-run  re", &["tm-run", "re"], &["tm-run", "re"], &[0, 1]);
        case("tm-run ", &["tm-run", ""], &["tm-run", ""], &[0, 1]);
        case("tm-run --by=", &["tm-run", "--by", "="], &["tm-run", "--by="], &[0, 1]);
        case(
            "tm-run --domain=x:y git ch",
            &["tm-run", "--domain", "=", "x", ":", "y", "git", "ch"],
            &["tm-run", "--domain=x:y", "git", "ch"],
            &[0, 1, 6, 7],
        );
        case("tm-run rep", &["tm-run", "report"], &["tm-run", "rep"], &[0, 1]);
        case("tm-run 'a b", &["tm-run", "'a b"], &["tm-run", "'a b"], &[0, 1]);
    }

    #[test]
    fn replies_for_bash_are_quoted_as_the_word_is() {
        #[track_caller]
        fn case(word: &str, prefix: &str, texts: &[&str], expected: &[&str]) {
            let candidates = texts.iter().map(|&text| Candidate { text: text.into(), help: String::new() });
            let completion = Completion {
                prefix: prefix.into(),
                candidates: candidates.collect(),
                source: Source::Nothing,
            };
            assert_eq!(bash_replies(word, &completion, " =:"), expected, "{word}");
        }
        case("ap", "", &["apply", "build"], &["apply"]);
        case("", "", &["a b", "#x", "a#b", "~", "é"], &["a\\ b", "\\#x", "a#b", "\\~", "é"]);
        case("a\\ ", "", &["a b"], &["a\\ b"]);
        case("--by=t", "--by=", &["target", "domain"], &["target"]);
        case("x:", "", &["x:y=z"], &["y=z"]);
        case("--domain=x:y", "--domain=", &["x:y=z"], &["y=z"]);
        case("'a ", "", &["a b", "a 'c"], &["a b"]);
        case("--target=\"a", "--target=", &["a b", "a$b"], &["a b"]);
    }
}

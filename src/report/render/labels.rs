//! Labels for names that are wider than their column, none like another.

use std::collections::{BTreeMap, BTreeSet};

use unicode_width::UnicodeWidthStr as _;

use super::term::{ellipsis, ellipsize_middle, prefix, suffix};

/// The names in at most `width` columns each, all of them different. Where names begin or end alike, that part is
/// elided first; what is still alike gets a number.
pub fn distinct_labels(names: &[String], width: usize, ascii: bool) -> Vec<String> {
    let all: Vec<usize> = (0..names.len()).collect();
    let mut labels = vec![String::new(); names.len()];
    let fits = |at: &usize| names[*at].width() <= width;
    let (short, long): (Vec<usize>, Vec<usize>) = all.into_iter().partition(fits);
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut unresolved = Vec::new();
    for at in short {
        labels[at].clone_from(&names[at]);
        if !taken.insert(names[at].clone()) {
            unresolved.push(at);
        }
    }
    shorten(names, &long, width, ascii, &mut labels);
    for at in long {
        if !taken.insert(labels[at].clone()) {
            unresolved.push(at);
        }
    }
    for at in unresolved {
        let numbered = |number: usize| {
            let tag = format!("~{number}");
            ellipsize_middle(&names[at], width.saturating_sub(tag.len()), ascii) + &tag
        };
        let label =
            (2..taken.len() + 3).map(numbered).find(|label| !taken.contains(label)).unwrap_or_default();
        taken.insert(label.clone());
        labels[at] = label;
    }
    labels
}

/// Shortens the names of a group, and again those of its parts that came out alike.
fn shorten(names: &[String], group: &[usize], width: usize, ascii: bool, labels: &mut [String]) {
    let text = |at: usize| &*names[at];
    let first = group.first().map_or("", |&at| text(at));
    let common = |same: &dyn Fn(&str, &str) -> usize| {
        group.iter().skip(1).map(|&at| same(first, text(at))).min().unwrap_or(0)
    };
    let start = before_number(first, common(&common_prefix));
    let end = first.len() - after_number(first, first.len() - common(&common_suffix));
    let mut alike: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for &at in group {
        let label = elide(text(at), start, end, width, ascii);
        labels[at].clone_from(&label);
        alike.entry(label).or_default().push(at);
    }
    for part in alike.into_values().filter(|part| part.len() > 1 && part.len() < group.len()) {
        shorten(names, &part, width, ascii, labels);
    }
}

/// The place, or where the number that it is within begins: `service-074` and `service-099` differ in 074 and 099,
/// and `74` could be that of `service-174`.
fn before_number(text: &str, at: usize) -> usize {
    text[..at].trim_end_matches(|c: char| c.is_ascii_digit()).len()
}

/// The place, or where the number that it is within ends.
fn after_number(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches(|c: char| c.is_ascii_digit()).len()
}

/// A name without its first `start` and last `end` bytes, as far as it needs to be shortened: what is left
/// of the columns shows how it begins, and then how it ends.
fn elide(name: &str, start: usize, end: usize, width: usize, ascii: bool) -> String {
    let mark = ellipsis(ascii);
    let core = name.get(start..name.len().saturating_sub(end)).unwrap_or_default();
    let cut = name.len() - core.len();
    // Nothing in common, or little: the usual ellipsis saves more.
    if cut <= 2 * mark.len() {
        return ellipsize_middle(name, width, ascii);
    }
    let before = if start > 0 { mark } else { "" };
    let after = if end > 0 { mark } else { "" };
    let Some(room) = width.checked_sub(before.width() + core.width() + after.width()) else {
        let core = ellipsize_middle(core, width.saturating_sub(before.width()), ascii);
        return format!("{before}{core}");
    };
    let whole_end = &name[name.len() - end..];
    let (tail, room) = match room + after.width() {
        with_end if whole_end.width() <= with_end => (whole_end.to_owned(), with_end - whole_end.width()),
        _ if start > 0 => (after.to_owned(), room),
        _ => (format!("{after}{}", suffix(whole_end, room)), 0),
    };
    let head = prefix(&name[..start], room);
    let label = format!("{head}{before}{core}{tail}");
    if label.width() <= width { label } else { ellipsize_middle(&label, width, ascii) }
}

/// Bytes that two texts have in common at their beginning.
fn common_prefix(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum()
}

/// Bytes that two texts have in common at their end, the beginning they have in common left out.
fn common_suffix(a: &str, b: &str) -> usize {
    let start = common_prefix(a, b);
    let (a, b) = (a[start..].chars().rev(), b[start..].chars().rev());
    a.zip(b).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn case(width: usize, names: &[&str], labels: &[&str]) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(distinct_labels(&names, width, false), labels);
    }

    #[test]
    fn distinct_labels_elide_what_names_share() {
        case(12, &["apply", "sync"], &["apply", "sync"]);
        case(12, &["ansible-playbook", "sync"], &["ansible…book", "sync"]);
        case(
            12,
            &["deploy-europe-west-api", "deploy-europe-east-api", "deploy-europe-north-api"],
            &["dep…west-api", "dep…east-api", "de…north-api"],
        );
    }

    #[test]
    fn distinct_labels_keep_numbers_whole() {
        case(
            12,
            &["/very/long/service-270", "/very/long/service-274", "/very/long/service-250"],
            &["/very/lo…270", "/very/lo…274", "/very/lo…250"],
        );
        case(12, &["10-very-long-service", "110-very-long-service"], &["10…g-service", "110…-service"]);
    }

    #[test]
    fn distinct_labels_number_what_cannot_be_told_apart() {
        case(8, &["same name", "same name"], &["same na…", "sam…me~2"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn distinct_labels_differ_and_fit(
            middles in proptest::collection::hash_set("[a-c]{0,20}", 1..20), start in "[a-z-]{0,20}",
            end in "[a-z-]{0,20}", width in 8usize..60, ascii: bool,
        ) {
            let names: Vec<String> = middles.iter().map(|middle| format!("{start}{middle}{end}")).collect();
            let labels = distinct_labels(&names, width, ascii);
            let different: BTreeSet<&String> = labels.iter().collect();
            prop_assert_eq!(different.len(), names.len(), "{:?}", labels);
            prop_assert!(labels.iter().all(|label| label.width() <= width), "{labels:?}");
        }
    }
}

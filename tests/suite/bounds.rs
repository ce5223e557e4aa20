//! How long the files of causes are, and that no two of them end alike.

use crate::support::check::none;
use crate::support::expected::{entries, root};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Half of the causes are shorter, lines.
const MEDIAN: usize = 120;
/// None is longer, lines.
const MOST: usize = 250;
/// So many lines at the end of two functions are no coincidence.
const TAIL: usize = 6;

/// The causes' files, each with its text: detectors and their second forms.
fn causes() -> Vec<(PathBuf, String)> {
    let families = entries(&root().join("src/diagnose/cause")).into_iter().filter(|p| p.is_dir());
    let files = families.flat_map(|family| entries(&family));
    let own =
        |path: &PathBuf| path.extension().is_some_and(|e| e == "rs") && !path.ends_with("mod.rs");
    files
        .filter(own)
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect()
}

#[test]
fn a_cause_is_read_in_one_sitting() {
    let causes = causes();
    assert!(causes.len() > 60, "the causes are not where this test looks");
    let mut lengths: Vec<usize> = causes.iter().map(|(_, text)| text.lines().count()).collect();
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    let mut wrong: Vec<String> = causes
        .iter()
        .filter(|(_, text)| text.lines().count() > MOST)
        .map(|(path, text)| format!("{} has {} lines", path.display(), text.lines().count()))
        .collect();
    if median >= MEDIAN {
        wrong.push(format!("half of the causes have {median} lines or more"));
    }
    none(wrong);
}

/// The last lines of each function, as far as they say something.
fn tails(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = text.lines().collect();
    let ends = lines.iter().enumerate().filter(|(_, line)| **line == "}").map(|(at, _)| at);
    ends.map(|end| {
        let begin = lines[..end].iter().rposition(|l| l.starts_with("fn ") || l.starts_with("pub"));
        let body = &lines[begin.map_or(0, |at| at + 1)..end];
        let said = body.iter().map(|line| line.trim());
        let said: Vec<&str> = said.filter(|line| line.chars().any(char::is_alphanumeric)).collect();
        said[said.len().saturating_sub(TAIL)..].to_vec()
    })
    .filter(|tail| tail.len() == TAIL)
    .collect()
}

#[test]
fn no_two_causes_end_alike() {
    let causes = causes();
    let mut seen: BTreeMap<Vec<&str>, &PathBuf> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (path, text) in &causes {
        for tail in tails(text) {
            if let Some(other) = seen.insert(tail.clone(), path).filter(|other| *other != path) {
                let (a, b) = (other.display(), path.display());
                wrong.push(format!("{a} and {b} both end with {}", tail.join(" ")));
            }
        }
    }
    none(wrong);
}

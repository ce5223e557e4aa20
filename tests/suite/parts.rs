//! A part of a sample's captures shows less, and never something else: nothing
//! is certain that is not there, and what is healthy stays quiet.

use crate::choices::{Choice, wrong_by};
use crate::support::bytes::records;
use crate::support::check::{inconsistent, none, of_each, overconfident, quiet};
use crate::support::expected::Expected;
use crate::support::orders::named;
use crate::support::run::run_paths;
use lbdiag::report::Report;
use std::path::PathBuf;

/// A part that says what all captures do not.
pub fn says_something_else(choice: &Choice) -> Vec<String> {
    if !choice.is_part() {
        return Vec::new();
    }
    judged(choice.report, &choice.sample.expected)
}

/// Whom a report accuses falsely, and where it contradicts itself.
fn judged(report: &Report, expected: &Expected) -> Vec<String> {
    let mut wrong = quiet(report, expected);
    wrong.extend(overconfident(report, expected));
    wrong.extend(inconsistent(report));
    wrong
}

#[test]
fn a_part_of_the_captures_accuses_nobody_falsely() {
    none(wrong_by("parts"));
}

/// Two people took the same capture on one host, or one file was given twice.
#[test]
fn a_capture_that_is_there_twice_shows_nothing_else() {
    none(of_each(|sample| {
        let folder = tempfile::tempdir().unwrap();
        let copied = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let copy = folder.path().join(format!("second-{name}"));
            std::fs::copy(path, &copy).unwrap();
            copy
        };
        let judge = |path: &PathBuf| {
            let copy = copied(path);
            let all: Vec<&PathBuf> = sample.captures.iter().chain([&copy]).collect();
            let report = run_paths(&all).report;
            let wrong = judged(&report, &sample.expected);
            let named = named(&[path]);
            wrong.into_iter().map(move |line| format!("{named} twice: {line}"))
        };
        sample.captures.iter().flat_map(judge).collect()
    }));
}

/// What began before the captures is no fault of anybody.
#[test]
fn captures_that_began_late_accuse_nobody_falsely() {
    none(of_each(|sample| {
        let folder = tempfile::tempdir().unwrap();
        let mut late = Vec::new();
        for path in &sample.captures {
            let bytes = std::fs::read(path).unwrap();
            let Some(records) = records(&bytes) else { return Vec::new() };
            let (Some((head, _)), Some((begin, _))) =
                (records.first(), records.get(records.len() * 2 / 5))
            else {
                continue;
            };
            let kept = [&bytes[..*head], &bytes[*begin..]].concat();
            late.push(folder.path().join(path.file_name().unwrap()));
            std::fs::write(late.last().unwrap(), kept).unwrap();
        }
        let report = run_paths(&late.iter().collect::<Vec<_>>()).report;
        let mut wrong = quiet(&report, &sample.expected);
        wrong.extend(overconfident(&report, &sample.expected));
        wrong.extend(inconsistent(&report));
        // That its ports were used before is no longer seen; that nobody answers remains.
        if sample.name == "ipvs-reuse-to-dead-backend" {
            wrong.retain(|line| !line.contains("rs-unreachable"));
        }
        wrong
    }));
}

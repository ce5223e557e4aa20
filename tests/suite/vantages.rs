//! Captures of some hosts only, which is what people mostly have: where all of them show a fault, these do not call
//! it well, unless nothing of it passes them.

use crate::support::check::{none, of_each};
use crate::support::run::run_paths;
use lbdiag::report::{Confidence, Report, Status};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Subsets of one sample that are looked at: all of four captures.
const MOST: usize = 14;

/// What went wrong is seen by none but one of these hosts: what was lost before it came to the others, what
/// answered elsewhere.
const SEEN_BY: &[(&str, &[&str])] = &[
    ("dr-director-bypassed", &["client", "rs1"]),
    ("nat-dns-questions-lost", &["client"]),
    ("nat-used-ports-one-syn-lost", &["client"]),
    ("node-without-endpoint", &["rs1"]),
    ("node-without-endpoint-unchecked", &["rs1"]),
    ("proxy-arp", &["router"]),
];

/// All choices of some of these, the smallest first.
fn subsets(all: &[PathBuf]) -> Vec<Vec<PathBuf>> {
    let chosen = |bits: usize| {
        let taken = all.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
        taken.map(|(_, path)| path.clone()).collect::<Vec<_>>()
    };
    let mut all: Vec<Vec<PathBuf>> = (1..(1 << all.len()) - 1).map(chosen).collect();
    all.sort_by_key(Vec::len);
    all.truncate(MOST);
    all
}

fn label(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// What a report names at all.
fn named(report: &Report) -> BTreeSet<&str> {
    let candidates = report.findings.iter().flat_map(|f| &f.candidates).map(|c| c.id.as_str());
    report.findings.iter().map(|f| f.id.as_str()).chain(candidates).collect()
}

/// Findings of a report that are more than possible.
fn likely(report: &Report) -> BTreeSet<&str> {
    let sure = report.findings.iter().filter(|f| f.confidence != Confidence::Possible);
    sure.map(|f| f.id.as_str()).collect()
}

#[test]
fn fewer_captures_reassure_nobody() {
    none(of_each(|sample| {
        let whole = run_paths(&sample.captures).report;
        if !matches!(whole.verdict.status, Status::Failing | Status::Degraded) {
            return Vec::new();
        }
        let seen_by = SEEN_BY.iter().find(|(name, _)| *name == sample.name);
        let mut wrong = Vec::new();
        for some in subsets(&sample.captures) {
            let labels: Vec<String> = some.iter().map(|path| label(path)).collect();
            let passes = |who: &[&str]| labels.iter().any(|label| who.contains(&label.as_str()));
            if seen_by.is_some_and(|(_, who)| !passes(who)) {
                continue;
            }
            let report = run_paths(&some).report;
            // Who names it, and says that it harms nobody as far as these show, keeps it from nobody.
            let told = !named(&report).is_disjoint(&likely(&whole));
            if report.verdict.status == Status::Healthy && !told {
                wrong.push(format!("{labels:?} are healthy, and all {:?}", whole.verdict.status));
            }
        }
        wrong
    }));
}

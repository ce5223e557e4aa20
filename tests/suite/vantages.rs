//! Captures of some hosts only, which is what people mostly have: where all of them show a fault, these do not call
//! it well, unless nothing of it passes them.

use crate::choices::{Choice, wrong_by};
use crate::support::check::none;
use lbdiag::report::{Confidence, Report, Status};
use std::collections::BTreeSet;
use std::path::Path;

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

/// A verdict of health over some captures of what all of them call failing.
pub fn reassures(choice: &Choice) -> Vec<String> {
    let (report, whole) = (choice.report, choice.whole);
    let is_bad = matches!(whole.verdict.status, Status::Failing | Status::Degraded);
    if !is_bad || report.verdict.status != Status::Healthy {
        return Vec::new();
    }
    let passes = |who: &[&str]| choice.captures.iter().any(|path| who.contains(&&*label(path)));
    let seen_by = SEEN_BY.iter().find(|(name, _)| *name == choice.sample.name);
    // Who names it, and says that it harms nobody as far as these show, keeps it from nobody.
    let told = !named(report).is_disjoint(&likely(whole));
    if told || seen_by.is_some_and(|(_, who)| !passes(who)) {
        return Vec::new();
    }
    vec![format!("healthy, and all {:?}", whole.verdict.status)]
}

#[test]
fn fewer_captures_reassure_nobody() {
    none(wrong_by("vantages"));
}

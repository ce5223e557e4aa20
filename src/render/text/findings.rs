//! The list of findings: which get a block, which a line.
//!
//! A symptom that a cause explains is a line under that cause, for it needs no
//! work of its own; `--verbose` shows its block too. Everything else has its
//! own block, in the report's order. Notes, which ask for nothing, are a line each
//! at the end. Refuses to reorder.

use super::super::Style;
use super::super::measure::{pad_start, verbatim, wrap};
use super::super::sanitise::clean;
use super::finding;
use crate::report::{Finding, Kind, Report};
use std::collections::BTreeMap;

/// One section a finding.
pub(crate) fn sections(report: &Report, style: &Style) -> Vec<Vec<String>> {
    let by_number: BTreeMap<u32, &Finding> = report.findings.iter().map(|f| (f.n, f)).collect();
    // Finding number to the number of the first cause that explains it.
    let mut explained: BTreeMap<u32, u32> = BTreeMap::new();
    for cause in &report.findings {
        for n in cause.explains.iter().filter(|n| **n != cause.n) {
            explained.entry(*n).or_insert(cause.n);
        }
    }
    let digits = report.findings.iter().map(|f| f.n.to_string().len()).max().unwrap_or(1).max(2);
    let nested = |f: &Finding| {
        f.kind == Kind::Symptom
            && explained
                .get(&f.n)
                .and_then(|cause| by_number.get(cause))
                .is_some_and(|cause| cause.kind == Kind::Cause)
    };
    let mut sections: Vec<Vec<String>> = report
        .findings
        .iter()
        .filter(|f| style.verbose || !(nested(f) || f.kind == Kind::Note))
        .map(|f| {
            finding::Block {
                finding: f,
                explained_by: explained.get(&f.n).copied(),
                others: &by_number,
                digits,
                style,
            }
            .lines()
        })
        .collect();
    if !style.verbose {
        sections.push(notes(report, style, digits));
    }
    sections
}

/// One line a note, and what to check of it; `--verbose` shows each as a block instead.
fn notes(report: &Report, style: &Style, digits: usize) -> Vec<String> {
    let notes = report.findings.iter().filter(|f| f.kind == Kind::Note);
    let mut lines = Vec::new();
    for f in notes {
        let said = format!("note {}: {}", clean(&f.id), f.title);
        let mut number = pad_start(&f.n.to_string(), digits);
        let blank = || pad_start("", digits);
        for line in wrap(&said, style.prose() - digits - 2) {
            lines.push(format!("{}  {line}", std::mem::replace(&mut number, blank())));
        }
        for said in finding::candidates(&f.candidates) {
            let said = wrap(&format!("maybe {said}"), style.prose() - digits - 4);
            lines.extend(said.into_iter().map(|line| format!("{}    {line}", blank())));
        }
        for step in &f.to_confirm {
            let said = format!("check on {}: {}", step.host, step.why);
            let said = wrap(&said, style.prose() - digits - 4);
            lines.extend(said.into_iter().map(|line| format!("{}    {line}", blank())));
            let command = verbatim(&step.command);
            lines.extend(command.into_iter().map(|line| format!("{}      {line}", blank())));
        }
    }
    lines
}

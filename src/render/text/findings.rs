//! The list of findings: which get a block, which a line.
//!
//! A symptom that a cause explains is a line under that cause, for it needs no
//! work of its own; `--verbose` shows its block too. Everything else has its
//! own block, in the report's order, but for those of which several of the same id are there
//! already: these are a line each. Notes, which ask for nothing, are a line each at the end.
//! Refuses to reorder.

use super::super::Style;
use super::super::measure::{pad_start, verbatim, wrap};
use super::super::repeats::{self, Shown};
use super::super::sanitise::clean;
use super::super::units::count;
use super::{MAX_ROWS, finding};
use crate::report::{Finding, Kind, Report};
use std::collections::{BTreeMap, HashMap};

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
    let block = |f: &Finding| {
        let explained_by = explained.get(&f.n).copied();
        finding::Block { finding: f, explained_by, others: &by_number, digits, style }.lines()
    };
    if style.verbose {
        return report.findings.iter().map(block).collect();
    }
    let own: Vec<&Finding> =
        report.findings.iter().filter(|f| !(nested(f) || f.kind == Kind::Note)).collect();
    let sentences = repeats::sentences(report);
    let mut sections: Vec<Vec<String>> = repeats::shown(&own)
        .into_iter()
        .map(|shown| match shown {
            Shown::Whole(finding) => block(finding),
            Shown::Lines(more) => alike(&more, &sentences, style, digits),
        })
        .collect();
    sections.push(notes(report, style, digits));
    sections
}

/// More findings of an id that has blocks above, a line each.
fn alike(
    more: &[&Finding],
    sentences: &HashMap<u32, &str>,
    style: &Style,
    digits: usize,
) -> Vec<String> {
    let blank = pad_start("", digits);
    let id = more.first().map_or("", |finding| finding.id.as_str());
    let said = format!(
        "{} more of {}, each with a proof and a fix of its own: -v shows them, --vip picks one service",
        count(more.len() as u64),
        clean(id)
    );
    let room = style.prose() - digits - 2;
    let mut lines: Vec<String> =
        wrap(&said, room).into_iter().map(|line| format!("{blank}  {line}")).collect();
    for finding in more.iter().take(MAX_ROWS) {
        let sentence = sentences.get(&finding.n).copied().unwrap_or_default();
        let said = format!("{} · {}   {sentence}", finding.severity.name(), finding.confidence);
        let mut number = pad_start(&finding.n.to_string(), digits);
        for line in wrap(&said, room) {
            lines.push(format!("{}  {line}", std::mem::replace(&mut number, blank.clone())));
        }
    }
    if more.len() > MAX_ROWS {
        lines.push(format!("{blank}  and {} more", count((more.len() - MAX_ROWS) as u64)));
    }
    lines
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

//! What hosts said of themselves, beside the samples: real outputs are read,
//! also cut short, each state finds its host, and what it settles is settled.

mod filtered;
mod identity;
mod option;
mod reading;
mod settled;
mod stated_not_seen;
mod tied;

use crate::support::check::inconsistent;
use crate::support::expected::{entries, root};
use crate::support::run::{Run, run_with};
use lbdiag::report::{CoverageStatus, Finding, Report};
use lbdiag::state::{self, HostState, parse};
use std::path::PathBuf;

/// Captures of a sample, those whose names begin with one of `of`; all if empty.
fn captures(sample: &str, of: &[&str]) -> Vec<String> {
    let paths = entries(&root().join("samples").join(sample)).into_iter();
    let name = |p: &PathBuf| p.file_name().unwrap().to_str().unwrap().to_owned();
    let wanted = |p: &PathBuf| of.is_empty() || of.iter().any(|w| name(p).starts_with(w));
    let is_capture = |p: &PathBuf| name(p).contains(".pcap");
    paths.filter(|p| is_capture(p) && wanted(p)).map(|p| p.display().to_string()).collect()
}

/// The states of a folder.
fn folder(sample: &str) -> Vec<HostState> {
    state::read(&[root().join("tests/states").join(sample)]).unwrap().hosts
}

/// States out of texts, each with the name of its file.
fn texts(texts: &[(&str, &str)]) -> Vec<HostState> {
    let read = |(name, text): &(&str, &str)| {
        let mut state = HostState { name: (*name).to_owned(), ..HostState::default() };
        assert!(parse(&mut state, name, text) && state.notes.is_empty(), "{:?}", state.notes);
        state
    };
    texts.iter().map(read).collect()
}

fn run(sample: &str, states: Vec<HostState>) -> Run {
    let run = run_with(&captures(sample, &[]), states);
    assert_eq!(inconsistent(&run.report), Vec::<String>::new());
    run
}

fn found<'a>(report: &'a Report, id: &str) -> &'a Finding {
    let ids: Vec<&String> = report.findings.iter().map(|f| &f.id).collect();
    report.findings.iter().find(|f| f.id == id).unwrap_or_else(|| panic!("no {id} in {ids:?}"))
}

fn status(report: &Report, id: &str) -> CoverageStatus {
    report.coverage.iter().find(|c| c.id == id).unwrap().status
}

fn candidates(finding: &Finding) -> Vec<&str> {
    finding.candidates.iter().map(|c| c.id.as_str()).collect()
}

//! Every sample's tables give the report of one machine, whole and in parts.

use crate::support::check::none;
use crate::support::each::of_each;
use lbdiag::capture;
use lbdiag::correlate::Outcome;
use lbdiag::fleet::{self, Options, Sums};
use lbdiag::load::{self, How, Origin, Seen};
use lbdiag::report::{self, ConnectionFilter, Report};
use lbdiag::topology::StatedRoles;
use lbdiag::trace::Trace;
use lbdiag::window::Window;
use lbdiag::{diagnose, tables};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use tempfile::TempDir;

fn origins(args: &[String]) -> Vec<Origin> {
    let sorted = load::sort_out(args);
    let inputs = match sorted.captures.is_empty() {
        true => Vec::new(),
        false => capture::inputs(&sorted.captures).unwrap().inputs,
    };
    sorted.origins(&inputs, 0)
}

/// The tables of captures, indexed together.
pub fn indexed(captures: &[PathBuf]) -> TempDir {
    let args: Vec<String> = captures.iter().map(|path| path.display().to_string()).collect();
    let Seen { captures, vantages, .. } =
        load::see(&origins(&args), &Window::default(), &AtomicU64::new(0));
    let folder = tempfile::tempdir().unwrap();
    tables::write(folder.path(), &captures, vantages).unwrap();
    folder
}

/// What one machine makes of the same tables.
pub fn single(folder: &str) -> (Trace, Report) {
    let how = How { stated: &StatedRoles::default(), window: &Window::default(), align: true };
    let loaded = load::load_all(&origins(&[folder.to_owned()]), &how, &AtomicU64::new(0));
    let diagnosis = diagnose::diagnose(&loaded.trace);
    let options = report::Options { connections: ConnectionFilter::All, notes: Vec::new() };
    let report = report::build(&loaded.trace, &diagnosis, &options);
    (loaded.trace, report)
}

pub fn options() -> Options {
    Options { connections: Some(ConnectionFilter::All), ..Options::default() }
}

/// Dealt into several parts, of which all is kept.
pub fn in_parts() -> Options {
    Options { whole: 0, part: 20, well: u32::MAX, ..options() }
}

/// Connections by outcome.
fn outcomes(sums: &Sums) -> BTreeMap<&str, u64> {
    let mut all = BTreeMap::new();
    for (outcome, n) in sums.by.iter().flat_map(|(_, ended)| &ended.outcomes) {
        *all.entry(outcome.as_str()).or_default() += n;
    }
    all
}

fn outcomes_of(trace: &Trace) -> BTreeMap<&'static str, u64> {
    let mut all = BTreeMap::new();
    for (_, connection) in trace.iter() {
        *all.entry(Outcome::name(connection.outcome)).or_default() += 1;
    }
    all
}

/// In which a report differs from that of one machine.
pub fn differences(own: &Report, single: &Report) -> Vec<String> {
    let mut wrong = Vec::new();
    if own.verdict != single.verdict {
        wrong.push(format!("verdict {:?}, not {:?}", own.verdict, single.verdict));
    }
    let findings = |report: &Report| {
        let all = report.findings.iter();
        all.map(|f| (f.id.clone(), f.title.clone(), f.subjects.clone())).collect::<Vec<_>>()
    };
    if findings(own) != findings(single) {
        wrong.push(format!("findings {:?}, not {:?}", findings(own), findings(single)));
    }
    if own.totals != single.totals || own.services != single.services {
        wrong.push("other sums".to_owned());
    }
    wrong
}

#[test]
fn every_sample_is_told_as_by_one_machine() {
    none(of_each(|sample| {
        let folder = indexed(&sample.captures);
        let folder = folder.path().display().to_string();
        let (trace, expected) = single(&folder);
        let answer = fleet::diagnose(&[folder], options()).unwrap();
        let mut wrong: Vec<String> = answer.failures.iter().map(ToString::to_string).collect();
        if answer.report != expected {
            wrong.push("the report is another one".to_owned());
            wrong.extend(differences(&answer.report, &expected));
        }
        if outcomes(&answer.sums) != outcomes_of(&trace) {
            wrong.push(format!("{:?}, not {:?}", outcomes(&answer.sums), outcomes_of(&trace)));
        }
        wrong
    }));
}

/// Ties are the same however streams are dealt out, and what is kept of all parts gives the same report.
#[test]
fn every_sample_in_parts_is_told_as_by_one_machine() {
    none(of_each(|sample| {
        let folder = indexed(&sample.captures);
        let folder = folder.path().display().to_string();
        let (trace, expected) = single(&folder);
        let answer = fleet::diagnose(&[folder], in_parts()).unwrap();
        let mut wrong: Vec<String> = answer.failures.iter().map(ToString::to_string).collect();
        wrong.extend(differences(&answer.report, &expected));
        if outcomes(&answer.sums) != outcomes_of(&trace) {
            wrong.push(format!("{:?}, not {:?}", outcomes(&answer.sums), outcomes_of(&trace)));
        }
        wrong
    }));
}

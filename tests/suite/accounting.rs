//! Every connection is accounted for: did well, failed, suffered, or cannot be told, the
//! same in every place of the report, and nothing that failed or suffered outside of a
//! loud finding; over every sample, whole and each capture alone.

use crate::support::check::{none, of_each};
use crate::support::orders::named;
use crate::support::run::run_paths;
use lbdiag::report::{Report, Status};
use std::path::PathBuf;

fn wrong(report: &Report) -> Vec<String> {
    let mut wrong = Vec::new();
    let t = &report.totals;
    if t.well + t.failed + t.suffered + t.untold != t.connections {
        wrong.push(format!("{t:?} does not add up"));
    }
    let services = |of: fn(&lbdiag::report::Totals) -> u64| -> u64 {
        report.services.iter().map(|s| of(&s.totals)).sum()
    };
    for (name, sum, all) in [
        ("failed", services(|t| t.failed), t.failed),
        ("suffered", services(|t| t.suffered), t.suffered),
    ] {
        // Services that are another's real servers are not listed, nor are their requests.
        if sum > all {
            wrong.push(format!("{sum} {name} in services, {all} in all"));
        }
    }
    let harmed = t.failed + t.suffered;
    let loud: Vec<u32> = report
        .findings
        .iter()
        .filter(|f| f.severity != lbdiag::report::Severity::Info)
        .map(|f| f.n)
        .collect();
    if harmed > 0
        && (report.verdict.status == Status::Healthy
            || report.verdict.summary.contains("nothing is wrong"))
    {
        wrong.push(format!("reassures over {harmed}: {}", report.verdict.summary));
    }
    for connection in &report.connections {
        let harm = matches!(connection.fate.as_str(), "failed" | "suffered");
        if harm != connection.broken.is_some() {
            wrong.push(format!("{} {} has no break", connection.id, connection.fate));
        }
        if harm && !connection.findings.iter().any(|n| loud.contains(n)) {
            wrong.push(format!(
                "{} {} > {} {} ({}) is in no loud finding",
                connection.id,
                connection.client,
                connection.service,
                connection.fate,
                connection.outcome
            ));
        }
    }
    let broken: u64 = report.breaks.iter().map(|b| b.connections).sum();
    let listed = report.connections.iter().filter(|c| c.broken.is_some()).count() as u64;
    if broken != listed {
        wrong.push(format!("{broken} connections in breaks, {listed} with one"));
    }
    wrong
}

#[test]
fn every_connection_is_accounted_for() {
    none(of_each(|sample| {
        let all: Vec<&PathBuf> = sample.captures.iter().collect();
        wrong(&run_paths(&all).report)
    }));
}

#[test]
fn each_capture_alone_accounts_for_what_it_shows() {
    none(of_each(|sample| {
        let alone = |path: &PathBuf| {
            let name = named(&[path]);
            let lines = wrong(&run_paths(&[path]).report).into_iter();
            lines.map(move |line| format!("{name} alone: {line}")).collect::<Vec<_>>()
        };
        sample.captures.iter().flat_map(alone).collect()
    }));
}

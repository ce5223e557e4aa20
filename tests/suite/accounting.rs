//! Every connection is accounted for: did well, failed, suffered, or cannot be told, the
//! same in every output of the report, and nothing that failed or suffered outside of a
//! loud finding. Over every sample and every world that `LBDIAG_WORLDS` names: whole, each
//! capture alone, and each as `-i any` on its host would have it.

use crate::sums::in_every_output;
use crate::support::check::none;
use crate::support::cooked::{Any, cooked, own_macs};
use crate::support::expected::samples;
use crate::support::orders::named;
use crate::support::worlds::other_worlds;
use lbdiag::report::{Report, Status};
use rayon::prelude::*;
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

/// All in which the report of some captures does not account, each line behind a name.
fn account(name: &str, captures: &[&PathBuf]) -> (Report, Vec<String>) {
    let (report, mut lines) = in_every_output(captures);
    lines.extend(wrong(&report));
    (report, lines.into_iter().map(|line| format!("{name}: {line}")).collect())
}

/// Captures of one network: whole, each alone, and each as `-i any` would have it, where it
/// shows which host it was taken on.
fn world(name: &str, captures: &[PathBuf]) -> Vec<String> {
    let (whole, mut wrong) = account(name, &captures.iter().collect::<Vec<_>>());
    let folder = tempfile::tempdir().unwrap();
    for capture in captures {
        let label = named(&[capture]);
        if captures.len() > 1 {
            wrong.extend(account(&format!("{name}: {label} alone"), &[capture]).1);
        }
        let here = |h: &&lbdiag::report::Host| h.vantages.contains(&label);
        let own = whole.hosts.iter().find(here).map(own_macs).unwrap_or_default();
        let any = (!own.is_empty()).then(|| cooked(capture, &own, folder.path(), Any::Sll2));
        if let Some(file) = any.flatten() {
            wrong.extend(account(&format!("{name}: {label} by -i any"), &[&file]).1);
        }
    }
    wrong
}

#[test]
fn every_connection_of_every_sample_is_accounted_for() {
    let of = |sample: &crate::support::expected::Sample| world(&sample.name, &sample.captures);
    none(samples().par_iter().flat_map_iter(of).collect());
}

#[test]
fn every_connection_of_other_worlds_is_accounted_for() {
    let found = other_worlds();
    let of = |captures: &Vec<PathBuf>| {
        let first = &captures[0];
        let place = if captures.len() > 1 { first.parent().unwrap() } else { first };
        world(&place.display().to_string(), captures)
    };
    none(found.par_iter().flat_map_iter(of).collect());
}

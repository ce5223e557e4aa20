//! Findings that appeared, went, or concern another share.

use super::{FindingChange, counts};
use crate::report::{CoverageStatus, Finding, Report};

/// What makes two findings one: the detector and the culprit, without whom addresses
/// cannot be held against each other.
fn is_same(a: &Finding, b: &Finding, by_id: bool) -> bool {
    let culprit =
        |f: &Finding| f.subjects.first().and_then(|s| s.address.clone().or_else(|| s.mac.clone()));
    a.id == b.id && (by_id || culprit(a) == culprit(b))
}

pub(super) fn changes(good: &Report, bad: &Report, by_id: bool) -> Vec<FindingChange> {
    let counterpart = |of: &Finding, all: &Report| {
        all.findings.iter().find(|other| is_same(of, other, by_id)).cloned()
    };
    let mut changes = Vec::new();
    for finding in &bad.findings {
        let Some(before) = counterpart(finding, good) else {
            changes.push(alone(finding, good, "appeared"));
            continue;
        };
        let share =
            |f: &Finding| (f.affected.connections, f.affected.of.max(f.affected.connections));
        let affected = counts("connections", share(&before), share(finding));
        if affected.is_some() || before.severity != finding.severity {
            let stayed = alone(finding, good, "stayed");
            changes.push(FindingChange {
                change: "stayed".to_owned(),
                n_good: Some(before.n),
                affected,
                reason: None,
                ..stayed
            });
        }
    }
    for finding in &good.findings {
        if counterpart(finding, bad).is_none() {
            changes.push(alone(finding, bad, "gone"));
        }
    }
    let rank = |f: &FindingChange| {
        let change = match f.change.as_str() {
            "appeared" => 0,
            "stayed" => 1,
            "gone" => 2,
            _ => 3,
        };
        (change, std::cmp::Reverse(f.severity))
    };
    changes.sort_by_key(rank);
    changes
}

/// A finding that only one of the two has; `unsure` where the other could not look.
fn alone(finding: &Finding, other: &Report, change: &str) -> FindingChange {
    let blind = other
        .coverage
        .iter()
        .find(|c| c.id == finding.id && c.status == CoverageStatus::NotCheckable);
    let appeared = change != "gone";
    FindingChange {
        change: if blind.is_some() { "unsure" } else { change }.to_owned(),
        id: finding.id.clone(),
        n_good: (!appeared).then_some(finding.n),
        n_bad: appeared.then_some(finding.n),
        severity: finding.severity,
        confidence: finding.confidence,
        title: finding.title.clone(),
        affected: None,
        reason: blind.map(|c| {
            let (side, why) = (if appeared { "before" } else { "now" }, c.reason.as_deref());
            format!("could not be checked {side}: {}", why.unwrap_or("no reason is given"))
        }),
    }
}

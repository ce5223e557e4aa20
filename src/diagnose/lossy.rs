//! Causes that rest on what a capture does not show, where it is known to lack frames: what it took may not be all
//! that there was.

use super::thresholds::LACKING_FRAMES;
use super::{Confidence, Finding};
use crate::flow::VantageId;
use crate::trace::Trace;

/// Causes that are told by a packet that is nowhere.
const BY_ABSENCE: &[&str] = &[
    "backend-removed-silent-drop",
    "director-bypassed",
    "dr-vip-foreign-subnet-return",
    "fabric-anti-spoof",
    "forward-rule-drop",
    "l7-backend-silent",
    "l7-request-held",
    "nat-director-not-forwarding",
    "nat-return-bypasses-director",
    "nat-same-subnet-client",
    "rp-filter-drop",
    "rs-missing-vip",
    "rs-route-overlap",
    "rs-silent",
    "toa-not-inserted",
    "vrrp-advert-not-received",
    "windows-strong-host",
];

/// Loss explains what comes about by it more often than once in a thousand captures.
const LEVEL: f64 = 0.001;

/// Lowers to likely what the captures' own loss may have made.
pub(super) fn cap(trace: &Trace, findings: &mut [Finding]) {
    if trace.most_missed().is_none() {
        return;
    }
    for finding in findings {
        if finding.confidence != Confidence::Certain || !finding.id.is_of(BY_ABSENCE) {
            continue;
        }
        let shares = finding.proofs.iter().map(|proof| proof.at.vantage);
        let lacks = |v: &VantageId| trace.missed(*v).lacking >= LACKING_FRAMES;
        let most = |v: VantageId| (v, trace.missed(v).at_most());
        let most = shares.filter(lacks).map(most).max_by(|(_, a), (_, b)| a.total_cmp(b));
        let Some((vantage, share)) = most else { continue };
        // Each connection shows it anew.
        if share.powi(finding.connections.len().max(1) as i32) >= LEVEL {
            finding.confidence = Confidence::Likely;
            finding.explanation.push_str(&format!(
                " The capture {} lacks about {} of 100 frames that must have passed it, so what it does not show may have been there.",
                trace.vantages[vantage.index()].label,
                trace.missed(vantage).percent()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::BY_ABSENCE;

    #[test]
    fn every_entry_is_a_detector() {
        crate::diagnose::registry::assert_listed(BY_ABSENCE.iter().copied());
    }
}

//! Causes that rest on a text: who sent and who forwarded is told by hardware addresses, and a text
//! need not print them. What it cannot show makes nothing certain.

use super::{CAUSES, Candidate, Checked, Confidence, Coverage, Finding, Kind};
use crate::diagnose::thresholds::UNTOLD_CANDIDATES;
use crate::flow::Observations;
use crate::trace::Trace;
use std::collections::HashSet;

/// Causes that addresses and ports alone show: a host that answers itself.
const BY_ADDRESSES: &[&str] = &["l4-self-access-hairpin"];

/// Lowers to likely what is certain by the lines of a text without hardware addresses.
pub(super) fn cap(trace: &Trace, findings: &mut [Finding]) {
    if !trace.vantages.iter().any(is_untold) {
        return;
    }
    for finding in findings {
        let concerned =
            finding.proofs.iter().filter_map(|proof| trace.vantages.get(proof.at.vantage));
        let certain = finding.confidence == Confidence::Certain;
        if certain && !BY_ADDRESSES.contains(&finding.id) && concerned.into_iter().any(is_untold) {
            finding.confidence = Confidence::Likely;
            finding.explanation.push_str(
                " The text prints no hardware addresses, which would make it certain: tcpdump prints them with -e.",
            );
        }
    }
}

/// Most of its frames are lines without hardware addresses.
fn is_untold(vantage: &Observations) -> bool {
    vantage.tally.without_macs * 2 > vantage.tally.frames
}

/// Where a text shows trouble and no cause: names the causes that could not be judged, and how to
/// print what would tell them.
pub(super) fn candidates(trace: &Trace, findings: &mut [Finding], coverage: &[Coverage]) {
    if !trace.vantages.iter().any(is_untold) {
        return;
    }
    let explained: HashSet<usize> =
        findings.iter().flat_map(|finding| finding.explains.iter().copied()).collect();
    let unchecked = |id: &str| {
        coverage.iter().any(|c| c.id == id && matches!(c.checked, Checked::Unchecked(_)))
    };
    for (at, finding) in findings.iter_mut().enumerate() {
        let mut concerned =
            finding.proofs.iter().filter_map(|proof| trace.vantages.get(proof.at.vantage));
        let open = finding.kind == Kind::Symptom && !explained.contains(&at);
        if !open || !finding.is_loud() || !concerned.any(is_untold) {
            continue;
        }
        let fits = CAUSES.iter().filter(|c| c.explains.contains(&finding.id) && unchecked(c.id));
        finding.candidates.extend(fits.take(UNTOLD_CANDIDATES).map(|cause| Candidate {
            id: cause.id,
            tell_apart:
                "hardware addresses and TTLs would tell, which the text does not print".to_owned(),
        }));
        finding.confirm(
            "the host where the text was taken".to_owned(),
            "tcpdump -nn -e -v -i any",
            "who sent, forwarded and answered each packet, which most causes are told by"
                .to_owned(),
        );
    }
}

//! Causes that rest on a text: who sent and who forwarded is told by hardware addresses, and a text
//! need not print them. What it cannot show makes nothing certain.

use super::{Confidence, Finding};
use crate::flow::Observations;
use crate::trace::Trace;

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

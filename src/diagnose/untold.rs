//! Causes that rest on a text: who sent and who forwarded is told by hardware addresses, and a text
//! need not print them. What it cannot show makes nothing certain.

use super::rests_on::{name, rests_on};
use super::{CAUSES, Checked, Confidence, Finding, FindingId, Kind};
use crate::diagnose::thresholds::UNTOLD_CANDIDATES;
use crate::flow::Observations;
use crate::trace::{Printed, Trace};
use std::collections::HashSet;

/// Causes that addresses and ports alone show: a host that answers itself.
const BY_ADDRESSES: &[&str] = &["l4-self-access-hairpin"];

/// Detectors that go by the first words of an answer, which a text prints.
const BY_WORDS: &[&str] = &["http-5xx", "no-greeting"];

/// Lowers to likely what is certain by the lines of a text without hardware addresses.
pub(super) fn cap(trace: &Trace, findings: &mut [Finding]) {
    if !trace.vantages.iter().any(is_untold) {
        return;
    }
    for finding in findings {
        let concerned =
            finding.proofs.iter().filter_map(|proof| trace.vantages.get(proof.at.vantage.index()));
        let certain = finding.confidence == Confidence::Certain;
        if certain && !finding.id.is_of(BY_ADDRESSES) && concerned.into_iter().any(is_untold) {
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

/// What a look was worth where a text hides what the detector decides by.
pub(super) fn hide(trace: &Trace, unprinted: Printed, id: FindingId, checked: Checked) -> Checked {
    if checked == Checked::Found {
        return checked;
    }
    let hidden = rests_on(id).common(unprinted);
    if hidden.any() {
        let fields = name(hidden);
        return Checked::Unchecked(format!(
            "it is told by {fields}, which the text does not print"
        ));
    }
    if (rests_on(id).bytes || id.is_of(BY_WORDS)) && trace.words_are_cut() {
        return Checked::Unchecked(
            "it is told by what was said, of which too few bytes were kept (tcpdump -s)".to_owned(),
        );
    }
    checked
}

/// Ports on which a program names addresses to the other side (IANA: ftp, sip, sips).
const NAMING: [u16; 3] = [21, 5060, 5061];

/// Whether what a text does print leaves room for a cause: what it needs to be there is.
fn may_be(trace: &Trace, id: FindingId) -> bool {
    let services = || trace.topology.services.iter();
    match id.as_str() {
        "ipv6-dad-failed" | "duplicate-na-for-vip" => services().any(|s| !s.vip.is_v4()),
        "control-channel-address" => services().any(|s| NAMING.contains(&s.port)),
        "vrid-collision" => trace.vantages.iter().any(|v| !v.vrrp.is_empty()),
        "tunnel-not-decapsulated" => {
            let mut streams = trace.vantages.iter().flat_map(|v| &v.streams);
            streams.any(|stream| stream.key.tunnel != 0)
        }
        _ => true,
    }
}

/// Where a text shows trouble and no cause: names the causes that could not be judged, and how to
/// print what would tell them.
pub(super) fn candidates(trace: &Trace, findings: &mut [Finding]) {
    let unprinted = trace.unprinted();
    if !unprinted.any() {
        return;
    }
    let explained: HashSet<usize> =
        findings.iter().flat_map(|finding| finding.explains.iter().copied()).collect();
    for (at, finding) in findings.iter_mut().enumerate() {
        let open = finding.kind == Kind::Symptom && !explained.contains(&at);
        // Whether two MACs are two machines is not told either, so it warns nobody.
        if !open || !(finding.is_loud() || finding.id.is_of(&["vip-arp-conflict"])) {
            continue;
        }
        let fits = CAUSES.iter().filter(|c| finding.id.is_of(c.explains) && may_be(trace, c.id));
        let hidden = fits.filter_map(|cause| {
            let hidden = rests_on(cause.id).common(unprinted);
            let known = finding.candidates.iter().any(|c| c.id == cause.id)
                || finding.refuted.iter().any(|r| r.id == cause.id);
            (hidden.any() && !known).then_some((cause.id, hidden))
        });
        let mut hidden: Vec<_> = hidden.take(UNTOLD_CANDIDATES).collect();
        // What the same would tell stands together.
        hidden.sort_by_key(|(_, hidden)| *hidden);
        let Some(all) = hidden.iter().map(|(_, hidden)| *hidden).reduce(Printed::either) else {
            continue;
        };
        for (id, hidden) in hidden {
            finding.candidate(id, format!("told by {}", name(hidden)));
        }
        finding.confirm(
            "the host where the text was taken",
            format!("tcpdump -nn -e -v{} -i any", if all.bytes { " -xx" } else { "" }),
            format!("it prints {}, by which causes are told", name(all)),
        );
    }
}

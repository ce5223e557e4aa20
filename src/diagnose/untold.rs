//! Causes that rest on a text: who sent and who forwarded is told by hardware addresses, and a text
//! need not print them. What it cannot show makes nothing certain.

use super::facts::left_open::{Hint, hints};
use super::rests_on::{name, rests_on};
use super::{CAUSES, Candidate, Checked, Confidence, Facts, Finding, FindingId, Kind};
use crate::diagnose::thresholds::UNTOLD_CANDIDATES;
use crate::flow::{Observations, Side};
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
        "dsr-rst-from-rip" => {
            let mut streams = trace.vantages.iter().flat_map(|v| &v.streams);
            streams.any(|stream| {
                let flows = [Side::A, Side::B].map(|side| stream.flow(side));
                flows.iter().all(|flow| !flow.opened())
                    && flows.iter().any(|flow| flow.rst.is_set())
            })
        }
        "tunnel-not-decapsulated" => {
            let mut streams = trace.vantages.iter().flat_map(|v| &v.streams);
            streams.any(|stream| stream.key.tunnel != 0)
        }
        _ => true,
    }
}

/// The port of BGP (IANA).
const BGP: u16 = 179;

/// Whether what a service says of itself leaves room for a cause: that the way changed it says in BGP alone.
fn says(trace: &Trace, symptom: FindingId, cause: FindingId) -> bool {
    let flaps = symptom.is_of(&["service-error"]) && cause.is_of(&["bgp-anycast-flap"]);
    !flaps || trace.topology.services.iter().any(|s| s.port == BGP)
}

/// Where a text shows trouble and no cause: names the causes that could not be judged, and how to
/// print what would tell them.
pub(super) fn candidates(facts: &Facts, findings: &mut [Finding]) {
    let unprinted = facts.unprinted();
    if !unprinted.any() {
        return;
    }
    let hints = hints(facts);
    beside_causes(&hints, unprinted, findings);
    let explained: HashSet<usize> =
        findings.iter().flat_map(|finding| finding.explains.iter().copied()).collect();
    for (at, finding) in findings.iter_mut().enumerate() {
        let open = finding.kind == Kind::Symptom && !explained.contains(&at);
        // Whether two MACs are two machines is not told either, so it warns nobody.
        if !open || !(finding.is_loud() || finding.id.is_of(&["vip-arp-conflict"])) {
            continue;
        }
        let of = |c: &&super::registry::CauseDetector| {
            finding.id.is_of(c.explains) && says(facts, finding.id, c.id)
        };
        let fits = CAUSES.iter().filter(|c| of(c) && may_be(facts, c.id));
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
        let told = |id: FindingId, hidden| Candidate {
            id,
            tell_apart: match hints.iter().find(|hint| id == hint.id) {
                Some(hint) => fits_as(hint, hidden),
                None => format!("told by {}", name(hidden)),
            },
        };
        // What a line would fit stands before what no line speaks for.
        let (fits, rest): (Vec<_>, Vec<_>) =
            hidden.into_iter().partition(|(id, _)| hints.iter().any(|hint| *id == hint.id));
        let fits: Vec<_> = fits.into_iter().map(|(id, hidden)| told(id, hidden)).collect();
        finding.candidates.splice(0..0, fits);
        if !super::settle::kernel_log::speaks(facts, finding) {
            finding.candidates.extend(rest.into_iter().map(|(id, hidden)| told(id, hidden)));
        }
        finding.confirm(
            "the host where the text was taken",
            format!("tcpdump -nn -e -v{} -i any", if all.bytes { " -xx" } else { "" }),
            format!("it prints {}, by which causes are told", name(all)),
        );
    }
}

/// Names beside a cause that is not certain what explains the same and a line would fit.
fn beside_causes(hints: &[Hint], unprinted: Printed, findings: &mut [Finding]) {
    let found: Vec<FindingId> = findings.iter().map(|f| f.id).collect();
    for cause in findings.iter_mut() {
        let open = cause.kind == Kind::Cause && cause.confidence < Confidence::Certain;
        if !open || !cause.is_loud() {
            continue;
        }
        let symptoms: Vec<FindingId> = cause.explains.iter().map(|n| found[*n]).collect();
        for hint in hints.iter().filter(|hint| !found.iter().any(|id| *id == hint.id)) {
            let of = CAUSES.iter().find(|c| c.id == hint.id);
            let same = of.is_some_and(|c| symptoms.iter().any(|id| id.is_of(c.explains)));
            if same && !cause.candidates.iter().any(|c| c.id == hint.id) {
                let hidden = rests_on(hint.id.into()).common(unprinted);
                cause.candidate(hint.id, fits_as(hint, hidden));
            }
        }
    }
}

/// What a hint says, with the fields that would tell.
fn fits_as(hint: &Hint, hidden: Printed) -> String {
    format!("{} (told by {})", hint.why, name(hidden))
}

/// Takes out of the note of what a text leaves open what other findings name.
pub(super) fn thin(findings: &mut Vec<Finding>) {
    let named: HashSet<FindingId> = findings
        .iter()
        .filter(|f| f.id != OPEN)
        .flat_map(|f| std::iter::once(f.id).chain(f.candidates.iter().map(|c| c.id)))
        .collect();
    for note in findings.iter_mut().filter(|f| f.id == OPEN) {
        let mut proofs = std::mem::take(&mut note.proofs).into_iter();
        note.candidates.retain(|candidate| {
            let proof = proofs.next();
            let left = !named.contains(&candidate.id);
            note.proofs.extend(proof.filter(|_| left));
            left
        });
    }
    findings.retain(|f| f.id != OPEN || !f.candidates.is_empty());
}

/// The note of what a text leaves open.
const OPEN: &str = "text-leaves-open";

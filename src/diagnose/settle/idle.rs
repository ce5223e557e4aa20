//! A director's own word on how long it keeps connections that are silent.

use super::{certain, say};
use crate::diagnose::settled::Settled;
use crate::diagnose::{Confidence, Finding};
use crate::trace::Trace;

/// `ipvsadm -L --timeout` names the time of established TCP connections first.
const TIMEOUT: &str = "ipvs-timeout-tcp";

pub(in crate::diagnose) fn forgotten(trace: &Trace, finding: &mut Finding) {
    let Some(shown_ns) = silence(trace, finding) else { return };
    let known = trace.states.iter().filter(|m| !m.hosts.is_empty());
    let mut told = known.filter_map(|m| trace.counter(*m.hosts.first()?, TIMEOUT));
    // Of several directors each may be the one.
    let Some(said) = told.next().filter(|_| told.next().is_none()) else { return };
    let (seconds, at) = (said.value, said.place());
    if i64::try_from(seconds).is_ok_and(|s| s.saturating_mul(1_000_000_000) <= shown_ns) {
        certain(finding);
        say(finding, Settled::ForgetsAfter { seconds, at });
    } else {
        say(finding, Settled::KeepsFor { seconds, at });
        finding.confidence = finding.confidence.min(Confidence::Possible);
        finding.to_confirm.retain(|c| !c.command.contains("ipvsadm"));
    }
}

/// The silence that a finding shows, nanoseconds: its first two proofs are the frames around it.
fn silence(trace: &Trace, finding: &Finding) -> Option<i64> {
    let [before, after, ..] = finding.proofs.as_slice() else { return None };
    Some(trace.time(after.at).0.saturating_sub(trace.time(before.at).0))
}

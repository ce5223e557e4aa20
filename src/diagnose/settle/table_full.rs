//! A director's own word on its table of tracked connections: full, or far from it.

use super::{Said, certain, say};
use crate::diagnose::settled::Settled;
use crate::diagnose::thresholds::TABLE_FULL_FULL;
use crate::diagnose::{Confidence, Finding, Names};
use crate::topology::{HostId, Role};
use crate::trace::Trace;

pub(in crate::diagnose) fn settle(trace: &Trace, finding: &mut Finding) {
    let Some(host) = director(trace, finding) else { return };
    let told = |name: &str| {
        let prefixes = ["net.netfilter.", "net."];
        prefixes.iter().find_map(|prefix| number(trace, host, &format!("{prefix}{name}")))
    };
    let (Some(count), Some(most)) = (told("nf_conntrack_count"), told("nf_conntrack_max")) else {
        return;
    };
    let who = Names(trace).host(host);
    say(finding, Settled::Tracked { who, count: count.value, most: most.value, at: count.place() });
    if count.value.saturating_mul(100) >= most.value.saturating_mul(TABLE_FULL_FULL) {
        certain(finding);
    } else {
        say(finding, Settled::RoomLeft);
        finding.confidence = finding.confidence.min(Confidence::Possible);
    }
}

/// The director that a finding names.
pub(super) fn director(trace: &Trace, finding: &Finding) -> Option<HostId> {
    let director = finding.subjects.iter().find(|s| s.role == Role::Director);
    director.and_then(|s| trace.host_by_mac(s.mac).or(trace.host_by_ip(s.address?)))
}

/// A counter of a host.
pub(super) fn number_of<'a>(trace: &'a Trace, host: HostId, name: &str) -> Option<Said<'a, u64>> {
    trace.counter(host, name)
}

fn number<'a>(trace: &'a Trace, host: HostId, name: &str) -> Option<Said<'a, u64>> {
    trace.states_of(host).find_map(|m| {
        let told = m.state.sysctls.get(name)?;
        Some(Said { value: told.value.parse().ok()?, state: &m.state, at: told.at })
    })
}

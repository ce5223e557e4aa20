//! Hosts' packet filters on what they silenced or rejected.

use super::{all, certain, places, say, servers};
use crate::diagnose::settled::Settled;
use crate::diagnose::{Finding, Names};
use crate::trace::Trace;

/// Whether rules of all the real servers stopped what the finding is about, which settles it.
/// Where none of them did, that is said.
pub(super) fn stopped(trace: &Trace, finding: &mut Finding, lost: u64) -> bool {
    let Some(hosts) = servers(trace, finding) else { return false };
    let Some(id) = finding.connections.first().copied() else { return false };
    let asked = trace.asked(id);
    if let Some(rules) = all(&hosts, |host| trace.stopped(host, &asked)) {
        let mut packets = 0;
        for (host, said) in hosts.iter().zip(&rules) {
            packets += said.value.packets.unwrap_or(0);
            let server = Names(trace).host(*host);
            let count = said.value.packets.unwrap_or(0);
            let (policy, reject) =
                (said.value.policy, said.value.verdict == crate::state::Verdict::Reject);
            say(
                finding,
                Settled::Filtered { server, packets: count, policy, reject, at: said.place() },
            );
        }
        // A policy stops whatever no rule names; its count is not of these packets alone.
        if packets >= lost && rules.iter().all(|said| said.value.counts_ports()) {
            certain(finding);
        }
        return true;
    }
    if let Some(said) = all(&hosts, |host| trace.passed(host, &asked)) {
        say(finding, Settled::FilterLetPass { at: places(&said) });
    }
    false
}

/// A host that rejects: the rule that does.
pub(in crate::diagnose) fn prohibited(trace: &Trace, finding: &mut Finding) {
    stopped(trace, finding, 1);
}

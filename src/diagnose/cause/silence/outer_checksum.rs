//! SYNs travel in a tunnel whose own UDP checksum is wrong: the node at its end drops the
//! datagram with all that is in it. The second form of `vxlan-or-nat-bad-checksum`.
//!
//! A checksum of 0 is none and is taken, so a repeat that goes without one gets through:
//! such connections stand after many repeats, on Linux after 63 seconds.

use crate::diagnose::cause::{each_service, severity};
use crate::diagnose::facts::silence::checksums::{OuterWrong, outer_wrong};
use crate::diagnose::thresholds::VXLAN_OR_NAT_BAD_CHECKSUM_SURE;
use crate::diagnose::words::{self, share};
use crate::diagnose::{Confidence, Facts, Finding, Names, Proof};
use crate::topology::{Role, ServiceId};
use crate::trace::ConnectionId;

pub(in crate::diagnose) fn findings(facts: &Facts) -> Vec<Finding> {
    let hit = facts.requests().filter(|(id, _)| outer_wrong(facts, *id).is_some());
    each_service(facts, hit.map(|(id, _)| id), |service, ids| finding(facts, service, ids))
}

fn finding(facts: &Facts, service: ServiceId, ids: Vec<ConnectionId>) -> Finding {
    let names = Names(facts);
    let s = facts.topology.service(service);
    let found: Vec<OuterWrong<'_>> = ids.iter().filter_map(|id| outer_wrong(facts, *id)).collect();
    let wrong: u32 = found.iter().map(|x| x.sums.outer_wrong).sum();
    let arrived = found.iter().find(|x| x.arrived);
    let shown = arrived.or(found.first());
    let ends = shown.and_then(|x| x.sums.outer);
    let (from, to) = ends.map_or_else(
        || ("the sending node".to_owned(), "the receiving node".to_owned()),
        |(from, to)| (from.to_string(), to.to_string()),
    );
    let late = ids.iter().filter(|id| facts.connection(**id).progress.answered).count();
    let through = if late > 0 {
        " A repeat that is sent without a checksum is accepted, so the connection is established after all."
    } else {
        ""
    };
    let title = format!("SYNs travel from {from} to {to} in a tunnel whose UDP checksum is wrong");
    let place = if arrived.is_some() { "arrive at" } else { "leave for" };
    let explanation = format!(
        "The SYNs for {} {place} {to} inside of UDP datagrams whose own checksum is not theirs: the stack there drops such a datagram with all that is in it, and says nothing.{through} Kernels and network cards are known to make that sum wrong for packets that {from} masquerades before they enter the tunnel. {} concerned.",
        s.name(),
        share(facts, service, &ids, "are")
    );
    let mut finding = Finding::cause("vxlan-or-nat-bad-checksum", title, explanation);
    finding.severity = severity(facts, &ids);
    let sure = arrived.is_some() && wrong >= VXLAN_OR_NAT_BAD_CHECKSUM_SURE;
    finding.confidence = if sure { Confidence::Certain } else { Confidence::Likely };
    if !sure {
        finding.candidate(
            "packet-loss",
            format!("then the datagrams do not arrive at {to}, or arrive with a right sum"),
        );
    }
    finding.confirm(to, "nstat -az UdpInCsumErrors", "it grows with each SYN");
    let offload = |state: &str| format!("ethtool -K TUNNELDEV tx-checksum-ip-generic {state}");
    finding.fix(
        format!("{from}, on the tunnel's device (flannel.1, vxlan.calico, cilium_vxlan)"),
        format!("{}   # a kernel with the fix for it needs none", offload("off")),
        offload("on"),
    );
    finding.proofs = shown.map(|x| proofs(facts, x)).unwrap_or_default();
    let host = shown.and_then(|x| facts.host_of(x.leg));
    finding.subjects = host.map(|host| names.subject(Role::Router, host)).into_iter().collect();
    if finding.subjects.is_empty() {
        finding.subjects.push(words::service_subject(s));
    }
    finding.connections = ids;
    finding
}

fn proofs(facts: &Facts, x: &OuterWrong<'_>) -> Vec<Proof> {
    let (there, back) = (facts.forward(x.leg), facts.reply(x.leg));
    let proofs = [
        facts.proof(x.leg, there.syn, "the SYN in its tunnel, and nothing answers"),
        facts.proof(x.leg, x.sums.first_outer_wrong, "it comes again, the outer checksum is wrong"),
        facts.proof(x.leg, back.syn, "the answer, once a repeat went without a checksum"),
    ];
    Proof::seen(proofs)
}

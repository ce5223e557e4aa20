//! Service addresses that several hosts claim, and who answers for them.

use super::machines::{Kin, kin};
use crate::diagnose::finding::Proof;
use crate::diagnose::thresholds::{DISPUTES_HANDOVERS, DISPUTES_RESTLESS_NS};
use crate::diagnose::words::Names;
use crate::flow::{Claim, Dispute, VantageId};
use crate::topology::HostId;
use crate::trace::Trace;
use crate::wire::Ip;

/// Claimants that are compared, whether they are interfaces of one machine.
pub(in crate::diagnose) const MAX_INTERFACES: usize = 8;

/// The vantage and the dispute, if several hosts keep claiming an address.
pub(in crate::diagnose) fn disputed(trace: &Trace, vip: Ip) -> Option<(VantageId, &Dispute)> {
    let found = VantageId::each(&trace.vantages).find_map(|(v, vantage)| {
        let dispute = vantage.neighbors.disputes.iter().find(|d| d.ip == vip)?;
        // One question with two answers again and again, or a change at every
        // question: hand-overs are neither.
        let span = dispute.last.since(dispute.first).max(1);
        let restless = dispute.changes > DISPUTES_HANDOVERS
            && span / i64::from(dispute.changes) < DISPUTES_RESTLESS_NS;
        (dispute.quick >= 2 || restless).then_some((v, dispute))
    })?;
    (is_resolved(trace, vip) && claimants(trace, vip).len() > 1).then_some(found)
}

/// Whether anybody asks for an address, answers for it or announces it. What routers
/// lead to by another address is in nobody's neighbour table.
fn is_resolved(trace: &Trace, vip: Ip) -> bool {
    let mut neighbors = trace.vantages.iter().map(|v| &v.neighbors);
    trace.claims_of(vip).any(|(_, b)| b.claim != Claim::Sender)
        || neighbors.any(|n| n.asks.iter().any(|ask| ask.target == vip))
}

/// Machines that claim an address, each by one of its hosts, virtual routers' MACs aside.
pub(in crate::diagnose) fn claimants(trace: &Trace, vip: Ip) -> Vec<HostId> {
    let mut hosts: Vec<HostId> = trace
        .claims_of(vip)
        .filter(|(_, b)| !b.mac.is_vrrp())
        .filter_map(|(_, b)| trace.topology.hosts.by_mac(b.mac))
        .collect();
    // By MAC: hosts are numbered in the order of the captures.
    hosts.sort_by_key(|h| (trace.topology.hosts.get(*h).macs.first().copied(), *h));
    hosts.dedup();
    let mut machines: Vec<HostId> = Vec::with_capacity(hosts.len());
    for host in hosts {
        // Two are compared, and a flood of claims is none of two interfaces.
        let same = |known: &HostId| kin(trace, vip, *known, host) == Kin::One;
        if machines.len() > MAX_INTERFACES || !machines.iter().any(same) {
            machines.push(host);
        }
    }
    machines
}

/// One frame of each claimant, from the vantage that shows most of them.
pub(in crate::diagnose) fn claims(trace: &Trace, vip: Ip) -> Vec<Proof> {
    let Some((v, _)) = disputed(trace, vip) else { return Vec::new() };
    let mut seen = Vec::new();
    let mut proofs: Vec<Proof> = Vec::new();
    for (_, binding) in trace.claims_of(vip).filter(|(at, _)| *at == v) {
        let host = trace.topology.hosts.by_mac(binding.mac);
        if seen.contains(&host) {
            continue;
        }
        seen.push(host);
        let name = host.and_then(|h| Names(trace).address(h)).filter(|ip| *ip != vip);
        let name = name.map_or_else(String::new, |ip| format!(", the MAC of {ip}"));
        let how = match binding.claim {
            Claim::Reply => "is-at",
            Claim::Announcement => "announces itself at",
            Claim::Sender => "asks as the owner, at",
        };
        proofs.push(Proof::on(v, binding.first, format!("{vip} {how} {}{name}", binding.mac)));
    }
    proofs
}

/// Announcements of one host that say that it holds an address for its own: one that takes it announces it as it does,
/// once or a few times (RFC 5227, section 2.3).
const HOLDS: u32 = 4;

/// Whether two of the claimants announce an address again and again, each while the other does: either takes itself for
/// its owner. A real server with the VIP announces it as it comes up, and answers from then on.
pub(in crate::diagnose) fn announce_in_turn(trace: &Trace, vip: Ip, claimants: &[HostId]) -> bool {
    let holds = |host: &HostId| {
        let own = trace.claims_of(vip).filter(|(_, b)| {
            b.claim == Claim::Announcement && trace.host_by_mac(Some(b.mac)) == Some(*host)
        });
        let most = own.max_by_key(|(_, b)| b.count)?.1;
        (most.count >= HOLDS).then_some((most.first, most.last))
    };
    let spans: Vec<_> = claimants.iter().take(MAX_INTERFACES).filter_map(holds).collect();
    let meanwhile = |(i, one): (usize, &(crate::flow::Mark, crate::flow::Mark))| {
        spans[i + 1..].iter().any(|other| one.0.at() < other.1.at() && other.0.at() < one.1.at())
    };
    spans.iter().enumerate().any(meanwhile)
}

/// Whether a host answers for an address or announces it, at any vantage.
pub(in crate::diagnose) fn answers_for(trace: &Trace, host: HostId, ip: Ip) -> bool {
    trace
        .claims_of(ip)
        .filter(|(_, b)| b.claim != Claim::Sender)
        .any(|(_, b)| trace.host_by_mac(Some(b.mac)) == Some(host))
}

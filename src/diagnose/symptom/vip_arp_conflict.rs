//! Two hosts claim one service address in overlapping time, by ARP or NDP.

use super::super::{Names, Proof, Sighting, Subject, Wording};
use crate::flow::{Claim, Dispute};
use crate::topology::HostId;
use crate::trace::{At, Trace};
use crate::wire::Ip;

/// Changes of owner that no hand-over, there and back, makes.
const MAX_HANDOVERS: u32 = 3;
/// Owners that change more often than this on average are no hand-overs.
const RESTLESS_NS: i64 = 2_000_000_000;

pub(in crate::diagnose) fn sightings(trace: &Trace) -> Vec<Sighting> {
    let mut vips: Vec<Ip> = trace
        .topology
        .services
        .iter()
        .filter(|s| !s.is_backend)
        .map(|s| s.vip)
        .filter(|vip| disputed(trace, *vip).is_some())
        .collect();
    vips.sort_unstable();
    vips.dedup();
    vips.into_iter()
        .map(|vip| Sighting { connection: None, address: Some(vip), host: None, costly: true })
        .collect()
}

/// The vantage and the dispute, if several hosts keep claiming an address.
pub(in crate::diagnose) fn disputed(trace: &Trace, vip: Ip) -> Option<(usize, &Dispute)> {
    if claimants(trace, vip).len() < 2 {
        return None;
    }
    trace.vantages.iter().enumerate().find_map(|(v, vantage)| {
        let dispute = vantage.neighbors.disputes.iter().find(|d| d.ip == vip)?;
        // One question with two answers again and again, or a change at every
        // question: hand-overs are neither.
        let span = dispute.last.since(dispute.first).max(1);
        let restless =
            dispute.changes > MAX_HANDOVERS && span / i64::from(dispute.changes) < RESTLESS_NS;
        (dispute.quick >= 2 || restless).then_some((v, dispute))
    })
}

/// Hosts that claim an address, virtual routers' MACs aside.
pub(in crate::diagnose) fn claimants(trace: &Trace, vip: Ip) -> Vec<HostId> {
    let mut hosts: Vec<HostId> = trace
        .vantages
        .iter()
        .flat_map(|v| &v.neighbors.bindings)
        .filter(|b| b.ip == vip && !b.mac.is_vrrp())
        .filter_map(|b| trace.topology.hosts.by_mac(b.mac))
        .collect();
    // By MAC: hosts are numbered in the order of the captures.
    hosts.sort_by_key(|h| (trace.topology.hosts.get(*h).macs.first().copied(), *h));
    hosts.dedup();
    hosts
}

/// One frame of each claimant, from the vantage that shows most of them.
pub(in crate::diagnose) fn claims(trace: &Trace, vip: Ip) -> Vec<Proof> {
    let Some((v, _)) = disputed(trace, vip) else { return Vec::new() };
    let mut seen = Vec::new();
    let mut proofs: Vec<Proof> = Vec::new();
    for binding in trace.vantages[v].neighbors.bindings.iter().filter(|b| b.ip == vip) {
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
        proofs.push(Proof {
            at: At { vantage: v, mark: binding.first },
            note: format!("{vip} {how} {}{name}", binding.mac),
        });
    }
    proofs
}

pub(in crate::diagnose) fn proofs(trace: &Trace, sighting: &Sighting) -> Vec<Proof> {
    sighting.address.map(|vip| claims(trace, vip)).unwrap_or_default()
}

pub(in crate::diagnose) fn word(trace: &Trace, sightings: &[Sighting]) -> Wording {
    let vips: Vec<Ip> = sightings.iter().filter_map(|s| s.address).collect();
    let names: Vec<String> = vips.iter().map(Ip::to_string).collect();
    let hosts: Vec<HostId> = vips.iter().flat_map(|vip| claimants(trace, *vip)).collect();
    let subjects: Vec<Subject> =
        hosts.iter().map(|host| Names(trace).subject("host", *host)).collect();
    Wording {
        title: format!("several hosts claim {}", names.join(", ")),
        explanation: format!(
            "{} hosts answer for it on the same link; each neighbour keeps whichever answer it prefers, and sends everything there until it asks again.",
            subjects.len()
        ),
        subjects,
    }
}

pub(in crate::diagnose) fn blind(trace: &Trace) -> Option<String> {
    let seen = trace.vantages.iter().any(|v| !v.neighbors.bindings.is_empty());
    (!seen).then(|| {
        "no ARP or neighbour discovery was captured; capture 'arp or icmp6' on the VIP's link, best on the router"
            .to_owned()
    })
}

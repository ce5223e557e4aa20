//! Two hosts claim one service address in overlapping time, by ARP or NDP.
//!
//! Two interfaces of one machine are no two hosts, and an address that nobody asks for
//! or answers for, since routers lead to it, is in nobody's neighbour table. Where the
//! captures do not tell machines from interfaces and no connection is lost, it is said
//! and warns nobody.

use super::super::machines::{Kin, kin};
use super::super::{Facts, Names, Proof, Sighting, Subject, Wording};
use crate::flow::{Claim, Dispute};
use crate::topology::{HostId, Role};
use crate::trace::{At, Trace};
use crate::wire::Ip;

/// Changes of owner that no hand-over, there and back, makes.
const MAX_HANDOVERS: u32 = 3;
/// Owners that change more often than this on average are no hand-overs.
const RESTLESS_NS: i64 = 2_000_000_000;
/// Claimants that are compared, whether they are interfaces of one machine.
const MAX_INTERFACES: usize = 8;

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    let mut vips: Vec<Ip> = facts
        .topology
        .services
        .iter()
        .filter(|s| !s.is_backend)
        .map(|s| s.vip)
        .filter(|vip| disputed(facts, *vip).is_some())
        .collect();
    vips.sort_unstable();
    vips.dedup();
    vips.into_iter()
        .map(|vip| {
            let costly = is_between_machines(facts, vip) || fails(facts, vip);
            Sighting { connection: None, address: Some(vip), host: None, costly }
        })
        .collect()
}

/// Whether two of the claimants are known to be two machines.
fn is_between_machines(trace: &Trace, vip: Ip) -> bool {
    let hosts = claimants(trace, vip);
    let pairs =
        hosts.iter().enumerate().flat_map(|(i, a)| hosts[i + 1..].iter().map(move |b| (a, b)));
    let mut pairs = pairs.into_iter();
    hosts.len() > MAX_INTERFACES || pairs.any(|(a, b)| kin(trace, vip, *a, *b) == Kin::Two)
}

fn fails(trace: &Trace, vip: Ip) -> bool {
    trace.requests().any(|(id, c)| trace.service(id).vip == vip && c.outcome.failed())
}

/// The vantage and the dispute, if several hosts keep claiming an address.
pub(in crate::diagnose) fn disputed(trace: &Trace, vip: Ip) -> Option<(usize, &Dispute)> {
    let found = trace.vantages.iter().enumerate().find_map(|(v, vantage)| {
        let dispute = vantage.neighbors.disputes.iter().find(|d| d.ip == vip)?;
        // One question with two answers again and again, or a change at every
        // question: hand-overs are neither.
        let span = dispute.last.since(dispute.first).max(1);
        let restless =
            dispute.changes > MAX_HANDOVERS && span / i64::from(dispute.changes) < RESTLESS_NS;
        (dispute.quick >= 2 || restless).then_some((v, dispute))
    })?;
    (is_resolved(trace, vip) && claimants(trace, vip).len() > 1).then_some(found)
}

/// Whether anybody asks for an address, answers for it or announces it. What routers
/// lead to by another address is in nobody's neighbour table.
fn is_resolved(trace: &Trace, vip: Ip) -> bool {
    let mut neighbors = trace.vantages.iter().map(|v| &v.neighbors);
    neighbors.any(|n| {
        n.bindings.iter().any(|b| b.ip == vip && b.claim != Claim::Sender)
            || n.asks.iter().any(|a| a.target == vip)
    })
}

/// Machines that claim an address, each by one of its hosts, virtual routers' MACs aside.
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

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    sighting.address.map(|vip| claims(facts, vip)).unwrap_or_default()
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    let vips: Vec<Ip> = sightings.iter().filter_map(|s| s.address).collect();
    let names: Vec<String> = vips.iter().map(Ip::to_string).collect();
    let hosts: Vec<HostId> = vips.iter().flat_map(|vip| claimants(facts, *vip)).collect();
    let subjects: Vec<Subject> =
        hosts.iter().map(|host| Names(facts).subject(Role::Host, *host)).collect();
    let (who, doubt) = if vips.iter().any(|vip| is_between_machines(facts, *vip)) {
        ("hosts", "")
    } else {
        (
            "MACs",
            " Nothing here tells whether they are two machines or two interfaces of one, which would be no fault: 'ip -br link' on the host tells.",
        )
    };
    Wording {
        title: format!("several {who} claim {}", names.join(", ")),
        explanation: format!(
            "{} {who} answer for it on the same link; each neighbour keeps whichever answer it prefers, and sends everything there until it asks again.{doubt}",
            subjects.len()
        ),
        subjects,
    }
}

pub(in crate::diagnose) fn blind(facts: &Facts) -> Option<String> {
    let seen = facts.vantages.iter().any(|v| !v.neighbors.bindings.is_empty());
    (!seen).then(|| {
        "no ARP or neighbour discovery was captured; capture 'arp or icmp6' on the VIP's link, best on the router"
            .to_owned()
    })
}

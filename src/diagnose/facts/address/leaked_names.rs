//! ARP requests of real servers that name the VIP as their sender.

use super::disputes::answers_for;
use super::machines::speaks_vrrp;
use crate::diagnose::finding::Proof;
use crate::flow::{Binding, Claim, Hop, VantageId};
use crate::topology::{HostId, Service};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

/// Requests of real servers that name the VIP as sender, by who sends them.
pub(in crate::diagnose) fn leaks<'a>(
    trace: &'a Trace,
    service: &Service,
    ids: &[ConnectionId],
) -> BTreeMap<HostId, Vec<(VantageId, &'a Binding)>> {
    let mut found: BTreeMap<HostId, Vec<(VantageId, &Binding)>> = BTreeMap::new();
    for (v, vantage) in VantageId::each(&trace.vantages) {
        let asks = |b: &&Binding| {
            b.ip == service.vip && b.claim == Claim::Sender && b.asked != service.vip
        };
        for binding in vantage.neighbors.bindings.iter().filter(asks) {
            let Some(host) = trace.host_by_mac(Some(binding.mac)) else { continue };
            found.entry(host).or_default().push((v, binding));
        }
    }
    found.retain(|host, _| {
        !service.is_director(*host)
            && !speaks_vrrp(trace, *host)
            && !answers_for(trace, *host, service.vip)
            && ids.iter().any(|id| trace.server(*id).and_then(|s| s.host) == Some(*host))
    });
    found
}

/// Where a packet for the VIP goes to a real server's MAC from somebody else than a
/// director: the leg and the frame.
pub(in crate::diagnose) fn straight(
    trace: &Trace,
    id: ConnectionId,
    host: HostId,
) -> Option<Proof> {
    let service = trace.service(id);
    let h = trace.topology.hosts.get(host);
    let outside = |hop: &Hop| {
        let from = trace.host_by_mac(hop.link.src);
        from.is_some_and(|from| from != host && !service.is_director(from))
    };
    trace.legs(id).iter().filter(|leg| !leg.of(&trace.vantages).key.is_forwarded()).find_map(
        |leg| {
            let own = &trace.vantage(leg).own;
            let here = trace.host_of(leg) == Some(host);
            let to = |hop: &Hop| {
                let there = hop.link.dst.is_some_and(|mac| h.macs.contains(&mac));
                outside(hop) && (there || here && own.arrived(hop) == Some(true))
            };
            let note = "a packet of a client goes to that MAC, past the director";
            trace.proof_on(leg, trace.forward(leg), to, note)
        },
    )
}

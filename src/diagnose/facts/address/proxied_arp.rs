//! Hosts that answer ARP for a VIP in whose service they have no part.

use super::disputes::{answers_for, disputed};
use super::machines::{answered_for_others, speaks_vrrp};
use crate::diagnose::facts::index::Indexed;
use crate::diagnose::thresholds::{PAIR, PROXY_ARP_OR_ARP_FLUX_MIN_ANSWERS};
use crate::flow::{Binding, Claim, Hop, VantageId};
use crate::topology::{HostId, Mode, Service};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::BTreeSet;

/// The services of a VIP.
pub(in crate::diagnose) fn services(trace: &Trace, vip: Ip) -> impl Iterator<Item = &Service> {
    trace.topology.services.iter().filter(move |s| s.vip == vip && !s.is_backend)
}

/// Whether a host answers for a VIP without any part in its service.
pub(in crate::diagnose) fn is_stranger(trace: &Trace, host: HostId, vip: Ip) -> bool {
    answers_for(trace, host, vip)
        && !speaks_vrrp(trace, host)
        && !services(trace, vip)
            .any(|s| s.is_director(host) || s.real_servers.iter().any(|r| r.host == Some(host)))
}

/// The other hosts for whose addresses a host answers.
pub(in crate::diagnose) fn others(trace: &Trace, host: HostId, vip: Ip) -> BTreeSet<HostId> {
    answered_for_others(trace, host, vip).into_values().flatten().collect()
}

/// Answers for an address, with their vantages.
pub(in crate::diagnose) fn replies(
    trace: &Trace,
    vip: Ip,
) -> impl Iterator<Item = (VantageId, &Binding)> {
    trace.claims_of(vip).filter(|(_, b)| b.claim == Claim::Reply)
}

/// The stranger whose answer comes first where both are seen, if packets for the VIP
/// end without a word and the other claimant's side of the link shows none of them.
pub(in crate::diagnose) fn believed(
    facts: &Indexed<'_>,
    vip: Ip,
    strangers: &[HostId],
) -> Option<HostId> {
    let (asker, _) = disputed(facts, vip)?;
    let (_, first) =
        replies(facts, vip).filter(|(v, _)| *v == asker).min_by_key(|(_, b)| b.first.frame())?;
    let host = facts.host_by_mac(Some(first.mac)).filter(|host| strangers.contains(host))?;
    if facts.is_captured(host) || services(facts, vip).any(|s| s.mode != Mode::Unknown) {
        return None;
    }
    let of_vip = || facts.requests_to_address(vip);
    let ends = of_vip().all(|(id, c)| {
        let p = c.progress;
        c.outcome.failed() && !p.answered && !p.established && facts.errors_of(id).next().is_none()
    });
    let is_of = |b: &Binding| facts.host_by_mac(Some(b.mac)) == Some(host);
    let by_itself =
        |v: VantageId| facts.vantages[v.index()].streams.iter().all(|s| !s.key.ips.contains(&vip));
    // Answers go to one host: who sees the other's and not this one's is the other.
    let apart = replies(facts, vip).any(|(v, b)| {
        let here = facts.vantages[v.index()].neighbors.bindings.iter();
        !is_of(b)
            && b.count >= PROXY_ARP_OR_ARP_FLUX_MIN_ANSWERS
            && !here.into_iter().any(|b| b.ip == vip && is_of(b))
            && by_itself(v)
    });
    (apart && ends && of_vip().count() >= PAIR).then_some(host)
}

/// Whether packets of a failed connection went to the host, as far as frames name whom
/// they are for; without that, whether no director got them.
pub(in crate::diagnose) fn strayed(trace: &Trace, id: ConnectionId, host: HostId) -> bool {
    let c = trace.connection(id);
    if !c.outcome.failed() || c.progress.answered {
        return false;
    }
    let macs = &trace.topology.hosts.get(host).macs;
    let to = |hop: &Hop| hop.link.dst.is_some_and(|mac| macs.contains(&mac));
    let mut legs = trace.legs(id).iter();
    let service = trace.service(id);
    let by_director = trace
        .route(id)
        .forward
        .iter()
        .any(|step| [step.from, step.to].into_iter().flatten().any(|h| service.is_director(h)));
    !by_director || legs.any(|leg| trace.path(leg, trace.forward(leg)).any(|(_, hop)| to(hop)))
}

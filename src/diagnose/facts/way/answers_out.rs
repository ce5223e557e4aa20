//! SYN-ACKs of DR and TUN as they leave their real servers, and what becomes of them.

use crate::capture::LinkType;
use crate::correlate::Leg;
use crate::diagnose::finding::Proof;
use crate::diagnose::thresholds::TRANSMISSIONS;
use crate::flow::{Hop, Link};
use crate::hashed::HashSet;
use crate::topology::{HostId, Mode, ServiceId};
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Mac;
use std::collections::BTreeMap;

/// A SYN-ACK as it leaves its real server, by the server's own capture.
pub(in crate::diagnose) struct Leaving<'a> {
    pub leg: &'a Leg,
    pub link: &'a Link,
    /// For whom it leaves: neither a director nor the client.
    pub next: Mac,
}

/// The answer of a real server as it leaves for its next hop.
pub(in crate::diagnose) fn leaving(trace: &Trace, id: ConnectionId) -> Option<Leaving<'_>> {
    let service = trace.service(id);
    if !matches!(service.mode, Mode::Dr | Mode::Tun) {
        return None;
    }
    let host = trace.server(id)?.host?;
    let client = trace.host_by_ip(trace.connection(id).front.client.0);
    if !trace.delivered(id, host) || client == Some(host) {
        return None;
    }
    trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(host)).find_map(|leg| {
        let back = trace.reply(leg);
        let own = &trace.vantage(leg).own;
        let goes = |(link, hop): &(&Link, &Hop)| link.syns > 0 && own.sent(hop) == Some(true);
        let (link, hop) = trace.path(leg, back).find(goes).filter(|_| back.accepted())?;
        let next = hop.link.dst.filter(|mac| mac.is_unicast())?;
        let to = trace.host_by_mac(Some(next));
        let to_router = to.is_none_or(|to| !service.is_director(to) && Some(to) != client);
        to_router.then_some(Leaving { leg, link, next })
    })
}

/// Whether anything of the answer reaches the client, by the client's own
/// capture, in which it waited for one; `None` without such a capture.
pub(in crate::diagnose) fn arrives(trace: &Trace, id: ConnectionId) -> Option<bool> {
    let leg = trace.legs(id).iter().find(|leg| trace.is_client_side(id, leg))?;
    let host = trace.host_of(leg);
    let any = trace
        .legs(id)
        .iter()
        .any(|l| (l.vantage == leg.vantage || trace.host_of(l) == host) && trace.reply(l).seen());
    let waits = trace.forward(leg).syns >= TRANSMISSIONS && trace.vantage(leg).shows.both_ways;
    if any { Some(true) } else { waits.then_some(false) }
}

/// Whether the VIP is at home on its real server's link, by the real server's capture.
pub(in crate::diagnose) fn at_home(trace: &Trace, id: ConnectionId) -> bool {
    let Some(out) = leaving(trace, id) else { return false };
    let service = trace.service(id);
    let is_server = |mac: Mac| {
        let host = trace.host_by_mac(Some(mac));
        host.is_some() && service.real_servers.iter().any(|s| s.host == host)
    };
    let neighbors = &trace.vantage(out.leg).neighbors;
    neighbors.asks.iter().any(|ask| ask.target == service.vip)
        || neighbors.bindings.iter().any(|b| b.ip == service.vip && !is_server(b.mac))
}

/// What tells where an answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) struct Signs {
    /// See [`arrives`].
    pub arrives: Option<bool>,
    /// A host said why by ICMP.
    pub told: bool,
    /// Whether it comes to its next hop, by that host's own capture.
    pub comes: Option<bool>,
    /// The next hop's capture shows other frames of the real server.
    pub hears: bool,
    /// See [`at_home`].
    pub at_home: bool,
    /// The next hop passes answers on.
    pub goes_on: bool,
}

/// What tells where a connection's answer is lost that leaves so.
pub(in crate::diagnose) fn signs(trace: &Trace, id: ConnectionId, out: &Leaving<'_>) -> Signs {
    let next = trace.host_by_mac(Some(out.next));
    let captured = next.filter(|host| trace.is_captured(*host));
    let at = |host: HostId| {
        trace.legs(id).iter().any(|leg| trace.host_of(leg) == Some(host) && trace.reply(leg).seen())
    };
    Signs {
        arrives: arrives(trace, id),
        told: trace.errors_of(id).next().is_some(),
        comes: captured.filter(|host| watches(trace, *host, out)).map(at),
        hears: captured.is_some_and(|host| hears(trace, host, out).is_some()),
        at_home: at_home(trace, id),
        goes_on: next.is_some() && trace.route(id).back.iter().any(|step| step.from == next),
    }
}

/// Whether a host's capture ran when the answer left first: one that was begun later, or had ended, does not show that
/// nothing came.
fn watches(trace: &Trace, host: HostId, out: &Leaving<'_>) -> bool {
    let left = trace.time(trace.at(out.leg, out.link.first));
    let vantages = trace.topology.hosts.get(host).vantages.iter();
    let mut taken = vantages.map(|v| &trace.vantages[v.index()]);
    taken.any(|v| trace.start_of(v) <= left && left <= trace.end_of(v))
}

/// What leaves for one next hop.
#[derive(Debug, Default)]
pub(in crate::diagnose) struct ByHop {
    /// An answer got through; then they are left out.
    passes: bool,
    /// Failed connections whose SYN-ACKs left again and again.
    pub lost: Vec<ConnectionId>,
}

/// Answers that do not get through, by service and next hop.
pub(in crate::diagnose) fn by_next_hop(trace: &Trace) -> BTreeMap<(ServiceId, Mac), ByHop> {
    let mut sets: BTreeMap<(ServiceId, Mac), ByHop> = BTreeMap::new();
    let failed = trace.requests().filter(|(_, c)| c.outcome.failed());
    let concerned: HashSet<ServiceId> = failed.map(|(id, _)| trace.service_of(id)).collect();
    if concerned.is_empty() {
        return sets;
    }
    for (id, c) in trace.requests().filter(|(_, c)| c.protocol.is_tcp()) {
        if !concerned.contains(&trace.service_of(id)) {
            continue;
        }
        let Some(out) = leaving(trace, id) else { continue };
        let set = sets.entry((trace.service_of(id), out.next)).or_default();
        set.passes |= c.progress.established || arrives(trace, id) == Some(true);
        if c.outcome.failed() && out.link.syns >= TRANSMISSIONS {
            set.lost.push(id);
        }
    }
    sets.retain(|_, set| !set.passes && !set.lost.is_empty());
    sets
}

/// A frame of the real server that its next hop's capture shows.
pub(in crate::diagnose) fn hears(trace: &Trace, next: HostId, out: &Leaving<'_>) -> Option<At> {
    let own = trace.host_of(out.leg)?;
    let macs = &trace.topology.hosts.get(own).macs;
    trace.topology.hosts.get(next).vantages.iter().find_map(|v| {
        let bindings = trace.vantages[v.index()].neighbors.bindings.iter();
        let heard = bindings.filter(|b| macs.contains(&b.mac)).map(|b| b.first).next();
        heard.map(|mark| At { vantage: *v, mark })
    })
}

/// Where the router's own capture shows the answer come in, and the client's side
/// of it as well, on which the answer would go out: by a SYN that came in there, or
/// because the capture is one of all interfaces.
pub(in crate::diagnose) fn at_router(
    trace: &Trace,
    id: ConnectionId,
    router: Option<HostId>,
) -> Option<&Leg> {
    trace.legs(id).iter().find(|leg| {
        let own = &trace.vantage(leg).own;
        let comes = |flow| trace.path(leg, flow).any(|(_, hop)| own.arrived(hop) == Some(true));
        let link_type = trace.vantage(leg).link_type;
        let all = matches!(link_type, LinkType::LINUX_SLL | LinkType::LINUX_SLL2);
        router.is_some()
            && trace.host_of(leg) == router
            && comes(trace.reply(leg))
            && (all || comes(trace.forward(leg)))
    })
}

/// The SYN at the real server, its answer as it leaves, at the router, and the client that
/// still asks.
pub(in crate::diagnose) fn proofs(
    trace: &Trace,
    id: ConnectionId,
    router: Option<&Leg>,
) -> Vec<Proof> {
    let mut proofs = Vec::new();
    if let Some(out) = leaving(trace, id) {
        let there = trace.forward(out.leg);
        proofs.extend(trace.proof(out.leg, there.syn, "the SYN arrives at the real server"));
        let note = format!("its SYN-ACK leaves for {}", out.next);
        proofs.extend(trace.proof(out.leg, out.link.first, note));
        if out.link.last != out.link.first {
            proofs.extend(trace.proof(out.leg, out.link.last, "and again, in vain"));
        }
    }
    if let Some(leg) = router {
        let first = trace.reply(leg).first;
        proofs.extend(trace.proof(leg, first, "it comes in at the router and does not go on"));
    }
    if let Some(leg) = trace.legs(id).iter().find(|leg| trace.is_client_side(id, leg)) {
        let last = trace.forward(leg).last;
        proofs.extend(trace.proof(leg, last, "the client still repeats its SYN: no answer came"));
    }
    proofs
}

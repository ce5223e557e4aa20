//! What a real server's own capture shows of the end of a balancer's tunnel.

use super::tunnel_ends;
use crate::capture::LinkType;
use crate::correlate::Leg;
use crate::diagnose::finding::Proof;
use crate::flow::{IcmpError, IcmpErrorKind, VantageId};
use crate::topology::HostId;
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::{Ip, Outer, Tunnel};
use std::collections::BTreeMap;

/// IPIP, 6in4, GRE (RFC 2003, RFC 4213, RFC 2784).
const TUNNELS: [u8; 3] = [4, 41, 47];
/// ICMP protocol unreachable, and port unreachable, which Linux sends where no tunnel
/// takes the packet (`tunnel4_rcv`).
const CODES: [u8; 2] = [2, 3];
/// The same in IPv6 (`tunnel6_rcv`; RFC 4443, section 3.1).
const PORT_UNREACHABLE_6: IcmpErrorKind = IcmpErrorKind::Unreachable { kind: 1, code: 4 };

/// The leg at a host on which a connection's packets arrive in the tunnel.
pub(in crate::diagnose) fn wrapped(trace: &Trace, id: ConnectionId, host: HostId) -> Option<&Leg> {
    legs(trace, id, host).find(|leg| leg.of(&trace.vantages).key.is_forwarded())
}

/// The kind of tunnel in which a connection's packets arrive at a host.
pub(in crate::diagnose) fn kind(trace: &Trace, id: ConnectionId, host: HostId) -> Option<Tunnel> {
    let leg = wrapped(trace, id, host)?;
    Outer::forwarding_kind(leg.of(&trace.vantages).key.tunnel)
}

/// The leg at a host on which they come out of it: the tunnel's own interface.
pub(in crate::diagnose) fn opened(trace: &Trace, id: ConnectionId, host: HostId) -> Option<&Leg> {
    wrapped(trace, id, host)?;
    legs(trace, id, host).find(|leg| {
        let comes = |flow| trace.path(leg, flow).any(|(_, hop)| hop.is_inbound() == Some(true));
        !leg.of(&trace.vantages).key.is_forwarded() && comes(trace.forward(leg))
    })
}

/// Whether packets that arrive in the tunnel do not come out of it, by a capture of
/// all interfaces.
pub(in crate::diagnose) fn stays_closed(trace: &Trace, id: ConnectionId, host: HostId) -> bool {
    wrapped(trace, id, host).is_some_and(|leg| {
        let link_type = trace.vantage(leg).link_type;
        matches!(link_type, LinkType::LINUX_SLL | LinkType::LINUX_SLL2)
            && opened(trace, id, host).is_none()
    })
}

fn legs(trace: &Trace, id: ConnectionId, host: HostId) -> impl Iterator<Item = &Leg> {
    let at_host = move |leg: &&Leg| trace.host_of(leg) == Some(host);
    trace.legs(id).iter().filter(at_host).filter(|leg| trace.forward(leg).seen())
}

/// The end of the tunnel about whose packet an error is, where the error comes from elsewhere and says that
/// the way there ends: no route, or no neighbour (RFC 792; RFC 4443, section 3.1).
pub(in crate::diagnose) fn unreached(
    trace: &Trace,
    at: VantageId,
    error: &IcmpError,
) -> Option<Ip> {
    let ends = matches!(
        error.kind,
        IcmpErrorKind::Unreachable { kind: 3, code: 0 | 1 }
            | IcmpErrorKind::Unreachable { kind: 1, code: 0 | 3 }
    );
    let seen = &trace.vantages[at.index()].errors;
    let from = seen.partition_point(|e| e.mark.frame() < error.mark.frame());
    let mut same = seen[from..].iter().take_while(|e| e.mark.frame() == error.mark.frame());
    let outer = same.find(|e| (e.quote.src, e.quote.dst) != (error.quote.src, error.quote.dst))?;
    (ends && outer.quote.dst != error.src).then_some(outer.quote.dst)
}

/// Whether an error is about a tunnel's packet: it is kept for that and for what is inside.
pub(in crate::diagnose) fn about_tunnel(trace: &Trace, at: VantageId, error: &IcmpError) -> bool {
    let seen = &trace.vantages[at.index()].errors;
    let from = seen.partition_point(|e| e.mark.frame() < error.mark.frame());
    let same = seen[from..].iter().take_while(|e| e.mark.frame() == error.mark.frame());
    same.count() > 1
}

/// Hosts that refused a tunnel's packet, and where they say so.
pub(in crate::diagnose) fn refused(trace: &Trace) -> BTreeMap<HostId, At> {
    let mut found = BTreeMap::new();
    for (vantage, seen) in VantageId::each(&trace.vantages) {
        let of_tunnel = |e: &&IcmpError| {
            // The error quotes the packet outside, whose protocol is the tunnel's.
            let v4 = matches!(e.kind, IcmpErrorKind::Unreachable { kind: 3, code } if CODES.contains(&code));
            (v4 || e.kind == PORT_UNREACHABLE_6)
                && (TUNNELS.contains(&e.quote.protocol.0) || about_tunnel(trace, vantage, e))
        };
        // Who sends nothing else than its errors is known by no address.
        let here = |e: &IcmpError| {
            let sent = seen.own.sent(&seen.hops[e.hop.index()]) == Some(true);
            trace.host_of_vantage(vantage).filter(|_| sent)
        };
        for error in seen.errors.iter().filter(of_tunnel) {
            if let Some(host) = trace.host_by_ip(error.src).or_else(|| here(error)) {
                found.entry(host).or_insert(At { vantage, mark: error.mark });
            }
        }
    }
    found
}

/// A real server that does not open the tunnel.
#[derive(Default)]
pub(in crate::diagnose) struct Closed {
    pub ids: Vec<ConnectionId>,
    /// Its ICMP error.
    pub told: Option<At>,
}

/// The packet in the tunnel, and the error about it.
pub(in crate::diagnose) fn proofs(
    trace: &Trace,
    set: &BTreeMap<HostId, Closed>,
    hosts: &[HostId],
) -> Vec<Proof> {
    let mut proofs = Vec::new();
    for host in hosts {
        let Some(closed) = set.get(host) else { continue };
        let leg = closed.ids.iter().find_map(|id| tunnel_ends::wrapped(trace, *id, *host));
        if let Some(leg) = leg {
            let there = trace.forward(leg);
            proofs.extend(trace.proof(leg, there.first, "a packet arrives in the tunnel"));
            if closed.told.is_none() && there.last != there.first {
                let note = "and again; it comes out of no interface";
                proofs.extend(trace.proof(leg, there.last, note));
            }
        }
        proofs.extend(
            closed.told.map(|at| {
                Proof::at(at, "the real server says that nobody takes the tunnel's packet")
            }),
        );
    }
    if proofs.is_empty() {
        let ids = set.values().flat_map(|c| &c.ids);
        proofs.extend(ids.take(1).filter_map(|id| {
            let leg = trace.legs(*id).first()?;
            trace.proof(leg, trace.forward(leg).first, "a packet that nothing answers")
        }));
    }
    proofs
}

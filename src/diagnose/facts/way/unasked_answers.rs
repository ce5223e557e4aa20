//! Answers that reach a client which never asked: somebody asked in its name.

use crate::correlate::Leg;
use crate::diagnose::finding::Proof;
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::HashSet;

/// The client's leg with an answer that it never asked for, and who asked in its name.
pub(in crate::diagnose) fn bypassed(trace: &Trace, id: ConnectionId) -> Option<(&Leg, HostId)> {
    let c = trace.connection(id);
    let client = trace.host_by_ip(c.front.client.0)?;
    let unasked = trace.legs(id).iter().find(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        trace.host_of(leg) == Some(client)
            && back.accepted()
            && !there.opened()
            && there.rst.is_set()
            && trace.vantage(leg).start.0 < back.first.at().0
    })?;
    let proxy = trace.legs(id).iter().find_map(|leg| {
        let there = trace.forward(leg);
        let (_, hop) = trace.path(leg, there).find(|(link, _)| link.syns > 0)?;
        trace.host_by_mac(hop.link.src).filter(|h| *h != client && there.opened())
    })?;
    Some((unasked, proxy))
}

/// Whether a host accepted a connection of a client itself: a proxy, and no router.
pub(in crate::diagnose) fn accepts(trace: &Trace, proxy: HostId, client: Ip) -> bool {
    trace.iter().any(|(id, c)| {
        c.front.client.0 == client
            && c.progress.established
            && trace.route(id).replier() == Some(proxy)
    })
}

/// Connections of clients to a proxy that stand behind these.
pub(in crate::diagnose) fn fronts(
    trace: &Trace,
    proxy: HostId,
    ids: &[ConnectionId],
) -> Vec<ConnectionId> {
    let clients: HashSet<Ip> = ids.iter().map(|id| trace.connection(*id).front.client.0).collect();
    trace
        .requests()
        .filter(|(id, c)| {
            clients.contains(&c.front.client.0) && trace.route(*id).replier() == Some(proxy)
        })
        .map(|(id, _)| id)
        .collect()
}

/// Whether the proxy's own capture shows the SYN leave it without having come there.
pub(in crate::diagnose) fn originates(trace: &Trace, id: ConnectionId, proxy: HostId) -> bool {
    trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(proxy)).any(|leg| {
        let own = &trace.vantage(leg).own;
        let mut path =
            trace.path(leg, trace.forward(leg)).filter(|(link, _)| link.syns > 0).peekable();
        path.peek().is_some() && path.all(|(_, hop)| own.sent(hop) == Some(true))
    })
}

/// The call, the answer as it leaves, and as the client gets and resets it.
pub(in crate::diagnose) fn proofs(trace: &Trace, id: ConnectionId, proxy: HostId) -> Vec<Proof> {
    let mut proofs = Vec::new();
    let legs = || trace.legs(id).iter();
    let of_proxy =
        legs().find(|leg| trace.host_of(leg) == Some(proxy) && trace.forward(leg).opened());
    if let Some(leg) = of_proxy {
        let note = "the proxy calls, with the client's address as source";
        proofs.extend(trace.proof(leg, trace.forward(leg).syn, note));
    }
    let server = trace.host_by_ip(trace.connection(id).front.server.0);
    if let Some(leg) = legs().find(|leg| server.is_some() && trace.host_of(leg) == server) {
        let to = trace.vantage(leg).first_hop(trace.reply(leg)).and_then(|hop| hop.link.dst);
        let to = to.map_or_else(String::new, |mac| format!(" for {mac}"));
        let note = format!("the real server's SYN-ACK leaves{to}, not the proxy");
        proofs.extend(trace.proof(leg, trace.reply(leg).first, note));
    }
    if let Some((leg, _)) = bypassed(trace, id) {
        let note = "it reaches the client, on a port from which it sent nothing";
        proofs.extend(trace.proof(leg, trace.reply(leg).first, note));
        proofs.extend(trace.proof(leg, trace.forward(leg).rst, "which resets it"));
    }
    proofs
}

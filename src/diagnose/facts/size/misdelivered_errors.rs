//! Errors of path MTU discovery that end at a host which did not send the packet.

use crate::correlate::Leg;
use crate::diagnose::thresholds::REPEATS;
use crate::flow::{IcmpError, IcmpErrorKind, Mark, VantageId};
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};

/// An error that ended at the wrong host.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Misdelivered<'a> {
    pub vantage: VantageId,
    pub error: &'a IcmpError,
    pub mtu: u32,
    /// Where it ended.
    pub director: HostId,
    /// Where the sender's repeats are seen, and the first of them.
    pub leg: &'a Leg,
    pub again: Mark,
    /// The sender's own capture shows that it was not told.
    pub untold: bool,
}

/// The error about a connection that ended at a director.
pub(in crate::diagnose) fn stray(trace: &Trace, id: ConnectionId) -> Option<Misdelivered<'_>> {
    let c = trace.connection(id);
    let about = |error: &IcmpError| {
        let q = &error.quote;
        (q.src, q.src_port) == c.front.server && (q.dst, q.dst_port) == c.front.client
    };
    // As the sender of the packet knows it, where a director translates: what it sends on is about this.
    let translated = |error: &IcmpError| {
        let q = &error.quote;
        c.back.is_some_and(|back| {
            back.server != c.front.server
                && (q.src, q.src_port) == back.server
                && (q.dst, q.dst_port) == back.client
        })
    };
    let all = || {
        trace.errors_of(id).filter_map(|(v, e)| match e.kind {
            IcmpErrorKind::TooBig { mtu } if about(e) => Some((v, e, mtu)),
            _ => None,
        })
    };
    let hop = |v: VantageId, e: &IcmpError| &trace.vantages[v.index()].hops[e.hop.index()];
    let came = |v: VantageId, e: &IcmpError| {
        trace.vantages[v.index()].own.arrived(hop(v, e)) == Some(true)
    };
    let left =
        |v: VantageId, e: &IcmpError| trace.vantages[v.index()].own.sent(hop(v, e)) == Some(true);
    let sent_on = || trace.errors_of(id).any(|(_, e)| translated(e));
    let server = trace.server(id).and_then(|s| s.host)?;
    // The sender was told after all.
    if sent_on() || all().any(|(v, e, _)| came(v, e) && trace.host_of_vantage(v) == Some(server)) {
        return None;
    }
    let (vantage, error, mtu, director) = all().find_map(|(v, e, mtu)| {
        let host = trace.host_of_vantage(v).filter(|h| trace.service(id).is_director(*h))?;
        let sent_on = all().any(|(w, e, _)| trace.host_of_vantage(w) == Some(host) && left(w, e));
        (came(v, e) && !sent_on).then_some((v, e, mtu, host))
    })?;
    let repeats = |leg: &&Leg| trace.reply(leg).retransmissions >= REPEATS;
    let leg = trace.legs(id).iter().find(repeats)?;
    let seen = trace.vantage(leg);
    let again =
        seen.links_of(trace.reply(leg)).map(|l| seen.first_repeat(l)).find(|m| m.is_set())?;
    Some(Misdelivered {
        vantage,
        error,
        mtu,
        director,
        leg,
        again,
        untold: trace.is_captured(server),
    })
}

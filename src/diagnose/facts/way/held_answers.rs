//! Answers that a NAT director gets and does not send on.

use super::interfaces::is_elsewhere;
use crate::capture::LinkType;
use crate::correlate::Leg;
use crate::diagnose::finding::Proof;
use crate::diagnose::thresholds::TRANSMISSIONS;
use crate::diagnose::words::{arrow, arrow_back};
use crate::flow::{Hop, IcmpError, IcmpErrorKind, Link};
use crate::topology::{HostId, Mode};
use crate::trace::{ConnectionId, Trace};

/// Answers of the real server that arrive at a director, by its own capture.
pub(in crate::diagnose) fn answers_in(
    trace: &Trace,
    id: ConnectionId,
) -> impl Iterator<Item = (HostId, &Leg, &Link)> {
    let service = trace.service(id);
    trace.back_legs(id).filter_map(move |leg| {
        let host = trace.host_of(leg).filter(|host| service.is_director(*host))?;
        let own = &trace.vantage(leg).own;
        let came = |(link, hop): &(&Link, &Hop)| link.syns > 0 && own.arrived(hop) == Some(true);
        let (link, _) = trace.path(leg, trace.reply(leg)).find(came)?;
        Some((host, leg, link))
    })
}

/// An answer that a director keeps.
pub(in crate::diagnose) struct Held<'a> {
    pub director: HostId,
    /// Where the request came in, and the answer should go out.
    pub front: &'a Leg,
    pub back: &'a Leg,
    /// The link on which the answer came.
    pub link: &'a Link,
    /// The capture shows all interfaces of the director.
    pub all: bool,
    /// It came by another interface than the request left by.
    pub elsewhere: bool,
}

pub(in crate::diagnose) fn held(trace: &Trace, id: ConnectionId) -> Option<Held<'_>> {
    let c = trace.connection(id);
    let fits = c.protocol.is_tcp()
        && c.outcome.failed()
        && !c.progress.established
        && c.progress.syns >= TRANSMISSIONS
        && trace.service(id).mode == Mode::Nat
        && trace.is_translated(c)
        && !trace.is_self_access(c);
    // Translated back, it was sent; how far it came is another matter.
    if !fits || trace.legs(id).iter().any(|leg| leg.tuple == 0 && trace.reply(leg).seen()) {
        return None;
    }
    let (director, back, link) = answers_in(trace, id).find(|(.., l)| l.syns >= TRANSMISSIONS)?;
    // Whose time is up no router sends on (RFC 1812, section 5.3.1).
    let server = c.back.unwrap_or(c.front).server.0;
    let expired = |e: &IcmpError| e.kind == IcmpErrorKind::TimeExceeded && e.quote.src == server;
    if trace.vantage(back).hop(link).known_ttl() == Some(1)
        || trace.errors_of(id).any(|(_, e)| expired(e))
    {
        return None;
    }
    let front = trace.legs(id).iter().find(|leg| {
        let vantage = trace.vantage(leg);
        leg.tuple == 0
            && trace.host_of(leg) == Some(director)
            && vantage.shows.both_ways
            && trace
                .path(leg, trace.forward(leg))
                .any(|(_, hop)| vantage.own.arrived(hop) == Some(true))
    })?;
    let vantage = trace.vantage(front);
    let all = matches!(vantage.link_type, LinkType::LINUX_SLL | LinkType::LINUX_SLL2)
        && front.vantage == back.vantage;
    let elsewhere =
        all && is_elsewhere(vantage, trace.reply(back), trace.forward(back)) == Some(true);
    Some(Held { director, front, back, link, all, elsewhere })
}
pub(in crate::diagnose) fn proofs(trace: &Trace, id: ConnectionId) -> Vec<Proof> {
    let Some(held) = held(trace, id) else { return Vec::new() };
    let connection = trace.connection(id);
    let back = connection.back.unwrap_or(connection.front);
    let (front_syn, back_syn) = (trace.forward(held.front).syn, trace.forward(held.back).syn);
    let mut proofs = Vec::new();
    proofs.extend(trace.proof(held.front, front_syn, format!("{}  SYN", arrow(&connection.front))));
    let note = format!("{}  the same SYN, sent to the real server", arrow(&back));
    proofs.extend(trace.proof(held.back, back_syn, note));
    let note = format!("{}  its SYN-ACK comes back to the director", arrow_back(&back));
    proofs.extend(trace.proof(held.back, held.link.first, note));
    if held.link.last != held.link.first {
        let note = "and comes again: nothing was sent on to the client";
        proofs.extend(trace.proof(held.back, held.link.last, note));
    }
    proofs
}

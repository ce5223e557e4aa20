//! First segments that a director made too long with the client's name.

use crate::correlate::Leg;
use crate::flow::FullFirst;
use crate::topology::Mode;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

/// The bytes that a client's name takes.
pub(in crate::diagnose) fn size(client: Ip) -> u32 {
    NAMES[usize::from(!client.is_v4())]
}

pub(in crate::diagnose) fn first<'a>(trace: &'a Trace, leg: &Leg) -> Option<&'a FullFirst> {
    trace.vantage(leg).side_tables.full_first(leg.stream)
}

/// Payload and options that fit a packet to the real server, by its SYN-ACK's maximum
/// segment size (RFC 9293, section 3.7.1); 0 where it was not seen.
pub(in crate::diagnose) fn limit(trace: &Trace, id: ConnectionId) -> u32 {
    let accepted = trace.back_legs(id).map(|leg| trace.reply(leg)).filter(|f| f.accepted());
    accepted.map(|f| u32::from(f.shape.mss)).min().unwrap_or(0)
}

/// The leg on which a director sends a first segment that the option made too long: one
/// that the real server's capture never shows, though the handshake arrived there.
pub(in crate::diagnose) fn too_long(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    let c = trace.connection(id);
    if !c.progress.repeats || trace.service(id).mode != Mode::FullNat {
        return None;
    }
    let limit = limit(trace, id);
    let sends = |leg: &&Leg| {
        let here = &trace.vantage(leg).own;
        trace.path(leg, trace.forward(leg)).any(|(_, hop)| here.sent(hop) == Some(true))
    };
    let out = trace.back_legs(id).find(|leg| {
        let grown = first(trace, leg).is_some_and(|f| {
            let bytes = f.payload + u32::from(f.options);
            (limit + 1..=limit + size(c.front.client.0)).contains(&bytes)
        });
        grown && limit > 0 && sends(leg) && trace.forward(leg).retransmissions > 1
    })?;
    let lost = trace.back_legs(id).any(|leg| {
        let (vantage, there) = (trace.vantage(leg), trace.forward(leg));
        let arrived = trace.path(leg, there).any(|(_, hop)| vantage.own.arrived(hop) == Some(true));
        leg.vantage != out.vantage && arrived && there.ack.is_set() && there.payload == 0
    });
    lost.then_some(out)
}

const NAMES: [u32; 2] = [8, 20];

//! Answers of one connection of which a host translated the first and not the rest.
//!
//! The two are tied by nothing that rewrites leave alone in both directions, as the client's
//! packets may travel in a tunnel that the capture lacks. What ties them is what the server
//! says next: its first segment after the SYN-ACK has the number after the SYN-ACK's, and
//! acknowledges the same; both go to one client port.

use super::index::Indexed;
use crate::correlate::Leg;
use crate::flow::Reset;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::HashMap;

/// Bytes that a client may have sent when the server's next segment acknowledges them: a
/// window that is not scaled (RFC 9293, section 3.1).
const FIRST_WORDS: u32 = 65_535;

/// A connection whose SYN-ACK was translated, and what came after it untranslated.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct HalfTranslated<'a> {
    /// The SYN-ACK's.
    pub id: ConnectionId,
    /// What follows, under another address of the server.
    pub stray: ConnectionId,
    /// The leg that shows the SYN-ACK.
    pub opened: &'a Leg,
    /// The leg at the same vantage that shows the rest, and the client's reset.
    pub rest: &'a Leg,
    /// The capturing host sent both.
    pub sent_here: bool,
}

/// All of them, in order.
pub(in crate::diagnose) fn all<'a>(facts: &Indexed<'a>) -> Vec<HalfTranslated<'a>> {
    let trace = facts.trace;
    let strays: Vec<(ConnectionId, &Leg)> = trace
        .requests()
        .filter(|(_, c)| c.protocol.is_tcp() && c.progress.no_socket && !c.progress.syn)
        .filter_map(|(id, _)| Some((id, reset_leg(trace, id)?)))
        .collect();
    if strays.is_empty() {
        return Vec::new();
    }
    let mut by_client: HashMap<(Ip, u16), Vec<(ConnectionId, &Leg)>> = HashMap::new();
    for (id, rest) in strays {
        by_client.entry(trace.connection(id).front.client).or_default().push((id, rest));
    }
    let mut found = Vec::new();
    for (id, c) in trace.requests().filter(|(_, c)| c.protocol.is_tcp()) {
        let Some(strays) = by_client.get(&c.front.client) else { continue };
        for opened in trace.legs(id).iter().filter(|leg| trace.reply(leg).accepted()) {
            let fits = |(stray, rest): &&(ConnectionId, &Leg)| {
                *stray != id && rest.vantage == opened.vantage && follows(trace, opened, rest)
            };
            if let Some((stray, rest)) = strays.iter().find(fits) {
                let sent_here = [opened, *rest].iter().all(|leg| sends(trace, leg));
                found.push(HalfTranslated { id, stray: *stray, opened, rest, sent_here });
                break;
            }
        }
    }
    found
}

/// The leg at which the client resets what a server sends that it never called.
fn reset_leg(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    trace.legs(id).iter().find(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        there.reset == Reset::NoSocket && there.payload == 0 && back.seen() && !back.accepted()
    })
}

/// Whether one leg's answers go on where another's SYN-ACK ended.
fn follows(trace: &Trace, opened: &Leg, rest: &Leg) -> bool {
    let (syn_ack, next) = (trace.reply(opened), trace.reply(rest));
    let taken = next.last_ack.wrapping_sub(syn_ack.syn_ack_of);
    next.isn == syn_ack.isn.wrapping_add(1)
        && taken <= FIRST_WORDS
        && next.first.frame() > syn_ack.syn.frame()
}

/// Whether the capturing host sent a leg's answers.
fn sends(trace: &Trace, leg: &Leg) -> bool {
    let own = &trace.vantage(leg).own;
    trace.path(leg, trace.reply(leg)).all(|(_, hop)| own.sent(hop) == Some(true))
}

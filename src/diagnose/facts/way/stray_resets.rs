//! Resets of a connection that come from another address than the client called.
//!
//! Told by 32 bits: the stray reset's sequence number is what the client of an open
//! connection on the same port acknowledged, as a stack without a socket builds it.

use crate::correlate::Leg;
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, TcpFlags};
use std::collections::{BTreeMap, HashMap};

/// By the client's connection: a connection that is nothing but a reset from elsewhere.
pub(in crate::diagnose) fn strays(trace: &Trace) -> BTreeMap<ConnectionId, ConnectionId> {
    let lone = trace.iter().filter(|(id, c)| {
        c.protocol.is_tcp() && !c.progress.syn && !c.progress.response && is_lone(trace, *id)
    });
    let mut by_client: HashMap<(Ip, u16), Vec<ConnectionId>> = HashMap::new();
    for (id, c) in lone {
        by_client.entry(c.front.client).or_default().push(id);
    }
    let mut found = BTreeMap::new();
    if by_client.is_empty() {
        return found;
    }
    for (id, c) in trace.requests().filter(|(_, c)| c.protocol.is_tcp() && c.back.is_none()) {
        for stray in by_client.get(&c.front.client).into_iter().flatten() {
            let elsewhere = trace.connection(*stray).front.server.0 != c.front.server.0;
            if elsewhere && c.progress.established && answers(trace, id, *stray).is_some() {
                found.entry(id).or_insert(*stray);
            }
        }
    }
    found
}

/// Whether all that was seen is a bare reset from the server's side.
fn is_lone(trace: &Trace, id: ConnectionId) -> bool {
    trace.legs(id).iter().all(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        !there.seen() && back.rst.is_set() && back.flags.0 & !TcpFlags::RST == 0
    })
}

/// The legs at which the reset has the number that the client acknowledged, after a
/// segment of the client's.
pub(in crate::diagnose) fn answers(
    trace: &Trace,
    id: ConnectionId,
    stray: ConnectionId,
) -> Option<(&Leg, &Leg)> {
    trace.legs(id).iter().find_map(|leg| {
        let there = trace.forward(leg);
        let same = trace.legs(stray).iter().find(|l| l.vantage == leg.vantage)?;
        let reset = trace.reply(same);
        let fits = there.flags.ack()
            && there.max_ack != 0
            && (reset.isn == there.max_ack || reset.isn == there.last_ack)
            && there.data.is_set()
            && there.data.frame() < reset.first.frame();
        fits.then_some((leg, same))
    })
}

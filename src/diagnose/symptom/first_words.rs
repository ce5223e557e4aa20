//! Connections that are reset upon their clients' first words, each of them.

use super::connections;
use crate::correlate::Leg;
use crate::diagnose::words::count;
use crate::diagnose::{Facts, Sighting};
use crate::trace::ConnectionId;

/// Who turns words down does so at once, nanoseconds. Judgement, as of [`crate::breaks`]: who reads on until the
/// client is done does not end it first.
const AT_ONCE_NS: i64 = 1_000_000_000;
/// Connections that show it: one may have met anything.
const SEVERAL: usize = 2;

/// What is so of all these resets: the server's side had acknowledged the first words, said none itself, and
/// reset at once, from a socket that it still had.
pub(super) fn told(facts: &Facts, sightings: &[Sighting]) -> Option<String> {
    let all: Vec<ConnectionId> = connections(sightings).collect();
    if all.len() < SEVERAL || !all.iter().all(|id| is_turned_down(facts, *id)) {
        return None;
    }
    // Words that another client said there were heard.
    let services: std::collections::BTreeSet<_> =
        all.iter().map(|id| facts.service_of(*id)).collect();
    let heard = services.iter().any(|service| {
        facts.requests_to(*service).any(|(_, c)| c.progress.request && c.progress.response)
    });
    let alone =
        if heard { "; others are answered there" } else { ", and nobody is answered there" };
    Some(format!(
        "{} reset at once upon the client's first words, which the server's side had acknowledged{alone}: whoever listens there read them and turned them down, a program or a proxy before it. So it is where the protocol is not the one that it expects (plain where TLS is due, or the reverse; a PROXY header that is missing), where no listener takes the server name or the ALPN of a ClientHello, and where a neighbour or client is not configured.",
        count(all.len(), "connection") + if all.len() == 1 { " was" } else { " were" }
    ))
}

fn is_turned_down(facts: &Facts, id: ConnectionId) -> bool {
    let at_once = |leg: &Leg| {
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        let end = there.isn.wrapping_add(1).wrapping_add(there.payload as u32);
        back.accepted()
            && there.opened()
            && there.payload > 0
            && back.payload == 0
            && !back.fin.is_set()
            && !there.fin.is_set()
            && !there.rst.is_set()
            && there.retransmissions == 0
            && back.max_ack == end
            && back.rst.is_set()
            && (0..AT_ONCE_NS).contains(&back.rst.since(there.data))
    };
    facts.legs(id).iter().any(at_once)
}

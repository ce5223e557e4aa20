//! Peers of which one signs its segments (TCP MD5, RFC 2385; TCP-AO, RFC 5925) and the other does not: who expects
//! signatures drops what has none, and who expects none drops what has one, both without a word.

use crate::breaks::{Manner, Packet};
use crate::correlate::Leg;
use crate::diagnose::Facts;
use crate::flow::{Flow, Mark};
use crate::trace::{At, ConnectionId};
use crate::wire::{Ip, Signing};
use std::collections::BTreeMap;

/// A SYN or SYN-ACK, and by what it is signed.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Signed {
    pub by: Ip,
    pub how: Option<Signing>,
    pub at: At,
}

/// Two peers that sign unlike.
#[derive(Debug)]
pub(in crate::diagnose) struct Unlike {
    /// Who signs, or signs by the older of two ways, and who does not.
    pub peers: [Signed; 2],
    /// A SYN was answered, and the answer is signed otherwise.
    pub answered: bool,
    /// The answer came to the host that sent the SYN, by its own capture.
    pub arrived: bool,
    /// Connections between the two, in order.
    pub connections: Vec<ConnectionId>,
}

/// By what the SYN or SYN-ACK of a flow is signed, with its frame; `None` where that was not captured whole.
fn signing(flow: &Flow) -> Option<(Option<Signing>, Mark)> {
    (flow.syn.is_set() && !flow.shape.cut()).then(|| (flow.shape.signing(), flow.syn))
}

/// The legs of broken openings that show a SYN, by the two peers and the port.
type Openings<'a> = BTreeMap<(Ip, Ip, u16), Vec<(ConnectionId, &'a Leg)>>;

/// Peers whose openings fail while one signs and the other does not.
pub(in crate::diagnose) fn unlike(facts: &Facts) -> Vec<Unlike> {
    // Few networks sign at all.
    if facts.vantages.iter().all(|vantage| vantage.tally.signed_syns == 0) {
        return Vec::new();
    }
    let mut openings: Openings<'_> = BTreeMap::new();
    for (id, c) in facts.requests().filter(|(_, c)| c.protocol.is_tcp()) {
        let shut = |packet, manner: Manner| {
            packet == Packet::SynAck
                || packet == Packet::Syn && (manner.is_silence() || manner == Manner::Refused)
        };
        let broken = facts.breaks.broken(id).is_some_and(|b| shut(b.packet, b.manner));
        let Some(leg) = facts.legs(id).iter().find(|leg| signing(facts.forward(leg)).is_some())
        else {
            continue;
        };
        if broken {
            let (a, b) = (c.front.client.0, c.front.server.0);
            let key = (a.min(b), a.max(b), c.front.server.1);
            openings.entry(key).or_default().push((id, leg));
        }
    }
    openings
        .values()
        .filter_map(|all| answered(facts, all).or_else(|| crossed(facts, all)))
        .collect()
}

/// What a side of a leg shows.
fn shown(facts: &Facts, leg: &Leg, client: bool, by: Ip) -> Option<Signed> {
    let flow = if client { facts.forward(leg) } else { facts.reply(leg) };
    let (how, mark) = signing(flow)?;
    Some(Signed { by, how, at: facts.at(leg, mark) })
}

/// A SYN whose SYN-ACK is signed otherwise, and which does not end the handshake.
fn answered(facts: &Facts, all: &[(ConnectionId, &Leg)]) -> Option<Unlike> {
    let mut found: Option<Unlike> = None;
    // A kernel drops what is signed otherwise and says nothing: where a reset answers, something else does.
    for (id, leg) in all.iter().filter(|(_, leg)| !facts.forward(leg).rst.is_set()) {
        let front = facts.connection(*id).front;
        let syn = shown(facts, leg, true, front.client.0);
        let syn_ack = shown(facts, leg, false, front.server.0);
        let Some((syn, syn_ack)) = syn.zip(syn_ack).filter(|(a, b)| a.how != b.how) else {
            continue;
        };
        let one = found.get_or_insert_with(|| Unlike {
            peers: in_order(syn, syn_ack),
            answered: true,
            arrived: facts.host_of(leg).is_some()
                && facts.host_of(leg) == facts.host_by_ip(front.client.0),
            connections: Vec::new(),
        });
        one.connections.push(*id);
    }
    found
}

/// Both call each other, and each in vain.
fn crossed(facts: &Facts, all: &[(ConnectionId, &Leg)]) -> Option<Unlike> {
    let syn = |(id, leg): &(ConnectionId, &Leg)| {
        shown(facts, leg, true, facts.connection(*id).front.client.0)
    };
    let syns: Vec<Signed> = all.iter().filter_map(syn).collect();
    let first = *syns.first()?;
    let other = *syns.iter().find(|syn| syn.by != first.by)?;
    // Whoever changes how it signs meanwhile is being set up.
    let steady = |one: Signed| syns.iter().filter(|syn| syn.by == one.by).all(|s| s.how == one.how);
    let silent =
        all.iter().any(|(id, _)| facts.breaks.broken(*id).is_some_and(|b| b.manner.is_silence()));
    (first.how != other.how && steady(first) && steady(other) && silent).then(|| Unlike {
        peers: in_order(first, other),
        answered: false,
        arrived: false,
        connections: all.iter().map(|(id, _)| *id).collect(),
    })
}

/// Who signs first.
fn in_order(a: Signed, b: Signed) -> [Signed; 2] {
    if a.how.is_none() { [b, a] } else { [a, b] }
}

//! Bytes sent again: not a copy that the capture made, not a forwarded packet,
//! not a keep-alive.

use super::super::words::count;
use super::super::{Facts, Proof, Sighting, Wording};
use super::{concerned, connections, connections_to};
use crate::breaks::{Manner, Packet, Passage, takes_nothing};
use crate::correlate::Outcome;
use crate::diagnose::facts::load::sent_again::{Again, what};
use crate::flow::{Flow, IcmpError, IcmpErrorKind};
use crate::trace::{ConnectionId, Trace};

/// Connections of which each is asked what was sent again.
const ASKED: usize = 64;

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    facts
        .requests()
        .filter(|(_, c)| c.progress.repeats)
        .map(|(id, c)| Sighting::of(id, c.outcome.failed()))
        .collect()
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some(id) = sighting.connection else { return Vec::new() };
    let again = match what(facts, id) {
        Again::Fin => "the FIN is sent again",
        _ => "bytes sent before are sent again",
    };
    for leg in facts.legs(id) {
        let both = [facts.forward(leg), facts.reply(leg)];
        // Of two sides the one that sent more again, of two equal ones the client's.
        let links = both.into_iter().rev().flat_map(|flow| facts.path(leg, flow));
        let most = links.map(|(link, _)| link).max_by_key(|link| link.retransmissions);
        if let Some(link) = most.filter(|link| link.retransmissions > 0) {
            let note = format!("{again} ({})", times(link.retransmissions));
            let proof = facts.proof(leg, facts.vantage(leg).first_repeat(link), note);
            return proof.into_iter().collect();
        }
    }
    Vec::new()
}

fn times(n: u16) -> String {
    count(usize::from(n), "time")
}

/// Whether a router said that a packet of the connection was too big for its next link.
fn too_big(trace: &Trace, id: ConnectionId) -> bool {
    trace.errors_of(id).any(|(_, e)| matches!(e.kind, IcmpErrorKind::TooBig { .. }))
}

/// Whether what was sent again after it was said to be too big is too big still.
fn as_large(trace: &Trace, id: ConnectionId) -> bool {
    let told = |(_, e): (_, &IcmpError)| match e.kind {
        IcmpErrorKind::TooBig { mtu } if mtu > 0 => Some(mtu),
        _ => None,
    };
    let Some(mtu) = trace.errors_of(id).filter_map(told).min() else { return false };
    trace.legs(id).iter().any(|leg| {
        let vantage = trace.vantage(leg);
        let both = [trace.forward(leg), trace.reply(leg)];
        both.into_iter().flat_map(|flow| vantage.repeats_of(flow)).any(|r| {
            // What a card has not cut yet has room for several.
            (mtu..2 * mtu).contains(&r.to.wrapping_sub(r.from))
        })
    })
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    let in_vain = |id| facts.connection(id).outcome == Outcome::Stalled;
    let title = match connections(sightings).all(in_vain) {
        true => "segments are sent again and again, and never acknowledged",
        false => "segments are sent again",
    };
    let of = connections_to(facts, sightings);
    let all = |again: Again| {
        sightings.len() <= ASKED && connections(sightings).all(|id| what(facts, id) == again)
    };
    let explanation = if all(Again::Fin) {
        format!(
            "In {of} the FIN was sent more than once: it, or its acknowledgment, was lost on the way."
        )
    } else if all(Again::FromSyn) {
        format!(
            "In {of} what had left on the SYN was sent again after it: who took the SYN, or somebody on the way, takes no bytes on one (TCP Fast Open). Nothing was lost."
        )
    } else {
        format!("In {of} payload was sent more than once: {}.", why(facts, sightings))
    };
    Wording { title: title.to_owned(), explanation, subjects: concerned(facts, sightings) }
}

/// Whether the host that it is for has it, by its own capture, and leaves it without answer.
fn came_in(facts: &Facts, id: ConnectionId) -> bool {
    facts.breaks.broken(id).is_some_and(|broken| {
        broken.packet == Packet::Request
            && broken.manner == Manner::Swallowed
            && broken
                .last
                .is_some_and(|last| matches!(last.passage, Passage::In | Passage::Loopback))
    })
}

/// Whether the server goes on asking for the acknowledgment of its SYN-ACK.
fn asked_for_ack(facts: &Facts, id: ConnectionId) -> bool {
    facts.legs(id).iter().any(|leg| takes_nothing(facts, leg))
}

/// Whether the last that a receiver said is that it takes no more, and it was sent to all the same.
fn is_shut(facts: &Facts, id: ConnectionId) -> bool {
    facts.legs(id).iter().any(|leg| {
        let (there, back) = (facts.forward(leg), facts.reply(leg));
        let sent = |sender: &Flow, taker: &Flow| {
            sender.retransmissions > 0 && taker.closed && sender.last.frame() > taker.last.frame()
        };
        sent(there, back) || sent(back, there)
    })
}

fn why(facts: &Facts, sightings: &[Sighting]) -> &'static str {
    let told = connections(sightings).filter(|id| too_big(facts, *id)).count();
    let in_vain = |id| facts.connection(id).outcome == Outcome::Stalled;
    let came = connections(sightings).filter(|id| came_in(facts, *id)).count();
    if told == 0 && came == sightings.len() {
        "it came in where it was captured each time, and was not acknowledged there"
    } else if told == 0 && came > 0 {
        "of some it came in where it was captured and was not acknowledged there, of others it or its acknowledgment was lost on the way"
    } else if told == 0 && connections(sightings).all(|id| is_shut(facts, id)) {
        "it was sent into a window of 0, which is the last that its receiver said, and nothing has come back since"
    } else if told == 0 && connections(sightings).all(|id| asked_for_ack(facts, id)) {
        "the server does not acknowledge it, and repeats its SYN-ACK meanwhile as if it had no acknowledgment of that either: what the client sends is lost on the way, or the server's accept queue is full and it takes none of it"
    } else if told == 0 {
        "it, or its acknowledgment, was lost on the way"
    } else if told == sightings.len() && connections(sightings).any(in_vain) {
        "it was too big for a link on the way, ICMP said so, and it was never acknowledged"
    } else if told == sightings.len() && connections(sightings).any(|id| as_large(facts, id)) {
        "it was too big for a link on the way, ICMP said so, and it was sent again as large as before"
    } else if told == sightings.len() {
        "it was too big for a link on the way, ICMP said so, and it was sent again in smaller segments"
    } else {
        "it was too big for a link on the way, as ICMP says of some, or it or its acknowledgment was lost"
    }
}

pub(in crate::diagnose) fn blind(facts: &Facts) -> Option<String> {
    super::no_tcp(facts)
}

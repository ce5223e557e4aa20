//! A SYN-ACK whose source and destination are one host, in answer to a SYN that
//! came from the wire.

use super::super::{Facts, Proof, Sighting, Wording};
use super::{concerned, connections_to};
use crate::correlate::Leg;
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    facts
        .requests()
        .filter(|(id, c)| c.has_self() && leg(facts, *id).is_some())
        .map(|(id, _)| Sighting::of(id, true))
        .collect()
}

/// A leg between a host and itself on which the SYN came from the wire and the
/// SYN-ACK did not.
fn leg(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    trace.legs(id).iter().find(|leg| {
        let stream = leg.of(&trace.vantages);
        stream.key.is_self()
            && trace.reply(leg).accepted()
            && from_wire(trace, leg)
            && trace.path(leg, trace.reply(leg)).any(|(_, hop)| hop.link.is_loopback())
    })
}

/// A local client that talks to its own address never leaves lo.
fn from_wire(trace: &Trace, leg: &Leg) -> bool {
    let there = trace.forward(leg);
    let wire = |hop: &crate::flow::Hop| hop.link.src.is_some() && !hop.link.is_loopback();
    there.opened() && trace.path(leg, there).any(|(_, hop)| wire(hop))
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some(leg) = sighting.connection.and_then(|id| leg(facts, id)) else { return Vec::new() };
    let (there, back) = (facts.forward(leg), facts.reply(leg));
    [
        facts.proof_on(leg, there, |hop| !hop.link.is_loopback(), "the SYN comes in from the wire"),
        facts.proof(leg, back.syn, "the SYN-ACK goes to the same host, over lo"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    Wording {
        title: "a host answers a SYN to itself".to_owned(),
        explanation: format!(
            "In {} a SYN arrives whose source is the receiver's own address, so its SYN-ACK goes to itself and never to whoever sent the SYN.",
            connections_to(facts, sightings)
        ),
        subjects: concerned(facts, sightings),
    }
}

pub(in crate::diagnose) fn blind(facts: &Facts) -> Option<String> {
    super::no_tcp(facts)
}

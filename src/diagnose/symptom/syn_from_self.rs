//! A SYN that arrives from the wire with the receiver's own address as its
//! source.

use super::super::{Facts, Proof, Sighting, Wording};
use super::{concerned, connections_to};
use crate::correlate::Leg;
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    facts
        .requests()
        .filter(|(id, c)| c.has_self() && leg(facts, *id).is_some())
        .map(|(id, connection)| Sighting::of(id, connection.outcome.failed()))
        .collect()
}

/// Where the SYN arrives: not where the director sends it, not over lo.
fn leg(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    trace.legs(id).iter().find(|leg| {
        let there = trace.forward(leg);
        let own = &trace.vantage(leg).own;
        leg.of(&trace.vantages).key.is_self()
            && there.opened()
            && trace.path(leg, there).any(|(_, hop)| own.arrived(hop) == Some(true))
    })
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some(leg) = sighting.connection.and_then(|id| leg(facts, id)) else { return Vec::new() };
    let own = &facts.vantage(leg).own;
    let note = "a SYN from the wire, with the receiver's own address as its source";
    facts
        .proof_on(leg, facts.forward(leg), |hop| own.arrived(hop) == Some(true), note)
        .into_iter()
        .collect()
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    Wording {
        title: "a SYN arrives from its own receiver".to_owned(),
        explanation: format!(
            "In {} the SYN comes in from the wire with the receiver's own address as its source; a kernel drops it as a martian or answers itself.",
            connections_to(facts, sightings)
        ),
        subjects: concerned(facts, sightings),
    }
}

pub(in crate::diagnose) fn blind(facts: &Facts) -> Option<String> {
    super::no_tcp(facts)
}

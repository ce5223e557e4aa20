//! A SYN that arrives from the wire with the receiver's own address as its
//! source.

use super::super::{Proof, Sighting, Wording};
use super::{concerned, connections_to};
use crate::correlate::Leg;
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) fn sightings(trace: &Trace) -> Vec<Sighting> {
    trace
        .requests()
        .filter(|(id, c)| c.has_self() && leg(trace, *id).is_some())
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

pub(in crate::diagnose) fn proofs(trace: &Trace, sighting: &Sighting) -> Vec<Proof> {
    let Some(leg) = sighting.connection.and_then(|id| leg(trace, id)) else { return Vec::new() };
    let own = &trace.vantage(leg).own;
    let note = "a SYN from the wire, with the receiver's own address as its source";
    trace
        .proof_on(leg, trace.forward(leg), |hop| own.arrived(hop) == Some(true), note)
        .into_iter()
        .collect()
}

pub(in crate::diagnose) fn word(trace: &Trace, sightings: &[Sighting]) -> Wording {
    Wording {
        title: "a SYN arrives from its own receiver".to_owned(),
        explanation: format!(
            "In {} the SYN comes in from the wire with the receiver's own address as its source; a kernel drops it as a martian or answers itself.",
            connections_to(trace, sightings)
        ),
        subjects: concerned(trace, sightings),
    }
}

pub(in crate::diagnose) fn blind(trace: &Trace) -> Option<String> {
    super::no_tcp(trace)
}

//! RST,ACK with sequence 0 and acknowledgment SYN + 1.

use super::super::facts::attempts;
use super::super::{Facts, Proof, Sighting, Wording};
use super::{concerned, connections_to};
use crate::correlate::{Leg, Outcome};
use crate::flow::Reset;
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    facts
        .requests()
        .filter(|(id, c)| c.outcome == Outcome::Refused || behind(facts, *id).is_some())
        .map(|(id, _)| Sighting::of(id, true))
        .collect()
}

/// The refused connection that a proxy tried for a client's.
fn behind(trace: &Trace, id: ConnectionId) -> Option<ConnectionId> {
    attempts::refused(trace, id).next()
}

/// Legs that show the refusal, the real server's own first.
pub(in crate::diagnose) fn legs(trace: &Trace, id: ConnectionId) -> Vec<&Leg> {
    let mut legs: Vec<&Leg> =
        trace.legs(id).iter().filter(|leg| trace.reply(leg).reset == Reset::Refused).collect();
    let server = trace.server(id).and_then(|s| s.host);
    legs.sort_by_key(|leg| {
        (server.is_none() || trace.host_of(leg) != server, std::cmp::Reverse(leg.tuple))
    });
    legs
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let shown = sighting.connection.map(|id| behind(facts, id).unwrap_or(id));
    let Some(leg) = shown.and_then(|id| legs(facts, id).first().copied()) else {
        return Vec::new();
    };
    [
        facts.proof(leg, facts.forward(leg).syn, "the SYN"),
        facts.proof(leg, facts.reply(leg).rst, "a RST,ACK refuses it"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    Wording {
        title: "SYNs are refused".to_owned(),
        explanation: format!(
            "{}: the SYN is answered with RST,ACK.",
            connections_to(facts, sightings)
        ),
        subjects: concerned(facts, sightings),
    }
}

pub(in crate::diagnose) fn blind(facts: &Facts) -> Option<String> {
    super::syn_unanswered::blind(facts)
}

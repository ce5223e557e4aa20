//! Answers of a translated connection that leave or arrive around its director.

use super::super::{Facts, Names, Proof, Sighting, Wording};
use super::{concerned, connections_to};
use crate::correlate::Leg;
use crate::topology::Mode;
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    facts
        .requests()
        .filter(|(_, c)| c.back.is_some())
        .filter(|(id, _)| facts.return_around(*id).is_some())
        .map(|(id, c)| Sighting::of(id, c.outcome.failed()))
        .collect()
}

/// The leg that shows the untranslated answer: the client's before others.
pub(in crate::diagnose) fn leg(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    let shows = |leg: &&Leg| trace.reply(leg).seen();
    let unasked = |leg: &&Leg| shows(leg) && !trace.forward(leg).opened();
    trace.back_legs(id).find(unasked).or_else(|| trace.back_legs(id).find(shows))
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some(id) = sighting.connection else { return Vec::new() };
    let Some(leg) = leg(facts, id) else { return Vec::new() };
    let names = Names(facts);
    let next = facts.return_around(id).and_then(|around| around.next);
    let way = next.map_or_else(String::new, |host| format!(", by way of {}", names.full(host)));
    let reply = facts.reply(leg);
    facts
        .proof(leg, reply.first, format!("the answer, not translated back{way}"))
        .into_iter()
        .collect()
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    Wording {
        title: "answers go around the director".to_owned(),
        explanation: format!(
            "In {} the director translated the destination on the way in, but the answer does not come back through it and keeps the real server's address.",
            connections_to(facts, sightings)
        ),
        subjects: concerned(facts, sightings),
    }
}

pub(in crate::diagnose) fn blind(facts: &Facts) -> Option<String> {
    let nat: Vec<_> = facts.requests().filter(|(_, c)| facts.is_translated(c)).collect();
    if nat.is_empty() {
        let unknown = facts
            .topology
            .services
            .iter()
            .any(|s| s.mode == Mode::Unknown && !s.is_backend && s.protocol.is_tcp());
        return unknown.then(|| {
            "no translated connection was seen; capture on the director, where both sides show"
                .to_owned()
        });
    }
    let shown = nat.iter().any(|(id, _)| {
        facts.back_legs(*id).any(|leg| facts.reply(leg).seen())
            || facts.answer_vantage(*id).is_some_and(|leg| facts.reply(leg).seen())
    });
    (!shown).then(|| "no answer was captured; capture on a real server or on the client".to_owned())
}

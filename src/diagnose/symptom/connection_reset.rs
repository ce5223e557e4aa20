//! An established connection ended by RST with data lost or a request
//! unanswered.

use super::super::{Facts, Proof, Sighting, Wording};
use super::broken;
use super::{concerned, connections_to};
use crate::breaks::{Manner, Packet};

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    // A check that is reset asked for nothing: it is told as a check that fails.
    broken::broken_as(facts, |group| {
        matches!(group.manner, Manner::Cut(_)) && group.packet != Packet::HealthCheck
    })
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some(id) = sighting.connection else { return Vec::new() };
    for leg in facts.legs(id) {
        for (flow, who) in [(facts.reply(leg), "server"), (facts.forward(leg), "client")] {
            if flow.rst.is_set() {
                let note = format!("RST from the {who}'s side");
                return [
                    facts.proof(leg, flow.rst_answers, "the last segment before it"),
                    facts.proof(leg, flow.rst, note),
                ]
                .into_iter()
                .flatten()
                .collect();
            }
        }
    }
    Vec::new()
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    Wording {
        title: "established connections are reset".to_owned(),
        explanation: format!(
            "{} ended with a RST while a request was unanswered or data was on its way.",
            connections_to(facts, sightings)
        ),
        subjects: concerned(facts, sightings),
    }
}

pub(in crate::diagnose) fn blind(facts: &Facts) -> Option<String> {
    super::no_tcp(facts)
}

pub(in crate::diagnose) use super::next::captures as next;

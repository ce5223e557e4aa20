//! An established connection ended by RST with data lost or a request
//! unanswered.

use super::super::{Proof, Sighting, Wording};
use super::{concerned, connections_to};
use crate::correlate::Outcome;
use crate::trace::Trace;

pub(in crate::diagnose) fn sightings(trace: &Trace) -> Vec<Sighting> {
    trace
        .requests()
        .filter(|(_, c)| c.outcome == Outcome::Reset)
        .map(|(id, _)| Sighting::of(id, true))
        .collect()
}

pub(in crate::diagnose) fn proofs(trace: &Trace, sighting: &Sighting) -> Vec<Proof> {
    let Some(id) = sighting.connection else { return Vec::new() };
    for leg in trace.legs(id) {
        for (flow, who) in [(trace.reply(leg), "server"), (trace.forward(leg), "client")] {
            if flow.rst.is_set() {
                let note = format!("RST from the {who}'s side");
                return [
                    trace.proof(leg, flow.rst_answers, "the last segment before it"),
                    trace.proof(leg, flow.rst, note),
                ]
                .into_iter()
                .flatten()
                .collect();
            }
        }
    }
    Vec::new()
}

pub(in crate::diagnose) fn word(trace: &Trace, sightings: &[Sighting]) -> Wording {
    Wording {
        title: "established connections are reset".to_owned(),
        explanation: format!(
            "{} ended with a RST while a request was unanswered or data was on its way.",
            connections_to(trace, sightings)
        ),
        subjects: concerned(trace, sightings),
    }
}

pub(in crate::diagnose) fn blind(trace: &Trace) -> Option<String> {
    super::no_tcp(trace)
}

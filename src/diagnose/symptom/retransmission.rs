//! Bytes sent again: not a copy that the capture made, not a forwarded packet,
//! not a keep-alive.

use super::super::{Proof, Sighting, Wording};
use super::{concerned, connections_to};
use crate::trace::Trace;

pub(in crate::diagnose) fn sightings(trace: &Trace) -> Vec<Sighting> {
    trace
        .requests()
        .filter(|(_, c)| c.progress.repeats)
        .map(|(id, c)| Sighting::of(id, c.outcome.failed()))
        .collect()
}

pub(in crate::diagnose) fn proofs(trace: &Trace, sighting: &Sighting) -> Vec<Proof> {
    let Some(id) = sighting.connection else { return Vec::new() };
    for leg in trace.legs(id) {
        for flow in [trace.forward(leg), trace.reply(leg)] {
            if let Some((link, _)) = trace.path(leg, flow).find(|(l, _)| l.retransmissions > 0) {
                let note =
                    format!("bytes sent before are sent again ({} times)", link.retransmissions);
                return trace
                    .proof(leg, trace.vantage(leg).first_repeat(link), note)
                    .into_iter()
                    .collect();
            }
        }
    }
    Vec::new()
}

pub(in crate::diagnose) fn word(trace: &Trace, sightings: &[Sighting]) -> Wording {
    Wording {
        title: "segments are sent again".to_owned(),
        explanation: format!(
            "In {} payload was sent more than once: it, or its acknowledgment, was lost on the way.",
            connections_to(trace, sightings)
        ),
        subjects: concerned(trace, sightings),
    }
}

pub(in crate::diagnose) fn blind(trace: &Trace) -> Option<String> {
    super::no_tcp(trace)
}

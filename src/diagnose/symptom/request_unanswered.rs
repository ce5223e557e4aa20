//! A request that nothing answers on a connection that stands.

use super::broken::{self};
use super::connections_to;
use crate::breaks::{Group, Manner, Packet};
use crate::correlate::Outcome;
use crate::diagnose::{Facts, Proof, Sighting, Wording};

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    let silent = |group: &Group| group.manner.is_silence() || group.manner == Manner::Closed;
    let mut found = broken::broken_as(f, |group| group.packet == Packet::Request && silent(group));
    // What was sent again and again is `retransmission`.
    let stalled = |id| f.connection(id).outcome == Outcome::Stalled;
    found.retain(|s| !s.connection.is_some_and(stalled));
    found
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    broken::proofs(f, sighting)
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let wait = broken::seconds(broken::longest(f, sightings));
    Wording {
        title: format!("requests get no answer, after waits of up to {wait}"),
        explanation: format!(
            "{}: the client sends a request, and no byte of an answer is in the captures, where others of this service show one.",
            connections_to(f, sightings)
        ),
        subjects: broken::subjects(f, sightings),
    }
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}

//! A server that speaks first, and does not.

use super::broken::{self};
use super::connections_to;
use crate::breaks::Packet;
use crate::diagnose::{Facts, Proof, Sighting, Wording};

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    broken::broken_as(f, |group| group.packet == Packet::Greeting && !broken::is_late(group))
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    broken::proofs(f, sighting)
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let wait = broken::seconds(broken::longest(f, sightings));
    Wording {
        title: format!("connections stand and the server says nothing, for up to {wait}"),
        explanation: format!(
            "{}: the handshake is complete, and the server, which speaks first in this protocol, sends nothing.",
            connections_to(f, sightings)
        ),
        subjects: broken::subjects(f, sightings),
    }
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}

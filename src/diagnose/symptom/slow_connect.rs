//! Connections that stand only after SYNs or SYN-ACKs were sent again.

use super::broken;
use super::worded;
use crate::breaks::Packet;
use crate::diagnose::{Facts, Proof, Sighting, Wording};

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    broken::broken_as(f, |group| {
        matches!(group.packet, Packet::Syn | Packet::SynAck | Packet::Ack) && broken::is_late(group)
    })
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    broken::proofs(f, sighting)
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let wait = broken::seconds(broken::longest(f, sightings));
    worded(
        f,
        sightings,
        format!("connections stand only after repeats, up to {wait} after the first SYN"),
        format!(
            "SYN or SYN-ACK had to be sent again before the client went on; counted from its first SYN it waited up to {wait}."
        ),
    )
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}

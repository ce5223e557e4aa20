//! A SYN-ACK that the client never acknowledges: it did not come, or the client knows nothing of it.

use super::broken::{self};
use super::connections_to;
use crate::breaks::{Manner, Packet};
use crate::diagnose::{Facts, Proof, Sighting, Wording};

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    broken::broken_as(f, |group| {
        matches!(group.packet, Packet::SynAck | Packet::Ack) && group.manner != Manner::Late
    })
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    broken::proofs(f, sighting)
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let wait = broken::seconds(broken::longest(f, sightings));
    Wording {
        title: format!("SYN-ACKs are never acknowledged, for {wait}"),
        explanation: format!(
            "{}: the SYN is answered by a SYN-ACK, and no acknowledgment of it is in the captures.",
            connections_to(f, sightings)
        ),
        subjects: broken::subjects(f, sightings),
    }
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}

//! Answers that come far later than the other real servers'.

use super::broken::{self};
use super::connections_to;
use crate::breaks::Packet;
use crate::diagnose::{Facts, Proof, Sighting, Wording};

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    broken::broken_as(f, |group| {
        matches!(group.packet, Packet::Response | Packet::Request | Packet::Datagram)
            && broken::is_late(group)
    })
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    broken::proofs(f, sighting)
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let wait = broken::seconds(broken::longest(f, sightings));
    Wording {
        title: format!("answers come up to {wait} later than they should"),
        explanation: format!(
            "{}: the answer took far longer than those of the other real servers, or bytes or questions waited for timers until they were sent again.",
            connections_to(f, sightings)
        ),
        subjects: broken::subjects(f, sightings),
    }
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}

//! A datagram that nothing answers where others are answered, or that is asked again.

use super::broken::{self};
use super::connections_to;
use crate::breaks::{Manner, Packet};
use crate::diagnose::{Facts, Proof, Sighting, Wording};

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    // To who asks it is the same where the answer went elsewhere.
    broken::broken_as(f, |group| {
        broken::is_silence(group, Packet::Datagram)
            || (group.packet, group.manner) == (Packet::Datagram, Manner::Astray)
    })
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    broken::proofs(f, sighting)
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let wait = broken::seconds(broken::longest(f, sightings));
    Wording {
        title: "datagrams stay unanswered".to_owned(),
        explanation: format!(
            "{}: the client asks, and no answer to these is in the captures, where other questions to this service are answered or the client asks the same again; waited up to {wait}.",
            connections_to(f, sightings)
        ),
        subjects: broken::subjects(f, sightings),
    }
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}

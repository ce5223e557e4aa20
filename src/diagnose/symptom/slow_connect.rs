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
    let once = |s: &Sighting| {
        let asked_once = |id| f.connection(id).progress.syns <= 1;
        broken::of(f, s).is_some_and(|b| b.packet == Packet::Syn && asked_once(b.connection))
    };
    if sightings.iter().all(once) {
        return worded(
            f,
            sightings,
            format!("SYN-ACKs come only {wait} after the SYN"),
            format!(
                "one SYN was sent, and the first SYN-ACK to it came after up to {wait}. Either it is as long under way, or the server answers late, or an earlier SYN-ACK was lost."
            ),
        );
    }
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

//! A SYN-ACK that the client never acknowledges, as it did not come or the client knows nothing
//! of it; or one that the server repeats as if the client had not.

use super::broken::{self};
use super::connections_to;
use crate::breaks::{Manner, Packet};
use crate::diagnose::{Facts, Proof, Sighting, Wording};

/// A wait that is worth telling, nanoseconds.
const NOTICED_NS: i64 = 1_000_000;

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    broken::broken_as(f, |group| {
        matches!(group.packet, Packet::SynAck | Packet::Ack) && group.manner != Manner::Late
    })
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    broken::proofs(f, sighting)
}

/// Whether the client's ACK is there, and the server goes on asking for it.
fn is_unheeded(f: &Facts, sighting: &Sighting) -> bool {
    broken::of(f, sighting).is_some_and(|broken| broken.packet == Packet::Ack)
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let wait = broken::seconds(broken::longest(f, sightings));
    let long = broken::longest(f, sightings) >= NOTICED_NS;
    let unheeded = sightings.iter().filter(|s| is_unheeded(f, s)).count();
    if unheeded == sightings.len() {
        return Wording {
            title: format!(
                "servers repeat their SYN-ACK for {wait}, though the client's ACK was sent"
            ),
            explanation: format!(
                "{}: the client acknowledges the SYN-ACK, and the server sends it again and again as if it had not: to its kernel the connection does not stand.",
                connections_to(f, sightings)
            ),
            subjects: broken::subjects(f, sightings),
        };
    }
    let among = match unheeded {
        0 => String::new(),
        n => format!(
            " In {n} of them the client's ACK is there, and the SYN-ACK comes again all the same."
        ),
    };
    Wording {
        title: match long {
            true => format!("SYN-ACKs are never acknowledged, for {wait}"),
            // Who is reset at once does not wait.
            false => "SYN-ACKs are never acknowledged".to_owned(),
        },
        explanation: format!(
            "{}: the SYN is answered by a SYN-ACK, and no acknowledgment of it is in the captures.{among}",
            connections_to(f, sightings)
        ),
        subjects: broken::subjects(f, sightings),
    }
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}

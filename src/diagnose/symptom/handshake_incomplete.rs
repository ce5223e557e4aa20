//! A SYN-ACK that the client never acknowledges, as it did not come or the client knows nothing
//! of it; or one that the server repeats as if the client had not.

use super::broken;
use super::{concerned, connections_to, worded};
use crate::breaks::{Manner, Packet};
use crate::diagnose::facts::state::unheeded_answers::{self, Unheeded, used_up};
use crate::diagnose::thresholds::HANDSHAKE_NOTICED_NS;
use crate::diagnose::{Facts, Proof, Sighting, Wording};

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
    let long = broken::longest(f, sightings) >= HANDSHAKE_NOTICED_NS;
    let unheeded = sightings.iter().filter(|s| is_unheeded(f, s)).count();
    if unheeded == sightings.len() {
        return worded(
            f,
            sightings,
            format!("servers repeat their SYN-ACK for {wait}, though the client's ACK was sent"),
            "the client acknowledges the SYN-ACK, and the server sends it again and again as if it had not: to its kernel the connection does not stand.",
        );
    }
    if let Some(told) = told(f, sightings) {
        return told;
    }
    if sightings.iter().filter_map(|s| s.connection).all(|id| f.shows_one_way(id)) {
        return worded(
            f,
            sightings,
            format!(
                "SYN-ACKs are sent again for {}, as if no acknowledgment came",
                asked_for(f, sightings)
            ),
            "the server sends its SYN-ACK again and again, so it gets no acknowledgment of it: either the SYN-ACK or the client's ACK is lost. The capture holds frames of one direction alone, so which of them does not show.",
        );
    }
    let among = match unheeded {
        0 => String::new(),
        n => format!(
            " In {n} of them the client's ACK is there, and the SYN-ACK comes again all the same."
        ),
    };
    worded(
        f,
        sightings,
        match long {
            true => format!("SYN-ACKs are never acknowledged, for {wait}"),
            // Who is reset at once does not wait.
            false => "SYN-ACKs are never acknowledged".to_owned(),
        },
        format!(
            "the SYN is answered by a SYN-ACK, and no acknowledgment of it is in the captures.{among}"
        ),
    )
}

/// For how long at most a SYN-ACK was sent again.
fn asked_for(f: &Facts, sightings: &[Sighting]) -> String {
    let legs = sightings.iter().filter_map(|s| s.connection).flat_map(|id| f.legs(id));
    let ns = legs.map(|leg| f.reply(leg).last.since(f.reply(leg).syn)).max().unwrap_or(0);
    broken::seconds(ns)
}

/// Where the frames of all of them say why the SYN-ACK did nothing.
fn told(f: &Facts, sightings: &[Sighting]) -> Option<Wording> {
    let (what, subjects) = (connections_to(f, sightings), concerned(f, sightings));
    let used_up: Option<Vec<u8>> =
        sightings.iter().map(|s| used_up(f, broken::of(f, s)?)).collect();
    if let Some(most) = used_up.and_then(|ttls| ttls.into_iter().max()) {
        return Some(Wording {
            title: format!("SYN-ACKs leave with TTL {most} and are discarded on the way"),
            explanation: format!(
                "{what}: the SYN-ACK leaves with a TTL of {most} at most, and a router says by ICMP that it was used up (time exceeded). Clients that are nearer may get it."
            ),
            subjects,
        });
    }
    let why: Option<Vec<Unheeded>> = sightings
        .iter()
        .map(|s| unheeded_answers::of(f, s.connection?).map(|(_, why)| why))
        .collect();
    let why = why?;
    let late = why.iter().filter_map(|why| match why {
        Unheeded::Late(ns) => Some(*ns),
        Unheeded::Number { .. } => None,
    });
    if late.clone().count() == why.len() {
        let (least, most) = (late.clone().min()?, late.max()?);
        return Some(Wording {
            title: format!(
                "SYN-ACKs come {} after the SYN, when the client has given up",
                broken::seconds(most)
            ),
            explanation: format!(
                "{what}: the SYN-ACK comes {} after the SYN at least, {} at most, and the client resets it: it no longer waits for it. The way there and back takes as long, or the server.",
                broken::seconds(least),
                broken::seconds(most)
            ),
            subjects,
        });
    }
    let (sent, acknowledged) = why.iter().find_map(|why| match why {
        Unheeded::Number { sent, acknowledged } => Some((*sent, *acknowledged)),
        Unheeded::Late(_) => None,
    })?;
    (late.count() == 0).then(|| Wording {
        title: "SYN-ACKs acknowledge a number that the SYN did not have".to_owned(),
        explanation: format!(
            "{what}: the client sends its SYN with one sequence number and is answered with the acknowledgment of another (the first: {sent}, and {acknowledged} where {} is due). It has to reset that (RFC 9293, section 3.10.7.3). A device between changes sequence numbers in one direction alone, or who answers still holds an older SYN of this port.",
            sent.wrapping_add(1)
        ),
        subjects,
    })
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}

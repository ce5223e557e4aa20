//! A request that nothing answers on a connection that stands.

use super::broken::{self};
use super::connections_to;
use crate::breaks::{Group, Manner, Packet};
use crate::correlate::Outcome;
use crate::diagnose::{Facts, Proof, Sighting, Wording};

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    let silent = |group: &Group| group.manner.is_silence() || group.manner == Manner::Closed;
    let mut found = broken::broken_as(f, |group| {
        group.packet == Packet::Request && silent(group) || is_incomplete(group)
    });
    // What was sent again and again is `retransmission`.
    let stalled = |id| f.connection(id).outcome == Outcome::Stalled;
    found.retain(|s| !s.connection.is_some_and(stalled));
    found
}

/// An answer of which bytes never came.
fn is_incomplete(group: &Group) -> bool {
    broken::is_silence(group, Packet::Response)
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let torn = broken::of(f, sighting).filter(|b| b.packet == Packet::Response);
    let Some(leg) =
        torn.and_then(|b| f.legs(b.connection).iter().find(|l| f.reply(l).data.is_set()))
    else {
        return broken::proofs(f, sighting);
    };
    let (there, back) = (f.forward(leg), f.reply(leg));
    let proofs = [
        f.proof(leg, there.data, "what the client asks"),
        f.proof(leg, back.data, "the first of the answer that came"),
        f.proof(leg, there.last, "the client's last: it still waits for bytes before what came"),
    ];
    proofs.into_iter().flatten().collect()
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let wait = broken::seconds(broken::longest(f, sightings));
    let torn = |s: &Sighting| {
        let group = s.connection.and_then(|id| f.breaks.group_of(id));
        group.is_some_and(|at| is_incomplete(f.breaks.group(at)))
    };
    if sightings.iter().all(torn) {
        return Wording {
            title: format!("answers stay incomplete, after waits of up to {wait}"),
            explanation: format!(
                "{}: bytes of the answer never come, while later ones do; the client acknowledges nothing beyond them to the end.",
                connections_to(f, sightings)
            ),
            subjects: broken::subjects(f, sightings),
        };
    }
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

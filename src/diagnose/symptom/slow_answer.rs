//! Answers that come far later than the other real servers'.

use super::broken::{self};
use super::connections_to;
use crate::breaks::Packet;
use crate::diagnose::{Facts, Proof, Sighting, Wording};

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    broken::broken_as(f, |group| {
        let said = [Packet::Response, Packet::Request, Packet::Greeting, Packet::Datagram];
        said.contains(&group.packet) && broken::is_late(group)
    })
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    broken::proofs(f, sighting)
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let wait = broken::seconds(broken::longest(f, sightings));
    let greeting = |s: &Sighting| broken::of(f, s).is_some_and(|b| b.packet == Packet::Greeting);
    if sightings.iter().all(greeting) {
        return Wording {
            title: format!("servers greet only after {wait}"),
            explanation: format!(
                "{}: the connection stands at once, and the server, which speaks first in this protocol, says its first word after up to {wait}. Nothing was lost meanwhile. Servers that look up a client's name, or ask its ident port (113), greet when that times out.",
                connections_to(f, sightings)
            ),
            subjects: broken::subjects(f, sightings),
        };
    }
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

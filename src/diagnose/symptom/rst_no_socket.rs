//! A bare RST from a stack without a socket for the segment that it answers
//! (RFC 9293, section 3.10.7.1).

use super::super::{Facts, Proof, Sighting, Wording};
use super::{concerned, connections_to};
use crate::correlate::{Leg, is_forestalled};
use crate::diagnose::thresholds::PROMPT_NS;
use crate::flow::{Flow, Reset};
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    facts
        .requests()
        .filter(|(id, c)| c.progress.no_socket && found(facts, *id).is_some())
        .map(|(id, c)| Sighting::of(id, c.outcome.failed()))
        .collect()
}

/// Whether the reset follows the segment that it would answer at once. One that comes later by
/// itself is a device's, which forgot the connection, or a program's.
fn is_answer(flow: &Flow) -> bool {
    flow.rst.since(flow.rst_answers) < PROMPT_NS
}

/// The leg, and the flow that the RST belongs to.
pub(in crate::diagnose) fn found(trace: &Trace, id: ConnectionId) -> Option<(&Leg, &Flow)> {
    let front_reset =
        trace.legs(id).iter().any(|leg| leg.tuple == 0 && trace.forward(leg).rst.is_set());
    trace.legs(id).iter().find_map(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        // Whose server goes on and answers was reset by a device in its name.
        if back.reset == Reset::NoSocket && is_answer(back) && !is_forestalled(there, back) {
            return Some((leg, back));
        }
        if there.reset != Reset::NoSocket || !is_answer(there) {
            return None;
        }
        // Who had acknowledged that segment knew the connection, and ended it.
        let knew = there.rst_answers.frame()..there.rst.frame();
        if there.ack.is_set() && knew.contains(&there.ack.frame()) {
            return None;
        }
        // Whom a reset has told to forget it has nothing strange to say.
        if back.rst.is_set() && back.rst.frame() < there.rst.frame() {
            return None;
        }
        let asked = there.opened() && leg.tuple == 0;
        let is_self = leg.of(&trace.vantages).key.is_self();
        // A prober drops what it asked for; what follows the handshake counts.
        if asked && !is_self && !there.ack.is_set() {
            return None;
        }
        // The client's own reset, as the director passes it on.
        (leg.tuple == 0 || !front_reset || is_self).then_some((leg, there))
    })
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some((leg, flow)) = sighting.connection.and_then(|id| found(facts, id)) else {
        return Vec::new();
    };
    let asked = match sighting.connection.is_some_and(|id| ends_handshake(facts, id)) {
        true => "the ACK that ends the handshake",
        false => "the segment that nobody here asked for",
    };
    [
        facts.proof(leg, flow.rst_answers, asked),
        facts.proof(
            leg,
            flow.rst,
            "RST without ACK, its sequence number is the acknowledgment of that segment",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether the reset answers the ACK that ends the handshake, at a server's side that had sent its SYN-ACK and says
/// nothing else. A kernel whose accept queue is full does that too (`tcp_abort_on_overflow`), so that it has
/// no connection is not told.
pub(in crate::diagnose) fn ends_handshake(trace: &Trace, id: ConnectionId) -> bool {
    found(trace, id).is_some_and(|(leg, flow)| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        std::ptr::eq(flow, back)
            && back.accepted()
            && back.payload == 0
            && there.ack.is_set()
            && flow.rst_answers.frame() == there.ack.frame()
            && there.max_ack == back.isn.wrapping_add(1)
    })
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    if super::connections(sightings).all(|id| ends_handshake(facts, id)) {
        return Wording {
            title: "the last step of handshakes is answered by a reset".to_owned(),
            explanation: format!(
                "In {} the SYN is answered by a SYN-ACK, and the ACK to it by a bare RST: whoever gets that ACK has no such connection, or has no room for it.",
                connections_to(facts, sightings)
            ),
            subjects: concerned(facts, sightings),
        };
    }
    Wording {
        title: "a kernel resets segments that it has no socket for".to_owned(),
        explanation: format!(
            "In {} a segment reaches a host that has no such connection; its kernel answers with a bare RST.",
            connections_to(facts, sightings)
        ),
        subjects: concerned(facts, sightings),
    }
}

pub(in crate::diagnose) fn blind(facts: &Facts) -> Option<String> {
    super::no_tcp(facts)
}

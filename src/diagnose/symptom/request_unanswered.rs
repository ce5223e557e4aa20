//! A request that nothing answers on a connection that stands, or whose answer has a hole.

use super::broken;
use super::worded;
use crate::breaks::{Group, Manner, Packet, cut_short, hung, is_left_midway, probed};
use crate::correlate::Outcome;
use crate::diagnose::thresholds::CLOSED_AT_ONCE_NS as AT_ONCE_NS;
use crate::diagnose::{Facts, Proof, Sighting, Wording};
use crate::flow::Words;
use crate::hashed::HashSet;
use crate::topology::ServiceId;

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    let silent = |group: &Group| group.manner.is_silence() || group.manner == Manner::Closed;
    let said = [Packet::Request, Packet::Response];
    // Of datagrams `datagram-unanswered` tells.
    let tcp = |group: &Group| f.topology.service(group.service).protocol.is_tcp();
    let mut found =
        broken::broken_as(f, |group| said.contains(&group.packet) && silent(group) && tcp(group));
    // What was sent again and again is `retransmission`.
    let stalled = |id| f.connection(id).outcome == Outcome::Stalled;
    found.retain(|s| !s.connection.is_some_and(stalled));
    found
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    if let Some((leg, silence, gave_up)) = sighting.connection.and_then(|id| probed(f, id)) {
        return Proof::seen([
            f.proof(leg, silence.before, "the last packet before the silence"),
            f.proof(leg, silence.after, "the next one, which nothing answers, nor what follows"),
            f.proof(leg, gave_up, "its sender gives the connection up"),
        ]);
    }
    let left = sighting.connection.and_then(|id| Some((id, hung(f, id)?)));
    if let Some((id, (leg, silence, left))) = left {
        return Proof::seen([
            f.proof(
                leg,
                silence.before,
                if is_left_midway(f, id, leg) {
                    "the last of an answer that is not whole"
                } else {
                    "the client's last question is acknowledged"
                },
            ),
            f.proof(leg, left, "the client gives up; nothing came meanwhile"),
        ]);
    }
    let short = sighting.connection.filter(|_| is_cut_short(f, sighting));
    if let Some((leg, said)) = short.and_then(|id| cut_short(f, id)) {
        let (begins, ends) = match said.words {
            Words::Unended => {
                ("the answer, which comes in chunks", "the server closes without the last one")
            }
            _ => (
                "the answer, which announces how long it is",
                "the server closes before so much has come",
            ),
        };
        let back = f.reply(leg);
        return Proof::seen([f.proof(leg, said.mark, begins), f.proof(leg, back.fin, ends)]);
    }
    broken::proofs(f, sighting)
}

/// Whether an answer began, and bytes of it never came.
fn is_unfilled(f: &Facts, sighting: &Sighting) -> bool {
    broken::of(f, sighting).is_some_and(|broken| broken.packet == Packet::Response)
}

/// Whether the server closed before all of an answer had come.
fn is_cut_short(f: &Facts, sighting: &Sighting) -> bool {
    let as_this =
        |b: &crate::breaks::Break| (b.packet, b.manner) == (Packet::Response, Manner::Closed);
    broken::of(f, sighting).is_some_and(as_this)
}

/// How it tells that the answers are not whole.
fn how_short(f: &Facts, sightings: &[Sighting]) -> &'static str {
    let unended = |s: &Sighting| {
        let said = s.connection.and_then(|id| cut_short(f, id));
        said.is_some_and(|(_, said)| said.words == Words::Unended)
    };
    match sightings.iter().filter(|s| unended(s)).count() {
        0 => {
            "announces its length (Content-Length), and the server's side closes in order before so many bytes have come"
        }
        n if n == sightings.len() => {
            "comes in chunks (Transfer-Encoding), and the server's side closes in order without the last one, which says that it is whole"
        }
        _ => {
            "announces its length (Content-Length) or comes in chunks (Transfer-Encoding), and the server's side closes in order before so many bytes, or the last chunk, have come"
        }
    }
}

/// Whether no capture shows a word of the server.
fn is_unheard(f: &Facts, sighting: &Sighting) -> bool {
    sighting.connection.is_some_and(|id| f.legs(id).iter().all(|leg| !f.reply(leg).seen()))
}

/// Whether a client's first words are a ClientHello.
fn began_in_tls(f: &Facts, sighting: &Sighting) -> bool {
    let first = |id| {
        let mut legs = f.legs(id).iter();
        legs.find_map(|leg| f.vantage(leg).side_tables.first_request(leg.stream))
    };
    sighting.connection.and_then(first).is_some_and(|request| request.tls.is_some())
}

/// Whether somebody's request to one of these services is answered.
fn is_answered(f: &Facts, sightings: &[Sighting]) -> bool {
    let services: HashSet<ServiceId> =
        sightings.iter().filter_map(|s| Some(f.service_of(s.connection?))).collect();
    f.requests().any(|(id, c)| c.progress.response && services.contains(&f.service_of(id)))
}

/// Whether no answer was lost: the capture of whoever answers shows what leaves there, or his end came, whose number is the
/// one behind what he had said.
fn none_was_lost(f: &Facts, sighting: &Sighting) -> bool {
    sighting.connection.is_some_and(|id| {
        f.legs(id).iter().any(|leg| {
            let (own, back) = (&f.vantage(leg).own, f.reply(leg));
            back.fin.is_set() || f.path(leg, back).any(|(_, hop)| own.sent(hop) == Some(true))
        })
    })
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let wait = broken::seconds(broken::longest(f, sightings));
    let given_up = |s: &Sighting| s.connection.is_some_and(|id| probed(f, id).is_some());
    if sightings.iter().all(given_up) {
        return worded(
            f,
            sightings,
            format!("nothing answers on connections that were idle, for {wait}"),
            "after a silence the client asks whether its server is there, as kernels do (TCP keep-alive), gets no answer to any of it, and resets the connection. The other end is gone, or a device on the way that has no entry for it any more drops what comes: that one forgot it, was replaced by another that never had it, or has no such server now.",
        );
    }
    let left = |s: &Sighting| s.connection.is_some_and(|id| hung(f, id).is_some());
    let midway = |s: &Sighting| broken::of(f, s).is_some_and(|b| b.packet == Packet::Response);
    if sightings.iter().all(|s| left(s) && midway(s)) {
        return worded(
            f,
            sightings,
            format!("answers stop in the middle, and no more comes for up to {wait}"),
            "the answer announces its length (Content-Length), fewer bytes come, and then none; the client took all of them, waited, and ended the connection. No packet is lost on what is captured here: whoever sends the answer has no more of it yet, as a proxy whose own server stalls, or cannot send it.",
        );
    }
    if sightings.iter().all(left) {
        return worded(
            f,
            sightings,
            format!("later questions get no answer, after waits of up to {wait}"),
            format!(
                "the connection had answered before. The client's last question was acknowledged by the other side's kernel, no byte of an answer followed, and the client ended the connection. {}",
                if sightings.iter().all(|s| none_was_lost(f, s)) {
                    "No packet is lost: a program does not answer, or a proxy whose own server does not."
                } else {
                    "So it is where a program does not answer, or a proxy whose own server does not; an answer that is lost each time, as one that is too large for the way, looks the same from here."
                }
            ),
        );
    }
    let short = sightings.iter().filter(|s| is_cut_short(f, s)).count();
    if short == sightings.len() {
        return worded(
            f,
            sightings,
            "servers close before answers are whole",
            format!(
                "the answer {}. No packet is lost: whoever sends the answer has no more of it, as a proxy that cannot store it or whose own server ended it, or a program that fails while it writes.",
                how_short(f, sightings)
            ),
        );
    }
    let unfilled = sightings.iter().filter(|s| is_unfilled(f, s) && !is_cut_short(f, s)).count();
    let hole = "later bytes of the answer come, those between never do, and the client goes on acknowledging what stands before them";
    if unfilled == sightings.len() {
        return worded(
            f,
            sightings,
            format!("answers have a hole that is never filled, after waits of up to {wait}"),
            format!("{hole}."),
        );
    }
    let closed = |s: &Sighting| {
        broken::of(f, s).is_some_and(|b| (b.packet, b.manner) == (Packet::Request, Manner::Closed))
    };
    if sightings.iter().all(closed) {
        let why = if broken::longest(f, sightings) < AT_ONCE_NS {
            "A proxy that reaches no server behind it does so, and so does a program that refuses what it was sent."
        } else {
            "Who closes after a wait gave up: a proxy or a server whose own time ran out."
        };
        // A program that was not made for it takes a ClientHello for garbage.
        let hello = match sightings.iter().all(|s| began_in_tls(f, s)) {
            true => {
                " What it was sent is a ClientHello of TLS each time: a port that takes plain text closes upon it, and one that has no certificate for the name."
            }
            false => "",
        };
        return worded(
            f,
            sightings,
            format!("the server closes instead of an answer, after up to {wait}"),
            format!(
                "the client sends a request, and the server's side closes without a byte of an answer. {why}{hello}"
            ),
        );
    }
    let unheard = sightings.iter().filter(|s| is_unheard(f, s)).count();
    if unheard == sightings.len() {
        return worded(
            f,
            sightings,
            format!("requests get no answer, after waits of up to {wait}"),
            "the client sends its request again and again, to its last frame; the captures show nothing of the server, and what is acknowledged is not sent again.",
        );
    }
    let cut = match short {
        0 => String::new(),
        n => format!(" Of {n} the server closes before the answer is as long as it announces."),
    };
    let others =
        if is_answered(f, sightings) { ", where others of this service show one" } else { "" };
    let among = if unfilled > 0 { format!(" Of {unfilled} {hole}.") } else { String::new() };
    worded(
        f,
        sightings,
        format!("requests get no answer, after waits of up to {wait}"),
        format!(
            "the client sends a request, and no byte of an answer is in the captures{others}.{among}{cut}"
        ),
    )
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}

//! What the symptoms that come from breaks have in common: which connections broke so,
//! and the frames that show it.

use crate::breaks::{Break, Fate, Group, Manner, Packet, dropped, heard_late, unfilled};
use crate::correlate::Leg;
use crate::diagnose::{Facts, Proof, Sighting};
use crate::flow::{Flow, Mark};

/// Connections whose break satisfies a test, in order.
pub(super) fn broken_as(f: &Facts, test: impl Fn(&Group) -> bool) -> Vec<Sighting> {
    let ids = f.breaks.broken_as(test).into_iter();
    ids.map(|id| Sighting::of(id, f.breaks.fate(id) == Fate::Failed)).collect()
}

/// The break of a sighting.
pub(super) fn of<'a>(f: &'a Facts, sighting: &Sighting) -> Option<&'a Break> {
    f.breaks.broken(sighting.connection?)
}

/// The first of the connections of some sightings: the others broke alike.
fn leg_of<'a>(f: &'a Facts, broken: &Break) -> Option<&'a Leg> {
    let Some(last) = broken.last else {
        // What never came was seen nowhere; what came around it was.
        return f.legs(broken.connection).iter().find(|leg| unfilled(f, leg).is_some());
    };
    let here = |leg: &&Leg| leg.vantage == last.at.vantage && leg.tuple == last.tuple;
    f.legs(broken.connection).iter().find(here)
}

/// Frames of the flow that carried the packet, at the place where it was last seen: the
/// packet, its last repeat, and what ended the wait.
pub(super) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let Some((broken, leg)) = of(f, sighting).and_then(|b| Some((b, leg_of(f, b)?))) else {
        return Vec::new();
    };
    let (there, back) = (f.forward(leg), f.reply(leg));
    let note = |mark: Mark, words: &str| f.proof(leg, mark, words);
    let repeated = |flow: &Flow| (flow.syns > 1 && flow.last != flow.syn).then_some(flow.last);
    let mut proofs = Vec::new();
    match broken.packet {
        Packet::HealthCheck if broken.manner == Manner::Closed => {
            proofs.extend(note(there.data, "what it asks"));
            proofs.extend(note(back.fin, "the server closes"));
        }
        Packet::HealthCheck if broken.manner == Manner::Late => {
            proofs.extend(note(there.data, "what it asks"));
            proofs.extend(note(there.fin, "whoever checks has waited and closes"));
            proofs.extend(note(back.data, "the answer comes"));
        }
        Packet::Syn | Packet::HealthCheck => {
            proofs.extend(note(there.syn, "the SYN"));
            let late = broken.manner == Manner::Late;
            if late && there.syns <= 1 {
                proofs.extend(note(back.syn, "the SYN-ACK"));
            }
            // The last frame of one that went on tells nothing of the wait.
            proofs.extend(if there.ack.is_set() && (there.syns > 1 || late) {
                note(there.ack, "the client goes on")
            } else {
                repeated(there).and_then(|last| note(last, "its repeat"))
            });
            if back.accepted() && back.rst.is_set() {
                proofs.extend(note(back.syn, "the SYN-ACK"));
                proofs.extend(note(back.rst, "a RST ends it"));
            } else {
                proofs.extend(note(back.rst, "a RST answers it"));
            }
            // Another capture than the one that shows the SYN may show what was said.
            if let Some((leg, mark, status)) = f.first_error(broken.connection) {
                proofs.extend(f.proof(leg, f.forward(leg).data, "what it asks"));
                proofs.extend(f.proof(leg, mark, format!("the answer, status {status}")));
            }
        }
        Packet::SynAck | Packet::Ack => {
            proofs.extend(note(there.syn, "the SYN"));
            proofs.extend(note(back.syn, "the SYN-ACK"));
            if broken.packet == Packet::Ack {
                proofs.extend(note(there.ack, "the client acknowledges it"));
            }
            proofs.extend(turned_back(f, broken));
            proofs.extend(repeated(back).and_then(|last| note(last, "the last of the server")));
            proofs.extend(note(there.rst, "a RST answers it"));
        }
        Packet::Greeting => {
            proofs.extend(note(there.ack, "the connection stands"));
            proofs.extend(note(back.data, "the server's first word"));
            if broken.manner == Manner::Closed {
                proofs.extend(note(back.fin, "the server closes"));
            }
            if !back.data.is_set() && broken.manner != Manner::Closed {
                let silent = "the client's last, and the server has said nothing";
                proofs.extend(note(there.last, silent));
            }
        }
        Packet::Datagram if broken.manner == Manner::Late => {
            proofs = asked_again(f, broken);
        }
        Packet::Datagram | Packet::ServerDatagram
            if let Some(talk) = dropped(f, broken.connection) =>
        {
            let (from, side) = if talk.forward { (there, "client") } else { (back, "server") };
            let other = if talk.forward { back } else { there };
            let (first, again) = (talk.asked.first(), talk.asked.last());
            if talk.leg == leg {
                if other.last.frame() < first.frame() {
                    proofs.extend(note(other.last, "the other side's last"));
                }
                proofs.extend(note(first, &format!("the {side} sends what nothing answers")));
                proofs.extend(note(again, "and again after longer waits, the last that is kept"));
            } else {
                proofs.extend(note(from.last, &format!("the {side}'s last")));
            }
        }
        Packet::Request | Packet::Datagram | Packet::ServerDatagram => {
            proofs.extend(note(there.data, "what the client asks"));
            proofs.extend(note(back.fin, "the server closes"));
            proofs.extend(note(there.last, "the client's last, without an answer"));
        }
        Packet::Response => {
            proofs.extend(note(there.data, "what the client asks"));
            let late =
                broken.manner == Manner::Late && f.breaks.fate(broken.connection) == Fate::Failed;
            if late {
                proofs.extend(note(there.fin, "the client has waited, and closes"));
            }
            proofs.extend(note(back.data, "the first of the answer"));
            if late {
                proofs.extend(note(there.rst, "the client resets it"));
            }
            if unfilled(f, leg).is_some() {
                let left = if there.fin.is_set() { there.fin } else { there.last };
                proofs
                    .extend(note(left, "the client's last; it lacks bytes before those that came"));
            }
        }
    }
    proofs.dedup_by_key(|proof| proof.at.mark);
    proofs
}

/// The ICMP error about a SYN-ACK.
fn turned_back(f: &Facts, broken: &Break) -> Option<Proof> {
    if broken.manner != Manner::Rejected {
        return None;
    }
    let (vantage, error) = f.errors_of(broken.connection).find(|(_, e)| e.src != e.dst)?;
    Some(Proof::on(
        vantage,
        error.mark,
        format!("{} says by ICMP that it went no further", error.src),
    ))
}

/// Where one of two questions was asked, asked again, and answered.
fn asked_again(f: &Facts, broken: &Break) -> Vec<Proof> {
    let mut legs = f.legs(broken.connection).iter();
    let found = legs.find_map(|leg| {
        let pair = f.vantage(leg).side_tables.dns_pair(leg.stream)?;
        Some((leg, pair, pair.lost()?))
    });
    let Some((leg, pair, lost)) = found else { return heard_late_proofs(f, broken) };
    let proofs = [
        f.proof(leg, pair.asked[lost], "the question"),
        f.proof(leg, pair.again[lost], "it is asked again"),
        f.proof(leg, pair.settled[lost], "and answered"),
    ];
    proofs.into_iter().flatten().collect()
}

fn heard_late_proofs(f: &Facts, broken: &Break) -> Vec<Proof> {
    let Some((leg, asked)) = heard_late(f, broken.connection) else { return Vec::new() };
    let proofs = [
        f.proof(leg, asked.first(), "the question"),
        f.proof(leg, asked.last(), "it is asked again"),
        f.proof(leg, f.reply(leg).first, "and answered"),
    ];
    proofs.into_iter().flatten().collect()
}

/// The longest wait among some connections, nanoseconds.
pub(super) fn longest(f: &Facts, sightings: &[Sighting]) -> i64 {
    sightings.iter().filter_map(|s| of(f, s)).map(|b| b.cost_ns).max().unwrap_or(0)
}

/// Durations as readers say them.
pub(super) fn seconds(ns: i64) -> String {
    if ns >= 1_000_000_000 {
        format!("{:.1} s", ns as f64 / 1e9)
    } else {
        format!("{:.1} ms", ns as f64 / 1e6)
    }
}

/// Whether a group failed without any answer to a packet.
pub(super) fn is_silence(group: &Group, packet: Packet) -> bool {
    group.packet == packet && group.manner.is_silence()
}

/// Whether a group got through late.
pub(super) fn is_late(group: &Group) -> bool {
    group.manner == Manner::Late
}

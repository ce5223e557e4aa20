//! A datagram that nothing answers where others are answered, or that is asked again.

use super::broken;
use super::worded;
use crate::breaks::{Break, Fate, Group, Manner, Packet, dropped};
use crate::diagnose::thresholds::DATAGRAM_ASKED_ON_NS;
use crate::diagnose::{Facts, Names, Proof, Sighting, ToConfirm, Wording};
use crate::wire::dns;

/// Of talk that had answers before.
const STOPPED: &str = "both sides had spoken before, and then one sends again after longer and longer waits, or the same again and again, and the other says nothing to it";

pub(in crate::diagnose) fn sightings(f: &Facts) -> Vec<Sighting> {
    // To who asks it is the same where the answer went elsewhere.
    broken::broken_as(f, |group| {
        broken::is_silence(group, Packet::Datagram)
            || broken::is_silence(group, Packet::ServerDatagram)
            || (group.packet, group.manner) == (Packet::Datagram, Manner::Astray)
            || answer_lost(f, group)
    })
}

/// Whether answers of datagrams left and were not seen to arrive.
fn answer_lost(f: &Facts, group: &Group) -> bool {
    let udp = f.topology.service(group.service).protocol.is_datagrams();
    udp && broken::is_silence(group, Packet::Response)
}

pub(in crate::diagnose) fn proofs(f: &Facts, sighting: &Sighting) -> Vec<Proof> {
    broken::proofs(f, sighting)
}

pub(in crate::diagnose) fn word(f: &Facts, sightings: &[Sighting]) -> Wording {
    let wait = broken::seconds(broken::longest(f, sightings));
    let stopped = |s: &&Sighting| s.connection.is_some_and(|id| dropped(f, id).is_some());
    let n = sightings.iter().filter(stopped).count();
    if n == sightings.len() {
        return worded(
            f,
            sightings,
            "datagrams stay unanswered",
            format!("{STOPPED}; tried for up to {wait}."),
        );
    }
    let kept = |s: &&Sighting| {
        broken::of(f, s)
            .is_some_and(|b| (b.packet, b.manner) == (Packet::Response, Manner::Swallowed))
    };
    if sightings.iter().all(|s| kept(&s)) {
        return worded(
            f,
            sightings,
            "answers to datagrams are not passed on to the clients",
            format!(
                "the host that sends the questions on to the server gets its answers, and its own capture shows none of them leave for the client, which asks again for up to {wait}."
            ),
        );
    }
    let lost = |s: &&Sighting| broken::of(f, s).is_some_and(|b| b.packet == Packet::Response);
    if sightings.iter().all(|s| lost(&s)) {
        return worded(
            f,
            sightings,
            "answers to datagrams do not arrive",
            format!(
                "the server answers, and the client's own capture shows the question alone, which it asks again for up to {wait}.{}",
                in_pieces(f, sightings)
            ),
        );
    }
    // Who asks once and no more does not show how long it waits.
    let asked_on = broken::longest(f, sightings) >= DATAGRAM_ASKED_ON_NS;
    let waited = if asked_on { format!("; it went on for up to {wait}") } else { String::new() };
    let among = if n > 0 { format!(" Of {n} {STOPPED}.") } else { String::new() };
    let served = |s: &&Sighting| s.connection.is_some_and(|id| f.breaks.fate(id) == Fate::Suffered);
    let names = |s: &&Sighting| s.connection.is_some_and(|id| f.service(id).port == dns::PORT);
    let among = match sightings.iter().filter(served).count() {
        0 => among,
        n if sightings.iter().all(|s| names(&s)) => format!(
            "{among} Of {n} the client asks another name server the same, when it has waited for this one, and is answered there: what it wants to know comes late."
        ),
        n => format!(
            "{among} Of {n} the client goes on by TCP on the same port, as clients of HTTP/3 do that QUIC does not bring on (RFC 9114, section 3.1), and is served there: UDP is dropped on the way, or the port has no QUIC."
        ),
    };
    worded(
        f,
        sightings,
        "datagrams stay unanswered",
        format!(
            "the client asks, and no answer to these is in the captures, where other questions to this service are answered, the client asks again, or every question of the protocol has an answer{waited}.{among}"
        ),
    )
}

/// Where answers that left are seen next; no filter by port shows later fragments.
fn further_on(f: &Facts, broken: &Break) -> ToConfirm {
    let front = f.connection(broken.connection).front;
    let next = broken.last.and_then(|last| last.to);
    ToConfirm {
        host: next.map_or_else(|| "each router between, one after the other".to_owned(), |host| Names(f).place(host)),
        command: format!("tcpdump -ni any 'host {} and host {} and (udp or ip proto 17 or ip6 proto 44)'", front.client.0, front.server.0),
        why: "whether the answers come in there, and leave: the last that has them is before the one that drops them; a filter by port would leave out later fragments".to_owned(),
    }
}

/// That the answers left in fragments, if all of them did.
fn in_pieces(f: &Facts, sightings: &[Sighting]) -> &'static str {
    let fragmented = |s: &Sighting| {
        s.connection.is_some_and(|id| {
            let mut legs = f.legs(id).iter();
            legs.any(|leg| f.vantage(leg).fragments_of(f.reply(leg)).any(|(_, p)| p.laters > 0))
        })
    };
    if sightings.iter().all(fragmented) {
        " All of these answers left in fragments, which firewalls and routers on the way may drop, those of IPv6 above all (RFC 7872)."
    } else {
        ""
    }
}

/// Of what a server sends in vain, what it names and where it goes; else a capture further on.
pub(in crate::diagnose) fn next(f: &Facts, sightings: &[Sighting]) -> Vec<ToConfirm> {
    let told = sightings.iter().find_map(|s| broken::of(f, s));
    if let Some(broken) = told.filter(|b| b.packet == Packet::Response) {
        return vec![further_on(f, broken)];
    }
    let Some(broken) = told.filter(|b| b.packet == Packet::ServerDatagram) else {
        return super::next::captures(f, sightings);
    };
    let front = f.connection(broken.connection).front;
    let (client, port) = (front.client.0, front.server.1);
    let at = broken
        .last
        .and_then(|last| last.host)
        .map_or_else(|| "the host that sends them".to_owned(), |host| Names(f).place(host));
    vec![ToConfirm {
        host: at,
        command: format!("tcpdump -ni any -s 0 -A -c 20 'udp port {port} and host {client}'"),
        why: "what they name as where answers go (SIP: Record-Route, Contact, Via) has to be an address that the client can reach; and the port that they go to the one from which its last word came: where that one came long before, its NAT may have forgotten it".to_owned(),
    }]
}

pub(in crate::diagnose) fn blind(f: &Facts) -> Option<String> {
    super::no_tcp(f)
}

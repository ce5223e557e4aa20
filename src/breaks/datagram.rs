//! Datagrams that ask: UDP has no handshake, so an answer is one only where such a
//! question has any.

use super::handshake::rejected;
use super::journey::{Journey, Milestone, silence};
use super::judged::{Judged, QUIC, at_the_end};
use super::kept_back::kept_back;
use super::{Break, Fate, Manner, Pace, Packet, Sighting, dropped_talk, faults};
use crate::correlate::Leg;
use crate::flow::{Asked, EPHEMERAL, Flow, IcmpError, IcmpErrorKind, Pieces, VantageId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

/// Judges an exchange of datagrams.
pub(super) fn judge(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
    let p = trace.connection(id).progress;
    if p.response && torn(trace, id).is_none() {
        // Of what came in pieces, what became of the pieces tells more.
        if split(trace, id).is_some() || is_given_up(trace, id) {
            return asked_again(trace, id);
        }
        if pace.is_error(id) {
            return faults::judge(trace, id);
        }
        let kept = kept_back(trace, id);
        let kept = kept.map(|last| (Manner::Swallowed, last));
        if let Some((manner, last)) =
            kept.or_else(|| never_came(trace, id).map(|last| (Manner::UnseenBeyond, last)))
        {
            let cost_ns = length(trace, id);
            let (packet, last) = (Packet::Response, Some(last));
            let broken =
                Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None };
            return Judged::Harm(Fate::Failed, broken);
        }
        return match dropped_talk::judge(trace, id) {
            Judged::Well => match rejected_since(trace, id) {
                Some(by) => undeliverable(trace, id, by),
                None => asked_again(trace, id),
            },
            harmed => harmed,
        };
    }
    let (manner, last) = silence(trace, id, Packet::Datagram);
    let cost_ns = length(trace, id);
    let at = |manner, last| {
        let packet = Packet::Datagram;
        let broken =
            Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None };
        Judged::Harm(Fate::Failed, broken)
    };
    let harm = |manner| at(manner, last);
    if p.response {
        let last = Journey::of(trace, id, false, Milestone::Data).last().copied();
        return at(Manner::Torn, last);
    }
    if rejected(trace, id) {
        return if is_late_answer(trace, id) { Judged::Untold } else { harm(Manner::Rejected) };
    }
    if asks_nothing(trace, id) {
        return Judged::Untold;
    }
    // Who asks the same again was not answered before, however soon the capture ends.
    let in_vain = is_asked_in_vain(trace, id) || is_given_up(trace, id);
    let shown = in_vain || trace.legs(id).iter().any(|leg| trace.vantage(leg).shows.both_ways);
    if in_vain && trace.topology.astray.contains_key(&id.0) {
        return harm(Manner::Astray);
    }
    // Of several questions the first had the time to be answered.
    let early = at_the_end(trace, id) && !in_vain && !asks_on(trace, id);
    if !p.request || !shown || early {
        return Judged::Untold;
    }
    if let Some(last) = split(trace, id) {
        return at(Manner::Split, Some(last));
    }
    // Others are answered there, so this one should have been; and where every question has an
    // answer, none of several means that there is nobody.
    let service = trace.service_of(id);
    let client = trace.connection(id).front.client.0;
    let several = pace.answers_none(service, QUESTIONS)
        || pace.answers_none(service, 1) && asks_on(trace, id);
    let nobody = several && is_own_question(trace, id) && pace.hears(trace, client);
    let nobody = nobody || super::leases::in_vain(trace, pace, id) && pace.hears(trace, client);
    let elsewhere = pace.asked_elsewhere(trace, id);
    if !(pace.answers(service) || in_vain || nobody || elsewhere.is_some()) {
        return Judged::Untold;
    }
    match pace.fell_back(trace, id).or(elsewhere) {
        Some(cost_ns) => {
            let packet = Packet::Datagram;
            let broken =
                Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None };
            Judged::Harm(Fate::Suffered, broken)
        }
        None => harm(manner),
    }
}

/// Bytes of a datagram that keeps a way open through NAT, at most: two line ends of SIP (RFC 5626, section 3.5.1, and
/// some send four zeros), one byte of IPsec (RFC 3948, section 2.3). No question is as short.
const KEEPS_OPEN: u64 = 4;

/// Whether all that a client sends are datagrams without a question, which nobody answers.
fn asks_nothing(trace: &Trace, id: ConnectionId) -> bool {
    let mut flows =
        trace.legs(id).iter().map(|leg| trace.forward(leg)).filter(|f| f.seen()).peekable();
    let sent = flows.peek().is_some_and(|there| there.payload > 0);
    sent && flows.all(|there| there.payload <= u64::from(there.packets) * KEEPS_OPEN)
}

/// Datagrams of which somebody says that they cannot be delivered. Whoever says so had them; else all that is known is
/// that they left.
fn undeliverable(trace: &Trace, id: ConnectionId, by: Ip) -> Judged {
    let by = trace.host_by_ip(by);
    let journey = Journey::of(trace, id, true, Milestone::Data);
    let had = journey.0.iter().find(|s| by.is_some() && s.host == by);
    let mut last = had.or(journey.first()).copied();
    if let Some(here) = &mut last {
        let at = |leg: &&Leg| (leg.vantage, leg.tuple) == (here.at.vantage, here.tuple);
        let leg = trace.legs(id).iter().find(at);
        here.at.mark = leg.map_or(here.at.mark, |leg| trace.forward(leg).last);
    }
    let (packet, manner) = (Packet::Datagram, Manner::Rejected);
    let cost_ns = length(trace, id);
    let broken = Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None };
    Judged::Harm(Fate::Failed, broken)
}

/// Who tells a client that had answers, since the last of them, that its datagrams cannot be delivered, while it goes on
/// sending. What is said last, as a farewell to a socket that is closed, waits for nothing.
fn rejected_since(trace: &Trace, id: ConnectionId) -> Option<Ip> {
    let client = trace.connection(id).front.client.0;
    let told = |e: &IcmpError| {
        matches!(e.kind, IcmpErrorKind::Unreachable { .. }) && e.dst == client && e.src != client
    };
    if is_late_answer(trace, id) {
        return None;
    }
    let after = |(vantage, e): &(VantageId, &IcmpError)| {
        trace.legs(id).iter().filter(|leg| leg.vantage == *vantage).any(|leg| {
            let (there, back) = (trace.forward(leg), trace.reply(leg));
            back.seen() && back.last.frame() < e.mark.frame() && e.mark.frame() < there.last.frame()
        })
    };
    let mut errors = trace.errors_of(id).filter(|(_, e)| told(e));
    errors.find(after).map(|(_, e)| e.src)
}

/// From the first frame to the last, nanoseconds.
fn length(trace: &Trace, id: ConnectionId) -> i64 {
    match (trace.start(id), trace.end(id)) {
        (Some(a), Some(b)) => trace.time(b).0.saturating_sub(trace.time(a).0),
        _ => 0,
    }
}

/// The last place that shows an answer, where the client asked the same again and its own capture shows
/// no answer at all.
fn never_came(trace: &Trace, id: ConnectionId) -> Option<Sighting> {
    let client = trace.host_by_ip(trace.connection(id).front.client.0)?;
    let own = |leg: &&Leg| trace.host_of(leg) == Some(client);
    let mut here = trace.legs(id).iter().filter(own).peekable();
    here.peek()?;
    let in_vain = here.all(|leg| {
        trace.vantage(leg).shows.both_ways
            && trace.forward(leg).data.is_set()
            && !trace.reply(leg).seen()
    });
    (in_vain && is_asked_in_vain(trace, id))
        .then(|| Journey::of(trace, id, false, Milestone::Data).last().copied())?
}

/// The last place that a later fragment of a question reached, where first fragments alone are seen
/// further on.
pub(super) fn split(trace: &Trace, id: ConnectionId) -> Option<Sighting> {
    let mut seen: Vec<(Sighting, Pieces)> = Vec::new();
    let places = Journey::of(trace, id, true, Milestone::Data).0;
    for leg in trace.legs(id) {
        let (vantage, there) = (trace.vantage(leg), trace.forward(leg));
        for (hop, pieces) in vantage.fragments_of(there) {
            let here =
                |s: &&Sighting| (s.at.vantage, s.tuple, s.ttl) == (leg.vantage, leg.tuple, hop.ttl);
            seen.extend(places.iter().find(here).map(|s| (*s, *pieces)));
        }
    }
    let order = |s: &Sighting| places.iter().position(|p| p == s);
    seen.sort_by_key(|(s, _)| order(s));
    let (last, firsts) = seen.split_last()?;
    let (first_alone, whole) = (last.1, firsts.iter().rev().find(|(_, p)| p.laters > 0)?);
    let mut place = whole.0;
    place.at.mark = whole.1.later;
    (first_alone.firsts > 0 && first_alone.laters == 0).then_some(place)
}

/// Ports of protocols in which every question has an answer (IANA): DNS, TFTP, Kerberos, NTP,
/// SNMP, LDAP, IKE, IPMI, RADIUS (both pairs), GTP-C, STUN, SIP, PFCP.
const ANSWERED: [u16; 16] =
    [53, 69, 88, 123, 161, 389, 500, 623, 1645, 1646, 1812, 1813, 2123, 3478, 5060, 8805];
/// IKE behind NAT (RFC 3948): what IPsec carries there is numbered, so only a question comes twice.
const IKE_NAT: u16 = 4500;
/// From a question to its repeat at least, nanoseconds: a copy of a frame is no repeat, and
/// QUIC begins with a probe timeout of 999 ms (RFC 9002, section 6.2.2).
const AGAIN_NS: i64 = 900_000_000;

/// Questions without any answer that show that nobody answers: one is lost by chance.
const QUESTIONS: u32 = 3;

/// Whether a datagram asks in a protocol in which every question has an answer, as the asker's own
/// capture shows it, to which any answer would have come.
fn is_own_question(trace: &Trace, id: ConnectionId) -> bool {
    let c = trace.connection(id);
    c.protocol.is_udp()
        && ANSWERED.contains(&c.front.server.1)
        && trace.legs(id).iter().any(|leg| {
            let own = trace.host_of(leg);
            trace.vantage(leg).shows.both_ways
                && own.is_some()
                && own == trace.host_by_ip(c.front.client.0)
        })
}

/// Whether a client asks several questions from one port, as who asks for the time does, over longer than an
/// answer takes.
fn asks_on(trace: &Trace, id: ConnectionId) -> bool {
    let long = |there: &Flow| there.last.since(there.first) >= AGAIN_NS;
    let mut flows = trace.legs(id).iter().map(|leg| trace.forward(leg));
    flows.any(|there| there.packets >= QUESTIONS && long(there))
}

/// Whether a client asks the same again: in a protocol in which whoever is asked answers, or
/// after waits as programs have that expect an answer. What follows
/// a QUIC Initial differs in each packet, so only the client's own capture shows that nothing
/// came back.
fn is_asked_in_vain(trace: &Trace, id: ConnectionId) -> bool {
    let c = trace.connection(id);
    let port = c.front.server.1;
    trace.legs(id).iter().any(|leg| {
        let there = trace.forward(leg);
        let long = there.last.since(there.first) >= AGAIN_NS;
        let again = (ANSWERED.contains(&port) || port == IKE_NAT) && there.isns > 1;
        let probes = port == QUIC && there.packets > 2 && trace.is_client_side(id, leg);
        let asked = || trace.vantage(leg).side_tables.asked(leg.stream, leg.client);
        let waits = || asked().is_some_and(|a| a.waits_for_an_answer(trace.vantage(leg).end));
        let knocks = is_knocking(there);
        c.protocol.is_datagrams() && long && (again || probes || knocks || waits())
    })
}

/// Bytes of a WireGuard handshake initiation (its protocol page, "First Message"): data of such a
/// length there is none, as that is padded to 16 bytes behind 32 of its own.
const INITIATION: u64 = 148;
/// From one initiation to the next that goes unanswered, nanoseconds (section "Timers": 5 s, and
/// up to a third of a second at random).
const INITIATION_AGAIN_NS: std::ops::RangeInclusive<i64> = 4_900_000_000..=5_500_000_000;

/// Whether a flow is nothing but WireGuard's first message, sent again at its pace. Each is
/// encrypted anew, so no two are alike.
fn is_knocking(there: &Flow) -> bool {
    let packets = u64::from(there.packets);
    let gaps = i64::from(there.packets).saturating_sub(1);
    packets > 2
        && there.payload == packets * INITIATION
        && INITIATION_AGAIN_NS.contains(&(there.last.since(there.first) / gaps))
}

/// Whether who was asked says that it could not put the question together (RFC 792, time exceeded,
/// code 1): then nobody there has read it.
fn is_given_up(trace: &Trace, id: ConnectionId) -> bool {
    let asked = trace.connection(id).front.server.0;
    trace.errors_of(id).any(|(_, e)| e.kind == IcmpErrorKind::Reassembly && e.src == asked)
}

/// The last place to which both of two DNS questions came that were asked together, with the
/// frame of the one that got no answer; and the next that has its twin alone, if any does.
#[must_use]
pub fn pair_ended(trace: &Trace, id: ConnectionId) -> Option<(Sighting, Option<Sighting>)> {
    let pair = |s: &Sighting| {
        let here = |leg: &&Leg| leg.vantage == s.at.vantage && leg.tuple == s.tuple;
        let leg = trace.legs(id).iter().find(here)?;
        trace.vantage(leg).side_tables.dns_pair(leg.stream)
    };
    let places = Journey::of(trace, id, true, Milestone::Data).0;
    let (at, pair, lost) = places.iter().enumerate().rev().find_map(|(at, s)| {
        let pair = pair(s)?;
        Some((at, pair, pair.lost()?))
    })?;
    let mut last = places[at];
    last.at.mark = pair.asked[lost];
    Some((last, places.get(at + 1).copied()))
}

/// One of two DNS questions that were asked together had to be asked again, or the only one.
fn asked_again(trace: &Trace, id: ConnectionId) -> Judged {
    for leg in trace.legs(id) {
        let pair = trace.vantage(leg).side_tables.dns_pair(leg.stream);
        let Some((pair, lost)) = pair.and_then(|pair| Some((pair, pair.lost()?))) else { continue };
        let cost_ns = pair.settled[lost].since(pair.asked[lost]);
        let (packet, manner) = (Packet::Datagram, Manner::Late);
        let ended = pair_ended(trace, id);
        let last = ended.map(|(last, _)| last);
        let last = last.or_else(|| Journey::of(trace, id, true, Milestone::Data).last().copied());
        let broken =
            Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None };
        return Judged::Harm(Fate::Suffered, broken);
    }
    match heard_late(trace, id) {
        Some((leg, asked)) => {
            let cost_ns = trace.reply(leg).first.since(asked.first());
            let (packet, manner) = (Packet::Datagram, Manner::Late);
            let last = Journey::of(trace, id, true, Milestone::Data).last().copied();
            let broken =
                Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None };
            Judged::Harm(Fate::Suffered, broken)
        }
        None => Judged::Well,
    }
}

/// The leg of a question that was asked again, the very same, before any answer came, in a protocol in which every
/// question has one; and when it was asked.
#[must_use]
pub fn heard_late(trace: &Trace, id: ConnectionId) -> Option<(&Leg, &Asked)> {
    let c = trace.connection(id);
    if !c.protocol.is_udp() || !ANSWERED.contains(&c.front.server.1) {
        return None;
    }
    trace.legs(id).iter().find_map(|leg| {
        let asked = trace.vantage(leg).side_tables.asked(leg.stream, leg.client)?;
        let (first, again) = (asked.first(), asked.last());
        let answer = trace.reply(leg).first.get()?;
        let waited =
            !asked.is_later() && again.since(first) >= AGAIN_NS && again.frame() < answer.frame();
        waited.then_some((leg, asked))
    })
}

/// Whether what was rejected looks like an answer to a question that no capture shows: it
/// comes from a port of services and goes to one that clients draw. Who asked has closed it.
fn is_late_answer(trace: &Trace, id: ConnectionId) -> bool {
    let front = trace.connection(id).front;
    front.client.1 < EPHEMERAL && front.server.1 >= EPHEMERAL
}

/// Where nothing but first fragments of the answers came, and who asked says that it
/// waited for the others in vain (RFC 792, time exceeded, code 1): a filter by port leaves
/// later fragments out of a capture, and they arrive all the same.
#[must_use]
pub fn torn(trace: &Trace, id: ConnectionId) -> Option<(&Leg, &Pieces)> {
    let client = trace.connection(id).front.client.0;
    let mut errors = trace.errors_of(id);
    errors.find(|(_, e)| e.kind == IcmpErrorKind::Reassembly && e.src == client)?;
    let mut found = None;
    for leg in trace.legs(id) {
        let back = trace.reply(leg);
        let (mut firsts, mut laters) = (0, 0);
        for (_, pieces) in trace.vantage(leg).fragments_of(back) {
            firsts += pieces.firsts;
            laters += pieces.laters;
            found = found.or(Some((leg, pieces)));
        }
        // Any that came whole was an answer.
        if laters > 0 || back.packets > firsts {
            return None;
        }
    }
    found
}

//! How connections open: SYN, SYN-ACK, and how long it took.

use super::journey::{Journey, Milestone, silence};
use super::judged::{Judged, TAIL_NS, at_the_end, ends_within};
use super::{Break, By, Fate, Manner, Pace, Packet, Passage, Sighting};
use crate::correlate::{Leg, Outcome};
use crate::flow::{IcmpErrorKind, Reset};
use crate::topology::{HostId, Mode};
use crate::trace::{ConnectionId, Trace};

/// A wait that a client notices: an initial retransmission time-out less a tenth, since
/// stacks count in ticks, nanoseconds.
pub(super) const WAIT_NS: i64 = 900_000_000;

/// Who waits has asked again by then: twice the initial time-out (RFC 6298, section 2), and one more for
/// a server that counts from its own, nanoseconds.
const GIVEN_UP_NS: i64 = 3_000_000_000;

/// Judges the handshake of a TCP connection.
pub(super) fn judge(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
    let connection = trace.connection(id);
    let p = connection.progress;
    match connection.outcome {
        Outcome::Refused => refused(trace, pace, id),
        Outcome::Unanswered => unanswered(trace, id),
        // Who asks again was not answered, whatever the capture leaves out.
        Outcome::Unknown if p.syn && !p.answered && p.syns > 1 => unanswered(trace, id),
        // What was rejected was not delivered, whoever the capture was taken on.
        Outcome::Unknown if p.syn && !p.answered && rejected(trace, id) => unanswered(trace, id),
        Outcome::Unknown if p.syn => Judged::Untold,
        Outcome::Unknown if is_offered_again(trace, pace, id) => {
            let last = Journey::of(trace, id, false, Milestone::Syn).last().copied();
            let reset = trace.legs(id).iter().any(|leg| trace.forward(leg).rst.is_set());
            let manner = if reset { Manner::Unmatched } else { Manner::UnseenBeyond };
            harm(trace, id, Packet::SynAck, (manner, last))
        }
        Outcome::Unknown if !(p.request || p.response) => match kept_on_the_way(trace, pace, id) {
            Some(last) => harm(trace, id, Packet::SynAck, (Manner::Swallowed, Some(last))),
            None => Judged::Untold,
        },
        Outcome::Incomplete => incomplete(trace, pace, id),
        _ => late(trace, id),
    }
}

fn harm(
    trace: &Trace,
    id: ConnectionId,
    packet: Packet,
    (manner, last): (Manner, Option<Sighting>),
) -> Judged {
    let cost_ns = waited(trace, id);
    let broken = Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None };
    Judged::Harm(Fate::Failed, broken)
}

/// From the first SYN to the last frame of the client, or to the last SYN-ACK that was sent
/// again.
fn waited(trace: &Trace, id: ConnectionId) -> i64 {
    let wait = |leg: &Leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let syn = there.syn.get()?;
        let asked = if back.syns > 1 { back.last.since(syn) } else { 0 };
        Some(there.last.since(syn).max(asked))
    };
    trace.legs(id).iter().filter_map(wait).max().unwrap_or(0).max(0)
}

/// Where the refusal was first seen. Who goes on by the other family of addresses is served there.
fn refused(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
    let journey = Journey::of(trace, id, true, Milestone::Syn);
    let refusal = Journey::of(trace, id, false, Milestone::Rst);
    // The SYN at the host whose capture shows the refusal leave, or the refusal itself where that
    // capture lacks the SYN; else the last that had the SYN.
    let left = refusal.0.iter().find(|s| matches!(s.passage, Passage::Out | Passage::Loopback));
    let there = left.map(|left| {
        let here = |s: &&Sighting| s.at.vantage == left.at.vantage && s.host == left.host;
        let before = |s: &&Sighting| s.at.mark.frame() < left.at.mark.frame();
        journey.0.iter().rev().filter(here).find(before).unwrap_or(left)
    });
    let last = there.or(journey.last()).copied();
    let elsewhere = trace.ordinary(id).is_none().then(|| pace.other_family(trace, id)).flatten();
    match (harm(trace, id, Packet::Syn, (Manner::Refused, last)), elsewhere) {
        (Judged::Harm(_, broken), Some(cost_ns)) => {
            Judged::Harm(Fate::Suffered, Break { cost_ns, ..broken })
        }
        (failed, _) => failed,
    }
}

/// Whether an ICMP error says that a connection's packet was not delivered. A stack that
/// tells itself tells nobody else.
pub(super) fn rejected(trace: &Trace, id: ConnectionId) -> bool {
    let told = |kind: IcmpErrorKind| {
        matches!(kind, IcmpErrorKind::Unreachable { .. } | IcmpErrorKind::TimeExceeded)
    };
    trace.errors_of(id).any(|(_, e)| told(e.kind) && e.src != e.dst)
}

fn unanswered(trace: &Trace, id: ConnectionId) -> Judged {
    let p = trace.connection(id).progress;
    if rejected(trace, id) {
        let (_, last) = silence(trace, id, Packet::Syn);
        return harm(trace, id, Packet::Syn, (Manner::Rejected, last));
    }
    // Where no balancer is known, what goes round is lost on this very link, whoever was to
    // answer.
    let goes_round = trace.topology.routes.looped.binary_search(&id.0).is_ok();
    if goes_round && trace.service(id).mode == Mode::Unknown {
        let first = Journey::of(trace, id, true, Milestone::Syn).first().copied();
        return harm(trace, id, Packet::Syn, (Manner::Looped, first));
    }
    // A stack that waits for an answer has nothing to reset: one came that no capture has.
    let answered = |leg: &Leg| {
        let there = trace.forward(leg);
        there.rst.is_set() && there.syns <= 1
    };
    if p.syns <= 1 && trace.legs(id).iter().any(answered) {
        return Judged::Untold;
    }
    // One SYN and the end: the answer may be after it, or on another way.
    let hidden = trace.answer_vantage(id).is_none() || at_the_end(trace, id);
    if p.syns <= 1 && hidden {
        return Judged::Untold;
    }
    harm(trace, id, Packet::Syn, silence(trace, id, Packet::Syn))
}

fn incomplete(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
    let legs = trace.legs(id);
    let client_reset = legs.iter().map(|leg| trace.forward(leg).reset).max_by_key(|r| *r as u8);
    let repeats = legs.iter().any(|leg| trace.reply(leg).syns > 1);
    let p = trace.connection(id).progress;
    let accepted = legs.iter().any(|leg| trace.reply(leg).accepted());
    if !accepted {
        // Something came back, and no SYN-ACK: an answer to an older connection.
        return if p.syns > 1 || !at_the_end(trace, id) {
            harm(trace, id, Packet::Syn, silence(trace, id, Packet::Syn))
        } else {
            Judged::Untold
        };
    }
    if super::talk::is_turned_back(trace, id, false) {
        let last = Journey::of(trace, id, false, Milestone::Syn).last().copied();
        return harm(trace, id, Packet::SynAck, (Manner::Rejected, last));
    }
    match client_reset {
        // A client that has had enough says so with what it acknowledges; a stack that
        // knows nothing of the connection cannot.
        Some(Reset::Abort) if p.syns <= 1 && !repeats => Judged::Well,
        // Who waits for a connection asks again, whatever came meanwhile; so does a server that waits
        // for its acknowledgment. Of this one nobody does.
        _ if is_given_up(trace, id) || p.syns <= 1 && pace.lost_a_race(trace, id) => Judged::Untold,
        // It arrived at last, when the client had given up: what counts is where the
        // first ones were lost.
        Some(Reset::NoSocket | Reset::Abort) if lost_first(trace, id).is_some() => {
            let (packet, last, next) =
                lost_first(trace, id).unwrap_or((Packet::SynAck, None, None));
            let kept = last.is_some_and(|last| last.host.is_some() && last.host == next);
            let manner = if kept { Manner::Swallowed } else { Manner::LostBetween };
            let cost_ns = waited(trace, id);
            let broken =
                Break { connection: id, packet, manner, last, next, cost_ns, behind: None };
            Judged::Harm(Fate::Failed, broken)
        }
        // Who resets what is offered at once may ask again, or only wanted to know: what it does next is not here.
        Some(Reset::NoSocket) if is_given_up_within(trace, id, 0) => Judged::Untold,
        Some(Reset::NoSocket | Reset::Abort)
            if legs.iter().any(|l| trace.forward(l).rst.is_set()) =>
        {
            let journey = Journey::of(trace, id, false, Milestone::Syn);
            harm(trace, id, Packet::SynAck, (Manner::Unmatched, journey.last().copied()))
        }
        // Neither side has had the time to ask again.
        _ if p.syns <= 1 && !repeats && ends_within(trace, id, GIVEN_UP_NS) => Judged::Untold,
        _ => harm(trace, id, Packet::SynAck, silence(trace, id, Packet::SynAck)),
    }
}

/// Whether a server sends its SYN-ACK again and again where no capture shows a SYN: what its client sends goes
/// another way, and the handshake does not end. A client that resets each did not call that address; where
/// none does, nobody else of the service may be seen to get further by this way.
fn is_offered_again(trace: &Trace, pace: &Pace, id: ConnectionId) -> bool {
    let again = |leg: &Leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let unknown = there.reset == Reset::NoSocket && !there.ack.is_set();
        // Who has sent it three times was not answered before, however soon the capture ends.
        let silent = !there.seen()
            && (back.syns > 2
                || trace.vantage(leg).end.0.saturating_sub(back.last.at().0) >= GIVEN_UP_NS);
        back.accepted() && back.syns > 1 && back.payload == 0 && (unknown || silent)
    };
    let p = trace.connection(id).progress;
    !(p.syn || p.request || p.response)
        && (pace.nobody_talks(trace.service_of(id)) || trace.shows_one_way(id))
        && !pace.scatters(trace, trace.service_of(id))
        && trace.legs(id).iter().any(again)
}

/// Where a SYN-ACK comes again and again to a host that sends others of its service on, and this one not. No SYN of
/// it was seen: that went another way, and a host which filters by state drops what it saw no beginning of.
fn kept_on_the_way(trace: &Trace, pace: &Pace, id: ConnectionId) -> Option<Sighting> {
    let again = |leg: &Leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        !there.seen() && back.accepted() && back.syns > 2 && back.payload == 0 && !back.rst.is_set()
    };
    let service = trace.service_of(id);
    if pace.nobody_talks(service)
        || pace.scatters(trace, service)
        || !trace.legs(id).iter().all(again)
    {
        return None;
    }
    let (Manner::Swallowed, Some(last)) = silence(trace, id, Packet::SynAck) else { return None };
    let host = last.host?;
    let callers = trace.host_by_ip(trace.connection(id).front.client.0) == Some(host);
    (!callers && pace.relays(trace, service, host)).then_some(last)
}

/// Whether a server's SYN-ACK was the end, or a reset that answers it without a word: neither side sent
/// anything again while the captures went on. Clients that have connected elsewhere meanwhile
/// (RFC 8305, section 5) and scans do so; a capture may also lack a frame. A SYN-ACK that comes later
/// than clients wait is none of that.
fn is_given_up(trace: &Trace, id: ConnectionId) -> bool {
    is_given_up_within(trace, id, GIVEN_UP_NS)
}

/// The same, of captures that go on for so many nanoseconds at least.
fn is_given_up_within(trace: &Trace, id: ConnectionId, ns: i64) -> bool {
    let connection = trace.connection(id);
    let once = |leg: &Leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let ended = leg.of(&trace.vantages).last();
        let late = back.accepted() && back.syn.since(there.syn) >= WAIT_NS;
        there.syns <= 1
            && back.syns <= 1
            && !(late && there.opened())
            && trace.vantage(leg).end.0.saturating_sub(ended.at().0) >= ns
    };
    connection.tuples == 1
        && connection.front.client.0 != connection.front.server.0
        && trace.legs(id).iter().all(once)
}

/// How long a client waited from its first SYN until it went on, as the vantage shows that is
/// nearest to it: further on a SYN may be missing, or an ACK that had left in time. Before a translator and
/// behind it the same vantage shows one packet: what a capture lacks of one it may have of the other.
fn connect_wait(trace: &Trace, id: ConnectionId) -> Option<(i64, &Leg)> {
    let legs = trace.legs(id);
    let wait = |leg: &Leg| {
        let syn = trace.forward(leg).syn.get()?;
        let here = legs.iter().filter(|other| other.vantage == leg.vantage);
        let answered = |other: &Leg| match trace.vantage(other).shows.acks {
            true => trace.forward(other).ack.get(),
            false => trace.reply(other).syn.get(),
        };
        let acks = here.filter_map(answered);
        acks.map(|ack| ack.since(syn)).filter(|ns| *ns >= 0).min()
    };
    let waits = legs.iter().filter_map(|leg| Some((wait(leg)?, leg)));
    // Of one SYN any vantage tells it, unless its capture lacks the first ACK.
    let once = legs.iter().all(|leg| trace.forward(leg).syns <= 1);
    waits.min_by_key(|(ns, leg)| {
        let near = (leg.tuple, std::cmp::Reverse(trace.forward(leg).syns));
        ((!once).then_some(near), *ns, near, leg.vantage)
    })
}

/// From a client's first SYN until it went on, nanoseconds.
#[must_use]
pub fn wait_ns(trace: &Trace, id: ConnectionId) -> Option<i64> {
    connect_wait(trace, id).map(|(ns, _)| ns)
}

/// Connected, but only after repeats.
fn late(trace: &Trace, id: ConnectionId) -> Judged {
    let p = trace.connection(id).progress;
    if !p.syn || !p.established {
        return Judged::Well;
    }
    let legs = trace.legs(id);
    // Where acknowledgments were left out, a server that asks again for one may wait for the client's first words.
    let again = |leg: &Leg| trace.reply(leg).syns > 1 && trace.vantage(leg).shows.acks;
    if p.syns <= 1 && !legs.iter().any(again) {
        return Judged::Well;
    }
    let Some((cost_ns, leg)) = connect_wait(trace, id).filter(|(ns, _)| *ns >= WAIT_NS) else {
        return Judged::Well;
    };
    // The server accepted at once and asked again for an acknowledgment: its SYN-ACK, or
    // the answer to it, was late; else the SYN was.
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    let prompt = back.accepted() && back.syn.since(there.syn) < TAIL_NS / 2;
    let packet = if prompt { Packet::SynAck } else { Packet::Syn };
    let (packet, last, next) = lost_first(trace, id).unwrap_or_else(|| {
        let journey = Journey::of(trace, id, packet.is_forward(), Milestone::Syn);
        (packet, journey.last().copied(), None)
    });
    let broken =
        Break { connection: id, packet, manner: Manner::Late, last, next, cost_ns, behind: None };
    Judged::Harm(Fate::Suffered, broken)
}

/// Where the first transmissions of a SYN, else of a SYN-ACK, went missing: a place that
/// had more of them than the next one.
fn lost_first(
    trace: &Trace,
    id: ConnectionId,
) -> Option<(Packet, Option<super::Sighting>, Option<HostId>)> {
    [Packet::Syn, Packet::SynAck].into_iter().find_map(|packet| {
        let journey = Journey::of(trace, id, packet.is_forward(), Milestone::Syn);
        let (here, next) = journey.thinned()?;
        Some((packet, Some(*here), next.host))
    })
}

/// Whether the server accepted a connection and reset it at once: it said nothing, and the
/// client had not closed.
fn is_dropped(trace: &Trace, id: ConnectionId) -> bool {
    trace.legs(id).iter().any(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let silent = back.payload == 0 && !back.fin.is_set();
        let closed = there.fin.is_set() || there.rst.is_set();
        back.accepted() && back.rst.is_set() && silent && !closed
    })
}

/// Whether the first SYN was accepted and the client then reset the connection.
fn is_half_open(trace: &Trace, id: ConnectionId) -> bool {
    let once = trace.connection(id).progress.syns <= 1;
    once && trace.legs(id).iter().any(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        back.accepted() && back.syns <= 1 && there.rst.is_set()
    })
}

/// Whether a health check was answered, and not well. That the question is at fault says
/// something of the check only where all of them are told so.
fn was_told_no(trace: &Trace, pace: &Pace, id: ConnectionId) -> bool {
    let front = trace.connection(id).front;
    let once = || pace.is_blamed_once(front.client.0, front.server);
    trace.first_error(id).is_some_and(|(.., status)| status >= 500 || !once())
}

/// A check that was left unanswered for so long that who made it gave up, whether or not an answer came then.
fn given_up(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
    if let Some(late) = super::talk::too_late(trace, id) {
        return late;
    }
    let p = trace.connection(id).progress;
    let unanswered = p.request && !p.response;
    match unanswered.then(|| super::talk::request_unanswered(trace, pace, id)) {
        Some(failed @ Judged::Harm(..)) => failed,
        _ => Judged::Well,
    }
}

/// Judges a health check by its opening, and by what became of what it asked.
pub(super) fn check(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
    let judged = match trace.connection(id).outcome {
        // The answer that was asked for came, and it was not a good one.
        _ if was_told_no(trace, pace, id) => {
            let last = Journey::of(trace, id, false, Milestone::Data).first().copied();
            harm(trace, id, Packet::HealthCheck, (Manner::Error, last))
        }
        // Some open a connection half only: they reset what was accepted at once.
        Outcome::Incomplete if is_half_open(trace, id) => Judged::Well,
        Outcome::Stalled => super::talk::judge(trace, pace, id),
        Outcome::Refused | Outcome::Unanswered | Outcome::Incomplete => judge(trace, pace, id),
        // Who is asked in a protocol that it does not speak closes.
        Outcome::Completed if super::talk::is_left_unanswered(trace, id) => {
            let last = Journey::of(trace, id, true, Milestone::Data).last().copied();
            harm(trace, id, Packet::HealthCheck, (Manner::Closed, last))
        }
        Outcome::Completed if !super::talk::is_turned_down(trace, id) && !is_dropped(trace, id) => {
            given_up(trace, pace, id)
        }
        Outcome::Reset | Outcome::Completed => {
            let by = super::talk::reset_by(trace, id);
            if matches!(by, By::Server | By::ServersName | By::Between) {
                let last = Journey::of(trace, id, true, Milestone::Syn).last().copied();
                harm(trace, id, Packet::HealthCheck, (Manner::Cut(by), last))
            } else {
                Judged::Well
            }
        }
        _ => Judged::Well,
    };
    match judged {
        Judged::Harm(fate, broken) => {
            Judged::Harm(fate, Break { packet: Packet::HealthCheck, ..broken })
        }
        other => other,
    }
}

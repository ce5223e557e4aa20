//! What was said once a connection stood: requests, answers, resets, and waits.

use super::journey::{Journey, Milestone, silence};
use super::judged::{Judged, TAIL_NS, at_the_end};
use super::pace::GREETED;
use super::{Break, By, Fate, Manner, Pace, Packet, Passage, Sighting, faults};
use crate::correlate::{Leg, Outcome, is_farewell};
use crate::flow::{Flow, IcmpErrorKind};
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, seq_lt};

/// A client that waited this long for an answer and left without one did not get what it
/// wanted; one that left sooner may not have wanted it, nanoseconds. Judgement.
const PATIENCE_NS: i64 = 1_000_000_000;
/// A server that closes so soon after a client's first words, and says nothing, turned them down,
/// nanoseconds. Judgement: who reads on until the client is done does not close first.
const AT_ONCE_NS: i64 = 1_000_000_000;
/// A client that ends its own direction so soon after its request has not given up, nanoseconds. Judgement: a
/// program that does so does it in the next call, a person takes longer.
const HALF_CLOSE_NS: i64 = 20_000_000;
/// Requests without any answer that show that there is none.
const SEVERAL: u32 = 3;
/// Sequence numbers that a side takes which sends no byte.
const SYN_AND_FIN: u32 = 2;
/// A greeting that takes longer keeps everybody waiting, nanoseconds: mail servers that
/// greet late on purpose wait five or six seconds (sendmail greet_pause, Postfix
/// postscreen_greet_wait), others do not. A proxy that first waits for what a client says
/// holds them for as long (Envoy's listener_filters_timeout; Istio sets five seconds).
const LATE_GREETING_NS: i64 = 4_000_000_000;
const LATE_MAIL_GREETING_NS: i64 = 8_000_000_000;

/// Longer than this a greeting keeps everybody waiting, by the service's port.
fn late_greeting(port: u16) -> i64 {
    if matches!(port, 25 | 587) { LATE_MAIL_GREETING_NS } else { LATE_GREETING_NS }
}

/// Judges what was said on a TCP connection that stands.
pub(super) fn judge(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
    let connection = trace.connection(id);
    if let Some(left) = super::probed::judge(trace, id).or_else(|| super::hung::judge(trace, id)) {
        return left;
    }
    match connection.outcome {
        Outcome::Reset
            if pace.is_error(id)
                && (super::said::tls_refused(trace, id).is_some()
                    || super::unwelcome(trace, id).is_some()
                    || faults::is_of_protocol(trace, id)) =>
        {
            faults::judge(trace, id)
        }
        Outcome::Reset => cut(trace, id),
        Outcome::Stalled => stalled(trace, id),
        Outcome::Completed if is_turned_down(trace, id) || pace.is_cut_at_once(id) => {
            cut(trace, id)
        }
        Outcome::Completed | Outcome::Open => {
            let p = connection.progress;
            let unheard = super::unacknowledged::judge(trace, id);
            if unheard != Judged::Well {
                return unheard;
            }
            if let Some(late) = answered_too_late(trace, id) {
                return late;
            }
            let judged = if p.request && !p.response {
                request(trace, pace, id)
            } else if !p.request && !p.response && p.syn {
                greeting(trace, pace, id)
            } else {
                Judged::Well
            };
            if judged != Judged::Well {
                judged
            } else if let Some((leg, said)) = super::said::cut_short(trace, id) {
                let mut last = Journey::of(trace, id, false, Milestone::Data).first().copied();
                if let Some(last) = last.as_mut().filter(|last| last.at.vantage == leg.vantage) {
                    last.at.mark = said.mark;
                }
                harm(id, Fate::Failed, Packet::Response, (Manner::Closed, last), 0)
            } else if pace.is_error(id) {
                faults::judge(trace, id)
            } else {
                let turned_away = super::turned_away::judge(trace, pace, id);
                turned_away.unwrap_or_else(|| slow(trace, pace, id))
            }
        }
        _ => Judged::Well,
    }
}

fn harm(
    id: ConnectionId,
    fate: Fate,
    packet: Packet,
    (manner, last): (Manner, Option<Sighting>),
    cost_ns: i64,
) -> Judged {
    let broken = Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None };
    Judged::Harm(fate, broken)
}

/// A connection of which the SYN-ACK alone was translated: what its server said next met a client that
/// never called such an address.
pub(super) fn half(trace: &Trace, id: ConnectionId) -> Option<Judged> {
    let rest = ConnectionId(*trace.topology.halves.get(&id.0)?);
    let last = Journey::of(trace, rest, false, Milestone::Ack).last().copied();
    Some(harm(id, Fate::Failed, Packet::Response, (Manner::Unmatched, last), 0))
}

/// Who reset a connection, as far as captures show it leave.
#[must_use]
pub fn reset_by(trace: &Trace, id: ConnectionId) -> By {
    let first = |forward: bool| {
        let journey = Journey::of(trace, id, forward, Milestone::Rst);
        let at = journey.first().map(|s| trace.time(s.at));
        (journey, at)
    };
    let (client, server) = (first(true), first(false));
    let by_server = match (client.1, server.1) {
        (Some(c), Some(s)) => s < c,
        (c, _) => c.is_none(),
    };
    let journey = if by_server { server.0 } else { client.0 };
    // What came to a host before it left there was made elsewhere.
    let came = |host| journey.0.iter().any(|s| s.host == host && s.passage == Passage::In);
    let left = journey.0.iter().any(|s| match s.passage {
        Passage::Out => s.host.is_none() || !came(s.host),
        other => other == Passage::Loopback,
    });
    if left && journey.first().is_some_and(|s| s.passage != Passage::In) {
        return if by_server { By::Server } else { By::Client };
    }
    if sender_was_captured(trace, id, !by_server) {
        By::Between
    } else if by_server {
        By::ServersName
    } else {
        By::ClientsName
    }
}

/// Whether a capture shows one side send its other packets, and so would show its reset.
fn sender_was_captured(trace: &Trace, id: ConnectionId, client: bool) -> bool {
    trace.legs(id).iter().any(|leg| {
        let flow = if client { trace.forward(leg) } else { trace.reply(leg) };
        let own = &trace.vantage(leg).own;
        let sent = |hop| own.sent(hop) == Some(true);
        let origin = |hop: &crate::flow::Hop| crate::topology::is_origin(hop);
        trace.path(leg, flow).any(|(_, hop)| sent(hop) && origin(hop))
    })
}

/// Whether a server that speaks first answered the client's first words with nothing but
/// a reset.
pub(super) fn is_turned_down(trace: &Trace, id: ConnectionId) -> bool {
    let p = trace.connection(id).progress;
    if !(p.syn && p.request && p.response) {
        return false;
    }
    trace.legs(id).iter().any(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let ended = there.fin.is_set() || there.rst.is_set() || back.fin.is_set();
        let greeted = back.data.is_set() && back.data.frame() < there.data.frame();
        back.rst.is_set()
            && !ended
            && greeted
            // These words were the last before the reset, and took in all that the server
            // has said: nothing came after them.
            && there.data.is_set()
            && back.rst_answers.since(there.data) < crate::flow::COPY_WINDOW_NS
            && there.max_ack == back.end_seq
    })
}

fn cut(trace: &Trace, id: ConnectionId) -> Judged {
    let by = reset_by(trace, id);
    let p = trace.connection(id).progress;
    let asked = p.request && (!p.response || is_turned_down(trace, id));
    let packet = if asked { Packet::Request } else { Packet::Response };
    let forward = matches!(by, By::Client | By::ClientsName);
    let mut journey = Journey::of(trace, id, forward, Milestone::Rst);
    if journey.first().is_none() {
        journey = Journey::of(trace, id, !forward, Milestone::Rst);
    }
    harm(id, Fate::Failed, packet, (Manner::Cut(by), journey.first().copied()), 0)
}

/// Whether a side's last bytes were never acknowledged, where the other side was seen.
fn in_vain(sender: &Flow, receiver: &Flow) -> bool {
    sender.retransmissions > 0 && receiver.seen() && seq_lt(receiver.max_ack, sender.end_seq)
}

fn stalled(trace: &Trace, id: ConnectionId) -> Judged {
    let legs = trace.legs(id);
    let client = legs.iter().any(|leg| in_vain(trace.forward(leg), trace.reply(leg)));
    let packet = if client { Packet::Request } else { Packet::Response };
    let repeats = Journey::of(trace, id, client, Milestone::Repeat);
    let last = repeats.last().copied();
    let cost_ns = last.map_or(0, |s| {
        let end = trace.end(id).map(|at| trace.time(at).0);
        end.unwrap_or(0).saturating_sub(trace.time(s.at).0)
    });
    let Some(last) = last else {
        return harm(id, Fate::Failed, packet, (Manner::UnseenBeyond, None), cost_ns);
    };
    // The other packets of this very connection show where it should have come next.
    let others = Journey::of(trace, id, client, Milestone::Data);
    let at = others.0.iter().position(|s| s.place() == last.place());
    let next = at.and_then(|at| others.0.get(at + 1));
    // What came in and should have left the same host was lost on it.
    let kept = last.passage == Passage::In && next.is_some_and(|next| next.host == last.host);
    let manner = match (next, last.passage) {
        (Some(_), _) if last.host.is_some() && kept => Manner::Swallowed,
        (Some(_), _) => Manner::LostBetween,
        (None, Passage::In | Passage::Loopback) => Manner::Swallowed,
        _ => Manner::UnseenBeyond,
    };
    let manner = match trace.topology.resets.contains_key(&id.0) {
        // Its answer came in another's name, and nobody heeds it.
        true if client => Manner::Astray,
        _ if is_turned_back(trace, id, client) => Manner::Rejected,
        _ => manner,
    };
    let broken = Break {
        connection: id,
        packet,
        manner,
        last: Some(last),
        next: next.and_then(|s| s.host),
        cost_ns,
        behind: None,
    };
    Judged::Harm(Fate::Failed, broken)
}

/// Whether an ICMP error says that a packet of a side went no further.
pub(super) fn is_turned_back(trace: &Trace, id: ConnectionId, client: bool) -> bool {
    let told = |kind: IcmpErrorKind| {
        use IcmpErrorKind::{TimeExceeded, TooBig, Unreachable};
        matches!(kind, Unreachable { .. } | TimeExceeded | TooBig { .. })
    };
    let is_sender = |leg: &Leg, ip: Ip| {
        let side = if client { leg.client } else { leg.client.other() };
        leg.of(&trace.vantages).key.ip(side) == ip
    };
    trace.errors_of(id).any(|(_, e)| {
        let own = trace.legs(id).iter().any(|leg| is_sender(leg, e.quote.src));
        told(e.kind) && e.src != e.dst && own
    })
}

/// The leg that shows a request and would show its answer, with how long the client
/// waited there.
fn asked(trace: &Trace, id: ConnectionId) -> Option<(&Leg, i64)> {
    let shows = |leg: &&Leg| trace.forward(leg).data.is_set() && trace.reply(leg).seen();
    let leg = trace.legs(id).iter().find(shows)?;
    let there = trace.forward(leg);
    let last = leg.of(&trace.vantages).last();
    Some((leg, last.since(there.data)))
}

/// A request that nothing answered.
pub(super) fn request(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
    let Some((leg, waited)) = asked(trace, id) else { return Judged::Well };
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    let left = there.fin.is_set() || there.rst.is_set();
    let closed = back.fin.is_set() && (!left || before(back.fin, there));
    if faults::has_no_answer(trace, id) {
        return Judged::Well;
    }
    if may_be_missed(there, back) {
        return Judged::Untold;
    }
    let at_once = closed && (0..AT_ONCE_NS).contains(&back.fin.since(there.data));
    // Where nobody gets an answer, the protocol may have none, unless it is read; but who only takes
    // does not close upon the first words.
    if !pace.answers(trace.service_of(id)) && !at_once && !is_due_an_answer(trace, id) {
        return Judged::Well;
    }
    if closed {
        let last = Journey::of(trace, id, true, Milestone::Data).last().copied();
        return harm(id, Fate::Failed, Packet::Request, (Manner::Closed, last), waited);
    }
    // One client may not have wanted its answer; that none of several did is less likely than that there
    // is none.
    let nobody = left
        && !back.data.is_set()
        && is_due_an_answer(trace, id)
        && pace.answers_none(trace.service_of(id), SEVERAL);
    if nobody || waited >= PATIENCE_NS && (left || waited >= pace.patience(trace.service_of(id))) {
        let broken = silence(trace, id, Packet::Request);
        return harm(id, Fate::Failed, Packet::Request, broken, waited);
    }
    // Nobody gives up as soon as he has asked: who ends his own direction with the request waits for an answer, or
    // wanted none.
    let half = there.fin.is_set() && !there.rst.is_set() && back.fin.is_set();
    let at_once = there.fin.since(there.data) < HALF_CLOSE_NS;
    if left && !(half && at_once) { Judged::Well } else { Judged::Untold }
}

/// Whether an answer may be among what a capture lacks: it lacks the SYN-ACK to a SYN that it has, or bytes before
/// the server's FIN, after which it shows no word of the client.
fn may_be_missed(there: &Flow, back: &Flow) -> bool {
    if !back.accepted() {
        return there.opened();
    }
    let wrote = back.end_seq.wrapping_sub(back.isn) > SYN_AND_FIN;
    wrote && back.fin.is_set() && there.last.frame() < back.fin.frame()
}

/// Whether a server closed upon a request that is due an answer, and said nothing.
pub(super) fn is_left_unanswered(trace: &Trace, id: ConnectionId) -> bool {
    let p = trace.connection(id).progress;
    if !p.request || p.response || !is_due_an_answer(trace, id) {
        return false;
    }
    asked(trace, id).is_some_and(|(leg, _)| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        // Bytes that a capture lacks are in the numbers of what it has.
        let wrote = !back.accepted() || back.end_seq.wrapping_sub(back.isn) > SYN_AND_FIN;
        back.fin.is_set() && before(back.fin, there) && !wrote
    })
}

/// Whether a client began in a protocol in which each request has an answer: HTTP/1 (RFC 9112), TLS (RFC
/// 8446, section 2).
fn is_due_an_answer(trace: &Trace, id: ConnectionId) -> bool {
    let mut first = trace.legs(id).iter().filter_map(|leg| {
        let begins = trace.forward(leg).opened();
        trace.vantage(leg).side_tables.first_request(leg.stream).filter(|_| begins)
    });
    first.any(|request| !request.method.is_empty() || request.tls.is_some())
}

/// Whether the server closed before the client did.
pub(super) fn before(fin: crate::flow::Mark, there: &Flow) -> bool {
    let ends = [there.fin, there.rst].into_iter().filter_map(crate::flow::Mark::get);
    ends.map(|mark| mark.frame()).min().is_none_or(|frame| fin.frame() < frame)
}

/// A server that speaks first, and did not.
fn greeting(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
    let port = trace.connection(id).front.server.1;
    let service = trace.service_of(id);
    if !pace.speaks_first(service, port) || at_the_end(trace, id) {
        return Judged::Well;
    }
    let shows = |leg: &&Leg| trace.forward(leg).ack.is_set() && trace.reply(leg).accepted();
    let Some(leg) = trace.legs(id).iter().find(shows) else { return Judged::Well };
    let there = trace.forward(leg);
    let mut waited = leg.of(&trace.vantages).last().since(there.ack);
    // Who says nothing waits on, and the capture with it.
    let left = there.fin.is_set() || there.rst.is_set();
    let silent = trace.vantage(leg).end.0.saturating_sub(there.ack.at().0);
    let patience =
        pace.greeting_patience(service).unwrap_or(LATE_MAIL_GREETING_NS).max(PATIENCE_NS);
    if !left && silent >= patience {
        waited = silent;
    }
    if waited < PATIENCE_NS {
        return Judged::Well;
    }
    let last = Journey::of(trace, id, true, Milestone::Ack).last().copied();
    let manner = match last.map(|s| s.passage) {
        Some(Passage::In | Passage::Loopback) => Manner::Swallowed,
        _ => Manner::UnseenBeyond,
    };
    harm(id, Fate::Failed, Packet::Greeting, (manner, last), waited)
}

/// Answers that came far later than others' do, and bytes that waited for timers.
fn slow(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
    let p = trace.connection(id).progress;
    if let Some(judged) = greeted_late(trace, id) {
        return judged;
    }
    if p.repeats
        && let Some((client, cost_ns)) = waited_for_timers(trace, pace, id)
    {
        let packet = if client { Packet::Request } else { Packet::Response };
        let journey = Journey::of(trace, id, client, Milestone::Repeat);
        let last = journey.last().copied();
        return harm(id, Fate::Suffered, packet, (Manner::Late, last), cost_ns);
    }
    match pace.slow(id) {
        Some(cost_ns) => {
            let last = Journey::of(trace, id, false, Milestone::Data).first().copied();
            harm(id, Fate::Suffered, Packet::Response, (Manner::Late, last), cost_ns)
        }
        None => Judged::Well,
    }
}

/// A server that speaks first, and took its time.
fn greeted_late(trace: &Trace, id: ConnectionId) -> Option<Judged> {
    let c = trace.connection(id);
    if !GREETED.contains(&c.front.server.1) || !c.progress.syn || !c.progress.response {
        return None;
    }
    let cost_ns =
        super::pace::greeting(trace, id).filter(|ns| *ns >= late_greeting(c.front.server.1))?;
    let last = Journey::of(trace, id, false, Milestone::Data).first().copied();
    Some(harm(id, Fate::Suffered, Packet::Greeting, (Manner::Late, last), cost_ns))
}

/// An answer that came when its client had waited, closed and gone: its kernel reset it, and took
/// nothing. Who closes its own direction alone takes what comes.
pub(super) fn answered_too_late(trace: &Trace, id: ConnectionId) -> Option<Judged> {
    let cost_ns = trace.legs(id).iter().find_map(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let (asked, left, rst) = (there.data.get()?, there.fin.get()?, there.rst.get()?);
        let answer = back.data.get()?;
        let gone = left.since(asked) >= PATIENCE_NS
            && left.frame() < answer.frame()
            && answer.frame() < rst.frame()
            && there.max_ack == back.isn.wrapping_add(1);
        (back.accepted() && gone).then(|| answer.since(asked))
    })?;
    let last = Journey::of(trace, id, false, Milestone::Data).first().copied();
    Some(harm(id, Fate::Failed, Packet::Response, (Manner::Late, last), cost_ns))
}

/// Whether nothing but a FIN was sent again, and in vain: no byte waited.
fn only_farewell(trace: &Trace, leg: &Leg, flow: &Flow, other: &Flow) -> bool {
    let last = flow.end_seq.wrapping_sub(1);
    let again = trace.vantage(leg).repeats_of(flow);
    is_farewell(flow, other) && !again.is_empty() && again.iter().all(|r| r.from == last)
}

/// How long the same bytes were sent again and again, if that took longer than a client
/// notices: whether by the client, nanoseconds.
fn waited_for_timers(trace: &Trace, pace: &Pace, id: ConnectionId) -> Option<(bool, i64)> {
    let mut most: Option<(bool, i64)> = None;
    for leg in trace.legs(id) {
        for client in [true, false] {
            let flow = if client { trace.forward(leg) } else { trace.reply(leg) };
            let other = if client { trace.reply(leg) } else { trace.forward(leg) };
            if flow.retransmissions < 2 || only_farewell(trace, leg, flow, other) {
                continue;
            }
            let ns = pace.repeated_for(leg.vantage, trace.vantage(leg), flow);
            if ns >= TAIL_NS && most.is_none_or(|(_, known)| ns > known) {
                most = Some((client, ns));
            }
        }
    }
    most
}

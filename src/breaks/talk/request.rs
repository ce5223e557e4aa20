//! Requests that nothing answered: whether an answer was due, and whether the capture would show it.

use super::{PATIENCE_NS, harm};
use crate::breaks::journey::{Journey, Milestone, silence};
use crate::breaks::judged::Judged;
use crate::breaks::{Fate, Manner, Pace, Packet, faults};
use crate::capture::Timestamp;
use crate::correlate::Leg;
use crate::flow::{Flow, Mark};
use crate::trace::{ConnectionId, Trace};

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

/// Whether a client ends its own direction in the call after its first word.
pub(in crate::breaks) fn half_closes(there: &Flow) -> bool {
    there.fin.is_set() && there.fin.since(there.data) < HALF_CLOSE_NS
}

/// A request that nothing answered.
pub(in crate::breaks) fn judge(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
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
        let end = trace.vantage(leg).end;
        return if is_left_open(there, back, end) { Judged::Untold } else { Judged::Well };
    }
    if closed {
        let last = Journey::of(trace, id, true, Milestone::Data).last().copied();
        return harm(id, Fate::Failed, Packet::Request, (Manner::Closed, last), waited);
    }
    // Nobody gives up as soon as he has asked: who ends his own direction with the request waits for an answer, or
    // wanted none.
    let half = !there.rst.is_set() && half_closes(there);
    let ran = trace.vantage(leg).end.0.saturating_sub(there.data.at().0);
    let waits = half && !back.fin.is_set() && ran < PATIENCE_NS;
    // One client may not have wanted its answer; that none of several did is less likely than that there
    // is none, unless the capture ends while they wait for it.
    let nobody = left
        && !waits
        && !back.data.is_set()
        && is_due_an_answer(trace, id)
        && pace.answers_none(trace.service_of(id), SEVERAL);
    if nobody || waited >= PATIENCE_NS && (left || waited >= pace.patience(trace.service_of(id))) {
        let broken = silence(trace, id, Packet::Request);
        return harm(id, Fate::Failed, Packet::Request, broken, waited);
    }
    if left && !half { Judged::Well } else { Judged::Untold }
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
pub(in crate::breaks) fn is_left_unanswered(trace: &Trace, id: ConnectionId) -> bool {
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
/// 8446, section 2), and those of [`crate::wire::answered`].
fn is_due_an_answer(trace: &Trace, id: ConnectionId) -> bool {
    let mut first = trace.legs(id).iter().filter_map(|leg| {
        let begins = trace.forward(leg).opened();
        trace.vantage(leg).side_tables.first_request(leg.stream).filter(|_| begins)
    });
    first.any(|request| !request.method.is_empty() || request.tls.is_some())
        || faults::is_due_an_answer(trace, id)
        || ANSWERED.contains(&trace.connection(id).front.server.1)
            && trace.unprinted().bytes
            && trace.legs(id).iter().any(|leg| trace.forward(leg).opened())
}

/// Ports of protocols in which the client speaks first and is answered (IANA: ldap, https, ms-sql-s, mqtt, postgresql,
/// amqp, redis; Kafka's and MongoDB's usual ones), where a text does not print what it says.
const ANSWERED: [u16; 9] = [389, 443, 1433, 1883, 5432, 5672, 6379, 9092, 27017];

/// Whether the server closed before the client did.
pub(in crate::breaks) fn before(fin: Mark, there: &Flow) -> bool {
    let ends = [there.fin, there.rst].into_iter().filter_map(Mark::get);
    ends.map(|mark| mark.frame()).min().is_none_or(|frame| fin.frame() < frame)
}

/// Whether a server says nothing and does not close when its client has: who takes what he is told and says nothing
/// closes then, and a program that hangs does neither.
fn is_left_open(there: &Flow, back: &Flow, end: Timestamp) -> bool {
    let closed = back.fin.is_set() || back.rst.is_set() || there.rst.is_set();
    back.accepted()
        && back.payload == 0
        && !closed
        && there.fin.get().is_some_and(|at| end.0 - at.at().0 >= PATIENCE_NS)
}

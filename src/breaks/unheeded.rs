//! Handshakes that the server does not take for finished: the client's ACK was captured,
//! and the SYN-ACK comes again and again, as the server's kernel sends it that has no such
//! ACK, or puts off what it got (a full accept queue, TCP_DEFER_ACCEPT).

use super::journey::{Journey, Milestone};
use super::judged::Judged;
use super::{Break, Fate, Manner, Pace, Packet, Passage};
use crate::correlate::{Leg, Outcome};
use crate::trace::{ConnectionId, Trace};

/// SYN-ACKs on one link: the first, and two that ask for an ACK that was sent. One may have
/// crossed it, or stand for one lost frame.
const ASKED: u16 = 3;
/// From the ACK to the last SYN-ACK at least, nanoseconds: two retransmission time-outs of
/// one second and two (RFC 6298, sections 2.1 and 5.5), less what the ACK took.
const LONG_NS: i64 = 2_000_000_000;

/// Whether a leg shows the server send its SYN-ACK again after the client's ACK.
#[must_use]
pub fn asks_again(trace: &Trace, leg: &Leg) -> bool {
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    back.accepted()
        && back.syns > 1
        && back.isns == 1
        && there.ack.is_set()
        && back.last.frame() > there.ack.frame()
}

/// Whether such a server has taken nothing of what its client sent meanwhile, and said nothing.
#[must_use]
pub fn takes_nothing(trace: &Trace, leg: &Leg) -> bool {
    let back = trace.reply(leg);
    asks_again(trace, leg) && back.payload == 0 && back.max_ack == back.syn_ack_of
}

/// Judges a connection that stands for its client and for which nothing was said that the
/// server heard.
pub(super) fn judge(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
    let c = trace.connection(id);
    let p = c.progress;
    if !matches!(c.outcome, Outcome::Open | Outcome::Completed) || p.response || p.syns > 1 {
        return Judged::Well;
    }
    // Of a server that speaks first its greeting is missed.
    if pace.speaks_first(trace, trace.service_of(id), c.front.server.1) {
        return Judged::Well;
    }
    let waited = |leg: &Leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let silent = back.data.get().is_none() && !back.fin.is_set() && !back.rst.is_set();
        let long = back.last.since(there.ack);
        (asks_again(trace, leg) && silent && back.syns >= ASKED && long >= LONG_NS).then_some(long)
    };
    let Some(cost_ns) = trace.legs(id).iter().filter_map(waited).max() else {
        return Judged::Well;
    };
    // A listener that waits for the first words (TCP_DEFER_ACCEPT) lets a client wait that has
    // none yet. Where others of them are served, that is how it looks.
    if !p.request && pace.answers(trace.service_of(id)) {
        return Judged::Untold;
    }
    let last = Journey::of(trace, id, true, Milestone::Ack).last().copied();
    let manner = match last.map(|s| s.passage) {
        Some(Passage::In | Passage::Loopback) => Manner::Swallowed,
        _ => Manner::UnseenBeyond,
    };
    let packet = Packet::Ack;
    Judged::Harm(
        Fate::Failed,
        Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None },
    )
}

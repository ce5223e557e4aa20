//! Servers that speak first: a greeting that never came, or late.

use super::{PATIENCE_NS, harm, request};
use crate::breaks::first_words;
use crate::breaks::journey::{Journey, Milestone};
use crate::breaks::judged::{Judged, at_the_end};
use crate::breaks::pace::GREETED;
use crate::breaks::{Fate, Manner, Pace, Packet, Passage};
use crate::correlate::Leg;
use crate::trace::{ConnectionId, Trace};

/// A greeting that takes longer keeps everybody waiting, nanoseconds: mail servers that
/// greet late on purpose wait five or six seconds (sendmail greet_pause, Postfix
/// postscreen_greet_wait), others do not. A proxy that first waits for what a client says
/// holds them for as long (Envoy's listener_filters_timeout; Istio sets five seconds).
const LATE_GREETING_NS: i64 = 4_000_000_000;
const LATE_MAIL_GREETING_NS: i64 = 8_000_000_000;

/// Longer than this a greeting keeps everybody waiting, by the service's port.
fn patience(port: u16) -> i64 {
    if matches!(port, 25 | 587) { LATE_MAIL_GREETING_NS } else { LATE_GREETING_NS }
}

/// A server that speaks first, and did not.
pub(super) fn absent(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
    let port = trace.connection(id).front.server.1;
    let service = trace.service_of(id);
    if let Some(closed) = closed(trace, pace, id) {
        return closed;
    }
    if !pace.speaks_first(trace, service, port) || at_the_end(trace, id) {
        return Judged::Well;
    }
    let shows = |leg: &&Leg| trace.forward(leg).ack.is_set() && trace.reply(leg).accepted();
    let Some(leg) = trace.legs(id).iter().find(shows) else { return Judged::Well };
    let there = trace.forward(leg);
    let mut waited = leg.of(&trace.vantages).last().since(there.ack);
    // Who says nothing waits on, and the capture with it.
    let left = there.fin.is_set() || there.rst.is_set();
    let silent = trace.vantage(leg).end.0.saturating_sub(there.ack.at().0);
    let waits = pace.greeting_patience(service).unwrap_or(LATE_MAIL_GREETING_NS).max(PATIENCE_NS);
    if !left && silent >= waits {
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

/// So soon after the handshake a server closes that lets nobody in, nanoseconds. Judgement: who waits for a client that
/// says nothing waits longer.
const AT_ONCE_NS: i64 = 1_000_000_000;

/// A server that speaks first, and closes in order before it or its client has said a word.
pub(super) fn closed(trace: &Trace, pace: &Pace, id: ConnectionId) -> Option<Judged> {
    let c = trace.connection(id);
    // A server that only sends what it has, as one of files does, closes without a word where that is nothing.
    if c.progress.response || !pace.lets_in_who_waits(trace.service_of(id), c.front.server.1) {
        return None;
    }
    let cost_ns = trace.legs(id).iter().find_map(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let (stands, closed) = (there.ack.get()?, back.fin.get()?);
        // Words that the capture lacks are in its numbers: SYN and FIN take one each.
        let silent = back.accepted() && back.end_seq.wrapping_sub(back.isn) == 2;
        let unasked = there.data.get().is_none_or(|asked| closed.frame() < asked.frame());
        let first = request::before(closed, there);
        let waited = closed.since(stands);
        (silent && unasked && first && (0..AT_ONCE_NS).contains(&waited)).then_some(waited)
    })?;
    let last = Journey::of(trace, id, true, Milestone::Ack).last().copied();
    Some(harm(id, Fate::Failed, Packet::Greeting, (Manner::Closed, last), cost_ns))
}

/// A server that speaks first, and took its time: longer than anybody waits for, or far longer than the other
/// servers of its service.
pub(super) fn late(trace: &Trace, pace: &Pace, id: ConnectionId) -> Option<Judged> {
    let c = trace.connection(id);
    if !GREETED.contains(&c.front.server.1) || !c.progress.syn || !c.progress.response {
        return None;
    }
    let long = first_words::greeting(trace, id).filter(|ns| *ns >= patience(c.front.server.1));
    let cost_ns = long.or_else(|| pace.late_greeting(id))?;
    let last = Journey::of(trace, id, false, Milestone::Data).first().copied();
    Some(harm(id, Fate::Suffered, Packet::Greeting, (Manner::Late, last), cost_ns))
}

//! Requests that a proxy kept: it had them, and passed them on only after a wait, or never.
//!
//! So it looks where each of its servers may have so many requests at a time and has them (haproxy's queue), where a
//! limit spreads them (nginx's `limit_req`), or where it asks somebody else first. What the servers take is no part
//! of the wait. Only requests without content are looked at: a proxy that takes what a client sends whole before it
//! passes it on waits for the client.

use super::handshake::WAIT_NS;
use super::journey::{Journey, Milestone};
use super::{Break, Manner, Packet};
use crate::exchange::Exchange;
use crate::flow::Mark;
use crate::topology::Ordinary;
use crate::trace::{ConnectionId, Trace};

/// A request that a proxy kept.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// As its client sent it.
    pub front: &'a Exchange,
    /// When the proxy first called a server for it, or sent it on; `None` where it never did.
    pub passed_on: Option<Mark>,
    /// How long it was kept, nanoseconds.
    pub ns: i64,
}

/// The request of a client's connection that a proxy kept for the longest time, if that is one that a client notices.
#[must_use]
pub fn held(trace: &Trace, id: ConnectionId) -> Option<Held<'_>> {
    // What a server that was tried in vain took is told of that server.
    if trace.pairs.attempts.contains_key(&id.0) {
        return None;
    }
    let late = late(trace, id).max_by_key(|held| held.ns);
    late.filter(|held| held.ns >= WAIT_NS)
}

/// Each of its requests that was passed on.
fn late(trace: &Trace, id: ConnectionId) -> impl Iterator<Item = Held<'_>> {
    let pairs = &trace.pairs;
    let carried = pairs.carried.get(&id.0).map_or(&[][..], Vec::as_slice);
    let both = carried.iter().filter_map(|at| {
        let (back, front) = (pairs.exchanges.get(*at)?, pairs.asked.get(at)?);
        let front = pairs.exchanges.get(*front)?;
        (front.whole && back.vantage == front.vantage).then_some((front, back))
    });
    both.filter_map(move |(front, back)| {
        // One that failed is passed on again: the first counts.
        let sooner = |at: &usize| {
            let other = pairs.exchanges.get(*at);
            let before = other.is_some_and(|o| o.request.frame() < back.request.frame());
            before && pairs.asked.get(at).and_then(|f| pairs.exchanges.get(*f)) == Some(front)
        };
        if carried.iter().any(sooner) {
            return None;
        }
        let syn = opened(trace, back).filter(|syn| syn.frame() > front.request.frame());
        let passed_on = syn.unwrap_or(back.request);
        Some(Held { front, passed_on: Some(passed_on), ns: passed_on.since(front.request) })
    })
}

/// When the connection on which a request was passed on was opened.
fn opened(trace: &Trace, exchange: &Exchange) -> Option<Mark> {
    let mut legs = trace.legs(ConnectionId(exchange.connection)).iter();
    let leg = legs.find(|leg| leg.vantage == exchange.vantage)?;
    trace.forward(leg).syn.get()
}

/// A request that a proxy kept, and then answered with an error of its own without a call to any server.
#[must_use]
pub fn never_passed_on<'a>(
    trace: &'a Trace,
    id: ConnectionId,
    front: &'a Exchange,
) -> Option<Held<'a>> {
    let pairs = &trace.pairs;
    let answer = front.response.get()?;
    let ns = answer.since(front.request);
    let tied = pairs.backends.contains_key(&id.0) || pairs.attempts.contains_key(&id.0);
    let proxy = trace.topology.hosts.by_ip(trace.connection(id).front.server.0)?;
    if ns < WAIT_NS || tied || !front.whole || front.connection != id.0 {
        return None;
    }
    // That its other side shows here: what it passed on for others was read at this very place.
    let shown = pairs.carried.values().flatten();
    let shown = shown.filter_map(|at| pairs.exchanges.get(*at));
    let mut shown = shown.filter(|e| e.vantage == front.vantage);
    shown.next()?;
    let meanwhile = |mark: Mark| {
        (front.request.frame()..answer.frame()).contains(&mark.frame()) && mark.is_set()
    };
    // Whatever else it asks or opens meanwhile, and for whom is not told, may be for this one: a proxy may change
    // what it passes on.
    let is_its = |c: ConnectionId| {
        trace.topology.hosts.by_ip(trace.connection(c).front.client.0) == Some(proxy)
    };
    let untold = |c: ConnectionId| {
        let told = pairs.clients.contains_key(&c.0) || pairs.attempted.contains_key(&c.0);
        !told && is_its(c)
    };
    let asks = pairs.exchanges.iter().any(|e| {
        let at = ConnectionId(e.connection);
        e.vantage == front.vantage && meanwhile(e.request) && untold(at)
    });
    // A check that only connects, and asks nothing, is for nobody.
    let checks = |c: ConnectionId| {
        trace.ordinary(c) == Some(Ordinary::HealthCheck) && !trace.connection(c).progress.request
    };
    let opens = || {
        trace.iter().any(|(c, _)| {
            let mut legs = trace.legs(c).iter().filter(|leg| leg.vantage == front.vantage);
            legs.any(|leg| meanwhile(trace.forward(leg).syn)) && untold(c) && !checks(c)
        })
    };
    (!asks && !opens()).then_some(Held { front, passed_on: None, ns })
}

/// The break of a connection that was served only when its proxy had kept a request.
pub(super) fn judge(trace: &Trace, id: ConnectionId) -> Option<Break> {
    let cost_ns = held(trace, id)?.ns;
    let last = Journey::of(trace, id, false, Milestone::Data).first().copied();
    let (packet, manner) = (Packet::Response, Manner::Late);
    Some(Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None })
}

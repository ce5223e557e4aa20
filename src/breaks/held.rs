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
use crate::flow::{Mark, VantageId};
use crate::hashed::{HashMap, HashSet};
use crate::topology::{HostId, Ordinary};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

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

/// Each of its requests that was passed on. One that failed is passed on again: the first counts.
fn late(trace: &Trace, id: ConnectionId) -> impl Iterator<Item = Held<'_>> {
    let pairs = &trace.pairs;
    let mut first: BTreeMap<usize, &Exchange> = BTreeMap::new();
    for at in pairs.carried.get(&id.0).into_iter().flatten() {
        let (Some(back), Some(front)) = (pairs.exchanges.get(*at), pairs.asked.get(at)) else {
            continue;
        };
        let known = first.entry(*front).or_insert(back);
        if back.request.frame() < known.request.frame() {
            *known = back;
        }
    }
    first.into_iter().filter_map(move |(front, back)| {
        let front = pairs.exchanges.get(front)?;
        // What was tried before shows by SYNs, which a capture of payload alone lacks.
        let shows_tries = trace.vantages[back.vantage.index()].shows.acks;
        if !front.whole || back.vantage != front.vantage || !shows_tries {
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

/// What proxies ask and open of which it is not told for whom: it may be for anybody who waits, as a proxy may
/// change what it passes on.
pub struct Untold {
    /// Frames, in order, by who asks and where it is seen.
    calls: HashMap<(HostId, VantageId), Vec<u32>>,
    /// Where a proxy's other side shows: what it passed on for others was read there.
    shown: HashSet<VantageId>,
}

impl Untold {
    /// All of it.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        let pairs = &trace.pairs;
        let carried = pairs.carried.values().flatten();
        let shown = carried.filter_map(|at| Some(pairs.exchanges.get(*at)?.vantage)).collect();
        let mut calls: HashMap<(HostId, VantageId), Vec<u32>> = HashMap::default();
        let by = |c: ConnectionId| {
            let told = pairs.clients.contains_key(&c.0) || pairs.attempted.contains_key(&c.0);
            let caller = || trace.topology.hosts.by_ip(trace.connection(c).front.client.0);
            if told { None } else { caller() }
        };
        for e in &pairs.exchanges {
            if let Some(host) = by(ConnectionId(e.connection)) {
                calls.entry((host, e.vantage)).or_default().push(e.request.frame());
            }
        }
        for (c, connection) in trace.iter() {
            // A check that only connects, and asks nothing, is for nobody.
            let check = trace.ordinary(c) == Some(Ordinary::HealthCheck);
            let Some(host) = by(c).filter(|_| !check || connection.progress.request) else {
                continue;
            };
            for leg in trace.legs(c) {
                if let Some(syn) = trace.forward(leg).syn.get() {
                    calls.entry((host, leg.vantage)).or_default().push(syn.frame());
                }
            }
        }
        for frames in calls.values_mut() {
            frames.sort_unstable();
        }
        Self { calls, shown }
    }

    /// A request that a proxy kept, and then answered with an error of its own without a call to any server.
    #[must_use]
    pub fn never_passed_on<'a>(
        &self,
        trace: &Trace,
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
        if !self.shown.contains(&front.vantage) {
            return None;
        }
        let calls = self.calls.get(&(proxy, front.vantage)).map_or(&[][..], Vec::as_slice);
        let next = calls.partition_point(|frame| *frame < front.request.frame());
        let meanwhile = calls.get(next).is_some_and(|frame| *frame < answer.frame());
        (!meanwhile).then_some(Held { front, passed_on: None, ns })
    }
}

/// The break of a connection that was served only when its proxy had kept a request.
pub(super) fn judge(trace: &Trace, id: ConnectionId) -> Option<Break> {
    let cost_ns = held(trace, id)?.ns;
    let last = Journey::of(trace, id, false, Milestone::Data).first().copied();
    let (packet, manner) = (Packet::Response, Manner::Late);
    Some(Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None })
}

//! Requests of a proxy that crossed the FIN with which the real server closed a kept
//! connection.
//!
//! That they crossed shows in the acknowledgment numbers: the real server never
//! acknowledged the request, though it closed after it had answered an earlier one.

use crate::correlate::{Leg, is_thrown_away};
use crate::diagnose::thresholds::{L7_KEEPALIVE_RACE_NOTICED_NS, PROMPT_NS};
use crate::exchange::Exchange;
use crate::topology::is_origin;
use crate::trace::{ConnectionId, Trace};
use crate::wire::seq_lt;
use std::collections::{BTreeMap, HashMap};

/// RFC 9110, sections 15.6.3 and 15.6.4: what proxies say of a broken upstream.
const BROKEN: [u16; 2] = [502, 503];

/// One request that crossed a FIN.
pub(in crate::diagnose) struct Race<'a> {
    /// The client's request, answered with an error.
    pub front: &'a Exchange,
    /// The proxy's request.
    pub back: &'a Exchange,
    /// The latest answer that the real server gave on that connection.
    pub before: &'a Exchange,
}

/// By the client's connection.
pub(in crate::diagnose) fn races(trace: &Trace) -> BTreeMap<ConnectionId, Race<'_>> {
    let exchanges = &trace.pairs.exchanges;
    let crossed: HashMap<usize, &Exchange> =
        exchanges.iter().enumerate().filter(|(_, e)| crossed(trace, e)).collect();
    let mut races = BTreeMap::new();
    if crossed.is_empty() {
        return races;
    }
    let mut before: HashMap<u32, &Exchange> =
        crossed.values().map(|e| (e.connection, *e)).collect();
    for e in exchanges.iter().filter(|e| e.response.is_set()) {
        if let Some(known) = before.get_mut(&e.connection)
            && (!known.response.is_set() || known.request.frame() < e.request.frame())
        {
            *known = e;
        }
    }
    let mut fronts: HashMap<u32, Vec<&Exchange>> = HashMap::new();
    for (front, carried) in &trace.pairs.carried {
        let kept = carried.iter().filter_map(|at| crossed.get(at).copied()).collect::<Vec<_>>();
        if !kept.is_empty() {
            fronts.insert(*front, kept);
        }
    }
    for front in exchanges.iter().filter(|e| e.status.is_some_and(|s| BROKEN.contains(&s))) {
        let carried = fronts.get(&front.connection).map_or(&[][..], Vec::as_slice);
        let within = |back: &&&Exchange| {
            front.vantage != back.vantage
                || (front.request.frame()..=front.response.frame()).contains(&back.request.frame())
        };
        let Some(back) = carried.iter().find(within).copied() else { continue };
        // Without an answer before there was nothing to keep alive.
        let Some(before) = before.get(&back.connection).filter(|e| e.response.is_set()) else {
            continue;
        };
        races.entry(ConnectionId(front.connection)).or_insert(Race { front, back, before });
    }
    races
}

/// Whether a request was never acknowledged, on a connection that the real server
/// closed with FIN, unasked, and then reset.
fn crossed(trace: &Trace, e: &Exchange) -> bool {
    if e.response.is_set() {
        return false;
    }
    let mut legs = trace.legs(ConnectionId(e.connection)).iter();
    legs.any(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let closes = back.fin.is_set() && back.rst.is_set() && back.payload > 0;
        // More than the proxy's own FIN is left without acknowledgment.
        let ignored = seq_lt(back.max_ack.wrapping_add(1), there.end_seq);
        let first = !there.fin.is_set() || there.fin.frame() > back.fin.frame();
        closes
            && ignored
            && first
            && back.fin.frame() < back.rst.frame()
            && (leg.vantage != e.vantage
                || (e.request.since(back.fin) <= L7_KEEPALIVE_RACE_NOTICED_NS
                    && e.request.frame() < back.rst.frame()))
    })
}

/// A request that crossed a FIN, seen at the server alone.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Crossed<'a> {
    /// Where it is seen.
    pub leg: &'a Leg,
    /// How long after its first answer the server closed, nanoseconds.
    pub kept_ns: i64,
}

/// What a server answers before it is idle takes less than this, nanoseconds. Judgement: as
/// [`PROMPT_NS`], so that a server which breaks off a request it has begun to read is none.
const IDLE_NS: i64 = PROMPT_NS;

/// A request that a server's own capture shows come in after its FIN has left, on a connection on which
/// it had answered before: it was sent when the FIN was not there yet.
pub(in crate::diagnose) fn crossed_at_server<'a>(
    trace: &'a Trace,
    id: ConnectionId,
) -> Option<Crossed<'a>> {
    trace.legs(id).iter().find_map(|leg| {
        let back = trace.reply(leg);
        let (answer, fin) = (back.data.get()?, back.fin.get()?);
        let own = &trace.vantage(leg).own;
        let sends = || {
            let mut path = trace.path(leg, back);
            path.any(|(_, hop)| own.sent(hop) == Some(true) && is_origin(hop))
        };
        let since = back.rst_answers.since(fin);
        let kept_ns = fin.since(answer);
        let crossed = is_thrown_away(&trace.vantages, leg)
            && (0..=L7_KEEPALIVE_RACE_NOTICED_NS).contains(&since)
            && kept_ns >= IDLE_NS
            && sends();
        crossed.then_some(Crossed { leg, kept_ns })
    })
}

/// How long after its latest answer the real server closed, nanoseconds.
pub(in crate::diagnose) fn idle(trace: &Trace, race: &Race<'_>) -> Option<i64> {
    let leg = heard(trace, race)?;
    let fin = trace.reply(leg).fin.get()?;
    Some(fin.since(race.before.response)).filter(|ns| *ns > 0)
}

/// The leg of the backend connection at which its requests were read.
pub(in crate::diagnose) fn heard<'a>(trace: &'a Trace, race: &Race<'_>) -> Option<&'a Leg> {
    let legs = trace.legs(ConnectionId(race.back.connection));
    legs.iter().find(|leg| leg.vantage == race.back.vantage && leg.vantage == race.before.vantage)
}

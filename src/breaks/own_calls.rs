//! Answers that wait for a call of the server itself that nobody answers: between request and answer it calls somebody by
//! TCP in vain, and answers when it gives that up (OCSP or a list of revoked certificates, a service behind it).
//!
//! How long a program waits is its own affair, so it is told where several answers of a service waited as long as each
//! other, each with a call of its own, and none of the service waited so long without one.

use super::journey::{Journey, Milestone};
use super::{Break, Fate, Manner, Packet};
use crate::correlate::{Leg, Outcome};
use crate::flow::{Mark, VantageId};
use crate::hashed::HashMap;
use crate::topology::ServiceId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::BTreeMap;

/// A server calls so soon after the request, nanoseconds. Judgement: it does so before all else.
const SOON_NS: i64 = 500_000_000;
/// And waits at least so long: the call was sent again by then, nanoseconds (RFC 6298, section 2, less a tenth).
const WAIT_NS: i64 = 900_000_000;
/// Connections of a service that show it. Judgement: three alike are no coincidence.
const SEVERAL: usize = 3;
/// Waits of one timer differ by no more than a part of the longest.
const PART: i64 = 20;

/// A SYN, and whom it called.
type Call = (Mark, (Ip, u16));

/// Calls by TCP that nothing answered, by vantage and caller, in order.
#[derive(Debug, Default)]
pub struct InVain(HashMap<(VantageId, Ip), Vec<Call>>);

/// A call that a server made in vain while an answer was waited for.
#[derive(Debug, Clone, Copy)]
pub struct Called<'a> {
    /// The place that shows both.
    pub leg: &'a Leg,
    /// The SYN.
    pub syn: Mark,
    /// Who was called.
    pub whom: (Ip, u16),
    /// From the request to the answer, nanoseconds.
    pub ns: i64,
}

impl InVain {
    /// Those of a trace.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        let mut all: HashMap<(VantageId, Ip), Vec<_>> = HashMap::default();
        let vain = trace.requests().filter(|(_, c)| c.outcome == Outcome::Unanswered);
        for (id, c) in vain.filter(|(_, c)| c.protocol.is_tcp() && c.progress.syns > 1) {
            for leg in trace.legs(id).iter().filter(|leg| leg.tuple == 0) {
                if let Some(syn) = trace.forward(leg).syn.get() {
                    let caller = (leg.vantage, leg.of(&trace.vantages).key.ip(leg.client));
                    all.entry(caller).or_default().push((syn, c.front.server));
                }
            }
        }
        for calls in all.values_mut() {
            calls.sort_unstable_by_key(|(syn, _)| syn.frame());
        }
        Self(all)
    }

    /// The call that a server made in vain between a connection's first request and the first of the answer.
    #[must_use]
    pub fn meanwhile<'a>(&self, trace: &'a Trace, id: ConnectionId) -> Option<Called<'a>> {
        if self.0.is_empty() {
            return None;
        }
        trace.legs(id).iter().find_map(|leg| {
            let (asked, said) = (trace.forward(leg).data.get()?, trace.reply(leg).data.get()?);
            let called = leg.of(&trace.vantages).key.ip(leg.client.other());
            let host = trace.server(id).and_then(|server| server.host);
            let host = host.or_else(|| trace.host_by_ip(called));
            let own = host.map_or(&[][..], |host| trace.topology.hosts.get(host).ips.as_slice());
            let mut callers = own.iter().copied().chain([called]);
            callers.find_map(|ip| {
                let calls = self.0.get(&(leg.vantage, ip))?;
                let next = calls.partition_point(|(syn, _)| syn.frame() < asked.frame());
                let (syn, whom) = *calls.get(next)?;
                let within = (0..SOON_NS).contains(&syn.since(asked))
                    && said.since(syn) >= WAIT_NS
                    && whom.0 != trace.connection(id).front.client.0;
                within.then(|| Called { leg, syn, whom, ns: said.since(asked) })
            })
        })
    }
}

/// Makes of connections that did well such as suffered, where several of a service waited so.
pub(super) fn wait(trace: &Trace, fates: &mut [Fate], harmed: &mut Vec<Break>) {
    let vain = InVain::of(trace);
    if vain.0.is_empty() {
        return;
    }
    let mut waited: BTreeMap<ServiceId, Vec<(ConnectionId, i64, Option<Mark>)>> = BTreeMap::new();
    let well = |id: ConnectionId| matches!(fates[id.0 as usize], Fate::Well | Fate::Untold);
    for (id, c) in trace.requests().filter(|(id, c)| c.protocol.is_tcp() && well(*id)) {
        let Some(ns) = trace.timing(id).server_ns().filter(|ns| *ns >= WAIT_NS) else { continue };
        if c.progress.response {
            let called = vain.meanwhile(trace, id).map(|called| called.syn);
            waited.entry(trace.service_of(id)).or_default().push((id, ns, called));
        }
    }
    for (id, cost_ns, _) in waited.into_values().filter(|set| is_of_calls(set)).flatten() {
        fates[id.0 as usize] = Fate::Suffered;
        let last = Journey::of(trace, id, false, Milestone::Data).first().copied();
        let (packet, manner) = (Packet::Response, Manner::Late);
        let next = None;
        harmed.push(Break { connection: id, packet, manner, last, next, cost_ns, behind: None });
    }
    harmed.sort_by_key(|broken| broken.connection);
}

/// Whether each of several that waited has a call of its own, and all waited as long.
fn is_of_calls(set: &[(ConnectionId, i64, Option<Mark>)]) -> bool {
    let calls: Option<Vec<u32>> =
        set.iter().map(|(.., call)| Some(call.as_ref()?.frame())).collect();
    let Some(mut calls) = calls else { return false };
    calls.sort_unstable();
    calls.dedup();
    let waits = || set.iter().map(|(_, ns, _)| *ns);
    let (least, most) = (waits().min().unwrap_or(0), waits().max().unwrap_or(0));
    calls.len() >= SEVERAL && calls.len() == set.len() && most - least <= most / PART
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

    fn set(waits: &[(i64, u32)]) -> Vec<(ConnectionId, i64, Option<Mark>)> {
        let call = |frame: u32| (frame > 0).then(|| Mark::new(frame, Timestamp(0)));
        let one =
            |(n, (ms, frame)): (u32, &(i64, u32))| (ConnectionId(n), ms * 1_000_000, call(*frame));
        (0..).zip(waits).map(one).collect()
    }

    #[test]
    fn alike_each_with_a_call_of_its_own() {
        assert!(is_of_calls(&set(&[(15_000, 5), (15_010, 25), (15_020, 45)])));
        // Two; one call for two of them; one without; not as long as each other.
        assert!(!is_of_calls(&set(&[(15_000, 5), (15_010, 25)])));
        assert!(!is_of_calls(&set(&[(15_000, 5), (15_010, 5), (15_020, 45)])));
        assert!(!is_of_calls(&set(&[(15_000, 5), (15_010, 25), (15_020, 45), (15_000, 0)])));
        assert!(!is_of_calls(&set(&[(9_000, 5), (15_010, 25), (15_020, 45)])));
    }
}

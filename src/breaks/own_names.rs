//! Answers that wait for a name server that does not answer: between request and answer the server asks it in vain, and
//! answers when its resolver gives up (resolv.conf(5): after 5 s, and 5 s more for the next try or the next server).
//!
//! One may be chance, so it is told where a service shows several. What each waited is exact, so nothing else is
//! slow there.

use super::journey::{Journey, Milestone};
use super::{Break, Fate, Manner, Packet};
use crate::correlate::Leg;
use crate::flow::{Mark, VantageId};
use crate::hashed::HashMap;
use crate::topology::ServiceId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::BTreeMap;

/// The port of name servers (RFC 1035, section 4.2.1).
const DNS: u16 = 53;
/// After how long a resolver gives up, nanoseconds, and how often at most (resolv.conf(5): `timeout`, `attempts`).
const TIMER_NS: i64 = 5_000_000_000;
const TIMES: i64 = 6;
/// A server asks so soon after the request, and answers so soon after its resolver gave up, nanoseconds. Judgement: a
/// tenth of the timer.
const SOON_NS: i64 = 500_000_000;
/// Connections of a service that show it. Judgement: three alike are no coincidence.
const SEVERAL: usize = 3;

/// Questions to name servers that nothing answered: who was asked and when, by vantage and asker.
#[derive(Debug, Default)]
pub struct Unanswered(HashMap<(VantageId, Ip), Vec<(Mark, Ip)>>);

impl Unanswered {
    /// Those of a trace.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        let mut all: HashMap<(VantageId, Ip), Vec<(Mark, Ip)>> = HashMap::default();
        for (id, c) in trace.iter() {
            if !c.protocol.is_udp() || c.front.server.1 != DNS || c.progress.response {
                continue;
            }
            for leg in trace.legs(id) {
                if let Some(first) = trace.forward(leg).first.get() {
                    let asker = (leg.vantage, leg.of(&trace.vantages).key.ip(leg.client));
                    all.entry(asker).or_default().push((first, c.front.server.0));
                }
            }
        }
        Self(all)
    }

    /// The name server that was asked in vain while an answer was waited for, with the question and how long it took.
    #[must_use]
    pub fn meanwhile<'a>(
        &self,
        trace: &'a Trace,
        id: ConnectionId,
    ) -> Option<(&'a Leg, Mark, Ip, i64)> {
        if self.0.is_empty() {
            return None;
        }
        trace.legs(id).iter().find_map(|leg| {
            let (asked, said) = (trace.forward(leg).data.get()?, trace.reply(leg).data.get()?);
            let called = leg.of(&trace.vantages).key.ip(leg.client.other());
            let host = trace.server(id).and_then(|server| server.host);
            let host = host.or_else(|| trace.host_by_ip(called));
            let own = host.map_or(&[][..], |host| trace.topology.hosts.get(host).ips.as_slice());
            let askers = own.iter().copied().chain([called]);
            let mut questions = askers.filter_map(|ip| self.0.get(&(leg.vantage, ip))).flatten();
            let (question, resolver) = questions.find(|(question, _)| {
                (0..SOON_NS).contains(&question.since(asked)) && gave_up(said.since(*question))
            })?;
            Some((leg, *question, *resolver, said.since(asked)))
        })
    }
}

/// Whether a time is that of a resolver which gives up, a few times over.
fn gave_up(ns: i64) -> bool {
    (TIMER_NS..TIMER_NS * TIMES + SOON_NS).contains(&ns) && ns % TIMER_NS < SOON_NS
}

/// Makes of connections that did well such as suffered, where several of a service waited so.
pub(super) fn wait(trace: &Trace, fates: &mut [Fate], harmed: &mut Vec<Break>) {
    let unanswered = Unanswered::of(trace);
    if unanswered.0.is_empty() {
        return;
    }
    let mut waited: BTreeMap<ServiceId, Vec<(ConnectionId, i64)>> = BTreeMap::new();
    let well = |id: ConnectionId| matches!(fates[id.0 as usize], Fate::Well | Fate::Untold);
    for (id, c) in trace.requests().filter(|(id, c)| c.protocol.is_tcp() && well(*id)) {
        if c.progress.response
            && let Some((.., ns)) = unanswered.meanwhile(trace, id)
        {
            waited.entry(trace.service_of(id)).or_default().push((id, ns));
        }
    }
    for (id, cost_ns) in waited.into_values().filter(|set| set.len() >= SEVERAL).flatten() {
        fates[id.0 as usize] = Fate::Suffered;
        let last = Journey::of(trace, id, false, Milestone::Data).first().copied();
        let (packet, manner) = (Packet::Response, Manner::Late);
        let next = None;
        harmed.push(Break { connection: id, packet, manner, last, next, cost_ns, behind: None });
    }
    harmed.sort_by_key(|broken| broken.connection);
}

#[cfg(test)]
mod tests {
    use super::gave_up;

    #[test]
    fn a_resolver_gives_up_every_five_seconds() {
        let after = |ms: i64| gave_up(ms * 1_000_000);
        assert!(after(5_003) && after(10_008) && after(15_400));
        assert!(!after(4_990) && !after(7_400) && !after(9_900) && !after(60_000));
    }
}

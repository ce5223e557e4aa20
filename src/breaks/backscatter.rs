//! Answers to SYNs whose sources were forged: who is flooded so answers addresses that never called (Moore et al.,
//! "Inferring Internet Denial-of-Service Activity", ACM TOCS 24, 2006).
//!
//! A SYN-ACK that is sent again and again to somebody of whom nothing was captured may be half of a connection
//! that fails, or such an answer. Who wants a service tries again from another port; forged sources are drawn anew,
//! and few come twice.

use crate::hashed::{HashMap, HashSet};
use crate::topology::ServiceId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

/// Addresses that are answered once each. Judgement: of so many who want a service one tries again.
const MANY: usize = 8;

/// Services that answer many who were not seen to call, most of them once: three of four addresses are new ones.
pub(super) fn services(trace: &Trace) -> HashSet<ServiceId> {
    let mut answered: HashMap<ServiceId, (usize, HashSet<Ip>)> = HashMap::default();
    for (id, c) in trace.requests().filter(|(_, c)| c.protocol.is_tcp()) {
        let p = c.progress;
        if !(p.syn || p.request || p.response) && is_lone_answer(trace, id) {
            let (count, clients) = answered.entry(trace.service_of(id)).or_default();
            *count += 1;
            clients.insert(c.front.client.0);
        }
    }
    answered.retain(|_, (count, clients)| *count >= MANY && clients.len() * 4 >= *count * 3);
    answered.into_keys().collect()
}

fn is_lone_answer(trace: &Trace, id: ConnectionId) -> bool {
    trace.legs(id).iter().all(|leg| !trace.forward(leg).seen() && trace.reply(leg).accepted())
}

//! Clients that ask one server in vain and then another the same: a resolver goes on to the next name server of its
//! list when the first lets its timer run out (resolv.conf(5)). Served they are, later.

use crate::hashed::HashMap;
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, dns};

/// From the one question to the other at least, nanoseconds: who asks several at once waits for none. The least that
/// may be set for a timer of the resolver's is a second.
const WAITED_NS: i64 = 900_000_000;
/// At most: the most that a resolver waits (resolv.conf(5), `timeout`).
const LONGEST_NS: i64 = 31_000_000_000;

/// Questions of DNS that were answered: when and by whom, by who asked and a digest of the question.
#[derive(Debug, Default)]
pub(super) struct AskedElsewhere(HashMap<(Ip, u32), Vec<(i64, Ip)>>);

impl AskedElsewhere {
    pub fn of(trace: &Trace) -> Self {
        let mut found = Self::default();
        for (id, c) in trace.requests() {
            let asks = c.protocol.is_udp() && c.front.server.1 == dns::PORT && c.progress.response;
            let Some(digest) = asks.then(|| question(trace, id)).flatten() else { continue };
            if let Some(at) = trace.start(id) {
                let of = found.0.entry((c.front.client.0, digest)).or_default();
                of.push((trace.time(at).0, c.front.server.0));
            }
        }
        found.0.values_mut().for_each(|asked| asked.sort_unstable());
        found
    }

    /// How long a client waited for one server before it asked another the same, which answered, nanoseconds.
    pub fn after(&self, trace: &Trace, id: ConnectionId) -> Option<i64> {
        let c = trace.connection(id);
        if self.0.is_empty() || !c.protocol.is_udp() || c.front.server.1 != dns::PORT {
            return None;
        }
        let asked = self.0.get(&(c.front.client.0, question(trace, id)?))?;
        let began = trace.time(trace.start(id)?).0;
        let later = asked.iter().filter(|(_, by)| *by != c.front.server.0);
        let waits = later.map(|(at, _)| at - began);
        waits.filter(|ns| (WAITED_NS..=LONGEST_NS).contains(ns)).min()
    }
}

/// A digest of the first question, comparable within one vantage.
fn question(trace: &Trace, id: ConnectionId) -> Option<u32> {
    trace.legs(id).first().map(|leg| trace.forward(leg).last_ack)
}

//! Clients of QUIC that are not answered and go on by TCP: HTTP/3 is offered beside HTTP over TCP on the same port, and a
//! client that cannot connect by the one takes the other (RFC 9114, section 3.1). It is served, later.

use super::judged::QUIC;
use crate::hashed::HashMap;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

/// The longest from a client's first datagram to its SYN, nanoseconds. Judgement: clients race the two, or wait for a
/// probe timeout or two of QUIC.
const SOON_NS: i64 = 10_000_000_000;

/// Answered connections over TCP to the port of QUIC: when each began, by client and server.
#[derive(Debug, Default)]
pub(super) struct FellBack(HashMap<(Ip, Ip), Vec<i64>>);

impl FellBack {
    pub fn of(trace: &Trace) -> Self {
        let mut found = Self::default();
        for (id, c) in trace.requests() {
            let answered = c.protocol.is_tcp() && c.front.server.1 == QUIC && c.progress.response;
            if let Some(at) = trace.start(id).filter(|_| answered) {
                let of = found.0.entry((c.front.client.0, c.front.server.0)).or_default();
                of.push(trace.time(at).0);
            }
        }
        found.0.values_mut().for_each(|times| times.sort_unstable());
        found
    }

    /// How long a client waited that went on by TCP, nanoseconds.
    pub fn after(&self, trace: &Trace, id: ConnectionId) -> Option<i64> {
        let c = trace.connection(id);
        let times = self.0.get(&(c.front.client.0, c.front.server.0))?;
        let began = trace.time(trace.start(id)?).0;
        let next = *times.get(times.partition_point(|at| *at < began))?;
        (c.front.server.1 == QUIC && next - began <= SOON_NS).then_some(next - began)
    }
}

//! Clients that are refused by one family of addresses and go on by the other at once: one name has both, and is
//! served by one of them alone. They are served, a little later (RFC 8305).

use crate::hashed::HashMap;
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

/// The longest from an attempt that was refused to the next, nanoseconds: who is refused tries the next address at
/// once, and who has waited for it two seconds at most (RFC 8305, section 8).
const SOON_NS: i64 = 2_200_000_000;

/// A host, as far as two families of addresses tell it: by what is known of it, or since it calls itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Caller {
    Itself,
    Host(HostId),
}

impl Caller {
    fn of(trace: &Trace, ip: Ip) -> Option<Self> {
        if ip.is_loopback() { Some(Self::Itself) } else { trace.host_by_ip(ip).map(Self::Host) }
    }
}

/// Connections that stand: when each began, by client, port and family.
#[derive(Debug, Default)]
pub(super) struct OtherFamily(HashMap<(Caller, u16, bool), Vec<i64>>);

impl OtherFamily {
    pub fn of(trace: &Trace) -> Self {
        let mut found = Self::default();
        for (id, c) in trace.requests() {
            let stands = c.protocol.is_tcp() && c.progress.syn && c.progress.established;
            let Some(at) = trace.start(id).filter(|_| stands) else { continue };
            let Some(caller) = Caller::of(trace, c.front.client.0) else { continue };
            let key = (caller, c.front.server.1, c.front.server.0.is_v4());
            found.0.entry(key).or_default().push(trace.time(at).0);
        }
        found.0.values_mut().for_each(|times| times.sort_unstable());
        found
    }

    /// How long after it was refused its client went on by the other family, and stood, nanoseconds.
    pub fn after(&self, trace: &Trace, id: ConnectionId) -> Option<i64> {
        let c = trace.connection(id);
        let caller = Caller::of(trace, c.front.client.0)?;
        let key = (caller, c.front.server.1, !c.front.server.0.is_v4());
        let began = trace.time(trace.start(id)?).0;
        let times = self.0.get(&key)?;
        let next = *times.get(times.partition_point(|at| *at < began))?;
        (next - began <= SOON_NS).then_some(next - began)
    }
}

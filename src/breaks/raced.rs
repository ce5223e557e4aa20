//! Openings that a client gives up since it has connected by the other family of addresses meanwhile.
//!
//! A client that has an IPv6 and an IPv4 address for one name tries both, a fraction of a second apart, and
//! keeps what stands first (RFC 8305, section 5). That they are of one name does not show: one host, one port,
//! two families and the time are what there is, so such an opening is not called well, but left open.

use crate::hashed::HashMap;
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

/// The longest between the beginnings of two attempts, nanoseconds: the delay between attempts is 250 ms by
/// default and 2 s at most (RFC 8305, section 8), a tenth more for stacks that count in ticks.
const APART_NS: i64 = 2_200_000_000;
/// Connections of one host to one port that are looked at.
const MOST: usize = 1 << 10;

/// One that stands: when it began and stood, and where it went.
#[derive(Debug, Clone, Copy)]
struct Won {
    began_ns: i64,
    stood_ns: i64,
    to: Ip,
}

/// Connections that stand, by their client's host and port.
#[derive(Debug, Default)]
pub(super) struct Raced(HashMap<(HostId, u16), Vec<Won>>);

/// By its client's host, as two families have two addresses; when it began and when it ended or stood.
fn times(trace: &Trace, id: ConnectionId) -> Option<((HostId, u16), Won)> {
    let c = trace.connection(id);
    let host = trace.host_by_ip(c.front.client.0)?;
    let leg = trace.legs(id).iter().find(|leg| leg.tuple == 0 && trace.forward(leg).opened())?;
    let there = trace.forward(leg);
    let (began, end) = (there.syn.get()?, there.ack.get().or(there.rst.get())?);
    let at = |mark| trace.time(trace.at(leg, mark)).0;
    let won = Won { began_ns: at(began), stood_ns: at(end), to: c.front.server.0 };
    Some(((host, c.front.server.1), won))
}

impl Raced {
    pub fn of(trace: &Trace) -> Self {
        let mut raced = Self::default();
        for (id, c) in trace.requests() {
            if !c.protocol.is_tcp() || !c.progress.established {
                continue;
            }
            if let Some((key, won)) = times(trace, id) {
                let of = raced.0.entry(key).or_default();
                if of.len() < MOST {
                    of.push(won);
                }
            }
        }
        raced
    }

    /// Whether the client had connected by the other family before it gave a connection up.
    pub fn lost(&self, trace: &Trace, id: ConnectionId) -> bool {
        let Some((key, own)) = times(trace, id) else { return false };
        self.0.get(&key).is_some_and(|all| {
            all.iter().any(|won| {
                won.to.is_v4() != own.to.is_v4()
                    && won.began_ns.abs_diff(own.began_ns) <= APART_NS as u64
                    && won.stood_ns <= own.stood_ns
            })
        })
    }
}

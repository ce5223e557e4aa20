//! Connections whose first SYN stayed at the director and whose repeat passed.

use crate::correlate::Leg;
use crate::diagnose::thresholds::{IPVS_CONN_REUSE_1S_REST_NS, IPVS_CONN_REUSE_1S_RETRY_NS};
use crate::flow::Link;
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};
use std::collections::HashMap;

/// A connection whose first SYN stayed at the director.
pub(in crate::diagnose) struct Late<'a> {
    pub id: ConnectionId,
    pub director: HostId,
    pub came: (&'a Leg, &'a Link),
    pub left: (&'a Leg, &'a Link),
}

/// Whether a director kept the first SYN and sent the repeat on.
pub(in crate::diagnose) fn second_passed(trace: &Trace, id: ConnectionId) -> Option<Late<'_>> {
    let service = trace.service(id);
    service.directors.iter().find_map(|d| {
        let legs = || trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(d.host));
        let link = |leg: &'_ Leg, arrived: bool| {
            let own = &trace.vantage(leg).own;
            trace.path(leg, trace.forward(leg)).find(|(link, hop)| {
                let way = if arrived { own.arrived(hop) } else { own.sent(hop) };
                way == Some(true) && link.syns > 0
            })
        };
        let came = legs().find_map(|leg| Some((leg, link(leg, true)?.0)))?;
        let left =
            legs().filter(|l| l.tuple > 0).find_map(|leg| Some((leg, link(leg, false)?.0)))?;
        let clock = |leg: &Leg| trace.vantage(leg).capture;
        let waited = left.1.first.since(came.1.first);
        let opened = came.1.first == trace.forward(came.0).syn;
        (clock(came.0) == clock(left.0)
            && opened
            && came.1.syns == left.1.syns + 1
            && IPVS_CONN_REUSE_1S_RETRY_NS.contains(&waited))
        .then_some(Late { id, director: d.host, came, left })
    })
}

/// Whether the client had closed a connection on the same port a short time before.
pub(in crate::diagnose) fn is_reused(
    trace: &Trace,
    one: &Late<'_>,
    before: &HashMap<ConnectionId, ConnectionId>,
) -> bool {
    let Some(old) = before.get(&one.id) else { return false };
    let (leg, link) = one.came;
    trace.legs(*old).iter().filter(|l| l.vantage == leg.vantage).any(|l| {
        let ends = [trace.forward(l).fin, trace.reply(l).fin];
        let last = trace.forward(l).last;
        ends.iter().any(|fin| fin.is_set())
            && (0..IPVS_CONN_REUSE_1S_REST_NS).contains(&link.first.since(last))
    })
}

//! Requests of which a packet filter's log says that it dropped them, as pf's does of each packet that it holds: sent
//! again, and nothing came back.
//!
//! Segments alone that are of no connection any more are dropped every day and harm nobody; who sends his request again
//! has a connection, and waits.

use super::journey::silence;
use super::{Break, Packet};
use crate::correlate::Tuple;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

/// Where a request ended that a log says was dropped, and which was sent again in vain.
pub(super) fn judge(trace: &Trace, id: ConnectionId) -> Option<Break> {
    if trace.states.iter().all(|matched| matched.state.dropped.is_empty()) {
        return None;
    }
    let c = trace.connection(id);
    let p = c.progress;
    let asks_in_vain = c.protocol.is_tcp() && p.request && p.repeats && !p.response;
    let heard = trace.legs(id).iter().any(|leg| trace.reply(leg).seen());
    let Tuple { client, server } = c.front;
    let same = |(ip, port): (Ip, Option<u16>), end: (Ip, u16)| {
        ip == end.0 && port.is_none_or(|port| port == end.1)
    };
    let mut rows = trace.states.iter().flat_map(|matched| &matched.state.dropped);
    let said =
        rows.any(|row| row.protocol.is_tcp() && same(row.from, client) && same(row.to, server));
    if !asks_in_vain || heard || !said {
        return None;
    }
    let packet = Packet::Request;
    let (manner, last) = silence(trace, id, packet);
    let span = trace.start(id).zip(trace.end(id));
    let cost_ns = span.map_or(0, |(a, b)| trace.time(b).0.saturating_sub(trace.time(a).0));
    Some(Break { connection: id, packet, manner, last, next: None, cost_ns, behind: None })
}

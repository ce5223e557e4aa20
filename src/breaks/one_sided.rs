//! Hosts whose TCP conversations show what they send alone: a capture that lacks what comes to them lacks
//! answers to their datagrams too.

use crate::flow::Side;
use crate::hashed::HashSet;
use crate::trace::Trace;
use crate::wire::Ip;

/// Their addresses. Who has no conversation but datagrams is none of them.
pub(super) fn hosts(trace: &Trace) -> HashSet<Ip> {
    let (mut spoke, mut heard) = (HashSet::default(), HashSet::default());
    for stream in trace.vantages.iter().flat_map(|vantage| &vantage.streams) {
        for side in [Side::A, Side::B] {
            let ip = stream.key.ip(side);
            if stream.flow(side.other()).seen() {
                heard.insert(ip);
            } else if stream.key.protocol.is_tcp() && stream.flow(side).max_ack != 0 {
                spoke.insert(ip);
            }
        }
    }
    spoke.retain(|ip| !heard.contains(ip));
    spoke
}

//! DHCP through a relay: a machine asks on its link, the relay asks servers in its name, from port 67 to port 67 (RFC
//! 2131, section 4.1; RFC 1542, section 4.1), and one of them is to answer. Each question differs from the one before in
//! the seconds that it counts, so none is sent again by its bytes.

use super::Pace;
use crate::correlate::Connection;
use crate::flow::Flow;
use crate::hashed::HashSet;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

/// The port of DHCP servers and relays (IANA: bootps).
const SERVER: u16 = 67;
/// From the first question to the last at least, nanoseconds: who is not answered asks again after four seconds, then
/// eight (RFC 2131, section 4.1), less the second by which that is drawn.
const ASKS_ON_NS: i64 = 3_000_000_000;
/// Questions. Judgement: three, as one may be lost and one be for another server.
const QUESTIONS: u32 = 3;

/// Relays that some server answers: of several one does, and the others may leave that to it (RFC 3074).
pub(super) fn answered(trace: &Trace) -> HashSet<(Ip, u16)> {
    let is_of = |c: &Connection| c.progress.response && c.front.server.1 == SERVER;
    trace.iter().filter(|(_, c)| is_of(c)).map(|(_, c)| c.front.client).collect()
}

/// Whether a relay asks a server on and on, by its own capture, and has no answer of any server.
pub(super) fn in_vain(trace: &Trace, pace: &Pace, id: ConnectionId) -> bool {
    let c = trace.connection(id);
    let (client, server) = (c.front.client, c.front.server);
    if !c.protocol.is_udp() || server.1 != SERVER || client.1 != SERVER || c.progress.response {
        return false;
    }
    let asks_on =
        |there: &Flow| there.packets >= QUESTIONS && there.last.since(there.first) >= ASKS_ON_NS;
    let own = trace.host_by_ip(client.0);
    let here = trace.legs(id).iter().any(|leg| {
        let vantage = trace.vantage(leg);
        own.is_some()
            && trace.host_of(leg) == own
            && vantage.shows.both_ways
            && asks_on(trace.forward(leg))
    });
    here && !pace.is_leased(trace, client)
}

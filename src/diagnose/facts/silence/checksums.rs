//! SYNs that arrive at their real server with a wrong checksum, or in a tunnel whose own is
//! wrong.

use crate::correlate::Leg;
use crate::diagnose::Facts;
use crate::flow::{Hop, Sums};
use crate::topology::Mode;
use crate::trace::{ConnectionId, Trace};

/// The leg at which an unanswered connection's repeated SYNs arrive at the real server,
/// all of them with a wrong checksum.
pub(in crate::diagnose) fn spoilt(trace: &Trace, id: ConnectionId) -> Option<(&Leg, &Sums)> {
    let c = trace.connection(id);
    if !c.protocol.is_tcp() || c.progress.answered || c.progress.syns < 2 {
        return None;
    }
    let balanced = Mode::LAYER_4.contains(&trace.service(id).mode);
    let server = trace.server(id).and_then(|server| server.host);
    // Where no balancer shows, the host that takes them in and sends them nowhere.
    let ends = |leg: &&Leg| match balanced {
        true => server.is_some() && trace.host_of(leg) == server,
        false => (trace.host_of(leg).is_some() || no_macs(trace, leg)) && c.back.is_none(),
    };
    trace.legs(id).iter().filter(ends).find_map(|leg| {
        let vantage = trace.vantage(leg);
        // Without hardware addresses: what somebody passed on was sent by no card that sums later.
        let untold = trace.host_of(leg).is_none();
        let passed_on =
            |hop: &Hop| untold && hop.known_ttl().is_some() && !crate::topology::is_origin(hop);
        let arrived = |hop: &Hop| vantage.own.arrived(hop) == Some(true) || passed_on(hop);
        let there = trace.forward(leg);
        if !balanced
            && !untold
            && vantage.path(there).any(|(_, hop)| vantage.own.sent(hop) != Some(false))
        {
            return None;
        }
        let mut sums = vantage.sums_of(there);
        let (_, sums) = sums.find(|(hop, sums)| arrived(hop) && sums.wrong > 0)?;
        (sums.taken == 0).then_some((leg, sums))
    })
}

/// Whether a text shows a leg that prints no hardware addresses.
fn no_macs(trace: &Trace, leg: &Leg) -> bool {
    trace.vantage(leg).tally.without_macs > 0
}

/// A leg whose repeated SYNs are in a datagram of a tunnel with a wrong checksum.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct OuterWrong<'a> {
    pub leg: &'a Leg,
    pub sums: &'a Sums,
    /// The capture is its receiver's. A sender's shows a sum before the network card made
    /// one, but that would be the pseudo-header's.
    pub arrived: bool,
}

/// Where the repeated SYNs of a connection that stands late, or not at all, are in a tunnel
/// whose checksum is wrong: all of them, or all up to the one that was answered.
pub(in crate::diagnose) fn outer_wrong<'a>(
    facts: &'a Facts<'_>,
    id: ConnectionId,
) -> Option<OuterWrong<'a>> {
    let c = facts.connection(id);
    if !c.protocol.is_tcp() || c.progress.syns < 2 || !facts.breaks.fate(id).is_harm() {
        return None;
    }
    let mut found: Option<OuterWrong<'_>> = None;
    for leg in facts.legs(id) {
        let vantage = facts.vantage(leg);
        for (hop, sums) in vantage.sums_of(facts.forward(leg)) {
            let arrived = vantage.own.arrived(hop) == Some(true);
            // The one that was answered is the last.
            let spoils = sums.outer_wrong > 0
                && if c.progress.answered { sums.outer_taken <= 1 } else { sums.outer_taken == 0 };
            if spoils && found.is_none_or(|known| arrived && !known.arrived) {
                found = Some(OuterWrong { leg, sums, arrived });
            }
        }
    }
    found
}

//! SYNs that arrive at their real server with a wrong checksum.

use crate::correlate::Leg;
use crate::flow::Sums;
use crate::topology::Mode;
use crate::trace::{ConnectionId, Trace};

pub(in crate::diagnose) const MODES: [Mode; 4] = [Mode::Nat, Mode::Dr, Mode::Tun, Mode::FullNat];

/// The leg at which an unanswered connection's repeated SYNs arrive at the real server,
/// all of them with a wrong checksum.
pub(in crate::diagnose) fn spoilt(trace: &Trace, id: ConnectionId) -> Option<(&Leg, &Sums)> {
    let c = trace.connection(id);
    if !c.protocol.is_tcp()
        || c.progress.answered
        || c.progress.syns < 2
        || !MODES.contains(&trace.service(id).mode)
    {
        return None;
    }
    let server = trace.server(id)?.host?;
    trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(server)).find_map(|leg| {
        let vantage = trace.vantage(leg);
        let mut sums = vantage.sums_of(trace.forward(leg));
        let arrived = |hop: &crate::flow::Hop| vantage.own.arrived(hop) == Some(true);
        let (_, sums) = sums.find(|(hop, sums)| arrived(hop) && sums.wrong > 0)?;
        (sums.taken == 0).then_some((leg, sums))
    })
}

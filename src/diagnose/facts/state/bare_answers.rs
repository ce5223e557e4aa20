//! How real servers answer SYNs that offer TCP options.

use crate::correlate::Leg;
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};

/// How one server answered SYNs that offered options.
#[derive(Debug, Default)]
pub(in crate::diagnose) struct Answers {
    pub kept: usize,
    pub stripped: Vec<(ConnectionId, Leg)>,
}

/// The server, where its SYN-ACK is seen with the SYN that it answers, and whether it has
/// any of the options that the SYN offered. At the server itself where that was captured: elsewhere somebody
/// between may have taken them out ([`sent_itself`]).
pub(in crate::diagnose) fn answer(trace: &Trace, id: ConnectionId) -> Option<(HostId, Leg, bool)> {
    let host = trace.server(id)?.host?;
    let shows = |leg: &&Leg| trace.forward(leg).opened() && trace.reply(leg).accepted();
    let own = trace.back_legs(id).find(|leg| trace.host_of(leg) == Some(host));
    let leg = own.or_else(|| trace.legs(id).iter().find(shows))?;
    let (asked, said) = (&trace.forward(leg).shape, &trace.reply(leg).shape);
    let offered = asked.window_scale > 0 && asked.sack() && !asked.cut();
    if !offered || said.cut() || !trace.reply(leg).accepted() || said.mss == 0 {
        return None;
    }
    Some((host, *leg, said.window_scale > 0 || said.sack() || said.stamped()))
}

/// Whether a SYN-ACK was seen on the host that sends it.
pub(in crate::diagnose) fn sent_itself(trace: &Trace, host: HostId, leg: &Leg) -> bool {
    trace.host_of(leg) == Some(host)
}

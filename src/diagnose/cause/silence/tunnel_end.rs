//! What a real server's own capture shows of the end of a balancer's tunnel.

use crate::capture::LinkType;
use crate::correlate::Leg;
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};

/// The leg at a host on which a connection's packets arrive in the tunnel.
pub(in crate::diagnose) fn wrapped(trace: &Trace, id: ConnectionId, host: HostId) -> Option<&Leg> {
    legs(trace, id, host).find(|leg| leg.of(&trace.vantages).key.is_forwarded())
}

/// The leg at a host on which they come out of it: the tunnel's own interface.
pub(in crate::diagnose) fn opened(trace: &Trace, id: ConnectionId, host: HostId) -> Option<&Leg> {
    wrapped(trace, id, host)?;
    legs(trace, id, host).find(|leg| {
        let comes = |flow| trace.path(leg, flow).any(|(_, hop)| hop.is_inbound() == Some(true));
        !leg.of(&trace.vantages).key.is_forwarded() && comes(trace.forward(leg))
    })
}

/// Whether packets that arrive in the tunnel do not come out of it, by a capture of
/// all interfaces.
pub(in crate::diagnose) fn stays_closed(trace: &Trace, id: ConnectionId, host: HostId) -> bool {
    wrapped(trace, id, host).is_some_and(|leg| {
        let link_type = trace.vantage(leg).link_type;
        matches!(link_type, LinkType::LINUX_SLL | LinkType::LINUX_SLL2)
            && opened(trace, id, host).is_none()
    })
}

fn legs(trace: &Trace, id: ConnectionId, host: HostId) -> impl Iterator<Item = &Leg> {
    let at_host = move |leg: &&Leg| trace.host_of(leg) == Some(host);
    trace.legs(id).iter().filter(at_host).filter(|leg| trace.forward(leg).seen())
}

//! SYN-ACKs that a client resets as unknown, seen at the server alone: the client repeats the
//! very SYN that they answer, so it called somebody else.

use crate::correlate::Leg;
use crate::flow::{Hop, Reset};
use crate::topology::Mode;
use crate::trace::{ConnectionId, Trace};
use crate::wire::Mac;

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Denied {
    /// The connection.
    pub id: ConnectionId,
    /// Where that shows.
    pub leg: Leg,
    /// Who sent the SYN.
    pub came: Mac,
    /// To whom the SYN-ACK left, or who brought the reset.
    pub left: Mac,
    /// That is the client itself.
    pub direct: bool,
}

/// All of a trace whose answers leave for somebody else than the SYN came from.
pub(in crate::diagnose) fn all(trace: &Trace) -> Vec<Denied> {
    trace.requests().filter_map(|(id, _)| denied(trace, id)).collect()
}

fn denied(trace: &Trace, id: ConnectionId) -> Option<Denied> {
    let c = trace.connection(id);
    let alone = c.back.is_none() && trace.service(id).mode == Mode::Unknown;
    // The same SYN again, after the reset: the client still waits for somebody's answer.
    if !alone || !c.protocol.is_tcp() || c.progress.established || c.progress.syns < 2 {
        return None;
    }
    trace.legs(id).iter().find_map(|leg| {
        let own = &trace.vantage(leg).own;
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        if there.reset != Reset::NoSocket || !back.accepted() || there.flags.fin() {
            return None;
        }
        let arrived = |hop: &Hop| own.arrived(hop) == Some(true);
        let (syns, _): (Vec<_>, Vec<_>) =
            trace.path(leg, there).partition(|(link, hop)| link.syns > 0 && arrived(hop));
        let came = syns.first()?.1.link.src?;
        let mut out = trace.path(leg, back).filter(|(link, _)| link.syns > 0);
        let (_, left) = out.find(|(_, hop)| own.sent(hop) == Some(true))?;
        let brought = trace
            .path(leg, there)
            .find(|(link, hop)| link.syns == 0 && arrived(hop))
            .and_then(|(_, hop)| hop.link.src);
        let left = left.link.dst.or(brought)?;
        let again = there.rst.frame() < there.last.frame();
        let client = trace.host_by_ip(c.front.client.0);
        let direct = client.is_some() && client == trace.host_by_mac(Some(left));
        (left != came && again).then_some(Denied { id, leg: *leg, came, left, direct })
    })
}

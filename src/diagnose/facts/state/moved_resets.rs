//! Resets by whoever took a virtual address over, seen where no director shows: the client's
//! packets went to one MAC, then to another that had announced the address, and that one
//! knows the connection not.

use crate::correlate::Leg;
use crate::flow::{Claim, Mark, Reset};
use crate::topology::{Mode, is_origin};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Mac;

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct MovedReset {
    /// The connection.
    pub id: ConnectionId,
    /// Where it is seen.
    pub leg: Leg,
    /// Whom it went to before.
    pub old: Mac,
    /// Who announced the address, and resets.
    pub new: Mac,
    /// The announcement.
    pub announced: Mark,
}

/// All of a trace.
pub(in crate::diagnose) fn all(trace: &Trace) -> Vec<MovedReset> {
    let lost = trace.requests().filter(|(id, c)| {
        c.protocol.is_tcp()
            && c.progress.no_socket
            && c.progress.established
            && trace.service(*id).mode == Mode::Unknown
    });
    lost.filter_map(|(id, _)| judge(trace, id)).collect()
}

fn judge(trace: &Trace, id: ConnectionId) -> Option<MovedReset> {
    let vip = trace.connection(id).front.server.0;
    trace.legs(id).iter().find_map(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        if back.reset != Reset::NoSocket || there.fin.is_set() || back.fin.is_set() {
            return None;
        }
        let sender = trace
            .path(leg, back)
            .find(|(link, _)| (link.first.frame()..=link.last.frame()).contains(&back.rst.frame()));
        let new = sender.filter(|(_, hop)| is_origin(hop)).and_then(|(_, hop)| hop.link.src)?;
        let old = trace
            .path(leg, there)
            .filter_map(|(_, hop)| hop.link.dst)
            .find(|mac| *mac != new && !mac.is_vrrp())?;
        let bindings = trace.vantage(leg).neighbors.bindings.iter();
        let told = bindings.filter(|b| (b.ip, b.mac, b.claim) == (vip, new, Claim::Announcement));
        let announced = told
            .map(|b| b.first)
            .find(|mark| mark.frame() > there.first.frame() && mark.frame() < back.rst.frame())?;
        Some(MovedReset { id, leg: *leg, old, new, announced })
    })
}

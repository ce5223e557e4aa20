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
    /// Its TTL is not one that a stack begins with: it comes from behind that MAC.
    pub behind: bool,
    /// Both announced the address, the old one after the new one had: it goes to and fro.
    pub to_and_fro: bool,
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
        let (_, hop) = sender?;
        let (new, behind) = (hop.link.src?, !is_origin(hop));
        let old = trace
            .path(leg, there)
            .filter_map(|(_, hop)| hop.link.dst)
            .find(|mac| *mac != new && !mac.is_vrrp())?;
        let bindings = &trace.vantage(leg).neighbors.bindings;
        let told = |mac: Mac| {
            let mut own = bindings.iter().filter(move |b| (b.ip, b.mac) == (vip, mac));
            own.find(|b| b.claim == Claim::Announcement)
        };
        let by_new = told(new).filter(|b| b.first.frame() < back.rst.frame())?;
        let to_and_fro = told(old).is_some_and(|b| b.last.frame() > by_new.first.frame());
        // Who had announced it before the connection began has it again only if another had it meanwhile.
        let anew = by_new.first.frame() > there.first.frame() || to_and_fro;
        let announced = by_new.first;
        anew.then_some(MovedReset { id, leg: *leg, old, new, announced, behind, to_and_fro })
    })
}

//! Hosts that refuse a connection themselves, by their own capture: the SYN comes in, or
//! runs over lo, is sent on to nobody, and the reset is their own.
//!
//! This needs no forwarding mode. It tells a host that has an address which another was to
//! serve from one that merely passes on what others refuse.

use crate::correlate::Leg;
use crate::flow::{Hop, Reset};
use crate::topology::{HostId, is_origin};
use crate::trace::{ConnectionId, Trace};

/// The host that refused a connection itself, and the leg that shows it.
pub(in crate::diagnose) fn refuser(trace: &Trace, id: ConnectionId) -> Option<(HostId, &Leg)> {
    let refused = |leg: &&Leg| trace.reply(leg).reset == Reset::Refused;
    trace.legs(id).iter().filter(refused).find_map(|leg| {
        let host = trace.host_of(leg)?;
        let own = &trace.vantage(leg).own;
        let over_lo = |hop: &Hop| hop.link.is_loopback();
        let sent = |hop: &Hop| own.sent(hop) == Some(true);
        // Whoever sends the SYN on, or had the reset from somebody, only passes it.
        let kept = trace.path(leg, trace.forward(leg)).all(|(_, h)| over_lo(h) || !sent(h));
        let mut made = trace.path(leg, trace.reply(leg)).peekable();
        let whole = made.peek().is_some();
        let its = whole && made.all(|(_, h)| over_lo(h) || sent(h) && is_origin(h));
        (kept && its).then_some((host, leg))
    })
}

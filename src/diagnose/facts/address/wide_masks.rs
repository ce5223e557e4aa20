//! Real servers that take clients in the VIP's subnet for themselves.
//!
//! Two signs, both at the real server's own capture: its SYN-ACK to a host that is not it
//! goes over lo; or the clients that share a prefix with the VIP are those that get nothing,
//! and no other.

use crate::correlate::Leg;
use crate::diagnose::facts::shared_bits;
use crate::diagnose::facts::silence::quiet::is_quiet;
use crate::diagnose::thresholds::{PAIR, SILENCES_MIN_SYNS};
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};

/// Whether a connection's packets reached its real server, by that one's capture.
pub(in crate::diagnose) fn delivered(trace: &Trace, id: ConnectionId) -> bool {
    trace.server(id).and_then(|s| s.host).is_some_and(|host| trace.delivered(id, host))
}

/// A real server that takes clients for itself.
pub(in crate::diagnose) struct Wide {
    pub host: HostId,
    pub ids: Vec<ConnectionId>,
    /// Its answers were seen on lo.
    pub over_lo: bool,
    /// Leading bits that all these clients share with the VIP.
    pub bits: u32,
}

impl Wide {
    pub fn new(trace: &Trace, host: HostId, ids: Vec<ConnectionId>, over_lo: bool) -> Option<Self> {
        let bits = ids.iter().map(|id| bits(trace, *id)).min()?;
        Some(Self { host, ids, over_lo, bits })
    }
}

/// Leading bits that a connection's client shares with its VIP.
fn bits(trace: &Trace, id: ConnectionId) -> u32 {
    let front = trace.connection(id).front;
    shared_bits(front.client.0, front.server.0)
}

/// The leg at a host where a SYN came from the wire and its answer went over lo.
pub(in crate::diagnose) fn lo_leg(trace: &Trace, id: ConnectionId, host: HostId) -> Option<&Leg> {
    let client = trace.connection(id).front.client.0;
    if trace.host_by_ip(client) == Some(host) {
        return None;
    }
    let at_host = || trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(host));
    let came = at_host().any(|leg| {
        let own = &trace.vantage(leg).own;
        trace.path(leg, trace.forward(leg)).any(|(_, hop)| own.arrived(hop) == Some(true))
    });
    at_host().find(|leg| {
        let back = trace.reply(leg);
        let mut path = trace.path(leg, back).peekable();
        came && back.accepted()
            && path.peek().is_some()
            && path.all(|(_, hop)| hop.link.is_loopback())
    })
}

/// Answers that a host sent to itself.
pub(in crate::diagnose) fn looped(
    trace: &Trace,
    host: HostId,
    ids: &[ConnectionId],
) -> Option<Wide> {
    let hit = ids.iter().copied().filter(|id| lo_leg(trace, *id, host).is_some());
    Wide::new(trace, host, hit.collect(), true)
}

/// Silence towards all clients near the VIP's address, and towards no other.
pub(in crate::diagnose) fn near(trace: &Trace, host: HostId, ids: &[ConnectionId]) -> Option<Wide> {
    let (silent, others): (Vec<ConnectionId>, Vec<ConnectionId>) = ids
        .iter()
        .copied()
        .filter(|id| trace.delivered(*id, host))
        .partition(|id| is_quiet(trace, *id, host));
    let answered =
        || others.iter().filter(|id| trace.connection(**id).progress.established).copied();
    let syns: u32 = silent.iter().map(|id| u32::from(trace.connection(*id).progress.syns)).sum();
    let wide = Wide::new(trace, host, silent, false)?;
    let outside = answered().all(|id| bits(trace, id) < wide.bits);
    let v4 = trace.connection(wide.ids[0]).front.server.0.is_v4();
    // A shorter mask than these is nobody's subnet.
    let is_subnet = wide.bits >= if v4 { 16 } else { 48 };
    (answered().count() >= PAIR && outside && is_subnet && syns >= SILENCES_MIN_SYNS)
        .then_some(wide)
}

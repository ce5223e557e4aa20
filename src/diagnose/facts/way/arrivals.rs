//! Connections as their real server's own capture shows them arrive: what causes of
//! silence that is partial have in common.

use crate::correlate::Connection;
use crate::diagnose::thresholds::TRANSMISSIONS;
use crate::flow::{Mark, VantageId};
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, seq_gt};

/// A connection as one capture of its real server shows it.
pub(in crate::diagnose) struct Arrived {
    pub id: ConnectionId,
    pub vantage: VantageId,
    pub capture: usize,
    /// Its source, as the server sees it.
    pub source: Ip,
    pub syn: Mark,
    pub last_syn: Mark,
    pub syns: u16,
    /// TSval of the SYN (RFC 7323).
    pub tsval: Option<u32>,
    /// Anything was sent back.
    pub replied: bool,
    /// First SYN-ACK; not set without one.
    pub accepted: Mark,
    /// First payload of the client, where the server's kernel acknowledged it.
    pub request: Mark,
    /// First payload of the server.
    pub response: Mark,
    /// First reset of either side.
    pub reset: Mark,
    /// First FIN of the server, and of the client.
    pub fins: (Mark, Mark),
    /// Last frame of the client.
    pub last: Mark,
}

/// How a connection arrived at a host, by that host's own capture; `None` where no SYN of
/// it did, or the capture shows one direction alone.
pub(in crate::diagnose) fn arrived(
    trace: &Trace,
    id: ConnectionId,
    host: HostId,
) -> Option<Arrived> {
    let mut found: Option<Arrived> = None;
    // In a tunnel one direction is a stream of its own.
    for leg in trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(host)) {
        let vantage = trace.vantage(leg);
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let came = trace.path(leg, there).find(|(link, hop)| {
            link.syns > 0 && there.opened() && vantage.own.arrived(hop) == Some(true)
        });
        if found.is_none()
            && let Some((link, _)) = came.filter(|_| vantage.shows.both_ways)
        {
            found = Some(Arrived {
                id,
                vantage: leg.vantage,
                capture: vantage.capture,
                source: leg.of(&trace.vantages).key.ip(leg.client),
                syn: link.first,
                last_syn: link.last,
                syns: link.syns,
                tsval: there.shape.stamped().then_some(there.shape.tsval),
                replied: false,
                accepted: Mark::NONE,
                request: Mark::NONE,
                response: Mark::NONE,
                reset: Mark::NONE,
                fins: (Mark::NONE, Mark::NONE),
                last: there.last,
            });
        }
        let Some(found) = found.as_mut().filter(|f| f.capture == vantage.capture) else { continue };
        found.replied |= back.seen();
        if back.accepted() {
            found.accepted.set_once(back.syn);
        }
        if there.data.is_set() && seq_gt(back.max_ack, there.isn.wrapping_add(1)) {
            found.request.set_once(there.data);
        }
        found.response.set_once(back.data);
        found.reset.set_once(there.rst);
        found.reset.set_once(back.rst);
        found.fins.0.set_once(back.fin);
        found.fins.1.set_once(there.fin);
    }
    found
}

/// What any vantage shows does not speak against SYNs that got nothing.
pub(in crate::diagnose) fn may_be_silent(c: &Connection) -> bool {
    c.outcome.failed() && !c.progress.established && c.progress.syns >= TRANSMISSIONS
}

impl Arrived {
    /// Its SYNs got nothing.
    pub fn is_silent(&self, trace: &Trace) -> bool {
        let c = trace.connection(self.id);
        may_be_silent(c)
            && !self.replied
            && self.syns >= TRANSMISSIONS
            && trace.errors_of(self.id).next().is_none()
            && !trace.is_self_access(c)
    }
}

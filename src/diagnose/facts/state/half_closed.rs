//! Connections that a client closed on its side and that a director forgot then.

use crate::correlate::Leg;
use crate::diagnose::facts::way::passages::passage;
use crate::diagnose::thresholds::DR_HALF_CLOSE_120S_LEAST_NS;
use crate::flow::Reset;
use crate::topology::{HostId, is_origin};
use crate::trace::{At, ConnectionId, Trace};

/// A half-closed connection that a director forgot.
pub(in crate::diagnose) struct HalfClosed<'a> {
    pub id: ConnectionId,
    pub host: HostId,
    pub leg: &'a Leg,
    /// The last packet that it sent on.
    pub out: At,
    /// From that to the segment that it reset, nanoseconds.
    pub silent_ns: i64,
}

/// Whether a director reset what it had forgotten after the client's FIN.
pub(in crate::diagnose) fn forgot(trace: &Trace, id: ConnectionId) -> Option<HalfClosed<'_>> {
    trace.service(id).directors.iter().find_map(|d| {
        let mut legs = trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(d.host));
        let leg = legs.find(|leg| leg.tuple == 0)?;
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let own = &trace.vantage(leg).own;
        let by_it = |hop: &crate::flow::Hop| own.sent(hop) == Some(true) && is_origin(hop);
        let reset = back.reset == Reset::NoSocket
            && trace.path(leg, back).any(|(link, hop)| link.first == back.rst && by_it(hop));
        let (fin, trigger) = (there.fin.get()?, back.rst_answers.get()?);
        if !reset || fin.frame() >= trigger.frame() {
            return None;
        }
        let out = passage(trace, id, d.host)?.last_out(trace, id)?;
        let silent_ns = trace.time(trace.at(leg, trigger)).0 - trace.time(out).0;
        (silent_ns >= DR_HALF_CLOSE_120S_LEAST_NS).then_some(HalfClosed {
            id,
            host: d.host,
            leg,
            out,
            silent_ns,
        })
    })
}

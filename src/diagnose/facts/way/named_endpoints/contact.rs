//! Where a client of SIP says that it is to be called (Contact of a REGISTER), and calls that go there in vain.
//!
//! A phone behind NAT names the address that it has itself. Who registers it is to call it where the REGISTER came
//! from (RFC 5626, section 5.3); one that calls the Contact instead gets no answer.

use super::{Channel, Ends, Named, own_address};
use crate::breaks::Fate;
use crate::correlate::{Connection, Leg};
use crate::flow::Spoken;
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, Protocol};

/// A Contact that nobody reaches.
pub(super) fn contact(
    trace: &Trace,
    fate: impl Fn(ConnectionId) -> Fate,
    ends: &Ends,
    (id, c): (ConnectionId, &Connection),
    (leg, spoken): (&Leg, &Spoken),
    (ip, port): (Ip, u16),
) -> Option<Named> {
    let own = own_address(c, leg, spoken);
    if spoken.side != leg.client || ip == own || !c.progress.response {
        return None;
    }
    let at = trace.at(leg, spoken.mark);
    let server = c.back.unwrap_or(c.front).server.0;
    let calls = ends.dialled(trace, (Protocol::UDP, (ip, port)), at);
    let from_there = |id: &ConnectionId| {
        let o = trace.connection(*id);
        o.front.client.0 == server && o.front.server == (ip, port)
    };
    let there: Vec<ConnectionId> = calls.filter(from_there).collect();
    let in_vain = !there.is_empty() && there.iter().all(|id| fate(*id) == Fate::Failed);
    in_vain.then_some(Named {
        control: id,
        leg: *leg,
        at,
        channel: Channel::Contact,
        ip: Some(ip),
        port,
        elsewhere: true,
        there,
    })
}

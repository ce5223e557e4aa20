//! Where a session description of SIP wants its media, and media that go there in vain.
//!
//! A description is written by a host that need not know by which address others reach it. Who answers media
//! to where they come from (symmetric RTP, RFC 4961) mends that, so something must have gone to the address
//! that was named, for long, and nothing may have come back.

use super::{Channel, Ends, Named, is_private, own_address};
use crate::correlate::{Connection, Leg};
use crate::flow::Spoken;
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, Protocol};

/// Bytes that went there at least: some half a second of speech (G.711, RFC 3551, section 4.5.14).
const ENOUGH: u64 = 4_000;

/// An address for media that nobody reaches.
pub(super) fn media(
    trace: &Trace,
    ends: &Ends,
    (id, c): (ConnectionId, &Connection),
    (leg, spoken): (&Leg, &Spoken),
    (ip, port): (Ip, u16),
) -> Option<Named> {
    let own = own_address(c, leg, spoken);
    if ip == own {
        return None;
    }
    let at = trace.at(leg, spoken.mark);
    let dialled = ends.dialled(trace, (Protocol::UDP, (ip, port)), at);
    let there: Vec<ConnectionId> =
        dialled.filter(|id| is_in_vain(trace, *id, (ip, port))).collect();
    if there.is_empty() {
        return None;
    }
    // By the address alone: who can be called may be reached by media, too, and be silent by choice.
    let hidden = is_private(ip) && !is_private(own);
    let told = || there.iter().any(|id| trace.errors_of(*id).next().is_some());
    (hidden || told()).then_some(Named {
        control: id,
        leg: *leg,
        at,
        channel: Channel::Media,
        ip: Some(ip),
        port,
        elsewhere: true,
        there,
    })
}

/// Whether datagrams went to an endpoint for long, and none came from it.
fn is_in_vain(trace: &Trace, id: ConnectionId, end: (Ip, u16)) -> bool {
    let front = trace.connection(id).front;
    let to_server = front.server == end;
    let (mut sent, mut back) = (0, 0);
    for leg in trace.legs(id) {
        let (there, reply) = (trace.forward(leg), trace.reply(leg));
        let (to, from) = if to_server { (there, reply) } else { (reply, there) };
        sent = sent.max(to.payload);
        back = back.max(from.payload);
    }
    sent >= ENOUGH && back == 0
}

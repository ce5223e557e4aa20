//! Resets without ACK that answer SYNs: a client in SYN-SENT drops them (RFC 9293, section 3.10.7.3).

use crate::trace::{At, ConnectionId, Trace};
use crate::wire::TcpFlags;

/// The first of them, where nothing else comes back for a connection.
pub(in crate::diagnose) fn unheeded_reset(trace: &Trace, id: ConnectionId) -> Option<At> {
    let mut legs = trace.legs(id).iter();
    legs.find_map(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let alone = back.rst.is_set() && back.flags.0 == TcpFlags::RST;
        (there.opened() && !there.ack.is_set() && alone).then_some(trace.at(leg, back.rst))
    })
}

//! SYN-ACKs that reach a client and are reset by it, where the frames themselves say why.

use crate::breaks::{Break, Manner, Packet};
use crate::correlate::Leg;
use crate::diagnose::thresholds::HANDSHAKE_LATE_NS;
use crate::flow::IcmpErrorKind;
use crate::trace::{ConnectionId, Trace};

/// Why a SYN-ACK was not heeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) enum Unheeded {
    /// It acknowledges a number that the SYN did not have: a device changed one of the two.
    Number {
        /// That of the SYN.
        sent: u32,
        /// What should be one more.
        acknowledged: u32,
    },
    /// It came so long after the only SYN, nanoseconds: the client had given up.
    Late(i64),
}

/// What the frames of a connection say, on the leg that shows it.
pub(in crate::diagnose) fn of(trace: &Trace, id: ConnectionId) -> Option<(&Leg, Unheeded)> {
    trace.legs(id).iter().find_map(|leg| {
        let (there, back) = (trace.forward(leg), trace.reply(leg));
        let reset = there.opened() && back.accepted() && there.rst.is_set() && !there.ack.is_set();
        if !reset || there.counted || back.counted {
            return None;
        }
        let (sent, acknowledged) = (there.isn, back.max_ack);
        // One SYN, or the same again: of several none is the one that is answered.
        if there.isns <= 1 && acknowledged != 0 && acknowledged != sent.wrapping_add(1) {
            return Some((leg, Unheeded::Number { sent, acknowledged }));
        }
        let ns = back.syn.since(there.syn);
        (there.syns <= 1 && ns >= HANDSHAKE_LATE_NS).then_some((leg, Unheeded::Late(ns)))
    })
}

/// The TTL with which a server's SYN-ACK left its own host, where a router says that it was used up.
pub(in crate::diagnose) fn used_up(trace: &Trace, broken: &Break) -> Option<u8> {
    let (id, turned_back) = (broken.connection, broken.manner == Manner::Rejected);
    if broken.packet != Packet::SynAck || !turned_back {
        return None;
    }
    trace.errors_of(id).find(|(_, e)| e.kind == IcmpErrorKind::TimeExceeded)?;
    broken.last.map(|last| last.ttl).filter(|ttl| *ttl > 0)
}

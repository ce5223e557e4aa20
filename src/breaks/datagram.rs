//! Datagrams that ask: UDP has no handshake, so an answer is one only where such a
//! question has any.

use super::fate::{Judged, at_the_end};
use super::handshake::rejected;
use super::journey::silence;
use super::{Break, Fate, Manner, Pace, Packet};
use crate::trace::{ConnectionId, Trace};

/// Judges an exchange of datagrams.
pub(super) fn judge(trace: &Trace, pace: &Pace, id: ConnectionId) -> Judged {
    let p = trace.connection(id).progress;
    if p.response {
        return Judged::Well;
    }
    let (manner, last) = silence(trace, id, Packet::Datagram);
    let cost_ns = match (trace.start(id), trace.end(id)) {
        (Some(a), Some(b)) => trace.time(b).0.saturating_sub(trace.time(a).0),
        _ => 0,
    };
    let harm = |manner| {
        let packet = Packet::Datagram;
        let broken = Break { connection: id, packet, manner, last, next: None, cost_ns };
        Judged::Harm(Fate::Failed, broken)
    };
    if rejected(trace, id) {
        return harm(Manner::Rejected);
    }
    let shown = trace.legs(id).iter().any(|leg| trace.vantage(leg).shows.both_ways);
    if !p.request || !shown || at_the_end(trace, id) {
        return Judged::Untold;
    }
    // Others are answered there, so this one should have been.
    if pace.answers(trace.service_of(id)) { harm(manner) } else { Judged::Untold }
}

//! Kinds of segments that a capture's filter left out: `tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0` keeps how
//! connections begin and end, and a filter on payload what was said.

use super::{Observations, Stream, Tally};
use crate::capture::Timestamp;

/// Streams that show it: one may be a capture's own loss.
const STREAMS: usize = 2;
/// Segments that all carry bytes, none of which opens or resets: one more acknowledges what came.
const SEGMENTS: u64 = 4;
/// After this a server whose SYN-ACK was not acknowledged has sent it again: the initial retransmission time-out (RFC
/// 6298, section 2) and half of it, nanoseconds.
const SETTLED_NS: i64 = 1_500_000_000;
/// Bytes that came are acknowledged within this (RFC 9293, section 3.8.6.3), nanoseconds.
const DELAYED_ACK_NS: i64 = 500_000_000;

/// Captures of one incident are taken with one filter: what one is known to have left out, others that have none of it
/// left out too.
pub(crate) fn settle(vantages: &mut [Observations]) {
    if vantages.iter().all(|vantage| vantage.shows.acks) {
        return;
    }
    for vantage in vantages.iter_mut() {
        vantage.shows.acks &= vantage.tally.pure_acks > 0 || vantage.tally.tcp == 0;
    }
}

/// Whether segments that only acknowledge are in a capture, or none was due: each handshake has one, and so has each
/// last FIN.
pub(super) fn has_acks(streams: &[Stream], tally: &Tally, end: Timestamp) -> bool {
    if tally.pure_acks > 0 || tally.tcp == 0 {
        return true;
    }
    let tcp = || streams.iter().filter(|stream| stream.key.protocol.is_tcp());
    let says_only = |s: &Stream| s.flows.iter().all(|f| !f.flags.syn() && !f.flags.rst());
    if tally.tcp >= SEGMENTS && tcp().all(says_only) {
        return false;
    }
    let (mut closed, mut settled, mut speaking) = (0, 0, 0);
    for stream in tcp() {
        let [a, b] = &stream.flows;
        let fins = usize::from(a.fin.is_set()) + usize::from(b.fin.is_set());
        // With both FINs, the last of them was acknowledged.
        closed += if stream.has_syn() { fins } else { 0 };
        let quiet_ns = end.0.saturating_sub(stream.last().at().0);
        speaking += usize::from(a.payload > 0 && b.payload > 0 && quiet_ns >= DELAYED_ACK_NS);
        let (opened, accepted) = if a.opened() { (a, b) } else { (b, a) };
        if opened.opened() && accepted.accepted() {
            let once = opened.packets == u32::from(opened.syns)
                && accepted.packets == u32::from(accepted.syns);
            settled += usize::from(
                once && opened.syns == 1 && accepted.syns == 1 && quiet_ns >= SETTLED_NS,
            );
        }
    }
    [closed, settled, speaking].into_iter().all(|streams| streams < STREAMS)
}

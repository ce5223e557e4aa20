//! What a capture's filter left out: `tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0` keeps how connections begin and
//! end, a filter on payload what was said, `-Q in` what comes in.

use super::{Hop, Link, LinkId, Observations, Stream, Tally};
use crate::capture::Timestamp;
use crate::hashed::HashSet;
use crate::wire::{Direction, Mac};

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

/// Whether frames go in one direction alone: nobody who is sent to sends, and yet clients acknowledge what does not show.
pub(super) fn is_one_way(streams: &[Stream], links: &[Link], hops: &[Hop]) -> bool {
    let tcp = || streams.iter().filter(|stream| stream.key.protocol.is_tcp());
    let two_sided = |s: &Stream| s.flows.iter().all(super::Flow::seen);
    // Who forwards shows a packet come and go, whatever MACs it has.
    let forwarded = |s: &Stream| {
        let firsts = s.flows.iter().filter_map(|flow| links.get(flow.link.index()?));
        firsts.into_iter().any(|link| link.next != LinkId::NONE)
    };
    let goes_on = |s: &Stream| s.flows.iter().any(|flow| flow.ack.is_set());
    if streams.iter().any(|s| two_sided(s) || forwarded(s)) || !tcp().any(goes_on) {
        return false;
    }
    let marked = |wanted: Direction| hops.iter().any(|hop| hop.link.direction == wanted);
    if marked(Direction::In) || marked(Direction::Out) {
        return !(marked(Direction::In) && marked(Direction::Out));
    }
    let macs = |of: fn(&Hop) -> Option<Mac>| -> HashSet<Mac> {
        hops.iter().filter_map(of).filter(|mac| mac.is_unicast()).collect()
    };
    let (senders, receivers) = (macs(|hop| hop.link.src), macs(|hop| hop.link.dst));
    !senders.is_empty() && !receivers.is_empty() && senders.is_disjoint(&receivers)
}

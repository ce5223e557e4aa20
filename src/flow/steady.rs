//! Segments that only go on: nearly all of a long stream, and nothing is to be told of them but counts.
//!
//! Such a segment is one of a stream whose handshake was seen, on the first or second link of its flow, with
//! bytes that follow those before it on that link, or none. What it changes is here, in few instructions and two places in memory; what
//! [`Observer::segment`](super::Observer) makes of it is the same, and whatever is not surely such a segment is
//! left to it.

use super::idle::Idles;
use super::{Link, Look, Mark, Side, Stream, hello, sealed, spoken};
use crate::capture::Frame;
use crate::wire::fault;
use crate::wire::{Plain, TcpFlags, seq_gt};

/// Whether control bits neither open nor reset.
#[inline(always)]
fn goes_on(flags: TcpFlags) -> bool {
    flags.0 & (TcpFlags::SYN | TcpFlags::RST | TcpFlags::ACK) == TcpFlags::ACK
}

/// Whether options may name a client; no segment with options that do not fit is taken in.
fn may_name_client(frame: &Frame<'_>) -> bool {
    let tcp = Plain::of(frame).and_then(|plain| plain.segment.tcp());
    tcp.is_none_or(|tcp| tcp.may_name_client())
}

/// Takes in a segment of a side of a stream that passed on a link, not as its first, where it only goes
/// on, and tells whether it may say words that are kept ([`spoken`]). `None`: it was not taken in.
#[inline(always)]
pub(super) fn take(
    stream: &mut Stream,
    link: &mut Link,
    mark: Mark,
    frame: &Frame<'_>,
    look: &Look,
) -> Option<bool> {
    let (flags, payload) = (look.flags, u32::from(look.payload));
    let plainly = goes_on(flags) && look.window != 0 && !look.sacks;
    if !plainly || !stream.has_syn() || Idles::ended_by(mark, stream) {
        return None;
    }
    let [a, b] = &mut stream.flows;
    let (flow, back) = if look.side == Side::A { (a, &*b) } else { (b, &*a) };
    let begins = flow.payload == 0 && payload > 0;
    if flow.packets == 0 || begins || flow.counted || flow.closed || back.closed {
        return None;
    }
    if flow.payload <= hello::BEFORE && look.first.is_some_and(hello::begins) {
        return None;
    }
    let (from, fin) = (look.seq, flags.fin());
    let taken = payload + u32::from(fin);
    let end = from.wrapping_add(taken);
    if taken > 0 && !link.continues(from, end) || !flow.acked && may_name_client(frame) {
        return None;
    }
    link.go_on(mark, look.id, end, taken > 0);
    flow.packets += 1;
    flow.last = mark;
    flow.flags.0 |= flags.0;
    flow.ack_seen(mark);
    let ack = look.ack;
    flow.time(mark, ack, back);
    if seq_gt(end, flow.end_seq) {
        flow.payload += u64::from(payload);
        flow.end_seq = end;
    }
    if fin {
        flow.fin.set_once(mark);
    }
    if flow.max_ack == 0 || seq_gt(ack, flow.max_ack) {
        flow.max_ack = ack;
    }
    flow.last_ack = ack;
    let may_say = |first| {
        spoken::begins(first) || sealed::may_be(first, payload) || fault::may_be(first, payload)
    };
    Some(look.first.is_some_and(may_say))
}

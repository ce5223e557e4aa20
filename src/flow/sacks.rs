//! Selective acknowledgments of bytes that nobody sent: who gets them drops them, and learns of no gap.
//!
//! A SACK block lies between what is acknowledged and the last byte that was sent, or, as a report of bytes that came
//! twice, below the former (RFC 2018, section 3; RFC 2883, section 4): nowhere before the first byte, and not far beyond
//! the last. Looked at are segments without payload that have room for a block, where the other side's SYN was seen.

use super::{Mark, Side, Stream, StreamId};
use crate::wire::Tcp;
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// Sides of streams that are kept.
const MAX_SIDES: usize = 1 << 12;
/// So far before the first byte or beyond the last that was seen nothing lies that a capture lacks: sequence numbers
/// that were drawn anew are as near as that once in 32 times.
const FAR: u32 = 1 << 26;

/// What one side acknowledges that was never sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct StrangeSacks {
    /// Segments that do so.
    pub count: u32,
    /// The first of them.
    pub first: Mark,
    /// The sequence number with which its first block begins, counted from the other side's ISN.
    pub left: u32,
    /// The last that the other side had sent by then, counted alike.
    pub sent: u32,
}

/// Those of one vantage.
#[derive(Debug, Clone, Default)]
pub(super) struct AllSacks(pub(super) HashMap<(StreamId, Side), StrangeSacks, RandomState>);

impl AllSacks {
    /// Looks at a segment of a side.
    #[inline]
    pub(super) fn see(
        &mut self,
        id: StreamId,
        side: Side,
        mark: Mark,
        stream: &Stream,
        tcp: &Tcp<'_>,
    ) {
        if tcp.payload_len == 0 && tcp.may_sack() {
            self.weigh(id, side, mark, stream, tcp);
        }
    }

    #[cold]
    fn weigh(&mut self, id: StreamId, side: Side, mark: Mark, stream: &Stream, tcp: &Tcp<'_>) {
        let sent = stream.flow(side.other());
        if !sent.syn.is_set() || sent.counted || !tcp.flags.only_acknowledges() {
            return;
        }
        let Some((left, right)) = tcp.parse_options().sack else { return };
        let [begin, end, last] = [left, right, sent.end_seq].map(|seq| seq.wrapping_sub(sent.isn));
        // Counted from the first byte on, what is before it is far beyond.
        let strange = |seq: u32| seq > last.saturating_add(FAR) && seq < u32::MAX - FAR;
        let room = self.0.len() < MAX_SIDES || self.0.contains_key(&(id, side));
        if !(strange(begin) && strange(end) && room) {
            return;
        }
        let known = self.0.entry((id, side)).or_default();
        if known.count == 0 {
            (known.left, known.sent) = (begin, last);
        }
        known.count = known.count.saturating_add(1);
        known.first.set_once(mark);
    }

    pub(super) fn of(&self, id: StreamId, side: Side) -> Option<&StrangeSacks> {
        self.0.get(&(id, side))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets a stream that is let go.
    pub(super) fn forget(&mut self, id: StreamId) {
        if !self.0.is_empty() {
            self.0.remove(&(id, Side::A));
            self.0.remove(&(id, Side::B));
        }
    }
}

//! Packet tokens: what a connection whose handshake was not captured is recognised by at
//! every vantage, whatever its addresses and ports were rewritten to.
//!
//! A token is a hash of a segment's sequence and acknowledgment numbers, which every
//! layer-4 mode keeps unless it shifts them; not of its length, which offload changes,
//! nor of its timestamps, which FullNAT may strip. Each direction of a stream keeps its
//! smallest tokens: the choice is made by the packet's own content, so every vantage
//! chooses the same packets of those that it sees (hash-based selection, RFC 5475,
//! section 6.2). Streams whose handshake was seen keep none.

use super::{Side, StreamId};
use crate::capture::Known;
use crate::hashed::HashMap;
use crate::wire::Tcp;
use foldhash::fast::FixedState;
use std::hash::BuildHasher;

/// Tokens that a direction keeps.
const KEPT: usize = 8;
/// Streams that have tokens: 17 MiB a vantage at most.
const MAX_STREAMS: usize = 1 << 17;
/// Numbers that stacks draw lie below this once in 65,536 times; those that tools write
/// mostly do.
const WRITTEN_BY_HAND: u32 = 1 << 16;

/// The smallest tokens of one direction, in order.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Smallest {
    kept: u8,
    tokens: [u64; KEPT],
}

impl Smallest {
    pub(super) fn list(&self) -> &[u64] {
        &self.tokens[..usize::from(self.kept)]
    }

    #[inline]
    pub(super) fn add(&mut self, token: u64) {
        let full = usize::from(self.kept) == KEPT;
        if full && token >= self.tokens[KEPT - 1] {
            return;
        }
        let Err(at) = self.list().binary_search(&token) else { return };
        if !full {
            self.kept += 1;
        }
        let end = usize::from(self.kept);
        self.tokens.copy_within(at..end - 1, at + 1);
        self.tokens[at] = token;
    }
}

/// The tokens of a vantage's streams without a handshake.
#[derive(Debug, Clone, Default)]
pub(super) struct Tokens {
    pub(super) streams: HashMap<StreamId, [Smallest; 2]>,
    /// Segments of streams beyond the bound.
    pub(super) dropped: u64,
}

/// The token of a segment; none where its numbers say nothing.
fn token(tcp: &Tcp<'_>) -> Option<u64> {
    let plain = tcp.flags.ack() && !tcp.flags.rst() && !tcp.flags.syn();
    let drawn = tcp.seq >= WRITTEN_BY_HAND && tcp.ack >= WRITTEN_BY_HAND;
    let known = tcp.known.has(Known::SEQ.and(Known::ACK));
    // One seed for all: vantages must choose alike.
    (plain && drawn && known).then(|| FixedState::with_seed(0).hash_one((tcp.seq, tcp.ack)))
}

impl Tokens {
    pub(super) fn add(&mut self, stream: StreamId, side: Side, tcp: &Tcp<'_>) {
        let Some(token) = token(tcp) else { return };
        if self.streams.len() >= MAX_STREAMS && !self.streams.contains_key(&stream) {
            self.dropped += 1;
            return;
        }
        self.streams.entry(stream).or_default()[side.index()].add(token);
    }

    /// Forgets a stream that is let go, or whose handshake came after all.
    pub(super) fn forget(&mut self, stream: StreamId) {
        self.streams.remove(&stream);
    }

    /// The tokens of one side of a stream, smallest first.
    pub(super) fn of(&self, stream: StreamId, side: Side) -> &[u64] {
        self.streams.get(&stream).map_or(&[][..], |both| both[side.index()].list())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::TcpFlags;

    fn segment(seq: u32, ack: u32, flags: u8) -> Tcp<'static> {
        Tcp { seq, ack, flags: TcpFlags(flags), ..Tcp::example(&[]) }
    }

    fn sampled(segments: impl Iterator<Item = u32>) -> Vec<u64> {
        let mut tokens = Tokens::default();
        segments.for_each(|n| tokens.add(3, Side::A, &segment(n << 16, 1 << 20, TcpFlags::ACK)));
        tokens.of(3, Side::A).to_vec()
    }

    #[test]
    fn what_is_kept_goes_by_the_packets_and_not_by_their_order() {
        let (forth, back) = (sampled(1..500), sampled((1..500).rev()));
        assert_eq!(forth.len(), KEPT);
        assert_eq!(forth, back);
        assert!(forth.is_sorted());
    }

    #[test]
    fn captures_that_overlap_share_what_they_keep() {
        let (early, late) = (sampled(1..400), sampled(150..500));
        assert!(early.iter().any(|token| late.contains(token)));
        let other = sampled(1000..1400);
        assert!(!early.iter().any(|token| other.contains(token)));
    }

    #[test]
    fn numbers_that_tools_write_and_other_segments_make_none() {
        let mut tokens = Tokens::default();
        for (seq, ack, flags) in [
            (1, 1 << 20, TcpFlags::ACK),
            (1 << 20, 1, TcpFlags::ACK),
            (1 << 20, 1 << 20, TcpFlags::RST | TcpFlags::ACK),
            (1 << 20, 1 << 20, TcpFlags::SYN | TcpFlags::ACK),
        ] {
            tokens.add(3, Side::A, &segment(seq, ack, flags));
        }
        assert!(tokens.of(3, Side::A).is_empty());
    }

    #[test]
    fn streams_beyond_the_bound_are_counted() {
        let mut tokens = Tokens::default();
        for id in 0..MAX_STREAMS as u32 + 5 {
            tokens.add(id, Side::B, &segment(1 << 20, 1 << 20, TcpFlags::ACK));
        }
        assert_eq!((tokens.streams.len(), tokens.dropped), (MAX_STREAMS, 5));
        tokens.forget(0);
        assert!(tokens.of(0, Side::B).is_empty());
    }
}

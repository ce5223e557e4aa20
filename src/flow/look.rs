//! What is read of a frame before its stream is looked up: all that a segment that only goes on has to say.
//!
//! It is a cache line of its own, made without looking at any stream. So another thread than that of the
//! streams can make it, and the frame's bytes, which lie in that thread's cache, are fetched by few of the
//! others: those that open, name or say something.

use super::Side;
use super::key::Ends;
use crate::capture::Frame;
use crate::wire::{Plain, TcpFlags};
use foldhash::fast::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};

/// A frame as it is looked up.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Where it passed, with the TTL ([`Plain::way`]).
    pub(super) way: [u64; 2],
    /// Addresses and ports.
    pub(super) ends: Ends,
    /// What its stream is looked for by.
    pub(super) hash: u32,
    pub(super) seq: u32,
    pub(super) ack: u32,
    /// Payload bytes on the wire.
    pub(super) payload: u16,
    /// Unscaled.
    pub(super) window: u16,
    /// IPv4 identification.
    pub(super) id: u16,
    pub(super) flags: TcpFlags,
    /// Who sent it.
    pub(super) side: Side,
    /// First byte of the payload, where one was captured.
    pub(super) first: Option<u8>,
    /// It only acknowledges, and may name bytes beyond a gap.
    pub(super) sacks: bool,
    /// It is a segment in plain IPv4; of any other frame nothing else is here.
    pub(super) plain: bool,
}

/// Makes [`Look`]s: the streams of an observer are found by the hashes of one.
#[derive(Debug, Clone, Default)]
pub struct Looker {
    hasher: RandomState,
}

impl Look {
    /// A frame of which nothing was read.
    pub const NOTHING: Self = Self {
        way: [0; 2],
        ends: Ends::NONE,
        hash: 0,
        seq: 0,
        ack: 0,
        payload: 0,
        window: 0,
        id: 0,
        flags: TcpFlags(0),
        side: Side::A,
        first: None,
        sacks: false,
        plain: false,
    };
}

impl Looker {
    /// Reads a frame; `look` is what it was of any other.
    // Written to where it stays: a struct of this size is not handed from place to place for every packet.
    #[inline(always)]
    pub fn look(&self, frame: &Frame<'_>, look: &mut Look) {
        look.plain = false;
        let Some(Plain { way, segment }) = Plain::of(frame) else { return };
        let Some(payload) = segment.payload() else { return };
        (look.ends, look.side) = Ends::of(segment.ends());
        look.hash = self.hash(&look.ends.key());
        look.way = way;
        look.seq = segment.seq();
        look.ack = segment.ack();
        look.payload = payload.len as u16;
        look.window = segment.window();
        look.id = segment.id();
        look.flags = segment.flags();
        look.first = payload.captured.first().copied();
        look.sacks = payload.len == 0 && segment.may_sack();
        look.plain = true;
    }

    /// What a key is looked for by.
    #[expect(clippy::manual_hash_one, reason = "the compiler keeps `hash_one` apart and calls it")]
    #[inline(always)]
    pub(super) fn hash(&self, key: &super::Key) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        key.hash(&mut hasher);
        (hasher.finish() >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames are looked at on one thread and taken in on another: no more may cross than must.
    #[test]
    fn a_look_is_a_cache_line() {
        assert!(size_of::<Look>() <= 64, "{}", size_of::<Look>());
    }
}

//! Later fragments, tied to the datagram whose ports only the first one has (RFC 791,
//! section 3.2; RFC 8200, section 4.5).
//!
//! Bounded: the oldest datagram is forgotten for a new one. A later fragment that comes
//! before its first is not tied.

use super::{Mark, Side, StreamId};
use crate::hashed::HashMap;
use crate::wire::{Fragment, Ip, IpPacket, Protocol};
use std::collections::VecDeque;

/// Datagrams that may be incomplete at one time.
const MAX_OPEN: usize = 4096;

/// What all fragments of a datagram share.
type Datagram = (Ip, Ip, Protocol, u32);

/// Links whose fragments are counted.
const MAX_LINKS: usize = 4096;

/// The fragments that one link of a flow carried.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pieces {
    /// First fragments.
    pub firsts: u32,
    /// Later fragments.
    pub laters: u32,
    /// The first of the first ones.
    pub first: Mark,
    /// The first of the later ones.
    pub later: Mark,
}

/// Datagrams whose first fragment was seen.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    of: HashMap<Datagram, (StreamId, Side)>,
    order: VecDeque<Datagram>,
    pieces: HashMap<u32, Pieces>,
}

impl Fragments {
    /// Remembers whose datagram a first fragment begins.
    pub(super) fn begin(&mut self, ip: &IpPacket<'_>, stream: StreamId, side: Side) {
        let Fragment::First { id } = ip.fragment else { return };
        let datagram = (ip.src, ip.dst, ip.protocol, id);
        if self.of.insert(datagram, (stream, side)).is_none() {
            self.order.push_back(datagram);
        }
        if self.order.len() > MAX_OPEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.of.remove(&oldest);
        }
    }

    /// Counts a packet's fragment on the link that carried it.
    #[inline]
    pub(super) fn count(&mut self, ip: &IpPacket<'_>, link: usize, mark: Mark) {
        if ip.fragment == Fragment::Whole {
            return;
        }
        let link = link as u32;
        if self.pieces.len() >= MAX_LINKS && !self.pieces.contains_key(&link) {
            return;
        }
        let pieces = self.pieces.entry(link).or_default();
        let (count, at) = match ip.fragment {
            Fragment::Later { .. } => (&mut pieces.laters, &mut pieces.later),
            _ => (&mut pieces.firsts, &mut pieces.first),
        };
        *count = count.saturating_add(1);
        at.set_once(mark);
    }

    /// Forgets a link that is let go.
    pub(super) fn forget(&mut self, link: usize) {
        self.pieces.remove(&(link as u32));
    }

    /// The counts by link, as what is kept of fragments in the end.
    pub(super) fn into_pieces(self) -> HashMap<u32, Pieces> {
        self.pieces
    }

    /// Whose datagram a later fragment continues, and with how many bytes.
    pub(super) fn of(&self, ip: &IpPacket<'_>) -> Option<(StreamId, Side, u32)> {
        let Fragment::Later { id, bytes } = ip.fragment else { return None };
        let (stream, side) = self.of.get(&(ip.src, ip.dst, ip.protocol, id))?;
        Some((*stream, *side, bytes))
    }
}

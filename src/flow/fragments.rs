//! Later fragments, tied to the datagram whose ports only the first one has (RFC 791,
//! section 3.2; RFC 8200, section 4.5).
//!
//! Bounded: the oldest datagram is forgotten for a new one. A later fragment that comes
//! before its first is not tied.

use super::{Side, StreamId};
use crate::wire::{Fragment, Ip, IpPacket};
use foldhash::fast::RandomState;
use std::collections::{HashMap, VecDeque};

/// Datagrams that may be incomplete at one time.
const MAX_OPEN: usize = 4096;

/// What all fragments of a datagram share.
type Datagram = (Ip, Ip, u8, u32);

/// Datagrams whose first fragment was seen.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    of: HashMap<Datagram, (StreamId, Side), RandomState>,
    order: VecDeque<Datagram>,
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

    /// Whose datagram a later fragment continues, and with how many bytes.
    pub(super) fn of(&self, ip: &IpPacket<'_>) -> Option<(StreamId, Side, u32)> {
        let Fragment::Later { id, bytes } = ip.fragment else { return None };
        let (stream, side) = self.of.get(&(ip.src, ip.dst, ip.protocol, id))?;
        Some((*stream, *side, bytes))
    }
}

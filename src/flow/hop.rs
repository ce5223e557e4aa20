//! One way past a vantage.

use crate::wire::{Direction, LinkHeader, Mac};
use std::hash::{Hash, Hasher};

/// A link header with the TTL: one way past the vantage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hop {
    /// Interface, direction and MACs.
    pub link: LinkHeader,
    /// Time to live or hop limit; 0 where it is not known ([`Self::known_ttl`]).
    pub ttl: u8,
}

impl Hash for Hop {
    /// A data centre has as many hops as connections: two words.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let LinkHeader { ifindex, direction, src, dst, overlay } = self.link;
        let mac = |mac: Option<Mac>| {
            let [a, b, c, d, e, f] = mac.map_or([0; 6], |mac| mac.0);
            u64::from_be_bytes([0, u8::from(mac.is_some()), a, b, c, d, e, f])
        };
        let (from, to) = (mac(src), mac(dst));
        state.write_u64(from | u64::from(self.ttl) << 56);
        state.write_u64(to | (direction as u64) << 57 | u64::from(overlay) << 56);
        if ifindex != 0 {
            state.write_u32(ifindex);
        }
    }
}

impl Hop {
    /// Whether it says nothing: neither where a packet came from nor how far. Two packets on such
    /// hops need not have travelled one way.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let link = &self.link;
        link.src.is_none()
            && link.dst.is_none()
            && link.direction == Direction::Unknown
            && self.ttl == 0
    }

    /// Time to live or hop limit, where it is known: a text need not print it.
    #[must_use]
    pub fn known_ttl(&self) -> Option<u8> {
        (self.ttl != 0).then_some(self.ttl)
    }

    /// Whether the frame came to this host from elsewhere, as far as the link
    /// type tells; `None` where it does not.
    #[must_use]
    pub fn is_inbound(&self) -> Option<bool> {
        match self.link.direction {
            Direction::Unknown => None,
            Direction::Out => Some(false),
            _ => Some(!self.link.is_loopback()),
        }
    }
}

/// Index of a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HopId(pub u32);

impl HopId {
    /// As an index into [`super::Observations::hops`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

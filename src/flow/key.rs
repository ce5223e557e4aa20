//! The identity of a stream at one vantage.

use crate::wire::{Ip, Outer, Protocol};
use std::hash::{Hash, Hasher};

/// One end of a stream: 0 or 1 in the key's own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Side {
    /// The end that sorts first.
    A = 0,
    /// The other.
    B = 1,
}

impl Side {
    /// The opposite end.
    #[inline]
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// As an index.
    #[inline]
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// Five-tuple, VLAN and tunnel, the same for both directions.
#[derive(Debug, Clone, Copy, Eq)]
pub struct Key {
    /// Addresses, in sorted order of (address, port).
    pub ips: [Ip; 2],
    /// Ports of those addresses; 0 for protocols without.
    pub ports: [u16; 2],
    /// VLAN identifiers as in [`crate::wire::Packet::vlan`].
    pub vlan: u32,
    /// Kind and identifier of the tunnel, [`Outer::tag`]; 0 outside of tunnels.
    pub tunnel: u16,
    /// IP protocol.
    pub protocol: Protocol,
}

// Asked for every packet: all words at once, without a branch.
impl PartialEq for Key {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        let [[a, b], [c, d]] = self.ips.map(Ip::words);
        let [[e, f], [g, h]] = other.ips.map(Ip::words);
        let ips = (a ^ e) | (b ^ f) | (c ^ g) | (d ^ h);
        let ports = (self.ports[0] ^ other.ports[0]) | (self.ports[1] ^ other.ports[1]);
        let kind = (self.tunnel ^ other.tunnel) | u16::from(self.protocol.0 ^ other.protocol.0);
        ips | u64::from(u32::from(ports | kind) | (self.vlan ^ other.vlan)) == 0
    }
}

impl Hash for Key {
    /// Every packet is looked up by this: whole words, no lengths.
    #[inline(always)]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [[a_hi, a_lo], [b_hi, b_lo]] = self.ips.map(Ip::words);
        if self.ips.iter().all(|ip| ip.is_v4()) {
            // Nearly all are these: one multiplication.
            let ips = a_lo << 32 | b_lo & u64::from(u32::MAX);
            state.write_u128(u128::from(ips) << 64 | u128::from(self.rest()));
        } else {
            for word in [a_hi, a_lo, b_hi, b_lo, self.rest()] {
                state.write_u64(word);
            }
        }
        if self.vlan != 0 {
            state.write_u32(self.vlan);
        }
    }
}

impl Key {
    /// Nobody's.
    pub(super) const BLANK: Self =
        Self { ips: [Ip::v4([0; 4]); 2], ports: [0; 2], vlan: 0, tunnel: 0, protocol: Protocol(0) };

    /// What it has besides addresses and VLAN, in one word.
    #[inline(always)]
    fn rest(&self) -> u64 {
        let [a, b] = self.ports.map(u64::from);
        a << 48 | b << 32 | u64::from(self.tunnel) << 8 | u64::from(self.protocol.0)
    }

    /// The key of a packet, and the side that sent it.
    #[inline]
    #[must_use]
    pub fn of(
        protocol: Protocol,
        src: (Ip, u16),
        dst: (Ip, u16),
        vlan: u32,
        outer: Option<&Outer>,
    ) -> (Self, Side) {
        let tunnel = outer.map_or(0, Outer::tag);
        let side = if src <= dst { Side::A } else { Side::B };
        let (a, b) = if side == Side::A { (src, dst) } else { (dst, src) };
        (Self { ips: [a.0, b.0], ports: [a.1, b.1], vlan, tunnel, protocol }, side)
    }

    /// Address of a side.
    #[inline]
    #[must_use]
    pub fn ip(&self, side: Side) -> Ip {
        self.ips[side.index()]
    }

    /// Port of a side.
    #[inline]
    #[must_use]
    pub fn port(&self, side: Side) -> u16 {
        self.ports[side.index()]
    }

    /// Whether the packets came in a tunnel in which a balancer forwards.
    #[must_use]
    pub fn is_forwarded(&self) -> bool {
        Outer::tag_is_forwarding(self.tunnel)
    }

    /// Whether both ends have one address.
    #[must_use]
    pub fn is_self(&self) -> bool {
        self.ips[0] == self.ips[1]
    }
}

/// The addresses and ports of a TCP segment in plain IPv4, the same for both directions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    /// Address and port of each side, in the order of the key.
    words: [u64; 2],
}

impl Ends {
    pub(super) const NONE: Self = Self { words: [0; 2] };

    /// Those of a segment, and the side that sent it.
    #[inline(always)]
    pub(super) fn of([src, dst]: [(u32, u16); 2]) -> (Self, Side) {
        let word = |end: (u32, u16)| u64::from(end.0) << 16 | u64::from(end.1);
        let (from, to) = (word(src), word(dst));
        let side = if from <= to { Side::A } else { Side::B };
        (Self { words: [from.min(to), from.max(to)] }, side)
    }

    /// The key: what [`Key::of`] gives.
    #[inline(always)]
    pub(super) fn key(self) -> Key {
        let ip = |end: u64| Ip::v4(((end >> 16) as u32).to_be_bytes());
        Key {
            ips: self.words.map(ip),
            ports: self.words.map(|end| end as u16),
            vlan: 0,
            tunnel: 0,
            protocol: Protocol::TCP,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_have_one_key() {
        let (x, y) = (Ip::v4([192, 0, 2, 9]), Ip::v4([198, 51, 100, 1]));
        let (there, from) = Key::of(Protocol::TCP, (x, 45000), (y, 80), 0, None);
        let (back, to) = Key::of(Protocol::TCP, (y, 80), (x, 45000), 0, None);
        assert_eq!(there, back);
        assert_eq!(from.other(), to);
        assert_eq!((there.ip(from), there.port(from)), (x, 45000));
    }

    #[test]
    fn keys_of_plain_segments_are_no_others() {
        let ends = [([192, 0, 2, 9], 80), ([192, 0, 2, 9], 45000), ([10, 0, 0, 1], 80)];
        for src in ends {
            for dst in ends {
                let whole = |end: ([u8; 4], u16)| (Ip::v4(end.0), end.1);
                let word = |end: ([u8; 4], u16)| (u32::from_be_bytes(end.0), end.1);
                let key = Key::of(Protocol::TCP, whole(src), whole(dst), 0, None);
                let (ends, side) = Ends::of([word(src), word(dst)]);
                assert_eq!((ends.key(), side), key);
            }
        }
    }

    #[test]
    fn a_host_that_talks_to_itself_has_two_sides() {
        let x = Ip::v4([192, 0, 2, 9]);
        let (key, out) = Key::of(Protocol::TCP, (x, 45000), (x, 80), 0, None);
        let (same, back) = Key::of(Protocol::TCP, (x, 80), (x, 45000), 0, None);
        assert!(key.is_self());
        assert_eq!(key, same);
        assert_ne!(out, back);
    }
    /// It is compared for every packet.
    #[test]
    fn a_key_stays_small() {
        assert_eq!(size_of::<Key>(), 44);
    }
}

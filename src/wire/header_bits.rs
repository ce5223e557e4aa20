//! Bits of an IP header that no address and no port is, and that networks act upon all the same.

/// What the header of a packet asks of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HeaderBits {
    /// Differentiated services code point (RFC 2474, section 3), 6 bits.
    pub dscp: u8,
    /// "Don't fragment" (RFC 791, section 3.1); set for IPv6, which no router fragments.
    pub dont_fragment: bool,
}

impl HeaderBits {
    /// What most stacks send: best effort, not to be fragmented.
    pub const ORDINARY: Self = Self { dscp: 0, dont_fragment: true };

    /// Of IPv4: the second byte and the seventh of the header.
    #[inline(always)]
    pub(super) fn v4(service: u8, flags: u8) -> Self {
        Self { dscp: service >> 2, dont_fragment: flags & 0x40 != 0 }
    }

    /// Of IPv6: its traffic class.
    pub(super) fn v6(class: u8) -> Self {
        Self { dscp: class >> 2, ..Self::ORDINARY }
    }
}

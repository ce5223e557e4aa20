//! Which fields of a frame are known. A capture of bytes knows all of them; a text knows
//! what its line prints, and what it does not print is unknown, never zero.

/// The fields of a frame that are known, as far as the frame has them.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Hash)]
pub struct Known(u16);

impl Known {
    /// The sender's MAC.
    pub const SRC_MAC: Self = Self(1);
    /// The receiver's MAC.
    pub const DST_MAC: Self = Self(1 << 1);
    /// Time to live or hop limit.
    pub const TTL: Self = Self(1 << 2);
    /// IPv4 identification.
    pub const ID: Self = Self(1 << 3);
    /// The TCP sequence number, as it was on the wire.
    pub const SEQ: Self = Self(1 << 4);
    /// The TCP acknowledgment number, as it was on the wire.
    pub const ACK: Self = Self(1 << 5);
    /// The TCP window.
    pub const WINDOW: Self = Self(1 << 6);
    /// The TCP checksum.
    pub const SUM: Self = Self(1 << 7);
    /// The time of the frame.
    pub const TIME: Self = Self(1 << 8);
    /// The hardware address of an ARP packet's sender.
    pub const ARP_SENDER: Self = Self(1 << 9);
    /// The target of an ARP packet: hardware address, and in an answer the address too.
    pub const ARP_TARGET: Self = Self(1 << 10);
    /// All: the frame is bytes from a wire.
    pub const ALL: Self = Self(0x07ff);
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Whether all fields of `other` are known.
    #[inline]
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These without those.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// These, and `other` where it is told.
    #[must_use]
    pub const fn and_if(self, told: bool, other: Self) -> Self {
        if told { self.and(other) } else { self }
    }
}

impl Default for Known {
    fn default() -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::Known;

    #[test]
    fn all_is_every_field() {
        let fields = [
            Known::SRC_MAC,
            Known::DST_MAC,
            Known::TTL,
            Known::ID,
            Known::SEQ,
            Known::ACK,
            Known::WINDOW,
            Known::SUM,
            Known::TIME,
            Known::ARP_SENDER,
            Known::ARP_TARGET,
        ];
        let all = fields.iter().fold(Known::NONE, |all, one| all.and(*one));
        assert_eq!(all, Known::ALL);
        assert!(fields.iter().all(|one| !Known::ALL.without(*one).has(*one)));
    }
}

//! IP protocol numbers.

use std::fmt;

/// An IP protocol number, or the last next header of IPv6 (IANA, Assigned Internet
/// Protocol Numbers).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP for IPv4.
    pub const ICMP: Self = Self(1);
    /// None is named: 0 stands for hop-by-hop options of IPv6, which nothing is sent by.
    pub const ANY: Self = Self(0);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// SCTP, whose packets are read as datagrams: ports, and what stands behind the common header.
    pub const SCTP: Self = Self(132);
    /// VRRP (RFC 5798, section 5.1.1.4).
    pub const VRRP: Self = Self(112);
    /// ICMP for IPv6.
    pub const ICMPV6: Self = Self(58);

    /// Whether it is TCP.
    #[must_use]
    pub fn is_tcp(self) -> bool {
        self == Self::TCP
    }

    /// Whether it is one that is read: TCP, UDP, SCTP, ICMP of either version.
    #[must_use]
    pub fn is_read(self) -> bool {
        matches!(self, Self::TCP | Self::UDP | Self::SCTP | Self::ICMP | Self::ICMPV6)
    }

    /// Whether it is UDP.
    #[must_use]
    pub fn is_udp(self) -> bool {
        self == Self::UDP
    }

    /// Whether its packets are read as datagrams: UDP, SCTP.
    #[must_use]
    pub fn is_datagrams(self) -> bool {
        matches!(self, Self::UDP | Self::SCTP)
    }
}

/// `tcp`, `udp`, `sctp`, else `ip-NUMBER`.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TCP => f.write_str("tcp"),
            Self::UDP => f.write_str("udp"),
            Self::SCTP => f.write_str("sctp"),
            Self(number) => write!(f, "ip-{number}"),
        }
    }
}

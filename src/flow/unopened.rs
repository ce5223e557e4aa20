//! Frames whose inside is not read: by EtherType, IP protocol, or the UDP port of a tunnel.
//!
//! Whole connections may be in there, so they are counted by what hides them. What a network says
//! to itself (spanning tree, LLDP, routing protocols) carries nobody's connection and is told
//! apart. Refuses more than [`MAX_KINDS`] kinds; the rest is counted together.

use std::fmt;

/// Kinds that are counted apart; a capture of noise has any.
const MAX_KINDS: usize = 64;

/// What hides what is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unopened {
    /// A frame with this EtherType, or an IEEE 802.3 length, which is 0 here.
    EtherType(u16),
    /// A packet of this IP protocol.
    Protocol(u8),
    /// A datagram to this UDP port, which is a tunnel's.
    Port(u16),
}

impl Unopened {
    /// By the EtherType field: below 0x0600 it is a length (IEEE 802.3, 3.2.6).
    pub(super) fn ether_type(value: u16) -> Self {
        Self::EtherType(if value < 0x600 { 0 } else { value })
    }

    /// A datagram to a port that is known to carry tunnels which stay closed (IANA, Service Name
    /// and Transport Protocol Port Number Registry).
    #[inline]
    pub(super) fn datagram(port: u16) -> Option<Self> {
        matches!(port, 1701 | 2152 | 3544 | 4500 | 4754 | 4789 | 6081 | 6635 | 51820)
            .then_some(Self::Port(port))
    }

    /// Whether somebody's connections may be inside: not what a network says to itself.
    #[must_use]
    pub fn may_hide_traffic(self) -> bool {
        match self {
            // LLC, PPPoE discovery, slow protocols (LACP), EAPOL, LLDP, PTP, CFM, loopback test.
            Self::EtherType(kind) => !matches!(
                kind,
                0 | 0x8863 | 0x8809 | 0x888e | 0x88cc | 0x88f7 | 0x8902 | 0x9000 | 0x0806
            ),
            // IGMP, EIGRP, OSPF, PIM, VRRP.
            Self::Protocol(number) => !matches!(number, 2 | 88 | 89 | 103 | 112),
            Self::Port(_) => true,
        }
    }

    fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::EtherType(0x8847 | 0x8848) => "MPLS without IP inside",
            Self::EtherType(0x8864) => "PPPoE without IP inside",
            Self::EtherType(0x88e5) => "MACsec",
            Self::EtherType(0x88e7) => "provider backbone bridging",
            Self::EtherType(0x894f) => "NSH",
            Self::EtherType(0x22f3) => "TRILL",
            Self::EtherType(0x8906) => "FCoE",
            Self::Protocol(4 | 41) => "IP in IP that is cut or malformed",
            Self::Protocol(47) => "GRE that is not opened",
            Self::Protocol(50) => "ESP",
            Self::Protocol(51) => "AH",
            Self::Protocol(115) => "L2TP",
            Self::Protocol(132) => "SCTP",
            Self::Protocol(137) => "MPLS in IP",
            Self::Port(1701) => "L2TP",
            Self::Port(2152) => "GTP-U",
            Self::Port(3544) => "Teredo",
            Self::Port(4500) => "IPsec in UDP",
            Self::Port(4754) => "GRE in UDP",
            Self::Port(4789) => "VXLAN that does not hold together",
            Self::Port(6081) => "Geneve that does not hold together",
            Self::Port(6635) => "MPLS in UDP",
            Self::Port(51820) => "WireGuard",
            _ => return None,
        })
    }
}

/// `GTP-U (UDP port 2152)`, `EtherType 0x88b5`.
impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::EtherType(kind) => format!("EtherType {kind:#06x}"),
            // What a text prints without its ports (tshark, of DNS); IANA gives 255 to nobody.
            Self::Protocol(255) => "lines that print no ports".to_owned(),
            Self::Protocol(number) => format!("IP protocol {number}"),
            Self::Port(port) => format!("UDP port {port}"),
        };
        match self.name() {
            Some(name) => write!(f, "{name} ({what})"),
            None => f.write_str(&what),
        }
    }
}

/// Counts of frames by what hides what is inside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnopenedCounts {
    pub(super) kinds: Vec<(Unopened, u64)>,
    /// Frames of kinds beyond those that are counted apart.
    pub beyond: u64,
}

impl UnopenedCounts {
    #[cold]
    pub(super) fn count(&mut self, what: Unopened) {
        if let Some((_, n)) = self.kinds.iter_mut().find(|(kind, _)| *kind == what) {
            *n += 1;
        } else if self.kinds.len() < MAX_KINDS {
            self.kinds.push((what, 1));
        } else {
            self.beyond += 1;
        }
    }

    /// Those that may hide traffic, most frames first.
    #[must_use]
    pub fn hiding(&self) -> Vec<(Unopened, u64)> {
        let hiding = self.kinds.iter().filter(|(kind, _)| kind.may_hide_traffic());
        let mut list: Vec<(Unopened, u64)> = hiding.copied().collect();
        list.sort_unstable_by_key(|(kind, n)| (std::cmp::Reverse(*n), *kind));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted_apart_and_bounded() {
        let mut counts = UnopenedCounts::default();
        for kind in 0..2 * MAX_KINDS as u16 {
            counts.count(Unopened::EtherType(0xa000 + kind));
        }
        for _ in 0..3 {
            counts.count(Unopened::EtherType(0xa001));
        }
        assert_eq!((counts.kinds.len(), counts.beyond), (MAX_KINDS, MAX_KINDS as u64));
        assert_eq!(counts.hiding()[0], (Unopened::EtherType(0xa001), 4));
    }

    #[test]
    fn what_a_network_says_to_itself_hides_nothing() {
        for quiet in
            [Unopened::ether_type(38), Unopened::ether_type(0x88cc), Unopened::Protocol(89)]
        {
            assert!(!quiet.may_hide_traffic(), "{quiet}");
        }
        for loud in [Unopened::ether_type(0x8847), Unopened::Protocol(50), Unopened::Port(2152)] {
            assert!(loud.may_hide_traffic(), "{loud}");
        }
        assert_eq!(Unopened::Port(2152).to_string(), "GTP-U (UDP port 2152)");
        assert_eq!(Unopened::EtherType(0x88b5).to_string(), "EtherType 0x88b5");
    }
}

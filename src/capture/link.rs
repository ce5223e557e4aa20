//! Link types: how a frame begins. Numbers and names are those of <https://www.tcpdump.org/linktypes.html>.

use std::borrow::Cow;
use std::fmt;

/// A link type by its LINKTYPE number.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: a 4-byte address family in the byte order of the capturing host.
    pub const NULL: Self = Self(0);
    /// Ethernet II or 802.3.
    pub const ETHERNET: Self = Self(1);
    /// PPP without or with HDLC-like framing (RFC 1662).
    pub const PPP: Self = Self(9);
    /// IPv4 or IPv6 without a link header; written as 12 by BSD systems.
    pub const RAW_BSD: Self = Self(12);
    /// IPv4 or IPv6 without a link header; written as 14 by OpenBSD.
    pub const RAW_OPENBSD: Self = Self(14);
    /// PPP in HDLC-like framing (RFC 1662).
    pub const PPP_HDLC: Self = Self(50);
    /// PPPoE session frames without the Ethernet header.
    pub const PPP_ETHER: Self = Self(51);
    /// IPv4 or IPv6 without a link header.
    pub const RAW: Self = Self(101);
    /// Cisco HDLC.
    pub const C_HDLC: Self = Self(104);
    /// IEEE 802.11 without a radio header.
    pub const IEEE802_11: Self = Self(105);
    /// Frame Relay.
    pub const FRELAY: Self = Self(107);
    /// OpenBSD loopback: a 4-byte address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux "any" capture, cooked header version 1 (16 bytes).
    pub const LINUX_SLL: Self = Self(113);
    /// Packets before and after IPsec on BSD systems: an address family, an index and flags before an IP packet.
    pub const ENC: Self = Self(109);
    /// The log of pf, the firewall of BSD systems.
    pub const PFLOG: Self = Self(117);
    /// Juniper Ethernet, with the Juniper header before the frame.
    pub const JUNIPER_ETHER: Self = Self(178);
    /// PPP with an octet before it that says which way it went.
    pub const PPP_WITH_DIR: Self = Self(204);
    /// MPLS without a link header.
    pub const MPLS: Self = Self(219);
    /// Solaris and illumos: what passed between zones, or an interface.
    pub const IPNET: Self = Self(226);
    /// Raw IPv4, one frame a packet.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6, one frame a packet.
    pub const IPV6: Self = Self(229);
    /// Linux netfilter log.
    pub const NFLOG: Self = Self(239);
    /// Ethernet with a trailing 8-byte NetAnalyzer block in front.
    pub const NETANALYZER: Self = Self(240);
    /// Frames exported by Wireshark's dissectors.
    pub const WIRESHARK_UPPER_PDU: Self = Self(252);
    /// macOS: the interface, the direction and the process before the frame.
    pub const PKTAP: Self = Self(258);
    /// Linux "any" capture, cooked header version 2 (20 bytes, with the interface index).
    pub const LINUX_SLL2: Self = Self(276);

    /// The name that people know the link type by, `unknown (147)` where it has none here.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        let name = match self.0 {
            0 => "BSD loopback",
            1 => "Ethernet",
            3 => "AX.25",
            6 => "Token Ring",
            7 => "ARCNET",
            8 => "SLIP",
            9 => "PPP",
            10 => "FDDI",
            12 | 14 | 101 => "Raw IP",
            50 => "PPP in HDLC framing",
            51 => "PPPoE",
            100 => "LLC/SNAP ATM",
            104 => "Cisco HDLC",
            105 => "IEEE 802.11",
            107 => "Frame Relay",
            108 => "OpenBSD loopback",
            109 => "BSD IPsec",
            113 => "Linux cooked v1",
            114 => "LocalTalk",
            117 => "OpenBSD pflog",
            119 => "IEEE 802.11 with Prism header",
            122 => "IP over Fibre Channel",
            127 => "IEEE 802.11 with radiotap header",
            129 => "Linux ARCNET",
            138 => "IP over IEEE 1394",
            143 => "DOCSIS",
            163 => "IEEE 802.11 with AVS header",
            166 => "PPP with direction",
            169 => "GPRS LLC",
            178 => "Juniper Ethernet",
            182 => "Multi-link Frame Relay",
            187 => "Bluetooth HCI H4",
            189 | 220 => "Linux USB",
            192 => "Per-Packet Information",
            195 | 230 => "IEEE 802.15.4",
            197 => "ERF",
            201 => "Bluetooth HCI H4 with direction",
            204 => "PPP with direction octet",
            219 => "MPLS",
            226 => "Solaris IPNET",
            227 => "CAN",
            228 => "Raw IPv4",
            229 => "Raw IPv6",
            239 => "Linux netfilter log",
            240 => "NetAnalyzer",
            242 => "IP over InfiniBand",
            243 => "MPEG-2 transport stream",
            248 => "SCTP",
            249 => "USBPcap",
            251 => "Bluetooth LE",
            252 => "Wireshark upper PDU",
            253 => "Netlink",
            258 => "PKTAP",
            271 => "Linux vsock",
            276 => "Linux cooked v2",
            284 => "Marvell DSA",
            285 => "Marvell EDSA",
            288 => "USB 2.0",
            290 => "ETSI TS 102 232",
            291 => "Silicon Labs debug channel",
            _ => return Cow::Owned(format!("unknown ({})", self.0)),
        };
        Cow::Borrowed(name)
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::LinkType;

    #[test]
    fn known_types_have_their_names_and_unknown_ones_their_number() {
        assert_eq!(LinkType::ETHERNET.name(), "Ethernet");
        assert_eq!(LinkType::LINUX_SLL2.to_string(), "Linux cooked v2");
        assert_eq!(LinkType(147).name(), "unknown (147)");
        assert_eq!(LinkType(12).name(), LinkType::RAW.name());
    }
}

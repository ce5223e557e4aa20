//! What a text says of one packet; what it does not print is `None`.

use std::net::IpAddr;

pub(super) type MacBytes = [u8; 6];

/// How a line gives its time.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Stamp {
    /// Not at all (`-t`).
    #[default]
    None,
    /// Nanoseconds since the epoch (`-tt`), or of a date with a time (`-tttt`).
    Whole(i64),
    /// Nanoseconds since midnight, or since a packet before (`-ttt`, `-ttttt`): the same form.
    OfDay(i64),
    /// Nanoseconds since the first packet (tshark).
    SinceFirst(i64),
}

/// One packet.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) stamp: Stamp,
    /// Name of the interface, where a line has one (`-i any`).
    pub(super) interface: Option<String>,
    pub(super) ifindex: Option<u32>,
    /// `PACKET_*` of linux/if_packet.h.
    pub(super) direction: Option<u8>,
    /// Cooked: an interface or a direction is printed.
    pub(super) cooked: bool,
    pub(super) src_mac: Option<MacBytes>,
    pub(super) dst_mac: Option<MacBytes>,
    /// Bytes of the frame (`-e`).
    pub(super) frame_len: Option<u32>,
    pub(super) vlans: Vec<u16>,
    /// IP headers, the outermost first, each with what leads to the next.
    pub(super) layers: Vec<Layer>,
    pub(super) body: Body,
    /// Bytes of payload that are printed.
    pub(super) payload: Vec<u8>,
    /// What a packet filter did with it, where its log is what was printed.
    pub(super) filtered: Option<Filtered>,
    /// Its ports are not printed, and others stand for them.
    pub(super) stands_in: bool,
    /// All was understood up to where a packet's line ends.
    pub(super) clean: bool,
}

/// What pf did with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filtered {
    pub(super) passed: bool,
    /// `rule 14, block in on em1`
    pub(super) rule: String,
}

/// One IP header.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) header: Header,
    /// What is between this header and the next one.
    pub(super) carrier: Carrier,
}

/// What `-v` prints of an IP header.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) tos: Option<u8>,
    pub(super) ttl: Option<u8>,
    pub(super) id: Option<u16>,
    /// Bytes before this piece.
    pub(super) offset: Option<u32>,
    pub(super) more: bool,
    pub(super) dont: bool,
    /// Total length in IPv4, payload length in IPv6.
    pub(super) length: Option<u32>,
    pub(super) proto: Option<u8>,
    pub(super) options: bool,
    /// That the checksum of the UDP datagram in it is wrong, where that is said.
    pub(super) datagram: Option<Sum>,
}

/// What carries the next header of a tunnel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Carrier {
    /// IP in IP (RFC 2003), 6in4: nothing in between.
    #[default]
    Ip,
    /// GRE with the protocol inside.
    Gre { key: Option<u32> },
    /// VXLAN or Geneve with a frame inside.
    Overlay { ports: (u16, u16), vni: u32, macs: Option<(MacBytes, MacBytes)>, geneve: bool },
    /// Geneve with IP inside.
    GeneveIp { ports: (u16, u16), vni: u32 },
}

/// What the innermost header carries.
#[derive(Clone, Debug, Default)]
pub(super) enum Body {
    /// Nothing that could be read.
    #[default]
    None,
    Tcp(Tcp),
    Udp {
        ports: (u16, u16),
        length: Option<u32>,
    },
    /// All bytes of the message that are told, and its length; of an error whose packet is not
    /// printed, what its own line says of that.
    Icmp {
        bytes: Vec<u8>,
        length: Option<u32>,
        quote: Option<Quoted>,
    },
    /// A protocol by its number, with what is told of its bytes.
    Proto {
        number: u8,
        bytes: Vec<u8>,
        length: Option<u32>,
    },
    Arp(Arp),
}

/// What the line of an ICMP error says of the packet that it is about.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Quoted {
    pub(super) dst: Option<IpAddr>,
    pub(super) protocol: Option<u8>,
    /// The port that it went to.
    pub(super) port: Option<u16>,
}

/// A TCP segment.
#[derive(Clone, Debug, Default)]
pub(super) struct Tcp {
    pub(super) ports: (u16, u16),
    pub(super) flags: Option<u8>,
    pub(super) seq: Option<u32>,
    pub(super) ack: Option<u32>,
    pub(super) window: Option<u16>,
    pub(super) urgent: u16,
    pub(super) options: Options,
    pub(super) length: Option<u32>,
    pub(super) sum: Option<Sum>,
    /// The numbers are counted from the beginning of the connection (tshark).
    pub(super) counted: bool,
}

/// What is said of a checksum.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    Correct(u16),
    /// As sent, and as it should be.
    Incorrect(u16, u16),
}

/// Options of a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) bytes: Vec<u8>,
    pub(super) extent: Extent,
    /// Which of the bytes are the edges of SACK blocks: they count from where acknowledgments do.
    pub(super) edges: std::ops::Range<usize>,
}

/// How much of the options is told.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Extent {
    /// Nothing (`-q`, a line that ends before).
    #[default]
    Unknown,
    /// All of them, so also that there are none.
    All,
    /// The first of them.
    Some,
}

/// An ARP packet.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Arp {
    pub(super) reply: bool,
    pub(super) sender: Option<[u8; 4]>,
    pub(super) sender_mac: Option<MacBytes>,
    pub(super) target: Option<[u8; 4]>,
    pub(super) target_mac: Option<MacBytes>,
}

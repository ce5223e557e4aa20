//! Writes the bytes of a frame: link header, IPv4, TCP, ARP, with right checksums.
//!
//! Everything goes into a buffer of the caller; nothing is allocated.

use super::script::{ACK, SYN};

/// The header in front of the network layer.
#[derive(Clone, Copy, Debug)]
pub enum Link {
    /// Ethernet II.
    Ethernet {
        /// Destination MAC.
        to: [u8; 6],
        /// Source MAC.
        from: [u8; 6],
    },
    /// Linux cooked capture, version 2 (LINKTYPE_LINUX_SLL2, 276): the `any` device.
    Sll2 {
        /// Index of the interface that saw the frame.
        ifindex: u32,
        /// 0 to this host, 1 broadcast, 4 sent by this host.
        kind: u8,
        /// Source MAC.
        from: [u8; 6],
    },
}

/// EtherType of IPv4.
pub const IPV4: u16 = 0x0800;
/// EtherType of ARP.
pub const ARP: u16 = 0x0806;

/// Writes the link header; returns its length.
pub fn link(buf: &mut [u8], link: Link, ether_type: u16) -> usize {
    match link {
        Link::Ethernet { to, from } => {
            buf[..6].copy_from_slice(&to);
            buf[6..12].copy_from_slice(&from);
            buf[12..14].copy_from_slice(&ether_type.to_be_bytes());
            14
        }
        Link::Sll2 { ifindex, kind, from } => {
            buf[..20].fill(0);
            buf[..2].copy_from_slice(&ether_type.to_be_bytes());
            buf[4..8].copy_from_slice(&ifindex.to_be_bytes());
            buf[9] = 1; // ARPHRD_ETHER
            buf[10] = kind;
            buf[11] = 6;
            buf[12..18].copy_from_slice(&from);
            20
        }
    }
}

/// TCP options of a segment, in Linux's order.
#[derive(Clone, Copy, Debug)]
pub enum Options {
    /// None, as simple flood tools send.
    None,
    /// MSS 1460 alone, as scanners send.
    Mss,
    /// Timestamps: on a SYN behind MSS, SACK permitted, and before window scale 7; else behind two NOPs.
    Stamps {
        /// TSval (RFC 7323), milliseconds.
        value: u32,
        /// TSecr.
        echo: u32,
    },
}

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Source address.
    pub from: u32,
    /// Destination address.
    pub to: u32,
    /// Source port.
    pub from_port: u16,
    /// Destination port.
    pub to_port: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// TCP flags.
    pub flags: u8,
    /// Window as on the wire.
    pub window: u16,
    /// Time to live.
    pub ttl: u8,
    /// IP identification.
    pub id: u16,
    /// TCP options.
    pub options: Options,
}

/// Writes IPv4 (DF set) and TCP; returns the length of both with the payload.
pub fn segment(buf: &mut [u8], packet: &Segment, payload: &[u8]) -> usize {
    let options = options(&mut buf[40..80], packet);
    let tcp_len = 20 + options + payload.len();
    let len = 20 + tcp_len;
    let (ip, tcp) = buf[..len].split_at_mut(20);
    ip[0] = 0x45;
    ip[1] = 0;
    ip[2..4].copy_from_slice(&(len as u16).to_be_bytes());
    ip[4..6].copy_from_slice(&packet.id.to_be_bytes());
    ip[6..8].copy_from_slice(&[0x40, 0]);
    ip[8] = packet.ttl;
    ip[9] = 6;
    ip[10..12].fill(0);
    ip[12..16].copy_from_slice(&packet.from.to_be_bytes());
    ip[16..20].copy_from_slice(&packet.to.to_be_bytes());
    let checksum = fold(sum(ip));
    ip[10..12].copy_from_slice(&checksum.to_ne_bytes());

    tcp[..2].copy_from_slice(&packet.from_port.to_be_bytes());
    tcp[2..4].copy_from_slice(&packet.to_port.to_be_bytes());
    tcp[4..8].copy_from_slice(&packet.seq.to_be_bytes());
    tcp[8..12].copy_from_slice(&packet.ack.to_be_bytes());
    tcp[12] = ((20 + options) as u8) << 2;
    tcp[13] = packet.flags;
    tcp[14..16].copy_from_slice(&packet.window.to_be_bytes());
    tcp[16..20].fill(0);
    tcp[20 + options..].copy_from_slice(payload);
    let pseudo = sum(&ip[12..20]) + u64::from(6u16.to_be()) + u64::from((tcp_len as u16).to_be());
    let checksum = fold(sum(tcp) + pseudo);
    tcp[16..18].copy_from_slice(&checksum.to_ne_bytes());
    len
}

fn options(at: &mut [u8], packet: &Segment) -> usize {
    match packet.options {
        Options::None => 0,
        Options::Mss => {
            at[..4].copy_from_slice(&[2, 4, 0x05, 0xb4]);
            4
        }
        Options::Stamps { value, echo } if packet.flags & SYN != 0 => {
            at[..8].copy_from_slice(&[2, 4, 0x05, 0xb4, 4, 2, 8, 10]);
            at[8..12].copy_from_slice(&value.to_be_bytes());
            at[12..16].copy_from_slice(&echo.to_be_bytes());
            at[16..20].copy_from_slice(&[1, 3, 3, 7]);
            20
        }
        Options::Stamps { value, echo } => {
            at[..4].copy_from_slice(&[1, 1, 8, 10]);
            at[4..8].copy_from_slice(&value.to_be_bytes());
            at[8..12].copy_from_slice(&echo.to_be_bytes());
            12
        }
    }
}

/// The window that Linux announces: unscaled in a SYN and a SYN-ACK, later scaled by 7.
pub fn window(from_client: bool, flags: u8) -> u16 {
    match (flags & SYN != 0, flags & ACK != 0) {
        (true, false) => 64_240,
        (true, true) => 65_160,
        _ if from_client => 502,
        _ => 509,
    }
}

/// Writes an ARP packet for IPv4 over Ethernet (RFC 826); returns its length.
pub fn arp(buf: &mut [u8], reply: bool, from: ([u8; 6], u32), to: ([u8; 6], u32)) -> usize {
    buf[..8].copy_from_slice(&[0, 1, 8, 0, 6, 4, 0, if reply { 2 } else { 1 }]);
    buf[8..14].copy_from_slice(&from.0);
    buf[14..18].copy_from_slice(&from.1.to_be_bytes());
    buf[18..24].copy_from_slice(&to.0);
    buf[24..28].copy_from_slice(&to.1.to_be_bytes());
    28
}

/// The Internet checksum's sum (RFC 1071) in the machine's byte order, not folded; 32 bits at a time.
fn sum(bytes: &[u8]) -> u64 {
    let mut words = bytes.chunks_exact(4);
    let mut total: u64 = 0;
    for word in &mut words {
        total += u64::from(u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
    }
    let mut rest = [0u8; 4];
    let tail = words.remainder();
    rest[..tail.len()].copy_from_slice(tail);
    total + u64::from(u32::from_ne_bytes(rest))
}

/// Folds a sum to 16 bits and takes the complement. The byte order stays the machine's: RFC 1071, section 2 (B).
fn fold(mut total: u64) -> u16 {
    while total > 0xffff {
        total = (total >> 16) + (total & 0xffff);
    }
    !(total as u16)
}

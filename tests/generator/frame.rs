//! Writes the bytes of a frame: link header, IP with or without a tunnel, TCP, with right checksums.
//!
//! Everything goes into a buffer of the caller; nothing is allocated.

use super::network::Family;
use super::options::{self, Options};
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
/// EtherType of IPv6.
pub const IPV6: u16 = 0x86dd;
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

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// IPv4 or IPv6.
    pub family: Family,
    /// The tunnel that it travels in.
    pub tunnel: Option<Tunnel>,
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
    /// The client that a balancer names: the TOA option.
    pub named: Option<(u32, u16)>,
}

/// The header that a tunnel puts in front: IP in IP (RFC 2003), 6in6 (RFC 2473).
#[derive(Clone, Copy, Debug)]
pub struct Tunnel {
    /// The tunnel's beginning.
    pub from: u32,
    /// The tunnel's end.
    pub to: u32,
    /// The outer time to live.
    pub ttl: u8,
    /// The outer IP identification; IPv6 has none.
    pub id: u16,
}

/// The fields of an IP header.
#[derive(Clone, Copy)]
pub struct Ip {
    /// Version.
    pub family: Family,
    /// Protocol of what follows.
    pub protocol: u8,
    /// Source address.
    pub from: u32,
    /// Destination address.
    pub to: u32,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Identification; IPv6 has none.
    pub id: u16,
}

/// Writes an IP header (IPv4: DF set) over `payload` bytes; returns its length.
pub fn ip(buf: &mut [u8], ip: &Ip, payload: usize) -> usize {
    match ip.family {
        Family::V4 => {
            let head = &mut buf[..20];
            head[0] = 0x45;
            head[1] = 0;
            head[2..4].copy_from_slice(&((20 + payload) as u16).to_be_bytes());
            head[4..6].copy_from_slice(&ip.id.to_be_bytes());
            head[6..8].copy_from_slice(&[0x40, 0]);
            head[8] = ip.ttl;
            head[9] = ip.protocol;
            head[10..12].fill(0);
            head[12..16].copy_from_slice(&ip.from.to_be_bytes());
            head[16..20].copy_from_slice(&ip.to.to_be_bytes());
            let checksum = fold(sum(head));
            head[10..12].copy_from_slice(&checksum.to_ne_bytes());
            20
        }
        Family::V6 => {
            let head = &mut buf[..40];
            head[..4].copy_from_slice(&[0x60, 0, 0, 0]);
            head[4..6].copy_from_slice(&(payload as u16).to_be_bytes());
            head[6] = ip.protocol;
            head[7] = ip.ttl;
            head[8..24].copy_from_slice(&Family::v6(ip.from));
            head[24..40].copy_from_slice(&Family::v6(ip.to));
            40
        }
    }
}

/// The checksum of a transport over `body` behind this IP header (RFC 9293, section 3.1; RFC 8200, section 8.1).
pub fn checksum(header: &[u8], protocol: u8, body: &[u8]) -> u16 {
    let addresses = if header.len() == 20 { &header[12..20] } else { &header[8..40] };
    let length = u64::from((body.len() as u16).to_be());
    fold(sum(body) + sum(addresses) + u64::from(u16::from(protocol).to_be()) + length)
}

/// Writes IP, within a tunnel where there is one, and TCP; returns the length of all with the payload.
pub fn segment(buf: &mut [u8], packet: &Segment, payload: &[u8]) -> usize {
    let family = packet.family;
    let inner = usize::from(family.header());
    let outer = if packet.tunnel.is_some() { inner } else { 0 };
    let options = options::write(&mut buf[outer + inner + 20..], packet);
    let tcp_len = 20 + options + payload.len();
    if let Some(Tunnel { from, to, ttl, id }) = packet.tunnel {
        let protocol = if family == Family::V4 { 4 } else { 41 };
        ip(buf, &Ip { family, protocol, from, to, ttl, id }, inner + tcp_len);
    }
    let buf = &mut buf[outer..][..inner + tcp_len];
    let Segment { from, to, ttl, id, .. } = *packet;
    ip(buf, &Ip { family, protocol: 6, from, to, ttl, id }, tcp_len);
    let (head, tcp) = buf.split_at_mut(inner);
    tcp[..2].copy_from_slice(&packet.from_port.to_be_bytes());
    tcp[2..4].copy_from_slice(&packet.to_port.to_be_bytes());
    tcp[4..8].copy_from_slice(&packet.seq.to_be_bytes());
    tcp[8..12].copy_from_slice(&packet.ack.to_be_bytes());
    tcp[12] = ((20 + options) as u8) << 2;
    tcp[13] = packet.flags;
    tcp[14..16].copy_from_slice(&packet.window.to_be_bytes());
    tcp[16..20].fill(0);
    tcp[20 + options..].copy_from_slice(payload);
    let checksum = checksum(head, 6, tcp);
    tcp[16..18].copy_from_slice(&checksum.to_ne_bytes());
    outer + inner + tcp_len
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

//! IPv4 and IPv6 with what they carry; tunnels are opened on the way.

use super::inside::{Inner, Shut};
use super::segment::Segment;
use super::transport::{self, Transport};
use super::tunnel::{self, Around, Carried, MAX_TUNNELS};
use super::{HeaderBits, Ip, Outer, Protocol, Stop};
use etherparse::{LaxIpPayloadSlice, LaxIpSlice, LaxIpv4Slice, LaxIpv6Slice, ip_number};

/// Which piece of a datagram a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fragment {
    /// The whole datagram.
    Whole,
    /// The first piece: ports are there, the end is not.
    First {
        /// Identification, 16 bits in IPv4, 32 in IPv6.
        id: u32,
    },
    /// A later piece: no ports.
    Later {
        /// As in the first piece.
        id: u32,
        /// Bytes of the datagram that it carries.
        bytes: u32,
    },
}

/// Bytes of an IPv6 fragment header (RFC 8200, section 4.5).
const FRAGMENT_HEADER: u32 = 8;

/// An IP packet of either family.
#[derive(Debug, Clone, PartialEq)]
pub struct IpPacket<'a> {
    /// Source address.
    pub src: Ip,
    /// Destination address.
    pub dst: Ip,
    /// Time to live, or hop limit; 0 where it is not known, as no packet travels with it.
    pub ttl: u8,
    /// IPv4 identification; `None` where it is not known, and for IPv6, which has none.
    pub id: Option<u16>,
    /// Protocol of what it carries, after extension headers.
    pub protocol: Protocol,
    /// Which piece of a datagram it is.
    pub fragment: Fragment,
    /// Whether it has IPv4 options, or IPv6 extension headers but that of a fragment.
    pub options: bool,
    /// What its header asks of the network.
    pub bits: HeaderBits,
    /// The innermost outer header, where the packet came in a tunnel.
    pub outer: Option<Outer>,
    /// What it carries.
    pub transport: Transport<'a>,
}

/// Whether a packet goes from one host to another, and not to a group or to all of a link.
#[must_use]
pub fn is_unicast(packet: &IpPacket<'_>) -> bool {
    packet.src.is_host() && packet.dst.is_host()
}

/// The innermost packet.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    pub ip: IpPacket<'a>,
    pub stop: Option<Stop>,
    /// Of the innermost frame, where a tunnel carried one.
    pub inner: Option<Inner>,
}

/// What nearly every packet is, built where it is read, not copied there; what [`open`] makes of it is
/// the same.
#[inline(always)]
pub(super) fn plain_tcp(bytes: &[u8]) -> Option<IpPacket<'_>> {
    let segment = Segment::of(bytes)?;
    let [src, dst] = segment.addresses().map(|ip| Ip::v4(ip.to_be_bytes()));
    Some(IpPacket {
        src,
        dst,
        ttl: segment.ttl(),
        id: Some(segment.id()),
        protocol: Protocol::TCP,
        fragment: Fragment::Whole,
        options: false,
        bits: segment.bits(),
        outer: None,
        transport: Transport::Tcp(segment.tcp()?),
    })
}

pub(super) fn open(
    bytes: &[u8],
    wire_len: u32,
    outer: Option<Outer>,
    depth: u8,
) -> Option<Opened<'_>> {
    let (slice, stop) = LaxIpSlice::from_slice(bytes).ok()?;
    let stop = stop.map(|_| Stop::Network);
    let (mut ip, payload, payload_wire) = match &slice {
        LaxIpSlice::Ipv4(v4) => v4_header(v4, wire_len, outer),
        LaxIpSlice::Ipv6(v6) => v6_header(v6, bytes, wire_len, outer),
    };
    let mut cut = None;
    if !ip.protocol.is_tcp()
        && depth < MAX_TUNNELS
        && ip.fragment == Fragment::Whole
        && tunnel::may_be(ip.protocol.0, payload)
    {
        match carried(&ip, payload, payload_wire, depth) {
            Ok(found) => return Some(found),
            // More was on the wire than was captured.
            Err(Shut::Cut) if (payload.len() as u64) < u64::from(payload_wire) => {
                cut = Some(Stop::Network);
            }
            Err(_) => {}
        }
    }
    if stop.is_some() || matches!(ip.fragment, Fragment::Later { .. }) {
        return Some(Opened { ip, stop, inner: None });
    }
    match transport::read(ip.protocol.0, payload, payload_wire) {
        Some(transport) => ip.transport = transport,
        None if matches!(ip.protocol.0, 1 | 6 | 17 | 58) => {
            return Some(Opened { ip, stop: Some(Stop::Transport), inner: None });
        }
        None => {}
    }
    Some(Opened { ip, stop: cut, inner: None })
}

/// The innermost packet of a tunnel that `ip` begins; `wire_len` is the length of its payload on the wire.
#[inline(never)]
fn carried<'a>(
    ip: &IpPacket<'a>,
    payload: &'a [u8],
    wire_len: u32,
    depth: u8,
) -> Result<Opened<'a>, Shut> {
    let id = ip.outer.and_then(|around| around.id);
    let around = Around { src: ip.src, dst: ip.dst, protocol: ip.protocol, id };
    match tunnel::read(around, payload, wire_len)? {
        Carried::Packet { bytes, wire_len, outer, frame } => {
            let mut found = open(bytes, wire_len, outer, depth + 1).ok_or(Shut::Cut)?;
            // Of frames in frames the innermost counts.
            found.inner = found.inner.or(frame);
            Ok(found)
        }
        Carried::Arp(inner) => Ok(Opened { ip: ip.clone(), stop: None, inner: Some(inner) }),
    }
}

#[inline(always)]
fn v4_header<'a>(
    v4: &LaxIpv4Slice<'a>,
    wire_len: u32,
    outer: Option<Outer>,
) -> (IpPacket<'a>, &'a [u8], u32) {
    let header = v4.header();
    let total = match u32::from(header.total_len()) {
        // Segmentation offload leaves the field 0 (or 0 modulo 2^16).
        0 => wire_len,
        total => total,
    };
    let bytes = total.saturating_sub(u32::from(header.ihl()) * 4);
    let id = u32::from(header.identification());
    let fragment = match (header.fragments_offset().value(), header.more_fragments()) {
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First { id },
        _ => Fragment::Later { id, bytes },
    };
    let ip = IpPacket {
        src: Ip::v4(header.source()),
        dst: Ip::v4(header.destination()),
        ttl: header.ttl(),
        id: Some(header.identification()),
        protocol: Protocol(v4.payload_ip_number().0),
        fragment,
        options: header.ihl() > 5,
        bits: HeaderBits::v4(header.slice()[1], header.slice()[6]),
        outer,
        transport: Transport::Other,
    };
    (ip, v4.payload().payload, bytes)
}

fn v6_header<'a>(
    v6: &LaxIpv6Slice<'a>,
    bytes: &'a [u8],
    wire_len: u32,
    outer: Option<Outer>,
) -> (IpPacket<'a>, &'a [u8], u32) {
    let (header, payload) = (v6.header(), v6.payload());
    let total = match u32::from(header.payload_length()) {
        0 => wire_len.saturating_sub(40),
        total => total,
    };
    let extensions = ext_len(bytes, payload);
    let bytes = total.saturating_sub(extensions);
    let piece = if v6.is_payload_fragmented() { FRAGMENT_HEADER } else { 0 };
    let fragment = match (v6.is_payload_fragmented(), v6_piece(v6)) {
        (false, _) => Fragment::Whole,
        (true, (0, id)) => Fragment::First { id },
        (true, (_, id)) => Fragment::Later { id, bytes },
    };
    let ip = IpPacket {
        src: Ip::v6(header.source()),
        dst: Ip::v6(header.destination()),
        ttl: header.hop_limit(),
        id: None,
        protocol: Protocol(payload.ip_number.0),
        fragment,
        options: extensions > piece,
        bits: HeaderBits::v6(header.traffic_class()),
        outer,
        transport: Transport::Other,
    };
    (ip, payload.payload, bytes)
}

/// Length of the IPv6 extension headers between the fixed header and the payload.
fn ext_len(bytes: &[u8], payload: &LaxIpPayloadSlice<'_>) -> u32 {
    let start = bytes.as_ptr() as usize;
    let at = payload.payload.as_ptr() as usize;
    at.checked_sub(start + 40).map_or(0, |len| len as u32)
}

/// Offset and identification of a fragment, from the fragment header among the extension headers
/// (RFC 8200, section 4.5). Walked here byte by byte: the slices' own iterator
/// trusts lengths that a cut or hostile packet need not keep.
fn v6_piece(v6: &LaxIpv6Slice<'_>) -> (u16, u32) {
    let mut next = v6.header().next_header().0;
    let mut rest = v6.extensions().slice();
    while let [following, len, a, b, ..] = *rest {
        if next == ip_number::IPV6_FRAGMENTATION_HEADER.0 {
            let id = rest.get(4..8).and_then(|id| id.try_into().ok());
            return (u16::from_be_bytes([a, b]) >> 3, id.map_or(0, u32::from_be_bytes));
        }
        // Authentication headers count in 4 octets (RFC 4302), others in 8.
        let size = if next == ip_number::AUTHENTICATION_HEADER.0 {
            (usize::from(len) + 2) * 4
        } else {
            (usize::from(len) + 1) * 8
        };
        next = following;
        rest = rest.get(size..).unwrap_or(&[]);
    }
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::super::frame::decode;
    use super::super::{Body, LinkHeader};
    use super::*;

    /// Extension headers whose lengths lie, in every short chain: the fragment
    /// offset must be read from what is there, never from beyond.
    #[test]
    fn extension_headers_may_lie_about_their_length() {
        const KINDS: [u8; 8] = [0, 43, 44, 51, 60, 135, 6, 59];
        for first in KINDS {
            for second in KINDS {
                for len in [0u8, 1, 2, 5, 0xff] {
                    for cut in [0usize, 1, 2, 7, 8, 9, 15, 16, 24, 31, 32] {
                        let mut bytes = vec![0u8; 40];
                        bytes[0] = 0x60;
                        bytes[5] = 32;
                        bytes[6] = first;
                        bytes[7] = 64;
                        bytes.extend([second, len, 0xff, 0xf9, 0, 0, 0, 0]);
                        bytes.extend([44, len, 0xff, 0xf9, 0, 0, 0, 0]);
                        bytes.extend([6, len, 0x10, 0x01, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
                        bytes.truncate(40 + cut);
                        let packet = decode(LinkHeader::default(), 0x86dd, &bytes, 72);
                        assert!(packet.stop.is_some() || matches!(packet.body, Body::Ip(_)));
                    }
                }
            }
        }
    }

    /// Whatever byte is changed and wherever it is cut, the short way gives what the long one does.
    #[test]
    fn plain_segments_are_what_they_are_when_opened() {
        let mut bytes = vec![0u8; 64];
        bytes[..10].copy_from_slice(&[0x45, 0, 0, 60, 0x12, 0x34, 0x40, 0, 64, 6]);
        bytes[12..20].copy_from_slice(&[192, 0, 2, 1, 198, 51, 100, 7]);
        bytes[20..24].copy_from_slice(&[0x9c, 0x40, 0, 80]);
        bytes[32..36].copy_from_slice(&[0x80, 0x18, 1, 2]);
        let mut plain = 0;
        for at in 0..36 {
            for value in [0, 5, 0x11, 0x20, 0x3f, 0x40, 0x45, 0x46, 0x50, 0x80, 0xf0, 0xff] {
                for len in [0, 19, 20, 39, 40, 51, 52, 53, 60, 64] {
                    let mut bytes = bytes.clone();
                    bytes[at] = value;
                    let Some(ip) = plain_tcp(&bytes[..len]) else { continue };
                    let opened = open(&bytes[..len], len as u32, None, 0).unwrap();
                    assert_eq!((&ip, opened.stop), (&opened.ip, None), "{at} {value} {len}");
                    plain += 1;
                }
            }
        }
        assert!(plain > 1000, "{plain}");
    }

    #[test]
    fn a_later_fragment_has_no_ports() {
        let mut bytes = vec![0u8; 40];
        bytes[0] = 0x60;
        bytes[5] = 16;
        bytes[6] = 44;
        // Fragment header: next TCP, offset 3 x 8 octets, more to come.
        bytes.extend([6, 0, 0, 0x19, 0, 0, 0, 1]);
        bytes.extend([0xaf, 0xc8, 0, 80, 0, 0, 0, 0]);
        let packet = decode(LinkHeader::default(), 0x86dd, &bytes, 56);
        let Body::Ip(ip) = packet.body else { panic!("{packet:?}") };
        assert_eq!(ip.fragment, Fragment::Later { id: 1, bytes: 8 });
        assert_eq!(ip.transport, Transport::Other);
        bytes[42] = 0;
        bytes[43] = 1;
        let packet = decode(LinkHeader::default(), 0x86dd, &bytes, 56);
        let Body::Ip(ip) = packet.body else { panic!("{packet:?}") };
        assert_eq!(ip.fragment, Fragment::First { id: 1 });
        assert!(matches!(ip.transport, Transport::Tcp(tcp) if tcp.dst_port == 80));
    }
}

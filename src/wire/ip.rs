//! IPv4 and IPv6 with what they carry; tunnels are opened on the way.

use super::{Arp, Body, Icmp, Ip, LinkHeader, Packet, Stop, Tcp, TcpFlags, Vrrp};
use super::{arp, icmp, vrrp};
use etherparse::{EtherType, LaxIpPayloadSlice, LaxLinkExtSlice, LaxNetSlice, LaxSlicedPacket};
use etherparse::{TransportSlice, ip_number};

/// Tunnels inside tunnels that are opened; deeper ones stay closed.
const MAX_TUNNELS: u8 = 4;

/// An outer header that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Outer {
    /// Outer source.
    pub src: Ip,
    /// Outer destination.
    pub dst: Ip,
    /// Protocol number of the outer header: 4 (IPIP) or 41 (6in4).
    pub protocol: u8,
}

/// Which piece of a datagram a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fragment {
    /// The whole datagram.
    Whole,
    /// The first piece: ports are there, the end is not.
    First,
    /// A later piece: no ports.
    Later,
}

/// A UDP datagram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Udp<'a> {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Payload bytes that were captured.
    pub payload: &'a [u8],
    /// Payload bytes that were on the wire.
    pub payload_len: u32,
}

/// What an IP packet carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Transport<'a> {
    /// TCP.
    Tcp(Tcp<'a>),
    /// UDP.
    Udp(Udp<'a>),
    /// ICMP or ICMPv6.
    Icmp(Icmp<'a>),
    /// VRRP.
    Vrrp(Vrrp),
    /// Another protocol, a later fragment, or a header cut too short.
    Other,
}

/// An IP packet of either family.
#[derive(Debug, Clone, PartialEq)]
pub struct IpPacket<'a> {
    /// Source address.
    pub src: Ip,
    /// Destination address.
    pub dst: Ip,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// IPv4 identification; `None` for IPv6, which has none.
    pub id: Option<u16>,
    /// Protocol of what it carries, after extension headers.
    pub protocol: u8,
    /// Which piece of a datagram it is.
    pub fragment: Fragment,
    /// The innermost outer header, where the packet came in a tunnel.
    pub outer: Option<Outer>,
    /// What it carries.
    pub transport: Transport<'a>,
}

/// Whether an IP protocol's packets have ports that name a flow.
#[must_use]
pub fn is_unicast(packet: &IpPacket<'_>) -> bool {
    packet.src.is_host() && packet.dst.is_host()
}

pub(super) fn decode<'a>(
    link: LinkHeader,
    ether_type: u16,
    bytes: &'a [u8],
    wire_len: u32,
) -> Packet<'a> {
    let sliced = LaxSlicedPacket::from_ether_type(EtherType(ether_type), bytes);
    let mut vlan = 0u32;
    for ext in &sliced.link_exts {
        if let LaxLinkExtSlice::Vlan(tag) = ext {
            vlan = vlan << 16 | u32::from(tag.vlan_identifier().value());
        }
    }
    let mut packet = Packet { link, vlan, body: Body::Other(ether_type), stop: None };
    match &sliced.net {
        Some(LaxNetSlice::Arp(slice)) => match arp::decode(slice) {
            Some(arp) => packet.body = Body::Arp(arp),
            None => packet.stop = Some(Stop::Network),
        },
        Some(_) => {
            if let Some((ip, stop)) = open(&sliced, bytes, wire_len, None, 0) {
                packet.body = Body::Ip(ip);
                packet.stop = stop;
            }
        }
        None => packet.stop = sliced.stop_err.map(|_| Stop::Network),
    }
    packet
}

/// The packet that an ICMP error quotes.
pub(super) fn quoted(bytes: &[u8]) -> Option<IpPacket<'_>> {
    let sliced = LaxSlicedPacket::from_ip(bytes).ok()?;
    open(&sliced, bytes, bytes.len() as u32, None, MAX_TUNNELS).map(|(ip, _)| ip)
}

fn open<'a>(
    sliced: &LaxSlicedPacket<'a>,
    bytes: &'a [u8],
    wire_len: u32,
    outer: Option<Outer>,
    depth: u8,
) -> Option<(IpPacket<'a>, Option<Stop>)> {
    let (mut ip, payload, payload_wire) = match sliced.net.as_ref()? {
        LaxNetSlice::Ipv4(v4) => {
            let header = v4.header();
            let fragment = match (header.fragments_offset().value(), header.more_fragments()) {
                (0, false) => Fragment::Whole,
                (0, true) => Fragment::First,
                _ => Fragment::Later,
            };
            let header_len = u32::from(header.ihl()) * 4;
            let total = match u32::from(header.total_len()) {
                // Segmentation offload leaves the field 0 (or 0 modulo 2^16).
                0 => wire_len,
                total => total,
            };
            let ip = IpPacket {
                src: Ip::v4(header.source()),
                dst: Ip::v4(header.destination()),
                ttl: header.ttl(),
                id: Some(header.identification()),
                protocol: v4.payload_ip_number().0,
                fragment,
                outer,
                transport: Transport::Other,
            };
            (ip, v4.payload(), total.saturating_sub(header_len))
        }
        LaxNetSlice::Ipv6(v6) => {
            let header = v6.header();
            let payload = v6.payload();
            let extensions = ext_len(bytes, payload);
            let total = match u32::from(header.payload_length()) {
                0 => wire_len.saturating_sub(40),
                total => total,
            };
            let fragment = match (v6.is_payload_fragmented(), v6_offset(v6)) {
                (false, _) => Fragment::Whole,
                (true, 0) => Fragment::First,
                (true, _) => Fragment::Later,
            };
            let ip = IpPacket {
                src: Ip::v6(header.source()),
                dst: Ip::v6(header.destination()),
                ttl: header.hop_limit(),
                id: None,
                protocol: payload.ip_number.0,
                fragment,
                outer,
                transport: Transport::Other,
            };
            (ip, payload, total.saturating_sub(extensions))
        }
        LaxNetSlice::Arp(_) => return None,
    };
    let inner = payload.payload;
    if matches!(ip.protocol, 4 | 41) && depth < MAX_TUNNELS && ip.fragment == Fragment::Whole {
        let around = Outer { src: ip.src, dst: ip.dst, protocol: ip.protocol };
        if let Ok(slices) = LaxSlicedPacket::from_ip(inner)
            && let Some(found) = open(&slices, inner, payload_wire, Some(around), depth + 1)
        {
            return Some(found);
        }
    }
    let mut stop = sliced.stop_err.as_ref().map(|_| Stop::Network);
    let wanted = ip.fragment != Fragment::Later;
    match &sliced.transport {
        Some(TransportSlice::Tcp(tcp)) => {
            let header_len = u32::from(tcp.data_offset()) * 4;
            ip.transport = Transport::Tcp(Tcp {
                src_port: tcp.source_port(),
                dst_port: tcp.destination_port(),
                seq: tcp.sequence_number(),
                ack: tcp.acknowledgment_number(),
                flags: TcpFlags(tcp.slice()[13]),
                window: tcp.window_size(),
                options: inner.get(20..header_len as usize).unwrap_or(&[]),
                header_cut: false,
                payload: tcp.payload(),
                payload_len: payload_wire.saturating_sub(header_len),
            });
        }
        Some(TransportSlice::Udp(udp)) => {
            ip.transport = Transport::Udp(Udp {
                src_port: udp.source_port(),
                dst_port: udp.destination_port(),
                payload: udp.payload(),
                payload_len: payload_wire.saturating_sub(8),
            });
        }
        _ if !wanted => {}
        _ => match cut_transport(ip.protocol, inner, payload_wire) {
            Some(transport) => ip.transport = transport,
            None if matches!(ip.protocol, 1 | 6 | 17 | 58) => stop = Some(Stop::Transport),
            None => {}
        },
    }
    Some((ip, stop))
}

/// Length of the IPv6 extension headers between the fixed header and the payload.
fn ext_len(bytes: &[u8], payload: &LaxIpPayloadSlice<'_>) -> u32 {
    let start = bytes.as_ptr() as usize;
    let at = payload.payload.as_ptr() as usize;
    at.checked_sub(start + 40).map_or(0, |len| len as u32)
}

fn v6_offset(v6: &etherparse::LaxIpv6Slice<'_>) -> u16 {
    use etherparse::Ipv6ExtensionSlice;
    v6.extensions()
        .clone()
        .into_iter()
        .find_map(|ext| match ext {
            Ipv6ExtensionSlice::Fragment(f) => Some(f.fragment_offset().value()),
            _ => None,
        })
        .unwrap_or(0)
}

/// Headers that the slices leave out: those of first fragments, and those that
/// the snapshot length or an ICMP quote cut in their options.
fn cut_transport(protocol: u8, bytes: &[u8], wire_len: u32) -> Option<Transport<'_>> {
    let u16_at = |at: usize| bytes.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
    let u32_at =
        |at: usize| bytes.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    match etherparse::IpNumber(protocol) {
        ip_number::TCP => {
            let (src_port, dst_port, seq) = (u16_at(0)?, u16_at(2)?, u32_at(4)?);
            let header_len = bytes.get(12).map_or(20, |b| u32::from(b >> 4) * 4).max(20);
            let end = bytes.len().min(header_len as usize);
            Some(Transport::Tcp(Tcp {
                src_port,
                dst_port,
                seq,
                ack: u32_at(8).unwrap_or(0),
                flags: TcpFlags(bytes.get(13).copied().unwrap_or(0)),
                window: u16_at(14).unwrap_or(0),
                options: bytes.get(20..end).unwrap_or(&[]),
                header_cut: end < header_len as usize,
                payload: &bytes[end..],
                payload_len: wire_len.saturating_sub(header_len),
            }))
        }
        ip_number::UDP => Some(Transport::Udp(Udp {
            src_port: u16_at(0)?,
            dst_port: u16_at(2)?,
            payload: bytes.get(8..).unwrap_or(&[]),
            payload_len: wire_len.saturating_sub(8),
        })),
        ip_number::ICMP => icmp::decode_v4(bytes).map(Transport::Icmp),
        ip_number::IPV6_ICMP => icmp::decode_v6(bytes).map(Transport::Icmp),
        etherparse::IpNumber(112) => vrrp::decode(bytes).map(Transport::Vrrp),
        _ => None,
    }
}

impl Arp {
    /// Whether both ends can be hosts, so that the binding can be believed.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        self.sender_mac.is_unicast() && self.target.is_host()
    }
}

//! What an IP packet carries: TCP, UDP, ICMP and VRRP, whole or as much of them as was captured.

use super::{Icmp, Tcp, TcpFlags, Vrrp, icmp, vrrp};
use crate::capture::Known;
use etherparse::{TcpSlice, ip_number};

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
    Vrrp(Vrrp<'a>),
    /// Another protocol, a later fragment, or a header cut too short.
    Other,
}

/// The header of a protocol and its payload, which was so long on the wire.
#[inline]
pub(super) fn read(protocol: u8, bytes: &[u8], wire_len: u32) -> Option<Transport<'_>> {
    if etherparse::IpNumber(protocol) == ip_number::TCP
        && let Some(tcp) = whole_tcp(bytes, wire_len)
    {
        return Some(Transport::Tcp(tcp));
    }
    cut_transport(protocol, bytes, wire_len)
}

#[inline(always)]
fn whole_tcp(bytes: &[u8], wire_len: u32) -> Option<Tcp<'_>> {
    let tcp = TcpSlice::from_slice(bytes).ok()?;
    let header = tcp.header_slice();
    Some(Tcp {
        src_port: tcp.source_port(),
        dst_port: tcp.destination_port(),
        seq: tcp.sequence_number(),
        ack: tcp.acknowledgment_number(),
        flags: TcpFlags(header[13]),
        window: tcp.window_size(),
        options: &bytes[20..header.len()],
        header_cut: false,
        payload: &bytes[header.len()..],
        payload_len: wire_len.saturating_sub(header.len() as u32),
        known: Known::ALL,
    })
}

/// Transport headers read field by field: all but whole TCP headers, so that
/// what the snapshot length or an ICMP quote cut still yields what it holds.
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
                // Without the data offset nothing says where the payload begins.
                payload_len: bytes.get(12).map_or(0, |_| wire_len.saturating_sub(header_len)),
                known: Known::ALL,
            }))
        }
        ip_number::UDP => Some(Transport::Udp(Udp {
            src_port: u16_at(0)?,
            dst_port: u16_at(2)?,
            payload: bytes.get(8..).unwrap_or(&[]),
            payload_len: wire_len.saturating_sub(8),
        })),
        // Ports stand as in UDP, and chunks behind the common header (RFC 9260, section 3).
        ip_number::SCTP => Some(Transport::Udp(Udp {
            src_port: u16_at(0)?,
            dst_port: u16_at(2)?,
            payload: bytes.get(12..).unwrap_or(&[]),
            payload_len: wire_len.saturating_sub(12),
        })),
        ip_number::ICMP => icmp::decode_v4(bytes).map(Transport::Icmp),
        ip_number::IPV6_ICMP => icmp::decode_v6(bytes).map(Transport::Icmp),
        etherparse::IpNumber(112) => vrrp::decode(bytes).map(Transport::Vrrp),
        _ => None,
    }
}

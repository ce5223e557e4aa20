//! Whether a TCP checksum is right (RFC 9293, section 3.1), and that of the UDP datagram
//! around it, where it came in a tunnel (RFC 768). It is asked for few packets: summing all
//! of them would cost more than the rest of the pass.

use super::{IpPacket, Outer, Protocol, Tcp};
use etherparse::checksum::Sum16BitWords;
use std::net::IpAddr;

/// Bytes of a TCP header without options.
const HEADER: usize = 20;
/// Where the checksum stands in it.
const AT: usize = 16;

/// What a checksum is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// It is right.
    Right,
    /// The sum of the pseudo-header alone: the rest is left to a network card, which a
    /// packet between two guests of one machine never meets. The receiver takes it.
    Partial,
    /// It is wrong: a receiver drops the packet without a word.
    Wrong,
}

/// The worth of a segment's checksum; `frame` is what the segment was decoded from.
/// `None` where the segment was not captured whole.
#[must_use]
pub fn tcp_sum(frame: &[u8], ip: &IpPacket<'_>, tcp: &Tcp<'_>) -> Option<Sum> {
    // Options follow the fixed header; both lie in the frame.
    let options = (tcp.options.as_ptr() as usize).checked_sub(frame.as_ptr() as usize)?;
    let start = options.checked_sub(HEADER)?;
    let len = HEADER + tcp.options.len() + tcp.payload_len as usize;
    let segment = frame.get(start..start.checked_add(len)?)?;
    let ports = [tcp.src_port.to_be_bytes(), tcp.dst_port.to_be_bytes()].concat();
    if tcp.header_cut || segment.get(..4)? != ports {
        return None;
    }
    worth((ip.src.addr(), ip.dst.addr()), Protocol::TCP, segment, AT)
}

/// Bytes of a UDP header, and where the checksum stands in it.
const UDP_HEADER: usize = 8;
const UDP_AT: usize = 6;
/// Bytes of a frame within which an outer IP header begins.
const OUTER_WITHIN: usize = 96;

/// The worth of the checksum of the UDP datagram in which a packet came through a tunnel;
/// `frame` is what it was decoded from. A sum of 0 is none (RFC 768; RFC 6935 in IPv6).
/// `None` where the tunnel is no UDP, or the datagram was not captured whole.
#[must_use]
pub fn outer_udp_sum(frame: &[u8], outer: &Outer) -> Option<Sum> {
    if outer.protocol != Protocol::UDP.0 {
        return None;
    }
    let ends = (outer.src.addr(), outer.dst.addr());
    let start = (0..OUTER_WITHIN).find_map(|at| udp_at(frame.get(at..)?, ends).map(|n| at + n))?;
    let len = usize::from(u16::from_be_bytes([*frame.get(start + 4)?, *frame.get(start + 5)?]));
    let datagram = frame.get(start..start.checked_add(len)?).filter(|d| d.len() >= UDP_HEADER)?;
    if datagram[UDP_AT..UDP_HEADER] == [0, 0] {
        return Some(Sum::Right);
    }
    worth(ends, Protocol::UDP, datagram, UDP_AT)
}

/// The worth of the checksum at `at` of a whole message of an IP protocol; one without a
/// pseudo-header is right, too.
pub(super) fn of_message(
    ends: (IpAddr, IpAddr),
    protocol: u8,
    message: &[u8],
    at: usize,
) -> Option<Sum> {
    if Sum16BitWords::new().add_slice(message).ones_complement() == 0 {
        return Some(Sum::Right);
    }
    worth(ends, Protocol(protocol), message, at)
}

/// How far behind the beginning of a packet its UDP header is, if these bytes are one
/// between two addresses that carries UDP at once.
fn udp_at(packet: &[u8], ends: (IpAddr, IpAddr)) -> Option<usize> {
    let (first, udp) = (*packet.first()?, Protocol::UDP.0);
    match ends {
        (IpAddr::V4(s), IpAddr::V4(d)) => {
            let addresses = [s.octets(), d.octets()].concat();
            let fits = first >> 4 == 4
                && *packet.get(9)? == udp
                && packet.get(12..20)? == addresses.as_slice();
            fits.then_some(usize::from(first & 0xf) * 4)
        }
        (IpAddr::V6(s), IpAddr::V6(d)) => {
            let addresses = [s.octets(), d.octets()].concat();
            let fits = first >> 4 == 6
                && *packet.get(6)? == udp
                && packet.get(8..40)? == addresses.as_slice();
            fits.then_some(40)
        }
        _ => None,
    }
}

/// Holds the sum in a segment or datagram against its pseudo-header and bytes.
fn worth(ends: (IpAddr, IpAddr), protocol: Protocol, segment: &[u8], at: usize) -> Option<Sum> {
    let mut sum = Sum16BitWords::new();
    let sum = match ends {
        (IpAddr::V4(s), IpAddr::V4(d)) => sum.add_4bytes(s.octets()).add_4bytes(d.octets()),
        (IpAddr::V6(s), IpAddr::V6(d)) => sum.add_16bytes(s.octets()).add_16bytes(d.octets()),
        _ => return None,
    };
    let len = u16::try_from(segment.len()).ok()?.to_be_bytes();
    let sum = sum.add_2bytes([0, protocol.0]).add_2bytes(len);
    let pseudo = !sum.ones_complement();
    let sent = u16::from_ne_bytes([*segment.get(at)?, *segment.get(at + 1)?]);
    Some(if sum.add_slice(segment).ones_complement() == 0 {
        Sum::Right
    } else if sent == pseudo {
        Sum::Partial
    } else {
        Sum::Wrong
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Frame, LinkType, Timestamp};
    use crate::wire::{Body, Transport, decode};

    /// A SYN in IPv4 with the checksum that is asked for.
    fn syn(checksum: [u8; 2]) -> Vec<u8> {
        let mut bytes = vec![0x45, 0, 0, 44, 0, 1, 0x40, 0, 64, 6, 0, 0];
        bytes.extend([192, 0, 2, 1, 192, 0, 2, 2]);
        bytes.extend([0x9c, 0x40, 0, 80, 0, 0, 0, 7, 0, 0, 0, 0, 0x60, 2, 0xff, 0xff]);
        bytes.extend(checksum);
        bytes.extend([0, 0, 2, 4, 5, 0xb4]);
        bytes
    }

    /// A VXLAN datagram between two hosts, with the UDP checksum that is asked for.
    fn tunnelled(checksum: [u8; 2]) -> (Vec<u8>, Outer) {
        let (src, dst) = ([192, 0, 2, 1], [192, 0, 2, 2]);
        let mut bytes = vec![0; 14];
        bytes.extend([0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0]);
        bytes.extend([src, dst].concat());
        bytes.extend([0x69, 0x12, 0x21, 0x18, 0, 12]);
        bytes.extend(checksum);
        bytes.extend([1, 2, 3, 4]);
        let ip = |octets: [u8; 4]| crate::wire::Ip::from(IpAddr::from(octets));
        let outer = Outer {
            src: ip(src),
            dst: ip(dst),
            protocol: 17,
            kind: crate::wire::Tunnel::Vxlan,
            id: None,
            options: None,
        };
        (bytes, outer)
    }

    #[test]
    fn an_outer_sum_may_be_right_left_out_or_left_to_the_card() {
        let mut counts = [0, 0, 0];
        for sum in 0..=u16::MAX {
            let (bytes, outer) = tunnelled(sum.to_be_bytes());
            match outer_udp_sum(&bytes, &outer) {
                Some(Sum::Right) => counts[0] += 1,
                Some(Sum::Partial) => counts[1] += 1,
                Some(Sum::Wrong) => counts[2] += 1,
                None => panic!("it is whole"),
            }
        }
        assert_eq!(counts, [2, 1, 65_533]);
        let (bytes, outer) = tunnelled([0xff, 0xff]);
        for cut in 0..bytes.len() {
            assert_eq!(outer_udp_sum(&bytes[..cut], &outer), None, "cut at {cut}");
        }
        assert_eq!(outer_udp_sum(&bytes, &Outer { protocol: 47, ..outer }), None);
    }

    fn worth(bytes: &[u8]) -> Option<Sum> {
        let frame = Frame {
            number: 1,
            interface: 0,
            time: Timestamp(0),
            wire_len: bytes.len() as u32,
            link_type: LinkType::RAW,
            data: bytes,
            known: crate::capture::Known::ALL,
        };
        let packet = decode(&frame);
        let Body::Ip(ip) = &packet.body else { panic!("IP") };
        let Transport::Tcp(tcp) = &ip.transport else { panic!("TCP") };
        tcp_sum(bytes, ip, tcp)
    }

    #[test]
    fn one_sum_is_right_one_is_left_to_the_card_and_all_others_are_wrong() {
        let mut counts = [0, 0, 0];
        for sum in 0..=u16::MAX {
            match worth(&syn(sum.to_be_bytes())) {
                Some(Sum::Right) => counts[0] += 1,
                Some(Sum::Partial) => counts[1] += 1,
                Some(Sum::Wrong) => counts[2] += 1,
                None => panic!("it is whole"),
            }
        }
        assert_eq!(counts, [1, 1, 65_534]);
    }

    #[test]
    fn a_cut_segment_is_not_judged() {
        let bytes = syn([0, 0]);
        for len in 40..bytes.len() {
            let frame = Frame {
                number: 1,
                interface: 0,
                time: Timestamp(0),
                wire_len: bytes.len() as u32,
                link_type: LinkType::RAW,
                data: &bytes[..len],
                known: crate::capture::Known::ALL,
            };
            let packet = decode(&frame);
            let Body::Ip(ip) = &packet.body else { continue };
            let Transport::Tcp(tcp) = &ip.transport else { continue };
            assert_eq!(tcp_sum(&bytes[..len], ip, tcp), None, "cut at {len}");
        }
    }
}

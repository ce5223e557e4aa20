//! Whether a TCP checksum is right (RFC 9293, section 3.1). It is asked for few packets:
//! summing all of them would cost more than the rest of the pass.

use super::{IpPacket, Tcp};
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
    let mut sum = Sum16BitWords::new();
    let sum = match (ip.src.addr(), ip.dst.addr()) {
        (IpAddr::V4(s), IpAddr::V4(d)) => sum.add_4bytes(s.octets()).add_4bytes(d.octets()),
        (IpAddr::V6(s), IpAddr::V6(d)) => sum.add_16bytes(s.octets()).add_16bytes(d.octets()),
        _ => return None,
    };
    let len = u16::try_from(len).ok()?.to_be_bytes();
    let sum = sum.add_2bytes([0, 6]).add_2bytes(len);
    let pseudo = !sum.ones_complement();
    let sent = u16::from_ne_bytes([segment[AT], segment[AT + 1]]);
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

//! Link headers: Ethernet, Linux cooked v1 and v2, raw IP, NULL/LOOP, PPP, Cisco HDLC. Those with a header of the
//! capturing system before them are in [`pseudo_header`].

use super::pseudo_header::{self, Before};
use super::{Direction, LinkHeader, Mac, Stop, shim};
use crate::capture::LinkType;

pub(super) const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86dd;

pub(super) fn supports(link_type: LinkType) -> bool {
    matches!(
        link_type,
        LinkType::ETHERNET
            | LinkType::LINUX_SLL
            | LinkType::LINUX_SLL2
            | LinkType::RAW
            | LinkType::IPV4
            | LinkType::IPV6
            | LinkType::NULL
            | LinkType::LOOP
            | LinkType::PPP
            | LinkType::PPP_HDLC
            | LinkType::PPP_ETHER
            | LinkType::C_HDLC
            | LinkType::MPLS
            | LinkType::RAW_BSD
            | LinkType::RAW_OPENBSD
    ) || pseudo_header::is_one(link_type)
}

/// The link header, the EtherType of what follows, and where that begins.
#[inline]
pub(crate) fn split(link_type: LinkType, data: &[u8]) -> Result<(LinkHeader, u16, usize), Stop> {
    match link_type {
        LinkType::ETHERNET => ethernet(data),
        LinkType::LINUX_SLL => cooked(data),
        LinkType::LINUX_SLL2 => cooked2(data),
        LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 => raw(data, 0),
        LinkType::NULL | LinkType::LOOP => null(data),
        LinkType::PPP | LinkType::PPP_HDLC => ppp(data),
        LinkType::RAW_BSD | LinkType::RAW_OPENBSD => raw(data, 0),
        LinkType::PPP_ETHER => Ok((LinkHeader::default(), shim::PPPOE, 0)),
        LinkType::MPLS => Ok((LinkHeader::default(), shim::MPLS[0], 0)),
        LinkType::C_HDLC => Ok((LinkHeader::default(), u16_at(data, 2).ok_or(Stop::Link)?, 4)),
        _ => behind(&pseudo_header::read(link_type, data)?, data),
    }
}

/// The link header behind a pseudo-header, with what that one says of the packet's way.
#[cold]
fn behind(before: &Before, data: &[u8]) -> Result<(LinkHeader, u16, usize), Stop> {
    let rest = data.get(before.len..).ok_or(Stop::Link)?;
    let (header, kind, at) = split(before.inside, rest)?;
    let link = LinkHeader {
        // One of the two has none.
        ifindex: before.ifindex.max(header.ifindex),
        direction: before.direction,
        src: before.src.or(header.src),
        ..header
    };
    Ok((link, kind, before.len + at))
}

#[inline]
fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*data.get(at)?, *data.get(at + 1)?]))
}

#[inline]
fn ethernet(data: &[u8]) -> Result<(LinkHeader, u16, usize), Stop> {
    let header = data.first_chunk::<14>().ok_or(Stop::Link)?;
    let link = LinkHeader {
        dst: Mac::from_slice(&header[0..6]),
        src: Mac::from_slice(&header[6..12]),
        ..LinkHeader::default()
    };
    Ok((link, u16::from_be_bytes([header[12], header[13]]), 14))
}

/// LINKTYPE_LINUX_SLL: packet type, ARPHRD, address length, address, protocol.
fn cooked(data: &[u8]) -> Result<(LinkHeader, u16, usize), Stop> {
    let header = data.first_chunk::<16>().ok_or(Stop::Link)?;
    let has_mac = header[4..6] == [0, 6];
    let link = LinkHeader {
        direction: direction(header[1]),
        src: has_mac.then(|| Mac::from_slice(&header[6..12])).flatten(),
        ..LinkHeader::default()
    };
    Ok((link, u16::from_be_bytes([header[14], header[15]]), 16))
}

/// LINKTYPE_LINUX_SLL2: protocol, reserved, interface index, ARPHRD, packet
/// type, address length, address.
fn cooked2(data: &[u8]) -> Result<(LinkHeader, u16, usize), Stop> {
    let header = data.first_chunk::<20>().ok_or(Stop::Link)?;
    let link = LinkHeader {
        ifindex: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        direction: direction(header[10]),
        src: (header[11] == 6).then(|| Mac::from_slice(&header[12..18])).flatten(),
        ..LinkHeader::default()
    };
    Ok((link, u16::from_be_bytes([header[0], header[1]]), 20))
}

fn direction(packet_type: u8) -> Direction {
    match packet_type {
        0 => Direction::In,
        1 | 2 => Direction::Group,
        3 => Direction::OtherHost,
        4 => Direction::Out,
        _ => Direction::Unknown,
    }
}

fn raw(data: &[u8], offset: usize) -> Result<(LinkHeader, u16, usize), Stop> {
    let ether_type = match data.get(offset).ok_or(Stop::Link)? >> 4 {
        4 => IPV4,
        6 => IPV6,
        _ => return Err(Stop::Link),
    };
    Ok((LinkHeader::default(), ether_type, offset))
}

/// BSD loopback: an address family in the byte order of the capturing host.
/// The family of IPv6 differs between systems, so the IP version decides.
fn null(data: &[u8]) -> Result<(LinkHeader, u16, usize), Stop> {
    raw(data, 4)
}

/// PPP (RFC 1661), with or without the HDLC framing bytes of RFC 1662, and
/// with a compressed (one-byte) protocol field.
fn ppp(data: &[u8]) -> Result<(LinkHeader, u16, usize), Stop> {
    let start = if data.starts_with(&[0xff, 0x03]) { 2 } else { 0 };
    let first = *data.get(start).ok_or(Stop::Link)?;
    let (protocol, offset) = if first & 1 == 1 {
        (u16::from(first), start + 1)
    } else {
        (u16_at(data, start).ok_or(Stop::Link)?, start + 2)
    };
    let ether_type = match protocol {
        0x0021 => IPV4,
        0x0057 => IPV6,
        _ => 0,
    };
    Ok((LinkHeader::default(), ether_type, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cooked_headers_tell_direction_and_interface() {
        let mut v2 = [0u8; 20];
        v2[0..2].copy_from_slice(&[0x08, 0x00]);
        v2[7] = 9;
        v2[10] = 4;
        v2[11] = 6;
        v2[12..18].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
        let (link, ether_type, offset) = split(LinkType::LINUX_SLL2, &v2).unwrap();
        assert_eq!(
            (link.ifindex, link.direction, ether_type, offset),
            (9, Direction::Out, IPV4, 20)
        );
        assert_eq!(link.src, Some(Mac([2, 0, 0, 0, 0, 1])));
        assert_eq!(link.dst, None);
    }

    #[test]
    fn every_cut_of_a_header_is_an_error_not_a_panic() {
        for link_type in [0, 1, 9, 12, 50, 51, 101, 104, 108, 113, 219, 228, 229, 276] {
            for len in 0..20 {
                let _ = split(LinkType(link_type), &vec![0x45; len]);
            }
        }
    }

    #[test]
    fn ppp_protocol_may_be_compressed() {
        assert_eq!(split(LinkType::PPP, &[0xff, 3, 0x21, 0x45]).unwrap().2, 3);
        assert_eq!(
            split(LinkType::PPP, &[0, 0x21, 0x45]).unwrap(),
            (LinkHeader::default(), IPV4, 2)
        );
    }
}

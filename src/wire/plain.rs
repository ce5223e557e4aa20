//! What nearly every frame is, a TCP segment in plain IPv4, read field by field: a fraction of the work
//! of decoding, which tells the same of it.
//!
//! What is tagged, tunnelled, fragmented, cut in a header, of IPv6 or has IP options is left to
//! [`super::decode`].

use super::segment::Segment;
use super::{LinkHeader, link};
use crate::capture::{Frame, Known, LinkType};

/// A TCP segment in plain IPv4 on Ethernet or in a cooked capture.
#[derive(Debug, Clone, Copy)]
pub struct Plain<'a> {
    /// The bytes of the link header that say where it passed, with the TTL: of two frames of one link
    /// type with the same, link header and TTL are the same.
    pub way: [u64; 2],
    /// The segment.
    pub segment: Segment<'a>,
}

impl<'a> Plain<'a> {
    /// Reads a frame; `None` where it is to be decoded, as where its segment's options do not fit.
    #[inline(always)]
    #[must_use]
    pub fn of(frame: &Frame<'a>) -> Option<Self> {
        let (packet, way) = above(frame)?;
        let segment = Segment::of(packet)?;
        // The last byte of the second word is never the header's, or a part of what follows it.
        let way = [way[0], way[1] & LINK | u64::from(segment.ttl()) << 56];
        Some(Self { way, segment })
    }

    /// The TTL of a way.
    #[inline]
    #[must_use]
    pub fn ttl(way: [u64; 2]) -> u8 {
        (way[1] >> 56) as u8
    }

    /// The link header of the frame that it was read from.
    #[must_use]
    pub fn link(frame: &Frame<'_>) -> Option<LinkHeader> {
        link::split(frame.link_type, frame.data).ok().map(|(link, ..)| link)
    }
}

/// What is above the link header where that says IPv4, and the bytes of the link header that say where the frame
/// passed.
#[inline(always)]
fn above<'a>(frame: &Frame<'a>) -> Option<(&'a [u8], [u64; 2])> {
    let data = frame.data;
    let (kind, at, way) = match frame.link_type {
        LinkType::ETHERNET => {
            let h = data.first_chunk::<14>()?;
            let low = u64::from_le_bytes([h[8], h[9], h[10], h[11], 0, 0, 0, 0]);
            (&h[12..14], 14, [first(h), low])
        }
        LinkType::LINUX_SLL => {
            let h = data.first_chunk::<16>()?;
            (&h[14..16], 16, [first(h), first(&h[6..])])
        }
        LinkType::LINUX_SLL2 => {
            let h = data.first_chunk::<20>()?;
            let low = u64::from_le_bytes([h[12], h[13], h[14], h[15], h[16], h[17], 0, 0]);
            (&h[0..2], 20, [first(&h[4..]), low])
        }
        _ => return None,
    };
    let plain = *kind == link::IPV4.to_be_bytes() && frame.known == Known::ALL;
    plain.then(|| (&data[at..], way))
}

/// The bits of the second word that are the link header's.
const LINK: u64 = u64::MAX >> 8;

/// The first eight bytes, of at least as many.
#[inline(always)]
fn first(bytes: &[u8]) -> u64 {
    bytes.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;
    use crate::wire::{Body, Transport, decode};

    fn frame(link_type: LinkType, data: &[u8]) -> Frame<'_> {
        Frame {
            number: 1,
            time: Timestamp(0),
            interface: 0,
            link_type,
            wire_len: data.len() as u32 + 10,
            data,
            known: Known::ALL,
        }
    }

    fn segment(header: &[u8]) -> Vec<u8> {
        let mut bytes = header.to_vec();
        bytes.extend([0x45, 0, 0, 60, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0]);
        bytes.extend([192, 0, 2, 1, 198, 51, 100, 7, 0x9c, 0x40, 0, 80]);
        bytes.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x80, 0x18, 1, 2, 0, 0, 0, 0]);
        bytes.extend([1; 20]);
        bytes
    }

    fn headers() -> [(LinkType, Vec<u8>); 3] {
        let ethernet = [&[2u8, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &[8, 0]].concat();
        let cooked = vec![0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0, 8, 0];
        let cooked2 = vec![8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 4, 6, 2, 0, 0, 0, 0, 2, 0, 0];
        [
            (LinkType::ETHERNET, ethernet),
            (LinkType::LINUX_SLL, cooked),
            (LinkType::LINUX_SLL2, cooked2),
        ]
    }

    /// Whatever byte is changed and wherever it is cut, what is read is what decoding gives, and frames
    /// with one way have one link header and one TTL.
    #[test]
    fn it_is_what_decoding_gives() {
        for (link_type, header) in headers() {
            let bytes = segment(&header);
            let (mut plain, mut ways) = (0, std::collections::HashMap::new());
            for at in 0..bytes.len() {
                for value in [0, 5, 0x11, 0x20, 0x3f, 0x40, 0x45, 0x46, 0x50, 0x80, 0xf0, 0xff] {
                    for len in (0..bytes.len()).step_by(7).chain([bytes.len()]) {
                        let mut bytes = bytes.clone();
                        bytes[at] = value;
                        let frame = frame(link_type, &bytes[..len]);
                        let Some(read) = Plain::of(&frame) else { continue };
                        let Some(tcp) = read.segment.tcp() else { continue };
                        let packet = decode(&frame);
                        let Body::Ip(ip) = &packet.body else { panic!("{packet:?}") };
                        assert_eq!((packet.vlan, packet.stop, packet.around), (0, None, None));
                        let of = |ip: u32| crate::wire::Ip::v4(ip.to_be_bytes());
                        assert_eq!(read.segment.addresses().map(of), [ip.src, ip.dst]);
                        let [(src, _), (dst, _)] = read.segment.ends();
                        assert_eq!([src, dst], read.segment.addresses());
                        assert_eq!(
                            read.segment.ends().map(|(_, port)| port),
                            [tcp.src_port, tcp.dst_port]
                        );
                        assert_eq!(read.segment.ttl(), ip.ttl);
                        assert_eq!(Some(read.segment.id()), ip.id);
                        assert_eq!(Transport::Tcp(tcp), ip.transport);
                        assert_eq!(Plain::link(&frame), Some(packet.link));
                        let way = ways.entry(read.way).or_insert((packet.link, ip.ttl));
                        assert_eq!(*way, (packet.link, ip.ttl));
                        plain += 1;
                    }
                }
            }
            assert!(plain > 1000, "{link_type:?}: {plain}");
        }
    }
}

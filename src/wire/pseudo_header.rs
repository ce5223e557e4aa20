//! Link types that put a header of the capturing system before the packet, where it says by what interface, which
//! way, or by which rule of a firewall the packet passed. Layouts are those of
//! <https://www.tcpdump.org/linktypes.html>.

use super::{Direction, Mac, Stop};
use crate::capture::LinkType;

/// What such a header says of the packet behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    /// How many bytes it takes.
    pub len: usize,
    /// How what follows begins.
    pub inside: LinkType,
    /// Interface index, of NFLOG; 0 elsewhere.
    pub ifindex: u32,
    /// Which way the packet went.
    pub direction: Direction,
    /// Its sender, of NFLOG.
    pub src: Option<Mac>,
}

impl Before {
    fn new(inside: LinkType, len: usize, direction: Direction) -> Self {
        Self { len, inside, ifindex: 0, direction, src: None }
    }

    /// Before an IP packet without a link header.
    fn ip(len: usize, direction: Direction) -> Self {
        Self::new(LinkType::RAW, len, direction)
    }
}

/// Whether frames of a link type begin so.
pub(super) fn is_one(link_type: LinkType) -> bool {
    matches!(
        link_type,
        LinkType::ENC
            | LinkType::PFLOG
            | LinkType::JUNIPER_ETHER
            | LinkType::PPP_WITH_DIR
            | LinkType::IPNET
            | LinkType::NFLOG
            | LinkType::PKTAP
    )
}

/// Reads the header of such a link type.
pub(super) fn read(link_type: LinkType, data: &[u8]) -> Result<Before, Stop> {
    match link_type {
        LinkType::ENC => Ok(Before::ip(12, Direction::Unknown)),
        LinkType::PFLOG => pflog(data),
        LinkType::JUNIPER_ETHER => juniper(data),
        LinkType::PPP_WITH_DIR => {
            let (&sent, _) = data.split_first().ok_or(Stop::Link)?;
            let direction = if sent == 0 { Direction::In } else { Direction::Out };
            Ok(Before::new(LinkType::PPP, 1, direction))
        }
        LinkType::IPNET => Ok(Before::ip(24, Direction::Unknown)),
        LinkType::NFLOG => nflog(data),
        LinkType::PKTAP => pktap(data),
        _ => Err(Stop::LinkType),
    }
}

fn word(data: &[u8], at: usize) -> Option<[u8; 4]> {
    data.get(at..at + 4)?.try_into().ok()
}

/// The log of OpenBSD's and FreeBSD's pf: its header states its own length, without padding to four bytes.
fn pflog(data: &[u8]) -> Result<Before, Stop> {
    const DIRECTION: usize = 60;
    let len = usize::from(*data.first().ok_or(Stop::Link)?);
    let direction = match data.get(DIRECTION).ok_or(Stop::Link)? {
        1 => Direction::In,
        2 => Direction::Out,
        _ => Direction::Unknown,
    };
    Ok(Before::ip(len.next_multiple_of(4), direction))
}

/// Junos: a magic number, flags, perhaps extensions, and the frame; without its link header where a flag says so.
fn juniper(data: &[u8]) -> Result<Before, Stop> {
    const MAGIC: [u8; 3] = *b"MGC";
    const IN: u8 = 0x01;
    const NO_LINK_HEADER: u8 = 0x02;
    const EXTENSIONS: u8 = 0x80;
    if !data.starts_with(&MAGIC) {
        return Err(Stop::Link);
    }
    let flags = *data.get(3).ok_or(Stop::Link)?;
    let mut at = MAGIC.len() + 1;
    if flags & EXTENSIONS != 0 {
        let [high, low, ..] = word(data, at).ok_or(Stop::Link)?;
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
    let direction = if flags & IN == 0 { Direction::Out } else { Direction::In };
    match flags & NO_LINK_HEADER {
        0 => Ok(Before::new(LinkType::ETHERNET, at, direction)),
        // The address family stands there.
        _ => Ok(Before::ip(at + 4, direction)),
    }
}

/// The log of Linux' netfilter: entries of a length and a type in the byte order of the host, the packet among them.
fn nflog(data: &[u8]) -> Result<Before, Stop> {
    const INTERFACE_IN: u16 = 4;
    const INTERFACE_OUT: u16 = 5;
    const SENDER: u16 = 8;
    const PAYLOAD: u16 = 9;
    let mut at = 4;
    let (mut came, mut leaves) = (None, None);
    let mut src = None;
    loop {
        let [a, b, c, d] = word(data, at).ok_or(Stop::Link)?;
        // Types are small, so the order of their bytes shows.
        let (len, kind) = match (c, d) {
            (kind, 0) => (u16::from_le_bytes([a, b]), u16::from(kind)),
            (_, kind) => (u16::from_be_bytes([a, b]), u16::from(kind)),
        };
        let len = usize::from(len);
        if len < 4 {
            return Err(Stop::Link);
        }
        let value = at + 4;
        match kind {
            INTERFACE_IN => came = word(data, value).map(u32::from_be_bytes),
            INTERFACE_OUT => leaves = word(data, value).map(u32::from_be_bytes),
            SENDER if data.get(value..value + 2) == Some(&[0, 6]) => {
                src = data.get(value + 4..value + 10).and_then(Mac::from_slice);
            }
            PAYLOAD => {
                // Where both are known the packet is being forwarded, and the rule sees it once.
                let direction = match (came, leaves) {
                    (Some(_), None) => Direction::In,
                    (None, Some(_)) => Direction::Out,
                    _ => Direction::Unknown,
                };
                let ifindex = came.or(leaves).unwrap_or(0);
                return Ok(Before { ifindex, src, ..Before::ip(value, direction) });
            }
            _ => {}
        }
        at += len.next_multiple_of(4);
    }
}

/// macOS: its own length, and the link type of what follows, in the byte order of the host.
fn pktap(data: &[u8]) -> Result<Before, Stop> {
    const LINK_TYPE: usize = 8;
    const FLAGS: usize = 36;
    const IN: u32 = 1;
    const OUT: u32 = 2;
    let number = |at| word(data, at).map(u32::from_le_bytes).ok_or(Stop::Link);
    let len = number(0)? as usize;
    let direction = match number(FLAGS)? & (IN | OUT) {
        IN => Direction::In,
        OUT => Direction::Out,
        _ => Direction::Unknown,
    };
    let inside = u16::try_from(number(LINK_TYPE)?).map(LinkType).map_err(|_| Stop::Link)?;
    if is_one(inside) {
        return Err(Stop::LinkType);
    }
    Ok(Before::new(inside, len, direction))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::LinkHeader;
    use crate::wire::link::{IPV4, split};

    /// An IPv4 header without options, of a packet without anything.
    const IP: [u8; 20] = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 59, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    const MACS: [u8; 14] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];

    fn read(link_type: LinkType, parts: &[&[u8]]) -> (LinkHeader, usize) {
        let data = parts.concat();
        let (header, kind, at) = split(link_type, &data).unwrap();
        assert_eq!((kind, &data[at..]), (IPV4, &IP[..]), "{link_type}");
        for len in 0..data.len() - IP.len() {
            assert!(split(link_type, &data[..len]).is_err(), "{link_type} cut at {len}");
        }
        (header, at)
    }

    #[test]
    fn a_log_of_pf_tells_which_way() {
        let mut header = [0_u8; 64];
        header[0] = 61;
        header[60] = 2;
        assert_eq!(read(LinkType::PFLOG, &[&header, &IP]).0.direction, Direction::Out);
    }

    #[test]
    fn junos_has_a_link_header_or_none() {
        let extended = [b'M', b'G', b'C', 0x81, 0, 3, 1, 1, 9];
        let (header, _) = read(LinkType::JUNIPER_ETHER, &[&extended, &MACS, &IP]);
        assert_eq!((header.direction, header.src), (Direction::In, Some(Mac([2, 0, 0, 0, 0, 2]))));
        let bare = [b'M', b'G', b'C', 2, 0, 0, 0, 2];
        assert_eq!(read(LinkType::JUNIPER_ETHER, &[&bare, &IP]).0.direction, Direction::Out);
    }

    #[test]
    fn a_log_of_netfilter_is_read_in_either_byte_order() {
        let head = [2, 0, 0, 5];
        let sender = [0, 6, 0, 0, 2, 0, 0, 0, 0, 7, 0, 0];
        let little: [&[u8]; 7] =
            [&head, &[8, 0, 4, 0], &[0, 0, 0, 3], &[16, 0, 8, 0], &sender, &[24, 0, 9, 0], &IP];
        let (header, at) = read(LinkType::NFLOG, &little);
        assert_eq!((header.ifindex, header.direction, at), (3, Direction::In, 32));
        assert_eq!(header.src, Some(Mac([2, 0, 0, 0, 0, 7])));
        let big: [&[u8]; 5] = [&head, &[0, 8, 0, 5], &[0, 0, 0, 4], &[0, 24, 0, 9], &IP];
        let (header, _) = read(LinkType::NFLOG, &big);
        assert_eq!((header.ifindex, header.direction), (4, Direction::Out));
    }

    #[test]
    fn pktap_says_what_follows_and_which_way() {
        let mut header = [0_u8; 108];
        header[0] = 108;
        header[8] = 1;
        header[36] = 2;
        let (found, _) = read(LinkType::PKTAP, &[&header, &MACS, &IP]);
        assert_eq!((found.direction, found.dst), (Direction::Out, Some(Mac([2, 0, 0, 0, 0, 1]))));
        header[8] = 12;
        assert_eq!(read(LinkType::PKTAP, &[&header, &IP]).1, 108);
        // In itself it could be put for ever.
        header[8..10].copy_from_slice(&258_u16.to_le_bytes());
        assert!(split(LinkType::PKTAP, &[&header[..], &IP].concat()).is_err());
    }

    #[test]
    fn fixed_headers_are_stepped_over() {
        assert_eq!(read(LinkType::ENC, &[&[0; 12], &IP]).1, 12);
        assert_eq!(read(LinkType::IPNET, &[&[0; 24], &IP]).1, 24);
        let sent = [&[1, 0xff, 3, 0, 0x21][..], &IP].concat();
        let (header, kind, at) = split(LinkType::PPP_WITH_DIR, &sent).unwrap();
        assert_eq!((header.direction, kind, at), (Direction::Out, IPV4, 5));
    }
}

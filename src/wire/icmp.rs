//! ICMP and ICMPv6 messages that matter around a balancer: errors with the
//! packet that they quote, echo, and neighbour discovery.

use super::{Ip, Mac};

/// What an ICMP message means, whichever the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IcmpKind {
    /// Echo request or reply: identifier and sequence number.
    Echo {
        /// It is the reply.
        reply: bool,
        /// Identifier.
        id: u16,
        /// Sequence number.
        seq: u16,
    },
    /// Destination unreachable (RFC 792; RFC 4443, section 3.1), without
    /// "fragmentation needed".
    Unreachable,
    /// Fragmentation needed (RFC 1191) or packet too big (RFC 4443, section 3.2).
    TooBig {
        /// Next-hop MTU, bytes.
        mtu: u32,
    },
    /// Time exceeded.
    TimeExceeded,
    /// Redirect.
    Redirect,
    /// Neighbour solicitation (RFC 4861, section 4.3).
    NeighborSolicitation {
        /// Address looked for.
        target: Ip,
        /// Source link-layer address option.
        source_mac: Option<Mac>,
    },
    /// Neighbour advertisement (RFC 4861, section 4.4).
    NeighborAdvertisement {
        /// Address that it binds.
        target: Ip,
        /// Target link-layer address option.
        target_mac: Option<Mac>,
        /// It answers a solicitation.
        solicited: bool,
    },
    /// Anything else.
    Other,
}

/// An ICMP message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Icmp<'a> {
    /// Type field.
    pub kind_number: u8,
    /// Code field.
    pub code: u8,
    /// What it means.
    pub kind: IcmpKind,
    /// Bytes after the 8-byte header: the quoted packet of an error.
    pub rest: &'a [u8],
}

impl Icmp<'_> {
    /// Whether it reports an error about another packet.
    #[must_use]
    pub fn is_error(&self) -> bool {
        matches!(
            self.kind,
            IcmpKind::Unreachable
                | IcmpKind::TooBig { .. }
                | IcmpKind::TimeExceeded
                | IcmpKind::Redirect
        )
    }
}

pub(super) fn decode_v4(bytes: &[u8]) -> Option<Icmp<'_>> {
    let (header, rest) = bytes.split_first_chunk::<8>()?;
    let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let kind = match (header[0], header[1]) {
        (0, _) => IcmpKind::Echo { reply: true, id: word(4), seq: word(6) },
        (8, _) => IcmpKind::Echo { reply: false, id: word(4), seq: word(6) },
        (3, 4) => IcmpKind::TooBig { mtu: u32::from(word(6)) },
        (3, _) => IcmpKind::Unreachable,
        (5, _) => IcmpKind::Redirect,
        (11, _) => IcmpKind::TimeExceeded,
        _ => IcmpKind::Other,
    };
    Some(Icmp { kind_number: header[0], code: header[1], kind, rest })
}

pub(super) fn decode_v6(bytes: &[u8]) -> Option<Icmp<'_>> {
    let (header, rest) = bytes.split_first_chunk::<8>()?;
    let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let kind = match header[0] {
        129 => IcmpKind::Echo { reply: true, id: word(4), seq: word(6) },
        128 => IcmpKind::Echo { reply: false, id: word(4), seq: word(6) },
        1 => IcmpKind::Unreachable,
        2 => IcmpKind::TooBig {
            mtu: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        },
        3 => IcmpKind::TimeExceeded,
        137 => IcmpKind::Redirect,
        135 | 136 => neighbor(header[0], header[4], rest).unwrap_or(IcmpKind::Other),
        _ => IcmpKind::Other,
    };
    Some(Icmp { kind_number: header[0], code: header[1], kind, rest })
}

fn neighbor(kind: u8, flags: u8, rest: &[u8]) -> Option<IcmpKind> {
    let (target, mut options) = rest.split_first_chunk::<16>()?;
    let target = Ip::v6(*target);
    let wanted = if kind == 135 { 1 } else { 2 };
    let mut mac = None;
    // Options are type, length in units of 8 octets, value (RFC 4861, 4.6).
    while let [option, len, ..] = *options {
        let size = usize::from(len) * 8;
        if size == 0 || size > options.len() {
            break;
        }
        if option == wanted && size == 8 {
            mac = Mac::from_slice(&options[2..8]);
        }
        options = &options[size..];
    }
    Some(if kind == 135 {
        IcmpKind::NeighborSolicitation { target, source_mac: mac }
    } else {
        IcmpKind::NeighborAdvertisement { target, target_mac: mac, solicited: flags & 0x40 != 0 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbour_advertisement_carries_its_binding() {
        let mut bytes = vec![136, 0, 0, 0, 0x60, 0, 0, 0];
        bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8]);
        bytes.extend([2, 1, 2, 0, 0, 0, 0, 9]);
        match decode_v6(&bytes).unwrap().kind {
            IcmpKind::NeighborAdvertisement { target, target_mac, solicited } => {
                assert_eq!(target.to_string(), "2001:db8::8");
                assert_eq!(target_mac, Some(Mac([2, 0, 0, 0, 0, 9])));
                assert!(solicited);
            }
            other => panic!("{other:?}"),
        }
        for len in 0..bytes.len() {
            let _ = decode_v6(&bytes[..len]);
        }
    }
}

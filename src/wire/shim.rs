//! Headers between a link header and IP: PPPoE sessions and MPLS label stacks.
//!
//! Both are how a provider's network carries packets and say nothing of who talks to whom: a
//! session's number is that of a line, and labels differ by direction. So they are stepped over
//! and kept in no key. Refused: what is not IP inside (control protocols of PPP, pseudowires),
//! which keeps its EtherType and is counted.

use super::above::Above;
use etherparse::ether_type;

/// PPPoE Session Stage (RFC 2516, section 4).
pub(crate) const PPPOE: u16 = 0x8864;
/// MPLS unicast, and what once was multicast (RFC 5332).
pub(super) const MPLS: [u16; 2] = [0x8847, 0x8848];

/// Labels that are stepped over; more are a way to make a reader work.
const MAX_LABELS: usize = 16;

/// What is inside; the same where nothing of these is, or nothing that is IP. `None` where the
/// bytes end before that can be told.
#[inline]
pub(super) fn step_over(above: Above<'_>) -> Option<Above<'_>> {
    if above.kind != PPPOE && !MPLS.contains(&above.kind) {
        return Some(above);
    }
    let (kind, at) = header(above.kind, above.bytes)?;
    let mut wire_len = above.wire_len;
    if above.kind == PPPOE && at > 0 {
        // Short frames are padded, so the session's own length counts.
        let length = u16::from_be_bytes([above.bytes[4], above.bytes[5]]);
        wire_len = wire_len.min(6 + u32::from(length));
    }
    let wire_len = wire_len.saturating_sub(at as u32);
    Some(Above { kind, bytes: &above.bytes[at..], wire_len, vlan: above.vlan })
}

/// The EtherType of the IP inside and where that begins; the same kind and 0 where no IP is.
/// `None` where the bytes end before that can be told.
pub(crate) fn header(kind: u16, bytes: &[u8]) -> Option<(u16, usize)> {
    match kind {
        PPPOE => session(bytes),
        kind if MPLS.contains(&kind) => labels(kind, bytes),
        _ => Some((kind, 0)),
    }
}

/// Version and type 1, code 0, session, length, PPP protocol (RFC 2516, RFC 1661).
fn session(bytes: &[u8]) -> Option<(u16, usize)> {
    let header = bytes.first_chunk::<6>()?;
    let closed = Some((PPPOE, 0));
    if header[..2] != [0x11, 0] {
        return closed;
    }
    let (protocol, at) = match bytes.get(6..)? {
        // Field compression is not to be used here, and is met.
        [first, ..] if first & 1 == 1 => (u16::from(*first), 7),
        [hi, lo, ..] => (u16::from_be_bytes([*hi, *lo]), 8),
        _ => return None,
    };
    match protocol {
        0x0021 => Some((ether_type::IPV4.0, at)),
        0x0057 => Some((ether_type::IPV6.0, at)),
        _ => closed,
    }
}

/// Entries of four bytes up to the one that ends the stack (RFC 3032, section 2.1); the first
/// bits of what follows tell IP from a pseudowire (RFC 4928, section 3).
fn labels(kind: u16, bytes: &[u8]) -> Option<(u16, usize)> {
    for depth in 1..=MAX_LABELS {
        let entry = bytes.get(4 * depth - 4..4 * depth)?;
        if entry[2] & 1 == 1 {
            let at = 4 * depth;
            return Some(match bytes.get(at)? >> 4 {
                4 => (ether_type::IPV4.0, at),
                6 => (ether_type::IPV6.0, at),
                _ => (kind, 0),
            });
        }
    }
    Some((kind, 0))
}

#[cfg(test)]
mod tests {
    use crate::capture::{Frame, Known, LinkType, Timestamp};
    use crate::wire::{Body, Packet, Stop, decode};

    /// An IPv4 packet with a TCP SYN from port 40000 to port 80.
    fn syn() -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend([0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0x20, 0, 0, 0, 0, 0]);
        packet
    }

    fn frame(ether_type: u16, above: &[u8]) -> Vec<u8> {
        let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        bytes.extend(ether_type.to_be_bytes());
        bytes.extend(above);
        bytes
    }

    fn read(data: &[u8]) -> Packet<'_> {
        decode(&Frame {
            number: 1,
            time: Timestamp(0),
            interface: 0,
            link_type: LinkType::ETHERNET,
            wire_len: data.len() as u32,
            data,
            known: Known::ALL,
        })
    }

    fn pppoe(protocol: &[u8], inside: &[u8]) -> Vec<u8> {
        let length = (protocol.len() + inside.len()) as u16;
        let mut bytes = vec![0x11, 0, 0x12, 0x34];
        bytes.extend(length.to_be_bytes());
        bytes.extend(protocol);
        bytes.extend(inside);
        bytes
    }

    /// Entries with these labels; the last ends the stack.
    fn mpls(labels: &[u32], inside: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (at, label) in labels.iter().enumerate() {
            let end = u32::from(at + 1 == labels.len());
            bytes.extend((label << 12 | end << 8 | 64).to_be_bytes());
        }
        bytes.extend(inside);
        bytes
    }

    fn is_syn(data: &[u8]) {
        let packet = read(data);
        let Body::Ip(ip) = &packet.body else { panic!("{packet:?}") };
        assert_eq!((ip.src.to_string(), packet.stop), ("10.0.0.1".to_owned(), None));
        assert!(matches!(&ip.transport, crate::wire::Transport::Tcp(tcp) if tcp.flags.syn()));
    }

    #[test]
    fn packets_in_sessions_and_behind_labels_are_packets() {
        is_syn(&frame(0x8864, &pppoe(&[0, 0x21], &syn())));
        is_syn(&frame(0x8864, &pppoe(&[0x21], &syn())));
        for labels in [&[16][..], &[16, 17, 18], &[0]] {
            is_syn(&frame(0x8847, &mpls(labels, &syn())));
        }
        // With tags, and padded to what Ethernet asks.
        let mut tagged = vec![0, 7, 0x88, 0x64];
        tagged.extend(pppoe(&[0, 0x21], &syn()));
        tagged.resize(90, 0);
        let data = frame(0x8100, &tagged);
        is_syn(&data);
        assert_eq!(read(&data).vlan, 7);
    }

    #[test]
    fn what_is_not_ip_inside_keeps_its_ethertype() {
        let echo = frame(0x8864, &pppoe(&[0xc0, 0x21], &[9, 1, 0, 8, 0, 0, 0, 0]));
        assert_eq!(read(&echo).body, Body::Other(0x8864));
        let pseudowire = frame(0x8847, &mpls(&[16], &[0, 0, 0, 0, 2, 0, 0, 0]));
        assert_eq!(read(&pseudowire).body, Body::Other(0x8847));
        let endless = frame(0x8847, &[0; 400]);
        assert_eq!(read(&endless).body, Body::Other(0x8847));
        assert_eq!(read(&frame(0x8864, &pppoe(&[0, 0x21], &syn())[..1])).stop, Some(Stop::Network));
    }

    #[test]
    fn any_cut_and_any_byte_is_read_without_a_panic() {
        for whole in
            [frame(0x8864, &pppoe(&[0, 0x21], &syn())), frame(0x8847, &mpls(&[1, 2], &syn()))]
        {
            for cut in 14..whole.len() {
                let packet = read(&whole[..cut]);
                assert!(packet.stop.is_some() || matches!(packet.body, Body::Ip(_)), "{cut}");
            }
            for at in 12..whole.len() {
                for value in [0, 1, 0x7f, 0xff] {
                    let mut wrong = whole.clone();
                    wrong[at] = value;
                    let _ = read(&wrong);
                }
            }
        }
    }
}

//! The questions by which hosts find each other's MACs: ARP and, in IPv6, neighbour discovery.

use super::frame::{self, Ip};
use super::network::Family;

/// Writes an ARP packet for IPv4 over Ethernet (RFC 826); returns its length.
pub fn arp(buf: &mut [u8], reply: bool, from: ([u8; 6], u32), to: ([u8; 6], u32)) -> usize {
    buf[..8].copy_from_slice(&[0, 1, 8, 0, 6, 4, 0, if reply { 2 } else { 1 }]);
    buf[8..14].copy_from_slice(&from.0);
    buf[14..18].copy_from_slice(&from.1.to_be_bytes());
    buf[18..24].copy_from_slice(&to.0);
    buf[24..28].copy_from_slice(&to.1.to_be_bytes());
    28
}

/// ICMPv6.
const ICMPV6: u8 = 58;

/// Writes a neighbour solicitation, or an advertisement that answers one (RFC 4861, sections 4.3 and 4.4), with IPv6;
/// returns the length. `from` and `to` are as in [`arp`].
pub fn discovery(buf: &mut [u8], reply: bool, from: ([u8; 6], u32), to: ([u8; 6], u32)) -> usize {
    const LEN: usize = 32;
    let header =
        Ip { family: Family::V6, protocol: ICMPV6, from: from.1, to: to.1, ttl: 255, id: 0 };
    let inner = frame::ip(buf, &header, LEN);
    if !reply {
        // The solicited-node address of the target (RFC 4291, section 2.7.1).
        let group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff];
        buf[24..37].copy_from_slice(&group);
    }
    let (head, body) = buf[..inner + LEN].split_at_mut(inner);
    // An advertisement is solicited and overrides.
    body[..8].copy_from_slice(&if reply {
        [136, 0, 0, 0, 0x60, 0, 0, 0]
    } else {
        [135, 0, 0, 0, 0, 0, 0, 0]
    });
    body[8..24].copy_from_slice(&Family::v6(if reply { from.1 } else { to.1 }));
    body[24..26].copy_from_slice(&[if reply { 2 } else { 1 }, 1]);
    body[26..32].copy_from_slice(&from.0);
    let checksum = frame::checksum(head, ICMPV6, body);
    body[2..4].copy_from_slice(&checksum.to_ne_bytes());
    inner + LEN
}

/// Destination MAC of a neighbour solicitation for an address (RFC 2464, section 7).
pub fn group_mac(address: u32) -> [u8; 6] {
    let [_, b, c, d] = address.to_be_bytes();
    [0x33, 0x33, 0xff, b, c, d]
}

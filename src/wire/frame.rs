//! What is above a link header: VLAN tags ([`above`](super::above)), a shim ([`shim`]), then ARP or IP.

use super::above::Above;
use super::inside::Carries;
use super::{Body, LinkHeader, Packet, Stop, arp, ip, shim};
use crate::capture::Known;
use etherparse::{ArpPacketSlice, EtherType, ether_type};

#[inline(always)]
pub(super) fn decode<'a>(
    link: LinkHeader,
    ether_type: u16,
    bytes: &'a [u8],
    wire_len: u32,
) -> Packet<'a> {
    let mut packet = Packet {
        link,
        vlan: 0,
        around: None,
        body: Body::Other(ether_type),
        stop: None,
        known: Known::ALL,
    };
    let Some(above) = (Above { kind: ether_type, bytes, wire_len, vlan: 0 }).untag() else {
        packet.stop = Some(Stop::Network);
        return packet;
    };
    packet.vlan = above.vlan;
    if EtherType(above.kind) == ether_type::IPV4
        && let Some(ip) = ip::plain_tcp(above.bytes)
    {
        packet.body = Body::Ip(ip);
        return packet;
    }
    packet.body = Body::Other(above.kind);
    let Some(above) = shim::step_over(above) else {
        packet.stop = Some(Stop::Network);
        return packet;
    };
    match EtherType(above.kind) {
        ether_type::ARP => {
            match ArpPacketSlice::from_slice(above.bytes).ok().and_then(|a| arp::decode(&a)) {
                Some(arp) => packet.body = Body::Arp(arp),
                None => packet.stop = Some(Stop::Network),
            }
        }
        ether_type::IPV4 | ether_type::IPV6 => match ip::open(above.bytes, above.wire_len, None, 0)
        {
            Some(opened) => {
                packet.body = Body::Ip(opened.ip);
                packet.stop = opened.stop;
                if let Some(inner) = opened.inner {
                    packet.link = LinkHeader { ifindex: link.ifindex, ..inner.link };
                    // What a mirror shows neither came to this host nor left it.
                    if inner.link.overlay {
                        packet.link.direction = link.direction;
                        packet.around = Some((link.src, link.dst));
                    }
                    packet.vlan = inner.vlan;
                    match inner.carries {
                        Carries::Ip => {}
                        Carries::Arp(arp) => packet.body = Body::Arp(arp),
                        Carries::OverlayArp => packet.body = Body::Other(ether_type::ARP.0),
                    }
                }
            }
            None => packet.stop = Some(Stop::Network),
        },
        _ => {}
    }
    packet
}

//! What is above a link header: VLAN tags, a shim ([`shim`]), then ARP or IP.
//!
//! More than four tags are not opened: they are a way to make a reader work.

use super::{Arp, Body, LinkHeader, Packet, Stop, arp, ip, shim};
use crate::capture::Known;
use etherparse::{ArpPacketSlice, EtherType, SingleVlanSlice, ether_type};

/// VLAN tags that are opened.
const MAX_TAGS: usize = 4;

/// What is above a link header or a VLAN tag.
#[derive(Debug)]
pub(super) struct Above<'a> {
    /// EtherType.
    pub kind: u16,
    /// What was captured of it.
    pub bytes: &'a [u8],
    /// How much of it was on the wire.
    pub wire_len: u32,
    /// Tags so far, as in [`Packet::vlan`].
    pub vlan: u32,
}

impl Above<'_> {
    /// Steps over VLAN tags; `None` where one is cut.
    #[inline(always)]
    pub(super) fn untag(mut self) -> Option<Self> {
        for _ in 0..MAX_TAGS {
            if !matches!(
                EtherType(self.kind),
                ether_type::VLAN_TAGGED_FRAME
                    | ether_type::PROVIDER_BRIDGING
                    | ether_type::VLAN_DOUBLE_TAGGED_FRAME
            ) {
                break;
            }
            let tag = SingleVlanSlice::from_slice(self.bytes).ok()?;
            self.vlan = self.vlan << 16 | u32::from(tag.vlan_identifier().value());
            self.kind = tag.ether_type().0;
            self.bytes = tag.payload_slice();
            self.wire_len = self.wire_len.saturating_sub(4);
        }
        Some(self)
    }
}

/// What an Ethernet frame in a tunnel says in place of the outer one.
#[derive(Debug)]
pub(super) struct Inner {
    pub link: LinkHeader,
    pub vlan: u32,
    pub carries: Carries,
}

/// What an Ethernet frame in a tunnel carries.
#[derive(Debug)]
pub(super) enum Carries {
    Ip,
    /// ARP that a mirror shows.
    Arp(Arp),
    /// ARP of an overlay's network.
    OverlayArp,
}

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

//! Tunnels: what a packet carries that is a packet itself.
//!
//! IP in IP, GRE, GUE and FOU are ways in which a balancer forwards (LVS-TUN,
//! katran, GLB): the packet inside is the client's, and the outer header names
//! director and real server. VXLAN, Geneve and bridged GRE are a network's
//! transport: the frame inside is what its hosts sent to each other, so its MACs
//! and VLAN tags count. ERSPAN is a mirror: the frame inside is what was seen
//! there, and what brought it here is forgotten.
//!
//! A port number proves nothing, so what comes in UDP is opened only where the
//! packet inside holds together; else it stays UDP. Refused: GRE version 1
//! (PPTP), control messages. ARP inside an overlay is known for what it is, but not
//! believed: that would need a table of neighbours for each network.

use super::above::Above;
use super::inside::{Carries, Inner, Inside, Shut};
use super::{Ip, LinkHeader, Outer, Protocol, Tunnel, arp, gre, gue, link, overlay};
use crate::capture::LinkType;
use etherparse::{ArpPacketSlice, ether_type};

/// Tunnels inside tunnels that are opened; deeper ones stay closed.
pub(super) const MAX_TUNNELS: u8 = 4;

/// Whether a payload may be a tunnel's, by protocol and port.
#[inline]
pub(super) fn may_be(protocol: u8, payload: &[u8]) -> bool {
    match protocol {
        4 | 41 | 47 => true,
        17 => matches!(payload, [_, _, hi, lo, ..] if in_udp(u16::from_be_bytes([*hi, *lo]))),
        _ => false,
    }
}

/// Whether UDP to a port may carry a tunnel. Its source port is no sign: it
/// spreads flows over paths.
#[inline]
fn in_udp(port: u16) -> bool {
    overlay::VXLAN_PORTS.contains(&port)
        || port == overlay::GENEVE_PORT
        || gue::PORTS.contains(&port)
}

/// The IP header before what may be a tunnel's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    pub src: Ip,
    pub dst: Ip,
    pub protocol: Protocol,
    /// The identifier of the tunnel that this header came in, if any.
    pub id: Option<u32>,
}

/// What a tunnel carries.
#[derive(Debug)]
pub(super) enum Carried<'a> {
    /// An IP packet.
    Packet {
        bytes: &'a [u8],
        /// Its length on the wire.
        wire_len: u32,
        /// The header that brought it; `None` where that is forgotten.
        outer: Option<Outer>,
        /// The frame that it stands in, if any.
        frame: Option<Inner>,
    },
    /// ARP in a frame.
    Arp(Inner),
}

/// Reads a tunnel's header, behind `around`; `wire_len` is the length of its payload on the wire.
#[inline(never)]
pub(super) fn read(around: Around, payload: &[u8], wire_len: u32) -> Result<Carried<'_>, Shut> {
    let inside = match around.protocol.0 {
        4 | 41 => Inside {
            kind: Some(Tunnel::Ip),
            id: None,
            options: None,
            is_frame: false,
            bytes: payload,
        },
        47 => gre::header(payload)?,
        _ => datagram(payload)?,
    };
    let header = payload.len() - inside.bytes.len();
    let wire_len = wire_len.saturating_sub(header as u32);
    let outer = inside.kind.map(|kind| Outer {
        src: around.src,
        dst: around.dst,
        protocol: around.protocol.0,
        kind,
        id: inside.id.or(around.id),
        options: inside.options,
    });
    // An IP protocol number is assigned, a port is only customary.
    let strict = around.protocol.is_udp();
    if inside.is_frame {
        return frame(&inside, wire_len, outer, strict);
    }
    if strict {
        plausible(inside.bytes, wire_len)?;
    }
    Ok(Carried::Packet { bytes: inside.bytes, wire_len, outer, frame: None })
}

/// What a UDP datagram to a tunnel's port carries.
fn datagram(payload: &[u8]) -> Result<Inside<'_>, Shut> {
    let header = payload.first_chunk::<8>().ok_or(Shut::Cut)?;
    let bytes = &payload[8..];
    let port = u16::from_be_bytes([header[2], header[3]]);
    if overlay::VXLAN_PORTS.contains(&port) {
        overlay::vxlan(bytes)
    } else if port == overlay::GENEVE_PORT {
        overlay::geneve(bytes)
    } else {
        gue::header(bytes)
    }
}

/// An Ethernet frame inside: its own MACs and tags are those that count.
fn frame<'a>(
    inside: &Inside<'a>,
    wire_len: u32,
    outer: Option<Outer>,
    strict: bool,
) -> Result<Carried<'a>, Shut> {
    let (macs, kind, at) = link::split(LinkType::ETHERNET, inside.bytes).map_err(|_| Shut::Cut)?;
    if strict && !macs.src.is_some_and(|mac| mac.is_unicast()) {
        return Err(Shut::Closed);
    }
    let wire_len = wire_len.saturating_sub(at as u32);
    let above = Above { kind, bytes: &inside.bytes[at..], wire_len, vlan: 0 };
    let above = above.untag().ok_or(Shut::Cut)?;
    let is_mirror = outer.is_none();
    let link = LinkHeader { overlay: !is_mirror, ..macs };
    let inner = Inner { link, vlan: above.vlan, carries: Carries::Ip };
    match etherparse::EtherType(above.kind) {
        ether_type::IPV4 | ether_type::IPV6 => {
            if strict {
                plausible(above.bytes, above.wire_len)?;
            }
            let (bytes, wire_len) = (above.bytes, above.wire_len);
            Ok(Carried::Packet { bytes, wire_len, outer, frame: Some(inner) })
        }
        ether_type::ARP => {
            let arp = ArpPacketSlice::from_slice(above.bytes).map_err(|_| Shut::Cut)?;
            let arp = arp::decode(&arp).ok_or(Shut::Closed)?;
            let carries = if is_mirror { Carries::Arp(arp) } else { Carries::OverlayArp };
            Ok(Carried::Arp(Inner { carries, ..inner }))
        }
        _ => Err(Shut::Closed),
    }
}

/// Whether bytes are an IP packet that holds together: a length that fills what is
/// there on the wire or, in IPv4, a header checksum that is right, as Ethernet pads
/// short packets.
fn plausible(bytes: &[u8], wire_len: u32) -> Result<(), Shut> {
    let right = match bytes.first().ok_or(Shut::Cut)? >> 4 {
        4 => {
            let header = bytes.first_chunk::<20>().ok_or(Shut::Cut)?;
            let len = usize::from(header[0] & 0xf) * 4;
            let total = u32::from(u16::from_be_bytes([header[2], header[3]]));
            // Segmentation offload leaves the length 0.
            let sane = len >= 20 && (total == 0 || total >= len as u32 && total <= wire_len);
            sane && (total == wire_len || checksum_is_right(bytes.get(..len).ok_or(Shut::Cut)?))
        }
        6 => {
            let header = bytes.first_chunk::<40>().ok_or(Shut::Cut)?;
            let payload = u32::from(u16::from_be_bytes([header[4], header[5]]));
            // Jumbograms leave the length 0 (RFC 2675).
            let jumbo = payload == 0 && wire_len > 40 + u32::from(u16::MAX);
            is_carried_by_v6(header[6]) && (40 + payload == wire_len || jumbo)
        }
        _ => false,
    };
    if right { Ok(()) } else { Err(Shut::Closed) }
}

/// RFC 1071 over a whole header.
fn checksum_is_right(header: &[u8]) -> bool {
    let words = header.chunks_exact(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]])));
    let sum = words.sum::<u32>();
    (sum & 0xffff) + (sum >> 16) == 0xffff
}

/// Extension headers and what is common above them.
fn is_carried_by_v6(next_header: u8) -> bool {
    matches!(next_header, 0 | 4 | 6 | 17 | 41 | 43 | 44 | 47 | 50 | 51 | 58 | 59 | 60 | 103 | 112)
        || matches!(next_header, 89 | 132)
}

#[cfg(test)]
mod tests;

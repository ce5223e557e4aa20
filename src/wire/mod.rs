//! Bytes of a frame to a decoded [`Packet`].
//!
//! Decoding never fails, it annotates: a cut, odd or hostile frame yields the
//! layers that could be read and [`Packet::stop`], which says where reading
//! stopped. Nothing is allocated; a packet borrows the frame. etherparse's lax
//! slices find the layers; this module adds the link types, the tunnels and the
//! cut headers that they do not cover. It keeps no state from frame to frame:
//! fragments, streams and tables belong to `flow`.

mod above;
mod addr;
pub mod answered;
mod arp;
mod checksum;
pub mod dns;
pub mod fault;
mod frame;
pub mod ftp;
mod gre;
pub mod greeting;
mod gue;
mod header_bits;
pub mod http;
mod icmp;
mod inside;
mod ip;
mod known;
mod link;
mod link_header;
pub mod location;
pub mod mqtt;
mod outer;
mod overlay;
mod plain;
mod protocol;
mod proxy_protocol;
mod pseudo_header;
mod quote;
pub mod redirect;
mod segment;
mod serial;
pub(crate) mod shim;
pub mod sip;
mod tcp;
#[cfg(test)]
mod testkit;
pub mod tls;
mod transport;
mod tunnel;
pub mod unanswered;
mod vrrp;

pub use addr::{Ip, Mac, NotMac};
pub use arp::{Arp, ArpOperation};
pub use checksum::{Sum, outer_udp_sum, tcp_sum};
pub use header_bits::HeaderBits;
pub use icmp::{Icmp, IcmpKind};
pub use ip::{Fragment, IpPacket, is_unicast};
pub(crate) use link::split as split_link;
pub use link_header::{Direction, LinkHeader};
pub use outer::{Outer, Tunnel};
pub use plain::Plain;
pub use protocol::Protocol;
pub use proxy_protocol::ProxyHeader;
pub use quote::Quote;
pub use segment::{Payload, Segment};
pub(crate) use tcp::TIMESTAMPS;
pub use tcp::{Signing, Tcp, TcpFlags, TcpOptions, Toa, seq_gt, seq_lt};
pub use transport::{Transport, Udp};
pub use vrrp::{VirtualAddresses, Vrrp};

use crate::capture::{Frame, Known, LinkType};

/// Where decoding stopped before the end of what the frame should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The link type is not one that this program decodes.
    LinkType,
    /// The link header is cut or malformed.
    Link,
    /// The network header (ARP, IPv4, IPv6, extension headers) is cut or malformed.
    Network,
    /// The transport header is cut or malformed.
    Transport,
}

/// What a frame carries above its link header.
#[derive(Debug, Clone, PartialEq)]
pub enum Body<'a> {
    /// ARP for IPv4 (RFC 826).
    Arp(Arp),
    /// IPv4 or IPv6, the innermost where tunnels were opened.
    Ip(IpPacket<'a>),
    /// Another EtherType, ARP inside an overlay, or nothing that could be read.
    Other(u16),
}

/// A decoded frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Packet<'a> {
    /// Interface, direction and MACs as far as the link type has them; the MACs
    /// of the innermost Ethernet frame where a tunnel carried one.
    pub link: LinkHeader,
    /// VLAN identifiers, outer in the upper and inner in the lower 16 bits; 0
    /// where untagged (IEEE 802.1Q, 802.1ad). Of the frame that `link` is of.
    pub vlan: u32,
    /// MACs of the frame around an overlay's, sender first, as far as the link type has them.
    pub around: Option<(Option<Mac>, Option<Mac>)>,
    /// What the link carries.
    pub body: Body<'a>,
    /// Where reading stopped early, if it did.
    pub stop: Option<Stop>,
    /// Which fields are known, of those that are there.
    pub known: Known,
}

/// Decodes one frame.
// Inlined: a packet is built where it is read, not copied there; this runs once
// a frame.
#[inline(always)]
#[must_use]
pub fn decode<'a>(frame: &Frame<'a>) -> Packet<'a> {
    let data = frame.data;
    let (link, ether_type, offset) = match link::split(frame.link_type, data) {
        Ok(parts) => parts,
        Err(stop) => {
            return Packet {
                link: LinkHeader::default(),
                vlan: 0,
                around: None,
                body: Body::Other(0),
                stop: Some(stop),
                known: frame.known,
            };
        }
    };
    // Length on the wire above the link header, for packets whose own length
    // field is 0 (segmentation offload) or whose end was cut off.
    let wire_len = frame.wire_len.saturating_sub(offset as u32);
    let mut packet = frame::decode(link, ether_type, &data[offset..], wire_len);
    if frame.known != Known::ALL {
        known::forget(&mut packet, frame.known);
    }
    packet
}

/// Whether frames of this link type can be decoded.
#[must_use]
pub fn supports(link_type: LinkType) -> bool {
    link::supports(link_type)
}

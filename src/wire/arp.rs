//! ARP for IPv4 over Ethernet (RFC 826).

use super::{Ip, Mac};
use etherparse::ArpPacketSlice;

/// The operation field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArpOperation {
    /// who-has (1)
    Request,
    /// is-at (2)
    Reply,
    /// Reverse ARP and others, which say nothing of a binding.
    Other,
}

/// An ARP packet that binds Ethernet to IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arp {
    /// Request or reply.
    pub operation: ArpOperation,
    /// Sender hardware address.
    pub sender_mac: Mac,
    /// Sender protocol address; 0.0.0.0 in a probe (RFC 5227).
    pub sender: Ip,
    /// Target hardware address; zero in a request.
    pub target_mac: Mac,
    /// Target protocol address.
    pub target: Ip,
}

impl Arp {
    /// Whether both ends can be hosts, so that the binding can be believed.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        self.sender_mac.is_unicast() && self.target.is_host()
    }

    /// Whether the sender announces itself (RFC 5227, section 2.3; the
    /// "gratuitous ARP" of everyday speech), in either operation.
    #[must_use]
    pub fn is_announcement(&self) -> bool {
        self.sender == self.target && !self.sender.is_unspecified()
    }

    /// Whether it asks if anybody uses an address (RFC 5227, section 2.1).
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.operation == ArpOperation::Request && self.sender.is_unspecified()
    }
}

pub(super) fn decode(arp: &ArpPacketSlice<'_>) -> Option<Arp> {
    if arp.hw_addr_size() != 6 || arp.proto_addr_size() != 4 {
        return None;
    }
    Some(Arp {
        operation: match arp.operation().0 {
            1 => ArpOperation::Request,
            2 => ArpOperation::Reply,
            _ => ArpOperation::Other,
        },
        sender_mac: Mac::from_slice(arp.sender_hw_addr())?,
        sender: Ip::v4(*arp.sender_protocol_addr().first_chunk()?),
        target_mac: Mac::from_slice(arp.target_hw_addr())?,
        target: Ip::v4(*arp.target_protocol_addr().first_chunk()?),
    })
}

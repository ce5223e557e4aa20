//! ICMP errors with their quotes, echo exchanges, VRRP speakers.

use super::{HopId, Mark};
use crate::wire::{Ip, Mac, Quote, VirtualAddresses};

/// What an ICMP error says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IcmpErrorKind {
    /// Unreachable: type and code as sent.
    Unreachable {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
    },
    /// Too big for the next hop.
    TooBig {
        /// MTU of the next hop, bytes.
        mtu: u32,
    },
    /// Time exceeded in transit.
    TimeExceeded,
    /// Time exceeded in reassembly: later fragments did not come (RFC 792, code 1;
    /// RFC 4443, section 3.3).
    Reassembly,
    /// Redirect.
    Redirect,
}

/// An ICMP error.
#[derive(Debug, Clone, Copy)]
pub struct IcmpError {
    /// When.
    pub mark: Mark,
    /// The hop on which it passed.
    pub hop: HopId,
    /// Who says so.
    pub src: Ip,
    /// Whom it tells.
    pub dst: Ip,
    /// What.
    pub kind: IcmpErrorKind,
    /// About which packet.
    pub quote: Quote,
}

/// Echo requests and replies of a pair of addresses.
#[derive(Debug, Clone, Copy)]
pub struct Echo {
    /// Who asks.
    pub src: Ip,
    /// Who is asked.
    pub dst: Ip,
    /// Requests.
    pub requests: u32,
    /// Replies.
    pub replies: u32,
    /// First of them.
    pub first: Mark,
}

/// A sender of VRRP advertisements.
#[derive(Debug, Clone, Copy)]
pub struct VrrpSpeaker {
    /// Its address.
    pub src: Ip,
    /// Its MAC, which with virtual MACs is the virtual router's.
    pub mac: Option<Mac>,
    /// Virtual router.
    pub vrid: u8,
    /// VLAN as in [`crate::wire::Packet::vlan`] and interface index, or the
    /// identifier of an overlay: a virtual router is one of its link.
    pub segment: (u32, u32),
    /// Version of the protocol: 2 or 3.
    pub version: u8,
    /// Addresses of the virtual router, as first advertised.
    pub addresses: VirtualAddresses,
    /// Lowest and highest priority advertised.
    pub priority: (u8, u8),
    /// Interval between advertisements, centiseconds.
    pub interval_cs: u16,
    /// Type of authentication, which version 2 alone has, and its data where they are whole.
    pub auth: (Option<u8>, Option<[u8; 8]>),
    /// The lowest TTL with which its advertisements came: a router lowers it.
    pub ttl: u8,
    /// The first whose checksum is wrong, which whoever gets it discards.
    pub damaged: Mark,
    /// Advertisements.
    pub count: u32,
    /// First.
    pub first: Mark,
    /// Last.
    pub last: Mark,
    /// Its longest silence: the advertisements before and after it.
    pub silence: (Mark, Mark),
    /// Priority of the last; 0 where it resigned.
    pub last_priority: u8,
    /// How often it began where another had advertised since its own last.
    pub takeovers: Takeovers,
    /// How often it gave up, by an advertisement of priority 0.
    pub resigned: u32,
    /// Its longest contest.
    pub contest: Contest,
    pub(super) contesting: Contest,
}

impl VrrpSpeaker {
    /// The MAC of the virtual router that it speaks for, where it has one (RFC 9568, section 7.3).
    #[must_use]
    pub fn virtual_mac(&self) -> Mac {
        Mac([0, 0, 0x5e, 0, if self.src.is_v4() { 1 } else { 2 }, self.vrid])
    }

    /// Whether another speaks of the same virtual router. Those of IPv4 and of IPv6 do not overlap,
    /// whatever their identifiers (RFC 5798, section 1).
    #[must_use]
    pub fn shares_router(&self, other: &Self) -> bool {
        (self.vrid, self.segment) == (other.vrid, other.segment)
            && self.src.is_v4() == other.src.is_v4()
            && self.src != other.src
    }

    /// How long its longest silence was, nanoseconds; 0 where it advertised once.
    #[must_use]
    pub fn silence_ns(&self) -> i64 {
        let (before, after) = self.silence;
        if after.is_set() { after.since(before) } else { 0 }
    }
}

/// A speaker's beginnings as master of a virtual router after another had been it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Takeovers {
    /// How many.
    pub count: u32,
    /// Its advertisement with which the first of them began.
    pub first: Mark,
    /// That of the last.
    pub last: Mark,
}

/// Consecutive advertisements of one speaker, none of which silenced another:
/// between each two of them another speaker advertised the same virtual router.
#[derive(Debug, Clone, Copy, Default)]
pub struct Contest {
    /// Advertisements.
    pub count: u32,
    /// First of them.
    pub first: Mark,
    /// Last of them.
    pub last: Mark,
}

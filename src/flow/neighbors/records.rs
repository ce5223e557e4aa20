//! What one vantage knows of neighbours, one record each: claims to addresses and questions for them, by
//! ARP (RFC 826) and neighbour discovery (RFC 4861) alike.

use crate::flow::Mark;
use crate::wire::{Direction, Ip, Mac};

/// How an address was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Claim {
    /// An answer to a question.
    Reply,
    /// An unasked announcement.
    Announcement,
    /// As the sender of a question.
    Sender,
}

/// A MAC's claim to an address.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// The address.
    pub ip: Ip,
    /// Who claims it.
    pub mac: Mac,
    /// VLAN as in [`crate::wire::Packet::vlan`].
    pub vlan: u32,
    /// How.
    pub claim: Claim,
    /// Address asked for in a claim as sender; the address itself otherwise.
    pub asked: Ip,
    /// Direction of the first frame.
    pub direction: Direction,
    /// First frame.
    pub first: Mark,
    /// Last frame.
    pub last: Mark,
    /// Frames.
    pub count: u32,
}

/// A question for an address.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    /// The address asked for.
    pub target: Ip,
    /// Who asks.
    pub asker: Ip,
    /// The asker's MAC.
    pub asker_mac: Mac,
    /// VLAN as in [`crate::wire::Packet::vlan`]; [`Ask::SEVERAL_VLANS`] where it asked in
    /// more than one.
    pub vlan: u32,
    /// Direction of the first frame.
    pub direction: Direction,
    /// Questions.
    pub count: u32,
    /// Questions since the last answer.
    pub open: u32,
    /// Questions asked again at the pace of a stack that got no answer; one
    /// that got one does not repeat itself (RFC 1122, section 2.3.2.1: at most
    /// one a second; RFC 4861, section 10: one a second). Every vantage on the
    /// link sees it, also one to which the answers would not come.
    pub again: u32,
    /// Answers to this asker that the vantage saw.
    pub answers: u32,
    /// First question.
    pub first: Mark,
    /// Last question.
    pub last: Mark,
    /// Shortest time from question to answer, nanoseconds.
    pub quickest_ns: i64,
}

impl Ask {
    /// Not one VLAN: no tag has this value.
    pub const SEVERAL_VLANS: u32 = u32::MAX;
}

/// Two MACs that claim one address in turn.
#[derive(Debug, Clone, Copy)]
pub struct Dispute {
    /// The address.
    pub ip: Ip,
    /// VLAN as in [`crate::wire::Packet::vlan`].
    pub vlan: u32,
    /// Changes from one MAC to another in answer to one question.
    pub quick: u32,
    /// All changes.
    pub changes: u32,
    /// The claim before the first change.
    pub before: Mark,
    /// The first change.
    pub first: Mark,
    /// The last change.
    pub last: Mark,
}

/// A host that asks whether an address is in use before it takes it (RFC 4862, section
/// 5.4; in IPv4 RFC 5227, section 2.1).
#[derive(Debug, Clone, Copy)]
pub struct Probe {
    /// The address.
    pub ip: Ip,
    /// Who asks.
    pub mac: Mac,
    /// The last question.
    pub asked: Mark,
    /// Who said that it is in use, if anybody did in time.
    pub holder: Option<Mac>,
    /// When; not set where nobody did.
    pub told: Mark,
}

/// A MAC inside an overlay (VXLAN, Geneve, bridged GRE), and the end of the tunnel at which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OverlayEnd {
    /// Of the frame inside.
    pub inner: Mac,
    /// Of the frame that carries it; [`Mac::ZERO`] where the capture does not show it (`-i any`).
    pub outer: Mac,
    /// Of the packet that carries it: the end's own, also where routers are between; unspecified where it
    /// is not known.
    pub ip: Ip,
}

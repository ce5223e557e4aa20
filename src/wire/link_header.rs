//! What the link layer says of a frame, whatever its link type.

use super::Mac;

/// Which way a frame went past the capturing host, where the link type tells
/// (LINUX_SLL packet types, `PACKET_*` of linux/if_packet.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
#[repr(u8)]
pub enum Direction {
    /// The link type does not tell.
    #[default]
    Unknown,
    /// To this host (`PACKET_HOST`).
    In,
    /// Broadcast or multicast by somebody else.
    Group,
    /// To another host, seen in promiscuous mode (`PACKET_OTHERHOST`).
    OtherHost,
    /// Sent by this host (`PACKET_OUTGOING`).
    Out,
}

/// What the link layer says of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LinkHeader {
    /// Interface index on the capturing host, of SLL2 and NFLOG; 0 elsewhere.
    pub ifindex: u32,
    /// See [`Direction`].
    pub direction: Direction,
    /// Sender; `None` where the link type has none.
    pub src: Option<Mac>,
    /// Receiver; `None` where the link type has none (cooked captures).
    pub dst: Option<Mac>,
    /// The MACs are those of a frame inside an overlay (VXLAN, Geneve, bridged
    /// GRE): not of the hosts that the frame outside went between.
    pub overlay: bool,
}

impl LinkHeader {
    /// Whether the frame was seen on a loopback interface: Linux cooked
    /// captures show lo with an all-zero sender.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.src == Some(Mac::ZERO) && (self.dst.is_none() || self.dst == Some(Mac::ZERO))
    }
}

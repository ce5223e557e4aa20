//! What is above a link header, once VLAN tags are stepped over.
//!
//! More than four tags are not opened: they are a way to make a reader work.

use etherparse::{EtherType, SingleVlanSlice, ether_type};

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
    /// Tags so far, as in [`Packet::vlan`](super::Packet::vlan).
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

//! Which MACs are the capturing host's own, and whether the vantage is a SPAN.
//!
//! Presence is not arrival: switches flood and mirrors copy, so a frame reached
//! the capturing host only if it carries one of the host's own MACs. Linux
//! cooked captures say which frames the host sent. On Ethernet the host's own
//! MAC takes part in nearly every unicast frame that was not flooded. Where two
//! do alike, a packet that is seen to come to one of them and to leave it again tells
//! it (`shares.rs` gathers, `choose.rs` weighs); a capture of one host's conversations
//! is taken on that host rather than on its gateway, and of two hosts on the one that
//! answers or relays at once, without a network in between. What is left open is said.

mod aliases;
mod choose;
mod shares;

use super::{Hop, IcmpError, IcmpErrorKind, Link, Neighbors, Stream, VrrpSpeaker};
use crate::hashed::HashSet;
use crate::wire::{Direction, Mac};
use aliases::Aliases;
use shares::Shares;

/// How own MACs were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnEvidence {
    /// They were not: nothing unicast, or nobody stands out.
    #[default]
    None,
    /// The capture marks frames that the host sent.
    Outgoing,
    /// One MAC takes part in nearly all unicast frames.
    Coverage,
    /// Two take part alike; one is an end of the conversations, the other
    /// relays them.
    EndHost,
    /// Two take part alike; one answers without delay.
    Turnaround,
    /// Packets come to it and leave it again.
    Forwards,
    /// The capture marks frames as coming in, and shows none that leave: it is told
    /// that they arrived, and not by which MAC.
    Incoming,
    /// Frames of one direction alone, and only one of their ends fits.
    OneWay,
}

/// The MACs of the capturing host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// Own MACs, sorted.
    pub macs: Vec<Mac>,
    /// How they were told.
    pub evidence: OwnEvidence,
    /// The capture shows everybody's frames.
    pub span: bool,
    /// They are MACs inside an overlay, whose frames are most of the capture. Of
    /// the other frames they tell nothing, as others tell nothing of an overlay's.
    pub overlay: bool,
    /// Its MACs in frames of the other kind: inside overlays that end at it, where
    /// `macs` are those outside, and the other way round. Sorted.
    pub across: Vec<Mac>,
    /// Where they are not told: the MACs of which one is the host's, if only few are
    /// left. Sorted.
    pub between: Vec<Mac>,
    /// The TTL with which its packets begin, where that is none that stacks use today.
    pub ttl: Option<u8>,
}

impl Own {
    /// Whether a MAC is one of them.
    #[must_use]
    pub fn has(&self, mac: Mac) -> bool {
        self.macs.binary_search(&mac).is_ok() || self.across.binary_search(&mac).is_ok()
    }

    /// Whether a frame of a kind (inside an overlay or not) has one of them.
    fn is_of(&self, mac: Mac, overlay: bool) -> bool {
        let macs = if self.overlay == overlay { &self.macs } else { &self.across };
        macs.binary_search(&mac).is_ok()
    }

    /// Whether a frame on this hop reached the capturing host from outside:
    /// `None` where that cannot be told.
    #[must_use]
    pub fn arrived(&self, hop: &Hop) -> Option<bool> {
        if hop.link.is_loopback() {
            return Some(false);
        }
        match (hop.link.direction, hop.link.dst, hop.link.src) {
            (Direction::In, ..) => Some(true),
            (Direction::Out | Direction::OtherHost, ..) => Some(false),
            (_, Some(dst), _) if self.speaks_of(hop) => Some(self.is_of(dst, hop.link.overlay)),
            _ => None,
        }
    }

    /// Whether the capturing host sent frames on this hop.
    #[must_use]
    pub fn sent(&self, hop: &Hop) -> Option<bool> {
        match (hop.link.direction, hop.link.src) {
            (Direction::Out, _) => Some(true),
            (Direction::In | Direction::OtherHost | Direction::Group, Some(mac)) => {
                Some(mac == Mac::ZERO)
            }
            (_, Some(src)) if self.speaks_of(hop) => Some(self.is_of(src, hop.link.overlay)),
            _ => None,
        }
    }

    fn speaks_of(&self, hop: &Hop) -> bool {
        let macs = if self.overlay == hop.link.overlay { &self.macs } else { &self.across };
        !macs.is_empty()
    }
}

/// Tells them; `absent` are MACs that are known to be other hosts'.
pub(super) fn infer(
    streams: &[Stream],
    links: &[Link],
    hops: &[Hop],
    neighbors: &Neighbors,
    speakers: &[VrrpSpeaker],
    errors: &[IcmpError],
    absent: &[Mac],
) -> Own {
    let outgoing = outgoing(hops, neighbors);
    if !outgoing.is_empty() {
        return Own { macs: outgoing, evidence: OwnEvidence::Outgoing, ..Own::default() };
    }
    if hops.iter().any(|hop| hop.link.direction == Direction::In && !hop.link.is_loopback()) {
        return Own { evidence: OwnEvidence::Incoming, ..Own::default() };
    }
    // ARP's own words (`is-at`) tell who has an address, and not who was captured.
    let bare = |hop: &Hop| hop.link.src.is_none() && hop.link.dst.is_none();
    if !hops.is_empty() && hops.iter().all(bare) {
        return Own::default();
    }
    let aliases = Aliases::tell(streams, links, hops, neighbors, speakers);
    let shares = if aliases.is_empty() {
        Shares::gather(streams, links, hops, neighbors, absent)
    } else {
        let (mut hops, mut neighbors) = (hops.to_vec(), neighbors.clone());
        aliases.apply(&mut hops, &mut neighbors);
        let absent: Vec<Mac> = absent.iter().map(|mac| aliases.machine(*mac)).collect();
        Shares::gather(streams, links, &hops, &neighbors, &absent)
    };
    let Some(mut shares) = shares else {
        return Own::default();
    };
    // Routers alone say so of what others send.
    let routers = |kind| {
        matches!(
            kind,
            IcmpErrorKind::TooBig { .. }
                | IcmpErrorKind::TimeExceeded
                | IcmpErrorKind::Redirect
                | IcmpErrorKind::Unreachable { .. }
        )
    };
    for error in errors.iter().filter(|e| routers(e.kind) && e.src != e.quote.dst) {
        if let Some(mac) = hops[error.hop.index()].link.src {
            shares.relays_of(aliases.machine(mac));
        }
    }
    let chosen = choose::choose(&shares);
    // A host of many overlays, or of many machines in one, is no SPAN.
    let span = chosen.span && !shares.overlay;
    let mut own = Own { overlay: shares.overlay, span, ..chosen };
    if !own.overlay {
        own.macs.extend(aliases.of(&own.macs.clone()));
        own.macs.sort_unstable();
        own.macs.dedup();
    }
    own.across = across(&own, neighbors);
    own
}

/// Its MACs on the other side of the overlays that end at it.
fn across(own: &Own, neighbors: &Neighbors) -> Vec<Mac> {
    let ends = neighbors.overlay_ends.iter();
    let mut found: Vec<Mac> = if own.overlay {
        ends.filter(|end| own.macs.contains(&end.inner)).map(|end| end.outer).collect()
    } else {
        ends.filter(|end| own.macs.contains(&end.outer)).map(|end| end.inner).collect()
    };
    found.sort_unstable();
    found.dedup();
    found
}

fn outgoing(hops: &[Hop], neighbors: &Neighbors) -> Vec<Mac> {
    let plain = |hop: &&Hop| !hop.link.overlay && !hop.link.is_loopback();
    let from = |way: Direction| -> HashSet<Mac> {
        let came = hops.iter().filter(|hop| plain(hop) && hop.link.direction == way);
        came.filter_map(|hop| hop.link.src).collect()
    };
    let (came, bridged) = (from(Direction::In), from(Direction::OtherHost));
    let sent = hops
        .iter()
        .filter(|hop| hop.link.direction == Direction::Out && !hop.link.overlay)
        .filter_map(|hop| hop.link.src);
    let said = neighbors.bindings.iter().filter(|b| b.direction == Direction::Out).map(|b| b.mac);
    let mut macs: Vec<Mac> = sent.chain(said).filter(|mac| mac.is_unicast()).collect();
    macs.sort_unstable();
    macs.dedup();
    // A bridge sends on what came in as it is, and what was for somebody else came in at one of its ports: those are
    // machines behind the host, or on its link.
    macs.retain(|mac| !bridged.contains(mac));
    if macs.iter().any(|mac| !came.contains(mac)) {
        macs.retain(|mac| !came.contains(mac));
    }
    macs
}

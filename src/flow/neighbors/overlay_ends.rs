//! The ends of overlays: which MACs send in whose frames.

use super::Neighbors;
use super::records::OverlayEnd;
use crate::wire::{LinkHeader, Mac, Outer};

/// Ends of overlays that are kept.
const MAX_OVERLAY_ENDS: usize = 1 << 12;

impl Neighbors {
    /// Notes who carries a frame of an overlay: both of its ends.
    pub(in crate::flow) fn overlay(
        &mut self,
        inner: &LinkHeader,
        (src, dst): (Option<Mac>, Option<Mac>),
        around: Option<&Outer>,
    ) {
        let ips = around.map_or_else(Default::default, |outer| (outer.src, outer.dst));
        for (inner, outer, ip) in [(inner.src, src, ips.0), (inner.dst, dst, ips.1)] {
            let known = outer.map_or(ip.is_host(), |mac| mac.is_unicast());
            let Some(inner) = inner.filter(|mac| mac.is_unicast() && known) else {
                continue;
            };
            let end = OverlayEnd { inner, outer: outer.unwrap_or(Mac::ZERO), ip };
            match self.overlay_ends.binary_search(&end) {
                Err(at) if self.overlay_ends.len() < MAX_OVERLAY_ENDS => {
                    self.overlay_ends.insert(at, end);
                }
                _ => {}
            }
        }
    }
}

//! By which interfaces packets come to a host and leave it. What is stacked on another shows each packet as well: a
//! bond and its members, a VLAN and what it lies on. So one packet has several interfaces, and two went by different
//! ones only where they have none in common.

use crate::flow::{Flow, Hop, Observations, Own};
use std::collections::BTreeSet;

/// The interfaces by which a flow passes a capturing host one way, by number; none where the capture has no numbers.
fn interfaces(
    seen: &Observations,
    flow: &Flow,
    way: fn(&Own, &Hop) -> Option<bool>,
) -> BTreeSet<u32> {
    let passes =
        seen.path(flow).map(|(_, hop)| hop).filter(|hop| way(&seen.own, hop) == Some(true));
    let outside = passes.filter(|hop| !hop.link.is_loopback());
    outside.map(|hop| hop.link.ifindex).filter(|number| *number != 0).collect()
}

/// Whether what one flow brings to a host and what another takes away pass it by different interfaces; `None` where the
/// capture does not tell.
pub(in crate::diagnose) fn is_elsewhere(
    seen: &Observations,
    came: &Flow,
    left: &Flow,
) -> Option<bool> {
    let [came, left] = [interfaces(seen, came, Own::arrived), interfaces(seen, left, Own::sent)];
    (!came.is_empty() && !left.is_empty()).then(|| came.is_disjoint(&left))
}

//! Large segments that a node keeps where small ones of the same connection leave it in an
//! overlay.

use crate::diagnose::facts::index::Indexed;
use crate::diagnose::facts::way::passages::passage;
use crate::diagnose::thresholds::REPEATS;
use crate::flow::Mark;
use crate::topology::HostId;
use crate::trace::ConnectionId;

/// A connection whose large segments a node kept.
pub(in crate::diagnose) struct Kept {
    pub id: ConnectionId,
    /// Payload bytes of the largest segment that came again.
    pub size: u32,
    /// Payload bytes that left before.
    pub passed: u64,
    /// The last frame that came again.
    pub again: Mark,
}

/// What a host kept of a connection, by its own capture.
pub(in crate::diagnose) fn kept(
    facts: &Indexed<'_>,
    id: ConnectionId,
    host: HostId,
) -> Option<Kept> {
    let passage = passage(facts, id, host)?;
    let (came, left) = (passage.came, passage.left?);
    let (there, out) = (facts.legs(id).get(came.leg)?, facts.legs(id).get(left.leg)?);
    let overlay = passage.enters_overlay(facts, id);
    let told = facts.errors_of(id).next().is_some();
    // What the capture itself did not see come in proves nothing.
    if facts.vantage(there).has_hole(came.link) {
        return None;
    }
    let hole = facts.vantage(out).hole(left.link).map_or(0, |(bytes, _)| bytes);
    let missing = passage.missing(facts, id).max(hole);
    if !overlay || told || missing == 0 || came.link.retransmissions < REPEATS {
        return None;
    }
    let vantage = facts.vantage(there);
    let here = |index: u32| vantage.links.get(index as usize).map(|l| (l.hop, l.first));
    let own = (came.link.hop, came.link.first);
    let all = vantage.repeats_of(facts.forward(there));
    let repeats = all.into_iter().filter(|r| here(r.link) == Some(own));
    let (mut size, mut again) = (0, Mark::NONE);
    for repeat in repeats {
        size = size.max(repeat.to.wrapping_sub(repeat.from));
        again = repeat.mark;
    }
    let passed = facts.forward(out).payload;
    (missing >= size && again.is_set()).then_some(Kept { id, size, passed, again })
}

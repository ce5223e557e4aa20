//! SYNs and SYN-ACKs that left one captured host and did not arrive at the next, by the
//! breaks that show it.
//!
//! [`crate::trace::loss`] compares bytes, and an opening has none. Here it is transmissions
//! that count: a place that had more of them than the next one lost the difference.

use crate::breaks::apart::Trait;
use crate::breaks::{Breaks, Fate, Group, Journey, Manner, Milestone, Packet, Passage};
use crate::diagnose::facts::index::Indexed;
use crate::topology::{HostId, ServiceId};
use crate::trace::{At, ConnectionId};
use std::collections::BTreeMap;

/// Connections of a group whose transmissions are counted: more say the same.
const COUNTED: usize = 4096;

/// What a stretch lost of the openings of one service.
#[derive(Debug, Default)]
pub(in crate::diagnose) struct LostOpenings {
    /// The connections concerned.
    pub ids: Vec<ConnectionId>,
    /// Those of them that failed for it.
    pub failed: usize,
    /// Transmissions that left and did not arrive.
    pub lost: u32,
    /// The first that left in vain.
    pub shown: Option<At>,
}

/// By service, the host that they left, the one that they did not reach, and the packet.
pub(in crate::diagnose) type Openings = BTreeMap<(ServiceId, HostId, HostId, Packet), LostOpenings>;

/// All of them. A group that is set apart by what its packets are is no chance: something
/// on the way lets such packets not pass.
pub(in crate::diagnose) fn all(facts: &Indexed<'_>, breaks: &Breaks) -> Openings {
    let mut found = Openings::new();
    for group in breaks.groups.iter().filter(|group| is_by_chance(group)) {
        let Some((from, to)) = stretch(facts, group) else { continue };
        let entry = found.entry((group.service, from, to, group.packet)).or_default();
        for id in group.connections.iter().take(COUNTED) {
            let (lost, first) = lost(facts, *id, group.packet);
            if lost == 0 {
                continue;
            }
            entry.ids.push(*id);
            entry.failed += usize::from(group.fate == Fate::Failed);
            entry.lost += u32::from(lost);
            entry.shown = entry.shown.or(first);
        }
    }
    found.retain(|_, lost| !lost.ids.is_empty());
    for lost in found.values_mut() {
        lost.ids.sort_unstable();
    }
    found
}

/// Only when something happens may set what a link loses apart, never what it is.
fn is_by_chance(group: &Group) -> bool {
    group.apart.iter().all(|apart| matches!(apart.what, Trait::Second | Trait::EveryNth))
}

/// The two captured hosts between which a group's packets were lost.
fn stretch(facts: &Indexed<'_>, group: &Group) -> Option<(HostId, HostId)> {
    let opens = matches!(group.packet, Packet::Syn | Packet::SynAck);
    let between = matches!(group.manner, Manner::LostBetween | Manner::Late);
    let last = group.last.filter(|last| last.passage == Passage::Out)?;
    let (from, to) = (last.host?, group.next?);
    let shown = from != to && facts.is_captured(from) && facts.is_captured(to);
    (opens && between && shown).then_some((from, to))
}

/// How many transmissions of a connection's opening did not reach the next place, and the
/// first of all.
fn lost(facts: &Indexed<'_>, id: ConnectionId, packet: Packet) -> (u16, Option<At>) {
    let journey = Journey::of(facts, id, packet.is_forward(), Milestone::Syn);
    match journey.thinned() {
        Some((here, next)) => (here.times - next.times, Some(here.at)),
        None => {
            let last = journey.last().filter(|last| last.passage == Passage::Out);
            last.map_or((0, None), |last| (last.times, Some(last.at)))
        }
    }
}

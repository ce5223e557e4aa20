//! Frames of several vantages that are one packet.
//!
//! One packet keeps its sequence numbers, flags, length and, through NAT and
//! DR, its IPv4 identification. What is left when two transmissions look alike
//! (SYN-ACKs have the identification 0, IPv6 has none) is the sender's timestamp,
//! and where that is missing or the same, their order: the first at one vantage is
//! the first at the other, unless one saw fewer; then the clocks choose.

use super::collect::{Shape, Sighting};
use crate::flow::VantageId;
use crate::trace::{At, Trace};
use crate::wire::{Direction, Mac};
use std::collections::{BTreeMap, BTreeSet};

/// Two frames of one packet on one link this close are copies that the capture
/// made; no stack retransmits faster.
const COPY_NS: u64 = 10_000_000;
/// The same where no identification tells: acknowledgments do come this close.
const BARE_COPY_NS: u64 = 1_000_000;
/// Two transmissions of one segment are further apart than this.
const RETRANSMISSION_NS: u64 = 100_000_000;

/// One transmission of one packet, wherever it was seen.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    /// The client sent it.
    pub forward: bool,
    /// What it looks like; where it was merged, the whole.
    pub shape: Shape,
    /// Indices of its frames.
    pub sightings: Vec<usize>,
    /// Another transmission looks like it and nothing but order or time tells
    /// them apart.
    pub ambiguous: bool,
}

/// One way past one vantage.
type Lane = (VantageId, u8, u8, u32, Direction, [Option<Mac>; 2]);

pub(super) fn lane(s: &Sighting) -> Lane {
    let link = &s.link;
    (s.vantage, s.tuple, s.ttl, link.ifindex, link.direction, [link.src, link.dst])
}

/// Transmissions, in no particular order.
pub(super) fn group(trace: &Trace, sightings: &[Sighting]) -> Vec<Sent> {
    let mut alike: BTreeMap<(bool, Shape), Vec<usize>> = BTreeMap::new();
    for (i, s) in sightings.iter().enumerate() {
        alike.entry((s.forward, s.shape)).or_default().push(i);
    }
    let mut sent = Vec::new();
    for ((forward, shape), members) in alike {
        let id = |s: &Sighting| s.id.map(u32::from);
        let keep_ids = is_kept(trace, sightings, &members, id);
        let unnamed = members.iter().all(|i| sightings[*i].id.is_none());
        let stamped = unnamed && members.iter().all(|i| sightings[*i].stamp.is_some());
        let keep_stamps = stamped && is_kept(trace, sightings, &members, |s| s.stamp);
        let mut alone: BTreeMap<Option<u32>, Vec<usize>> = BTreeMap::new();
        for i in members {
            let s = &sightings[i];
            let tag = if keep_stamps { s.stamp } else { id(s).filter(|_| keep_ids) };
            alone.entry(tag).or_default().push(i);
        }
        for (tag, members) in alone {
            let found = pair(trace, sightings, &members, tag.is_some() && !keep_stamps);
            let ambiguous = found.len() > 1;
            sent.extend(found.into_iter().map(|sightings| Sent {
                forward,
                shape,
                sightings,
                ambiguous,
            }));
        }
    }
    sent
}

fn time(trace: &Trace, s: &Sighting) -> i64 {
    trace.time(At { vantage: s.vantage, mark: s.mark }).0
}

/// Whether the rewrite kept what tells transmissions apart, identification or
/// timestamp: not, where two lanes show the packet at one time under different ones.
fn is_kept(
    trace: &Trace,
    sightings: &[Sighting],
    members: &[usize],
    tag: impl Fn(&Sighting) -> Option<u32>,
) -> bool {
    let mut lanes: BTreeMap<(VantageId, u8), (BTreeSet<u32>, i64)> = BTreeMap::new();
    for i in members {
        let s = &sightings[*i];
        if let Some(id) = tag(s) {
            let first = (BTreeSet::new(), time(trace, s));
            lanes.entry((s.vantage, s.tuple)).or_insert(first).0.insert(id);
        }
    }
    let lanes: Vec<_> = lanes.into_values().collect();
    !lanes.iter().enumerate().any(|(i, (ids, at))| {
        lanes[i + 1..].iter().any(|(others, then)| {
            ids.len() == others.len()
                && ids.is_disjoint(others)
                && at.abs_diff(*then) < RETRANSMISSION_NS
        })
    })
}

/// Transmissions among frames that look alike.
fn pair(
    trace: &Trace,
    sightings: &[Sighting],
    members: &[usize],
    with_id: bool,
) -> Vec<Vec<usize>> {
    let copy_ns = if with_id { COPY_NS } else { BARE_COPY_NS };
    // Per lane: its transmissions, each with its copies.
    let mut lanes: BTreeMap<Lane, Vec<Vec<usize>>> = BTreeMap::new();
    for i in members {
        let s = &sightings[*i];
        let times = lanes.entry(lane(s)).or_default();
        let copy = times
            .last()
            .and_then(|copies| copies.last())
            .is_some_and(|last| s.mark.at().0.abs_diff(sightings[*last].mark.at().0) < copy_ns);
        match times.last_mut().filter(|_| copy) {
            Some(copies) => copies.push(*i),
            None => times.push(vec![*i]),
        }
    }
    let Some(most) = lanes.values().max_by_key(|times| times.len()) else {
        return Vec::new();
    };
    let spine: Vec<(i64, VantageId)> = most
        .iter()
        .filter_map(|copies| copies.first())
        .map(|i| (time(trace, &sightings[*i]), sightings[*i].vantage))
        .collect();
    let mut sent: Vec<Vec<usize>> = vec![Vec::new(); spine.len()];
    for times in lanes.values() {
        let mut at = 0;
        for (n, copies) in times.iter().enumerate() {
            let Some(first) = copies.first().map(|i| &sightings[*i]) else { continue };
            let latest = spine.len() - (times.len() - n);
            while at < latest && closer(trace, first, &spine, at) {
                at += 1;
            }
            if let Some(slot) = sent.get_mut(at) {
                slot.extend(copies);
            }
            at += 1;
        }
    }
    sent.retain(|s| !s.is_empty());
    sent
}

/// Whether the next transmission of the spine is nearer in time.
fn closer(trace: &Trace, s: &Sighting, spine: &[(i64, VantageId)], at: usize) -> bool {
    let (Some((this, vantage)), Some((next, _))) = (spine.get(at), spine.get(at + 1)) else {
        return false;
    };
    let capture = |v: VantageId| trace.vantages[v.index()].capture;
    let comparable = trace.timeline.comparable(capture(s.vantage), capture(*vantage));
    let t = time(trace, s);
    comparable && t.abs_diff(*next) < t.abs_diff(*this)
}

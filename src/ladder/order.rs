//! The order of the arrows: cause first, clocks for the rest.
//!
//! An arrow stands for the moment in which the packet left, or for the first
//! frame that shows it on its way. It comes after every arrow that began or
//! arrived earlier in the same capture, and after the arrow that brought the
//! packet. Packets that cross on the way keep the order in which they left.

use super::arrow::Arrow;
use super::clocks::Clocks;
use super::collect::Sighting;
use crate::flow::VantageId;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Arrows in order.
pub(super) struct Ordered {
    /// The arrows.
    pub arrows: Vec<Arrow>,
    /// By arrow: it is certain to come after the one before it, by cause.
    pub certain: Vec<bool>,
}

pub(super) fn order(clocks: &Clocks<'_>, arrows: Vec<Arrow>, sightings: &[Sighting]) -> Ordered {
    let after = edges(&arrows, sightings);
    let mut waits = vec![0usize; arrows.len()];
    for next in after.iter().flatten() {
        waits[*next] += 1;
    }
    let time = |i: usize| {
        let first = arrows[i].sightings.first();
        (first.map_or(0, |s| clocks.time(&sightings[*s])), i)
    };
    let mut by_time: Vec<usize> = (0..arrows.len()).collect();
    by_time.sort_by_key(|i| time(*i));
    let mut by_time = by_time.into_iter();
    let mut ready: BinaryHeap<Reverse<(i64, usize)>> =
        (0..arrows.len()).filter(|i| waits[*i] == 0).map(|i| Reverse(time(i))).collect();
    let mut placed = vec![false; arrows.len()];
    let mut sequence = Vec::with_capacity(arrows.len());
    loop {
        let next = match ready.pop() {
            Some(Reverse((_, i))) => i,
            // Frames that contradict each other: the clocks break the circle.
            None => match by_time.find(|i| !placed[*i]) {
                Some(i) => i,
                None => break,
            },
        };
        if std::mem::replace(&mut placed[next], true) {
            continue;
        }
        sequence.push(next);
        for i in &after[next] {
            waits[*i] = waits[*i].saturating_sub(1);
            if waits[*i] == 0 && !placed[*i] {
                ready.push(Reverse(time(*i)));
            }
        }
    }
    let certain = (0..sequence.len())
        .map(|n| {
            n.checked_sub(1).is_none_or(|before| after[sequence[before]].contains(&sequence[n]))
        })
        .collect();
    let mut arrows: Vec<Option<Arrow>> = arrows.into_iter().map(Some).collect();
    let arrows = sequence.iter().filter_map(|i| arrows[*i].take()).collect();
    Ordered { arrows, certain }
}

/// By arrow: the arrows that must follow it.
fn edges(arrows: &[Arrow], sightings: &[Sighting]) -> Vec<Vec<usize>> {
    let mut after = vec![Vec::new(); arrows.len()];
    // By vantage and frame: whose it is, and whether the arrow stands for it.
    let mut frames: BTreeMap<VantageId, Vec<(u32, usize, bool)>> = BTreeMap::new();
    let mut last_of: BTreeMap<usize, usize> = BTreeMap::new();
    for (i, arrow) in arrows.iter().enumerate() {
        for (n, s) in arrow.sightings.iter().enumerate() {
            let s = &sightings[*s];
            frames.entry(s.vantage).or_default().push((s.mark.frame(), i, n == 0));
        }
        // Arrows of one packet follow each other in path order.
        if let Some(before) = last_of.insert(arrow.packet, i) {
            after[before].push(i);
        }
    }
    for mut list in frames.into_values() {
        list.sort_unstable();
        let mut arrived: Vec<usize> = Vec::new();
        for (_, i, stands) in list {
            if !stands {
                arrived.push(i);
                continue;
            }
            for before in std::mem::take(&mut arrived) {
                if before != i {
                    after[before].push(i);
                }
            }
            arrived.push(i);
        }
    }
    after
}

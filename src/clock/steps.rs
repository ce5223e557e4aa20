//! Clocks that were set during a capture: the frames at which bounds begin to contradict
//! what came before.
//!
//! One clock is taken to be the one that was set: the one that, cut at the fewest frames,
//! makes all bounds agree. Where two captures disagree, nothing tells which of them it
//! was; the one that is not the reference is named.

use super::passages::Passage;
use super::timeline::Node;
use super::{Each, gather, measure};
use crate::flow::Mark;
use crate::hashed::HashMap;
use std::collections::BTreeMap;

/// Steps of one clock that are followed; more is no clock.
const MAX_STEPS: usize = 4;
/// Packets that are compared one by one.
const MAX_KEPT: usize = 1 << 17;
/// Stretches of frames of a pair of captures, of each of which the quickest packet counts.
const STRETCHES: u32 = 256;

/// Finds the clock that was set, and when: all captures, one of them cut; `None` where no
/// single one explains it.
pub(super) fn find(captures: usize, each: &Each<'_>) -> Option<Vec<Node>> {
    let (mut few, longest) = thin(each);
    let mut best: Option<(usize, Vec<Cut>)> = None;
    // The reference last: of two that explain it alike the other is named.
    for capture in (0..captures).rev() {
        if let Some(cuts) = cuts(captures, capture, &few)
            && best.as_ref().is_none_or(|(_, fewest)| cuts.len() < fewest.len())
        {
            best = Some((capture, cuts));
        }
    }
    let (capture, rough) = best?;
    // Around the cuts each packet counts, not the quickest of a stretch alone.
    let around = 2 * stretch(&longest, capture);
    let near = |frame: u32| {
        let within = |cut: &Cut| (cut.after.saturating_sub(around)..cut.at).contains(&frame);
        rough.iter().any(within)
    };
    each(&mut |p: Passage| {
        if few.len() < MAX_KEPT && frame_of(&p, capture).is_some_and(near) {
            few.push(p);
        }
    });
    let cuts = cuts(captures, capture, &few)?;
    Some(split(captures, capture, &cuts))
}

/// Where a clock was set.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// The last frame known to bear the old time.
    after: u32,
    /// The first known to bear the new one.
    at: u32,
}

/// The frame of a capture in a passage.
fn frame_of(p: &Passage, capture: usize) -> Option<u32> {
    match (p.from.0 == capture, p.to.0 == capture) {
        (true, _) => Some(p.from.1.frame()),
        (_, true) => Some(p.to.1.frame()),
        _ => None,
    }
}

/// The quickest packet of each stretch of frames, for each ordered pair of captures.
fn thin(each: &Each<'_>) -> (Vec<Passage>, Longest) {
    let mut longest = Longest::new();
    each(&mut |p: Passage| {
        for (capture, mark) in [p.from, p.to] {
            let frames = longest.entry(capture).or_default();
            *frames = mark.frame().max(*frames);
        }
    });
    let mut kept: HashMap<(usize, usize, u32, u32), Passage> = HashMap::default();
    each(&mut |p: Passage| {
        let part = |(capture, mark): (usize, Mark)| mark.frame() / stretch(&longest, capture);
        // By both captures' frames: either clock may have been set.
        let key = (p.from.0, p.to.0, part(p.from), part(p.to));
        let quickest = kept.entry(key).or_insert(p);
        if p.apart() < quickest.apart() {
            *quickest = p;
        }
    });
    let mut kept: Vec<_> = kept.into_iter().collect();
    kept.sort_unstable_by_key(|(key, _)| *key);
    (kept.into_iter().map(|(_, quickest)| quickest).collect(), longest)
}

/// The last frame of each capture that counts.
type Longest = BTreeMap<usize, u32>;

/// How many frames of a capture a stretch has.
fn stretch(longest: &Longest, capture: usize) -> u32 {
    longest.get(&capture).copied().unwrap_or(0) / STRETCHES + 1
}

/// The frames at which a capture must be cut so that all bounds agree.
fn cuts(captures: usize, capture: usize, few: &[Passage]) -> Option<Vec<Cut>> {
    let frame = |p: &Passage| frame_of(p, capture);
    let mut frames: Vec<u32> = few.iter().filter_map(frame).collect();
    frames.sort_unstable();
    frames.dedup();
    let mut cuts: Vec<Cut> = Vec::new();
    loop {
        // How many of the capture's frames, in order, agree with all the rest.
        let agrees = |count: usize| {
            let end = frames.get(count).copied().unwrap_or(u32::MAX);
            let kept: Vec<Passage> =
                few.iter().filter(|p| frame(p).is_none_or(|f| f < end)).copied().collect();
            let again = |sink: &mut dyn FnMut(Passage)| kept.iter().copied().for_each(sink);
            measure(&gather(&split(captures, capture, &cuts), &again)).is_some()
        };
        if agrees(frames.len()) {
            return Some(cuts);
        }
        let (mut good, mut bad) = (0, frames.len());
        if !agrees(0) || cuts.len() >= MAX_STEPS {
            return None;
        }
        while bad - good > 1 {
            let middle = good.midpoint(bad);
            if agrees(middle) {
                good = middle;
            } else {
                bad = middle;
            }
        }
        let after = good.checked_sub(1).map_or(0, |before| frames[before]);
        let cut = Cut { after, at: frames[good] };
        if cuts.last().is_some_and(|last| last.at >= cut.at) {
            return None;
        }
        cuts.push(cut);
    }
}

/// The captures with one of them cut.
fn split(captures: usize, capture: usize, cuts: &[Cut]) -> Vec<Node> {
    let mut nodes = Vec::with_capacity(captures + cuts.len());
    for c in 0..captures {
        nodes.push(Node { capture: c, from_frame: 0 });
        if c == capture {
            nodes.extend(cuts.iter().map(|cut| Node { capture: c, from_frame: cut.at }));
        }
    }
    nodes
}

//! The order of a finding's frames: that of cause, as far as clocks tell it.
//!
//! Frames of one connection stay together. Two frames change places only where their
//! clocks can be compared and the distance is more than the doubt; else the detector's
//! order stands, which knows what follows from what.

use super::evidence::Frames;
use super::{Finding, Proof};
use crate::flow::VantageId;
use crate::trace::Trace;
use std::collections::HashMap;

/// Puts the proofs of a finding in causal order.
pub(super) fn order(trace: &Trace, frames: &Frames<'_>, finding: &mut Finding) {
    let of = connections(trace, frames, finding);
    let proofs = std::mem::take(&mut finding.proofs);
    // What is of no connection, or of another one, belongs between the others.
    let mixed = of.iter().any(Option::is_none);
    let mut groups: Vec<(Option<u32>, Vec<Proof>)> = Vec::new();
    for (proof, id) in proofs.into_iter().zip(of) {
        let id = id.filter(|_| !mixed);
        match groups.iter_mut().find(|(known, _)| *known == id) {
            Some((_, group)) => group.push(proof),
            None => groups.push((id, vec![proof])),
        }
    }
    for (_, group) in &mut groups {
        settle(trace, group);
    }
    // A connection that began before another comes first.
    for end in 1..groups.len() {
        let mut at = end;
        while at > 0 && is_before(trace, &groups[at].1[0], &groups[at - 1].1[0]) {
            groups.swap(at, at - 1);
            at -= 1;
        }
    }
    finding.proofs = groups.into_iter().flat_map(|(_, group)| group).collect();
}

/// Insertion sort, which leaves alone what nothing orders: proofs are few.
fn settle(trace: &Trace, proofs: &mut [Proof]) {
    for end in 1..proofs.len() {
        let mut at = end;
        while at > 0 && is_before(trace, &proofs[at], &proofs[at - 1]) {
            proofs.swap(at, at - 1);
            at -= 1;
        }
    }
}

/// Whether one frame was surely seen before another.
fn is_before(trace: &Trace, a: &Proof, b: &Proof) -> bool {
    if a.at.vantage == b.at.vantage {
        return a.at.mark.frame() < b.at.mark.frame();
    }
    let capture = |proof: &Proof| trace.vantages[proof.at.vantage.index()].capture;
    let (x, y) = (trace.time(a.at), trace.time(b.at));
    let doubt = trace.timeline.uncertainty(capture(a), capture(b), y);
    doubt.is_some_and(|doubt| x.0.saturating_add(doubt) < y.0)
}

/// Which of the finding's connections each proof is a frame of.
fn connections(trace: &Trace, frames: &Frames<'_>, finding: &Finding) -> Vec<Option<u32>> {
    let streams: Vec<Option<(VantageId, usize)>> = finding
        .proofs
        .iter()
        .map(|proof| Some((proof.at.vantage, frames.stream_of(proof.at)?)))
        .collect();
    let mut known: HashMap<(VantageId, usize), Option<u32>> =
        streams.iter().flatten().map(|stream| (*stream, None)).collect();
    let mut open = known.len();
    for id in &finding.connections {
        if open == 0 {
            break;
        }
        for leg in trace.legs(*id) {
            let stream = (leg.vantage, leg.stream as usize);
            if let Some(slot) = known.get_mut(&stream).filter(|slot| slot.is_none()) {
                *slot = Some(id.0);
                open -= 1;
            }
        }
    }
    streams.into_iter().map(|stream| known.get(&stream?).copied().flatten()).collect()
}

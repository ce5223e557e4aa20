//! Which way the frames went that findings show.

use crate::diagnose::Diagnosis;
use crate::flow::{Hop, Observations, VantageId};
use crate::hashed::HashMap;
use crate::trace::{At, Trace};
use crate::wire::Direction;

/// `in`, `out`, `lo`, or nothing, by vantage and frame.
///
/// A link keeps three of its frames, and nothing leads from a frame to its link: with many
/// findings the links are walked once for all of their proofs.
#[derive(Debug, Default)]
pub(super) struct Directions(HashMap<(VantageId, u32), &'static str>);

/// Kinds into which frames fall by the lowest bits of their numbers.
const NEAR: usize = 1 << 12;

impl Directions {
    /// Of all frames that a diagnosis shows.
    pub(super) fn of(trace: &Trace, diagnosis: &Diagnosis) -> Self {
        let shown = diagnosis.findings.iter().flat_map(|finding| {
            let refuted = finding.refuted.iter().filter_map(|refuted| refuted.at);
            finding.proofs.iter().map(|proof| proof.at).chain(refuted)
        });
        let mut of: HashMap<_, _> = shown.map(|at| ((at.vantage, at.mark.frame()), None)).collect();
        // Frames that are shown are few: what most others are not is told without the table.
        let mut near = [false; NEAR];
        of.keys().for_each(|(_, frame)| near[*frame as usize % NEAR] = true);
        for (v, vantage) in VantageId::each(&trace.vantages) {
            for link in &vantage.links {
                let marks = [link.first, link.last, vantage.first_repeat(link)];
                for mark in marks.into_iter().filter(|mark| near[mark.frame() as usize % NEAR]) {
                    if let Some(known) = of.get_mut(&(v, mark.frame())) {
                        known.get_or_insert_with(|| direction(vantage, vantage.hop(link)));
                    }
                }
            }
        }
        Self(of.into_iter().filter_map(|(at, direction)| Some((at, direction?))).collect())
    }

    /// Of one frame; nothing where it is of no link.
    pub(super) fn get(&self, at: At) -> &'static str {
        self.0.get(&(at.vantage, at.mark.frame())).copied().unwrap_or_default()
    }
}

fn direction(vantage: &Observations, hop: &Hop) -> &'static str {
    if hop.link.is_loopback() {
        return "lo";
    }
    match (hop.link.direction, vantage.own.sent(hop), vantage.own.arrived(hop)) {
        (Direction::Out, ..) | (_, Some(true), _) => "out",
        (Direction::In, ..) | (_, _, Some(true)) => "in",
        _ => "",
    }
}

//! The time of each arrow, on one clock as far as that goes.
//!
//! Where a capture's clock is bounded, the timeline corrects it. Where it is
//! not, cause still is: a packet is not received before it was sent. Such a
//! clock stays as it is if that fits, else it is moved by the least that fits,
//! and the ladder says so.

use super::arrow::Arrow;
use super::collect::Sighting;
use crate::trace::{At, Trace};
use std::collections::{BTreeMap, BTreeSet};

/// Two captures of one connection further apart than this have clocks that do
/// not agree: no retransmission timer waits so long.
const APART_NS: i64 = 60_000_000_000;

/// Times on one clock.
pub(super) struct Clocks<'a> {
    trace: &'a Trace,
    /// By capture: what to add, where the timeline has nothing.
    moved: BTreeMap<usize, i64>,
}

/// What the frames of one connection say of two clocks: the second capture's is
/// ahead by at most this.
type Bounds = BTreeMap<(usize, usize), i64>;

impl<'a> Clocks<'a> {
    pub(super) fn new(trace: &'a Trace, arrows: &[Arrow], sightings: &[Sighting]) -> Self {
        let captures: BTreeSet<usize> = arrows
            .iter()
            .flat_map(|a| &a.sightings)
            .map(|i| trace.vantages[sightings[*i].vantage].capture)
            .collect();
        let bounded = |c: &usize| trace.timeline.offsets.get(*c).copied().flatten().is_some();
        let mut known: BTreeSet<usize> = captures.iter().copied().filter(bounded).collect();
        let mut clocks = Self { trace, moved: BTreeMap::new() };
        let bounds = clocks.bounds(arrows, sightings);
        known.extend(captures.iter().next().copied().filter(|_| known.is_empty()));
        while let Some(capture) = clocks.nearest(&captures, &known, &bounds) {
            let (least, most) = clocks.interval(capture, &known, &bounds);
            clocks.moved.insert(capture, fit(least, most));
            known.insert(capture);
        }
        clocks
    }

    fn bounds(&self, arrows: &[Arrow], sightings: &[Sighting]) -> Bounds {
        let mut bounds = Bounds::new();
        let mut note = |x: &Sighting, y: &Sighting| {
            let (a, b) = (self.capture(x), self.capture(y));
            if a != b {
                let apart = self.time(y).saturating_sub(self.time(x));
                let bound = bounds.entry((a, b)).or_insert(apart);
                *bound = apart.min(*bound);
            }
        };
        for arrow in arrows {
            let came = arrow.came.last();
            let chain: Vec<&Sighting> =
                came.into_iter().chain(&arrow.sightings).map(|i| &sightings[*i]).collect();
            for pair in chain.windows(2) {
                note(pair[0], pair[1]);
            }
        }
        bounds
    }

    /// A capture whose clock is not known yet, one that is tied to a known one
    /// if there is any.
    fn nearest(
        &self,
        captures: &BTreeSet<usize>,
        known: &BTreeSet<usize>,
        bounds: &Bounds,
    ) -> Option<usize> {
        let mut open = captures.difference(known).copied();
        let tied = |c: &usize| {
            known.iter().any(|k| bounds.contains_key(&(*k, *c)) || bounds.contains_key(&(*c, *k)))
        };
        open.clone().find(tied).or_else(|| open.next())
    }

    /// By how much a clock must and may be moved on so that cause holds.
    fn interval(
        &self,
        capture: usize,
        known: &BTreeSet<usize>,
        bounds: &Bounds,
    ) -> (Option<i64>, Option<i64>) {
        let shift = |k: &usize| self.moved.get(k).copied().unwrap_or(0);
        let least = known
            .iter()
            .filter_map(|k| bounds.get(&(*k, capture)).map(|apart| shift(k).saturating_sub(*apart)))
            .max();
        let most = known
            .iter()
            .filter_map(|k| bounds.get(&(capture, *k)).map(|apart| shift(k).saturating_add(*apart)))
            .min();
        (least, most)
    }

    /// The capture of a frame.
    pub(super) fn capture(&self, s: &Sighting) -> usize {
        self.trace.vantages[s.vantage].capture
    }

    /// The time of a frame, nanoseconds.
    pub(super) fn time(&self, s: &Sighting) -> i64 {
        let moved = self.moved.get(&self.capture(s)).copied().unwrap_or(0);
        self.trace.time(At { vantage: s.vantage, mark: s.mark }).0.saturating_add(moved)
    }

    /// Half-width of the uncertainty between two captures; `None` where only
    /// cause ties them.
    pub(super) fn uncertainty(&self, a: usize, b: usize) -> Option<i64> {
        self.trace.timeline.uncertainty(a, b)
    }

    /// What was added to a capture's clock for want of a bound.
    pub(super) fn moved(&self, capture: usize) -> Option<i64> {
        self.moved.get(&capture).copied()
    }
}

/// The shift that changes least: none where it fits.
fn fit(least: Option<i64>, most: Option<i64>) -> i64 {
    match (least, most) {
        (Some(least), Some(most)) if least > 0 || most < 0 => {
            if least <= most { least + (most - least) / 2 } else { least }
        }
        (Some(_), Some(_)) | (None, None) => 0,
        (Some(least), None) if !(-APART_NS..=0).contains(&least) => least,
        (None, Some(most)) if !(0..=APART_NS).contains(&most) => most,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn a_clock_that_fits_is_left_alone() {
        assert_eq!(fit(Some(-5), Some(7)), 0);
        assert_eq!(fit(Some(-5), None), 0);
        assert_eq!(fit(None, None), 0);
    }

    #[test]
    fn a_clock_that_does_not_fit_is_moved_by_what_cause_demands() {
        assert_eq!(fit(Some(10), Some(20)), 15);
        assert_eq!(fit(Some(10), None), 10);
        assert_eq!(fit(None, Some(-10)), -10);
        // One hour ahead breaks no order, and is no delay either.
        assert_eq!(fit(Some(-3_600_000_000_000), None), -3_600_000_000_000);
    }
}

//! The time of each arrow, on one clock as far as that goes.
//!
//! Where the timeline bounds a capture's clock, it corrects it. Where it does
//! not, the packets of this connection may: none is received before it was
//! sent, and the drawing pairs packets that the timeline leaves alone. A clock
//! that stays open on one side is left as it is if cause allows, else moved by
//! the least that cause demands, and the ladder says so.

use super::arrow::Arrow;
use super::collect::Sighting;
use super::packet::Sent;
use crate::trace::{At, Trace};
use std::collections::{BTreeMap, BTreeSet};

/// Two captures of one connection further apart than this have clocks that do
/// not agree: no retransmission timer waits so long.
const APART_NS: i64 = 60_000_000_000;

const UNBOUNDED: i64 = i64::MAX / 4;

/// What this connection says of a clock that the timeline leaves open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moved {
    /// Nanoseconds that are added to its times.
    pub by: i64,
    /// Half-width of the interval that holds it; `None` where cause bounds it
    /// on one side only.
    pub error: Option<i64>,
}

/// Times on one clock.
pub(super) struct Clocks<'a> {
    trace: &'a Trace,
    moved: BTreeMap<usize, Moved>,
}

impl<'a> Clocks<'a> {
    pub(super) fn new(
        trace: &'a Trace,
        packets: &[Sent],
        arrows: &[Arrow],
        sightings: &[Sighting],
    ) -> Self {
        let mut clocks = Self { trace, moved: BTreeMap::new() };
        let captures: BTreeSet<usize> = arrows
            .iter()
            .flat_map(|a| &a.sightings)
            .map(|i| clocks.capture(&sightings[*i]))
            .collect();
        let bounded = |c: &usize| trace.timeline.offsets.get(*c).copied().flatten().is_some();
        let mut open: Vec<usize> = captures.iter().copied().filter(|c| !bounded(c)).collect();
        if open.len() == captures.len() && !open.is_empty() {
            // No clock to go by: the first capture's is as good as any.
            open.remove(0);
        }
        if open.is_empty() {
            return clocks;
        }
        // All bounded clocks are one by now; it has index 0.
        let place = |c: usize| open.iter().position(|o| *o == c).map_or(0, |i| i + 1);
        let mut upper = vec![vec![UNBOUNDED; open.len() + 1]; open.len() + 1];
        for arrow in arrows.iter().filter(|a| !packets[a.packet].ambiguous) {
            let came = arrow.came.last();
            let chain: Vec<&Sighting> =
                came.into_iter().chain(&arrow.sightings).map(|i| &sightings[*i]).collect();
            for pair in chain.windows(2) {
                let (a, b) = (place(clocks.capture(pair[0])), place(clocks.capture(pair[1])));
                let apart = clocks.time(pair[1]).saturating_sub(clocks.time(pair[0]));
                upper[a][b] = upper[a][b].min(apart);
            }
        }
        clocks.moved = open.iter().copied().zip(settle(&mut upper)).collect();
        clocks
    }

    /// The capture of a frame.
    pub(super) fn capture(&self, s: &Sighting) -> usize {
        self.trace.vantages[s.vantage].capture
    }

    /// The time of a frame, nanoseconds.
    pub(super) fn time(&self, s: &Sighting) -> i64 {
        let moved = self.moved.get(&self.capture(s)).map_or(0, |moved| moved.by);
        self.trace.time(At { vantage: s.vantage, mark: s.mark }).0.saturating_add(moved)
    }

    /// Half-width of the uncertainty between two captures; `None` where only
    /// the order of cause ties them.
    pub(super) fn uncertainty(&self, a: usize, b: usize) -> Option<i64> {
        if a == b {
            return Some(0);
        }
        let offsets = &self.trace.timeline.offsets;
        let error = |c: usize| match offsets.get(c).copied().flatten() {
            Some(offset) => Some(offset.error_ns),
            None => self.moved.get(&c).map_or(Some(0), |moved| moved.error),
        };
        Some(error(a)?.saturating_add(error(b)?))
    }

    /// What this connection alone says of a capture's clock.
    pub(super) fn moved(&self, capture: usize) -> Option<Moved> {
        self.moved.get(&capture).copied()
    }
}

/// By how much each clock but the first is moved, one after the other, so that
/// each choice is kept by the next.
fn settle(upper: &mut [Vec<i64>]) -> Vec<Moved> {
    tighten(upper);
    // Bounds that contradict each other bound nothing.
    let sound = (0..upper.len()).all(|a| upper[a][a] >= 0);
    // What a choice for one clock implies for the next bounds it against that
    // one, not against the first.
    let proven: Vec<bool> = (0..upper.len())
        .map(|c| upper[0][c] < UNBOUNDED / 2 && upper[c][0] < UNBOUNDED / 2)
        .collect();
    let mut moved = Vec::new();
    for clock in 1..upper.len() {
        let ahead = upper[0][clock];
        let behind = upper[clock][0];
        let most = (behind < UNBOUNDED / 2).then_some(behind);
        let least = (ahead < UNBOUNDED / 2).then(|| ahead.saturating_neg());
        let chosen = match (least, most) {
            (Some(least), Some(most)) if sound && proven[clock] => {
                Moved { by: least + (most - least) / 2, error: Some((most - least + 1) / 2) }
            }
            (Some(least), Some(most)) if sound => {
                Moved { by: 0i64.clamp(least, most.max(least)), error: None }
            }
            _ => Moved { by: fit(least, most), error: None },
        };
        upper[0][clock] = chosen.by.saturating_neg();
        upper[clock][0] = chosen.by;
        tighten(upper);
        moved.push(chosen);
    }
    moved
}

/// Floyd-Warshall over the captures: there are few.
fn tighten(upper: &mut [Vec<i64>]) {
    for via in 0..upper.len() {
        for a in 0..upper.len() {
            for b in 0..upper.len() {
                let (x, y) = (upper[a][via], upper[via][b]);
                if x < UNBOUNDED && y < UNBOUNDED {
                    upper[a][b] = upper[a][b].min(x.saturating_add(y));
                }
            }
        }
    }
}

/// The shift that changes least: none where it fits.
fn fit(least: Option<i64>, most: Option<i64>) -> i64 {
    match (least, most) {
        (Some(least), _) if !(-APART_NS..=0).contains(&least) => least,
        (None, Some(most)) if !(0..=APART_NS).contains(&most) => most,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000_000;

    #[test]
    fn a_clock_that_cause_allows_is_left_alone() {
        assert_eq!(fit(Some(-5), None), 0);
        assert_eq!(fit(None, Some(5)), 0);
        assert_eq!(fit(None, None), 0);
    }

    #[test]
    fn a_clock_that_cause_forbids_is_moved_by_what_it_demands() {
        assert_eq!(fit(Some(10), None), 10);
        assert_eq!(fit(None, Some(-10)), -10);
        // One hour ahead breaks no order, and is no delay either.
        assert_eq!(fit(Some(-HOUR), None), -HOUR);
    }

    #[test]
    fn packets_both_ways_bound_a_clock() {
        // Frames reach clock 1 at most 30 later by its time, and come from it
        // at most 50 later by ours: it is ahead by -50 to 30.
        let mut upper = vec![vec![UNBOUNDED, 30], vec![50, UNBOUNDED]];
        let moved = settle(&mut upper);
        assert_eq!((moved[0].by, moved[0].error), (10, Some(40)));
    }

    #[test]
    fn clocks_that_only_know_each_other_are_not_compared_with_the_first() {
        // 0 to 1 once; 1 and 2 both ways.
        let mut upper = vec![vec![UNBOUNDED; 3]; 3];
        (upper[0][1], upper[1][2], upper[2][1]) = (5, 7, 2);
        let moved = settle(&mut upper);
        assert!(moved.iter().all(|m| m.by == 0 && m.error.is_none()), "{moved:?}");
    }

    #[test]
    fn a_ring_of_one_way_paths_bounds_every_clock_in_it() {
        // 0 to 1 to 2 to 0, as in direct routing.
        let mut upper = vec![vec![UNBOUNDED; 3]; 3];
        (upper[0][1], upper[1][2], upper[2][0]) = (5, 7, 2);
        let moved = settle(&mut upper);
        assert!(moved.iter().all(|m| m.error.is_some()), "{moved:?}");
        // What was chosen for clock 1 still lets its frames reach clock 2.
        assert!(moved[1].by - moved[0].by >= -7);
    }
}

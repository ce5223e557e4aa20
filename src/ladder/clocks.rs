//! The time of each arrow, on one clock as far as that goes.
//!
//! The timeline corrects the clocks, within its error. The packets of this
//! connection may say more: none is received before it was sent, and the
//! drawing pairs all of them, not only the handshake. A clock is moved within
//! the timeline's error by the least that makes cause come true; one that the
//! timeline leaves open is put into the middle of what this connection allows.
//! One that stays open on one side is left as it is if cause allows, else moved
//! by the least that cause demands, and the ladder says so.

use super::arrow::Arrow;
use super::collect::Sighting;
use super::packet::Sent;
use crate::trace::{At, Trace};
use std::collections::BTreeSet;

/// Two captures of one connection further apart than this have clocks that do
/// not agree: no retransmission timer waits so long.
const APART_NS: i64 = 60_000_000_000;

const UNBOUNDED: i64 = i64::MAX / 4;

/// Times on one clock.
pub(super) struct Clocks<'a> {
    trace: &'a Trace,
    /// The captures; the first one's clock is the one.
    captures: Vec<usize>,
    /// By capture: nanoseconds that are added to its times.
    moved: Vec<i64>,
    /// The second clock is ahead of the first by at most this, both as the
    /// timeline has them.
    upper: Vec<Vec<i64>>,
}

impl<'a> Clocks<'a> {
    pub(super) fn new(
        trace: &'a Trace,
        packets: &[Sent],
        arrows: &[Arrow],
        sightings: &[Sighting],
    ) -> Self {
        let seen = arrows.iter().flat_map(|a| &a.sightings);
        let seen: BTreeSet<usize> =
            seen.map(|i| trace.vantages[sightings[*i].vantage.index()].capture).collect();
        // Bounded ones first, so that the others are tied to them.
        let bounded = |c: &usize| trace.timeline.offset(*c).is_some();
        let (mut captures, open): (Vec<usize>, Vec<usize>) = seen.into_iter().partition(bounded);
        let known = captures.len();
        captures.extend(open);
        let mut upper = vec![vec![UNBOUNDED; captures.len()]; captures.len()];
        let first = arrows.iter().find_map(|a| a.sightings.first()).map(|i| &sightings[*i]);
        let at = first.map(|s| trace.time(At { vantage: s.vantage, mark: s.mark }));
        for (a, x) in captures.iter().enumerate() {
            for (b, y) in captures.iter().enumerate() {
                if let Some(error) = at.and_then(|at| trace.timeline.uncertainty(*x, *y, at)) {
                    upper[a][b] = error;
                }
            }
        }
        let moved = vec![0; captures.len()];
        let mut clocks = Self { trace, captures, moved, upper };
        let mut refined = clocks.upper.clone();
        for arrow in arrows.iter().filter(|a| !packets[a.packet].ambiguous) {
            let came = arrow.came.last();
            let chain: Vec<&Sighting> =
                came.into_iter().chain(&arrow.sightings).map(|i| &sightings[*i]).collect();
            for pair in chain.windows(2) {
                let ends = (clocks.place(pair[0]), clocks.place(pair[1]));
                if let (Some(a), Some(b)) = ends
                    && a != b
                {
                    let apart = clocks.time(pair[1]).saturating_sub(clocks.time(pair[0]));
                    refined[a][b] = refined[a][b].min(apart);
                }
            }
        }
        tighten(&mut refined);
        // Bounds that contradict each other bound nothing: a clock was set, or
        // a pair is none.
        // And where times are to stay as the captures have them, none is moved.
        if trace.timeline.corrects() && (0..refined.len()).all(|a| refined[a][a] >= 0) {
            clocks.upper = refined;
            clocks.moved = settle(&clocks.upper, known);
        }
        clocks
    }

    fn place(&self, s: &Sighting) -> Option<usize> {
        self.index(self.capture(s))
    }

    fn index(&self, capture: usize) -> Option<usize> {
        self.captures.iter().position(|c| *c == capture)
    }

    /// The capture of a frame.
    pub(super) fn capture(&self, s: &Sighting) -> usize {
        self.trace.vantages[s.vantage.index()].capture
    }

    /// The time of a frame, nanoseconds.
    pub(super) fn time(&self, s: &Sighting) -> i64 {
        let at = self.trace.time(At { vantage: s.vantage, mark: s.mark }).0;
        at.saturating_add(self.moved(self.capture(s)))
    }

    /// Half-width of the uncertainty between two captures; `None` where only
    /// the order of cause ties them.
    pub(super) fn uncertainty(&self, a: usize, b: usize) -> Option<i64> {
        if a == b {
            return Some(0);
        }
        let (a, b) = (self.index(a)?, self.index(b)?);
        let (ahead, behind) = (self.upper[a][b], self.upper[b][a]);
        if ahead >= UNBOUNDED / 2 || behind >= UNBOUNDED / 2 {
            return None;
        }
        let chosen = self.moved[a].saturating_sub(self.moved[b]);
        Some(ahead.saturating_sub(chosen).max(behind.saturating_add(chosen)).max(0))
    }

    /// What is added to a capture's clock beside the timeline's correction.
    pub(super) fn moved(&self, capture: usize) -> i64 {
        self.index(capture).and_then(|at| self.moved.get(at)).copied().unwrap_or(0)
    }

    /// How far a capture's clock was corrected in all, nanoseconds.
    pub(super) fn corrected(&self, capture: usize) -> u64 {
        self.trace.timeline.applied(capture).saturating_sub(self.moved(capture)).unsigned_abs()
    }
}

/// By how much each clock is moved, one after the other, so that each choice is
/// kept by the next; the first `known` are the timeline's.
fn settle(bounds: &[Vec<i64>], known: usize) -> Vec<i64> {
    let mut upper = bounds.to_vec();
    let mut moved = vec![0; upper.len()];
    for clock in 1..upper.len() {
        // What a choice for one clock implies for the next is no bound on it.
        let proven = bounds[0][clock] < UNBOUNDED / 2 && bounds[clock][0] < UNBOUNDED / 2;
        let (ahead, behind) = (upper[0][clock], upper[clock][0]);
        let most = (behind < UNBOUNDED / 2).then_some(behind);
        let least = (ahead < UNBOUNDED / 2).then(|| ahead.saturating_neg());
        let by = match (least, most) {
            (Some(least), Some(most)) if proven && clock >= known => least + (most - least) / 2,
            (Some(least), Some(most)) => 0i64.clamp(least.min(most), most),
            _ => fit(least, most),
        };
        moved[clock] = by;
        upper[0][clock] = by.saturating_neg();
        upper[clock][0] = by;
        tighten(&mut upper);
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

    fn open(n: usize) -> Vec<Vec<i64>> {
        let mut upper = vec![vec![UNBOUNDED; n]; n];
        for (a, row) in upper.iter_mut().enumerate() {
            row[a] = 0;
        }
        upper
    }

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
    fn packets_both_ways_put_an_open_clock_into_the_middle() {
        // Frames reach clock 1 at most 30 later by its time, and come from it
        // at most 50 later by ours: it is ahead by -50 to 30.
        let mut upper = open(2);
        (upper[0][1], upper[1][0]) = (30, 50);
        assert_eq!(settle(&upper, 1), [0, 10]);
    }

    #[test]
    fn a_known_clock_is_moved_only_as_far_as_cause_demands() {
        let mut upper = open(2);
        // The timeline allows 50 either way; a packet says: behind by 20 or more.
        (upper[0][1], upper[1][0]) = (-20, 50);
        assert_eq!(settle(&upper, 2), [0, 20]);
        (upper[0][1], upper[1][0]) = (30, 50);
        assert_eq!(settle(&upper, 2), [0, 0]);
    }

    #[test]
    fn clocks_that_only_know_each_other_stay_as_they_are() {
        // 0 to 1 once; 1 and 2 both ways.
        let mut upper = open(3);
        (upper[0][1], upper[1][2], upper[2][1]) = (5, 7, 2);
        assert_eq!(settle(&upper, 1), [0, 0, 0]);
    }

    #[test]
    fn a_ring_of_one_way_paths_is_settled_without_breaking_it() {
        // 0 to 1 to 2 to 0, as in direct routing.
        let mut upper = open(3);
        (upper[0][1], upper[1][2], upper[2][0]) = (-5, 7, 2);
        tighten(&mut upper);
        let moved = settle(&upper, 1);
        assert!(moved[1] >= 5 && moved[2] - moved[1] >= -7 && moved[2] <= 2, "{moved:?}");
    }
}

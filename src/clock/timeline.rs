//! The clocks of all captures against one, and what they can be wrong by.

use super::Rough;
use super::bounds::Bounds;
use super::hull::{MAX_DRIFT_PPB, drifted};
use crate::capture::Timestamp;
use crate::flow::Mark;

/// A clock against the reference clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// Nanoseconds by which this clock is ahead of the reference's.
    pub ns: i64,
    /// Half-width of the interval that holds it.
    pub error_ns: i64,
    /// When it is so, on the reference clock: where the error is least.
    pub at: Timestamp,
    /// The rate, where the captures are long enough to tell.
    pub drift: Option<Drift>,
}

/// By how much a clock runs fast, parts per billion of the reference's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drift {
    /// Parts per billion gained; negative where it runs slow.
    pub ppb: i64,
    /// Half-width of the interval that holds it.
    pub error_ppb: i64,
}

/// A clock that was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Index of the capture.
    pub capture: usize,
    /// The first frame, through all files of the capture, that is known to bear the new
    /// time.
    pub frame: u32,
    /// Nanoseconds by which it was put forward, and what that can be wrong by.
    pub by: Option<(i64, i64)>,
}

/// A capture's clock between two times at which it was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node {
    pub capture: usize,
    /// The first frame that it stamped.
    pub from_frame: u32,
}

/// A drift that is known no better than this is not known.
const VAGUE_PPB: i64 = MAX_DRIFT_PPB / 4;

/// The clocks of all captures.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// Index of the reference capture.
    pub reference: usize,
    /// Clocks that were set during the capture.
    pub steps: Vec<Step>,
    /// Captures whose bounds contradict each other beyond a few steps: nothing is said of
    /// any clock.
    pub inconsistent: bool,
    captures: usize,
    correct: bool,
    nodes: Vec<Node>,
    rough: Vec<Rough>,
    bounds: Bounds,
    lines: Vec<Option<Line>>,
}

/// What a node's times are corrected by: straight, so that distances within a capture are
/// not bent by what is not known.
#[derive(Debug, Clone, Copy)]
struct Line {
    /// Where the node is known best, on the reference clock.
    at: i64,
    /// By how much it is ahead then.
    ns: i64,
    /// Its rate, as far as it is told from none, parts per billion.
    ppb: i64,
}

impl Timeline {
    pub(super) fn new(
        captures: usize,
        nodes: Vec<Node>,
        measured: Option<(Vec<Rough>, Bounds)>,
        correct: bool,
    ) -> Self {
        let inconsistent = measured.is_none();
        let (rough, bounds) = measured.unwrap_or_default();
        let mut new = Self {
            reference: 0,
            steps: Vec::new(),
            inconsistent,
            captures,
            correct,
            nodes,
            rough,
            bounds,
            lines: Vec::new(),
        };
        new.lines = (0..new.nodes.len()).map(|node| new.line(node)).collect();
        new.steps = new.find_steps();
        new
    }

    fn line(&self, node: usize) -> Option<Line> {
        if node == 0 {
            let at = self.bounds.knots.first().copied().unwrap_or(0);
            return Some(Line { at, ns: 0, ppb: 0 });
        }
        let knots = self.bounds.knots.iter();
        let width =
            |at: i64| self.interval(node, at).map(|(least, most)| most.saturating_sub(least));
        let (_, at) = knots.filter_map(|at| Some((width(*at)?, *at))).min()?;
        let (least, most) = self.interval(node, at)?;
        let drift = self.drift(node);
        let told = drift.filter(|drift| drift.ppb.abs() > drift.error_ppb);
        let ns = least.saturating_add(most.saturating_sub(least) / 2);
        Some(Line { at, ns, ppb: told.map_or(0, |drift| drift.ppb) })
    }

    /// A node's rate; `None` where the captures are too short to tell.
    fn drift(&self, node: usize) -> Option<Drift> {
        if node == 0 {
            return None;
        }
        let (slowest, fastest) = self.bounds.drift(0, node);
        let width = fastest.saturating_sub(slowest).max(0);
        let ppb = self.rough[node].ppb.saturating_add(slowest).saturating_add(width / 2);
        let drift = Drift { ppb, error_ppb: width / 2 + 1 };
        (drift.error_ppb <= VAGUE_PPB).then_some(drift)
    }

    /// Between what a node's clock is ahead of the reference's at a moment.
    fn interval(&self, node: usize, at: i64) -> Option<(i64, i64)> {
        let (most, least) = (self.bounds.upper(0, node, at)?, self.bounds.upper(node, 0, at)?);
        let least = least.saturating_neg();
        let width = most.saturating_sub(least).max(0);
        // The moment itself is known no better than the clock.
        let doubt = drifted(MAX_DRIFT_PPB, width.saturating_add(least.saturating_abs()));
        let rough = self.rough[node].ahead(at);
        let low = rough.saturating_add(least).saturating_sub(doubt);
        Some((low, low.saturating_add(width).saturating_add(2 * doubt)))
    }

    fn find_steps(&self) -> Vec<Step> {
        let pairs = self.nodes.windows(2).enumerate();
        let steps = pairs.filter(|(_, pair)| pair[0].capture == pair[1].capture);
        steps
            .map(|(i, pair)| {
                let (Some(before), Some(after)) = (self.best(i), self.best(i + 1)) else {
                    return Step { capture: pair[1].capture, frame: pair[1].from_frame, by: None };
                };
                let at = before.saturating_add(after.saturating_sub(before) / 2);
                let by = self.ahead(i + 1, at).zip(self.ahead(i, at));
                let by = by.map(|((b, e), (a, d))| (b.saturating_sub(a), d.saturating_add(e)));
                Step { capture: pair[1].capture, frame: pair[1].from_frame, by }
            })
            .collect()
    }

    /// Where a node is known best.
    fn best(&self, node: usize) -> Option<i64> {
        self.lines.get(node).copied().flatten().map(|line| line.at)
    }

    fn node(&self, capture: usize, mark: Mark) -> usize {
        super::node(&self.nodes, capture, mark)
    }

    /// By how much a node's clock is taken to be ahead of the reference's at a moment, and
    /// what that can be wrong by.
    fn ahead(&self, node: usize, at: i64) -> Option<(i64, i64)> {
        if node == 0 {
            return Some((0, 0));
        }
        let line = self.lines.get(node).copied().flatten()?;
        let ns = line.ns.saturating_add(drifted(line.ppb, at.saturating_sub(line.at)));
        let (least, most) = self.interval(node, at)?;
        Some((ns, most.saturating_sub(ns).max(ns.saturating_sub(least)).max(0)))
    }

    /// The offset of a capture's clock where it is known best; `None` where nothing bounds
    /// it. Of a clock that was set, the one with which the capture begins.
    #[must_use]
    pub fn offset(&self, capture: usize) -> Option<Offset> {
        let node = self.nodes.iter().position(|node| node.capture == capture)?;
        if self.inconsistent && capture != self.reference {
            return None;
        }
        let at = self.best(node)?;
        let (ns, error_ns) = self.ahead(node, at)?;
        Some(Offset { ns, error_ns, at: Timestamp(at), drift: self.drift(node) })
    }

    /// Whether times are corrected; if not, they are as the captures have them.
    #[must_use]
    pub fn corrects(&self) -> bool {
        self.correct
    }

    /// By how much a capture's times are corrected, roughly, nanoseconds.
    #[must_use]
    pub fn applied(&self, capture: usize) -> i64 {
        self.offset(capture).filter(|_| self.correct).map_or(0, |offset| offset.ns)
    }

    /// A frame's time on the reference clock; unchanged where the capture's clock is not
    /// bounded, or times are to stay as they are.
    #[must_use]
    pub fn align(&self, capture: usize, mark: Mark) -> Timestamp {
        if !self.correct {
            return mark.at();
        }
        self.corrected(capture, mark)
    }

    fn corrected(&self, capture: usize, mark: Mark) -> Timestamp {
        let shown = mark.at().0;
        if self.inconsistent || capture >= self.captures {
            return mark.at();
        }
        let node = self.node(capture, mark);
        if node == 0 {
            return mark.at();
        }
        // The offset at the moment depends on the moment, by the drift.
        let near = self.rough[node].time(shown);
        let Some((ahead, _)) = self.ahead(node, near) else { return mark.at() };
        Timestamp(shown.saturating_sub(ahead))
    }

    /// Whether two captures' times can be compared at all.
    #[must_use]
    pub fn comparable(&self, a: usize, b: usize) -> bool {
        let first = |capture| self.nodes.iter().position(|node| node.capture == capture);
        a == b
            || !self.inconsistent
                && first(a).zip(first(b)).is_some_and(|(x, y)| {
                    self.best(x).is_some_and(|at| self.between(x, y, at).is_some())
                })
    }

    /// What is between two captures' times beside their distance: the half-width of the
    /// uncertainty at a moment on the reference clock, nanoseconds; `None` where they
    /// cannot be compared.
    #[must_use]
    pub fn uncertainty(&self, a: usize, b: usize, at: Timestamp) -> Option<i64> {
        if a == b {
            return Some(0);
        }
        if self.inconsistent {
            return None;
        }
        let (x, y) = (self.node_at(a, at.0)?, self.node_at(b, at.0)?);
        let (apart, error) = self.between(x, y, at.0)?;
        if self.correct {
            return Some(error);
        }
        // Not corrected, the clocks' own difference is in every comparison.
        Some(error.saturating_add(apart.saturating_abs()))
    }

    /// By how much clock `y` is ahead of `x`, and how wrong that can be.
    fn between(&self, x: usize, y: usize, at: i64) -> Option<(i64, i64)> {
        let ((of_x, _), (of_y, _)) = (self.ahead(x, at)?, self.ahead(y, at)?);
        let apart = of_y.saturating_sub(of_x);
        let rough = self.rough[y].ahead(at).saturating_sub(self.rough[x].ahead(at));
        let most = self.bounds.upper(x, y, at)?.saturating_add(rough);
        let least = rough.saturating_sub(self.bounds.upper(y, x, at)?);
        let error = most.saturating_sub(apart).max(apart.saturating_sub(least)).max(0);
        Some((apart, error.saturating_add(1)))
    }

    /// The node of a capture that stamps at a moment: of several the one known best then.
    fn node_at(&self, capture: usize, at: i64) -> Option<usize> {
        let of = self.nodes.iter().enumerate().filter(|(_, node)| node.capture == capture);
        let known = of.filter_map(|(i, _)| Some((self.ahead(i, at)?.1, i)));
        known.min().map(|(_, i)| i)
    }
}

//! How far the clocks of the captures are apart, with bounds.
//!
//! A packet reaches the second of two vantages after the first. Every packet seen at both
//! therefore bounds the difference of their clocks from one side; packets the other way
//! bound it from the other side. The bounds are kept as convex hulls over time, form
//! difference constraints over all captures, and give offset and drift with what they can
//! be wrong by. What is reported is the middle of the interval that remains, and its
//! half-width. Bounds that contradict each other are a clock that was set, which is found
//! and said, or wrong ties, which are withdrawn.

mod bounds;
mod hull;
mod passages;
mod steps;
mod timeline;

pub use timeline::{Drift, Offset, Timeline};

use crate::correlate::Connections;
use crate::flow::{Mark, Observations};
use crate::parts::in_parts;
use bounds::{Bounds, Constraints};
use hull::{Hull, MAX_DRIFT_PPB, Point, drifted};
use passages::Passage;
use timeline::Node;

/// Captures up to which each thread has hulls of its own, one for each pair of them.
const SHARED_OUT: usize = 64;
/// Doubt about a moment, times the fastest drift, that is worth a second look, nanoseconds.
const SHARP_NS: i64 = 1_000;

/// Bounds the clocks of `captures` captures by the packets that several saw; with
/// `correct` off, times stay as the captures have them.
#[must_use]
pub fn align(
    vantages: &[Observations],
    connections: &Connections,
    captures: usize,
    correct: bool,
) -> Timeline {
    // One capture bounds no clock.
    let all = if captures > 1 { 0..connections.list.len() } else { 0..0 };
    let each =
        |sink: &mut dyn FnMut(Passage)| passages::each(vantages, connections, all.clone(), sink);
    let whole: Vec<Node> = (0..captures).map(|c| Node { capture: c, from_frame: 0 }).collect();
    let gathered = if captures <= SHARED_OUT {
        // A hull is the same in whatever order its points came.
        let hulls = in_parts(all.len(), |part| {
            hulls(&whole, &|sink| passages::each(vantages, connections, part.clone(), sink))
        });
        together(whole.len(), hulls)
    } else {
        gather(&whole, &each)
    };
    if let Some(measured) = measure(&gathered) {
        return Timeline::new(captures, whole, Some(measured), correct);
    }
    let cut = steps::find(captures, &each);
    match cut.map(|nodes| (measure(&gather(&nodes, &each)), nodes)) {
        Some((Some(measured), nodes)) => Timeline::new(captures, nodes, Some(measured), correct),
        _ => Timeline::new(captures, whole, None, correct),
    }
}

/// What a node's clock is taken to show, roughly: the reference's, plus this, plus a rate.
#[derive(Debug, Clone, Copy, Default)]
struct Rough {
    ns: i64,
    ppb: i64,
    /// The moment, by the reference clock, at which `ns` holds.
    at: i64,
}

impl Rough {
    /// The reference's time when the clock shows `shown`.
    fn time(&self, shown: i64) -> i64 {
        let near = shown.saturating_sub(self.ns);
        near.saturating_sub(drifted(self.ppb, near.saturating_sub(self.at)))
    }

    /// By how much the clock is taken to be ahead at a moment.
    fn ahead(&self, at: i64) -> i64 {
        self.ns.saturating_add(drifted(self.ppb, at.saturating_sub(self.at)))
    }
}

type Each<'a> = dyn Fn(&mut dyn FnMut(Passage)) + 'a;

/// The hull of each ordered pair of nodes, over the first one's own time.
struct Gathered {
    nodes: usize,
    hulls: Vec<Vec<Point>>,
}

/// The node of a capture at a frame.
fn node(nodes: &[Node], capture: usize, mark: Mark) -> usize {
    // Before any cut there is one a capture.
    if nodes.last().is_some_and(|last| last.capture + 1 == nodes.len()) {
        return capture;
    }
    let later = |n: &&(usize, &Node)| n.1.capture == capture && n.1.from_frame <= mark.frame();
    nodes.iter().enumerate().rfind(|n| later(&n)).map_or(0, |(i, _)| i)
}

fn gather(nodes: &[Node], each: &Each<'_>) -> Gathered {
    together(nodes.len(), vec![hulls(nodes, each)])
}

/// Puts hulls of several parts together.
fn together(nodes: usize, parts: Vec<Vec<Hull>>) -> Gathered {
    let mut parts = parts.into_iter();
    let mut hulls = parts.next().unwrap_or_default();
    for part in parts {
        hulls.iter_mut().zip(part).for_each(|(hull, other)| hull.join(other));
    }
    Gathered { nodes, hulls: hulls.into_iter().map(Hull::finish).collect() }
}

fn hulls(nodes: &[Node], each: &Each<'_>) -> Vec<Hull> {
    let n = nodes.len();
    let mut hulls: Vec<Hull> = vec![Hull::default(); n * n];
    each(&mut |p: Passage| {
        let (a, b) = (node(nodes, p.from.0, p.from.1), node(nodes, p.to.0, p.to.1));
        if a != b {
            hulls[a * n + b].add(p.from.1.at().0, p.apart());
        }
    });
    hulls
}

impl Gathered {
    /// Each node's difference from the first's, by way of whatever nodes lie between: only
    /// to bring all times onto one axis.
    fn rough(&self) -> Vec<Rough> {
        let least =
            |a: usize, b: usize| self.hulls[a * self.nodes + b].iter().map(|p| p.most).min();
        let mut known: Vec<Option<i64>> = vec![None; self.nodes];
        for start in 0..self.nodes {
            if known[start].is_some() {
                continue;
            }
            known[start] = Some(0);
            let mut open = vec![start];
            while let Some(a) = open.pop() {
                for b in 0..self.nodes {
                    let apart = match (least(a, b), least(b, a)) {
                        (Some(there), Some(back)) => there.saturating_sub(back) / 2,
                        (Some(there), None) => there,
                        (None, Some(back)) => back.saturating_neg(),
                        (None, None) => continue,
                    };
                    if known[b].is_none() {
                        known[b] = known[a].map(|ns| ns.saturating_add(apart));
                        open.push(b);
                    }
                }
            }
        }
        known.iter().map(|ns| Rough { ns: ns.unwrap_or(0), ..Rough::default() }).collect()
    }

    /// The hulls on one axis, less what is roughly taken: a shift and a shear, which keep
    /// a hull a hull.
    fn relative(&self, rough: &[Rough]) -> Constraints {
        let mut constraints = Constraints::new(self.nodes);
        for (i, hull) in self.hulls.iter().enumerate() {
            let (a, b) = (i / self.nodes, i % self.nodes);
            let shift = |p: &Point| {
                let at = rough[a].time(p.at);
                let ahead = rough[b].ahead(at).saturating_sub(rough[a].ahead(at));
                Point { at, most: p.most.saturating_sub(ahead) }
            };
            constraints.set(a, b, hull.iter().map(shift).collect());
        }
        constraints
    }
}

/// Bounds on all clocks, relative to what was roughly taken; `None` where they contradict
/// each other.
fn measure(gathered: &Gathered) -> Option<(Vec<Rough>, Bounds)> {
    let rough = gathered.rough();
    let bounds = gathered.relative(&rough).solve()?;
    // A clock that drifts for long shows a time that the rough one does not: the axis is
    // drawn anew with its rate.
    match sharpen(&bounds, &rough) {
        Some(better) => gathered.relative(&better).solve().map(|bounds| (better, bounds)),
        None => Some((rough, bounds)),
    }
}

fn sharpen(bounds: &Bounds, rough: &[Rough]) -> Option<Vec<Rough>> {
    let (first, last) = (*bounds.knots.first()?, *bounds.knots.last()?);
    let middle = first.saturating_add(last.saturating_sub(first) / 2);
    let mut blunt = false;
    let better = rough.iter().enumerate().map(|(c, old)| {
        let Some((ahead, behind)) = bounds.upper(0, c, middle).zip(bounds.upper(c, 0, middle))
        else {
            return *old;
        };
        let (slowest, fastest) = bounds.drift(0, c);
        let known = fastest.saturating_sub(slowest) < MAX_DRIFT_PPB / 2;
        let ppb = if known { slowest.midpoint(fastest) } else { 0 };
        let off = ahead.saturating_sub(behind) / 2;
        let worst = drifted(ppb.saturating_abs(), last.saturating_sub(first));
        let doubt = off.saturating_abs().saturating_add(worst);
        blunt |= drifted(MAX_DRIFT_PPB, doubt) > SHARP_NS;
        Rough { ns: old.ahead(middle).saturating_add(off), ppb: old.ppb + ppb, at: middle }
    });
    let better: Vec<Rough> = better.collect();
    blunt.then_some(better)
}

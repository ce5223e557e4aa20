//! How far the clocks of the captures are apart, with bounds.
//!
//! A packet reaches the second of two vantages after the first. Every packet
//! seen at both therefore bounds the difference of their clocks from one side;
//! packets the other way bound it from the other side. The bounds form
//! difference constraints over all captures, which shortest paths tighten: so a
//! DR director, which only sees one direction, is bounded through the client
//! and the real servers. What is reported is the middle of the interval that
//! remains, and its half-width. Drift is taken as nil. Which of two vantages
//! comes first is read from the rewrite, the TTL and the MACs, never from the
//! clocks themselves.

use crate::capture::Timestamp;
use crate::correlate::{Connections, Leg, WayId, Ways};
use crate::flow::{Flow, Hop, Mark, Observations};

/// A clock against the reference clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// Nanoseconds by which this clock is ahead of the reference's.
    pub ns: i64,
    /// Half-width of the interval that holds it.
    pub error_ns: i64,
}

/// The clocks of all captures.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// Index of the reference capture.
    pub reference: usize,
    /// By capture: its offset, or `None` where nothing bounds it.
    pub offsets: Vec<Option<Offset>>,
    /// Captures whose bounds contradict each other: a clock that was set
    /// during the capture, or a wrong tie.
    pub inconsistent: bool,
}

impl Timeline {
    /// A time of a capture on the reference clock; unchanged where the
    /// capture's clock is not bounded.
    #[must_use]
    pub fn align(&self, capture: usize, at: Timestamp) -> Timestamp {
        let offset = self.offsets.get(capture).copied().flatten();
        Timestamp(at.0.saturating_sub(offset.map_or(0, |o| o.ns)))
    }

    /// Half-width of the uncertainty between two captures' times, nanoseconds;
    /// `None` where they cannot be compared.
    #[must_use]
    pub fn uncertainty(&self, a: usize, b: usize) -> Option<i64> {
        if a == b {
            return Some(0);
        }
        let error = |c: usize| self.offsets.get(c).copied().flatten().map(|o| o.error_ns);
        Some(error(a)?.saturating_add(error(b)?))
    }
}

const UNBOUNDED: i64 = i64::MAX / 4;

/// Bounds the clocks of `captures` captures by the packets that several saw.
#[must_use]
pub fn align(vantages: &[Observations], connections: &Connections, captures: usize) -> Timeline {
    // upper[a][b]: clock b is ahead of clock a by at most this.
    let mut upper = vec![vec![UNBOUNDED; captures]; captures];
    for connection in &connections.list {
        let legs = connections.legs(connection);
        if legs.len() > 1 {
            constrain(vantages, &connections.ways, legs, &mut upper);
        }
    }
    for (a, row) in upper.iter_mut().enumerate() {
        row[a] = 0;
    }
    tighten(&mut upper);
    let inconsistent = (0..captures).any(|a| upper[a][a] < 0);
    let reference = 0;
    let offsets = (0..captures)
        .map(|b| {
            if b == reference {
                return Some(Offset { ns: 0, error_ns: 0 });
            }
            let (most, least) = (upper[reference][b], upper[b][reference].saturating_neg());
            if most >= UNBOUNDED / 2 || least <= -UNBOUNDED / 2 || inconsistent {
                return None;
            }
            let width = most.saturating_sub(least);
            Some(Offset { ns: least.saturating_add(width / 2), error_ns: width / 2 + width % 2 })
        })
        .collect();
    Timeline { reference, offsets, inconsistent }
}

/// Floyd-Warshall over the captures: there are few.
fn tighten(upper: &mut [Vec<i64>]) {
    let n = upper.len();
    for via in 0..n {
        for a in 0..n {
            for b in 0..n {
                let sum = upper[a][via].saturating_add(upper[via][b]);
                if upper[a][via] < UNBOUNDED && upper[via][b] < UNBOUNDED && sum < upper[a][b] {
                    upper[a][b] = sum;
                }
            }
        }
    }
}

/// The first hop of a flow, by its way where it has a common one: the flow's links lie
/// far apart in memory.
fn first_hop<'a>(
    vantage: &'a Observations,
    ways: &Ways,
    way: WayId,
    flow: &Flow,
) -> Option<&'a Hop> {
    match ways.get(way) {
        Some(way) => way.first().map(|hop| &vantage.hops[hop.index()]),
        None => vantage.first_hop(flow),
    }
}

fn constrain(vantages: &[Observations], ways: &Ways, legs: &[Leg], upper: &mut [Vec<i64>]) {
    for (i, x) in legs.iter().enumerate() {
        for y in &legs[i + 1..] {
            let (a, b) = (&vantages[usize::from(x.vantage)], &vantages[usize::from(y.vantage)]);
            if a.capture == b.capture {
                continue;
            }
            let (f, g) = (x.forward(vantages), y.forward(vantages));
            // The first of repeats is the same packet only where both captures
            // saw all of them; a lost one would only widen the bound.
            if f.opened() && g.opened() && f.isn == g.isn && f.syns == g.syns {
                let hops = (first_hop(a, ways, x.there, f), first_hop(b, ways, y.there, g));
                packet(x, y, a, b, hops, (f.syn, g.syn), upper);
            }
            let (f, g) = (x.reply(vantages), y.reply(vantages));
            if f.accepted()
                && g.accepted()
                && f.isn == g.isn
                && f.syns == g.syns
                && f.isns == g.isns
            {
                let hops = (first_hop(b, ways, y.back, g), first_hop(a, ways, x.back, f));
                packet(y, x, b, a, hops, (g.syn, f.syn), upper);
            }
        }
    }
}

/// One packet at two vantages; `x` comes first if the tuples' order says so.
fn packet(
    x: &Leg,
    y: &Leg,
    a: &Observations,
    b: &Observations,
    hops: (Option<&Hop>, Option<&Hop>),
    marks: (Mark, Mark),
    upper: &mut [Vec<i64>],
) {
    let (Some(p), Some(q)) = hops else { return };
    let first = match (p.ttl.cmp(&q.ttl), x.tuple == y.tuple) {
        (std::cmp::Ordering::Greater, _) => true,
        (std::cmp::Ordering::Less, _) => false,
        // The same hop at both ends: the sender's capture comes first.
        (_, true) => match (a.own.sent(p), b.own.sent(q)) {
            (Some(true), Some(false)) => true,
            (Some(false), Some(true)) => false,
            _ => return,
        },
        (_, false) => return,
    };
    let apart = marks.1.since(marks.0);
    let (from, to, bound) = if first {
        (a.capture, b.capture, apart)
    } else {
        (b.capture, a.capture, apart.saturating_neg())
    };
    let slot = &mut upper[from][to];
    *slot = (*slot).min(bound);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_one_way_vantage_is_bounded_through_the_others() {
        // client 0, director 1, real server 2; the director sees no replies.
        let mut upper = vec![vec![UNBOUNDED; 3]; 3];
        upper[0][1] = 5; // director ahead of client by at most 5
        upper[1][2] = 7;
        upper[2][0] = -2; // from the reply: client ahead of server by at most -2
        for (a, row) in upper.iter_mut().enumerate() {
            row[a] = 0;
        }
        tighten(&mut upper);
        assert_eq!(upper[1][0], 5, "director to client through the real server");
        assert!((0..3).all(|a| upper[a][a] >= 0));
    }

    #[test]
    fn uncertainty_adds_up_and_needs_both() {
        let timeline = Timeline {
            reference: 0,
            offsets: vec![
                Some(Offset { ns: 0, error_ns: 0 }),
                Some(Offset { ns: 9, error_ns: 3 }),
                None,
            ],
            inconsistent: false,
        };
        assert_eq!(timeline.uncertainty(0, 1), Some(3));
        assert_eq!(timeline.uncertainty(1, 2), None);
        assert_eq!(timeline.align(1, Timestamp(10)), Timestamp(1));
    }
}

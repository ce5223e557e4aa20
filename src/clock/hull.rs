//! What packets from one clock to another say of their difference over time: the lower
//! convex hull of all their delays, built as they come.
//!
//! A line that lies below all points lies below their hull, so nothing is lost by
//! keeping the hull alone (Moon, Skelly and Towsley, INFOCOM 1999). Points come nearly in
//! order; those above the hull are dropped at once, the others are merged in lots.

/// No two clocks drift apart faster, parts per billion: NTP slews by 500 ppm at most
/// (RFC 5905), and crystals err by far less.
pub(super) const MAX_DRIFT_PPB: i64 = 500_000;
/// Points that wait to be merged.
const LOT: usize = 256;
/// Times and delays beyond, nanoseconds, are nobody's: sums and products stay in range.
const SANE_NS: i64 = 1 << 61;

/// A moment and an upper bound on the difference of two clocks then, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    pub at: i64,
    pub most: i64,
}

/// The lower hull of many points.
#[derive(Debug, Clone, Default)]
pub(super) struct Hull {
    points: Vec<Point>,
    fresh: Vec<Point>,
}

impl Hull {
    /// Takes in a bound.
    #[inline]
    pub(super) fn add(&mut self, at: i64, most: i64) {
        let sane = |ns: i64| (-SANE_NS..SANE_NS).contains(&ns);
        let new = Point { at, most };
        if !sane(at) || !sane(most) || self.inside(at).is_some_and(|(a, b)| !turns(a, new, b)) {
            return;
        }
        self.fresh.push(new);
        if self.fresh.len() >= LOT {
            self.merge();
        }
    }

    /// Takes in all points of another hull.
    pub(super) fn join(&mut self, other: Self) {
        self.fresh.extend(other.points);
        self.fresh.extend(other.fresh);
        self.merge();
    }

    /// The edge of the hull above or below a moment.
    #[inline]
    fn inside(&self, at: i64) -> Option<(Point, Point)> {
        let next = self.points.partition_point(|p| p.at <= at);
        Some((*self.points.get(next.checked_sub(1)?)?, *self.points.get(next)?))
    }

    fn merge(&mut self) {
        self.points.append(&mut self.fresh);
        self.points.sort_unstable();
        // Of points at one moment the lowest comes first and counts.
        self.points.dedup_by_key(|p| p.at);
        let mut kept: Vec<Point> = Vec::with_capacity(self.points.len().min(64));
        for point in &self.points {
            while let [.., a, b] = kept[..]
                && !turns(a, b, *point)
            {
                kept.pop();
            }
            kept.push(*point);
        }
        self.points = kept;
    }

    /// The vertices that some line of a possible drift can touch, in order of time.
    pub(super) fn finish(mut self) -> Vec<Point> {
        self.merge();
        let limit = i128::from(MAX_DRIFT_PPB) * 2;
        let rise = |a: &Point, b: &Point| {
            (i128::from(b.most) - i128::from(a.most)) * 1_000_000_000
                - limit * (i128::from(b.at) - i128::from(a.at))
        };
        let fall = |a: &Point, b: &Point| {
            (i128::from(b.most) - i128::from(a.most)) * 1_000_000_000
                + limit * (i128::from(b.at) - i128::from(a.at))
        };
        let mut points = self.points;
        while let [a, b, ..] = points[..]
            && fall(&a, &b) < 0
        {
            points.remove(0);
        }
        while let [.., a, b] = points[..]
            && rise(&a, &b) > 0
        {
            points.pop();
        }
        points
    }
}

/// Whether the middle one of three points in order of time lies below the line from the
/// first to the last.
fn turns(a: Point, b: Point, c: Point) -> bool {
    let (t, u) = (i128::from(b.at) - i128::from(a.at), i128::from(c.at) - i128::from(a.at));
    let (v, w) = (i128::from(b.most) - i128::from(a.most), i128::from(c.most) - i128::from(a.most));
    v * u < w * t
}

/// The bound that a hull gives at a moment, with the drift of the second clock against
/// the first between `slowest` and `fastest`, parts per billion.
pub(super) fn bound(points: &[Point], at: i64, slowest: i64, fastest: i64) -> Option<i64> {
    let next = points.partition_point(|p| p.at <= at);
    let reach = |p: &Point| {
        let rate = if at >= p.at { fastest } else { slowest };
        p.most.saturating_add(drifted(rate, at.saturating_sub(p.at)))
    };
    let between = match (next.checked_sub(1).and_then(|i| points.get(i)), points.get(next)) {
        (Some(a), Some(b)) => Some(along(*a, *b, at)),
        _ => None,
    };
    points.iter().map(reach).chain(between).min()
}

/// The line between two points at a moment, rounded up.
pub(super) fn along(a: Point, b: Point, at: i64) -> i64 {
    let span = i128::from(b.at) - i128::from(a.at);
    if span <= 0 {
        return a.most.min(b.most);
    }
    let rise = (i128::from(b.most) - i128::from(a.most)) * (i128::from(at) - i128::from(a.at));
    let part = rise.div_euclid(span) + i128::from(rise.rem_euclid(span) != 0);
    narrow(i128::from(a.most) + part)
}

/// By how much a clock of a rate, parts per billion, moves in a time, rounded up.
pub(super) fn drifted(ppb: i64, ns: i64) -> i64 {
    let product = i128::from(ppb) * i128::from(ns);
    narrow(product.div_euclid(1_000_000_000) + i128::from(product.rem_euclid(1_000_000_000) != 0))
}

pub(super) fn narrow(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hull(points: &[(i64, i64)]) -> Vec<Point> {
        let mut hull = Hull::default();
        for (at, most) in points {
            hull.add(*at, *most);
        }
        hull.finish()
    }

    const S: i64 = 1_000_000_000;

    #[test]
    fn only_what_lies_below_counts() {
        let points = hull(&[(0, 100), (S, 500), (2 * S, 120), (3 * S, 900), (4 * S, 140)]);
        assert_eq!(points.iter().map(|p| p.most).collect::<Vec<_>>(), [100, 140]);
        assert_eq!(bound(&points, 2 * S, 0, 0), Some(100), "drift nil: the lowest");
        assert_eq!(bound(&points, 2 * S, -100, 100), Some(120), "between the two");
    }

    /// The hull of lots is the hull of all: checked against every line.
    #[test]
    fn lots_lose_nothing() {
        let mut seed = 7u64;
        let mut draw = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % n
        };
        let points: Vec<(i64, i64)> = (0..5_000)
            .map(|i| (i * 1_000_000 + draw(900_000) as i64, 20_000 + draw(400_000) as i64 + i * 40))
            .collect();
        let kept = hull(&points);
        assert!(kept.len() < 60, "{}", kept.len());
        for ppb in (-400_000..=400_000).step_by(10_000) {
            // The highest line of this drift below all points.
            let height = |p: (i64, i64)| p.1 - drifted(ppb, p.0);
            let all = points.iter().map(|p| height(*p)).min().unwrap();
            let of_kept = kept.iter().map(|p| height((p.at, p.most))).min().unwrap();
            assert_eq!(all, of_kept, "{ppb}");
        }
    }

    #[test]
    fn absurd_times_are_left_out() {
        assert!(hull(&[(i64::MAX, 0), (0, i64::MIN)]).is_empty());
        assert_eq!(bound(&[], 0, 0, 0), None);
    }
}

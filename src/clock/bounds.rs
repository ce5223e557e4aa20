//! How far apart clocks can be at chosen moments, from packets that passed from one to
//! another.
//!
//! At each moment the bounds are difference constraints over all clocks, which shortest
//! paths tighten: so a DR director, which only sees one direction, is bounded through the
//! client and the real servers. Bounds at two moments bound the drift between them, drift
//! carries bounds from one moment to the next, and both are repeated until they settle.
//! Every step only follows from what was seen, so a true difference never falls outside.

use super::hull::{MAX_DRIFT_PPB, Point, along, bound, drifted, narrow};

/// Stands for no bound; sums of a few stay in range.
pub(super) const UNBOUNDED: i64 = i64::MAX / 8;
/// Moments at which bounds are kept, of few clocks.
const MAX_KNOTS: usize = 32;
/// Clocks that are few. Of more, bounds are kept at fewer moments: at each the work grows with the third power
/// of the clocks, and between two of them bounds only get wider.
const FEW: usize = 64;
/// Rounds of tightening; each gains less than the one before.
const ROUNDS: usize = 8;

/// By pair of clocks.
type Matrix = Vec<Vec<i64>>;

/// The vertices of the hull of each ordered pair of clocks.
#[derive(Debug, Clone)]
pub(super) struct Constraints {
    clocks: usize,
    hulls: Vec<Vec<Point>>,
}

impl Constraints {
    pub(super) fn new(clocks: usize) -> Self {
        Self { clocks, hulls: vec![Vec::new(); clocks * clocks] }
    }

    /// What is known of the difference of clock `b` less clock `a`.
    pub(super) fn set(&mut self, a: usize, b: usize, points: Vec<Point>) {
        self.hulls[a * self.clocks + b] = points;
    }

    fn get(&self, a: usize, b: usize) -> &[Point] {
        &self.hulls[a * self.clocks + b]
    }

    fn knots(&self) -> Vec<i64> {
        let mut all: Vec<i64> = self.hulls.iter().flatten().map(|p| p.at).collect();
        all.sort_unstable();
        all.dedup();
        let many = self.clocks.max(FEW);
        let most = (MAX_KNOTS * FEW * FEW / (many * many)).max(2);
        if all.len() <= most {
            return all;
        }
        let last = all.len() - 1;
        let mut few: Vec<i64> = (0..most).map(|i| all[i * last / (most - 1)]).collect();
        few.dedup();
        few
    }

    /// Bounds at all moments; `None` where they contradict each other.
    pub(super) fn solve(&self) -> Option<Bounds> {
        let n = self.clocks;
        if n > FEW && !self.each_two_agree() {
            return None;
        }
        let mut drift = vec![vec![MAX_DRIFT_PPB; n]; n];
        for (a, row) in drift.iter_mut().enumerate() {
            row[a] = 0;
        }
        let knots = self.knots();
        let mut bounds = Bounds { upper: Vec::new(), knots, drift };
        for _ in 0..ROUNDS {
            bounds.upper = bounds.knots.iter().map(|at| self.at(*at, &bounds.drift)).collect();
            for matrix in &mut bounds.upper {
                shortest(matrix)?;
            }
            bounds.carry();
            let before = bounds.drift.clone();
            bounds.drifts();
            shortest(&mut bounds.drift)?;
            let settled = before.iter().flatten().zip(bounds.drift.iter().flatten());
            if settled.into_iter().all(|(old, new)| old - new <= old.abs() / 64 + 1) {
                break;
            }
        }
        for matrix in &mut bounds.upper {
            shortest(matrix)?;
        }
        Some(bounds)
    }

    /// Whether each two clocks that hear of each other agree by themselves: between the few moments that are kept
    /// of many clocks one may have been set.
    fn each_two_agree(&self) -> bool {
        let agree = |a: usize, b: usize| {
            let (there, back) = (self.get(a, b), self.get(b, a));
            let mut two = Self::new(2);
            two.set(0, 1, there.to_vec());
            two.set(1, 0, back.to_vec());
            there.is_empty() || back.is_empty() || two.solve().is_some()
        };
        (0..self.clocks).all(|a| (a + 1..self.clocks).all(|b| agree(a, b)))
    }

    fn at(&self, at: i64, drift: &Matrix) -> Matrix {
        let n = self.clocks;
        let mut matrix = vec![vec![UNBOUNDED; n]; n];
        for a in 0..n {
            for b in 0..n {
                let (slowest, fastest) = (drift[b][a].saturating_neg(), drift[a][b]);
                if a == b {
                    matrix[a][b] = 0;
                } else if let Some(most) = bound(self.get(a, b), at, slowest, fastest) {
                    matrix[a][b] = most.min(UNBOUNDED);
                }
            }
        }
        matrix
    }
}

/// Bounds on the differences of clocks.
#[derive(Debug, Clone, Default)]
pub(super) struct Bounds {
    /// Moments, in order.
    pub(super) knots: Vec<i64>,
    /// By moment: clock `b` is ahead of clock `a` by at most `[a][b]`, nanoseconds.
    upper: Vec<Matrix>,
    /// Clock `b` gains on clock `a` by at most `[a][b]`, parts per billion.
    drift: Matrix,
}

impl Bounds {
    /// Bounds at one moment hold at the next, but for the drift.
    fn carry(&mut self) {
        let last = self.knots.len().saturating_sub(1);
        let forward = (0..last).map(|k| (k, k + 1));
        for (from, to) in forward.chain((0..last).rev().map(|k| (k + 1, k))) {
            let apart = self.knots[to].saturating_sub(self.knots[from]);
            for a in 0..self.drift.len() {
                for b in 0..self.drift.len() {
                    let most = self.upper[from][a][b];
                    if most < UNBOUNDED {
                        let moved = most.saturating_add(self.moved(a, b, apart));
                        self.upper[to][a][b] = self.upper[to][a][b].min(moved);
                    }
                }
            }
        }
    }

    /// By how much clock `b` gains on `a` at most in a time, which may be negative.
    fn moved(&self, a: usize, b: usize, ns: i64) -> i64 {
        let rate = if ns >= 0 { self.drift[a][b] } else { self.drift[b][a].saturating_neg() };
        drifted(rate, ns)
    }

    /// Two moments bound the drift between them.
    fn drifts(&mut self) {
        let knots = self.knots.len();
        for first in 0..knots {
            for second in first + 1..knots {
                let apart = i128::from(self.knots[second]) - i128::from(self.knots[first]);
                for a in 0..self.drift.len() {
                    for b in 0..self.drift.len() {
                        let (end, begin) = (self.upper[second][a][b], self.upper[first][b][a]);
                        if a == b || end >= UNBOUNDED || begin >= UNBOUNDED {
                            continue;
                        }
                        let gained = (i128::from(end) + i128::from(begin)) * 1_000_000_000;
                        // A division is dear, and most of them would tell nothing new.
                        if gained > (i128::from(self.drift[a][b]) - 1) * apart {
                            continue;
                        }
                        let ppb = gained.div_euclid(apart) + i128::from(gained % apart != 0);
                        self.drift[a][b] = self.drift[a][b].min(narrow(ppb));
                    }
                }
            }
        }
    }

    /// Clock `b` is ahead of clock `a` by at most this at a moment, nanoseconds.
    pub(super) fn upper(&self, a: usize, b: usize, at: i64) -> Option<i64> {
        let next = self.knots.partition_point(|k| *k <= at);
        let point = |k: usize| {
            let most = self.upper.get(k)?[a][b];
            (most < UNBOUNDED).then_some(Point { at: self.knots[k], most })
        };
        let reach = |p: Point| p.most.saturating_add(self.moved(a, b, at.saturating_sub(p.at)));
        match (next.checked_sub(1).and_then(point), point(next)) {
            // The most over all possible lines is convex in time.
            (Some(p), Some(q)) => Some(along(p, q, at).min(reach(p)).min(reach(q))),
            (Some(p), None) | (None, Some(p)) => Some(reach(p)),
            (None, None) => None,
        }
    }

    /// Clock `b` gains on clock `a` by between these, parts per billion.
    pub(super) fn drift(&self, a: usize, b: usize) -> (i64, i64) {
        (self.drift[b][a].saturating_neg(), self.drift[a][b])
    }
}

/// Floyd-Warshall; `None` where a cycle is negative. There are few clocks.
fn shortest(matrix: &mut Matrix) -> Option<()> {
    let n = matrix.len();
    for via in 0..n {
        // What is added to itself while it is read: where it would change there is a negative cycle.
        let onward = matrix[via].clone();
        for row in matrix.iter_mut() {
            let there = row[via];
            if there >= UNBOUNDED {
                continue;
            }
            for (most, on) in row.iter_mut().zip(&onward) {
                if *on < UNBOUNDED {
                    *most = (*most).min(there.saturating_add(*on));
                }
            }
        }
    }
    (0..n).all(|a| matrix[a][a] >= 0).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    fn points(list: &[(i64, i64)]) -> Vec<Point> {
        list.iter().map(|(at, most)| Point { at: *at, most: *most }).collect()
    }

    #[test]
    fn a_one_way_vantage_is_bounded_through_the_others() {
        // client 0, director 1, real server 2; the director sees no replies.
        let mut constraints = Constraints::new(3);
        constraints.set(0, 1, points(&[(0, 5)]));
        constraints.set(1, 2, points(&[(0, 7)]));
        constraints.set(2, 0, points(&[(0, -2)]));
        let bounds = constraints.solve().unwrap();
        assert_eq!(bounds.upper(1, 0, 0), Some(5), "director to client through the real server");
        assert_eq!(bounds.upper(0, 1, 0), Some(5));
    }

    #[test]
    fn two_moments_bound_the_drift() {
        // Clock 1 gains 20 ppm; a packet takes 50 us each way at both ends of 100 s.
        let gained = 2_000_000;
        let mut constraints = Constraints::new(2);
        constraints.set(0, 1, points(&[(0, 50_000), (100 * S, gained + 50_000)]));
        constraints.set(1, 0, points(&[(0, 50_000), (100 * S, 50_000 - gained)]));
        let bounds = constraints.solve().unwrap();
        let (slowest, fastest) = bounds.drift(0, 1);
        assert!(slowest <= 20_000 && 20_000 <= fastest, "{slowest} {fastest}");
        assert_eq!((slowest, fastest), (19_000, 21_000), "100 us in 100 s");
        let middle = bounds.upper(0, 1, 50 * S).unwrap();
        assert_eq!(middle, gained / 2 + 50_000);
        let later = bounds.upper(0, 1, 200 * S).unwrap();
        assert_eq!(later, gained + 50_000 + 2_100_000);
    }

    #[test]
    fn a_clock_that_jumps_contradicts_itself() {
        let mut constraints = Constraints::new(2);
        constraints.set(0, 1, points(&[(0, 50_000), (10 * S, S)]));
        constraints.set(1, 0, points(&[(0, 50_000), (10 * S, -S + 50_000)]));
        assert!(constraints.solve().is_none());
    }

    #[test]
    fn a_clock_that_jumps_among_many_contradicts_itself() {
        let jumps = |clocks: usize, after: i64| {
            let mut constraints = Constraints::new(clocks);
            let there = [(0, 50_000), (1800 * S, 50_000), (1801 * S, after + 50_000)];
            let back = [(0, 50_000), (1800 * S, 50_000), (1801 * S, 50_000 - after)];
            constraints.set(0, 1, points(&there));
            constraints.set(1, 0, points(&back));
            // Of the others' moments more are kept than of the jump's.
            for c in 2..clocks {
                let at = c as i64 * S;
                constraints.set(0, c, points(&[(at, 5), (9000 * S + at, 5)]));
            }
            constraints.solve().is_none()
        };
        for clocks in [2, FEW + 20] {
            assert_eq!((jumps(clocks, 0), jumps(clocks, S)), (false, true), "{clocks}");
        }
    }

    #[test]
    fn clocks_without_a_packet_between_them_are_not_bounded() {
        let mut constraints = Constraints::new(3);
        constraints.set(0, 1, points(&[(0, 5)]));
        let bounds = constraints.solve().unwrap();
        assert_eq!((bounds.upper(0, 1, S).is_some(), bounds.upper(1, 0, 0)), (true, None));
        assert_eq!(bounds.upper(0, 2, 0), None);
        assert!(Constraints::new(1).solve().is_some());
    }
}

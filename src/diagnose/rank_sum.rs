//! Whether some samples are larger than others by more than chance, however few they are.
//!
//! The exact rank test of Mann and Whitney (Annals of Mathematical Statistics 18, 1947),
//! one-sided: of all ways in which these ranks could have fallen, the share in which the
//! first set comes out at least as high. It knows ranks only, so how large a difference
//! must be is asked elsewhere. It takes samples as independent of each other, and refuses
//! to be won by ties: equal samples count against the difference.

/// Samples of a set up to which all arrangements are counted; from there on the normal
/// approximation is as good (Mann and Whitney give their tables up to eight).
const EXACT: usize = 20;

/// The probability that `high` lies as far above `low` as it does if both came from one
/// source; 1 where one is empty.
pub(super) fn chance(high: &[u64], low: &[u64]) -> f64 {
    if high.is_empty() || low.is_empty() {
        return 1.0;
    }
    let mut sorted = high.to_vec();
    sorted.sort_unstable();
    // Pairs in which the one that should be larger is not.
    let wrong: usize = low.iter().map(|x| sorted.partition_point(|y| y <= x)).sum();
    if high.len().max(low.len()) <= EXACT {
        exact(high.len(), low.len(), wrong)
    } else {
        normal(high.len(), low.len(), wrong)
    }
}

/// Arrangements by how many pairs are in the wrong order, one sample after the other: the
/// last of all is of the second set, and all of the first lie below it, or it is of the
/// first set.
fn exact(high: usize, low: usize, wrong: usize) -> f64 {
    let pairs = high * low;
    // of[h][w]: arrangements of h and of as many of the second set as were added.
    let mut of: Vec<Vec<f64>> = vec![vec![0.0; pairs + 1]; high + 1];
    for row in &mut of {
        row[0] = 1.0;
    }
    for _ in 0..low {
        for h in 1..=high {
            // In place: row h - 1 has the new one, row h the one before.
            let (before, row) = of.split_at_mut(h);
            for w in (0..=pairs).rev() {
                let above = if w >= h { row[0][w - h] } else { 0.0 };
                row[0][w] = above + before[h - 1][w];
            }
        }
    }
    let counts = &of[high];
    let all: f64 = counts.iter().sum();
    counts[..=wrong.min(pairs)].iter().sum::<f64>() / all
}

/// By mean and variance of the number of such pairs; the tail by Abramowitz and Stegun,
/// 26.2.17.
fn normal(high: usize, low: usize, wrong: usize) -> f64 {
    let (m, n) = (high as f64, low as f64);
    let spread = (m * n * (m + n + 1.0) / 12.0).sqrt();
    // Half a pair of correction for continuity, to the safe side.
    let z = (m * n / 2.0 - wrong as f64 - 0.5) / spread;
    if z <= 0.0 {
        return 1.0;
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let series = [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530];
    let tail = series.iter().fold(0.0, |sum, factor| (sum + factor) * t);
    tail * (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn all_above_all_is_one_arrangement_of_many() {
        assert!(close(chance(&[10, 11, 12], &[1, 2, 3]), 1.0 / 20.0));
        assert!(close(chance(&[10, 11], &[1, 2, 3]), 1.0 / 10.0));
        assert!(close(chance(&[10, 11, 12, 13], &[1, 2, 3, 4]), 1.0 / 70.0));
        assert!(close(chance(&[9], &[1, 2, 3, 4]), 1.0 / 5.0));
    }

    #[test]
    fn the_tables_of_mann_and_whitney_are_met() {
        // Table I: m = 3, n = 4, U = 1 and 2: 0.057 and 0.114.
        let one = exact(3, 4, 1);
        let two = exact(3, 4, 2);
        assert!((one - 0.057).abs() < 5e-4 && (two - 0.114).abs() < 5e-4, "{one} {two}");
        // n = 8, m = 8, U = 13: 0.025.
        let eight = exact(8, 8, 13);
        assert!((eight - 0.025).abs() < 5e-4, "{eight}");
    }

    #[test]
    fn every_order_of_small_sets_is_counted() {
        // All ways to put 3 and 4 in order, against the definition.
        for wrong in 0..=12 {
            let mut at_most = 0;
            for mask in 0u32..128 {
                if mask.count_ones() != 3 {
                    continue;
                }
                let set = |i: u32| mask >> i & 1 == 1;
                let pairs = (0..7).flat_map(|i| (i + 1..7).map(move |j| (i, j)));
                at_most += u32::from(pairs.filter(|(i, j)| set(*i) && !set(*j)).count() <= wrong);
            }
            assert!(close(exact(3, 4, wrong), f64::from(at_most) / 35.0), "{wrong}");
        }
    }

    #[test]
    fn ties_and_nothing_prove_nothing() {
        assert!(close(chance(&[5, 5, 5], &[5, 5, 5]), 1.0));
        assert!(close(chance(&[], &[1]), 1.0));
        assert!(close(chance(&[1], &[]), 1.0));
        // One tie is one pair in the wrong order.
        assert!(close(chance(&[3, 11, 12], &[1, 2, 3]), 2.0 / 20.0));
    }

    #[test]
    fn large_sets_go_on_where_small_ones_end() {
        let sets = |n: u64| -> (Vec<u64>, Vec<u64>) {
            ((0..n).map(|i| i * 3 + 7).collect(), (0..n).map(|i| i * 3).collect())
        };
        let (high, low) = sets(20);
        let (more, less) = sets(21);
        let (small, large) = (chance(&high, &low), chance(&more, &less));
        assert!((small - large).abs() < 0.03, "{small} {large}");
        let apart: Vec<u64> = (1000..1040).collect();
        assert!(chance(&apart, &less) < 1e-6);
        assert!(close(chance(&less, &apart), 1.0));
    }
}

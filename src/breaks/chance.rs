//! Whether two counts differ by more than chance.
//!
//! Fisher's exact test (R. A. Fisher, Statistical Methods for Research Workers, section
//! 21.02), two-sided: of all tables with these sums, the share that is no more likely
//! than this one. It holds for small counts too. It takes connections as independent of
//! each other: persistence, which sends all of a client's to one server, makes shares
//! differ more than it allows for.

/// Below this a difference is told: one in a hundred would be told without a change.
pub const LEVEL: f64 = 0.01;

/// Counts beyond this are compared by the normal approximation.
const EXACT: u64 = 1 << 20;

/// The probability of a difference as large as between `a` of `all_a` and `b` of `all_b`
/// if nothing had changed; 1 where nothing can be told.
#[must_use]
pub fn probability(a: u64, all_a: u64, b: u64, all_b: u64) -> f64 {
    let (a, b) = (a.min(all_a), b.min(all_b));
    if all_a == 0 || all_b == 0 {
        return 1.0;
    }
    if all_a.max(all_b) > EXACT { normal(a, all_a, b, all_b) } else { exact(a, all_a, b, all_b) }
}

/// The probability of at least `k` of `n` independent events that each come about with `odds`.
#[must_use]
pub fn at_least(k: u64, n: u64, odds: f64) -> f64 {
    if k == 0 || odds >= 1.0 {
        return 1.0;
    }
    if k > n || odds <= 0.0 {
        return 0.0;
    }
    // From the most likely term on each is smaller than the one before, so that few of them count.
    let log = |i: u64| choose(n, i) + i as f64 * odds.ln() + (n - i) as f64 * (1.0 - odds).ln();
    let (mut sum, mean) = (0.0, n as f64 * odds);
    for i in k..=n {
        let term = log(i).exp();
        sum += term;
        if i as f64 > mean && term < sum * 1e-9 {
            break;
        }
    }
    sum.min(1.0)
}

fn exact(a: u64, all_a: u64, b: u64, all_b: u64) -> f64 {
    let of = a + b;
    // Counts that the first cell can have while the sums stay.
    let (low, high) = (of.saturating_sub(all_b), of.min(all_a));
    let log =
        |cell: u64| choose(all_a, cell) + choose(all_b, of - cell) - choose(all_a + all_b, of);
    // Each from the one before: ratios are exact where factorials are rounded.
    let mut logs = Vec::with_capacity((high - low + 1) as usize);
    let mut at = log(low);
    for cell in low..=high {
        logs.push(at);
        let up = ((all_a - cell) as f64) * ((of - cell) as f64);
        let down = ((cell + 1) as f64) * ((all_b + cell + 1).saturating_sub(of) as f64);
        at += (up / down).ln();
    }
    let seen = logs[(a - low) as usize];
    let close = seen + 1e-7;
    logs.iter().filter(|log| **log <= close).map(|log| log.exp()).sum::<f64>().min(1.0)
}

/// Logarithm of a binomial coefficient.
fn choose(n: u64, k: u64) -> f64 {
    factorial(n) - factorial(k) - factorial(n - k)
}

/// Logarithm of a factorial, by Stirling's series.
fn factorial(n: u64) -> f64 {
    if n < 64 {
        return (2..=n).map(|k| (k as f64).ln()).sum();
    }
    let n = n as f64;
    let series = 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3));
    n * n.ln() - n + (std::f64::consts::TAU * n).sqrt().ln() + series
}

/// Two proportions, pooled; the tail by Abramowitz and Stegun, 7.1.26.
fn normal(a: u64, all_a: u64, b: u64, all_b: u64) -> f64 {
    let (a, all_a, b, all_b) = (a as f64, all_a as f64, b as f64, all_b as f64);
    let pooled = (a + b) / (all_a + all_b);
    let spread = (pooled * (1.0 - pooled) * (1.0 / all_a + 1.0 / all_b)).sqrt();
    if spread == 0.0 {
        return 1.0;
    }
    let x = ((a / all_a - b / all_b) / spread).abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    series.iter().fold(0.0, |sum, factor| sum * t + factor) * t * (-x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_the_values_of_the_literature() {
        // The lady tasting tea: 3 of 4 right, and 4 of 4.
        assert!((probability(3, 4, 1, 4) - 0.485_714).abs() < 1e-5);
        assert!((probability(4, 4, 0, 4) - 0.028_571).abs() < 1e-5);
        // Fisher's twins, 10 of 13 and 2 of 17 convicted (two-sided, as R gives it).
        assert!((probability(10, 13, 2, 17) / 0.000_536_7 - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_tail_is_what_tables_give() {
        // Ten coins: 56 of 1,024 ways show eight heads or more.
        assert!((at_least(8, 10, 0.5) - 56.0 / 1024.0).abs() < 1e-9);
        assert!((at_least(1, 3, 0.1) - 0.271).abs() < 1e-9);
        assert!((at_least(300, 1000, 0.3) - 0.5).abs() < 0.02);
        assert_eq!((at_least(0, 0, 0.3), at_least(4, 3, 0.3)), (1.0, 0.0));
        assert_eq!((at_least(2, 3, 0.0), at_least(2, 3, 1.0)), (0.0, 1.0));
    }

    #[test]
    fn few_tell_nothing_and_many_do() {
        assert!(probability(2, 4, 4, 4) > LEVEL);
        assert!(probability(0, 3, 3, 3) > LEVEL);
        assert!(probability(0, 30, 12, 30) < LEVEL);
        for n in [0, 1, 7, 1000] {
            assert!((probability(n, 2 * n, n, 2 * n) - 1.0).abs() < 1e-6, "{n}");
        }
    }

    #[test]
    fn the_approximation_goes_on_where_the_exact_test_ends() {
        for b in [500_000, 501_000, 502_000] {
            let (near, far) =
                (exact(500_000, 1 << 20, b, 1 << 20), normal(500_000, 1 << 20, b, 1 << 20));
            assert!((near - far).abs() < 0.01, "{b}: {near} {far}");
        }
        assert!(probability(u64::MAX, u64::MAX, 1, u64::MAX) < LEVEL);
        assert_eq!(probability(9, 3, 9, 3), 1.0);
    }
}

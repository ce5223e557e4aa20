//! The time in which connections that broke began, if none that did well began in it: so it is where a server dies, is
//! started, or is away for a while.

use super::super::chance::probability;
use super::Apart;
use super::traits::Trait;
use crate::trace::{ConnectionId, Trace};

/// Connections of either side, before that is no chance. Judgement.
const SEVERAL: usize = 3;

/// That span as what sets them apart; `asked`: other values that were asked.
pub(super) fn alone(
    trace: &Trace,
    broken: &[ConnectionId],
    well: &[ConnectionId],
    asked: f64,
) -> Option<Apart> {
    let begun = |ids: &[ConnectionId]| -> Vec<i64> {
        ids.iter().filter_map(|id| Some(trace.time(trace.start(*id)?).0)).collect()
    };
    let (broken, well) = (begun(broken), begun(well));
    let value = span(&broken, &well)?;
    let (n, fine) = (broken.len() as u64, well.len() as u64);
    // So many spans there are to choose from.
    let chance = probability(n, n, 0, fine) * (fine + 1) as f64 * asked;
    Some(Apart { what: Trait::Began, value, broken: (n, n), well: (0, fine), chance })
}

/// The span in words, if it is one.
fn span(broken: &[i64], well: &[i64]) -> Option<String> {
    let (first, last) = (*broken.iter().min()?, *broken.iter().max()?);
    let before = well.iter().filter(|at| **at < first).count();
    let after = well.iter().filter(|at| **at > last).count();
    if broken.len() < SEVERAL || well.len() < SEVERAL || before + after < well.len() {
        return None;
    }
    Some(match (before, after) {
        (_, 0) => format!("from {} on", clock(first)),
        (0, _) => format!("until {}", clock(last)),
        _ => format!("between {} and {}", clock(first), clock(last)),
    })
}

/// The time of day (UTC).
fn clock(ns: i64) -> String {
    let ms = ns.div_euclid(1_000_000).rem_euclid(86_400_000);
    let (s, ms) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}", s / 3600, s / 60 % 60, s % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(broken: &[i64], well: &[i64]) -> Option<String> {
        let ns = |seconds: &[i64]| seconds.iter().map(|s| s * 1_000_000_000).collect::<Vec<_>>();
        span(&ns(broken), &ns(well))
    }

    #[test]
    fn a_span_that_none_shares_is_told() {
        assert_eq!(of(&[70, 71, 75], &[1, 2, 3]).as_deref(), Some("from 00:01:10.000 on"));
        assert_eq!(of(&[1, 2, 3], &[70, 71, 75]).as_deref(), Some("until 00:00:03.000"));
        let between = of(&[60, 61, 62], &[1, 2, 90]);
        assert_eq!(between.as_deref(), Some("between 00:01:00.000 and 00:01:02.000"));
        // One that does well meanwhile; too few.
        assert_eq!(of(&[60, 61, 65], &[1, 2, 63]), None);
        assert_eq!(of(&[60, 61], &[1, 2, 3]), None);
        assert_eq!(of(&[60, 61, 62], &[1, 2]), None);
    }
}

//! Servers all of whose answers are slow, held against those of the others.

use crate::trace::ConnectionId;
use std::collections::BTreeMap;

/// Answers of a server before it is compared. With three against three that do not
/// overlap, chance gives such an order once in twenty (exact rank test, 1 / (6 over 3)).
const ENOUGH: usize = 3;
/// A server is slow if its quicker answers take this many times what the others' slower
/// ones do. Judgement: no cache or scheduler makes that of all answers.
const FACTOR: i64 = 5;
/// And this much longer, nanoseconds. Judgement: what a person notices.
const MORE_NS: i64 = 100_000_000;

/// One answer: how long it took, nanoseconds, and the connection.
pub(super) type Answer = (i64, ConnectionId);

/// A service's answers by the number of their server among the service's own, `u16::MAX` where none is known.
pub(super) type ByServer = BTreeMap<u16, Vec<Answer>>;

/// The answers of servers that are slow as a whole, with what they took longer. Lists are
/// sorted.
pub(super) fn slow(by_server: &ByServer) -> Vec<(ConnectionId, i64)> {
    let known = || by_server.iter().filter(|(_, list)| list.len() >= ENOUGH);
    // Few are compared whole; of many the quarters at either end may stray.
    let is_few = |own: &[Answer]| own.len() < 2 * ENOUGH + 2;
    let quick = |own: &[Answer]| if is_few(own) { own[0].0 } else { own[(own.len() - 1) / 4].0 };
    // Who is quick by himself is not held against the others.
    if known().all(|(_, own)| quick(own) < MORE_NS) {
        return Vec::new();
    }
    let mut all: Vec<Answer> = known().flat_map(|(_, list)| list.iter().copied()).collect();
    all.sort_unstable();
    let mut found = Vec::new();
    for (_, own) in known().filter(|(at, _)| **at != u16::MAX) {
        let others = all.len() - own.len();
        if others < ENOUGH {
            continue;
        }
        let quick = quick(own);
        let before = if is_few(own) { others - 1 } else { (others - 1) * 3 / 4 };
        let usual = of_others(&all, own, before);
        if quick >= usual.saturating_mul(FACTOR) && quick - usual >= MORE_NS {
            let slow = |ns: i64| ns >= usual.saturating_mul(FACTOR) && ns - usual >= MORE_NS;
            let late = own.iter().filter(|(ns, _)| slow(*ns));
            found.extend(late.map(|(ns, id)| (*id, ns - usual)));
        }
    }
    found
}

/// The answer with so many before it among all that are not a server's own, nanoseconds:
/// by halving, since a list of the others for each server would cost servers times answers.
fn of_others(all: &[Answer], own: &[Answer], before: usize) -> i64 {
    let foreign_up_to = |at: usize| at + 1 - own.partition_point(|answer| *answer <= all[at]);
    let (mut low, mut high) = (0, all.len() - 1);
    while low < high {
        let middle = usize::midpoint(low, high);
        if foreign_up_to(middle) > before { high = middle } else { low = middle + 1 }
    }
    all[low].0
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn slow_of(pools: &[&[i64]]) -> Vec<u32> {
        let mut id = 0;
        let mut by_server = ByServer::new();
        for (at, pool) in pools.iter().enumerate() {
            let mut list: Vec<(i64, ConnectionId)> = Vec::new();
            for ms in *pool {
                list.push((ms * MS, ConnectionId(id)));
                id += 1;
            }
            list.sort_unstable();
            by_server.insert(at as u16, list);
        }
        let mut ids: Vec<u32> = slow(&by_server).into_iter().map(|(id, _)| id.0).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn the_others_are_counted_without_a_list_of_their_own() {
        let answer = |ns: i64| (ns, ConnectionId(ns as u32));
        let all: Vec<Answer> = (0..20).map(answer).collect();
        let own: Vec<Answer> = [0, 3, 4, 19].map(answer).to_vec();
        let others: Vec<i64> = (0..20).filter(|ns| ![0, 3, 4, 19].contains(ns)).collect();
        let found: Vec<i64> = (0..others.len()).map(|n| of_others(&all, &own, n)).collect();
        assert_eq!(found, others);
    }

    #[test]
    fn three_against_three_tell_where_nothing_overlaps() {
        assert_eq!(slow_of(&[&[2, 2, 3], &[1500, 1510, 1490]]), [3, 4, 5]);
        assert_eq!(slow_of(&[&[2, 2, 400], &[1500, 1510, 1490]]), [0u32; 0]);
        assert_eq!(slow_of(&[&[2, 2], &[1500, 1510, 1490]]), [0u32; 0]);
        assert_eq!(slow_of(&[&[2, 2, 3], &[1500, 1510]]), [0u32; 0]);
    }

    #[test]
    fn every_answer_of_a_slow_server_that_is_slow_is_told() {
        let quick = [2; 12];
        let slow = [2, 900, 1100, 1200, 1300, 1400, 1500, 1600, 1700, 1800, 1900, 2000];
        assert_eq!(slow_of(&[&quick, &slow]), (13..24).collect::<Vec<u32>>());
    }

    #[test]
    fn a_server_with_one_heavy_request_is_not_slow() {
        assert_eq!(slow_of(&[&[2, 2, 3, 2], &[2, 3, 2, 9000]]), [0u32; 0]);
    }

    #[test]
    fn factor_and_difference_both_count() {
        assert_eq!(slow_of(&[&[1, 1, 1], &[90, 90, 90]]), [0u32; 0]);
        assert_eq!(slow_of(&[&[300, 300, 300], &[900, 900, 900]]), [0u32; 0]);
    }
}

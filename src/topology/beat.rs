//! The empty connections of one host to one server, and whether they come by a clock.

use crate::flow::Mark;

/// Between two checks of a clock there may be so much more or less than usual: a part of the usual. Judgement: as much
/// as what is called steady may vary.
const PART: i64 = 8;

/// Accepted ones by which others in step with them are told. Judgement: as a habit is made by.
const FEWEST: usize = 3;

/// A connection by its number, and its SYN.
type Opened = (u32, Mark);

/// What one host opens to one server and ends without a word.
#[derive(Debug, Default)]
pub(super) struct Beat {
    /// What was accepted, and ended at once by who opened it.
    pub accepted: Vec<Opened>,
    /// What was refused, or nobody answered: clients' may be among it.
    pub vain: Vec<Opened>,
}

impl Beat {
    /// Those that come by a clock, if the accepted ones do: alone, or with what is in vain in step with them, as while a
    /// server is down.
    pub fn checks(mut self) -> Option<Vec<u32>> {
        let by_time = |one: &Opened| one.1.at().0;
        self.accepted.sort_unstable_by_key(by_time);
        self.vain.sort_unstable_by_key(by_time);
        let numbers = |list: &[Opened]| list.iter().map(|one| one.0).collect::<Vec<u32>>();
        let steady = |list: &[Opened]| Mark::are_steady(list.iter().map(|one| one.1).collect());
        let vain = self.in_step().unwrap_or_default();
        let all = [&self.accepted[..], &vain].concat();
        if !vain.is_empty() && self.accepted.len() >= FEWEST && steady(&all) {
            return Some(numbers(&all));
        }
        steady(&self.accepted).then(|| numbers(&self.accepted))
    }

    /// Of those in vain the ones that come when the next of the accepted is due and does not come: before the first of
    /// these, between them, after the last.
    fn in_step(&self) -> Option<Vec<Opened>> {
        let mut gaps: Vec<i64> = self.accepted.windows(2).map(|w| w[1].1.since(w[0].1)).collect();
        gaps.sort_unstable();
        let usual = *gaps.get(gaps.len() / 2).filter(|gap| **gap > 0)?;
        let first = self.accepted.first()?.1.at().0;
        let mut found = Vec::new();
        for step in [usual, -usual] {
            let mut last = first;
            loop {
                let next = nearest(&self.accepted, last + step, usual / PART);
                if let Some(next) = next {
                    last = next.1.at().0;
                } else if let Some(next) = nearest(&self.vain, last + step, usual / PART) {
                    last = next.1.at().0;
                    found.push(next);
                } else {
                    break;
                }
            }
        }
        Some(found)
    }
}

/// The one of a sorted list that comes nearest to a moment, no earlier or later than so many nanoseconds around it.
fn nearest(list: &[Opened], due: i64, around: i64) -> Option<Opened> {
    let off = |one: &Opened| (one.1.at().0 - due).abs();
    let at = list.partition_point(|one| one.1.at().0 < due);
    let both = list[at.saturating_sub(1)..].iter().take(2);
    both.copied().filter(|one| off(one) <= around).min_by_key(off)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

    fn at(number: u32, seconds: f64) -> Opened {
        (number, Mark::new(number + 1, Timestamp((seconds * 1e9) as i64)))
    }

    fn checks(accepted: &[f64], vain: &[f64]) -> Option<Vec<u32>> {
        let accepted: Vec<Opened> = (0..).zip(accepted).map(|(n, s)| at(n, *s)).collect();
        let vain: Vec<Opened> = (100..).zip(vain).map(|(n, s)| at(n, *s)).collect();
        let mut found = Beat { accepted, vain }.checks()?;
        found.sort_unstable();
        Some(found)
    }

    #[test]
    fn what_is_in_vain_in_step_is_a_check_of_a_server_that_is_down() {
        assert_eq!(
            checks(&[0.0, 3.0, 6.0, 9.0, 18.0], &[12.0, 15.01]),
            Some(vec![0, 1, 2, 3, 4, 100, 101])
        );
        // Down at the beginning; down to the end.
        assert_eq!(checks(&[9.0, 12.0, 15.0, 18.0], &[3.0, 6.0]), Some(vec![0, 1, 2, 3, 100, 101]));
        assert_eq!(checks(&[0.0, 3.0, 6.0, 9.0], &[12.0]), Some(vec![0, 1, 2, 3, 100]));
    }

    #[test]
    fn what_a_client_meets_is_none() {
        assert_eq!(
            checks(&[0.0, 3.0, 6.0, 9.0], &[11.8, 12.0, 15.0, 15.2]),
            Some(vec![0, 1, 2, 3, 101, 102])
        );
        assert_eq!(checks(&[0.0, 3.0, 6.0, 9.0], &[1.2, 4.9, 10.4]), Some(vec![0, 1, 2, 3]));
        // Not by a clock; too few of them.
        assert_eq!(checks(&[0.0, 1.0, 6.0, 7.2], &[9.0]), None);
        assert_eq!(checks(&[0.0, 3.0], &[6.0, 9.0]), None);
    }
}

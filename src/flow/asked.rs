//! Datagrams that are sent again while nobody answers: when each was, which tells a program
//! that waits for an answer from one that sends the same now and then.
//!
//! Looked at only where the very payload that came first comes again and the other side has
//! said nothing. Kept by stream and side, bounded.

use super::{Mark, Side, StreamId};
use crate::capture::Timestamp;
use crate::wire::Udp;
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// Streams that are kept.
const MAX_STREAMS: usize = 1 << 12;
/// Times that are kept of each.
const TIMES: usize = 6;
/// Sooner than this it is a copy of the frame on another interface, or a burst, nanoseconds.
const AGAIN_NS: i64 = 400_000_000;
/// Waits of one length that a program is taken to have, nanoseconds. Judgement: shorter ones are
/// a stream's pace, longer ones a report's.
const STEADY_NS: std::ops::RangeInclusive<i64> = 900_000_000..=10_000_000_000;
/// How many of them.
const STEADY_GAPS: usize = 3;

/// When one payload was sent, and sent again.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub(super) at: [Mark; TIMES],
    /// How often, those that are not kept included.
    pub(super) count: u32,
    /// Only the length is known to be the same, as a text has it.
    pub(super) blind: bool,
}

impl Asked {
    /// The last time that is kept.
    #[must_use]
    pub fn last(&self) -> Mark {
        self.at[(self.count as usize).min(TIMES) - 1]
    }

    fn gaps(&self) -> Vec<i64> {
        let kept = &self.at[..(self.count as usize).min(TIMES)];
        kept.windows(2).map(|pair| pair[1].since(pair[0])).collect()
    }

    /// Whether the waits are those of somebody who waits for an answer: each twice the one before,
    /// up to a longest (RFC 7252, section 4.2; RFC 6347, section 4.2.4; RFC 3261, section 17.1.2.2),
    /// or a little less (strongSwan: 1.8 times), or of one length and then given up, while the
    /// capture went on until `end`.
    #[must_use]
    pub fn waits_for_an_answer(&self, end: Timestamp) -> bool {
        let gaps = self.gaps();
        // Two gaps of a ratio between 1.69 and 2.12 come by chance once in twenty (of exponential
        // ones 1 / 2.69 - 1 / 3.12), three in four hundred; two of one near 2 once in ninety.
        let ratio = |pair: &[i64], percent: std::ops::RangeInclusive<i64>| {
            pair[0] > 0 && percent.contains(&(pair[1].saturating_mul(100) / pair[0]))
        };
        let grown = gaps.windows(2).take_while(|pair| ratio(pair, 169..=212)).count();
        let capped = gaps.windows(2).skip(grown).all(|pair| ratio(pair, 95..=105));
        let exact = !self.blind && gaps.len() == 2 && ratio(&gaps, 195..=205);
        if exact || grown >= 2 && capped {
            return true;
        }
        let first = gaps.first().copied().unwrap_or(0);
        let steady =
            STEADY_NS.contains(&first) && gaps.iter().all(|gap| (gap - first).abs() <= first / 8);
        let silent = end.0.saturating_sub(self.last().at().0);
        !self.blind
            && gaps.len() >= STEADY_GAPS
            && self.count as usize <= TIMES
            && steady
            && silent > 2 * first + AGAIN_NS
    }
}

/// Those of one vantage.
#[derive(Debug, Clone, Default)]
pub(super) struct AllAsked(pub(super) HashMap<(StreamId, Side), Asked, RandomState>);

impl AllAsked {
    /// The first payload of a side, sent again; `first` is when it was sent first.
    #[cold]
    pub fn again(&mut self, id: StreamId, side: Side, first: Mark, mark: Mark, udp: &Udp<'_>) {
        let room = self.0.len() < MAX_STREAMS;
        let known = match self.0.get_mut(&(id, side)) {
            Some(known) => known,
            None if room => self.0.entry((id, side)).or_insert_with(|| {
                let mut at = [Mark::NONE; TIMES];
                at[0] = first;
                let blind = udp.payload.is_empty() && udp.payload_len > 0;
                Asked { at, count: 1, blind }
            }),
            None => return,
        };
        if mark.since(known.last()) < AGAIN_NS {
            return;
        }
        if let Some(slot) = known.at.get_mut(known.count as usize) {
            *slot = mark;
        }
        known.count = known.count.saturating_add(1);
    }

    pub fn of(&self, id: StreamId, side: Side) -> Option<&Asked> {
        self.0.get(&(id, side))
    }

    /// Forgets a stream that is let go.
    pub fn forget(&mut self, id: StreamId) {
        for side in [Side::A, Side::B] {
            self.0.remove(&(id, side));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn asked(times: &[i64], blind: bool) -> Asked {
        let payload: &[u8] = if blind { &[] } else { b"?" };
        let udp = Udp { src_port: 5000, dst_port: 6000, payload, payload_len: 1 };
        let mark = |i: usize, ms: i64| Mark::new(i as u32 + 1, Timestamp(ms * MS));
        let mut all = AllAsked::default();
        for (i, ms) in times.iter().enumerate().skip(1) {
            all.again(7, Side::A, mark(0, times[0]), mark(i, *ms), &udp);
        }
        *all.of(7, Side::A).unwrap()
    }

    #[test]
    fn waits_that_grow_are_of_somebody_who_waits() {
        let end = Timestamp(16_000 * MS);
        assert!(asked(&[0, 1000, 3000, 7000], true).waits_for_an_answer(end));
        assert!(asked(&[0, 1000, 3000], false).waits_for_an_answer(end));
        assert!(!asked(&[0, 1000, 3000], true).waits_for_an_answer(end));
        assert!(asked(&[0, 500, 1500, 3500, 7500, 11_500], false).waits_for_an_answer(end));
        assert!(!asked(&[0, 1000, 2000, 7000], true).waits_for_an_answer(end));
        assert!(!asked(&[0, 1000, 2700], false).waits_for_an_answer(end));
        assert!(!asked(&[0, 1000, 4000, 13_000], false).waits_for_an_answer(end));
    }

    #[test]
    fn one_pace_is_a_report_unless_it_was_given_up() {
        let paced = [0, 3000, 6000, 9000];
        assert!(asked(&paced, false).waits_for_an_answer(Timestamp(20_000 * MS)));
        assert!(!asked(&paced, false).waits_for_an_answer(Timestamp(10_000 * MS)));
        assert!(!asked(&paced, true).waits_for_an_answer(Timestamp(20_000 * MS)));
        let long: Vec<i64> = (0..9).map(|n| n * 3000).collect();
        assert!(!asked(&long, false).waits_for_an_answer(Timestamp(60_000 * MS)));
    }

    #[test]
    fn copies_are_no_repeats() {
        let twice = asked(&[0, 1, 1000, 1001, 3000, 3001], false);
        assert_eq!(twice.gaps(), [1000 * MS, 2000 * MS]);
    }
}

//! Datagrams that are sent again while nobody answers: when each was, which tells a program
//! that waits for an answer from one that sends the same now and then.
//!
//! Looked at where the very payload that came first comes again and the other side has said
//! nothing, and where a side that was answered before goes on alone after a pause. Kept by stream
//! and side, bounded.

use super::{Flow, Mark, Side, StreamId};
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
/// Datagrams of one try follow each other as soon as this, nanoseconds: QUIC sends two
/// (RFC 9002, section 6.2.4).
const TOGETHER_NS: i64 = 100_000_000;
/// Questions that stay without an answer of somebody who is gone, and from the first of them to the last,
/// nanoseconds: one is lost by chance, and an answer may take a while.
const QUESTIONS: u32 = 3;
const GONE_NS: i64 = 2_000_000_000;
/// Payloads up to this keep a mapping alive and ask nothing: CRLF twice (RFC 5626, section 3.5.1).
const KEEP_ALIVE: u32 = 4;

/// When one payload was sent, and sent again.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub(super) at: [Mark; TIMES],
    /// How often, those that are not kept included.
    pub(super) count: u32,
    /// Only the length is known to be the same, as a text has it; or payloads differ.
    pub(super) blind: bool,
    /// The other side had spoken before.
    pub(super) later: bool,
    /// It was given up: one of the two went on with something else.
    pub(super) over: bool,
    /// What the latest payload is recognised by, in the pass alone.
    pub(super) digest: u32,
}

/// A datagram of a side that goes on alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alone {
    /// The one before it.
    pub before: Mark,
    pub mark: Mark,
    /// The other side's last.
    pub theirs: Mark,
    /// What its payload is recognised by.
    pub digest: u32,
}

impl Alone {
    /// Whether a pause was that long that what follows may be another try.
    #[inline]
    pub fn is_pause(ns: i64) -> bool {
        ns >= AGAIN_NS
    }
}

impl Asked {
    /// Whether it began after the other side had spoken, and was never answered: nothing came until
    /// the capture ended, or one of the two went on with something else.
    #[must_use]
    pub fn later_in_vain(&self, back: &Flow, end: Timestamp) -> bool {
        let silent = back.last.frame() < self.last().frame();
        self.later && (self.over || silent && self.waits_for_an_answer(end))
    }

    /// Whether it was tried three times, each wait twice the one before, and no sooner after the last one
    /// than a fourth was due, as QUIC does (RFC 9002, section 6.2.1), whose packets all differ.
    #[must_use]
    pub fn doubles_in_vain(&self, back: &Flow, end: Timestamp) -> bool {
        let gaps = self.gaps();
        let [first, second] = gaps[..] else { return false };
        let silent = back.last.frame() < self.last().frame();
        let waited = end.0.saturating_sub(self.last().at().0);
        let doubled = (195..=205).contains(&(second.saturating_mul(100) / first.max(1)));
        self.later && silent && doubled && waited > second.saturating_mul(2)
    }

    /// Whether several questions were asked after the other side had spoken, one after another, and
    /// nothing came back any more: for protocols in which each datagram of the client's has an answer.
    #[must_use]
    pub fn asks_on_in_vain(&self, back: &Flow) -> bool {
        let silent = back.last.frame() < self.last().frame();
        self.later
            && silent
            && self.count >= QUESTIONS
            && self.last().since(self.first()) >= GONE_NS
    }

    /// Whether the other side had spoken before.
    #[must_use]
    pub fn is_later(&self) -> bool {
        self.later
    }

    /// When it was sent first.
    #[must_use]
    pub fn first(&self) -> Mark {
        self.at[0]
    }

    /// The last time that is kept.
    #[must_use]
    pub fn last(&self) -> Mark {
        self.at[(self.count as usize).min(TIMES) - 1]
    }

    fn add(&mut self, mark: Mark) {
        if let Some(slot) = self.at.get_mut(self.count as usize) {
            *slot = mark;
        }
        self.count = self.count.saturating_add(1);
    }

    /// Whether nothing but this try's other datagrams came since its last time. Beyond those that are kept
    /// it is not known.
    fn goes_on(&self, one: Alone) -> bool {
        let full = self.count as usize > TIMES;
        self.later
            && one.theirs.frame() < self.last().frame()
            && (full || one.before.since(self.last()) <= TOGETHER_NS)
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
        let steady = STEADY_NS.contains(&first)
            && gaps.iter().all(|gap| gap.abs_diff(first) <= first.unsigned_abs() / 8);
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
                Asked { at, count: 1, blind, later: false, over: false, digest: 0 }
            }),
            None => return,
        };
        if mark.since(known.last()) >= AGAIN_NS {
            known.add(mark);
        }
    }

    /// A side that was answered before sends again after a pause, and nothing came meanwhile.
    #[cold]
    pub fn alone(&mut self, id: StreamId, side: Side, one: Alone, udp: &Udp<'_>) {
        if udp.payload_len <= KEEP_ALIVE {
            return;
        }
        let blind = udp.payload.is_empty();
        let Alone { before, mark, digest, .. } = one;
        let begin = || {
            let mut at = [Mark::NONE; TIMES];
            (at[0], at[1]) = (before, mark);
            Asked { at, count: 2, blind, later: true, over: false, digest }
        };
        let room = self.0.len() < MAX_STREAMS;
        let Some(known) = self.0.get_mut(&(id, side)) else {
            if room {
                self.0.insert((id, side), begin());
            }
            return;
        };
        if known.over {
            return;
        }
        if !known.goes_on(one) {
            *known = begin();
            return;
        }
        let due = known.gaps().last().map_or(0, |gap| gap.saturating_mul(9));
        let sooner = mark.since(known.last()).saturating_mul(10) < due;
        let other = digest != known.digest && !known.blind;
        if sooner || other {
            // Something else is sent: what was sent over and over was given up.
            if other && known.count > 2 && known.waits_for_an_answer(mark.at()) {
                known.over = true;
                return;
            }
            if sooner {
                *known = begin();
                return;
            }
            known.blind = true;
        }
        known.digest = digest;
        known.add(mark);
    }

    /// The other side speaks after a pause; `last` is the last datagram that it had not answered.
    #[cold]
    pub fn broken(&mut self, id: StreamId, side: Side, last: Mark, mark: Mark) {
        let Some(known) = self.0.get_mut(&(id, side)).filter(|known| known.later) else { return };
        let due = known.gaps().last().copied().unwrap_or(0);
        let current = last.since(known.last()) <= TOGETHER_NS;
        known.over |= current && mark.since(last) > due && known.waits_for_an_answer(mark.at());
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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

    /// What one side of a stream sends at which times, by payload; the other side speaks where it is 0, and
    /// once before.
    fn talk(steps: &[(i64, u32)]) -> (Option<Asked>, Flow) {
        let mut all = AllAsked::default();
        let mark = |i: usize, ms: i64| Mark::new(i as u32 + 1, Timestamp(ms * MS));
        let (mut mine, mut back) = (Mark::NONE, Flow::EMPTY);
        back.last = mark(0, 0);
        for (i, (ms, digest)) in steps.iter().enumerate() {
            let now = mark(i + 1, *ms);
            if *digest == 0 {
                all.broken(7, Side::A, mine, now);
                back.last = now;
                continue;
            }
            let udp = Udp { src_port: 5060, dst_port: 5060, payload: b"INVITE", payload_len: 6 };
            let alone = mine.is_set() && mine.frame() > back.last.frame();
            if alone && Alone::is_pause(now.since(mine)) {
                let one = Alone { before: mine, mark: now, theirs: back.last, digest: *digest };
                all.alone(7, Side::A, one, &udp);
            }
            mine = now;
        }
        (all.of(7, Side::A).copied(), back)
    }

    fn in_vain(steps: &[(i64, u32)]) -> bool {
        let (asked, back) = talk(steps);
        asked.is_some_and(|asked| asked.later_in_vain(&back, Timestamp(60_000 * MS)))
    }

    /// A clock that is set, or a stamp that is damaged, leaves waits as long as times go.
    #[test]
    fn waits_of_centuries_are_survived() {
        let far = 4_294_967_295_000;
        talk(&[(100, 5), (600, 5), (far, 5), (far + 600, 5), (100, 5), (far, 5)]);
        talk(&[(-far, 5), (0, 5), (far, 5), (-far, 6), (far, 0)]);
        let end = Timestamp(i64::MAX);
        for times in [[0, far, -far, far, 0], [-far, -far + 1000, -far + 2000, far, far]] {
            assert!(!asked(&times, false).waits_for_an_answer(end));
            assert!(!asked(&times, true).doubles_in_vain(&Flow::EMPTY, end));
        }
    }

    #[test]
    fn what_one_side_sends_alone_after_answers_may_be_in_vain() {
        let tries = [(100, 5), (600, 5), (1600, 5), (3600, 5), (7600, 5)];
        assert!(in_vain(&tries));
        // Something else was sent before, and comes after; the other side goes on with that.
        let before: Vec<_> = [(10, 3)].into_iter().chain(tries).collect();
        assert!(in_vain(&before));
        let other: Vec<_> = tries.into_iter().chain([(9000, 6), (9010, 0)]).collect();
        assert!(in_vain(&other));
        // It was answered at last, or the other side says something long after.
        let answered: Vec<_> = tries.into_iter().chain([(7700, 0)]).collect();
        assert!(!in_vain(&answered));
        let later: Vec<_> = tries.into_iter().chain([(40_000, 0)]).collect();
        assert!(in_vain(&later));
        // Each another payload, and a stream's pace.
        assert!(in_vain(&[(100, 1), (500, 2), (1300, 3), (2900, 4)]));
        assert!(!in_vain(&[(100, 1), (600, 2), (1100, 3), (1600, 4), (2100, 5)]));
    }

    #[test]
    fn questions_each_of_which_is_another_go_on_in_vain_where_nothing_comes() {
        let vain = |steps: &[(i64, u32)]| {
            let (asked, back) = talk(steps);
            asked.is_some_and(|asked| asked.asks_on_in_vain(&back))
        };
        assert!(vain(&[(100, 1), (1500, 2), (2900, 3)]));
        // One is lost by chance, an answer takes its time, and what is answered at last was heard.
        assert!(!vain(&[(100, 1), (1500, 2)]));
        assert!(!vain(&[(100, 1), (600, 2), (1100, 3)]));
        assert!(!vain(&[(100, 1), (1500, 2), (2900, 3), (2950, 0)]));
    }

    #[test]
    fn three_at_doubled_distances_are_probes_where_silence_follows() {
        let (asked, back) = talk(&[(0, 1), (600, 2), (1800, 3)]);
        let asked = asked.unwrap();
        assert!(asked.doubles_in_vain(&back, Timestamp(9000 * MS)));
        assert!(!asked.doubles_in_vain(&back, Timestamp(2500 * MS)));
        let (asked, back) = talk(&[(0, 1), (600, 2), (1700, 3)]);
        assert!(!asked.unwrap().doubles_in_vain(&back, Timestamp(9000 * MS)));
    }

    #[test]
    fn copies_are_no_repeats() {
        let twice = asked(&[0, 1, 1000, 1001, 3000, 3001], false);
        assert_eq!(twice.gaps(), [1000 * MS, 2000 * MS]);
    }
}

//! Sequence numbers as they were on the wire.
//!
//! Without `-S` tcpdump counts from where a conversation begins for it: from the SYN-ACK's
//! numbers, without one from those of the first segment with ACK, which it prints whole
//! (print-tcp.c). This is done here backwards. Where the text does not show that beginning, the
//! numbers tell how the segments follow each other, but not what they were: such are unknown.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::fast::{FixedState, RandomState};

use super::shown::Tcp;

/// Conversations that are kept; beyond this all are forgotten, and begin anew.
const MAX_CONVERSATIONS: usize = 1 << 18;
/// Smaller numbers are rather counted than drawn: a stack draws one once in 256 times, and
/// fewer conversations move more before they are looked at.
const COUNTED: u32 = 1 << 24;

pub(super) type Ends = ((IpAddr, u16), (IpAddr, u16));

/// Numbers of one segment.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) seq: u32,
    pub(super) ack: u32,
    /// Whether they are those of the wire.
    pub(super) seq_known: bool,
    pub(super) ack_known: bool,
}

/// What is known of one conversation; side 0 is the smaller end.
#[derive(Copy, Clone, Debug, Default)]
struct Conversation {
    /// What printed numbers count from.
    base: [Option<u32>; 2],
    /// Sequence number of the latest SYN without ACK.
    syn: [Option<u32>; 2],
    /// Next sequence number.
    next: [Option<u32>; 2],
    /// A segment with ACK was printed.
    tracked: bool,
    /// Numbers are printed whole (`-S`).
    whole: Option<bool>,
}

/// All conversations of a text.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    table: HashMap<Ends, Conversation, RandomState>,
    /// As the conversation before had it.
    whole: Option<bool>,
}

impl Numbers {
    /// The numbers of a segment from the first of `ends` to the second.
    pub(super) fn resolve(&mut self, ends: Ends, tcp: &Tcp) -> Resolved {
        let (a, b) = ends;
        let (pair, side) = if a <= b { ((a, b), 0) } else { ((b, a), 1) };
        if self.table.len() >= MAX_CONVERSATIONS && !self.table.contains_key(&pair) {
            self.table.clear();
        }
        // Numbers that are not those of the wire still differ from connection to connection.
        let invented =
            |side: usize| FixedState::with_seed(1).hash_one((pair, side)) as u32 | COUNTED;
        let conversation = self.table.entry(pair).or_default();
        let resolved = conversation.take(side, tcp, self.whole, invented);
        self.whole = conversation.whole.or(self.whole);
        resolved
    }
}

impl Conversation {
    fn take(
        &mut self,
        side: usize,
        tcp: &Tcp,
        whole: Option<bool>,
        invented: impl Fn(usize) -> u32,
    ) -> Resolved {
        let flags = tcp.flags.unwrap_or(0);
        let (syn, ack) = (flags & 0x02 != 0, flags & 0x10 != 0);
        let other = 1 - side;
        let controls = u32::from(syn) + u32::from(flags & 0x01 != 0);
        let length = tcp.length.unwrap_or(0).wrapping_add(controls);
        if tcp.counted {
            let seq = tcp.seq.map(|seq| invented(side).wrapping_add(seq));
            let ack = tcp.ack.map(|ack| invented(other).wrapping_add(ack));
            return self.given(side, seq, ack, [false, false], length, invented(side));
        }
        if !ack {
            if syn {
                self.syn[side] = tcp.seq;
                self.next[side] = None;
            }
            return self.given(side, tcp.seq, Some(0), [true, true], length, invented(side));
        }
        if syn {
            self.base[side] = tcp.seq;
            self.base[other] = tcp.ack.map(|ack| ack.wrapping_sub(1));
            (self.tracked, self.whole) = (true, None);
            (self.next[side], self.next[other]) = (None, tcp.ack);
            return self.given(side, tcp.seq, tcp.ack, [true, true], length, invented(side));
        }
        if !self.tracked {
            self.tracked = true;
            if self.begins_whole(other, tcp) {
                self.base[other] = tcp.ack.map(|ack| ack.wrapping_sub(1));
                // Without bytes its own number is not printed: behind the SYN nothing else is
                // next.
                let after_syn = self.syn[side].map(|isn| isn.wrapping_add(1));
                self.base[side] = tcp.seq.or(after_syn);
                return self.given(side, tcp.seq, tcp.ack, [true, true], length, invented(side));
            }
            // The beginning was cut off. Counted from SYNs, where the text has them.
            self.base = self.syn;
        }
        self.tell_whole(other, tcp);
        if self.whole.or(whole.filter(|_| self.base[other].is_none())) == Some(true) {
            return self.given(side, tcp.seq, tcp.ack, [true, true], length, invented(side));
        }
        let from = |side: usize| self.base[side].unwrap_or_else(|| invented(side));
        let seq = tcp.seq.map(|seq| from(side).wrapping_add(seq));
        let ack = tcp.ack.map(|ack| from(other).wrapping_add(ack));
        let known = [self.base[side].is_some(), self.base[other].is_some()];
        self.given(side, seq, ack, known, length, invented(side))
    }

    /// Whether the first segment with ACK has its numbers whole; in a text whose beginning was
    /// cut off it is counted already.
    fn begins_whole(&self, other: usize, tcp: &Tcp) -> bool {
        let Some(ack) = tcp.ack else { return false };
        match self.syn[other] {
            Some(isn) => ack.wrapping_sub(isn) < COUNTED,
            None => ack >= COUNTED || tcp.seq.is_some_and(|seq| seq >= COUNTED),
        }
    }

    /// Told by the first acknowledgment behind the beginning: near it, or near nothing.
    fn tell_whole(&mut self, other: usize, tcp: &Tcp) {
        if let (None, Some(base), Some(ack)) = (self.whole, self.base[other], tcp.ack)
            && base >= COUNTED
        {
            self.whole = Some(ack.wrapping_sub(base) < COUNTED);
        }
    }

    fn given(
        &mut self,
        side: usize,
        seq: Option<u32>,
        ack: Option<u32>,
        known: [bool; 2],
        length: u32,
        invented: u32,
    ) -> Resolved {
        // What is not printed is what comes next: right unless something was missed.
        let guess = self.next[side].or(self.base[side]).or(self.syn[side]).unwrap_or(invented);
        let at = seq.unwrap_or(guess);
        if seq.is_some() {
            let end = at.wrapping_add(length);
            let ahead = self.next[side].is_none_or(|next| end.wrapping_sub(next) < 1 << 31);
            if ahead {
                self.next[side] = Some(end);
            }
        }
        Resolved {
            seq: at,
            ack: ack.unwrap_or(0),
            seq_known: seq.is_some() && known[0],
            ack_known: ack.is_some() && known[1],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ends, Numbers, Resolved, Tcp};

    const SYN: u8 = 2;
    const SYN_ACK: u8 = 0x12;
    const ACK: u8 = 0x10;
    const PUSH: u8 = 0x18;

    fn ends(back: bool) -> Ends {
        let (a, b) = (([10, 0, 0, 1].into(), 5000), ([10, 0, 0, 2].into(), 80));
        if back { (b, a) } else { (a, b) }
    }

    /// Flags, sequence number, acknowledgment number and length of a segment; `true` is back.
    type Segment = (bool, u8, Option<u32>, Option<u32>, u32);

    fn run(segments: &[Segment]) -> Vec<Resolved> {
        let mut numbers = Numbers::default();
        let one = |(back, flags, seq, ack, length): &Segment| {
            let tcp = Tcp {
                flags: Some(*flags),
                seq: *seq,
                ack: *ack,
                length: Some(*length),
                ..Tcp::default()
            };
            numbers.resolve(ends(*back), &tcp)
        };
        segments.iter().map(one).collect()
    }

    fn whole(resolved: &Resolved) -> Option<(u32, u32)> {
        (resolved.seq_known && resolved.ack_known).then_some((resolved.seq, resolved.ack))
    }

    #[test]
    fn counted_numbers_are_resolved_by_the_handshake() {
        let (isn, other) = (3_000_000_000, 4_000_000_000);
        let counted = run(&[
            (false, SYN, Some(isn), None, 0),
            (true, SYN_ACK, Some(other), Some(isn + 1), 0),
            (false, ACK, None, Some(1), 0),
            (false, PUSH, Some(1), Some(1), 43),
            (true, PUSH, Some(1), Some(44), 41),
        ]);
        assert_eq!((counted[2].seq, counted[2].seq_known), (isn + 1, false));
        assert_eq!((counted[2].ack, counted[2].ack_known), (other + 1, true));
        assert_eq!(whole(&counted[3]), Some((isn + 1, other + 1)));
        assert_eq!(whole(&counted[4]), Some((other + 1, isn + 44)));
        let with_s = run(&[
            (true, SYN_ACK, Some(other), Some(isn + 1), 0),
            (false, ACK, None, Some(other + 1), 0),
            (false, PUSH, Some(isn + 1), Some(other + 1), 43),
        ]);
        assert_eq!(whole(&with_s[2]), Some((isn + 1, other + 1)));
    }

    #[test]
    fn a_conversation_in_the_middle_counts_from_its_first_segment() {
        let (a, b) = (3_000_000_000, 4_000_000_000);
        let middle = run(&[
            (false, PUSH, Some(a), Some(b), 10),
            (true, PUSH, Some(1), Some(10), 5),
            (false, ACK, None, Some(6), 0),
        ]);
        assert_eq!(whole(&middle[0]), Some((a, b)));
        assert_eq!(whole(&middle[1]), Some((b, a + 10)));
        assert_eq!((middle[2].seq, middle[2].ack), (a + 10, b + 5));
    }

    #[test]
    fn one_direction_counts_from_behind_its_syn() {
        let isn = 3_000_000_000;
        let half = run(&[
            (false, SYN, Some(isn), None, 0),
            (false, ACK, None, Some(4_000_000_001), 0),
            (false, PUSH, Some(0), Some(1), 59),
        ]);
        assert_eq!(whole(&half[2]), Some((isn + 1, 4_000_000_001)));
    }

    #[test]
    fn what_counts_from_a_beginning_that_was_cut_off_is_unknown() {
        let cut = run(&[(false, PUSH, Some(1), Some(1), 43), (true, ACK, None, Some(44), 0)]);
        assert!(cut.iter().all(|r| !r.seq_known && !r.ack_known));
        assert_eq!(cut[1].ack, cut[0].seq.wrapping_add(43), "they still follow each other");
    }

    #[test]
    fn a_refusal_of_a_syn_is_whole() {
        let refused = run(&[
            (false, SYN, Some(77_000_000), None, 0),
            (true, 0x14, Some(0), Some(77_000_001), 0),
        ]);
        assert_eq!(whole(&refused[1]), Some((0, 77_000_001)));
    }
}

//! Silences: streams on which nothing was sent for a while, and what came of that.
//!
//! Balancers, firewalls and NAT forget what is idle. A keep-alive ends a silence as any
//! segment does. Kept for few streams: most are never silent for long.

use super::{Mark, Side, Stream, StreamId};
use crate::hashed::HashMap;

/// Silence that counts, nanoseconds: no balancer forgets much sooner by itself, and who gives up after thirty seconds
/// was told a little later that its question came (RFC 9293, section 3.8.6.3: half a second at most).
const LEAST_NS: i64 = 29_500_000_000;
/// Streams whose silences are kept.
const MAX_IDLE: usize = 1 << 14;

/// One silence of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// The last frame before it.
    pub before: Mark,
    /// The frame that ended it.
    pub after: Mark,
    /// Who sent that one.
    pub by: Side,
    /// Who sent the last frame before it: who was told something acknowledges it at once (RFC 9293, section
    /// 3.8.6.3), so the other side had the last word.
    pub heard_by: Side,
}

impl Silence {
    /// How long it was, nanoseconds.
    #[must_use]
    pub fn ns(&self) -> i64 {
        self.after.since(self.before)
    }

    /// Whether the other side sent something after it.
    #[must_use]
    pub fn answered(&self, stream: &Stream) -> bool {
        stream.flow(self.by.other()).last.frame() > self.after.frame()
    }
}

/// The silences of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idle {
    /// The last one; what one side repeats after it without an answer begins no other.
    pub last: Silence,
    /// The longest before it, after which both sides spoke, nanoseconds; 0 if none.
    pub outlived_ns: i64,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Idles(pub(super) HashMap<StreamId, Idle>);

impl Idles {
    /// Looks at a segment before its stream takes it in.
    #[inline]
    pub fn see(&mut self, id: StreamId, by: Side, mark: Mark, stream: &Stream) {
        if Self::ended_by(mark, stream) {
            let before = stream.last();
            let heard_by = if stream.flow(by).last == before { by } else { by.other() };
            self.ended(id, Silence { before, after: mark, by, heard_by }, stream);
        }
    }

    /// Whether a segment ends a silence of its stream.
    #[inline(always)]
    pub fn ended_by(mark: Mark, stream: &Stream) -> bool {
        let before = stream.last();
        before.is_set() && mark.since(before) >= LEAST_NS
    }

    #[cold]
    fn ended(&mut self, id: StreamId, silence: Silence, stream: &Stream) {
        // Who knocks in vain is no connection, and after a reset there is none.
        if stream.flows.iter().any(|flow| !flow.seen() || flow.rst.is_set()) {
            return;
        }
        let full = self.0.len() >= MAX_IDLE;
        if let Some(idle) = self.0.get_mut(&id) {
            if idle.last.answered(stream) {
                idle.outlived_ns = idle.outlived_ns.max(idle.last.ns());
                idle.last = silence;
            }
        } else if !full {
            self.0.insert(id, Idle { last: silence, outlived_ns: 0 });
        }
    }

    pub fn of(&self, id: StreamId) -> Option<&Idle> {
        self.0.get(&id)
    }

    pub fn forget(&mut self, id: StreamId) {
        self.0.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;
    use crate::flow::Key;
    use crate::wire::{Ip, Protocol};

    /// Who sends when, in seconds: what is kept of it.
    fn idle(frames: &[(Side, i64)]) -> Option<Idle> {
        let ends = ((Ip::v4([192, 0, 2, 1]), 40000), (Ip::v4([192, 0, 2, 2]), 443));
        let (key, _) = Key::of(Protocol::TCP, ends.0, ends.1, 0, None);
        let (mut stream, mut idles) = (Stream::new(key), Idles::default());
        for (n, (by, s)) in frames.iter().enumerate() {
            let mark = Mark::new(n as u32 + 1, Timestamp(s * 1_000_000_000));
            idles.see(7, *by, mark, &stream);
            let flow = &mut stream.flows[by.index()];
            flow.packets += 1;
            flow.last = mark;
        }
        idles.of(7).copied()
    }

    #[test]
    fn the_longest_silence_that_was_outlived_is_kept() {
        let idle = idle(&[
            (Side::A, 0),
            (Side::B, 1),
            (Side::A, 91),
            (Side::B, 92),
            (Side::A, 142),
            (Side::B, 143),
            (Side::B, 500),
        ]);
        let idle = idle.expect("it was silent");
        assert_eq!(idle.outlived_ns, 90_000_000_000);
        assert_eq!((idle.last.ns(), idle.last.by), (357_000_000_000, Side::B));
    }

    #[test]
    fn repeats_without_an_answer_are_no_silences() {
        let idle =
            idle(&[(Side::A, 0), (Side::B, 1), (Side::A, 401), (Side::A, 461), (Side::A, 581)]);
        let idle = idle.expect("it was silent");
        assert_eq!((idle.last.ns(), idle.outlived_ns), (400_000_000_000, 0));
    }

    #[test]
    fn syns_in_vain_and_short_pauses_are_none() {
        assert_eq!(idle(&[(Side::A, 0), (Side::A, 31), (Side::A, 95)]), None);
        assert_eq!(idle(&[(Side::A, 0), (Side::B, 1), (Side::A, 25)]), None);
    }
}

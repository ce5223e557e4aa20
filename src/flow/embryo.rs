//! A bound for streams that never became one.
//!
//! A flood of spoofed packets makes a stream a packet. Streams that show nothing but an
//! opening wait in a queue of bounded length; the oldest leave it and are judged. One that
//! went on, sent data, or repeated its SYN is never let go. One that was answered leaves the
//! queue of the flood: it stays, or, where a flood is answered too, every second, fourth or
//! further one does, chosen by its own numbers, so that all vantages choose alike. What goes
//! is counted first, by endpoint, by who answered and by how, so that counts stay exact; and
//! of each such kind the first streams stay, so that no kind drowns in another.

use super::{Mark, StreamId};
use crate::hashed::{HashMap, HashSet};
use crate::wire::{Ip, Mac, Protocol};
use foldhash::fast::FixedState;
use std::collections::VecDeque;
use std::hash::BuildHasher;

/// Streams of a vantage that may be nothing but an opening, or one that was accepted and
/// never went on, at one time.
pub const MAX_EMBRYOS: usize = 1 << 17;
/// Of these, streams that were accepted.
const MAX_ACCEPTED: usize = 1 << 16;
/// Refused streams of a vantage that are kept: somebody's failed connections, and no usual
/// flood. A balancer's own capture shows each twice.
pub const MAX_REFUSED: usize = 1 << 20;

/// Endpoints and answers that are counted apart.
const MAX_KINDS: usize = 1 << 14;
/// Streams of each kind that stay whatever comes, and of all kinds together.
const FIRST_OF_KIND: u32 = 256;
const MAX_FIRST: usize = 1 << 13;
/// Streams of one connection at one vantage that stay with the one that must.
const LEGS: u8 = 3;
/// Streams that are judged before the oldest of them goes: the legs of one connection
/// begin close to each other.
const TOGETHER: usize = 1 << 10;

/// What answered an opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answer {
    /// Nothing.
    None,
    /// A SYN-ACK, on which the client did not go on.
    Accepted,
    /// A reset.
    Reset,
    /// An ICMP error.
    Error,
}

impl Answer {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Accepted => "syn-ack",
            Self::Reset => "reset",
            Self::Error => "icmp-error",
        }
    }

    /// Which sample streams with this answer belong to; none where nothing answered.
    pub(super) fn sample(self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Accepted => Some(0),
            Self::Reset | Self::Error => Some(1),
        }
    }
}

/// Bounds of the two samples.
const BOUNDS: [usize; 2] = [MAX_ACCEPTED, MAX_REFUSED];
/// Everything is chosen.
const ALL: u32 = u32::MAX;

/// Streams that are counted together when they are let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind {
    /// Whom they were opened to, as this vantage shows it.
    pub server: (Ip, u16),
    /// IP protocol.
    pub protocol: Protocol,
    /// MAC from which the answer came; without one, the MAC to which they were sent last.
    pub by: Option<Mac>,
    /// What answered them.
    pub answer: Answer,
}

/// How many streams of a kind were let go, and when they began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LetGo {
    /// Streams.
    pub streams: u64,
    /// First frame of the earliest.
    pub first: Mark,
    /// First frame of the latest.
    pub last: Mark,
}

impl LetGo {
    fn add(&mut self, mark: Mark) {
        self.streams += 1;
        if !self.first.is_set() || mark.frame() < self.first.frame() {
            self.first = mark;
        }
        if mark.frame() > self.last.frame() {
            self.last = mark;
        }
    }
}

/// What was let go.
#[derive(Debug, Clone)]
pub struct Evicted {
    /// All of it.
    pub all: LetGo,
    /// By kind.
    pub kinds: HashMap<Kind, LetGo>,
    /// Streams of further kinds, which are not told apart.
    pub beyond_kinds: u64,
    /// Of streams that were accepted, and of those that were refused, those stay whose
    /// number lies below: all, or as many as the bound allows.
    pub(crate) below: [u32; 2],
    /// Numbers that stay beside these: of the first streams of each kind.
    pub(crate) first: HashSet<u32>,
}

impl Default for Evicted {
    fn default() -> Self {
        Self {
            all: LetGo::default(),
            kinds: HashMap::default(),
            beyond_kinds: 0,
            below: [ALL; 2],
            first: HashSet::default(),
        }
    }
}

impl Evicted {
    /// Counts a stream that is let go, by its first frame.
    pub(crate) fn add(&mut self, kind: Kind, first: Mark) {
        self.all.add(first);
        let full = self.kinds.len() >= MAX_KINDS;
        match self.kinds.get_mut(&kind) {
            Some(known) => known.add(first),
            None if full => self.beyond_kinds += 1,
            None => self.kinds.entry(kind).or_default().add(first),
        }
    }

    /// Whether a stream with an answer is chosen by its number.
    pub(super) fn chooses(&self, answer: Answer, number: u32) -> bool {
        answer.sample().is_some_and(|of| number <= self.below[of])
    }

    /// Whether all streams with answers were kept.
    pub(crate) fn keeps_answered(&self) -> bool {
        self.below == [ALL; 2]
    }

    /// Streams that were let go with one answer.
    #[must_use]
    pub fn answered(&self, answer: Answer) -> u64 {
        self.kinds.iter().filter(|(kind, _)| kind.answer == answer).map(|(_, n)| n.streams).sum()
    }
}

/// The number by which streams are chosen, from one that the stream drew and most balancers
/// keep: the legs of one connection are chosen together (hash-based selection, RFC 5475,
/// section 6.2).
pub(super) fn number(drawn: u64) -> u32 {
    FixedState::with_seed(1).hash_one(drawn) as u32
}

/// Streams that may yet turn out to be nothing.
#[derive(Debug, Default)]
pub(super) struct Embryos {
    /// Those that still have time to become something, oldest first.
    queue: VecDeque<StreamId>,
    /// Those that had it, and go unless another leg of theirs stays.
    judged: VecDeque<StreamId>,
    /// How many of each kind were kept as its first.
    kinds: HashMap<Kind, u32>,
    /// Numbers of the first of all kinds, with how many legs may still join them.
    first: HashMap<u32, u8>,
    /// Streams without an answer that stay.
    silent: usize,
    /// Streams with an answer that stay: accepted, refused.
    samples: [Vec<StreamId>; 2],
}

impl Embryos {
    /// Adds a new stream.
    #[inline]
    pub(super) fn push(&mut self, id: StreamId) {
        self.queue.push_back(id);
    }

    /// The oldest that is to be judged, where there are too many.
    #[inline]
    pub(super) fn overdue(&mut self) -> Option<StreamId> {
        let kept = self.silent + self.samples[0].len();
        let all = self.queue.len() + self.judged.len() + kept;
        if all > MAX_EMBRYOS { self.queue.pop_front() } else { None }
    }

    /// Whether a stream stays as one of the first of its kind.
    pub(super) fn is_among_first(&mut self, kind: Kind, number: u32) -> bool {
        let full = self.first.len() >= MAX_FIRST && !self.first.contains_key(&number);
        if full || self.kinds.len() >= MAX_KINDS && !self.kinds.contains_key(&kind) {
            return false;
        }
        let of = self.kinds.entry(kind).or_default();
        if *of >= FIRST_OF_KIND {
            return false;
        }
        *of += 1;
        self.first.entry(number).or_insert(LEGS);
        true
    }

    /// Whether a stream stays with another leg of its connection.
    pub(super) fn joins_first(&mut self, number: u32) -> bool {
        let Some(legs) = self.first.get_mut(&number).filter(|legs| **legs > 0) else {
            return false;
        };
        *legs -= 1;
        true
    }

    /// Whether a stream is one of the first of its kind, or a leg of one.
    pub(super) fn is_first(&self, number: u32) -> bool {
        self.first.contains_key(&number)
    }

    /// Keeps a stream; says which sample is too large by it.
    pub(super) fn keep(&mut self, id: StreamId, answer: Answer) -> Option<usize> {
        let Some(of) = answer.sample() else {
            self.silent += 1;
            return None;
        };
        self.samples[of].push(id);
        (self.samples[of].len() > BOUNDS[of]).then_some(of)
    }

    /// Whether a sample still has little room.
    pub(super) fn is_tight(&self, of: usize) -> bool {
        self.samples[of].len() > BOUNDS[of] / 4 * 3
    }

    /// All of a sample, to be kept again.
    pub(super) fn take(&mut self, of: usize) -> Vec<StreamId> {
        std::mem::take(&mut self.samples[of])
    }

    /// Adds a stream that is judged; returns one that goes when there are too many.
    pub(super) fn judged(&mut self, id: StreamId) -> Option<StreamId> {
        self.judged.push_back(id);
        if self.judged.len() > TOGETHER { self.judged.pop_front() } else { None }
    }

    /// The numbers of the first streams of all kinds.
    pub(super) fn first(&self) -> HashSet<u32> {
        self.first.keys().copied().collect()
    }

    /// All that wait, oldest first.
    pub(super) fn waiting(&mut self) -> Vec<StreamId> {
        let judged = std::mem::take(&mut self.judged);
        judged.into_iter().chain(std::mem::take(&mut self.queue)).collect()
    }
}

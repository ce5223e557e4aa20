//! Disjoint sets of streams over all vantages (union-find with path halving).

use super::Tie;
use crate::flow::{Observations, Stream, VantageId};
use std::ops::Range;

/// A stream by its vantage and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct StreamRef {
    pub vantage: VantageId,
    pub stream: u32,
}

impl StreamRef {
    /// The stream itself.
    pub(super) fn of(self, vantages: &[Observations]) -> &Stream {
        &vantages[self.vantage.index()].streams[self.stream as usize]
    }
}

/// Sets of streams, with the weakest tie in each.
#[derive(Debug)]
pub(super) struct Union {
    base: Vec<u32>,
    parent: Vec<u32>,
    tie: Vec<Tie>,
}

/// The streams of all sets, set by set.
#[derive(Debug)]
pub(super) struct Sets {
    order: Vec<StreamRef>,
    /// By representative: where its set ends; where none begins, nothing is between.
    ends: Vec<u32>,
}

impl Sets {
    /// How many representatives there may be.
    pub(super) fn roots(&self) -> usize {
        self.ends.len()
    }

    /// The representative at which so much of the streams is behind as `even` is of all representatives: sets
    /// begin at the streams of the first vantages, so that stretches of representatives are not even.
    pub(super) fn even(&self, even: usize) -> usize {
        let streams = even * self.order.len() / self.ends.len().max(1);
        self.ends.partition_point(|end| (*end as usize) < streams)
    }

    /// How many sets the representatives of a range have, and how many streams those hold.
    pub(super) fn count(&self, roots: Range<usize>) -> (usize, usize) {
        self.of(roots).fold((0, 0), |(sets, streams), (_, set)| (sets + 1, streams + set.len()))
    }

    /// Each representative of a range with its set.
    pub(super) fn of(&self, roots: Range<usize>) -> impl Iterator<Item = (u32, &[StreamRef])> {
        let before = roots.start.checked_sub(1);
        let mut begin = before.map_or(0, |before| self.ends[before] as usize);
        let first = roots.start;
        self.ends[roots].iter().enumerate().filter_map(move |(at, end)| {
            let set = &self.order[begin..*end as usize];
            begin = *end as usize;
            (!set.is_empty()).then_some(((first + at) as u32, set))
        })
    }
}

impl Union {
    pub(super) fn new(vantages: &[Observations]) -> Self {
        let mut base = Vec::with_capacity(vantages.len());
        let mut total = 0u32;
        for vantage in vantages {
            base.push(total);
            total += vantage.streams.len() as u32;
        }
        Self { base, parent: (0..total).collect(), tie: vec![Tie::Alone; total as usize] }
    }

    fn index(&self, at: StreamRef) -> u32 {
        self.base[at.vantage.index()] + at.stream
    }

    /// The representative of a stream's set.
    fn root(&self, mut i: u32) -> u32 {
        while self.parent[i as usize] != i {
            i = self.parent[i as usize];
        }
        i
    }

    /// All sets in the order of their first streams, each in order: a counting sort,
    /// as there is nothing to compare.
    pub(super) fn sets(&self) -> Sets {
        let mut ends = vec![0u32; self.parent.len() + 1];
        let roots: Vec<u32> = (0..self.parent.len() as u32).map(|i| self.root(i)).collect();
        for root in &roots {
            ends[*root as usize + 1] += 1;
        }
        for i in 1..ends.len() {
            ends[i] += ends[i - 1];
        }
        let mut order = vec![StreamRef { vantage: VantageId::default(), stream: 0 }; roots.len()];
        // Filling moves each set's begin to its end.
        for (vantage, base) in self.base.iter().enumerate() {
            let next = self.base.get(vantage + 1).copied().unwrap_or(roots.len() as u32);
            for i in *base..next {
                let place = &mut ends[roots[i as usize] as usize];
                order[*place as usize] =
                    StreamRef { vantage: VantageId::at(vantage), stream: i - base };
                *place += 1;
            }
        }
        Sets { order, ends }
    }

    /// The representative of a stream's set.
    pub(super) fn set_of(&mut self, at: StreamRef) -> u32 {
        self.find(at)
    }

    /// The weakest tie in the set of a representative.
    pub(super) fn tie_of(&self, root: u32) -> Tie {
        self.tie[root as usize]
    }

    pub(super) fn join(&mut self, a: StreamRef, b: StreamRef, tie: Tie) {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return;
        }
        let weakest = [self.tie[a as usize], self.tie[b as usize], tie]
            .into_iter()
            .filter(|t| *t != Tie::Alone)
            .min()
            .unwrap_or(tie);
        let (low, high) = (a.min(b), a.max(b));
        self.parent[high as usize] = low;
        self.tie[low as usize] = weakest;
    }

    fn find(&mut self, at: StreamRef) -> u32 {
        let mut i = self.index(at);
        while self.parent[i as usize] != i {
            let up = self.parent[self.parent[i as usize] as usize];
            self.parent[i as usize] = up;
            i = up;
        }
        i
    }
}

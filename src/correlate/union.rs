//! Disjoint sets of streams over all vantages (union-find with path halving).

use super::Tie;
use crate::flow::Observations;

/// A stream by its vantage and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct StreamRef {
    pub vantage: u16,
    pub stream: u32,
}

/// Sets of streams, with the weakest tie in each.
#[derive(Debug)]
pub(super) struct Union {
    base: Vec<u32>,
    parent: Vec<u32>,
    tie: Vec<Tie>,
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
        self.base[usize::from(at.vantage)] + at.stream
    }

    /// The representative of a stream's set.
    pub(super) fn root(&self, at: StreamRef) -> u32 {
        let mut i = self.index(at);
        while self.parent[i as usize] != i {
            i = self.parent[i as usize];
        }
        i
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

//! A map of numbers that is built as it is asked, one to one; 0 stays 0.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// The map.
#[derive(Debug)]
pub(super) struct Table<T> {
    known: HashMap<T, T>,
    taken: HashSet<T>,
    /// Originals, which are given out to nobody.
    own: HashSet<T>,
    next: u64,
    /// The search among originals, once nothing else is left.
    late: u64,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { known: HashMap::new(), taken: HashSet::new(), own: HashSet::new(), next: 1, late: 1 }
    }
}

impl<T: Copy + Eq + Hash + Default> Table<T> {
    /// A number that is somebody's own.
    pub(super) fn own(&mut self, from: T) {
        self.own.insert(from);
    }

    /// What stands for a number: the first of `nth(1)` to `nth(limit)` that is free and
    /// nobody's own; where all are somebody's own, the first that is free.
    pub(super) fn map(&mut self, from: T, limit: u64, nth: impl Fn(u64) -> T) -> T {
        if from == T::default() && nth(0) == from {
            return from;
        }
        if let Some(known) = self.known.get(&from) {
            return *known;
        }
        let taken = |to: &T| self.taken.contains(to);
        while self.next <= limit && (taken(&nth(self.next)) || self.own.contains(&nth(self.next))) {
            self.next += 1;
        }
        while self.next > limit && self.late < limit && taken(&nth(self.late)) {
            self.late += 1;
        }
        let to = nth(if self.next <= limit { self.next } else { self.late });
        self.known.insert(from, to);
        self.taken.insert(to);
        to
    }

    /// Takes in a pair of an earlier map; `false` where it contradicts what is known.
    pub(super) fn learn(&mut self, from: T, to: T) -> bool {
        if from == T::default() && to == from {
            return true;
        }
        match self.known.get(&from) {
            Some(known) => *known == to,
            None => {
                self.known.insert(from, to);
                self.taken.insert(to)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn originals_are_given_out_last_and_nothing_twice() {
        let mut table: Table<u32> = Table::default();
        (0..8).filter(|n| *n != 5).for_each(|n| table.own(n));
        assert_eq!(table.map(0, 7, |n| n as u32), 0);
        assert_eq!(table.map(3, 7, |n| n as u32), 5);
        let mut all: Vec<u32> = (1..8).map(|n| table.map(n, 7, |n| n as u32)).collect();
        all.sort_unstable();
        assert_eq!(all, (1..8).collect::<Vec<_>>());
    }
}

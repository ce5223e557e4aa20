//! Who waited at a moment, of many that waited for a while.
//!
//! Moments are asked in order, so that each wait is entered and left once: a proxy whose servers are all
//! silent has thousands that wait, and as many attempts.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// Those that are looked at of one moment: the latest, as a proxy tries somebody soon after it is asked.
const MOST: usize = 256;

/// A wait, from one frame to another, both counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait<T> {
    pub from: u32,
    pub to: u32,
    pub who: T,
}

/// Waits that are asked for by moments in order.
#[derive(Debug)]
pub(super) struct OpenAt<T> {
    /// By their beginnings.
    waits: Vec<Wait<T>>,
    /// The first that has not begun.
    next: usize,
    /// Places of those that go on, in the order of `waits`.
    open: BTreeSet<usize>,
    /// When they end.
    ends: BinaryHeap<Reverse<(u32, usize)>>,
}

impl<T> OpenAt<T> {
    pub fn new(mut waits: Vec<Wait<T>>) -> Self {
        waits.sort_by_key(|wait| wait.from);
        Self { waits, next: 0, open: BTreeSet::new(), ends: BinaryHeap::new() }
    }

    /// Those that go on at a frame, the latest first and so many at most; asked of frames in order.
    pub fn at(&mut self, frame: u32) -> impl Iterator<Item = &T> {
        while let Some(wait) = self.waits.get(self.next).filter(|wait| wait.from <= frame) {
            self.open.insert(self.next);
            self.ends.push(Reverse((wait.to, self.next)));
            self.next += 1;
        }
        while let Some(Reverse((_, place))) = self.ends.peek().filter(|end| end.0.0 < frame) {
            self.open.remove(place);
            self.ends.pop();
        }
        self.open.iter().rev().take(MOST).map(|place| &self.waits[*place].who)
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, OpenAt, Wait};

    #[test]
    fn who_waits_is_told_for_each_moment() {
        let wait = |from, to, who| Wait { from, to, who };
        let mut open = OpenAt::new(vec![wait(5, 9, 'b'), wait(1, 5, 'a'), wait(7, 7, 'c')]);
        let mut at = |frame| open.at(frame).collect::<String>();
        assert_eq!(
            [at(0), at(1), at(5), at(5), at(7), at(9), at(10)],
            ["", "a", "ba", "ba", "cb", "b", ""]
        );
    }

    #[test]
    fn of_many_the_latest_are_told() {
        let many = 4 * MOST as u32;
        let waits = (0..many).map(|n| Wait { from: n, to: u32::MAX, who: n }).collect();
        let found: Vec<u32> = OpenAt::new(waits).at(many).copied().collect();
        assert_eq!((found.len(), found[0]), (MOST, many - 1));
    }
}

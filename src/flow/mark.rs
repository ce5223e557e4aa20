//! A frame number with its time, in twelve bytes.

use crate::capture::Timestamp;

/// A moment: which frame, and when by this capture's clock.
///
/// Frames are numbered from 1 through all files of the capture; 0 means that
/// the moment never came.
// Aligned to four bytes, as flows hold many. Frame and the time's lower half are one word, as that is how the
// struct is copied: what was just written in smaller pieces is not handed to a load of the whole, which then waits
// for all that was stored before, also far away in memory (Intel 64 and IA-32 Architectures Optimization Reference
// Manual, "Store Forwarding").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C, packed(4))]
pub struct Mark {
    /// The frame, and above it the lower half of the time.
    low: u64,
    high: i32,
}

/// Moments that show a rhythm: three intervals.
const RHYTHM: usize = 4;
/// Intervals differ by one part in so many at most: timers of a program that waits for nobody.
const STEADY: i64 = 10;

impl Mark {
    /// Whether something was done again and again at one pace.
    #[must_use]
    pub fn are_steady(mut marks: Vec<Self>) -> bool {
        marks.sort_unstable_by_key(|mark| mark.at().0);
        let gaps = || marks.windows(2).map(|pair| pair[1].since(pair[0]));
        let (least, most) = (gaps().min().unwrap_or(0), gaps().max().unwrap_or(0));
        marks.len() >= RHYTHM && most.saturating_sub(least) <= most / STEADY
    }

    /// The moment that never came.
    pub const NONE: Self = Self { low: 0, high: 0 };

    /// A mark at a frame.
    #[inline]
    #[must_use]
    pub fn new(frame: u32, at: Timestamp) -> Self {
        Self { low: u64::from(frame) | (at.0 as u64) << 32, high: (at.0 >> 32) as i32 }
    }

    /// Whether the moment came.
    #[inline]
    #[must_use]
    pub fn is_set(self) -> bool {
        self.frame() != 0
    }

    /// The mark, or `None` where the moment never came.
    #[must_use]
    pub fn get(self) -> Option<Self> {
        self.is_set().then_some(self)
    }

    /// Sets it if it was not set.
    #[inline]
    pub fn set_once(&mut self, mark: Self) {
        if self.frame() == 0 {
            *self = mark;
        }
    }

    /// Frame number, from 1 through all files of the capture.
    #[inline]
    #[must_use]
    pub fn frame(self) -> u32 {
        self.low as u32
    }

    /// Time by this capture's clock.
    #[inline]
    #[must_use]
    pub fn at(self) -> Timestamp {
        Timestamp(i64::from(self.high) << 32 | (self.low >> 32) as i64)
    }

    /// Nanoseconds from `earlier` to this mark; negative if it came before.
    #[inline]
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.at().0.saturating_sub(earlier.at().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_split() {
        for ns in
            [0, 1, -1, i64::from(u32::MAX), 1 << 40, 1_795_160_272_475_548_500, -5_000_000_000]
        {
            assert_eq!(Mark::new(1, Timestamp(ns)).at(), Timestamp(ns));
        }
    }
}

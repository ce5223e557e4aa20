//! Which vantage: its place among those of all captures that were read.

use super::Observations;

/// Index of a vantage into [`crate::trace::Trace::vantages`], in the order in which captures were given
/// and in which each has its interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct VantageId(pub u16);

impl VantageId {
    /// The vantage at a place; all captures together have no more than fit in 16 bits.
    #[must_use]
    pub fn at(index: usize) -> Self {
        debug_assert!(u16::try_from(index).is_ok());
        Self(index as u16)
    }

    /// As an index.
    #[inline]
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Each vantage with its number.
    pub fn each(
        vantages: &[Observations],
    ) -> impl DoubleEndedIterator<Item = (Self, &Observations)> + ExactSizeIterator + Clone {
        vantages.iter().enumerate().map(|(at, seen)| (Self::at(at), seen))
    }

    /// The numbers of all vantages.
    pub fn all(vantages: &[Observations]) -> impl DoubleEndedIterator<Item = Self> + use<> {
        (0..vantages.len()).map(Self::at)
    }
}

//! Where the cursor is in the table, and how it is sorted.

use super::super::list::List;
use super::super::rows::{SORTS, Sort};

/// Where the cursor is and how the table is sorted.
#[derive(Debug, Default)]
pub struct State {
    /// The row.
    pub list: List,
    /// Index of the column that is sorted by, among [`SORTS`].
    pub sorted: usize,
    /// The other way round.
    pub reverse: bool,
}

impl State {
    /// What the table is sorted by.
    #[must_use]
    pub fn sort(&self) -> Sort {
        SORTS.get(self.sorted).copied().unwrap_or_default()
    }
}

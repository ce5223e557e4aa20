//! Where the cursor is on the overview.

/// Where the cursor is.
#[derive(Debug, Default)]
pub struct State {
    /// The stop.
    pub at: usize,
}

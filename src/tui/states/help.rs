//! Which text lies over the pane, and how far it is scrolled.

use crate::diagnose::manual;

/// How far the help is scrolled.
#[derive(Debug, Default)]
pub struct State {
    /// The first line shown.
    pub top: usize,
}

/// A detector's manual page.
#[derive(Debug)]
pub struct Manual {
    /// The detector.
    pub id: String,
    /// Its page.
    pub page: &'static str,
    /// The first line shown.
    pub top: usize,
}

impl Manual {
    /// The page of a detector; `None` where it has none.
    #[must_use]
    pub fn new(id: &str) -> Option<Self> {
        Some(Self { id: id.to_owned(), page: manual(id)?, top: 0 })
    }
}

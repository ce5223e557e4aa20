//! Where something was said.

/// A line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Index in [`HostState::files`](super::HostState::files).
    pub file: u16,
    /// Line, from 1.
    pub line: u32,
}

//! Where something was said.

use serde::{Deserialize, Serialize};

/// Bytes in which the line of a value is looked for.
const NEAR: usize = 64 << 10;

/// A line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Place {
    /// Index in [`HostState::files`](super::HostState::files).
    pub file: u16,
    /// Line, from 1.
    pub line: u32,
}

/// Where values of a text stand.
pub(super) struct Lines<'t> {
    text: &'t str,
    pos: usize,
    line: u32,
}

impl<'t> Lines<'t> {
    /// A text that begins in a line.
    pub(super) fn new(text: &'t str, line: u32) -> Self {
        Self { text, pos: 0, line }
    }

    /// The line of a string, found behind the one before.
    pub(super) fn of(&mut self, file: u16, value: &str) -> Place {
        let mut end = (self.pos + NEAR).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let near = &self.text[self.pos..end];
        if let Some(at) = near.find(value) {
            let passed = near[..at].bytes().filter(|b| *b == b'\n').count();
            self.line = self.line.saturating_add(passed as u32);
            self.pos += at;
        }
        Place { file, line: self.line }
    }
}

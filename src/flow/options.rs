//! Packets with IP options, which are rare by their header: a header longer than 20 bytes
//! in IPv4 (RFC 791, section 3.1), extension headers other than that of a fragment in IPv6.
//!
//! Counted by link, and bounded: what does not fit is not counted.

use super::Mark;
use crate::hashed::HashMap;

/// Links whose packets with options are counted.
const MAX_LINKS: usize = 1 << 14;

/// The packets with options of one link.
#[derive(Debug, Clone, Copy, Default)]
pub struct Optioned {
    /// How many.
    pub packets: u32,
    /// The first of them.
    pub first: Mark,
}

/// Links that carried packets with options, by their index.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    pub(super) of: HashMap<u32, Optioned>,
}

impl Options {
    pub(super) fn count(&mut self, link: usize, mark: Mark) {
        let link = link as u32;
        if self.of.len() >= MAX_LINKS && !self.of.contains_key(&link) {
            return;
        }
        let entry = self.of.entry(link).or_default();
        entry.packets = entry.packets.saturating_add(1);
        entry.first.set_once(mark);
    }

    pub(super) fn of(&self, link: u32) -> Option<&Optioned> {
        self.of.get(&link)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Forgets a link that is let go.
    pub(super) fn forget(&mut self, link: u32) {
        self.of.remove(&link);
    }
}

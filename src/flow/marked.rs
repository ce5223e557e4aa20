//! SYNs whose headers ask for something that most do not: a class of service, to be fragmented,
//! options of the tunnel that they came in. They tell connections apart that a network treats
//! differently; few have any, so they stand beside the links and not in them.

use crate::wire::{HeaderBits, IpPacket};
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// Links whose SYNs are kept; beyond, nothing is known of any.
const MAX_LINKS: usize = 1 << 14;

/// What the header of a SYN, and of the tunnel around it, asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Of the packet itself.
    pub bits: HeaderBits,
    /// Whether the header of the tunnel has options (Geneve, RFC 8926, section 3.5); `None` outside of a
    /// tunnel that can have them.
    pub tunnel_options: Option<bool>,
}

impl Marks {
    pub(super) const ORDINARY: Self = Self { bits: HeaderBits::ORDINARY, tunnel_options: None };

    pub(super) fn of(ip: &IpPacket<'_>) -> Self {
        Self { bits: ip.bits, tunnel_options: ip.outer.and_then(|outer| outer.options) }
    }

    pub(super) fn plain(bits: HeaderBits) -> Self {
        Self { bits, ..Self::ORDINARY }
    }
}

/// The first SYN of each link whose header is not the ordinary one, by the link's index.
#[derive(Debug, Clone, Default)]
pub(super) struct Marked {
    pub(super) of: HashMap<u32, Marks, RandomState>,
}

impl Marked {
    pub(super) fn see(&mut self, link: usize, marks: Marks) {
        if marks == Marks::ORDINARY {
            return;
        }
        let link = link as u32;
        if self.of.len() >= MAX_LINKS && !self.of.contains_key(&link) {
            return;
        }
        self.of.entry(link).or_insert(marks);
    }

    /// What the SYNs of a link asked for; `None` where that was not kept.
    pub(super) fn of(&self, link: u32) -> Option<Marks> {
        let known = self.of.get(&link).copied();
        known.or((self.of.len() < MAX_LINKS).then_some(Marks::ORDINARY))
    }

    /// Forgets a link that is let go.
    pub(super) fn forget(&mut self, link: u32) {
        self.of.remove(&link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_kept_is_not_ordinary() {
        let voice = Marks::plain(HeaderBits { dscp: 46, dont_fragment: true });
        let mut marked = Marked::default();
        marked.see(7, voice);
        marked.see(8, Marks::ORDINARY);
        assert_eq!((marked.of(7), marked.of(8)), (Some(voice), Some(Marks::ORDINARY)));
        for link in 0..=MAX_LINKS {
            marked.see(link, voice);
        }
        assert_eq!((marked.of(7), marked.of(MAX_LINKS as u32)), (Some(voice), None));
    }
}

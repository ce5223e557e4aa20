//! What earlier blocks of a pcapng file say about later ones: the byte order and the interfaces of
//! the current section.

use crate::capture::Interface;
use crate::capture::types::Mark;

/// What the blocks so far say about those that follow.
pub(in crate::capture) struct Sections {
    pub(in crate::capture) interfaces: Vec<Interface>,
    /// First interface of the current section.
    pub(in crate::capture) first: usize,
    pub(in crate::capture) big: bool,
    /// The section has a version that nobody knows.
    pub(in crate::capture) foreign: bool,
    /// Interfaces beyond the limit.
    pub(in crate::capture) excess: u32,
}

impl Sections {
    /// Before the first block.
    pub(in crate::capture) fn new() -> Self {
        Self { interfaces: Vec::new(), first: 0, big: false, foreign: false, excess: 0 }
    }

    /// As they were at a mark, given all interfaces of the file.
    pub(in crate::capture) fn at(mark: &Mark, interfaces: &[Interface]) -> Self {
        let known = (mark.interfaces as usize).min(interfaces.len());
        Self {
            interfaces: interfaces[..known].to_vec(),
            first: mark.section as usize,
            big: mark.big,
            foreign: false,
            excess: 0,
        }
    }

    /// The mark of a block at `offset`.
    pub(in crate::capture) fn mark(&self, offset: u64) -> Mark {
        Mark {
            offset,
            interfaces: u32::try_from(self.interfaces.len()).unwrap_or(u32::MAX),
            section: u32::try_from(self.first).unwrap_or(u32::MAX),
            big: self.big,
        }
    }

    /// Index in the whole file of the section's interface `id`.
    #[inline]
    pub(in crate::capture) fn index(&self, id: u32) -> Option<usize> {
        let at = self.first.checked_add(id as usize)?;
        (at < self.interfaces.len()).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use crate::capture::testkit::{Ng, Order, run};

    #[test]
    fn sections_have_their_own_interfaces_clocks_and_byte_orders() {
        let mut ng = Ng::new(false);
        ng.interface(1, 0, &[(2, b"eth0")]);
        ng.interface(276, 96, &[(2, b"any"), (9, &[9]), (14, &3u64.to_le_bytes())]);
        ng.enhanced(1, 5_000_000_000, b"second").enhanced(0, 5_000_000, b"first");
        ng.section(true, 1);
        ng.interface(101, 0, &[(9, &[0x80 | 10]), (14, &Order(true).u64(2))]);
        ng.enhanced(0, 1024, b"third");
        let (file, seen) = run(&ng.bytes).unwrap();
        assert!(file.damage.is_empty());
        let seen: Vec<_> =
            seen.iter().map(|f| (f.interface, f.time, f.link, &f.data[..])).collect();
        assert_eq!(
            seen,
            [
                (1, 8_000_000_000, 276, &b"second"[..]),
                (0, 5_000_000_000, 1, &b"first"[..]),
                (2, 3_000_000_000, 101, &b"third"[..]),
            ]
        );
        let names: Vec<_> = file.interfaces.iter().map(|i| (i.name.as_deref(), i.frames)).collect();
        assert_eq!(names, [(Some("eth0"), 1), (Some("any"), 1), (None, 1)]);
        assert_eq!(file.start.map(|t| t.0), Some(3_000_000_000));
        assert_eq!(file.end.map(|t| t.0), Some(8_000_000_000));
    }

    #[test]
    fn a_section_of_an_unknown_version_is_skipped() {
        let mut ng = Ng::new(false);
        ng.interface(1, 0, &[]).enhanced(0, 1, b"one");
        ng.section(false, 2).interface(9, 0, &[]).enhanced(0, 1, b"two");
        ng.section(true, 1).interface(1, 0, &[]).enhanced(0, 1, b"three");
        let (file, seen) = run(&ng.bytes).unwrap();
        assert_eq!(seen.iter().map(|f| &f.data[..]).collect::<Vec<_>>(), [&b"one"[..], b"three"]);
        assert_eq!((file.damage.len(), file.interfaces.len()), (1, 2));
    }
}

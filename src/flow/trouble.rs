//! Holes and repeats of links: most links have none, and those pay four bytes.

use super::Mark;
use crate::wire::seq_gt;

/// Index of a link's trouble, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct TroubleId(u32);

/// What went wrong on a link.
#[derive(Debug, Clone, Copy, Default)]
struct Trouble {
    /// Bytes missing below the highest seen, one range: more gaps than one at a time
    /// are merged, which only makes repeats rarer.
    gap: (u32, u32),
    /// Bytes that never came, as far as later ones did not bring them.
    missing: u32,
    first_repeat: Mark,
}

/// The troubles of all links of a vantage.
#[derive(Debug, Clone, Default)]
pub(super) struct Troubles {
    /// The first is nobody's: 0 is no trouble.
    list: Vec<Trouble>,
    free: Vec<TroubleId>,
}

impl TroubleId {
    pub(super) const NONE: Self = Self(0);
}

impl Troubles {
    fn of(&mut self, id: &mut TroubleId) -> &mut Trouble {
        if *id == TroubleId::NONE {
            if self.list.is_empty() {
                self.list.push(Trouble::default());
            }
            *id = match self.free.pop() {
                Some(free) => free,
                None => {
                    self.list.push(Trouble::default());
                    TroubleId((self.list.len() - 1) as u32)
                }
            };
        }
        &mut self.list[id.0 as usize]
    }

    fn get(&self, id: TroubleId) -> Option<&Trouble> {
        self.list.get(id.0 as usize).filter(|_| id != TroubleId::NONE)
    }

    /// Forgets the trouble of a link that is let go.
    pub(super) fn release(&mut self, id: TroubleId) {
        if let Some(trouble) = self.list.get_mut(id.0 as usize).filter(|_| id != TroubleId::NONE) {
            *trouble = Trouble::default();
            self.free.push(id);
        }
    }

    /// Bytes from `expected` to `came` were left out.
    pub(super) fn hole(&mut self, id: &mut TroubleId, expected: u32, came: u32) {
        let trouble = self.of(id);
        let (from, to) = trouble.gap;
        trouble.gap = (if from == to { expected } else { from }, came);
        trouble.missing = trouble.missing.saturating_add(came.wrapping_sub(expected));
    }

    /// Whether bytes from `from` to `end` fill a hole.
    pub(super) fn fills(&mut self, id: TroubleId, from: u32, end: u32) -> bool {
        let Some(trouble) = self.list.get_mut(id.0 as usize).filter(|_| id != TroubleId::NONE)
        else {
            return false;
        };
        let (start, to) = trouble.gap;
        if start == to || seq_gt(start, from) || seq_gt(end, to) {
            return false;
        }
        if from == start {
            trouble.gap.0 = end;
        } else if end == to {
            trouble.gap.1 = from;
        }
        // From the middle: the gap stays as it was, which makes repeats rarer.
        trouble.missing = trouble.missing.saturating_sub(end.wrapping_sub(from));
        true
    }

    /// Another sequence space begins on the link.
    pub(super) fn restart(&mut self, id: TroubleId) {
        if let Some(trouble) = self.list.get_mut(id.0 as usize) {
            trouble.gap = (0, 0);
        }
    }

    /// A frame repeats bytes.
    pub(super) fn repeat(&mut self, id: &mut TroubleId, mark: Mark) {
        self.of(id).first_repeat.set_once(mark);
    }

    pub(super) fn first_repeat(&self, id: TroubleId) -> Mark {
        self.get(id).map_or(Mark::NONE, |trouble| trouble.first_repeat)
    }

    /// Puts back what was said of a link: missing bytes with the end of the gap, the first repeat.
    pub(super) fn restore(&mut self, id: &mut TroubleId, hole: (u32, u32), first_repeat: Mark) {
        if hole.0 == 0 && !first_repeat.is_set() {
            return;
        }
        let trouble = self.of(id);
        trouble.missing = hole.0;
        trouble.gap = (hole.1, hole.1);
        trouble.first_repeat = first_repeat;
    }

    /// Puts back that some link had one.
    pub(super) fn restore_any(&mut self) {
        if self.list.is_empty() {
            self.list.push(Trouble::default());
        }
    }

    /// Whether any link has one.
    pub(super) fn any(&self) -> bool {
        !self.list.is_empty()
    }

    /// The missing bytes and the end of the last gap, where any are missing.
    pub(super) fn hole_of(&self, id: TroubleId) -> Option<(u32, u32)> {
        self.get(id).filter(|trouble| trouble.missing > 0).map(|t| (t.missing, t.gap.1))
    }

    pub(super) fn has_hole(&self, id: TroubleId) -> bool {
        self.get(id).is_some_and(|trouble| trouble.missing > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_closed_by_the_bytes_that_it_lacked() {
        let mut troubles = Troubles::default();
        let mut id = TroubleId::NONE;
        assert!(!troubles.has_hole(id) && !troubles.fills(id, 0, 10));
        troubles.hole(&mut id, 100, 250);
        assert!(troubles.fills(id, 100, 200) && troubles.has_hole(id));
        assert!(troubles.fills(id, 200, 250) && !troubles.has_hole(id));
        assert!(!troubles.fills(id, 100, 200), "bytes that are there again");
    }

    #[test]
    fn what_is_let_go_leaves_nothing_to_the_next() {
        let mut troubles = Troubles::default();
        let mut id = TroubleId::NONE;
        troubles.hole(&mut id, 1, 9);
        troubles.release(id);
        let mut next = TroubleId::NONE;
        troubles.repeat(&mut next, Mark::new(7, crate::capture::Timestamp(1)));
        assert_eq!(next, id);
        assert!(!troubles.has_hole(next));
        assert_eq!(troubles.first_repeat(next).frame(), 7);
        assert_eq!(troubles.first_repeat(TroubleId::NONE), Mark::NONE);
    }
}

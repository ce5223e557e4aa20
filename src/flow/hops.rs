//! The distinct link headers with TTLs of a vantage, and how they are found again.

use super::{Hop, HopId};
use crate::capture::Frame;
use crate::hashed::HashMap;
use crate::wire::Plain;
use std::collections::hash_map::Entry;

/// Distinct link headers with TTL that are kept apart: a director of 10,000 real servers, whose clients are 16
/// distances away, has 160,000. Spoofed MACs make more.
pub(super) const MAX_HOPS: usize = 1 << 18;
/// Hops used lately, compared before the table is asked.
const RECENT: usize = 8;
/// Ways by which a hop is found at once, at most.
const MAX_WAYS: usize = MAX_HOPS;

/// All hops.
#[derive(Debug)]
pub(super) struct Hops {
    list: Vec<Hop>,
    /// By hop: the bytes that it was read from last ([`Plain::way`]).
    read: Vec<Option<[u64; 2]>>,
    ids: HashMap<Hop, HopId>,
    recent: [HopId; RECENT],
    /// Whose place among these is given away next.
    oldest: usize,
    /// Hops by the bytes that they were read from, both words.
    ways: HashMap<u128, HopId>,
}

impl Hops {
    pub(super) fn new() -> Self {
        Self {
            list: Vec::new(),
            read: Vec::new(),
            ids: HashMap::default(),
            recent: [HopId(0); RECENT],
            oldest: 0,
            ways: HashMap::default(),
        }
    }

    pub(super) fn list(&self) -> &[Hop] {
        &self.list
    }

    pub(super) fn into_list(self) -> Vec<Hop> {
        self.list
    }

    /// Whether a hop was read from these bytes last: then it is the segment's.
    #[inline(always)]
    pub(super) fn is(&self, hop: HopId, way: [u64; 2]) -> bool {
        matches!(self.read.get(hop.index()), Some(Some([a, b])) if *a == way[0] && *b == way[1])
    }

    /// Has what [`Self::is`] asks for fetched.
    #[inline(always)]
    pub(super) fn fetch(&self, hop: HopId) -> u32 {
        self.read.get(hop.index()).map_or(0, |read| u32::from(read.is_some()))
    }

    /// The hop that is this one, added where it is new; `None` beyond the bound.
    pub(super) fn id(&mut self, hop: Hop) -> Option<HopId> {
        // Few hops carry most flows: compare before hashing.
        let known = |id: &&HopId| self.list.get(id.index()) == Some(&hop);
        if let Some(&id) = self.recent.iter().find(known) {
            return Some(id);
        }
        let id = match self.ids.entry(hop) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) if self.list.len() < MAX_HOPS => {
                let id = HopId(self.list.len() as u32);
                self.list.push(hop);
                self.read.push(None);
                return Some(*place.insert(id));
            }
            Entry::Vacant(_) => return None,
        };
        self.recent[self.oldest] = id;
        self.oldest = (self.oldest + 1) % RECENT;
        Some(id)
    }

    /// What stands for all hops beyond the bound: nothing is known of them.
    pub(super) fn unknown(&mut self) -> HopId {
        let blank = Hop::default();
        *self.ids.entry(blank).or_insert_with(|| {
            self.list.push(blank);
            self.read.push(None);
            HopId((self.list.len() - 1) as u32)
        })
    }

    /// The hop of a segment that passed by a way ([`Plain::way`]), added where it is new: few serve most. `None`
    /// beyond the bound.
    #[inline(always)]
    pub(super) fn of(&mut self, frame: &Frame<'_>, way: [u64; 2]) -> Option<HopId> {
        let [a, b] = way.map(u128::from);
        let both = a << 64 | b;
        let found = self.ways.get(&both).copied().or_else(|| self.learn(both, frame, way));
        if let Some(read) = found.and_then(|hop| self.read.get_mut(hop.index())) {
            *read = Some(way);
        }
        found
    }

    #[cold]
    fn learn(&mut self, both: u128, frame: &Frame<'_>, way: [u64; 2]) -> Option<HopId> {
        let link = Plain::link(frame).unwrap_or_default();
        let hop = self.id(Hop { link, ttl: Plain::ttl(way) })?;
        if self.ways.len() < MAX_WAYS {
            self.ways.insert(both, hop);
        }
        Some(hop)
    }
}

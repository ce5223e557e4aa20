//! How legs passed their vantages: few ways serve most flows, so they are shared,
//! and what follows looks at each way once instead of at every link again.

use crate::flow::{Flow, HopId, Observations, Reset, VantageId};
use crate::hashed::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{Hash, Hasher};

/// Links of a way that is shared; flows with more are looked at one by one.
const MAX_LINKS: usize = 2;
/// Ways that are compared before the table is asked.
const RECENT: usize = 8;
/// Ways that are kept apart: a bound for captures that make up a MAC for each packet. A data centre
/// of 40,000 real servers has four for each.
const MAX_WAYS: usize = 1 << 20;

/// Index of a way, or none where the flow has more links than ways have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkSequenceId(u32);

impl LinkSequenceId {
    /// No way.
    pub const NONE: Self = Self(u32::MAX);

    /// The number that tells it from others.
    #[inline]
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

/// The links of one direction at one vantage, in the order of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkSequence {
    vantage: VantageId,
    links: u8,
    opening: [bool; MAX_LINKS],
    /// It carried more than a lone reset, which answers for nobody.
    pub speaks: bool,
    hops: [u32; MAX_LINKS],
}

impl Hash for LinkSequence {
    /// Asked for every flow of a large data centre: two words.
    fn hash<H: Hasher>(&self, state: &mut H) {
        for word in self.words() {
            state.write_u64(word);
        }
    }
}

impl LinkSequence {
    /// All of it.
    #[inline]
    fn words(&self) -> [u64; 2] {
        let [a, b] = self.hops.map(u64::from);
        let [first, second] = self.opening.map(u64::from);
        let kind = u64::from(self.speaks) << 2 | first << 1 | second;
        [a << 32 | b, u64::from(self.vantage.0) << 16 | u64::from(self.links) << 8 | kind]
    }

    fn of(flow: &Flow, vantage: VantageId, vantages: &[Observations]) -> Option<Self> {
        let mut way = Self { vantage, speaks: speaks(flow), ..Self::default() };
        for link in vantages[vantage.index()].links_of(flow) {
            let at = usize::from(way.links);
            *way.hops.get_mut(at)? = link.hop.0;
            way.opening[at] = link.syns > 0;
            way.links += 1;
        }
        Some(way)
    }

    /// The vantage that it passed.
    #[must_use]
    pub fn vantage(&self) -> VantageId {
        self.vantage
    }

    /// How many links it has.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.links)
    }

    /// Whether nothing was seen of this direction.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links == 0
    }

    /// Its hops at its vantage, in the order of use.
    pub fn hops(&self) -> impl Iterator<Item = HopId> {
        self.hops.into_iter().take(self.len()).map(HopId)
    }

    /// Those of its hops that a SYN or SYN-ACK took.
    pub fn opening(&self) -> impl Iterator<Item = HopId> {
        self.hops().zip(self.opening).filter(|(_, opening)| *opening).map(|(hop, _)| hop)
    }

    /// The first hop at its vantage.
    #[must_use]
    pub fn first(&self) -> Option<HopId> {
        (self.links > 0).then_some(HopId(self.hops[0]))
    }
}

/// Whether a flow says more than a lone reset does.
#[must_use]
pub fn speaks(flow: &Flow) -> bool {
    flow.syn.is_set() || flow.ack.is_set() || flow.payload > 0 || flow.reset == Reset::Refused
}

/// All distinct ways.
#[derive(Debug, Clone)]
pub struct LinkSequences {
    list: Vec<LinkSequence>,
    ids: HashMap<LinkSequence, LinkSequenceId>,
    recent: [([u64; 2], u32); RECENT],
    /// Whose place among these is given away next.
    oldest: usize,
}

impl Default for LinkSequences {
    fn default() -> Self {
        // No way has these words.
        let recent = [([u64::MAX; 2], u32::MAX); RECENT];
        Self { list: Vec::new(), ids: HashMap::default(), recent, oldest: 0 }
    }
}

impl LinkSequences {
    /// A way; `None` where a flow has one of its own.
    #[inline]
    #[must_use]
    pub fn get(&self, id: LinkSequenceId) -> Option<&LinkSequence> {
        self.list.get(id.0 as usize)
    }

    /// All of them, in the order of their ids' numbers.
    pub fn iter(&self) -> impl Iterator<Item = &LinkSequence> {
        self.list.iter()
    }

    pub(super) fn id(
        &mut self,
        flow: &Flow,
        vantage: VantageId,
        vantages: &[Observations],
    ) -> LinkSequenceId {
        let way = LinkSequence::of(flow, vantage, vantages);
        way.map_or(LinkSequenceId::NONE, |way| self.intern(way))
    }

    /// Takes in the ways of another list, and gives each one's place here.
    pub(super) fn take_in(&mut self, other: &Self) -> Vec<LinkSequenceId> {
        other.list.iter().map(|way| self.intern(*way)).collect()
    }

    #[inline]
    fn intern(&mut self, way: LinkSequence) -> LinkSequenceId {
        let words = way.words();
        let same = |(known, _): &&([u64; 2], u32)| *known == words;
        if let Some((_, id)) = self.recent.iter().find(same) {
            return LinkSequenceId(*id);
        }
        let next = self.list.len();
        let id = match self.ids.entry(way) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(_) if next >= MAX_WAYS => return LinkSequenceId::NONE,
            Entry::Vacant(place) => {
                self.list.push(way);
                *place.insert(LinkSequenceId(next as u32))
            }
        };
        self.recent[self.oldest] = (words, id.0);
        self.oldest = (self.oldest + 1) % RECENT;
        id
    }
}

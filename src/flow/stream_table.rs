//! Five-tuples to streams: the current incarnation of each.

use super::{Key, Looker, Stream, StreamId};
use hashbrown::HashTable;

/// Places for streams seen lately, 32 KiB of them, and how many a vantage begins with.
const NEAR: usize = 1 << 12;
const FEW: usize = 1 << 4;
/// No stream.
const NOBODY: (u32, StreamId) = (0, StreamId::MAX);

/// Which stream a key has now.
#[derive(Debug)]
pub(super) struct StreamTable {
    /// Hash and stream: growing the table must not touch the streams.
    entries: HashTable<(u32, StreamId)>,
    /// Streams seen lately, by hash: the table lies far away in memory.
    near: Vec<(u32, StreamId)>,
    /// How often a key was given to another stream, or lost its own.
    moves: u32,
    looker: Looker,
}

/// The table takes its place from the low bits and its tag from the high ones.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl StreamTable {
    /// `looker` makes the hashes.
    pub(super) fn new(looker: Looker) -> Self {
        Self { entries: HashTable::new(), near: vec![NOBODY; FEW], moves: 0, looker }
    }

    /// What a key is looked for by.
    #[inline(always)]
    pub(super) fn hash(&self, key: &Key) -> u32 {
        self.looker.hash(key)
    }

    /// Who makes the hashes.
    #[inline(always)]
    pub(super) fn looker(&self) -> &Looker {
        &self.looker
    }

    /// Changes whenever a key was given to another stream, or lost its own.
    #[inline]
    pub(super) fn moves(&self) -> u32 {
        self.moves
    }

    /// The stream that a hash most likely leads to; [`StreamId::MAX`] where it leads to none.
    #[inline(always)]
    pub(super) fn likely(&self, hash: u32) -> StreamId {
        let (known, id) = self.near[self.near_of(hash)];
        if known == hash && id != StreamId::MAX {
            return id;
        }
        let found = self.entries.find(spread(hash), |(known, _)| *known == hash);
        found.map_or(StreamId::MAX, |(_, id)| *id)
    }

    /// The stream of a key.
    #[inline]
    pub(super) fn find(&mut self, hash: u32, key: &Key, streams: &[Stream]) -> Option<StreamId> {
        let same = |&(h, id): &(u32, StreamId)| h == hash && streams[id as usize].key == *key;
        let near = self.near_of(hash);
        let entry = self.near[near];
        if entry.1 != StreamId::MAX && same(&entry) {
            return Some(entry.1);
        }
        let (_, id) = *self.entries.find(spread(hash), same)?;
        self.near[near] = (hash, id);
        Some(id)
    }

    /// Gives a key that has none its first stream, one of so many.
    pub(super) fn insert(&mut self, hash: u32, id: StreamId, streams: usize) {
        self.entries.insert_unique(spread(hash), (hash, id), |entry| spread(entry.0));
        let near = self.near_of(hash);
        self.near[near] = (hash, id);
        if self.near.len() < NEAR && streams > self.near.len() {
            self.near = vec![NOBODY; NEAR];
        }
    }

    /// Gives the key of a stream to another.
    pub(super) fn replace(&mut self, hash: u32, old: StreamId, new: StreamId) {
        self.moves = self.moves.wrapping_add(1);
        if let Some(entry) = self.entries.find_mut(spread(hash), |entry| entry.1 == old) {
            entry.1 = new;
        }
        let near = self.near_of(hash);
        self.near[near] = (hash, new);
    }

    /// Forgets which stream a key had, if it was this one.
    pub(super) fn remove(&mut self, hash: u32, id: StreamId) {
        self.moves = self.moves.wrapping_add(1);
        let near = self.near_of(hash);
        self.near[near] = NOBODY;
        if let Ok(entry) = self.entries.find_entry(spread(hash), |entry| entry.1 == id) {
            entry.remove();
        }
    }

    /// Where a stream of this hash is looked for first.
    #[inline(always)]
    fn near_of(&self, hash: u32) -> usize {
        hash as usize & (self.near.len() - 1)
    }
}

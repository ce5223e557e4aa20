//! Connections by what detectors ask for: sorted once, so that no detector walks all of
//! them for each service or host.

use crate::trace::ConnectionId;
use std::collections::HashMap;
use std::hash::Hash;

/// Connections by a key, each key's in the order in which they began.
#[derive(Debug)]
pub(in crate::diagnose) struct Index<K> {
    ids: Vec<ConnectionId>,
    /// Where a key's connections lie.
    spans: HashMap<K, (u32, u32)>,
}

impl<K: Copy + Ord + Hash> Index<K> {
    /// Of pairs that come in the order of the connections.
    pub(super) fn of(pairs: impl Iterator<Item = (K, ConnectionId)>) -> Self {
        let mut pairs: Vec<(K, ConnectionId)> = pairs.collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut spans = HashMap::new();
        let mut from = 0;
        for set in pairs.chunk_by(|a, b| a.0 == b.0) {
            let to = from + set.len() as u32;
            spans.insert(set[0].0, (from, to));
            from = to;
        }
        Self { ids: pairs.into_iter().map(|(_, id)| id).collect(), spans }
    }

    /// The connections of a key.
    pub(in crate::diagnose) fn get(&self, key: K) -> &[ConnectionId] {
        let (from, to) = self.spans.get(&key).copied().unwrap_or_default();
        &self.ids[from as usize..to as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_own_connections_in_order() {
        let id = ConnectionId;
        let pairs = [('b', id(0)), ('a', id(1)), ('b', id(2)), ('b', id(2)), ('a', id(3))];
        let index = Index::of(pairs.into_iter());
        assert_eq!(index.get('a'), [id(1), id(3)]);
        assert_eq!(index.get('b'), [id(0), id(2)]);
        assert_eq!(index.get('c'), []);
    }
}

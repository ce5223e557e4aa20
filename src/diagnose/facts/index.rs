//! Connections by what detectors ask for: sorted once, so that no detector walks all of
//! them for each service or host.

use super::connection::each_once;
use crate::correlate::Connection;
use crate::hashed::HashMap;
use crate::topology::{HostId, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::OnceLock;

/// Connections by a key, each key's in the order in which they began.
#[derive(Debug)]
struct Index<K> {
    ids: Vec<ConnectionId>,
    /// Where a key's connections lie.
    spans: HashMap<K, (u32, u32)>,
}

impl<K: Copy + Ord + Hash> Index<K> {
    /// Of pairs that come in the order of the connections.
    fn of(pairs: impl Iterator<Item = (K, ConnectionId)>) -> Self {
        let pairs: Vec<(K, ConnectionId)> = each_once(pairs);
        let mut spans = HashMap::default();
        let mut from = 0;
        for set in pairs.chunk_by(|a, b| a.0 == b.0) {
            let to = from + set.len() as u32;
            spans.insert(set[0].0, (from, to));
            from = to;
        }
        Self { ids: pairs.into_iter().map(|(_, id)| id).collect(), spans }
    }

    /// The connections of a key.
    fn get(&self, key: K) -> &[ConnectionId] {
        let (from, to) = self.spans.get(&key).copied().unwrap_or_default();
        &self.ids[from as usize..to as usize]
    }
}

/// Connections with their ids, in the order in which they began.
pub trait Listed<'a>: ExactSizeIterator<Item = (ConnectionId, &'a Connection)> + Clone {}

impl<'a, T: ExactSizeIterator<Item = (ConnectionId, &'a Connection)> + Clone> Listed<'a> for T {}

/// A trace with its connections sorted by what detectors ask for, each index made once.
#[derive(Debug)]
pub struct Indexed<'a> {
    /// What was captured.
    pub trace: &'a Trace,
    requests_to: OnceLock<Index<ServiceId>>,
    requests_at: OnceLock<Index<HostId>>,
    requests_from: OnceLock<Index<Ip>>,
    requests_between: OnceLock<Index<(ServiceId, HostId)>>,
    requests_to_address: OnceLock<Index<Ip>>,
    connections_to_host: OnceLock<Index<HostId>>,
    connections_to_address: OnceLock<Index<Ip>>,
    connections_of: OnceLock<Index<(Ip, u16)>>,
}

impl<'a> Indexed<'a> {
    /// Of a trace; nothing is computed yet.
    #[must_use]
    pub fn new(trace: &'a Trace) -> Self {
        Self {
            trace,
            requests_to: OnceLock::new(),
            requests_at: OnceLock::new(),
            requests_from: OnceLock::new(),
            requests_between: OnceLock::new(),
            requests_to_address: OnceLock::new(),
            connections_to_host: OnceLock::new(),
            connections_to_address: OnceLock::new(),
            connections_of: OnceLock::new(),
        }
    }

    /// Requests to a service.
    pub fn requests_to(&self, service: ServiceId) -> impl Listed<'_> {
        let ids = || self.requests().map(|(id, _)| (self.service_of(id), id));
        self.listed(self.requests_to.get_or_init(|| Index::of(ids())).get(service))
    }

    /// Requests to all services at an address.
    pub fn requests_to_address(&self, vip: Ip) -> impl Listed<'_> {
        let ids = || self.requests().map(|(id, _)| (self.service(id).vip, id));
        self.listed(self.requests_to_address.get_or_init(|| Index::of(ids())).get(vip))
    }

    /// Requests whose real server is a host.
    pub fn requests_at(&self, host: HostId) -> impl Listed<'_> {
        let at = |id| Some((self.server(id)?.host?, id));
        let ids = || self.requests().filter_map(|(id, _)| at(id));
        self.listed(self.requests_at.get_or_init(|| Index::of(ids())).get(host))
    }

    /// Requests of a client.
    pub fn requests_from(&self, client: Ip) -> impl Listed<'_> {
        let ids = || self.requests().map(|(id, c)| (c.front.client.0, id));
        self.listed(self.requests_from.get_or_init(|| Index::of(ids())).get(client))
    }

    /// Requests to a service whose real server is a host.
    pub fn requests_between(&self, service: ServiceId, host: HostId) -> impl Listed<'_> {
        let between = |id| Some(((self.service_of(id), self.server(id)?.host?), id));
        let ids = || self.requests().filter_map(|(id, _)| between(id));
        self.listed(self.requests_between.get_or_init(|| Index::of(ids())).get((service, host)))
    }

    /// All connections, requests or not, whose first destination is an address of a host.
    pub fn connections_to_host(&self, host: HostId) -> impl Listed<'_> {
        let ids =
            || self.iter().filter_map(|(id, c)| Some((self.host_by_ip(c.front.server.0)?, id)));
        self.listed(self.connections_to_host.get_or_init(|| Index::of(ids())).get(host))
    }

    /// All connections, requests or not, whose first destination is an address.
    pub fn connections_to_address(&self, address: Ip) -> impl Listed<'_> {
        let ids = || self.iter().map(|(id, c)| (c.front.server.0, id));
        self.listed(self.connections_to_address.get_or_init(|| Index::of(ids())).get(address))
    }

    /// All connections, requests or not, that a client opened from a port.
    pub fn connections_of(&self, client: (Ip, u16)) -> impl Listed<'_> {
        let ids = || self.iter().map(|(id, c)| (c.front.client, id));
        self.listed(self.connections_of.get_or_init(|| Index::of(ids())).get(client))
    }

    fn listed<'b>(&'b self, ids: &'b [ConnectionId]) -> impl Listed<'b> {
        ids.iter().map(|id| (*id, self.connection(*id)))
    }
}

impl Deref for Indexed<'_> {
    type Target = Trace;

    fn deref(&self) -> &Trace {
        self.trace
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

//! What nodes of a cluster say of their pods: answers on a health-check port
//! (`healthCheckNodePort` of a Kubernetes service with `externalTrafficPolicy: Local`).
//!
//! Looked at in the first payload of each side alone, and only after `GET /healthz`. The
//! answer must name `localEndpoints`, or it is some program's own (kube-proxy,
//! pkg/proxy/healthcheck/service_health.go). Kept by endpoint, bounded.

use super::{Key, Mark, Side, StreamId};
use crate::wire::{Ip, Tcp, http};
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap};

const ASKS: &[u8] = b"GET /healthz";
const NAMES: &[u8] = b"localEndpoints";
/// Endpoints that are kept, and questions that wait for their answer.
const MAX_ENDPOINTS: usize = 1 << 10;
const MAX_WAITING: usize = 1 << 12;

/// What one endpoint said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LocalEndpoints {
    /// Answers of status 200: it has a pod of the service.
    pub some: u32,
    /// Answers of status 503: it has none.
    pub none: u32,
    /// The first answer of status 200.
    pub first_some: Mark,
    /// The first answer of status 503.
    pub first_none: Mark,
}

/// Those of one vantage.
#[derive(Debug, Clone, Default)]
pub(super) struct Health {
    waiting: HashMap<StreamId, Side, RandomState>,
    said: BTreeMap<(Ip, u16), LocalEndpoints>,
}

impl Health {
    /// Takes in the first payload of a side.
    #[inline]
    pub fn see(&mut self, id: StreamId, side: Side, mark: Mark, key: &Key, tcp: &Tcp<'_>) {
        if tcp.payload.starts_with(ASKS) {
            if self.waiting.len() < MAX_WAITING {
                self.waiting.insert(id, side);
            }
        } else if !self.waiting.is_empty() && self.waiting.get(&id) == Some(&side.other()) {
            self.waiting.remove(&id);
            if tcp.payload.windows(NAMES.len()).any(|w| w == NAMES) {
                self.add((key.ip(side), key.port(side)), mark, tcp.payload);
            }
        }
    }

    fn add(&mut self, endpoint: (Ip, u16), mark: Mark, payload: &[u8]) {
        if self.said.len() >= MAX_ENDPOINTS && !self.said.contains_key(&endpoint) {
            return;
        }
        let said = self.said.entry(endpoint).or_default();
        match http::status(payload) {
            Some(200) => {
                said.some += 1;
                said.first_some.set_once(mark);
            }
            Some(503) => {
                said.none += 1;
                said.first_none.set_once(mark);
            }
            _ => {}
        }
    }

    pub fn said(&self) -> &BTreeMap<(Ip, u16), LocalEndpoints> {
        &self.said
    }

    /// Forgets a stream that is let go.
    pub fn forget(&mut self, id: StreamId) {
        self.waiting.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testkit::said;
    use super::*;
    use crate::capture::Timestamp;

    #[test]
    fn only_what_names_local_endpoints_counts() {
        let mut health = Health::default();
        let node = (Ip::v4([192, 0, 2, 9]), 32_000);
        let (key, asker) =
            Key::of(crate::wire::Protocol::TCP, (Ip::v4([192, 0, 2, 1]), 50_000), node, 0, None);
        let mark = |n| Mark::new(n, Timestamp(0));
        let talks: [(&[u8], &[u8]); 4] = [
            (
                b"GET /healthz HTTP/1.1\r\n",
                b"HTTP/1.1 503 Unavailable\r\n\r\n{\"localEndpoints\": 0}",
            ),
            (b"GET /healthz HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n\r\n{\"localEndpoints\": 1}"),
            (b"GET /healthz HTTP/1.1\r\n", b"HTTP/1.1 503 Unavailable\r\n\r\nbroken"),
            (b"GET / HTTP/1.1\r\n", b"HTTP/1.1 503 Unavailable\r\n\r\n{\"localEndpoints\": 0}"),
        ];
        for (n, (ask, answer)) in talks.iter().enumerate() {
            let n = n as u32;
            health.see(n, asker, mark(2 * n + 1), &key, &said(ask));
            health.see(n, asker.other(), mark(2 * n + 2), &key, &said(answer));
        }
        let of_node = LocalEndpoints { some: 1, none: 1, first_some: mark(4), first_none: mark(2) };
        assert_eq!(health.said().get(&node), Some(&of_node));
        assert_eq!(health.said().len(), 1);
    }
}

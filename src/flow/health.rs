//! What nodes of a cluster say of their pods: answers on a health-check port
//! (`healthCheckNodePort` of a Kubernetes service with `externalTrafficPolicy: Local`).
//!
//! Looked at in the first payload of each side alone, and only after `GET /healthz`. The
//! answer must name `localEndpoints`, or it is some program's own (kube-proxy,
//! pkg/proxy/healthcheck/service_health.go). Kept by endpoint, bounded.
//!
//! Also which streams begin with the request of a program that asks for health and says so
//! in `User-Agent`, and which are first answered with an HTTP error (RFC 9110, sections
//! 15.5 and 15.6). That a node has no pod is no error: it is what the port is for; nor that a server
//! has another role than the one that it is asked for ([`Roles`]).

use super::roles::{self, Roles};
use super::{Key, Mark, Side, StreamId};
use crate::hashed::{HashMap, HashSet};
use crate::wire::{Ip, Tcp, http, location};
use std::collections::BTreeMap;
use std::net::IpAddr;

const ASKS: &[u8] = b"GET /healthz";
const NAMES: &[u8] = b"localEndpoints";
/// Endpoints that are kept, and questions that wait for their answer.
const MAX_ENDPOINTS: usize = 1 << 10;
const MAX_WAITING: usize = 1 << 12;
/// Streams that are kept as checks, and as answered with an error.
const MAX_STREAMS: usize = 1 << 16;
/// What asks for health calls itself: the documented beginnings of `User-Agent` of kubelet,
/// Elastic Load Balancing, Route 53, Google Cloud, Azure Load Balancer, Consul and Envoy.
const PROBERS: [&[u8]; 7] = [
    b"kube-probe/",
    b"ELB-HealthChecker/",
    b"Amazon-Route53-Health-Check-Service",
    b"GoogleHC/",
    b"Load Balancer Agent",
    b"Consul Health Check",
    b"Envoy/HC",
];
const AGENT: &[u8] = b"user-agent: ";
/// Bytes of a request that are searched for its agent.
const HEAD: usize = 1024;
/// Methods that checks of health use.
const CHECKS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// Whether Google Cloud checks health from an address, and its proxies call servers for clients
/// (35.191.0.0/16, 130.211.0.0/22): only what is asked tells the two.
#[must_use]
pub fn is_googles(ip: Ip) -> bool {
    let IpAddr::V4(ip) = ip.addr() else { return false };
    matches!(ip.octets(), [35, 191, ..] | [130, 211, 0..=3, _])
}

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
    waiting: HashMap<StreamId, Side>,
    pub(super) said: BTreeMap<(Ip, u16), LocalEndpoints>,
    /// Whether a stream's request says that it asks for health; `false` is kept of addresses
    /// alone that ask for clients as well.
    pub(super) probes: HashMap<StreamId, bool>,
    pub(super) errors: HashMap<StreamId, (Mark, u16)>,
    roles: Roles,
    /// Streams that are first answered with a redirect.
    redirected: HashSet<StreamId>,
}

impl Health {
    /// Takes in the first payload of a side.
    #[inline]
    pub fn see(&mut self, id: StreamId, side: Side, mark: Mark, key: &Key, tcp: &Tcp<'_>) {
        match tcp.payload.first() {
            Some(b'G' | b'H' | b'O') if is_probe(tcp.payload) || is_of_role(tcp.payload) => {
                self.probe(id, true);
                if let Some(role) = roles::asked(tcp.payload) {
                    let server = (key.ip(side.other()), key.port(side.other()));
                    self.roles.ask(id, role, key.ip(side), server);
                }
            }
            Some(b'H') if tcp.payload.starts_with(b"HTTP/") => self.answer(id, mark, tcp.payload),
            Some(b'C' | b'D' | b'G' | b'H' | b'O' | b'P')
                if is_googles(key.ip(side)) && is_request(tcp.payload) =>
            {
                self.probe(id, false);
            }
            _ => {}
        }
        if tcp.payload.starts_with(ASKS) {
            if self.waiting.len() < MAX_WAITING {
                self.waiting.insert(id, side);
            }
        } else if !self.waiting.is_empty() && self.waiting.get(&id) == Some(&side.other()) {
            self.waiting.remove(&id);
            if names_local_endpoints(tcp.payload) {
                self.add((key.ip(side), key.port(side)), mark, tcp.payload);
            }
        }
    }

    fn probe(&mut self, id: StreamId, says_so: bool) {
        if self.probes.len() < MAX_STREAMS {
            self.probes.insert(id, says_so);
        }
    }

    fn answer(&mut self, id: StreamId, mark: Mark, payload: &[u8]) {
        let status = http::status(payload);
        if status.is_some_and(|s| location::REDIRECTS.contains(&s))
            && self.redirected.len() < MAX_STREAMS
        {
            self.redirected.insert(id);
        }
        if self.roles.answer(id, mark, status) {
            return;
        }
        if let Some(status) = status.filter(|status| *status >= 400)
            && self.errors.len() < MAX_STREAMS
            && !names_local_endpoints(payload)
        {
            self.errors.entry(id).or_insert((mark, status));
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

    /// Takes for errors what only the end shows to be some.
    pub fn settle(&mut self) {
        for (id, mark, status) in self.roles.nobodys() {
            if self.errors.len() < MAX_STREAMS {
                self.errors.entry(id).or_insert((mark, status));
            }
        }
    }

    pub fn said(&self) -> &BTreeMap<(Ip, u16), LocalEndpoints> {
        &self.said
    }

    pub fn is_probe(&self, id: StreamId) -> Option<bool> {
        self.probes.get(&id).copied()
    }

    pub fn error(&self, id: StreamId) -> Option<(Mark, u16)> {
        self.errors.get(&id).copied()
    }

    pub fn is_redirected(&self, id: StreamId) -> bool {
        self.redirected.contains(&id)
    }

    /// Forgets a stream that is let go.
    pub fn forget(&mut self, id: StreamId) {
        self.waiting.remove(&id);
        self.probes.remove(&id);
        self.roles.forget(id);
        self.errors.remove(&id);
        self.redirected.remove(&id);
    }
}

/// Whether an answer says how many pods of a service its node has: the status that comes with it is what the port is
/// for.
pub(super) fn names_local_endpoints(payload: &[u8]) -> bool {
    payload.windows(NAMES.len()).any(|w| w == NAMES)
}

/// Whether a request is of a program that asks for health and says so.
fn is_probe(payload: &[u8]) -> bool {
    http::method(payload).is_some_and(|method| CHECKS.contains(&method))
        && agent(payload).is_some_and(|agent| PROBERS.iter().any(|name| agent.starts_with(name)))
}

/// Whether a request asks for a role of its server: balancers name no agent, as clients do.
fn is_of_role(payload: &[u8]) -> bool {
    roles::asked(payload).is_some() && agent(payload).is_none()
}

/// Whether a request says by its method or its agent that it is no check.
fn is_request(payload: &[u8]) -> bool {
    let method = http::method(payload);
    method.is_some_and(|method| !CHECKS.contains(&method) || agent(payload).is_some())
}

/// What a request says of who asks.
fn agent(payload: &[u8]) -> Option<&[u8]> {
    let head = &payload[..payload.len().min(HEAD)];
    let begins = |end: &usize| matches!(head.get(end + 1), Some(b'u' | b'U'));
    memchr::memchr_iter(b'\n', head).filter(begins).find_map(|end| {
        let (name, agent) = head[end + 1..].split_at_checked(AGENT.len())?;
        name.eq_ignore_ascii_case(AGENT).then_some(agent)
    })
}

#[cfg(test)]
mod tests {
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
            health.see(n, asker, mark(2 * n + 1), &key, &Tcp::example(ask));
            health.see(n, asker.other(), mark(2 * n + 2), &key, &Tcp::example(answer));
        }
        let of_node = LocalEndpoints { some: 1, none: 1, first_some: mark(4), first_none: mark(2) };
        assert_eq!(health.said().get(&node), Some(&of_node));
        assert_eq!(health.said().len(), 1);
        // Its own word on its pods is no error; what else it says is.
        let errors: Vec<_> = (0..4).map(|n| health.error(n).map(|(_, status)| status)).collect();
        assert_eq!(errors, [None, None, Some(503), None]);
    }

    #[test]
    fn who_asks_for_health_says_so() {
        let mut health = Health::default();
        let (key, asker) = Key::of(
            crate::wire::Protocol::TCP,
            (Ip::v4([192, 0, 2, 1]), 50_000),
            (Ip::v4([192, 0, 2, 9]), 8080),
            0,
            None,
        );
        let asks: [&[u8]; 4] = [
            b"GET /ready HTTP/1.1\r\nHost: x\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\r\n",
            b"HEAD / HTTP/1.1\r\nuser-agent: Envoy/HC\r\n\r\n",
            b"GET / HTTP/1.1\r\nUser-Agent: curl (like kube-probe/1)\r\n\r\n",
            b"POST / HTTP/1.1\r\nUser-Agent: kube-probe/1.29\r\n\r\n",
        ];
        for (n, ask) in asks.iter().enumerate() {
            health.see(n as u32, asker, Mark::new(1, Timestamp(0)), &key, &Tcp::example(ask));
        }
        let known: Vec<_> = (0..4).map(|n| health.is_probe(n)).collect();
        assert_eq!(known, [Some(true), Some(true), None, None]);
    }

    #[test]
    fn from_where_both_come_the_request_tells_a_check_from_a_clients() {
        let mut health = Health::default();
        let from = (Ip::v4([35, 191, 8, 60]), 50_000);
        let server = (Ip::v4([192, 0, 2, 9]), 8080);
        let (key, asker) = Key::of(crate::wire::Protocol::TCP, from, server, 0, None);
        let asks: [&[u8]; 4] = [
            b"GET /ready HTTP/1.1\r\nUser-Agent: GoogleHC/1.0\r\n\r\n",
            b"GET / HTTP/1.1\r\nUser-Agent: curl/8\r\nVia: 1.1 google\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: shop\r\n",
            // Cut before it says who asks.
            b"GET / HTTP/1.1\r\nHost: shop\r\n",
        ];
        for (n, ask) in asks.iter().enumerate() {
            health.see(n as u32, asker, Mark::new(1, Timestamp(0)), &key, &Tcp::example(ask));
        }
        let known: Vec<_> = (0..4).map(|n| health.is_probe(n)).collect();
        assert_eq!(known, [Some(true), Some(false), Some(false), None]);
    }
}

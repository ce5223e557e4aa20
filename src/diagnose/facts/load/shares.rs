//! How a service's connections are spread over its real servers, and by whom they come.

use crate::diagnose::Facts;
use crate::diagnose::thresholds::{
    SCHEDULER_IMBALANCE_EFFECT, SCHEDULER_IMBALANCE_MIN_CHECKS,
    SCHEDULER_IMBALANCE_MIN_CONNECTIONS, SCHEDULER_IMBALANCE_MIN_EXPECTED,
    SCHEDULER_IMBALANCE_ONE_IN, SCHEDULER_IMBALANCE_Z,
};
use crate::hashed::{HashMap, HashSet};
use crate::topology::{HostId, Mode, RealServer, Service};
use crate::trace::{ConnectionId, Trace};
use crate::wire::{Ip, Protocol};
use std::collections::{BTreeMap, BTreeSet};

/// Client addresses that are told apart.
pub(in crate::diagnose) const MAX_CLIENTS: usize = 1 << 16;

/// Whether a director was seen to choose the real server of a connection.
pub(in crate::diagnose) fn was_sent(trace: &Trace, id: ConnectionId) -> bool {
    let service = trace.service(id);
    match service.mode {
        Mode::Nat | Mode::FullNat => trace.connection(id).back.is_some(),
        _ => trace.route(id).forward.iter().any(|s| s.from.is_some_and(|h| service.is_director(h))),
    }
}

/// Whether the captures would show every connection of a service.
pub(in crate::diagnose) fn watched(trace: &Trace, service: &Service) -> bool {
    let captured = |host: Option<HostId>| host.is_some_and(|h| trace.is_captured(h));
    service.directors.iter().any(|d| captured(Some(d.host)))
        || service.real_servers.iter().all(|r| captured(r.host))
}

/// How many connections of a service went where.
pub(in crate::diagnose) struct Pool {
    pub requests: u64,
    pub failed: u64,
    /// By real server: in the first half and in the second.
    pub counts: Vec<[u64; 2]>,
}

impl Pool {
    pub fn new(service: &Service) -> Self {
        let layer4 = service.mode.is_layer_4();
        let servers = if layer4 && !service.is_backend { service.real_servers.len() } else { 0 };
        Self { requests: 0, failed: 0, counts: vec![[0, 0]; servers] }
    }

    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Whether nearly all connections are accounted for, and nearly none failed:
    /// who retries elsewhere makes shares of his own.
    pub fn is_whole(&self) -> bool {
        self.total() >= SCHEDULER_IMBALANCE_MIN_CONNECTIONS
            && (self.requests - self.total()) * SCHEDULER_IMBALANCE_ONE_IN <= self.requests
            && self.failed * SCHEDULER_IMBALANCE_ONE_IN <= self.requests
    }

    pub fn of(&self, at: usize) -> u64 {
        self.counts[at].iter().sum()
    }

    /// Indexes of the busiest and the least busy server.
    pub fn ends(&self) -> Option<(usize, usize)> {
        let all = || 0..self.counts.len();
        let busiest = all().max_by_key(|at| (self.of(*at), std::cmp::Reverse(*at)))?;
        let least = all().min_by_key(|at| self.of(*at))?;
        (busiest != least).then_some((busiest, least))
    }

    pub fn is_uneven(&self) -> bool {
        let Some((busiest, least)) = self.ends() else { return false };
        let totals: Vec<u64> = (0..self.counts.len()).map(|at| self.of(at)).collect();
        self.total() >= SCHEDULER_IMBALANCE_MIN_EXPECTED * self.counts.len() as u64
            && is_no_chance(&totals)
            && [0, 1].iter().all(|half| {
                let (most, few) = (self.counts[busiest][*half], self.counts[least][*half]);
                most > 0 && most >= SCHEDULER_IMBALANCE_EFFECT * few
            })
    }
}

/// Whether counts differ from an even split with p < 0.001: Pearson's chi-square
/// in the approximation of Wilson and Hilferty (1931), which is within 3 % there.
pub(in crate::diagnose) fn is_no_chance(counts: &[u64]) -> bool {
    let total: u64 = counts.iter().sum();
    if counts.len() < 2 || total == 0 {
        return false;
    }
    let expected = total as f64 / counts.len() as f64;
    let square = counts.iter().map(|n| (*n as f64 - expected).powi(2) / expected).sum::<f64>();
    let freedom = (counts.len() - 1) as f64;
    let part = 2.0 / (9.0 * freedom);
    ((square / freedom).cbrt() - (1.0 - part)) / part.sqrt() > SCHEDULER_IMBALANCE_Z
}

/// Directors with their real servers, and the port there, of services whose mode is known.
pub(in crate::diagnose) type Serving = HashSet<(HostId, HostId, u16)>;

/// All of them. What a host serves for another director, or on another port, is another pool's.
pub(in crate::diagnose) fn serving(trace: &Trace) -> Serving {
    let mut serving = Serving::default();
    for service in trace.topology.services.iter().filter(|s| s.mode != Mode::Unknown) {
        for director in &service.directors {
            let servers = service.real_servers.iter();
            serving.extend(servers.filter_map(|r| Some((director.host, r.host?, r.port))));
        }
    }
    serving
}

/// Answered connections to hosts that serve nothing there for who asks, on a port that no balanced service is on, where
/// one of the two was captured: by who asked, port and protocol, how many each address had. Health checks of
/// members without a share are among them.
pub(in crate::diagnose) type Asked = HashMap<(HostId, u16, Protocol), BTreeMap<Ip, u32>>;

pub(in crate::diagnose) fn asked(trace: &Trace, serving: &Serving) -> Asked {
    let mut asked = Asked::default();
    for (id, c) in trace.iter().filter(|(_, c)| c.progress.established && c.progress.answered) {
        let (ip, port) = c.front.server;
        if trace.service(id).mode == Mode::Unknown
            && let Some(host) = trace.host_by_ip(ip)
            && let Some(asker) = trace.host_by_ip(c.front.client.0)
            && (trace.is_captured(host) || trace.is_captured(asker))
            && !serving.contains(&(asker, host, port))
        {
            *asked.entry((asker, port, c.protocol)).or_default().entry(ip).or_default() += 1;
        }
    }
    asked
}

/// Hosts whose port of the pool answers the director's own
/// connections, and that serve nothing of it there: members without a share.
pub(in crate::diagnose) fn idle(facts: &Facts, service: &Service) -> Vec<RealServer> {
    let ports: BTreeSet<u16> = service.real_servers.iter().map(|r| r.port).collect();
    let directors: BTreeSet<HostId> = service.directors.iter().map(|d| d.host).collect();
    let mut checks: BTreeMap<(Ip, u16), u32> = BTreeMap::new();
    for (host, port) in
        directors.iter().flat_map(|host| ports.iter().map(move |port| (*host, *port)))
    {
        for (ip, n) in
            facts.asked_of_idle().get(&(host, port, service.protocol)).into_iter().flatten()
        {
            *checks.entry((*ip, port)).or_default() += n;
        }
    }
    let member = |((ip, port), n): ((Ip, u16), u32)| {
        let host = facts.host_by_ip(ip)?;
        let mac = facts.topology.hosts.get(host).macs.first().copied();
        let fits = n >= SCHEDULER_IMBALANCE_MIN_CHECKS && !service.is_director(host);
        fits.then_some(RealServer {
            host: Some(host),
            address: Some(ip),
            port,
            mac,
            connections: 0,
        })
    };
    checks.into_iter().filter_map(member).collect()
}

/// Whom the connections of a service came from.
pub(in crate::diagnose) struct Clients {
    pub addresses: usize,
    /// Connections of the address with most.
    pub most: u64,
    /// Each address that came more than once was always sent to one server.
    pub sticky: bool,
}

/// Who called.
pub(in crate::diagnose) fn clients(trace: &Trace, ids: &[ConnectionId]) -> Clients {
    let mut by: HashMap<Ip, (u64, Option<u16>, bool)> = HashMap::default();
    for id in ids {
        let client = trace.connection(*id).front.client.0;
        let server = trace.topology.server_of[id.0 as usize];
        if by.len() >= MAX_CLIENTS && !by.contains_key(&client) {
            continue;
        }
        let (n, first, mixed) = by.entry(client).or_insert((0, server, false));
        *n += 1;
        *mixed |= *first != server;
    }
    let again = || by.values().filter(|(n, ..)| *n > 1);
    let repeated: u64 = again().map(|(n, ..)| n).sum();
    Clients {
        addresses: by.len(),
        most: by.values().map(|(n, ..)| *n).max().unwrap_or_default(),
        sticky: again().all(|(_, _, mixed)| !mixed) && repeated * 2 >= ids.len() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(counts: &[[u64; 2]]) -> Pool {
        Pool { requests: 0, failed: 0, counts: counts.to_vec() }
    }

    #[test]
    fn chance_is_told_from_choice_at_one_in_a_thousand() {
        // Chi-square 10.83 with one degree of freedom, 13.82 with two.
        assert!(is_no_chance(&[67, 33]));
        assert!(!is_no_chance(&[65, 35]));
        assert!(is_no_chance(&[60, 25, 25]));
        assert!(!is_no_chance(&[45, 25, 30]));
        assert!(!is_no_chance(&[100]));
        assert!(!is_no_chance(&[]));
        assert!(!is_no_chance(&[0, 0]));
    }

    #[test]
    fn a_server_that_left_or_came_meanwhile_is_no_imbalance() {
        assert!(pool(&[[40, 40], [10, 10]]).is_uneven());
        assert!(!pool(&[[30, 60], [30, 0]]).is_uneven());
        assert!(!pool(&[[60, 30], [0, 30]]).is_uneven());
        assert!(pool(&[[32, 32], [0, 0]]).is_uneven());
        assert!(!pool(&[[40, 40]]).is_uneven());
    }

    #[test]
    fn too_few_a_server_prove_nothing() {
        assert!(!pool(&[[4, 4], [0, 0]]).is_uneven());
    }
}

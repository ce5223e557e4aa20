//! The real servers of a pool get very different shares of the connections.
//!
//! Weights are not on the wire, so an uneven split may be meant; what is measured
//! is its distance from an even one. It must be too great for chance and hold in
//! both halves of the captures: a server that joined or left meanwhile is none.
//! A pool member that gets nothing counts only where it was captured itself and
//! the director's own connections to it are answered. Requests through a proxy
//! are not counted here: its connections carry unlike numbers of them.

use crate::diagnose::thresholds::{
    SCHEDULER_IMBALANCE_EFFECT, SCHEDULER_IMBALANCE_MIN_CHECKS,
    SCHEDULER_IMBALANCE_MIN_CONNECTIONS, SCHEDULER_IMBALANCE_MIN_EXPECTED,
    SCHEDULER_IMBALANCE_ONE_IN, SCHEDULER_IMBALANCE_Z,
};
use crate::diagnose::words::commands::ipvsadm::Virtual;
use crate::diagnose::words::{capture_line, directors, name, server_of, service_subject};
use crate::diagnose::{
    Confidence, Detection, Facts, Finding, Fix, Names, Proof, Severity, Subject,
};
use crate::topology::{HostId, Mode, RealServer, Service, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(in crate::diagnose) const EXPLAINS: &[&str] = &[];

/// Client addresses that are told apart.
const MAX_CLIENTS: usize = 1 << 16;

pub(in crate::diagnose) fn detect(facts: &Facts) -> Detection {
    let mut pools: Vec<Pool> = facts.topology.services.iter().map(Pool::new).collect();
    for (id, c) in facts.requests() {
        let service = facts.service_of(id).0 as usize;
        let pool = &mut pools[service];
        if pool.counts.is_empty() || !c.protocol.is_tcp() {
            continue;
        }
        pool.requests += 1;
        pool.failed += u64::from(c.outcome.failed());
        let late = pool.requests * 2 > u64::from(facts.topology.services[service].connections);
        if let Some(at) = facts.topology.server_of[id.0 as usize]
            && was_sent(facts, id)
            && let Some(counts) = pool.counts.get_mut(usize::from(at))
        {
            counts[usize::from(late)] += 1;
        }
    }
    let mut findings = Vec::new();
    let mut judged = false;
    let mut balanced = false;
    for (i, mut pool) in pools.into_iter().enumerate() {
        let service = &facts.topology.services[i];
        balanced |= !pool.counts.is_empty();
        if !pool.is_whole() || !watched(facts, service) {
            continue;
        }
        judged = true;
        let idle = idle(facts, service);
        pool.counts.extend(idle.iter().map(|_| [0, 0]));
        if pool.is_uneven() {
            findings.push(finding(facts, ServiceId(i as u32), &pool, &idle));
        }
    }
    Detection::from(findings, || {
        if judged {
            return Detection::Clean;
        }
        if !balanced {
            return crate::diagnose::cause::needs_mode(
                facts,
                &[Mode::Nat, Mode::Dr, Mode::Tun, Mode::FullNat],
            )
            .unwrap_or(Detection::Clean);
        }
        Detection::Unchecked(format!(
            "too few connections whose real server is known to compare shares; {SCHEDULER_IMBALANCE_MIN_CONNECTIONS} are needed, captured on the director or on all real servers"
        ))
    })
}

/// Whether a director was seen to choose the real server of a connection.
fn was_sent(trace: &Trace, id: ConnectionId) -> bool {
    let service = trace.service(id);
    match service.mode {
        Mode::Nat | Mode::FullNat => trace.connection(id).back.is_some(),
        _ => trace.route(id).forward.iter().any(|s| s.from.is_some_and(|h| service.is_director(h))),
    }
}

/// Whether the captures would show every connection of a service.
fn watched(trace: &Trace, service: &Service) -> bool {
    let captured = |host: Option<HostId>| host.is_some_and(|h| trace.is_captured(h));
    service.directors.iter().any(|d| captured(Some(d.host)))
        || service.real_servers.iter().all(|r| captured(r.host))
}

/// How many connections of a service went where.
struct Pool {
    requests: u64,
    failed: u64,
    /// By real server: in the first half and in the second.
    counts: Vec<[u64; 2]>,
}

impl Pool {
    fn new(service: &Service) -> Self {
        let layer4 = matches!(service.mode, Mode::Nat | Mode::Dr | Mode::Tun | Mode::FullNat);
        let servers = if layer4 && !service.is_backend { service.real_servers.len() } else { 0 };
        Self { requests: 0, failed: 0, counts: vec![[0, 0]; servers] }
    }

    fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Whether nearly all connections are accounted for, and nearly none failed:
    /// who retries elsewhere makes shares of his own.
    fn is_whole(&self) -> bool {
        self.total() >= SCHEDULER_IMBALANCE_MIN_CONNECTIONS
            && (self.requests - self.total()) * SCHEDULER_IMBALANCE_ONE_IN <= self.requests
            && self.failed * SCHEDULER_IMBALANCE_ONE_IN <= self.requests
    }

    fn of(&self, at: usize) -> u64 {
        self.counts[at].iter().sum()
    }

    /// Indexes of the busiest and the least busy server.
    fn ends(&self) -> Option<(usize, usize)> {
        let all = || 0..self.counts.len();
        let busiest = all().max_by_key(|at| (self.of(*at), std::cmp::Reverse(*at)))?;
        let least = all().min_by_key(|at| self.of(*at))?;
        (busiest != least).then_some((busiest, least))
    }

    fn is_uneven(&self) -> bool {
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
fn is_no_chance(counts: &[u64]) -> bool {
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

/// Hosts that were captured, whose port of the pool answers the director's own
/// connections, and that are no server of any service: members without a share.
fn idle(facts: &Facts, service: &Service) -> Vec<RealServer> {
    let services = &facts.topology.services;
    let mut checks: BTreeMap<(Ip, u16), u32> = BTreeMap::new();
    let serves = |host: HostId| {
        let by = |s: &Service| s.real_servers.iter().any(|r| r.host == Some(host));
        services.iter().any(|s| s.mode != Mode::Unknown && by(s))
    };
    let ports: BTreeSet<u16> = service.real_servers.iter().map(|r| r.port).collect();
    let directors: BTreeSet<HostId> = service.directors.iter().map(|d| d.host).collect();
    let each = directors.iter().flat_map(|host| ports.iter().map(move |port| (*host, *port)));
    for (_, c) in each.flat_map(|(host, port)| facts.plain_connections(host, port)) {
        if c.protocol == service.protocol {
            *checks.entry(c.front.server).or_default() += 1;
        }
    }
    let member = |((ip, port), n): ((Ip, u16), u32)| {
        let host = facts.host_by_ip(ip)?;
        let fits = n >= SCHEDULER_IMBALANCE_MIN_CHECKS
            && facts.is_captured(host)
            && !serves(host)
            && !service.is_director(host);
        let mac = facts.topology.hosts.get(host).macs.first().copied();
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
struct Clients {
    addresses: usize,
    /// Connections of the address with most.
    most: u64,
    /// Each address that came more than once was always sent to one server.
    sticky: bool,
}

fn clients(trace: &Trace, ids: &[ConnectionId]) -> Clients {
    let mut by: HashMap<Ip, (u64, Option<u16>, bool)> = HashMap::new();
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

/// Shares that no affinity explains may be the weights somebody chose, which no
/// frame shows: told, and not held against anybody.
fn rank(who: &Clients) -> (Severity, Confidence) {
    if who.sticky {
        (Severity::Warning, Confidence::Likely)
    } else {
        (Severity::Info, Confidence::Possible)
    }
}

fn finding(facts: &Facts, id: ServiceId, pool: &Pool, idle: &[RealServer]) -> Finding {
    let service = facts.topology.service(id);
    let servers: Vec<Subject> = service.real_servers.iter().chain(idle).map(server_of).collect();
    let (busiest, least) = pool.ends().unwrap_or_default();
    let total = pool.total();
    let all: Vec<ConnectionId> = facts.requests_to(id).map(|(id, _)| id).collect();
    let ids: Vec<ConnectionId> = all
        .iter()
        .copied()
        .filter(|c| facts.topology.server_of[c.0 as usize] == Some(busiest as u16))
        .collect();
    let who = clients(facts, &all);
    let mut shares: Vec<usize> = (0..servers.len()).collect();
    shares.sort_by_key(|at| (std::cmp::Reverse(pool.of(*at)), *at));
    let told: Vec<String> = shares
        .iter()
        .take(8)
        .map(|at| format!("{} {}", name(&servers[*at]), pool.of(*at)))
        .collect();
    let top = name(&servers[busiest]);
    let title = format!(
        "{top} gets {} of {total} connections to {}, {} {}",
        pool.of(busiest),
        service.name(),
        name(&servers[least]),
        pool.of(least)
    );
    let why = if who.sticky {
        format!(
            "They come from {}, the busiest with {} of them, and each address was always sent to one server: the scheduler is persistent or hashes the source, so the shares are those of few clients, or of many behind one NAT.",
            addresses(who.addresses),
            who.most
        )
    } else {
        format!(
            "They come from {}, and addresses that came again were sent to several servers, so it is not persistence alone: weights that differ, a scheduler that counts open connections, or a server that the director held for dead.",
            addresses(who.addresses)
        )
    };
    let answers = if idle.is_empty() {
        String::new()
    } else {
        " A server without connections answers the director's health checks on that port."
            .to_owned()
    };
    let explanation = format!(
        "The director {} chose for all of them: {}. That is no even split, by chance in fewer than one of 1000 cases, in both halves of the captures.{answers} {why} Weights are not on the wire: if they are meant to differ that much, nothing is wrong. Connections are counted, not requests or bytes.",
        service.directors.first().map_or_else(String::new, |d| Names(facts).host(d.host)),
        told.join(", ")
    );
    let mut finding = Finding::cause("scheduler-imbalance", title, explanation);
    (finding.severity, finding.confidence) = rank(&who);
    let director = service
        .directors
        .first()
        .map_or_else(|| "the director".to_owned(), |d| Names(facts).place(d.host));
    let table = Virtual::of(service);
    finding.confirm(director.clone(), "ipvsadm -Sn; ipvsadm -Ln --stats; ipvsadm -Lnc", "weights (-w), scheduler (-s) and persistence (-p) as configured; templates with client port 0 are persistence");
    let hosts: Vec<Ip> = servers.iter().filter_map(|s| s.address).collect();
    let port = service.real_servers.first().map_or(service.port, |r| r.port);
    finding.confirm(
        director.clone(),
        capture_line("director", &hosts, Some(port)),
        "a longer capture at a busy time: whether more clients even it out",
    );
    let fix = |scheduler: &str, undo: &str| {
        Fix::safe(director.clone(), table.schedule(scheduler), table.schedule(undo))
    };
    if who.sticky {
        finding.fixes.push(fix(
            "wlc   # without -p, if no client needs to return to its server",
            "SCHEDULER -p SECONDS   # as 'ipvsadm -Sn' printed them before",
        ));
    } else {
        finding.fixes.push(fix("wrr", "SCHEDULER   # as 'ipvsadm -Sn' printed it before"));
    }
    finding.candidate("slow-real-server", "schedulers that count open connections spare the server that keeps them longest: compare how long requests take there");
    finding.proofs = proofs(facts, &ids);
    finding.subjects = vec![servers[busiest].clone()];
    finding.subjects.extend(directors(facts, id));
    finding.subjects.push(servers[least].clone());
    finding.subjects.push(service_subject(service));
    finding.connections = ids;
    finding
}

fn addresses(n: usize) -> String {
    if n == 1 { "1 client address".to_owned() } else { format!("{n} client addresses") }
}

/// The first and the last connection of the busiest server, as they leave for it.
fn proofs(trace: &Trace, ids: &[ConnectionId]) -> Vec<Proof> {
    let mut proofs = Vec::new();
    for (id, which) in [(ids.first(), "first"), (ids.last(), "last")] {
        let Some(id) = id else { continue };
        let legs = || trace.back_legs(*id);
        let leg = legs().find(|leg| trace.forward(leg).syn.is_set()).or_else(|| legs().next());
        proofs.extend(leg.and_then(|leg| {
            let there = trace.forward(leg);
            let mark = there.syn.get().unwrap_or(there.first);
            trace.proof(leg, mark, format!("the {which} connection that goes to it"))
        }));
    }
    proofs
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
    fn shares_that_weights_may_explain_accuse_nobody() {
        let who = |sticky| Clients { addresses: 40, most: 4, sticky };
        assert!(rank(&who(false)).0 < Severity::Warning);
        assert_eq!(rank(&who(true)).0, Severity::Warning);
    }

    #[test]
    fn too_few_a_server_prove_nothing() {
        assert!(!pool(&[[4, 4], [0, 0]]).is_uneven());
    }
}

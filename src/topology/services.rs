//! What clients connect to, how it is forwarded, and who serves it.

use super::directors::{self, Ballot, Votes};
use super::service::{Mode, Named, RealServer, Service, ServiceId};
use super::{
    HostId, Hosts, Ordinary, Route, Routes, StatedRoles, Topology, Who, name_servers, ordinary,
    stray,
};
use crate::correlate::Connections;
use crate::exchange::Pairs;
use crate::flow::Observations;
use crate::hashed::{HashMap, HashSet};
use crate::wire::{Ip, Protocol};

pub(super) fn infer(
    vantages: &[Observations],
    connections: &Connections,
    pairs: &Pairs,
    hosts: Hosts,
    routes: Routes,
    stated: &StatedRoles,
) -> Topology {
    let mut topology = Topology { hosts, routes, ..Topology::default() };
    let mut ids: HashMap<(Ip, u16, Protocol), ServiceId> = HashMap::default();
    let mut last = None;
    for connection in &connections.list {
        let (vip, port) = connection.front.server;
        let next = ServiceId(topology.services.len() as u32);
        let name = (vip, port, connection.protocol);
        let id = match last {
            // Most connections go where the one before went.
            Some((known, id)) if known == name => id,
            _ => *ids.entry(name).or_insert(next),
        };
        last = Some((name, id));
        if id == next {
            topology.services.push(Service {
                vip,
                port,
                protocol: connection.protocol,
                mode: Mode::Unknown,
                directors: Vec::new(),
                real_servers: Vec::new(),
                connections: 0,
                is_backend: false,
            });
        }
        topology.services[id.0 as usize].connections += 1;
        topology.service_of.push(id);
    }
    let mut votes: Vec<Votes> = topology.services.iter().map(|_| Votes::default()).collect();
    for (ballot, count) in ballots(vantages, connections, pairs, &topology) {
        let at = ballot.service.0 as usize;
        let (route, vip) = (topology.routes.get(ballot.route), topology.services[at].vip);
        directors::vote(&mut votes[at], &ballot, count, route, vip, &topology.hosts);
    }
    let mut unseen = Vec::new();
    let named = Named {
        directors: resolve(&stated.directors, &topology.hosts, &mut unseen),
        real_servers: resolve(&stated.real_servers, &topology.hosts, &mut unseen),
    };
    let vip_seen = |vip: &&Ip| topology.services.iter().any(|s| s.vip == **vip);
    unseen.extend(stated.vips.iter().filter(|vip| !vip_seen(vip)).map(ToString::to_string));
    for (service, votes) in topology.services.iter_mut().zip(&votes) {
        directors::decide(service, votes, &topology.hosts, &named);
    }
    topology.unseen = unseen;
    assign_servers(vantages, connections, pairs, &mut topology, &named);
    name_servers::by_hosts(vantages, &mut topology);
    let answers = stray::answers(vantages, connections);
    topology.astray = answers.iter().map(|(answer, question)| (*question, *answer)).collect();
    topology.halves = stray::halves(vantages, connections);
    topology.resets = stray::resets(vantages, connections);
    topology.ordinary =
        ordinary::classify(vantages, connections, pairs, &topology, stated, &answers);
    mark_backends(&mut topology);
    name_servers::by_uncalled(vantages, &mut topology);
    topology.balanced = topology.services.iter().any(|s| s.mode != Mode::Unknown);
    topology
}

/// Ballots that are compared with a new one: few kinds make up most connections.
const NEAR_BALLOTS: usize = 16;

fn ballots(
    vantages: &[Observations],
    connections: &Connections,
    pairs: &Pairs,
    topology: &Topology,
) -> Vec<(Ballot, u32)> {
    let mut ballots: Vec<(Ballot, u32)> = Vec::new();
    let neighbors = directors::Neighbours::of(vantages);
    for (i, connection) in connections.list.iter().enumerate() {
        let index = i as u32;
        let proxied = pairs.backends.contains_key(&index) || pairs.attempts.contains_key(&index);
        let at = (topology.service_of[i], topology.routes.of[i]);
        let legs = connections.legs(connection);
        let mut ballot = Ballot::of(connection, legs, vantages, at, proxied);
        ballot.handed_by = neighbors.hands_on(connection, legs, vantages, &topology.hosts);
        match ballots.iter_mut().rev().take(NEAR_BALLOTS).find(|(known, _)| *known == ballot) {
            Some((_, count)) => *count += 1,
            None => ballots.push((ballot, 1)),
        }
    }
    ballots
}

fn resolve(stated: &[Who], hosts: &Hosts, unseen: &mut Vec<String>) -> Vec<HostId> {
    let mut found = Vec::new();
    for who in stated {
        let (host, name) = match who {
            Who::Ip(ip) => (hosts.by_ip(*ip), ip.to_string()),
            Who::Mac(mac) => (hosts.by_mac(*mac), mac.to_string()),
        };
        match host {
            Some(host) => found.push(host),
            None => unseen.push(name),
        }
    }
    found
}

/// Which of the service's real servers got each connection.
fn assign_servers(
    vantages: &[Observations],
    connections: &Connections,
    pairs: &Pairs,
    topology: &mut Topology,
    named: &Named,
) {
    #[derive(PartialEq, Eq, Hash)]
    enum Identity {
        Address(Ip, u16),
        Host(HostId),
    }
    let mut known: HashMap<(ServiceId, Identity), u16> = HashMap::default();
    topology.server_of = Vec::with_capacity(connections.list.len());
    for (i, connection) in connections.list.iter().enumerate() {
        let id = topology.service_of[i];
        let service = &mut topology.services[id.0 as usize];
        let route = topology.routes.get(topology.routes.of[i]);
        let behind = |server: (Ip, u16)| {
            (Identity::Address(server.0, server.1), topology.hosts.by_ip(server.0))
        };
        let index = i as u32;
        let carried = pairs.backends.get(&index).or_else(|| pairs.attempts.get(&index));
        let mut place = |service: &mut Service, identity: Identity, host: Option<HostId>| {
            let (address, port) = match &identity {
                Identity::Address(ip, port) => (Some(*ip), *port),
                Identity::Host(_) => (None, service.port),
            };
            let next = service.real_servers.len();
            let new = RealServer { host, address, port, mac: None, connections: 0 };
            let last = usize::from(u16::MAX);
            *known.entry((id, identity)).or_insert_with(|| {
                // Servers beyond the bound are one.
                if next <= last {
                    service.real_servers.push(new);
                }
                next.min(last) as u16
            })
        };
        let mut places = Vec::new();
        for back in carried.into_iter().flatten() {
            let (identity, host) = behind(connections.list[*back as usize].front.server);
            let at = place(service, identity, host);
            if !places.contains(&at) {
                places.push(at);
            }
        }
        let one = match connection.back {
            _ if !places.is_empty() => None,
            // What a proxy answers by itself went to no real server.
            _ if service.mode == Mode::Proxy => None,
            Some(back) if back.server != connection.front.server => Some(behind(back.server)),
            _ => kept(vantages, connections, i, route, &topology.hosts)
                .or_else(|| serving_host(route, service, &topology.hosts, named))
                .map(|h| (Identity::Host(h), Some(h))),
        };
        let one = one.map(|(identity, host)| place(service, identity, host));
        for at in places.iter().copied().chain(one) {
            service.real_servers[usize::from(at)].connections += 1;
        }
        topology.server_of.push(one.or_else(|| places.first().copied()));
        if places.len() > 1 {
            topology.several_servers.insert(index, places);
        }
    }
}

/// Of several hosts that accepted one connection, the one with which the client went
/// on: it alone sends more than its SYN-ACK.
fn kept(
    vantages: &[Observations],
    connections: &Connections,
    index: usize,
    route: &Route,
    hosts: &Hosts,
) -> Option<HostId> {
    let accepts = |step: &&super::Step| step.origin && step.opening;
    let mut accepted = route.back.iter().filter(accepts).filter_map(|step| step.from);
    let first = accepted.next()?;
    if accepted.all(|host| host == first) {
        return None;
    }
    let mut found = None;
    for leg in connections.legs(&connections.list[index]) {
        let vantage = &vantages[leg.vantage.index()];
        let back = leg.of(vantages).flow(leg.client.other());
        if !back.accepted() || !back.ack.is_set() {
            continue;
        }
        let hops = vantage.links_of(back).map(|link| &vantage.hops[link.hop.index()]);
        let from = |hop: &crate::flow::Hop| {
            let own = super::is_origin(hop) && !hop.link.is_loopback();
            hop.link.src.filter(|_| own).and_then(|mac| hosts.by_mac(mac))
        };
        for host in hops.filter_map(from) {
            if found.is_some_and(|known| known != host) {
                return None;
            }
            found = Some(host);
        }
    }
    found
}

/// Without a rewritten address the server is who answered, or to whom the
/// director sent it.
fn serving_host(route: &Route, service: &Service, hosts: &Hosts, named: &Named) -> Option<HostId> {
    let reached = route.forward.iter().rev().filter_map(|step| step.to);
    if let Some(host) = reached.into_iter().find(|host| named.real_servers.contains(host)) {
        return Some(host);
    }
    // Where a director accepted and a real server did too, it serves.
    let accepted = route.back.iter().filter(|step| step.origin && step.opening);
    let mut apart = accepted.filter_map(|step| step.from).filter(|h| !service.is_director(*h));
    let apart = apart.next();
    // A director that answers in a server's stead (SYN proxy) and goes on to one.
    let onward = |step: &&super::Step| {
        step.from.is_some_and(|from| service.is_director(from))
            && step.to.is_none_or(|to| !service.is_director(to))
            && !step.loopback
    };
    if apart.is_none()
        && route.replier().is_some_and(|host| service.is_director(host))
        && let Some(step) = route.forward.iter().rev().find(onward)
    {
        return step.to;
    }
    if let Some(replier) = apart.or_else(|| route.replier()) {
        // Who answers through a next hop of many is behind it.
        if hosts.is_next_hop(replier) && !hosts.claims_ip(replier, service.vip) {
            return hosts.by_ip(service.vip).filter(|host| *host != replier);
        }
        // A director that answers for the service ends it there.
        return Some(replier);
    }
    let beyond = |step: &&super::Step| {
        step.from.is_some_and(|from| service.is_director(from))
            && step.to.is_some_and(|to| !service.is_director(to))
    };
    route.forward.iter().rev().find(beyond)?.to
}

/// Health checks and the legs of proxies go to a real server's own address: that is no
/// service of its own for clients.
fn mark_backends(topology: &mut Topology) {
    let backends: HashSet<Ip> = topology
        .services
        .iter()
        .filter(|s| s.mode != Mode::Unknown)
        .flat_map(|s| s.real_servers.iter().filter_map(|r| r.address))
        .collect();
    let own = [Some(Ordinary::HealthCheck), Some(Ordinary::ProxyLeg)];
    let mut only_own: Vec<bool> = vec![true; topology.services.len()];
    for (i, id) in topology.service_of.iter().enumerate() {
        only_own[id.0 as usize] &= own.contains(&topology.ordinary[i]);
    }
    for (service, only_own) in topology.services.iter_mut().zip(only_own) {
        service.is_backend =
            service.mode == Mode::Unknown && (backends.contains(&service.vip) || only_own);
    }
}

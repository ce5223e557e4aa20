//! Who forwards a service, and in which mode.
//!
//! Rewritten addresses show NAT. DR leaves the five-tuple alone, as every
//! router does, so a director must be told from a router: it forwards packets
//! for an address that it claims itself, or spreads them over hosts that answer
//! in its stead.

use super::service::{Director, Mode, Named, Service, ServiceId};
use super::{HostId, Hosts, Route, RouteId};
use crate::correlate::{Connection, Leg, Tuple};
use crate::flow::Observations;
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

/// What the connections of one service show.
#[derive(Debug, Default)]
pub(super) struct Votes {
    modes: BTreeMap<Mode, u32>,
    /// Hosts at which addresses were rewritten.
    rewriters: BTreeMap<HostId, u32>,
    /// Hosts that sent packets on unchanged: to whom, how often.
    forwarders: BTreeMap<HostId, Forwarding>,
    /// Hosts that answered as the service, and from whom they got its packets.
    repliers: BTreeMap<HostId, BTreeSet<HostId>>,
    /// Answers that went out by another way than the packets came in.
    triangular: u32,
}

#[derive(Debug, Default)]
struct Forwarding {
    connections: u32,
    targets: BTreeSet<HostId>,
    /// Those of the targets that ask as the VIP and never answer for it.
    quiet_owners: BTreeSet<HostId>,
    /// Answers that went back through it.
    answers: u32,
    claims: bool,
}

/// What a connection shows of its service; connections that show the same are
/// counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ballot {
    pub service: ServiceId,
    pub route: RouteId,
    /// The mode that its rewrites show by themselves.
    pub mode: Option<Mode>,
    /// The server's address was rewritten; a client's alone a router rewrites.
    pub rewritten: bool,
}

impl Ballot {
    /// `proxied`: a proxy carried its requests on connections of its own.
    pub fn of(
        connection: &Connection,
        legs: &[Leg],
        vantages: &[Observations],
        (service, route): (ServiceId, RouteId),
        proxied: bool,
    ) -> Self {
        let mode = if proxied { Some(Mode::Proxy) } else { mode_of(connection, legs, vantages) };
        let rewritten = connection.back.is_some_and(|back| back.server != connection.front.server);
        Self { service, route, mode, rewritten }
    }
}

pub(super) fn vote(
    votes: &mut Votes,
    ballot: &Ballot,
    count: u32,
    route: &Route,
    vip: Ip,
    hosts: &Hosts,
) {
    if let Some(mode) = ballot.mode {
        *votes.modes.entry(mode).or_default() += count;
    }
    if ballot.mode == Some(Mode::Proxy) {
        if let Some(host) = route.replier().or_else(|| hosts.by_ip(vip)) {
            *votes.rewriters.entry(host).or_default() += count;
        }
        return;
    }
    if ballot.rewritten {
        if let Some(host) = ballot.mode.and_then(|_| rewriter(route)) {
            *votes.rewriters.entry(host).or_default() += count;
        }
        return;
    }
    let mut last = BTreeSet::new();
    for (_, out) in route.forwarders() {
        let (Some(host), Some(target)) = (out.from, out.to) else {
            continue;
        };
        let forwarding = votes.forwarders.entry(host).or_default();
        forwarding.claims = hosts.claims_ip(host, vip);
        if last.insert(host) {
            forwarding.connections += count;
            forwarding.answers += count * u32::from(Route::reaches(&route.back, host));
        }
        forwarding.targets.insert(target);
        if hosts.asks_as(target, vip) {
            forwarding.quiet_owners.insert(target);
        }
    }
    if let Some(replier) = route.replier() {
        let sources = votes.repliers.entry(replier).or_default();
        let came = route.forward.iter().rev().find(|step| step.to == Some(replier));
        if let Some(from) = came.and_then(|step| step.from) {
            sources.insert(from);
            let went = route.back.iter().find(|step| step.from == Some(replier));
            let apart = went.and_then(|step| step.to).is_some_and(|to| to != from);
            votes.triangular += count * u32::from(apart);
        }
    }
}

fn mode_of(connection: &Connection, legs: &[Leg], vantages: &[Observations]) -> Option<Mode> {
    if connection.progress.tunnelled {
        return Some(Mode::Tun);
    }
    let back = connection.back?;
    if back.server == connection.front.server {
        // Only the source was rewritten: a router's doing, not a balancer's.
        return None;
    }
    if back.client.0 == connection.front.client.0 {
        return Some(Mode::Nat);
    }
    // A source may have been rewritten by a router far from the balancer: one
    // vantage must have seen both sides.
    let last = connection.tuples - 1;
    let here = |leg: &&Leg| {
        leg.tuple + 1 == last && legs.iter().any(|l| l.vantage == leg.vantage && l.tuple == last)
    };
    let before = legs.iter().find(here).map(|leg| Tuple::of(leg.of(vantages), leg.client));
    let both = before.is_some_and(|t| t.client.0 != back.client.0 && t.server != back.server);
    if both {
        return Some(Mode::FullNat);
    }
    (connection.tuples > 2).then_some(Mode::Nat)
}

/// The host between the client's five-tuple and the real server's.
fn rewriter(route: &Route) -> Option<HostId> {
    let last = route.forward.iter().map(|s| s.tuple).max()?;
    let opened = route.forward.iter().any(|s| s.opening);
    let client = route.forward.first().and_then(|s| s.from);
    // The client's own packets on the real server's five-tuple are resets.
    let mut steps = route.forward.iter().filter(|s| !s.loopback && s.opening == opened);
    steps.find(|s| s.tuple == last && s.from != client).and_then(|s| s.from)
}

pub(super) fn decide(service: &mut Service, votes: &Votes, hosts: &Hosts, named: &Named) {
    if let Some((mode, _)) = votes.modes.iter().max_by_key(|(_, count)| **count) {
        service.mode = *mode;
    }
    let mut found: BTreeMap<HostId, u32> = votes.rewriters.clone();
    if service.mode == Mode::Unknown || service.mode == Mode::Tun {
        for (host, count) in dr_directors(votes, &named.directors) {
            *found.entry(host).or_default() += count;
        }
        if !found.is_empty() && service.mode == Mode::Unknown {
            service.mode = Mode::Dr;
        }
    }
    found.retain(|host, _| !named.real_servers.contains(host));
    for host in named.directors.iter().filter(|host| hosts.claims_ip(**host, service.vip)) {
        found.entry(*host).or_default();
    }
    service.directors =
        found.into_iter().map(|(host, connections)| Director { host, connections }).collect();
    service.directors.sort_by_key(|d| (std::cmp::Reverse(d.connections), d.host));
}

fn dr_directors(votes: &Votes, stated: &[HostId]) -> Vec<(HostId, u32)> {
    let claimed = votes.forwarders.values().any(|f| f.claims);
    let mut found = Vec::new();
    for (host, forwarding) in &votes.forwarders {
        let director = if stated.contains(host) || forwarding.claims {
            true
        } else if claimed {
            // Somebody who forwards claims the address; this one is a router,
            // or a real server on the way to it.
            false
        } else {
            let answered: BTreeSet<&HostId> =
                forwarding.targets.iter().filter(|t| votes.repliers.contains_key(t)).collect();
            // A director spreads over hosts that answer by themselves; a router
            // gets the answers back.
            let spreads = answered.len() > 1;
            let bypassed = !answered.is_empty() && forwarding.answers == 0 && votes.triangular > 0;
            // Where nobody answers: over hosts that own the address and do not answer
            // for it, as real servers do.
            let silent = votes.repliers.is_empty() && forwarding.quiet_owners.len() > 1;
            (spreads && forwarding.answers < forwarding.connections) || bypassed || silent
        };
        if director {
            found.push((*host, forwarding.connections));
        }
    }
    if found.is_empty() {
        found = unseen_director(votes);
    }
    found
}

/// Without the director's capture: several hosts answer as the service, all got
/// its packets from one that none of them answers through.
fn unseen_director(votes: &Votes) -> Vec<(HostId, u32)> {
    let sources: BTreeSet<HostId> = votes.repliers.values().flatten().copied().collect();
    match sources.iter().collect::<Vec<_>>()[..] {
        [only]
            if votes.repliers.len() > 1
                && votes.triangular > 0
                && !votes.repliers.contains_key(only) =>
        {
            vec![(*only, votes.triangular)]
        }
        _ => Vec::new(),
    }
}

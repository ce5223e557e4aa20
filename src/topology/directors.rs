//! Who forwards a service, and in which mode.
//!
//! Rewritten addresses show NAT. DR leaves the five-tuple alone, as every
//! router does, so a director must be told from a router: it forwards packets
//! for an address that it claims itself, or spreads them over hosts that answer
//! in its stead.

use super::service::{Director, Mode, Named, Service, ServiceId};
use super::{HostId, Hosts, Route, RouteId, is_origin};
use crate::correlate::{Connection, Leg, Tuple};
use crate::flow::Observations;
use crate::hashed::HashSet;
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

/// What the connections of one service show.
#[derive(Debug, Default)]
pub(super) struct Votes {
    modes: BTreeMap<Mode, u32>,
    /// Connections that their server refused in another name, though they came to it untranslated.
    own_names: u32,
    /// Hosts at which addresses were rewritten.
    rewriters: BTreeMap<HostId, u32>,
    /// Hosts that sent packets on unchanged: to whom, how often.
    forwarders: BTreeMap<HostId, Forwarding>,
    /// Hosts that answered as the service, and from whom they got its packets.
    repliers: BTreeMap<HostId, BTreeSet<HostId>>,
    /// Hosts that handed on, unchanged, what a neighbour of both ends sent.
    handed: BTreeMap<HostId, u32>,
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
    /// Those of them that it was seen to send on.
    passed_back: u32,
    /// Connections that it sent on with the TTL with which they came.
    kept: u32,
    /// Connections that it sent back to the host from which they came, and which were
    /// taken there: they answered, or the client went on.
    returned: u32,
    /// Connections that it sent on and on which the client went on.
    established: u32,
    claims: bool,
    /// A capture was taken on it.
    captured: bool,
}

/// What a connection shows of its service; connections that show the same are
/// counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ballot {
    pub service: ServiceId,
    pub route: RouteId,
    /// The mode that its rewrites show by themselves.
    pub mode: Option<Mode>,
    /// See [`Votes::own_names`].
    own_name: bool,
    /// The server's address was rewritten; a client's alone a router rewrites.
    pub rewritten: bool,
    /// The client went on after its SYN: somebody answered it.
    pub established: bool,
    /// Who handed a packet on that its neighbour sent, on one link with both.
    pub handed_by: Option<HostId>,
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
        let established = connection.progress.established;
        let own_name = rewritten && super::refused_by_another(connection, legs, vantages).is_some();
        Self { service, route, mode, own_name, rewritten, established, handed_by: None }
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
    votes.own_names += count * u32::from(ballot.own_name);
    if let Some(mode) = ballot.mode {
        *votes.modes.entry(mode).or_default() += count;
    }
    if ballot.mode == Some(Mode::Proxy) {
        // What comes through a next hop of many comes from whoever has the address.
        let replier = route.replier().filter(|host| !hosts.is_next_hop(*host));
        let host = replier.or_else(|| hosts.by_ip(vip)).or_else(|| route.replier());
        if let Some(host) = host {
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
    if let Some(host) = ballot.handed_by {
        *votes.handed.entry(host).or_default() += count;
    }
    let mut last = BTreeSet::new();
    let replier = route.replier();
    for (into, out) in route.forwarders() {
        let Some(host) = out.from else { continue };
        let forwarding = votes.forwarders.entry(host).or_default();
        forwarding.claims = hosts.claims_ip(host, vip);
        forwarding.captured = !hosts.get(host).vantages.is_empty();
        let back = out.to.is_some() && into.from == out.to;
        let taken = replier.map_or(ballot.established, |replier| Some(replier) == out.to);
        if last.insert(host) {
            forwarding.connections += count;
            forwarding.answers += count * u32::from(Route::reaches(&route.back, host));
            let goes_on = |s: &super::Step| s.from == Some(host) && !s.loopback;
            forwarding.passed_back += count * u32::from(route.back.iter().any(goes_on));
            forwarding.kept += count * u32::from(out.kept);
            forwarding.established += count * u32::from(ballot.established);
            forwarding.returned += count * u32::from(back && taken);
        }
        // A cooked capture does not tell to whom.
        let Some(target) = out.to else { continue };
        forwarding.targets.insert(target);
        if hosts.asks_as(target, vip) {
            forwarding.quiet_owners.insert(target);
        }
    }
    if let Some(replier) = replier {
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
    if super::refused_by_another(connection, legs, vantages).is_some() {
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
    // Of a refusal whose SYN a capture lacks it does not show that the server changed the address itself.
    let shown = |(_, count): &(&Mode, &u32)| **count > votes.own_names;
    if let Some((mode, _)) = votes.modes.iter().filter(shown).max_by_key(|(_, count)| **count) {
        service.mode = *mode;
    }
    let mut found: BTreeMap<HostId, u32> = votes.rewriters.clone();
    if service.mode == Mode::Unknown || service.mode == Mode::Tun {
        for (host, count) in dr_directors(votes, hosts, &named.directors) {
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

fn dr_directors(votes: &Votes, hosts: &Hosts, stated: &[HostId]) -> Vec<(HostId, u32)> {
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
            // One through which the answers come, and at which all of them end, as they have
            // its own address.
            let keeps_answers = forwarding.passed_back == 0 && forwarding.established == 0;
            (spreads && (forwarding.answers < forwarding.connections || keeps_answers))
                || bypassed
                || silent
                || forwarding.is_by_itself(votes, hosts)
        };
        if director {
            found.push((*host, forwarding.connections));
        }
    }
    if found.is_empty() {
        found = unseen_director(votes);
    }
    if found.is_empty() {
        found = votes.handed.iter().map(|(host, count)| (*host, *count)).collect();
    }
    found
}

/// Which addresses are on each vantage's link.
pub(super) struct Neighbours(Vec<HashSet<Ip>>);

impl Neighbours {
    pub fn of(vantages: &[Observations]) -> Self {
        let bound = |v: &Observations| v.neighbors.bindings.iter().map(|b| b.ip).collect();
        Self(vantages.iter().map(bound).collect())
    }

    /// Without the director's capture: a packet came with its sender's TTL and another's
    /// MAC, though the sender is on this very link, where no router is needed.
    pub fn hands_on(
        &self,
        connection: &Connection,
        legs: &[Leg],
        vantages: &[Observations],
        hosts: &Hosts,
    ) -> Option<HostId> {
        let client = connection.front.client.0;
        let owner = hosts.by_ip(client)?;
        legs.iter().filter(|leg| leg.tuple == 0).find_map(|leg| {
            let at = leg.vantage;
            if !self.0[at.index()].contains(&client) {
                return None;
            }
            let there = leg.forward(vantages);
            let hop = vantages[at.index()].first_hop(there).filter(|_| there.opened())?;
            let came = vantages[at.index()].own.arrived(hop) == Some(true) && is_origin(hop);
            let from = hosts.by_mac(hop.link.src.filter(|_| came)?)?;
            (from != owner).then_some(from)
        })
    }
}

impl Forwarding {
    /// Whether what it did with packets shows a director, whoever answered. A router
    /// lowers the TTL, gets the answers back, sends one address's packets to one next
    /// hop, and nothing back to where it came from.
    fn is_by_itself(&self, votes: &Votes, hosts: &Hosts) -> bool {
        let unanswered = self.answers == 0;
        let ends = |id: &HostId| {
            let host = hosts.get(*id);
            !host.next_hop && !host.claimed.is_empty() || !host.vantages.is_empty()
        };
        let spreads = self.targets.len() > 1
            && (self.kept == self.connections || self.targets.iter().all(ends));
        // Who hands on to one that forwards itself is on the way to the director.
        let last = self.targets.iter().all(|target| !votes.forwarders.contains_key(target));
        let keeps = self.captured && self.kept == self.connections && self.established > 0 && last;
        unanswered && (self.returned > 0 || spreads || keeps)
    }
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

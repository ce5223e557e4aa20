//! Hosts that pass packets on, as nodes of a cluster, routers and firewalls do: how a
//! connection's SYN came in at such a host and how it left, and what the host does with
//! other connections to the same service.

use crate::breaks::{Fate, Group, Journey, Milestone, Packet, Passage, Sighting};
use crate::correlate::Tuple;
use crate::diagnose::Facts;
use crate::diagnose::thresholds::{SILENCES_MIN_SYNS, TRANSMISSIONS};
use crate::topology::{HostId, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

/// Connections that are asked: they are alike.
const ASKED: usize = 64;

/// A SYN's way through one host.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct Through {
    pub id: ConnectionId,
    pub came: Sighting,
    pub left: Sighting,
}

/// How a connection's SYN came in at a host and left it again.
pub(in crate::diagnose) fn through(
    trace: &Trace,
    id: ConnectionId,
    host: HostId,
) -> Option<Through> {
    let journey = Journey::of(trace, id, true, Milestone::Syn);
    let here = |s: &&Sighting, passage| s.host == Some(host) && s.passage == passage;
    let came = *journey.0.iter().find(|s| here(s, Passage::In))?;
    let left = *journey.0.iter().rev().find(|s| here(s, Passage::Out))?;
    Some(Through { id, came, left })
}

impl Through {
    /// The five-tuple with which it left.
    pub fn tuple(&self, trace: &Trace) -> Option<Tuple> {
        let here = |leg: &&crate::correlate::Leg| {
            leg.vantage == self.left.at.vantage && leg.tuple == self.left.tuple
        };
        let leg = trace.legs(self.id).iter().find(here)?;
        Some(Tuple::of(leg.of(&trace.vantages), leg.client))
    }

    /// It left for the address and port that the client called.
    pub fn keeps_server(&self, trace: &Trace) -> bool {
        let front = trace.connection(self.id).front;
        self.tuple(trace).is_some_and(|left| left.server == front.server)
    }

    /// It left with the client's own address.
    pub fn keeps_client(&self, trace: &Trace) -> bool {
        let front = trace.connection(self.id).front;
        self.tuple(trace).is_some_and(|left| left.client.0 == front.client.0)
    }
}

/// Connections to a service that did well and passed a host.
pub(in crate::diagnose) fn passed(facts: &Facts, service: ServiceId, host: HostId) -> Vec<Through> {
    let well = facts.requests_to(service).map(|(id, _)| id).filter(|id| is_well(facts, *id));
    well.take(ASKED).filter_map(|id| through(facts, id, host)).collect()
}

fn is_well(facts: &Facts, id: ConnectionId) -> bool {
    facts.breaks.fate(id) == Fate::Well && facts.connection(id).progress.established
}

/// Clients of some connections.
pub(in crate::diagnose) fn clients(
    trace: &Trace,
    ids: impl Iterator<Item = ConnectionId>,
) -> BTreeSet<Ip> {
    ids.map(|id| trace.connection(id).front.client.0).collect()
}

/// Whether every SYN of a group was sent again and no client of it ever got through, not
/// late either, while other clients do, some of them after the first of the group: what no new
/// connection passes from one moment on is no rule for some clients.
pub(in crate::diagnose) fn by_client(facts: &Facts, group: &Group) -> bool {
    let again = |id: &ConnectionId| facts.connection(*id).progress.syns >= TRANSMISSIONS;
    let failed = clients(facts, group.connections.iter().copied());
    let through = |id: &ConnectionId| facts.connection(*id).progress.answered;
    let start = |id: ConnectionId| facts.start(id).map(|at| facts.time(at));
    let since = group.connections.iter().filter_map(|id| start(*id)).min();
    let all: Vec<ConnectionId> =
        facts.requests_to(group.service).map(|(id, _)| id).filter(through).collect();
    let meanwhile = all.iter().any(|id| start(*id) > since);
    let served = clients(facts, all.into_iter());
    group.connections.iter().all(again)
        && meanwhile
        && !served.is_empty()
        && served.is_disjoint(&failed)
}

/// Whether each client of a group asked so often that chance is no reason.
pub(in crate::diagnose) fn each_often(facts: &Facts, group: &Group) -> bool {
    let mut asked: BTreeMap<Ip, u32> = BTreeMap::new();
    for id in &group.connections {
        let c = facts.connection(*id);
        *asked.entry(c.front.client.0).or_default() += u32::from(c.progress.syns);
    }
    asked.values().all(|syns| *syns >= SILENCES_MIN_SYNS)
}

/// Groups of SYNs that ended in one manner at a host.
pub(in crate::diagnose) fn ended<'a>(
    facts: &'a Facts,
    test: impl Fn(&Group) -> bool,
) -> impl Iterator<Item = (&'a Group, HostId)> {
    let groups = facts.breaks.groups.iter();
    groups
        .filter(move |group| {
            group.packet == Packet::Syn && group.fate == Fate::Failed && test(group)
        })
        .filter_map(|group| Some((group, group.last?.host?)))
}

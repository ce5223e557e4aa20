//! Which host of the captures a state belongs to.
//!
//! By the MACs of its interfaces; else by its own addresses, those that are no
//! service's and not on lo; else, for a table of services that says nothing of
//! its host, by being the only one that states the services which one director
//! forwards; else, for what was pasted together with packets, by where these were
//! captured. Refuses to go by names, and to choose where two would fit.

use super::HostState;
use super::model::Front;
use crate::flow::VantageId;
use crate::topology::{HostId, Mode, Topology};
use crate::wire::{Ip, Mac};
use std::collections::BTreeSet;

/// A state with the host that it belongs to.
#[derive(Debug, Clone)]
pub struct MatchedState {
    /// The state.
    pub state: HostState,
    /// Its host. A machine that the captures show as several, because nothing
    /// in them ties its interfaces, has them all; empty where none fits.
    pub hosts: Vec<HostId>,
    /// What tells.
    pub by: Option<MatchedBy>,
}

/// What a state was matched by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchedBy {
    /// MACs of its interfaces.
    Macs(Vec<Mac>),
    /// Its own addresses.
    Addresses(Vec<Ip>),
    /// It alone states the services that one director forwards.
    Services,
    /// It stands in one text with the packets that were captured on the host.
    Text,
}

/// Finds the host of every state; `beside` are those that stand in one text with packets, with the
/// vantage of these.
#[must_use]
pub fn identify(
    states: Vec<HostState>,
    beside: Vec<(HostState, Option<VantageId>)>,
    topology: &Topology,
) -> Vec<MatchedState> {
    let mut all: Vec<MatchedState> = states
        .into_iter()
        .map(|state| (state, None))
        .chain(beside)
        .map(|(state, vantage)| {
            let (hosts, by) = by_macs(&state, topology)
                .or_else(|| by_addresses(&state, topology))
                .or_else(|| {
                    let host = topology.hosts.of_vantage(vantage?)?;
                    Some((vec![host], MatchedBy::Text))
                })
                .map_or((Vec::new(), None), |(hosts, by)| (hosts, Some(by)));
            MatchedState { state, hosts, by }
        })
        .collect();
    // Only a table that knows nothing of its host may be anybody's.
    let directors: Vec<Option<HostId>> = all
        .iter()
        .map(|m| if m.by.is_none() { director(&m.state, topology) } else { None })
        .collect();
    for at in 0..all.len() {
        let Some(host) = directors[at] else { continue };
        let alone = directors.iter().filter(|d| **d == Some(host)).count() == 1
            && !all.iter().any(|m| m.hosts.contains(&host) && !m.state.services.is_empty());
        if alone {
            all[at].hosts = vec![host];
            all[at].by = Some(MatchedBy::Services);
        }
    }
    all
}

fn by_macs(state: &HostState, topology: &Topology) -> Option<(Vec<HostId>, MatchedBy)> {
    let mut hosts = BTreeSet::new();
    let mut macs = Vec::new();
    // A virtual router's MAC moves between machines.
    for mac in state.interfaces.iter().filter_map(|i| i.mac).filter(|mac| !mac.is_vrrp()) {
        if let Some(host) = topology.hosts.by_mac(mac)
            && !macs.contains(&mac)
        {
            hosts.insert(host);
            macs.push(mac);
        }
    }
    (!macs.is_empty()).then(|| (hosts.into_iter().collect(), MatchedBy::Macs(macs)))
}

/// Whether the captures show an address claimed by a MAC that is not the one of
/// the state's interface: networks overlap, or a machine was replaced.
fn is_other(state: &HostState, ip: Ip, host: HostId, topology: &Topology) -> bool {
    let with = state.interfaces.iter().filter(|i| i.addresses.iter().any(|a| a.ip == ip));
    let macs = &topology.hosts.get(host).macs;
    topology.hosts.claims_ip(host, ip)
        && with.filter_map(|i| i.mac).any(|mac| !mac.is_vrrp() && !macs.contains(&mac))
}

/// Addresses that belong to the host alone, as far as it says.
fn own_addresses(state: &HostState) -> impl Iterator<Item = Ip> {
    let listed = state.interfaces.iter().filter(|i| i.name != "lo").flat_map(|i| &i.addresses);
    let sources = state.routes.iter().filter(|r| r.table.is_none()).filter_map(|r| r.src);
    let vrrp = state.vrrp.iter().filter_map(|v| v.source);
    listed
        .map(|a| a.ip)
        .chain(sources)
        .chain(vrrp)
        .filter(|ip| ip.is_host() && !ip.is_loopback() && !ip.is_link_local())
}

fn by_addresses(state: &HostState, topology: &Topology) -> Option<(Vec<HostId>, MatchedBy)> {
    // A VIP is on the director, on each DR real server, and moves.
    let is_vip = |ip: &Ip| {
        let seen = topology
            .services
            .iter()
            .any(|s| s.vip == *ip && (s.mode != Mode::Unknown || s.real_servers.len() > 1));
        let of_service = |f: &Front| matches!(f, Front::Address { vip, .. } if vip == ip);
        seen || state.services.iter().any(|s| of_service(&s.front))
            || state.vrrp.iter().any(|v| v.addresses.contains(ip))
    };
    let mut hosts = BTreeSet::new();
    let mut found = Vec::new();
    for ip in own_addresses(state).filter(|ip| !is_vip(ip)) {
        if let Some(host) = topology.hosts.by_ip(ip)
            && !found.contains(&ip)
            && !is_other(state, ip, host, topology)
        {
            hosts.insert(host);
            found.push(ip);
        }
    }
    // Networks that overlap give one address to several machines.
    (hosts.len() == 1).then(|| (hosts.into_iter().collect(), MatchedBy::Addresses(found)))
}

/// The only director of all services that a state names, where it says nothing
/// of its own MACs and addresses.
fn director(state: &HostState, topology: &Topology) -> Option<HostId> {
    if state.interfaces.iter().any(|i| i.mac.is_some()) || own_addresses(state).next().is_some() {
        return None;
    }
    let mut only = None;
    for service in &state.services {
        let Front::Address { vip, port, protocol } = service.front else { continue };
        let same = |s: &&crate::topology::Service| {
            (s.vip, s.protocol) == (vip, protocol) && (s.port == port || port == 0)
        };
        for seen in topology.services.iter().filter(same) {
            for director in &seen.directors {
                if only.is_some_and(|host| host != director.host) {
                    return None;
                }
                only = Some(director.host);
            }
        }
    }
    only
}

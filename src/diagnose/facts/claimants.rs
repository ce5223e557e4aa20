//! What became of connections by the host that they were sent to, where several answer for one
//! address.

use super::disputes::{claimants, disputed};
use crate::breaks::{Fate, Group, Journey, Milestone};
use crate::diagnose::Facts;
use crate::topology::{HostId, ServiceId};
use crate::trace::{At, ConnectionId};
use crate::wire::Ip;
use std::collections::BTreeMap;

/// Connections of a group that are asked: they are alike.
const ASKED: usize = 64;

/// A claimant of an address, how many connections were sent to it, and how many of them failed.
pub(in crate::diagnose) type Sent = (HostId, usize, usize);

/// By claimant of some addresses, where it is not the same for all: one fails always, one never.
pub(in crate::diagnose) fn fates(facts: &Facts, vips: &[Ip], hosts: &[HostId]) -> Vec<Sent> {
    let mut sums: Vec<Sent> = hosts.iter().map(|h| (*h, 0, 0)).collect();
    for id in vips.iter().flat_map(|vip| called(facts, *vip)) {
        let to = sent_to(facts, id);
        if let Some((_, all, failed)) = sums.iter_mut().find(|sum| to.contains(&sum.0)) {
            *all += 1;
            *failed += usize::from(facts.breaks.fate(id) == Fate::Failed);
        }
    }
    sums.retain(|(_, all, _)| *all > 0);
    let differ = sums.iter().any(|(_, all, failed)| all == failed)
        && sums.iter().any(|(_, _, failed)| *failed == 0);
    if differ { sums } else { Vec::new() }
}

/// Connections to an address: those whose client called it, and those that a balancer sent there.
fn called(facts: &Facts, ip: Ip) -> Vec<ConnectionId> {
    let mut ids: Vec<ConnectionId> = facts.requests_to_address(ip).map(|(id, _)| id).collect();
    let services = facts.topology.services.iter().enumerate().filter(|(_, s)| s.vip != ip);
    for (at, _) in services.filter(|(_, s)| s.real_servers.iter().any(|r| r.address == Some(ip))) {
        let to = facts.requests_to(ServiceId(at as u32)).map(|(id, _)| id);
        ids.extend(to.filter(|id| facts.server(*id).and_then(|s| s.address) == Some(ip)));
    }
    ids
}

/// Addresses of several claimants, with those that get connections in vain while another serves his.
#[derive(Debug, Default)]
pub(in crate::diagnose) struct WrongOnes(BTreeMap<Ip, Vec<HostId>>);

impl WrongOnes {
    /// Whether a connection was sent to such a claimant of its real server's address.
    pub fn got(&mut self, facts: &Facts, id: ConnectionId) -> bool {
        let Some(ip) = facts.server(id).and_then(|s| s.address) else { return false };
        let wrong = self.0.entry(ip).or_insert_with(|| wrong(facts, ip));
        !wrong.is_empty() && sent_to(facts, id).iter().any(|host| wrong.contains(host))
    }
}

fn wrong(facts: &Facts, ip: Ip) -> Vec<HostId> {
    if disputed(facts, ip).is_none() {
        return Vec::new();
    }
    let sums = fates(facts, &[ip], &claimants(facts, ip));
    sums.into_iter().filter(|(_, all, failed)| all == failed).map(|sum| sum.0).collect()
}

/// The addresses that a group's connections were sent to: the service's, and a real server's that all of them share.
fn addresses(facts: &Facts, group: &Group) -> Vec<Ip> {
    let vip = facts.topology.service(group.service).vip;
    let asked = || group.connections.iter().take(ASKED);
    let server = |id: &ConnectionId| facts.server(*id).and_then(|s| s.address);
    let first = asked().next().and_then(server);
    let shared = first.filter(|ip| *ip != vip && asked().all(|id| server(id) == Some(*ip)));
    std::iter::once(vip).chain(shared).collect()
}

/// Whom a connection's SYN was sent to, at each place.
fn sent_to(facts: &Facts, id: ConnectionId) -> Vec<HostId> {
    Journey::of(facts, id, true, Milestone::Syn).0.iter().filter_map(|s| s.to).collect()
}

/// The claimant that all connections of a group were sent to, of several for their address, with
/// one that serves those who are sent to it, and the frame where the two stand beside each other.
pub(in crate::diagnose) fn wrong_one(facts: &Facts, group: &Group) -> Option<(HostId, HostId, At)> {
    addresses(facts, group).into_iter().find_map(|ip| wrong_one_of(facts, group, ip))
}

fn wrong_one_of(facts: &Facts, group: &Group, vip: Ip) -> Option<(HostId, HostId, At)> {
    let (vantage, dispute) = disputed(facts, vip)?;
    let sums = fates(facts, &[vip], &claimants(facts, vip));
    let (serves, ..) = *sums.iter().find(|(_, _, failed)| *failed == 0)?;
    let mut dead = sums.iter().filter(|(_, all, failed)| all == failed).map(|sum| sum.0);
    let ids = || group.connections.iter().take(ASKED);
    let whom = dead.find(|host| ids().all(|id| sent_to(facts, *id).contains(host)))?;
    Some((whom, serves, At { vantage, mark: dispute.last }))
}

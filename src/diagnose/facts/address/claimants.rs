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

/// A claimant of an address, how many connections were sent to it, and how many of them failed or suffered.
pub(in crate::diagnose) type Sent = (HostId, usize, usize);

/// By claimant of some addresses, where it is not the same for all: one fails always, one never.
pub(in crate::diagnose) fn fates(facts: &Facts, ips: &[Ip], hosts: &[HostId]) -> Vec<Sent> {
    let mut sums: Vec<Sent> = hosts.iter().map(|h| (*h, 0, 0)).collect();
    for id in ips.iter().flat_map(|ip| meant_for(facts, *ip)) {
        let to = sent_to(facts, id);
        if let Some((_, all, failed)) = sums.iter_mut().find(|sum| to.contains(&sum.0)) {
            *all += 1;
            let harmed = matches!(facts.breaks.fate(id), Fate::Failed | Fate::Suffered);
            *failed += usize::from(harmed);
        }
    }
    sums.retain(|(_, all, _)| *all > 0);
    let differ = sums.iter().any(|(_, all, failed)| all == failed)
        && sums.iter().any(|(_, _, failed)| *failed == 0);
    if differ { sums } else { Vec::new() }
}

/// Connections to an address: those whose client called it, and those that a balancer sent there.
pub(in crate::diagnose) fn meant_for(facts: &Facts, ip: Ip) -> Vec<ConnectionId> {
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

/// Whom a connection's SYN was sent to, at each place.
fn sent_to(facts: &Facts, id: ConnectionId) -> Vec<HostId> {
    Journey::of(facts, id, true, Milestone::Syn).0.iter().filter_map(|s| s.to).collect()
}

/// Two of several that answer for one address.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) struct WrongOne {
    /// The address, a service's or a real server's own, and the port that is meant there.
    pub meant: (Ip, u16),
    /// To whom all connections of a group were sent.
    pub whom: HostId,
    /// Who serves those that are sent to it.
    pub serves: HostId,
    /// Where the two stand beside each other.
    pub at: At,
}

/// The claimant that all connections of a group were sent to, of several for their address or for that of the real
/// server that was chosen.
pub(in crate::diagnose) fn wrong_one(facts: &Facts, group: &Group) -> Option<WrongOne> {
    let service = facts.topology.service(group.service);
    let chosen = |id: &ConnectionId| {
        facts.server(*id).and_then(|server| Some((server.address?, server.port)))
    };
    let mut all = group.connections.iter().take(ASKED).map(chosen);
    let shared = all.next().flatten().filter(|first| all.all(|one| one == Some(*first)));
    let meant = std::iter::once((service.vip, service.port)).chain(shared);
    meant.into_iter().find_map(|meant| wrong_of(facts, group, meant))
}

fn wrong_of(facts: &Facts, group: &Group, meant: (Ip, u16)) -> Option<WrongOne> {
    let (vantage, dispute) = disputed(facts, meant.0)?;
    let sums = fates(facts, &[meant.0], &claimants(facts, meant.0));
    let (serves, ..) = *sums.iter().find(|(_, _, failed)| *failed == 0)?;
    let mut dead = sums.iter().filter(|(_, all, failed)| all == failed).map(|sum| sum.0);
    let ids = || group.connections.iter().take(ASKED);
    let whom = dead.find(|host| ids().all(|id| sent_to(facts, *id).contains(host)))?;
    Some(WrongOne { meant, whom, serves, at: At { vantage, mark: dispute.last } })
}

//! What became of connections by the host that they were sent to, where several answer for one
//! address.

use super::disputes::{claimants, disputed};
use crate::breaks::{Fate, Group, Journey, Milestone};
use crate::diagnose::Facts;
use crate::topology::HostId;
use crate::trace::{At, ConnectionId};
use crate::wire::Ip;

/// Connections of a group that are asked: they are alike.
const ASKED: usize = 64;

/// A claimant of an address, how many connections were sent to it, and how many of them failed.
pub(in crate::diagnose) type Sent = (HostId, usize, usize);

/// By claimant of some addresses, where it is not the same for all: one fails always, one never.
pub(in crate::diagnose) fn fates(facts: &Facts, vips: &[Ip], hosts: &[HostId]) -> Vec<Sent> {
    let mut sums: Vec<Sent> = hosts.iter().map(|h| (*h, 0, 0)).collect();
    for (id, _) in vips.iter().flat_map(|vip| facts.requests_to_address(*vip)) {
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

/// Whom a connection's SYN was sent to, at each place.
fn sent_to(facts: &Facts, id: ConnectionId) -> Vec<HostId> {
    Journey::of(facts, id, true, Milestone::Syn).0.iter().filter_map(|s| s.to).collect()
}

/// The claimant that all connections of a group were sent to, of several for their address, with
/// one that serves those who are sent to it, and the frame where the two stand beside each other.
pub(in crate::diagnose) fn wrong_one(facts: &Facts, group: &Group) -> Option<(HostId, HostId, At)> {
    let vip = facts.topology.service(group.service).vip;
    let (vantage, dispute) = disputed(facts, vip)?;
    let sums = fates(facts, &[vip], &claimants(facts, vip));
    let (serves, ..) = *sums.iter().find(|(_, _, failed)| *failed == 0)?;
    let mut dead = sums.iter().filter(|(_, all, failed)| all == failed).map(|sum| sum.0);
    let ids = || group.connections.iter().take(ASKED);
    let whom = dead.find(|host| ids().all(|id| sent_to(facts, *id).contains(host)))?;
    Some((whom, serves, At { vantage, mark: dispute.last }))
}

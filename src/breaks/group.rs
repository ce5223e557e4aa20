//! Breaks of one service that are alike.

use super::apart::{self, Apart};
use super::{Behind, Break, Fate, Manner, Packet, Passage, Sighting};
use crate::flow::VantageId;
use crate::hashed::HashSet;
use crate::topology::{HostId, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

/// Connections of one service that broke in the same way at the same place.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The service.
    pub service: ServiceId,
    /// The packet that did not do its work.
    pub packet: Packet,
    /// What became of it.
    pub manner: Manner,
    /// Whether they failed, or suffered only.
    pub fate: Fate,
    /// The last place that surely had it, with the frame of the first of them.
    pub last: Option<Sighting>,
    /// The next that should have had it.
    pub next: Option<HostId>,
    /// Where what a proxy opened for the first of them broke, if that is why.
    pub behind: Option<Behind>,
    /// The connections, in order.
    pub connections: Vec<ConnectionId>,
    /// The longest that one of them waited, nanoseconds.
    pub cost_ns: i64,
    /// What sets them apart from the connections that did well, surest first.
    pub apart: Vec<Apart>,
}

/// Groups in which what sets them apart is looked for: a report has few, and those with
/// most connections come first.
const MAX_COMPARED: usize = 64;

type Place = (VantageId, Passage, u8);
type Key = (
    (ServiceId, Packet, Manner, bool),
    Option<Place>,
    Option<HostId>,
    Option<(Packet, Manner, Place)>,
);

pub(super) fn group(trace: &Trace, fates: &[Fate], breaks: &[Break]) -> Vec<Group> {
    let mut groups: BTreeMap<Key, Group> = BTreeMap::new();
    for broken in breaks {
        let service = trace.service_of(broken.connection);
        let fate = fates[broken.connection.0 as usize];
        let place = broken.last.map(|s| s.place());
        let failed = fate == Fate::Failed;
        let behind = broken.behind.map(|b| (b.packet, b.manner, b.last.place()));
        let key = ((service, broken.packet, broken.manner, failed), place, broken.next, behind);
        let group = groups.entry(key).or_insert_with(|| Group {
            service,
            packet: broken.packet,
            manner: broken.manner,
            fate,
            last: broken.last,
            next: broken.next,
            behind: broken.behind,
            connections: Vec::new(),
            cost_ns: 0,
            apart: Vec::new(),
        });
        group.connections.push(broken.connection);
        group.cost_ns = group.cost_ns.max(broken.cost_ns);
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    // Failures before waits, many before few.
    groups.sort_by_key(|g| {
        let harm = (g.fate == Fate::Failed, g.connections.len(), g.cost_ns);
        (std::cmp::Reverse(harm), g.service)
    });
    set_apart(trace, fates, &mut groups);
    groups
}

fn set_apart(trace: &Trace, fates: &[Fate], groups: &mut [Group]) {
    let most = groups.len().min(MAX_COMPARED);
    let compared = &mut groups[..most];
    let wanted: HashSet<ServiceId> = compared.iter().map(|g| g.service).collect();
    if wanted.is_empty() {
        return;
    }
    let worlds = apart::Worlds::of(trace, fates, &wanted);
    for group in compared.iter_mut().filter(|group| group.packet != Packet::HealthCheck) {
        group.apart = worlds.apart(&[group.service], &group.connections);
    }
    // What breaks alike at one place, to several services, may be set apart as a whole.
    let mut alike: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (i, group) in compared.iter().enumerate() {
        let place = group.last.map(|s| s.place());
        let key = (group.packet, group.manner, group.fate, place);
        alike.entry(key).or_default().push(i);
    }
    for indexes in alike.values().filter(|indexes| indexes.len() > 1) {
        if indexes.iter().any(|i| !compared[*i].apart.is_empty()) {
            continue;
        }
        let of = |i: &usize| compared[*i].connections.iter().copied();
        let mut ids: Vec<ConnectionId> = indexes.iter().flat_map(of).collect();
        ids.sort_unstable();
        let services: Vec<ServiceId> = indexes.iter().map(|i| compared[*i].service).collect();
        let apart = worlds.apart(&services, &ids);
        for i in indexes {
            compared[*i].apart.clone_from(&apart);
        }
    }
}

//! Why: one cause a file.

pub mod address;
pub mod load;
pub mod proxy;
pub mod refusal;
pub mod silence;
pub mod size;
pub mod state;
pub mod way;

use super::{Detection, Facts, Finding, Names, Severity};
use crate::correlate::Progress;
use crate::topology::{HostId, Mode, ServiceId};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

/// Connections by service, so that one cause gives one finding a service.
pub(in crate::diagnose) fn by_service(
    trace: &Trace,
    ids: impl Iterator<Item = ConnectionId>,
) -> BTreeMap<ServiceId, Vec<ConnectionId>> {
    let mut sets: BTreeMap<ServiceId, Vec<ConnectionId>> = BTreeMap::new();
    for id in ids {
        sets.entry(trace.service_of(id)).or_default().push(id);
    }
    sets
}

/// One finding a service, where `word` has one for its connections.
pub(in crate::diagnose) fn each_service<F: Into<Option<Finding>>>(
    trace: &Trace,
    ids: impl Iterator<Item = ConnectionId>,
    mut word: impl FnMut(ServiceId, Vec<ConnectionId>) -> F,
) -> Vec<Finding> {
    let sets = by_service(trace, ids).into_iter();
    sets.filter_map(|(service, ids)| word(service, ids).into()).collect()
}

/// Connections by the host of their real server.
pub(in crate::diagnose) fn by_server_host(
    trace: &Trace,
    ids: impl Iterator<Item = ConnectionId>,
) -> BTreeMap<HostId, Vec<ConnectionId>> {
    let mut sets: BTreeMap<HostId, Vec<ConnectionId>> = BTreeMap::new();
    for id in ids {
        if let Some(host) = trace.server(id).and_then(|s| s.host) {
            sets.entry(host).or_default().push(id);
        }
    }
    sets
}

/// Critical where connections failed, else a warning.
pub(in crate::diagnose) fn severity(trace: &Trace, ids: &[ConnectionId]) -> Severity {
    // Who asks again was not answered, whatever the capture leaves out.
    let in_vain = |p: &Progress| p.syn && !p.answered && p.syns > 1;
    let failed = ids.iter().any(|id| {
        let c = trace.connection(*id);
        c.outcome.failed() || in_vain(&c.progress)
    });
    if failed { Severity::Critical } else { Severity::Warning }
}

/// Why a detector of one mode had nothing to look at; `None` if it had.
pub(in crate::diagnose) fn needs_mode(trace: &Trace, modes: &[Mode]) -> Option<Detection> {
    let services = || trace.topology.services.iter().filter(|s| !s.is_backend);
    if services().any(|s| modes.contains(&s.mode)) {
        return None;
    }
    if services().any(|s| s.mode == Mode::Unknown) || services().count() == 0 {
        return Some(Detection::unchecked(
            "no forwarding mode shows; capture on the director with 'tcpdump -i any', where both sides of it appear",
        ));
    }
    Some(Detection::Clean)
}

/// What it means that a detector of some modes found nothing.
pub(in crate::diagnose) fn clean_in(trace: &Trace, modes: &[Mode]) -> Detection {
    needs_mode(trace, modes).unwrap_or(Detection::Clean)
}

/// What a detector of answers to SYNs could look at.
pub(in crate::diagnose) fn syns_or_blind(facts: &Facts) -> Detection {
    Detection::unless(super::symptom::syn_refused::blind(facts))
}

/// What a detector of proxies says where none was seen.
pub(in crate::diagnose) fn no_proxy(trace: &Trace) -> Detection {
    clean_in(trace, &[Mode::Proxy])
}

/// What a detector of proxies' requests found nothing in.
pub(in crate::diagnose) fn no_exchange(trace: &Trace) -> Detection {
    if trace.pairs.exchanges.is_empty() { no_proxy(trace) } else { Detection::Clean }
}

/// Puts hosts in the order of their addresses, each once: their numbers follow the order
/// of the files.
pub(in crate::diagnose) fn by_address(trace: &Trace, hosts: &mut Vec<HostId>) {
    let names = Names(trace);
    hosts.sort_by_key(|h| (names.address(*h), trace.topology.hosts.get(*h).macs.first().copied()));
    hosts.dedup();
}

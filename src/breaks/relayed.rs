//! Hosts that pass a service's connections on, whole ones.

use crate::hashed::HashSet;
use crate::topology::{HostId, ServiceId};
use crate::trace::Trace;

/// The services whose answered connections a host was seen to send on.
pub(super) fn hosts(trace: &Trace) -> HashSet<(ServiceId, HostId)> {
    let mut found = HashSet::default();
    for (id, _) in trace.requests().filter(|(_, c)| c.progress.response) {
        let service = trace.service_of(id);
        let from = trace.route(id).forwarders().filter_map(|(_, out)| out.from);
        found.extend(from.map(|host| (service, host)));
    }
    found
}

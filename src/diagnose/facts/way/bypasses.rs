//! Hosts that hand a real server the packets for a VIP past its director.

use crate::topology::{HostId, Mode};
use crate::trace::{ConnectionId, Trace};

/// Who sent the packets to the real server, where that is known not to be a
/// director of a service that has one.
pub(in crate::diagnose) fn bypass(trace: &Trace, id: ConnectionId) -> Option<HostId> {
    let service = trace.service(id);
    if service.mode != Mode::Dr || service.directors.is_empty() {
        return None;
    }
    let route = trace.route(id);
    let server = trace.server(id)?.host?;
    if service.is_director(server) {
        return None;
    }
    let through = route.forward.iter().any(|step| {
        step.to.is_some_and(|h| service.is_director(h))
            || step.from.is_some_and(|h| service.is_director(h))
    });
    let last = route.forward.iter().rev().find(|step| step.to == Some(server))?;
    // The real server's own capture must show the frame arrive: elsewhere the
    // director's frame may just not have been seen.
    let from = last.from.filter(|_| !through && last.arrived)?;
    is_bystander(trace, id, from).then_some(from)
}

/// Whether a host is known to be no director itself: it owns the client's address,
/// or hands other packets of the service to the director, and never claimed the
/// VIP.
fn is_bystander(trace: &Trace, id: ConnectionId, host: HostId) -> bool {
    let service = trace.service(id);
    let hosts = &trace.topology.hosts;
    if crate::diagnose::facts::address::machines::speaks_vrrp(trace, host)
        || hosts.claims_ip(host, service.vip)
    {
        return false;
    }
    let owns_client = trace.host_by_ip(trace.connection(id).front.client.0) == Some(host);
    let hands_on = || {
        trace.topology.routes.list.iter().flat_map(|route| &route.forward).any(|step| {
            step.from == Some(host) && step.to.is_some_and(|to| service.is_director(to))
        })
    };
    owns_client || hands_on()
}

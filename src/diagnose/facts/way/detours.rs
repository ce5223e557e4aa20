//! Hosts that get the packets for a VIP first and send them on to the director.

use crate::topology::{HostId, Mode, Route, Step};
use crate::trace::{ConnectionId, Trace};

/// A host that got the client's packets and sent them on to the director, with what
/// tells it from a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnose) struct Detour {
    pub host: HostId,
    pub director: HostId,
    /// It is one of the service's real servers.
    pub serves: bool,
}

/// A plain router on the way is no detour: it lowers the TTL, serves nothing, and links
/// two networks.
pub(in crate::diagnose) fn detour(trace: &Trace, id: ConnectionId) -> Option<Detour> {
    let service = trace.service(id);
    // Packets that go round answer nobody.
    if service.mode != Mode::Dr || !trace.connection(id).progress.established {
        return None;
    }
    let route = trace.route(id);
    let serves = |host: HostId| service.real_servers.iter().any(|r| r.host == Some(host));
    let director = |host: Option<HostId>| host.filter(|host| service.is_director(*host));
    // Seen on the host itself, or on both of its neighbours.
    let through = route.forwarders().find_map(|(into, out)| {
        let (host, next) = (out.from?, director(out.to)?);
        let from_elsewhere = into.from.is_some_and(|from| !service.is_director(from));
        let tells = serves(host) || out.kept || on_one_link(route, into, host);
        (!service.is_director(host) && from_elsewhere && tells).then_some((host, next))
    });
    // Seen on the director alone: what others sent comes from a real server's MAC.
    let client = trace.host_by_ip(trace.connection(id).front.client.0);
    let came = || {
        // Later it may have it from a real server that has not the VIP and routes it back.
        let step = route.forward.iter().find(|step| director(step.to).is_some())?;
        let (host, next) = (step.from?, step.to?);
        let of_others = !step.origin || client.is_some_and(|client| client != host);
        (serves(host) && of_others && client != Some(host)).then_some((host, next))
    };
    let (host, director) = through.or_else(came)?;
    Some(Detour { host, director, serves: serves(host) })
}

/// Whether a packet came to a host from a neighbour that reaches the real servers on the
/// very link on which the host sends it on: their answers go to that neighbour.
fn on_one_link(route: &Route, into: &Step, host: HostId) -> bool {
    let near = |step: &&Step| step.to.is_some() && step.to == into.from && step.origin;
    into.arrived && route.back.iter().any(|step| near(&step) && step.from != Some(host))
}

//! Connections that directors open to addresses of real servers by themselves.

use crate::topology::{HostId, Service};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::BTreeMap;

/// Connections of a director to an address and port, by whether they were answered.
#[derive(Default)]
pub(in crate::diagnose) struct Checks {
    pub silent: BTreeMap<(HostId, Ip, u16), Vec<ConnectionId>>,
    pub answered: BTreeMap<(HostId, Ip, u16), u32>,
}

/// All of them, to ports on which these services have real servers.
pub(in crate::diagnose) fn checks(trace: &Trace, services: &[&Service]) -> Checks {
    let mut checks = Checks::default();
    let port_of = |host: HostId, port: u16| {
        services
            .iter()
            .any(|s| s.is_director(host) && s.real_servers.iter().any(|r| r.port == port))
    };
    for (id, c) in trace.iter().filter(|(_, c)| c.protocol.is_tcp() && c.back.is_none()) {
        let (client, (ip, port)) = (c.front.client.0, c.front.server);
        let Some(director) = trace.host_by_ip(client).filter(|h| port_of(*h, port)) else {
            continue;
        };
        if services.iter().any(|s| s.vip == ip || s.vip == client) {
            continue;
        }
        let key = (director, ip, port);
        if c.progress.answered {
            *checks.answered.entry(key).or_default() += 1;
        } else if c.progress.syn && arrives(trace, id) {
            checks.silent.entry(key).or_default().push(id);
        }
    }
    checks
}

/// Whether the SYN reached the real server, by its own capture, or left a director whose
/// capture shows answers as well.
fn arrives(trace: &Trace, id: ConnectionId) -> bool {
    trace.legs(id).iter().any(|leg| {
        let vantage = trace.vantage(leg);
        vantage.shows.both_ways
            && trace.host_of(leg).is_some()
            && trace.errors_of(id).next().is_none()
    })
}

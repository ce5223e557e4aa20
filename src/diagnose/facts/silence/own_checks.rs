//! Connections that directors open to addresses of real servers by themselves.

use crate::hashed::HashSet;
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
    // Services are many, and what each has is asked of every connection.
    let ports: HashSet<(HostId, u16)> = services
        .iter()
        .flat_map(|s| s.directors.iter().map(move |d| (d.host, s)))
        .flat_map(|(host, s)| s.real_servers.iter().map(move |r| (host, r.port)))
        .collect();
    let vips: HashSet<Ip> = services.iter().map(|s| s.vip).collect();
    for (id, c) in trace.iter().filter(|(_, c)| c.protocol.is_tcp() && c.back.is_none()) {
        let (client, (ip, port)) = (c.front.client.0, c.front.server);
        let Some(director) = trace.host_by_ip(client).filter(|h| ports.contains(&(*h, port)))
        else {
            continue;
        };
        if vips.contains(&ip) || vips.contains(&client) {
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

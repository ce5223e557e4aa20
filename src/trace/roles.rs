//! What hosts are, by what they did: one role each, the same in every output.

use super::{ConnectionId, Trace};
use crate::correlate::Connection;
use crate::hashed::HashMap;
use crate::topology::{HostId, Mode, Role, ServiceId};
use crate::wire::Ip;
use std::collections::BTreeMap;

/// Why a host has its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It sends on what clients send to a service.
    Forwards(ServiceId),
    /// It serves connections to a service.
    Serves(ServiceId),
    /// It connects to an address.
    Calls(Ip),
    /// It claims a service's address among others.
    Claims(Ip),
    /// It alone has a service's address.
    Owns(ServiceId),
    /// It is the next hop for several.
    NextHop,
    /// It passes on packets of others.
    Passes,
    /// It gets packets; what it does with them was not seen.
    Gets,
    /// A capture was taken on it, and no connection is known to pass it.
    Captured,
}

impl Trace {
    /// Whether a host serves some and opens connections to others, as a proxy does.
    #[must_use]
    pub fn serves_and_calls(&self, host: HostId) -> bool {
        let accepted = || {
            let mut servers = self.topology.services.iter().flat_map(|s| &s.real_servers);
            servers.any(|r| r.host == Some(host))
        };
        let opens = |(id, c): (ConnectionId, &Connection)| {
            self.host_by_ip(c.front.client.0) == Some(host)
                && self.service(id).real_servers.iter().all(|r| r.host != Some(host))
        };
        accepted() && self.requests().any(opens)
    }
}

/// The hosts that matter.
fn roles(trace: &Trace) -> BTreeMap<HostId, (Role, Why)> {
    let topology = &trace.topology;
    let mut roles: BTreeMap<HostId, (Role, Why)> = BTreeMap::new();
    let mut add = |host: HostId, role: Role, why: Why| {
        roles.entry(host).or_insert((role, why));
    };
    let services = || {
        let all = topology.services.iter().enumerate();
        all.map(|(at, service)| (ServiceId(at as u32), service)).filter(|(_, s)| !s.is_backend)
    };
    for (id, service) in services() {
        for director in &service.directors {
            add(director.host, Role::Director, Why::Forwards(id));
        }
    }
    for (id, service) in services() {
        for server in service.real_servers.iter().filter_map(|r| r.host) {
            add(server, Role::RealServer, Why::Serves(id));
        }
    }
    let passes = topology.routes.passers();
    for (_, connection) in trace.requests() {
        // A node that takes packets in and sends them on is no client for opening
        // connections too.
        if let Some(host) = trace.host_by_ip(connection.front.client.0)
            && !passes.contains(&host)
        {
            add(host, Role::Client, Why::Calls(connection.front.server.0));
        }
    }
    let mut contested: HashMap<Ip, Vec<HostId>> = HashMap::default();
    for (id, host) in topology.hosts.iter() {
        for ip in &host.contested {
            contested.entry(*ip).or_default().push(id);
        }
    }
    for (_, service) in services() {
        for id in contested.get(&service.vip).into_iter().flatten() {
            add(*id, Role::Host, Why::Claims(service.vip));
        }
    }
    let all = topology.services.iter().enumerate();
    for (at, service) in all.filter(|(_, s)| s.mode == Mode::Unknown) {
        if let Some(host) = trace.host_by_ip(service.vip) {
            add(host, Role::Server, Why::Owns(ServiceId(at as u32)));
        }
    }
    for route in &topology.routes.list {
        let steps = route.forward.iter().chain(&route.back);
        for host in steps.flat_map(|s| [s.from, s.to]).flatten() {
            let (role, why) = if topology.hosts.is_next_hop(host) {
                (Role::Router, Why::NextHop)
            } else if passes.contains(&host) {
                (Role::Router, Why::Passes)
            } else {
                (Role::Host, Why::Gets)
            };
            add(host, role, why);
        }
    }
    for (id, _) in topology.hosts.iter().filter(|(_, h)| !h.vantages.is_empty()) {
        add(id, Role::Host, Why::Captured);
    }
    roles
}

impl Trace {
    /// What each host that matters is, and why.
    #[must_use]
    pub fn roles(&self) -> &BTreeMap<HostId, (Role, Why)> {
        self.roles.get_or_init(|| roles(self))
    }
}

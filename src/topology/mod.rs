//! Hosts, services, roles and routes, inferred from what frames show.
//!
//! Nothing here looks at file names or at well-known addresses: a host is a set
//! of MACs that one machine was seen to use, a role is what the host was seen
//! to do. Every role names its evidence. What the user stated wins.

mod beat;
mod checks;
mod directors;
mod hosts;
mod interfaces;
mod name_servers;
mod names;
mod ordinary;
mod own_refusals;
mod role;
mod route;
mod scans;
mod service;
mod services;
mod spoken;
mod steps;
mod strangers;
mod stray;
mod survey;
mod tries;
mod untold;
mod waits;

pub use hosts::{Host, HostId, Hosts, is_origin};
pub use ordinary::Ordinary;
pub(crate) use own_refusals::refused_by_another;
pub use role::Role;
pub use route::{Route, RouteId, Routes};
pub use service::{Director, Mode, RealServer, Service, ServiceId};
pub use steps::Step;

use crate::correlate::{BothSides, Carried, Connections};
use crate::exchange::Pairs;
use crate::flow::Observations;
use crate::hashed::HashMap;
use crate::wire::{Ip, Mac};
use serde::{Deserialize, Serialize};

/// Roles that the user stated.
#[derive(Debug, Clone, Default)]
pub struct StatedRoles {
    /// Virtual addresses.
    pub vips: Vec<Ip>,
    /// Directors, by address or MAC.
    pub directors: Vec<Who>,
    /// Real servers, by address or MAC.
    pub real_servers: Vec<Who>,
    /// Clients, by address or MAC.
    pub clients: Vec<Who>,
    /// Connections that a host's table says it rewrote.
    pub translated: Vec<BothSides>,
    /// Connections that a proxy's table says it ended, with those that it opened for them.
    pub proxied: Vec<BothSides>,
    /// Connections that a proxy's log names with the servers that it asked for them.
    pub carried: Vec<Carried>,
}

/// A host as a user names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    /// By network address.
    Ip(Ip),
    /// By hardware address.
    Mac(Mac),
}

/// What the captures show of the network.
#[derive(Debug, Default)]
pub struct Topology {
    /// Hosts by MAC and address.
    pub hosts: Hosts,
    /// Distinct ways that connections took.
    pub routes: Routes,
    /// Services, most connections first.
    pub services: Vec<Service>,
    /// Some service is known to be forwarded by a balancer.
    pub balanced: bool,
    /// By connection: its service.
    pub service_of: Vec<ServiceId>,
    /// By connection: which of the service's real servers, if known.
    pub server_of: Vec<Option<u16>>,
    /// By connection, where a proxy used several real servers: all of them.
    pub several_servers: HashMap<u32, Vec<u16>>,
    /// By connection: why it is nobody's request, if it is not.
    pub ordinary: Vec<Option<Ordinary>>,
    /// By connection whose SYN-ACK alone was translated: the one that has what its server said next.
    pub halves: HashMap<u32, u32>,
    /// By question: an answer that came from elsewhere, or went elsewhere.
    pub astray: HashMap<u32, u32>,
    /// By connection: the one that is nothing but a reset for it, from another address than was called.
    pub resets: HashMap<u32, u32>,
    /// Hosts and addresses that the user stated and no capture shows.
    pub unseen: Vec<String>,
}

impl Topology {
    /// A service.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> &Service {
        &self.services[id.0 as usize]
    }
}

/// Infers the topology.
#[must_use]
pub fn infer(
    vantages: &[Observations],
    connections: &Connections,
    pairs: &Pairs,
    stated: &StatedRoles,
) -> Topology {
    let hosts = Hosts::build(vantages, connections);
    let routes = Routes::build(vantages, connections, &hosts);
    services::infer(vantages, connections, pairs, hosts, routes, stated)
}

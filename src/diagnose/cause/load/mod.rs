//! Servers and networks that are slow, lossy or unevenly used, and what tables state of them.

pub mod network_latency;
mod openings_lost;
pub mod packet_loss;
pub mod scheduler_imbalance;
pub mod slow_real_server;
mod stated_elsewhere;
pub mod stated_not_seen;
pub mod zero_window;

use crate::diagnose::{Facts, Fix};
use crate::topology::{HostId, Mode, ServiceId};

/// How to keep new connections away from real servers, where IPVS chooses them.
pub(in crate::diagnose) fn spare(
    facts: &Facts,
    service: ServiceId,
    at: impl Iterator<Item = usize>,
    until: &str,
) -> Vec<Fix> {
    let s = facts.topology.service(service);
    if !matches!(s.mode, Mode::Nat | Mode::Dr | Mode::Tun) {
        return Vec::new();
    }
    let servers: Vec<(HostId, u16)> =
        at.filter_map(|at| Some((s.real_servers[at].host?, s.real_servers[at].port))).collect();
    let hosts: Vec<HostId> = servers.iter().map(|(host, _)| *host).collect();
    let port = servers.first().map_or(s.port, |(_, port)| *port);
    crate::diagnose::words::rest(facts, service, &hosts, port, until)
}

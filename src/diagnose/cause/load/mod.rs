//! Servers and networks that are slow, lossy or unevenly used, and what tables state of them.

pub mod network_latency;
mod openings_lost;
pub mod packet_loss;
pub mod scheduler_imbalance;
pub mod slow_real_server;
mod stated_elsewhere;
pub mod stated_not_seen;
pub mod zero_window;

use crate::diagnose::Fix;
use crate::topology::{Mode, ServiceId};
use crate::trace::Trace;

/// How to keep new connections away from a real server, where IPVS chooses it.
pub(in crate::diagnose) fn spare(
    trace: &Trace,
    service: ServiceId,
    at: usize,
    until: &str,
) -> Option<Fix> {
    let s = trace.topology.service(service);
    let server = &s.real_servers[at];
    let host = server.host.filter(|_| matches!(s.mode, Mode::Nat | Mode::Dr | Mode::Tun))?;
    Some(crate::diagnose::words::rest(trace, service, host, server.port, until))
}

//! The network with the way of each connection.
//!
//! For a reader that goes from one to the other, connection by connection. It refuses to
//! compute a way: connections that have service, real server and route in common took one.

use super::topology::{Topology, Way};
use crate::topology::HostId;
use crate::trace::{ConnectionId, Trace};
use std::collections::HashMap;

/// The network, and which way each connection took.
#[derive(Debug)]
pub struct Atlas {
    /// The network.
    pub topology: Topology,
    /// Index of the way.
    of: HashMap<Taken, usize>,
    nodes: HashMap<HostId, usize>,
}

/// What connections that took one way have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Taken {
    /// Index of the service.
    pub(super) service: u32,
    /// Index of its real server.
    pub(super) server: Option<u16>,
    route: u32,
}

impl Taken {
    pub(super) fn by(trace: &Trace, id: ConnectionId) -> Self {
        let (at, topology) = (id.0 as usize, &trace.topology);
        Self {
            service: topology.service_of[at].0,
            server: topology.server_of[at],
            route: topology.routes.of[at].0,
        }
    }
}

impl Atlas {
    pub(super) fn new(
        topology: Topology,
        of: HashMap<Taken, usize>,
        nodes: HashMap<HostId, usize>,
    ) -> Self {
        Self { topology, of, nodes }
    }

    /// Index of a host among the topology's; `None` where it matters to no service.
    #[must_use]
    pub fn node(&self, host: HostId) -> Option<usize> {
        self.nodes.get(&host).copied()
    }

    /// The way of a connection; `None` where it is nobody's request, or its way is one of
    /// those omitted.
    #[must_use]
    pub fn way(&self, trace: &Trace, id: ConnectionId) -> Option<&Way> {
        if trace.ordinary(id).is_some() {
            return None;
        }
        self.topology.ways.get(*self.of.get(&Taken::by(trace, id))?)
    }
}

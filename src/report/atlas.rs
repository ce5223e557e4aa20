//! The network with the way of each connection.
//!
//! For a reader that goes from one to the other, connection by connection. It refuses to
//! compute a way: connections that have service, real server and route in common took one.

use super::taken::Taken;
use super::topology::{Topology, Way, build};
use crate::breaks::Breaks;
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

/// Builds the network, with the way of each connection.
#[must_use]
pub fn atlas(trace: &Trace, breaks: &Breaks) -> Atlas {
    let (topology, of, nodes) = build(trace, breaks);
    Atlas { topology, of, nodes }
}

impl Atlas {
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

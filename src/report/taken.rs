//! Which connections took one way, without computing any.

use crate::trace::{ConnectionId, Trace};

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

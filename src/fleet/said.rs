//! What the user and the hosts say beside the tables, and how the result is to be written: all that the
//! single-machine command takes too. It travels with the functions, as what is broadcast does.

use crate::redact::{Labels, Map, Redactor};
use crate::state::{self, HostState};
use crate::topology::{StatedRoles, Who};
use crate::trace::Trace;
use crate::wire::Ip;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Directors, by address or MAC.
    pub directors: Vec<Who>,
    /// Real servers.
    pub real_servers: Vec<Who>,
    /// Clients.
    pub clients: Vec<Who>,
    /// What hosts say of themselves.
    pub states: Vec<HostState>,
    /// Times stay on the captures' own clocks.
    pub own_clocks: bool,
    /// What stands for what so far, as [`Map::text`] writes it, where addresses are to be replaced.
    pub redact: Option<String>,
}

impl Said {
    /// The stated roles with those of services, and what hosts say to have tied.
    pub(super) fn roles(&self, vips: Vec<Ip>) -> StatedRoles {
        StatedRoles {
            vips,
            directors: self.directors.clone(),
            real_servers: self.real_servers.clone(),
            clients: self.clients.clone(),
            translated: state::translated(&self.states),
            proxied: state::proxied(&self.states),
            carried: state::carried(&self.states),
        }
    }

    /// The names out of a trace, where these are to go; what replaces addresses then.
    pub(super) fn begin(&self, trace: &mut Trace) -> Result<Redactor, String> {
        let mut redactor = Redactor::new(self.redact.as_deref().map(Map::parse).transpose()?);
        redactor.trace(trace, &Labels::default());
        Ok(redactor)
    }
}

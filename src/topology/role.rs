//! What a host, or an address, is to a service.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A role. It is inferred from what a host did, unless the user stated it.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It opens connections to the service.
    Client,
    /// It passes packets on between the others.
    Router,
    /// It balances: it takes packets for the service and sends them to real servers.
    Director,
    /// It serves what a director sends it.
    #[serde(rename = "real server")]
    RealServer,
    /// It serves, and no director is known before it.
    Server,
    /// A host of which no more is known.
    #[default]
    Host,
    /// No host: the address, port and protocol that clients connect to.
    Service,
}

impl Role {
    /// The name in reports and sentences.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Router => "router",
            Self::Director => "director",
            Self::RealServer => "real server",
            Self::Server => "server",
            Self::Host => "host",
            Self::Service => "service",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

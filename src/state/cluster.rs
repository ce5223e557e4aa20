//! What a cluster says of its services, endpoints and nodes.

pub(super) mod cilium;
pub(super) mod kubectl;
pub(super) mod kubernetes;

use super::place::Place;
use crate::wire::{Ip, Protocol};
use serde::{Deserialize, Serialize};

/// What a cluster says of its services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Services.
    pub services: Vec<ClusterService>,
    /// Endpoints of services.
    pub endpoints: Vec<Endpoint>,
    /// Nodes: name and address.
    pub nodes: Vec<(String, Ip)>,
}

/// A port of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterService {
    /// Namespace and name.
    pub name: (String, String),
    /// Addresses that clients ask.
    pub addresses: Vec<Ip>,
    /// Port that clients ask.
    pub port: u16,
    /// Port on every node.
    pub node_port: Option<u16>,
    /// The port's name in the slices.
    pub port_name: String,
    /// IP protocol.
    pub protocol: Protocol,
    /// Nodes answer only for endpoints of their own (`externalTrafficPolicy: Local`).
    pub local: bool,
    /// Where.
    pub at: Place,
}

/// An endpoint of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Namespace and name of the service.
    pub service: (String, String),
    /// The port's name; `None` where it is not printed.
    pub port_name: Option<String>,
    /// Address and port.
    pub address: (Ip, u16),
    /// It takes traffic.
    pub ready: bool,
    /// Its node.
    pub node: Option<String>,
    /// Where.
    pub at: Place,
}

//! What a service is, and the roles around it.

use super::HostId;
use crate::wire::{Ip, Mac, Protocol};

/// Index of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceId(pub u32);

/// How a director moves packets to real servers (ipvsadm(8): masquerading,
/// gatewaying, ipip).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// Not shown by the captures, or no balancer at all.
    Unknown,
    /// Destination address rewritten, client address kept.
    Nat,
    /// Only MACs rewritten.
    Dr,
    /// In a tunnel.
    Tun,
    /// Both addresses rewritten.
    FullNat,
    /// Two TCP connections.
    Proxy,
}

impl Mode {
    /// All of them, the unknown last.
    pub const ALL: [Self; 6] =
        [Self::Nat, Self::Dr, Self::Tun, Self::FullNat, Self::Proxy, Self::Unknown];

    /// Those in which a director sends packets on, not bytes.
    pub const LAYER_4: [Self; 4] = [Self::Nat, Self::Dr, Self::Tun, Self::FullNat];

    /// Whether it is one of these.
    #[must_use]
    pub fn is_layer_4(self) -> bool {
        Self::LAYER_4.contains(&self)
    }

    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Nat => "nat",
            Self::Dr => "dr",
            Self::Tun => "tun",
            Self::FullNat => "fullnat",
            Self::Proxy => "proxy",
        }
    }
}

/// A director of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Director {
    /// The host.
    pub host: HostId,
    /// Connections that it was seen to forward.
    pub connections: u32,
}

/// A real server of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RealServer {
    /// The host, where a MAC of it was seen.
    pub host: Option<HostId>,
    /// Its own address, where one was seen.
    pub address: Option<Ip>,
    /// The port on the real server.
    pub port: u16,
    /// A MAC of it.
    pub mac: Option<Mac>,
    /// Connections sent to it.
    pub connections: u32,
}

/// A virtual service, or a plain one.
#[derive(Debug, Clone)]
pub struct Service {
    /// Address that clients connect to.
    pub vip: Ip,
    /// Port.
    pub port: u16,
    /// IP protocol.
    pub protocol: Protocol,
    /// See [`Mode`].
    pub mode: Mode,
    /// Who forwards.
    pub directors: Vec<Director>,
    /// Who serves.
    pub real_servers: Vec<RealServer>,
    /// Connections, ordinary ones included.
    pub connections: u32,
    /// Its address and port are a real server's of another service: these are
    /// connections past the balancer, such as health checks.
    pub is_backend: bool,
}

impl Service {
    /// `vip:port`.
    #[must_use]
    pub fn name(&self) -> String {
        self.vip.with_port(self.port)
    }

    /// Whether a host was seen to forward the service.
    #[must_use]
    pub fn is_director(&self, host: HostId) -> bool {
        self.directors.iter().any(|d| d.host == host)
    }
}

/// Hosts whose role the user stated.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub directors: Vec<HostId>,
    pub real_servers: Vec<HostId>,
}

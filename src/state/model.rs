//! What a host can say of itself, as values with the place where it says so.
//!
//! Every list is bounded (`MAX_*`): a text may be hostile. What does not fit is
//! left out with a note.

use super::cluster::Cluster;
use super::place::Place;
use super::records::{
    Dropped, Held, KernelSaid, Listener, Logged, Loss, Offload, PolicyRule, ProxyServer, Rule,
    Session, Tracked,
};
use crate::wire::{Ip, Mac, Protocol};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Interfaces, routes, neighbours or VRRP instances of a host, each.
pub(super) const MAX_ROWS: usize = 1 << 14;
/// Services of a host, and real servers of a service.
pub(super) const MAX_SERVICES: usize = 1 << 12;
/// Entries of a connection table.
pub(super) const MAX_ENTRIES: usize = 1 << 16;
/// Settings or counters of a host.
pub(super) const MAX_VALUES: usize = 1 << 13;
/// Notes of a host.
pub(super) const MAX_NOTES: usize = 32;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told<T> {
    /// What was said.
    pub value: T,
    /// Where.
    pub at: Place,
}

/// All that one host said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostState {
    /// The name of its file or folder; it identifies nobody.
    pub name: String,
    /// Files, as they were named.
    pub files: Vec<String>,
    /// What could not be read.
    pub notes: Vec<String>,
    /// Virtual services, those of the kernel and those of keepalived.conf.
    pub services: Vec<StatedService>,
    /// Connection table.
    pub entries: Vec<Entry>,
    /// Interfaces with their addresses.
    pub interfaces: Vec<Interface>,
    /// Routes.
    pub routes: Vec<Route>,
    /// ARP and neighbour discovery tables.
    pub neighbours: Vec<Neighbour>,
    /// Settings by their sysctl(8) names.
    pub sysctls: BTreeMap<String, Told<String>>,
    /// Counters by their nstat(8) names, since boot.
    pub counters: BTreeMap<String, Told<u64>>,
    /// Sockets that wait for connections.
    pub listeners: Vec<Listener>,
    /// Rules of the packet filter, in their order.
    pub rules: Vec<Rule>,
    /// Netfilter's table of connections.
    pub tracked: Vec<Tracked>,
    /// Connections through a proxy.
    pub sessions: Vec<Session>,
    /// Servers of a proxy.
    pub proxy_servers: Vec<ProxyServer>,
    /// Requests in a proxy's log.
    pub logged: Vec<Logged>,
    /// Established connections of programs that carry each to another one.
    pub held: Vec<Held>,
    /// What somebody says to have dropped.
    pub dropped: Vec<Dropped>,
    /// What the kernel's log says of its drops.
    pub kernel: Vec<KernelSaid>,
    /// What interfaces count as lost.
    pub losses: Vec<Loss>,
    /// What interfaces do for the kernel.
    pub offloads: Vec<Offload>,
    /// Which table of routes is asked.
    pub rules_of_routing: Vec<PolicyRule>,
    /// What a cluster says of its services.
    pub cluster: Cluster,
    /// VRRP instances of keepalived.conf.
    pub vrrp: Vec<VrrpInstance>,
    /// keepalived.conf names groups or files that were not followed, so that a
    /// service which is missing here may still be stated.
    pub partial: bool,
    /// Lines that were understood.
    pub understood: u32,
}

/// What clients address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Front {
    /// An address.
    Address {
        /// Virtual address.
        vip: Ip,
        /// Port; 0 for all.
        port: u16,
        /// IP protocol number.
        protocol: Protocol,
    },
    /// Packets with a firewall mark.
    Mark(u32),
}

/// A virtual service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedService {
    /// What clients address.
    pub front: Front,
    /// `rr`, `wlc`, ...; `None` where it is not said.
    pub scheduler: Option<String>,
    /// Seconds for which a client keeps its server.
    pub persistence: Option<u32>,
    /// How packets get to servers that have no method of their own.
    pub method: Option<Forwarding>,
    /// From keepalived.conf, not from the kernel's table.
    pub configured: bool,
    /// Real servers.
    pub servers: Vec<StatedServer>,
    /// Where.
    pub at: Place,
}

/// How packets get to a real server (ipvsadm(8), packet-forwarding-method).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Forwarding {
    /// `-m`, `Masq`, `NAT`.
    Masquerading,
    /// `-g`, `Route`, `DR`.
    Direct,
    /// `-i`, `Tunnel`, `TUN`.
    Tunnel(Tunnel),
    /// `Local`: the director itself.
    Local,
    /// `-b`, `FullNat`, as DPVS has it.
    FullNat,
}

/// How a tunnel packs (ipvsadm(8), `--tun-type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tunnel {
    /// IP in IP.
    Ipip,
    /// Generic UDP encapsulation.
    Gue,
    /// Generic routing encapsulation.
    Gre,
}

/// A real server of a virtual service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedServer {
    /// Address.
    pub address: Ip,
    /// Port; 0 for the service's.
    pub port: u16,
    /// Weight; 0 takes no new connections. `None` where it is not said.
    pub weight: Option<u32>,
    /// How packets get there.
    pub forwarding: Option<Forwarding>,
    /// Connections in state ESTABLISHED.
    pub active: Option<u32>,
    /// Other connections.
    pub inactive: Option<u32>,
    /// Where.
    pub at: Place,
}

/// One entry of a connection table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// IP protocol number.
    pub protocol: Protocol,
    /// State as printed (`FIN_WAIT`).
    pub state: String,
    /// Client.
    pub client: (Ip, u16),
    /// Virtual service.
    pub service: (Ip, u16),
    /// The director's own end towards the real server, where it has one (FullNAT).
    pub local: Option<(Ip, u16)>,
    /// Real server.
    pub server: (Ip, u16),
    /// Where.
    pub at: Place,
}

/// An interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Name without the peer (`eth0`).
    pub name: String,
    /// Hardware address.
    pub mac: Option<Mac>,
    /// Addresses.
    pub addresses: Vec<Address>,
    /// Its addresses were listed, even if there are none.
    pub listed: bool,
    /// Where.
    pub at: Place,
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The address.
    pub ip: Ip,
    /// Bits of the network.
    pub prefix: u8,
    /// `global`, `link`, `host`; `None` where it is not printed.
    pub scope: Option<String>,
    /// Where.
    pub at: Place,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Network; length 0 is the default.
    pub to: (Ip, u8),
    /// Gateway; `None` where the network is on the link.
    pub via: Option<Ip>,
    /// Interface.
    pub dev: Option<String>,
    /// Preferred source address.
    pub src: Option<Ip>,
    /// Lower is preferred.
    pub metric: u32,
    /// `unicast` where nothing else is printed.
    pub kind: String,
    /// Table; `None` is the main one.
    pub table: Option<String>,
    /// Where.
    pub at: Place,
}

/// A neighbour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its address.
    pub ip: Ip,
    /// Its hardware address; `None` where nobody answered.
    pub mac: Option<Mac>,
    /// `REACHABLE`, `STALE`, `FAILED`, ...; empty where it is not printed.
    pub state: String,
    /// Where.
    pub at: Place,
}

/// A virtual router of keepalived.conf.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VrrpInstance {
    /// Name.
    pub name: String,
    /// virtual_router_id.
    pub id: Option<u8>,
    /// Priority; 100 if it is not set.
    pub priority: Option<u8>,
    /// `MASTER` or `BACKUP`, with which it starts.
    pub state: Option<String>,
    /// Interface.
    pub interface: Option<String>,
    /// Addresses.
    pub addresses: Vec<Ip>,
    /// unicast_src_ip or mcast_src_ip.
    pub source: Option<Ip>,
    /// Where.
    pub at: Place,
}

impl StatedService {
    /// How packets get to one of its servers.
    #[must_use]
    pub fn method_of(&self, server: &StatedServer) -> Option<Forwarding> {
        server.forwarding.or(self.method)
    }
}

impl HostState {
    /// `file:line`.
    #[must_use]
    pub fn place(&self, at: Place) -> String {
        let file = self.files.get(usize::from(at.file)).map_or("?", String::as_str);
        format!("{file}:{}", at.line)
    }

    /// Whether most lines of a text were understood; one value of JSON may be all of it.
    pub(super) fn is_most_of(&self, text: &str) -> bool {
        let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
        self.understood as usize * 2 >= lines || text.trim_start().starts_with(['[', '{'])
    }

    pub(super) fn note(&mut self, note: String) {
        if self.notes.len() < MAX_NOTES && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// Keeps a row if the table has room.
pub(super) fn keep<T>(rows: &mut Vec<T>, max: usize, row: T) -> bool {
    let room = rows.len() < max;
    if room {
        rows.push(row);
    }
    room
}

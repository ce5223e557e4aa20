//! What hosts said of themselves: the text that `ipvsadm`, `ip` (also as JSON), `ss`, `nft`,
//! `iptables`, `conntrack`, `arp`, `sysctl`, `nstat` and `netstat` print, keepalived.conf, haproxy's
//! tables and log, nginx's log, and what kubectl and cilium list.
//!
//! A capture shows what happened; a host's own words say what was meant, and
//! what no frame can show (which counter grew, which address an interface has).
//! The kind of a text is told by its lines, never by the name of its file, and
//! one file may hold the output of several commands one after another. A line
//! that is not understood is a note with its place and never an error.
//!
//! Refuses to take a name for an identity: which host of the captures a state
//! belongs to is decided by MACs, then addresses, then by the services that it
//! alone balances ([`identify`]).

mod balancer;
mod both_sides;
mod cluster;
mod context;
mod filter;
mod host;
mod identify;
mod json;
mod logged;
mod model;
mod parse;
mod place;
mod proxy;
mod read;
mod records;
mod served;
mod tables;
#[cfg(test)]
mod testkit;
mod text;

pub use both_sides::{carried, proxied, translated};
pub use cluster::{Cluster, ClusterService, Endpoint};
pub use identify::{MatchedBy, MatchedState, identify};
pub(crate) use logged::lines;
pub use model::{
    Address, Entry, Forwarding, Front, HostState, Interface, Neighbour, Route, StatedServer,
    StatedService, Told, Tunnel, VrrpInstance,
};
pub use parse::parse;
pub use place::Place;
pub use read::{StateError, States, read, read_group};
pub use records::{
    Dropped, Held, KernelSaid, KernelWord, Listener, Logged, Loss, Offload, PolicyRule,
    ProxyServer, Rule, Session, Tracked, Verdict, Waits,
};
pub(crate) use served::servers;

//! What hosts said of themselves: the text that `ipvsadm`, `ip`, `arp`,
//! `sysctl` and `nstat` print, and keepalived.conf.
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

mod addresses;
mod arp;
mod brief;
mod identify;
mod ipvs_connections;
mod ipvs_rules;
mod ipvs_table;
mod keepalived;
mod model;
mod neighbours;
mod nstat;
mod parse;
mod read;
mod routes;
mod served;
mod sysctl;
mod text;

pub use identify::{MatchedBy, MatchedState, identify};
pub use model::{
    Address, Entry, Forwarding, Front, HostState, Interface, Neighbour, Place, Route, StatedServer,
    StatedService, Told, Tunnel, VrrpInstance,
};
pub use parse::parse;
pub use read::{StateError, States, read};
pub(crate) use served::servers;

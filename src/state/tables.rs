//! The tables that hosts state row by row: where the rows are kept, how many, and what a note calls them.

use super::cluster::{ClusterService, Endpoint};
use super::context::Cx;
use super::model::{Entry, HostState, MAX_ENTRIES, MAX_ROWS, MAX_SERVICES, Neighbour, Route};
use super::records::{
    Dropped, Held, KernelSaid, Listener, Logged, Loss, Offload, PolicyRule, ProxyServer, Rule,
    Session, Tracked,
};

/// A row of such a table.
pub(super) trait Row: Sized {
    /// Rows that are kept.
    const MAX: usize;
    /// What is said to be too many.
    const NAME: &'static str;

    /// The table.
    fn table(state: &mut HostState) -> &mut Vec<Self>;
}

macro_rules! tables {
    ($($row:ty, $($field:ident).+, $max:expr, $name:literal;)*) => {
        $(impl Row for $row {
            const MAX: usize = $max;
            const NAME: &'static str = $name;

            fn table(state: &mut HostState) -> &mut Vec<Self> {
                &mut state.$($field).+
            }
        })*
    };
}

tables! {
    Entry, entries, MAX_ENTRIES, "connection entries";
    Route, routes, MAX_ROWS, "routes";
    PolicyRule, rules_of_routing, MAX_ROWS, "rules of routing";
    Neighbour, neighbours, MAX_ROWS, "neighbours";
    Listener, listeners, MAX_ENTRIES, "sockets";
    Held, held, MAX_ENTRIES, "sockets";
    Rule, rules, MAX_ROWS, "rules of the packet filter";
    Tracked, tracked, MAX_ENTRIES, "tracked connections";
    Session, sessions, MAX_ENTRIES, "sessions of a proxy";
    ProxyServer, proxy_servers, MAX_ROWS, "servers of a proxy";
    Logged, logged, MAX_ENTRIES, "requests in a log";
    Dropped, dropped, MAX_ROWS, "lines of what was dropped";
    KernelSaid, kernel, MAX_ROWS, "ports that are flooded";
    Loss, losses, MAX_ROWS, "counters of interfaces";
    Offload, offloads, MAX_ROWS, "offloads";
    ClusterService, cluster.services, MAX_SERVICES, "services";
    Endpoint, cluster.endpoints, MAX_ROWS, "endpoints";
}

impl Cx<'_> {
    /// Keeps a row, or notes that its table is full.
    pub(super) fn keep<T: Row>(&mut self, row: T) {
        let rows = T::table(self.state);
        if rows.len() < T::MAX {
            rows.push(row);
        } else {
            self.full(T::NAME);
        }
    }
}

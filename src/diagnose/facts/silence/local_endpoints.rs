//! What nodes of a cluster say on their health-check ports: whether they have a pod.

use super::quiet::is_quiet;
use crate::correlate::{Connection, Tuple};
use crate::flow::{LocalEndpoints, Mark, VantageId};
use crate::topology::HostId;
use crate::trace::{At, ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Ports of services on nodes, if nobody chose others (kube-apiserver,
/// `--service-node-port-range`).
pub(in crate::diagnose) const NODE_PORTS: RangeInclusive<u16> = 30_000..=32_767;

pub(in crate::diagnose) type Endpoint = (Ip, u16);

/// What nodes said of themselves.
#[derive(Debug)]
pub(in crate::diagnose) struct Nodes {
    /// Those that have no pod, never one: the endpoint that said so, and where.
    pub without: BTreeMap<Endpoint, At>,
    /// Those that have one.
    pub with: BTreeMap<Endpoint, At>,
}

impl Nodes {
    pub fn of(trace: &Trace) -> Self {
        let mut said: BTreeMap<Endpoint, (LocalEndpoints, VantageId)> = BTreeMap::new();
        for (v, vantage) in VantageId::each(&trace.vantages) {
            for (endpoint, new) in vantage.side_tables.local_endpoints() {
                let (known, at) = said.entry(*endpoint).or_insert((*new, v));
                if *at != v {
                    known.some += new.some;
                    known.none += new.none;
                }
            }
        }
        let mut nodes = Self { without: BTreeMap::new(), with: BTreeMap::new() };
        for (endpoint, (said, vantage)) in said {
            let at = |mark: Mark| At { vantage, mark };
            match (said.some, said.none) {
                (0, 1..) => nodes.without.insert(endpoint, at(said.first_none)),
                (1.., 0) => nodes.with.insert(endpoint, at(said.first_some)),
                _ => None,
            };
        }
        nodes
    }

    /// The node without a pod at which a connection's SYNs end.
    pub fn silent(&self, trace: &Trace, id: ConnectionId, c: &Connection) -> Option<Endpoint> {
        let server = c.back.map_or(c.front.server, |back| back.server);
        let host = trace.server(id).and_then(|s| s.host).or_else(|| trace.host_by_ip(server.0));
        self.without.keys().copied().find(|node| {
            let own =
                server.0 == node.0 || host.is_some_and(|h| trace.host_by_ip(node.0) == Some(h));
            own && server != *node
                && trace.host_by_ip(node.0).is_none_or(|h| is_dropped(trace, id, h))
        })
    }

    /// The nodes with a pod that a connection passed, and the port there.
    pub fn hosts_on(&self, trace: &Trace, id: ConnectionId) -> Vec<(HostId, u16)> {
        let of = |ip: &Ip| trace.host_by_ip(*ip);
        let hosts: Vec<(Ip, HostId)> =
            self.with.keys().filter_map(|(ip, _)| Some((*ip, of(ip)?))).collect();
        let mut found = Vec::new();
        for leg in trace.legs(id) {
            let tuple = Tuple::of(leg.of(&trace.vantages), leg.client);
            let here = trace.host_of(leg);
            // Behind a node's own rewrite stands a pod's port.
            let at_node = |(ip, host): &&(Ip, HostId)| {
                *ip == tuple.server.0 || leg.tuple == 0 && here == Some(*host)
            };
            found.extend(hosts.iter().filter(at_node).map(|(_, h)| (*h, tuple.server.1)));
        }
        found
    }
}

/// Whether what came to a host of a connection went nowhere and was not answered.
pub(in crate::diagnose) fn is_dropped(trace: &Trace, id: ConnectionId, host: HostId) -> bool {
    let left = trace.legs(id).iter().filter(|leg| trace.host_of(leg) == Some(host)).any(|leg| {
        let own = &trace.vantage(leg).own;
        trace.path(leg, trace.forward(leg)).any(|(_, hop)| own.sent(hop) == Some(true))
    });
    is_quiet(trace, id, host) && !left
}

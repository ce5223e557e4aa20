//! Who is who: hosts, services, and the ways that connections took between them.
//!
//! Connections are many, ways are few: each way is listed once, with how many
//! took it and what was rewritten where. It leaves out health checks, scans and
//! floods, as all counts do. It refuses to join what no capture joins: a way with
//! a hop that nobody saw has a gap.

mod hops;
mod links;
mod marks;

use super::build::Builder;
use super::taken::Taken;
use super::{Host, SCHEMA_VERSION, Service, Totals};
use crate::breaks::{Breaks, GroupId};
use crate::topology::{HostId, Role};
use crate::trace::{ConnectionId, Trace};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Ways that are listed; the rest is counted.
const MAX_WAYS: usize = 100;
/// Hosts that are clients and nothing else, before all of them are one node.
const MAX_CLIENTS: usize = 4;
/// Client addresses that a way names.
const MAX_NAMED: usize = 3;

/// The network as the captures show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Topology {
    /// As in the report.
    pub schema_version: String,
    /// The program and version that wrote it.
    pub generator: String,
    /// Hosts with their roles.
    pub hosts: Vec<Node>,
    /// Services.
    pub services: Vec<Pool>,
    /// Ways that connections took, by service, most used first.
    pub ways: Vec<Way>,
    /// Ways beyond the first hundred.
    pub ways_omitted: u64,
    /// The hops of all ways, each once.
    pub links: Vec<Link>,
}

/// A host, or all clients where they are many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// `h1`, `h2`, ... within this document.
    pub id: String,
    /// Role and address: `director 172.16.0.2`.
    pub name: String,
    /// What broke at it: `✗ SYN: 18 fail`.
    pub broken: Vec<String>,
    /// As in the report.
    #[serde(flatten)]
    pub host: Host,
}

/// A service with the shares of its real servers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// As in the report.
    #[serde(flatten)]
    pub service: Service,
    /// Percent of the connections, in the order of `real_servers`.
    pub shares: Vec<f64>,
    /// Nodes that take its packets first: its directors, else its real servers.
    pub at: Vec<String>,
}

/// A way there and back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Way {
    /// `ip:port/protocol`.
    pub service: String,
    /// `ip:port` or MAC; null where it is not known.
    pub real_server: Option<String>,
    /// Some of the clients.
    pub clients: Vec<String>,
    /// All of them, by address.
    pub client_count: u64,
    /// Connections that took it, and how they ended.
    pub totals: Totals,
    /// What clients sent, in path order.
    pub there: Vec<Hop>,
    /// What the server sent; empty where nothing of it was seen.
    pub back: Vec<Hop>,
    /// Where connections that took it broke.
    pub marks: Vec<Mark>,
}

/// Where connections that took a way broke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Number of the break in the report.
    pub n: u32,
    /// The packet that did not do its work, as people write it.
    pub packet: String,
    /// `failed`, `suffered`.
    pub fate: String,
    /// How many of them.
    pub connections: u64,
    /// Node that surely had the packet last.
    pub at: String,
    /// Node that should have had it next, or that refused it; null where it ended at `at`.
    pub to: Option<String>,
    /// The packet is one of the client's.
    pub forward: bool,
    /// In words: `✗ SYN: 18 fail`.
    pub said: String,
}

/// A frame's way between two hosts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hop {
    /// Node that sent it; null where no capture shows it.
    pub from: Option<String>,
    /// Node that received it.
    pub to: Option<String>,
    /// The receiver's capture shows it come.
    pub arrived: bool,
    /// Over lo.
    pub over_lo: bool,
    /// What the sender rewrote before: `203.0.113.8:80 > 172.16.0.11:80`.
    pub rewrite: Option<String>,
}

/// Two nodes between which packets went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Node that sent.
    pub from: String,
    /// Node that received.
    pub to: String,
    /// Connections whose clients' packets took it.
    pub there: u64,
    /// Connections whose answers took it.
    pub back: u64,
    /// False where no capture shows the hop, only that packets came from one to
    /// the other.
    pub seen: bool,
    /// What `from` rewrote before.
    pub rewrites: Vec<String>,
    /// What broke on it: `✗ SYN: 18 fail`.
    pub broken: Vec<String>,
}

/// Builds it.
#[must_use]
pub fn topology(trace: &Trace, breaks: &Breaks) -> Topology {
    super::stand_ins::named(trace, build(trace, breaks).0)
}

/// What is built: the network, the way of what connections have in common, and the place
/// of each host among the network's.
type Built = (Topology, HashMap<Taken, usize>, HashMap<HostId, usize>);

/// Builds it, with the way of each connection.
pub(super) fn build(trace: &Trace, breaks: &Breaks) -> Built {
    let builder = Builder::new(trace, breaks);
    let mut map = Map::new(&builder);
    let (ways, ways_omitted, of) = map.ways(&builder);
    let mut links = links::links(&ways);
    marks::place(&ways, &mut map.nodes, &mut links);
    let services = builder.services().into_iter().map(|service| map.pool(service)).collect();
    let topology = Topology {
        schema_version: SCHEMA_VERSION.to_owned(),
        generator: super::generator(),
        hosts: map.nodes,
        services,
        ways,
        ways_omitted,
        links,
    };
    (topology, of, map.of)
}

struct Map {
    nodes: Vec<Node>,
    /// Index of each host's node.
    of: HashMap<HostId, usize>,
}

impl Map {
    fn new(builder: &Builder<'_>) -> Self {
        let trace = builder.trace;
        let mut hosts = builder.host_list();
        let known: BTreeSet<HostId> = hosts.iter().map(|(id, _)| *id).collect();
        let steps = trace.topology.routes.list.iter().flat_map(|r| &r.back);
        let others: BTreeSet<HostId> = steps.flat_map(|s| [s.from, s.to]).flatten().collect();
        for id in others.difference(&known) {
            let evidence = "passes answers on".to_owned();
            hosts.push((*id, builder.host(*id, Role::Router, evidence)));
        }
        let clients = hosts.iter().filter(|(_, host)| host.role == Role::Client).count();
        let mut map = Self { nodes: Vec::new(), of: HashMap::new() };
        let mut all = None;
        for (id, host) in hosts {
            let at = match all {
                Some(at) if host.role == Role::Client && clients > MAX_CLIENTS => at,
                _ => {
                    let many = host.role == Role::Client && clients > MAX_CLIENTS;
                    let name = if many {
                        all = Some(map.nodes.len());
                        format!("{clients} clients")
                    } else {
                        format!("{} {}", host.role, builder.names.host(id))
                    };
                    let id = format!("h{}", map.nodes.len() + 1);
                    map.nodes.push(Node { id, name, broken: Vec::new(), host });
                    map.nodes.len() - 1
                }
            };
            map.of.insert(id, at);
        }
        map
    }

    fn id(&self, host: Option<HostId>) -> Option<String> {
        Some(self.nodes.get(*self.of.get(&host?)?)?.id.clone())
    }

    fn pool(&self, service: Service) -> Pool {
        let all = service.totals.connections;
        let share = |n: u64| (n as f64 * 1000.0 / all.max(1) as f64).round() / 10.0;
        let having = |addresses: &[String], macs: &[String]| {
            self.nodes.iter().find(|n| {
                macs.iter().any(|mac| n.host.macs.contains(mac))
                    || macs.is_empty() && addresses.iter().any(|a| n.host.addresses.contains(a))
            })
        };
        let directors = service.directors.iter().filter_map(|d| having(&d.addresses, &d.macs));
        let mut at: Vec<String> = directors.map(|node| node.id.clone()).collect();
        if at.is_empty() {
            let macs = |mac: &Option<String>| mac.iter().cloned().collect::<Vec<_>>();
            let servers = service.real_servers.iter();
            let servers = servers.filter_map(|r| having(&macs(&r.address), &macs(&r.mac)));
            at = servers.map(|node| node.id.clone()).collect();
        }
        at.dedup();
        Pool {
            shares: service.real_servers.iter().map(|r| share(r.connections)).collect(),
            at,
            service,
        }
    }

    fn ways(&self, builder: &Builder<'_>) -> (Vec<Way>, u64, HashMap<Taken, usize>) {
        type Key = (u32, Option<u16>, Vec<Hop>, Vec<Hop>);
        let trace = builder.trace;
        // Words are made once a route, not once a connection.
        let mut routes: HashMap<Taken, Vec<ConnectionId>> = HashMap::new();
        for (id, _) in trace.requests() {
            routes.entry(Taken::by(trace, id)).or_default().push(id);
        }
        let mut groups: HashMap<Key, Vec<ConnectionId>> = HashMap::new();
        for (Taken { service, server, .. }, ids) in routes {
            let Some(first) = ids.first() else { continue };
            let hops = |forward| hops::hops(trace, *first, forward, |host| self.id(host));
            let (there, back) = (hops(true), hops(false));
            groups.entry((service, server, there, back)).or_default().extend(ids);
        }
        let mut groups: Vec<(Key, Vec<ConnectionId>)> = groups.into_iter().collect();
        groups.sort_by_key(|((service, ..), ids)| {
            (*service, Reverse(ids.len()), ids.first().copied())
        });
        let omitted = groups.len().saturating_sub(MAX_WAYS) as u64;
        let mut of = HashMap::new();
        for (n, (_, ids)) in groups.iter().take(MAX_WAYS).enumerate() {
            of.extend(ids.iter().map(|id| (Taken::by(trace, *id), n)));
        }
        let ways = groups.into_iter().take(MAX_WAYS).map(|((.., there, back), ids)| {
            let clients: BTreeSet<_> =
                ids.iter().map(|id| trace.connection(*id).front.client.0).collect();
            let first = ids.first().copied().unwrap_or(ConnectionId(0));
            let service = trace.service(first);
            Way {
                service: format!("{}/{}", service.name(), service.protocol),
                real_server: trace.server(first).and_then(|server| {
                    let address = server.address.map(|ip| ip.with_port(server.port));
                    address.or_else(|| server.mac.map(|mac| mac.to_string()))
                }),
                clients: clients.iter().take(MAX_NAMED).map(ToString::to_string).collect(),
                client_count: clients.len() as u64,
                totals: builder.totals(ids.iter().copied()),
                marks: self.marks(builder, &ids),
                there,
                back,
            }
        });
        (ways.collect(), omitted, of)
    }

    /// Where some connections of one way broke.
    fn marks(&self, builder: &Builder<'_>, ids: &[ConnectionId]) -> Vec<Mark> {
        let mut groups: BTreeMap<GroupId, u64> = BTreeMap::new();
        for group in ids.iter().filter_map(|id| builder.breaks.group_of(*id)) {
            *groups.entry(group).or_default() += 1;
        }
        let one = |(id, n): (GroupId, u64)| {
            marks::mark(id.0 + 1, builder.breaks.group(id), n, |host| self.id(Some(host)))
        };
        groups.into_iter().filter_map(one).collect()
    }
}

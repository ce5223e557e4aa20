//! Who takes part: which hosts get a column.
//!
//! The client, the directors, the real servers, who claims the service's address beside them and
//! every captured host on the way are shown. A router of which nothing but forwarding is known is not: its
//! two hops become one arrow, unless it sends a packet back to where that came from. A host that is its
//! own real server plays two parts, told apart by what it does: what it sends as the client leaves the one,
//! what reaches it as the server ends at the other. What a client says to a proxy ends there.

use crate::correlate::{Connection, Tuple};
use crate::topology::{HostId, Mode, Service};
use crate::trace::{ConnectionId, Trace};
use std::collections::HashSet;

/// A part in the connection; each has one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Node {
    /// Whoever began it.
    Client,
    /// The director, a router, another real server.
    Host(HostId),
    /// Whoever served it.
    Server,
}

/// The parts of one connection.
pub(super) struct Cast<'a> {
    /// What the captures show.
    pub trace: &'a Trace,
    /// Which connection.
    pub id: ConnectionId,
    /// The connection.
    pub connection: &'a Connection,
    /// Its service.
    pub service: &'a Service,
    /// Its five-tuples, the client's own first.
    pub tuples: Vec<Tuple>,
    /// The client's host, where it is known.
    pub client: Option<HostId>,
    /// The real server's host, where it is known.
    pub server: Option<HostId>,
    /// Hosts that have a column only since they send packets back to where these came from.
    pub turns: HashSet<HostId>,
    /// Hosts of the service's real servers.
    servers: HashSet<HostId>,
    /// Where the client's packets end.
    far: Node,
}

impl<'a> Cast<'a> {
    pub(super) fn new(trace: &'a Trace, id: ConnectionId) -> Self {
        let connection = trace.connection(id);
        let service = trace.service(id);
        let mut tuples = vec![connection.front];
        for leg in trace.legs(id) {
            let at = usize::from(leg.tuple);
            if tuples.len() <= at {
                tuples.resize(at + 1, connection.front);
            }
            tuples[at] = Tuple::of(leg.of(&trace.vantages), leg.client);
        }
        let client = trace.host_by_ip(connection.front.client.0);
        // Whom a proxy calls has another connection.
        let proxied = service.mode == Mode::Proxy;
        let server = trace
            .server(id)
            .and_then(|server| server.host)
            .or_else(|| connection.back.and_then(|back| trace.host_by_ip(back.server.0)))
            .filter(|_| !proxied);
        let far = match service.directors[..] {
            [ref only] if proxied => Node::Host(only.host),
            _ => Node::Server,
        };
        let servers = service.real_servers.iter().filter_map(|r| r.host).collect();
        let turns = HashSet::new();
        let mut cast =
            Self { trace, id, connection, service, tuples, client, server, turns, servers, far };
        cast.client = cast.client.or_else(|| cast.calling_host());
        cast
    }

    /// The host whose own capture shows it begin the connection.
    fn calling_host(&self) -> Option<HostId> {
        let legs = self.trace.legs(self.id);
        legs.iter()
            .find(|leg| self.trace.is_client_side(self.id, leg))
            .and_then(|leg| self.trace.host_of(leg))
            .filter(|host| !self.service.is_director(*host))
    }

    /// Whether a host serves the service, this connection or another.
    pub(super) fn is_real_server(&self, host: HostId) -> bool {
        self.servers.contains(&host)
    }

    /// Whether the service's real servers are called by a proxy.
    pub(super) fn is_proxied(&self) -> bool {
        self.service.mode == Mode::Proxy
    }

    /// Whether a host claims the service's address.
    pub(super) fn holds_vip(&self, host: HostId) -> bool {
        self.trace.topology.hosts.claims_ip(host, self.service.vip)
    }

    /// One host is client and real server.
    pub(super) fn is_self(&self) -> bool {
        self.client.is_some() && self.client == self.server
    }

    /// The part that a host plays at one end of a hop; `None` for hosts without
    /// a column.
    pub(super) fn node(&self, host: Option<HostId>, forward: bool, receives: bool) -> Option<Node> {
        let host = host?;
        let shown = self.service.is_director(host)
            || self.is_real_server(host)
            || !self.servers.is_empty() && self.holds_vip(host)
            || self.trace.is_captured(host)
            || self.turns.contains(&host);
        if self.is_self() && self.client == Some(host) {
            return Some(if forward == receives { Node::Server } else { Node::Client });
        }
        if self.client == Some(host) {
            Some(Node::Client)
        } else if self.server == Some(host) {
            Some(Node::Server)
        } else {
            shown.then_some(Node::Host(host))
        }
    }

    /// The host of a part.
    pub(super) fn host(&self, node: Node) -> Option<HostId> {
        match node {
            Node::Client => self.client,
            Node::Server => self.server,
            Node::Host(host) => Some(host),
        }
    }

    /// Whether a part is a director's.
    pub(super) fn is_director(&self, node: Node) -> bool {
        self.host(node).is_some_and(|host| self.service.is_director(host))
    }

    /// Where a direction begins and ends.
    pub(super) fn ends(&self, forward: bool) -> (Node, Node) {
        if forward { (Node::Client, self.far) } else { (self.far, Node::Client) }
    }
}

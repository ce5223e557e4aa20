//! The waist: all that is known of the captures, immutable.
//!
//! Everything before it gathers facts; everything after it judges, words and
//! draws. Facts are methods here, so that two detectors or two outputs can
//! never count differently. A trace holds no opinion on what is wrong.

mod beyond;
mod build;
pub mod loss;
pub mod missed;
mod network;
mod reach;
mod roles;
pub mod sent;
mod shared;
mod stated;
mod tables;
mod ticks;
pub mod timing;
mod unprinted;

pub use crate::correlate::ConnectionId;
pub use beyond::Beyond;
pub use network::Cloud;
pub use roles::Why;
pub use stated::Said;
pub use tables::Asked;
pub use ticks::Coarse;
pub use unprinted::Printed;

use crate::capture::{Capture, Timestamp};
use crate::clock::Timeline;
use crate::correlate::{Connection, Connections, Leg, TOGETHER};
use crate::exchange::Pairs;
use crate::flow::{Flow, Hop, IcmpError, Link, Mark, Observations, VantageId};
use crate::hashed::HashMap;
use crate::state::MatchedState;
use crate::topology::{HostId, Ordinary, RealServer, Role, Route, Service, ServiceId, Topology};
use crate::wire::{Ip, Mac};
use loss::Losses;
use reach::Reach;
use shared::SharedAddresses;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

/// A frame at a vantage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// Index of the vantage.
    pub vantage: VantageId,
    /// Frame and time.
    pub mark: Mark,
}

/// All that is known.
#[derive(Debug)]
pub struct Trace {
    /// Captures in the order given.
    pub captures: Vec<Capture>,
    /// Vantages, by capture.
    pub vantages: Vec<Observations>,
    /// Clocks.
    pub timeline: Timeline,
    /// Connections.
    pub connections: Connections,
    /// Requests through proxies.
    pub pairs: Pairs,
    /// Hosts, services, roles, routes.
    pub topology: Topology,
    /// ICMP errors that quote a packet of a connection, by connection.
    pub errors: Vec<TiedError>,
    /// Openings that were counted and not kept, most first.
    pub beyond: Vec<Beyond>,
    /// How long each stage took, by its name; some ran beside each other.
    pub spent: Vec<(&'static str, Duration)>,
    /// Of the connections that did well only some are here.
    pub sampled: bool,
    /// What hosts said of themselves.
    pub states: Vec<MatchedState>,
    /// The real server of a connection as its director's connection table states it.
    stated_servers: HashMap<u32, (Ip, u16)>,
    /// The line of a proxy's log about a connection: its state and row.
    logged: HashMap<u32, (u32, u32)>,
    losses: OnceLock<Losses>,
    missed: OnceLock<Vec<missed::Missed>>,
    shared: OnceLock<SharedAddresses>,
    reach: OnceLock<Reach>,
    roles: OnceLock<BTreeMap<HostId, (Role, Why)>>,
}

/// An ICMP error about a connection's packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TiedError {
    /// The connection.
    pub connection: ConnectionId,
    /// Index of the vantage that saw the error.
    pub vantage: VantageId,
    /// Index of the error at that vantage.
    pub error: u32,
}

impl Trace {
    /// What was lost on the way, and by captures.
    #[must_use]
    pub fn losses(&self) -> &Losses {
        self.losses.get_or_init(|| Losses::of(self))
    }

    /// The ICMP errors about a connection.
    pub fn errors_of(&self, id: ConnectionId) -> impl Iterator<Item = (VantageId, &IcmpError)> {
        let from = self.errors.partition_point(|e| e.connection < id);
        self.errors[from..]
            .iter()
            .take_while(move |e| e.connection == id)
            .map(|e| (e.vantage, &self.vantages[e.vantage.index()].errors[e.error as usize]))
    }

    /// The first answer of a connection, where it is an HTTP error: the leg that shows it,
    /// the frame, and its status, 400 to 599.
    #[must_use]
    pub fn first_error(&self, id: ConnectionId) -> Option<(&Leg, Mark, u16)> {
        self.legs(id).iter().find_map(|leg| {
            let (mark, status) = self.vantage(leg).side_tables.first_error(leg.stream)?;
            Some((leg, mark, status))
        })
    }

    /// All connections with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        self.connections.list.iter().enumerate().map(|(i, c)| (ConnectionId(i as u32), c))
    }

    /// Connections that are somebody's request.
    pub fn requests(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        self.iter().filter(|(id, _)| self.ordinary(*id).is_none())
    }

    /// A connection.
    #[must_use]
    pub fn connection(&self, id: ConnectionId) -> &Connection {
        &self.connections.list[id.0 as usize]
    }

    /// The streams of a connection.
    #[must_use]
    pub fn legs(&self, id: ConnectionId) -> &[Leg] {
        self.connections.legs(self.connection(id))
    }

    /// All connections with their ids, each given when its streams are fetched.
    pub fn ahead(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        let all = 0..self.connections.list.len();
        let ahead = self.connections.ahead(&self.vantages, all);
        ahead.map(|at| (ConnectionId(at as u32), &self.connections.list[at]))
    }

    /// All connections with their ids, each given when its way is fetched: in a large data centre
    /// each real server has ways of its own, which lie far apart in memory.
    pub fn by_way(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        let all = self.connections.list.len();
        let fetched = (0..all).step_by(TOGETHER).flat_map(move |from| {
            let some = from..all.min(from + TOGETHER);
            self.topology.routes.fetch(some.clone());
            self.connections.fetch_ways(&self.vantages, some.clone());
            some
        });
        fetched.map(|at| ConnectionId(at as u32)).map(|id| (id, self.connection(id)))
    }

    /// What the sides of a leg's stream said in so many words.
    #[must_use]
    pub fn spoken(&self, leg: &Leg) -> &[crate::flow::Spoken] {
        self.vantage(leg).side_tables.spoken(leg.stream)
    }

    /// The service of a connection.
    #[must_use]
    pub fn service(&self, id: ConnectionId) -> &Service {
        self.topology.service(self.service_of(id))
    }

    /// Which service a connection is to.
    #[must_use]
    pub fn service_of(&self, id: ConnectionId) -> ServiceId {
        self.topology.service_of[id.0 as usize]
    }

    /// The real server of a connection, where it is known.
    #[must_use]
    pub fn server(&self, id: ConnectionId) -> Option<&RealServer> {
        let at = self.topology.server_of[id.0 as usize]?;
        self.service(id).real_servers.get(usize::from(at))
    }

    /// The real server that its director's connection table states for a connection.
    #[must_use]
    pub fn stated_server(&self, id: ConnectionId) -> Option<(Ip, u16)> {
        self.stated_servers.get(&id.0).copied()
    }

    /// All real servers of a connection: a proxy may use several.
    pub fn servers(&self, id: ConnectionId) -> impl Iterator<Item = &RealServer> {
        let several = self.topology.several_servers.get(&id.0).map_or(&[][..], Vec::as_slice);
        let one = if several.is_empty() { self.server(id) } else { None };
        let service = self.service(id);
        one.into_iter()
            .chain(several.iter().filter_map(|at| service.real_servers.get(usize::from(*at))))
    }

    /// The way of a connection.
    #[must_use]
    pub fn route(&self, id: ConnectionId) -> &Route {
        self.topology.routes.get(self.topology.routes.of[id.0 as usize])
    }

    /// Why a connection is nobody's request, if it is not.
    #[must_use]
    pub fn ordinary(&self, id: ConnectionId) -> Option<Ordinary> {
        self.topology.ordinary[id.0 as usize]
    }

    /// The vantage of a leg.
    #[must_use]
    pub fn vantage(&self, leg: &Leg) -> &Observations {
        &self.vantages[leg.vantage.index()]
    }

    /// What the client sent on a leg.
    #[must_use]
    pub fn forward(&self, leg: &Leg) -> &Flow {
        leg.forward(&self.vantages)
    }

    /// What the server sent on a leg.
    #[must_use]
    pub fn reply(&self, leg: &Leg) -> &Flow {
        leg.reply(&self.vantages)
    }

    /// The links of a flow of a leg, with their hops.
    pub fn path<'a>(
        &'a self,
        leg: &Leg,
        flow: &Flow,
    ) -> impl Iterator<Item = (&'a Link, &'a Hop)> + use<'a> {
        self.vantages[leg.vantage.index()].path(flow)
    }

    /// The host on which a vantage was taken.
    #[must_use]
    pub fn host_of_vantage(&self, vantage: VantageId) -> Option<HostId> {
        self.topology.hosts.of_vantage(vantage)
    }

    /// The host on which a leg was captured.
    #[must_use]
    pub fn host_of(&self, leg: &Leg) -> Option<HostId> {
        self.host_of_vantage(leg.vantage)
    }

    /// Whether a host was captured itself.
    #[must_use]
    pub fn is_captured(&self, host: HostId) -> bool {
        !self.topology.hosts.get(host).vantages.is_empty()
    }

    /// The host that uses a MAC.
    #[must_use]
    pub fn host_by_mac(&self, mac: Option<Mac>) -> Option<HostId> {
        self.topology.hosts.by_mac(mac?)
    }

    /// The host that owns an address.
    #[must_use]
    pub fn host_by_ip(&self, ip: Ip) -> Option<HostId> {
        self.topology.hosts.by_ip(ip)
    }

    /// Whether a vantage was taken on the client of a connection.
    #[must_use]
    pub fn is_client_side(&self, id: ConnectionId, leg: &Leg) -> bool {
        // What lies near in memory is asked first, and of most legs answers.
        if leg.tuple != 0 {
            return false;
        }
        let client = self.connection(id).front.client.0;
        let owns = |host| self.host_by_ip(client).is_none_or(|owner| owner == host);
        if !self.host_of(leg).is_some_and(owns) {
            return false;
        }
        let vantage = self.vantage(leg);
        let first = self.connections.first_hop(&self.vantages, leg, true);
        let Some(hop) = first else { return false };
        vantage.own.sent(hop) == Some(true)
            && hop.known_ttl().is_some_and(|ttl| ttl % 32 == 0 || ttl == 255)
    }

    /// A moment on the reference clock.
    #[must_use]
    pub fn time(&self, at: At) -> Timestamp {
        self.timeline.align(self.vantages[at.vantage.index()].capture, at.mark)
    }

    /// When a vantage begins to see, on the reference clock.
    #[must_use]
    pub fn start_of(&self, vantage: &Observations) -> Timestamp {
        self.timeline.align(vantage.capture, Mark::new(1, vantage.start))
    }

    /// When it ceases to.
    #[must_use]
    pub fn end_of(&self, vantage: &Observations) -> Timestamp {
        self.timeline.align(vantage.capture, Mark::new(u32::MAX, vantage.end))
    }

    /// First frame of a connection at any vantage, by the reference clock.
    #[must_use]
    pub fn start(&self, id: ConnectionId) -> Option<At> {
        self.legs(id)
            .iter()
            .map(|leg| At { vantage: leg.vantage, mark: leg.of(&self.vantages).first() })
            .min_by_key(|at| self.time(*at))
    }

    /// Last frame of a connection at any vantage, by the reference clock.
    #[must_use]
    pub fn end(&self, id: ConnectionId) -> Option<At> {
        self.legs(id)
            .iter()
            .map(|leg| At { vantage: leg.vantage, mark: leg.of(&self.vantages).last() })
            .max_by_key(|at| self.time(*at))
    }
}

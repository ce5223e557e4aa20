//! What is ordinary, said once: health checks, scans, floods.
//!
//! Detectors read this classification instead of each knowing its own
//! exceptions.

use super::checks::{self, Pair, is_empty_exchange, pair};
use super::scans::Scans;
use super::stray::Answers;
use super::tries::Try;
use super::{HostId, Mode, StatedRoles, Topology, Who};
use crate::correlate::{Connection, Connections, Outcome};
use crate::exchange::Pairs;
use crate::flow::{Answer, Kind, Observations, Reset, is_googles};
use crate::hashed::{HashMap, HashSet};
use crate::parts::in_parts;
use crate::wire::Ip;

/// Why a connection is nobody's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ordinary {
    /// A balancer or monitor asks whether a server is alive.
    HealthCheck,
    /// A proxy's own connection, part of a client's.
    ProxyLeg,
    /// One source tries many services, or asks the way by traceroute.
    Scan,
    /// One of a mass of SYNs from sources that never come back.
    Flood,
    /// An answer to somebody's question, from elsewhere than who was asked.
    StrayAnswer,
}

impl Ordinary {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HealthCheck => "health-check",
            Self::ProxyLeg => "proxy-leg",
            Self::Scan => "scan",
            Self::Flood => "flood",
            Self::StrayAnswer => "stray-answer",
        }
    }
}

/// Empty exchanges of one pair that make a habit.
const HABIT: u32 = 3;
/// Ports to which traceroute sends datagrams that nobody is to answer, one a hop and a try
/// (IANA gives it 33434/udp; Linux and BSD traceroute count up from there).
const TRACEROUTE: std::ops::RangeInclusive<u16> = 33434..=33534;
/// Sources that must try one service once each, in vain, to be a flood.
const FLOOD_SOURCES: u32 = 256;

pub(super) fn classify(
    vantages: &[Observations],
    connections: &Connections,
    pairs: &Pairs,
    topology: &Topology,
    stated: &StatedRoles,
    answers: &Answers,
) -> Vec<Option<Ordinary>> {
    let habits = habits(connections);
    let beats = checks::beats(vantages, connections, &habits);
    let mut vain = in_vain(connections, &habits, topology);
    let proven = proven(vantages, connections, &habits);
    vain.extend(checks::always_refused(vantages, connections));
    vain.extend(checks::never_accepted(vantages, connections, topology));
    let probers = checks::of_probers(vantages, connections);
    let scans = scans(connections);
    let floods = floods(connections, topology);
    let fleets = Fleets::of(topology);
    let flooded = flooded(vantages);
    let mut strays: HashSet<u32> = topology.halves.values().copied().collect();
    strays.extend(topology.resets.values());
    strays.extend(answers.keys());
    let one = |i: usize| {
        let connection = &connections.list[i];
        let client = connection.front.client.0;
        let named = is_named(client, topology, stated);
        let service = &topology.services[topology.service_of[i].0 as usize];
        let index = i as u32;
        let carried = pairs.clients.contains_key(&index);
        if carried
            || pairs.attempted.contains_key(&index)
            || pairs.tried.contains(&index)
            || pairs.alike.contains(&index)
        {
            Some(Ordinary::ProxyLeg)
        } else if strays.contains(&index) {
            Some(Ordinary::StrayAnswer)
        } else if named {
            None
        } else if vain.contains(&pair(connection))
            || beats.contains(&index)
            || !connection.progress.request && probers.contains(&pair(connection))
            || is_vain(connection) && proven.contains(&pair(connection))
            || is_check(vantages, connections, connection, topology, &fleets, &habits)
        {
            Some(Ordinary::HealthCheck)
        } else if is_traceroute(connection)
            || service.mode == Mode::Unknown && scans.has(client, connection.front.server)
        {
            Some(Ordinary::Scan)
        } else if is_flood_shaped(connection)
            && (floods.contains(&topology.service_of[i])
                || flooded.as_ref().is_none_or(|to| to.contains(&connection.front.server)))
        {
            Some(Ordinary::Flood)
        } else {
            None
        }
    };
    let parts = in_parts(connections.list.len(), |part| part.map(one).collect::<Vec<_>>());
    let mut all = parts.concat();
    let known: Vec<bool> = all.iter().map(|is| *is == Some(Ordinary::HealthCheck)).collect();
    for i in checks::of_directors(vantages, connections, topology, &known) {
        all[i].get_or_insert(Ordinary::HealthCheck);
    }
    all
}

/// Whether the user stated an address, or the MAC of the host that owns it, to be
/// a client's.
fn is_named(client: Ip, topology: &Topology, stated: &StatedRoles) -> bool {
    stated.clients.iter().any(|who| match who {
        Who::Ip(ip) => *ip == client,
        Who::Mac(mac) => {
            let host = topology.hosts.by_mac(*mac);
            host.is_some() && host == topology.hosts.by_ip(client)
        }
    })
}

/// A datagram that asks the way: its answer is an ICMP error.
fn is_traceroute(connection: &Connection) -> bool {
    connection.protocol.is_udp()
        && TRACEROUTE.contains(&connection.front.server.1)
        && !connection.progress.response
}

/// Pairs whose every connection is an empty exchange, again and again.
fn habits(connections: &Connections) -> HashSet<Pair> {
    let tcp = || connections.list.iter().filter(|c| c.protocol.is_tcp());
    let mut counts: HashMap<Pair, u32> = HashMap::default();
    for connection in tcp().filter(|c| is_empty_exchange(c)) {
        *counts.entry(pair(connection)).or_default() += 1;
    }
    counts.retain(|_, empty| *empty >= HABIT);
    if !counts.is_empty() {
        // Who gets his own SYN back was not answered by the service.
        for connection in tcp().filter(|c| !is_empty_exchange(c) || c.has_self()) {
            counts.remove(&pair(connection));
        }
    }
    counts.into_keys().collect()
}

/// Pairs with such a habit of which enough were accepted and ended by who asked: what is refused among them is a check
/// as well, of a server that is down for a while.
fn proven(
    vantages: &[Observations],
    connections: &Connections,
    habits: &HashSet<Pair>,
) -> HashSet<Pair> {
    let mut counts: HashMap<Pair, u32> = HashMap::default();
    if habits.is_empty() {
        return HashSet::default();
    }
    for c in connections.list.iter().filter(|c| c.protocol.is_tcp() && c.progress.answered) {
        if habits.contains(&pair(c)) && closed_by_client(vantages, connections, c) {
            *counts.entry(pair(c)).or_default() += 1;
        }
    }
    counts.into_iter().filter(|(_, count)| *count >= HABIT).map(|(pair, _)| pair).collect()
}

fn is_vain(connection: &Connection) -> bool {
    matches!(connection.outcome, Outcome::Refused | Outcome::Unanswered)
}

/// Pairs of a director that has such a habit with another server on the same port, and whose
/// every connection is in vain: the check of a server that is down.
fn in_vain(
    connections: &Connections,
    habits: &HashSet<Pair>,
    topology: &Topology,
) -> HashSet<Pair> {
    let directs = |ip: Ip| {
        let host = topology.hosts.by_ip(ip);
        host.is_some_and(|host| topology.services.iter().any(|s| s.is_director(host)))
    };
    // A refusal is an empty exchange as well: a habit is one only where somebody accepts.
    let accepted =
        connections.list.iter().filter(|c| c.protocol.is_tcp() && c.progress.established);
    let callers: HashSet<(Ip, u16)> = accepted
        .map(pair)
        .filter(|pair| habits.contains(pair) && directs(pair.0))
        .map(|(client, _, port)| (client, port))
        .collect();
    if callers.is_empty() {
        return HashSet::default();
    }
    let mut tries: HashMap<Pair, (u32, bool)> = HashMap::default();
    for connection in connections.list.iter().filter(|c| c.protocol.is_tcp() && !c.has_self()) {
        let pair = pair(connection);
        if callers.contains(&(pair.0, pair.2)) {
            let vain = is_vain(connection);
            let (count, all) = tries.entry(pair).or_insert((0, true));
            *count += 1;
            *all &= vain;
        }
    }
    let found = tries.into_iter().filter(|(_, (count, all))| *all && *count >= HABIT);
    found.map(|(pair, _)| pair).collect()
}

/// The real servers of each director, for which of its virtual addresses: up to two, as
/// only one can be the address that is asked about.
#[derive(Default)]
struct Fleets {
    by_address: HashMap<(HostId, Ip), [Option<Ip>; 2]>,
    by_host: HashMap<(HostId, HostId), [Option<Ip>; 2]>,
}

impl Fleets {
    fn of(topology: &Topology) -> Self {
        let mut fleets = Self::default();
        let note = |vips: &mut [Option<Ip>; 2], vip: Ip| {
            if let Some(free) = vips.iter_mut().find(|known| known.is_none_or(|ip| ip == vip)) {
                *free = Some(vip);
            }
        };
        for service in &topology.services {
            for director in &service.directors {
                for server in &service.real_servers {
                    if let Some(ip) = server.address {
                        let of = fleets.by_address.entry((director.host, ip)).or_default();
                        note(of, service.vip);
                    }
                    if let Some(host) = server.host {
                        let of = fleets.by_host.entry((director.host, host)).or_default();
                        note(of, service.vip);
                    }
                }
            }
        }
        fleets
    }

    /// Whether a host directs a service of another address that this one serves.
    fn serve(&self, director: HostId, server: Ip, topology: &Topology) -> bool {
        let other = |vips: &[Option<Ip>; 2]| vips.iter().flatten().any(|vip| *vip != server);
        // What a host calls at itself shows by the address alone.
        let host = topology.hosts.by_ip(server).filter(|host| *host != director);
        self.by_address.get(&(director, server)).is_some_and(other)
            || host.is_some_and(|host| self.by_host.get(&(director, host)).is_some_and(other))
    }
}

fn is_check(
    vantages: &[Observations],
    connections: &Connections,
    connection: &Connection,
    topology: &Topology,
    fleets: &Fleets,
    habits: &HashSet<Pair>,
) -> bool {
    let client = connection.front.client.0;
    // It says so itself, or that it is none.
    let asks = |leg: &crate::correlate::Leg| {
        vantages[leg.vantage.index()].side_tables.is_probe(leg.stream)
    };
    match connections.legs(connection).iter().find_map(asks) {
        Some(true) => return true,
        Some(false) => return false,
        None => {}
    }
    if connection.back.is_none() && is_prober_range(client) {
        return true;
    }
    // A director that connects to one of its real servers asks for its health.
    let server = connection.front.server.0;
    if topology.hosts.by_ip(client).is_some_and(|host| fleets.serve(host, server, topology)) {
        return true;
    }
    habits.contains(&pair(connection)) && closed_by_client(vantages, connections, connection)
}

/// The client itself ends a check, with FIN or RST, once it has the answer to
/// what it asked: not one that came around the director from elsewhere.
fn closed_by_client(
    vantages: &[Observations],
    connections: &Connections,
    connection: &Connection,
) -> bool {
    connections.legs(connection).iter().filter(|leg| leg.tuple == 0).any(|leg| {
        let there = leg.forward(vantages);
        if !leg.reply(vantages).seen() {
            return false;
        }
        // Who asks again was not answered, whoever sent the reset in its name.
        let reset = there.rst.is_set() && there.opened() && connection.progress.syns <= 1;
        there.fin.is_set() || there.reset == Reset::Abort || reset
    })
}

/// Documented source addresses of cloud health checks.
fn is_prober_range(ip: Ip) -> bool {
    is_googles(ip) || ip == Ip::v4([168, 63, 129, 16])
}

/// Who tries services in vain.
fn scans(connections: &Connections) -> Scans {
    Scans::of(connections.list.iter().filter(|c| c.protocol.is_tcp()).map(|connection| Try {
        source: connection.front.client.0,
        port: connection.front.client.1,
        service: connection.front.server,
        vain: matches!(connection.outcome, Outcome::Refused | Outcome::Unanswered),
        empty: is_empty_exchange(connection),
        syns: connection.progress.syns,
    }))
}

fn is_flood_shaped(connection: &Connection) -> bool {
    !connection.progress.established
        && connection.progress.syns <= 1
        && matches!(connection.outcome, Outcome::Unanswered | Outcome::Incomplete)
}

/// Where streams had to be let go, what is left of their kind is the same: to whom they
/// were opened; `None` where these are too many to tell.
fn flooded(vantages: &[Observations]) -> Option<HashSet<(Ip, u16)>> {
    let mut flooded = HashSet::default();
    for evicted in vantages.iter().map(|v| &v.evicted) {
        if evicted.beyond_kinds > 0 {
            return None;
        }
        let spoofed = |kind: &&Kind| matches!(kind.answer, Answer::None | Answer::Accepted);
        flooded.extend(evicted.kinds.keys().filter(spoofed).map(|kind| kind.server));
    }
    Some(flooded)
}

fn floods(connections: &Connections, topology: &Topology) -> HashSet<super::ServiceId> {
    let mut sources: HashMap<super::ServiceId, (HashSet<Ip>, u32)> = HashMap::default();
    for (connection, service) in connections.list.iter().zip(&topology.service_of) {
        if connection.protocol.is_tcp() && is_flood_shaped(connection) {
            let (ips, count) = sources.entry(*service).or_default();
            *count += 1;
            if ips.len() < FLOOD_SOURCES as usize {
                ips.insert(connection.front.client.0);
            }
        }
    }
    sources
        .into_iter()
        .filter(|(_, (ips, _))| ips.len() >= FLOOD_SOURCES as usize)
        .map(|(service, _)| service)
        .collect()
}

//! Which connections may be the two sides of a proxy.

use super::transparent::guests;
use crate::correlate::{Connection, Connections, Outcome};
use crate::flow::Observations;
use crate::wire::{Ip, Mac};
use foldhash::fast::RandomState;
use std::collections::{HashMap, HashSet};

/// Which suspected proxy a connection leads to, and which it comes from; a proxy
/// is named by one of its addresses. A real server that calls the service makes
/// its backend connections both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sides {
    /// The proxy that it leads to.
    pub to: Option<Ip>,
    /// The proxy that it comes from.
    pub from: Option<Ip>,
}

/// Streams of a vantage that are asked for its own addresses: they show early.
const SAMPLE: usize = 1 << 12;
/// Connections that are read; beyond the bound they are not.
const MAX_SUSPECTS: usize = 1 << 20;

/// Connections that are read, and those that a suspected proxy tried in vain.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    /// By connection index.
    pub sides: HashMap<u32, Sides>,
    /// Connection index and the proxy that tried.
    pub attempts: Vec<(u32, Ip)>,
}

/// `transparent`: the hosts that opened connections in a client's name.
pub(super) fn suspects(
    groups: &Groups,
    connections: &Connections,
    transparent: &HashMap<u32, Ip>,
) -> Suspects {
    let comes_from = |index: usize, connection: &Connection| {
        let own = || groups.host(connection.front.client.0);
        transparent.get(&(index as u32)).copied().unwrap_or_else(own)
    };
    // A host that is connected to and connects, by any of its addresses.
    let talks = |c: &&Connection| c.protocol == 6 && c.back.is_none() && c.progress.request;
    let mut serves: HashSet<Ip, RandomState> = HashSet::default();
    let mut last = None;
    for connection in connections.list.iter().filter(talks) {
        let server = connection.front.server.0;
        if last.replace(server) != Some(server) {
            serves.insert(groups.host(server));
        }
    }
    let mut both: HashSet<Ip> = HashSet::new();
    for (i, connection) in connections.list.iter().enumerate().filter(|(_, c)| talks(c)) {
        let client = comes_from(i, connection);
        if serves.contains(&client) {
            both.insert(client);
        }
    }
    // Who opens connections in its clients' names is a proxy, whether or not any succeeds.
    both.extend(transparent.values().filter(|host| serves.contains(*host)));
    let mut found = HashMap::new();
    if both.is_empty() {
        return Suspects::default();
    }
    for (i, connection) in connections.list.iter().enumerate().filter(|(_, c)| talks(c)) {
        let proxy = |host: Ip| Some(host).filter(|host| both.contains(host));
        let to = proxy(groups.host(connection.front.server.0));
        let sides = Sides { to, from: proxy(comes_from(i, connection)) };
        if (sides.to.is_some() || sides.from.is_some()) && found.len() < MAX_SUSPECTS {
            found.insert(i as u32, sides);
        }
    }
    let in_vain = |c: &Connection| {
        c.protocol == 6
            && c.back.is_none()
            && matches!(c.outcome, Outcome::Refused | Outcome::Unanswered)
    };
    let attempts = connections
        .list
        .iter()
        .enumerate()
        .filter(|(_, c)| in_vain(c))
        .map(|(i, c)| (i as u32, comes_from(i, c)))
        .filter(|(_, proxy)| both.contains(proxy))
        .collect();
    Suspects { sides: found, attempts }
}

/// Addresses of one host, named by the lowest of them.
pub(super) struct Groups(HashMap<Ip, Ip, RandomState>);

impl Groups {
    pub(super) fn of(vantages: &[Observations]) -> Self {
        let mut by_mac: HashMap<Mac, Ip> = HashMap::new();
        let mut names: HashMap<Ip, Ip, RandomState> = HashMap::default();
        // What one capturing host claims with any of its MACs is one host's.
        for vantage in vantages {
            let own: Vec<Ip> = vantage
                .neighbors
                .bindings
                .iter()
                .filter(|b| vantage.own.has(b.mac))
                .map(|b| b.ip)
                .collect();
            if let Some(low) = own.iter().min() {
                for ip in &own {
                    names.insert(*ip, *low);
                }
                for mac in &vantage.own.macs {
                    by_mac.insert(*mac, *low);
                }
            }
        }
        for binding in vantages.iter().flat_map(|v| &v.neighbors.bindings) {
            let name = *by_mac.entry(binding.mac).or_insert(binding.ip);
            names.entry(binding.ip).or_insert(name);
        }
        // Without ARP: what the capturing host takes in and what it sends.
        for vantage in vantages {
            let mut low: Option<Ip> = None;
            let mut own = Vec::new();
            // What a transparent proxy sends in its clients' names is not its own.
            let guests = guests(vantage);
            for stream in vantage.streams.iter().take(SAMPLE) {
                let client = stream.client();
                for side in [client, client.other()] {
                    let sent =
                        vantage.first_hop(stream.flow(side)).and_then(|h| vantage.own.sent(h));
                    let origin = vantage
                        .first_hop(stream.flow(side))
                        .is_some_and(|h| matches!(h.ttl, 64 | 128 | 255));
                    if sent == Some(true)
                        && origin
                        && own.len() < 64
                        && !own.contains(&stream.key.ip(side))
                        && !guests.contains(&stream.key.ip(side))
                    {
                        own.push(stream.key.ip(side));
                    }
                }
            }
            for ip in &own {
                let name = *names.get(ip).unwrap_or(ip);
                low = Some(low.map_or(name, |l| l.min(name)));
            }
            for ip in own {
                if let Some(low) = low {
                    names.insert(ip, low);
                }
            }
        }
        Self(names)
    }

    /// The name of the host that a vantage was taken on, where it says an address of its own.
    pub(super) fn own(&self, vantage: &Observations) -> Option<Ip> {
        let bindings = vantage.neighbors.bindings.iter();
        let own = bindings.filter(|b| vantage.own.has(b.mac)).map(|b| self.host(b.ip)).min();
        own.or_else(|| {
            // Without ARP: whom its visitors call.
            let called = vantage.streams.iter().take(SAMPLE).find_map(|stream| {
                let side = stream.opener()?;
                let hop = vantage.first_hop(stream.flow(side))?;
                let back = vantage.first_hop(stream.flow(side.other()))?;
                let takes = vantage.own.arrived(hop) == Some(true)
                    && vantage.own.sent(back) == Some(true)
                    && matches!(back.ttl, 64 | 128 | 255);
                takes.then(|| stream.key.ip(side.other()))
            });
            called.map(|ip| self.host(ip))
        })
    }

    /// The name of the host that has an address.
    pub(super) fn host(&self, ip: Ip) -> Ip {
        self.0.get(&ip).copied().unwrap_or(ip)
    }
}

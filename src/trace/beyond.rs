//! Openings that were counted and not kept, by service, real server and answer.

use crate::flow::{Answer, Kind, Observations};
use crate::topology::Topology;
use crate::wire::{Ip, Mac, Protocol};
use std::collections::BTreeMap;

/// Who a stream that was let go had been opened to.
type Service = (Ip, u16, Protocol);
/// Who answered it, or would have: its address where it was rewritten to one, its MAC.
type Server = (Option<(Ip, u16)>, Option<Mac>);

/// Openings of one service with one answer that no connection of the trace stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beyond {
    /// Virtual address, port and protocol.
    pub service: Service,
    /// What answered them.
    pub answer: Answer,
    /// How many, as the vantage counted that had to let most go.
    pub connections: u64,
    /// The same by real server, as far as captures tell it apart.
    pub servers: Vec<(Server, u64)>,
}

/// Sums up what the vantages let go.
pub(super) fn of(vantages: &[Observations], topology: &Topology) -> Vec<Beyond> {
    if vantages.iter().all(|vantage| vantage.evicted.all.streams == 0) {
        return Vec::new();
    }
    let known = Known::of(topology);
    let mut services: BTreeMap<(Service, Answer), u64> = BTreeMap::new();
    let mut servers: BTreeMap<(Service, Answer), BTreeMap<Server, u64>> = BTreeMap::new();
    for vantage in vantages {
        let mut here: BTreeMap<(Service, Answer), u64> = BTreeMap::new();
        let mut behind: BTreeMap<((Service, Answer), Server), u64> = BTreeMap::new();
        for (kind, gone) in &vantage.evicted.kinds {
            let (service, server) = known.place(kind);
            let key = (service, kind.answer);
            if server.is_none_or(|(address, _)| address.is_none()) {
                *here.entry(key).or_default() += gone.streams;
            }
            if let Some(server) = server {
                *behind.entry((key, server)).or_default() += gone.streams;
            }
        }
        // Several vantages count the same openings.
        for (key, n) in here {
            let most = services.entry(key).or_default();
            *most = n.max(*most);
        }
        for ((key, server), n) in behind {
            let most = servers.entry(key).or_default().entry(server).or_default();
            *most = n.max(*most);
        }
    }
    for (key, parts) in &servers {
        let most = services.entry(*key).or_default();
        *most = parts.values().sum::<u64>().max(*most);
    }
    let list = services.into_iter().map(|((service, answer), connections)| Beyond {
        service,
        answer,
        connections,
        servers: servers.remove(&(service, answer)).unwrap_or_default().into_iter().collect(),
    });
    let mut list: Vec<Beyond> = list.collect();
    list.sort_by_key(|beyond| std::cmp::Reverse(beyond.connections));
    list
}

/// The endpoints of the topology.
struct Known {
    /// Real servers with addresses of their own: of which service.
    behind: BTreeMap<(Ip, u16), Service>,
    /// Real servers that answer for a service's own address.
    macs: BTreeMap<(Service, Mac), ()>,
}

impl Known {
    fn of(topology: &Topology) -> Self {
        let mut known = Self { behind: BTreeMap::new(), macs: BTreeMap::new() };
        for service in topology.services.iter().filter(|service| !service.is_backend) {
            let name = (service.vip, service.port, service.protocol);
            for server in &service.real_servers {
                if let Some(address) = server.address.filter(|ip| *ip != service.vip) {
                    known.behind.entry((address, server.port)).or_insert(name);
                }
                if let Some(mac) = server.mac {
                    known.macs.insert((name, mac), ());
                }
            }
        }
        known
    }

    /// The service that a kind belongs to, and the real server where it tells one.
    fn place(&self, kind: &Kind) -> (Service, Option<Server>) {
        let own = (kind.server.0, kind.server.1, kind.protocol);
        if let Some(service) = self.behind.get(&kind.server).filter(|s| s.2 == kind.protocol) {
            return (*service, Some((Some(kind.server), None)));
        }
        let mac = kind.by.filter(|mac| self.macs.contains_key(&(own, *mac)));
        (own, mac.map(|mac| (None, Some(mac))))
    }
}

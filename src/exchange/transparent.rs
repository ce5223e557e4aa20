//! Connections that a host opens in the name of its clients: a transparent proxy
//! (haproxy `usesrc clientip`, nginx `proxy_bind ... transparent`).
//!
//! Their source says nothing of the proxy; that they begin on it does, in its own
//! capture: it sends the SYN, never got it, and the TTL is a fresh one.

use super::groups::Groups;
use crate::correlate::{Connections, Leg, LinkSequence, LinkSequenceId};
use crate::flow::{Hop, Observations, VantageId};
use crate::hashed::{HashMap, HashSet};
use crate::wire::Ip;

/// What a way says of its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The vantage's host made it: it left, never came, and no router counted it down.
    Here,
    /// It came to the host from elsewhere.
    Elsewhere,
    Unknown,
}

/// The hosts that opened connections in a client's name, by the index of the connection.
pub(super) fn opened(
    vantages: &[Observations],
    groups: &Groups,
    connections: &Connections,
) -> HashMap<u32, Ip> {
    let mut origins = Origins::default();
    // Connections of each vantage that begin there, and the addresses that come to it.
    let mut begun: Vec<(u32, VantageId)> = Vec::new();
    let mut guests: HashMap<VantageId, HashSet<Ip>> = HashMap::default();
    for (index, connection) in connections.list.iter().enumerate() {
        if !connection.protocol.is_tcp() {
            continue;
        }
        for leg in connections.legs(connection) {
            let at = leg.vantage;
            match origins.of(leg.there, &vantages[at.index()], connections) {
                Origin::Here if connection.back.is_none() => begun.push((index as u32, at)),
                Origin::Elsewhere => {
                    guests.entry(at).or_default().insert(connection.front.client.0);
                }
                _ => {}
            }
        }
    }
    let names: Vec<Option<Ip>> = vantages.iter().map(|v| groups.own(v)).collect();
    let in_the_name = |(index, at): (u32, VantageId)| {
        let connection = &connections.list[index as usize];
        let (client, server) = (connection.front.client.0, connection.front.server.0);
        let guest = client != server && guests.get(&at).is_some_and(|of| of.contains(&client));
        let mut legs = connections.legs(connection).iter();
        let opens = |leg: &Leg| leg.vantage == at && leg.forward(vantages).opened();
        (guest && legs.any(opens)).then(|| Some((index, names[at.index()]?))).flatten()
    };
    begun.into_iter().filter_map(in_the_name).collect()
}

/// Ways are few: each is looked at once.
#[derive(Debug, Default)]
struct Origins(Vec<Option<Origin>>);

impl Origins {
    fn of(
        &mut self,
        id: LinkSequenceId,
        vantage: &Observations,
        connections: &Connections,
    ) -> Origin {
        let at = id.number() as usize;
        // Ways lie far apart in memory; what is known of them is a byte each.
        if let Some(Some(known)) = self.0.get(at) {
            return *known;
        }
        let Some(way) = connections.ways.get(id) else { return Origin::Unknown };
        if self.0.len() <= at {
            self.0.resize(at + 1, None);
        }
        *self.0[at].get_or_insert_with(|| origin(way, vantage))
    }
}

fn origin(way: &LinkSequence, vantage: &Observations) -> Origin {
    let own = &vantage.own;
    let hops = || way.hops().map(|id| &vantage.hops[id.index()]);
    let made = |hop: &Hop| {
        own.sent(hop) == Some(true)
            && own.arrived(hop) != Some(true)
            && matches!(hop.ttl, 64 | 128 | 255)
    };
    match hops().next() {
        Some(first) if own.arrived(first) == Some(true) => Origin::Elsewhere,
        Some(_) if hops().all(made) => Origin::Here,
        _ => Origin::Unknown,
    }
}

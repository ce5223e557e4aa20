//! Connections that a host opens in the name of its clients: a transparent proxy
//! (haproxy `usesrc clientip`, nginx `proxy_bind ... transparent`).
//!
//! Their source says nothing of the proxy; that they begin on it does, in its own
//! capture: it sends the SYN, never got it, and the TTL is a fresh one.

use super::suspect::Groups;
use crate::correlate::{Connection, Connections, Leg};
use crate::flow::{Observations, Stream};
use crate::wire::Ip;
use std::collections::{HashMap, HashSet};

/// Streams of a vantage that are asked for who comes from elsewhere.
const SAMPLE: usize = 1 << 16;

/// The addresses from which a vantage got connections: others' addresses, whatever the
/// vantage sends in their name.
pub(super) fn guests(vantage: &Observations) -> HashSet<Ip> {
    let opened = |s: &&Stream| s.key.protocol == 6 && s.opener().is_some();
    let came = |stream: &Stream| {
        let side = stream.client();
        let mut path = vantage.path(stream.flow(side));
        let there = path.next()?.1;
        (vantage.own.arrived(there) == Some(true)).then(|| stream.key.ip(side))
    };
    vantage.streams.iter().take(SAMPLE).filter(opened).filter_map(came).collect()
}

/// The hosts that opened connections in a client's name, by the index of the connection.
pub(super) fn opened(
    vantages: &[Observations],
    groups: &Groups,
    connections: &Connections,
) -> HashMap<u32, Ip> {
    let names: Vec<Option<Ip>> = vantages.iter().map(|v| groups.own(v)).collect();
    let guests: Vec<HashSet<Ip>> = vantages.iter().map(guests).collect();
    let mut found = HashMap::new();
    for (index, connection) in connections.list.iter().enumerate() {
        if connection.protocol != 6 || connection.back.is_some() {
            continue;
        }
        let by = |leg: &Leg| {
            let at = usize::from(leg.vantage);
            let name = names[at]?;
            let guest = guests[at].contains(&connection.front.client.0);
            let begins = || begins_here(&vantages[at], leg.forward(vantages), connection);
            (guest && begins()).then_some(name)
        };
        if let Some(host) = connections.legs(connection).iter().find_map(by) {
            found.insert(index as u32, host);
        }
    }
    found
}

/// Whether a vantage's host made what the client sends: it left, never came, and no
/// router counted it down.
fn begins_here(vantage: &Observations, there: &crate::flow::Flow, connection: &Connection) -> bool {
    let own = &vantage.own;
    there.opened()
        && connection.front.client.0 != connection.front.server.0
        && vantage.path(there).all(|(_, hop)| {
            own.sent(hop) == Some(true)
                && own.arrived(hop) != Some(true)
                && matches!(hop.ttl, 64 | 128 | 255)
        })
}

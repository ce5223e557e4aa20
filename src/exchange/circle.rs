//! Connections whose clients may be sent in a circle: they are answered by redirects, again and again. What they ask
//! for tells, which is read in the second pass alone.

use super::sides::{Around, Sides};
use crate::correlate::Connections;
use crate::flow::Observations;
use crate::hashed::HashMap;
use crate::wire::Ip;

/// So many that one client gets of a server; fewer are no circle.
const CIRCLE: usize = 3;
/// Connections of one client and server that are read: a circle shows in few.
const MOST: usize = 16;
/// Clients and servers of which any are.
const MAX_PAIRS: usize = 1 << 8;
/// Segments of a client that asks for a thing three times on one connection: its SYN, an ACK, each request.
const ASKS: u32 = 5;

/// A client's address and a server.
type Pair = (Ip, (Ip, u16));

pub(super) fn redirected(
    vantages: &[Observations],
    connections: &Connections,
) -> HashMap<u32, Sides> {
    let mut pairs: HashMap<Pair, Vec<(u32, u32)>> = HashMap::default();
    for (i, c) in connections.list.iter().enumerate().filter(|(_, c)| c.protocol.is_tcp()) {
        let mut legs = connections.legs(c).iter();
        let redirected = |leg: &&crate::correlate::Leg| {
            vantages[leg.vantage.index()].side_tables.is_redirected(leg.stream)
        };
        let Some(leg) = legs.find(redirected) else { continue };
        let key = (c.front.client.0, c.front.server);
        if pairs.len() < MAX_PAIRS || pairs.contains_key(&key) {
            pairs.entry(key).or_default().push((i as u32, leg.forward(vantages).packets));
        }
    }
    let often = |of: &&Vec<(u32, u32)>| {
        of.len() >= CIRCLE || of.iter().any(|(_, packets)| *packets >= ASKS)
    };
    let read = pairs.values().filter(often).flat_map(|of| of.iter().take(MOST));
    let sides = Sides { to: None, from: None, around: Around::None };
    read.map(|(i, _)| (*i, sides)).collect()
}

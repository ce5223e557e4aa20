//! From sets of streams to connections: which five-tuple is the client's own,
//! which the real server's.

use super::union::{StreamRef, Union};
use super::{Connection, Connections, Leg, Stated, Tie, outcome};
use crate::flow::{Observations, Side, Stream};
use crate::wire::Ip;
use std::cmp::Ordering;

/// Both ends, client first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple {
    /// The client's address and port.
    pub client: (Ip, u16),
    /// The server's address and port.
    pub server: (Ip, u16),
}

impl Tuple {
    /// Of a stream, given the client's side.
    #[must_use]
    pub fn of(stream: &Stream, client: Side) -> Self {
        let key = &stream.key;
        Self {
            client: (key.ip(client), key.port(client)),
            server: (key.ip(client.other()), key.port(client.other())),
        }
    }

    /// Whether one host is both ends.
    #[must_use]
    pub fn is_self(&self) -> bool {
        self.client.0 == self.server.0
    }
}

pub(super) fn assemble(vantages: &[Observations], union: &Union, stated: &Stated) -> Connections {
    let mut members: Vec<(u32, StreamRef)> = Vec::new();
    for (v, vantage) in vantages.iter().enumerate() {
        for (s, stream) in vantage.streams.iter().enumerate() {
            if !stream.is_evicted() && is_conversation(stream) {
                let at = StreamRef { vantage: v as u16, stream: s as u32 };
                members.push((union.root(at), at));
            }
        }
    }
    members.sort_unstable();
    let mut connections = Connections {
        list: Vec::with_capacity(members.len() / 2),
        legs: Vec::with_capacity(members.len()),
    };
    let mut scratch = Vec::new();
    for set in members.chunk_by(|a, b| a.0 == b.0) {
        connect(vantages, set, union.tie_of(set[0].0), stated, &mut scratch, &mut connections);
    }
    connections
}

/// Multicast, broadcast and link-local chatter is nobody's connection.
fn is_conversation(stream: &Stream) -> bool {
    stream.key.ips.iter().all(|ip| ip.is_host() && !ip.is_link_local())
}

fn connect(
    vantages: &[Observations],
    set: &[(u32, StreamRef)],
    tie: Tie,
    stated: &Stated,
    tuples: &mut Vec<Seen>,
    out: &mut Connections,
) {
    tuples.clear();
    let first_leg = out.legs.len();
    for (_, at) in set {
        let stream = &vantages[usize::from(at.vantage)].streams[at.stream as usize];
        let client = client_side(stream, set, vantages, stated);
        let tuple = Tuple::of(stream, client);
        let index = match tuples.iter().position(|seen| seen.tuple == tuple) {
            Some(index) => index,
            None => {
                tuples.push(Seen { tuple, ttl: 0, order: tuples.len() });
                tuples.len() - 1
            }
        };
        let vantage = &vantages[usize::from(at.vantage)];
        if let Some(hop) = vantage.first_hop(stream.flow(client)) {
            tuples[index].ttl = tuples[index].ttl.max(hop.ttl);
        }
        let leg = Leg { vantage: at.vantage, tuple: index as u8, client, stream: at.stream };
        out.legs.push(leg);
    }
    order(tuples, &out.legs[first_leg..], vantages, stated);
    for leg in &mut out.legs[first_leg..] {
        let place = tuples.iter().position(|seen| seen.order == usize::from(leg.tuple));
        leg.tuple = place.unwrap_or(0) as u8;
    }
    out.legs[first_leg..].sort_unstable_by_key(|leg| (leg.tuple, leg.vantage, leg.stream));
    let legs = (first_leg as u32, out.legs.len() as u32);
    let (outcome, progress) = outcome::judge(vantages, &out.legs[first_leg..]);
    let front = tuples[0].tuple;
    out.list.push(Connection {
        legs,
        protocol: vantages[usize::from(set[0].1.vantage)].streams[set[0].1.stream as usize]
            .key
            .protocol,
        front,
        back: tuples.get(1..).and_then(|rest| rest.last()).map(|seen| seen.tuple),
        tuples: tuples.len().min(255) as u8,
        tie,
        outcome,
        progress,
    });
}

/// A mid-stream stream does not tell who opened it; another of the set may.
fn client_side(
    stream: &Stream,
    set: &[(u32, StreamRef)],
    vantages: &[Observations],
    stated: &Stated,
) -> Side {
    if let Some(side) = stream.opener() {
        return side;
    }
    for side in [Side::A, Side::B] {
        if stated.vips.contains(&stream.key.ip(side))
            || stated.clients.contains(&stream.key.ip(side.other()))
        {
            return side.other();
        }
    }
    for (_, at) in set {
        let other = &vantages[usize::from(at.vantage)].streams[at.stream as usize];
        let Some(opener) = other.opener() else {
            continue;
        };
        let client = (other.key.ip(opener), other.key.port(opener));
        for side in [Side::A, Side::B] {
            if (stream.key.ip(side), stream.key.port(side)) == client {
                return side;
            }
        }
    }
    stream.client()
}

struct Seen {
    tuple: Tuple,
    /// Highest TTL of the client's packets: it only falls on the way.
    ttl: u8,
    order: usize,
}

/// Puts the client's own tuple first, the real server's last.
fn order(tuples: &mut [Seen], legs: &[Leg], vantages: &[Observations], stated: &Stated) {
    if tuples.len() < 2 {
        return;
    }
    let virtual_first = |seen: &Seen| !stated.vips.contains(&seen.tuple.server.0);
    tuples.sort_by(|a, b| {
        (virtual_first(a).cmp(&virtual_first(b)))
            .then_with(|| in_one_capture(a.order, b.order, legs, vantages))
            .then_with(|| b.ttl.cmp(&a.ttl))
            // Only an answer was seen: the client never asked for this one.
            .then_with(|| a.tuple.is_self().cmp(&b.tuple.is_self()))
            .then_with(|| a.order.cmp(&b.order))
    });
}

/// Two tuples at one vantage pass it in the order of the path.
fn in_one_capture(a: usize, b: usize, legs: &[Leg], vantages: &[Observations]) -> Ordering {
    for x in legs.iter().filter(|leg| usize::from(leg.tuple) == a) {
        for y in legs.iter().filter(|leg| usize::from(leg.tuple) == b && leg.vantage == x.vantage) {
            let (f, g) = (x.forward(vantages), y.forward(vantages));
            if f.first.is_set() && g.first.is_set() {
                return f.first.frame().cmp(&g.first.frame());
            }
            // The client's side sent on one of them only: that is its own.
            match (f.opened(), g.opened()) {
                (true, false) => return Ordering::Less,
                (false, true) => return Ordering::Greater,
                _ => {}
            }
        }
    }
    Ordering::Equal
}

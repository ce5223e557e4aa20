//! From sets of streams to connections: which five-tuple is the client's own,
//! which the real server's.

use super::union::{StreamRef, Union};
use super::{
    Connection, Connections, Leg, LinkSequenceId, LinkSequences, Spans, Stated, Tie, ahead, outcome,
};
use crate::flow::{Mark, Observations, Side, Stream};
use crate::hashed::HashMap;
use crate::parts::in_parts_from;
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
    let sets = union.sets();
    let even = |even| sets.even(even);
    let parts = in_parts_from(sets.roots(), even, |part| {
        let (some, streams) = sets.count(part.clone());
        let mut connections = Connections {
            list: Vec::with_capacity(some),
            legs: Vec::with_capacity(streams),
            ways: LinkSequences::default(),
        };
        let mut scratch = Vec::new();
        let mut set = Vec::new();
        let mut sets = sets.of(part);
        loop {
            let some: Vec<(u32, &[StreamRef])> = sets.by_ref().take(ahead::TOGETHER).collect();
            if some.is_empty() {
                break;
            }
            ahead::with_links(
                vantages,
                some.iter().flat_map(|(_, members)| members.iter().copied()),
            );
            for (root, members) in some {
                set.clear();
                set.extend(members.iter().copied().filter(|at| is_conversation(at.of(vantages))));
                let tie = union.tie_of(root);
                if !set.is_empty() {
                    connect(vantages, &set, tie, stated, &mut scratch, &mut connections);
                }
            }
        }
        connections
    });
    let mut connections = together(parts);
    outvote(&mut connections);
    connections
}

/// Puts the connections of several parts together.
fn together(parts: Vec<Connections>) -> Connections {
    let mut parts = parts.into_iter();
    let mut all = parts.next().unwrap_or_default();
    for part in parts {
        let base = all.legs.len() as u32;
        let ways = all.ways.take_in(&part.ways);
        let way = |id: LinkSequenceId| {
            ways.get(id.number() as usize).copied().unwrap_or(LinkSequenceId::NONE)
        };
        all.legs.extend(part.legs.into_iter().map(|leg| Leg {
            there: way(leg.there),
            back: way(leg.back),
            ..leg
        }));
        all.list.extend(part.list.into_iter().map(|connection| Connection {
            legs: (base + connection.legs.0, base + connection.legs.1),
            ..connection
        }));
    }
    all
}

/// Multicast, broadcast and link-local chatter is nobody's connection; TCP is one also
/// between link-local addresses, from which clouds ask for health, and so is what goes
/// from another address to a link-local one: nodes and clouds serve names and time there.
fn is_conversation(stream: &Stream) -> bool {
    let ips = &stream.key.ips;
    let talks = stream.key.protocol.is_tcp() || !ips.iter().all(|ip| ip.is_link_local());
    !stream.is_evicted() && talks && ips.iter().all(|ip| ip.is_host())
}

/// Five-tuples of one connection that are told apart; those beyond are the last. Each rewrite on the way makes one.
const MAX_TUPLES: usize = u8::MAX as usize;

fn connect(
    vantages: &[Observations],
    set: &[StreamRef],
    tie: Tie,
    stated: &Stated,
    tuples: &mut Vec<Seen>,
    out: &mut Connections,
) {
    tuples.clear();
    let first_leg = out.legs.len();
    for at in set {
        let stream = at.of(vantages);
        let client = client_side(stream, set, vantages, stated);
        let tuple = Tuple::of(stream, client);
        let index = match tuples.iter().position(|seen| seen.tuple == tuple) {
            Some(index) => index,
            None if tuples.len() >= MAX_TUPLES => MAX_TUPLES - 1,
            None => {
                tuples.push(Seen { tuple, ttl: 0, answer_ttl: 0, order: tuples.len() });
                tuples.len() - 1
            }
        };
        let vantage = &vantages[at.vantage.index()];
        let (there, back) = (stream.flow(client), stream.flow(client.other()));
        // A reset by the client shows no way that was meant.
        if let Some(hop) = vantage
            .first_hop(there)
            .filter(|_| there.opened() || !there.syn.is_set() && there.ack.is_set())
        {
            tuples[index].ttl = tuples[index].ttl.max(hop.ttl);
        }
        if let Some(hop) = vantage.first_hop(back) {
            tuples[index].answer_ttl = tuples[index].answer_ttl.max(hop.ttl);
        }
        out.legs.push(Leg {
            vantage: at.vantage,
            tuple: index as u8,
            client,
            there: out.ways.id(there, at.vantage, vantages),
            back: out.ways.id(back, at.vantage, vantages),
            stream: at.stream,
            spans: Spans::of(there, back),
        });
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
        protocol: set[0].of(vantages).key.protocol,
        front,
        back: tuples.get(1..).and_then(|rest| rest.last()).map(|seen| seen.tuple),
        tuples: tuples.len() as u8,
        tie,
        outcome,
        progress,
    });
}

/// A mid-stream stream does not tell who opened it; another of the set may.
fn client_side(
    stream: &Stream,
    set: &[StreamRef],
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
    for at in set {
        let other = at.of(vantages);
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
    /// Highest TTL of the server's packets.
    answer_ttl: u8,
    order: usize,
}

/// Puts the client's own tuple first, the real server's last.
fn order(tuples: &mut [Seen], legs: &[Leg], vantages: &[Observations], stated: &Stated) {
    if tuples.len() < 2 {
        return;
    }
    let virtual_first = |seen: &Seen| !stated.vips.contains(&seen.tuple.server.0);
    // Where one TTL is not known, none orders.
    let told = |of: fn(&Seen) -> u8| tuples.iter().all(|seen| of(seen) != 0);
    let (there, back) = (told(|seen| seen.ttl), told(|seen| seen.answer_ttl));
    let ttl = |seen: &Seen| if there { seen.ttl } else { 0 };
    let answer = |seen: &Seen| if back { seen.answer_ttl } else { 0 };
    tuples.sort_by(|a, b| {
        (virtual_first(a).cmp(&virtual_first(b)))
            .then_with(|| through_a_host(a.order, b.order, legs, vantages))
            .then_with(|| ttl(b).cmp(&ttl(a)))
            // Answers lose TTL on their way to the client.
            .then_with(|| answer(a).cmp(&answer(b)))
            .then_with(|| a.tuple.is_self().cmp(&b.tuple.is_self()))
            .then_with(|| a.order.cmp(&b.order))
    });
}

/// Two tuples at one vantage: what comes in is before what goes out, what the
/// client's own host sends is its own, and one packet seen twice passes in the
/// order of the path. Frames of different packets tell nothing.
fn through_a_host(a: usize, b: usize, legs: &[Leg], vantages: &[Observations]) -> Ordering {
    let at = |tuple: usize| legs.iter().filter(move |leg| usize::from(leg.tuple) == tuple);
    for x in at(a) {
        for y in at(b).filter(|leg| leg.vantage == x.vantage) {
            let vantage = &vantages[x.vantage.index()];
            let (f, g) = (x.forward(vantages), y.forward(vantages));
            let sent = |flow| vantage.first_hop(flow).and_then(|hop| vantage.own.sent(hop));
            let ttl = |flow| vantage.first_hop(flow).and_then(|hop| hop.known_ttl());
            let fallen = match (ttl(f), ttl(g)) {
                (Some(f), Some(g)) => g.cmp(&f),
                _ => Ordering::Equal,
            };
            let in_before_out = match (sent(f), sent(g)) {
                (Some(false), Some(true)) => Ordering::Less,
                (Some(true), Some(false)) => Ordering::Greater,
                _ => Ordering::Equal,
            };
            let order = match (f.opened(), g.opened()) {
                // Frames of one moment may stand in another order in the file than on the wire, as where several
                // queues are read: a packet that comes in with more hops left than it goes out with came first.
                (true, true) if fallen != Ordering::Equal && fallen == in_before_out => fallen,
                // With all repeats seen the first SYNs are one packet.
                (true, true) if f.syns == g.syns && f.syn.frame() != g.syn.frame() => {
                    earlier(f.syn, g.syn)
                }
                // What left after the other came was opened for it (a SYN proxy's TTL is new).
                (true, true)
                    if in_before_out != Ordering::Equal
                        && in_before_out == earlier(f.syn, g.syn) =>
                {
                    in_before_out
                }
                (true, true) => fallen.then(in_before_out),
                // Who sends an answer in one name and the question in another translates: its capture lacks
                // what comes in.
                (true, false) if sent(f) == Some(true) && sent(y.reply(vantages)) == Some(true) => {
                    Ordering::Greater
                }
                (false, true) if sent(g) == Some(true) && sent(x.reply(vantages)) == Some(true) => {
                    Ordering::Less
                }
                // The client never asked for what only answers. Where its packets come in, this
                // is another host, whose capture lacks the SYN.
                (true, false) if sent(f) == Some(true) && sent(g) != Some(false) => Ordering::Less,
                (false, true) if sent(g) == Some(true) && sent(f) != Some(false) => {
                    Ordering::Greater
                }
                _ => in_before_out,
            };
            if order != Ordering::Equal {
                return order;
            }
        }
    }
    Ordering::Equal
}

/// Which of two frames of one capture came first: by time, and where a coarse clock gave both the same, by
/// their order in the file.
fn earlier(a: Mark, b: Mark) -> Ordering {
    (a.at(), a.frame()).cmp(&(b.at(), b.frame()))
}

/// An endpoint that is the real server of most of its connections is the real
/// server of all: turns round the few whose own frames misled.
fn outvote(connections: &mut Connections) {
    let mut votes: HashMap<(Ip, u16), (u32, u32)> = HashMap::default();
    for connection in connections.list.iter().filter(|c| c.tuples == 2) {
        if let Some(back) = connection.back {
            votes.entry(connection.front.server).or_default().0 += 1;
            votes.entry(back.server).or_default().1 += 1;
        }
    }
    let Connections { list, legs, .. } = connections;
    for connection in list.iter_mut().filter(|c| c.tuples == 2) {
        let Some(back) = connection.back else { continue };
        let vote = |end| votes.get(&end).copied().unwrap_or_default();
        let (front, other) = (vote(connection.front.server), vote(back.server));
        if front.1 > front.0 && other.0 > other.1 {
            connection.back = Some(std::mem::replace(&mut connection.front, back));
            let legs = &mut legs[connection.legs.0 as usize..connection.legs.1 as usize];
            for leg in legs.iter_mut() {
                leg.tuple = 1 - leg.tuple.min(1);
            }
            legs.sort_unstable_by_key(|leg| (leg.tuple, leg.vantage, leg.stream));
        }
    }
}

//! Proxies that pass bytes through whose protocol is not known: databases, MQTT, SSH,
//! mail.
//!
//! What the client says first, where no other connection begins so, nested in time at
//! the proxy's own capture. A greeting that many share ties nothing; there the same
//! number of bytes each way must come to it, and there must be one choice both ways.

use super::opening::{Head, Opening};
use super::pair::{Evidence, Pairs};
use super::suspect::Suspects;
use crate::correlate::Connections;
use crate::flow::{Observations, VantageId};
use crate::hashed::HashMap;
use crate::wire::Ip;

/// Connections of one kind and length that are compared with each other.
const MAX_ALIKE: usize = 512;

/// Connections that could be each other's, by index into the openings.
#[derive(Debug, Default)]
struct Sides {
    fronts: Vec<usize>,
    backs: Vec<usize>,
}

/// Proxy, vantage, and what the client said first.
type Kind = (Ip, VantageId, (usize, u64));

pub(super) fn tie(
    vantages: &[Observations],
    connections: &Connections,
    suspects: &Suspects,
    openings: &[Opening],
    pairs: &mut Pairs,
) {
    let mut kinds: HashMap<Kind, Sides> = HashMap::default();
    for (at, opening) in openings.iter().enumerate().filter(|(_, o)| !o.tls) {
        let (Some(head), Some(sides)) = (opening.client, suspects.sides.get(&opening.connection))
        else {
            continue;
        };
        let kind = |proxy| (proxy, opening.leg.vantage, head.kind());
        if let Some(proxy) = sides.to {
            kinds.entry(kind(proxy)).or_default().fronts.push(at);
        }
        if let Some(proxy) = sides.from {
            kinds.entry(kind(proxy)).or_default().backs.push(at);
        }
    }
    let held = |f: &Opening, b: &Opening| nests(vantages, f, b) && passed(connections, f, b);
    for sides in kinds.values() {
        let mut rest = Sides::default();
        let first = alone(openings, sides);
        for (front, back) in &first {
            let (f, b) = (&openings[*front], &openings[*back]);
            let whole = [f, b].iter().all(|o| o.has_closed(vantages));
            if (!whole || f.bytes(vantages) == b.bytes(vantages)) && held(f, b) {
                add(pairs, f.connection, b.connection, Evidence::FirstBytes);
            }
        }
        // What begins as no other does is the other's or nobody's.
        rest.fronts.extend(sides.fronts.iter().filter(|at| first.iter().all(|p| p.0 != **at)));
        rest.backs.extend(sides.backs.iter().filter(|at| first.iter().all(|p| p.1 != **at)));
        for alike in by_bytes(vantages, openings, &rest).values() {
            if alike.fronts.len().max(alike.backs.len()) > MAX_ALIKE {
                continue;
            }
            for (front, back) in one_to_one(alike, |f, b| held(&openings[f], &openings[b])) {
                let (f, b) = (openings[front].connection, openings[back].connection);
                add(pairs, f, b, Evidence::Bytes);
            }
        }
    }
}

/// Bytes are passed on once: what is tied by better evidence is left alone.
fn add(pairs: &mut Pairs, front: u32, back: u32, evidence: Evidence) {
    if !pairs.backends.contains_key(&front) && !pairs.clients.contains_key(&back) {
        pairs.add(front, back, evidence);
    }
}

/// A connection of a client and one of the proxy that begin as no other does.
fn alone(openings: &[Opening], sides: &Sides) -> Vec<(usize, usize)> {
    if sides.fronts.len().max(sides.backs.len()) > MAX_ALIKE {
        return Vec::new();
    }
    let head = |at: usize| openings[at].client.filter(Head::is_long);
    one_to_one(sides, |f, b| head(f).zip(head(b)).is_some_and(|(f, b)| f.is_like(&b)))
}

/// Those that ended and of which both sides spoke, by the bytes that they carried.
fn by_bytes(
    vantages: &[Observations],
    openings: &[Opening],
    sides: &Sides,
) -> HashMap<[u32; 2], Sides> {
    let mut alike: HashMap<[u32; 2], Sides> = HashMap::default();
    let bytes = |at: &usize| {
        let opening = &openings[*at];
        let spoken = opening.server.is_some() && opening.has_ended(vantages);
        opening.bytes(vantages).filter(|bytes| spoken && !bytes.contains(&0))
    };
    for at in &sides.fronts {
        if let Some(bytes) = bytes(at) {
            alike.entry(bytes).or_default().fronts.push(*at);
        }
    }
    for at in &sides.backs {
        if let Some(bytes) = bytes(at) {
            alike.entry(bytes).or_default().backs.push(*at);
        }
    }
    alike
}

/// The pairs in which either has no other choice.
fn one_to_one(sides: &Sides, fits: impl Fn(usize, usize) -> bool) -> Vec<(usize, usize)> {
    let mut tied = Vec::new();
    for back in &sides.backs {
        let Some(front) = only(&sides.fronts, |f| fits(f, *back)) else { continue };
        if only(&sides.backs, |b| fits(front, b)).is_some() {
            tied.push((front, *back));
        }
    }
    tied
}

/// The one that fits, if no other does.
fn only(of: &[usize], fits: impl Fn(usize) -> bool) -> Option<usize> {
    let mut found = of.iter().copied().filter(|at| fits(*at));
    match (found.next(), found.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

/// Whether one connection was passed on as the other, as far as their first bytes tell.
fn passed(connections: &Connections, f: &Opening, b: &Opening) -> bool {
    let like = |f: Option<Head>, b: Option<Head>| match (f, b) {
        (Some(f), Some(b)) => f.is_like(&b),
        _ => true,
    };
    let ends = [f, b].map(|o| connections.list[o.connection as usize].front.server);
    f.connection != b.connection
        && ends[0] != ends[1]
        && like(f.client, b.client)
        && like(f.server, b.server)
}

/// Whether a backend connection lies within a client's, at one vantage: it is opened
/// once the client's is accepted, hears the client's bytes after the proxy and the
/// server's before it.
fn nests(vantages: &[Observations], f: &Opening, b: &Opening) -> bool {
    if f.leg.vantage != b.leg.vantage {
        return false;
    }
    let accepted = f.leg.reply(vantages).syn;
    let opened = b.leg.forward(vantages).syn;
    let order = |first: Option<Head>, then: Option<Head>| match (first, then) {
        (Some(first), Some(then)) => first.mark.frame() < then.mark.frame(),
        _ => true,
    };
    accepted.is_set()
        && opened.is_set()
        && accepted.frame() < opened.frame()
        && opened.frame() <= f.frames(vantages).1
        && order(f.client, b.client)
        && order(b.server, f.server)
}

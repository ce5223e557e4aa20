//! From hops to arrows between columns.
//!
//! Hops that meet at a host without a column become one arrow. Where the far
//! end of a packet's last hop is not known, it is the host to which other
//! packets of that direction went from there, else the direction's end. Where
//! it is known by its MAC alone, packets that went straight to another host say
//! nothing of it.

use super::cast::{Cast, Node};
use super::packet::Sent;
use super::path::Hop;
use crate::topology::{HostId, Role};
use std::collections::{HashMap, HashSet};

/// One packet between two columns.
#[derive(Debug, Clone)]
pub(super) struct Arrow {
    /// Index of the packet.
    pub packet: usize,
    /// Sender.
    pub from: Node,
    /// Receiver.
    pub to: Node,
    /// The receiver was captured and does not show it.
    pub lost: bool,
    /// Over lo.
    pub loopback: bool,
    /// Nothing shows the packet after it.
    pub last: bool,
    /// Five-tuple with which the sender got the packet, or sent it where that
    /// was not seen, and the one with which it reached the receiver.
    pub tuples: (u8, u8),
    /// Its frames, in path order.
    pub sightings: Vec<usize>,
    /// What the arrow before it ended with: the frames of its last hop.
    pub came: Vec<usize>,
    /// Index of the first frame of the last hop in it, within `sightings`.
    pub last_hop: usize,
}

/// An arrow whose ends may be open.
struct Open {
    from: Option<Node>,
    to: Option<Node>,
    hidden: (Option<HostId>, Option<HostId>),
    /// One hop shows both ends by their MACs.
    direct: bool,
    arrow: Arrow,
}

/// Hosts without a column that send a packet back to where it came from, as in a loop: one arrow
/// over both hops would end where it begins.
pub(super) fn turns(cast: &Cast<'_>, packets: &[Sent], paths: &[Vec<Hop>]) -> HashSet<HostId> {
    let mut found = HashSet::new();
    for (packet, hops) in packets.iter().zip(paths) {
        for pair in hops.windows(2) {
            let from = cast.node(pair[0].from, packet.forward, false);
            let to = cast.node(pair[1].to, packet.forward, true);
            let between = pair[0].to.filter(|host| pair[1].from == Some(*host));
            let own = !pair[0].loopback && !pair[1].loopback;
            if let Some(between) = between.filter(|_| own && from.is_some() && from == to)
                && cast.node(Some(between), packet.forward, true).is_none()
            {
                found.insert(between);
            }
        }
    }
    found
}

pub(super) fn arrows(cast: &Cast<'_>, packets: &[Sent], paths: &[Vec<Hop>]) -> Vec<Arrow> {
    let mut open = Vec::new();
    for (i, (packet, hops)) in packets.iter().zip(paths).enumerate() {
        collapse(cast, i, packet.forward, hops, &mut open);
    }
    let ways = [Ways::of(packets, &open, true), Ways::of(packets, &open, false)];
    open.into_iter()
        .map(|o| {
            let forward = packets[o.arrow.packet].forward;
            close(cast, o, forward, &ways[usize::from(!forward)])
        })
        .collect()
}

/// Joins hops at hosts without a column.
fn collapse(cast: &Cast<'_>, packet: usize, forward: bool, hops: &[Hop], out: &mut Vec<Open>) {
    let first = out.len();
    let mut joining = false;
    for hop in hops {
        let from = cast.node(hop.from, forward, false);
        let to = cast.node(hop.to, forward, true);
        let before = out.get_mut(first..).and_then(<[Open]>::last_mut).filter(|_| joining);
        // The hop before went to a host without a column.
        let joined = match before {
            Some(last) if from.is_none() && !hop.loopback => {
                last.to = to;
                last.hidden.1 = hop.to;
                last.arrow.tuples.1 = hop.tuple;
                last.arrow.last_hop = last.arrow.sightings.len();
                last.arrow.sightings.extend(&hop.sightings);
                true
            }
            Some(last) => {
                last.to = from.filter(|node| Some(*node) != last.from);
                false
            }
            None => false,
        };
        if !joined {
            let came = out.get(first..).and_then(<[Open]>::last);
            let direct = from.is_some() && to.is_some();
            let from = from.or_else(|| came.and_then(|o| o.to));
            let arrow = Arrow {
                packet,
                from: Node::Client,
                to: Node::Client,
                lost: false,
                loopback: hop.loopback,
                last: false,
                tuples: (came.map_or(hop.tuple, |o| o.arrow.tuples.1), hop.tuple),
                sightings: hop.sightings.clone(),
                came: came.map_or_else(Vec::new, |o| {
                    o.arrow.sightings.get(o.arrow.last_hop..).unwrap_or_default().to_vec()
                }),
                last_hop: 0,
            };
            out.push(Open { from, to, hidden: (hop.from, hop.to), direct, arrow });
        }
        joining = to.is_none();
    }
    if let Some(last) = out.get_mut(first..).and_then(<[Open]>::last_mut) {
        last.arrow.last = true;
    }
}

/// Which host follows which in one direction.
struct Ways {
    any: Pairs,
    /// By way of a host without a column, or of one that is not known.
    indirect: Pairs,
}

/// By host: the one that most packets went to next, and the one that they came from.
#[derive(Default)]
struct Pairs {
    next: HashMap<Node, Node>,
    previous: HashMap<Node, Node>,
}

impl Ways {
    fn of(packets: &[Sent], open: &[Open], forward: bool) -> Self {
        let own = || open.iter().filter(|o| packets[o.arrow.packet].forward == forward);
        Self { any: Pairs::of(own()), indirect: Pairs::of(own().filter(|o| !o.direct)) }
    }

    /// What is known of a neighbour whose MAC, if any, is that of a host without a column.
    fn past(&self, hidden: Option<HostId>) -> &Pairs {
        if hidden.is_some() { &self.indirect } else { &self.any }
    }
}

impl Pairs {
    fn of<'o>(open: impl Iterator<Item = &'o Open>) -> Self {
        let mut counts: HashMap<(Node, Node), usize> = HashMap::new();
        for o in open {
            if let (Some(from), Some(to)) = (o.from, o.to)
                && from != to
            {
                *counts.entry((from, to)).or_default() += 1;
            }
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        // The most usual one last, so that it stays.
        counts.sort_unstable_by_key(|(pair, n)| (*n, *pair));
        Self {
            next: counts.iter().map(|((from, to), _)| (*from, *to)).collect(),
            previous: counts.iter().map(|((from, to), _)| (*to, *from)).collect(),
        }
    }
}

fn close(cast: &Cast<'_>, open: Open, forward: bool, ways: &Ways) -> Arrow {
    let (start, end) = cast.ends(forward);
    let routes = |host: HostId| matches!(cast.trace.roles().get(&host), Some((Role::Router, _)));
    // Where others go straight to a host, one that goes to another MAC goes to somebody else.
    let stranger = |hidden: Option<HostId>, usual: Option<&Node>| {
        hidden.filter(|host| usual.is_some() && !routes(*host)).map(Node::Host)
    };
    let Open { from, to, hidden, mut arrow, .. } = open;
    arrow.from = from.unwrap_or_else(|| {
        let known = to.and_then(|to| ways.past(hidden.0).previous.get(&to)).copied();
        let fallback = if to == Some(start) { hidden.0.map_or(end, Node::Host) } else { start };
        let usual = to.and_then(|to| ways.any.previous.get(&to));
        known.or(stranger(hidden.0, usual)).unwrap_or(fallback)
    });
    arrow.to = to.unwrap_or_else(|| {
        let known = ways.past(hidden.1).next.get(&arrow.from).copied();
        let tuple = cast.tuples.get(usize::from(arrow.tuples.1));
        let addressed = tuple
            .and_then(|t| cast.trace.host_by_ip(if forward { t.server.0 } else { t.client.0 }))
            .and_then(|host| cast.node(Some(host), forward, true))
            .filter(|node| *node != arrow.from);
        let fallback = if arrow.from == end { hidden.1.map_or(start, Node::Host) } else { end };
        let usual = ways.any.next.get(&arrow.from);
        known.or(stranger(hidden.1, usual)).or(addressed).unwrap_or(fallback)
    });
    arrow
}

//! Packets that two captures saw, and which of the two saw them first.
//!
//! Only what is surely one packet counts: SYN and SYN-ACK of a handshake whose repeats
//! both captures saw, the RST that answers a SYN sent once, and the FIN of a flow without
//! repeats, which dates the end of a long connection. Which of two vantages comes first is read from the rewrite, the TTL
//! and the MACs, never from the clocks.

use crate::correlate::{Connections, Leg, LinkSequenceId, LinkSequences};
use crate::flow::{Flow, Hop, Mark, Observations};
use std::cmp::Ordering;
use std::ops::Range;

/// Handshakes date a shorter connection well enough.
const LONG_NS: i64 = 1_000_000_000;

/// One packet at two captures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passage {
    /// The capture that saw it first, and when by its clock.
    pub from: (usize, Mark),
    /// The capture that saw it later.
    pub to: (usize, Mark),
}

impl Passage {
    /// How much later the second stamp is, nanoseconds: at least what the second clock is
    /// ahead of the first.
    pub(super) fn apart(&self) -> i64 {
        self.to.1.since(self.from.1)
    }
}

/// All of some connections, one after the other.
pub(super) fn each(
    vantages: &[Observations],
    connections: &Connections,
    of: Range<usize>,
    mut sink: impl FnMut(Passage),
) {
    for at in connections.ahead(vantages, of) {
        let legs = connections.legs(&connections.list[at]);
        for (i, x) in legs.iter().enumerate() {
            for y in &legs[i + 1..] {
                pair(vantages, &connections.ways, x, y, &mut sink);
            }
        }
    }
}

/// A flow of a leg with where it first passed the vantage.
struct Sight<'a> {
    leg: &'a Leg,
    vantage: &'a Observations,
    flow: &'a Flow,
    way: LinkSequenceId,
}

impl<'a> Sight<'a> {
    /// The first hop of the flow, by its way where it has a common one: the flow's links
    /// lie far apart in memory.
    fn hop(&self, ways: &LinkSequences) -> Option<&'a Hop> {
        match ways.get(self.way) {
            Some(way) => way.first().map(|hop| &self.vantage.hops[hop.index()]),
            None => self.vantage.first_hop(self.flow),
        }
    }
}

fn pair(
    vantages: &[Observations],
    ways: &LinkSequences,
    x: &Leg,
    y: &Leg,
    sink: &mut impl FnMut(Passage),
) {
    let (a, b) = (&vantages[x.vantage.index()], &vantages[y.vantage.index()]);
    if a.capture == b.capture {
        return;
    }
    let (f, g) = (x.forward(vantages), y.forward(vantages));
    // The first of repeats is the same packet only where both captures saw all of
    // them; a lost one would only widen the bound.
    let syn = f.opened()
        && g.opened()
        && f.isn == g.isn
        && f.syns == g.syns
        && !opened_anew(x, y, vantages);
    let fin = ended(f, g);
    if syn || fin {
        let p = Sight { leg: x, vantage: a, flow: f, way: x.there };
        let q = Sight { leg: y, vantage: b, flow: g, way: y.there };
        let order = order(&p, &q, ways);
        passages(order, (&p, &q), marks(syn, fin, false), sink);
    }
    let once = syn && f.syns == 1 && g.syns == 1;
    let (f, g) = (x.reply(vantages), y.reply(vantages));
    let answer =
        f.accepted() && g.accepted() && f.isn == g.isn && f.syns == g.syns && f.isns == g.isns;
    let (fin, refusal) = (ended(f, g), once && refused(f, g));
    if answer || fin || refusal {
        let p = Sight { leg: x, vantage: a, flow: f, way: x.back };
        let q = Sight { leg: y, vantage: b, flow: g, way: y.back };
        let order = order(&p, &q, ways);
        passages(order, (&p, &q), marks(answer, fin, refusal), sink);
    }
}

/// Whether the SYN of one leg is not the SYN of the other, sent on, but a director's own
/// (a SYN proxy): then its clock is another, or two hosts drew the numbers that answer.
fn opened_anew(x: &Leg, y: &Leg, vantages: &[Observations]) -> bool {
    let (f, g) = (x.forward(vantages), y.forward(vantages));
    let clocks = f.shape.stamped() && g.shape.stamped() && f.shape.tsval != g.shape.tsval;
    let (p, q) = (x.reply(vantages), y.reply(vantages));
    x.tuple != y.tuple && (clocks || p.accepted() && q.accepted() && p.isn != q.isn)
}

/// Both saw the FIN of a long flow, and nothing of the flow was sent twice.
fn ended(f: &Flow, g: &Flow) -> bool {
    f.fin.is_set()
        && g.fin.is_set()
        && f.fin.since(f.first) > LONG_NS
        && f.end_seq == g.end_seq
        && f.retransmissions == 0
        && g.retransmissions == 0
}

/// Both saw one SYN answered by a RST and by nothing else.
fn refused(f: &Flow, g: &Flow) -> bool {
    let bare = |flow: &Flow| flow.rst.is_set() && flow.rst == flow.first && !flow.accepted();
    bare(f) && bare(g) && f.max_ack == g.max_ack
}

/// Which packet of a flow is one at both.
type Which = fn(&Flow) -> Mark;

/// Those of SYN, FIN and RST that are.
fn marks(syn: bool, fin: bool, rst: bool) -> impl Iterator<Item = Which> {
    let all: [(bool, Which); 3] = [(syn, |f| f.syn), (fin, |f| f.fin), (rst, |f| f.rst)];
    all.into_iter().filter(|(is, _)| *is).map(|(_, which)| which)
}

fn passages(
    order: Ordering,
    (p, q): (&Sight<'_>, &Sight<'_>),
    which: impl Iterator<Item = Which>,
    sink: &mut impl FnMut(Passage),
) {
    let (first, second) = match order {
        Ordering::Less => (p, q),
        Ordering::Greater => (q, p),
        Ordering::Equal => return,
    };
    for mark in which {
        sink(Passage {
            from: (first.vantage.capture, mark(first.flow)),
            to: (second.vantage.capture, mark(second.flow)),
        });
    }
}

/// Which of two vantages a flow's packets pass first; `Equal` where nothing tells.
fn order(p: &Sight<'_>, q: &Sight<'_>, ways: &LinkSequences) -> Ordering {
    let (Some(x), Some(y)) = (p.hop(ways), q.hop(ways)) else { return Ordering::Equal };
    // The TTL falls on the way.
    let fallen = match (x.known_ttl(), y.known_ttl()) {
        (Some(x), Some(y)) => y.cmp(&x),
        _ => Ordering::Equal,
    };
    match (fallen, p.leg.tuple == q.leg.tuple) {
        (Ordering::Equal, true) => {}
        (Ordering::Equal, false) => return Ordering::Equal,
        (order, _) => return order,
    }
    // The same hop at both ends: the sender's capture comes first.
    match (p.vantage.own.sent(x), q.vantage.own.sent(y)) {
        (Some(true), Some(false)) => Ordering::Less,
        (Some(false), Some(true)) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

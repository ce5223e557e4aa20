//! Captures of several interfaces of one machine, each in a file of its own: packets come in
//! at one and leave by the other, and are one TTL older then.
//!
//! A router between two captures lowers the TTL as well, but it stands between them: the
//! frame that leaves the first goes to it, and the one that comes to the second comes from
//! it, so the TTL falls by two, or a MAC of one is the neighbour of the other's. One
//! contradiction and the two stay apart.

use super::HostId;
use crate::correlate::{Connections, Leg};
use crate::flow::{Flow, Hop, Observations, VantageId};
use crate::hashed::HashMap;
use crate::wire::Mac;

/// Connections that are looked at: that shows early.
const SAMPLE: usize = 1 << 14;
/// Passages that make two captures one machine's.
const ENOUGH: u32 = 2;

/// What two vantages show of each other.
#[derive(Debug, Default)]
struct Between {
    /// Flows that came in at one and left by the other.
    passed: u32,
    /// A flow that did anything else.
    contradicted: bool,
}

/// How a flow passed a vantage, where it did so in one way alone.
#[derive(Debug, Clone, Copy)]
struct Way<'a> {
    hop: &'a Hop,
    came: bool,
}

/// Pairs of vantages that were taken on one machine; `by_mac`: the host that uses a MAC.
pub(super) fn shared(
    vantages: &[Observations],
    connections: &Connections,
    by_mac: impl Fn(Mac) -> Option<HostId>,
) -> Vec<(VantageId, VantageId)> {
    let known = |v: &Observations| !v.own.macs.is_empty() && !v.own.span && !v.own.overlay;
    if vantages.iter().filter(|v| known(v)).count() < 2 {
        return Vec::new();
    }
    let of_vantage = |v: &Observations| v.own.macs.first().and_then(|m| by_mac(*m));
    let host: Vec<_> = vantages.iter().map(|v| known(v).then(|| of_vantage(v))).collect();
    let mut pairs: HashMap<(VantageId, VantageId), Between> = HashMap::default();
    for connection in connections.list.iter().take(SAMPLE) {
        let legs = connections.legs(connection);
        for (i, a) in legs.iter().enumerate() {
            for b in &legs[i + 1..] {
                let (va, vb) = (a.vantage, b.vantage);
                let (Some(ha), Some(hb)) = (host[va.index()], host[vb.index()]) else { continue };
                if va == vb || ha == hb {
                    continue;
                }
                let between = pairs.entry((va.min(vb), va.max(vb))).or_default();
                if between.contradicted {
                    continue;
                }
                for forward in [true, false] {
                    between.see(vantages, (a, b), forward);
                }
            }
        }
    }
    let one = |b: &Between| b.passed >= ENOUGH && !b.contradicted;
    let mut found: Vec<_> = pairs.into_iter().filter(|(_, b)| one(b)).map(|(at, _)| at).collect();
    found.sort_unstable();
    found
}

impl Between {
    fn see(&mut self, vantages: &[Observations], (a, b): (&Leg, &Leg), forward: bool) {
        let side = |leg: &Leg| if forward { leg.client } else { leg.client.other() };
        let flow = |leg: &Leg| leg.of(vantages).flow(side(leg));
        let (fa, fb) = (flow(a), flow(b));
        if !fa.seen() || !fb.seen() {
            return;
        }
        let (oa, ob) = (&vantages[a.vantage.index()], &vantages[b.vantage.index()]);
        let (Some(wa), Some(wb)) = (way(oa, fa), way(ob, fb)) else {
            self.contradicted = true;
            return;
        };
        let (first, second) = if wa.came { (wa, wb) } else { (wb, wa) };
        let neighbours = first.hop.link.src == second.hop.link.src
            || first.hop.link.dst == second.hop.link.dst
            || first.hop.link.src.is_some() && first.hop.link.src == second.hop.link.dst;
        let aged = first.hop.ttl > 1 && first.hop.ttl - 1 == second.hop.ttl;
        if first.came && !second.came && aged && !neighbours {
            self.passed = self.passed.saturating_add(1);
        } else {
            self.contradicted = true;
        }
    }
}

/// The only way of a flow past a vantage.
fn way<'a>(seen: &'a Observations, flow: &Flow) -> Option<Way<'a>> {
    let mut path = seen.path(flow).map(|(_, hop)| hop).filter(|hop| !hop.link.is_loopback());
    let hop = path.next().filter(|_| path.next().is_none())?;
    match (seen.own.arrived(hop), seen.own.sent(hop)) {
        (Some(true), Some(false)) => Some(Way { hop, came: true }),
        (Some(false), Some(true)) => Some(Way { hop, came: false }),
        _ => None,
    }
}

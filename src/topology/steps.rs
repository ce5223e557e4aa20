//! The steps of one connection's packets: which hosts each frame went between, put into the order in
//! which the packet took them, and whether one went round.

use super::{HostId, Hosts};
use crate::correlate::{Connection, Leg, LinkSequence, LinkSequences, speaks};
use crate::flow::{Hop, Mark, Observations, Side, VantageId};
use std::hash::{Hash, Hasher};

/// A frame's way between two hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Which of the connection's five-tuples it carried.
    pub tuple: u8,
    /// Who sent it.
    pub from: Option<HostId>,
    /// Who received it.
    pub to: Option<HostId>,
    /// Over lo.
    pub loopback: bool,
    /// The TTL is one with which stacks begin: `from` originated the packet.
    pub origin: bool,
    /// The TTL is known, and one with which no stack begins: `from` passes the packet on.
    pub aged: bool,
    /// The vantage of the receiver saw it arrive.
    pub arrived: bool,
    /// A SYN or SYN-ACK took it; where only a reset did, it says nothing of the
    /// way that was meant.
    pub opening: bool,
    /// It goes on with the TTL with which it came to `from`: no router does that.
    pub kept: bool,
    /// `to` was not seen: it is told from what came back.
    pub inferred: bool,
}

impl Hash for Step {
    /// Ways of a large data centre are many, and each is looked up by all its steps: two words.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let host = |host: Option<HostId>| host.map_or(u64::MAX, |host| u64::from(host.0));
        let marks = [
            self.loopback,
            self.origin,
            self.aged,
            self.arrived,
            self.opening,
            self.kept,
            self.inferred,
        ];
        let marks =
            marks.iter().fold(u64::from(self.tuple), |all, mark| all << 1 | u64::from(*mark));
        state.write_u64(host(self.from) << 32 | host(self.to) & u64::from(u32::MAX));
        state.write_u64(marks);
    }
}

/// Steps of one direction that are told apart; a loop has more.
const MAX_STEPS: usize = 12;

/// Who sent and who received on a hop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    from: Option<HostId>,
    to: Option<HostId>,
    loopback: bool,
    origin: bool,
    arrived: bool,
    ttl: u8,
}

impl Ends {
    pub(super) fn of(
        hop: &Hop,
        vantage: &Observations,
        own: Option<HostId>,
        hosts: &Hosts,
    ) -> Self {
        let loopback = hop.link.is_loopback();
        let arrived = vantage.own.arrived(hop) == Some(true);
        let by_mac = |mac: Option<crate::wire::Mac>| mac.and_then(|mac| hosts.by_mac(mac));
        // What a line marks as sent left this host, also where it prints no MAC.
        let sent = || own.filter(|_| vantage.own.sent(hop) == Some(true));
        let from = if loopback { own } else { by_mac(hop.link.src).or_else(sent) };
        let to = if loopback || arrived { own } else { by_mac(hop.link.dst) };
        Self {
            from,
            to: if loopback { own } else { to },
            loopback,
            origin: super::hosts::begins(hop, vantage),
            arrived,
            ttl: hop.ttl,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Sighting {
    step: Step,
    ttl: u8,
    vantage: VantageId,
    first: Mark,
    id: u16,
}

impl Sighting {
    fn place(&self) -> (VantageId, u8, Option<HostId>, Option<HostId>, bool) {
        (self.vantage, self.step.tuple, self.step.from, self.step.to, self.step.loopback)
    }
}

/// What a route is read from, where its legs' ways are all of it: the order of frames
/// counts only where one five-tuple passes one vantage in two streams, or often enough
/// to be a loop. `false`: it is not all.
pub(super) fn sign(
    connection: &Connection,
    legs: &[Leg],
    ways: &LinkSequences,
    out: &mut Vec<u64>,
) -> bool {
    out.clear();
    out.push(u64::from(connection.tuples));
    for (i, leg) in legs.iter().enumerate() {
        let (Some(there), Some(back)) = (ways.get(leg.there), ways.get(leg.back)) else {
            return false;
        };
        let here = || legs[..i].iter().filter(|other| other.vantage == leg.vantage);
        let (mut forward, mut reply) = (there.len(), back.len());
        for other in here() {
            forward += ways.get(other.there).map_or(LOOP_PASSES, LinkSequence::len);
            reply += ways.get(other.back).map_or(LOOP_PASSES, LinkSequence::len);
        }
        if here().any(|other| other.tuple == leg.tuple) || forward.max(reply) >= LOOP_PASSES {
            return false;
        }
        out.push(u64::from(leg.vantage.0) << 8 | u64::from(leg.tuple));
        out.push(u64::from(leg.there.number()) << 32 | u64::from(leg.back.number()));
    }
    true
}

pub(super) fn steps(
    vantages: &[Observations],
    ends: &[Vec<Ends>],
    legs: &[Leg],
    connection: &Connection,
    forward: bool,
    seen: &mut Vec<Sighting>,
    out: &mut Vec<Step>,
) {
    seen.clear();
    out.clear();
    let last = connection.tuples.saturating_sub(1);
    for leg in legs {
        let side: Side = if forward { leg.client } else { leg.client.other() };
        let vantage = &vantages[leg.vantage.index()];
        let flow = leg.of(vantages).flow(side);
        let speaks = speaks(flow);
        for link in vantage.links_of(flow).take(MAX_STEPS) {
            let e = ends[leg.vantage.index()][link.hop.index()];
            let step = Step {
                tuple: leg.tuple,
                from: e.from,
                to: e.to,
                loopback: e.loopback,
                origin: e.origin && speaks,
                aged: e.ttl != 0 && !(e.origin && speaks),
                arrived: e.arrived,
                opening: link.syns > 0,
                kept: false,
                inferred: false,
            };
            merge(
                seen,
                Sighting {
                    step,
                    ttl: e.ttl,
                    vantage: leg.vantage,
                    first: link.first,
                    id: link.first_id,
                },
            );
        }
    }
    // Replies pass the tuples in reverse; the TTL falls along both ways.
    let rank = |s: &Sighting| {
        if forward { s.step.tuple } else { last - s.step.tuple.min(last) }
    };
    // Where one TTL is not known, none orders.
    let known = seen.iter().all(|s| s.ttl != 0);
    let ttl = |s: &Sighting| if known { s.ttl } else { 0 };
    seen.sort_by(|a, b| {
        rank(a).cmp(&rank(b)).then(ttl(b).cmp(&ttl(a))).then_with(|| {
            if a.vantage == b.vantage {
                a.first.frame().cmp(&b.first.frame())
            } else {
                a.vantage.cmp(&b.vantage)
            }
        })
    });
    returned(seen);
    for same in seen.chunk_by_mut(|a, b| rank(a) == rank(b) && ttl(a) == ttl(b)) {
        chain(same);
    }
    for at in 1..seen.len() {
        let (came, left) = seen.split_at_mut(at);
        let step = &mut left[0];
        step.step.kept = step.step.from.is_some()
            && came.iter().any(|before| {
                before.step.tuple == step.step.tuple
                    && before.step.to == step.step.from
                    && before.step.from != step.step.from
                    && before.ttl == step.ttl
            });
    }
    out.extend(seen.iter().map(|s| s.step));
    out.dedup();
    out.truncate(MAX_STEPS);
}

/// A capture without receivers (`any`): what a host sent on, and what then came back to
/// it from another than it had it from, was sent to that one.
fn returned(seen: &mut [Sighting]) {
    for at in 0..seen.len() {
        let out = seen[at];
        if out.step.to.is_some() || out.step.from.is_none() || out.step.loopback {
            continue;
        }
        let here = |s: &&Sighting| {
            s.vantage == out.vantage
                && s.step.tuple == out.step.tuple
                && s.step.arrived
                && s.step.to == out.step.from
        };
        let before = seen.iter().filter(here).find(|s| s.first.frame() < out.first.frame());
        let Some(source) = before.map(|s| s.step.from) else { continue };
        let after = seen.iter().filter(here).find(|s| {
            s.first.frame() > out.first.frame()
                && s.step.from.is_some()
                && s.step.from != source
                && s.step.from != out.step.from
                && (0..=1).contains(&(i16::from(out.ttl) - i16::from(s.ttl)))
        });
        if let Some(next) = after.and_then(|s| s.step.from) {
            seen[at].step.to = Some(next);
            seen[at].step.inferred = true;
        }
    }
}

/// Passes of one place by one packet that make a loop.
const LOOP_PASSES: usize = 3;
/// Time that one round of a loop takes at most.
const LOOP_ROUND_NS: i64 = 100_000_000;

/// Whether one packet passed a place again and again: the same identification, a
/// TTL that falls, within moments. A traceroute raises its TTL, other paths and
/// probes have other packets.
pub(super) fn is_loop(seen: &[Sighting]) -> bool {
    // One vantage shows a packet at most twice, in and out, unless it returns.
    let often =
        |a: &Sighting| seen.iter().filter(|b| b.vantage == a.vantage).count() >= LOOP_PASSES;
    seen.len() >= LOOP_PASSES
        && seen.iter().any(often)
        && seen.iter().any(|first| {
            let mut last = first;
            let mut passes = 1;
            for next in seen.iter().filter(|s| s.place() == first.place()) {
                let later = next.first.frame() > last.first.frame()
                    && next.first.since(last.first) <= LOOP_ROUND_NS;
                if later && next.ttl < last.ttl && next.id == first.id {
                    last = next;
                    passes += 1;
                }
            }
            first.step.from.is_some() && passes >= LOOP_PASSES
        })
}

/// One step seen from both of its ends is one step.
fn merge(seen: &mut Vec<Sighting>, new: Sighting) {
    for old in seen.iter_mut() {
        let (a, b) = (&mut old.step, &new.step);
        let fits = |x: Option<HostId>, y: Option<HostId>| x.is_none() || y.is_none() || x == y;
        // A host that forwards shows one packet twice: those stay apart.
        let apart = old.vantage == new.vantage && (a.from, a.to) != (b.from, b.to);
        if a.tuple == b.tuple
            && (old.ttl == new.ttl || old.ttl == 0 || new.ttl == 0)
            && a.loopback == b.loopback
            && !apart
            && fits(a.from, b.from)
            && fits(a.to, b.to)
            && (a.from.is_some() || a.to.is_some())
            && (a.from == b.from && a.from.is_some() || a.to == b.to && a.to.is_some())
        {
            a.from = a.from.or(b.from);
            a.to = a.to.or(b.to);
            a.arrived |= b.arrived;
            a.opening |= b.opening;
            return;
        }
    }
    seen.push(new);
}

/// Where hosts do not lower the TTL, one step's receiver is the next one's
/// sender: puts steps of one TTL into that order.
fn chain(steps: &mut [Sighting]) {
    for at in 0..steps.len() {
        let first = (at..steps.len()).find(|&i| {
            let from = steps[i].step.from;
            !(at..steps.len()).any(|j| j != i && from.is_some() && steps[j].step.to == from)
        });
        if let Some(first) = first {
            steps[at..=first].rotate_right(1);
        }
    }
}

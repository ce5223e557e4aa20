//! Where packets go: what was lost between two captured hosts, and what a capture lost
//! itself.
//!
//! A range of bytes that leaves one host more often than it arrives at the next was lost
//! between them as often as it is missing there. Ranges are compared, not frames, since
//! offload cuts them differently at each host. A capture with holes in a stream, or that
//! began later or ended earlier, proves nothing; bytes that it lacks although their
//! receiver acknowledged them there, it lost itself.

use super::{At, ConnectionId, Trace};
use crate::correlate::Leg;
use crate::flow::{Flow, Link, Repeat, VantageId};
use crate::topology::{HostId, Mode, ServiceId};
use crate::wire::{seq_gt, seq_lt};
use std::collections::{BTreeMap, BTreeSet};

/// A capture that ends sooner after a repeat may have missed it, nanoseconds.
const MARGIN_NS: i64 = 100_000_000;
/// Frames that a capture may be taken to lack for each one that it is seen to lack: of ten
/// frames of a short connection one or two show that they are missing.
const HOLED: u64 = 10;
/// Repeats of one connection that are compared.
const MAX_COMPARED: usize = 1024;

/// A part of the path between two captured hosts, in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stretch {
    /// The host that frames leave.
    pub from: HostId,
    /// The host that they are to reach next.
    pub to: HostId,
    /// What the client sent, rather than the server.
    pub forward: bool,
}

/// What a connection lost on a stretch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Where.
    pub stretch: Stretch,
    /// Frames that left.
    pub sent: u64,
    /// The first frame that left.
    pub first: At,
    /// The frames that sent lost bytes again, one a loss; never empty.
    pub again: Vec<At>,
}

/// What one capture lost itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CaptureLoss {
    /// Connections of which it lacks bytes.
    pub connections: u64,
    /// Bytes that were acknowledged and that it never shows.
    pub bytes: u64,
    /// SYNs and SYN-ACKs that it never shows of connections that go on there.
    pub openings: u64,
}

/// All losses of a trace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses {
    lost: BTreeMap<ConnectionId, Vec<Lost>>,
    watched: BTreeMap<(ServiceId, Stretch), u64>,
    /// By vantage: what its capture lost itself.
    pub captures: BTreeMap<VantageId, CaptureLoss>,
}

impl Losses {
    /// What the connections of a trace lost.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        let mut losses = Self::default();
        let repeats = by_link(trace);
        // Nothing repeated, nothing lost: then it only matters that it could be seen.
        let repeated = trace.requests().any(|(_, c)| c.progress.repeats);
        // One host alone shows no way to another.
        let hosts: BTreeSet<HostId> =
            VantageId::all(&trace.vantages).filter_map(|v| trace.host_of_vantage(v)).collect();
        let several = hosts.len() > 1;
        let requests = trace.ahead().filter(|(id, _)| trace.ordinary(*id).is_none());
        for (id, c) in requests.filter(|(_, c)| c.protocol.is_tcp()) {
            let service = trace.service_of(id);
            losses.captured(trace, id);
            losses.openings(trace, id);
            if !several || !repeated && !losses.watched.is_empty() {
                continue;
            }
            let walk = Walk::new(trace, id);
            for forward in [true, false] {
                for [from, to] in walk.neighbours(forward) {
                    let stretch = Stretch { from, to, forward };
                    let out = one_vantage(walk.place(from, forward, true));
                    let into = walk.place(to, forward, false);
                    let (Some(first), false) = (out.first(), into.is_empty()) else { continue };
                    let sent = out.iter().map(|p| u64::from(p.link.packets)).sum::<u64>();
                    *losses.watched.entry((service, stretch)).or_default() += sent;
                    // What a host on the way says that it dropped, it dropped.
                    if !c.progress.repeats || trace.errors_of(id).next().is_some() {
                        continue;
                    }
                    let again = lost(trace, &repeats, &out, &into);
                    if let Some(at) = again.first() {
                        let first = At { vantage: at.vantage, mark: first.link.first };
                        let lost = Lost { stretch, sent, first, again };
                        losses.lost.entry(id).or_default().push(lost);
                    }
                }
            }
        }
        losses
    }

    /// What a connection lost, by stretch.
    #[must_use]
    pub fn of_connection(&self, id: ConnectionId) -> &[Lost] {
        self.lost.get(&id).map_or(&[], Vec::as_slice)
    }

    /// All that was lost, in the order of connections.
    pub fn iter(&self) -> impl Iterator<Item = (ConnectionId, &Lost)> {
        self.lost.iter().flat_map(|(id, lost)| lost.iter().map(|l| (*id, l)))
    }

    /// Frames of a service that left on each stretch which both of its hosts captured;
    /// where nothing was repeated anywhere, those of one connection.
    pub fn watched(&self) -> impl Iterator<Item = (ServiceId, Stretch, u64)> {
        self.watched.iter().map(|((service, stretch), frames)| (*service, *stretch, *frames))
    }

    /// Counts the openings that the captures of a connection lack.
    fn openings(&mut self, trace: &Trace, id: ConnectionId) {
        for leg in trace.legs(id).iter().filter(|leg| lacks_opening(trace, leg)) {
            self.captures.entry(leg.vantage).or_default().openings += 1;
        }
    }

    /// Whether a host's captures lack so many frames themselves that some more which they do
    /// not show prove nothing.
    #[must_use]
    pub fn is_holed(&self, trace: &Trace, host: HostId, lost: u64) -> bool {
        let of = |v: &VantageId| trace.host_of_vantage(*v) == Some(host);
        let own = self.captures.iter().filter(|(v, _)| of(v));
        let holes: u64 = own.map(|(_, loss)| loss.connections + loss.openings).sum();
        let missed = VantageId::all(&trace.vantages).filter(of).map(|v| trace.missed(v).lacking);
        let holes = holes.max(missed.sum());
        holes * HOLED >= lost && holes > 0
    }

    /// Counts what the captures of a connection lack although it was acknowledged there.
    fn captured(&mut self, trace: &Trace, id: ConnectionId) {
        for leg in trace.legs(id) {
            let vantage = trace.vantage(leg);
            if !vantage.has_troubles() {
                continue;
            }
            let flows = [trace.forward(leg), trace.reply(leg)];
            let lacks = |(f, g): (&Flow, &Flow)| {
                let mut links = vantage.links_of(f);
                // On several links each shows a part, and holes where the others do not.
                let link = links.next().filter(|_| links.next().is_none())?;
                let (bytes, end) = vantage.hole(link)?;
                (g.flags.ack() && !seq_gt(end, g.max_ack)).then_some(u64::from(bytes))
            };
            let pairs = [(flows[0], flows[1]), (flows[1], flows[0])];
            let bytes: u64 = pairs.into_iter().filter_map(lacks).sum();
            if bytes > 0 {
                let capture = self.captures.entry(leg.vantage).or_default();
                capture.connections += 1;
                capture.bytes += bytes;
            }
        }
    }
}

/// Whether a capture lacks a SYN or a SYN-ACK of a connection of which it shows what follows,
/// both ways, well after it began.
fn lacks_opening(trace: &Trace, leg: &Leg) -> bool {
    let (vantage, there, back) = (trace.vantage(leg), trace.forward(leg), trace.reply(leg));
    let began = |mark: crate::flow::Mark| mark.at().0.saturating_sub(vantage.start.0);
    let both = there.ack.is_set() && back.seen() && leg.tuple <= 1;
    let no_syn = back.accepted() && !there.opened() && began(back.syn) >= MARGIN_NS;
    let no_answer = there.opened()
        && there.ack.is_set()
        && !back.accepted()
        && back.payload > 0
        && there.ack.frame() > there.syn.frame();
    both && (no_syn || no_answer)
}

/// A link of a connection's flow at a host.
struct Place<'a> {
    leg: &'a Leg,
    flow: &'a Flow,
    index: u32,
    link: &'a Link,
}

/// A connection with what its captured hosts show of its way.
struct Walk<'a> {
    trace: &'a Trace,
    id: ConnectionId,
    /// What the client itself sent and got, or what a capture shows that the way passes
    /// before the director.
    start: Option<Start<'a>>,
}

#[derive(Clone, Copy)]
struct Start<'a> {
    leg: &'a Leg,
    host: HostId,
    /// Nobody's own capture: what it shows only passes.
    passing: bool,
}

impl<'a> Walk<'a> {
    fn new(trace: &'a Trace, id: ConnectionId) -> Self {
        let own = trace.legs(id).iter().find(|leg| trace.is_client_side(id, leg));
        let leg = own.or_else(|| upstream(trace, id));
        let start = leg
            .and_then(|leg| Some(Start { leg, host: trace.host_of(leg)?, passing: own.is_none() }));
        Self { trace, id, start }
    }

    /// Captured hosts that follow each other on the way.
    fn neighbours(&self, forward: bool) -> Vec<[HostId; 2]> {
        let (trace, id) = (self.trace, self.id);
        let service = trace.service(id);
        let mut way: Vec<HostId> = self.start.map(|start| start.host).into_iter().collect();
        let passes = forward || matches!(service.mode, Mode::Nat | Mode::FullNat);
        if passes {
            let here = |h: &HostId| trace.legs(id).iter().any(|l| trace.host_of(l) == Some(*h));
            let mut directors = service.directors.iter().map(|d| d.host).filter(here);
            way.extend(directors.next());
            // With two directors on the way nobody knows their order.
            if directors.next().is_some() {
                return Vec::new();
            }
        }
        way.extend(trace.server(id).and_then(|s| s.host));
        way.dedup();
        if !forward {
            way.reverse();
        }
        way.windows(2).map(|pair| [pair[0], pair[1]]).filter(|[a, b]| a != b).collect()
    }

    /// Where what one side sent leaves or reaches a host.
    fn place(&self, host: HostId, forward: bool, leaves: bool) -> Vec<Place<'a>> {
        let trace = self.trace;
        let mut places = Vec::new();
        for leg in trace.legs(self.id).iter().filter(|leg| trace.host_of(leg) == Some(host)) {
            let vantage = trace.vantage(leg);
            let flow = if forward { trace.forward(leg) } else { trace.reply(leg) };
            let passing = self.start.is_some_and(|start| start.passing && start.leg == leg);
            let mut next = flow.link;
            while let Some(index) = next.index() {
                let link = &vantage.links[index];
                let hop = vantage.hop(link);
                let (sent, arrived) = (vantage.own.sent(hop), vantage.own.arrived(hop));
                let fits = match leaves {
                    _ if passing => true,
                    true => sent == Some(true) && arrived != Some(true),
                    false => arrived == Some(true),
                };
                if fits && !hop.link.is_loopback() {
                    places.push(Place { leg, flow, index: index as u32, link });
                }
                next = link.next;
            }
        }
        places
    }
}

/// The places of the vantage that shows most: two captures of one host show its frames
/// twice, and what left once must not count as left again.
fn one_vantage(places: Vec<Place<'_>>) -> Vec<Place<'_>> {
    let mut frames: BTreeMap<VantageId, u64> = BTreeMap::new();
    for place in &places {
        *frames.entry(place.leg.vantage).or_default() += u64::from(place.link.packets);
    }
    let most = frames.iter().max_by_key(|(vantage, n)| (**n, std::cmp::Reverse(**vantage)));
    let Some((most, _)) = most else { return places };
    places.into_iter().filter(|place| place.leg.vantage == *most).collect()
}

/// A capture before the director that is not the client's own: a router's, or a port that
/// mirrors the wire. All that it shows has one way past it.
fn upstream(trace: &Trace, id: ConnectionId) -> Option<&Leg> {
    let service = trace.service(id);
    let legs = trace.legs(id);
    let host = |leg: &Leg| trace.host_of(leg);
    let ttl = |leg: &Leg| {
        trace.vantage(leg).first_hop(trace.forward(leg)).and_then(|hop| hop.known_ttl())
    };
    let director = legs.iter().find(|leg| host(leg).is_some_and(|h| service.is_director(h)))?;
    let ends = |h| service.is_director(h) || service.real_servers.iter().any(|s| s.host == Some(h));
    let translated = matches!(service.mode, Mode::Nat | Mode::FullNat);
    let one_way = |leg: &Leg| {
        let links = |flow: &Flow| trace.vantage(leg).links_of(flow).count();
        links(trace.forward(leg)) <= 1 && links(trace.reply(leg)) <= 1
    };
    legs.iter().filter(|leg| leg.tuple == 0).find(|leg| {
        host(leg).is_some_and(|h| !ends(h))
            && (translated || ttl(director).is_some_and(|at| ttl(leg).is_some_and(|leg| at < leg)))
            && one_way(leg)
    })
}

type Repeats<'a> = Vec<BTreeMap<u32, Vec<&'a Repeat>>>;

fn by_link(trace: &Trace) -> Repeats<'_> {
    trace
        .vantages
        .iter()
        .map(|vantage| {
            let mut links: BTreeMap<u32, Vec<&Repeat>> = BTreeMap::new();
            for repeat in &vantage.side_tables.repeats {
                links.entry(repeat.link).or_default().push(repeat);
            }
            links
        })
        .collect()
}

/// Repeats at all places; `None` where not all were kept.
fn repeats_at<'a>(
    repeats: &Repeats<'a>,
    places: &[Place<'_>],
) -> Option<Vec<(VantageId, &'a Repeat)>> {
    let mut found = Vec::new();
    for place in places {
        let vantage = place.leg.vantage;
        let here = repeats[vantage.index()].get(&place.index).map_or(&[][..], Vec::as_slice);
        if here.len() != usize::from(place.link.retransmissions) || here.len() > MAX_COMPARED {
            return None;
        }
        found.extend(here.iter().map(|r| (vantage, *r)));
    }
    Some(found)
}

/// The repeats that left and whose first transmission, or they themselves, did
/// not arrive.
fn lost(trace: &Trace, repeats: &Repeats<'_>, out: &[Place<'_>], into: &[Place<'_>]) -> Vec<At> {
    let (Some(sent), Some(came)) = (repeats_at(repeats, out), repeats_at(repeats, into)) else {
        return Vec::new();
    };
    // Holes that were never filled: that capture misses frames itself.
    if sent.is_empty() || into.iter().any(|p| trace.vantage(p.leg).has_hole(p.link)) {
        return Vec::new();
    }
    let mut left: Vec<(u32, u32)> = came.iter().map(|(_, r)| (r.from, r.to)).collect();
    let mut lost = Vec::new();
    for (vantage, repeat) in sent {
        let at = At { vantage, mark: repeat.mark };
        let matched = left
            .iter()
            .position(|(from, to)| !seq_gt(*from, repeat.from) && seq_gt(*to, repeat.from));
        if let Some(matched) = matched {
            consume(&mut left, matched, repeat);
        } else if watched(trace, into, at, repeat) {
            lost.push(at);
        }
    }
    lost
}

/// Takes what a repeat covers out of what arrived again.
fn consume(left: &mut Vec<(u32, u32)>, at: usize, repeat: &Repeat) {
    let (from, to) = left.swap_remove(at);
    if seq_lt(from, repeat.from) {
        left.push((from, repeat.from));
    }
    if seq_gt(to, repeat.to) {
        left.push((repeat.to, to));
    }
}

/// Whether a vantage was there before the bytes were first sent and after they
/// were sent again, and saw them arrive in the end.
fn watched(trace: &Trace, into: &[Place<'_>], at: At, repeat: &Repeat) -> bool {
    into.iter().any(|p| {
        let vantage = trace.vantage(p.leg);
        let end = trace.end_of(vantage);
        seq_lt(p.flow.isn, repeat.from)
            && !seq_gt(repeat.to, p.flow.end_seq)
            && end.0.saturating_sub(trace.time(at).0) >= MARGIN_NS
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Mark;

    #[test]
    fn a_repeat_takes_its_bytes_out_of_what_arrived_again() {
        let repeat = |from, to| Repeat { link: 0, from, to, mark: Mark::NONE };
        let mut left = vec![(100, 400)];
        consume(&mut left, 0, &repeat(200, 300));
        left.sort_unstable();
        assert_eq!(left, [(100, 200), (300, 400)]);
        consume(&mut left, 0, &repeat(100, 200));
        assert_eq!(left, [(300, 400)]);
    }

    #[test]
    fn sequence_numbers_wrap() {
        let mut left = vec![(u32::MAX - 9, 10)];
        consume(&mut left, 0, &Repeat { link: 0, from: u32::MAX - 9, to: 5, mark: Mark::NONE });
        assert_eq!(left, [(5, 10)]);
    }
}

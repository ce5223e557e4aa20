//! Where a connection's frames leave one captured host, and where they are to reach the next.

use crate::correlate::Leg;
use crate::flow::{Flow, Link, VantageId};
use crate::topology::{HostId, Mode};
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeMap;

/// A connection with what its captured hosts show of its way.
pub(super) struct Walk<'a> {
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
    pub(super) fn new(trace: &'a Trace, id: ConnectionId) -> Self {
        let own = trace.legs(id).iter().find(|leg| trace.is_client_side(id, leg));
        let leg = own.or_else(|| upstream(trace, id));
        let start = leg
            .and_then(|leg| Some(Start { leg, host: trace.host_of(leg)?, passing: own.is_none() }));
        Self { trace, id, start }
    }

    /// Captured hosts that follow each other on the way.
    pub(super) fn neighbours(&self, forward: bool) -> Vec<[HostId; 2]> {
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
    pub(super) fn place(&self, host: HostId, forward: bool, leaves: bool) -> Vec<Place<'a>> {
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

/// A link of a connection's flow at a host.
pub(super) struct Place<'a> {
    pub(super) leg: &'a Leg,
    pub(super) flow: &'a Flow,
    pub(super) index: u32,
    pub(super) link: &'a Link,
}

/// The places of the vantage that shows most: two captures of one host show its frames
/// twice, and what left once must not count as left again.
pub(super) fn one_vantage(places: Vec<Place<'_>>) -> Vec<Place<'_>> {
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

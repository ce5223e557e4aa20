//! The hops of one packet, in path order.
//!
//! The same rules as for routes: the rewrite comes first, then the TTL, which
//! only falls, then the MACs, which chain. A hop seen from both of its ends is
//! one hop.

use super::cast::Cast;
use super::collect::Sighting;
use super::packet::Sent;
use crate::flow;
use crate::flow::VantageId;
use crate::topology::HostId;
use crate::wire::LinkHeader;

/// Hops of one packet; a loop has one for every TTL.
const MAX_HOPS: usize = 512;
/// Hops of one TTL that are put in order by their MACs.
const MAX_CHAIN: usize = 32;

/// A frame's way between two hosts, with everything that shows it.
#[derive(Debug, Clone)]
pub(super) struct Hop {
    /// Which of the connection's five-tuples it carried.
    pub tuple: u8,
    /// Who sent it.
    pub from: Option<HostId>,
    /// Who received it.
    pub to: Option<HostId>,
    /// Over lo.
    pub loopback: bool,
    /// TTL on the hop.
    pub ttl: u8,
    /// Its frames, the sender's first.
    pub sightings: Vec<usize>,
    links: Vec<(VantageId, LinkHeader)>,
}

pub(super) fn hops(cast: &Cast<'_>, packet: &Sent, sightings: &[Sighting]) -> Vec<Hop> {
    let mut hops: Vec<Hop> = Vec::new();
    for i in &packet.sightings {
        let s = &sightings[*i];
        let new = hop(cast, *i, s);
        match hops.iter().position(|old| old.is(&new) || old.is_across(&new, cast)) {
            Some(old) => hops[old].add(new, cast),
            None if hops.len() < MAX_HOPS => hops.push(new),
            None => {}
        }
    }
    let last = cast.tuples.len().saturating_sub(1);
    let rank = |hop: &Hop| {
        let tuple = usize::from(hop.tuple);
        if packet.forward { tuple } else { last.saturating_sub(tuple) }
    };
    let frame = |hop: &Hop| hop.sightings.first().map(|i| (sightings[*i].vantage, *i));
    // Where one is not known, none orders.
    let known = hops.iter().all(|hop| hop.ttl != 0);
    let ttl = |hop: &Hop| if known { hop.ttl } else { 0 };
    hops.sort_by(|a, b| {
        rank(a).cmp(&rank(b)).then(ttl(b).cmp(&ttl(a))).then_with(|| frame(a).cmp(&frame(b)))
    });
    for same in hops.chunk_by_mut(|a, b| a.tuple == b.tuple && (!known || a.ttl == b.ttl)) {
        chain(same);
    }
    // The sender's frame first.
    for hop in &mut hops {
        hop.sightings.sort_by_key(|i| (side(cast, &sightings[*i]), *i));
    }
    hops
}

/// 0 for the sender's frame, 2 for the receiver's.
fn side(cast: &Cast<'_>, s: &Sighting) -> u8 {
    let own = &cast.trace.vantages[s.vantage.index()].own;
    let hop = flow::Hop { link: s.link, ttl: s.ttl };
    match (own.sent(&hop), own.arrived(&hop)) {
        (Some(true), _) => 0,
        (_, Some(true)) => 2,
        _ => 1,
    }
}

fn hop(cast: &Cast<'_>, at: usize, s: &Sighting) -> Hop {
    let trace = cast.trace;
    let vantage = &trace.vantages[s.vantage.index()];
    let own = trace.host_of_vantage(s.vantage);
    let hop = flow::Hop { link: s.link, ttl: s.ttl };
    let loopback = s.link.is_loopback();
    let sent = vantage.own.sent(&hop) == Some(true);
    let arrived = vantage.own.arrived(&hop) == Some(true);
    // One MAC at both ends, as tools that write frames leave it, tells of neither.
    let told = loopback || s.link.src.is_none() || s.link.src != s.link.dst;
    let from = match (loopback, trace.host_by_mac(s.link.src)) {
        (true, _) => own,
        (false, Some(host)) => Some(host).filter(|_| told),
        (false, None) => own.filter(|_| sent && told),
    };
    let to = if loopback || arrived { own } else { trace.host_by_mac(s.link.dst) };
    let to = to.filter(|_| told);
    Hop {
        tuple: s.tuple,
        from,
        to,
        loopback,
        ttl: s.ttl,
        sightings: vec![at],
        links: vec![(s.vantage, s.link)],
    }
}

/// A host that is no next hop, such as the fabric of a cloud.
fn own(host: Option<HostId>, cast: &Cast<'_>) -> Option<HostId> {
    host.filter(|host| !cast.trace.topology.hosts.is_next_hop(*host))
}

impl Hop {
    /// Whether both are views of one hop.
    fn is(&self, new: &Self) -> bool {
        let ttl = self.ttl == new.ttl || self.ttl == 0 || new.ttl == 0;
        if self.tuple != new.tuple || !ttl || self.loopback != new.loopback {
            return false;
        }
        if new.links.iter().any(|link| self.links.contains(link)) {
            return true;
        }
        // A host that forwards shows one packet twice: those stay apart.
        let vantage = |hop: &Self| hop.links.first().map(|(v, _)| *v);
        let together = self.links.iter().any(|(v, _)| Some(*v) == vantage(new));
        if together && (self.from, self.to) != (new.from, new.to) {
            return false;
        }
        let fits = |x: Option<HostId>, y: Option<HostId>| x.is_none() || y.is_none() || x == y;
        fits(self.from, new.from)
            && fits(self.to, new.to)
            && (self.from.is_some() && self.from == new.from
                || self.to.is_some() && self.to == new.to)
    }

    /// Whether one is what a host sent, to whom its capture does not tell, and the other what came to a host from
    /// the fabric of a cloud, whose one MAC stands for all senders and which lowers no TTL.
    fn is_across(&self, new: &Self, cast: &Cast<'_>) -> bool {
        let apart = self.links.iter().all(|(v, _)| new.links.iter().all(|(w, _)| v != w));
        let ends = |a: &Self, b: &Self| {
            own(a.from, cast).is_some()
                && own(a.to, cast).is_none()
                && own(b.from, cast).is_none()
                && own(b.to, cast).is_some()
        };
        let alike = self.tuple == new.tuple && self.ttl == new.ttl && self.ttl != 0;
        alike && apart && !self.loopback && !new.loopback && (ends(self, new) || ends(new, self))
    }

    fn add(&mut self, new: Self, cast: &Cast<'_>) {
        self.from = own(self.from, cast).or(own(new.from, cast)).or(self.from).or(new.from);
        self.to = own(self.to, cast).or(own(new.to, cast)).or(self.to).or(new.to);
        self.sightings.extend(new.sightings);
        for link in new.links {
            if !self.links.contains(&link) {
                self.links.push(link);
            }
        }
    }
}

/// Where hosts do not lower the TTL, one hop's receiver is the next one's
/// sender.
fn chain(hops: &mut [Hop]) {
    let ordered = if hops.len() > MAX_CHAIN { 0 } else { hops.len() };
    for at in 0..ordered {
        let first = (at..hops.len()).find(|&i| {
            let from = hops[i].from;
            !(at..hops.len()).any(|j| j != i && from.is_some() && hops[j].to == from)
        });
        if let Some(first) = first {
            hops[at..=first].rotate_right(1);
        }
    }
}

//! Where a packet that broke should have come next: what connections that did well show, the MAC on the
//! frame, the address in the packet, and what its receiver says of itself.

use super::journey::{Journey, milestone};
use super::{Break, Fate, Manner, Packet, Passage, Sighting};
use crate::correlate::Leg;
use crate::flow::VantageId;
use crate::hashed::HashMap;
use crate::topology::{HostId, ServiceId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;

/// Connections that did well and are asked for the way that they took.
const PEERS: usize = 32;

/// What connections that did well show after each place, by the address that they went to there.
type NextPlaces = HashMap<((VantageId, Passage, u8), Option<Ip>), Option<Option<Sighting>>>;

/// Says of each break of silence whether the next capture would have shown the packet, by
/// what it shows of connections of the same service that did well.
pub(super) fn complete(trace: &Trace, fates: &[Fate], breaks: &mut [Break]) {
    for broken in breaks.iter_mut() {
        drop_own(trace, broken);
    }
    let mut wanted: HashMap<ServiceId, Vec<ConnectionId>> = breaks
        .iter()
        .filter(|b| b.manner == Manner::UnseenBeyond && b.last.is_some())
        .map(|b| (trace.service_of(b.connection), Vec::new()))
        .collect();
    if wanted.is_empty() {
        return;
    }
    for (id, _) in trace.iter().filter(|(id, _)| fates[id.0 as usize] == Fate::Well) {
        if let Some(peers) = wanted.get_mut(&trace.service_of(id))
            && peers.len() < PEERS
        {
            peers.push(id);
        }
    }
    let mut known: HashMap<(ServiceId, Packet), NextPlaces> = HashMap::default();
    for broken in breaks.iter_mut().filter(|b| b.manner == Manner::UnseenBeyond) {
        let Some(last) = broken.last else { continue };
        let service = trace.service_of(broken.connection);
        let next = known
            .entry((service, broken.packet))
            .or_insert_with(|| next_places(trace, &wanted[&service], broken.packet));
        let there = receiver(trace, broken.connection, broken.packet, &last);
        match next.get(&(last.place(), there)) {
            // They all were seen next at one host, which is not the one that lost it.
            Some(Some(Some(next))) if last.to.is_none_or(|to| next.host == Some(to)) => {
                broken.next = next.host;
                broken.manner = Manner::LostBetween;
            }
            _ => {
                let onward = last.to.or_else(|| addressee(trace, broken, &last));
                broken.next = onward.filter(|to| Some(*to) != last.host);
            }
        }
    }
}

/// What its receiver takes for its own, by what that host says of itself, goes no further.
fn drop_own(trace: &Trace, broken: &mut Break) {
    let silent = matches!(broken.manner, Manner::UnseenBeyond | Manner::Swallowed);
    let Some(last) = broken.last.filter(|_| silent && broken.packet.is_forward()) else { return };
    let there = if last.passage == Passage::In { last.host } else { last.to };
    let Some(there) = there.filter(|there| Some(*there) != last.from) else { return };
    let here = |leg: &&Leg| leg.vantage == last.at.vantage && leg.tuple == last.tuple;
    let Some(leg) = trace.legs(broken.connection).iter().find(here) else { return };
    let source = leg.of(&trace.vantages).key.ip(leg.client);
    if trace.has_address(there, source).is_some_and(|said| said.value) {
        broken.manner = Manner::OwnSource;
        broken.next = Some(there);
    }
}

/// The host that a packet is addressed to at a place, where a capture was taken on it.
fn addressee(trace: &Trace, broken: &Break, last: &Sighting) -> Option<HostId> {
    let here = |leg: &&Leg| leg.vantage == last.at.vantage && leg.tuple == last.tuple;
    let leg = trace.legs(broken.connection).iter().find(here)?;
    let receiver = if broken.packet.is_forward() { leg.client.other() } else { leg.client };
    let ip = leg.of(&trace.vantages).key.ips[receiver.index()];
    let hosts = &trace.topology.hosts;
    let owner = hosts.by_ip(ip).filter(|host| !hosts.get(*host).vantages.is_empty());
    owner.or_else(|| asker(trace, broken, last))
}

/// The captured host that sent what a packet answers, on the same five-tuple: the nearest one.
fn asker(trace: &Trace, broken: &Break, last: &Sighting) -> Option<HostId> {
    let legs = trace.legs(broken.connection).iter();
    let there = legs.filter(|leg| leg.tuple == last.tuple && leg.vantage != last.at.vantage);
    let sent = there.flat_map(|leg| {
        let own = &trace.vantage(leg).own;
        let flow = if broken.packet.is_forward() { trace.reply(leg) } else { trace.forward(leg) };
        let out = trace.path(leg, flow).filter(|(_, hop)| own.sent(hop) == Some(true));
        out.filter_map(move |(_, hop)| Some((hop.ttl, trace.host_of(leg)?)))
    });
    sent.min_by_key(|(ttl, _)| *ttl).map(|(_, host)| host)
}

/// The server's address to which a packet went at a place: of several servers each has its own way. `None`
/// of what goes to clients.
fn receiver(trace: &Trace, id: ConnectionId, packet: Packet, at: &Sighting) -> Option<Ip> {
    let here = |leg: &&Leg| leg.vantage == at.at.vantage && leg.tuple == at.tuple;
    let leg = trace.legs(id).iter().find(here).filter(|_| packet.is_forward())?;
    Some(leg.of(&trace.vantages).key.ip(leg.client.other()))
}

/// For each place at which peers' packet was seen: where all of them were seen next, if
/// that is one place.
fn next_places(trace: &Trace, peers: &[ConnectionId], packet: Packet) -> NextPlaces {
    let mut places: NextPlaces = HashMap::default();
    let what = milestone(packet);
    for id in peers {
        let journey = Journey::of(trace, *id, packet.is_forward(), what);
        for (i, here) in journey.0.iter().enumerate() {
            let next = journey.0.get(i + 1).copied();
            places
                .entry((here.place(), receiver(trace, *id, packet, here)))
                .and_modify(|known| {
                    let agrees = known
                        .is_some_and(|known| known.map(|k| k.place()) == next.map(|n| n.place()));
                    if !agrees {
                        *known = None;
                    }
                })
                .or_insert(Some(next));
        }
    }
    places
}

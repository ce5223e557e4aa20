//! Pairs that a proxy's log leaves one choice for: it names the client, often with its port, and the server
//! that was asked, and not the proxy's own port towards that. Of the connections to that server which
//! one vantage shows beside the client's, one alone was open while the client's was.
//!
//! Names no pair where two fit, or where one fits two clients: ports and times that come again leave
//! it open.

use super::pair::{Evidence, Pairs};
use crate::correlate::{Carried, Connection, Connections, Leg};
use crate::flow::{Observations, VantageId};
use crate::hashed::{HashMap, HashSet};
use crate::wire::Ip;

type End = (Ip, u16);

pub(super) fn tie(
    vantages: &[Observations],
    connections: &Connections,
    carried: &[Carried],
    pairs: &mut Pairs,
) {
    if carried.is_empty() {
        return;
    }
    let wanted: HashSet<End> = carried.iter().flat_map(|c| c.servers.iter().copied()).collect();
    let mut clients: HashMap<End, Vec<u32>> = HashMap::default();
    let mut hosts: HashMap<Ip, Vec<u32>> = HashMap::default();
    let mut servers: HashMap<End, Vec<u32>> = HashMap::default();
    for (index, c) in connections.list.iter().enumerate().filter(|(_, c)| c.protocol.is_tcp()) {
        let index = index as u32;
        clients.entry(c.front.client).or_default().push(index);
        hosts.entry(c.front.client.0).or_default().push(index);
        let server = c.back.unwrap_or(c.front).server;
        if wanted.contains(&server) {
            servers.entry(server).or_default().push(index);
        }
    }
    let fits = |front: u32, back: u32| beside(vantages, connections, front, back);
    let mut found: Vec<(u32, u32)> = Vec::new();
    for row in carried {
        let fronts = match row.client {
            (ip, Some(port)) => clients.get(&(ip, port)),
            (ip, None) => hosts.get(&ip),
        };
        let fronts = fronts.map_or(&[][..], Vec::as_slice);
        let free = |front: &&u32| !pairs.backends.contains_key(*front);
        // Backends that were opened beside a client's connection, of one server.
        let beside = |front: u32, server: &End| {
            let all = servers.get(server).map_or(&[][..], Vec::as_slice);
            let open = move |back: &&u32| **back != front && fits(front, **back);
            all.iter().filter(open).map(move |back| (front, *back))
        };
        match (fronts, row.client.1, row.time) {
            ([front], ..) if free(&front) => {
                for server in &row.servers {
                    let mut fit = beside(*front, server);
                    if let (Some(pair), None) = (fit.next(), fit.next()) {
                        found.push(pair);
                    }
                }
            }
            // Without its port: the only two that fit, of the client's connections of that second.
            ([_, _, ..], None, Some(time)) => {
                let open = |front: &&u32| is_open(vantages, connections, **front, time);
                let fronts = fronts.iter().filter(free).filter(open);
                let mut fit = fronts.flat_map(|f| row.servers.iter().flat_map(|s| beside(*f, s)));
                if let (Some(pair), None) = (fit.next(), fit.next()) {
                    found.push(pair);
                }
            }
            _ => {}
        }
    }
    found.sort_unstable();
    found.dedup();
    let mut fronts: HashMap<u32, u32> = HashMap::default();
    for (_, back) in &found {
        *fronts.entry(*back).or_default() += 1;
    }
    for (front, back) in found.into_iter().filter(|(_, back)| fronts[back] == 1) {
        if !pairs.clients.contains_key(&back) {
            pairs.add(front, back, Evidence::Log);
        }
    }
}

/// Whether a connection was open in a second or the next: a log counts whole seconds, and its clock
/// may be that of the event before.
fn is_open(vantages: &[Observations], connections: &Connections, index: u32, time: i64) -> bool {
    connections.legs(&connections.list[index as usize]).iter().any(|leg| {
        let stream = leg.of(vantages);
        let second = |at: crate::capture::Timestamp| at.0 / 1_000_000_000;
        second(stream.first().at()) <= time + 1 && second(stream.last().at()) >= time
    })
}

/// Whether one vantage shows both, the second opened while the first was open or open all along.
fn beside(vantages: &[Observations], connections: &Connections, front: u32, back: u32) -> bool {
    let of = |index: u32| -> &Connection { &connections.list[index as usize] };
    let (front, back) = (of(front), of(back));
    // The proxy calls the server in its own name.
    let own = back.front.client.0 != front.front.client.0;
    let span = |leg: &Leg| {
        let stream = leg.of(vantages);
        (leg.vantage, stream.first().at(), stream.last().at())
    };
    let spans = |c: &Connection| -> Vec<(VantageId, _, _)> {
        connections.legs(c).iter().map(span).collect()
    };
    let later = spans(back);
    own && spans(front).into_iter().any(|(vantage, from, to)| {
        later.iter().any(|(v, begin, end)| *v == vantage && *begin <= to && from <= *end)
    })
}

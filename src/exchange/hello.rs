//! TLS that a proxy passes through: the same ClientHello on both of its connections.
//!
//! A random is drawn anew for each hello, so that it ties connections of any vantages,
//! also where the proxy itself was not captured. Which of the two is the client's is
//! told by the proxy's addresses, by the order at one vantage, or by how long the answer
//! took: what the client waits holds what the proxy waits. Where none of these tells,
//! no tie is made.

use super::groups::Groups;
use super::pair::{Evidence, Pairs};
use crate::correlate::{Connections, Leg};
use crate::flow::{Mark, Observations};
use crate::wire::tls::Random;

/// Connections that one hello may have: proxies behind proxies. More is a tool that
/// sends one hello again and again.
const MAX_CHAIN: usize = 4;
/// How much longer the longer wait must be: stamps of frames are this exact,
/// nanoseconds, and two clocks run apart by one in a thousand at most.
const STAMP_NS: i64 = 20_000;
const DRIFT: i64 = 1000;

/// A hello of a connection at one vantage.
struct Said<'a> {
    random: Random,
    connection: u32,
    leg: &'a Leg,
    mark: Mark,
}

pub(super) fn tie(
    vantages: &[Observations],
    connections: &Connections,
    hosts: &Groups,
    pairs: &mut Pairs,
) {
    if vantages.iter().all(|v| v.side_tables.hellos().is_empty()) {
        return;
    }
    let mut said: Vec<Said<'_>> = Vec::new();
    for (i, connection) in connections.list.iter().enumerate() {
        // What was rewritten went through a layer-4 balancer, which the rest tells.
        if !connection.protocol.is_tcp() || connection.back.is_some() {
            continue;
        }
        for leg in connections.legs(connection) {
            let hellos = vantages[leg.vantage.index()].side_tables.hellos();
            if let Ok(at) = hellos.binary_search_by_key(&leg.stream, |hello| hello.stream) {
                let (random, mark) = (hellos[at].random, hellos[at].mark);
                said.push(Said { random, connection: i as u32, leg, mark });
            }
        }
    }
    said.sort_unstable_by_key(|s| (s.random, s.connection, s.leg.vantage));
    for same in said.chunk_by(|a, b| a.random == b.random) {
        let calls: Vec<&[Said<'_>]> = same.chunk_by(|a, b| a.connection == b.connection).collect();
        if !(2..=MAX_CHAIN).contains(&calls.len()) {
            continue;
        }
        let only = calls.len() == 2;
        for back in &calls {
            let leads = |front: &&&[Said<'_>]| {
                front[0].connection != back[0].connection
                    && leads(vantages, connections, hosts, front, back, only)
            };
            let mut fronts = calls.iter().filter(leads);
            if let (Some(front), None) = (fronts.next(), fronts.next()) {
                pairs.add(front[0].connection, back[0].connection, Evidence::ClientHello);
            }
        }
    }
}

/// Whether `front` leads to the host that `back` comes from.
fn leads(
    vantages: &[Observations],
    connections: &Connections,
    hosts: &Groups,
    front: &[Said<'_>],
    back: &[Said<'_>],
    only: bool,
) -> bool {
    if rewritten(vantages, front, back) || rewritten(vantages, back, front) {
        return false;
    }
    let of = |call: &[Said<'_>]| connections.list[call[0].connection as usize].front;
    let (f, b) = (of(front), of(back));
    let meet = hosts.host(f.server.0) == hosts.host(b.client.0);
    let turn = hosts.host(b.server.0) == hosts.host(f.client.0);
    match (meet, turn) {
        (true, false) => return true,
        (false, true) => return false,
        // A real server that calls the service is at both ends.
        (true, true) => {}
        (false, false) if f.server.0 == b.server.0 || !only => return false,
        (false, false) => {}
    }
    let at_one = |f: &Said<'_>| back.iter().find(|b| b.leg.vantage == f.leg.vantage);
    if let Some((f, b)) = front.iter().find_map(|f| Some((f, at_one(f)?))) {
        return f.mark.frame() < b.mark.frame();
    }
    let waits = |call: &[Said<'_>]| -> Vec<i64> {
        call.iter().filter_map(|said| waited(vantages, said)).collect()
    };
    match (waits(front).into_iter().min(), waits(back).into_iter().max()) {
        (Some(client), Some(proxy)) => client > proxy + proxy / DRIFT + STAMP_NS,
        _ => false,
    }
}

/// From the hello to the first bytes of the answer, nanoseconds.
fn waited(vantages: &[Observations], said: &Said<'_>) -> Option<i64> {
    let answer = said.leg.reply(vantages).data.get()?;
    Some(answer.since(said.mark)).filter(|ns| *ns > 0)
}

/// Whether one vantage shows that the host between opened `back` before it had accepted
/// `front`: a layer-4 balancer rewrote both ends, no proxy was there.
fn rewritten(vantages: &[Observations], front: &[Said<'_>], back: &[Said<'_>]) -> bool {
    front.iter().any(|f| {
        back.iter().filter(|b| b.leg.vantage == f.leg.vantage).any(|b| {
            let opened = [f.leg.forward(vantages).syn, b.leg.forward(vantages).syn];
            let accepted = f.leg.reply(vantages).syn;
            let seen = opened.iter().all(|m| m.is_set()) && accepted.is_set();
            seen && (opened[0].frame()..accepted.frame()).contains(&opened[1].frame())
        })
    })
}

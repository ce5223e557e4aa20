//! What lbdiag made of a generated world, held against the world's truth, connection by connection.

use super::truth::{ConnectionTruth, Truth};
use lbdiag::capture;
use lbdiag::correlate::{Connection, Outcome};
use lbdiag::topology::StatedRoles;
use lbdiag::trace::{ConnectionId, Trace};
use std::collections::HashMap;
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::atomic::AtomicU64;

/// Loads all captures of a world through the library.
pub fn load(truth: &Truth) -> Trace {
    let names: Vec<String> = truth.captures.iter().map(|c| c.path.display().to_string()).collect();
    let Ok(inputs) = capture::inputs(&names) else { panic!("no captures: {names:?}") };
    lbdiag::load::load(&inputs.inputs, &StatedRoles::default(), &AtomicU64::new(0)).trace
}

/// An endpoint as the standard library has it.
pub fn endpoint(end: (lbdiag::wire::Ip, u16)) -> SocketAddr {
    SocketAddr::new(end.0.addr(), end.1)
}

/// All that is not as the truth has it, a line each; none where every connection is right.
///
/// A connection must be there once, under its front five-tuple, with the right back five-tuple, real server, mode and
/// outcome, seen at all vantages that it passed, and nothing else may be there.
pub fn wrongs(truth: &Truth, trace: &Trace) -> Vec<String> {
    compare(truth, trace, true)
}

/// The same where captures are missing: a real server or a mode may be unknown, but not wrong.
pub fn claims(truth: &Truth, trace: &Trace) -> Vec<String> {
    compare(truth, trace, false)
}

fn compare(truth: &Truth, trace: &Trace, all: bool) -> Vec<String> {
    let world = &truth.world;
    let front_vip = world.front(0).1;
    // The truth's numbers, by endpoint: a five-tuple that comes again has several.
    let mut by_client: HashMap<SocketAddr, Vec<u32>> = HashMap::new();
    for (number, connection) in truth.connections.iter().enumerate() {
        let client = world.family.endpoint(connection.client);
        by_client.entry(client).or_default().push(number as u32);
    }
    let mut found = vec![0u8; truth.connections.len()];
    let mut wrong = Vec::new();
    for (id, connection) in trace.iter() {
        let client = endpoint(connection.front.client);
        let isn = opening(trace, id);
        let number = by_client.get(&client).and_then(|numbers| {
            numbers.iter().copied().find(|n| Some(truth.connections[*n as usize].isn) == isn)
        });
        let Some(number) = number.filter(|_| endpoint(connection.front.server) == front_vip) else {
            let (a, b) = (connection.front.client, connection.front.server);
            wrong.push(format!(
                "{} -> {} by {:?}, seen at {:?}, is no connection of the world",
                endpoint(a),
                endpoint(b),
                connection.tie,
                captures(trace, id)
            ));
            continue;
        };
        found[number as usize] = found[number as usize].saturating_add(1);
        let of = &truth.connections[number as usize];
        let faults = judge(truth, (number, of), trace, id, connection, all);
        wrong.extend(faults.into_iter().map(|what| format!("{number} ({client}): {what}")));
    }
    for (number, times) in found.iter().enumerate().filter(|(_, times)| **times != 1) {
        wrong.push(format!("{number}: there {times} times"));
    }
    wrong
}

/// The client's ISN on the front five-tuple.
pub fn opening(trace: &Trace, id: ConnectionId) -> Option<u32> {
    let of_front = |leg: &&lbdiag::correlate::Leg| leg.tuple == 0 && trace.forward(leg).opened();
    trace.legs(id).iter().find(of_front).map(|leg| trace.forward(leg).isn)
}

/// Labels of the captures that saw a connection.
pub fn captures(trace: &Trace, id: ConnectionId) -> Vec<&str> {
    let mut seen: Vec<&str> = trace
        .legs(id)
        .iter()
        .map(|leg| trace.captures[trace.vantage(leg).capture].label.as_str())
        .collect();
    seen.sort_unstable();
    seen.dedup();
    seen
}

/// The vantages that a connection must have been seen at, in the order of their names.
fn expected(truth: &Truth, server: u16) -> Vec<String> {
    let server = format!("rs{}", server + 1);
    let passed = |name: &str| !name.starts_with("rs") || name == server;
    let mut names: Vec<String> =
        truth.captures.iter().map(|c| c.name.clone()).filter(|name| passed(name)).collect();
    names.sort_unstable();
    names
}

fn judge(
    truth: &Truth,
    (number, of): (u32, &ConnectionTruth),
    trace: &Trace,
    id: ConnectionId,
    connection: &Connection,
    all: bool,
) -> Vec<String> {
    let world = &truth.world;
    let mut wrong = Vec::new();
    let back = Some(world.back(number)).filter(|back| *back != world.front(number));
    let told = connection.back.map(|tuple| (endpoint(tuple.client), endpoint(tuple.server)));
    if told != back {
        wrong.push(format!("back tuple {told:?} for {back:?}"));
    }
    let (seen, expected) = (captures(trace, id), expected(truth, of.real_server));
    if seen != expected {
        wrong.push(format!("seen at {seen:?} for {expected:?}"));
    }
    let real = SocketAddrV4::new(world.real_server(of.real_server), world.real_port());
    let real = world.family.endpoint(real);
    let server = trace.server(id);
    let told = server.and_then(|server| Some(endpoint((server.address?, server.port))));
    if told != Some(real) && (all || told.is_some()) {
        wrong.push(format!("real server {told:?} for {real}"));
    }
    if connection.outcome != Outcome::Completed {
        wrong.push(format!("outcome {:?}", connection.outcome));
    }
    let mode = trace.service(id).mode.name();
    if mode != world.mode.name() && (all || mode != "unknown") {
        wrong.push(format!("mode {mode} for {}", world.mode.name()));
    }
    wrong
}

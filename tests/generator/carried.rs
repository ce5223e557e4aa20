//! What lbdiag made of a generated proxy, held against the truth: both sides' connections, and who carried whose request.

use super::ties::{captures, endpoint, opening};
use super::truth::Truth;
use lbdiag::correlate::Outcome;
use lbdiag::trace::Trace;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, SocketAddrV4};

/// What was found of a proxy's world.
#[derive(Debug, Default)]
pub struct Verdict {
    /// All that is not as the truth has it; what is said to be unknown is not in it.
    pub wrong: Vec<String>,
    /// Pairs of a client's connection and a back-end connection that carried a request of it: known, and all there are.
    pub known: usize,
    /// All there are.
    pub pairs: usize,
}

/// Every connection of both sides must be there once, at its vantages, untied to any other; every pair that is claimed must
/// be true, and so must every real server.
pub fn judge(truth: &Truth, trace: &Trace) -> Verdict {
    let world = &truth.world;
    let mut verdict = Verdict::default();
    // By opener and ISN: the number of a client's connection, or the real server of a back-end connection.
    let mut fronts: BTreeMap<(SocketAddr, u32), u32> = BTreeMap::new();
    for (number, c) in truth.connections.iter().enumerate() {
        fronts.insert((world.family.endpoint(c.client), c.isn), number as u32);
    }
    let mut backs: BTreeMap<(SocketAddr, u32), u16> = BTreeMap::new();
    let mut carriers: BTreeMap<u32, BTreeSet<(SocketAddr, u32)>> = BTreeMap::new();
    for c in &truth.carried {
        let back = (world.family.endpoint(c.back), c.isn);
        backs.insert(back, c.real_server);
        carriers.entry(c.front).or_default().insert(back);
    }
    let mut left: BTreeSet<(SocketAddr, u32)> =
        fronts.keys().chain(backs.keys()).copied().collect();
    for (id, connection) in trace.iter() {
        let mut wrong = |what: String| {
            verdict.wrong.push(format!("{}: {what}", endpoint(connection.front.client)));
        };
        let key = (endpoint(connection.front.client), opening(trace, id).unwrap_or(0));
        if !left.remove(&key) {
            wrong("no connection of the world, or there twice".to_owned());
            continue;
        }
        if connection.back.is_some() || connection.outcome != Outcome::Completed {
            wrong(format!("{:?}, {:?}", connection.back, connection.outcome));
        }
        let mut passed = match fronts.get(&key) {
            Some(_) => vec!["client".to_owned(), "director".to_owned()],
            None => vec!["director".to_owned(), format!("rs{}", backs[&key] + 1)],
        };
        passed.retain(|name| truth.captures.iter().any(|c| c.name == *name));
        if captures(trace, id) != passed {
            wrong(format!("seen at {:?} for {passed:?}", captures(trace, id)));
        }
        let Some(number) = fronts.get(&key) else { continue };
        let carried = &carriers[number];
        verdict.pairs += carried.len();
        for back in trace.pairs.backends.get(&id.0).into_iter().flatten() {
            let back = lbdiag::trace::ConnectionId(*back);
            let end = endpoint(trace.connection(back).front.client);
            if carried.contains(&(end, opening(trace, back).unwrap_or(0))) {
                verdict.known += 1;
            } else {
                wrong(format!("paired with {end}, which carried no request of it"));
            }
        }
        let servers: BTreeSet<SocketAddr> = carried
            .iter()
            .map(|back| SocketAddrV4::new(world.real_server(backs[back]), world.real_port()))
            .map(|server| world.family.endpoint(server))
            .collect();
        for server in trace.servers(id) {
            let told = server.address.map(|ip| endpoint((ip, server.port)));
            if !told.is_some_and(|told| servers.contains(&told)) {
                wrong(format!("real server {told:?} for {servers:?}"));
            }
        }
    }
    verdict.wrong.extend(left.into_iter().map(|(end, _)| format!("{end}: not there")));
    verdict
}

//! RST,ACK with sequence 0 and acknowledgment SYN + 1.

use super::super::facts::address::disputes::disputed;
use super::super::facts::proxy::attempts::Attempt;
use super::super::{Facts, Proof, Sighting, Wording};
use super::worded;
use crate::breaks::Fate;
use crate::correlate::{Leg, Outcome};
use crate::flow::{Reset, VantageId};
use crate::trace::{ConnectionId, Trace};
use crate::wire::Ip;
use std::collections::{BTreeMap, BTreeSet};

pub(in crate::diagnose) fn sightings(facts: &Facts) -> Vec<Sighting> {
    facts
        .requests()
        .filter(|(id, c)| c.outcome == Outcome::Refused || behind(facts, *id).is_some())
        .map(|(id, _)| Sighting::of(id, true))
        .collect()
}

/// The refused connection that a proxy tried for a client's.
fn behind(trace: &Trace, id: ConnectionId) -> Option<ConnectionId> {
    Attempt::Refused.of(trace, id).next()
}

/// Legs that show the refusal, the real server's own first.
pub(in crate::diagnose) fn legs(trace: &Trace, id: ConnectionId) -> Vec<&Leg> {
    let mut legs: Vec<&Leg> =
        trace.legs(id).iter().filter(|leg| trace.reply(leg).reset == Reset::Refused).collect();
    let server = trace.server(id).and_then(|s| s.host);
    legs.sort_by_key(|leg| {
        (server.is_none() || trace.host_of(leg) != server, std::cmp::Reverse(leg.tuple))
    });
    legs
}

pub(in crate::diagnose) fn proofs(facts: &Facts, sighting: &Sighting) -> Vec<Proof> {
    let shown = sighting.connection.map(|id| behind(facts, id).unwrap_or(id));
    let Some(leg) = shown.and_then(|id| legs(facts, id).first().copied()) else {
        return Vec::new();
    };
    [
        facts.proof(leg, facts.forward(leg).syn, "the SYN"),
        facts.proof(leg, facts.reply(leg).rst, "a RST,ACK refuses it"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(in crate::diagnose) fn word(facts: &Facts, sightings: &[Sighting]) -> Wording {
    worded(
        facts,
        sightings,
        "SYNs are refused",
        format!(
            "the SYN is answered with RST,ACK.{}{}",
            by_another(facts, sightings),
            by_other_family(facts, sightings)
        ),
    )
}

/// That the clients were served by the other family of addresses.
fn by_other_family(facts: &Facts, sightings: &[Sighting]) -> &'static str {
    let served = |id| facts.breaks.fate(id) == Fate::Suffered;
    let ids = || sightings.iter().filter_map(|s| s.connection);
    if ids().next().is_none() || !ids().all(served) {
        return "";
    }
    let v4 = |id: ConnectionId| facts.connection(id).front.server.0.is_v4();
    if ids().any(v4) {
        " Its client goes on by the other family of addresses at once, and is let in there: the name that it calls has addresses of both, and is served by one."
    } else {
        " Its client goes on by IPv4 at once, and is let in there: the name that it calls has an IPv6 address, too, on which nobody listens, or a rule refuses. Serve it by both, or take the IPv6 address from the name."
    }
}

/// That another device refuses in the server's name, where its TTL is none that the same address has in
/// what it accepts at the same vantage: the same for all, on either side.
fn by_another(facts: &Facts, sightings: &[Sighting]) -> String {
    let ttl = |leg: &Leg| facts.vantage(leg).first_hop(facts.reply(leg))?.known_ttl();
    let mut refused: BTreeMap<(Ip, VantageId), BTreeSet<u8>> = BTreeMap::new();
    for id in sightings.iter().filter_map(|s| s.connection) {
        // Without a TTL nothing of them is said.
        let Some(leg) = legs(facts, id).first().copied() else { return String::new() };
        let Some(ttl) = ttl(leg) else { return String::new() };
        let server = facts.connection(id).front.server.0;
        refused.entry((server, leg.vantage)).or_default().insert(ttl);
    }
    let mut accepted: BTreeMap<(Ip, VantageId), BTreeSet<u8>> = BTreeMap::new();
    let servers: BTreeSet<Ip> = refused.keys().map(|(server, _)| *server).collect();
    let to = |server: Ip| facts.connections_to_address(server).map(move |(id, c)| (server, id, c));
    for (server, id, c) in servers.into_iter().flat_map(to) {
        if !c.progress.established {
            continue;
        }
        let meant =
            facts.legs(id).iter().filter(|leg| refused.contains_key(&(server, leg.vantage)));
        for leg in meant.filter(|leg| facts.reply(leg).accepted()) {
            if let Some(ttl) = ttl(leg) {
                accepted.entry((server, leg.vantage)).or_default().insert(ttl);
            }
        }
    }
    let one = |set: &BTreeSet<u8>| set.first().copied().filter(|_| set.len() == 1);
    let pairs: Option<BTreeSet<(u8, u8)>> =
        refused.iter().map(|(at, ttls)| Some((one(ttls)?, one(accepted.get(at)?)?))).collect();
    match pairs.as_ref().and_then(|pairs| pairs.first().filter(|_| pairs.len() == 1)) {
        Some((refusal, answer)) if refusal != answer => {
            let who = if refused.keys().any(|(ip, _)| disputed(facts, *ip).is_some()) {
                "they come from another of the hosts that claim it by ARP"
            } else {
                "another device refuses in its name, such as a firewall on the way"
            };
            format!(
                " The refusals have TTL {refusal}, what the same address accepts has TTL {answer}: {who}."
            )
        }
        _ => String::new(),
    }
}

pub(in crate::diagnose) fn blind(facts: &Facts) -> Option<String> {
    super::syn_unanswered::blind(facts)
}

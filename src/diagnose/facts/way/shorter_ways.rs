//! ICMP redirects by which a director tells a real server that a client is a neighbour of it (RFC 792, RFC
//! 1812, section 5.2.7.2), and connections of the two that end answerless from then on.
//!
//! A kernel sends them for what it takes in and out by one interface, if it is not told not to. A server that
//! heeds one answers the client past the director, and nobody translates that back.

use crate::breaks::Fate;
use crate::diagnose::Facts;
use crate::diagnose::finding::Proof;
use crate::flow::{IcmpError, IcmpErrorKind, VantageId};
use crate::hashed::{HashMap, HashSet};
use crate::topology::{HostId, Mode, ServiceId};
use crate::trace::{At, ConnectionId};
use crate::wire::Ip;
use std::collections::BTreeMap;

/// What a director told a real server of a client.
#[derive(Debug)]
pub(in crate::diagnose) struct ShorterWay {
    /// The service.
    pub service: ServiceId,
    /// Who was told.
    pub server: Ip,
    /// Of whom.
    pub client: Ip,
    /// Who told it.
    pub director: Ip,
    /// The last redirect before the first connection that fails.
    pub told: At,
    /// How often.
    pub times: usize,
    /// A connection that was answered by way of the director before.
    pub before: ConnectionId,
    /// Connections that fail since.
    pub since: Vec<ConnectionId>,
}

/// A redirect, and where it was seen.
type Told<'a> = (VantageId, &'a IcmpError);

/// All of them.
pub(in crate::diagnose) fn shorter_ways(facts: &Facts) -> Vec<ShorterWay> {
    let mut by_pair: BTreeMap<(Ip, Ip), Vec<Told<'_>>> = BTreeMap::new();
    for (v, vantage) in VantageId::each(&facts.vantages) {
        let redirects = vantage.errors.iter().filter(|e| e.kind == IcmpErrorKind::Redirect);
        // It is told of a packet of its own.
        for error in redirects.filter(|e| e.dst == e.quote.src) {
            by_pair.entry((error.dst, error.quote.dst)).or_default().push((v, error));
        }
    }
    if by_pair.is_empty() {
        return Vec::new();
    }
    let directed = directed(facts);
    // Who is sought in vain is gone.
    let gone: HashSet<Ip> = facts.unanswered().iter().map(|(_, ask)| ask.target).collect();
    let here = by_pair.into_iter().filter(|((server, _), _)| !gone.contains(server));
    let ways = here.filter_map(|((server, client), told)| {
        let of = |(v, error): &Told<'_>| {
            let hop = &facts.vantages[v.index()].hops[error.hop.index()];
            directed.get(&(facts.host_by_mac(hop.link.src)?, server)).copied()
        };
        way(facts, told.iter().find_map(of)?, (server, client), &told)
    });
    ways.collect()
}

/// Services by a director of theirs and a real server to which it translates.
fn directed(facts: &Facts) -> HashMap<(HostId, Ip), ServiceId> {
    let mut found = HashMap::default();
    let all = facts.topology.services.iter().enumerate();
    for (at, s) in all.filter(|(_, s)| s.mode == Mode::Nat) {
        for director in &s.directors {
            for server in s.real_servers.iter().filter_map(|r| r.address) {
                found.entry((director.host, server)).or_insert(ServiceId(at as u32));
            }
        }
    }
    found
}

fn way(
    facts: &Facts,
    service: ServiceId,
    (server, client): (Ip, Ip),
    told: &[Told<'_>],
) -> Option<ShorterWay> {
    let v = told.first()?.0;
    let of_pair = facts.requests_from(client).filter(|(id, c)| {
        facts.service_of(*id) == service && c.back.is_some_and(|back| back.server.0 == server)
    });
    let mut seen: Vec<(u32, ConnectionId)> = of_pair
        .filter_map(|(id, _)| {
            let leg = facts.legs(id).iter().find(|leg| leg.vantage == v)?;
            Some((facts.forward(leg).first.frame(), id))
        })
        .collect();
    seen.sort_unstable();
    let silent = |id: ConnectionId| {
        facts.breaks.fate(id) == Fate::Failed && !facts.connection(id).progress.answered
    };
    let first = seen.iter().position(|(_, id)| silent(*id))?;
    let (before, since) = seen.split_at(first);
    let before = before
        .iter()
        .rev()
        .map(|(_, id)| *id)
        .find(|id| facts.connection(*id).progress.answered)?;
    let (begun, _) = *since.first()?;
    let earlier = told.iter().filter(|(w, e)| *w == v && e.mark.frame() < begun);
    let last = earlier.max_by_key(|(_, e)| e.mark.frame())?;
    if since.iter().any(|(_, id)| !silent(*id)) {
        return None;
    }
    Some(ShorterWay {
        service,
        server,
        client,
        director: last.1.src,
        told: At { vantage: v, mark: last.1.mark },
        times: told.len(),
        before,
        since: since.iter().map(|(_, id)| *id).collect(),
    })
}

/// Frames that show it.
pub(in crate::diagnose) fn proofs(facts: &Facts, way: &ShorterWay) -> Vec<Proof> {
    let at = |id: ConnectionId, answer: bool| {
        let leg = facts.legs(id).iter().find(|leg| leg.vantage == way.told.vantage)?;
        let flow = if answer { facts.reply(leg) } else { facts.forward(leg) };
        Some((leg, flow.first))
    };
    let mut proofs = Vec::new();
    proofs.extend(at(way.before, true).and_then(|(leg, mark)| {
        facts.proof(leg, mark, format!("an answer of {} comes by here", way.server))
    }));
    proofs.push(Proof::at(
        way.told,
        format!("redirect: {} is told that {} is on its own link", way.server, way.client),
    ));
    proofs.extend(way.since.first().and_then(|id| at(*id, false)).and_then(|(leg, mark)| {
        facts.proof(leg, mark, "the first SYN since to which no answer comes by here")
    }));
    proofs
}

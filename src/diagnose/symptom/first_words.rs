//! Connections that are reset upon their clients' first words, each of them.

use super::connections;
use crate::correlate::Leg;
use crate::diagnose::facts::proxy::prefaces::preface;
use crate::diagnose::thresholds::NO_COINCIDENCE;
use crate::diagnose::words::count;
use crate::diagnose::{Facts, Sighting};
use crate::topology::ServiceId;
use crate::trace::{ConnectionId, Trace};
use std::collections::BTreeSet;

/// Who turns words down does so at once, nanoseconds, beside the way there and back. Judgement: it has read them and
/// asks nobody else.
const AT_ONCE_NS: i64 = 200_000_000;
/// Resets of one timer come after times that differ by less, nanoseconds: what a loop looks at each tenth of a second.
const ALIKE_NS: i64 = 100_000_000;
/// Connections that show it: one may have met anything.
const SEVERAL: usize = 2;

/// What a client began with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ProxyHeader,
    Http,
    Tls,
    Other,
}

/// What is so of all these resets: the server's side had acknowledged the first words, said none itself, and
/// reset at once, from a socket that it still had.
pub(super) fn told(facts: &Facts, sightings: &[Sighting]) -> Option<String> {
    let all: Vec<ConnectionId> = connections(sightings).collect();
    let at_once = |id: &ConnectionId| {
        facts.legs(*id).iter().any(|leg| {
            let (there, back) = (facts.forward(leg), facts.reply(leg));
            let way = back.syn.since(there.syn).max(0);
            after_words(facts, leg).is_some_and(|ns| ns < AT_ONCE_NS + way)
        })
    };
    if all.len() < SEVERAL || !all.iter().all(at_once) {
        return None;
    }
    // Words that another client said there were heard.
    let heard = answered(facts, sightings).next().is_some();
    let alone =
        if heard { "; others are answered there" } else { ", and nobody is answered there" };
    let protocol = if begin_alike(facts, sightings) {
        ", some of them in the same protocol. So it is"
    } else {
        ". So it is where the protocol is not the one that it expects (plain where TLS is due, or the reverse; a PROXY header that is missing),"
    };
    Some(format!(
        "{} reset at once upon the client's first words, which the server's side had acknowledged: whoever listens there read them and turned them down, a program or a proxy before it{alone}{protocol} where no listener takes the server name or the ALPN of a ClientHello, and where a neighbour or client is not configured.",
        count(all.len(), "connection") + if all.len() == 1 { " was" } else { " were" }
    ))
}

/// That each of several was reset after the same time, which is too long for a refusal.
pub(super) fn timed(facts: &Facts, sightings: &[Sighting]) -> Option<String> {
    let waited = |id| facts.legs(id).iter().find_map(|leg| after_words(facts, leg));
    let all: Option<Vec<i64>> = connections(sightings).map(waited).collect();
    let all = all.filter(|all| all.len() >= NO_COINCIDENCE)?;
    let (least, most) = (*all.iter().min()?, *all.iter().max()?);
    let alike = least >= AT_ONCE_NS && most - least < ALIKE_NS;
    alike.then(|| {
        format!(
            ", each {:.1} s after its first words, which had been acknowledged: so ends what has a limit for an answer, the server's program, a proxy before it, or whoever stands between",
            most as f64 / 1e9
        )
    })
}

/// Whether somebody who does not begin with a PROXY header is answered there: it is not required.
pub(super) fn needs_no_header(facts: &Facts, sightings: &[Sighting]) -> bool {
    answered(facts, sightings).any(|id| kind(facts, id) != Kind::ProxyHeader)
}

/// Whether all of these begin in one protocol, in which others are answered there.
fn begin_alike(facts: &Facts, sightings: &[Sighting]) -> bool {
    let mut kinds = connections(sightings).map(|id| kind(facts, id));
    let Some(first) = kinds.next().filter(|kind| *kind != Kind::Other) else { return false };
    kinds.all(|kind| kind == first) && answered(facts, sightings).any(|id| kind(facts, id) == first)
}

/// Requests to the same services that are answered.
fn answered<'a>(
    facts: &'a Facts<'_>,
    sightings: &[Sighting],
) -> impl Iterator<Item = ConnectionId> + 'a {
    let services: BTreeSet<ServiceId> =
        connections(sightings).map(|id| facts.service_of(id)).collect();
    services.into_iter().flat_map(|service| {
        let heard = facts.requests_to(service);
        // What a host says to itself comes from behind whoever turns others down.
        let own = |c: &crate::correlate::Connection| {
            let client = c.front.client.0;
            client.is_loopback() || client == c.front.server.0
        };
        heard
            .filter(move |(_, c)| c.progress.request && c.progress.response && !own(c))
            .map(|(id, _)| id)
    })
}

fn kind(trace: &Trace, id: ConnectionId) -> Kind {
    let legs = trace.legs(id);
    if legs.iter().any(|leg| preface(trace, leg).is_some()) {
        return Kind::ProxyHeader;
    }
    let first = |leg: &Leg| trace.vantage(leg).side_tables.first_request(leg.stream);
    match legs.iter().find_map(first) {
        Some(request) if request.tls.is_some() => Kind::Tls,
        Some(request) if !request.method.is_empty() => Kind::Http,
        _ => Kind::Other,
    }
}

/// How long after the client's first words a server reset a connection, nanoseconds, which had acknowledged them and
/// said nothing.
fn after_words(trace: &Trace, leg: &Leg) -> Option<i64> {
    let (there, back) = (trace.forward(leg), trace.reply(leg));
    let end = there.isn.wrapping_add(1).wrapping_add(there.payload as u32);
    let shows = back.accepted()
        && there.opened()
        && there.payload > 0
        && back.payload == 0
        && !back.fin.is_set()
        && !there.fin.is_set()
        && !there.rst.is_set()
        && there.retransmissions == 0
        && back.max_ack == end
        && back.rst.is_set();
    shows.then(|| back.rst.since(there.data)).filter(|ns| *ns >= 0)
}

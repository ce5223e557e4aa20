//! A server that refuses connections and accepts others: before them alone, between them, or before and after them.

use crate::capture::Timestamp;
use crate::correlate::Outcome;
use crate::diagnose::facts::index::Indexed;
use crate::topology::{HostId, ServiceId};
use crate::trace::{At, ConnectionId};
use crate::wire::Ip;

/// Whose answers are looked at, of those that answer for a service.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnose) enum Listener {
    /// The real server with this address.
    Address(Ip),
    /// The host that answers for the service itself.
    Host(HostId),
}

/// An answer with which a server accepted a connection after the first that it refused and before the last.
pub(in crate::diagnose) fn accepts_between(
    facts: &Indexed<'_>,
    service: ServiceId,
    server: Listener,
    refused: &[ConnectionId],
) -> Option<At> {
    let (first, last) = span(facts, server, refused)?;
    let between = |at: &At| (facts.time(*at) > first) && (facts.time(*at) < last);
    acceptances(facts, service, server).find(between)
}

/// When a server was last known to accept a connection, where that was before all that it refused: its answer there.
pub(in crate::diagnose) fn accepted_before(
    facts: &Indexed<'_>,
    service: ServiceId,
    server: Listener,
    refused: &[ConnectionId],
) -> Option<At> {
    let (first, _) = span(facts, server, refused)?;
    let last = acceptances(facts, service, server).max_by_key(|at| facts.time(*at))?;
    (facts.time(last) <= first).then_some(last)
}

/// The last answer with which a server accepted a connection before those that it refused, and the first after them,
/// where it accepted none between and refused several.
pub(in crate::diagnose) fn paused(
    facts: &Indexed<'_>,
    service: ServiceId,
    server: Listener,
    refused: &[ConnectionId],
) -> Option<(At, At)> {
    let (first, last) = span(facts, server, refused).filter(|(first, last)| first < last)?;
    let (mut before, mut after): (Option<At>, Option<At>) = (None, None);
    for at in acceptances(facts, service, server) {
        let time = facts.time(at);
        if time <= first {
            before = before.filter(|known| facts.time(*known) >= time).or(Some(at));
        } else if time >= last {
            after = after.filter(|known| facts.time(*known) <= time).or(Some(at));
        } else {
            return None;
        }
    }
    Some((before?, after?))
}

/// When the first and the last of those of these connections began that a server refused.
fn span(
    facts: &Indexed<'_>,
    server: Listener,
    refused: &[ConnectionId],
) -> Option<(Timestamp, Timestamp)> {
    let times = || {
        let own = refused.iter().copied().filter(|id| is_of(facts, server, *id));
        own.filter_map(|id| facts.start(id)).map(|at| facts.time(at))
    };
    Some((times().min()?, times().max()?))
}

/// The answers with which a server of a service accepted connections.
fn acceptances(
    facts: &Indexed<'_>,
    service: ServiceId,
    server: Listener,
) -> impl Iterator<Item = At> {
    let own = facts.requests_to(service).filter(move |(id, _)| is_of(facts, server, *id));
    let accepted = own.filter(|(_, c)| c.outcome != Outcome::Refused && c.progress.answered);
    accepted.filter_map(|(id, _)| {
        let leg = facts.legs(id).iter().find(|leg| facts.reply(leg).accepted())?;
        Some(facts.at(leg, facts.reply(leg).syn))
    })
}

fn is_of(facts: &Indexed<'_>, server: Listener, id: ConnectionId) -> bool {
    let who = facts.server(id);
    match server {
        Listener::Address(ip) => who.and_then(|s| s.address) == Some(ip),
        Listener::Host(host) => who.and_then(|s| s.host) == Some(host),
    }
}

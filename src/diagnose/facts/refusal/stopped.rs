//! A server that accepted connections and refuses them from one moment on, or accepts others between.

use crate::capture::Timestamp;
use crate::correlate::Outcome;
use crate::diagnose::facts::index::Indexed;
use crate::topology::ServiceId;
use crate::trace::{At, ConnectionId};
use crate::wire::Ip;

/// An answer with which a real server of a service accepted a connection after the first that it refused
/// and before the last.
pub(in crate::diagnose) fn accepts_between(
    facts: &Indexed<'_>,
    service: ServiceId,
    server: Ip,
    refused: &[ConnectionId],
) -> Option<At> {
    let times = || tries(facts, server, refused);
    let (first, last) = (times().min()?, times().max()?);
    let between = |at: &At| (facts.time(*at) > first) && (facts.time(*at) < last);
    acceptances(facts, service, server).find(between)
}

/// When a real server of a service was last known to accept a connection, where that was before
/// all that it refused: its answer there.
pub(in crate::diagnose) fn accepted_before(
    facts: &Indexed<'_>,
    service: ServiceId,
    server: Ip,
    refused: &[ConnectionId],
) -> Option<At> {
    let first = tries(facts, server, refused).min()?;
    let last = acceptances(facts, service, server).max_by_key(|at| facts.time(*at))?;
    (facts.time(last) <= first).then_some(last)
}

/// When those of these connections began that a server refused.
fn tries(
    facts: &Indexed<'_>,
    server: Ip,
    refused: &[ConnectionId],
) -> impl Iterator<Item = Timestamp> {
    let own = refused.iter().copied().filter(move |id| is_of(facts, server, *id));
    own.filter_map(|id| facts.start(id)).map(|at| facts.time(at))
}

/// The answers with which a real server of a service accepted connections.
fn acceptances(facts: &Indexed<'_>, service: ServiceId, server: Ip) -> impl Iterator<Item = At> {
    let own = facts.requests_to(service).filter(move |(id, _)| is_of(facts, server, *id));
    let accepted = own.filter(|(_, c)| c.outcome != Outcome::Refused && c.progress.answered);
    accepted.filter_map(|(id, _)| {
        let leg = facts.legs(id).iter().find(|leg| facts.reply(leg).accepted())?;
        Some(facts.at(leg, facts.reply(leg).syn))
    })
}

fn is_of(facts: &Indexed<'_>, server: Ip, id: ConnectionId) -> bool {
    facts.server(id).and_then(|s| s.address) == Some(server)
}
